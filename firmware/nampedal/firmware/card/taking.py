"""The import, as the player's user: python -m nampedal.firmware.card.taking QUESTION prints what `apart` asks for.

QUESTION, JSON: root: of the pedal.  folder, others: where to look, for at most patience_s; without them it is about
banks that came with nampedal. The answer is the `Outcome`. Each file and folder is opened by a process of its own.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict
from pathlib import Path

from nampedal.board import places
from nampedal.board.errors import NampedalError
from nampedal.firmware import log
from nampedal.firmware.card import take
from nampedal.firmware.card.apart import look
from nampedal.firmware.card.outcome import Outcome
from nampedal.firmware.card.where import TAKEN, placed
from nampedal.firmware.card.worker import Worker, be_the_first_to_go

# What this process may be ended by comes after what a worker may.
_OOM_SCORE = 900


def answer(root: Path, folder: str = "", others: list[str] | None = None, patience_s: float = 0.0) -> Outcome:
    """Raises a NampedalError where nothing can be taken over at all."""
    banks, state = placed(root, places.BANKS), placed(root, TAKEN)
    if not folder:
        take.seed(placed(root, places.SEED), banks, state)
        return Outcome()
    found, outcome = look(Path(folder), [Path(other) for other in others or ()])
    done = take.take(found, banks, state, Worker(time.monotonic() + patience_s))
    return Outcome(done.taken, outcome.problems + done.problems)


def main() -> None:
    """Exit code 1 where there is no answer."""
    log.set_up()
    be_the_first_to_go(_OOM_SCORE)
    question = json.loads(sys.argv[1])
    try:
        outcome = answer(Path(question.pop("root")), **question)
    except NampedalError as error:
        sys.exit(str(error))
    sys.stdout.write(json.dumps(asdict(outcome)))


if __name__ == "__main__":
    main()
