"""Prints the summaries of the demo's runs side by side: demo_table.py FOLDER, which holds arena.N.json and heap.N.json."""

import json
import statistics
import sys
from pathlib import Path

# What is shown: the row's name, where the summary has it, how it is written, and which way is better.
ROWS = [
    ("requests a second", ("requests_per_second",), "{:,.0f}", "higher"),
    ("MB a second", ("megabytes_per_second",), "{:,.1f}", "higher"),
    ("latency p50, us", ("latency_us", "p50"), "{:,.1f}", "lower"),
    ("latency p99, us", ("latency_us", "p99"), "{:,.1f}", "lower"),
    ("latency p99.9, us", ("latency_us", "p999"), "{:,.1f}", "lower"),
    ("mallocs a request", ("mallocs_per_request",), "{:,.2f}", "lower"),
    ("page faults a request", ("page_faults_per_request",), "{:,.3f}", "lower"),
]


def value(summary: dict, path: tuple[str, ...]) -> float | None:
    for key in path:
        summary = summary.get(key) if isinstance(summary, dict) else None
    return summary


def ratio(arena: list[float], heap: list[float], better: str) -> str:
    """How many times better arenas do, round by round: the median, and from the worst round to the best. Nothing where
    arenas have next to none of what they should have little of: that is for the reader to see, not for a quotient."""
    pairs = [(a, h) if better == "higher" else (h, a) for a, h in zip(arena, heap)]
    if any(below < 0.01 for _, below in pairs):
        return ""
    ratios = sorted(above / below for above, below in pairs)
    return f"{statistics.median(ratios):6.2f} x   ({ratios[0]:.2f} to {ratios[-1]:.2f})"


def main(folder: Path) -> None:
    rounds = len(list(folder.glob("arena.*.json")))
    runs = {
        memory: [json.loads((folder / f"{memory}.{n + 1}.json").read_text()) for n in range(rounds)]
        for memory in ("arena", "heap")
    }
    first = runs["arena"][0]
    print(f"\n{first['requests']:,} requests a run, {first['failed']:,} failed; median of {rounds} rounds\n")
    print(f"{'':24}{'arena':>14}{'heap':>14}    {'arena is better by'}")
    for name, path, form, better in ROWS:
        arena, heap = ([value(run, path) for run in runs[memory]] for memory in ("arena", "heap"))
        if None in arena or None in heap:
            continue
        cells = (form.format(statistics.median(cell)) for cell in (arena, heap))
        print(f"{name:24}{next(cells):>14}{next(cells):>14}    {ratio(arena, heap, better)}")
    print("\nBoth wrote the same answers, byte for byte. Mallocs and page faults are counted over the whole process, its start")
    print("included; a warm request takes no page fault, so that figure falls as --repeat grows.")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: demo_table.py FOLDER")
    main(Path(sys.argv[1]))
