"""Root's side of the bank import: finds out if there are new files, and starts the import worker for them.

The worker, `import_worker`, runs as the unprivileged user in its own process.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nampedal.firmware.base import system_paths
from nampedal.firmware.base.errors import ImportStoppedError, ProgramError
from nampedal.firmware.system.bank_import.import_journal import read_journal
from nampedal.firmware.system.bank_import.import_ledger import read_ledger, unseeded
from nampedal.firmware.system.bank_import.import_result import ImportResult
from nampedal.firmware.system.bank_import.import_scan import Candidate, scan_folder, shown
from nampedal.firmware.system.host.card_host import CardHost
from nampedal.firmware.system.host.root_paths import IMPORT_LEDGER, JOURNAL, under_root

# Timeout of an import. The rest is imported at the next start. The pedal plays meanwhile.
PATIENCE_S = 540.0
# The worker stops by itself this much earlier.
_MARGIN_S = 30.0
# Timeout of an import that runs before the first sound, such as that of the factory banks.
SEED_PATIENCE_S = 150.0
_TAKING = "nampedal.firmware.system.bank_import.import_worker"
_LATER = "the rest is taken over at the next start"


@dataclass(frozen=True, slots=True)
class ScanResult:
    """The result of a scan that opens no file.

    found: all candidates.  outcome: the problems.  fresh: True if a candidate has to be imported.
    """

    found: list[Candidate]
    outcome: ImportResult
    fresh: bool


def scan_for_new(root: Path, folder: Path, others: Sequence[Path] = ()) -> ScanResult:
    """Scan the import folder of the card or of a stick, and other folders with any content. No file is opened."""
    found, outcome = list_candidates(folder, others)
    if not found:
        return ScanResult(found, outcome, fresh=False)
    below = under_root(root, system_paths.STATE)
    taken, journal = read_ledger(under_root(root, IMPORT_LEDGER), below), read_journal(under_root(root, JOURNAL), below)
    fresh = False
    for one in found:
        if one.stamp in journal.given_up:
            outcome.problems.append(journal.given_up[one.stamp])
        elif not taken.knows(one.stamp):
            fresh = True
        elif (digest := taken.seen[one.stamp]) in taken.refused:
            outcome.problems.append(taken.refused[digest])
    return ScanResult(found, outcome, fresh)


def run_import(
    system: CardHost, root: Path, folder: Path, others: Sequence[Path] = (), patience_s: float | None = None
) -> ImportResult:
    """Import the new files in a folder of the card or of a stick, and in other folders with any content.

    Starts no worker if nothing is new. patience_s: the timeout, in seconds; None: PATIENCE_S.
    Raises ImportStoppedError.
    """
    patience_s = PATIENCE_S if patience_s is None else patience_s
    known = scan_for_new(root, folder, others)
    if not known.fresh:
        return known.outcome
    question = {
        "root": str(root),
        "folder": str(folder),
        "others": [str(path) for path in others],
        "patience_s": patience_s - _MARGIN_S,
    }
    try:
        return _ask(system, question, patience_s)
    except ImportStoppedError as error:
        journal = read_journal(under_root(root, JOURNAL), under_root(root, system_paths.STATE))
        begun = [shown(one.path) for one in known.found if one.stamp in journal.attempts]
        if not begun:
            raise
        raise ImportStoppedError(f"{', '.join(begun)}: was being taken over when this happened: {error}") from error


def install_factory_banks(system: CardHost, root: Path) -> None:
    """Install the factory banks that have not been installed before. Raises ImportStoppedError."""
    if unseeded(
        under_root(root, system_paths.SEED),
        read_ledger(under_root(root, IMPORT_LEDGER), under_root(root, system_paths.STATE)),
    ):
        _ask(system, {"root": str(root)}, SEED_PATIENCE_S)


def list_candidates(folder: Path, others: Sequence[Path]) -> tuple[list[Candidate], ImportResult]:
    """Return the candidates in the folders, and the problems of the other files. folder, others: see `run_import`."""
    found, problems = scan_folder(folder)
    for other in others:
        # `folder` may be inside and has been scanned above.
        more, troubles = scan_folder(other, sure=True)
        found += [one for one in more if one.path != folder]
        problems += troubles
    return found, ImportResult(problems=[shown(problem) for problem in problems])


def _ask(system: CardHost, question: dict[str, object], patience_s: float) -> ImportResult:
    command = [sys.executable, "-I", "-m", _TAKING, json.dumps(question)]
    try:
        said = system.run(*command, user=system_paths.USER, patience_s=patience_s)
        answer = json.loads(said)
        return ImportResult(list(answer["taken"]), list(answer["problems"]))
    except ProgramError as error:
        raise ImportStoppedError(f"import: stopped: {shown(error)}; {_LATER}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise ImportStoppedError(f"import: stopped: it gave no answer; {_LATER}") from error
