"""From figures to rows: medians, the best peer, ratio, spread, and whether the bar holds."""

import itertools
import statistics
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from frame.model import Bar, Work
from frame.rounds import Results


@dataclass(frozen=True)
class Row:
    """One bar of one work, judged."""

    work: Work
    bar: Bar
    ours: float | None
    peers: dict[str, float] = field(default_factory=dict)  # all contenders but ours
    best_peer: str | None = None
    ratio: float | None = None
    spread: tuple[float, float] | None = None

    @property
    def holds(self) -> bool | None:
        """Nothing where there is nothing to compare: ours or all of its peers gave no figure."""
        if self.bar.most is not None:
            return None if self.ours is None else self.ours <= self.bar.most
        if self.ratio is None:
            return None
        if self.bar.beyond is not None:
            return self.ours - self.peers[self.best_peer] <= self.bar.beyond
        return self.ratio >= self.bar.least

    @property
    def says(self) -> str:
        """What has to hold, as the table says it."""
        if self.bar.says:
            return self.bar.says
        if self.bar.most is not None:
            return f"<= {self.bar.most:g} {self.work.unit}"
        if self.bar.beyond is not None:
            return f"<= {self.bar.beyond:g} {self.work.unit} more than {self.bar.against or ', '.join(self.bar.peers)}"
        return f">= {self.bar.least:.2f} x {self.bar.against or ', '.join(self.bar.peers)}"

    @property
    def bar_is(self) -> str:
        if self.bar.least is not None:
            return "least ratio"
        return "most of ours" if self.bar.most is not None else "most beyond the best peer"

    def as_json(self) -> dict[str, Any]:
        return {
            "work": self.work.name,
            "key": self.work.id,
            "unit": self.work.unit,
            "contender": self.bar.ours or self.work.ours,
            "ours": self.ours,
            "peers": self.peers,
            "best_peer": self.best_peer,
            "ratio": self.ratio,
            "spread": list(self.spread) if self.spread else None,
            "bar": next(each for each in (self.bar.least, self.bar.most, self.bar.beyond) if each is not None),
            "bar_is": self.bar_is,
            "says": self.says,
            "holds": self.holds,
        }


def rows_of(works: Iterable[Work], results: Results) -> list[Row]:
    return [row_of(work, bar, results) for work in works for bar in work.bars]


def row_of(work: Work, bar: Bar, results: Results) -> Row:
    samples = {each.name: results.samples(work, each) for each in work.contenders}
    medians = {name: statistics.median(rounds.values()) for name, rounds in samples.items() if rounds}
    if work.axes:  # of one point there is no step
        curves = {name: curve_of(work, name, results) for name in medians}
        medians = {name: worst_step(curve) for name, curve in curves.items() if len(curve) > 1}
    ours = bar.ours or work.ours
    peers = {name: value for name, value in medians.items() if name != ours}
    best = min((name for name in bar.peers if name in peers), key=peers.__getitem__, default=None)
    if ours not in medians or best is None or medians[ours] <= 0:
        return Row(work, bar, medians.get(ours), peers, best)
    ratio = peers[best] / medians[ours]
    if work.axes:  # a curve is of all rounds at once
        return Row(work, bar, medians[ours], peers, best, ratio, (ratio, ratio))
    spread = spread_of(samples[best], samples[ours], ratio)
    return Row(work, bar, medians[ours], peers, best, ratio, spread)


def spread_of(peer: dict[int, float], ours: dict[int, float], ratio: float) -> tuple[float, float]:
    """The quartiles of the ratios of single rounds: what noise does to a pair that ran within moments."""
    ratios = sorted(peer[number] / ours[number] for number in peer.keys() & ours.keys() if ours[number] > 0)
    if len(ratios) < 2:
        return (ratio, ratio)
    low, _, high = statistics.quantiles(ratios, n=4, method="inclusive")
    return (low, high)


def curve_of(work: Work, name: str, results: Results) -> list[tuple[float, float]]:
    """A contender's series: at each x the median over all rounds."""
    at: dict[float, list[float]] = {}
    for series in results.series(work, work.contender(name)):
        for x, y in series:
            at.setdefault(x, []).append(y)
    return [(x, statistics.median(ys)) for x, ys in sorted(at.items())]


def worst_step(curve: list[tuple[float, float]]) -> float:
    """How many times what its left neighbour costs a point costs, where that is most. Of the curve of all rounds: the
    median of the rounds' own worst steps would be of whatever the machine did to one point of each."""
    return max((right / left for (_, left), (_, right) in itertools.pairwise(curve)))
