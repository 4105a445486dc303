"""The control socket, through real sockets, whatever comes."""

from __future__ import annotations

import json
import queue
import socket
import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from nampedal.firmware.actions.control_socket import (
    MAX_ANSWERS,
    MAX_CLIENTS,
    MAX_LETTERS,
    MODE,
    ControlServer,
    Json,
    PendingAnswer,
    _refusal,
    ask,
    muted,
    socket_path,
)
from nampedal.firmware.base.errors import ControlRequestError, ControlSocketError, NoSuchPresetError

FAULTS = {
    one.__name__: one for one in (ValueError, OverflowError, RecursionError, MemoryError, AssertionError, LookupError)
}


def echo(request: Json) -> Json:
    if request["do"] in FAULTS:
        raise FAULTS[request["do"]]("of two\nlines")
    if request["do"] == "odd numbers":
        return {"numbers": [float("nan"), {"inf": float("inf")}, 1.5]}
    if request["do"] == "fail":
        raise NoSuchPresetError("preset 'x': is not in the bank; there are none")
    return {"heard": request["do"]}


class Served:
    """A server in a thread that polls it all the time. It belongs to that thread alone, as the pedal's does."""

    def __init__(self, path: Path) -> None:
        self.asked: list[Json] = []
        self._news: queue.SimpleQueue[Json] = queue.SimpleQueue()
        self.server = ControlServer(path, self._answer)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.wait(0.001):
            self.server.poll()
            while not self._news.empty():
                self.server.publish(self._news.get())

    def publish(self, news: Json) -> None:
        """Have the server's own thread publish it."""
        self._news.put(news)

    def _answer(self, request: Json) -> Json:
        self.asked.append(request)
        return echo(request)

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        self.server.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run" / "control.sock"


@pytest.fixture
def served(path: Path) -> Iterator[Served]:
    made = Served(path)
    yield made
    made.close()


def connect(path: Path) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(20.0)
    connection.connect(str(path))
    return connection


def told(connection: socket.socket, data: bytes, lines: int) -> list[dict[str, Any]]:
    connection.sendall(data)
    reader = connection.makefile("rb")
    return [json.loads(reader.readline()) for _ in range(lines)]


def test_a_request_is_answered(path: Path, served: Served) -> None:
    assert ask(path, {"do": "status"}) == {"ok": True, "heard": "status"}


def test_requests_may_come_in_one_piece_or_byte_by_byte(path: Path, served: Served) -> None:
    with connect(path) as connection:
        both = told(connection, b'{"do": "one"}\n{"do": "two"}\n', 2)
        assert [answer["heard"] for answer in both] == ["one", "two"]
        for byte in b'{"do": "three"}':
            connection.sendall(bytes([byte]))
        assert told(connection, b"\n", 1)[0]["heard"] == "three"


def test_what_is_refused_is_an_answer_of_one_line(path: Path, served: Served) -> None:
    with pytest.raises(ControlRequestError, match="preset 'x': is not in the bank; there are none"):
        ask(path, {"do": "fail"})
    with connect(path) as connection:
        for line, text in (
            (b"hello\n", 'request: is not JSON; send a line like {"do": "status"}'),
            (b"[]\n", 'request: does not say what to do; send a line like {"do": "status"}'),
            (b'{"do": 3}\n', 'request: does not say what to do; send a line like {"do": "status"}'),
            (
                b"[" * 5000 + b"\n",
                "request: is no JSON that is read here: line 1 column 65: is nested more than 64 deep",
            ),
            (b'{"do": NaN}\n', "request: is no JSON that is read here: line 1 column 8: NaN is no number of JSON's"),
            (
                b'{"do": 1' + b"0" * 400 + b"}\n",
                "request: is no JSON that is read here: line 1 column 8: 10000000... of 401 digits is beyond 64 bits",
            ),
            (b"\xff\xfe\n", 'request: is not JSON; send a line like {"do": "status"}'),
        ):
            assert told(connection, line, 1) == [{"ok": False, "error": text}]
        (answer,) = told(connection, b"x" * 70_000, 1)
        assert answer["error"] == "request: is longer than 65536 bytes; send a line"
        assert ask(path, {"do": "status"})["ok"]


def test_who_subscribes_is_told_and_others_are_not(path: Path, served: Served) -> None:
    with connect(path) as listener, connect(path) as other:
        assert told(listener, b'{"do": "subscribe"}\n', 1) == [{"ok": True}]
        assert served.server.subscribers == 1
        served.publish({"status": {"preset": "one"}})
        assert told(listener, b"", 1) == [{"status": {"preset": "one"}}]
        assert told(other, b'{"do": "status"}\n', 1)[0]["heard"] == "status"


def test_a_client_that_does_not_read_is_dropped_and_the_others_go_on(path: Path) -> None:
    server = ControlServer(path, echo)
    with connect(path) as listener:
        listener.sendall(b'{"do": "subscribe"}\n')
        while not server.subscribers:
            server.poll()
        for _ in range(2000):
            server.publish({"status": "x" * 1000})
        assert server.subscribers == 0
    server.close()


def test_clients_beyond_the_most_are_turned_away(path: Path, served: Served) -> None:
    clients = [connect(path) for _ in range(MAX_CLIENTS)]
    for client in clients:
        told(client, b'{"do": "status"}\n', 1)
    with connect(path) as late:
        assert late.recv(10) == b""
    for client in clients:
        client.close()


