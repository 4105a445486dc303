# Debian 12's gcc on the C library of an older Debian, whose programs and libraries run on every newer one: make wheels,
# release/wheels.mk. From the environment, as Python's build back end passes no more:
# NAMPEDAL_WHEELS (the folder with sysroot/ and unwinder/), NAMPEDAL_MACHINE (x86_64, aarch64), NAMPEDAL_PYTHON_HEADERS (3.11).
set(wheels $ENV{NAMPEDAL_WHEELS})
set(triplet $ENV{NAMPEDAL_MACHINE}-linux-gnu)
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR $ENV{NAMPEDAL_MACHINE})
set(CMAKE_CXX_COMPILER ${triplet}-g++-12)
set(CMAKE_ASM_COMPILER ${triplet}-gcc-12)
set(CMAKE_AR ${triplet}-gcc-ar-12)
set(CMAKE_RANLIB ${triplet}-gcc-ranlib-12)

set(CMAKE_SYSROOT ${wheels}/sysroot)
set(CMAKE_LIBRARY_ARCHITECTURE ${triplet})
set(CMAKE_FIND_ROOT_PATH ${CMAKE_SYSROOT})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
# nanobind is a package of the Python that builds.
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE BOTH)
set(Python_INCLUDE_DIR ${CMAKE_SYSROOT}/usr/include/python$ENV{NAMPEDAL_PYTHON_HEADERS})
string(REPLACE "." "" version $ENV{NAMPEDAL_PYTHON_HEADERS})
set(Python_SOABI cpython-${version}-${triplet})
set(Python_SOSABI abi3)

# No name of a folder of this computer gets into a wheel.
set(CMAKE_CXX_FLAGS_INIT -ffile-prefix-map=${wheels}/=)
set(CMAKE_ASM_FLAGS_INIT -ffile-prefix-map=${wheels}/=)
# gcc 12's own library for stack unwinding asks for glibc 2.35, that of Debian 11 does not. The compiler for this computer
# would look for other libraries here before it looks in the root.
set(libraries ${CMAKE_SYSROOT}/usr/lib/${triplet})
set(CMAKE_MODULE_LINKER_FLAGS_INIT "-L${wheels}/unwinder/${triplet} -B${libraries} -L${libraries}")
# Threads are a library of their own until glibc 2.34.
set(CMAKE_CXX_STANDARD_LIBRARIES_INIT -lpthread)
set(NAMPEDAL_BEFORE_GLIBC_2_32 ON)
