"""How throughput grows with workers: scripts/bench --scaling, here or on a machine that a folder is carried to."""

import argparse
import json
import os
import shutil
import statistics
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

from frame.contestant import Failed, Stage, library, run_of
from frame.model import Bar, Contender, Work, driver
from frame.progress import ProgressLine
from frame.project import Project

PROGRAM = "bench_scaling"
GOAL, GOAL_WORKERS = 0.9, 16
ROUNDS, SECONDS = 5, 0.5
STEPS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128)
# "threads": the same work on threads that share nothing. What they lose is the machine's, not an executor's.
SIZES = {"100": "requests of 100 allocations", "2000": "requests of 2,000 allocations"}
CONTENDERS = ("mayfly", "threads")


class Point(NamedTuple):
    """A number of workers: nanoseconds a request, all workers together, and what part of linear that is."""

    workers: int
    ns: float
    efficiency: float
    spread: tuple[float, float]


def steps(cores: int) -> list[int]:
    return sorted({*(step for step in STEPS if step <= cores), cores})


def points_of(rounds: list[dict[int, float]]) -> list[Point]:
    """`rounds`: nanoseconds a request, by workers. Linear is one worker's throughput times their number."""
    found = []
    for workers in sorted(rounds[0]):
        each = [times[1] / (workers * times[workers]) for times in rounds]
        low, _, high = statistics.quantiles(each, n=4, method="inclusive") if len(each) > 1 else (each[0],) * 3
        ns = statistics.median(times[workers] for times in rounds)
        one = statistics.median(times[1] for times in rounds)
        found.append(Point(workers, ns, one / (workers * ns), (low, high)))
    return found


def measure(run: Callable[[str, str, int], float], cores: int, rounds: int,
            progress: Callable[[str, float], None]) -> dict[str, dict[str, list[Point]]]:  # fmt: skip
    """By size, then by contender; all take turns."""
    plan = [(size, name, workers) for size in SIZES for workers in steps(cores) for name in CONTENDERS]
    times: dict[tuple[str, str], list[dict[int, float]]] = {
        (size, name): [{} for _ in range(rounds)] for size in SIZES for name in CONTENDERS
    }
    for number in range(rounds):
        for at, (size, name, workers) in enumerate(plan):
            left = (rounds - number) * len(plan) - at
            progress(f"round {number + 1} of {rounds}, {name}, {workers} workers", 1.3 * SECONDS * left)
            times[size, name][number][workers] = run(size, name, workers)
    return {size: {name: points_of(times[size, name]) for name in CONTENDERS} for size in SIZES}


def report(found: dict[str, dict[str, list[Point]]]) -> Iterable[str]:
    for size, lines in found.items():
        yield SIZES[size]
        yield "  workers  requests a second  efficiency  spread        threads that share nothing"
        for point, bare in zip(lines["mayfly"], lines["threads"], strict=True):
            low, high = point.spread
            yield (f"  {point.workers:7}  {1e9 / point.ns:17,.0f}  {point.efficiency:9.0%}   {low:.0%} to {high:.0%}"
                   f"{bare.efficiency:18.0%}").rstrip()  # fmt: skip
        yield f"  {verdict(lines['mayfly'])}"


def verdict(points: list[Point]) -> str:
    at_goal = next((point for point in points if point.workers == GOAL_WORKERS), None)
    if at_goal is None:
        most = points[-1].workers
        return f"{GOAL:.0%} of linear at {GOAL_WORKERS} workers: open, this machine has {most} core{'s' * (most > 1)}"
    holds = "holds" if at_goal.efficiency >= GOAL else "does NOT hold"
    return f"{GOAL:.0%} of linear at {GOAL_WORKERS} workers: {at_goal.efficiency:.0%}, {holds}"


def contender(size: str, name: str, workers: int) -> tuple[Work, Contender]:
    one = driver(PROGRAM, name, "--workers", str(workers), "--allocations", size)
    return Work("scaling", "scaling", "ns", name, (one,), (Bar(most=0),)), one


