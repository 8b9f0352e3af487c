"""What tuning_check.py found, as a part of docs/tuning.md and two pictures."""

import platform
import shlex
import statistics
import sys
import time
from pathlib import Path

BEGIN = "<!-- written by bench/load/tuning_check.py --write: begin -->"
END = "<!-- end -->"

STYLE = """<style>
  :root { --ink: #1b1f24; --faint: #5f6873; --line: #dde1e6; --one: #2b6cb0; --two: #c05621; --three: #2f855a; --four: #805ad5; }
  @media (prefers-color-scheme: dark) { :root { --ink: #e6e9ed; --faint: #9aa4af; --line: #363c43; --one: #63b3ed;
    --two: #f6ad55; --three: #68d391; --four: #b794f4; } }
  text { font: 13px system-ui, sans-serif; fill: var(--ink); } .faint { fill: var(--faint); }
</style>
"""
COLOURS = {"mixed": "one", "bursty": "two", "fat tail": "three"}
PARTS = (("room", "one", "room in last pages"), ("tail_waste", "two", "ends of pages"),
         ("skipped", "three", "skipped at first pages"), ("oversize_slack", "four", "rounding of blocks"))


def readable(size: float) -> str:
    return f"{size / 2**20:.1f} MiB"


def row(name: str, cells: list[str]) -> str:
    return f"| {name} | " + " | ".join(cells) + " |\n"


def figures_of(tuned, which: int) -> list[str]:
    def median(name: str) -> float:
        return tuned.median(which, name)

    return [f"{median('requests_per_s'):,.0f}", f"{median('p99_us'):,.0f}", readable(median("peak_bytes")),
            readable(median("mean_bytes")), f"{median('pages_from_os'):,.0f}", f"{median('faults'):,.0f}"]


def machine() -> str:
    model = next((line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), platform.machine())
    count = Path("/proc/cpuinfo").read_text().count("processor\t:")
    return f"{model}, {count} processors, Linux {platform.release().split('-')[0]}"


def text(found, arguments, seconds: float) -> str:
    words = [word for word in sys.argv[1:] if word not in ("--note", arguments.note)]
    command = " ".join(shlex.quote(Path(word).name if Path(word).is_absolute() else word) for word in words)
    to = (f"`python3 bench/load/tuning_check.py {command}`: {seconds / 60:.0f} minutes on {machine()}, {time.strftime('%Y-%m-%d')}. "
          f"Medians of {arguments.rounds} fresh rounds, in turns; each round's requests are chosen by a seed of its own.\n")
    if arguments.note:
        to += f"\n{arguments.note}\n"
    to += "\n| workload | goal | on another day | settings that differ |\n|---|---|---|---|\n"
    for tuned in found:
        chosen = ", ".join(f"`{key} = {value}`" for key, value in tuned.settings.items()) or "none"
        to += row(tuned.workload, [tuned.goal, tuned.outcome(), chosen])
    to += ("\n| workload, settings | requests/s | p99, us | peak RSS | mean RSS | pages from the OS | faults |\n"
           "|---|---|---|---|---|---|---|\n")
    for tuned in found:
        if not tuned.rounds:
            continue
        to += row(f"{tuned.workload}, defaults", figures_of(tuned, 0))
        to += row(f"{tuned.workload}, for {tuned.goal}", figures_of(tuned, 1))
    to += "\nWhat tune said:\n\n"
    for tuned in found:
        to += f"- {tuned.workload}, for {tuned.goal}: {tuned.verdict}\n"
        to += "".join(f"  - {why}\n" for why in tuned.why)
    return to


def svg(height: int, label: str, content: str) -> str:
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 860 {height}" role="img" aria-label="{label}">\n{STYLE}'
            f"{content}</svg>\n")


