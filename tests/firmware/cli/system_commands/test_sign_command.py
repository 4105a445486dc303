"""'nampedal sign', as a person types it."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from nampedal.firmware.base.errors import AlreadyExistsError, SignatureError
from nampedal.firmware.base.files.signature import BANK, UPDATE, check, read_signature
from nampedal.firmware.cli.system_commands.sign_command import sign_command
from support.makers.signing_keys import maker, maker_public


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(sign_command, list(map(str, words)), standalone_mode=False)


@pytest.mark.parametrize(
    ("name", "namespace"),
    [
        ("nampedal-1.whl", UPDATE),
        ("pedal.img", UPDATE),
        ("pedal.img.xz", UPDATE),
        ("pedal.img.zst", UPDATE),
        ("rock.nampedal-bank", BANK),
    ],
)
def test_a_file_is_signed_for_what_it_is(tmp_path: Path, name: str, namespace: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"data")
    done = run(path, "--key", maker())
    assert (done.exception, done.output) == (None, f"{path}.sig: signed by maker@home\n")
    signer = check(path, [b"data"], read_signature(path), [maker_public().line([namespace])], namespace)
    assert signer.name == "maker@home"


def test_a_signature_is_not_written_over_unasked(tmp_path: Path) -> None:
    path = tmp_path / "pedal.img"
    path.write_bytes(b"data")
    path.with_name("pedal.img.sig").write_text("mine")
    done = run(path, "--key", maker())
    assert isinstance(done.exception, AlreadyExistsError)
    assert str(done.exception) == f"{path}.sig: is there already; --force writes over it"
    assert run(path, "--key", maker(), "--force").exception is None
    assert path.with_name("pedal.img.sig").read_text().startswith("-----BEGIN SSH SIGNATURE-----\n")


def test_what_can_not_be_signed_is_told(tmp_path: Path) -> None:
    path = tmp_path / "riff.wav"
    done = run(path, "--key", maker())
    assert isinstance(done.exception, SignatureError)
    assert str(done.exception) == (
        f"{path}: is no update and no bank; names that end in .whl, .img, .img.xz, .img.zst, .nampedal-bank can be "
        "signed"
    )
    path = tmp_path / "pedal.img"
    path.write_bytes(b"")
    assert isinstance(run(path, "--key", tmp_path / "none").exception, SignatureError)
    assert not path.with_name("pedal.img.sig").exists()
