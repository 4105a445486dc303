"""The import worker: runs as the unprivileged user, and prints the answer for `import_launcher`.

`python -m nampedal.firmware.system.bank_import.import_worker QUESTION`

QUESTION is JSON. root: the pedal's root folder.  folder, others: the folders to import from.  patience_s: the time
limit, in seconds. Without folders it installs the factory banks. The answer on stdout is the `ImportResult` as JSON.
Each file and folder is opened in its own process.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict
from pathlib import Path

from nampedal.firmware.base import log, system_paths
from nampedal.firmware.base.errors import NampedalError
from nampedal.firmware.system.bank_import import bank_importer
from nampedal.firmware.system.bank_import.import_launcher import list_candidates
from nampedal.firmware.system.bank_import.import_result import ImportResult
from nampedal.firmware.system.bank_import.limited_step import Worker, set_oom_score
from nampedal.firmware.system.host.root_paths import IMPORT_LEDGER, under_root

# Lower than that of the child processes (1000), so that the kernel kills those first.
_OOM_SCORE = 900


def answer(root: Path, folder: str = "", others: list[str] | None = None, patience_s: float = 0.0) -> ImportResult:
    """Import from the folders, or install the factory banks if `folder` is empty.

    Raises a NampedalError if nothing can be imported at all.
    """
    banks, state = under_root(root, system_paths.BANKS), under_root(root, IMPORT_LEDGER)
    if not folder:
        bank_importer.install_factory_banks(under_root(root, system_paths.SEED), banks, state)
        return ImportResult()
    found, outcome = list_candidates(Path(folder), [Path(other) for other in others or ()])
    done = bank_importer.import_items(found, banks, state, Worker(time.monotonic() + patience_s))
    return ImportResult(done.taken, outcome.problems + done.problems)


def main() -> None:
    """Run the worker. The exit code is 1 if there is no answer."""
    log.configure_logging()
    set_oom_score(_OOM_SCORE)
    question = json.loads(sys.argv[1])
    try:
        outcome = answer(Path(question.pop("root")), **question)
    except NampedalError as error:
        sys.exit(str(error))
    sys.stdout.write(json.dumps(asdict(outcome)))


if __name__ == "__main__":
    main()
