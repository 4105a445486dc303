"""The house holds: who imports whom, what is shipped, what stays outside."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

MAY_IMPORT = {
    "board": {"board"},
    "firmware": {"board", "firmware"},
    "converter": {"board", "firmware", "converter"},
}
# In C++, from which folders of firmware/ a folder may include.
MAY_INCLUDE = {
    "dsp/kernels": {"dsp/kernels"},
    "dsp/rt": {"dsp/kernels", "dsp/rt"},
    "dsp/setup": {"dsp/kernels", "dsp/rt", "dsp/setup"},
    "litert": {"dsp/rt", "dsp/setup", "litert"},
    "jack": {"dsp/kernels", "dsp/rt", "jack"},
    "bindings": {"dsp/kernels", "dsp/rt", "dsp/setup", "jack", "litert", "bindings"},
}
# Nothing that allocates, locks, waits or throws has a reason to be named on the real-time side.
REALTIME_HEADERS = {
    *("cmath", "cstddef", "cstdint", "cstring", "span", "utility", "atomic"),
    *("arm_neon.h", "immintrin.h", "xmmintrin.h", "kissfft/kiss_fftr.h"),
}
MOST_LINES = 400


def imported_portions(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        found |= {name.split(".")[1] for name in names if name.startswith("nampedal.")}
    return found


@pytest.mark.parametrize("portion", MAY_IMPORT)
def test_portions_import_downwards_only(root: Path, portion: str) -> None:
    modules = list((root / portion / "nampedal").rglob("*.py"))
    assert modules
    for module in modules:
        assert imported_portions(module) <= MAY_IMPORT[portion], module


def includes(path: Path) -> list[tuple[str, str]]:
    return re.findall(r'^\s*#include ([<"])([^>"]+)[>"]', path.read_text(), re.MULTILINE)


@pytest.mark.parametrize("folder", MAY_INCLUDE)
def test_cpp_folders_include_downwards_only(root: Path, folder: str) -> None:
    firmware = root / "firmware"
    for path in (firmware / folder).glob("*.[chi]*"):
        for quote, name in includes(path):
            if quote == '"' and name != "stomp_generated.h":
                target = (path.parent / name).resolve().relative_to(firmware.resolve()).parent
                assert target.as_posix() in MAY_INCLUDE[folder], f"{path.name} includes {name}"
            if folder in ("dsp/kernels", "dsp/rt"):
                assert quote == '"' or name in REALTIME_HEADERS, f"{path.name} includes <{name}>"
            if folder != "bindings":
                assert "nanobind" not in name
                assert "Python.h" not in name


def test_the_portions_are_not_packages_of_their_own(root: Path) -> None:
    for portion in MAY_IMPORT:
        assert not (root / portion / "__init__.py").exists()
        assert not (root / portion / "nampedal" / "__init__.py").exists()
        assert (root / portion / "nampedal" / portion / "py.typed").exists()


def test_no_board_of_ours_hides_blinkas(root: Path) -> None:
    code = "import importlib.util as u; s = u.find_spec('board'); print(s.origin if s else None)"
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    # A bare folder is a namespace without origin, which any real `board` on the path wins over.
    assert done.stdout.strip() == "None"


def test_a_real_board_module_wins_in_the_checkout(root: Path, tmp_path: Path) -> None:
    (tmp_path / "board.py").write_text("WHOSE = 'blinka'\n")
    code = "import board, nampedal.board.errors; print(board.WHOSE)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "blinka"


def test_files_stay_small(root: Path) -> None:
    for pattern in ("board/**/*.py", "converter/**/*.py", "firmware/**/*.py", "firmware/**/*.cpp", "firmware/**/*.h"):
        for path in root.glob(pattern):
            assert len(path.read_text().splitlines()) <= MOST_LINES, path


def pip(*arguments: str | Path, python: str = sys.executable) -> None:
    command = [python, "-m", "pip", "--disable-pip-version-check", "--quiet", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]


def test_the_wheel_holds_the_three_portions_and_nothing_else(root: Path, tmp_path: Path) -> None:
    pip("wheel", "--no-deps", "--no-build-isolation", "-w", tmp_path, root)
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"nampedal"}
    shipped = {name for name in names if name.startswith("nampedal/")}
    for portion in MAY_IMPORT:
        for source in (root / portion / "nampedal").rglob("*"):
            if source.suffix in (".py", ".pyi", ".typed", ".css", ".html", ".js"):
                assert source.relative_to(root / portion).as_posix() in shipped
    assert "nampedal/firmware/stomp_generated.py" in shipped
    for profile in (root / "hw-profiles").rglob("*.toml"):
        assert f"nampedal/board/{profile.relative_to(root)}" in shipped
    for unit in [*(root / "systemd").rglob("*.service"), *(root / "systemd").rglob("*.conf")]:
        assert f"nampedal/board/{unit.relative_to(root)}" in shipped
    assert any(re.fullmatch(r"nampedal/firmware/_engine\..*\.so", name) for name in shipped)
    assert not [name for name in names if name.endswith((".cpp", ".h", ".fbs", ".inc", ".a"))]


def test_an_editable_install_runs(root: Path, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    python = str(tmp_path / "venv" / "bin" / "python")
    (site,) = (tmp_path / "venv" / "lib").glob("python3*/site-packages")
    # What this environment has, without its nampedal: .pth entries come behind the venv's own.
    (site / "parent.pth").write_text("\n".join(p for p in sys.path if p.endswith("site-packages")) + "\n")
    pip("install", "--no-deps", "--no-build-isolation", "--force-reinstall", "-e", root, python=python)
    code = (
        "import nampedal.converter.cli, nampedal.firmware.engine as e, nampedal.board; "
        "import nampedal.board.boards as b; print(e.__file__); print(e.isas()[-1]); "
        "print(b.read_board('5').clock_mhz.value)"
    )
    done = subprocess.run([python, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    where, last_isa, clock_mhz = done.stdout.split()
    assert Path(where) == root / "firmware" / "nampedal" / "firmware" / "engine.py"
    assert last_isa == "scalar"
    assert clock_mhz == "2400"
