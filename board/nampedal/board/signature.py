"""Sign files, and check signatures. The program ssh-keygen of OpenSSH does the cryptography.

FILE.sig holds the signature of FILE, as `ssh-keygen -Y sign` writes it. Its namespace says what kind of file it is for,
so that a key that is trusted for banks can't sign an update. Trusted keys stand in a text file, in the format that
ssh-keygen(1) calls "ALLOWED SIGNERS": name, namespaces, key; one key a line.

Facts about ssh-keygen are from openssh/openssh-portable, ssh-keygen.c and sshsig.c at V_9_2_P1 (6dfb65de949c, Debian
12) and V_10_0_P1 (2593769fb291, Debian 13).
"""

from __future__ import annotations

import os
import re
import stat
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from nampedal.board.errors import (
    KeyFileError,
    NoTrustedKeyError,
    SignatureFileError,
    SignatureToolError,
    UnsignedError,
    UntrustedKeyError,
    WrongSignatureError,
)
from nampedal.board.settings import reason, replace_file

SUFFIX = ".sig"
# Namespaces.
UPDATE, BANK = "nampedal-update", "nampedal-bank"
NAMESPACES = (UPDATE, BANK)
# An RSA key of 16384 bits makes a signature of about 6 kB.
MOST_BYTES = 64 << 10
_PROGRAM = "ssh-keygen"
_PIECE_BYTES = 1 << 20
_PUBLIC_KEY = re.compile(r"(?P<key>(?:ssh|ecdsa|sk)-[\w@.-]+ [A-Za-z0-9+/]+={0,2})(?:[ \t]+(?P<comment>.*))?")
# Others mean something in a list of trusted keys: a comma, a quote, a pattern.
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9@._+-]+")
# What a message about a line in the list of trusted keys begins with.
_PLACE = re.compile(r"/dev/fd/\d+:\d+: ")
_NOT_FOR_THIS = b"key is not permitted for use in signature namespace"


@dataclass(frozen=True, slots=True)
class PublicKey:
    """key: its type and base64.  name: of its owner, as the key's comment has it."""

    key: str
    name: str

    def line(self, namespaces: Sequence[str] = NAMESPACES) -> str:
        """Of a list of trusted keys."""
        return f'{self.name} namespaces="{",".join(namespaces)}" {self.key}\n'


@dataclass(frozen=True, slots=True)
class Signer:
    """name: as the list of trusted keys has it; empty: it is not in the list.  fingerprint: of the key (SHA256:...)."""

    name: str
    fingerprint: str


def beside(path: Path) -> Path:
    """Where a file's signature is."""
    return path.with_name(path.name + SUFFIX)


# ---- keys ----


def read_public_key(path: Path, name: str = "") -> PublicKey:
    """path: a public key, or a private one with its public key beside it, in PATH.pub.

    name: of its owner, instead of the key's comment. Raises KeyFileError.
    """
    for one in (path,) if path.suffix == ".pub" else (path, path.with_name(f"{path.name}.pub")):
        try:
            found = _PUBLIC_KEY.fullmatch(_read(one).decode(errors="replace").strip())
        except OSError as error:
            raise KeyFileError(
                f"{one}: can't be read: {reason(error)}; a public key is needed, like id_ed25519.pub"
            ) from error
        if found is not None:
            comment = _NOT_IN_NAMES.sub("-", (name or found["comment"] or "").strip()).strip("-")
            return PublicKey(found["key"], comment or "unnamed")
    raise KeyFileError(f"{path}: holds no public key; the file that ends in .pub is needed, like id_ed25519.pub")


