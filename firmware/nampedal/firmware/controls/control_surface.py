"""The control surface: turns control and MIDI events into actions and settings, and updates the LEDs."""

from __future__ import annotations

import logging
import math
import selectors
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

from nampedal.board.drivers.driver_supervisor import DriverSupervisor
from nampedal.board.inputs.control_events import Clicks, Edge, Event, Position
from nampedal.board.inputs.expression import ExpressionPedal
from nampedal.board.inputs.footswitch import Footswitches, Gesture, GestureTimes
from nampedal.board.inputs.knob import Knob, Pickup
from nampedal.board.profiles.pedals import KnobSettings
from nampedal.firmware.actions import bindings, led_state
from nampedal.firmware.actions.action import Action
from nampedal.firmware.actions.bindings import Bindings, BindingTarget
from nampedal.firmware.actions.blink_codes import BlinkCodes
from nampedal.firmware.base.errors import EmptyBankError, NampedalError, SettingsError, SettingsUnwritableError
from nampedal.firmware.base.faults import FaultIsolator
from nampedal.firmware.controls.action_dispatcher import ActionDispatcher
from nampedal.firmware.controls.midi_controls import MidiControls
from nampedal.firmware.pedal.daemon import Pedal
from nampedal.firmware.pedal.switching.preset_manager import PresetManager
from nampedal.firmware.pedal.switching.slot import Slot
from nampedal.firmware.presets.chain import Chain

# The number of encoder clicks for the full range of a setting.
CLICKS_OF_TRAVEL = 32

# Actions that leave a persistent state, which an LED can show.
STATEFUL = ("preset", "bypass", "tuner", "mute")

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _KnobState:
    """The state of one knob: how it is read, and its soft take-over."""

    use: KnobSettings
    reader: Knob | ExpressionPedal
    pickup: Pickup = field(default_factory=Pickup)

    def feed(self, position: Position) -> float | None:
        if isinstance(self.reader, ExpressionPedal):
            return self.reader.feed(position.time_s, position.value)
        return self.reader.feed(position.value)


