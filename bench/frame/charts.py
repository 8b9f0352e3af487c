"""Draws, with gnuplot, the ratios of all rows as one chart and each work's curves as one of its own: SVG."""

import subprocess
from pathlib import Path
from typing import Any

from frame.table import in_type

# Told apart by those who see red and green alike; ours is the first and the thickest.
COLOURS = ("#0060b0", "#d55e00", "#009e73", "#8a4f9e", "#b8860b", "#56a0d3", "#c0504d", "#666666", "#3b7d23", "#e377c2")
HELD, NOT_HELD, MARK = "#0072b2", "#d55e00", "#222222"
FONT = "DejaVu Sans,12"
LONGEST_NAME = 100
CHARACTER = 6.7  # its width on average, in pixels
TICKS = (0.1, 0.2, 0.5, 1, 1.5, 2, 3, 5, 10, 20, 50, 100, 200, 500)


def draw(folder: Path, data: dict[str, Any]) -> list[tuple[str, str]]:
    """Title and file name of each chart. A chart of an earlier run that this one does not draw goes."""
    folder.mkdir(parents=True, exist_ok=True)
    scripts = []
    if rows := [row for row in data["rows"] if row["ratio"] is not None]:
        scripts.append(("Ratio of the best peer to mayfly, and the bar of each work", "ratios.svg", ratios(rows)))
    scripts += [(curve["work"], f"{curve['key']}.svg", curves(curve)) for curve in data["curves"]]
    for old in folder.glob("*.svg"):
        if old.name not in {name for _, name, _ in scripts}:
            old.unlink()
    for _, name, script in scripts:
        (folder / name).write_text(gnuplot(script), encoding="utf-8")
    return [(title, name) for title, name, _ in scripts]


def gnuplot(script: str) -> str:
    try:
        drawn = subprocess.run(["gnuplot"], input=script, capture_output=True, text=True, check=False)
    except OSError as error:
        raise SystemExit(f"scripts/bench: gnuplot does not start ({error}); scripts/setup bench installs it") from error
    if drawn.returncode != 0 or not drawn.stdout.startswith("<?xml"):
        raise SystemExit(f"scripts/bench: gnuplot failed:\n{drawn.stderr}\n{script}")
    return drawn.stdout


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ") + '"'


def title_of(row: dict[str, Any]) -> str:
    name = row["work"] if len(row["work"]) <= LONGEST_NAME else row["work"][: LONGEST_NAME - 1].rstrip(" ,") + "…"
    return f"{name}:  {in_type(row['says'])}"


def has_to_reach(row: dict[str, Any]) -> float:
    """On the ratios' axis. A bar in the work's own unit has no place on it."""
    return row["bar"] if row["bar_is"] == "least ratio" else row["ratio"]


def ratios(rows: list[dict[str, Any]]) -> str:
    """A bar a row, from 1 (as fast as the best peer) to the ratio; its spread as a line; a mark where it has to reach."""
    far = [value for row in rows for value in (row["ratio"], has_to_reach(row), *row["spread"])]
    low, high = min(0.8, *far) / 1.1, max(2.0, *far) * 1.3
    ticks = ", ".join(f'"{tick:g}" {tick:g}' for tick in TICKS if low <= tick <= high)
    # Labels of our own and no ticks': those are formats, and gnuplot cuts what stands behind a % in some.
    titles = [title_of(row) for row in rows]
    left = 30 + CHARACTER * max(map(len, titles))
    width = left + 560
    lines = [
        f"set terminal svg size {width:.0f},{110 + 26 * len(rows)} dynamic noenhanced font {quoted(FONT)} background 'white'",
        "unset key", "set logscale x 2", f"set xrange [{low:g}:{high:g}]", f"set xtics ({ticks}) nomirror",
        f"set lmargin at screen {left / width:.4f}",
        "set grid xtics lc rgb '#dddddd'", f"set yrange [{-len(rows) + 0.4:g}:0.6]", "unset ytics",
        *(f"set label {quoted(title)} at graph -0.015, first {-at} right" for at, title in enumerate(titles)),
        "set border 1", 'set xlabel "best peer / mayfly: right of 1, mayfly is ahead; black: the bar; orange: not held"',
        "set arrow from 1, graph 0 to 1, graph 1 nohead lc rgb '#444444' lw 1",
        "set style fill solid 0.85 noborder",
    ]  # fmt: skip
    boxes, marks = [], []
    for at, row in enumerate(rows):
        left, right = sorted((1.0, row["ratio"]))
        colour = HELD if row["holds"] else NOT_HELD
        number = at + 1
        boxes.append(
            f"set object {number} rectangle from {left:g},{-at - 0.33:g} to {right:g},{-at + 0.33:g} "
            f"fc rgb '{colour}' fillstyle solid 0.85 noborder"
        )
        spread_low, spread_high = row["spread"]
        marks.append(f"set arrow from {spread_low:g},{-at} to {spread_high:g},{-at} nohead front lc rgb '#999999' lw 2")
        if row["bar_is"] == "least ratio":
            marks.append(f"set arrow from {row['bar']:g},{-at - 0.45:g} to {row['bar']:g},{-at + 0.45:g} "
                         f"nohead front lc rgb '{MARK}' lw 3")  # fmt: skip
        marks.append(f"set label {quoted(format(row['ratio'], '.2f'))} at {max(right, spread_high, has_to_reach(row)):g},{-at} "
                     "left offset 0.6,0 front")  # fmt: skip
    return "\n".join([*lines, *boxes, *marks, "plot NaN notitle", ""])


def curves(curve: dict[str, Any]) -> str:
    """A line a contender. Logarithmic where an axis spans more than a factor of 20."""
    points = [point for line in curve["lines"].values() for point in line]
    lines = [
        f"set terminal svg size 900,460 dynamic noenhanced font {quoted(FONT)} background 'white'",
        f"set title {quoted(curve['work'])}", "set key outside right top", "set grid lc rgb '#dddddd'", "set border 3",
        "set tics nomirror", f"set xlabel {quoted(curve['axes'][0])}", f"set ylabel {quoted(curve['axes'][1])}",
        *axis("x", [x for x, _ in points]), *axis("y", [y for _, y in points]),
    ]  # fmt: skip
    plots, blocks = [], []
    for number, (name, line) in enumerate(curve["lines"].items()):
        blocks += [f"$line{number} << END", *(f"{x!r} {y!r}" for x, y in line), "END"]
        width = 3 if number == 0 else 1.5
        plots.append(f"$line{number} using 1:2 with linespoints title {quoted(name)}"
                     f"lc rgb '{COLOURS[number % len(COLOURS)]}' lw {width} pt 7 ps 0.4")  # fmt: skip
    return "\n".join([*blocks, *lines, f"plot {', '.join(plots)}", ""])


def axis(name: str, values: list[float]) -> list[str]:
    if min(values) > 0 and max(values) > 20 * min(values):
        # Along x the chart ends with the data; along y with a power of ten, or few of them would be named.
        ends = [f"set xrange [{min(values):g}:{1.1 * max(values):g}]"] if name == "x" else []
        return [f"set logscale {name}", *([f"set format {name} '%.0f'"] if min(values) >= 1 else []), *ends]
    return [f"set {name}range [0:{1.1 * max(values) or 1:g}]"]
