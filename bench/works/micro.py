"""Allocators and arenas, one thread, no executor."""

from frame.model import Bar, Work, driver, mallocs, micro, names

PROGRAM = "bench_allocators"


def arenas(*more):
    """The peers of each work, without those that are given a buffer (and so never ask anybody for memory)."""
    return (
        micro(PROGRAM, "pmr"),
        micro(PROGRAM, "protobuf", needs="libprotobuf-dev"),
        micro(PROGRAM, "apr", needs="libapr1-dev"),
        micro("bench_mimalloc_heaps", "mimalloc_heap", needs="libmimalloc-dev"),
        micro(PROGRAM, "bumpalo", needs="cargo and librust-bumpalo-dev"),
        *more,
    )


ARENAS = arenas(micro(PROGRAM, "pmr_with_buffer"))
NOT_INLINE = tuple(name for name in names(ARENAS) if name != "bumpalo")
MALLOCS = mallocs(micro(PROGRAM, "malloc"))

MICRO: tuple[Work, ...] = (
    Work(
        key="allocate",
        name="allocate 32 B and write it, 1,000 times, then free all",
        unit="ns",
        ours="mayfly",
        contenders=(micro(PROGRAM, "mayfly"), micro(PROGRAM, "bare"), *ARENAS, *MALLOCS),
        bars=(
            Bar(least=1.6, peers=names(ARENAS), against="best arena"),
            Bar(least=1.6, peers=NOT_INLINE, against="best arena but bumpalo"),
            Bar(least=5, peers=names(MALLOCS), against="best malloc"),
            Bar(least=1 / 1.5, peers=("bare",), says="<= 1.5 x a bare pointer"),
        ),
    ),
    Work(
        key="allocate_pmr",
        name="the same through memory_resource&",
        unit="ns",
        ours="mayfly",
        contenders=(
            micro(PROGRAM, "mayfly"),
            micro(PROGRAM, "mayfly_scope"),
            micro(PROGRAM, "pmr_with_buffer"),
            micro(PROGRAM, "pmr"),
        ),
        bars=(
            Bar(least=1.1, peers=("pmr_with_buffer",), against="pmr with a buffer"),
            Bar(least=1.1, peers=("pmr_with_buffer",), ours="mayfly_scope", says="a scope's resource: >= 1.1"),
        ),
    ),
    Work(
        key="scope",
        name="open scope (registry, id, page), one allocation, close",
        unit="ns",
        ours="mayfly",
        contenders=(micro(PROGRAM, "mayfly"), micro(PROGRAM, "arena_alone"), *arenas()),
        bars=(
            Bar(least=1.5, peers=names(arenas()), against="best arena without a registry"),
            Bar(least=1.5, peers=("pmr",), against="pmr"),
        ),
    ),
    Work(
        key="growth",
        name="requests of 10 to 1,000,000 allocations: worst step",
        unit="x",
        ours="mayfly",
        contenders=(driver("bench_curves", "mayfly"), driver("bench_curves", "pmr")),
        bars=(Bar(most=2, says="no size costs over 2 x the one before"),),
        weight=2,
        axes=("allocations a request", "ns an allocation"),
    ),
    Work(
        key="sizes",
        name="one allocation of 1 KiB to 2 MiB, over all page classes: worst step",
        unit="x",
        ours="mayfly",
        contenders=(driver("bench_curves", "mayfly"), driver("bench_curves", "pmr")),
        bars=(Bar(most=2, says="no size costs over 2 x the one before"),),
        weight=2,
        axes=("KiB", "ns a KiB"),
    ),
    Work(
        key="edges",
        name="the same with nothing written but 32 bytes: worst step",
        unit="x",
        ours="mayfly",
        contenders=(driver("bench_curves", "mayfly"), driver("bench_curves", "pmr")),
        bars=(Bar(most=2, says="no size costs over 2 x the one before"),),
        weight=2,
        axes=("KiB", "ns a request"),
    ),
)
