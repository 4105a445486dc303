from __future__ import annotations

from pathlib import Path

import pytest
from nampedal.firmware.system.doctor.checks.check_hardware import (
    check_board,
    check_card,
    check_hat,
    check_overlay,
    check_profile,
)
from support.rigs.sick_pedal import Patient, look, make_image

CONFIG = "/boot/firmware/config.txt"
MODEL = "/proc/device-tree/model"
INSTALL = "run 'sudo nampedal install --pedal zero-2-w-codec-zero', then 'sudo reboot'"
UPDATE = "run 'sudo nampedal update IMAGE' with a new image for the pedal 'zero-2-w-codec-zero'"


# ---- profile ----


def test_a_profile_that_can_be_read_is_named(pedal: Patient) -> None:
    assert look(pedal, check_profile) == ("ok", "zero-2-w-codec-zero: Zero 2 W with a Codec Zero", "")


def test_what_is_no_pedal_is_told_how_to_become_one(tmp_path: Path) -> None:
    assert look(Patient(tmp_path), check_profile) == (
        "wrong",
        "this is no pedal: /etc/nampedal/pedal.env is not there",
        "on the Raspberry Pi of the pedal, run 'sudo nampedal install --pedal PROFILE'",
    )


def test_settings_that_only_others_may_read_are_no_fault(tmp_path: Path) -> None:
    patient = Patient(tmp_path)
    patient.hidden.append("/etc/nampedal/pedal.env")
    assert look(patient, check_profile) == (
        "unknown",
        "/etc/nampedal/pedal.env can't be read",
        "ask again with 'sudo nampedal doctor'",
    )


def test_settings_without_a_pedal_are_wrong(pedal: Patient) -> None:
    pedal.set(NAMPEDAL_PEDAL=None)
    assert look(pedal, check_profile) == (
        "wrong",
        "/etc/nampedal/pedal.env names no pedal (NAMPEDAL_PEDAL)",
        "run 'sudo nampedal install --pedal PROFILE'",
    )


def test_a_profile_that_is_not_there_is_wrong(pedal: Patient) -> None:
    pedal.set(NAMPEDAL_PEDAL="zero-2-w-codec-zera")
    assert look(pedal, check_profile) == (
        "wrong",
        "pedal 'zero-2-w-codec-zera': is unknown; did you mean zero-2-w-codec-zero? known are pi-4-dac-adc, "
        "pi-4-usb, pi-5-serial, zero-2-w-codec-zero; the path of a file has to end in .toml",
        "put right what it says, or run 'sudo nampedal install --pedal PROFILE' with another",
    )


def test_a_profile_in_a_file_is_looked_for_on_the_pedal(pedal: Patient) -> None:
    pedal.set(NAMPEDAL_PEDAL="/etc/nampedal/mine.toml")
    pedal.put("/etc/nampedal/mine.toml", 'name = "Mine"\nboard = "5"\nhat = "pisound"\n')
    assert look(pedal, check_profile) == ("ok", "mine: Mine", "")


# ---- board ----


def test_the_profiles_board_is_recognised(pedal: Patient) -> None:
    assert look(pedal, check_board) == ("ok", "Raspberry Pi Zero 2 W Rev 1.0", "")


@pytest.mark.parametrize(
    ("board", "model", "state"),
    [
        ("3b-plus", "Raspberry Pi 3 Model B Plus Rev 1.3", "ok"),
        ("3b-plus", "Raspberry Pi 3 Model B Rev 1.2", "wrong"),
        ("4b-1.5ghz", "Raspberry Pi 4 Model B Rev 1.1", "ok"),
        ("5", "Raspberry Pi 5 Model B Rev 1.0", "ok"),
        ("5", "Raspberry Pi 500 Rev 1.0", "wrong"),
        ("400", "Raspberry Pi 400 Rev 1.0", "ok"),
        ("cm4", "Raspberry Pi Compute Module 4 Rev 1.0", "ok"),
    ],
)
def test_boards_are_told_from_one_another(pedal: Patient, board: str, model: str, state: str) -> None:
    pedal.set(NAMPEDAL_PEDAL="/mine.toml")
    pedal.put("/mine.toml", f'name = "Mine"\nboard = "{board}"\nhat = "pisound"\n')
    pedal.put(MODEL, model)
    pedal.put("/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq", "2400000\n")
    assert look(pedal, check_board)[0] == state


def test_another_board_is_wrong(pedal: Patient) -> None:
    pedal.put(MODEL, "Raspberry Pi 4 Model B Rev 1.4\0")
    assert look(pedal, check_board) == (
        "wrong",
        "this is a Raspberry Pi 4 Model B Rev 1.4, and the profile is for a Raspberry Pi Zero 2 W",
        f"name the board that it is in the profile of 'zero-2-w-codec-zero', or a pedal with this board: {INSTALL}",
    )


