from __future__ import annotations

from pathlib import Path

from nampedal.board.units import unit_files


def test_every_unit_is_shipped_with_its_place_on_a_pedal(root: Path) -> None:
    found = unit_files()
    units = {Path("/usr/local/lib/systemd/system", path.name): path for path in (root / "systemd").glob("*.service")}
    settings = {
        Path("/usr/local/lib/systemd/system.conf.d/nampedal.conf"): root / "systemd/system.conf.d/nampedal.conf"
    }
    assert found == {place: path.read_bytes() for place, path in (units | settings).items()}
    assert Path("/usr/local/lib/systemd/system/nampedal.service") in found