def read_trusted(paths: Iterable[Path]) -> list[str]:
    """The lines of all these lists of trusted keys. A list that is not there has none. Raises SignatureFileError."""
    lines = []
    for path in paths:
        try:
            text = _read(path).decode(errors="replace")
        except FileNotFoundError:
            continue
        except OSError as error:
            raise SignatureFileError(f"{path}: can't be read: {reason(error)}") from error
        # ssh-keygen 9.2 complains about an empty line, whatever its manual says.
        lines += [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    return lines


def names_in(lines: Iterable[str]) -> list[str]:
    """Who is trusted, each once."""
    return list(dict.fromkeys(line.split()[0] for line in lines))


def trust(path: Path, key: PublicKey, namespaces: Sequence[str] = NAMESPACES) -> None:
    """Put a key into a list of trusted keys; what the list said of this key before goes.

    Raises SignatureFileError, SettingsUnwritableError.
    """
    others = [line for line in read_trusted([path]) if key.key not in line]
    replace_file("".join(f"{line}\n" for line in others).encode() + key.line(namespaces).encode(), path)


# ---- out ----


def sign(path: Path, key: Path, namespace: str) -> Path:
    """Write the signature beside a file, in place of one that is there. Returns where that is.

    key: a private key, or a public one whose private half ssh-agent has. A passphrase is asked for at the terminal.
    Raises KeyFileError, SignatureFileError, SignatureToolError, SettingsUnwritableError.
    """
    try:
        with path.open("rb") as file:
            signature = _sign(file.fileno(), key, namespace)
    except OSError as error:
        if isinstance(error, SignatureFileError):
            raise
        raise SignatureFileError(f"{path}: can't be read: {reason(error)}") from error
    target = beside(path)
    replace_file(signature, target)
    return target


def check_key(key: Path) -> PublicKey:
    """Try a key before it is needed, and return its public half. Raises KeyFileError, SignatureToolError."""
    public = read_public_key(key)
    # ssh-keygen takes the public half from the same place, and refuses a private one that does not fit it.
    with _in_memory(b"") as nothing:
        _sign(nothing, key, UPDATE)
    return public


def _sign(file: int, key: Path, namespace: str) -> bytes:
    # Without the name of a file ssh-keygen signs its standard input, and writes to its standard output.
    done = _run(["-q", "-Y", "sign", "-n", namespace, "-f", str(key)], stdin=file)
    if done.returncode != 0 or not done.stdout.startswith(b"-----BEGIN SSH SIGNATURE-----"):
        raise KeyFileError(f"{key}: can't be used to sign: {_said(done.stderr)}")
    return done.stdout


# ---- in ----


def read_signature(path: Path) -> bytes:
    """The signature beside a file. Raises UnsignedError, SignatureFileError."""
    where = beside(path)
    try:
        return _read(where)
    except FileNotFoundError as error:
        raise UnsignedError(f"{where}: is not there, so nobody has signed {path.name}") from error
    except OSError as error:
        raise SignatureFileError(f"{where}: can't be read: {reason(error)}") from error


def check(path: Path, pieces: Iterable[bytes], signature: bytes, trusted: Sequence[str], namespace: str) -> Signer:
    """Who of those that are trusted has signed a file's bytes.

    path: what the file is called in messages.  pieces: its bytes; they are always read to their end.  trusted: lines
    of lists of trusted keys. Raises NoTrustedKeyError, WrongSignatureError, UntrustedKeyError, SignatureToolError.
    """
    signer = look_at(path, pieces, signature, trusted, namespace)
    if not trusted:
        raise NoTrustedKeyError(f"{path}: is signed, but no key is trusted here to check it by")
    if not signer.name:
        raise UntrustedKeyError(
            f"{path}: is signed with a key that is not trusted here, {signer.fingerprint}; trusted are "
            f"{', '.join(names_in(trusted))}"
        )
    return signer


def look_at(path: Path, pieces: Iterable[bytes], signature: bytes, trusted: Sequence[str], namespace: str) -> Signer:
    """The same, but a key that is not trusted is no mistake: the signer has no name then."""
    with ExitStack() as stack:
        file = stack.enter_context(_in_memory(signature))
        keys = stack.enter_context(_in_memory("".join(f"{line}\n" for line in trusted).encode()))
        fds = (file, keys)
        # Of a signature, the key is looked up first; whether it fits the file is seen below.
        found = _run(["-Y", "find-principals", "-s", _at(file), "-f", _at(keys)], fds=fds)
        name = found.stdout.decode(errors="replace").splitlines()[0] if found.returncode == 0 else ""
        how = ["verify", "-f", _at(keys), "-I", name] if name else ["check-novalidate"]
        done = _feed(["-Y", *how, "-n", namespace, "-s", _at(file)], pieces, fds)
    if done.returncode == 0:
        # Good "..." signature for ... with ED25519 key SHA256:...
        return Signer(name, done.stdout.decode(errors="replace").split()[-1])
    if _NOT_FOR_THIS in done.stderr:
        raise UntrustedKeyError(
            f"{path}: is signed by {name}, whose key is not trusted for this kind of file ({namespace})"
        )
    raise WrongSignatureError(
        f"{path}: its signature is wrong: {_said(done.stderr)}; the file was changed, or {beside(path).name} belongs "
        "to another one: copy both again"
    )


# ---- ssh-keygen ----


def _read(path: Path) -> bytes:
    """Of a small plain file: what has nobody at its other end is not waited for. Raises OSError."""
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(None, "is no plain file")
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise OSError(None, f"is longer than {MOST_BYTES:,} bytes")
    return data


@contextmanager
def _in_memory(data: bytes) -> Iterator[int]:
    """A file that has no name, so nobody can change it meanwhile."""
    with open(os.memfd_create("nampedal"), "w+b") as file:
        file.write(data)
        file.seek(0)
        yield file.fileno()


def _at(file: int) -> str:
    return f"/dev/fd/{file}"


def _run(
    arguments: Sequence[str], *, stdin: int = subprocess.DEVNULL, fds: Sequence[int] = ()
) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run([_PROGRAM, *arguments], stdin=stdin, capture_output=True, pass_fds=fds, check=False)
    except OSError as error:
        raise _missing(error) from error


def _feed(arguments: Sequence[str], pieces: Iterable[bytes], fds: Sequence[int]) -> subprocess.CompletedProcess[bytes]:
    """With these bytes at its standard input. It says little: its pipes never fill while it reads."""
    pipe = subprocess.PIPE
    try:
        process = subprocess.Popen([_PROGRAM, *arguments], stdin=pipe, stdout=pipe, stderr=pipe, pass_fds=fds)
    except OSError as error:
        raise _missing(error) from error
    with process:
        assert process.stdin is not None
        listens = True
        for piece in pieces:
            try:
                if listens:
                    process.stdin.write(piece)
            except BrokenPipeError:
                # It has seen what is wrong already.
                listens = False
        stdout, stderr = process.communicate()
    return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)


def _missing(error: OSError) -> SignatureToolError:
    return SignatureToolError(f"signature: {_PROGRAM}: {reason(error)}; install Debian's package openssh-client")


def _said(stderr: bytes) -> str:
    """The first complaint, as a part of a sentence; those behind it only say that it failed."""
    lines = [line.strip() for line in stderr.decode(errors="replace").splitlines() if line.strip()]
    said = next((line for line in lines if not _PLACE.match(line)), "no reason was given")
    return said[:1].lower() + said[1:].rstrip(".")
