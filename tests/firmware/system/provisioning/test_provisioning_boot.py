"""Boots: what the card asks for is done, what is wrong is told, and nothing stops the rest."""

from __future__ import annotations

import base64
import shutil
import stat
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from nampedal.firmware.actions.blink_codes import read_boot_codes
from nampedal.firmware.actions.control_socket import ControlServer, Json
from nampedal.firmware.actions.led_state import CARD_TROUBLE
from nampedal.firmware.base import system_paths
from nampedal.firmware.base.errors import ProgramError
from nampedal.firmware.system.bank_import import import_launcher
from nampedal.firmware.system.provisioning import usb_stick
from nampedal.firmware.system.provisioning.import_service import import_card
from nampedal.firmware.system.provisioning.provisioning_boot import Boot
from nampedal.firmware.system.provisioning.usb_stick import SOCKET
from nampedal.firmware.system.wifi import radio
from nampedal.firmware.system.wifi.radio import SUPPLICANT
from support.makers.bank_maker import amp, make_bank
from support.rigs.card_rig import ED25519, START_IMPORT, Card

KEY = "ssh-ed25519 " + base64.b64encode(ED25519).decode() + " me@home"


def test_a_card_that_says_nothing_boots_to_a_pedal_with_its_radio_off(card: Card) -> None:
    boot = card.boot()
    assert boot.problems == []
    assert card.system.said == ["radio off"]
    assert not card.errors.exists()
    assert read_boot_codes(card.at(system_paths.CARD_ANNOUNCEMENT)) == []


def test_folders_are_made_for_who_plays_and_what_root_runs_stays_roots(card: Card) -> None:
    card.system.owner = lambda user: (1234, 1234)  # type: ignore[method-assign]
    card.boot()
    owners = {path.name: path.stat().st_uid for path in card.at(system_paths.DATA).iterdir()}
    assert owners == {"banks": 1234, "config": 1234, "state": 1234, "runtimes": 0, "system": 0}
    assert card.at(system_paths.DATA).stat().st_uid == 0
    assert stat.S_IMODE(card.at(system_paths.DATA / "system").stat().st_mode) == 0o700


def test_banks_that_came_with_nampedal_are_copied_once_and_a_deleted_one_stays_away(card: Card) -> None:
    make_bank(card.at(system_paths.SEED) / "banks" / "factory")
    assert card.boot().problems == []
    assert card.bank_names() == ["factory"]
    shutil.rmtree(card.banks / "factory")
    card.boot()
    assert "take" not in card.system.said
    assert card.bank_names() == []


def test_the_pedal_is_called_what_the_card_says(card: Card) -> None:
    card.enqueue('host_name = "Stage"')
    card.boot()
    assert card.system.name == "stage"


def test_a_key_opens_ssh_for_it_alone_and_the_machine_keeps_its_own(card: Card) -> None:
    card.enqueue(f'ssh_key = "{KEY}"')
    assert card.boot().problems == []
    assert card.system.said == [
        "ssh-keygen",
        "systemctl --no-block start systemd-networkd.service ssh.service",
        "radio off",
    ]
    authorized = card.at(system_paths.SSH_KEYS)
    assert authorized.read_text() == f"{KEY}\n"
    assert stat.S_IMODE(authorized.stat().st_mode) == 0o600
    host_key = card.at(system_paths.SSH_HOST_KEY)
    before = host_key.read_bytes()
    assert b"OPENSSH PRIVATE KEY" in before
    assert stat.S_IMODE(host_key.stat().st_mode) == 0o600
    card.boot()
    assert host_key.read_bytes() == before
    assert "ssh-keygen" not in card.system.said


def test_a_power_cut_while_keys_are_made_leaves_none(card: Card) -> None:
    card.enqueue(f'ssh_key = "{KEY}"')
    partial = card.at(system_paths.SSH_HOST_KEY.parent).with_name(".ssh.partial")
    partial.mkdir(parents=True)
    (partial / system_paths.SSH_HOST_KEY.name).write_bytes(b"half")
    assert card.boot().problems == []
    assert card.at(system_paths.SSH_HOST_KEY).read_bytes() != b"half"
    assert not partial.exists()


