# shellcheck shell=bash
# Sourced by the scripts beside it: bash, strict, in the project's root, in a known locale.

set -euo pipefail
export LC_ALL=C.UTF-8
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

fail() {
  printf '%s: %s\n' "$(basename -- "$0")" "$*" >&2
  exit 1
}

# ccache hashes paths relative to this clone, so that another one, elsewhere, finds the same objects.
export CCACHE_BASEDIR=${CCACHE_BASEDIR:-$PWD} CCACHE_NOHASHDIR=${CCACHE_NOHASHDIR:-1}

# It does not know what a precompiled header's macros are, nor whether it says __TIME__: ours does not.
export CCACHE_SLOPPINESS=${CCACHE_SLOPPINESS:-pch_defines,time_macros}

jobs_to_run() { nproc 2>/dev/null || echo 2; }

# The folder of the oneTBB that scripts/setup-tsan builds from the source package's version.
tsan_tbb() { realpath -m -- "${MAYFLY_TSAN_TBB:-${XDG_CACHE_HOME:-$HOME/.cache}/mayfly/onetbb-tsan-$1}"; }

# configure PRESET [cmake argument...]: quiet unless it fails.
configure() {
  local preset=$1 log
  shift
  local arguments=("-DMAYFLY_WERROR=${MAYFLY_WERROR:-OFF}")
  if command -v ccache >/dev/null; then
    arguments+=("-DCMAKE_CXX_COMPILER_LAUNCHER=ccache")
  fi
  # Not for `valgrind`, whose reports name lines.
  [[ -z ${MAYFLY_DEBUG_INFO:-} || $preset == valgrind ]] || arguments+=("-DMAYFLY_DEBUG_INFO=$MAYFLY_DEBUG_INFO")
  [[ $preset != dev && $preset != asan-ubsan && $preset != clang ]] || arguments+=("-DMAYFLY_TEST_PCH=ON")
  # Not where files are compiled one by one, for what compilers see only so (dev, clang), nor where they are measured.
  [[ $preset != asan-ubsan && $preset != tsan && $preset != fuzz ]] || arguments+=("-DMAYFLY_UNITY=${MAYFLY_UNITY:-OFF}")
  if [[ $preset == tsan ]]; then
    arguments+=("-DTBB_DIR=$(scripts/setup-tsan --print)/lib/cmake/TBB")
  fi
  mkdir -p build
  log=build/configure-$preset.log
  if ! cmake --preset "$preset" "${arguments[@]}" "$@" >"$log" 2>&1 </dev/null; then
    cat "$log" >&2
    fail "could not configure the preset '$preset'; the lines above are in $log"
  fi
}

# build PRESET [target...]
build() {
  local preset=$1 target targets=()
  shift
  for target in "$@"; do targets+=(--target "$target"); done
  cmake --build "build/$preset" --parallel "$(jobs_to_run)" ${targets[@]+"${targets[@]}"} </dev/null
}
