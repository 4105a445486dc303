"""Puts the daemon together from a pedal's profile, and runs it: audio, presets, controls and the control socket."""

from __future__ import annotations

import logging
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path

from nampedal.board.drivers.driver_factory import MOCK_SWITCHES, create_drivers, create_mock
from nampedal.board.drivers.driver_supervisor import DriverSupervisor
from nampedal.board.inputs.control_events import Driver
from nampedal.board.inputs.footswitch import GestureTimes
from nampedal.board.profiles.pedals import REFERENCE_HZ, KnobSettings, PedalProfile
from nampedal.board.profiles.wiring import Wiring
from nampedal.firmware.actions import bindings, blink_codes
from nampedal.firmware.actions.bindings import Bindings
from nampedal.firmware.base.errors import ControlMapError
from nampedal.firmware.controls.action_dispatcher import ActionDispatcher
from nampedal.firmware.controls.control_api import serving_control_socket
from nampedal.firmware.controls.control_surface import ControlSurface, attached_controls
from nampedal.firmware.pedal.daemon import Pedal
from nampedal.firmware.pedal.daemon_options import PedalSetup
from nampedal.firmware.pedal.notify import Notifier

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ControlUse:
    """What the controls of a pedal do. midi_channel: 1 to 16; 0: all; None: MIDI is off."""

    base: Bindings
    lights: tuple[str, ...] = ()
    times: GestureTimes | None = None
    knobs: dict[str, KnobSettings] = field(default_factory=dict)
    midi_channel: int | None = 0


def run_pedal(setup: PedalSetup, profile: PedalProfile | None, which: str, socket: Path) -> None:
    """Run a pedal until SIGINT or SIGTERM ends it.

    which: one of `driver_factory.CONTROLS`.  socket: the control socket's path.
    Raises ControlMapError, ControlSocketError.
    """
    pedal = Pedal(setup)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: pedal.stop())
    dispatcher = ActionDispatcher(pedal, profile.reference_hz if profile is not None else REFERENCE_HZ)
    use = control_use(profile, which, safe=setup.safe)
    controls = ControlSurface(
        *(pedal, dispatcher, DriverSupervisor(_drivers(profile, which)), use.base),
        lights=use.lights,
        times=use.times,
        uses=use.knobs,
        midi_channel=use.midi_channel,
    )
    for code in blink_codes.read_boot_codes():
        controls.blink_codes.enqueue(code)
    notifier = Notifier()
    pedal.ticks.append(lambda: notifier.tick(time.monotonic(), pedal.describe(), ready=pedal.plays()))
    with serving_control_socket(pedal, dispatcher, socket, controls), attached_controls(pedal, controls):
        pedal.run()
    notifier.stop()


def control_use(profile: PedalProfile | None, which: str, *, safe: bool = False) -> ControlUse:
    """Return what the controls of a pedal do.

    which: one of `driver_factory.CONTROLS`.  safe: bindings that can't be read are left out, and logged.
    Raises ControlMapError.
    """
    wiring = profile.wiring if profile is not None else Wiring()
    plain = MOCK_SWITCHES if which == "mock" else []
    switches = wiring.names("switches") or plain
    profile_bindings = _own_bindings(profile, safe=safe)
    # A profile that binds any footswitch binds all of them.
    base = Bindings() if profile_bindings.footswitches else bindings.default(switches)
    return ControlUse(
        base.overridden_by(profile_bindings),
        lights=tuple(wiring.names("lights") or plain),
        times=profile.times if profile is not None else None,
        knobs=dict(profile.knobs) if profile is not None else {},
        midi_channel=wiring.midi_channel,
    )


def _own_bindings(profile: PedalProfile | None, *, safe: bool) -> Bindings:
    try:
        return bindings.read(profile.map, profile.key) if profile is not None else Bindings()
    except ControlMapError as error:
        if not safe:
            raise
        _log.warning("%s; without a map controls do what they do by default", error)
        return Bindings()


def _drivers(profile: PedalProfile | None, which: str) -> list[Driver]:
    wiring = profile.wiring if profile is not None else Wiring()
    if which == "mock":
        return [create_mock(wiring)]
    return create_drivers(wiring) if which == "pedal" else []
