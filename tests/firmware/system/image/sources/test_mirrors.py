from __future__ import annotations

import re
from pathlib import Path

import pytest
from nampedal.firmware.base.errors import DeployError
from nampedal.firmware.system.image.sources import build_tools, mirrors
from nampedal.firmware.system.image.sources.mirrors import (
    Mirrors,
    error_from_apt_output,
    keep_key,
    kernel_sources,
    root_sources,
    without_keys,
)
from nampedal.firmware.system.image.sources.suites import BASES

# As apt of Debian 12 prints it.
OWN = (
    "Packages|Debian|http://near/debian|/nowhere/debian.list:1\n"
    "Contents|Debian|http://far/debian|/nowhere/debian.list:1\n"
    "Packages|Debian|http://second/debian|/nowhere/debian.list:2\n"
    "Packages|Debian-Security|http://near/security|/nowhere/debian.list:3\n"
)
PI = "Packages|Raspberry Pi Foundation|http://near/pi|/nowhere/raspi.list:1\n"
RASPIOS, DEBIAN = BASES["raspios"], BASES["debian"]
# The head of a binary public key, and of one in text form.
BINARY, ARMORED = (
    b"\x99\x01\x0d\x04",
    b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAA\n-----END PGP PUBLIC KEY BLOCK-----\n",
)


