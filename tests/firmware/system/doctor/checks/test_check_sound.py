from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from nampedal.firmware.system.doctor.checks.check_sound import (
    check_controls,
    check_jack_settings,
    check_jackd,
    check_load,
    check_machine_watchdog,
    check_player,
    check_plays,
    check_watchdog,
    check_xruns,
)
from nampedal.firmware.system.doctor.context import JACK, PLAYER, SAFE, THROUGH, Check
from nampedal.firmware.system.doctor.errors import CheckTimeoutError
from support.rigs.sick_pedal import JACKD, STATUS, Patient, look

INSTALL = "run 'sudo nampedal install --pedal zero-2-w-codec-zero', then 'sudo reboot'"
AGAIN = "sudo systemctl restart nampedal-jack nampedal"
ANEW = "sudo systemctl reset-failed nampedal nampedal-safe && sudo systemctl restart nampedal"
WANTED = "48000 Hz, 2 periods of 128 frames (2.7 ms each), hw:Zero"


def say(pedal: Patient, **status: Any) -> None:
    pedal.answers["status"] = STATUS | status


# ---- jackd ----


def test_jackd_that_runs_is_well(pedal: Patient) -> None:
    assert look(pedal, check_jackd) == ("ok", "runs", "")
    pedal.units[JACK]["NRestarts"] = "1"
    assert look(pedal, check_jackd) == ("ok", "runs, started anew 1 time", "")


def test_a_script_that_waits_for_the_hats_card_is_no_jackd(pedal: Patient) -> None:
    pedal.put(f"/proc/{JACKD}/cmdline", "/bin/sh\0/usr/local/lib/nampedal/jack\0")
    assert look(pedal, check_jackd) == (
        "wrong",
        "waits for the sound card, see 'sound card'",
        "mend what 'sound card' says; jackd starts by itself",
    )


def test_jackd_that_is_not_installed_is_wrong(pedal: Patient) -> None:
    pedal.units[JACK]["LoadState"] = "not-found"
    assert look(pedal, check_jackd) == ("wrong", "the service nampedal-jack is not installed", INSTALL)


def test_jackd_that_failed_is_wrong(pedal: Patient) -> None:
    pedal.units[JACK] |= {"ActiveState": "failed", "Result": "exit-code"}
    assert look(pedal, check_jackd) == (
        "wrong",
        "does not run: failed (exit-code)",
        f"read 'journalctl -b -u nampedal-jack'; mostly it is the sound card, see above; then '{AGAIN}'",
    )


# ---- its settings ----


def test_jackd_that_runs_as_it_should_is_well(pedal: Patient) -> None:
    assert look(pedal, check_jack_settings) == ("ok", WANTED, "")


def test_settings_that_name_two_cards_are_wrong(pedal: Patient) -> None:
    pedal.set(NAMPEDAL_CARD="pisound")
    assert look(pedal, check_jack_settings) == (
        "wrong",
        "/etc/nampedal/pedal.env has jackd use the card 'Zero' and says that the HAT is 'pisound'",
        INSTALL,
    )


def test_settings_that_changed_since_it_began_are_wrong(pedal: Patient) -> None:
    pedal.set(NAMPEDAL_JACK="-R -P 70 -d alsa -d hw:Zero -r 48000 -p 64")
    assert look(pedal, check_jack_settings) == (
        "wrong",
        "jackd runs with other settings than /etc/nampedal/pedal.env has now: 48000 Hz, 2 periods of 64 frames "
        "(1.3 ms each), hw:Zero",
        f"run '{AGAIN}'",
    )


def test_jackd_that_does_not_answer_is_wrong(pedal: Patient) -> None:
    say(pedal, playing=False, sample_rate_hz=None, period_frames=None)
    assert look(pedal, check_jack_settings) == ("wrong", "jackd runs, and does not answer nampedal", f"run '{AGAIN}'")


def test_another_period_than_asked_for_is_wrong(pedal: Patient) -> None:
    say(pedal, period_frames=256)
    assert look(pedal, check_jack_settings) == (
        "wrong",
        f"jackd plays 48000 Hz in periods of 256 frames, and /etc/nampedal/pedal.env has {WANTED}",
        f"run '{AGAIN}'",
    )


def test_jackd_that_does_not_run_has_no_settings(pedal: Patient) -> None:
    pedal.units[JACK]["MainPID"] = "0"
    assert look(pedal, check_jack_settings) == ("unknown", "nampedal-jack does not run", "")


def test_a_command_line_that_nobody_tells_is_not_compared(pedal: Patient) -> None:
    pedal.real(Path(f"/proc/{JACKD}/cmdline")).unlink()
    assert look(pedal, check_jack_settings)[0] == "ok"


