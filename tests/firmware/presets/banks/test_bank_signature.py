"""Bank files with a signature beside them, on the command line and from a card."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner
from nampedal.firmware.base import system_paths
from nampedal.firmware.base.errors import SignatureError
from nampedal.firmware.base.files.signature import BANK, UPDATE, sign, signature_path
from nampedal.firmware.cli.commands.bank_command import bank_command
from nampedal.firmware.presets.banks.bank_file import export_bank
from nampedal.firmware.presets.banks.bank_signature import own_list, signer_of
from nampedal.firmware.system.bank_import.bank_importer import import_items
from nampedal.firmware.system.bank_import.import_ledger import read_ledger
from nampedal.firmware.system.bank_import.import_scan import scan_folder
from nampedal.firmware.system.update.signed import trust
from nampedal.firmware.system.update.update_host import UpdateHost
from support.makers.bank_maker import make_bank
from support.makers.signing_keys import maker, maker_public
from support.rigs.card_rig import Card


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Signed by the maker, whom nobody knows yet."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    path = tmp_path / "rock.nampedal-bank"
    export_bank(make_bank(tmp_path / "made" / "rock"), path)
    sign(path, maker(), BANK)
    return path


def bank(*arguments: str | Path) -> list[str]:
    """What it prints. Raises what the command raises."""
    done = CliRunner().invoke(bank_command, list(map(str, arguments)), standalone_mode=False)
    if done.exception is not None:
        raise done.exception
    return done.stdout.splitlines()


def test_an_import_tells_who_made_the_bank(file: Path, tmp_path: Path) -> None:
    said = bank("import", file, "--as", "one")
    assert said[0].startswith(f"{file}: signed by somebody whose key is not known here (SHA256:")
    assert said[1].startswith("one: ")
    assert bank("trust", f"{maker()}.pub") == [f"{own_list()}: banks of maker@home are known"]
    assert own_list().read_text() == maker_public().line([BANK])
    assert bank("import", file, "--as", "two")[0] == f"{file}: signed by maker@home"
    assert bank("trust", f"{maker()}.pub", "--as", "ann") == [f"{own_list()}: banks of ann are known"]
    assert signer_of(file) == "ann"
    with pytest.raises(SignatureError):
        bank("trust", tmp_path / "none.pub")


def test_a_bank_that_nobody_signed_is_taken(file: Path) -> None:
    signature_path(file).unlink()
    assert signer_of(file) == ""
    (said,) = bank("import", file, "--as", "one")
    assert said.startswith("one: ")


@pytest.mark.parametrize("known", [True, False])
def test_a_wrong_signature_is_refused_and_leaves_nothing(file: Path, tmp_path: Path, known: bool) -> None:
    if known:
        bank("trust", f"{maker()}.pub")
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    with pytest.raises(SignatureError) as caught:
        bank("import", file, "--as", "one")
    assert str(caught.value) == (
        f"{file}: its signature is wrong: signature verification failed: incorrect signature; the file was changed, or "
        "rock.nampedal-bank.sig belongs to another one: copy both again"
    )
    assert not (tmp_path / "one").exists()


def test_the_signature_of_an_update_is_none_of_a_bank(file: Path) -> None:
    sign(file, maker(), UPDATE)
    with pytest.raises(SignatureError, match="namespace does not match"):
        bank("import", file)


def test_a_card_brings_what_is_signed_right_or_not_at_all(file: Path, tmp_path: Path) -> None:
    stick, banks, state = tmp_path / "stick", tmp_path / "banks", tmp_path / "card.toml"
    for folder in (stick, banks):
        folder.mkdir()
    for name in ("plain", "right", "wrong"):
        export_bank(make_bank(tmp_path / name), stick / f"{name}.nampedal-bank")
    wrong = stick / "wrong.nampedal-bank"
    sign(stick / "right.nampedal-bank", maker(), BANK)
    signature_path(file).replace(signature_path(wrong))
    outcome = import_items(scan_folder(stick)[0], banks, state)
    assert outcome.taken == ["plain", "right"]
    assert sorted(path.name for path in banks.iterdir()) == ["plain", "right"]
    (problem,) = outcome.problems
    assert problem.startswith(f"{wrong}: its signature is wrong: signature verification failed: incorrect signature; ")
    # As long as nothing changes it is not tried again; with the right signature it is.
    known = read_ledger(state)
    assert all(known.knows(found.stamp) for found in scan_folder(stick)[0])
    sign(wrong, maker(), BANK)
    outcome = import_items(scan_folder(stick)[0], banks, state)
    assert (outcome.taken, outcome.problems) == (["wrong"], [])


def test_what_takes_banks_over_may_read_which_keys_root_added(tmp_path: Path) -> None:
    """It is not root."""
    card = Card(tmp_path / "root")
    card.boot()
    before = os.umask(0o077)
    try:
        path = trust(UpdateHost(card.root), maker_public())
    finally:
        os.umask(before)
    assert path == card.at(system_paths.TRUSTED_ADDED)
    assert path.stat().st_mode & 0o777 == 0o644
    assert path.parent.stat().st_mode & 0o777 == 0o755
    assert system_paths.TRUSTED_ADDED.parent not in system_paths.PLAYERS