def words(x: float, y: float, what: str, at: str = "start", kind: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{at}" class="{kind}">{what}</text>\n'


def line(x1: float, y1: float, x2: float, y2: float, colour: str = "line", dashes: str = "") -> str:
    return (f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="var(--{colour})" '
            f'stroke-dasharray="{dashes}"/>\n')


def mark(x: float, y: float, colour: str, goal: str) -> str:
    if goal == "throughput":
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="7" fill="var(--{colour})"/>\n'
    return f'<rect x="{x - 6:.1f}" y="{y - 6:.1f}" width="12" height="12" fill="var(--{colour})"/>\n'


def throughput_picture(found) -> str:
    """Each recommendation against its defaults, which are the cross at 100 %; quartiles of the rounds as whiskers."""
    spots = []
    for tuned in found:
        if not tuned.rounds:
            continue
        memory = [100 * now.mean_bytes / usual.mean_bytes for usual, now in tuned.rounds]
        speed = [100 * now.requests_per_s / usual.requests_per_s for usual, now in tuned.rounds]
        spots.append((tuned, memory, speed))
    flat_x = [100.0] + [value for _, memory, _ in spots for value in memory]
    flat_y = [100.0] + [value for _, _, speed in spots for value in speed]
    least_x, most_x, least_y, most_y = min(flat_x) - 5, max(flat_x) + 5, min(flat_y) - 5, max(flat_y) + 5

    def x(value: float) -> float:
        return 80 + 740 * (value - least_x) / (most_x - least_x)

    def y(value: float) -> float:
        return 340 - 280 * (value - least_y) / (most_y - least_y)

    to = line(80, 340, 820, 340) + line(80, 60, 80, 340)
    for i in range(5):
        along, up = least_x + i / 4 * (most_x - least_x), least_y + i / 4 * (most_y - least_y)
        to += words(x(along), 358, f"{along:.0f} %", "middle", "faint") + words(72, y(up) + 4, f"{up:.0f} %", "end", "faint")
    to += line(x(100), 60, x(100), 340, "faint", "4 3") + line(80, y(100), 820, y(100), "faint", "4 3")
    to += words(x(100) + 6, y(100) - 8, "defaults", "start", "faint")
    to += words(450, 382, "mean resident memory of the process, of the defaults'", "middle")
    to += words(80, 46, "requests a second, of the defaults': further up and to the left is better")
    at = 90.0
    for name, colour in COLOURS.items():
        to += f'<rect x="{at}" y="8" width="12" height="12" fill="var(--{colour})"/>' + words(at + 18, 19, name)
        at += 110
    to += mark(at + 30, 14, "ink", "throughput") + words(at + 44, 19, "tuned for throughput")
    to += mark(at + 220, 14, "ink", "memory") + words(at + 234, 19, "tuned for memory")
    for tuned, memory, speed in spots:
        colour = COLOURS[tuned.workload]
        at_x, at_y = statistics.median(memory), statistics.median(speed)
        low, high = sorted(memory)[len(memory) // 4], sorted(memory)[-1 - len(memory) // 4]
        to += line(x(low), y(at_y), x(high), y(at_y), colour)
        low, high = sorted(speed)[len(speed) // 4], sorted(speed)[-1 - len(speed) // 4]
        to += line(x(at_x), y(low), x(at_x), y(high), colour) + mark(x(at_x), y(at_y), colour, tuned.goal)
    return svg(396, "Requests a second against resident memory, of the defaults'", to)


def waste_picture(found) -> str:
    rows = []
    for tuned in found:
        if tuned.waste is None:
            continue
        if not rows or not rows[-1][0].startswith(tuned.workload):
            rows.append((f"{tuned.workload}, defaults", tuned.waste[0]))
        rows.append((f"{tuned.workload}, for {tuned.goal}", tuned.waste[1]))
    most = max([0.01] + [sum(parts.values()) for _, parts in rows])
    to, at = "", 40.0
    for _, colour, name in PARTS:
        to += f'<rect x="{at}" y="8" width="12" height="12" fill="var(--{colour})"/>' + words(at + 18, 19, name)
        at += 36 + 7 * len(name)
    for i, (name, parts) in enumerate(rows):
        y, along = 40 + 34 * i, 240.0
        for key, colour, _ in PARTS:
            length = 530 * parts[key] / most
            to += f'<rect x="{along:.1f}" y="{y}" width="{length:.1f}" height="20" fill="var(--{colour})"/>\n'
            along += length
        to += words(230, y + 15, name, "end") + words(along + 8, y + 15, f"{100 * sum(parts.values()):.1f} %", "start", "faint")
    return svg(48 + 34 * len(rows), "What of all that requests took lies unused", to)


def write(docs: Path, page: str, found) -> None:
    (docs / "tuning").mkdir(exist_ok=True)
    (docs / "tuning" / "throughput.svg").write_text(throughput_picture(found))
    (docs / "tuning" / "waste.svg").write_text(waste_picture(found))
    old = (docs / "tuning.md").read_text()
    before, rest = old.split(BEGIN)
    after = rest.split(END, 1)[1]
    pictures = ("\n![requests a second against resident memory, of the defaults'](tuning/throughput.svg)\n"
                "\n![what of all that requests took lies unused, by the model](tuning/waste.svg)\n")
    (docs / "tuning.md").write_text(before + BEGIN + "\n" + page + pictures + END + after)
