"""Links and marks, and a power cut between any two changes of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from nampedal.firmware.base.errors import FileAccessError
from nampedal.firmware.system.update.runtime_slots import Phase, Runtimes, Slots
from support.rigs.update_rig import NEW, OLD, FakePedal, PowerCutError, make_runtime, power_cut_after

NEWER = "0.3.0"


@pytest.fixture
def runtimes(pedal: FakePedal) -> Runtimes:
    return Runtimes(pedal.system)


def bring(runtimes: Runtimes, version: str) -> str:
    """A whole runtime in the free slot."""
    slot = runtimes.read_slots().free
    make_runtime(runtimes.empty(slot), version)
    runtimes.finish(slot)
    return slot


def test_nothing_that_the_player_leaves_among_the_marks_keeps_an_update_away(runtimes: Runtimes) -> None:
    for keep in (False, True):
        runtimes.begin(bring(runtimes, NEW))
        tries = runtimes.folder / "tries"
        (tries / "begun").mkdir()
        (tries / "begun" / "deep").mkdir()
        (tries / "begun" / "deep" / "file").write_text("")
        (tries / "over").symlink_to("/")
        assert runtimes.read_slots().phase is Phase.OVER
        runtimes.settle(keep=keep)
        assert runtimes.read_slots().phase is Phase.NONE
    runtimes.begin(bring(runtimes, NEWER))
    assert runtimes.read_slots().phase is Phase.WAITS


@pytest.mark.parametrize(
    ("slots", "phase"),
    [
        (Slots("a", None, None), Phase.NONE),
        # Marks of another trial.
        (Slots("a", None, None, begun=True, over=True), Phase.NONE),
        (Slots("a", None, "b", True), Phase.WAITS),
        (Slots("a", None, "b", True, begun=True), Phase.RUNS),
        (Slots("a", None, "b", True, begun=True, over=True), Phase.OVER),
        # Nobody begins what is not whole.
        (Slots("a", None, None, True), Phase.OVER),
        (Slots("b", None, "b", True, begun=True), Phase.KEPT),
        (Slots("b", None, "b", True, begun=True, over=True), Phase.KEPT),
    ],
)
def test_the_phase_of_a_trial_follows_from_links_and_marks(slots: Slots, phase: Phase) -> None:
    assert slots.phase is phase


def test_without_updates_everything_is_as_installed(runtimes: Runtimes) -> None:
    assert runtimes.read_slots() == Slots(None, None, None)
    assert runtimes.path(None) == runtimes.installed


def test_runtimes_take_turns_in_two_slots_and_the_one_before_stays(runtimes: Runtimes) -> None:
    for version, now in ((NEW, Slots("a", None, None)), (NEWER, Slots("b", "a", None)), (OLD, Slots("a", "b", None))):
        runtimes.begin(bring(runtimes, version))
        runtimes.settle(keep=True)
        assert runtimes.read_slots() == now
    runtimes.go_back()
    assert runtimes.read_slots() == Slots("b", None, None)
    runtimes.go_back()
    assert runtimes.read_slots() == Slots(None, None, None)


def test_a_trial_that_is_not_kept_leaves_everything_as_it_was(runtimes: Runtimes) -> None:
    runtimes.begin(bring(runtimes, NEW))
    assert runtimes.read_slots() == Slots(None, None, "a", True)
    runtimes.settle(keep=False)
    assert runtimes.read_slots() == Slots(None, None, None)


def test_a_mark_is_the_daemons_and_what_was_marked_before_does_not_count(pedal: FakePedal, runtimes: Runtimes) -> None:
    for _ in range(2):
        runtimes.begin(bring(runtimes, NEW))
        pedal.start()
        assert (pedal.daemon, runtimes.read_slots().phase) == (NEW, Phase.RUNS)
        pedal.start()
        assert (pedal.daemon, runtimes.read_slots().phase) == (OLD, Phase.OVER)


@pytest.mark.parametrize("garbage", ["file", "link", "folder", "whole"])
def test_whatever_lies_in_a_slot_gives_way(runtimes: Runtimes, garbage: str) -> None:
    runtimes.folder.mkdir()
    path = runtimes.folder / "a"
    if garbage == "file":
        path.write_text("")
    elif garbage == "link":
        path.symlink_to("/etc")
    else:
        make_runtime(path)
    if garbage == "whole":
        runtimes.finish("a")
    assert runtimes.empty("a") == path
    assert not path.is_symlink()
    assert not path.exists()
    assert Path("/etc").exists()


def test_a_disk_that_cannot_be_written_is_named(runtimes: Runtimes) -> None:
    runtimes.folder.write_text("")
    with pytest.raises(FileAccessError) as caught:
        runtimes.empty("a")
    assert str(caught.value) == f"{runtimes.folder / 'a'}: can't be removed: file exists"
    with pytest.raises(FileAccessError) as caught:
        runtimes.settle(keep=False)
    assert str(caught.value).startswith(f"{runtimes.folder}: can't be written: ")


def update(pedal: FakePedal, runtimes: Runtimes) -> None:
    """One that is begun, runs well, and is kept."""
    runtimes.begin(bring(runtimes, NEW))
    pedal.start()
    assert runtimes.read_slots().phase is Phase.RUNS
    runtimes.settle(keep=True)


def steps_of_an_update(folder: Path) -> list[str]:
    pedal = FakePedal(folder)
    with power_cut_after(10_000) as done:
        update(pedal, Runtimes(pedal.system))
    return done


def test_a_cut_at_any_step_leaves_the_old_runtime_or_the_new_one_that_was_kept(tmp_path: Path) -> None:
    steps = steps_of_an_update(tmp_path / "whole")
    outcomes = []
    for cut in range(len(steps)):
        pedal = FakePedal(tmp_path / str(cut))
        runtimes = Runtimes(pedal.system)
        with power_cut_after(cut), pytest.raises(PowerCutError):
            update(pedal, runtimes)
        before = runtimes.read_slots()
        kept = before.current is not None
        pedal.cut_power()
        after = runtimes.read_slots()
        assert pedal.daemon == (NEW if kept else OLD)
        assert after.phase in (Phase.KEPT, Phase.OVER, Phase.NONE)
        assert (after.phase is Phase.KEPT) <= kept
        outcomes.append(f"{before.phase.name} {pedal.daemon}")
        # The next start is never the trial's.
        pedal.cut_power()
        assert pedal.daemon == (NEW if runtimes.read_slots().current is not None else OLD)
    assert set(outcomes) == {f"NONE {OLD}", f"RUNS {OLD}", f"KEPT {NEW}", f"NONE {NEW}"}


def test_a_cut_before_the_first_start_has_the_next_one_be_the_trial(pedal: FakePedal, runtimes: Runtimes) -> None:
    runtimes.begin(bring(runtimes, NEW))
    for version, phase in ((NEW, Phase.RUNS), (OLD, Phase.OVER), (OLD, Phase.OVER)):
        pedal.cut_power()
        assert (pedal.daemon, runtimes.read_slots().phase) == (version, phase)


def test_a_cut_while_going_back_leaves_one_of_both(tmp_path: Path) -> None:
    for cut in range(4):
        pedal = FakePedal(tmp_path / str(cut))
        runtimes = Runtimes(pedal.system)
        update(pedal, runtimes)
        runtimes.begin(bring(runtimes, NEWER))
        runtimes.settle(keep=True)
        with power_cut_after(cut), pytest.raises(PowerCutError):
            runtimes.go_back()
        pedal.cut_power()
        assert pedal.daemon == (NEW if runtimes.read_slots().current == "a" else NEWER)
        assert runtimes.read_slots().phase is Phase.NONE
