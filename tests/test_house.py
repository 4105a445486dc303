"""The house holds: who imports whom, what is shipped, what stays outside."""

from __future__ import annotations

import ast
import builtins
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from draw_house import OVERVIEW, PORTIONS, Module, graph, levels, modules, redrawn, who_may_import

# Which boxes of the house a box may import, where that is not left to the drawing. The rest of the arrows stand in
# docs/code-overview.md: whoever adds one sees it there.
MAY_IMPORT = {
    "firmware.base": set(),
    "board": {"firmware.base"},
    "firmware.engine": {"firmware.base"},
}
# Who may import the converter, which no pedal has.
CONVERTS = ("firmware.cli.capture_commands", "firmware.cli.main")
MAX_FILES = 14
DOCTOR_ERRORS = "firmware.system.doctor.errors"
MAX_LEVELS = 7
# Error classes that our own code does not tell apart: the command ends, and the person reads the text. Callers of the
# Python API catch them.
FOR_PEOPLE = {
    *("ArgumentError", "AudioError", "CaptureError", "ConversionError", "MeasurementError", "SettingValueError"),
    "SignatureError",
}
# In C++, from which folders of firmware/ a folder may include.
MAY_INCLUDE = {
    "dsp/kernels": {"dsp/kernels"},
    "dsp/rt": {"dsp/kernels", "dsp/rt"},
    "dsp/setup": {"dsp/kernels", "dsp/rt", "dsp/setup"},
    "dsp/counting": {"dsp/kernels", "dsp/rt", "dsp/setup", "dsp/counting"},
    "litert": {"dsp/rt", "dsp/setup", "litert"},
    "jack": {"dsp/kernels", "dsp/rt", "jack"},
    # What other programs include has nothing of ours but itself.
    "include/nampedal": {"include/nampedal"},
    "library": {"dsp/setup", "include/nampedal", "library"},
    "bindings": {"dsp/kernels", "dsp/rt", "dsp/setup", "dsp/counting", "jack", "litert", "bindings"},
}
# Nothing that allocates, locks, waits or throws has a reason to be named on the real-time side.
REALTIME_HEADERS = {
    *("bit", "cmath", "cstddef", "cstdint", "cstring", "numbers", "span", "utility", "atomic"),
    *("arm_neon.h", "immintrin.h", "xmmintrin.h", "kissfft/kissfft.hh"),
}


@pytest.fixture(scope="module")
def house() -> dict[str, Module]:
    found = modules()
    assert len(found) > 300
    return found


def test_nobody_imports_upwards_or_in_a_circle(house: dict[str, Module]) -> None:
    arrows = graph(house)
    height = levels(arrows)
    assert max(height.values()) <= MAX_LEVELS
    for outer in arrows:
        if outer != "firmware":
            levels(graph(house, outer))
    for box, allowed in MAY_IMPORT.items():
        assert arrows[box] <= allowed, box


def test_a_circle_is_told(house: dict[str, Module]) -> None:
    engine = house["firmware.engine.capture"]
    turned = {**house, engine.name: Module(engine.name, engine.path, engine.imports | {"firmware.presets.preset"})}
    with pytest.raises(ValueError, match=r"a circle of imports: .*firmware\.engine -> firmware\.presets"):
        levels(graph(turned))


def test_only_the_converters_commands_import_it(house: dict[str, Module]) -> None:
    others = [one for one in house.values() if not one.name.startswith(("converter", *CONVERTS))]
    assert [(one.name, name) for one in others for name in one.imports if name.startswith("converter")] == []


def test_modules_are_imported_by_their_whole_names(house: dict[str, Module]) -> None:
    for module in house.values():
        for node in ast.walk(ast.parse(module.path.read_text())):
            assert not isinstance(node, ast.ImportFrom) or node.level == 0, f"{module.path}: relative import"


def test_a_room_has_few_files_and_says_what_is_in_it_and_who_imports_it(house: dict[str, Module]) -> None:
    for room in {one.room for one in house.values()}:
        files = [one.name for one in house.values() if one.room == room and not one.is_package]
        assert len(files) <= MAX_FILES, room
        told = ast.get_docstring(ast.parse(house[room].path.read_text())) or ""
        subject, _, imported_by = told.partition("\n\n")
        assert subject, room
        assert " ".join(imported_by.split()) == who_may_import(house, room), f"{room}: its docstring ends otherwise"


