"""Signing and checking, with the real ssh-keygen."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from nampedal.firmware.base.errors import FileAccessError, ProgramError, SignatureError, UnsignedError
from nampedal.firmware.base.files import signature
from nampedal.firmware.base.files.signature import (
    BANK,
    UPDATE,
    Signer,
    check,
    check_key,
    identify_signer,
    names_in,
    read_public_key,
    read_signature,
    read_trusted,
    sign,
    trust,
)
from support.makers.signing_keys import make_key, maker, maker_public

DATA = b"an update" * 1000


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a.whl"
    path.write_bytes(DATA)
    sign(path, maker(), UPDATE)
    return path


@pytest.fixture
def stranger(tmp_path: Path) -> Path:
    return make_key(tmp_path / "stranger", "stranger")


def fingerprint(key: Path) -> str:
    """As ssh-keygen shows it."""
    listed = subprocess.run(["ssh-keygen", "-lf", f"{key}.pub"], capture_output=True, text=True, check=True)
    return listed.stdout.split()[1]


def pieces(data: bytes) -> list[bytes]:
    return [data[start : start + 1000] for start in range(0, len(data), 1000)]


def refusal(
    error: type[SignatureError], file: Path, data: bytes, trusted: Sequence[str], namespace: str = UPDATE
) -> str:
    with pytest.raises(error) as caught:
        check(file, pieces(data), read_signature(file), trusted, namespace)
    return str(caught.value)


def test_a_signature_names_who_made_it(file: Path) -> None:
    signer = check(file, pieces(DATA), read_signature(file), [maker_public().line()], UPDATE)
    assert signer == Signer("maker@home", fingerprint(maker()))


def test_the_program_itself_finds_the_signature_right(file: Path, tmp_path: Path) -> None:
    """So that nobody needs nampedal to check a file."""
    trusted = tmp_path / "trusted"
    trusted.write_text(maker_public().line())
    command = ["ssh-keygen", "-Y", "verify", "-f", str(trusted), "-I", "maker@home", "-n", UPDATE, "-s", f"{file}.sig"]
    done = subprocess.run(command, input=DATA, capture_output=True, check=True)
    said = f'Good "nampedal-update" signature for maker@home with ED25519 key {fingerprint(maker())}\n'
    assert done.stdout.decode() == said


def test_a_file_that_was_changed_is_refused(file: Path) -> None:
    trusted = [maker_public().line()]
    said = (
        f"{file}: its signature is wrong: signature verification failed: incorrect signature; the file was changed, or "
        "a.whl.sig belongs to another one: copy both again"
    )
    flipped = bytearray(DATA)
    flipped[4000] ^= 1
    for data in (bytes(flipped), DATA[:-1], DATA + b"x", b""):
        assert refusal(SignatureError, file, data, trusted) == said


def test_a_signature_that_was_changed_is_refused(file: Path) -> None:
    whole = read_signature(file)
    lines = whole.splitlines(keepends=True)
    flipped = lines[3][:10] + (b"B" if lines[3][10:11] == b"A" else b"A") + lines[3][11:]
    for data in (whole[:100], b"", b"\0" * 500, b"".join([*lines[:3], flipped, *lines[4:]])):
        signature.signature_path(file).write_bytes(data)
        said = refusal(SignatureError, file, DATA, [maker_public().line()])
        assert said.startswith(f"{file}: its signature is wrong: ")
        assert said.endswith("; the file was changed, or a.whl.sig belongs to another one: copy both again")


def test_a_signature_for_another_kind_of_file_is_refused(file: Path) -> None:
    assert refusal(SignatureError, file, DATA, [maker_public().line()], BANK) == (
        f"{file}: its signature is wrong: couldn't verify signature: namespace does not match; the file was changed, "
        "or a.whl.sig belongs to another one: copy both again"
    )


def test_a_key_that_is_trusted_for_another_kind_of_file_is_refused(file: Path) -> None:
    assert refusal(SignatureError, file, DATA, [maker_public().line([BANK])]) == (
        f"{file}: is signed by maker@home, whose key is not trusted for this kind of file (nampedal-update)"
    )


def test_a_key_that_is_not_trusted_is_named(file: Path, stranger: Path) -> None:
    trusted = [read_public_key(stranger).line()]
    assert refusal(SignatureError, file, DATA, trusted) == (
        f"{file}: is signed with a key that is not trusted here, {fingerprint(maker())}; trusted are stranger"
    )
    assert identify_signer(file, pieces(DATA), read_signature(file), trusted, UPDATE) == Signer(
        "", fingerprint(maker())
    )
    assert refusal(SignatureError, file, DATA, []) == (f"{file}: is signed, but no key is trusted here to check it by")


def test_all_of_a_file_is_read_whatever_is_wrong_with_its_signature(file: Path) -> None:
    """Who counts the bytes by the way gets all of them."""
    big = b"\0" * (1 << 20)
    left = [big] * 5
    with pytest.raises(SignatureError):
        check(file, (left.pop() for _ in range(5)), b"none", [maker_public().line()], UPDATE)
    assert left == []


def test_a_broken_line_among_trusted_keys_spoils_no_other(file: Path) -> None:
    trusted = ["broken ssh-ed25519 AAAA", "more broken", maker_public().line()]
    assert check(file, pieces(DATA), read_signature(file), trusted, UPDATE).name == "maker@home"
    assert "incorrect signature" in refusal(SignatureError, file, DATA[1:], trusted)


def test_a_list_of_trusted_keys_is_read_and_added_to(tmp_path: Path, stranger: Path) -> None:
    path = tmp_path / "system" / "trusted"
    assert read_trusted([path]) == []
    trust(path, maker_public())
    path.write_text(f"# mine\n\n{path.read_text()}")
    trust(path, read_public_key(stranger, "Ann B., who plays"), [BANK])
    assert path.read_text() == (
        f'maker@home namespaces="nampedal-update,nampedal-bank" {maker_public().key}\n'
        f'Ann-B.-who-plays namespaces="nampedal-bank" {read_public_key(stranger).key}\n'
    )
    # A second time it takes the place of what was said before.
    trust(path, maker_public(), [BANK])
    assert names_in(read_trusted([path, path])) == ["Ann-B.-who-plays", "maker@home"]
    assert path.read_text().count("\n") == 2


def test_a_public_key_is_found_by_its_private_one(tmp_path: Path) -> None:
    key = make_key(tmp_path / "key", "")
    assert read_public_key(key) == read_public_key(tmp_path / "key.pub")
    assert read_public_key(key).name == "unnamed"
    assert read_public_key(key, "ann").name == "ann"


def test_what_is_no_key_is_told(tmp_path: Path) -> None:
    path = tmp_path / "key.pub"
    need = "a public key is needed, like id_ed25519.pub"
    for text, said in (
        (None, f"{path}: can't be read: no such file or directory; {need}"),
        ("hello", f"{path}: holds no public key; the file that ends in .pub is needed, like id_ed25519.pub"),
        ("x" * 70_000, f"{path}: can't be read: is longer than 65,536 bytes; {need}"),
    ):
        if text is not None:
            path.write_text(text)
        with pytest.raises(SignatureError) as caught:
            read_public_key(path)
        assert str(caught.value) == said


def test_a_key_is_tried_before_it_is_needed(tmp_path: Path, stranger: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    assert check_key(stranger) == read_public_key(stranger)
    key = make_key(tmp_path / "key", "")
    stranger.with_name("stranger.pub").replace(key.with_name("key.pub"))
    with pytest.raises(SignatureError) as caught:
        check_key(key)
    assert str(caught.value) == f"{key}: can't be used to sign: public key {key} doesn't match private {key}"
    alone = tmp_path / "alone.pub"
    alone.write_text(maker_public().key)
    with pytest.raises(SignatureError, match=r"alone\.pub: can't be used to sign: "):
        check_key(alone)


def test_what_is_not_there_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.whl"
    with pytest.raises(FileAccessError) as missing:
        sign(path, maker(), UPDATE)
    assert str(missing.value) == f"{path}: can't be read: no such file or directory"
    path.write_bytes(DATA)
    with pytest.raises(UnsignedError) as unsigned:
        read_signature(path)
    assert str(unsigned.value) == f"{path}.sig: is not there, so nobody has signed a.whl"
    # It would be waited for.
    os.mkfifo(f"{path}.sig")
    with pytest.raises(FileAccessError) as fifo:
        read_signature(path)
    assert str(fifo.value) == f"{path}.sig: can't be read: is no plain file"
    monkeypatch.setenv("PATH", str(tmp_path))
    calls = (
        lambda: sign(path, maker(), UPDATE),
        lambda: check(path, [DATA], b"", [maker_public().line()], UPDATE),
        lambda: identify_signer(path, [DATA], b"", [], UPDATE),
    )
    for call in calls:
        with pytest.raises(ProgramError) as tool:
            call()
        assert str(tool.value) == (
            "signature: ssh-keygen: no such file or directory; install Debian's package openssh-client"
        )
