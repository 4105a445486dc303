"""Through a real JACK server, in freewheel mode: every sample, and no clock."""

from __future__ import annotations

import itertools
import select
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from nampedal.firmware.actions.midi import MidiDecoder
from nampedal.firmware.base.errors import JackRefusedError, NoJackServerError
from nampedal.firmware.engine import _engine
from nampedal.firmware.engine.inference import Audio
from nampedal.firmware.jack.jack_client import JackClient, PortConnections
from support.players.jack_player import Player
from support.players.jack_server import JackServer, ended, wait_for
from support.players.midi_player import MidiPlayer

RATE = 48_000.0


def chain_of(frames: int, gain: float) -> _engine.Chain:
    chain = _engine.Chain(RATE, frames, "")
    chain.add_gain(gain)
    chain.add_cabinet(np.array([0.5, 0.0, 0.25], np.float32))
    chain.reset()
    return chain


@pytest.fixture
def client(jack_server: JackServer) -> Iterator[JackClient]:
    jack_server.start()
    found = wait_for(lambda: open_client(jack_server.name))
    yield found
    found.close()


def open_client(server: str) -> JackClient | None:
    try:
        return JackClient(server)
    except NoJackServerError:
        return None


def noise(frames: int) -> Audio:
    return np.asarray(np.random.default_rng(0).normal(0.0, 0.2, frames), np.float32)


@pytest.mark.parametrize("jack_server", [64, 128, 256], indirect=True)
def test_what_comes_out_of_jack_is_what_the_stage_plays(jack_server: JackServer, client: JackClient) -> None:
    assert client.sample_rate == RATE
    assert client.period_frames == jack_server.period
    stage = _engine.Stage(RATE, jack_server.period)
    stage.go_to(chain_of(jack_server.period, 0.5), False, 0.001)
    client.play(stage, PortConnections())
    wait_for(lambda: stage.blocks > 20)
    player = Player(jack_server.name)
    player.connect(f"{client.name}:in", [f"{client.name}:left", f"{client.name}:right"])
    audio = noise(100_000)
    left, right = player.play(audio)
    player.close()
    expected = np.empty_like(audio)
    chain_of(jack_server.period, 0.5).process(audio, expected)
    # A client that feeds and hears us in the same cycle gets its answer in the next.
    late = int(np.argmax(np.abs(left) > 0.0))
    assert late in (0, jack_server.period)
    assert np.array_equal(left[late:], expected[: len(expected) - late])
    assert np.array_equal(left, right)


