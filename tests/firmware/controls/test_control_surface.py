"""Feet and hands on a pedal that plays through a real JACK server."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path

import pytest
from nampedal.board.drivers.driver_supervisor import DriverSupervisor
from nampedal.board.inputs.control_events import Clicks, Edge, Light, Position, Post
from nampedal.board.inputs.knob import KnobSpec
from nampedal.board.profiles.pedals import KnobSettings
from nampedal.firmware.actions import bindings
from nampedal.firmware.actions.led_state import CARD_TROUBLE, NO_SERVER, NOT_PLAYED, NOT_SAVED
from nampedal.firmware.base.errors import ControlMapError
from nampedal.firmware.controls.action_dispatcher import ActionDispatcher
from nampedal.firmware.controls.control_surface import ControlSurface, attached_controls
from nampedal.firmware.pedal.daemon import Pedal
from nampedal.firmware.pedal.daemon_options import PedalSetup
from nampedal.firmware.presets import preset
from nampedal.firmware.presets.preset import Gain, Nam, Preset, Tone
from support.players.jack_server import JackServer, wait_for

MAP = {
    "knobs": {"drive": "1.gain_db -10 10", "turn": "treble"},
    "control_changes": {"7": "level -40 0", "64": "bypass", "9": "bass"},
}


class Hands:
    """A driver whose hardware is the test."""

    name = "hands"

    def __init__(self) -> None:
        self.post: Post | None = None
        self.lights: dict[str, Light] = {}

    def open(self, post: Post) -> None:
        self.post = post

    def show(self, lights: Mapping[str, Light]) -> None:
        self.lights |= lights

    def close(self) -> None:
        self.post = None

    def step(self, *switches: str, hold_s: float = 0.0) -> None:
        """Press footswitches together, and let go."""
        assert self.post is not None
        for switch in switches:
            self.post(Edge(time.monotonic(), switch, True))
        time.sleep(hold_s)
        for switch in switches:
            # Behind the lock-out of the edge before.
            self.post(Edge(time.monotonic() + 0.03, switch, False))
        time.sleep(0.05)

    def turn(self, knob: str, value: float) -> None:
        assert self.post is not None
        self.post(Position(time.monotonic(), knob, value))

    def lit(self) -> str:
        return " ".join(name for name, light in sorted(self.lights.items()) if light.level > 0.5)


class Played:
    """A pedal in a thread of its own, with four footswitches."""

    def __init__(self, server: str, banks: list[Path], switches: str = "1234") -> None:
        self.hands = Hands()
        self.pedal = Pedal(PedalSetup(sorted(banks[0].glob("*.toml")), server=server, banks=banks))
        self.dispatcher = ActionDispatcher(self.pedal)
        base = bindings.default(list(switches)).overridden_by(bindings.read(MAP, "test"))
        uses = {"drive": KnobSettings(KnobSpec(band=0.0, dead_low=0.0, dead_high=0.0))}
        self.controls = ControlSurface(
            self.pedal, self.dispatcher, DriverSupervisor([self.hands]), base, lights=(*"1234", "bypass"), uses=uses
        )
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        with attached_controls(self.pedal, self.controls):
            self.pedal.run()

    def at(self) -> str:
        """Bank and preset."""
        manager = self.pedal.manager
        current = manager.current if manager is not None else None
        return f"{self.pedal.bank.name} {current.name}" if current is not None else ""

    def number(self, name: str) -> float:
        manager = self.pedal.manager
        assert manager is not None
        assert manager.current is not None
        assert manager.current.chain is not None
        return manager.current.chain.numbers[name]

    def stop(self) -> None:
        self.pedal.stop()
        self._thread.join(30.0)
        assert not self._thread.is_alive()


@pytest.fixture
def banks(tmp_path: Path) -> list[Path]:
    """live: one to four, of which three has a map of its own; quiet: two presets."""
    live, quiet = tmp_path / "live", tmp_path / "quiet"
    live.mkdir()
    quiet.mkdir()
    for number in range(1, 5):
        preset.write(Preset(f"P{number}", (Gain(float(number)), Tone())), live / f"p{number}.toml")
    own = bindings.read({"footswitches": {"4": "set 1.gain_db 12"}, "knobs": {"drive": "level"}}, "own")
    preset.write(Preset("P3", (Gain(3.0), Tone()), controls=own), live / "p3.toml")
    for name in ("q1", "q2"):
        preset.write(Preset(name, (Gain(-20.0),)), quiet / f"{name}.toml")
    return [live, quiet]


@pytest.fixture
def played(jack_server: JackServer, banks: list[Path]) -> Iterator[Played]:
    jack_server.start()
    made = Played(jack_server.name, banks)
    wait_for(lambda: made.at() == "live p1" and made.hands.post is not None)
    yield made
    made.stop()


def test_footswitches_choose_presets_and_the_same_again_bypasses(played: Played) -> None:
    wait_for(lambda: played.hands.lit() == "1")
    played.hands.step("2")
    wait_for(lambda: played.at() == "live p2" and played.hands.lit() == "2")
    played.hands.step("2")
    wait_for(lambda: played.pedal.manager is not None and played.pedal.manager.bypass)
    wait_for(lambda: played.hands.lit() == "2 bypass")
    played.hands.step("2")
    wait_for(lambda: played.hands.lit() == "2")


def test_a_map_that_is_edited_in_the_preset_that_plays_counts_from_then_on(played: Played, banks: list[Path]) -> None:
    wait_for(lambda: played.hands.lit() == "1")
    own = bindings.read({"footswitches": {"4": "set 1.gain_db 12"}}, "own")
    preset.write(Preset("P1", (Gain(1.0), Tone()), controls=own), banks[0] / "p1.toml")
    slot = played.pedal.manager.slots[0] if played.pedal.manager is not None else None
    wait_for(lambda: slot is not None and slot.chain is not None and slot.chain.preset.controls == own)
    wait_for(lambda: own.footswitches.items() <= played.controls._map.footswitches.items())
    played.hands.step("4")
    wait_for(lambda: played.number("1.gain_db") == 12.0)
    assert played.at() == "live p1"


def test_news_is_told_by_blinking_and_then_the_lights_show_what_is_so_again(played: Played) -> None:
    wait_for(lambda: played.hands.lit() == "1")
    played.controls.blink_codes.enqueue(CARD_TROUBLE)
    wait_for(lambda: played.hands.lights["1"].colour == (1.0, 0.0, 0.0) and played.hands.lit() == "1")
    assert played.at() == "live p1"
    wait_for(lambda: played.hands.lit() == "")
    wait_for(lambda: played.hands.lights["1"].colour == (0.0, 1.0, 0.0) and played.hands.lit() == "1")


def told(played: Played) -> int:
    """The code that lights tell now; 0: none."""
    return played.controls.blink_codes.now(time.monotonic())[0]


def broken(banks: list[Path], *names: str) -> None:
    """Presets of the second bank, by name, whose capture is gone."""
    for name in names:
        preset.write(Preset(name, (Nam("gone.stomp"),)), banks[1] / f"{name}.toml")


def test_a_preset_that_can_not_be_played_is_told_by_lights_and_the_old_one_plays_on(
    played: Played, banks: list[Path]
) -> None:
    broken(banks, "q2")
    played.hands.step("3", "4")
    wait_for(lambda: played.at() == "quiet q1")
    played.hands.step("2")
    wait_for(lambda: told(played) == NOT_PLAYED)
    assert played.at() == "quiet q1"


def test_a_bank_whose_preset_is_broken_plays_its_next_and_tells_it(played: Played, banks: list[Path]) -> None:
    broken(banks, "q1")
    played.hands.step("3", "4")
    wait_for(lambda: played.at() == "quiet q2")
    wait_for(lambda: told(played) == NOT_PLAYED)


def test_a_bank_where_nothing_can_be_played_is_left_again(played: Played, banks: list[Path]) -> None:
    broken(banks, "q1", "q2")
    played.hands.step("3", "4")
    wait_for(lambda: told(played) == NOT_PLAYED)
    wait_for(lambda: played.at() == "live p1")
    # Its presets are those that footswitches go to.
    played.hands.step("3")
    wait_for(lambda: played.at() == "live p3")
    # Mended, it is gone to.
    preset.write(Preset("q2", (Gain(-20.0),)), banks[1] / "q2.toml")
    played.hands.step("1", "2")
    wait_for(lambda: played.at() == "quiet q2")


def test_a_pedal_begins_in_the_next_bank_where_the_first_has_nothing_to_play(
    jack_server: JackServer, banks: list[Path]
) -> None:
    for path in banks[0].glob("*.toml"):
        preset.write(Preset(path.stem, (Nam("gone.stomp"),)), path)
    jack_server.start()
    made = Played(jack_server.name, banks)
    wait_for(lambda: made.at() == "quiet q1")
    made.stop()


def test_a_bank_that_can_not_be_read_is_told_and_not_gone_to(played: Played, banks: list[Path]) -> None:
    for path in banks[1].glob("*.toml"):
        path.unlink()
    played.hands.step("3", "4")
    wait_for(lambda: told(played) == NOT_PLAYED)
    assert played.at() == "live p1"


def test_a_save_by_footswitch_that_failed_is_told_by_lights(
    played: Played, banks: list[Path], caplog: pytest.LogCaptureFixture
) -> None:
    """By its own map the fourth switch saves. What is written to /dev/full meets a disk that is full (full(4))."""
    own = bindings.read({"footswitches": {"4": "save"}}, "own")
    preset.write(Preset("P2", (Gain(2.0),), controls=own), banks[1] / "q2.toml")
    played.hands.step("2")
    wait_for(lambda: played.at() == "live p2")
    played.hands.step("3", "4")
    wait_for(lambda: played.at() == "quiet q2")
    played.hands.step("4")
    assert told(played) == 0
    before = (banks[1] / "q2.toml").read_bytes()
    (banks[1] / f".q2.toml.{os.getpid()}.partial").symlink_to("/dev/full")
    played.hands.step("4")
    wait_for(lambda: told(played) == NOT_SAVED)
    assert "can't be written: no space left on device" in caplog.text
    assert (banks[1] / "q2.toml").read_bytes() == before


def test_a_footswitch_that_has_no_preset_here_is_no_trouble(played: Played) -> None:
    played.hands.step("3", "4")
    wait_for(lambda: played.at() == "quiet q1")
    played.hands.step("4")
    assert told(played) == 0
    assert played.at() == "quiet q1"


def test_two_together_go_to_another_bank_and_it_goes_on_there_with_the_same_number(played: Played) -> None:
    played.hands.step("2")
    wait_for(lambda: played.at() == "live p2")
    played.hands.step("3", "4")
    wait_for(lambda: played.at() == "quiet q2")
    played.hands.step("1", "2")
    wait_for(lambda: played.at() == "live p2")


def test_a_long_press_tunes_without_a_sound(played: Played) -> None:
    played.hands.step("3", hold_s=0.7)
    wait_for(lambda: played.dispatcher.state.tuning)
    assert played.at() == "live p1"
    wait_for(lambda: played.hands.lit() == "")
    played.hands.step("3", hold_s=0.7)
    wait_for(lambda: not played.dispatcher.state.tuning and played.hands.lit() == "1")


def test_a_knob_moves_its_setting_and_waits_after_a_switch_until_it_is_where_that_stands(played: Played) -> None:
    hands = played.hands
    hands.turn("drive", 0.0)
    hands.turn("drive", 0.8)
    wait_for(lambda: played.number("1.gain_db") == pytest.approx(6.0))
    hands.step("2")
    wait_for(lambda: played.at() == "live p2")
    # The preset has 2 dB, which is at 0.6 of the way: from 0.8 to 0.7 is not there yet.
    hands.turn("drive", 0.7)
    time.sleep(0.1)
    assert played.number("1.gain_db") == 2.0
    hands.turn("drive", 0.5)
    wait_for(lambda: played.number("1.gain_db") == pytest.approx(0.0))


def test_a_preset_may_have_a_map_of_its_own(played: Played) -> None:
    played.hands.step("3")
    wait_for(lambda: played.at() == "live p3")
    played.hands.step("4")
    wait_for(lambda: played.number("1.gain_db") == 12.0)
    assert played.at() == "live p3"
    played.hands.turn("drive", 1.0)
    played.hands.turn("drive", 0.0)
    wait_for(lambda: played.number("level_db") == -60.0)
    played.hands.step("1")
    wait_for(lambda: played.at() == "live p1")
    played.hands.step("4")
    wait_for(lambda: played.at() == "live p4")


def test_an_encoder_goes_on_from_where_the_setting_stands(played: Played) -> None:
    post = played.hands.post
    assert post is not None
    post(Clicks(time.monotonic(), "turn", 8))
    wait_for(lambda: played.number("2.treble") == pytest.approx(7.5))
    post(Clicks(time.monotonic(), "turn", -1000))
    wait_for(lambda: played.number("2.treble") == 0.0)


def in_tick(played: Played, call: Callable[[], object]) -> None:
    """In the thread that runs the pedal."""
    done = threading.Event()

    def once() -> None:
        if not done.is_set():
            call()
            done.set()

    played.pedal.ticks.append(once)
    assert done.wait(20.0)


def test_midi_selects_presets_and_banks_and_moves_settings(played: Played) -> None:
    hear = played.controls.handle_midi
    in_tick(played, lambda: hear([bytes([0xC0, 3])]))
    wait_for(lambda: played.at() == "live p4")
    in_tick(played, lambda: hear([bytes([0xB0, 0, 0]), bytes([0xB0, 32, 1]), bytes([0xC0, 0])]))
    wait_for(lambda: played.at() == "quiet q1")
    in_tick(played, lambda: hear([bytes([0xB0, 7, 127])]))
    assert played.number("level_db") == 0.0
    in_tick(played, lambda: hear([bytes([0xB0, 7, 0]), bytes([0xB0, 64, 127])]))
    assert played.number("level_db") == -40.0
    assert played.pedal.manager is not None
    assert played.pedal.manager.bypass
    # No preset of this bank has a tone, nor that many presets.
    in_tick(played, lambda: hear([bytes([0xB0, 9, 64]), bytes([0xC0, 99])]))
    assert played.at() == "quiet q1"
    assert played.controls.midi.last == "program 100 on channel 1"


def test_a_control_change_is_learnt_for_this_time(played: Played) -> None:
    learn = played.controls.learn
    in_tick(played, lambda: learn("control_changes", None, "level"))
    in_tick(played, lambda: learn("control_changes", 20, "2.bass 2 4"))
    in_tick(played, lambda: played.controls.handle_midi([bytes([0xB0, 20, 127])]))
    assert played.number("2.bass") == 4.0
    played.hands.step("2")
    wait_for(lambda: played.at() == "live p2")
    in_tick(played, lambda: played.controls.handle_midi([bytes([0xB0, 20, 0])]))
    assert played.number("2.bass") == 2.0
    with pytest.raises(ControlMapError, match=r"learn: control_changes\.32: '32' can't be mapped"):
        learn("control_changes", 32, "level")


def test_with_two_footswitches_lights_tell_that_the_sound_is_on(jack_server: JackServer, banks: list[Path]) -> None:
    jack_server.start()
    made = Played(jack_server.name, banks, "12")
    wait_for(lambda: made.at() == "live p1" and made.hands.lit() == "1 2")
    made.hands.step("2")
    wait_for(lambda: made.at() == "live p2")
    made.hands.step("1", hold_s=0.7)
    wait_for(lambda: made.hands.lit() == "bypass")
    made.stop()


def test_trouble_is_shown_by_its_code(banks: list[Path]) -> None:
    made = Played("nobody", banks)
    wait_for(lambda: made.hands.lit() == "1")
    wait_for(lambda: made.hands.lit() == "")
    wait_for(lambda: made.hands.lit() == "1")
    made.stop()


def test_a_card_that_is_missing_is_told_by_one_blink_however_often_jackd_tries(
    jack_server: JackServer, banks: list[Path], tmp_path: Path
) -> None:
    """A jackd for a card that is not there ends at once, and is started again and again, as systemd does."""
    tries = tmp_path / "tries"
    jackd = f"jackd -n {jack_server.name} --no-realtime -d alsa -d hw:NotThere"
    loop = f"while :; do {jackd}; echo >> {tries}; sleep 0.2; done"
    made = Played(jack_server.name, banks)
    seen: list[str] = []

    def tried_often() -> bool:
        seen.append(made.hands.lit())
        return tries.exists() and tries.stat().st_size >= 20

    with subprocess.Popen(
        ["sh", "-c", loop], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    ) as trying:
        try:
            wait_for(tried_often, 60.0)
        finally:
            os.killpg(trying.pid, signal.SIGKILL)
    assert made.controls._trouble(made.pedal.manager) == NO_SERVER
    changes = [b for a, b in pairwise(["", *seen]) if a != b]
    assert len(changes) >= 4
    assert set(changes) == {"", "1"}
    # The card is plugged in.
    jack_server.start()
    wait_for(lambda: made.at() == "live p1")
    made.stop()
