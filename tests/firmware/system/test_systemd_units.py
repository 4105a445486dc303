"""The units of systemd/: what systemd-analyze says of them, and how they hang together."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from functools import cache
from itertools import combinations, pairwise
from pathlib import Path

import pytest
from conftest import ROOT
from nampedal.firmware.base import system_paths
from nampedal.firmware.cli.commands.play_command import play_command
from nampedal.firmware.system.bank_import.import_launcher import PATIENCE_S, SEED_PATIENCE_S
from nampedal.firmware.system.doctor.context import UNITS
from nampedal.firmware.system.launcher import TRIAL
from nampedal.firmware.system.update.boot_slots import TRYBOOT
from support.players.jack_server import ended, wait_for

FOLDER = ROOT / "systemd"
NAMES = sorted(path.name for path in FOLDER.glob("*.service"))
# What sounds, in the order in which one takes over from the other.
PLAYERS = ("nampedal.service", "nampedal-safe.service", "nampedal-through.service")
# The exposure that systemd-analyze security may find at most, 10 is the worst. Root's have to mount, and to write as
# others; the card's names the machine, too.
MAX_EXPOSURE = {
    "nampedal-card.service": 3.5,
    "nampedal-health.service": 2.6,
    "nampedal-import.service": 2.8,
    "nampedal-jack.service": 1.2,
    "nampedal-late.service": 1.3,
    "nampedal-safe.service": 1.2,
    "nampedal-through.service": 1.2,
    "nampedal-tune.service": 2.0,
    "nampedal-usb@.service": 2.9,
    "nampedal.service": 1.2,
}
# Of the system that the units are checked in.
TARGETS = ("basic", "multi-user", "shutdown", "sysinit", "umount")
PROGRAMS = (
    *("/usr/bin/jack_wait", "/usr/bin/jack_connect", "/usr/bin/jack_disconnect"),
    *(str(system_paths.COMMAND), "/usr/local/lib/nampedal/jack", "/usr/local/lib/nampedal/tune", "/usr/bin/systemctl"),
)


class Unit:
    """What a unit says, by its key; every key stands in one section only."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._lines: list[tuple[str, str]] = []
        for line in (FOLDER / name).read_text().splitlines():
            key, equals, value = line.partition("=")
            if equals and not line.startswith("#"):
                self._lines.append((key, value))

    def all(self, key: str) -> list[str]:
        return [value for known, value in self._lines if known == key]

    def one(self, key: str) -> str:
        (value,) = self.all(key)
        return value

    def units(self, key: str) -> list[str]:
        return [name for value in self.all(key) for name in value.split()]

    def commands(self) -> list[list[str]]:
        """What it runs, without the prefixes of systemd.service(5)."""
        keys = ("ExecStartPre", "ExecStart", "ExecStopPost")
        return [shlex.split(value.lstrip("-+")) for key in keys for value in self.all(key)]


@cache
def unit(name: str) -> Unit:
    return Unit(name)


def seconds(time: str) -> float:
    """As systemd.time(7) writes it, of the units that are used here."""
    found = re.fullmatch(r"(\d+)(s|min)?", time)
    assert found is not None, time
    return float(found[1]) * (60.0 if found[2] == "min" else 1.0)


def analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    program = shutil.which("systemd-analyze")
    assert program is not None, "systemd-analyze is not installed"
    return subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, check=False)


@pytest.fixture
def system(tmp_path: Path) -> Path:
    """The root of a pedal, as far as units need one."""
    units = tmp_path / system_paths.UNITS.relative_to("/")
    units.mkdir(parents=True)
    for name in NAMES:
        shutil.copy(FOLDER / name, units)
    for target in TARGETS:
        (units / f"{target}.target").write_text("[Unit]\nDescription=stands for the system's own\n")
    (units / "modprobe@.service").write_text(f"[Service]\nExecStart={system_paths.COMMAND}\n")
    for program in PROGRAMS:
        path = tmp_path / program.removeprefix("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("#!/bin/sh\n")
        path.chmod(0o755)
    return tmp_path


def verify(system: Path) -> subprocess.CompletedProcess[str]:
    names = [name.replace("@", "@sda1") for name in NAMES]
    return analyze("verify", "--man=no", "--recursive-errors=yes", f"--root={system}", *names)


def test_systemd_understands_every_line(system: Path) -> None:
    done = verify(system)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("was", "is_now", "text"),
    [
        ("WatchdogSec=10", "WatchdogSecs=10", "Unknown key 'WatchdogSecs' in section [Service]"),
        ("SystemCallFilter=@system-service", "SystemCallFilter=@system", "Unknown system call group"),
        (f"ExecStart={system_paths.COMMAND}", "ExecStart=/usr/bin/gone", "Command /usr/bin/gone is not executable"),
    ],
)
def test_what_systemd_would_not_understand_is_found(system: Path, was: str, is_now: str, text: str) -> None:
    path = system / system_paths.UNITS.relative_to("/") / "nampedal.service"
    path.write_text(path.read_text().replace(was, is_now))
    done = verify(system)
    assert done.returncode != 0
    assert text in done.stderr


