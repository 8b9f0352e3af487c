"""Executors under load: submission, latency, memory, wake-up."""

from frame.model import Bar, Work, driver, mallocs, names

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
)