@pytest.mark.parametrize("seed", range(5))
def test_whatever_is_sent_the_server_goes_on(path: Path, served: Served, seed: int) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(40):
        with connect(path) as connection:
            noise = rng.integers(0, 256, int(rng.integers(0, 3000)), np.uint8).tobytes()
            text = b'{"do": "status", "x": [1, {}, "' + noise.replace(b"\n", b"") + b'"]}'
            connection.sendall(noise if rng.random() < 0.5 else text)
    assert ask(path, {"do": "status"})["ok"]


def test_owner_and_group_may_ask_and_nobody_else(path: Path, served: Served) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == MODE == 0o660


def test_a_socket_left_behind_is_taken_over_and_one_that_answers_is_not(path: Path, served: Served) -> None:
    with pytest.raises(
        ControlSocketError, match=r"control\.sock: another pedal answers there; end it, or name another"
    ):
        ControlServer(path, echo)
    left = path.with_name("left.sock")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as dead:
        dead.bind(str(left))
    server = ControlServer(left, echo)
    server.close()
    assert not left.exists()


def test_nobody_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ControlSocketError, match=r"no pedal answers: no such file or directory; start 'nampedal play'"):
        ask(tmp_path / "gone.sock", {"do": "status"})
    with pytest.raises(ControlSocketError, match=r"can't be listened at: .*; name another --socket"):
        ControlServer(tmp_path / ("x" * 200), echo)


def test_the_socket_is_where_the_user_has_such_things(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/1000")
    assert socket_path() == Path("/run/user/1000/nampedal/control.sock")
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    assert socket_path() == Path("/run/nampedal/control.sock")


def test_a_pedal_is_muted_for_a_while_and_heard_again_after_an_error(served: Served, path: Path) -> None:
    with muted(path):
        assert served.asked == [{"do": "mute", "on": True}]
    assert served.asked == [{"do": "mute", "on": True}, {"do": "mute", "on": False}]
    with pytest.raises(KeyboardInterrupt), muted(path):
        raise KeyboardInterrupt
    assert served.asked[2:] == served.asked[:2]


def test_no_pedal_is_muted_where_none_listens_any_more(served: Served, path: Path) -> None:
    with muted(path.parent / "other.sock"):
        pass
    with muted(path):
        served.close()
    # What a killed pedal leaves behind.
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as left:
        left.bind(str(path))
    with muted(path):
        pass


def test_a_socket_that_can_not_be_asked_may_hide_a_pedal(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 200)
    path.write_bytes(b"")
    with pytest.raises(ControlSocketError), muted(path):
        pass


@pytest.mark.parametrize("kind", FAULTS)
def test_a_request_that_nobody_has_thought_of_fails_alone(
    path: Path, served: Served, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(ControlRequestError) as caught:
        ask(path, {"do": kind})
    assert str(caught.value) == f"request {kind}: failed: {kind}: of two lines"
    assert "answering a request went wrong" in caplog.text
    assert ask(path, {"do": "status"})["ok"]


def test_a_late_answer_that_fails_is_told(path: Path) -> None:
    def poll() -> Json | None:
        raise OverflowError("too late")

    server = ControlServer(path, lambda request: PendingAnswer(poll))
    with connect(path) as connection:
        connection.sendall(b'{"do": "rescan"}\n')
        server.poll()
        server.poll()
        server.poll()
        answer = json.loads(connection.makefile("rb").readline())
    assert answer == {"ok": False, "error": "request: failed: OverflowError: too late"}
    server.close()


def test_numbers_that_json_does_not_have_are_null(path: Path, served: Served) -> None:
    assert ask(path, {"do": "odd numbers"})["numbers"] == [None, {"inf": None}, 1.5]


def test_a_message_is_short_whatever_was_asked(path: Path, served: Served) -> None:
    with connect(path) as connection:
        (answer,) = told(connection, b'{"do": "' + b"x" * 60_000 + b'"}\n', 1)
    assert answer["ok"]
    error = NoSuchPresetError(f"preset {'x' * 60_000!r}: is not there")
    assert len(str(_refusal(error)["error"])) == MAX_LETTERS + 3


def test_one_poll_answers_so_many_requests_of_all_clients_in_turn(path: Path) -> None:
    """Who asks a lot at once keeps neither the pedal nor the others waiting."""
    asked: list[str] = []

    def answer(request: Json) -> Json:
        asked.append(request["do"])
        return {}

    server = ControlServer(path, answer)
    with connect(path) as many, connect(path) as one:
        server.poll()
        server.poll()
        many.sendall(b'{"do": "many"}\n' * 1000)
        one.sendall(b'{"do": "one"}\n' * 4)
        server.poll()
        assert len(asked) == MAX_ANSWERS
        assert asked.count("one") == 4
        before = 0
        while len(asked) < 1004:
            before = len(asked)
            server.poll()
            assert len(asked) - before <= MAX_ANSWERS
        heard = b""
        while heard.count(b"\n") < 1000:
            heard += many.recv(1 << 16)
            # What did not fit into the socket is sent once there is room.
            server.poll()
        assert [json.loads(line) for line in heard.splitlines()] == [{"ok": True}] * 1000
    server.close()


def test_who_says_that_this_is_all_is_answered_to_the_end(path: Path, served: Served) -> None:
    with connect(path) as connection:
        connection.sendall(b'{"do": "more"}\n' * 100)
        connection.shutdown(socket.SHUT_WR)
        assert connection.makefile("rb").read().count(b'"more"') == 100


def test_who_is_gone_is_asked_for_nothing_more(path: Path, served: Served) -> None:
    with connect(path) as connection:
        connection.sendall(b'{"do": "more"}\n' * 1000)
    clients = [connect(path) for _ in range(MAX_CLIENTS)]
    for client in clients:
        assert told(client, b'{"do": "status"}\n', 1)[0]["ok"]
        client.close()
