"""A fake sound card mixer for the real amixer: the controls of the sound drivers' tables, in a file."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest
from conftest import ROOT
from nampedal.board.mixer.driver_tables import MixerControl, SoundCard, Volume
from nampedal.board.mixer.mixer_state import MixerState, initial_state

_SILENT_DB = -9_999_999
# The value of a control whose initial value is not in the table.
_UNKNOWN = 0


class FakeMixer:
    """The mixer of one card, with the values that its drivers set at the start."""

    def __init__(self, card: SoundCard, folder: Path, plugin: Path) -> None:
        self.card = card
        self._path, self._conf = folder / "controls", folder / "alsa.conf"
        state = initial_state(card)
        lines = [line for control in card.controls.values() for line in _lines(control, state)]
        self._path.write_text("".join(f"{line}\n" for line in lines))
        self._conf.write_text(
            f'ctl_type.fake {{ lib "{plugin}" }}\n'
            f'ctl.hw {{ @args [ CARD ] @args.CARD {{ type string }} type fake file "{self._path}" }}\n'
        )

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment with which the real amixer uses this mixer for any hw:CARD."""
        return {**os.environ, "ALSA_CONFIG_PATH": str(self._conf), "LC_ALL": "C"}

    def amixer(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = ["amixer", "-D", "hw:Fake", *words]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)

    def values(self, kernel: str) -> tuple[int, ...]:
        """Return the numbers of a control, found by its kernel name."""
        for line in self._path.read_text().splitlines():
            _, name, channels, _, *values = line.split("\t")
            if name == kernel:
                return tuple(map(int, values[: int(channels)]))
        raise KeyError(kernel)


@cache
def plugin() -> Path:
    """Build the plug-in once. Skips the test if amixer, the compiler or the headers of alsa-lib are missing."""
    compiler = shutil.which("g++")
    if compiler is None or shutil.which("amixer") is None:
        pytest.skip("needs g++ and amixer (Debian's alsa-utils)")
    source, made = ROOT / "tests" / "support" / "fakes" / "fake_mixer.cpp", ROOT / "build" / "libfake_mixer.so"
    made.parent.mkdir(exist_ok=True)
    partial = made.with_suffix(f".{os.getpid()}")
    command = [compiler, "-std=c++20", "-shared", "-fPIC", "-DPIC", "-O1", str(source), "-o", str(partial)]
    done = subprocess.run([*command, "-l:libasound.so.2"], capture_output=True, text=True, check=False)
    if "alsa/asoundlib.h: No such file" in done.stderr:
        pytest.skip("needs alsa-lib's headers (Debian's libasound2-dev)")
    assert done.returncode == 0, done.stderr
    partial.replace(made)
    return made


def _lines(control: MixerControl, state: MixerState) -> list[str]:
    found = []
    for kernel in control.kernel:
        if control.items:
            item = state.items[control.name]
            number = control.items.index(item) if item is not None else _UNKNOWN
            fields = ["E", kernel, "1", str(len(control.items) - 1), str(number), "0", "", *control.items]
        elif control.volume is not None and (control.switch is None or kernel.endswith("Volume")):
            number = state.numbers[control.name] or _UNKNOWN
            tlv = ",".join(map(str, _tlv(control.volume)))
            fields = ["I", kernel, "2", str(control.volume.most), str(number), str(number), tlv]
        else:
            number = int(state.switches[control.name] or _UNKNOWN)
            fields = ["B", kernel, "2" if control.volume else "1", "1", str(number), str(number), ""]
        found.append("\t".join(fields))
    return found


def _tlv(volume: Volume) -> list[int]:
    """Return the dB scale for alsa-lib: a range for each linear segment (SNDRV_CTL_TLVT_DB_RANGE, _DB_SCALE)."""
    words: list[int] = []
    if volume.db and volume.db[0][0] > 0:
        words += [0, volume.db[0][0] - 1, 1, 8, _SILENT_DB, 0x10000]
    for at, ((low, low_db), (high, high_db)) in enumerate(zip(volume.db, volume.db[1:], strict=False)):
        last = high if at == len(volume.db) - 2 else high - 1
        words += [low, last, 1, 8, round(100 * low_db), round(100 * (high_db - low_db) / (high - low))]
    return [3, 4 * len(words), *words] if words else []