def test_every_unit_has_a_most_exposure() -> None:
    assert set(MAX_EXPOSURE) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_no_unit_is_more_exposed_than_is_stated(name: str) -> None:
    threshold = round(10.0 * MAX_EXPOSURE[name])
    done = analyze("security", "--offline=true", f"--threshold={threshold}", FOLDER / name)
    assert done.returncode == 0, done.stdout


def test_a_unit_that_is_open_to_all_is_found(tmp_path: Path) -> None:
    open_to_all = tmp_path / "nampedal.service"
    open_to_all.write_text(f"[Service]\nExecStart={system_paths.COMMAND}\n")
    assert analyze("security", "--offline=true", "--threshold=35", open_to_all).returncode != 0


# ---- how they hang together ----


def test_what_fails_five_times_leaves_the_sound_to_the_next_and_the_last_goes_on_for_ever() -> None:
    for name, then in pairwise(PLAYERS):
        assert unit(name).units("OnFailure") == [then]
        assert unit(name).one("StartLimitBurst") == "5"
        assert unit(name).one("Restart") == "always"
    last = unit(PLAYERS[-1])
    assert last.all("OnFailure") == []
    for forever in (last, unit("nampedal-jack.service")):
        assert forever.one("StartLimitIntervalSec") == "0"
        assert forever.one("Restart") in ("always", "on-failure")


@pytest.mark.parametrize("name", PLAYERS[:2])
def test_five_starts_fit_into_the_time_however_late_each_fails(name: str) -> None:
    one = unit(name)
    # One that hangs while it starts, or as soon as it has.
    latest = sum(seconds(one.one(key)) for key in ("TimeoutStartSec", "WatchdogSec", "RestartSec"))
    assert int(one.one("StartLimitBurst")) * latest < seconds(one.one("StartLimitIntervalSec"))


@pytest.mark.parametrize(
    ("name", "patience_s"),
    [
        # The second time where nampedal-import.service is not installed.
        ("nampedal-card.service", 2 * SEED_PATIENCE_S),
        ("nampedal-import.service", PATIENCE_S),
        ("nampedal-usb@.service", PATIENCE_S),
    ],
)
def test_taking_over_ends_and_is_told_of_before_systemd_ends_it(name: str, patience_s: float) -> None:
    assert patience_s + 30.0 < seconds(unit(name).one("TimeoutStartSec"))


def test_a_helper_that_runs_out_of_memory_does_not_take_its_service_along() -> None:
    takers = {"nampedal-card.service", "nampedal-import.service", "nampedal-usb@.service"}
    assert {name for name in NAMES if unit(name).all("OOMPolicy") == ["continue"]} == takers


def test_only_one_of_them_plays_and_one_ends_before_the_other_begins() -> None:
    for early, late in combinations(PLAYERS, 2):
        assert late in unit(early).units("Conflicts")
        assert early in unit(late).units("Conflicts")
        # Any order between the two has a stop come before a start (systemd.unit(5), Before=).
        assert early in unit(late).units("After")


def test_fallbacks_and_sticks_start_only_when_they_are_called() -> None:
    called = {name for name in NAMES if not unit(name).all("WantedBy")}
    assert called == {*PLAYERS[1:], "nampedal-usb@.service", "nampedal-import.service"}
    late = "nampedal-late.service"
    for name in set(NAMES) - called - {late}:
        assert unit(name).units("WantedBy") == ["multi-user.target"]
    assert unit(late).units("WantedBy") == ["boot-firmware.mount", "var-lib-nampedal.mount"]
    assert unit(late).one("ConditionPathExists") == str(system_paths.CARD_LATE)


