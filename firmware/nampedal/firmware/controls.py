"""Feet and hands on a pedal: what drivers and MIDI tell becomes actions and settings, and lights show what is so."""

from __future__ import annotations

import logging
import math
import selectors
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from nampedal.board.controls import Clicks, Edge, Event, Position
from nampedal.board.errors import NampedalError, SettingsError, SettingsUnwritableError
from nampedal.board.expression import Expression
from nampedal.board.footswitch import Footswitches, Gesture, Times
from nampedal.board.knob import Knob, Pickup
from nampedal.board.panel import Panel
from nampedal.board.pedals import KnobUse
from nampedal.firmware import control_map, lamps
from nampedal.firmware.action import Action
from nampedal.firmware.announcements import Announcements
from nampedal.firmware.chain import Chain
from nampedal.firmware.control_map import ControlMap, Target
from nampedal.firmware.errors import EmptyBankError, NotSavedError
from nampedal.firmware.midi import MOST, Midi, Program
from nampedal.firmware.pedal import Pedal
from nampedal.firmware.performer import Performer
from nampedal.firmware.preset_manager import PresetManager
from nampedal.firmware.slot import Slot

# From one end of a setting to the other, of an encoder.
CLICKS_OF_TRAVEL = 32
# Of a control change that is a switch: on from here.
ON = 64

# Of actions, those that something is so after.
STATEFUL = ("preset", "bypass", "tuner", "mute")

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Hand:
    """One knob: how it is read, whether it has taken over."""

    use: KnobUse
    reader: Knob | Expression
    pickup: Pickup = field(default_factory=Pickup)

    def feed(self, position: Position) -> float | None:
        if isinstance(self.reader, Expression):
            return self.reader.feed(position.time_s, position.value)
        return self.reader.feed(position.value)


