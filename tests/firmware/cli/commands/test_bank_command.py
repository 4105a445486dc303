"""'nampedal bank', as a person types it."""

from __future__ import annotations

import json
import os
import resource
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner
from nampedal.converter.nam import nam_file
from nampedal.firmware.base.errors import (
    ArtifactError,
    BankError,
    EmptyBankError,
    FileAccessError,
    NampedalError,
    NoSuchPresetError,
)
from nampedal.firmware.cli.commands.bank_command import bank_command
from nampedal.firmware.cli.commands.play_command import paths_to_play
from nampedal.firmware.engine import artifact
from nampedal.firmware.presets import preset
from nampedal.firmware.presets.banks import bank_file
from nampedal.firmware.presets.preset import Cabinet, Gain, Preset
from support.makers.bank_maker import amp, make_bank, names, write_cabinet
from support.makers.nam_maker import a1, write

AMP = f"{len(amp()):,}"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def bank(*arguments: str) -> str:
    """What it prints. Raises what the command raises."""
    done = CliRunner().invoke(bank_command, arguments, standalone_mode=False)
    if done.exception is not None:
        raise done.exception
    return done.stdout


def test_a_bank_is_made_filled_ordered_mailed_and_played(here: Path) -> None:
    (here / "amp.stomp").write_bytes(amp())
    write_cabinet(here / "cab.wav")
    make_bank(here / "old")
    assert bank("new", "rock", "--name", "Rock, loud") == (
        "rock: an empty bank; 'nampedal bank add rock FILE...' puts something in\n"
    )
    assert bank("list", "rock") == "Rock, loud: no presets yet, 0 bytes\n"
    assert bank("add", "rock", "amp.stomp", "cab.wav", "old/lead.toml") == (
        "rock/amp.stomp: artifact\nrock/cab.wav: impulse response\nrock/amp.toml: preset\nrock/lead.toml: preset\n"
    )
    assert bank("reorder", "rock", "lead") == "  1 lead\n  2 amp\n"
    assert bank("export", "rock").startswith("rock.nampedal-bank: 2 presets, ")
    assert bank("import", "rock.nampedal-bank", "--into", "banks", "--as", "loud") == (
        "banks/loud: Rock, loud: 2 presets\n"
    )
    assert paths_to_play((Path("banks/loud"),)) == [Path("banks/loud/lead.toml"), Path("banks/loud/amp.toml")]


def test_a_list_tells_what_presets_need_and_what_is_wrong(here: Path) -> None:
    rock = make_bank(here / "rock")
    (rock / "broken.toml").write_bytes(b"=")
    preset.write(Preset("Half", (Gain(-6.0),)), rock / "half.toml")
    (rock / "half.toml").write_bytes((rock / "half.toml").read_bytes().replace(b"6.0", b"7.0"))
    (rock / "cabs" / "v30.wav").unlink()
    (rock / "bank.toml").write_text("format = 0")
    size = sum((rock / name).stat().st_size for name in names(rock) if name != "bank.toml")
    assert bank("list", "rock") == (
        f"rock: 4 presets, {size:,} bytes\n"
        "    ! rock/bank.toml: format: is 0; a whole number from 1 to 1 is needed; presets are in the order of their "
        "names\n"
        "  1 broken: can't be read\n"
        "    ! rock/broken.toml: is not TOML: invalid statement (at line 1, column 1)\n"
        f"  2 crunch: Crunch; needs amp.stomp ({AMP} bytes), cabs/v30.wav\n"
        "    ! cabs/v30.wav is missing\n"
        "  3 half: Half; needs nothing\n"
        "    ! rock/half.toml: was changed since nampedal wrote it, by hand or by a card that fails\n"
        f"  4 lead: Lead, loud; needs amp.stomp ({AMP} bytes)\n"
    )
    told = json.loads(bank("list", "rock", "--json"))
    presets = {one.pop("preset"): one for one in told.pop("presets")}
    assert told.pop("problem").startswith("rock/bank.toml: format: is 0; ")
    assert told == {"folder": "rock", "name": "rock", "bytes": size}
    assert list(presets) == ["broken", "crunch", "half", "lead"]
    assert presets["broken"]["name"] is None
    assert presets["broken"]["problems"][0].startswith("rock/broken.toml: is not TOML: ")
    assert presets["crunch"] == {
        "name": "Crunch",
        "files": [{"name": "amp.stomp", "bytes": len(amp())}, {"name": "cabs/v30.wav", "bytes": None}],
        "problems": ["cabs/v30.wav is missing"],
        "warning": None,
    }
    assert presets["half"]["warning"].startswith("rock/half.toml: was changed since nampedal wrote it")
    assert (presets["lead"]["problems"], presets["lead"]["warning"]) == ([], None)


def test_a_folder_of_banks_lists_them(here: Path) -> None:
    make_bank(here / "rock")
    bank("new", "blues", "--name", "Blues, slow")
    assert bank("list") == "blues: Blues, slow: no presets yet\nrock: rock: 2 presets\n"
    assert json.loads(bank("list", "--json")) == {
        "banks": [
            {"folder": "blues", "name": "Blues, slow", "problem": None, "presets": 0},
            {"folder": "rock", "name": "rock", "problem": None, "presets": 2},
        ]
    }
    with pytest.raises(EmptyBankError) as caught:
        bank("list", "rock/cabs")
    assert str(caught.value) == "rock/cabs: holds no presets; put at least one .toml there"
    with pytest.raises(NampedalError) as gone:
        bank("list", "gone")
    assert str(gone.value) == "gone: can't be read: no such file or directory"


