from __future__ import annotations

import hashlib
from importlib.metadata import version
from pathlib import Path

from nampedal.converter.pipeline.provenance import provenance


def test_recordings_are_told_with_what_was_in_them(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"sound")
    found = provenance({"--precision": "w8"}, [tmp_path / "a.wav"])
    assert found.material == {"a.wav": hashlib.sha256(b"sound").hexdigest()}
    assert found.options == {"--precision": "w8"}
    assert (found.tool_version, found.seed) == (version("nampedal"), None)