def test_the_sound_goes_on_while_python_holds_its_lock(jack_server: JackServer, root: Path) -> None:
    jack_server.start()
    wait_for(lambda: Player.open(jack_server.name)).close()
    script = root / "tests" / "firmware" / "probes" / "hold_the_gil.py"
    command = [sys.executable, str(script), jack_server.name]
    with ended(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        name = child.stdout.readline().strip()
        player = Player(jack_server.name)
        player.connect(f"{name}:in", [f"{name}:left", f"{name}:right"])
        player.freewheel(True)
        child.stdin.write("\n")
        child.stdin.flush()
        assert child.stdout.readline() == "holding\n"
        audio = noise(96_000)
        left, _ = player.play_on(audio)
        # All of it was played while the lock was held.
        assert not select.select([child.stdout], [], [], 0.0)[0], "this machine is too slow to tell"
        assert child.stdout.readline() == "held\n"
        player.freewheel(False)
        player.close()
        child.stdin.write("\n")
    late = int(np.argmax(np.abs(left) > 0.0))
    assert np.array_equal(left[late:], 0.5 * audio[: len(audio) - late])


def test_a_server_that_dies_is_noticed_and_another_one_is_played_to(jack_server: JackServer) -> None:
    jack_server.start()
    client = wait_for(lambda: open_client(jack_server.name))
    stage = _engine.Stage(RATE, jack_server.period)
    stage.go_to(chain_of(jack_server.period, 0.5), False, 0.001)
    client.play(stage, PortConnections())
    wait_for(lambda: stage.blocks > 20)
    jack_server.kill()
    assert client.lost.wait(20.0)
    client.close()
    jack_server.start()
    again = wait_for(lambda: open_client(jack_server.name))
    blocks = stage.blocks
    again.play(stage, PortConnections())
    wait_for(lambda: stage.blocks > blocks + 20)
    again.close()


def test_how_long_blocks_take_is_counted(jack_server: JackServer, client: JackClient) -> None:
    stage = _engine.Stage(RATE, jack_server.period)
    callback = client.play(stage, PortConnections())
    wait_for(lambda: sum(callback.load_bins) > 50)
    assert callback.take_worst() > 0.0
    assert len(callback.load_bins) == 4 * _engine.LOAD_BINS_OF_PERIOD


def test_no_server_and_no_such_port_are_named(jack_server: JackServer, client: JackClient) -> None:
    with pytest.raises(NoJackServerError, match="JACK server 'nobody': does not answer; start jackd, or wait for it"):
        JackClient("nobody")
    stage = _engine.Stage(RATE, jack_server.period)
    with pytest.raises(JackRefusedError) as caught:
        client.play(stage, PortConnections(inputs=("nowhere:1",)))
    text = f"JACK server '{jack_server.name}': nowhere:1 can't be connected to {client.name}:in; its audio ports are "
    assert str(caught.value).startswith(text + "system:capture_1, system:")


def test_the_ports_that_are_named_are_connected(jack_server: JackServer, client: JackClient) -> None:
    stage = _engine.Stage(RATE, jack_server.period)
    client.play(stage, PortConnections(inputs=("system:capture_2",), outputs=("system:playback_2",)))
    listed = subprocess.run(
        ["jack_lsp", "-s", jack_server.name, "-c", f"{client.name}:"], capture_output=True, text=True, check=True
    ).stdout
    assert listed.split() == [
        *(f"{client.name}:in", "system:capture_2"),
        *(f"{client.name}:left", "system:playback_2"),
        f"{client.name}:right",
        f"{client.name}:midi_in",
    ]


def hears_midi(client: JackClient) -> bool:
    client.connect_midi()
    return client.hears_midi


def test_midi_arrives_whole_and_in_order(jack_server: JackServer, client: JackClient) -> None:
    callback = client.play(_engine.Stage(RATE, jack_server.period), PortConnections())
    kinds = [(0xC0, 1), (0xB0, 2), (0x90, 2), (0x80, 2)]
    messages = [
        bytes([kind | n % 16, *[(n + 7 * at) % 128 for at in range(size)]])
        for n in range(500)
        for kind, size in [kinds[n % 4]]
    ]
    player = MidiPlayer(jack_server.name, [*messages, b"\xf8", b"\xfe", b"\xf0\x01\x02\xf7"], 3)
    client.connect_midi()
    assert not client.hears_midi
    player.connect(f"{client.name}:midi_in")
    # JACK connects when it comes to it: on a busy machine that may take a while.
    wait_for(lambda: hears_midi(client))
    player.begin()
    got: list[bytes] = []
    while len(got) < len(messages):
        got += wait_for(callback.take_midi)
    wait_for(lambda: player.sent == len(messages) + 3)
    player.close()
    assert got + callback.take_midi() == messages


def test_pressure_and_pitch_bend_do_not_take_the_place_of_what_is_wanted(
    jack_server: JackServer, client: JackClient
) -> None:
    """Nobody takes them meanwhile; the queue holds 1024."""
    callback = client.play(_engine.Stage(RATE, jack_server.period), PortConnections())
    bends = [bytes([0xE0 | n % 16, n % 128, 64]) for n in range(1500)]
    pressures = [bytes([0xD0, n % 128]) for n in range(1500)] + [bytes([0xA0, 60, n % 128]) for n in range(1500)]
    wanted = [bytes([0xC0, 5]), bytes([0x90, 60, 1]), bytes([0x80, 60, 0])]
    player = MidiPlayer(jack_server.name, [*bends, *pressures, *wanted], 40)
    player.connect(f"{client.name}:midi_in")
    wait_for(lambda: hears_midi(client))
    player.begin()
    wait_for(lambda: player.sent == 4503)
    got: list[bytes] = []
    while len(got) < 3:
        got += wait_for(callback.take_midi)
    player.close()
    assert got == wanted


def test_a_million_bytes_of_garbage_from_midi_leave_the_sound_as_it_is(
    jack_server: JackServer, client: JackClient
) -> None:
    stage = _engine.Stage(RATE, jack_server.period)
    stage.go_to(chain_of(jack_server.period, 0.5), False, 0.001)
    callback = client.play(stage, PortConnections())
    rng = np.random.default_rng(0)
    data = rng.bytes(1_000_000)
    cuts = np.unique(rng.integers(1, len(data), 350_000))
    messages = [data[a:b] for a, b in itertools.pairwise([0, *cuts, len(data)])]
    player = MidiPlayer(jack_server.name, messages, 40)
    listener = Player(jack_server.name)
    listener.connect(f"{client.name}:in", [f"{client.name}:left", f"{client.name}:right"])
    player.connect(f"{client.name}:midi_in")
    player.begin()
    audio = noise(128 * (len(messages) // 40 + 100))
    left, _ = listener.play(audio)
    midi = MidiDecoder()
    taken = callback.take_midi()
    listener.close()
    player.close()
    assert player.sent == len(messages)
    # Nobody took them meanwhile: the queue is full of whole messages, and what did not fit was dropped.
    assert len(taken) == 1024
    assert {message[0] & 0xF0 for message in taken} == {0x80, 0x90, 0xB0, 0xC0}
    assert all(2 <= len(message) <= 3 for message in taken)
    assert any(midi.decode(message) for message in taken)
    expected = np.empty_like(audio)
    chain_of(jack_server.period, 0.5).process(audio, expected)
    late = int(np.argmax(np.abs(left) > 0.0))
    assert np.array_equal(left[late:], expected[: len(expected) - late])
