from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from nampedal.firmware.presets import preset
from nampedal.firmware.presets.banks.bank import check_preset
from nampedal.firmware.presets.preset import Nam, Preset
from nampedal.firmware.system.doctor.checks.check_banks import as_owner, check_artifacts, check_presets
from nampedal.firmware.system.doctor.context import Check
from support.makers import bank_maker
from support.rigs.sick_pedal import Patient, amp, look

BANKS = Path("/var/lib/nampedal/banks")


def test_presets_that_can_be_played_are_counted(pedal: Patient) -> None:
    assert look(pedal, check_presets) == ("ok", "2 presets in 1 bank can be played", "")


def test_artifacts_that_sound_as_they_should_are_counted(pedal: Patient) -> None:
    assert look(pedal, check_artifacts) == ("ok", "1 verified", "")


def test_a_pedal_without_banks_is_wrong(pedal: Patient) -> None:
    shutil.rmtree(pedal.real(BANKS / "rock"))
    assert look(pedal, check_presets) == (
        "wrong",
        "/var/lib/nampedal/banks holds no bank: there is nothing to play",
        "put one there: 'sudo nampedal bank import FILE.nampedal-bank --into /var/lib/nampedal/banks'",
    )
    assert look(pedal, check_artifacts) == ("ok", "0 verified", "")


def test_a_folder_of_banks_that_is_gone_is_wrong(pedal: Patient) -> None:
    shutil.rmtree(pedal.real(BANKS))
    assert look(pedal, check_presets) == (
        "wrong",
        f"{pedal.real(BANKS)}: can't be read: no such file or directory",
        "run 'sudo nampedal install --pedal zero-2-w-codec-zero', then 'sudo reboot'",
    )


def test_presets_that_can_not_be_played_say_why(pedal: Patient) -> None:
    rock = pedal.real(BANKS / "rock")
    (rock / "cabs" / "v30.wav").unlink()
    (rock / "lead.toml").write_text("name = [")
    pedal.put(f"{BANKS}/empty/bank.toml", "format = 1\n")
    state, found, mend = look(pedal, check_presets)
    assert state == "wrong"
    assert f"{pedal.real(BANKS / 'empty')}: holds no presets; put at least one .toml there; " in found
    assert f"{rock / 'crunch.toml'}: cabs/v30.wav is missing" in found
    assert f"{rock / 'lead.toml'}: " in found
    assert mend == "'nampedal bank list /var/lib/nampedal/banks/BANK' shows it; remove or copy them again"


def test_an_artifact_that_changed_is_wrong(pedal: Patient) -> None:
    path = pedal.real(BANKS / "rock" / "amp.stomp")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x10
    path.write_bytes(data)
    state, found, mend = look(pedal, check_artifacts)
    assert state == "wrong"
    assert found.startswith(f"{path}: ")
    assert mend == "convert these captures again, or copy them again; a card may be failing"


def test_an_artifact_without_golden_vectors_is_no_fault(pedal: Patient) -> None:
    pedal.real(BANKS / "rock" / "plain.stomp").write_bytes(bank_maker.amp())
    assert look(pedal, check_artifacts) == (
        "ok",
        "1 verified; 1 can't be verified: they have no golden vectors",
        "",
    )


def test_a_tflite_is_checked_for_damage(pedal: Patient) -> None:
    rock = pedal.real(BANKS / "rock")
    (rock / "lite.tflite").write_bytes(bank_maker.tflite())
    preset.write(Preset("Lite", (Nam("lite.tflite"),)), rock / "lite.toml")
    assert look(pedal, check_presets) == ("ok", "3 presets in 1 bank can be played", "")
    found = "1 verified; 1 can't be verified: they have no golden vectors"
    assert look(pedal, check_artifacts) == ("ok", found, "")
    (rock / "lite.tflite").write_bytes(bank_maker.tflite()[:-1] + bytes([bank_maker.tflite()[-1] ^ 1]))
    state, said, _ = look(pedal, check_artifacts)
    damage = "is damaged: its checksum does not match; copy or convert it again"
    assert (state, said) == ("wrong", f"{rock / 'lite.tflite'}: {damage}")


@pytest.mark.parametrize(
    ("check", "found"),
    [
        (check_presets, "2 presets in 1 bank can be played; 1 bank not looked at: that takes too long"),
        (check_artifacts, "1 verified; 1 artifact not looked at: that takes too long"),
    ],
)
def test_what_takes_too_long_is_left_out_and_told(pedal: Patient, check: Check, found: str) -> None:
    jazz = bank_maker.make_bank(pedal.real(BANKS / "z-jazz"))
    (jazz / "amp.stomp").write_bytes(amp())
    pedal.seconds_per_look = 40.0
    assert look(pedal, check) == ("ok", found, "")


@pytest.mark.parametrize("check", [check_presets, check_artifacts])
def test_banks_that_only_others_may_read_are_unknown(pedal: Patient, check: Check) -> None:
    pedal.hidden.append(str(BANKS))
    assert look(pedal, check) == (
        "unknown",
        "/var/lib/nampedal/banks can't be read",
        "ask again with 'sudo nampedal doctor'",
    )


@pytest.fixture
def everybodys() -> Iterator[Path]:
    """A folder that other users come to."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def test_root_reads_nothing_through_a_link_that_the_player_could_not(everybodys: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can look with the rights of another user")
    nobody = 65534
    secret, banks = everybodys / "secret", everybodys / "banks"
    secret.write_text("root:hash")
    secret.chmod(0o600)
    banks.mkdir()
    (banks / "lead.toml").symlink_to(secret)
    os.chown(banks, nobody, nobody)
    groups = os.getgroups()
    with as_owner(banks):
        assert (os.geteuid(), os.getegid(), os.getgroups()) == (nobody, nobody, [])
        assert check_preset(banks / "lead.toml").problems == (f"{banks}/lead.toml: can't be read: permission denied",)
    assert (os.geteuid(), os.getgroups()) == (0, groups)
    assert check_preset(banks / "lead.toml").problems[0].startswith(f"{banks}/lead.toml: is not TOML: ")


def test_a_system_that_never_started_has_no_banks_yet(pedal: Patient) -> None:
    shutil.rmtree(pedal.real(BANKS))
    assert look(pedal, check_presets)[0] == "wrong"
    pedal.real(Path("/run/systemd/system")).rmdir()
    assert look(pedal, check_presets) == (
        *("unknown", "/var/lib/nampedal/banks is not there: it is made at the first start", ""),
    )
