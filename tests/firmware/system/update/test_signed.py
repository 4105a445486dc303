"""Updates that nobody signed, or not as they are, or nobody whom the pedal trusts: nothing of them is run or unpacked.

The wheel leaves a mark as soon as a byte of it runs; the images would overwrite the partition of the other system.
"""

from __future__ import annotations

import lzma
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from nampedal.firmware.base import system_paths
from nampedal.firmware.base.errors import DeployError, FileAccessError, SignatureError, UnsignedError
from nampedal.firmware.base.files.signature import BANK, UPDATE, read_public_key, sign, signature_path
from nampedal.firmware.system.update import signed
from nampedal.firmware.system.update.image_update import install_image
from nampedal.firmware.system.update.runtime_slots import Phase, Runtimes
from nampedal.firmware.system.update.runtime_update import install_wheel
from nampedal.firmware.system.update.signed import trust, trusted_names
from support.makers.signing_keys import make_key, maker, maker_public
from support.makers.wheel_maker import changed_wheel
from support.rigs.update_rig import (
    DISK,
    NEW,
    FakePedal,
    FlashedPedal,
    make_image,
    make_slot_folder,
    make_wheel,
    root_of,
)

VERSION = "0.3.0"
Change = Callable[[Path, Path], None]


def flip_a_byte(path: Path, stranger: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def append_a_byte(path: Path, stranger: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\0")


def cut_off(path: Path, stranger: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def sign_another_file(path: Path, stranger: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(b"other")
    sign(other, maker(), UPDATE).replace(signature_path(path))


def sign_as_a_bank(path: Path, stranger: Path) -> None:
    sign(path, maker(), BANK)


def cut_the_signature(path: Path, stranger: Path) -> None:
    signature_path(path).write_bytes(signature_path(path).read_bytes()[:100])


def empty_the_signature(path: Path, stranger: Path) -> None:
    signature_path(path).write_bytes(b"")


WRONG: dict[Change, str] = {
    flip_a_byte: "signature verification failed: incorrect signature",
    append_a_byte: "signature verification failed: incorrect signature",
    cut_off: "signature verification failed: incorrect signature",
    sign_another_file: "signature verification failed: incorrect signature",
    sign_as_a_bank: "couldn't verify signature: namespace does not match",
    cut_the_signature: "couldn't parse signature: missing footer",
    empty_the_signature: "couldn't parse signature: missing header",
}


@pytest.fixture
def stranger(tmp_path: Path) -> Path:
    return make_key(tmp_path / "stranger", "stranger")


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    return tmp_path / "mark"


@pytest.fixture
def wheel(tmp_path: Path, mark: Path) -> Path:
    """Signed; a part of it that is run leaves the mark."""
    leaves = f"import pathlib\n\npathlib.Path({str(mark)!r}).touch()\n\n\ndef isas():\n    return []\n"
    path = changed_wheel(
        make_wheel(tmp_path), tmp_path, VERSION, {"nampedal/firmware/engine/inference.py": leaves.encode()}
    )
    sign(path, maker(), UPDATE)
    return path


def refusal(pedal: FakePedal, path: Path, mark: Path, error: type[Exception]) -> str:
    """Nothing of the wheel was run, and nothing was unpacked."""
    with pytest.raises(error) as caught:
        install_wheel(pedal.system, path)
    assert not mark.exists()
    assert not pedal.at(system_paths.RUNTIMES).exists()
    assert Runtimes(pedal.system).read_slots().phase is Phase.NONE
    return str(caught.value)


def test_a_signed_wheel_is_run(pedal: FakePedal, wheel: Path, mark: Path) -> None:
    """So the mark would be seen."""
    said: list[str] = []
    assert install_wheel(pedal.system, wheel, said.append).version == VERSION
    assert said == ["signed by maker@home", "is made ready and checked"]
    assert mark.exists()


@pytest.mark.parametrize("change", WRONG)
def test_a_wheel_with_a_wrong_signature_is_never_run(
    pedal: FakePedal, wheel: Path, mark: Path, stranger: Path, change: Change
) -> None:
    change(wheel, stranger)
    assert refusal(pedal, wheel, mark, SignatureError) == (
        f"{wheel}: its signature is wrong: {WRONG[change]}; the file was changed, or {wheel.name}.sig belongs to "
        "another one: copy both again"
    )


def test_a_wheel_that_a_stranger_signed_is_never_run(pedal: FakePedal, wheel: Path, mark: Path, stranger: Path) -> None:
    sign(wheel, stranger, UPDATE)
    listed = subprocess.run(["ssh-keygen", "-lf", f"{stranger}.pub"], capture_output=True, text=True, check=True)
    assert refusal(pedal, wheel, mark, SignatureError) == (
        f"{wheel}: is signed with a key that is not trusted here, {listed.stdout.split()[1]}; trusted are maker@home"
    )


def test_a_wheel_that_a_maker_of_banks_signed_is_never_run(
    pedal: FakePedal, wheel: Path, mark: Path, stranger: Path
) -> None:
    pedal.put(system_paths.TRUSTED_ADDED, read_public_key(stranger).line([BANK]).encode())
    sign(wheel, stranger, UPDATE)
    assert refusal(pedal, wheel, mark, SignatureError) == (
        f"{wheel}: is signed by stranger, whose key is not trusted for this kind of file (nampedal-update)"
    )


def test_a_wheel_that_nobody_signed_is_never_run(pedal: FakePedal, wheel: Path, mark: Path) -> None:
    signature_path(wheel).unlink()
    assert refusal(pedal, wheel, mark, UnsignedError) == (
        f"{wheel}.sig: is not there, so nobody has signed {wheel.name}; copy it too, or say --unsigned to install the "
        "file unchecked"
    )
    # The player's own list counts for banks only.
    pedal.put(system_paths.CONFIG / "nampedal" / "trusted-signers", maker_public().line().encode())
    pedal.at(system_paths.TRUSTED).unlink()
    sign(wheel, maker(), UPDATE)
    assert refusal(pedal, wheel, mark, SignatureError) == (
        f"{wheel}: can't be checked: this pedal trusts no key; 'sudo nampedal update trust KEY.pub' adds the one of "
        "who made the file, --unsigned installs it unchecked"
    )


def test_an_unsigned_wheel_is_installed_if_that_is_said(pedal: FakePedal, wheel: Path, mark: Path) -> None:
    signature_path(wheel).unlink()
    pedal.at(system_paths.TRUSTED).unlink()
    said: list[str] = []
    install_wheel(pedal.system, wheel, said.append, unsigned=True)
    assert said == ["its signature is not checked (--unsigned)", "is made ready and checked"]
    assert mark.exists()


def test_a_wheel_that_is_exchanged_after_it_was_checked_is_never_run(
    pedal: FakePedal, wheel: Path, mark: Path, tmp_path: Path
) -> None:
    leaves_the_mark = wheel.read_bytes()
    (tmp_path / "harmless").mkdir()
    wheel.write_bytes(make_wheel(tmp_path / "harmless", VERSION).read_bytes())
    sign(wheel, maker(), UPDATE)

    def exchange(said: str) -> None:
        if said.startswith("signed"):
            wheel.write_bytes(leaves_the_mark)

    with pytest.raises(DeployError) as caught:
        install_wheel(pedal.system, wheel, exchange)
    assert str(caught.value) == f"{wheel}: has changed since it was checked; let nobody write it meanwhile"
    assert not mark.exists()
    assert not pedal.at(system_paths.RUNTIMES).exists()


def test_a_key_that_is_added_is_trusted(pedal: FakePedal, wheel: Path, stranger: Path) -> None:
    assert trusted_names(pedal.system) == ["maker@home"]
    trust(pedal.system, read_public_key(stranger))
    assert trusted_names(pedal.system) == ["maker@home", "stranger"]
    sign(wheel, stranger, UPDATE)
    assert install_wheel(pedal.system, wheel).version == VERSION


def test_a_file_that_is_no_file_is_told_of_first(pedal: FakePedal, tmp_path: Path) -> None:
    path = tmp_path / f"nampedal-{NEW}-py3-none-any.whl"
    with pytest.raises(FileAccessError) as missing:
        install_wheel(pedal.system, path)
    assert str(missing.value) == f"{path}: can't be read: no such file or directory"
    os.mkfifo(path)
    with pytest.raises(DeployError) as fifo:
        install_wheel(pedal.system, path)
    assert str(fifo.value) == f"{path}: is no plain file; name the file itself"
    path.unlink()
    with path.open("wb") as file:
        file.truncate(40 << 20)
    with pytest.raises(DeployError) as large:
        install_wheel(pedal.system, path, unsigned=True)
    assert str(large.value) == f"{path}: has 41,943,040 bytes; a wheel of nampedal has at most 33,554,432"


# ---- images ----


@pytest.fixture
def flashed(tmp_path: Path) -> FlashedPedal:
    return FlashedPedal(tmp_path / "root")


def make(folder: Path, suffix: str) -> Path:
    """Of an image of the new version, packed as its name says, and signed."""
    make_slot_folder(folder / "A", NEW, root_of(NEW))
    plain, path = folder / "new.img", folder / f"new.img{suffix}"
    make_image(plain, folder / "A", root_of(NEW))
    if suffix == ".xz":
        path.write_bytes(lzma.compress(plain.read_bytes()))
    elif suffix == ".zst":
        subprocess.run(["zstd", "-q", str(plain)], check=True)
    sign(path, maker(), UPDATE)
    return path


def other_system(pedal: FlashedPedal) -> bytes:
    return (pedal.disks / f"{DISK}-03").read_bytes()


def refused(pedal: FlashedPedal, path: Path, error: type[Exception], say: signed.Says = lambda said: None) -> str:
    """Nothing of the image was unpacked or written."""
    before = other_system(pedal)
    with pytest.raises(error) as caught:
        install_image(pedal.system, path, say)
    assert other_system(pedal) == before
    assert sorted(path.name for path in pedal.card.iterdir()) == ["A", "config.txt"]
    assert not (pedal.at(system_paths.UPDATES) / "work").exists()
    assert pedal.commands == []
    return str(caught.value)


@pytest.mark.parametrize("suffix", ["", ".xz", ".zst"])
def test_a_signed_image_is_installed(flashed: FlashedPedal, tmp_path: Path, suffix: str) -> None:
    before = other_system(flashed)
    path = make(tmp_path, suffix)
    assert install_image(flashed.system, path, lambda said: None).version == NEW
    assert other_system(flashed) != before
    assert (flashed.card / "tryboot.txt").exists()


@pytest.mark.parametrize("change", WRONG)
def test_an_image_with_a_wrong_signature_is_not_touched(
    flashed: FlashedPedal, tmp_path: Path, stranger: Path, change: Change
) -> None:
    path = make(tmp_path, ".zst")
    change(path, stranger)
    assert refused(flashed, path, SignatureError) == (
        f"{path}: its signature is wrong: {WRONG[change]}; the file was changed, or new.img.zst.sig belongs to another "
        "one: copy both again"
    )


@pytest.mark.parametrize("suffix", ["", ".xz", ".zst"])
def test_an_image_that_nobody_trusted_signed_is_not_touched(
    flashed: FlashedPedal, tmp_path: Path, stranger: Path, suffix: str
) -> None:
    path = make(tmp_path, suffix)
    sign(path, stranger, UPDATE)
    assert "is signed with a key that is not trusted here" in refused(flashed, path, SignatureError)
    signature_path(path).unlink()
    assert refused(flashed, path, UnsignedError).startswith(f"{path}.sig: is not there, so nobody has signed new.img")
    sign(path, maker(), UPDATE)
    flashed.at(system_paths.TRUSTED).unlink()
    assert refused(flashed, path, SignatureError).startswith(f"{path}: can't be checked: this pedal trusts no key; ")
    said: list[str] = []
    install_image(flashed.system, path, said.append, unsigned=True)
    assert said[:2] == ["reading the image", "its signature is not checked (--unsigned)"]


@pytest.mark.parametrize("suffix", ["", ".xz", ".zst"])
def test_an_image_that_is_exchanged_after_it_was_checked_is_not_touched(
    flashed: FlashedPedal, tmp_path: Path, suffix: str
) -> None:
    path = make(tmp_path, suffix)
    data = bytearray(path.read_bytes())
    data[100] ^= 1

    def exchange(said: str) -> None:
        if said.startswith("signed"):
            path.write_bytes(data)

    assert refused(flashed, path, DeployError, exchange) == (
        f"{path}: has changed since it was checked; let nobody write it meanwhile"
    )


def test_an_image_that_is_exchanged_while_it_is_written_is_never_started(
    flashed: FlashedPedal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Small, as the image is.
    for module in ("pinned_file", "image_file"):
        monkeypatch.setattr(f"nampedal.firmware.system.update.{module}.PIECE_BYTES", 64)
    path = make(tmp_path, "")
    data = bytearray(path.read_bytes())
    # At the end of the root, which is read last.
    data[data.rfind(root_of(NEW)[-64:])] ^= 1

    def exchange(said: str) -> None:
        if said.startswith("writing"):
            path.write_bytes(data)

    with pytest.raises(DeployError):
        install_image(flashed.system, path, exchange)
    assert not (flashed.card / "tryboot.txt").exists()
    assert not (flashed.card / "B" / "nampedal-image.toml").exists()


def test_every_refusal_is_a_signature_error() -> None:
    for error in (UnsignedError, SignatureError, SignatureError, SignatureError):
        assert issubclass(error, SignatureError)