def test_a_card_without_a_radio_says_so_to_who_wants_wifi(card: Card) -> None:
    card.install("NAMPEDAL_PEDAL=zero-2-w-codec-zero\nNAMPEDAL_RADIO=off\nNAMPEDAL_IMAGE=1\n")
    card.enqueue('[wifi]\nname = "a"\npassword = "password"\ncountry = "DE"')
    card.boot()
    assert card.system.said[0] == "radio off"
    assert not card.at(SUPPLICANT).exists()
    assert card.wrong() == [
        "nampedal.toml: wifi: this card was made without a radio; make one with 'nampedal image build --radio on'"
    ]
    card.enqueue('[hotspot]\nname = "p"\npassword = "password"\ncountry = "DE"\n[wifi]\nname = "a"\nopen = true')
    card.boot()
    assert card.wrong() == [
        "nampedal.toml: wifi and hotspot: this card was made without a radio; make one with 'nampedal image build "
        "--radio on'"
    ]


def test_a_system_that_was_there_keeps_its_network(card: Card) -> None:
    card.install("NAMPEDAL_PEDAL=zero-2-w-codec-zero\n")
    card.enqueue(f'ssh_key = "{KEY}"\n[wifi]\nname = "a"\npassword = "password"\ncountry = "DE"')
    card.boot()
    assert card.system.said[:1] == [f"mount -o remount,rw {card.folder}"]
    assert card.wrong() == [
        "nampedal.toml: ssh_key: nampedal was installed on a system that was there, whose network is left alone; use "
        "ssh-copy-id",
        "nampedal.toml: wifi: nampedal was installed on a system that was there, whose network is left alone; use "
        "raspi-config",
    ]
    card.enqueue('[hotspot]\nname = "p"\npassword = "password"\ncountry = "DE"')
    card.boot()
    assert card.wrong() == [
        "nampedal.toml: hotspot: nampedal was installed on a system that was there, whose network is left alone; use "
        "nmcli"
    ]


def test_mistakes_are_told_on_the_card_and_by_light_until_they_are_mended(card: Card) -> None:
    card.enqueue('host_name = "my pedal"\nhat = 3')
    (card.imports / "amp.nam").write_text("{}")
    card.boot()
    assert card.errors.read_bytes().startswith(b"What is wrong with this card.")
    told = card.wrong()
    assert told == [
        "nampedal.toml: host_name: is 'my pedal'; 1 to 63 letters, digits and hyphens are needed, no hyphen at an end",
        "nampedal.toml: hat: is 3; one line of text is needed",
        "import/amp.nam: is a capture that is not converted yet; make an artifact of it with 'nampedal convert' on a "
        "computer",
    ]
    assert read_boot_codes(card.at(system_paths.CARD_ANNOUNCEMENT)) == [4]
    assert card.folder in card.system.read_only
    # FAT is written only where something has changed.
    before = card.errors.stat()
    card.boot()
    assert card.system.said == ["radio off"]
    assert card.errors.stat().st_mtime_ns == before.st_mtime_ns
    card.enqueue("")
    (card.imports / "amp.nam").unlink()
    card.boot()
    assert not card.errors.exists()
    assert read_boot_codes(card.at(system_paths.CARD_ANNOUNCEMENT)) == []
    assert card.folder in card.system.read_only


def test_whatever_fails_the_rest_is_done(card: Card, monkeypatch: pytest.MonkeyPatch) -> None:
    def burst(*_: object) -> None:
        raise ZeroDivisionError("by a bug")

    card.enqueue(f'host_name = "stage"\nssh_key = "{KEY}"')
    (card.imports / "amp.stomp").write_bytes(amp())
    card.system.fails.add("ssh-keygen")
    monkeypatch.setattr(radio, "set_up_wifi", burst)
    boot = card.boot()
    assert card.wrong() == [
        "ssh-keygen: failed: it was to",
        "Wi-Fi: nampedal itself went wrong: ZeroDivisionError: by a bug",
    ]
    assert card.system.name == "stage"
    assert boot.taken == ["imported"]
    assert read_boot_codes(card.at(system_paths.CARD_ANNOUNCEMENT)) == [4, 5]


def test_a_card_that_can_not_be_written_costs_the_file_only(card: Card) -> None:
    card.enqueue("host_name = 3")
    card.system.fails.add("mount")
    boot = card.boot()
    assert boot.problems[-1] == "mount: failed: it was to"
    assert not card.errors.exists()
    assert read_boot_codes(card.at(system_paths.CARD_ANNOUNCEMENT)) == [4]


def test_no_card_no_data_no_settings_is_told_and_nothing_else(card: Card) -> None:
    card.install("NAMPEDAL_PEDAL=\0\xff")
    subprocess.run(["rm", "-r", card.folder, card.at(system_paths.DATA)], check=True)
    card.at(system_paths.DATA).write_text("no folder")
    problems = card.boot().problems
    assert problems[0] == f"{card.at(system_paths.DATA)}: can't be made: file exists; nampedal keeps nothing"


