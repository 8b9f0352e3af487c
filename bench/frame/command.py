"""The command line of scripts/bench."""

import argparse
import json
import re
import sys
import time
from collections.abc import Iterable
from typing import Any, NamedTuple

from frame import instructions, page, scaling
from frame.contestant import Failed, Stage
from frame.model import Work, faults
from frame.progress import with_progress
from frame.project import Project
from frame.rounds import Pace, Results, measure
from frame.table import as_text, summary
from frame.verdict import curve_of, rows_of


class Length(NamedTuple):
    """How long a run may take, in seconds. What building and counting take is taken off the rounds."""

    rounds: int
    all_of_it: float
    least: float
    most: float

    def budget(self, spent: float) -> float:
        return min(self.most, max(self.least, self.all_of_it - spent))


FULL = Length(rounds=9, all_of_it=840, least=300, most=660)
QUICK = Length(rounds=3, all_of_it=165, least=40, most=90)


def main(arguments: list[str], about: str, works: tuple[Work, ...], project: Project) -> int:
    began = time.monotonic()
    wanted = parse(arguments, about)
    if wanted.replot:
        page.write(project, json.loads(project.json.read_text(encoding="utf-8")))
        return 0
    if wanted.scaling or wanted.carry:
        return with_progress(lambda line: scaling.command(project, wanted, line))
    chosen = choose(works, wanted)
    if wanted.list:
        print("\n".join(listed(chosen)))
        return 0
    if wanted.gate or wanted.record:
        return count_only(chosen, project, wanted)
    runs = []
    for _ in range(wanted.runs):
        results = run_all(chosen, project, wanted, began)
        runs.append(result_of(chosen, results, time.monotonic() - began))
        print_run(runs[-1])
        began = time.monotonic()
    return report(runs, project, wanted)


