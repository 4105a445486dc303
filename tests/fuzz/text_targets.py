"""Readers of settings: presets, banks, the card, profiles, what a pedal remembers."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from conftest import ROOT
from fuzz import mutators
from fuzz.explore import Target, UnfitError, check_text
from nampedal.board.profiles.boards import read_board
from nampedal.board.profiles.hats import read_hat
from nampedal.board.profiles.pedals import read_pedal
from nampedal.board.profiles.user_calibration import UserCalibration, read_calibration
from nampedal.firmware.actions import bindings
from nampedal.firmware.base.files.durable_toml import add_checksum
from nampedal.firmware.base.files.env_file import parse_environment
from nampedal.firmware.base.files.toml_schema import to_toml
from nampedal.firmware.pedal.saved_state import SavedState, read_state, write_state
from nampedal.firmware.presets import preset
from nampedal.firmware.presets.banks.bank import OWN_FILE, read_any_bank, reordered, write_order
from nampedal.firmware.presets.loudness_cache import LoudnessCache
from nampedal.firmware.presets.preset import Cabinet, Gain, Gate, Nam, Preset, Tone
from nampedal.firmware.system.bank_import.import_journal import read_journal
from nampedal.firmware.system.bank_import.import_ledger import read_ledger
from nampedal.firmware.system.image.image_manifest import ImageManifest, dump_manifest, read_manifest
from nampedal.firmware.system.install.steps.install_journal import (
    JOURNAL_PATH,
    InstallJournal,
    JournalEntry,
    write_journal,
)
from nampedal.firmware.system.install.steps.install_journal import read_journal as read_install
from nampedal.firmware.system.install.steps.path_states import ABSENT, link, root_owned_file
from nampedal.firmware.system.install.steps.target import InstallTarget as Root
from nampedal.firmware.system.provisioning import card_settings as card
from nampedal.firmware.system.wifi.supplicant import configuration, script

HEX = "0x" + "f" * 4000
DEEP = "next again " * 1000 + "next"
PASSWORD = "correct horse"

PRESET = b"""
format = 1
name = "Crunch"
input_gain_db = -3.5
loudness_lufs = -20.0
[[block]]
kind = "gate"
[[block]]
kind = "nam"
artifact = "amp.stomp"
gain_db = 3
[[block]]
kind = "cabinet"
impulse_response = "cabs/v30.wav"
second_impulse_response = "cabs/57.wav"
second_channel = 1
[footswitches]
"1 long" = "preset 2 again bypass"
[knobs]
gain = "2.gain_db -6 12"
[control_changes]
7 = "level -60 0"
11 = "bank next"
"""
CARD = f"""
host_name = "stage-left"
ssh_key = ["ssh-ed25519 {"AAAAC3NzaC1lZDI1NTE5AAAAI" + "A" * 43} me@home"]
pedal = "pi-4-dac-adc"
hat = "mine.toml"
import = "banks"
[[wifi]]
name = "my network"
password = "{PASSWORD}"
country = "GB"
[[wifi]]
name = "the open one"
open = true
hidden = true
[hotspot]
name = "my pedal"
password = "{PASSWORD}"
country = "GB"
channel = 6
""".encode()


def _with(data: bytes, *lines: str) -> list[bytes]:
    """The same, once with each line before it."""
    return [data, *(f"{line}\n".encode() + data for line in lines)]


def _presets(folder: Path) -> list[bytes]:
    whole = Preset("Whole", (Gain(3.0), Gate(), Nam("amp.stomp"), Tone(bass=7.0), Cabinet("cabs/v30.wav")))
    return [
        *_with(PRESET, f"level_db = {HEX}", f"normalise = {HEX}"),
        PRESET.replace(b"preset 2 again bypass", DEEP.encode()),
        PRESET.replace(b"\n7 =", b'\n"a\\nb" ='),
        preset.pack(whole),
        add_checksum(preset.pack(whole)),
    ]


def _read_preset(folder: Path) -> Callable[[bytes], object]:
    path = folder / "one.toml"

    def run(data: bytes) -> None:
        path.write_bytes(data)
        read = preset.read(path)
        again = preset.parse(preset.pack(read), "again")
        # Numbers of control maps are written with six digits.
        if (again.name, again.blocks) != (read.name, read.blocks):
            raise UnfitError("a preset that was written is another one when it is read again")
        preset.files_of(read)
        bindings.default(("1", "2")).overridden_by(read.controls)

    return run


def _read_bank(folder: Path) -> Callable[[bytes], object]:
    path = folder / OWN_FILE
    for name in ("crunch", "lead"):
        preset.write(Preset(name, (Gain(),)), folder / f"{name}.toml")

    def run(data: bytes) -> None:
        path.write_bytes(data)
        bank = read_any_bank(folder)
        if bank.problem:
            check_text(bank.problem)
        write_order(reordered(bank, ("2", "crunch")))

    return run


_PASSWORDS = re.compile(rb'password *= *"' + re.escape(PASSWORD.encode()))


def _read_card(folder: Path) -> Callable[[bytes], object]:
    def run(data: bytes) -> None:
        found, problems = card.read(data, "nampedal.toml")
        # A mutation may have put it elsewhere, as into the host's name, which a message tells.
        secret = data.count(PASSWORD.encode()) == len(_PASSWORDS.findall(data))
        for problem in problems:
            check_text(problem)
            if secret and PASSWORD in str(problem):
                raise UnfitError("a message tells a password")
        if found.networks.wifi or found.networks.hotspot:
            configuration(found.networks, folder)
            script(found.networks, folder, "wlan0")

    return run


def _profiles(kind: str) -> Callable[[Path], list[bytes]]:
    def seeds(folder: Path) -> list[bytes]:
        found = [path.read_bytes() for path in sorted((ROOT / "hw-profiles" / kind).glob("*.toml"))[:4]]
        return [*found, *_with(found[0], f"name = {HEX}", 'knobs."a\\nb" = "gain"', 'pins."a\\nb" = 1')]

    return seeds


def _profile(read: Callable[[Path], object]) -> Callable[[Path], Callable[[bytes], object]]:
    def ready(folder: Path) -> Callable[[bytes], object]:
        path = folder / "mine.toml"

        def run(data: bytes) -> None:
            path.write_bytes(data)
            read(path)

        return run

    return ready


def _measured_seeds(folder: Path) -> list[bytes]:
    whole = UserCalibration(
        round_trip_frames=410, period_frames=64, sample_rate_hz=48_000, loop_gain_db=-1.5, noise_floor_dbfs=-90.0
    )
    return _with(to_toml(asdict(whole)), f"x = {HEX}", f"{'9' * 400} = 1")


def _measured(folder: Path) -> Callable[[bytes], object]:
    os.environ["XDG_CONFIG_HOME"] = str(folder)
    path = folder / "nampedal" / "measured" / "mine.toml"
    path.parent.mkdir(parents=True)

    def run(data: bytes) -> None:
        path.write_bytes(data)
        read_calibration("mine")

    return run


def _facts_seeds(folder: Path) -> list[bytes]:
    return _with(dump_manifest(ImageManifest("0.1.0", "raspios", "aarch64", "stage", 1 << 20, "ab" * 32)), f"x = {HEX}")


def _remembered_seeds(folder: Path) -> list[bytes]:
    write_state(SavedState(folder, "crunch", {"crunch": {"2.gain_db": 3.0}}), folder / "state.toml")
    sums = "ab" * 32
    return [
        *_with((folder / "state.toml").read_bytes(), f"x = {HEX}"),
        f'format = 1\nbank = "/b"\npreset = "p"\n[edits.p]\ngain = {"9" * 400}\n'.encode(),
        b'format = 1\nbank = "/b"\npreset = "p"\n[edits."a\\nb"]\ngain = true\n',
        f'format = 1\n[taken]\n{sums} = "crunch"\n[refused]\n{sums} = "is damaged"\n[seen]\na = "{sums}"\n'.encode(),
        b'format = 1\nversion = "0.1.0"\n[attempts]\nstamp = 1\n[given_up]\nother = "because"\n',
        f"format = 1\n[lufs]\n{sums} = -20.5\n".encode(),
        b'NAMPEDAL_PEDAL="stage"\n# a remark\nNAMPEDAL_IMAGE=1\n',
    ]


def _remembered(folder: Path) -> Callable[[bytes], object]:
    path = folder / "one.toml"

    def run(data: bytes) -> None:
        path.write_bytes(data)
        read_state(path, folder / "kept.toml")
        read_ledger(path)
        read_journal(path)
        LoudnessCache(path).get("a")
        parse_environment(data.decode(errors="replace"))

    return run


def _installed_seeds(folder: Path) -> list[bytes]:
    entry = JournalEntry(ABSENT, (root_owned_file(b"a", 0o644), link(Path("to"))), ("a line",), ("added",))
    target = Root(folder)
    target.under_root(JOURNAL_PATH).parent.mkdir(parents=True)
    write_journal(InstallJournal({Path("/etc/a"): entry}, (Path("/opt/nampedal"),)), target)
    return [target.under_root(JOURNAL_PATH).read_bytes()]


def _installed(folder: Path) -> Callable[[bytes], object]:
    path = folder / JOURNAL_PATH.relative_to("/")
    path.parent.mkdir(parents=True)

    def run(data: bytes) -> None:
        path.write_bytes(data)
        read_install(Root(folder))

    return run


TARGETS = (
    Target("preset", _presets, _read_preset, mutators.toml),
    Target(
        "bank",
        lambda folder: _with(b'format = 1\nname = "Live"\norder = ["lead", "crunch"]\n', f"x = {HEX}"),
        *(_read_bank, mutators.toml),
    ),
    Target("card", lambda folder: _with(CARD, f"x = {HEX}", f"hotspot.channel = {HEX}"), _read_card, mutators.toml),
    Target("board", _profiles("boards"), _profile(read_board), mutators.toml),
    Target("hat", _profiles("hats"), _profile(read_hat), mutators.toml),
    Target("pedal", _profiles("pedals"), _profile(read_pedal), mutators.toml),
    Target("measured", _measured_seeds, _measured, mutators.toml),
    Target("image-facts", _facts_seeds, lambda folder: lambda data: read_manifest(data, "image.toml"), mutators.toml),
    Target("remembered", _remembered_seeds, _remembered, mutators.toml),
    Target("installed", _installed_seeds, _installed, mutators.json_text),
)
