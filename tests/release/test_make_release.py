"""A whole release: its files, signatures and checksums; the same bytes each time; an image that a card takes."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from hashlib import sha256
from pathlib import Path

import pytest
from checksums import RELEASE
from errors import ReleaseError
from make_release import make_release, release_day, source_date_epoch
from nampedal.firmware.base.files.signature import UPDATE
from nampedal.firmware.system.flash.card_writer import open_card, write_image
from nampedal.firmware.system.flash.disks import find_disk
from nampedal.firmware.system.flash.image_reader import read_image
from support.makers.release_maker import NATIVES, make_image, skip_without_programs
from support.makers.signing_keys import maker
from support.rigs.loop_disk import loop_disk

SIZE = 10 << 20
OWN = ("nampedal-1.2.3.cdx.json", "nampedal.rpi-imager-manifest", "nampedal-icon.svg", "SHA256SUMS", "SHA256SUMS.sig")


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def again(folder: Path, history: Path, key: Path | None = None) -> None:
    make_release(folder, key, NATIVES, lambda line: None, history=history)


def refusal(folder: Path, history: Path) -> str:
    with pytest.raises(ReleaseError) as caught:
        again(folder, history)
    return str(caught.value)


@contextmanager
def quiet(what: str) -> Iterator[Callable[[int, int], None]]:
    yield lambda done, total: None


def test_every_file_is_in_the_checksums_which_sha256sum_takes(finished: Path) -> None:
    lines = (finished / "SHA256SUMS").read_text().splitlines()
    assert [line.split("  ")[1] for line in lines] == sorted(
        path.name for path in finished.iterdir() if not path.name.startswith("SHA256SUMS")
    )
    done = subprocess.run(["sha256sum", "-c", "--strict", "SHA256SUMS"], cwd=finished, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout
    assert set(OWN) <= {path.name for path in finished.iterdir()}


def verify(path: Path, namespace: str) -> str:
    """Check a signature as docs/flash.md tells a player to. Return the exit code and what is said."""
    signers = path.with_name("signers")
    signers.write_text(f"maker {maker().with_name('maker.pub').read_text()}")
    command = ["ssh-keygen", "-Y", "verify", "-f", str(signers), "-I", "maker", "-n", namespace, "-s", f"{path}.sig"]
    with path.open("rb") as file:
        done = subprocess.run(command, stdin=file, capture_output=True, text=True, check=False)
    signers.unlink()
    return f"{done.returncode} {done.stdout.split(' with ')[0].strip()}"


def test_wheels_images_and_checksums_are_signed(finished: Path) -> None:
    signed = sorted(path.name.removesuffix(".sig") for path in finished.glob("*.sig"))
    packages = sorted(path.name for path in (*finished.glob("*.whl"), *finished.glob("*.img.zst")))
    assert signed == sorted(["SHA256SUMS", *packages])
    for name in packages:
        assert verify(finished / name, UPDATE) == '0 Good "nampedal-update" signature for maker'
    assert verify(finished / "SHA256SUMS", RELEASE) == '0 Good "nampedal-release" signature for maker'
    # A list is never taken for an update.
    assert verify(finished / "SHA256SUMS", UPDATE).startswith("255")


def test_a_second_release_has_the_same_bytes(
    finished: Path, tmp_path: Path, history: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(finished)
    other = tmp_path / "elsewhere"
    other.mkdir()
    for name, data in before.items():
        if name.endswith((".whl", ".gz", ".zst", ".bmap", ".sha256")):
            (other / name).write_bytes(data)
    monkeypatch.setenv("TZ", "America/New_York")
    again(other, history, maker())
    assert contents(other) == before
    # Over its own files as well.
    again(other, history, maker())
    assert contents(other) == before


def test_without_a_key_no_signature_is_left(finished: Path, history: Path) -> None:
    again(finished, history)
    assert list(finished.glob("*.sig")) == []


def test_without_images_there_is_no_list_for_imager(packages: Path, history: Path) -> None:
    again(packages, history)
    assert not (packages / "nampedal.rpi-imager-manifest").exists()
    assert (packages / "nampedal-1.2.3.cdx.json").exists()


def test_a_version_without_notes_is_not_released(
    packages: Path, history: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(packages)
    history.write_text(history.read_text().replace("1.2.3", "1.2.2"))
    assert refusal(packages, history).startswith("CHANGELOG.md: has no section of 1.2.3 at its top: ")
    assert contents(packages) == before
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1798070400")
    make_release(packages, None, NATIVES, lambda line: None, history=history, trial=True)
    document = json.loads((packages / "nampedal-1.2.3.cdx.json").read_text())
    assert document["metadata"]["timestamp"] == "2026-12-24T00:00:00Z"


def test_the_day_is_the_changelogs_and_the_time_its_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    assert source_date_epoch(date(2026, 12, 24)) == 1_798_070_400
    assert release_day("1.2.3", (), "CHANGELOG.md", trial=True) == date(1980, 1, 1)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    assert source_date_epoch(date(2026, 12, 24)) == 86_400
    assert release_day("1.2.3", (), "CHANGELOG.md", trial=True) == date(1970, 1, 2)


def test_an_image_of_another_version_is_refused(packages: Path, history: Path) -> None:
    skip_without_programs()
    image = make_image(packages, "pi-4-usb-1.2.3", "1.2.2", "pi-4-usb")
    assert refusal(packages, history) == (f"{image}: has nampedal 1.2.2; the release is 1.2.3: build it again")


def test_an_image_without_a_version_in_its_name_is_refused(packages: Path, history: Path) -> None:
    skip_without_programs()
    image = make_image(packages, "pi-4-usb", "1.2.3", "pi-4-usb")
    assert refusal(packages, history) == (f"{image}: has no version in its name; pi-4-usb-1.2.3.img.zst has one")


def test_a_damaged_image_is_refused(unfinished: Path, history: Path) -> None:
    path = unfinished / "pi-4-dac-adc-1.2.3.img.sha256"
    path.write_text(f"{'0' * 64}  pi-4-dac-adc-1.2.3.img\n")
    with pytest.raises(Exception, match="is damaged or another one: its SHA-256 begins with"):
        again(unfinished, history)


def test_a_card_is_the_same_by_our_own_writer_by_bmaptool_and_by_imagers_figures(
    finished: Path, tmp_path: Path
) -> None:
    """Imager writes the unpacked file and reads back its SHA-256, so a card of it begins with these bytes."""
    document = json.loads((finished / "nampedal.rpi-imager-manifest").read_text())
    entry = document["os_list"][0]
    packed = finished / entry["url"].rpartition("/")[2]
    unpacked = subprocess.run(["zstd", "-dc", packed], capture_output=True, check=True).stdout
    assert (len(unpacked), sha256(unpacked).hexdigest()) == (entry["extract_size"], entry["extract_sha256"])
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    # Where the block map has nothing, both leave what was on the card.
    blank = bytes(SIZE)
    ours.write_bytes(blank)
    theirs.write_bytes(blank)
    with loop_disk(ours) as device, open_card(find_disk(device)) as card:
        write_image(read_image(packed, quiet), card, quiet)
    subprocess.run(["bmaptool", "--quiet", "copy", packed, theirs], check=True, capture_output=True)
    assert ours.read_bytes() == theirs.read_bytes() == unpacked


def test_the_program_makes_one_and_tells_a_mistake_in_one_line(root: Path, packages: Path, tmp_path: Path) -> None:
    natives = tmp_path / "natives.toml"
    natives.write_text("".join(f"{json.dumps(name)} = {json.dumps(version)}\n" for name, version in NATIVES.items()))
    command = [
        sys.executable,
        str(root / "release" / "make_release.py"),
        str(packages),
        "--native-versions",
        str(natives),
    ]
    done = subprocess.run([*command, "--trial"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    first, *_, last = done.stdout.splitlines()
    assert first.startswith("a release of 1.2.3, ")
    assert last.startswith("nampedal-1.2.3.tar.gz: 6 bytes")
    shutil.copy(packages / "nampedal-1.2.3.tar.gz", packages / "left.txt")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (
        1,
        f"release: {packages}/left.txt: does not belong into a release; remove it\n",
    )