def test_a_slower_board_of_that_name_is_wrong(pedal: Patient) -> None:
    pedal.put("/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq", "600000\n")
    assert look(pedal, check_board) == (
        "wrong",
        "Raspberry Pi Zero 2 W Rev 1.0 runs at 600 MHz at most, and the profile zero-2-w is for one of 1000 MHz: "
        "captures that were made for it may be too much",
        f"name the slower board in the profile of 'zero-2-w-codec-zero': {INSTALL}",
    )


def test_a_board_that_does_not_tell_its_model_is_unknown(pedal: Patient) -> None:
    pedal.put(MODEL, "")
    assert look(pedal, check_board) == (
        "unknown",
        "this machine does not tell its model (/proc/device-tree/model)",
        "",
    )


@pytest.mark.parametrize(("said", "model"), [("qemu", "linux,dummy-virt"), (None, "linux,dummy-virt")])
def test_an_emulated_machine_is_no_board(pedal: Patient, said: str | None, model: str) -> None:
    pedal.put(MODEL, model + "\0")
    pedal.commands.pop("systemd-detect-virt --vm")
    if said is not None:
        pedal.commands["systemd-detect-virt --vm"] = said
    assert look(pedal, check_board) == ("unknown", "an emulated machine: linux,dummy-virt", "")


def test_a_board_of_the_users_own_tells_no_model(pedal: Patient, root: Path) -> None:
    own = (root / "hw-profiles" / "boards" / "5.toml").read_text().replace('"Raspberry Pi 5"', '"My own one"')
    pedal.put("/nobody/nampedal/boards/mine.toml", own)
    pedal.set(NAMPEDAL_PEDAL="/mine.toml")
    pedal.put("/mine.toml", 'name = "Mine"\nboard = "mine"\nhat = "pisound"\n')
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(pedal.real(Path("/nobody"))))
        found = look(pedal, check_board)
    assert found == (
        "unknown",
        "Raspberry Pi Zero 2 W Rev 1.0; the profile mine is of no board that tells its model",
        "",
    )


@pytest.mark.parametrize("check", [check_board, check_overlay])
def test_without_a_profile_nothing_can_be_compared(pedal: Patient, check: object) -> None:
    pedal.set(NAMPEDAL_PEDAL="gone")
    assert callable(check)
    assert look(pedal, check) == ("unknown", "needs the pedal's profile, which can't be read", "")


# ---- HAT ----


def test_a_hat_that_tells_its_name_is_named(pedal: Patient) -> None:
    assert look(pedal, check_hat) == ("ok", "Codec Zero by Raspberry Pi", "")


def test_a_hat_without_an_eeprom_is_unknown(pedal: Patient) -> None:
    pedal.real(Path("/proc/device-tree/hat/product")).unlink()
    assert look(pedal, check_hat) == (
        "unknown",
        "no HAT tells its name: many have no EEPROM; 'sound card' says whether it works",
        "",
    )
    pedal.real(Path("/run/systemd/system")).rmdir()
    assert look(pedal, check_hat) == (
        "unknown",
        "this system does not run here, so no HAT can be asked for its name",
        "",
    )


def test_an_eeprom_that_is_not_read_is_not_needed(pedal: Patient) -> None:
    pedal.real(Path("/proc/device-tree/hat/product")).unlink()
    pedal.put(CONFIG, "[all]\nforce_eeprom_read=0\ndtoverlay=rpi-codeczero\n")
    assert look(pedal, check_hat) == (
        "not applicable",
        "its EEPROM is not read (force_eeprom_read=0); 'sound card' says whether it works",
        "",
    )


# ---- overlay ----


def test_an_overlay_that_is_loaded_is_told(pedal: Patient) -> None:
    assert look(pedal, check_overlay) == ("ok", "/boot/firmware/config.txt loads rpi-codeczero", "")


def test_an_images_overlay_is_looked_for_beside_its_kernel(tmp_path: Path) -> None:
    patient = make_image(tmp_path)
    patient.real(Path("/boot/firmware/overlays/rpi-codeczero.dtbo")).unlink()
    assert look(patient, check_overlay)[0] == "ok"
    # Without this file the firmware takes the overlays of all systems.
    patient.real(Path("/boot/firmware/A/overlays/README")).unlink()
    assert look(patient, check_overlay) == (
        "wrong",
        "/boot/firmware/overlays/rpi-codeczero.dtbo is not there: this system's kernel does not know the HAT",
        UPDATE,
    )


@pytest.mark.parametrize(
    ("config", "found"),
    [
        ("", "does not load rpi-codeczero; it loads none"),
        ("dtoverlay=vc4-kms-v3d\n", "does not load rpi-codeczero; it loads vc4-kms-v3d"),
        ("#dtoverlay=rpi-codeczero\n", "does not load rpi-codeczero; it loads none"),
        ("[none]\ndtoverlay=rpi-codeczero\n", "does not load rpi-codeczero; it loads rpi-codeczero"),
    ],
)
def test_an_overlay_that_is_not_loaded_is_wrong(pedal: Patient, config: str, found: str) -> None:
    pedal.put(CONFIG, config)
    assert look(pedal, check_overlay) == (
        "wrong",
        f"/boot/firmware/config.txt {found}",
        "write the line 'dtoverlay=rpi-codeczero' at the end of /boot/firmware/config.txt, below a line [all], "
        "then 'sudo reboot'",
    )