def says(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(build_tools, "run", lambda command: text)


def test_the_mirrors_are_this_computers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    says(monkeypatch, OWN)
    assert root_sources(DEBIAN, "bookworm", Mirrors(), tmp_path) == [
        "deb http://near/debian bookworm main non-free-firmware",
        "deb http://near/debian bookworm-updates main non-free-firmware",
        "deb http://near/security bookworm-security main non-free-firmware",
    ]


def test_debians_kernel_is_the_newest_with_preempt_rt(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    says(monkeypatch, OWN)
    assert kernel_sources(DEBIAN, "bookworm", Mirrors(), tmp_path) == [
        "deb http://near/debian trixie main non-free-firmware",
        "deb http://near/debian trixie-backports main non-free-firmware",
    ]


def test_raspberry_pis_archive_goes_beside_debians(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    says(monkeypatch, OWN + PI)
    for sources in (root_sources, kernel_sources):
        assert sources(RASPIOS, "trixie", Mirrors(), tmp_path)[-1] == "deb http://near/pi trixie main"


def test_a_mirror_that_is_named_wins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    says(monkeypatch, OWN)
    named = Mirrors("http://mine/debian", "http://mine/pi")
    assert kernel_sources(RASPIOS, "bookworm", named, tmp_path) == [
        "deb http://mine/debian bookworm main non-free-firmware",
        "deb http://mine/pi bookworm main",
    ]


def test_no_mirror_is_made_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    says(monkeypatch, "")
    with pytest.raises(
        DeployError, match=r"^image: this computer uses no mirror of Debian; name one with --mirror URL$"
    ):
        root_sources(DEBIAN, "bookworm", Mirrors(), tmp_path)
    says(monkeypatch, OWN)
    expected = (
        "image: this computer uses no mirror of Raspberry Pi's archive; name one with --pi-mirror URL, and its key "
        "with --pi-key FILE"
    )
    with pytest.raises(DeployError, match=f"^{re.escape(expected)}$"):
        root_sources(RASPIOS, "bookworm", Mirrors(), tmp_path)


SOURCES = """\
# a comment

Types: deb
URIs: http://first/debian
Suites: trixie
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.pgp

# another
Types: deb
URIs: http://near/pi
Suites: trixie
Components: main
signed-by: /keys/one.pgp
 /keys/two.pgp
"""
EMBEDDED = """\
Types: deb
URIs: http://near/pi
Suites: trixie
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 mQENBF
 -----END PGP PUBLIC KEY BLOCK-----
Components: main
"""


@pytest.mark.parametrize(
    ("name", "text", "number", "option"),
    [
        ("a.sources", SOURCES, 1, "[signed-by=/usr/share/keyrings/debian-archive-keyring.pgp] "),
        ("a.sources", SOURCES, 2, "[signed-by=/keys/one.pgp,/keys/two.pgp] "),
        ("a.sources", SOURCES, 9, ""),
        ("a.list", "# no\ndeb [arch=arm64 signed-by=/a/pi.gpg] http://near/pi x main\n", 2, "[signed-by=/a/pi.gpg] "),
        ("a.list", "deb [ arch=arm64 ] http://near/pi trixie main\n", 1, ""),
        ("a.list", "deb http://near/pi trixie main # signed-by=/x\n", 1, ""),
    ],
)  # fmt: skip
def test_the_key_is_the_one_that_this_computer_checks_with(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, text: str, number: int, option: str
) -> None:
    (tmp_path / name).write_text(text)
    says(monkeypatch, OWN + PI.replace("/nowhere/raspi.list:1", f"{tmp_path / name}:{number}"))
    assert kernel_sources(RASPIOS, "trixie", Mirrors(), tmp_path)[-1] == f"deb {option}http://near/pi trixie main"
    # A mirror has the same signatures.
    assert kernel_sources(RASPIOS, "trixie", Mirrors(pi="http://other/pi"), tmp_path)[-1] == (
        f"deb {option}http://other/pi trixie main"
    )


def test_a_key_that_stands_in_the_sources_becomes_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "a.sources").write_text(EMBEDDED)
    says(monkeypatch, OWN + PI.replace("/nowhere/raspi.list:1", f"{tmp_path / 'a.sources'}:1"))
    line = kernel_sources(RASPIOS, "trixie", Mirrors(), tmp_path / "keys")[-1]
    (key,) = (tmp_path / "keys").iterdir()
    assert line == f"deb [signed-by={key}] http://near/pi trixie main"
    assert key.suffix == ".asc"
    assert key.read_text().splitlines() == [
        *("-----BEGIN PGP PUBLIC KEY BLOCK-----", "", "mQENBF", "-----END PGP PUBLIC KEY BLOCK-----"),
    ]


@pytest.mark.parametrize(("data", "end"), [(BINARY, ".gpg"), (ARMORED, ".asc")])
def test_a_named_key_wins_and_is_where_apt_can_read_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, data: bytes, end: str
) -> None:
    (tmp_path / "raspberrypi.key").write_bytes(data)
    (tmp_path / "raspberrypi.key").chmod(0o600)
    (tmp_path / "a.list").write_text("deb [signed-by=/keys/pi.gpg] http://near/pi trixie main\n")
    says(monkeypatch, OWN + PI.replace("/nowhere/raspi.list:1", f"{tmp_path / 'a.list'}:1"))
    named = Mirrors(pi_key=tmp_path / "raspberrypi.key")
    line = kernel_sources(RASPIOS, "trixie", named, tmp_path / "keys")[-1]
    (key,) = (tmp_path / "keys").iterdir()
    assert line == f"deb [signed-by={key}] http://near/pi trixie main"
    assert key.suffix == end
    assert key.read_bytes() == data
    assert key.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "is no public key; a file is needed as 'gpg --export' or 'gpg --armor --export' writes it"),
        (b"<html>404</html>", "is no public key; a file is needed as"),
        (b"-----BEGIN PGP PRIVATE KEY BLOCK-----\n", "is no public key; a file is needed as"),
        (None, "can't be read: No such file or directory"),
    ],
)
def test_what_is_no_key_is_refused(tmp_path: Path, data: bytes | None, expected: str) -> None:
    path = tmp_path / "key"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(DeployError, match=f"^{re.escape(f'--pi-key {path}: {expected}')}"):
        keep_key(path, tmp_path / "keys")
    assert not (tmp_path / "keys").exists()


