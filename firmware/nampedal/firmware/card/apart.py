"""Taking over, as root sees it: whether there is anything new, and who is asked then.

`taking` answers, as the player's user and in a process of its own.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nampedal.board import places
from nampedal.firmware.card.errors import CommandFailedError, ImportStoppedError
from nampedal.firmware.card.found import Found, look_in, shown
from nampedal.firmware.card.journal import read_journal
from nampedal.firmware.card.outcome import Outcome
from nampedal.firmware.card.system import System
from nampedal.firmware.card.taken import read_taken, unseeded
from nampedal.firmware.card.where import JOURNAL, TAKEN, placed

# An import that takes longer goes on at the next start. Somebody plays meanwhile.
PATIENCE_S = 540.0
# The import ends itself so much earlier.
_MARGIN_S = 30.0
# Banks that came with nampedal: the player waits for the first sound meanwhile.
SEED_PATIENCE_S = 150.0
_TAKING = "nampedal.firmware.card.taking"
_LATER = "the rest is taken over at the next start"


@dataclass(frozen=True, slots=True)
class Known:
    """What is known without opening anything. found: all of it.  outcome: what is wrong.  fresh: whether any is new."""

    found: list[Found]
    outcome: Outcome
    fresh: bool


def know(root: Path, folder: Path, others: Sequence[Path] = ()) -> Known:
    """About a folder of the card, or folders of anything."""
    found, outcome = look(folder, others)
    if not found:
        return Known(found, outcome, fresh=False)
    below = placed(root, places.STATE)
    taken, journal = read_taken(placed(root, TAKEN), below), read_journal(placed(root, JOURNAL), below)
    fresh = False
    for one in found:
        if one.stamp in journal.given_up:
            outcome.problems.append(journal.given_up[one.stamp])
        elif not taken.knows(one.stamp):
            fresh = True
        elif (digest := taken.seen[one.stamp]) in taken.refused:
            outcome.problems.append(taken.refused[digest])
    return Known(found, outcome, fresh)


def bring(
    system: System, root: Path, folder: Path, others: Sequence[Path] = (), patience_s: float | None = None
) -> Outcome:
    """Import what is new in a folder of the card, or in folders of anything. Nothing new: nothing is started.

    patience_s: PATIENCE_S if None.
    Raises ImportStoppedError.
    """
    patience_s = PATIENCE_S if patience_s is None else patience_s
    known = know(root, folder, others)
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
        journal = read_journal(placed(root, JOURNAL), placed(root, places.STATE))
        begun = [shown(one.path) for one in known.found if one.stamp in journal.attempts]
        if not begun:
            raise
        raise ImportStoppedError(f"{', '.join(begun)}: was being taken over when this happened: {error}") from error


def seed(system: System, root: Path) -> None:
    """Banks that came with nampedal, where they have not been yet. Raises ImportStoppedError."""
    if unseeded(placed(root, places.SEED), read_taken(placed(root, TAKEN), placed(root, places.STATE))):
        _ask(system, {"root": str(root)}, SEED_PATIENCE_S)


def look(folder: Path, others: Sequence[Path]) -> tuple[list[Found], Outcome]:
    """What there is, and what is wrong with the rest."""
    found, problems = look_in(folder)
    for other in others:
        # Its own folder of ours is looked at by itself.
        more, troubles = look_in(other, sure=True)
        found += [one for one in more if one.path != folder]
        problems += troubles
    return found, Outcome(problems=[shown(problem) for problem in problems])


def _ask(system: System, question: dict[str, object], patience_s: float) -> Outcome:
    command = [sys.executable, "-I", "-m", _TAKING, json.dumps(question)]
    try:
        said = system.run(*command, user=places.USER, patience_s=patience_s)
        answer = json.loads(said)
        return Outcome(list(answer["taken"]), list(answer["problems"]))
    except CommandFailedError as error:
        raise ImportStoppedError(f"import: stopped: {shown(error)}; {_LATER}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise ImportStoppedError(f"import: stopped: it gave no answer; {_LATER}") from error