def test_an_overlay_without_its_parameters_is_wrong(pedal: Patient, root: Path) -> None:
    hat = (root / "hw-profiles" / "hats" / "pisound.toml").read_text()
    pedal.put("/nobody/nampedal/hats/mine.toml", 'overlay_parameters = ["slave", "gain=3"]\n' + hat)
    pedal.set(NAMPEDAL_PEDAL="/mine.toml")
    pedal.put("/mine.toml", 'name = "Mine"\nboard = "5"\nhat = "mine"\n')
    pedal.put(CONFIG, "dtoverlay=pisound,slave\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(pedal.real(Path("/nobody"))))
        found = look(pedal, check_overlay)
        assert found[:2] == ("wrong", "/boot/firmware/config.txt loads pisound without gain=3")
        assert "'dtoverlay=pisound,slave,gain=3'" in found[2]
        pedal.put(CONFIG, "dtoverlay=pisound\ndtparam=slave\ndtparam=gain=3\n")
        pedal.put("/boot/firmware/overlays/pisound.dtbo", "")
        assert look(pedal, check_overlay)[0] == "ok"


def test_an_overlay_of_some_boards_only_is_unknown(pedal: Patient) -> None:
    pedal.put(CONFIG, "[pi4]\ndtoverlay=rpi-codeczero\n")
    assert look(pedal, check_overlay) == (
        "unknown",
        "/boot/firmware/config.txt loads rpi-codeczero only where [pi4] is so",
        "",
    )


def test_an_overlay_that_the_system_lacks_is_wrong(pedal: Patient) -> None:
    pedal.real(Path("/boot/firmware/overlays/rpi-codeczero.dtbo")).unlink()
    assert look(pedal, check_overlay) == (
        "wrong",
        "/boot/firmware/overlays/rpi-codeczero.dtbo is not there: this system's kernel does not know the HAT",
        "run 'sudo apt full-upgrade', then 'sudo reboot'",
    )
    pedal.set(NAMPEDAL_BASE="debian")
    assert look(pedal, check_overlay)[0] == "ok"


def test_without_a_config_nothing_is_known_of_overlays(pedal: Patient) -> None:
    pedal.real(Path(CONFIG)).unlink()
    assert look(pedal, check_overlay) == (
        "unknown",
        "/boot/firmware/config.txt is not there, or can't be read",
        "",
    )


# ---- sound card ----


def test_the_hats_card_is_found_by_its_name(pedal: Patient) -> None:
    assert look(pedal, check_card) == ("ok", "Zero: RPi_Codec_Zero - RPi Codec Zero, card 1", "")


@pytest.mark.parametrize(
    ("cards", "there"),
    [("--- no soundcards ---\n", "none"), (" 0 [vc4hdmi        ]: vc4-hdmi - vc4-hdmi\n      x\n", "vc4hdmi")],
)
def test_a_card_that_is_not_there_is_wrong(pedal: Patient, cards: str, there: str) -> None:
    pedal.put("/proc/asound/cards", cards)
    assert look(pedal, check_card) == (
        "wrong",
        f"there is no card 'Zero'; there is {there}",
        "switch off, press the HAT down on all 40 pins, switch on; if 'overlay' above is wrong, mend that first",
    )


def test_linux_without_sound_has_no_card(pedal: Patient) -> None:
    pedal.real(Path("/proc/asound/cards")).unlink()
    assert look(pedal, check_card)[:2] == ("wrong", "there is no card 'Zero'; there is none")


@pytest.mark.parametrize(("letter", "what"), [("c", "input"), ("p", "output")])
def test_a_card_that_goes_one_way_only_is_wrong(pedal: Patient, letter: str, what: str) -> None:
    (pedal.real(Path(f"/proc/asound/card1/pcm0{letter}")) / "info").unlink()
    pedal.real(Path(f"/proc/asound/card1/pcm0{letter}")).rmdir()
    assert look(pedal, check_card) == (
        "wrong",
        f"the card 'Zero' (RPi_Codec_Zero - RPi Codec Zero) has no {what}",
        "this HAT can't be a guitar pedal, or its overlay is wrong",
    )


def test_jackd_without_a_card_needs_none(pedal: Patient) -> None:
    pedal.set(NAMPEDAL_JACK="-d dummy")
    assert look(pedal, check_card) == ("not applicable", "jackd is told to use no card (driver dummy)", "")


def test_settings_that_do_not_say_how_jackd_runs_leave_it_unknown(pedal: Patient) -> None:
    pedal.set(NAMPEDAL_JACK=None)
    assert look(pedal, check_card) == (
        "unknown",
        "/etc/nampedal/pedal.env does not say how jackd is to run (NAMPEDAL_JACK)",
        "",
    )
