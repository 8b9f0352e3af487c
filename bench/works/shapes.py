"""Real requests, and values of four shapes, counted in instructions."""

from frame.model import Bar, Contender, Work, counted, driver, mallocs, names

# What the system this grew from saved, in percent of the instructions.
SAVED_BEFORE = {"flat": 36.0, "branch": 10.7, "deep": 55.0, "boundary": 59.2}
WHAT = {
    "flat": "one record of three integers",
    "branch": "one of two records",
    "deep": "three nested records",
    "boundary": "status, body, total: read and serialised in the arena, or from a copy on the heap",
}
FORMS = {"native": "native", "json": "Boost.JSON"}
NATIVE_SAVES = 85.0
LISTED = 100  # values that a request makes and returns: some 100 to 800 allocations (a twitter status takes 177)
LONG_LIST = 1000  # by which the arena's own cost is spread thin; 1,000 to 3,000 allocations


def saves(percent: float) -> Bar:
    """Fewer instructions than on the heap, by so many percent."""
    return Bar(least=1 / (1 - percent / 100), peers=("heap",), says=f"saves over {percent:g} %")


def both(*options: str, more: tuple[str, ...] = (), requests: tuple[int, int] = (1000, 3000)) -> tuple[Contender, ...]:
    return tuple(counted("bench_shapes", case, *options, requests=requests) for case in ("mayfly", "heap", *more))


def one_value(shape: str, form: str) -> Work:
    """A request that makes a single value: what opening an arena costs is all there. Beside it, both without a scope: what
    the scope costs. At the boundary none is opened."""
    at_boundary = shape == "boundary"
    name = shape if at_boundary else f"{shape}, 1"
    return Work(key=f"{shape}_{form}", name=f"{name}: {WHAT[shape]}, {FORMS[form]}", unit="instructions", ours="mayfly",
                contenders=both(more=() if at_boundary else ("bare_arena", "bare_heap")),
                bars=bars(shape, form if at_boundary else ""))  # fmt: skip


def many_values(shape: str, form: str, values: int = LISTED, key: str = "", more: str = "") -> Work:
    """A request that makes and returns a list of them."""
    key = key or f"{shape}_{form}"
    return Work(key=key, label=f"{key}_{values}", unit="instructions", ours="mayfly", bars=bars(shape, form),
                name=f"{shape}, {values:,} of them: {WHAT[shape]}, {FORMS[form]}{more}",
                contenders=both("--values", str(values), requests=(20, 60) if values == LISTED else (4, 12)))  # fmt: skip


def bars(shape: str, form: str) -> tuple[Bar, ...]:
    return (saves(SAVED_BEFORE[shape]), *([saves(NATIVE_SAVES)] if form == "native" else []))


def real(key: str, name: str) -> Work:
    heap = mallocs(driver("bench_requests", "malloc"))
    return Work(key=key, name=f"parse, canonicalize, serialize: {name}, 2 workers", unit="ns", ours="mayfly", weight=3,
                contenders=(driver("bench_requests", "mayfly"), *heap),
                bars=(Bar(least=1.7, peers=("glibc",)), Bar(least=1.2, peers=names(heap), against="best malloc")))  # fmt: skip


def resident(key: str, name: str) -> Work:
    """The most memory that was resident in the same runs."""
    heap = mallocs(driver("bench_requests", "malloc"))
    return Work(key=key, label=f"{key}_memory", name=f"peak resident memory of that: {name}", unit="KiB", ours="mayfly",
                weight=3, figure="peak_kib", contenders=(driver("bench_requests", "mayfly"), *heap),
                bars=(Bar(least=1, peers=names(heap), against="best malloc"),))  # fmt: skip


SHAPES: tuple[Work, ...] = (
    real("twitter", "twitter statuses"),
    real("caniuse", "caniuse documents"),
    resident("twitter", "twitter statuses"),
    resident("caniuse", "caniuse documents"),
    *(many_values(shape, form) for shape in ("flat", "branch", "deep") for form in FORMS),
    many_values("deep", "json", key="deep_json_copied", more=", each a copy of one made before"),
    *(many_values(shape, "native", LONG_LIST) for shape in ("flat", "branch", "deep")),
    *(one_value(shape, form) for shape in SAVED_BEFORE for form in FORMS),
)