def test_the_folders_of_tests_are_the_rooms(root: Path, house: dict[str, Module]) -> None:
    """What a folder of tests is called after is what they test."""
    tests = root / "tests"
    rooms = {one.room for one in house.values()}
    for portion in PORTIONS:
        for path in (tests / portion).rglob("test_*.py"):
            assert ".".join(path.parent.relative_to(tests).parts) in rooms, path


def test_no_two_modules_have_the_same_name(house: dict[str, Module]) -> None:
    names = [one.name.rpartition(".")[2] for one in house.values()]
    twice = {name for name in names if names.count(name) > 1}
    assert twice <= {"errors", "__main__"}


def test_error_classes_stand_in_the_errors_py_of_their_portion(house: dict[str, Module]) -> None:
    """One class for each kind of handling. A private class does not leave its module."""
    homes = {"firmware.base.errors", "board.errors", "converter.errors", DOCTOR_ERRORS}
    elsewhere = {
        f"{module.name}.{node.name}"
        for module in house.values()
        if module.name not in homes
        for node in ast.walk(ast.parse(module.path.read_text()))
        if isinstance(node, ast.ClassDef) and node.name.endswith("Error") and not node.name.startswith("_")
    }
    # It is a ValueError like those of json, and its callers name the file.
    assert elsewhere == {"firmware.base.files.bounded_json.JsonBoundError"}


def test_error_classes_are_told_apart_by_code(house: dict[str, Module]) -> None:
    """A class that nobody catches is no kind of handling."""
    trees = {module.name: ast.parse(module.path.read_text()) for module in house.values()}
    ours = {
        node.name
        for name, tree in trees.items()
        if name.endswith(".errors")
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    }
    told_apart: set[str] = set()
    for tree in trees.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.ExceptHandler) and node.type is not None:
                told_apart |= _names(node.type)
            elif isinstance(node, ast.Call) and _names(node.func) & {"isinstance", "suppress"}:
                told_apart |= _names(*node.args)
    assert ours - told_apart == FOR_PEOPLE


def _names(*nodes: ast.AST) -> set[str]:
    inside = [one for node in nodes for one in ast.walk(node)]
    return {one.id for one in inside if isinstance(one, ast.Name)} | {
        one.attr for one in inside if isinstance(one, ast.Attribute)
    }


def test_error_classes_that_docstrings_name_exist(house: dict[str, Module]) -> None:
    trees = {module.name: ast.parse(module.path.read_text()) for module in house.values()}
    ours = {node.name for tree in trees.values() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
    # Of JACK-Client, click, json, soundfile and xml.etree.
    known = {"JackError", "JSONDecodeError", "LibsndfileError", "ParseError", "UsageError", *ours, *dir(builtins)}
    for name, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
                told = set(re.findall(r"\b_?[A-Z]\w*Error\b", ast.get_docstring(node) or ""))
                assert told <= known, f"{name}: {getattr(node, 'name', 'the module')}"


# Of other programs: environment variables, and words of kernel headers, POSIX, systemd and libsndfile.
OF_OTHERS = re.compile(
    "BUS_DEFAULT_TIMEOUT|JACK_|JOURNAL_|LC_|MAGIC_|NAME_MAX|NAMPEDAL_|NOTIFY_|PCM_|PIPEWIRE_|PREEMPT_|RFKILL_|SCHED_"
    "|SERVICE_|SFC_|SOURCE_DATE|WATCHDOG_|XDG_"
)


def test_constants_that_docstrings_and_comments_name_exist(house: dict[str, Module]) -> None:
    word = re.compile(r"\b[A-Z]{2,}(?:_[A-Z0-9]+)+\b")
    known, told = set(), set()
    for module in house.values():
        text = module.path.read_text()
        told |= {(name, module.name) for comment in re.findall("#.*", text) for name in word.findall(comment)}
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Name):
                known.add(node.id)
            elif isinstance(node, ast.Attribute):
                known.add(node.attr)
            elif isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
                told |= {(name, module.name) for name in word.findall(ast.get_docstring(node) or "")}
    assert {(name, where) for name, where in told if name not in known and not OF_OTHERS.match(name)} == set()


