"""What a run of the load measured, as values and as a table."""

from typing import TYPE_CHECKING, Final

from zkeeper.cli.bench.histogram import Histogram
from zkeeper.cli.bench.load import Measured

if TYPE_CHECKING:
    from rich.table import Table

PERCENTILES: Final = (50.0, 90.0, 99.0, 99.9)


def outcome_values(measured: Measured) -> dict[str, object]:
    """For JSON; durations in microseconds."""
    return {
        "seconds": round(measured.seconds, 3),
        "requests": measured.done,
        "requests_per_second": round(measured.done / measured.seconds, 1),
        "reads": _values(measured.reads),
        "writes": _values(measured.writes),
        "errors": dict(measured.errors),
    }


def _values(histogram: Histogram) -> dict[str, object]:
    percentiles = {f"p{percent:g}_us": histogram.percentile(percent) for percent in PERCENTILES}
    return {"count": histogram.count, "mean_us": round(histogram.mean, 1), **percentiles, "max_us": histogram.max}


def outcome_table(measured: Measured) -> "Table":
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("")
    heads = ["requests", "per second", "mean ms", *(f"{percent:g} %" for percent in PERCENTILES), "max ms"]
    for head in heads:
        table.add_column(head, justify="right")
    for name, histogram in (("reads", measured.reads), ("writes", measured.writes)):
        if histogram.count:
            table.add_row(name, *_cells(histogram, measured.seconds))
    return table


def _cells(histogram: Histogram, seconds: float) -> list[str]:
    durations = [histogram.mean, *(histogram.percentile(percent) for percent in PERCENTILES), histogram.max]
    return [f"{histogram.count:,}", f"{histogram.count / seconds:,.0f}", *(f"{one / 1000:,.2f}" for one in durations)]
