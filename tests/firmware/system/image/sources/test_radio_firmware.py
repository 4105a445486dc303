"""The options that come with the radio's firmware get into the root."""

from __future__ import annotations

from pathlib import Path

import pytest
from nampedal.firmware.system.image.sources.radio_firmware import copy_options

# As Raspberry Pi's firmware-brcm80211 1:20260519 has it (raspberrypi/linux issue 7634).
LINE = "options brcmfmac roamoff=1 feature_disable=0x282000\n"


@pytest.mark.parametrize("folder", ["usr/lib", "lib", "etc"])
def test_they_are_found_where_either_release_has_them(tmp_path: Path, folder: str) -> None:
    options = tmp_path / "kernel" / folder / "modprobe.d" / "rpi-brcmfmac.conf"
    options.parent.mkdir(parents=True)
    options.write_text(LINE)
    (options.parent / "aliases.conf").write_text("alias char-major-10-144 off\n")
    copy_options(tmp_path / "kernel", tmp_path / "root")
    copied = [path for path in (tmp_path / "root").rglob("*") if path.is_file()]
    assert copied == [tmp_path / "root/usr/lib/modprobe.d/rpi-brcmfmac.conf"]
    assert copied[0].read_text() == LINE


def test_a_package_without_any_is_well(tmp_path: Path) -> None:
    copy_options(tmp_path / "kernel", tmp_path / "root")
    assert not (tmp_path / "root").exists()
