"""Imports a single artifact or .tflite from a card or a USB stick: it gets its own preset, in the bank "imported"."""

from __future__ import annotations

import shutil
from pathlib import Path

from nampedal.firmware.base.errors import (
    AlreadyExistsError,
    CardError,
    FileAccessError,
    NampedalError,
    NoGoldenVectorsError,
)
from nampedal.firmware.base.files import file_names
from nampedal.firmware.base.files.atomic_write import move_into_place
from nampedal.firmware.base.files.toml_schema import os_error_text
from nampedal.firmware.base.listing import suffix_of
from nampedal.firmware.engine.golden_check import verify
from nampedal.firmware.presets.banks import bank_edit
from nampedal.firmware.system.bank_import import safe_read
from nampedal.firmware.system.bank_import.free_names import MAX_SAME_NAMES, clean, numbered

# The folder of the bank of single artifacts.
LOOSE = "imported"


def bring_artifact(path: Path, banks: Path) -> None:
    """Check an artifact or a .tflite and add it to the bank of single artifacts, with its own preset.

    Raises a NampedalError.
    """
    stage, new, target = banks / ".stage.partial", banks / f".{LOOSE}.partial", banks / LOOSE
    try:
        stage.mkdir()
        staged = stage / f"{clean(path.with_suffix(''))}{suffix_of(path)}"
        staged.write_bytes(safe_read.read(path, "", safe_read.MAX_ARTIFACT_BYTES))
        _check_sound(staged)
        if target.is_dir():
            _add(staged, target)
        else:
            new.mkdir()
            bank_edit.add(new, [staged])
            move_into_place(new, target)
    except NampedalError as error:
        raise type(error)(str(error).replace(f"{stage}/", f"{path.parent}/")) from error
    except OSError as error:
        raise FileAccessError(f"{path}: can't be taken over: {os_error_text(error)}") from error
    finally:
        shutil.rmtree(stage, ignore_errors=True)
        shutil.rmtree(new, ignore_errors=True)


def _add(staged: Path, target: Path) -> None:
    """Add the artifact to the bank, with a number behind its name if the name is in use. Raises AlreadyExistsError."""
    name = staged.stem
    for one in numbered(name):
        staged = staged.rename(staged.with_name(f"{one}{staged.suffix}"))
        try:
            bank_edit.add(target, [staged])
        except AlreadyExistsError:
            continue
        return
    raise AlreadyExistsError(f"{target / name}: is there {MAX_SAME_NAMES} times already; remove some of them")


def _check_sound(path: Path) -> None:
    """Check the artifact's golden vectors, if it has any. Raises ArtifactError, CardError.

    A .tflite has none; it is verified when it is added.
    """
    if suffix_of(path) != file_names.ARTIFACT:
        return
    try:
        checks = verify(path)
    except NoGoldenVectorsError:
        return
    for check in checks:
        if not check.passed:
            raise CardError(
                f"{path}: tier {check.tier} differs by {check.deviation:.1e} from what it was where it was made; up to "
                f"{check.tolerance:.1e} is allowed: convert it again"
            )
