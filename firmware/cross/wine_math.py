"""Gives numpy for Windows the functions for complex numbers that Wine 8's C library lacks: `wine_math.py FOLDER`.

FOLDER has Windows' Python in cp311 and its packages in site. The library that numpy imports for mathematics gets
another name there. It is built here: of MinGW's C library it has the functions for complex numbers, and it forwards all
others to Wine's.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

WINES = Path("/usr/lib/x86_64-linux-gnu/wine/x86_64-windows/ucrtbase.dll")
THEIRS, OURS = b"api-ms-win-crt-math-l1-1-0.dll", b"our-ms-win-crt-math-l1-1-0.dll"
FUNCTIONS = "abs|acosh?|arg|asinh?|atanh?|cosh?|exp|imag|log(10)?|pow|proj|real|sinh?|sqrt|tanh?"
COMPLEX = re.compile(rf"(c({FUNCTIONS})|conj)[fl]?")


def exported(library: Path) -> list[str]:
    """Return the names that a library exports."""
    said = subprocess.run(["x86_64-w64-mingw32-objdump", "-p", library], capture_output=True, text=True, check=True)
    return re.findall(
        r"^\t\[ *\d+\] (?:\+base\[ *\d+\] +[0-9a-f]+ )?(\w+)$", said.stdout.partition("Name Pointer")[2], re.M
    )


def definition(name: str) -> str:
    """Return what the library exports under a name."""
    if not COMPLEX.fullmatch(name):
        return f"  {name} = ucrtbase.{name}"
    # Windows' long double is a double.
    return f"  {name} = {name[:-1]}" if name.endswith("l") and name not in ("creal", "cimag") else f"  {name}"


def main(folder: Path) -> None:
    """Build the library beside Python, and rename it in the libraries of numpy."""
    lines = [f'LIBRARY "{OURS.decode()}"', "EXPORTS", *map(definition, exported(WINES))]
    (folder / "math.def").write_text("\n".join(lines) + "\n", encoding="ascii")
    (folder / "math.c").write_text("", encoding="ascii")
    output = folder / "cp311" / OURS.decode()
    build = ["x86_64-w64-mingw32-gcc", "-shared", "-static", "-o", str(output)]
    build += [str(folder / "math.c"), str(folder / "math.def")]
    subprocess.run(build, check=True)
    for path in (folder / "site").glob("numpy*/**/*"):
        if path.suffix in (".pyd", ".dll"):
            path.write_bytes(path.read_bytes().replace(THEIRS, OURS))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
