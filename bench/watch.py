"""Measures what it costs a pedal to detect edited files: CPU time of a look, and of a rescan, which reads everything.

    python bench/watch.py

Each preset uses a capture and a cabinet; all presets share twelve files of 60 kB. The minimum of fifty looks counts.
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

from nampedal.firmware.pedal.switching.file_watch import FileWatch, WatchedFiles
from nampedal.firmware.presets import preset
from nampedal.firmware.presets.preset import Cabinet, Gate, Nam, Preset, Tone
from nampedal.firmware.presets.preset_content import PresetContents

FILES = 6
BYTES = 60_000
BANKS = 20
TURNS = 50


def make_banks(folder: Path, presets: int) -> WatchedFiles:
    for number in range(BANKS):
        (folder / f"bank{number}").mkdir()
    bank = folder / "bank0"
    for number in range(FILES):
        (bank / f"amp{number}.stomp").write_bytes(os.urandom(BYTES))
        (bank / f"cab{number}.wav").write_bytes(os.urandom(BYTES))
    paths = [bank / f"p{number}.toml" for number in range(presets)]
    for number, path in enumerate(paths):
        blocks = (Gate(), Nam(f"amp{number % FILES}.stomp"), Tone(), Cabinet(f"cab{number % FILES}.wav"))
        preset.write(Preset(path.stem, blocks), path)
    return WatchedFiles(tuple(paths), bank, folder)


def main() -> None:
    for presets in (15, 128):
        with tempfile.TemporaryDirectory() as made:
            followed = make_banks(Path(made), presets)
            # The long interval keeps the watch's own thread asleep: this function makes the looks.
            watch = FileWatch(PresetContents(), 1e6)
            for _ in range(2):
                watch._poll(followed, ())
            look_s = min(cpu_s(watch, followed, ()) for _ in range(TURNS))
            rescan_s = cpu_s(watch, followed, (1,))
            watch.close()
        print(f"{presets} presets: {1e3 * look_s:.1f} ms a look, {1e3 * rescan_s:.0f} ms a rescan")


def cpu_s(watch: FileWatch, followed: WatchedFiles, asked: tuple[int, ...]) -> float:
    begin_s = time.thread_time()
    watch._poll(followed, asked)
    return time.thread_time() - begin_s


if __name__ == "__main__":
    main()