def before(name: str) -> set[str]:
    """Every unit that is started before that one, if both are."""
    found: set[str] = set()
    new = {name}
    while new:
        step = {other for one in new for other in (unit(one).units("After") if one in NAMES else [])}
        step |= {other for other in NAMES if new & set(unit(other).units("Before"))}
        new = step - found
        found |= new
    return found


def test_the_order_at_a_boot() -> None:
    ours = {name: before(name) & set(NAMES) for name in NAMES}
    kernel_and_card = {"nampedal-tune.service", "nampedal-card.service"}
    assert ours["nampedal-tune.service"] == set()
    assert ours["nampedal-card.service"] == set()
    assert ours["nampedal-jack.service"] == kernel_and_card
    assert ours["nampedal.service"] == {*kernel_and_card, "nampedal-jack.service"}
    # Not behind the sound, which may never come.
    assert ours["nampedal-health.service"] == {*kernel_and_card, "nampedal-jack.service"}
    assert ours["nampedal-usb@.service"] == {"nampedal-card.service"}
    assert ours["nampedal-late.service"] == {"nampedal-card.service"}
    # The sound comes before new banks.
    assert ours["nampedal-import.service"] == {*kernel_and_card, "nampedal-jack.service", "nampedal.service"}
    for name in ("nampedal.service", "nampedal-card.service"):
        assert "var-lib-nampedal.mount" in before(name)


def test_an_update_is_judged_only_where_one_has_left_its_mark() -> None:
    health = unit("nampedal-health.service")
    # One of the two is enough, which | says (systemd.unit(5)).
    assert health.one("ConditionPathIsSymbolicLink") == f"|{system_paths.RUNTIMES / TRIAL}"
    assert health.one("ConditionPathExists") == f"|{system_paths.CARD / TRYBOOT}"
    assert {"boot-firmware.mount", "var-lib-nampedal.mount"} <= before("nampedal-health.service")


def test_nothing_that_is_missing_keeps_the_sound_away() -> None:
    for name in NAMES:
        assert not unit(name).all("Requires")
        assert not unit(name).all("RequiresMountsFor")
        for path in unit(name).units("ReadWritePaths"):
            assert path[0] == "-" or path == "/run"
    # A stick that is pulled is what a stick is for.
    assert {name for name in NAMES if unit(name).all("BindsTo")} == {"nampedal-usb@.service"}


def test_a_new_sound_server_takes_nothing_along_but_the_plain_connections() -> None:
    assert {name for name in NAMES if unit(name).all("PartOf")} == {"nampedal-through.service"}
    for name in PLAYERS:
        assert "nampedal-jack.service" in unit(name).units("Wants")


@pytest.mark.parametrize("name", PLAYERS[:2])
def test_who_plays_is_ready_when_it_sounds_and_is_watched(name: str) -> None:
    one = unit(name)
    assert (one.one("Type"), one.one("WatchdogSec")) == ("notify", "10")
    # Who hangs has nothing to write any more.
    assert one.one("WatchdogSignal") == "SIGKILL"


@pytest.mark.parametrize("name", ["nampedal-jack.service", *PLAYERS[:2]])
def test_who_plays_may_be_in_time(name: str) -> None:
    one = unit(name)
    assert (one.one("LimitRTPRIO"), one.one("LimitMEMLOCK")) == ("95", "infinity")
    assert one.one("RestrictRealtime") == "no"
    assert int(one.one("OOMScoreAdjust")) < 0


def test_who_plays_is_a_user_without_any_privilege() -> None:
    for name in ("nampedal-jack.service", *PLAYERS):
        one = unit(name)
        assert one.one("User") == system_paths.USER
        assert one.one("CapabilityBoundingSet") == ""
        assert one.one("DevicePolicy") == "closed"
    assert unit("nampedal-jack.service").all("DeviceAllow") == ["char-alsa rw"]


def test_only_the_pedal_writes_and_only_its_data() -> None:
    assert unit("nampedal.service").units("ReadWritePaths") == [f"-{system_paths.DATA}"]
    for name in ("nampedal-jack.service", *PLAYERS[1:], "nampedal-tune.service"):
        assert unit(name).one("ProtectSystem") == "strict"
        assert not unit(name).all("ReadWritePaths")


