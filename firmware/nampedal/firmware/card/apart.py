"""Taking over, as the player's user and in a process of its own: `nampedal card take`, and what it answers."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from nampedal.board import places
from nampedal.firmware.card import take
from nampedal.firmware.card.errors import CommandFailedError, ImportStoppedError
from nampedal.firmware.card.found import Found, look_in, shown
from nampedal.firmware.card.system import System
from nampedal.firmware.card.take import Outcome
from nampedal.firmware.card.taken import read_taken
from nampedal.firmware.card.where import TAKEN, placed

# The player waits for the first sound meanwhile, and a bank of a thousand presets takes its time.
PATIENCE_S = 150.0
_LATER = "the rest is taken over at the next start"
# The first to go where memory runs out (proc_pid_oom_score_adj(5)).
_OOM = Path("/proc/self/oom_score_adj")


def bring(system: System, root: Path, folder: Path, others: Sequence[Path] = ()) -> Outcome:
    """What is new in a folder of the card, or in folders of anything. Nothing new: nothing is started.

    Raises ImportStoppedError.
    """
    found, outcome = _look(folder, others)
    known = read_taken(placed(root, TAKEN))
    if all(known.knows(one.stamp) for one in found):
        refused = [known.refused[digest] for one in found if (digest := known.seen[one.stamp]) in known.refused]
        outcome.problems += refused
        return outcome
    return _ask(system, root, str(folder), *(f"--other={path}" for path in others))


def seed(system: System, root: Path) -> None:
    """Banks that came with nampedal, where they have not been yet. Raises ImportStoppedError."""
    source, known = placed(root, places.SEED), read_taken(placed(root, TAKEN))
    if take.unseeded(source, known):
        _ask(system, root, f"--seed={source}")


def _ask(system: System, root: Path, *what: str) -> Outcome:
    command = [sys.executable, "-I", "-m", "nampedal.firmware.cli", "card", "take", *what, f"--root={root}"]
    try:
        said = system.run(*command, user=places.USER, patience_s=PATIENCE_S)
        answer = json.loads(said)
        return Outcome(list(answer["taken"]), list(answer["problems"]))
    except CommandFailedError as error:
        raise ImportStoppedError(f"import: stopped: {shown(error)}; {_LATER}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise ImportStoppedError(f"import: stopped: it gave no answer; {_LATER}") from error


def answer(root: Path, folder: Path | None, others: Sequence[Path], source: Path | None) -> str:
    """What `nampedal card take` prints. Raises a NampedalError where nothing can be taken over at all."""
    _be_the_first_to_go()
    banks, state = placed(root, places.BANKS), placed(root, TAKEN)
    if source is not None:
        take.seed(source, banks, state)
    found, outcome = _look(folder, others) if folder is not None else ([], Outcome())
    done = take.take(found, banks, state)
    return json.dumps({"taken": done.taken, "problems": outcome.problems + done.problems})


def _look(folder: Path, others: Sequence[Path]) -> tuple[list[Found], Outcome]:
    found, problems = look_in(folder)
    for other in others:
        # Its own folder of ours is looked at by itself.
        more, troubles = look_in(other, sure=True)
        found += [one for one in more if one.path != folder]
        problems += troubles
    return found, Outcome(problems=[shown(problem) for problem in problems])


def _be_the_first_to_go() -> None:
    try:
        _OOM.write_text("1000")
    except OSError:
        return