# ---- nampedal ----


def test_a_pedal_that_plays_is_well(pedal: Patient) -> None:
    assert look(pedal, check_player) == ("ok", "runs; it says: plays crunch of rock", "")


def test_a_pedal_that_plays_through_is_wrong(pedal: Patient) -> None:
    pedal.units[THROUGH]["ActiveState"] = "active"
    assert look(pedal, check_player) == (
        "wrong",
        "nampedal failed again and again, and so did the safe preset: the guitar goes straight through",
        f"read 'journalctl -b -u nampedal -u nampedal-safe', mend what it says, then '{ANEW}'",
    )


def test_the_safe_preset_is_wrong(pedal: Patient) -> None:
    pedal.units[SAFE]["ActiveState"] = "active"
    assert look(pedal, check_player) == (
        "wrong",
        "nampedal failed five times: the safe preset plays, dry",
        f"read 'journalctl -b -u nampedal', mend what it says, then '{ANEW}'",
    )


@pytest.mark.parametrize(
    ("unit", "found", "mend"),
    [
        ({"LoadState": "not-found"}, "the service nampedal is not installed", INSTALL),
        (
            {"ActiveState": "activating", "StatusText": "waits for the JACK server"},
            "is still starting; it says: waits for the JACK server",
            "wait half a minute, ask again; if it stays so, read 'journalctl -b -u nampedal'",
        ),
        (
            {"ActiveState": "activating", "SubState": "auto-restart", "NRestarts": "3"},
            "is still starting, started anew 3 times; it says: plays crunch of rock",
            "wait half a minute, ask again; if it stays so, read 'journalctl -b -u nampedal'",
        ),
        (
            {"ActiveState": "failed", "Result": "watchdog"},
            "does not run: failed (watchdog)",
            f"read 'journalctl -b -u nampedal', mend what it says, then '{ANEW}'",
        ),
        (
            {"ActiveState": "inactive"},
            "does not run: inactive",
            f"read 'journalctl -b -u nampedal', mend what it says, then '{ANEW}'",
        ),
        (
            {"NRestarts": "2"},
            "runs, and failed before, started anew 2 times",
            "read 'journalctl -b -u nampedal' for why; a new start begins counting anew",
        ),
    ],
)
def test_what_is_wrong_with_nampedal_is_told(pedal: Patient, unit: dict[str, str], found: str, mend: str) -> None:
    pedal.units[PLAYER] |= unit
    assert look(pedal, check_player) == ("wrong", found, mend)


# ---- watchdogs ----


def test_a_watchdog_that_is_armed_is_told(pedal: Patient) -> None:
    assert look(pedal, check_watchdog) == ("ok", "nampedal is started anew if it hangs for 10s", "")


@pytest.mark.parametrize("every", ["0", "infinity", ""])
def test_a_watchdog_that_is_off_is_wrong(pedal: Patient, every: str) -> None:
    pedal.units[PLAYER]["WatchdogUSec"] = every
    assert look(pedal, check_watchdog) == ("wrong", "nobody would notice if nampedal hung", INSTALL)


def test_the_safe_presets_watchdog_counts_while_it_plays(pedal: Patient) -> None:
    pedal.units[SAFE] |= {"ActiveState": "active", "WatchdogUSec": "20s"}
    assert look(pedal, check_watchdog)[1] == "nampedal is started anew if it hangs for 20s"


def test_what_is_not_installed_has_no_watchdog(pedal: Patient) -> None:
    pedal.units[PLAYER]["LoadState"] = "not-found"
    assert look(pedal, check_watchdog) == ("unknown", "nampedal is not installed", "")


def test_the_machines_watchdog_is_looked_at(pedal: Patient) -> None:
    asked = "systemctl show --property=RuntimeWatchdogUSec"
    assert look(pedal, check_machine_watchdog) == ("ok", "the machine is started anew if it hangs for 15s", "")
    pedal.commands[asked] = "RuntimeWatchdogUSec=0"
    assert look(pedal, check_machine_watchdog) == (
        "wrong",
        "nobody would notice if the whole machine hung (RuntimeWatchdogSec)",
        INSTALL,
    )
    pedal.fails["systemctl"] = CheckTimeoutError("systemctl", 30.0)
    assert look(pedal, check_machine_watchdog)[1] == "systemd did not answer within 30 s: the machine is very busy"
    pedal.real(Path("/dev/watchdog0")).unlink()
    assert look(pedal, check_machine_watchdog) == (
        "unknown",
        "this machine has no watchdog in hardware, or its driver is not loaded",
        "",
    )


