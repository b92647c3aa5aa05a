"""The picture of a run: loss, agreement on validation and speed, from its log.

Knows the rows that ``training.sft`` writes, and nothing else.
"""

from __future__ import annotations

import json
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt


def draw(log: Path, picture: Path) -> None:
    """Draw the log of a run (JSONL) as a PNG."""
    rows = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    losses = [(row["passes"], row["loss"]) for row in rows if "loss" in row]
    checks = [(row["passes"], row["validation"]) for row in rows if "validation" in row]
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
    left.plot(*zip(*losses, strict=True), linewidth=1)
    left.set(xlabel="passes", ylabel="loss (mean of 20 passes)", title="training")
    for category in checks[0][1] if checks else ():
        width = 2.5 if category == "average" else 1
        right.plot(
            [p for p, _ in checks], [v[category]["kappa"] for _, v in checks], label=category, linewidth=width
        )
    right.set(xlabel="passes", ylabel="Cohen's kappa", title="validation (uncalibrated)")
    if checks:
        right.legend(fontsize=8)
    figure.savefig(picture, dpi=110)
    plt.close(figure)
