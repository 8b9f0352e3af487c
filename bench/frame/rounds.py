"""Runs every work round by round: each round runs each contender of each work once, one beside the other."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from frame.contestant import Absent, Failed, Run, Stage, run_of
from frame.model import Contender, Part, Work

# What a run takes beyond the time it is asked to measure: a process, a warm-up, Google Benchmark's search for a count.
FIXED_SECONDS = 0.05
SEARCH = 1.5
LEAST_SECONDS, MOST_SECONDS = 0.02, 1.0  # a run of weight 1
LEAST_ROUNDS = 3


@dataclass
class Pace:
    """How long to measure at a time, so that all rounds end within the budget."""

    budget: float
    rounds: int
    started: float = 0.0
    seconds: float = 0.0  # of a run of weight 1

    def start(self, weights: Iterable[float]) -> None:
        """The weights of what runs in every round; what runs once is taken off what is left."""
        weights = list(weights)
        self.started = time.monotonic()
        each_round = self.budget / self.rounds - FIXED_SECONDS * len(weights)
        self._set(each_round / (SEARCH * sum(weights)) if weights else 0.0)

    def correct(self, done: int, took: float) -> bool:
        """After `done` rounds, of which the last took so long: measures shorter, or longer. False: stop here."""
        left = self.started + self.budget - time.monotonic()
        if done < self.rounds:
            self._set(self.seconds * max(0.0, left) / (self.rounds - done) / max(took, 1e-9))
        return done < min(LEAST_ROUNDS, self.rounds) or left > 0.5 * took

    def _set(self, seconds: float) -> None:
        self.seconds = min(MOST_SECONDS, max(LEAST_SECONDS, seconds))


@dataclass
class Results:
    """What all runs gave."""

    figures: dict[tuple, dict[int, dict[str, Any]]] = field(default_factory=dict)  # by run, then by round
    absent: dict[tuple, str] = field(default_factory=dict)
    failed: dict[tuple, str] = field(default_factory=dict)
    rounds: int = 0

    def add(self, run: Run, number: int, figures: dict[str, Any]) -> None:
        self.figures.setdefault(run.identity, {})[number] = figures

    def samples(self, work: Work, contender: Contender) -> dict[int, float]:
        """The figure this work is about, by round."""
        rounds = self.figures.get(run_of(work, contender).identity, {})
        return {number: float(figures[work.figure]) for number, figures in rounds.items()
                if figures[work.figure] is not None}  # fmt: skip

    def part(self, part: Part, number: int) -> float | None:
        """Of the least figure that the other work's contenders gave in this round."""
        given = [float(rounds[number][part.figure]) for identity, rounds in self.figures.items()
                 if identity[1:3] == (part.program, part.key) and number in rounds]  # fmt: skip
        return part.of * min(given) if given else None

    def series(self, work: Work, contender: Contender) -> list[list[tuple[float, float]]]:
        rounds = self.figures.get(run_of(work, contender).identity, {})
        return [[(x, y) for x, y in figures["series"]] for figures in rounds.values() if figures.get("series")]

    def missing(self, works: Iterable[Work]) -> list[tuple[str, str]]:
        """Who is not here, and what would bring it: once each, however many works miss it."""
        found = {}
        for work in works:
            for contender in work.contenders:
                if reason := self.absent.get(run_of(work, contender).identity):
                    found[contender.name] = reason
        return sorted(found.items())

    def failures(self, works: Iterable[Work]) -> list[tuple[str, str]]:
        found = {}
        for work in works:
            for contender in work.contenders:
                run = run_of(work, contender)
                if run.identity in self.failed:
                    found[f"{run.key}/{contender.name}"] = self.failed[run.identity]
        return list(found.items())


Progress = Callable[[str, float], None]  # what runs now, and how many seconds are left


def runs_of(works: Iterable[Work]) -> list[tuple[Run, list[Work]]]:
    """Each run once, with the works that look at it."""
    found: dict[tuple, tuple[Run, list[Work]]] = {}
    for work in works:
        for contender in work.contenders:
            run = run_of(work, contender)
            found.setdefault(run.identity, (run, []))[1].append(work)
    return list(found.values())


def look_for_all(stage: Stage, runs: list[tuple[Run, list[Work]]], results: Results) -> list[tuple[Run, list[Work]]]:
    """Those that are here; the others are noted."""
    here = []
    for run, works in runs:
        if guarded(results, run, lambda run=run: stage.look_for(run)):
            here.append((run, works))
    return here


def guarded(results: Results, run: Run, action: Callable[[], None]) -> bool:
    try:
        action()
        return True
    except Absent as absent:
        results.absent[run.identity] = str(absent)
    except Failed as failed:
        results.failed[run.identity] = str(failed)
        results.figures.pop(run.identity, None)  # half a contender is none
    return False


def measure(stage: Stage, works: list[Work], pace: Pace, progress: Progress, results: Results) -> None:
    """All rounds of all works. Who fails once does not run again; the others go on."""
    runs = look_for_all(stage, runs_of(works), results)
    pace.start(max(work.weight for work in at) for _, at in runs if not runs_once(at))
    number, go_on = 0, bool(runs)
    while go_on and number < pace.rounds:
        took = 0.0
        for run, at in runs:
            if run.identity in results.failed or run.identity in results.absent or (number > 0 and runs_once(at)):
                continue
            progress(f"round {number + 1} of {pace.rounds}, {run.key}/{run.contender.name}",
                     pace.started + pace.budget - time.monotonic())  # fmt: skip
            began = time.monotonic()
            seconds = pace.seconds * max(work.weight for work in at)
            guarded(results, run, lambda: one(stage, run, at, seconds, number, results))
            took += 0.0 if runs_once(at) else time.monotonic() - began
        number += 1
        go_on = pace.correct(number, took)
    results.rounds = number


def runs_once(works: list[Work]) -> bool:
    return all(work.once for work in works)


def one(stage: Stage, run: Run, works: list[Work], seconds: float, number: int, results: Results) -> None:
    figures = stage.run(run, seconds, options_of(works[0], number, results))
    for work in works:
        # null: measured, and not enough to say so much.
        if work.figure not in figures or not isinstance(figures[work.figure], int | float | None):
            raise Failed(f"{run.program} printed no figure {work.figure}")
    results.add(run, number, figures)


def options_of(work: Work, number: int, results: Results) -> tuple[str, ...]:
    """Those that only this round knows."""
    if not work.given:
        return ()
    value = results.part(work.given, number)
    if value is None:
        raise Failed(f"no contender of {work.given.key} gave a figure {work.given.figure}")
    return (work.given.option, f"{value:.3f}")
