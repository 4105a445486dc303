"""Loudness of presets that was measured before: it takes a slow board seconds to play the guitar through each.

Kept by what was played: the same blocks, files, guitar and levels are equally loud, whatever the preset is called.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from nampedal.board.errors import SettingsError
from nampedal.board.settings import check_format, check_keys, load_toml, number_of, replace_file, table_of, to_toml
from nampedal.firmware import playing, preset
from nampedal.firmware.content import Content
from nampedal.firmware.control_map import ControlMap

FORMAT = 1
# Those measured last.
MOST = 1000
MOST_BYTES = 1 << 20

_log = logging.getLogger(__name__)


def key_of(content: Content, sample_rate: float, full_scale_dbu: float | None) -> str | None:
    """Hexadecimal; None of a preset that can't be read, or whose files can't. The other two are those of the chain."""
    if content.preset is None or not all(content.files.values()):
        return None
    # Nothing of this changes what the blocks play.
    blocks = replace(
        content.preset,
        name="",
        level_db=0.0,
        normalise=True,
        loudness_lufs=None,
        bypass_keeps_cabinet=True,
        controls=ControlMap(),
    )
    parts = (
        str(playing.VERSION),
        repr(sample_rate),
        repr(full_scale_dbu),
        *sorted(map("=".join, content.files.items())),
    )
    return sha256(preset.pack(blocks) + "\n".join(parts).encode()).hexdigest()


class LoudnessCache:
    """For one thread. path: a TOML file; one that can't be read is empty, one that can't be written is left."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lufs = _read(path)

    def get(self, key: str | None) -> float | None:
        """LUFS; None: not measured yet."""
        return self._lufs.get(key) if key is not None else None

    def put(self, key: str | None, lufs: float) -> None:
        """Written at once: it waits for the disk."""
        if key is None:
            return
        self._lufs[key] = lufs
        newest = list(self._lufs.items())[-MOST:]
        self._lufs = dict(newest)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            replace_file(to_toml({"format": FORMAT, "lufs": self._lufs}), self._path)
        except (SettingsError, OSError) as error:
            _log.warning("%s; it is measured again at the next start", error)


def _read(path: Path) -> dict[str, float]:
    where = str(path)
    try:
        data = path.read_bytes()[:MOST_BYTES]
        values = load_toml(where, data)
        check_format(where, values, FORMAT)
        check_keys(where, "", values, ("format", "lufs"))
        table = table_of(where, "lufs", values, "presets")
        return {key: float(number_of(where, f"lufs.{key}", {key: table[key]}, (-100.0, 100.0))) for key in table}
    except FileNotFoundError:
        return {}
    except (SettingsError, OSError) as error:
        _log.warning("%s; the loudness of presets is measured again", error)
        return {}
