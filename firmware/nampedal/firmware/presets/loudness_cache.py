"""Cache of measured preset loudness: a slow board needs seconds to play the guitar through one preset.

The key is made from what is played: presets with the same blocks, files, guitar and levels are equally loud, whatever
their names are.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from nampedal.firmware.actions.bindings import Bindings
from nampedal.firmware.audio import dry_guitar
from nampedal.firmware.base.errors import SettingsError
from nampedal.firmware.base.files.toml_schema import (
    check_format,
    check_keys,
    load_toml,
    number_of,
    read_text_file,
    replace_file,
    table_of,
    to_toml,
)
from nampedal.firmware.presets import preset
from nampedal.firmware.presets.preset_content import Content

FORMAT = 1
# Increase it when chains play the same blocks differently: all presets are then measured again.
CHAIN_VERSION = 2
# Maximum number of entries; the oldest are dropped.
MAX_ENTRIES = 1000

_log = logging.getLogger(__name__)


def key_of(content: Content, sample_rate: float, full_scale_dbu: float | None) -> str | None:
    """Return the cache key, hexadecimal; None: the preset or one of its files can't be read.

    sample_rate, full_scale_dbu: those of the chain.
    """
    if content.preset is None or not all(content.files.values()):
        return None
    # These fields do not change what the blocks play.
    blocks = replace(
        content.preset,
        name="",
        level_db=0.0,
        normalise=True,
        loudness_lufs=None,
        bypass_keeps_cabinet=True,
        controls=Bindings(),
    )
    parts = (
        str(dry_guitar.VERSION),
        str(CHAIN_VERSION),
        repr(sample_rate),
        repr(full_scale_dbu),
        *sorted(map("=".join, content.files.items())),
    )
    return sha256(preset.pack(blocks) + "\n".join(parts).encode()).hexdigest()


class LoudnessCache:
    """Loudness by key, stored in a TOML file. Safe for several threads.

    path: of the file. A file that can't be read counts as empty; a write that fails is only logged.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lufs = _read(path)
        self._lock = threading.Lock()

    def get(self, key: str | None) -> float | None:
        """Return the loudness in LUFS; None: not measured yet."""
        return self._lufs.get(key) if key is not None else None

    def put(self, key: str | None, lufs: float) -> None:
        """Store a loudness. It is written at once, so the call waits for the disk."""
        if key is None:
            return
        try:
            with self._lock:
                self._lufs = dict(list({**self._lufs, key: lufs}.items())[-MAX_ENTRIES:])
                self._path.parent.mkdir(parents=True, exist_ok=True)
                replace_file(to_toml({"format": FORMAT, "lufs": self._lufs}), self._path)
        except (SettingsError, OSError) as error:
            _log.warning("%s; it is measured again at the next start", error)


def _read(path: Path) -> dict[str, float]:
    where = str(path)
    try:
        data = read_text_file(path)
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