class ControlSurface:
    """The controls of one pedal. For the thread that runs the pedal.

    panel: the drivers.
    base: the bindings of the profile; a preset can replace parts of them.
    lights: the names of all LEDs.
    times: the timing of footswitch gestures; None: the defaults.
    uses: knobs with their own calibration or behaviour, by name.
    midi_channel: 1 to 16; 0: all channels; None: MIDI is off.
    midi: the MIDI controls.
    blink_codes: the queue of blink codes.
    """

    def __init__(
        self,
        pedal: Pedal,
        dispatcher: ActionDispatcher,
        panel: DriverSupervisor,
        base: Bindings,
        *,
        lights: Sequence[str] = (),
        times: GestureTimes | None = None,
        uses: Mapping[str, KnobSettings] | None = None,
        midi_channel: int | None = 0,
    ) -> None:
        self.panel = panel
        self._pedal, self._dispatcher = pedal, dispatcher
        self._base = self._map = base
        self._lights = tuple(lights)
        self._uses = dict(uses or {})
        # By name, the knobs that have sent a position.
        self._knobs: dict[str, _KnobState] = {}
        self._footswitches = Footswitches(base.footswitches, times)
        self.midi = MidiControls(midi_channel, pedal, dispatcher, self._move)
        # The current preset and chain when the bindings were set.
        self._slot: Slot | None = None
        self._chain: Chain | None = None
        self._clipped_s = -math.inf
        self.blink_codes = BlinkCodes()
        self._faults = FaultIsolator()

    def tick(self) -> None:
        """Process all events since the last call. Call it when the panel is readable, and often."""
        self._follow()
        for event in self.panel.tick():
            # An event that fails does not stop the next ones.
            self._faults.run("hearing a control", partial(self._handle_event, event))
        self._carry_out(self._footswitches.tick(time.monotonic()))
        self._follow()
        now_s = time.monotonic()
        self.panel.show(led_state.led_states(self._shown(now_s), self._lights, now_s))

    def due(self) -> float | None:
        """Return the next deadline of a footswitch gesture; None: none."""
        return self._footswitches.next_deadline()

    def learn(self, table: str, number: int | None, does: str) -> None:
        """Bind a MIDI number from now on.

        table: the table of the bindings.
        number: None: only check the text.
        does: the action or setting.
        Raises ControlMapError.
        """
        found = bindings.read({table: {str(1 if number is None else number): does}}, "learn")
        if number is not None:
            self._base, self._map = self._base.overridden_by(found), self._map.overridden_by(found)

    def handle_midi(self, messages: list[bytes]) -> None:
        """Process complete MIDI messages, in their order."""
        for message in messages:
            self._show_error(self.midi.handle(message, self._map))

    # ---- events ----

    def _handle_event(self, event: Event) -> None:
        match event:
            case Edge():
                self._carry_out(self._footswitches.handle_edge(event))
            case Position():
                self._turn(event)
            case Clicks():
                self._click(event)

    def _carry_out(self, gestures: list[Gesture]) -> None:
        for gesture in gestures:
            action = self._map.footswitches.get(gesture.trigger)
            if action is not None:
                self._do(action)

    def _turn(self, event: Position) -> None:
        knob = self._knobs.get(event.knob)
        if knob is None:
            self._register_knob(event)
            return
        position = knob.feed(event)
        if position is None:
            return
        taken = knob.pickup.feed(position)
        if taken is not None:
            self._move(self._map.knobs.get(event.knob, BindingTarget(event.knob)), taken)

    def _register_knob(self, event: Position) -> None:
        """Register a knob at its first event. Its position changes no setting yet."""
        use = self._uses.get(event.knob, KnobSettings())
        reader = ExpressionPedal(use.spec) if use.expression else Knob(use.spec)
        knob = self._knobs[event.knob] = _KnobState(use, reader, Pickup(jump=use.jump or use.expression))
        position = knob.feed(event)
        if position is not None:
            knob.pickup.feed(position)
        self._set_takeover_position(event.knob, knob)

    def _click(self, event: Clicks) -> None:
        target = self._map.knobs.get(event.encoder, BindingTarget(event.encoder))
        now = self._stands_at(target)
        if now is not None:
            self._move(target, min(1.0, max(0.0, now + event.clicks / CLICKS_OF_TRAVEL)))

    def _do(self, action: Action) -> None:
        self._show_error(self._dispatcher.dispatch(action))

    def _show_error(self, error: NampedalError | None) -> None:
        """Show a blink code for an error that is already logged."""
        code = _code_of(error)
        if code:
            self.blink_codes.enqueue(code)

    # ---- settings ----

    def _move(self, target: BindingTarget, position: float) -> NampedalError | None:
        """Move a setting to a position within its range, 0 to 1. Return the error if that fails.

        If the preset has no such setting, nothing happens.
        """
        ends = self._ends(target)
        if self._pedal.manager is None or ends is None:
            return None
        low, high = ends
        try:
            self._pedal.playback.set(target.setting, low + position * (high - low))
        except NampedalError as error:
            _log.warning("%s", error)
            return error
        return None

    def _stands_at(self, target: BindingTarget) -> float | None:
        """Return the position of a setting within its range, 0 to 1; None: the preset has no such setting."""
        ends, slot = self._ends(target), self._slot
        full = slot.chain.full_name(target.setting) if slot is not None and slot.chain is not None else None
        if ends is None or full is None or slot is None or slot.chain is None or ends[0] == ends[1]:
            return None
        return min(1.0, max(0.0, (slot.chain.numbers[full] - ends[0]) / (ends[1] - ends[0])))

    def _ends(self, target: BindingTarget) -> tuple[float, float] | None:
        """Return the range of a setting that its knob covers; None: the preset has no such setting."""
        slot = self._slot
        full = slot.chain.full_name(target.setting) if slot is not None and slot.chain is not None else None
        if full is None or slot is None or slot.chain is None:
            return None
        low, high = slot.chain.settings[full].limits
        return low if target.low is None else target.low, high if target.high is None else target.high

    # ---- what plays ----

    def _follow(self) -> None:
        """Handle a new preset: use its own bindings, and restart the soft take-over of the knobs.

        The same happens after an edit of the preset's file, because it then has a new chain.
        """
        manager = self._pedal.manager
        current = manager.current if manager is not None else None
        chain = current.chain if current is not None else None
        if current is self._slot and chain is self._chain:
            return
        self._slot, self._chain = current, chain
        preset_bindings = chain.preset.controls if chain is not None else Bindings()
        self._map = self._base.overridden_by(preset_bindings)
        self._footswitches.bind(self._map.footswitches)
        for name, knob in self._knobs.items():
            self._set_takeover_position(name, knob)

    def _set_takeover_position(self, name: str, knob: _KnobState) -> None:
        """Set the position at which the soft take-over lets a knob move its setting."""
        position = self._stands_at(self._map.knobs.get(name, BindingTarget(name)))
        if position is not None:
            knob.pickup.set_parameter_position(position)

    def _shown(self, now_s: float) -> led_state.LedInputs:
        manager, pitch = self._pedal.manager, self._pedal.tap.pitch if self._pedal.tap is not None else None
        # Only the input can clip: the limiter at the output prevents clipping there.
        if self._pedal.peaks.take("lamps")[0] >= 1.0:
            self._clipped_s = now_s
        trouble, since_s = self._trouble(manager), 0.0
        if not trouble:
            trouble, since_s = self.blink_codes.now(now_s)
        return led_state.LedInputs(
            lit=frozenset(switch for switch, action in self._lamp_actions().items() if self._is_lit(action)),
            bypass=self._pedal.state.bypass,
            tuning=self._dispatcher.state.tuning,
            cents=pitch.cents if pitch is not None else None,
            clipped_s=self._clipped_s,
            overloaded=self._pedal.quality.step > 0,
            trouble=trouble,
            trouble_since_s=since_s,
        )

    def _lamp_actions(self) -> dict[str, Action]:
        """Return by footswitch the action whose state its LED shows: that of a press, else of a long press."""
        found: dict[str, Action] = {}
        for kind in ("long", "press"):
            for trigger, action in self._map.footswitches.items():
                if trigger.kind == kind and action.kind in STATEFUL:
                    found[trigger.switches[0]] = action
        return found

    def _is_lit(self, action: Action) -> bool:
        # On stage, a lit LED means that the amplifier is heard. So the LED of a bypass action is inverted.
        return self._dispatcher.is_active(action) != (action.kind == "bypass")

    def _trouble(self, manager: PresetManager | None) -> int:
        if self._pedal.client is None:
            return led_state.NO_SERVER
        if self._pedal.setup.safe:
            return led_state.SAFE
        failed = manager is not None and manager.wanted is None and (manager.current is None or manager.in_fallback)
        return led_state.NO_PRESET if failed else 0


def _code_of(error: NampedalError | None) -> int:
    """Return the blink code for a failed action; 0: none, such as for a preset number that does not exist."""
    if isinstance(error, SettingsUnwritableError):
        return led_state.NOT_SAVED
    return led_state.NOT_PLAYED if isinstance(error, (EmptyBankError, SettingsError)) else 0


@contextmanager
def attached_controls(pedal: Pedal, controls: ControlSurface) -> Iterator[None]:
    """Connect the controls to a running pedal while the context is active. Then close the drivers."""
    pedal.ticks.append(controls.tick)
    pedal.selector.register(controls.panel, selectors.EVENT_READ)
    pedal.on_midi, pedal.due = controls.handle_midi, controls.due
    pedal.on_refused = lambda: controls.blink_codes.enqueue(led_state.NOT_PLAYED)
    try:
        yield
    finally:
        pedal.ticks.remove(controls.tick)
        pedal.selector.unregister(controls.panel)
        controls.panel.close()
