"""The learned split of a goal's text: pieces, features, the model that groups them, and their wording.

``tracker.decomposition`` is its door.
"""
