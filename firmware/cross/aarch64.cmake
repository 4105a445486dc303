# Debian's cross compiler on the headers and libraries of an unpacked arm64 Debian: -DNAMPEDAL_SYSROOT=DIR, or the
# environment variable of that name, as Python's build back end passes no more.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)

if(NOT NAMPEDAL_SYSROOT)
  set(NAMPEDAL_SYSROOT $ENV{NAMPEDAL_SYSROOT})
endif()
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES NAMPEDAL_SYSROOT)
set(CMAKE_SYSROOT ${NAMPEDAL_SYSROOT})
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
set(CMAKE_FIND_ROOT_PATH ${NAMPEDAL_SYSROOT})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
# nanobind is a package of the Python that builds.
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE BOTH)

file(GLOB python_headers ${NAMPEDAL_SYSROOT}/usr/include/python3.*)
if(python_headers)
  list(GET python_headers 0 Python_INCLUDE_DIR)
  string(REGEX MATCH "3\\.([0-9]+)$" version ${python_headers})
  set(Python_SOABI cpython-3${CMAKE_MATCH_1}-aarch64-linux-gnu)
endif()
