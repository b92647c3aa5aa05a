"""``goalstate agree``: how far judges, trackers and people agree.

Knows the command's options and the order in which things are shown. Knows nothing about files and figures;
they are ``tracker.ratings`` and ``tracker.comparison``.
"""

from __future__ import annotations

import json
from pathlib import Path

import click

from tracker.errors import InputError


@click.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--reference",
    metavar="JUDGE",
    type=click.Path(path_type=Path),
    help="Compare every FILE with this one, not with each other; two FILEs get a paired test.",
)
@click.option(
    "--disagreements",
    type=click.IntRange(min=0),
    default=10,
    show_default=True,
    metavar="N",
    help="Show the N worst of every two raters.",
)
@click.option("--json", "as_json", is_flag=True, help="Write one JSON object with everything, for machines.")
@click.option("--resamples", type=click.IntRange(min=1), default=1000, show_default=True, metavar="N")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, metavar="N")
def agree(
    files: tuple[Path, ...],
    reference: Path | None,
    disagreements: int,
    as_json: bool,
    resamples: int,
    seed: int,
) -> None:
    """Compare raters: judges, trackers and people, by the files of each.

    A FILE is a native file with labels, what `goalstate track --output` wrote, a filled-in sheet of
    `goalstate annotate`, or any CSV or JSONL with conversation, turn, component and status. Conversations and
    components are matched by their ids.

    Shown are per category, after every turn and after the last: accuracy, macro-F1 and Cohen's kappa with 95%
    intervals; per status, how often the raters agree on it and on its turn; and the disagreements, worst
    first. Of three raters or more, Krippendorff's alpha.
    """
    if len(files) + (reference is not None) < 2:
        raise InputError("expected two files or more, or one and --reference: agreement takes two")
    from tracker.comparison import all_pairs, alpha, compare, paired_test
    from tracker.ratings import read_ratings

    ratings = read_ratings([*([] if reference is None else [reference]), *files])
    first, *others = ratings.raters
    together = paired = None
    if reference is None:
        comparisons = all_pairs(ratings, random_state=seed, resamples=resamples)
        if len(ratings.raters) > 2:
            together = alpha(ratings.raters, random_state=seed, resamples=resamples)
    else:
        comparisons = [
            compare(ratings, first, other, random_state=seed, resamples=resamples) for other in others
        ]
        if len(others) == 2:
            paired = paired_test(first, *others, random_state=seed, resamples=resamples)
    if as_json:
        result = {
            "raters": [
                {"name": rater.name, "file": str(rater.path), "conversations": len(rater.conversations)}
                for rater in ratings.raters
            ],
            "pairs": [comparison.as_json(disagreements) for comparison in comparisons],
            "alpha": None if together is None else together.as_json(),
            "paired_test": None if paired is None else paired.as_json(),
            "resamples": resamples,
            "random_state": seed,
        }
        click.echo(json.dumps(result, indent=2))
        return
    from rich.console import Console

    from tracker.comparison_tables import AlphaTable, ComparisonTables, PairedTable, legend

    console = Console(highlight=False)
    if together is not None:
        console.print(AlphaTable(together, len(ratings.raters)))
        console.print()
    for comparison in comparisons:
        console.print(ComparisonTables(comparison, disagreements))
        console.print()
    if paired is not None:
        console.print(PairedTable(paired))
        console.print()
    most = max(comparison.conversations for comparison in comparisons)
    console.print(legend(most, ascii_only=console.options.ascii_only))