# ---- partitions that are mounted late ----

NOT_MOUNTED = "its partition is not mounted: the card is slow or fails; it is used as soon as it is mounted"


@contextmanager
def pedal_at(path: Path) -> Iterator[list[Json]]:
    """Somebody who answers there, and keeps what was asked."""
    asked: list[Json] = []

    def answer(request: Json) -> Json:
        asked.append(request)
        return {}

    server = ControlServer(path, answer)
    over = threading.Event()

    def poll() -> None:
        while not over.wait(0.01):
            server.poll()

    thread = threading.Thread(target=poll)
    thread.start()
    try:
        yield asked
    finally:
        over.set()
        thread.join()
        server.close()


def test_a_boot_that_is_cut_off_leaves_its_folder_and_four_blinks(card: Card, monkeypatch: pytest.MonkeyPatch) -> None:
    card.boot()
    assert read_boot_codes(card.at(system_paths.CARD_ANNOUNCEMENT)) == []

    def killed() -> None:
        raise SystemExit

    monkeypatch.setattr(card.system, "set_radio", lambda on: killed())
    with pytest.raises(SystemExit):
        card.boot()
    assert not card.at(system_paths.CARD_ANNOUNCEMENT).exists()
    assert read_boot_codes(card.at(system_paths.CARD_ANNOUNCEMENT)) == [CARD_TROUBLE]


def test_data_that_is_mounted_late_is_used_then_and_the_pedal_begins_anew(card: Card) -> None:
    make_bank(card.imports / "rock")
    card.enqueue(f'ssh_key = "{KEY}"')
    card.system.late.add(card.at(system_paths.DATA))
    first = card.boot()
    assert first.missing == [system_paths.DATA]
    assert first.problems[0] == f"{system_paths.DATA}: {NOT_MOUNTED}"
    assert card.at(system_paths.CARD_LATE).read_text() == "/var/lib/nampedal\n"
    assert not first.is_outdated()
    assert read_boot_codes(card.at(system_paths.CARD_ANNOUNCEMENT))[0] == CARD_TROUBLE
    assert "systemctl --no-block restart nampedal.service" not in card.system.said
    card.system.late.clear()
    assert first.is_outdated()
    second = card.boot()
    assert second.problems == []
    assert not card.at(system_paths.CARD_LATE).exists()
    assert card.wrong() == []
    assert card.system.said[-2:] == [
        "systemctl reset-failed nampedal.service",
        "systemctl --no-block restart nampedal.service",
    ]
    assert "systemctl --no-block start systemd-networkd.service ssh.service" in card.system.said
    card.boot()
    assert "systemctl --no-block restart nampedal.service" not in card.system.said


def test_a_card_that_is_mounted_late_brings_its_banks_while_the_pedal_plays(card: Card) -> None:
    aside = card.folder.with_name("aside")
    card.system.late.add(card.folder)
    make_bank(card.imports / "rock")
    card.folder.rename(aside)
    first = card.boot()
    assert first.missing == [system_paths.CARD]
    assert card.bank_names() == []
    card.system.late.clear()
    aside.rename(card.folder)
    with pedal_at(card.at(SOCKET)) as asked:
        assert card.boot().taken == ["rock"]
    assert asked == [{"do": "rescan"}, {"do": "announce", "code": 5}]
    assert not [line for line in card.system.said if "nampedal.service" in line]


def test_a_card_and_data_that_come_one_behind_the_other_are_both_used(card: Card) -> None:
    both = {card.folder, card.at(system_paths.DATA)}
    card.system.late |= both
    assert card.boot().missing == [system_paths.CARD, system_paths.DATA]
    card.system.late.discard(card.folder)
    assert card.boot().missing == [system_paths.DATA]
    assert not [line for line in card.system.said if "nampedal.service" in line]
    card.system.late.clear()
    card.boot()
    assert "systemctl --no-block restart nampedal.service" in card.system.said


def test_a_system_that_was_there_has_no_partitions_of_ours(card: Card) -> None:
    card.install("NAMPEDAL_PEDAL=zero-2-w-codec-zero\n")
    card.system.late |= {card.folder, card.at(system_paths.DATA)}
    boot = card.boot()
    assert boot.missing == []
    assert boot.problems == []