def test_the_drawing_is_up_to_date(house: dict[str, Module]) -> None:
    text = OVERVIEW.read_text(encoding="utf-8")
    assert redrawn(text, house) == text, "run: python docs/draw_house.py"


def includes(path: Path) -> list[tuple[str, str]]:
    return re.findall(r'^\s*#include ([<"])([^>"]+)[>"]', path.read_text(), re.MULTILINE)


@pytest.mark.parametrize("folder", MAY_INCLUDE)
def test_cpp_folders_include_downwards_only(root: Path, folder: str) -> None:
    firmware = root / "firmware"
    for path in (firmware / folder).glob("*.[chi]*"):
        for quote, name in includes(path):
            if quote == '"' and name != "stomp_generated.h":
                assert ".." not in name, f"{path.name} includes {name}: write it as from firmware/"
                assert (firmware / name).is_file(), f"{path.name} includes {name}, which is not in firmware/"
                assert Path(name).parent.as_posix() in MAY_INCLUDE[folder], f"{path.name} includes {name}"
            if folder in ("dsp/kernels", "dsp/rt"):
                assert quote == '"' or name in REALTIME_HEADERS, f"{path.name} includes <{name}>"
            if folder != "bindings":
                assert "nanobind" not in name
                assert "Python.h" not in name


def test_cpp_outside_of_firmware_includes_it_by_the_same_names(root: Path) -> None:
    for folder in ("bench", "tests/fuzz", "tests/firmware/probes"):
        for path in (root / folder).glob("*.[ch]*"):
            names = [name for quote, name in includes(path) if quote == '"']
            assert [name for name in names if ".." in name] == [], path.name


def test_the_portions_are_not_packages_of_their_own(root: Path) -> None:
    for portion in PORTIONS:
        assert not (root / portion / "__init__.py").exists()
        # The one above all three stands in one of them.
        assert (root / portion / "nampedal" / "__init__.py").exists() is (portion == "firmware")
        assert (root / portion / "nampedal" / portion / "py.typed").exists()


def test_no_board_of_ours_hides_blinkas(root: Path) -> None:
    code = "import importlib.util as u; s = u.find_spec('board'); print(s.origin if s else None)"
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    # A bare folder is a namespace without origin, which any real `board` on the path wins over.
    assert done.stdout.strip() == "None"


def test_a_real_board_module_wins_in_the_checkout(root: Path, tmp_path: Path) -> None:
    (tmp_path / "board.py").write_text("WHOSE = 'blinka'\n")
    code = "import board, nampedal.board.errors; nampedal.boards(); print(board.WHOSE)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "blinka"


def pip(*arguments: str | Path, python: str = sys.executable) -> None:
    command = [python, "-m", "pip", "--disable-pip-version-check", "--quiet", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]


@pytest.mark.long
def test_an_editable_install_runs(root: Path, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    python = str(tmp_path / "venv" / "bin" / "python")
    (site,) = (tmp_path / "venv" / "lib").glob("python3*/site-packages")
    # What this environment has, without its nampedal: .pth entries come behind the venv's own.
    (site / "parent.pth").write_text("\n".join(p for p in sys.path if p.endswith("site-packages")) + "\n")
    pip("install", "--no-deps", "--no-build-isolation", "--force-reinstall", "-e", root, python=python)
    code = (
        "import nampedal.firmware.cli.main, nampedal.firmware.engine.inference as e, nampedal.board; "
        "import nampedal.board.profiles.boards as b; print(e.__file__); print(e.isas()[-1]); "
        "print(b.read_board('5').clock_mhz.value); print(nampedal.__file__); print(len(nampedal.boards()))"
    )
    done = subprocess.run([python, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    where, last_isa, clock_mhz, package, boards = done.stdout.split()
    assert Path(where) == root / "firmware" / "nampedal" / "firmware" / "engine" / "inference.py"
    assert last_isa == "scalar"
    assert clock_mhz == "2400"
    assert Path(package) == root / "firmware" / "nampedal" / "__init__.py"
    assert int(boards) > 0