# ---- what plays ----


def test_what_plays_is_told(pedal: Patient) -> None:
    assert look(pedal, check_plays) == ("ok", "crunch of rock", "")
    say(pedal, bypass=True, muted=True)
    assert look(pedal, check_plays) == ("ok", "crunch of rock (bypassed, muted)", "")


@pytest.mark.parametrize(
    ("presets", "why"),
    [
        ([], "there is no preset"),
        ([{"error": "gone.stomp: is not there"}, {"error": None}], "gone.stomp: is not there"),
    ],
)
def test_a_stage_without_a_preset_is_wrong(pedal: Patient, presets: list[dict[str, Any]], why: str) -> None:
    pedal.answers["presets"] = {"presets": presets}
    mend = "mend what is wrong above, or the presets below"
    say(pedal, preset=None)
    assert look(pedal, check_plays) == ("wrong", f"nothing plays: {why}", mend)
    say(pedal, preset="dry", last_resort=True, safe=False)
    assert look(pedal, check_plays) == (
        "wrong",
        f"no preset plays, the guitar comes out dry: {why}",
        "mend 'nampedal' above, or the presets below",
    )


def test_a_pedal_that_waits_for_jackd_says_so(pedal: Patient) -> None:
    say(pedal, preset=None, playing=False)
    assert look(pedal, check_plays)[1] == "nothing plays: it waits for jackd"
    say(pedal, preset="dry", last_resort=True, safe=True)
    assert look(pedal, check_plays)[1] == ("no preset plays, the guitar comes out dry: it was started so (--safe)")


def test_a_few_xruns_are_no_fault_and_many_are(pedal: Patient) -> None:
    assert look(pedal, check_xruns) == ("ok", "1 since nampedal began", "")
    say(pedal, xruns=5)
    assert look(pedal, check_xruns)[0] == "ok"
    say(pedal, xruns=6)
    assert look(pedal, check_xruns) == (
        "wrong",
        "6 gaps in the sound since nampedal began",
        "mend what is wrong with load, real time, governor, power, heat; then try longer periods in the profile of the "
        "HAT (period_frames)",
    )


@pytest.mark.parametrize(
    ("high", "quality", "found"),
    [
        (0.91, "tier 0", "91 % of the time at most (p99.9), quality: tier 0"),
        (0.41, "tier 1", "41 % of the time at most (p99.9), quality: tier 1"),
    ],
)
def test_a_preset_that_is_too_much_is_wrong(pedal: Patient, high: float, quality: str, found: str) -> None:
    say(pedal, load={"p99.9": high}, quality=quality)
    assert look(pedal, check_load) == (
        "wrong",
        f"crunch is too much for this board: {found}",
        "make its captures smaller on a computer: 'nampedal convert CAPTURE.nam --board zero-2-w'; "
        "or take a block out of the preset",
    )
    pedal.set(NAMPEDAL_PEDAL="gone")
    assert "--board BOARD'" in look(pedal, check_load)[2]


def test_a_load_that_fits_is_told(pedal: Patient) -> None:
    assert look(pedal, check_load) == ("ok", "41 % of the time at most (p99.9), quality: tier 0", "")


@pytest.mark.parametrize("check", [check_load, check_xruns])
def test_an_emulated_machine_is_not_held_to_its_time(pedal: Patient, check: Check) -> None:
    say(pedal, xruns=900, load={"p99.9": 2.0}, quality="dry")
    pedal.commands["systemd-detect-virt --vm"] = "qemu"
    assert look(pedal, check) == ("unknown", "an emulated machine (qemu) keeps no time", "")


# ---- controls ----


def test_controls_that_answer_are_named(pedal: Patient) -> None:
    assert look(pedal, check_controls) == ("ok", "all answer: gpio", "")


def test_controls_that_fail_say_why(pedal: Patient) -> None:
    say(pedal, controls={"gpio": "gpio: pin 5 is taken by another program; end it", "serial": "serial: is gone"})
    assert look(pedal, check_controls) == (
        "wrong",
        "gpio: pin 5 is taken by another program; end it; serial: is gone",
        "do what it says; how it is wired is in the profile 'zero-2-w-codec-zero'; nampedal tries again by itself",
    )


def test_a_pedal_without_controls_needs_none(pedal: Patient) -> None:
    pedal.set(NAMPEDAL_PEDAL="/mine.toml")
    pedal.put("/mine.toml", 'name = "Mine"\nboard = "5"\nhat = "pisound"\n')
    assert look(pedal, check_controls) == ("not applicable", "this pedal has no controls", "")