def test_options_of_the_users_own_stay_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(BINARY)
    says(monkeypatch, OWN)
    named = Mirrors(pi="[trusted=yes] http://127.0.0.1:1", pi_key=tmp_path / "key")
    line = kernel_sources(RASPIOS, "trixie", named, tmp_path)[-1]
    assert line == "deb [trusted=yes] http://127.0.0.1:1 trixie main"


def test_the_same_packages_are_kept_under_one_name_whatever_the_key() -> None:
    lines = ["deb [signed-by=/here/a.gpg] http://near/pi trixie main", "deb http://near/debian trixie main"]
    assert without_keys(lines) == ["deb http://near/pi trixie main", "deb http://near/debian trixie main"]


# What mmdebstrap 1.3.5 prints, shortened.
NO_KEY = """\
I: running apt-get update...
Get:1 http://near/pi bookworm InRelease [1189 B]
Err:1 http://near/pi bookworm InRelease
  The following signatures couldn't be verified because the public key is not available: NO_PUBKEY 6473AAE78015C598
Reading package lists...
W: GPG error: http://near/pi bookworm InRelease: The following signatures couldn't be verified because the public key \
is not available: NO_PUBKEY 6473AAE78015C598
E: The repository 'http://near/pi bookworm InRelease' is not signed.
E: apt-get update --error-on=any -oAPT::Status-Fd=<$fd> -oDpkg::Use-Pty=false failed
I: main() received signal PIPE: waiting for setup...
E: mmdebstrap failed to run
"""
NOT_FOUND = """\
Ign:1 http://near/x bookworm InRelease
Err:2 http://near/x bookworm Release
  404  File not found [IP: 127.0.0.1 18765]
E: The repository 'http://near/x bookworm Release' does not have a Release file.
E: apt-get update --error-on=any -oAPT::Status-Fd=<$fd> -oDpkg::Use-Pty=false failed
E: mmdebstrap failed to run
"""
NO_PACKAGE = (
    "E: Unable to locate package linux-image-rpi-v8\nE: apt-get --yes install failed\nE: mmdebstrap failed to run\n"
)
NO_NETWORK = """\
Err:1 http://near/pi bookworm InRelease
  Could not resolve 'near'
E: Failed to fetch http://near/pi/dists/bookworm/InRelease  Could not resolve 'near'
E: Some index files failed to download. They have been ignored, or old ones used instead.
E: apt-get update --error-on=any -oAPT::Status-Fd=<$fd> -oDpkg::Use-Pty=false failed
E: mmdebstrap failed to run
"""


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        (
            NO_KEY,
            "GPG error: http://near/pi bookworm InRelease: The following signatures couldn't be verified because the "
            "public key is not available: NO_PUBKEY 6473AAE78015C598 / The repository 'http://near/pi bookworm "
            "InRelease' is not signed; apt lacks the right key: name a file with it by --pi-key FILE, if the archive "
            "is Raspberry Pi's; Debian's are in the package debian-archive-keyring",
        ),
        (
            NOT_FOUND,
            "The repository 'http://near/x bookworm Release' does not have a Release file / 404  File not found [IP: "
            "127.0.0.1 18765]; are the URLs right, and is there a network?",
        ),
        (
            NO_NETWORK,
            "Failed to fetch http://near/pi/dists/bookworm/InRelease  Could not resolve 'near'; are the URLs right, "
            "and is there a network?",
        ),
        (
            NO_PACKAGE,
            "Unable to locate package linux-image-rpi-v8; are the URLs right, and is there a network?",
        ),
    ],
)
def test_apts_own_words_are_shown(printed: str, expected: str) -> None:
    error = error_from_apt_output(printed)
    assert isinstance(error, DeployError)
    assert str(error) == f"image: packages can't be fetched: {expected}"


def test_what_apt_did_not_say_is_not_called_its_words() -> None:
    assert error_from_apt_output("E: mmdebstrap failed to run\n") is None
    assert mirrors.error_from_apt_output("") is None
