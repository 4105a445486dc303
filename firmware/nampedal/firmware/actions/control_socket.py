"""The control socket: a Unix socket with one JSON object on each line, and one answer on each line.

docs/reference/socket.md lists the requests. Everything happens in poll(), in the caller's thread, without blocking. A
client that does not read is disconnected. A client that sends many requests at once gets its answers over several
calls. No request can end the caller: failures are sent to the client, and logged.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import selectors
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nampedal.firmware.base.errors import ControlRequestError, ControlSocketError, NampedalError
from nampedal.firmware.base.faults import FaultIsolator, describe_error
from nampedal.firmware.base.files import bounded_json
from nampedal.firmware.base.files.toml_schema import os_error_text

Json = Mapping[str, Any]
MAX_CLIENTS = 16
MAX_LINE = 1 << 16
MAX_WAITING = 1 << 18
# The maximum number of answers to all clients in one poll(). The next call answers the rest.
MAX_ANSWERS = 16
# The maximum length of an error text, which may repeat parts of the request.
MAX_LETTERS = 500
# Owner and group can read and write.
MODE = 0o660


def socket_path() -> Path:
    """Return the default path of the socket, in the user's runtime folder, or /run/nampedal for a service."""
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    return Path(runtime if os.path.isabs(runtime) else "/run", "nampedal", "control.sock")


@dataclass(frozen=True, slots=True)
class PendingAnswer:
    """An answer that is not ready yet.

    poll: returns None until the answer is ready; raises NampedalError.
    """

    poll: Callable[[], Json | None]


class _Client:
    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.buffer = b""
        self.waiting = b""
        # Unanswered lines, and the pending answer that they wait for.
        self.lines: list[bytes] = []
        self.later: PendingAnswer | None = None
        self.subscribed = False
        # The client has closed its sending side.
        self.ended = False

    @property
    def busy(self) -> bool:
        """Return True if its requests are not all answered yet. Then nothing more is read from it."""
        return bool(self.lines) or self.later is not None


class ControlServer:
    """Serves the control socket.

    answer: returns the answer to a request, without "ok"; raises NampedalError.
    """

    def __init__(self, path: Path, answer: Callable[[Json], Json | PendingAnswer]) -> None:
        """Raises ControlSocketError if the socket cannot be created, or another pedal answers there."""
        self.path = path
        self._answer = answer
        self._selector = selectors.EpollSelector()
        self._clients: dict[int, _Client] = {}
        self._faults = FaultIsolator()
        # Start with another client each time, so that one with many requests does not block the others.
        self._turn = 0
        self._listener = _listen(path)
        self._selector.register(self._listener, selectors.EVENT_READ)

    def close(self) -> None:
        for client in list(self._clients.values()):
            self._drop(client)
        self._selector.close()
        self._listener.close()
        self.path.unlink(missing_ok=True)

    def fileno(self) -> int:
        """Return a file descriptor that is readable when poll() has work to do."""
        return self._selector.fileno()

    @property
    def subscribers(self) -> int:
        return sum(client.subscribed for client in self._clients.values())

    def poll(self) -> None:
        """Answer requests, up to MAX_ANSWERS.

        Call it often: the file descriptor does not signal requests that were left over.
        """
        for key, events in self._selector.select(0):
            if key.fileobj is self._listener:
                self._accept()
                continue
            client = self._clients.get(key.fd)
            if client is not None and events & selectors.EVENT_READ:
                self._receive(client)
            if client is not None and events & selectors.EVENT_WRITE and key.fd in self._clients:
                self._write(client)
        self._serve_all()

    def _serve_all(self) -> None:
        """Answer one line of each client in turn (round-robin)."""
        waiting = [client for client in self._clients.values() if client.busy]
        self._turn += 1
        at = self._turn % len(waiting) if waiting else 0
        waiting = waiting[at:] + waiting[:at]
        left = MAX_ANSWERS
        while waiting and left > 0:
            asked, waiting = waiting[:left], waiting[left:]
            left -= len(asked)
            waiting += [client for client in asked if self._serve(client) and client.busy]
        for client in list(self._clients.values()):
            if client.ended and not client.busy:
                self._drop(client)

    def publish(self, message: Json) -> None:
        """Send a message to all subscribed clients."""
        for client in list(self._clients.values()):
            if client.subscribed:
                self._send(client, message)

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:
            return
        if len(self._clients) >= MAX_CLIENTS:
            connection.close()
            return
        connection.setblocking(False)
        self._clients[connection.fileno()] = _Client(connection)
        self._selector.register(connection, selectors.EVENT_READ)

    def _receive(self, client: _Client) -> None:
        try:
            got = client.connection.recv(MAX_LINE)
        except BlockingIOError:
            return
        except OSError:
            got = b""
        if not got:
            client.ended = True
            if not client.lines:
                self._drop(client)
            else:
                # The client may have sent requests and then closed its sending side: answer them first.
                self._await(client)
            return
        client.buffer += got
        *lines, client.buffer = client.buffer.split(b"\n")
        client.lines += lines
        if len(client.buffer) > MAX_LINE:
            client.buffer = b""
            self._send(client, _refusal(ControlRequestError(f"request: is longer than {MAX_LINE} bytes; send a line")))
        self._await(client)

    def _serve(self, client: _Client) -> bool:
        """Answer one line of a client. Return False if its next line must wait, or the client is gone."""
        reply = self._ask_again(client.later) if client.later is not None else self._reply(client, client.lines.pop(0))
        if reply is None:
            return False
        client.later = reply if isinstance(reply, PendingAnswer) else None
        if not isinstance(reply, PendingAnswer):
            self._send(client, reply)
        self._await(client)
        return client.connection.fileno() in self._clients

    def _ask_again(self, later: PendingAnswer) -> Json | None:
        try:
            answer = later.poll()
            return {"ok": True, **answer} if answer is not None else None
        except Exception as error:
            return self._refused("request", error)

    def _reply(self, client: _Client, line: bytes) -> Json | PendingAnswer:
        what = "request"
        try:
            request = _parse(line)
            what = f"request {request['do']}"
            if request["do"] == "subscribe":
                client.subscribed = True
                return {"ok": True}
            answer = self._answer(request)
            return answer if isinstance(answer, PendingAnswer) else {"ok": True, **answer}
        except Exception as error:
            return self._refused(what, error)

    def _refused(self, what: str, error: Exception) -> Json:
        """Return the answer to a request that failed. An unexpected exception is also logged."""
        if isinstance(error, NampedalError):
            return _refusal(error)
        self._faults.report("answering a request", error)
        return _refusal(ControlRequestError(f"{what}: failed: {describe_error(error)}"))

    def _send(self, client: _Client, message: Json) -> None:
        if client.connection.fileno() not in self._clients:
            return
        client.waiting += _line(message)
        if len(client.waiting) > MAX_WAITING:
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
        self._await(client)

    def _await(self, client: _Client) -> None:
        """Register the events to wait for.

        Read: only if all requests are answered. Write: only if data is left to send.
        """
        if client.connection.fileno() not in self._clients:
            return
        hears = not client.busy and not client.ended
        events = (selectors.EVENT_READ if hears else 0) | (selectors.EVENT_WRITE if client.waiting else 0)
        known = self._selector.get_map().get(client.connection)
        if known is not None and known.events == events:
            return
        if known is not None:
            self._selector.unregister(client.connection)
        if events:
            self._selector.register(client.connection, events)

    def _drop(self, client: _Client) -> None:
        self._clients.pop(client.connection.fileno(), None)
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(client.connection)
        client.connection.close()