def parse(arguments: list[str], about: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/bench", description=about, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="3 rounds and shorter runs: under 3 minutes")
    parser.add_argument("--only", metavar="REGEX", help="only the works whose key or name it matches")
    parser.add_argument("--list", action="store_true", help="says which works, contenders and bars there are")
    parser.add_argument("--rounds", type=int, metavar="N", help=f"default {FULL.rounds}, with --quick {QUICK.rounds}; "
                        "the time stays the same, so each run is shorter where there are more")  # fmt: skip
    parser.add_argument("--runs", type=int, default=1, metavar="N", help="so many whole runs, one after the other "
                        "(default 1): does what holds hold again?")  # fmt: skip
    parser.add_argument("--strict", action="store_true", help="exit with 1 where a bar is not seen to hold, too")
    parser.add_argument("--plot", action="store_true", help="then write docs/performance.md and its charts")
    parser.add_argument("--replot", action="store_true", help="that, from the last run's build/bench.json; runs nothing")
    parser.add_argument("--gate", action="store_true", help="only count instructions, ours; exit with 1 where one is "
                        "over 5 %% above the recorded one (bench/instructions.json)")  # fmt: skip
    parser.add_argument("--record", action="store_true", help="only count instructions, ours, and record them")
    parser.add_argument("--scaling", action="store_true", help="only how throughput grows, from one worker to as many "
                        "as there are cores")  # fmt: skip
    parser.add_argument("--carry", metavar="FOLDER", help="make a folder that can do so on another x86-64 machine")
    wanted = parser.parse_args(arguments)
    if wanted.rounds is not None and wanted.rounds < 1:
        parser.error("--rounds: at least 1")
    if wanted.runs < 1:
        parser.error("--runs: at least 1")
    if wanted.only and (wanted.plot or wanted.record):
        parser.error("--plot and --record are of all works, not --only some")
    return wanted


def choose(works: tuple[Work, ...], wanted: argparse.Namespace) -> list[Work]:
    if wrong := list(faults(works)):
        sys.exit("\n".join(["bench/works is wrong:", *wrong]))
    if not wanted.only:
        return list(works)
    try:
        chosen = [work for work in works if re.search(wanted.only, work.id) or re.search(wanted.only, work.name)]
    except re.error as error:
        sys.exit(f"scripts/bench: --only {wanted.only}: {error}")
    if not chosen:
        sys.exit(f"scripts/bench: no work matches {wanted.only}; --list says which there are")
    asked_of = {(work.given.program, work.given.key) for work in chosen if work.given}
    return [work for work in works if work in chosen or asked_of & {(each.program, work.key) for each in work.contenders}]


def listed(works: Iterable[Work]) -> Iterable[str]:
    for work in works:
        yield f"{work.id}: {work.name} ({work.unit})"
        yield f"    ours {work.ours}; {', '.join(each.name for each in work.contenders)}"


def programs_of(works: Iterable[Work]) -> list[str]:
    return [each.program for work in works for each in work.contenders]


def run_all(works: list[Work], project: Project, wanted: argparse.Namespace, began: float) -> Results:
    not_built = project.build(programs_of(works))
    results = Results()
    counted = [work for work in works if work.is_counted and work.bars]
    timed = [work for work in works if not work.is_counted]
    stage = instructions.CountingStage(project.programs, not_built)
    with_progress(lambda line: instructions.count_all(stage, counted, line, results))
    length = QUICK if wanted.quick else FULL
    pace = Pace(length.budget(time.monotonic() - began), wanted.rounds or length.rounds)
    with_progress(lambda line: measure(Stage(project.programs, not_built), timed, pace, line, results))
    return results


def result_of(works: list[Work], results: Results, wall_s: float) -> dict[str, Any]:
    return {
        "rows": [row.as_json() for row in rows_of(works, results)], "curves": curves_of(works, results),
        "missing": dict(results.missing(works)), "failed": dict(results.failures(works)), "rounds": results.rounds,
        "wall_s": round(wall_s, 1),
    }  # fmt: skip


def print_run(run: dict[str, Any]) -> None:
    print(as_text(run["rows"]))
    print(f"\n{summary(run['rows'])}; medians of {run['rounds']} rounds; smaller figures are better, ratio = best peer / "
          f"ours; {run['wall_s']:.0f} s.")  # fmt: skip
    for name, needs in run["missing"].items():
        print(f"not here: {name} ({needs})")
    for name, why in run["failed"].items():
        print(f"FAILED: {name}: {why}", flush=True)


def report(runs: list[dict[str, Any]], project: Project, wanted: argparse.Namespace) -> int:
    """The first run is the one that is drawn; the others are in the file, and beside it in the page's table."""
    data = {**runs[0], "again": runs[1:], "quick": wanted.quick, "made": project.about(), "scaling": {}}
    failed = any(run["failed"] for run in runs)
    if wanted.plot and not failed:
        try:
            data["scaling"] = with_progress(lambda line: scaling.measure_here(project, None, line))
        except Failed as problem:
            print(f"FAILED: {scaling.PROGRAM}: {problem}")
            failed = True
    project.json.parent.mkdir(parents=True, exist_ok=True)
    project.json.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    if failed:
        return 1
    if wanted.plot:
        page.write(project, data)
    return 1 if wanted.strict and not all(row["holds"] for run in runs for row in run["rows"]) else 0


def curves_of(works: Iterable[Work], results: Results) -> list[dict[str, Any]]:
    found = []
    for work in works:
        lines = {each.name: curve_of(work, each.name, results) for each in work.contenders} if work.axes else {}
        if lines := {name: line for name, line in lines.items() if line}:
            found.append({"key": work.id, "work": work.name, "axes": work.axes, "lines": lines})
    return found


def count_only(works: list[Work], project: Project, wanted: argparse.Namespace) -> int:
    counted = [instructions.only_ours(work) for work in works if work.is_counted]
    not_built = project.build(programs_of(counted))
    results = Results()
    stage = instructions.CountingStage(project.programs, not_built)
    with_progress(lambda line: instructions.count_all(stage, counted, line, results))
    failed = [*results.failures(counted), *results.missing(counted)]
    for name, why in failed:
        print(f"FAILED: {name}: {why}")
    if failed:
        return 1
    figures = instructions.figures_of(counted, results)
    made_with = instructions.versions(project.compiler())
    if wanted.record:
        instructions.record(project.recorded, figures, made_with)
        print(f"recorded {len(figures)} counts in {project.recorded.name}")
        return 0
    red = list(instructions.gate(project.recorded, figures, made_with, bool(wanted.only)))
    print("\n".join(red) or f"{len(figures)} instruction counts, none over 5 % above the recorded one")
    return 1 if red else 0
