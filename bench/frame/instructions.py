"""Counted contenders: instructions a request, under valgrind; what was recorded of them, and the gate that compares."""

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from frame.contestant import Absent, Failed, Run, Stage, environment_of, execute
from frame.model import Work
from frame.rounds import Progress, Results, guarded, look_for_all, one, runs_of

# Cachegrind without its caches counts instructions and nothing else; it takes less time than callgrind, which also
# keeps who called whom, and gives the same number.
COUNTER = ("valgrind", "--tool=cachegrind", "--cache-sim=no", "--branch-sim=no", "--cachegrind-out-file=/dev/null")
REFERENCES = re.compile(r"^==\d+== I +refs: +([\d,]+)", re.MULTILINE)
LONGEST = 120.0
ALLOWED_RISE = 1.05
AGAIN = "scripts/bench --record"
# What a count depends on beside the compiler: code that is inlined from these or runs in them.
LIBRARIES = ("libc6", "libstdc++6", "libtbb12", "libboost-json1.81.0", "valgrind")


class CountingStage(Stage):
    """Runs programs under valgrind. What is noise in time is none in instructions: one round is all it takes."""

    def look_for(self, run: Run) -> None:
        super().look_for(run)
        if not shutil.which(COUNTER[0]):
            raise Absent("valgrind")

    def run(self, run: Run, seconds: float, more: tuple[str, ...] = ()) -> dict[str, Any]:
        del seconds, more
        short, long = run.contender.requests
        if not 0 < short < long:
            raise Failed(f"counted with {short} and {long} requests; the second run must be the longer one")
        counts = [self.count(run, requests) for requests in (short, long)]
        return {"value": (counts[1] - counts[0]) / (long - short)}

    def count(self, run: Run, requests: int) -> int:
        """All of the process; its start is in both runs and goes with the difference."""
        contender = run.contender
        command = [str(self.folder / run.program), "--work", run.key, "--contender", contender.case,
                   "--requests", str(requests), *contender.options]  # fmt: skip
        ended = execute([*COUNTER, *command], environment_of(contender), LONGEST)
        found = REFERENCES.search(ended.stderr)
        if not found:
            raise Failed(f"valgrind gave no count: {ended.stderr.strip()[-300:]}")
        return int(found[1].replace(",", ""))


def count_all(stage: CountingStage, works: list[Work], progress: Progress, results: Results) -> None:
    """Several at a time: a count does not mind company."""
    runs = look_for_all(stage, runs_of(works), results)
    done, began = 0, time.monotonic()
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        tasks = [
            pool.submit(guarded, results, run, lambda run=run, at=at: one(stage, run, at, 0.0, 0, results))
            for run, at in runs
        ]
        try:
            for task, (run, _) in zip(tasks, runs, strict=True):
                each = (time.monotonic() - began) / done if done else 2.0
                progress(f"instructions, {run.key}/{run.contender.name}", each * (len(runs) - done))
                task.result()
                done += 1
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def figures_of(works: Iterable[Work], results: Results) -> dict[str, float]:
    """Ours alone: what a peer's instructions do is no business of a gate."""
    found = {}
    for work in works:
        for name in ours_of(work):
            if samples := results.samples(work, work.contender(name)):
                found[f"{work.id}/{name}"] = round(samples[0], 1)
    return found


def ours_of(work: Work) -> list[str]:
    """Without a bar there is nobody else."""
    if not work.bars:
        return [each.name for each in work.contenders]
    return sorted({work.ours, *(bar.ours for bar in work.bars if bar.ours)})


def only_ours(work: Work) -> Work:
    kept = ours_of(work)
    return replace(work, contenders=tuple(each for each in work.contenders if each.name in kept))


def versions(compiler: str) -> dict[str, str]:
    """What the counts were made with."""
    return {"compiler": first_line(compiler, "--version"), **{name: package(name) for name in LIBRARIES}}


def first_line(*command: str) -> str:
    try:
        said = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    except OSError:
        return "not here"
    return said.splitlines()[0].strip() if said.strip() else "not here"


def package(name: str) -> str:
    return first_line("dpkg-query", "-W", "-f", "${Version}\\n", name)


def record(path: Path, figures: dict[str, float], made_with: dict[str, str]) -> None:
    path.write_text(json.dumps({"made_with": made_with, "instructions": figures}, indent=2) + "\n", encoding="utf-8")


def gate(path: Path, figures: dict[str, float], made_with: dict[str, str], some: bool = False) -> Iterator[str]:
    """One line for each figure that rose too far, that nobody recorded, or that is gone; none means green. `some`: these
    are not all figures, and none is missed."""
    if not path.exists():
        yield f"there is no {path.name}; {AGAIN} makes it"
        return
    recorded = json.loads(path.read_text(encoding="utf-8"))
    before = recorded["instructions"]
    red = []
    for name, now in figures.items():
        if name not in before:
            red.append(f"{name}: {now:,.1f} instructions a request, and nothing is recorded; {AGAIN} does")
        elif now > ALLOWED_RISE * before[name]:
            red.append(
                f"{name}: recorded {before[name]:,.1f} instructions a request, now {now:,.1f}, "
                f"{100 * (now / before[name] - 1):+.1f} %; where that is meant: {AGAIN}"
            )
    gone = [] if some else [name for name in before if name not in figures]
    yield from red
    yield from (f"{name}: recorded, and not counted any more; where that is meant: {AGAIN}" for name in gone)
    differ = [f"{name} {old}, now {made_with.get(name)}" for name, old in recorded["made_with"].items()
              if made_with.get(name) != old]  # fmt: skip
    if red and differ:
        yield f"(recorded with other versions, which may be all of it: {'; '.join(differ)})"