def as_markdown(found: dict[str, dict[str, list[Point]]]) -> Iterable[str]:
    """What report() says, for docs/performance.md. The points may be lists, as JSON has them."""
    yield "| `scripts/bench --scaling` | workers | requests a second | of linear | spread | threads that share nothing |"
    yield f"|{'---|' * 6}"
    for size, lines in found.items():
        ours, bare = ([Point(*point) for point in lines[name]] for name in CONTENDERS)
        for at, (point, alone) in enumerate(zip(ours, bare, strict=True)):
            low, high = point.spread
            yield (f"| {SIZES[size] if at == 0 else ''} | {point.workers} | {1e9 / point.ns:,.0f} | {point.efficiency:.0%} | "
                   f"{low:.0%} to {high:.0%} | {alone.efficiency:.0%} |")  # fmt: skip
        yield f"| {verdict(ours)} | | | | | |"


def measure_here(project: Project, rounds: int | None, line: ProgressLine) -> dict[str, dict[str, list[Point]]]:
    """On this machine's cores. Throws Failed."""
    project.build([PROGRAM])
    stage = Stage(project.programs)

    def run(size: str, name: str, workers: int) -> float:
        work, one = contender(size, name, workers)
        return stage.run(run_of(work, one), SECONDS)["value"]

    return measure(run, len(os.sched_getaffinity(0)), rounds or ROUNDS, line)


def command(project: Project, wanted: argparse.Namespace, line: ProgressLine) -> int:
    if wanted.carry:
        project.build([PROGRAM])
        carry(project, Path(wanted.carry))
        print(f"{wanted.carry}: carry it to an x86-64 machine with Python 3.10, and run scripts/bench --scaling in it")
        return 0
    try:
        found = measure_here(project, wanted.rounds, line)
    except Failed as failed:
        print(f"FAILED: {PROGRAM}: {failed}")
        return 1
    line.clear()
    data: dict[str, Any] = {"made": project.about(), "sizes": found}
    (project.root / "build" / "scaling.json").write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    print("\n".join(report(found)))
    return 0


def carry(project: Project, folder: Path) -> None:
    """The program with its shared libraries and the loader, and what runs it."""
    if folder.exists() and any(folder.iterdir()):
        raise SystemExit(f"scripts/bench: {folder} is not empty")
    libraries, programs = folder / "lib", folder / project.programs.relative_to(project.root)
    for made in (libraries, programs, folder / "scripts"):
        made.mkdir(parents=True)
    shutil.copy2(project.root / "scripts" / "bench", folder / "scripts" / "bench")
    for part in ("frame", "works"):
        shutil.copytree(project.root / "bench" / part, folder / "bench" / part,
                        ignore=shutil.ignore_patterns("__pycache__"))  # fmt: skip
    program = project.programs / PROGRAM
    shutil.copy2(program, libraries / PROGRAM)
    for each in libraries_of(program):
        shutil.copy2(each, libraries / each.name)
    loader = next(path.name for path in libraries.iterdir() if path.name.startswith("ld-linux"))
    start = programs / PROGRAM
    start.write_text(
        '#!/bin/sh\nlib=$(cd "$(dirname "$0")" && cd ../../../lib && pwd)\n'
        f'exec "$lib/{loader}" --library-path "$lib" "$lib/{PROGRAM}" "$@"\n', encoding="utf-8",
    )  # fmt: skip
    start.chmod(0o755)
    project.note_carried(folder)


def libraries_of(program: Path) -> list[Path]:
    """Whatever the loader maps, itself included, and what oneTBB looks for by itself."""
    listed = subprocess.run(["ldd", str(program)], capture_output=True, text=True, check=True).stdout
    paths = [word for line in listed.splitlines() for word in line.split() if word.startswith("/")]
    paths += [library("libtbbmalloc.so.2")]
    return [Path(path) for path in dict.fromkeys(paths) if path]
