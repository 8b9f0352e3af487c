"""Rows, as build/bench.json has them, as text: the table of the terminal and the one of docs/performance.md."""

from collections.abc import Iterable
from typing import Any

Row = dict[str, Any]

HEAD = ("work", "ours", "best peer", "ratio", "spread", "bar", "holds")
MOST_OF_A_NAME = 64
HOLDS = {True: "yes", False: "NO", None: "open"}


def number(value: float | None) -> str:
    """Three digits, or whole."""
    if value is None:
        return "-"
    magnitude = abs(value)
    return f"{value:,.0f}" if magnitude >= 100 or value == int(value) else f"{value:.{1 if magnitude >= 10 else 2}f}"


def cells(row: Row) -> tuple[str, ...]:
    best = row["best_peer"]
    return (
        f"{row['work']} ({row['unit']})",
        number(row["ours"]),
        f"{best} {number(row['peers'][best])}" if best else "-",
        f"{row['ratio']:.2f}" if row["ratio"] is not None else "-",
        "{:.2f} to {:.2f}".format(*row["spread"]) if row["spread"] else "-",
        row["says"],
        HOLDS[row["holds"]],
    )


def peers_of(row: Row) -> str:
    in_order = sorted(row["peers"].items(), key=lambda item: item[1])
    return ", ".join(f"{name} {number(value)}" for name, value in in_order)


def as_text(rows: Iterable[Row]) -> str:
    """Columns; a work's name once, and under its last row all of its peers, the fastest first."""
    rows = list(rows)
    table = [HEAD, *((shortened(work), *rest) for work, *rest in map(cells, rows))]
    for at in range(len(rows) - 1, 0, -1):
        if rows[at]["key"] == rows[at - 1]["key"]:
            table[at + 1] = ("", *table[at + 1][1:])
    widths = [max(len(line[column]) for line in table) for column in range(len(HEAD))]
    lines = [aligned(HEAD, widths), "  ".join("-" * width for width in widths)]
    for position, row in enumerate(rows):
        lines.append(aligned(table[position + 1], widths))
        last_of_work = position + 1 == len(rows) or rows[position + 1]["key"] != row["key"]
        if last_of_work and row["peers"]:
            lines += wrapped(f"peers: {peers_of(row)}", sum(widths) + 2 * len(widths))
    return "\n".join(lines)


def shortened(name: str) -> str:
    """For a terminal; --list and bench.json have all of it."""
    return name if len(name) <= MOST_OF_A_NAME else f"{name[: MOST_OF_A_NAME - 4].rstrip(' ,:')} ..."


def aligned(line: tuple[str, ...], widths: list[int]) -> str:
    left = (0, 2, 5, 6)
    return "  ".join(
        text.ljust(width) if column in left else text.rjust(width)
        for column, (text, width) in enumerate(zip(line, widths, strict=True))
    ).rstrip()


def wrapped(text: str, width: int) -> list[str]:
    lines = [""]
    for part in text.split(", "):
        if lines[-1] and len(lines[-1]) + len(part) > width - 8:
            lines[-1] += ","
            lines.append("")
        lines[-1] += (", " if lines[-1] else "") + part
    return [f"    {line}" for line in lines]


def as_markdown(rows: Iterable[Row], later: Iterable[list[Row]] = ()) -> str:
    """`later`: the same rows of runs that followed, of each of which the table has ratio (where there is none, ours) and
    verdict."""
    later = list(later)
    head = ["work", "ours", "peers, the fastest first", "ratio", "spread", "bar", "holds"]
    head += [text for number in range(len(later)) for text in (f"run {number + 2}", "holds")]
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    before = None
    for at, row in enumerate(rows):
        work, ours, _, ratio, spread, bar, holds = cells(row)
        first = before is None or row["key"] != before["key"]
        peers = (peers_of(row) or "-") if first or row["peers"].keys() != before["peers"].keys() else ""
        line = [work if first else "", ours, peers, ratio, spread, in_type(bar), holds]
        for run in later:
            _, ours_then, _, ratio_then, _, _, holds_then = cells(run[at])
            line += [ours_then if ratio_then == "-" else ratio_then, holds_then]
        lines.append(f"| {' | '.join(line)} |")
        before = row
    return "\n".join(lines)


def in_type(text: str) -> str:
    """For a page, which has more signs than a terminal may have."""
    return text.replace(">=", "≥").replace("<=", "≤").replace(" x ", " × ")


def summary(rows: list[Row]) -> str:
    holding = sum(row["holds"] is True for row in rows)
    not_held = sum(row["holds"] is False for row in rows)
    is_open = len(rows) - holding - not_held
    parts = [f"{holding} of {len(rows)} bars hold"]
    parts += [f"{not_held} do not"] if not_held else []
    parts += [f"{is_open} open (no figure to compare)"] if is_open else []
    return ", ".join(parts)
