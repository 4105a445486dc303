"""A JACK graph in which ports come and go while it is looked at."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jack
import pytest
from nampedal.firmware.base.errors import JackRefusedError, NoJackServerError
from nampedal.firmware.engine import _engine
from nampedal.firmware.jack.jack_client import JackClient, PortConnections
from nampedal.firmware.jack.jack_graph import AUDIO, MIDI, JackGraph
from nampedal.firmware.jack.loopback_client import LoopbackClient
from nampedal.firmware.presets import preset
from nampedal.firmware.presets.preset import Gain, Preset
from support.players.jack_server import JackServer, ended, wait_for
from support.players.live_pedal import playing, status

RATE = 48_000.0


@pytest.fixture
def foot(server: JackServer) -> Iterator[jack.Client]:
    """A client whose MIDI ports come and go."""
    made = jack.Client("foot", no_start_server=True, servername=server.name)
    made.activate()
    yield made
    made.close()


@pytest.fixture
def client(server: JackServer) -> Iterator[JackClient]:
    made = JackClient(server.name)
    yield made
    made.close()


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    folder = tmp_path / "bank"
    folder.mkdir()
    preset.write(Preset("Half", (Gain(-6.0),), normalise=False), folder / "half.toml")
    return folder


def sources(client: JackClient) -> list[str]:
    client.follow()
    return client._graph.connected(client._midi_in)


def connects(client: JackClient, *names: str) -> None:
    wait_for(lambda: sorted(sources(client)) == sorted(names))


def rests(client: JackClient, *names: str) -> None:
    """It has nothing more to look at."""
    wait_for(lambda: sorted(sources(client)) == sorted(names) and client._again_s == float("inf"))


def test_ports_are_asked_for_by_kind_and_direction(server: JackServer, foot: jack.Client) -> None:
    graph = JackGraph(foot)
    foot.midi_outports.register("usb", is_physical=True)
    foot.midi_outports.register("soft")
    assert graph.names(MIDI, is_output=True) == ["foot:usb", "foot:soft"]
    assert graph.names(MIDI, physical=True, is_output=True) == ["foot:usb"]
    assert graph.names(MIDI, is_output=False) == []
    assert "system:capture_1" in graph.names(AUDIO, physical=True, is_output=True)
    assert graph.real_name("foot:usb") == "foot:usb"
    assert graph.real_name("nobody:there") is None
    assert not graph.join("nobody:there", "system:playback_1")
    assert graph.join("system:capture_1", "system:playback_1")
    assert graph.join("system:capture_1", "system:playback_1")


def test_a_midi_port_that_goes_and_comes_is_connected_each_time(
    client: JackClient, foot: jack.Client, server: JackServer
) -> None:
    client.play(_engine.Stage(RATE, server.period), PortConnections())
    for number in range(5):
        port = foot.midi_outports.register(f"usb{number}", is_physical=True)
        connects(client, f"foot:usb{number}")
        wait_for(lambda: sources(client) and client.hears_midi)
        port.unregister()
        wait_for(lambda: not sources(client) and not client.hears_midi)


def test_a_named_midi_port_is_connected_once_it_is_there_and_again_when_it_comes_back(
    client: JackClient, foot: jack.Client, server: JackServer, caplog: pytest.LogCaptureFixture
) -> None:
    foot.midi_outports.register("usb", is_physical=True)
    client.play(_engine.Stage(RATE, server.period), PortConnections(midi=("foot:soft", "foot:other")))
    shown = f"JACK server '{server.name}'"
    assert f"{shown}: MIDI port foot:soft is not there; it is connected once it is; there are: foot:usb" in caplog.text
    for _ in range(3):
        port = foot.midi_outports.register("soft")
        connects(client, "foot:soft")
        port.unregister()
        connects(client)


def test_a_midi_port_is_named_by_its_alias(client: JackClient, foot: jack.Client, server: JackServer) -> None:
    port = foot.midi_outports.register("one")
    port.set_alias("usb:controller")
    client.play(_engine.Stage(RATE, server.period), PortConnections(midi=("usb:controller",)))
    connects(client, "foot:one")


def test_what_was_connected_by_hand_comes_back_also_to_another_server(
    client: JackClient, foot: jack.Client, server: JackServer
) -> None:
    client.play(_engine.Stage(RATE, server.period), PortConnections())
    port = foot.midi_outports.register("soft")
    foot.connect("foot:soft", f"{client.name}:midi_in")
    connects(client, "foot:soft")
    port.unregister()
    connects(client)
    port = foot.midi_outports.register("soft")
    connects(client, "foot:soft")
    rests(client, "foot:soft")
    foot.disconnect("foot:soft", f"{client.name}:midi_in")
    rests(client)
    port.unregister()
    foot.midi_outports.register("soft")
    rests(client)


def failing(graph: JackGraph, name: str, error: Exception, times: int) -> Callable[..., Any]:
    real, left = getattr(graph, name), [times]

    def call(*args: Any, **more: Any) -> Any:
        if left[0] > 0:
            left[0] -= 1
            raise error
        return real(*args, **more)

    return call


@pytest.mark.parametrize(
    "error", [jack.JackError("Port 'foot:usb' not available"), jack.JackErrorCode("x", 2), OSError()]
)
@pytest.mark.parametrize("question", ["names", "connected", "join"])
def test_a_look_that_failed_is_repeated(
    client: JackClient,
    foot: jack.Client,
    server: JackServer,
    monkeypatch: pytest.MonkeyPatch,
    question: str,
    error: Exception,
) -> None:
    client.play(_engine.Stage(RATE, server.period), PortConnections())
    wait_for(lambda: not client._ports_changed.is_set() or sources(client) == [])
    monkeypatch.setattr(client._graph, question, failing(client._graph, question, error, 3))
    foot.midi_outports.register("usb", is_physical=True)
    failures = 0

    def heard() -> bool:
        nonlocal failures
        try:
            client.follow()
        except type(error):
            failures += 1
        return client.hears_midi

    wait_for(heard)
    assert failures == 3


def test_a_connection_that_fails_is_made_at_a_later_look(
    client: JackClient, foot: jack.Client, server: JackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.play(_engine.Stage(RATE, server.period), PortConnections())
    real, left = client._graph.join, [4]

    def join(source: str, target: str) -> bool:
        left[0] -= 1
        return left[0] < 0 and real(source, target)

    monkeypatch.setattr(client._graph, "join", join)
    foot.midi_outports.register("usb", is_physical=True)
    connects(client, "foot:usb")


def test_a_port_of_the_card_that_goes_while_it_is_connected_is_connected_later(
    client: JackClient, server: JackServer, monkeypatch: pytest.MonkeyPatch, foot: jack.Client
) -> None:
    real = client._graph.join
    monkeypatch.setattr(client._graph, "join", lambda source, target: False)
    client.play(_engine.Stage(RATE, server.period), PortConnections())
    assert client._graph.connected(client._ins[0]) == []
    monkeypatch.setattr(client._graph, "join", real)
    # What makes it look again.
    foot.midi_outports.register("any")

    def wired() -> bool:
        client.follow()
        return client._graph.connected(client._ins[0]) == ["system:capture_1"]

    wait_for(wired)


def test_a_port_that_was_named_and_is_not_there_is_refused_in_a_line(client: JackClient, server: JackServer) -> None:
    said = f"JACK server '{server.name}': usb:1 can't be connected to nampedal:in; its audio ports are system:capture_1"
    with pytest.raises(JackRefusedError, match=re.escape(said)):
        client.play(_engine.Stage(RATE, server.period), PortConnections(inputs=("usb:1",)))


def test_a_loop_says_that_ports_come_and_go(server: JackServer, monkeypatch: pytest.MonkeyPatch) -> None:
    loop = LoopbackClient(server.name)
    monkeypatch.setattr(loop._graph, "join", lambda source, target: False)
    with pytest.raises(
        JackRefusedError, match="the sound card's ports come and go; try again, or name --input-port, --output-port"
    ):
        loop.connect(PortConnections())
    loop.close()


def test_the_server_that_is_meant_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "nobody-there")
    with pytest.raises(NoJackServerError, match=r"^JACK server 'nobody-there': does not answer"):
        JackClient()
    monkeypatch.delenv("JACK_DEFAULT_SERVER")
    with pytest.raises(NoJackServerError, match=r"^JACK server 'other': does not answer"):
        JackClient("other")


def test_the_pedal_plays_on_while_many_physical_midi_ports_flap(
    jack_server: JackServer, bank: Path, tmp_path: Path, root: Path
) -> None:
    script = root / "tests" / "firmware" / "probes" / "flap_midi.py"
    with playing(jack_server, bank, tmp_path / "control.sock") as at:
        command = [sys.executable, str(script), jack_server.name, "400"]
        with ended(subprocess.Popen(command, stdout=subprocess.PIPE, text=True)) as child:
            assert child.wait(60.0) == 0
        foot = jack.Client("steady", no_start_server=True, servername=jack_server.name)
        foot.activate()
        foot.midi_outports.register("usb", is_physical=True)
        wait_for(lambda: [port.name for port in foot.get_all_connections("steady:usb")] == ["nampedal:midi_in"])
        foot.close()
        assert status(at)["preset"] == "half"


def test_questions_in_one_thread_survive_ports_that_flap_in_another(
    client: JackClient, foot: jack.Client, server: JackServer
) -> None:
    client.play(_engine.Stage(RATE, server.period), PortConnections())
    stop = threading.Event()

    def flap() -> None:
        while not stop.is_set():
            ports = [foot.midi_outports.register(f"usb{number}", is_physical=True) for number in range(6)]
            for port in ports:
                port.unregister()

    thread = threading.Thread(target=flap)
    thread.start()
    for _ in range(300):
        client._ports_changed.set()
        client.follow()
        client._names()
    stop.set()
    thread.join()
    foot.midi_outports.register("steady", is_physical=True)
    connects(client, "foot:steady")
