"""Taking over, as root sees it: whether there is anything new, and who is asked then.

`taking` answers, as the player's user and in a process of its own.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from nampedal.board import places
from nampedal.firmware.card.errors import CommandFailedError, ImportStoppedError
from nampedal.firmware.card.found import Found, look_in, shown
from nampedal.firmware.card.outcome import Outcome
from nampedal.firmware.card.system import System
from nampedal.firmware.card.taken import read_taken, unseeded
from nampedal.firmware.card.where import TAKEN, placed

# The player waits for the first sound meanwhile, and a bank of a thousand presets takes its time.
PATIENCE_S = 150.0
_TAKING = "nampedal.firmware.card.taking"
_LATER = "the rest is taken over at the next start"


def bring(system: System, root: Path, folder: Path, others: Sequence[Path] = ()) -> Outcome:
    """What is new in a folder of the card, or in folders of anything. Nothing new: nothing is started.

    Raises ImportStoppedError.
    """
    found, outcome = look(folder, others)
    if not found:
        return outcome
    known = read_taken(placed(root, TAKEN))
    if all(known.knows(one.stamp) for one in found):
        refused = [known.refused[digest] for one in found if (digest := known.seen[one.stamp]) in known.refused]
        outcome.problems += refused
        return outcome
    return _ask(system, {"root": str(root), "folder": str(folder), "others": [str(path) for path in others]})


def seed(system: System, root: Path) -> None:
    """Banks that came with nampedal, where they have not been yet. Raises ImportStoppedError."""
    if unseeded(placed(root, places.SEED), read_taken(placed(root, TAKEN))):
        _ask(system, {"root": str(root)})


def look(folder: Path, others: Sequence[Path]) -> tuple[list[Found], Outcome]:
    """What there is, and what is wrong with the rest."""
    found, problems = look_in(folder)
    for other in others:
        # Its own folder of ours is looked at by itself.
        more, troubles = look_in(other, sure=True)
        found += [one for one in more if one.path != folder]
        problems += troubles
    return found, Outcome(problems=[shown(problem) for problem in problems])


def _ask(system: System, question: dict[str, object]) -> Outcome:
    command = [sys.executable, "-I", "-m", _TAKING, json.dumps(question)]
    try:
        said = system.run(*command, user=places.USER, patience_s=PATIENCE_S)
        answer = json.loads(said)
        return Outcome(list(answer["taken"]), list(answer["problems"]))
    except CommandFailedError as error:
        raise ImportStoppedError(f"import: stopped: {shown(error)}; {_LATER}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise ImportStoppedError(f"import: stopped: it gave no answer; {_LATER}") from error