def test_a_settings_file_that_is_a_folder_is_told(card: Card) -> None:
    card.settings.mkdir()
    card.boot()
    assert card.wrong() == ["nampedal.toml: can't be read: is a directory"]


def test_a_boot_opens_nothing_that_is_new_and_has_it_imported_behind_the_sound(card: Card) -> None:
    (card.imports / "amp.stomp").write_bytes(amp())
    boot = Boot(card.system, None, card.root)
    boot.run()
    assert (boot.problems, boot.taken) == ([], [])
    assert card.system.said == ["radio off", START_IMPORT]
    assert card.bank_names() == []
    assert import_card(card.system, card.root).taken == ["imported"]


def test_without_the_unit_the_boot_imports_itself(card: Card) -> None:
    """As an update of an older nampedal leaves it, which brings no units."""
    (card.imports / "amp.stomp").write_bytes(amp())
    (card.imports / "broken.stomp").write_bytes(b"no")
    card.system.fails.add("systemctl")
    assert card.boot().taken == ["imported"]
    (told,) = card.wrong()
    assert told.startswith("import/broken.stomp: ")
    assert read_boot_codes(card.at(system_paths.CARD_ANNOUNCEMENT)) == [4, 5]
    assert START_IMPORT not in card.system.said


def test_an_import_adds_to_what_the_boot_has_told(card: Card) -> None:
    card.enqueue("host_name = 3")
    (card.imports / "amp.nam").write_text("{}")
    (card.imports / "broken.stomp").write_bytes(b"no")
    card.boot()
    assert [line.partition(": ")[0] for line in card.wrong()] == [
        *("nampedal.toml", "import/amp.nam", "import/broken.stomp"),
    ]
    before = card.errors.stat().st_mtime_ns
    card.boot()
    assert card.errors.stat().st_mtime_ns == before


def test_an_import_asks_the_pedal_that_plays_and_leaves_no_news_then(
    card: Card, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    monkeypatch.setattr(usb_stick, "ask", lambda path, request: asked.append(request))
    (card.imports / "amp.stomp").write_bytes(amp())
    (card.imports / "broken.stomp").write_bytes(b"no")
    (card.imports / "amp.nam").write_text("{}")
    card.boot()
    assert asked == [{"do": "rescan"}, {"do": "announce", "code": 5}, {"do": "announce", "code": 4}]
    # The boot has told of amp.nam.
    assert read_boot_codes(card.at(system_paths.CARD_ANNOUNCEMENT)) == [4]


def test_an_import_that_goes_wrong_is_told(card: Card, monkeypatch: pytest.MonkeyPatch) -> None:
    def burst(*_: object, **__: object) -> None:
        raise ZeroDivisionError("by a bug")

    (card.imports / "amp.stomp").write_bytes(amp())
    monkeypatch.setattr(import_launcher, "run_import", burst)
    card.boot()
    assert card.wrong() == ["import: nampedal itself went wrong: ZeroDivisionError: by a bug"]


@pytest.mark.parametrize("linked", ["state/nampedal", "state/nampedal/card.toml", "state/nampedal/import.toml"])
def test_root_follows_no_link_of_the_players(card: Card, linked: str, caplog: pytest.LogCaptureFixture) -> None:
    """What it would read there only root may read."""
    (card.imports / "amp.stomp").write_bytes(amp())
    card.boot()
    secret = card.root / "secret"
    secret.mkdir()
    for name in ("card.toml", ".card.toml.old", "import.toml"):
        (secret / name).write_text('root = "hash"')
    state = card.at(system_paths.STATE)
    place = state.parent / linked
    shutil.rmtree(place) if place.is_dir() else place.unlink(missing_ok=True)
    place.symlink_to(secret / place.name if place.suffix else secret)
    caplog.clear()
    known = import_launcher.scan_for_new(card.root, card.imports)
    assert known.fresh == (linked != "state/nampedal/import.toml")
    assert "no known key" not in caplog.text
    assert "too many levels of symbolic links" in caplog.text or "not a directory" in caplog.text


def test_a_pedal_that_plays_has_its_new_banks_though_the_card_can_not_be_written(
    card: Card, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    monkeypatch.setattr(usb_stick, "ask", lambda path, request: asked.append(request))
    (card.imports / "amp.stomp").write_bytes(amp())
    (card.imports / "broken.stomp").write_bytes(b"no")
    card.system.fails.add("mount")
    with pytest.raises(ProgramError, match=r"^mount: failed: it was to$"):
        card.boot()
    assert asked[0] == {"do": "rescan"}
