"""Reads the settings for systemd's units: system_paths.SETTINGS, or CHANGED_SETTINGS if the card sets others."""

from __future__ import annotations

import re
from pathlib import Path

_QUOTED = re.compile(r"(['\"])(.*)\1")


def parse_environment(text: str) -> dict[str, str]:
    """Parse text as systemd reads an EnvironmentFile (systemd.exec(5)); values of one line only."""
    found = {}
    for line in map(str.strip, text.splitlines()):
        name, equals, value = line.partition("=")
        if equals and line[0] not in "#;":
            quoted = _QUOTED.fullmatch(value.strip())
            found[name.strip()] = quoted[2] if quoted else value.strip()
    return found


def read_environment(path: Path) -> dict[str, str]:
    """Read an environment file; empty if it can't be read."""
    try:
        return parse_environment(path.read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return {}
