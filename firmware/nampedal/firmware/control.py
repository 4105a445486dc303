"""The control socket: a Unix socket, a JSON object a line, an answer a line. docs/control.md lists what can be asked.

Everything happens in poll(), in the caller's thread, without waiting: a client that does not read is dropped.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nampedal.board.errors import NampedalError
from nampedal.board.settings import reason
from nampedal.firmware.errors import ControlRequestError, ControlSocketError

Json = Mapping[str, Any]
MOST_CLIENTS = 16
MOST_LINE = 1 << 16
MOST_WAITING = 1 << 18
# Owner and group.
MODE = 0o660


def socket_path() -> Path:
    """Where a pedal listens unless told otherwise: the user's runtime folder, or /run/nampedal for a service."""
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    return Path(runtime if os.path.isabs(runtime) else "/run", "nampedal", "control.sock")


@dataclass(frozen=True, slots=True)
class Later:
    """An answer that takes its time. poll: None while it is not there yet; raises NampedalError."""

    poll: Callable[[], Json | None]


class _Client:
    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.heard = b""
        self.waiting = b""
        # Lines that were not answered yet, and the answer that the next ones wait for.
        self.lines: list[bytes] = []
        self.later: Later | None = None
        self.subscribed = False


class ControlServer:
    """answer: a request to what is told, beside "ok"; raises NampedalError."""

    def __init__(self, path: Path, answer: Callable[[Json], Json | Later]) -> None:
        """Raises ControlSocketError where the socket can't be made, or another pedal answers there."""
        self.path = path
        self._answer = answer
        self._selector = selectors.EpollSelector()
        self._clients: dict[int, _Client] = {}
        self._listener = _listen(path)
        self._selector.register(self._listener, selectors.EVENT_READ)

    def close(self) -> None:
        for client in list(self._clients.values()):
            self._drop(client)
        self._selector.close()
        self._listener.close()
        self.path.unlink(missing_ok=True)

    def fileno(self) -> int:
        """To wait for: there is something for poll()."""
        return self._selector.fileno()

    @property
    def subscribers(self) -> int:
        return sum(client.subscribed for client in self._clients.values())

    def poll(self) -> None:
        """Answers whatever has been asked. Call it often: nothing wakes it when a late answer is there."""
        for waiting in [one for one in self._clients.values() if one.later is not None]:
            self._serve(waiting)
        for key, events in self._selector.select(0):
            if key.fileobj is self._listener:
                self._accept()
                continue
            client = self._clients.get(key.fd)
            if client is not None and events & selectors.EVENT_READ:
                self._hear(client)
            if client is not None and events & selectors.EVENT_WRITE and key.fd in self._clients:
                self._write(client)

    def publish(self, news: Json) -> None:
        """To everyone who subscribed."""
        for client in list(self._clients.values()):
            if client.subscribed:
                self._tell(client, news)

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:
            return
        if len(self._clients) >= MOST_CLIENTS:
            connection.close()
            return
        connection.setblocking(False)
        self._clients[connection.fileno()] = _Client(connection)
        self._selector.register(connection, selectors.EVENT_READ)

    def _hear(self, client: _Client) -> None:
        try:
            got = client.connection.recv(MOST_LINE)
        except BlockingIOError:
            return
        except OSError:
            got = b""
        if not got:
            self._drop(client)
            return
        client.heard += got
        *lines, client.heard = client.heard.split(b"\n")
        client.lines += lines
        self._serve(client)
        if sum(map(len, client.lines)) > MOST_WAITING:
            self._drop(client)
            return
        if len(client.heard) > MOST_LINE:
            client.heard = b""
            self._tell(client, _refusal(ControlRequestError(f"request: is longer than {MOST_LINE} bytes; send a line")))

    def _serve(self, client: _Client) -> None:
        """Answers its lines, one after the other."""
        while client.later is not None or client.lines:
            reply = (
                self._ask_again(client.later) if client.later is not None else self._reply(client, client.lines.pop(0))
            )
            if reply is None:
                return
            client.later = reply if isinstance(reply, Later) else None
            if not isinstance(reply, Later):
                self._tell(client, reply)

    def _ask_again(self, later: Later) -> Json | None:
        try:
            answer = later.poll()
        except NampedalError as error:
            return _refusal(error)
        return {"ok": True, **answer} if answer is not None else None

    def _reply(self, client: _Client, line: bytes) -> Json | Later:
        try:
            request = _parse(line)
            if request.get("do") == "subscribe":
                client.subscribed = True
                return {"ok": True}
            answer = self._answer(request)
            return answer if isinstance(answer, Later) else {"ok": True, **answer}
        except NampedalError as error:
            return _refusal(error)

    def _tell(self, client: _Client, message: Json) -> None:
        if client.connection.fileno() not in self._clients:
            return
        client.waiting += json.dumps(message).encode() + b"\n"
        if len(client.waiting) > MOST_WAITING:
            self._drop(client)
            return
        self._write(client)

    def _write(self, client: _Client) -> None:
        try:
            sent = client.connection.send(client.waiting)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._drop(client)
            return
        client.waiting = client.waiting[sent:]
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if client.waiting else 0)
        self._selector.modify(client.connection, events)

    def _drop(self, client: _Client) -> None:
        self._clients.pop(client.connection.fileno(), None)
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(client.connection)
        client.connection.close()


