"""USB sticks: looked at read-only, taken over, announced, and let go."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from nampedal.firmware.actions.control_socket import ask
from nampedal.firmware.base import system_paths
from nampedal.firmware.base.errors import CardError, ControlSocketError, ProgramError
from nampedal.firmware.presets import preset
from nampedal.firmware.presets.preset import Gain, Preset
from nampedal.firmware.system.bank_import import import_launcher
from nampedal.firmware.system.provisioning import usb_stick
from nampedal.firmware.system.provisioning.usb_stick import STICKS, import_stick
from support.makers.bank_maker import amp, make_bank
from support.players.jack_server import JackServer
from support.players.live_pedal import playing, status
from support.rigs.card_rig import Card

DEVICE = Path("/dev/sda1")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the pedal that plays is asked for."""
    requests: list[dict[str, Any]] = []
    monkeypatch.setattr(usb_stick, "ask", lambda path, request: requests.append(request))
    return requests


@pytest.fixture
def stick(card: Card, tmp_path: Path) -> Path:
    """A stick in a pedal that has booted."""
    card.boot()
    card.system.said.clear()
    folder = tmp_path / "stick"
    folder.mkdir()
    card.system.stick = folder
    card.system.kinds["sda1"] = "vfat"
    return folder


def test_what_is_on_a_stick_is_taken_over_and_announced(card: Card, stick: Path, asked: list[dict[str, Any]]) -> None:
    make_bank(stick / "rock")
    make_bank(stick / "nampedal" / "jazz")
    preset.write(Preset("Own", (Gain(),)), stick / "nampedal" / "jazz" / "own.toml")
    (stick / "amp.stomp").write_bytes(amp())
    (stick / "amp.nam").write_text("{}")
    (stick / "holiday.jpg").write_bytes(b"")
    outcome = import_stick(card.system, DEVICE, card.root)
    assert outcome.problems == []
    assert card.bank_names() == sorted(outcome.taken) == ["imported", "jazz", "rock"]
    assert asked == [{"do": "rescan"}, {"do": "announce", "code": 5}]
    at = card.at(STICKS) / "sda1"
    assert card.system.said == [
        f"mount -t vfat -o ro,nosuid,nodev,noexec,utf8=1,fmask=0133,dmask=0022 /dev/sda1 {at}",
        "take",
        f"umount {at}",
    ]
    assert not at.exists()


def test_plugged_again_it_brings_only_what_is_new(card: Card, stick: Path, asked: list[dict[str, Any]]) -> None:
    make_bank(stick / "rock")
    import_stick(card.system, DEVICE, card.root)
    shutil.rmtree(card.banks / "rock")
    asked.clear()
    assert import_stick(card.system, DEVICE, card.root).taken == []
    assert asked == []
    preset.write(Preset("Own", (Gain(),)), stick / "rock" / "own.toml")
    assert import_stick(card.system, DEVICE, card.root).taken == ["rock"]


def test_what_is_wrong_is_announced(card: Card, stick: Path, asked: list[dict[str, Any]]) -> None:
    (stick / "nampedal").mkdir()
    (stick / "nampedal" / "amp.nam").write_text("{}")
    (stick / "amp.stomp").write_bytes(b"no")
    outcome = import_stick(card.system, DEVICE, card.root)
    assert outcome.problems[0].startswith("sda1: nampedal/amp.nam: is a capture that is not converted yet; ")
    assert outcome.problems[1].startswith("sda1: amp.stomp: ")
    assert asked == [{"do": "announce", "code": 4}]
    assert not card.errors.exists()


@pytest.mark.parametrize(
    ("kind", "options"),
    [("exfat", "ro,nosuid,nodev,noexec,fmask=0133,dmask=0022"), ("ext4", "ro,nosuid,nodev,noexec,noload")],
)
def test_other_filesystems_are_mounted_as_safely(card: Card, stick: Path, kind: str, options: str) -> None:
    card.system.kinds["sda1"] = kind
    import_stick(card.system, DEVICE, card.root)
    assert card.system.said[0].startswith(f"mount -t {kind} -o {options} /dev/sda1 ")


@pytest.mark.parametrize("kind", ["", "ntfs", "squashfs"])
def test_what_is_no_filesystem_of_ours_is_let_be(card: Card, stick: Path, kind: str) -> None:
    card.system.kinds["sda1"] = kind
    assert import_stick(card.system, DEVICE, card.root).taken == []
    assert card.system.said == []


def test_what_the_pedal_was_booted_from_is_let_be(card: Card, stick: Path) -> None:
    card.system.mounted.add(DEVICE)
    import_stick(card.system, DEVICE, card.root)
    assert card.system.said == []


def test_only_a_device_is_mounted(card: Card, tmp_path: Path) -> None:
    with pytest.raises(CardError) as caught:
        import_stick(card.system, tmp_path / "disk.img", card.root)
    assert str(caught.value) == f"{tmp_path}/disk.img: is no block device; name a partition, as /dev/sda1"


def test_a_stick_that_can_not_be_mounted_leaves_nothing(card: Card, stick: Path) -> None:
    card.system.fails.add("mount")
    with pytest.raises(ProgramError, match=r"^mount: failed: it was to$"):
        import_stick(card.system, DEVICE, card.root)
    assert list(card.at(STICKS).iterdir()) == []


def test_a_stick_is_let_go_though_taking_over_fails(
    card: Card, stick: Path, asked: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    make_bank(stick / "rock")
    monkeypatch.setattr(import_launcher, "PATIENCE_S", 0.01)
    outcome = import_stick(card.system, DEVICE, card.root)
    (told,) = outcome.problems
    assert told.startswith("import: stopped: ")
    assert told.endswith(": did not end in 0.01 s, and was ended; the rest is taken over at the next start")
    assert card.system.said[-1].startswith("umount ")
    assert asked == [{"do": "announce", "code": 4}]


def test_where_no_pedal_plays_nobody_is_told(card: Card, stick: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    knocks = []

    def nobody(path: Path, request: dict[str, Any]) -> None:
        knocks.append(path)
        raise ControlSocketError("nobody")

    monkeypatch.setattr(usb_stick, "ask", nobody)
    make_bank(stick / "rock")
    assert import_stick(card.system, DEVICE, card.root).taken == ["rock"]
    assert set(knocks) == {card.at(system_paths.RUN) / "control.sock"}


def test_a_pedal_that_plays_goes_on_and_has_the_new_bank(card: Card, stick: Path, jack_server: JackServer) -> None:
    make_bank(card.banks / "rock")
    make_bank(stick / "jazz")
    with playing(jack_server, card.banks, card.at(system_paths.RUN) / "control.sock") as at:
        assert ask(at, {"do": "banks"})["banks"] == ["rock"]
        assert import_stick(card.system, DEVICE, card.root).taken == ["jazz"]
        assert ask(at, {"do": "banks"})["banks"] == ["jazz", "rock"]
        assert (status(at)["bank"], status(at)["preset"]) == ("rock", "crunch")
