"""``goalstate doctor``: what is well and what is not on this machine, and what to do about it.

Knows how findings are shown and the exit code. Knows nothing about what is looked at.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import click


@click.command()
@click.option(
    "--model",
    metavar="MODEL",
    type=click.Path(path_type=Path),
    help="A GGUF file to try in place of goalstate's own.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for machines.")
@click.pass_context
def doctor(context: click.Context, model: Path | None, as_json: bool) -> None:
    """Check CPU, memory, llama.cpp, the model and a real decode; say what to do about what is wrong.

    Exit code 0 when all is well, 1 when something is wrong.
    """
    from tracker.doctor import Verdict, examine

    marks = {
        Verdict.OK: click.style("ok     ", fg="green"),
        Verdict.WARNING: click.style("warning", fg="yellow"),
        Verdict.PROBLEM: click.style("problem", fg="red", bold=True),
    }
    seen: Counter[Verdict] = Counter()
    for finding in examine(model):
        seen[finding.verdict] += 1
        if as_json:
            parts = {"subject": finding.subject, "verdict": finding.verdict, "detail": finding.detail}
            click.echo(json.dumps(parts | ({"advice": finding.advice} if finding.advice else {})))
            continue
        click.echo(f"{marks[finding.verdict]}  {finding.subject:<10}  {finding.detail}")
        if finding.advice:
            click.echo(f"{'':<21}→ {finding.advice}")
    problems, warnings = seen[Verdict.PROBLEM], seen[Verdict.WARNING]
    if not as_json:
        outcome = "All is well." if not warnings else f"It works; warnings: {warnings}."
        click.echo(f"\n{outcome}" if not problems else f"\nSomething is wrong; problems: {problems}.")
    context.exit(1 if problems else 0)
