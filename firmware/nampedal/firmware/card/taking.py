"""Taking over, as the player's user: python -m nampedal.firmware.card.taking QUESTION prints what `apart` asks for.

QUESTION, JSON: root: of the pedal.  folder, others: where to look; without them it is about banks that came with
nampedal. The answer is the `Outcome`.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

from nampedal.board import places
from nampedal.board.errors import NampedalError
from nampedal.firmware.card import take
from nampedal.firmware.card.apart import look
from nampedal.firmware.card.outcome import Outcome
from nampedal.firmware.card.where import TAKEN, placed

# The first to go where memory runs out (proc_pid_oom_score_adj(5)).
_OOM = Path("/proc/self/oom_score_adj")


def answer(root: Path, folder: str = "", others: list[str] | None = None) -> Outcome:
    """Raises a NampedalError where nothing can be taken over at all."""
    banks, state = placed(root, places.BANKS), placed(root, TAKEN)
    if not folder:
        take.seed(placed(root, places.SEED), banks, state)
        return Outcome()
    found, outcome = look(Path(folder), [Path(other) for other in others or ()])
    done = take.take(found, banks, state)
    return Outcome(done.taken, outcome.problems + done.problems)


def main() -> None:
    """Exit code 1 where there is no answer."""
    _be_the_first_to_go()
    question = json.loads(sys.argv[1])
    try:
        outcome = answer(Path(question.pop("root")), **question)
    except NampedalError as error:
        sys.exit(str(error))
    sys.stdout.write(json.dumps(asdict(outcome)))


def _be_the_first_to_go() -> None:
    try:
        _OOM.write_text("1000")
    except OSError:
        return


if __name__ == "__main__":
    main()
