"""Signs files and checks signatures. OpenSSH's program ssh-keygen does the cryptography.

FILE.sig holds the signature of FILE, in the format of `ssh-keygen -Y sign`. Its namespace names the kind of file, so
that a key that is trusted for banks can't sign an update. Trusted keys are in a text file in the format that
ssh-keygen(1) calls "ALLOWED SIGNERS": name, namespaces and key, one key on each line.

Facts about ssh-keygen are from openssh/openssh-portable, ssh-keygen.c and sshsig.c at V_9_2_P1 (6dfb65de949c, Debian
12) and V_10_0_P1 (2593769fb291, Debian 13).
"""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from nampedal.firmware.base.errors import FileAccessError, ProgramError, SignatureError, UnsignedError
from nampedal.firmware.base.files.open_file import open_to_read
from nampedal.firmware.base.files.toml_schema import os_error_text, replace_file

SUFFIX = ".sig"
# Namespaces.
UPDATE, BANK = "nampedal-update", "nampedal-bank"
NAMESPACES = (UPDATE, BANK)
# An RSA key of 16384 bits makes a signature of about 6 kB.
MAX_BYTES = 64 << 10
_PROGRAM = "ssh-keygen"
_PIECE_BYTES = 1 << 20
_PUBLIC_KEY = re.compile(r"(?P<key>(?:ssh|ecdsa|sk)-[\w@.-]+ [A-Za-z0-9+/]+={0,2})(?:[ \t]+(?P<comment>.*))?")
# Other characters have a meaning in a list of trusted keys: a comma, a quote, a pattern.
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9@._+-]+")
_NOT_FOR_THIS = b"key is not permitted for use in signature namespace"


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key.

    key: its type and base64.
    name: of its owner, from the key's comment.
    """

    key: str
    name: str

    def line(self, namespaces: Sequence[str] = NAMESPACES) -> str:
        """Return the key as a line for a list of trusted keys."""
        return f'{self.name} namespaces="{",".join(namespaces)}" {self.key}\n'


@dataclass(frozen=True, slots=True)
class Signer:
    """The key that signed a file.

    name: from the list of trusted keys; empty: the key is not in the list.
    fingerprint: of the key (SHA256:...).
    """

    name: str
    fingerprint: str


def signature_path(path: Path) -> Path:
    """Return the path of a file's signature."""
    return path.with_name(path.name + SUFFIX)


# ---- keys ----


def read_public_key(path: Path, name: str = "") -> PublicKey:
    """Read a public key. Raises SignatureError.

    path: a public key, or a private key with its public key in PATH.pub.
    name: of its owner; replaces the key's comment.
    """
    for one in (path,) if path.suffix == ".pub" else (path, path.with_name(f"{path.name}.pub")):
        try:
            found = _PUBLIC_KEY.fullmatch(_read(one).decode(errors="replace").strip())
        except OSError as error:
            raise SignatureError(
                f"{one}: can't be read: {os_error_text(error)}; a public key is needed, like id_ed25519.pub"
            ) from error
        if found is not None:
            comment = _NOT_IN_NAMES.sub("-", (name or found["comment"] or "").strip()).strip("-")
            return PublicKey(found["key"], comment or "unnamed")
    raise SignatureError(f"{path}: holds no public key; the file that ends in .pub is needed, like id_ed25519.pub")