class Controls:
    """For the thread that runs the pedal.

    switches, lights: names of all that there are.  uses: of knobs that are not read as all others are.
    midi_heard: the last message that could be mapped, for who maps it.  announcements: what lights tell for a moment.
    """

    def __init__(
        self,
        pedal: Pedal,
        performer: Performer,
        panel: Panel,
        base: ControlMap,
        *,
        lights: Sequence[str] = (),
        times: Times | None = None,
        uses: Mapping[str, KnobUse] | None = None,
        midi_channel: int | None = 0,
    ) -> None:
        self.midi_heard = ""
        self.panel = panel
        self._pedal, self._performer = pedal, performer
        self._base = self._map = base
        self._lights = tuple(lights)
        self._uses = dict(uses or {})
        self._hands: dict[str, _Hand] = {}
        self._footswitches = Footswitches(base.footswitches, times)
        self._midi = Midi(midi_channel) if midi_channel is not None else None
        self._slot: Slot | None = None
        self._chain: Chain | None = None
        self._clipped_s = -math.inf
        self.announcements = Announcements()

    def tick(self) -> None:
        """What has come to pass since the last call. Call it when the panel can be read, and often."""
        self._follow()
        for event in self.panel.tick():
            self._hear(event)
        self._carry_out(self._footswitches.tick(time.monotonic()))
        self._follow()
        now_s = time.monotonic()
        self.panel.show(lamps.lights(self._shown(now_s), self._lights, now_s))

    def due(self) -> float | None:
        """When a foot has waited long enough for something to be certain."""
        return self._footswitches.next_deadline()

    def learn(self, number: int | None, does: str) -> None:
        """What a control change is for from now on; None: only checks it. Raises ControlMapError, ActionError."""
        found = control_map.read({"control_changes": {str(1 if number is None else number): does}}, "learn")
        if number is not None:
            self._base, self._map = self._base.under(found), self._map.under(found)

    def hear_midi(self, messages: list[bytes]) -> None:
        """Whole messages, as they came."""
        for message in messages:
            heard = self._midi.hear(message) if self._midi is not None else None
            if isinstance(heard, Program):
                self._program(heard)
            elif heard is not None:
                self.midi_heard = f"control change {heard.number} = {heard.value} on channel {heard.channel}"
                self._control_change(self._map.control_changes.get(heard.number), heard.value)

    # ---- events ----

    def _hear(self, event: Event) -> None:
        match event:
            case Edge():
                self._carry_out(self._footswitches.hear(event))
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
        hand = self._hands.get(event.knob)
        if hand is None:
            self._meet(event)
            return
        position = hand.feed(event)
        if position is None:
            return
        taken = hand.pickup.feed(position)
        if taken is not None:
            self._move(self._map.knobs.get(event.knob, Target(event.knob)), taken)

    def _meet(self, event: Position) -> None:
        """A knob for the first time: where it stands moves nothing."""
        use = self._uses.get(event.knob, KnobUse())
        reader = Expression(use.spec) if use.expression else Knob(use.spec)
        hand = self._hands[event.knob] = _Hand(use, reader, Pickup(jump=use.jump or use.expression))
        position = hand.feed(event)
        if position is not None:
            hand.pickup.feed(position)
        self._aim(event.knob, hand)

    def _click(self, event: Clicks) -> None:
        target = self._map.knobs.get(event.encoder, Target(event.encoder))
        now = self._stands_at(target)
        if now is not None:
            self._move(target, min(1.0, max(0.0, now + event.clicks / CLICKS_OF_TRAVEL)))

    def _program(self, program: Program) -> None:
        self.midi_heard = f"program {program.number + 1} on channel {program.channel}"
        if program.bank is not None:
            self._do(Action("bank", (str(program.bank + 1),)))
        self._do(Action("preset", (str(program.number + 1),)))

    def _control_change(self, mapped: Action | Target | None, value: int) -> None:
        if isinstance(mapped, Target):
            self._move(mapped, value / MOST)
        elif mapped is not None and value >= ON:
            self._do(mapped)

    def _do(self, action: Action) -> None:
        code = _code_of(self._performer.try_to(action))
        if code:
            self.announcements.say(code)

    # ---- settings ----

    def _move(self, target: Target, position: float) -> None:
        """To a part of its way. A preset that has no such setting is left as it is."""
        manager, ends = self._pedal.manager, self._ends(target)
        if manager is None or ends is None:
            return
        low, high = ends
        try:
            manager.set(target.setting, low + position * (high - low))
        except NampedalError as error:
            _log.warning("%s", error)

    def _stands_at(self, target: Target) -> float | None:
        """What part of its way; None: the preset has no such setting."""
        ends, slot = self._ends(target), self._slot
        full = slot.chain.full_name(target.setting) if slot is not None and slot.chain is not None else None
        if ends is None or full is None or slot is None or slot.chain is None or ends[0] == ends[1]:
            return None
        return min(1.0, max(0.0, (slot.chain.numbers[full] - ends[0]) / (ends[1] - ends[0])))

    def _ends(self, target: Target) -> tuple[float, float] | None:
        slot = self._slot
        full = slot.chain.full_name(target.setting) if slot is not None and slot.chain is not None else None
        if full is None or slot is None or slot.chain is None:
            return None
        low, high = slot.chain.settings[full].limits
        return low if target.low is None else target.low, high if target.high is None else target.high

    # ---- what plays ----

    def _follow(self) -> None:
        """After a switch the preset's own map counts, and knobs wait until they are where its settings stand.

        The same where its file was edited: then it has another chain.
        """
        manager = self._pedal.manager
        current = manager.current if manager is not None else None
        chain = current.chain if current is not None else None
        if current is self._slot and chain is self._chain:
            return
        self._slot, self._chain = current, chain
        own = chain.preset.controls if chain is not None else ControlMap()
        self._map = self._base.under(own)
        self._footswitches.bind(self._map.footswitches)
        for name, hand in self._hands.items():
            self._aim(name, hand)

    def _aim(self, name: str, hand: _Hand) -> None:
        position = self._stands_at(self._map.knobs.get(name, Target(name)))
        if position is not None:
            hand.pickup.aim(position)

    def _shown(self, now_s: float) -> lamps.Shown:
        manager, pitch = self._pedal.manager, self._pedal.listener.pitch if self._pedal.listener is not None else None
        # Behind the ceiling nothing clips; what is too loud clips where it comes in.
        if self._pedal.peaks.take("lamps")[0] >= 1.0:
            self._clipped_s = now_s
        trouble, since_s = self._trouble(manager), 0.0
        if not trouble:
            trouble, since_s = self.announcements.now(now_s)
        return lamps.Shown(
            lit=frozenset(switch for switch, action in self._lamp_actions().items() if self._is_lit(action)),
            bypass=manager.bypass if manager is not None else False,
            tuning=self._performer.tuning,
            cents=pitch.cents if pitch is not None else None,
            clipped_s=self._clipped_s,
            overloaded=self._pedal.quality.step > 0,
            trouble=trouble,
            trouble_since_s=since_s,
        )

    def _lamp_actions(self) -> dict[str, Action]:
        """By footswitch, what its light tells of: what a press does, or else what holding it does."""
        found: dict[str, Action] = {}
        for kind in ("long", "press"):
            for trigger, action in self._map.footswitches.items():
                if trigger.kind == kind and action.kind in STATEFUL:
                    found[trigger.switches[0]] = action
        return found

    def _is_lit(self, action: Action) -> bool:
        # On a stage a light means that the sound is on.
        return self._performer.is_so(action) != (action.kind == "bypass")

    def _trouble(self, manager: PresetManager | None) -> int:
        if self._pedal.client is None:
            return lamps.NO_SERVER
        if self._pedal.setup.safe:
            return lamps.SAFE
        failed = manager is not None and manager.wanted is None and (manager.current is None or manager.resorts)
        return lamps.NO_PRESET if failed else 0


def _code_of(error: NampedalError | None) -> int:
    """Return what lights tell of an action that failed; 0: nothing, as where there is no preset of that number."""
    if isinstance(error, (NotSavedError, SettingsUnwritableError)):
        return lamps.NOT_SAVED
    return lamps.NOT_PLAYED if isinstance(error, (EmptyBankError, SettingsError)) else 0


@contextmanager
def attached(pedal: Pedal, controls: Controls) -> Iterator[None]:
    """Has a pedal obey its controls while it runs; then lets go of the hardware."""
    pedal.ticks.append(controls.tick)
    pedal.wakes.register(controls.panel, selectors.EVENT_READ)
    pedal.on_midi, pedal.due = controls.hear_midi, controls.due
    pedal.on_refused = lambda: controls.announcements.say(lamps.NOT_PLAYED)
    try:
        yield
    finally:
        pedal.ticks.remove(controls.tick)
        pedal.wakes.unregister(controls.panel)
        controls.panel.close()
