"""Answers the requests of the control socket to a running pedal."""

from __future__ import annotations

import math
import selectors
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Any

from nampedal.firmware.actions.action import MAX_LETTERS, parse, shown
from nampedal.firmware.actions.control_socket import ControlServer, Json, PendingAnswer
from nampedal.firmware.actions.led_state import ANNOUNCED
from nampedal.firmware.audio.tuner import Pitch
from nampedal.firmware.base.errors import ControlRequestError
from nampedal.firmware.controls.action_dispatcher import ActionDispatcher
from nampedal.firmware.controls.control_surface import ControlSurface
from nampedal.firmware.controls.midi_learn import as_json
from nampedal.firmware.pedal.daemon import Pedal
from nampedal.firmware.pedal.level_session import LevelSession
from nampedal.firmware.pedal.silence import why_silent
from nampedal.firmware.pedal.switching.preset_manager import PresetManager
from nampedal.firmware.pedal.telemetry import temperature_c, throttled

# The interval of status messages to subscribers.
NEWS_S = 0.1
# The maximum length, in letters, of a name that is compared with the known names.
MAX_NAME = 60
# The maximum length of a list of names.
MAX_TEXTS = 1000
_NEEDED = {
    str: "a text",
    float: "a number",
    int: "a whole number or null",
    bool: "true or false",
    list: "a list of texts",
}


def dbfs(peak: float) -> float | None:
    """Convert a linear peak to dBFS. Return None for silence."""
    return round(20.0 * math.log10(peak), 1) if peak > 0.0 else None


@contextmanager
def serving_control_socket(
    pedal: Pedal, dispatcher: ActionDispatcher, path: Path, controls: ControlSurface | None = None
) -> Iterator[None]:
    """Serve the control socket while the context is active, and send the status to subscribers.

    path: of the socket.
    Raises ControlSocketError.
    """
    commands = ControlApi(pedal, dispatcher, controls)
    server = ControlServer(path, commands.answer)
    published_s = 0.0

    def tick() -> None:
        nonlocal published_s
        server.poll()
        if server.subscribers and time.monotonic() - published_s >= NEWS_S:
            published_s = time.monotonic()
            server.publish({"status": commands.status()})

    pedal.ticks.append(tick)
    pedal.selector.register(server, selectors.EVENT_READ)
    try:
        yield
    finally:
        pedal.ticks.remove(tick)
        pedal.selector.unregister(server)
        server.close()