def ask(path: Path, request: Json, patience_s: float = 5.0) -> dict[str, Any]:
    """Send one request and return its answer.

    Raises ControlSocketError, or ControlRequestError with the text of the pedal.
    """
    if sys.platform == "win32":
        raise ControlSocketError(f"{path}: no pedal answers: Windows has no such sockets; ask on the pedal")
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
            raise ControlSocketError(
                f"{path}: no pedal answers: {os_error_text(error)}; start 'nampedal play'"
            ) from error
    if not answer.get("ok"):
        raise ControlRequestError(str(answer.get("error", f"{path}: the pedal hung up")))
    return answer


@contextlib.contextmanager
def muted(path: Path) -> Iterator[None]:
    """Mute the pedal that listens at this socket while the context is active. Do nothing if no pedal listens.

    Raises ControlSocketError if the pedal cannot be asked, and ControlRequestError.
    """
    before = _mute(path, True)
    try:
        yield
    finally:
        _mute(path, before)


def _mute(path: Path, on: bool) -> bool:
    """Return True if the pedal was muted before."""
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
        # Restrict the mode at creation, so that no other user can connect before a chmod.
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
        raise ControlSocketError(
            f"{path}: can't be listened at: {os_error_text(error)}; name another --socket"
        ) from error
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
        request = bounded_json.loads(line)
    except bounded_json.JsonBoundError as error:
        raise ControlRequestError(f"request: is no JSON that is read here: {error}") from error
    except ValueError as error:
        raise ControlRequestError('request: is not JSON; send a line like {"do": "status"}') from error
    if not isinstance(request, dict) or not isinstance(request.get("do"), str):
        raise ControlRequestError('request: does not say what to do; send a line like {"do": "status"}')
    return request


def _line(message: Json) -> bytes:
    """Return a message as a line of JSON. Numbers that are not finite become null, because JSON has none."""
    try:
        text = json.dumps(message, allow_nan=False)
    except ValueError:
        text = json.dumps(_finite(message))
    return text.encode() + b"\n"


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _refusal(error: NampedalError) -> Json:
    text = " ".join(str(error).split())
    return {"ok": False, "error": text if len(text) <= MAX_LETTERS else f"{text[:MAX_LETTERS]}..."}