def ask(path: Path, request: Json, patience_s: float = 5.0) -> dict[str, Any]:
    """One request, and its answer. Raises ControlSocketError, ControlRequestError with what the pedal says."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(patience_s)
        try:
            connection.connect(str(path))
            connection.sendall(json.dumps(request).encode() + b"\n")
            answer: dict[str, Any] = json.loads(connection.makefile("rb").readline() or b"{}")
        except (TimeoutError, BlockingIOError) as error:
            raise ControlSocketError(
                f"{path}: the pedal did not answer within {patience_s:g} s: the machine is very busy, or the pedal "
                "hangs; ask again"
            ) from error
        except OSError as error:
            raise ControlSocketError(f"{path}: no pedal answers: {reason(error)}; start 'nampedal play'") from error
    if not answer.get("ok"):
        raise ControlRequestError(str(answer.get("error", f"{path}: the pedal hung up")))
    return answer


@contextlib.contextmanager
def muted(path: Path) -> Iterator[None]:
    """Has the pedal that listens there be silent meanwhile; where none does, nothing happens.

    Raises ControlSocketError of a pedal that can't be asked, ControlRequestError.
    """
    before = _mute(path, True)
    try:
        yield
    finally:
        _mute(path, before)


def _mute(path: Path, on: bool) -> bool:
    """Whether it was mute before."""
    try:
        return bool(ask(path, {"do": "mute", "on": on}).get("was"))
    except ControlSocketError as error:
        if not isinstance(error.__cause__, (FileNotFoundError, ConnectionRefusedError)):
            raise
        return False


def _listen(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if _answers(path):
            raise ControlSocketError(f"{path}: another pedal answers there; end it, or name another --socket")
        path.unlink(missing_ok=True)
        # Nobody else gets in between its making and its mode.
        before = os.umask(0o777 & ~MODE)
        try:
            listener.bind(str(path))
        finally:
            os.umask(before)
        listener.listen()
    except OSError as error:
        listener.close()
        if isinstance(error, ControlSocketError):
            raise
        raise ControlSocketError(f"{path}: can't be listened at: {reason(error)}; name another --socket") from error
    listener.setblocking(False)
    return listener


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True


def _parse(line: bytes) -> Json:
    try:
        request = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ControlRequestError('request: is not JSON; send a line like {"do": "status"}') from error
    if not isinstance(request, dict) or not isinstance(request.get("do"), str):
        raise ControlRequestError('request: does not say what to do; send a line like {"do": "status"}')
    return request


def _refusal(error: NampedalError) -> Json:
    return {"ok": False, "error": str(error)}