def read_trusted(paths: Iterable[Path]) -> list[str]:
    """Return the lines of all these lists of trusted keys. Raises FileAccessError.

    A list that does not exist has no lines.
    """
    lines = []
    for path in paths:
        try:
            text = _read(path).decode(errors="replace")
        except FileNotFoundError:
            continue
        except OSError as error:
            raise FileAccessError(f"{path}: can't be read: {os_error_text(error)}") from error
        # ssh-keygen 9.2 complains about an empty line, though its manual allows one.
        lines += [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    return lines


def names_in(lines: Iterable[str]) -> list[str]:
    """Return the names of the trusted signers, each once."""
    return list(dict.fromkeys(line.split()[0] for line in lines))


def trust(path: Path, key: PublicKey, namespaces: Sequence[str] = NAMESPACES) -> None:
    """Put a key into a list of trusted keys, in place of older lines for the same key.

    Raises FileAccessError, SettingsUnwritableError.
    """
    others = [line for line in read_trusted([path]) if key.key not in line]
    replace_file("".join(f"{line}\n" for line in others).encode() + key.line(namespaces).encode(), path)


# ---- signing ----


def sign(path: Path, key: Path, namespace: str) -> Path:
    """Write the signature beside a file and replace an older one. Return its path.

    key: a private key, or a public key whose private half is in ssh-agent. A passphrase is asked for at the terminal.

    Raises SignatureError, FileAccessError, ProgramError, SettingsUnwritableError.
    """
    try:
        with path.open("rb") as file:
            signature = _sign(file.fileno(), key, namespace)
    except OSError as error:
        if isinstance(error, FileAccessError):
            raise
        raise FileAccessError(f"{path}: can't be read: {os_error_text(error)}") from error
    target = signature_path(path)
    replace_file(signature, target)
    return target


def check_key(key: Path) -> PublicKey:
    """Try a key before it is needed, and return its public half. Raises SignatureError, ProgramError."""
    public = read_public_key(key)
    # ssh-keygen reads the public half from the same place, and refuses a private key that does not match it.
    _sign(subprocess.DEVNULL, key, UPDATE)
    return public


def _sign(file: int, key: Path, namespace: str) -> bytes:
    # Without a file name ssh-keygen signs its standard input and writes to its standard output.
    done = _run(["-q", "-Y", "sign", "-n", namespace, "-f", str(key)], stdin=file)
    if done.returncode != 0 or not done.stdout.startswith(b"-----BEGIN SSH SIGNATURE-----"):
        raise SignatureError(f"{key}: can't be used to sign: {_first_error(done.stderr)}")
    return done.stdout


# ---- checking ----


def read_signature(path: Path) -> bytes:
    """Read the signature beside a file. Raises UnsignedError, FileAccessError."""
    where = signature_path(path)
    try:
        return _read(where)
    except FileNotFoundError as error:
        raise UnsignedError(f"{where}: is not there, so nobody has signed {path.name}") from error
    except OSError as error:
        raise FileAccessError(f"{where}: can't be read: {os_error_text(error)}") from error


def check(path: Path, pieces: Iterable[bytes], signature: bytes, trusted: Sequence[str], namespace: str) -> Signer:
    """Check a signature. Return the trusted signer of the file's bytes.

    path: the file's name in messages.
    pieces: the file's bytes; they are always read to their end.
    trusted: lines of lists of trusted keys.

    Raises SignatureError, ProgramError.
    """
    signer = identify_signer(path, pieces, signature, trusted, namespace)
    if not trusted:
        raise SignatureError(f"{path}: is signed, but no key is trusted here to check it by")
    if not signer.name:
        raise SignatureError(
            f"{path}: is signed with a key that is not trusted here, {signer.fingerprint}; trusted are "
            f"{', '.join(names_in(trusted))}"
        )
    return signer


def identify_signer(
    path: Path, pieces: Iterable[bytes], signature: bytes, trusted: Sequence[str], namespace: str
) -> Signer:
    """Check a signature as `check` does, but accept a key that is not trusted: the signer then has no name."""
    with ExitStack() as stack:
        file, opened = stack.enter_context(_passed_on(signature))
        keys, others = stack.enter_context(_passed_on("".join(f"{line}\n" for line in trusted).encode()))
        fds = opened + others
        # The key's name is looked up first; the signature is checked against the file below.
        found = _run(["-Y", "find-principals", "-s", file, "-f", keys], fds=fds)
        name = found.stdout.decode(errors="replace").splitlines()[0] if found.returncode == 0 else ""
        how = ["verify", "-f", keys, "-I", name] if name else ["check-novalidate"]
        done = _feed(["-Y", *how, "-n", namespace, "-s", file], pieces, fds)
    if done.returncode == 0:
        # Good "..." signature for ... with ED25519 key SHA256:...
        return Signer(name, done.stdout.decode(errors="replace").split()[-1])
    if _NOT_FOR_THIS in done.stderr:
        raise SignatureError(
            f"{path}: is signed by {name}, whose key is not trusted for this kind of file ({namespace})"
        )
    raise SignatureError(
        f"{path}: its signature is wrong: {_first_error(done.stderr, keys)}; the file was changed, or "
        f"{signature_path(path).name} belongs to another one: copy both again"
    )


# ---- ssh-keygen ----


def _read(path: Path) -> bytes:
    """Read a small regular file without blocking, whatever it is. Raises OSError."""
    with open(open_to_read(path), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(None, "is no plain file")
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise OSError(None, f"is longer than {MAX_BYTES:,} bytes")
    return data


@contextmanager
def _passed_on(data: bytes) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield a path where ssh-keygen can read these bytes, and the descriptors that it has to inherit for that.

    On Linux, where root calls this, it is a file without a name, which no other process can change. Elsewhere it is in
    a folder that only the user can write.
    """
    if sys.platform == "linux":
        with open(os.memfd_create("nampedal"), "w+b") as file:
            file.write(data)
            file.seek(0)
            yield f"/dev/fd/{file.fileno()}", (file.fileno(),)
    else:
        with TemporaryDirectory(prefix="nampedal-") as folder:
            path = Path(folder, "data")
            path.write_bytes(data)
            yield str(path), ()


def _run(
    arguments: Sequence[str], *, stdin: int = subprocess.DEVNULL, fds: Sequence[int] = ()
) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run([_PROGRAM, *arguments], stdin=stdin, capture_output=True, pass_fds=fds, check=False)
    except OSError as error:
        raise _missing(error) from error


def _feed(arguments: Sequence[str], pieces: Iterable[bytes], fds: Sequence[int]) -> subprocess.CompletedProcess[bytes]:
    """Run ssh-keygen with these bytes at its standard input.

    Its output is short, so its pipes do not fill while it reads.
    """
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
                # It has already found an error and exited.
                listens = False
        stdout, stderr = process.communicate()
    return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)


def _missing(error: OSError) -> ProgramError:
    package = "Debian's package openssh-client" if sys.platform == "linux" else "OpenSSH's client"
    return ProgramError(f"signature: {_PROGRAM}: {os_error_text(error)}; install {package}")


def _first_error(stderr: bytes, keys: str = "") -> str:
    """Return the first error message, as part of a sentence; later ones only say that it failed.

    keys: path of the list of trusted keys. Messages about its lines are skipped.
    """
    lines = [line.strip() for line in stderr.decode(errors="replace").splitlines() if line.strip()]
    said = next((line for line in lines if not keys or not line.startswith(f"{keys}:")), "no reason was given")
    return said[:1].lower() + said[1:].rstrip(".")
