# The CMake package: find_package(mayfly) gives mayfly::mayfly; find_package(mayfly COMPONENTS arena) gives
# mayfly::arena alone and asks for no more packages than the arena needs.

include(CMakePackageConfigHelpers)

set(MAYFLY_PACKAGE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/mayfly)
get_property(MAYFLY_PARTS GLOBAL PROPERTY MAYFLY_PARTS)
get_property(MAYFLY_UMBRELLA_PARTS GLOBAL PROPERTY MAYFLY_UMBRELLA_PARTS)
set(MAYFLY_PART_FACTS "")
foreach(part IN LISTS MAYFLY_PARTS)
  get_property(parts GLOBAL PROPERTY MAYFLY_PARTS_OF_${part})
  get_property(packages GLOBAL PROPERTY MAYFLY_PACKAGES_OF_${part})
  list(REMOVE_DUPLICATES packages)
  string(APPEND MAYFLY_PART_FACTS "set(_mayfly_${part}_parts \"${parts}\")\n")
  string(APPEND MAYFLY_PART_FACTS "set(_mayfly_${part}_packages \"${packages}\")\n")
  install(EXPORT mayfly-${part} NAMESPACE mayfly:: DESTINATION ${MAYFLY_PACKAGE_DIR})
endforeach()
install(EXPORT mayfly-mayfly NAMESPACE mayfly:: DESTINATION ${MAYFLY_PACKAGE_DIR})

configure_package_config_file(
  "${PROJECT_SOURCE_DIR}/cmake/mayfly-config.cmake.in" "${PROJECT_BINARY_DIR}/mayfly-config.cmake"
  INSTALL_DESTINATION ${MAYFLY_PACKAGE_DIR})
# 0.x: any minor version may change the interface.
write_basic_package_version_file("${PROJECT_BINARY_DIR}/mayfly-config-version.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/mayfly-config.cmake" "${PROJECT_BINARY_DIR}/mayfly-config-version.cmake"
  "${PROJECT_SOURCE_DIR}/cmake/FindLibdeflate.cmake" DESTINATION ${MAYFLY_PACKAGE_DIR})
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION ${CMAKE_INSTALL_DOCDIR})
