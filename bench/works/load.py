"""Executors under load: submission, latency, memory, wake-up."""

from frame.model import Bar, Part, Work, driver, mallocs, names

SUBMIT = "bench_submit"
EXECUTORS = tuple(driver(SUBMIT, name) for name in ("enqueue", "task_group", "asio", "async", "deque"))
PAIRINGS = tuple(
    pairing
    for executor in ("enqueue", "task_group", "asio", "deque")
    for pairing in mallocs(driver(SUBMIT, executor), f"{executor} + {{}}")
)


def submit_and_run(submitters: int, said: str) -> Work:
    return Work(
        key=f"submit_{submitters}",
        name=f"submit and run an empty request, {said}, 2 workers",
        unit="ns",
        ours="mayfly",
        contenders=(driver(SUBMIT, "mayfly"), driver(SUBMIT, "mayfly_bare"), *EXECUTORS),
        bars=(
            Bar(least=2.5, peers=names(EXECUTORS), ours="mayfly_bare", says="statistics off: >= 2.50 x best executor"),
            Bar(least=1.5, peers=names(EXECUTORS), against="best executor"),
        ),
    )


WAKEUP = "bench_wakeup"
SLEEPERS = tuple(driver(WAKEUP, name) for name in ("enqueue", "asio", "deque"))


def wake_up(key: str, said: str, figure: str, weight: float) -> Work:
    """No slower than others; beside it, what looking for work for a while before sleeping brings. A p99 is of 1,000
    requests or none: those that find a pool asleep are a millisecond apart."""
    return Work(
        key=key,
        label=f"{key}_{figure}",
        name=f"from submission to handler, {said}, {'median' if figure == 'value' else figure}",
        unit="us",
        ours="mayfly",
        figure=figure,
        contenders=(driver(WAKEUP, "mayfly"), driver(WAKEUP, "mayfly_no_spin"), *SLEEPERS),
        bars=(Bar(least=1, peers=names(SLEEPERS), against="best executor"),),
        weight=weight,
    )


def crowd(key: str, name: str, axis: str) -> Work:
    """A curve, to see that nowhere it jumps."""
    return Work(
        key=key,
        name=f"{name}: worst step",
        unit="x",
        ours="mayfly",
        contenders=tuple(driver("bench_crowds", name) for name in ("mayfly", "enqueue", "asio")),
        bars=(Bar(most=2, says="no step costs over 2 x the one before"),),
        weight=2,
        axes=(axis, "ns a request"),
    )


LATENCY = "bench_latency"
UNDER_LOAD = mallocs(driver(LATENCY, "enqueue"), "enqueue + {}")
SLOWEST = Part(of=0.7, program=LATENCY, key="caniuse", figure="rate", option="--rate")

STEADY = "bench_steady"


def steady_state(figure: str, label: str, said: str) -> Work:
    """What a warm request must not do at all. The others' requests call malloc; the bar is on ours alone."""
    return Work(
        key="steady",
        label=label,
        name=f"steady state: {said}, a warm request of 100 allocations of 32 B, 2 workers busy",
        unit="a request",
        ours="mayfly",
        figure=figure,
        contenders=tuple(driver(STEADY, name) for name in ("mayfly", "enqueue", "asio", "deque")),
        bars=(Bar(most=0),),
    )


LOAD: tuple[Work, ...] = (
    submit_and_run(1, "1 submitter"),
    submit_and_run(2, "2 submitters"),
    Work(
        key="hundred",
        name="request of 100 allocations of 32 B, 2 workers",
        unit="ns",
        ours="mayfly",
        contenders=(driver(SUBMIT, "mayfly"), driver(SUBMIT, "mayfly_bare"), *PAIRINGS),
        bars=(Bar(least=5, peers=names(PAIRINGS), against="best executor and malloc"),),
    ),
    crowd("in_flight", "1 to 100,000 requests of 10 allocations in flight, 2 workers", "requests in flight"),
    crowd("workers", "1 to 64 workers, on however many cores, requests of 100 allocations", "workers"),
    wake_up("wakeup", "pool asleep", "value", weight=6),
    wake_up("wakeup", "pool asleep", "p99", weight=6),
    wake_up("wakeup_soon", "10 us after the last", "value", weight=1),
    wake_up("wakeup_soon", "10 us after the last", "p99", weight=1),
    Work(
        key="idle",
        name="processor time of an idle pool",
        unit="% of a core",
        ours="mayfly",
        contenders=(driver(WAKEUP, "mayfly"), driver(WAKEUP, "mayfly_no_spin"), *SLEEPERS),
        bars=(Bar(most=1),),
        once=True,
    ),
    steady_state("value", "steady_mallocs", "calls of malloc"),
    steady_state("faults", "steady_faults", "page faults"),
    steady_state("calls", "steady_calls", "system calls but futex and clock_nanosleep"),
    Work(
        key="caniuse",
        label="latency",
        name="latency of real requests at 70 % of saturation, open loop, p99.9",
        unit="us",
        ours="mayfly",
        contenders=(driver(LATENCY, "mayfly"), *UNDER_LOAD),
        bars=(Bar(least=1 / 0.7, peers=names(UNDER_LOAD), says="<= 0.7 x enqueue + best malloc"),),
        weight=6,
    ),
    Work(
        key="caniuse_same",
        label="latency_same",
        name="the same, at one rate for all: 70 % of what the slowest of them saturates at, p99.9",
        unit="us",
        ours="mayfly",
        contenders=(driver(LATENCY, "mayfly"), *UNDER_LOAD),
        bars=(Bar(least=1 / 0.7, peers=names(UNDER_LOAD), says="<= 0.7 x enqueue + best malloc"),),
        weight=4,
        given=SLOWEST,
    ),
    Work(
        key="caniuse",
        label="peak_rss",
        name="peak RSS of real requests at saturation",
        unit="KiB",
        ours="mayfly",
        figure="rss_kib",
        contenders=(driver(LATENCY, "mayfly"), *UNDER_LOAD),
        bars=(Bar(least=1, peers=names(UNDER_LOAD), says="<= 1.0 x best malloc pairing"),),
        weight=6,
    ),
)
