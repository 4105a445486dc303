# Debian's MinGW-w64 for Windows on x86-64. Headers that are the same for every system are in NAMPEDAL_HEADERS
# (firmware/cross/windows.mk links them there).
set(CMAKE_SYSTEM_NAME Windows)
set(CMAKE_SYSTEM_PROCESSOR AMD64)
# With the POSIX threads: that of Windows' own has no std::thread.
set(CMAKE_CXX_COMPILER x86_64-w64-mingw32-g++-posix)
set(CMAKE_RC_COMPILER x86_64-w64-mingw32-windres)
set(CMAKE_CROSSCOMPILING_EMULATOR wine)

if(NOT NAMPEDAL_HEADERS)
  set(NAMPEDAL_HEADERS $ENV{NAMPEDAL_HEADERS})
endif()
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES NAMPEDAL_HEADERS)
set(CMAKE_FIND_ROOT_PATH /usr/x86_64-w64-mingw32 ${NAMPEDAL_HEADERS})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
# nanobind is a package of the Python that builds.
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE BOTH)
# No library of the compiler's is beside the programs.
set(CMAKE_EXE_LINKER_FLAGS_INIT -static)
