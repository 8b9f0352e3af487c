"""Writes docs/performance.md between its markers, with the charts beside it. All else is written by hand."""

from typing import Any

from frame import charts
from frame.project import Project
from frame.table import as_markdown, summary

BEGIN, END = "<!-- written by scripts/bench --plot -->", "<!-- end -->"


def write(project: Project, data: dict[str, Any]) -> None:
    text = project.page.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise SystemExit(f"{project.page.name} has no '{BEGIN}' ... '{END}' to write between")
    drawn = charts.draw(project.charts, data)
    project.page.write_text(f"{before}{BEGIN}\n\n{body(data, drawn)}\n\n{END}{after}", encoding="utf-8")


def body(data: dict[str, Any], drawn: list[tuple[str, str]]) -> str:
    """`drawn`: title and file name of each chart."""
    made = data["made"]
    command = "scripts/bench --quick --plot" if data["quick"] else "scripts/bench --plot"
    lines = [
        f"{summary(data['rows'])}. Made by `{command}` on {made['date']} at commit {made['commit']}, medians of "
        f"{data['rounds']} rounds; running it again repeats it.",
        "",
        f"Machine: {made['cores']} cores of {made['cpu']}, {made['kernel']}; {made['compiler']}, `{made['flags']}`.",
        "",
        as_markdown(data["rows"]),
    ]
    if data["missing"]:
        lines += ["", "Not here: " + ", ".join(f"{name} ({needs})" for name, needs in data["missing"].items()) + "."]
    for title, name in drawn:
        lines += ["", f"![{title}](performance/{name})"]
    return "\n".join(lines)
