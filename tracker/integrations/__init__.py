"""Thin adapters for other people's evaluation tools, each in a module of its own and behind an extra.

Nothing else in goalstate imports them, so that a tool is needed only by whoever uses it.
"""
