"""Allocators and arenas, one thread, no executor."""

from frame.model import Bar, Work, counted, driver, mallocs, micro, names

PROGRAM = "bench_allocators"
HANDLES = "bench_handles"
COUNTS = "bench_counts"


def gated(key: str, name: str, *ours: str, requests: tuple[int, int] = (1000, 3000)) -> Work:
    """In instructions, and for the gate only: what has no noise shows a rise that a time hides."""
    return Work(key=key, label=f"{key}_count", name=name, unit="instructions", ours=ours[0], bars=(),
                contenders=tuple(counted(COUNTS, each, requests=requests) for each in ours))  # fmt: skip


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
        contenders=(micro(PROGRAM, "mayfly"), micro(PROGRAM, "mayfly_64k"), micro(PROGRAM, "bare"), *ARENAS, *MALLOCS),
        bars=(
            Bar(least=1.6, peers=names(ARENAS), against="best arena"),
            Bar(least=1.6, peers=NOT_INLINE, against="best arena but bumpalo"),
            Bar(least=5, peers=names(MALLOCS), against="best malloc"),
            Bar(least=1 / 1.5, peers=("bare",), says="<= 1.5 x a bare pointer"),
            Bar(least=1.6, peers=names(ARENAS), ours="mayfly_64k", says="a first page of 64 KiB: >= 1.60 x best arena"),
            Bar(least=1 / 1.5, peers=("bare",), ours="mayfly_64k", says="a first page of 64 KiB: <= 1.5 x a bare pointer"),
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
        key="ref_get",
        name="an object in a scope, looked at by its ref",
        unit="ns",
        ours="mayfly",
        contenders=(micro(HANDLES, "mayfly"), micro(HANDLES, "pointer")),
        bars=(Bar(beyond=0.3, peers=("pointer",), against="a pointer"),),
    ),
    Work(
        key="ref_pin",
        name="the same with the scope pinned meanwhile: pin, look, unpin",
        unit="ns",
        ours="mayfly",
        contenders=(micro(HANDLES, "mayfly"), micro(HANDLES, "locked_pair"), micro(HANDLES, "pointer")),
        bars=(Bar(most=6),),
    ),
    Work(
        key="egress_64",
        name="64 bytes that leave a scope, looked through for an address",
        unit="ns",
        ours="mayfly",
        contenders=(micro(HANDLES, "mayfly"),),
        bars=(Bar(most=5),),
    ),
    gated("allocate", "allocate 32 B and write it, 1,000 times", "mayfly", "mayfly_64k", requests=(20, 60)),
    gated("allocate_pmr", "the same through memory_resource&", "mayfly", "mayfly_scope", requests=(20, 60)),
    gated("scope", "open scope, one allocation, close", "mayfly", "arena_alone"),
    gated("ref_get", "16 objects in a scope, looked at by their refs", "mayfly"),
    gated("ref_pin", "16 objects in a scope, pinned, looked at, unpinned", "mayfly"),
    gated("egress_64", "64 bytes looked through for an address", "mayfly"),
    gated("submit", "submit and run an empty request, all on one worker", "mayfly", "mayfly_bare"),
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
