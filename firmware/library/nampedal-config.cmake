# find_package(nampedal) gives the target nampedal::engine. Its archive needs zlib, for a checksum.
include(CMakeFindDependencyMacro)
find_dependency(ZLIB)
include(${CMAKE_CURRENT_LIST_DIR}/nampedal-targets.cmake)