def test_places_are_those_of_the_pedal() -> None:
    for name in PLAYERS[:2]:
        one = unit(name)
        assert Path("/run", one.one("RuntimeDirectory")) == system_paths.RUN
        assert one.one("WorkingDirectory") == str(system_paths.RUN)
        assert one.one("Environment").split() == [
            f"XDG_CONFIG_HOME={system_paths.CONFIG}",
            f"XDG_STATE_HOME={system_paths.STATE}",
        ]
    for name in NAMES:
        # What the card has comes second, and counts.
        files = [path.lstrip("-") for path in unit(name).all("EnvironmentFile")]
        assert files == [str(system_paths.SETTINGS), str(system_paths.CHANGED_SETTINGS)][: len(files)]
        assert {command[0] for command in unit(name).commands()} <= set(PROGRAMS)


def test_the_doctor_looks_at_every_unit_that_is_always_there() -> None:
    assert set(UNITS) == set(NAMES) - {"nampedal-usb@.service"}


def test_who_plays_is_told_what_the_card_changed_and_root_what_was_installed() -> None:
    told = {name for name in NAMES if f"-{system_paths.CHANGED_SETTINGS}" in unit(name).all("EnvironmentFile")}
    assert told == {"nampedal-jack.service", *PLAYERS}


def test_the_command_line_understands_what_the_units_say() -> None:
    (pedal,), (safe,) = (unit(name).commands() for name in PLAYERS[:2])
    parsed = play_command.make_context("play", pedal[2:]).params
    assert pedal[:2] == safe[:2] == [str(system_paths.COMMAND), "play"]
    assert (parsed["paths"], parsed["pedal_name"], parsed["safe"]) == (
        (system_paths.BANKS,),
        "${NAMPEDAL_PEDAL}",
        False,
    )
    parsed = play_command.make_context("play", safe[2:]).params
    assert (parsed["paths"], parsed["pedal_name"], parsed["safe"]) == ((), "${NAMPEDAL_PEDAL}", True)


def test_the_hardwares_watchdog_is_within_what_a_raspberry_pi_has() -> None:
    lines = (FOLDER / "system.conf.d" / "nampedal.conf").read_text().splitlines()
    assert "[Manager]" in lines
    (value,) = (line.partition("=")[2] for line in lines if line.startswith("RuntimeWatchdogSec="))
    # Its counter has 20 bits at 65536 Hz (Linux, drivers/watchdog/bcm2835_wdt.c).
    assert seconds(value) < 2**20 / 65536


# ---- what the sandboxes leave of JACK ----


@pytest.fixture
def apart() -> list[str]:
    """Runs a program with a /tmp and a network of its own, as PrivateTmp= and PrivateNetwork= do."""
    command = ["unshare", "--user", "--map-root-user", "--mount", "--net"]
    script = 'mount -t tmpfs tmpfs /tmp && exec "$@"'
    tried = subprocess.run([*command, "sh", "-c", script, "sh", "true"], capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"this machine lets nobody have mounts of its own: {tried.stderr.strip()}")
    return [*command, "sh", "-c", script, "sh"]


def test_a_server_and_its_clients_meet_though_each_has_a_tmp_of_its_own(apart: list[str]) -> None:
    server = f"units-{os.getpid()}"
    # JACK's own programs write behind the end of what they keep the argument of -s in.
    environment = {**os.environ, "JACK_DEFAULT_SERVER": server}

    def ask(*command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*apart, *command], env=environment, capture_output=True, text=True, check=False)

    jackd = [*apart, "jackd", "-n", server, "--no-realtime", "-d", "dummy"]
    quiet = subprocess.DEVNULL
    with ended(subprocess.Popen(jackd, stdout=quiet, stderr=quiet, text=True)) as child:
        wait_for(lambda: ask("jack_wait", "--check").stdout.strip() == "running")
        connect = ["system:capture_1", "system:playback_1"]
        assert ask("jack_connect", *connect).returncode == 0
        assert "   system:playback_1" in ask("jack_lsp", "-c", "system:capture_1").stdout.splitlines()
        assert ask("jack_disconnect", *connect).returncode == 0
        child.terminate()
        child.wait(30.0)
