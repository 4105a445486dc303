"""Through a real JACK server, and a cable that is a client of it."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator

import pytest
from nampedal.firmware.base.errors import JackRefusedError, MeasurementError, NoJackServerError
from nampedal.firmware.jack.jack_client import PortConnections
from nampedal.firmware.jack.loopback_client import LoopbackClient
from nampedal.firmware.jack.loopback_latency import QUIETEST_DBFS
from support.players.jack_cable import Cable
from support.players.jack_player import Player
from support.players.jack_server import PATIENCE_S, JackServer, wait_for

WIRING = PortConnections(inputs=("cable:out",), outputs=("cable:in",))


@pytest.fixture
def client(server: JackServer) -> Iterator[LoopbackClient]:
    made = LoopbackClient(server.name)
    yield made
    made.close()


@pytest.mark.parametrize("jack_server", [64, 128, 256], indirect=True)
@pytest.mark.parametrize(("delay", "gain", "gain_db"), [(0, 1.0, 0.0), (261, -0.5, -6.02), (5000, 2.0, 6.02)])
def test_a_loop_through_jack_is_measured_to_the_frame(
    server: JackServer, client: LoopbackClient, delay: int, gain: float, gain_db: float
) -> None:
    cable = Cable(server.name, delay, gain)
    client.connect(WIRING)
    with cable.freewheeling():
        loop = client.measure()
    cable.close()
    # A client that feeds and hears another in the same cycle gets its answer in the next.
    assert loop.round_trip_frames == server.period + delay
    assert loop.gain_db == pytest.approx(gain_db, abs=0.02)
    assert loop.noise_floor_dbfs == QUIETEST_DBFS


def test_a_cable_that_is_not_there_is_missed(server: JackServer, client: LoopbackClient) -> None:
    cable = Cable(server.name, 0, 0.0)
    client.connect(WIRING)
    with pytest.raises(MeasurementError), cable.freewheeling():
        client.measure()
    cable.close()


@pytest.mark.parametrize(
    ("wiring", "ends"),
    [
        (PortConnections(), ("system:capture_1", "system:playback_1")),
        (
            PortConnections(inputs=("system:capture_2",), outputs=("system:playback_2",)),
            ("system:capture_2", "system:playback_2"),
        ),
    ],
)
def test_the_cards_first_ports_are_connected_unless_others_are_named(
    server: JackServer, client: LoopbackClient, wiring: PortConnections, ends: tuple[str, str]
) -> None:
    client.connect(wiring)
    command = ["jack_lsp", "-s", server.name, "-c", f"{client.name}:"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert listed.split() == [f"{client.name}:in", ends[0], f"{client.name}:out", ends[1]]


def test_a_port_that_is_not_there_is_named(server: JackServer, client: LoopbackClient) -> None:
    with pytest.raises(JackRefusedError) as caught:
        client.connect(PortConnections(outputs=("nowhere:1",)))
    text = f"JACK server '{server.name}': {client.name}:out can't be connected to nowhere:1; its audio ports are "
    assert str(caught.value).startswith(text + "system:capture_1, system:")


def test_a_sound_that_broke_up_is_measured_again(server: JackServer, client: LoopbackClient) -> None:
    cable = Cable(server.name, 261, 0.5, stalls=1)
    client.connect(WIRING)
    measured = threading.Event()

    def go_on_well() -> None:
        cable.stalled.wait(PATIENCE_S)
        with cable.freewheeling():
            measured.wait(PATIENCE_S)

    helper = threading.Thread(target=go_on_well)
    helper.start()
    loop = client.measure()
    measured.set()
    helper.join()
    cable.close()
    assert client.xruns > 0
    assert loop.round_trip_frames == server.period + 261


@pytest.mark.long
def test_a_sound_that_breaks_up_each_time_is_refused(server: JackServer, client: LoopbackClient) -> None:
    cable = Cable(server.name, 0, 1.0, stalls=1000)
    client.connect(WIRING)
    with pytest.raises(MeasurementError) as caught:
        client.measure()
    cable.close()
    assert str(caught.value) == (
        f"JACK server '{server.name}': the sound broke up (xruns) each of the 3 times that the loop was measured; end "
        "other programs, or start jackd with longer periods (-p)"
    )


def test_a_server_that_dies_meanwhile_is_named(server: JackServer, client: LoopbackClient) -> None:
    cable = Cable(server.name, 0, 1.0)
    client.connect(WIRING)

    def die() -> None:
        cable.heard.wait(PATIENCE_S)
        server.kill()

    helper = threading.Thread(target=die)
    helper.start()
    with pytest.raises(NoJackServerError) as caught:
        client.measure()
    helper.join()
    cable.close()
    assert str(caught.value) == (
        f"JACK server '{server.name}': went away while the loop was measured; start jackd again"
    )
    client.close()
    # JACK has room for eight servers, ever: one that was killed has to end well to give its place back.
    server.start()
    wait_for(lambda: Player.open(server.name)).close()
