# Configures, builds and runs consumer/ against PREFIX with find_package(mayfly COMPONENTS PARTS). Where REFUSAL is
# given, configuring has to fail and to say so.

file(REMOVE_RECURSE "${WORK_DIR}")
# No path of the source or build tree may be needed: the consumer sees the prefix and the system.
execute_process(
  COMMAND ${CMAKE_COMMAND} -S "${CONSUMER_DIR}" -B "${WORK_DIR}" -G "${GENERATOR}"
    "-DCMAKE_PREFIX_PATH=${PREFIX}" "-DCMAKE_CXX_COMPILER=${CXX}" "-DCMAKE_CXX_FLAGS=${CXX_FLAGS}"
    "-DCMAKE_BUILD_TYPE=${BUILD_TYPE}" "-DPARTS=${PARTS}" "-DVERSION=${VERSION}"
  RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
if(REFUSAL)
  string(FIND "${output}" "${REFUSAL}" found)
  if(result EQUAL 0 OR found EQUAL -1)
    message(FATAL_ERROR "expected a refusal that says \"${REFUSAL}\", got ${result}:\n${output}")
  endif()
  return()
endif()
if(NOT result EQUAL 0)
  message(FATAL_ERROR "the consumer does not configure:\n${output}")
endif()
execute_process(COMMAND ${CMAKE_COMMAND} --build "${WORK_DIR}" COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND "${WORK_DIR}/consumer" COMMAND_ECHO STDOUT COMMAND_ERROR_IS_FATAL ANY)
