# Every package the build uses is found here, in the top folder, so that its targets are visible everywhere.
# All of them are Debian 12 packages: scripts/packages lists them.

set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
find_package(TBB 2021.8 REQUIRED COMPONENTS tbb)

# ThreadSanitizer has to see what oneTBB orders. Debian's build shows it nothing: races are then reported that are none.
if(MAYFLY_SANITIZE MATCHES "thread")
  get_target_property(MAYFLY_TBB_LIBRARY TBB::tbb LOCATION)
  file(STRINGS "${MAYFLY_TBB_LIBRARY}" MAYFLY_TBB_TSAN_NAMES REGEX "__tsan_" LIMIT_COUNT 1)
  if(NOT MAYFLY_TBB_TSAN_NAMES)
    message(FATAL_ERROR
      "${MAYFLY_TBB_LIBRARY} is not built for ThreadSanitizer. scripts/setup-tsan builds one that is; scripts/test "
      "--preset tsan and scripts/build tsan use it, and so does: "
      "cmake --preset tsan -DTBB_DIR=$(scripts/setup-tsan --print)/lib/cmake/TBB")
  endif()
endif()

# Boost.JSON's memory_resource and parser are as we need them from 1.81 on; Debian's default Boost (1.74) has no
# Boost.JSON at all. Only Boost's own package configurations are asked: they carry the version of the library
# that is really there, while CMake's FindBoost module would accept whatever /usr/include holds first.
set(MAYFLY_BOOST_VERSION 1.81)
find_package(Boost ${MAYFLY_BOOST_VERSION} REQUIRED CONFIG COMPONENTS json)

find_package(Libdeflate REQUIRED MODULE)  # cmake/FindLibdeflate.cmake
find_package(tomlplusplus 3.3 REQUIRED)

if(MAYFLY_PROGRAMS)
  find_package(CLI11 2.1 REQUIRED)
endif()

if(MAYFLY_TESTS)
  find_package(GTest 1.12 REQUIRED CONFIG)
  find_package(Protobuf 3.21 REQUIRED)
  find_package(Python3 3.11 REQUIRED COMPONENTS Interpreter)
  include(GoogleTest)
endif()

if(MAYFLY_BENCH)
  find_package(benchmark 1.7 REQUIRED)
endif()
