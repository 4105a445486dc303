"""What a pedal's settings for systemd's units say: places.SETTINGS, and places.CHANGED_SETTINGS where the card does."""

from __future__ import annotations

import re
from pathlib import Path

_QUOTED = re.compile(r"(['\"])(.*)\1")


def parse_environment(text: str) -> dict[str, str]:
    """As systemd reads an EnvironmentFile (systemd.exec(5)), of what stands in one line."""
    found = {}
    for line in map(str.strip, text.splitlines()):
        name, equals, value = line.partition("=")
        if equals and line[0] not in "#;":
            quoted = _QUOTED.fullmatch(value.strip())
            found[name.strip()] = quoted[2] if quoted else value.strip()
    return found


def read_environment(path: Path) -> dict[str, str]:
    """Nothing where it can't be read."""
    try:
        return parse_environment(path.read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return {}
