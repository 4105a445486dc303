"""Pedals that are shipped, as the firmware understands what their controls do."""

from __future__ import annotations

from pathlib import Path

import pytest
from nampedal.board.drivers.wired import drivers_of
from nampedal.board.pedals import pedal_keys, read_pedal
from nampedal.firmware import control_map, lamps
from nampedal.firmware.chain import Chain
from nampedal.firmware.cli.play import uses
from nampedal.firmware.control_map import ControlMap, Target
from nampedal.firmware.preset import Gain, Preset, Tone

pytestmark = pytest.mark.parametrize("key", pedal_keys())


def map_of(key: str) -> ControlMap:
    found = uses(read_pedal(key), "pedal")["base"]
    assert isinstance(found, ControlMap)
    return found


def test_the_own_map_of_a_shipped_pedal_is_valid(key: str) -> None:
    pedal = read_pedal(key)
    found = control_map.read(pedal.map, key)
    assert control_map.to_tables(found) == {name: dict(table) for name, table in pedal.map.items()}


def test_every_footswitch_of_a_shipped_pedal_does_something_and_no_other_is_asked_of(key: str) -> None:
    asked = {switch for trigger in map_of(key).footswitches for switch in trigger.switches}
    assert asked == set(read_pedal(key).wiring.names("switches"))


def test_every_knob_of_a_shipped_pedal_moves_a_setting_of_a_plain_preset_within_its_limits(
    key: str, tmp_path: Path
) -> None:
    chain = Chain.prepare(Preset("plain", (Gain(), Tone())), tmp_path, sample_rate=48_000.0, max_frames=64)
    wiring, knobs = read_pedal(key).wiring, map_of(key).knobs
    for name in wiring.names("knobs") + wiring.names("encoders"):
        target = knobs.get(name, Target(name))
        full = chain.full_name(target.setting)
        assert full is not None, name
        low, high = chain.settings[full].limits
        assert (
            low <= (low if target.low is None else target.low) < (high if target.high is None else target.high) <= high
        )


def test_every_light_of_a_shipped_pedal_shows_something(key: str) -> None:
    wiring = read_pedal(key).wiring
    known = {*lamps.NAMES, *wiring.names("switches")}
    assert set(wiring.names("lights")) <= known


def test_every_shipped_pedal_has_drivers_that_take_its_wiring(key: str) -> None:
    wiring = read_pedal(key).wiring
    parts = {"gpio": wiring.gpio, "mcp3008": wiring.mcp3008, "serial": wiring.serial}
    assert [driver.name for driver in drivers_of(wiring)] == [name for name, part in parts.items() if part is not None]
