from __future__ import annotations

import pytest
from check_wheels import problems

# As readelf prints the header, the dynamic section and the dynamic symbols of a library.
TOLD = """\
  Machine:                           Advanced Micro Devices X86-64
 0x0000000000000001 (NEEDED)             Shared library: [libm.so.6]
 0x0000000000000001 (NEEDED)             Shared library: [ld-linux-x86-64.so.2]
     1: 0000000000000000     0 FUNC    GLOBAL DEFAULT  UND pow@GLIBC_2.29 (2)
     2: 0000000000000000     0 NOTYPE  GLOBAL DEFAULT  UND PyList_New
     3: 0000000000000000     0 NOTYPE  WEAK   DEFAULT  UND __gmon_start__
     4: 0000000000000000     0 FUNC    GLOBAL DEFAULT  UND memcpy@GLIBC_2.2.5 (3)
     5: 00000000000304e0   120 FUNC    GLOBAL DEFAULT   14 PyInit__engine
"""


def test_glibc_and_python_are_all_that_it_may_ask_for() -> None:
    assert list(problems(TOLD, 29, "x86_64")) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("X86-64", "AArch64", "is not for x86_64"),
        ("libm.so.6", "libstdc++.so.6", "needs libstdc++.so.6"),
        ("pow@GLIBC_2.29", "fstat@GLIBC_2.33", "asks for fstat of glibc 2.33"),
        ("pow@GLIBC_2.29", "_Unwind_Resume@GCC_3.0", "asks for _Unwind_Resume of GCC_3.0"),
        ("pow@GLIBC_2.29 (2)", "_dl_find_object", "asks for _dl_find_object, which no library has"),
    ],
)
def test_what_is_missing_on_an_older_system_is_named(old: str, new: str, said: str) -> None:
    assert list(problems(TOLD.replace(old, new), 31, "x86_64")) == [said]
