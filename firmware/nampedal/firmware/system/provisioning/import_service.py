"""Imports new files from the card while the pedal plays, in its own unit that the boot starts."""

from __future__ import annotations

import logging
from pathlib import Path

from nampedal.firmware.base import system_paths
from nampedal.firmware.base.errors import FileAccessError, NampedalError
from nampedal.firmware.base.files.toml_schema import os_error_text, read_text_file
from nampedal.firmware.system.bank_import import import_launcher
from nampedal.firmware.system.bank_import.import_result import ImportResult
from nampedal.firmware.system.bank_import.import_scan import shown
from nampedal.firmware.system.host.card_host import CardHost
from nampedal.firmware.system.host.root_paths import ROOT, under_root
from nampedal.firmware.system.provisioning import boot_report, card_settings, usb_stick

UNIT = "nampedal-import.service"

_log = logging.getLogger(__name__)


def import_card(system: CardHost, root: Path = ROOT) -> ImportResult:
    """Import the new files in the card's import folder. Report the result on the card, to the pedal, and in the log.

    Raises FileAccessError, ProgramError, SettingsError if the result can't be reported.
    """
    outcome = _bring(system, root, _folder(root))
    fresh = boot_report.fresh(root, outcome.problems)
    try:
        boot_report.add(system, root, fresh)
    finally:
        if not usb_stick.announce(system, under_root(root, usb_stick.SOCKET), ImportResult(outcome.taken, fresh)):
            # No pedal answered: it shows the result when it starts.
            boot_report.add_blink_codes(root, fresh, outcome.taken)
    return outcome


def _bring(system: CardHost, root: Path, folder: Path) -> ImportResult:
    """Import from a folder. Every exception becomes a problem of the result."""
    try:
        outcome = import_launcher.run_import(system, root, folder)
    except NampedalError as error:
        outcome = ImportResult(problems=[str(error)])
    except Exception as error:
        outcome = ImportResult(problems=[f"import: nampedal itself went wrong: {type(error).__name__}: {error}"])
        _log.exception("import")
    outcome.problems = [shown(line).replace(f"{under_root(root, system_paths.CARD)}/", "") for line in outcome.problems]
    return outcome


def _folder(root: Path) -> Path:
    """Return the import folder that nampedal.toml names. The boot has reported errors in that file already.

    Raises FileAccessError.
    """
    path = under_root(root, system_paths.CARD_SETTINGS)
    try:
        read, _ = card_settings.read(read_text_file(path), path.name)
    except FileNotFoundError:
        read = card_settings.CardSettings()
    except OSError as error:
        raise FileAccessError(f"{path}: can't be read: {os_error_text(error)}") from error
    return under_root(root, system_paths.CARD) / read.imports
