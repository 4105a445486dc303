"""Another pedal, because the card says so: one restart, whatever comes of it."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from nampedal.board.profiles.pedals import PedalProfile, read_pedal
from nampedal.firmware.base import system_paths
from nampedal.firmware.system.provisioning.pedal_change import CHANGED, CONFIG, Installer
from nampedal.firmware.system.provisioning.reinstall import as_installed
from support.rigs.card_rig import Card

BEFORE = "# mine\r\ndtparam=x\n[all]\ndtoverlay=rpi-codeczero\n"
RESTART = "systemctl --no-block reboot"
MINE = 'name = "Mine"\nboard = "5"\nhat = "my-hat.toml"\n\n[gpio.switches]\n1 = 5\n'


def with_block(config: str, pedal: PedalProfile) -> str:
    return config.partition("[all]\n")[0] + f"[all]\ndtoverlay={pedal.hat.overlay}\n"


def run_files(name: str, pedal: PedalProfile) -> Mapping[str, str]:
    return {"pedal.env": f"NAMPEDAL_PEDAL={name}\nNAMPEDAL_JACK=-d hw:{pedal.hat.card}\n"}


@pytest.fixture
def pi(card: Card) -> Card:
    card.installer = Installer(with_block, run_files)
    card.at(CONFIG).write_text(BEFORE, newline="")
    return card


def env(card: Card) -> str:
    path = card.at(system_paths.CARD_RUN / "pedal.env")
    return path.read_text() if path.exists() else ""


def config(card: Card) -> str:
    return card.at(CONFIG).read_bytes().decode().replace(BEFORE.partition("[all]")[0], "")


def forget(card: Card) -> None:
    """What is in memory is gone after a restart."""
    for path in sorted(card.at(system_paths.CARD_RUN).rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()


def test_a_card_without_a_pedal_leaves_all_as_it_was_installed(pi: Card) -> None:
    pi.boot()
    assert config(pi) == "[all]\ndtoverlay=rpi-codeczero\n"
    assert RESTART not in pi.system.said
    assert not pi.at(CHANGED).exists()
    assert env(pi) == ""


def test_another_pedal_is_changed_over_to_with_one_restart_and_back_with_another(pi: Card) -> None:
    pi.enqueue('pedal = "pi-4-dac-adc"')
    assert pi.boot().restarts
    assert pi.system.said == [
        *("radio off", f"mount -o remount,rw {pi.folder}", f"mount -o remount,ro {pi.folder}", RESTART),
    ]
    assert config(pi) == "[all]\ndtoverlay=hifiberry-dacplusadc\n"
    forget(pi)
    for _ in range(3):
        boot = pi.boot()
        assert (boot.restarts, boot.problems) == (False, [])
        assert env(pi).startswith("NAMPEDAL_PEDAL=pi-4-dac-adc\nNAMPEDAL_JACK=-d hw:sndrpihifiberry\n")
    forget(pi)
    pi.enqueue("")
    assert pi.boot().restarts
    assert config(pi) == "[all]\ndtoverlay=rpi-codeczero\n"
    assert env(pi) == ""
    boot = pi.boot()
    assert (boot.restarts, boot.problems) == (False, [])
    assert not pi.at(CHANGED).exists()


def test_the_installed_pedal_named_once_more_needs_no_restart(pi: Card) -> None:
    pi.enqueue('pedal = "zero-2-w-codec-zero"')
    assert not pi.boot().restarts


def test_another_hat_makes_a_profile_of_its_own_under_the_same_name(pi: Card) -> None:
    pi.enqueue('hat = "hifiberry-dac-adc"')
    assert pi.boot().restarts
    assert config(pi) == "[all]\ndtoverlay=hifiberry-dacplusadc\n"
    name = env(pi).splitlines()[0].removeprefix("NAMPEDAL_PEDAL=")
    pedal = read_pedal(name)
    assert (pedal.key, pedal.hat.key) == ("zero-2-w-codec-zero", "hifiberry-dac-adc")
    assert pedal.wiring == read_pedal("zero-2-w-codec-zero").wiring


def test_a_profile_on_the_card_may_name_a_hat_on_the_card(pi: Card) -> None:
    shipped = read_pedal("pi-4-dac-adc").hat
    (pi.folder / "mine.toml").write_text(MINE)
    (pi.folder / "my-hat.toml").write_text(
        'name = "My HAT"\noverlay = "my-overlay"\ncard = "Mine"\n'
        + "".join(
            f'{name} = {{ value = {value}, status = "chosen", source = "me" }}\n'
            for name, value in (("input_channels", 2), ("output_channels", 2), ("guitar_channel", 1))
        )
        + '[pins]\n18 = "I2S"\n'
    )
    pi.enqueue('pedal = "mine.toml"')
    boot = pi.boot()
    assert boot.problems == []
    assert boot.restarts
    assert config(pi) == "[all]\ndtoverlay=my-overlay\n"
    name = env(pi).splitlines()[0].removeprefix("NAMPEDAL_PEDAL=")
    assert (read_pedal(name).key, read_pedal(name).hat.card) == ("mine", "Mine")
    assert shipped.card != "Mine"


def test_a_usb_interface_takes_the_hats_place_with_one_restart_and_needs_none_from_then_on(card: Card) -> None:
    """With what the installer really writes: no overlay is left in config.txt, and jackd looks for the interface."""
    card.installer = as_installed({"NAMPEDAL_BASE": "raspios"})
    card.at(CONFIG).write_text("[all]\ndtoverlay=x\n")
    card.enqueue('pedal = "pi-4-dac-adc"')
    assert card.boot().restarts
    assert "dtoverlay=hifiberry-dacplusadc\n" in card.at(CONFIG).read_text()
    forget(card)
    assert not card.boot().restarts
    forget(card)
    card.enqueue('pedal = "pi-4-dac-adc"\nhat = "usb"')
    boot = card.boot()
    assert (boot.restarts, boot.problems) == (True, [])
    assert "hifiberry" not in card.at(CONFIG).read_text()
    forget(card)
    boot = card.boot()
    assert (boot.restarts, boot.problems) == (False, [])
    lines = env(card).splitlines()
    assert "NAMPEDAL_USB=any" in lines
    # In place of what the installed pedal's file says.
    assert "NAMPEDAL_CARD=" in lines
    assert "hw:" not in env(card)
    assert '"hw:$NAMPEDAL_CARD"' in card.at(system_paths.CARD_RUN / "mixer").read_text()


def test_a_pedal_with_an_interface_may_name_one_on_the_card(card: Card) -> None:
    card.installer = as_installed({"NAMPEDAL_BASE": "debian"})
    card.at(CONFIG).write_text("[all]\n")
    (card.folder / "mine.toml").write_text(
        'name = "Mine"\nusb = { vendor = "1235", product = "8210" }\n'
        + "".join(
            f'{name} = {{ value = 2, status = "chosen", source = "me" }}\n'
            for name in ("input_channels", "output_channels", "guitar_channel")
        )
    )
    card.enqueue('pedal = "pi-4-usb"\nhat = "mine.toml"')
    assert card.boot().problems == []
    forget(card)
    card.boot()
    assert "NAMPEDAL_USB=1235:8210" in env(card).splitlines()
    assert "NAMPEDAL_INPUT=system:capture_2" in env(card).splitlines()


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ('pedal = "banjo"', "nampedal.toml: pedal: pedal 'banjo': is unknown; known are pi-4-dac-adc, "),
        ('hat = "none"', "nampedal.toml: hat: "),
        ('pedal = "gone.toml"', "nampedal.toml: pedal: gone.toml: can't be read: no such file or directory"),
    ],
)
def test_a_pedal_that_is_not_there_changes_nothing(pi: Card, said: str, told: str) -> None:
    pi.enqueue(said)
    assert not pi.boot().restarts
    assert config(pi) == "[all]\ndtoverlay=rpi-codeczero\n"
    assert env(pi) == ""
    (line,) = pi.wrong()
    assert line.startswith(told)


def test_a_card_that_forgets_what_was_written_is_told_of_and_not_restarted_for_ever(pi: Card) -> None:
    pi.enqueue('pedal = "pi-4-dac-adc"')
    restarts = []
    for _ in range(4):
        restarts.append(pi.boot().restarts)
        told = pi.wrong()
        pi.at(CONFIG).write_text(BEFORE, newline="")
    # Of two in a row, one at most.
    assert restarts == [True, False, True, False]
    assert told == [
        "config.txt: was changed for the pedal, and is as before after a restart; the card may be worn out or locked"
    ]


def test_an_update_on_trial_is_not_ended_by_a_restart(pi: Card) -> None:
    pi.enqueue('pedal = "pi-4-dac-adc"')
    tryboot = pi.at(system_paths.CARD_TRYBOOT)
    tryboot.write_text(BEFORE)
    boot = pi.boot()
    assert (boot.restarts, boot.problems) == (False, [])
    assert config(pi) == "[all]\ndtoverlay=rpi-codeczero\n"
    assert env(pi).startswith("NAMPEDAL_PEDAL=pi-4-dac-adc\n")
    tryboot.unlink()
    assert pi.boot().restarts
    assert config(pi) == "[all]\ndtoverlay=hifiberry-dacplusadc\n"


def test_without_a_place_to_remember_it_there_is_no_restart(pi: Card) -> None:
    pi.enqueue('pedal = "pi-4-dac-adc"')
    pi.at(CHANGED).mkdir(parents=True)
    assert not pi.boot().restarts
    assert config(pi) == "[all]\ndtoverlay=rpi-codeczero\n"
    assert len(pi.wrong()) == 1


def test_a_torn_marker_is_taken_for_a_restart(pi: Card) -> None:
    pi.enqueue('pedal = "pi-4-dac-adc"')
    pi.at(CHANGED).parent.mkdir(parents=True)
    pi.at(CHANGED).write_bytes(b"\0\0")
    assert not pi.boot().restarts
    assert len(pi.wrong()) == 1
    assert pi.boot().restarts


def test_a_restart_comes_before_what_takes_time(pi: Card) -> None:
    pi.enqueue('pedal = "pi-4-dac-adc"')
    (pi.imports / "broken.stomp").write_bytes(b"")
    assert pi.boot().restarts
    assert "take" not in pi.system.said


def test_without_an_installer_it_is_told(pi: Card) -> None:
    pi.installer = None
    pi.enqueue('pedal = "pi-4-dac-adc"')
    assert not pi.boot().restarts
    assert pi.wrong() == ["pedal: this nampedal can't change over to another pedal; make a card for it"]


def test_config_txt_may_hold_anything(pi: Card) -> None:
    pi.at(CONFIG).write_bytes(b"# caf\xe9\n[all]\n")
    pi.enqueue('pedal = "pi-4-dac-adc"')
    assert pi.boot().restarts
    assert pi.at(CONFIG).read_bytes() == b"# caf\xe9\n[all]\ndtoverlay=hifiberry-dacplusadc\n"


def test_no_config_txt_is_told(pi: Card) -> None:
    pi.at(CONFIG).unlink()
    pi.enqueue('pedal = "pi-4-dac-adc"')
    assert not pi.boot().restarts
    assert pi.wrong() == ["config.txt: can't be read: no such file or directory"]


def test_nobody_knows_what_was_installed(pi: Card) -> None:
    pi.install("")
    pi.enqueue('hat = "pisound"')
    pi.boot()
    assert pi.wrong() == ['pedal: nobody says which one was installed; add a line pedal = "..." to nampedal.toml']
