"""Pedals that are shipped, as the firmware understands what their controls do."""

from __future__ import annotations

from pathlib import Path

import pytest
from nampedal.board.drivers.driver_factory import create_drivers
from nampedal.board.profiles.pedals import pedal_keys, read_pedal
from nampedal.firmware.actions import bindings, led_state
from nampedal.firmware.actions.bindings import Bindings, BindingTarget
from nampedal.firmware.controls.run_pedal import control_use
from nampedal.firmware.presets.chain import Chain
from nampedal.firmware.presets.preset import Gain, Preset, Tone

pytestmark = pytest.mark.parametrize("key", pedal_keys())


def map_of(key: str) -> Bindings:
    return control_use(read_pedal(key), "pedal").base


def test_the_own_map_of_a_shipped_pedal_is_valid(key: str) -> None:
    pedal = read_pedal(key)
    found = bindings.read(pedal.map, key)
    assert bindings.to_tables(found) == {name: dict(table) for name, table in pedal.map.items()}


def test_every_footswitch_of_a_shipped_pedal_does_something_and_no_other_is_asked_of(key: str) -> None:
    asked = {switch for trigger in map_of(key).footswitches for switch in trigger.switches}
    assert asked == set(read_pedal(key).wiring.names("switches"))


def test_every_knob_of_a_shipped_pedal_moves_a_setting_of_a_plain_preset_within_its_limits(
    key: str, tmp_path: Path
) -> None:
    chain = Chain.prepare(Preset("plain", (Gain(), Tone())), tmp_path, sample_rate=48_000.0, max_frames=64)
    wiring, knobs = read_pedal(key).wiring, map_of(key).knobs
    for name in wiring.names("knobs") + wiring.names("encoders"):
        target = knobs.get(name, BindingTarget(name))
        full = chain.full_name(target.setting)
        assert full is not None, name
        low, high = chain.settings[full].limits
        assert (
            low <= (low if target.low is None else target.low) < (high if target.high is None else target.high) <= high
        )


def test_every_light_of_a_shipped_pedal_shows_something(key: str) -> None:
    wiring = read_pedal(key).wiring
    known = {*led_state.NAMES, *wiring.names("switches")}
    assert set(wiring.names("lights")) <= known


def test_every_shipped_pedal_has_drivers_that_take_its_wiring(key: str) -> None:
    wiring = read_pedal(key).wiring
    parts = {"gpio": wiring.gpio, "mcp3008": wiring.mcp3008, "serial": wiring.serial}
    assert [driver.name for driver in create_drivers(wiring)] == [
        name for name, part in parts.items() if part is not None
    ]
