"""The import from the card while the pedal plays: what a boot has found new, in a unit of its own behind the sound."""

from __future__ import annotations

import logging
from pathlib import Path

from nampedal.board import places
from nampedal.board.errors import NampedalError
from nampedal.board.settings import reason
from nampedal.firmware.card import apart, news, settings, usb
from nampedal.firmware.card.errors import CardFileError
from nampedal.firmware.card.found import shown
from nampedal.firmware.card.outcome import Outcome
from nampedal.firmware.card.system import System
from nampedal.firmware.card.where import ROOT, placed

UNIT = "nampedal-import.service"

_log = logging.getLogger(__name__)


def import_card(system: System, root: Path = ROOT) -> Outcome:
    """Import what is new in the card's folder, and tell it: on the card, to the pedal that plays, and in the log.

    Raises CardFileError, CommandFailedError, SettingsError where it can't be told.
    """
    outcome = _bring(system, root, _folder(root))
    fresh = news.fresh(root, outcome.problems)
    try:
        news.add(system, root, fresh)
    finally:
        if not usb.announce(system, placed(root, usb.SOCKET), Outcome(outcome.taken, fresh)):
            # It starts later, and says it then.
            news.leave(root, fresh, outcome.taken)
    return outcome


def _bring(system: System, root: Path, folder: Path) -> Outcome:
    """Whatever goes wrong is told."""
    try:
        outcome = apart.bring(system, root, folder)
    except NampedalError as error:
        outcome = Outcome(problems=[str(error)])
    except Exception as error:
        outcome = Outcome(problems=[f"import: nampedal itself went wrong: {type(error).__name__}: {error}"])
        _log.exception("import")
    outcome.problems = [shown(line).replace(f"{placed(root, places.CARD)}/", "") for line in outcome.problems]
    return outcome


def _folder(root: Path) -> Path:
    """The folder that nampedal.toml names. What is wrong there was told at the boot."""
    path = placed(root, places.CARD_SETTINGS)
    try:
        read, _ = settings.read(path.read_bytes(), path.name)
    except FileNotFoundError:
        read = settings.CardSettings()
    except OSError as error:
        raise CardFileError(f"{path}: can't be read: {reason(error)}") from error
    return placed(root, places.CARD) / read.imports
