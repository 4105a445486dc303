from __future__ import annotations

from pathlib import Path

from nampedal.board.profiles.board_detect import this_machine
from nampedal.board.profiles.boards import Cost, read_board, write_board

COST = Cost("measured", "a test", "neon", 5.0, {"blocks": 40.0})
PI = """processor\t: 0
BogoMIPS\t: 108.00
Features\t: fp asimd evtstrm crc32 cpuid asimdhp
CPU implementer\t: 0x41
CPU part\t: 0xd08
"""
PC = """processor\t: 0
model name\t: Some CPU 9000
cpu MHz\t\t: 2599.998
flags\t\t: fpu sse avx2 fma avx512f
"""


def put(root: Path, path: str, text: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)


def test_a_raspberry_pi_is_described(tmp_path: Path) -> None:
    put(tmp_path, "proc/cpuinfo", PI)
    put(tmp_path, "proc/device-tree/model", "Raspberry Pi 4 Model B Rev 1.4\0")
    put(tmp_path, "sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq", "1800000\n")
    board = this_machine(COST, tmp_path)
    assert (board.key, board.name, board.cpu) == ("this-machine", "Raspberry Pi 4 Model B Rev 1.4", "Cortex-A72")
    assert board.features == ("asimd", "asimdhp")
    assert (board.clock_mhz.value, board.clock_mhz.status) == (1800, "stated")
    assert board.cost == COST


def test_a_pc_is_described(tmp_path: Path) -> None:
    put(tmp_path, "proc/cpuinfo", PC)
    board = this_machine(COST, tmp_path)
    assert (board.name, board.cpu) == ("this machine, Some CPU 9000", "Some CPU 9000")
    assert board.features == ("avx2", "fma", "avx512f")
    assert (board.clock_mhz.value, board.clock_mhz.status) == (2600, "stated")


def test_a_clock_that_nobody_tells_is_called_a_guess(tmp_path: Path) -> None:
    board = this_machine(COST, tmp_path)
    assert board.cpu == "unknown"
    assert (board.clock_mhz.value, board.clock_mhz.status) == (1000, "estimated")
    assert board.clock_mhz.source == "a guess: this machine does not tell its clock"


def test_what_is_described_is_a_profile(tmp_path: Path) -> None:
    board = this_machine(COST)
    write_board(board, tmp_path / "this-machine.toml")
    assert read_board(tmp_path / "this-machine.toml") == board
