"""neon_tiles.S: its offsets are those of the structure, it assembles for Linux and Apple, and can be unwound."""

from __future__ import annotations

import re
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

OFFSETS = "dsp/kernels/neon_tiles_offsets.h"
HEADER = "dsp/kernels/neon_tiles.h"
SOURCE = "dsp/kernels/neon_tiles.S"
NAMES = re.findall(r"#define (NAMPEDAL_TILES_\w+)", (Path(__file__).parents[3] / "firmware" / OFFSETS).read_text())
# AAPCS64: what a function leaves as it found it; here all of it is saved, in this order, from sp + 0 on.
SAVED = [*(f"x{n}" for n in range(19, 29)), *(f"v{n}" for n in range(8, 16))]


def compile_header(root: Path, *folders: Path) -> subprocess.CompletedProcess[str]:
    includes = [f"-I{folder}" for folder in (*folders, root / "firmware")]
    command: list[str | Path] = [
        "g++",
        "-std=c++20",
        "-fsyntax-only",
        "-x",
        "c++",
        *includes,
        root / "firmware" / HEADER,
    ]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def assemble(root: Path, target: str, out: Path) -> Path:
    clang = shutil.which("clang")
    if clang is None:
        pytest.skip("clang, which assembles for other machines, is not installed: make test-clang installs it")
    command: list[str | Path] = [
        clang,
        f"--target={target}",
        f"-I{root / 'firmware'}",
        "-c",
        root / "firmware" / SOURCE,
        "-o",
        out,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return out


def elf_section(data: bytes, name: bytes) -> bytes:
    """The bytes of a section of a little-endian 64-bit object file (elf(5))."""
    (headers,) = struct.unpack_from("<Q", data, 40)
    size, count, names = struct.unpack_from("<3H", data, 58)
    sections = [struct.unpack_from("<2I4Q", data, headers + n * size) for n in range(count)]
    text = sections[names][4]
    for section in sections:
        if data[text + section[0] :].startswith(name + b"\0"):
            return data[section[4] : section[4] + section[5]]
    raise AssertionError(name)


def test_the_offsets_are_those_of_the_structure(root: Path) -> None:
    done = compile_header(root)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", NAMES)
def test_another_offset_does_not_compile(root: Path, tmp_path: Path, name: str) -> None:
    text, found = re.subn(
        rf"({name} +)(\d+)", lambda at: f"{at[1]}{int(at[2]) + 8}", (root / "firmware" / OFFSETS).read_text()
    )
    assert found == 1
    other = tmp_path / OFFSETS
    other.parent.mkdir(parents=True)
    other.write_text(text)
    done = compile_header(root, tmp_path)
    assert done.returncode != 0
    assert "static assertion failed" in done.stderr


def test_the_assembly_has_no_offset_of_its_own(root: Path) -> None:
    text = (root / "firmware" / SOURCE).read_text()
    loads = re.findall(r"\[x0(?:, #(\w+))?\]", text)
    assert len(loads) >= 10
    assert set(loads) <= set(NAMES)


def test_it_assembles_to_the_same_code_for_linux_and_apple(root: Path, tmp_path: Path) -> None:
    code = elf_section(assemble(root, "aarch64-linux-gnu", tmp_path / "elf.o").read_bytes(), b".text")
    apple = assemble(root, "arm64-apple-macos11", tmp_path / "apple.o").read_bytes()
    assert len(code) > 4000
    assert code in apple
    assert b"\0_nampedal_neon_tiles8\0" in apple
    assert b"\0_nampedal_neon_tiles4\0" in apple
    # Labels within a function are no symbols there: the linker would take each for a function.
    assert b"tile8\0" not in apple.replace(b"tiles8\0", b"")


def test_it_can_be_unwound_from_every_instruction(root: Path, tmp_path: Path) -> None:
    built = assemble(root, "aarch64-linux-gnu", tmp_path / "elf.o")
    command: list[str | Path] = ["readelf", "--debug-dump=frames-interp", built]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    functions = out.split("FDE")[1:]
    assert len(functions) == 2
    for function in functions:
        _, heads, *rows = function.strip().splitlines()
        assert heads.split() == ["LOC", "CFA", *SAVED]
        states = [tuple(row.split()[1:]) for row in rows if len(row.split()) == 2 + len(SAVED)]
        entered, inside = ("sp+0", *("u" for _ in SAVED)), ("sp+144", *(f"c-{144 - 8 * n}" for n in range(len(SAVED))))
        # At the entry, and at ret, everything is where the caller left it; the body behind ret is inside again.
        assert states[0] == entered
        assert states.count(entered) == 2
        assert states[states.index(entered, 1) + 1] == inside
        assert states[-1] == inside
