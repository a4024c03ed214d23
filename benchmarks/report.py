"""The table that a reader sees and the JSON that a script reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from figures import Goal, Of, Row

VERDICTS = {True: "yes", False: "no", None: "-"}


def _number(value: float) -> str:
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _value_cell(row: Row, label: str) -> str:
    if row.failure:
        return "failed"
    return f"{_number(row.samples.median(label))} {row.figure.unit}"


def _ratio_cell(row: Row, labels: list[str]) -> str:
    if row.failure or len(labels) < 2:
        return "-"
    rounds = row.samples.round_ratios(labels[0], labels[-1])
    ratio = row.samples.ratio(labels[0], labels[-1])
    return f"{ratio:.2f} ({min(rounds):.2f} to {max(rounds):.2f})"


def _goal_cell(goal: Goal | None, unit: str) -> str:
    if goal is None:
        return "-"
    sign = "≥" if goal.at_least else "≤"
    return f"{sign} {goal.limit:g}" + (f" {unit}" if goal.of is Of.VALUE else "")


def _line(row: Row, labels: list[str]) -> str:
    values = [_value_cell(row, label) for label in labels]
    goal = _goal_cell(row.figure.goal, row.figure.unit)
    return _cells([row.figure.title, *values, _ratio_cell(row, labels), goal, VERDICTS[row.met(labels)]])


def _cells(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def table(rows: list[Row], labels: list[str]) -> str:
    """A Markdown table; the ratio is the last contender over the first, in brackets its range over the rounds."""
    head = ["figure", *labels, "ratio", "goal", "met"]
    rule = ["---"] + ["---:"] * (len(head) - 2) + ["---"]
    return "\n".join([_cells(head), _cells(rule), *(_line(row, labels) for row in rows)])


def _row_json(row: Row, labels: list[str]) -> dict[str, Any]:
    samples = row.samples.by_label
    told: dict[str, Any] = {"unit": row.figure.unit, "samples": samples, "met": row.met(labels)}
    if row.failure:
        return told | {"failure": row.failure}
    told["medians"] = {label: row.samples.median(label) for label in labels}
    return told | ({"ratio": row.samples.ratio(labels[0], labels[-1])} if len(labels) > 1 else {})


def write_json(path: Path, rows: list[Row], labels: list[str], facts: list[str], details: list[dict[str, Any]]) -> None:
    """Everything measured: every sample, and every raw answer of the load generators."""
    figures = {row.figure.name: _row_json(row, labels) for row in rows}
    told = {"facts": facts, "labels": labels, "figures": figures, "runs": details}
    path.write_text(json.dumps(told, indent=1) + "\n")