class ControlApi:
    """Answers requests to one pedal, in the thread that runs it."""

    def __init__(self, pedal: Pedal, dispatcher: ActionDispatcher, controls: ControlSurface | None = None) -> None:
        self._pedal, self._dispatcher, self._controls = pedal, dispatcher, controls
        self._levels = LevelSession()
        self._known: dict[str, tuple[dict[str, type], Callable[..., Json | PendingAnswer]]] = {
            "status": ({}, self.status),
            "presets": ({}, self._presets),
            "load": ({"preset": str}, self._load),
            "next": ({}, lambda: self._move(1)),
            "previous": ({}, lambda: self._move(-1)),
            "set": ({"name": str, "value": float}, self._set),
            "bypass": ({"on": bool}, self._bypass),
            "mute": ({"on": bool}, self._mute),
            "tuner": ({"on": bool}, self._tuner),
            "tuner_reference": ({"hertz": float}, self._tuner_reference),
            "save": ({}, lambda: self._act("save")),
            "act": ({"action": str}, self._act),
            "banks": ({}, self._banks),
            "rescan": ({}, self._rescan),
            "level": ({"presets": list, "seconds": float}, self._level),
            "level_status": ({}, lambda: self._levels.status(self._pedal.tap)),
            "level_write": ({}, self._level_write),
            "level_stop": ({}, self._level_stop),
            "announce": ({"code": int}, self._announce),
            "map": ({"control_change": int, "does": str}, partial(self._map, "control_changes", "control_change")),
            "map_note": ({"note": int, "does": str}, partial(self._map, "notes", "note")),
            "map_program": ({"program": int, "does": str}, partial(self._map, "programs", "program")),
            "midi": ({"since": int}, self._midi),
        }

    def answer(self, request: Json) -> Json | PendingAnswer:
        """Check a request and carry it out. Raises ControlRequestError, and the errors of PresetManager and Pedal."""
        name = request["do"]
        if name not in self._known:
            known = (*self._known, "subscribe")
            near = get_close_matches(name[:MAX_NAME], known, 1)
            hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
            raise ControlRequestError(f"request: {shown(name)} is not known; {hint}")
        wanted, call = self._known[name]
        given = {key: value for key, value in request.items() if key != "do"}
        for key in given.keys() - wanted.keys():
            raise ControlRequestError(
                f"request {name}: {shown(key)} is not known; it takes {', '.join(wanted) or 'nothing'}"
            )
        for key, kind in wanted.items():
            if key not in given:
                raise ControlRequestError(f"request {name}: {key!r} is missing; it takes {', '.join(wanted)}")
            if not _is(given[key], kind):
                needed = _NEEDED[kind]
                raise ControlRequestError(f"request {name}: {key!r} is {shown(given[key])}; {needed} is needed")
            texts = [given[key]] if kind is str else given[key] if kind is list else []
            if len(texts) > MAX_TEXTS or any(len(text) > MAX_LETTERS for text in texts):
                raise ControlRequestError(
                    f"request {name}: {key!r} is too long; {MAX_LETTERS} letters are allowed, and {MAX_TEXTS} texts"
                )
        return call(**given)

    def status(self) -> Json:
        """Return the full status of the pedal."""
        pedal, manager = self._pedal, self._pedal.manager
        client = pedal.client
        into, out = pedal.peaks.take("status")
        load = pedal.meter.load()
        current = manager.current if manager is not None else None
        return {
            "bank": pedal.bank.name,
            "preset": current.name if current is not None else None,
            "error": (current.error or None) if current is not None else None,
            "wanted": manager.wanted.name if manager is not None and manager.wanted is not None else None,
            "refused": manager.refused if manager is not None else "",
            "playing": client is not None,
            "silent": why_silent(pedal) or None,
            "last_resort": manager.in_fallback if manager is not None else False,
            "safe": pedal.setup.safe,
            "sample_rate_hz": client.sample_rate if client is not None else None,
            "period_frames": client.period_frames if client is not None else None,
            "quality": pedal.load_shedding.describe_level(manager),
            "steps_down": pedal.load_shedding.down,
            "bypass": pedal.state.bypass,
            "load": {
                "p50": load.p50,
                "p99": load.p99,
                "p99.9": load.p999,
                "worst": round(pedal.worst, 3),
                "blocks": load.blocks,
            },
            "xruns": pedal.xruns,
            "temperature_c": temperature_c(),
            "throttled": throttled(),
            "input_dbfs": dbfs(into),
            "output_dbfs": dbfs(out),
            "muted": self._dispatcher.state.muted,
            "tuning": self._dispatcher.state.tuning,
            "reference_hz": self._dispatcher.state.reference_hz,
            "controls": self._controls.panel.failures if self._controls is not None else {},
            "midi": self._controls.midi.last if self._controls is not None else "",
            "midi_problem": self._controls.midi.problem if self._controls is not None else "",
            "pitch": _pitch(pedal.tap.pitch if pedal.tap is not None else None),
            "latency_ms": round(1e3 * current.chain.latency_s, 2) if current is not None and current.chain else 0.0,
            "round_trip_ms": pedal.setup.round_trip_ms,
            "numbers": dict(current.chain.numbers) if current is not None and current.chain else {},
            "calibrated": _calibrated(manager),
            "level_notes": current.chain.notes() if current is not None and current.chain else [],
            "faults": current.chain.faults() if current is not None and current.chain else {},
            "memory_bytes": manager.memory_bytes if manager is not None else 0,
        }

    @property
    def _manager(self) -> PresetManager:
        if self._pedal.manager is None:
            raise ControlRequestError("request: nothing is prepared yet: the pedal waits for JACK; start jackd")
        return self._pedal.manager

    def _presets(self) -> Json:
        return {
            "presets": [
                {"name": slot.name, "ready": slot.chain is not None, "error": slot.error or None}
                for slot in self._manager.slots
            ]
        }

    def _load(self, preset: str) -> Json:
        if self._manager:
            self._pedal.playback.select(preset)
        return {}

    def _move(self, by: int) -> Json:
        if self._manager:
            self._pedal.playback.move(by)
        preset = self._pedal.state.preset
        return {"preset": preset.stem if preset is not None else None}

    def _set(self, name: str, value: float) -> Json:
        if self._manager:
            self._pedal.playback.set(name, value)
        return {}

    def _bypass(self, on: bool) -> Json:
        if self._manager:
            self._dispatcher.bypass(on)
        return {}

    def _tuner(self, on: bool) -> Json:
        if self._manager:
            self._dispatcher.tune(on, mute=False)
        return {}

    def _tuner_reference(self, hertz: float) -> Json:
        self._dispatcher.set_reference(hertz)
        return {}

    def _mute(self, on: bool) -> Json:
        before = self._dispatcher.state.muted
        if self._manager:
            self._dispatcher.mute(on)
        return {"was": before}

    def _act(self, action: str) -> Json:
        if self._manager:
            self._dispatcher.do(parse(action, "request act: 'action'"))
        return {}

    @property
    def _surface(self) -> ControlSurface:
        if self._controls is None:
            raise ControlRequestError("request: this pedal has no controls")
        return self._controls

    def _map(self, table: str, key: str, does: str, **numbers: int | None) -> Json:
        self._surface.learn(table, numbers[key], does)
        return {}

    def _midi(self, since: int | None) -> Json:
        midi = self._surface.midi
        messages = midi.since(since) if since is not None else midi.since(0)
        return {"count": midi.count, "messages": [as_json(one) for one in messages]}

    def _banks(self) -> Json:
        folders = self._pedal.banks or [self._pedal.bank]
        return {"banks": [folder.name for folder in folders], "bank": self._pedal.bank.name}

    def _rescan(self) -> PendingAnswer:
        number = self._pedal.rescan()

        def answer() -> Json | None:
            changes = self._pedal.rescanned(number)
            return {**self._banks(), "changes": changes} if changes is not None else None

        return PendingAnswer(answer)

    def _level(self, presets: list[str], seconds: float) -> Json:
        paths = [slot.path for slot in self._manager.slots]
        tap = self._pedal.tap
        if tap is None or self._pedal.client is None:
            raise ControlRequestError("request level: no guitar is heard: the pedal waits for JACK; start jackd")
        self._levels.start(tap, paths, presets, seconds, self._pedal.setup.full_scale_dbu)
        return {}

    def _level_write(self) -> PendingAnswer:
        self._levels.write()

        def answer() -> Json | None:
            written = self._levels.written()
            return {"written": written} if written is not None else None

        return PendingAnswer(answer)

    def _level_stop(self) -> Json:
        self._levels.stop()
        return {}

    def _announce(self, code: int | None) -> Json:
        if code not in ANNOUNCED:
            raise ControlRequestError(
                f"request announce: 'code' is {code!r}; one of {', '.join(map(str, ANNOUNCED))} is needed"
            )
        if self._controls is not None:
            self._controls.blink_codes.enqueue(code)
        return {}


def _is(value: Any, kind: type) -> bool:
    if kind is int:
        return value is None or (isinstance(value, int) and not isinstance(value, bool))
    if kind is list:
        return isinstance(value, list) and all(isinstance(one, str) for one in value)
    if kind is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return isinstance(value, kind)


def _pitch(pitch: Pitch | None) -> Json | None:
    if pitch is None:
        return None
    return {
        "note": pitch.note,
        "cents": round(pitch.cents, 1),
        "hertz": round(pitch.hertz, 2),
        "clarity": round(pitch.clarity, 3),
    }


def _calibrated(manager: PresetManager | None) -> list[Json]:
    """Return the input gain of each capture that plays, and the reason for it."""
    current = manager.current if manager is not None else None
    if current is None or current.chain is None:
        return []
    return [{"gain_db": level.gain_db, "reason": level.reason} for level in current.chain.levels]