def test_a_removal_says_what_goes_and_what_stays(here: Path) -> None:
    rock = make_bank(here / "rock")
    assert bank("remove", "rock", "crunch") == (
        "rock/crunch.toml: goes\nrock/cabs/v30.wav: goes, no other preset names it\n"
    )
    assert names(rock) == ["amp.stomp", "lead.toml"]
    (rock / "broken.toml").write_bytes(b"=")
    assert bank("remove", "rock", "lead") == (
        "rock/lead.toml: goes\namp.stomp: stays, broken.toml can't be read and may name it\n"
    )
    assert names(rock) == ["amp.stomp", "broken.toml"]
    with pytest.raises(NoSuchPresetError) as caught:
        bank("remove", "rock", "lead")
    assert str(caught.value) == "preset 'lead': is not in the bank; there are broken"


def test_what_was_there_already_is_said(here: Path) -> None:
    make_bank(here / "rock")
    assert bank("add", "rock", "rock/amp.stomp") == (
        "rock/amp.stomp: artifact, was there already\nrock/amp.toml: preset\n"
    )


def test_a_folder_with_a_damaged_order_is_played_and_the_log_says_so(
    here: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rock = make_bank(here / "rock")
    (rock / "bank.toml").write_bytes(b"")
    assert paths_to_play((rock,)) == [rock / "crunch.toml", rock / "lead.toml"]
    assert caplog.messages == [
        f"{rock}/bank.toml: holds nothing; restore it from a copy, or remove it; presets are in the order of their "
        "names"
    ]


def write_bomb(path: Path) -> None:
    """A small file that says it is short, and takes 500 MB to read."""
    soundfile.write(path, np.zeros((6_000_000, 8), np.int16), 600_000, subtype="PCM_16")
    assert path.stat().st_size < 100_000


def test_a_recording_that_unpacks_to_too_much_is_refused_and_named(here: Path) -> None:
    write_bomb(here / "bomb.flac")
    make_bank(here / "rock")
    with pytest.raises(FileAccessError, match=r"^bomb\.flac: holds 8 channels of 10\.0 s at 600000 Hz; up to "):
        bank("add", "rock", "bomb.flac")
    # As a bank file that another nampedal has packed.
    preset.write(Preset("Bomb", (Cabinet("bomb.flac"),)), here / "rock" / "bomb.toml")
    files = {name: (here / "rock" / name).read_bytes() for name in names(here / "rock")}
    files["bomb.flac"] = (here / "bomb.flac").read_bytes()
    (here / "rock.nampedal-bank").write_bytes(bank_file._pack("rock", files))
    with pytest.raises(BankError, match=r"^rock\.nampedal-bank: .*bomb\.flac: holds 8 channels"):
        bank("import", "rock.nampedal-bank", "--into", "banks")
    assert list((here / "banks").iterdir()) == []
    # The limit was for that alone.
    assert resource.getrlimit(resource.RLIMIT_DATA)[0] == resource.RLIM_INFINITY


def test_what_is_left_out_is_told(here: Path) -> None:
    make_bank(here / "rock")
    files = {name: (here / "rock" / name).read_bytes() for name in names(here / "rock")}
    (here / "rock.nampedal-bank").write_bytes(bank_file._pack("rock", files | {".ssh/authorized_keys": b"x"}))
    assert bank("import", "rock.nampedal-bank", "--into", "banks").splitlines() == [
        "rock.nampedal-bank: left out what no preset names: .ssh/authorized_keys",
        "banks/rock: rock: 2 presets",
    ]


def test_an_artifact_that_is_small_and_needs_too_much_to_be_played_is_refused(here: Path) -> None:
    """Each of its tiers needs less than the engine allows; all of them are prepared to be played."""
    capture = nam_file.read(write(here / "amp.nam", a1((4, 2), (1 << 17, 1 << 18))))
    (here / "many.stomp").write_bytes(artifact.pack(replace(capture, tiers=capture.tiers * 40)))
    assert (here / "many.stomp").stat().st_size < 100_000
    bank("new", "rock")
    with pytest.raises(
        ArtifactError,
        match=r"^many\.stomp: tier 2: needs more than 128 MiB of memory, the most all tiers together may take$",
    ):
        bank("add", "rock", "many.stomp")
    assert names(here / "rock") == ["bank.toml"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_what_root_does_for_the_player_belongs_to_the_player(here: Path) -> None:
    (here / "amp.stomp").write_bytes(amp())
    bank("new", "mailed")
    bank("add", "mailed", "amp.stomp")
    bank("export", "mailed")
    banks = here / "banks"
    banks.mkdir()
    os.chown(banks, 1234, 1235)
    os.chown(here / "amp.stomp", 0, 0)
    bank("import", "mailed.nampedal-bank", "--into", "banks")
    bank("new", "banks/rock")
    bank("add", "banks/rock", "amp.stomp")
    (banks / "rock" / "away").symlink_to(here / "amp.stomp")
    bank("add", "banks/rock", "amp.stomp")
    found = {path: (path.lstat().st_uid, path.lstat().st_gid) for path in banks.rglob("*")}
    assert len(found) >= 8
    assert set(found.values()) == {(1234, 1235)}
    # A link is not followed.
    assert (here / "amp.stomp").stat().st_uid == 0
