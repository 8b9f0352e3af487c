"""Writes docs/performance.md between its markers, with the charts beside it. All else is written by hand, but for the
figures in it that figures.py knows."""

from typing import Any

from frame import charts, scaling
from frame.figures import filled
from frame.project import Project
from frame.table import as_markdown, summary

BEGIN, END = "<!-- written by scripts/bench --plot -->", "<!-- end -->"


def write(project: Project, data: dict[str, Any]) -> None:
    text = project.page.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise SystemExit(f"{project.page.name} has no '{BEGIN}' ... '{END}' to write between")
    before, after = filled(before, data["rows"]), filled(after, data["rows"])
    drawn = charts.draw(project.charts, data)
    project.page.write_text(f"{before}{BEGIN}\n\n{body(data, drawn)}\n\n{END}{after}", encoding="utf-8")


def body(data: dict[str, Any], drawn: list[tuple[str, str]]) -> str:
    """`drawn`: title and file name of each chart."""
    made, again = data["made"], data["again"]
    quick, runs = " --quick" if data["quick"] else "", f" --runs {1 + len(again)}" if again else ""
    lines = [
        f"{summary(data['rows'])}. Made by `scripts/bench{quick} --plot{runs}` on {made['date']} at commit "
        f"{made['commit']}, medians of {data['rounds']} rounds, in {minutes(data['wall_s'])}; running it again repeats it.",
        *(line for number, run in enumerate(again) for line in ("", later(number + 2, run, data))),
        "",
        f"Machine: {made['cores']} cores of {made['cpu']}, {made['kernel']}; {made['compiler']}, `{made['flags']}`.",
        "",
        as_markdown(data["rows"], [run["rows"] for run in again]),
    ]
    if data["missing"]:
        lines += ["", "Not here: " + ", ".join(f"{name} ({needs})" for name, needs in data["missing"].items()) + "."]
    for title, name in drawn:
        lines += ["", f"![{title}](performance/{name})"]
    lines += ["", *scaling.as_markdown(data["scaling"])]
    return "\n".join(lines)


def minutes(seconds: float) -> str:
    return "{} min {:02} s".format(*divmod(round(seconds), 60))


def later(number: int, run: dict[str, Any], data: dict[str, Any]) -> str:
    """Of the same build, at once after the one before."""
    both = sum(first["holds"] is True and second["holds"] is True
               for first, second in zip(data["rows"], run["rows"], strict=True))  # fmt: skip
    return (f"Run {number} followed at once, of the same build: {summary(run['rows'])}, {both} of them in both; medians of "
            f"{run['rounds']} rounds, in {minutes(run['wall_s'])}. Its ratios stand beside the first's.")  # fmt: skip
