"""What is measured, as data: a Work, its Contenders, its Bars. Nothing here runs; bench/works/*.py is made of it.

A contender is a program of build/release/bin (and the CMake target of that name) with what it is asked to do:

  micro(program, case)      Google Benchmark; it has a benchmark named `work/case`, whose real time is the figure
  driver(program, case)     `program --work W --contender case --seconds S [option...]` prints one JSON object as its last
                            line: {"work": W, "contender": case, "unit": "ns", "value": 12.3, ...}
  counted(program, case)    `program --work W --contender case --requests N [option...]`, single-threaded, under
                            valgrind with two N: the figure is what a request adds, in instructions
  under("jemalloc", c)      c with that malloc in place of glibc's; mallocs(c) is c under each of them in turn

Smaller figures are better, everywhere.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Malloc:
    """A library that takes the place of glibc's malloc, and the Debian package that has it."""

    library: str
    package: str


MALLOCS = {
    "glibc": None,
    "jemalloc": Malloc("libjemalloc.so.2", "libjemalloc2"),
    "tcmalloc": Malloc("libtcmalloc_minimal.so.4", "libtcmalloc-minimal4"),
    "mimalloc": Malloc("libmimalloc.so.2", "libmimalloc2.0"),
    "tbbmalloc": Malloc("libtbbmalloc_proxy.so.2", "libtbbmalloc2"),
}


@dataclass(frozen=True)
class Contender:
    """Who takes part in a work, and how it is run. Made by micro(), driver() and counted()."""

    how: str  # "micro", "driver" or "counted"
    program: str
    case: str  # what the program calls it
    name: str  # what the table calls it
    options: tuple[str, ...] = ()
    malloc: Malloc | None = None
    needs: str = ""  # the packages without which it is not built: its absence is then named, and no failure
    requests: tuple[int, int] = (0, 0)  # counted: the lengths of the two runs


def micro(program: str, case: str, *, name: str = "", needs: str = "") -> Contender:
    return Contender("micro", program, case, name or case, needs=needs)


def driver(program: str, case: str, *options: str, name: str = "", needs: str = "") -> Contender:
    return Contender("driver", program, case, name or case, options, needs=needs)


def counted(
    program: str, case: str, *options: str, name: str = "", needs: str = "", requests: tuple[int, int] = (1000, 3000)
) -> Contender:
    return Contender("counted", program, case, name or case, options, needs=needs, requests=requests)


def under(malloc: str, contender: Contender, name: str = "") -> Contender:
    """The same program and the same case, with another malloc; called like the malloc unless `name` says otherwise."""
    return replace(contender, malloc=MALLOCS[malloc], name=name or malloc)


def mallocs(contender: Contender, name: str = "{}") -> tuple[Contender, ...]:
    """`contender` under each malloc. `name` has a {} for the malloc's: mallocs(driver(...), "enqueue + {}")."""
    return tuple(under(malloc, contender, name.format(malloc)) for malloc in MALLOCS)


@dataclass(frozen=True)
class Bar:
    """What has to hold. With `least`: best of these peers / ours >= least. With `most`: our figure itself <= most. With
    `beyond`: ours - best of these peers <= beyond, in the work's unit."""

    least: float | None = None
    peers: tuple[str, ...] = ()
    most: float | None = None
    beyond: float | None = None
    against: str = ""  # whom that is, in the table: "best malloc" (default: the peers' names)
    says: str = ""  # all of the bar in the table's words: "saves over 36.0 %" (default: made of the above)
    ours: str = ""  # which of our contenders, where it is not the work's


@dataclass(frozen=True)
class Part:
    """An option whose value follows from what another work's contenders gave in the same round: so much of the least of
    a figure of theirs. One value for all contenders that are given it."""

    of: float
    program: str  # the other work's, which comes before
    key: str
    figure: str
    option: str


@dataclass(frozen=True)
class Work:
    """One work, done by all contenders alike; a row of the table for each of its bars. A counted one may have none: then
    all of its contenders are ours, and the gate's only."""

    key: str  # what the programs call it
    name: str
    unit: str
    ours: str  # the name of the contender that is us
    contenders: tuple[Contender, ...]
    bars: tuple[Bar, ...]
    figure: str = "value"  # a driver's further figures: the name of the one that this work is about
    label: str = ""  # where two works share a key (two figures of one run): what to call this one
    weight: float = 1.0  # how long a run of it lasts, against other works; a latency needs more than a mean
    # A driver with "series": [[x, y], ...]: what x and y are. Drawn, and the figure is the worst step of what all rounds
    # make, in place of `value`.
    axes: tuple[str, str] | None = None
    once: bool = False  # runs in the first round only: a figure without noise that takes long
    given: Part | None = None  # a driver's option that is known once another work has run

    @property
    def id(self) -> str:
        """How --only, the JSON and the charts name it."""
        return self.label or self.key

    def contender(self, name: str) -> Contender:
        return next(each for each in self.contenders if each.name == name)

    @property
    def is_counted(self) -> bool:
        return self.contender(self.ours).how == "counted"


def names(contenders: Iterable[Contender]) -> tuple[str, ...]:
    """For the peers of a bar."""
    return tuple(each.name for each in contenders)


def faults(works: Iterable[Work]) -> Iterator[str]:
    """What is wrong with a list of works: one line each."""
    seen, runs = set(), set()
    for work in works:
        if work.id in seen:
            yield f"two works are called {work.id}"
        seen.add(work.id)
        here = names(work.contenders)
        for name in sorted({name for name in here if here.count(name) > 1}):
            yield f"{work.id}: two contenders are called {name}"
        if not work.bars and not work.is_counted:
            yield f"{work.id}: no bar"
        if work.given and (work.given.program, work.given.key) not in runs:
            yield f"{work.id}: no work {work.given.key} of {work.given.program} comes before it"
        runs |= {(each.program, work.key) for each in work.contenders}
        asked = {work.ours, *(name for bar in work.bars for name in (*bar.peers, bar.ours or work.ours))}
        for name in sorted(asked - set(here)):
            yield f"{work.id}: no contender is called {name}"
        if work.axes and (work.figure != "value" or work.is_counted):
            yield f"{work.id}: has axes, so its figure is its curve's, and names another one"
        if len({each.how == "counted" for each in work.contenders}) > 1:
            yield f"{work.id}: instructions and other figures are mixed"
        for bar in work.bars:
            kinds = [bar.least is not None, bar.most is not None, bar.beyond is not None]
            if kinds.count(True) != 1 or (bar.most is None) != bool(bar.peers):
                yield f"{work.id}: a bar has either `least` or `beyond`, and peers, or `most`"
