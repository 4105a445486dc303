"""A wheel on a pedal: made ready, tried, kept or not."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import pytest
from nampedal.firmware.base import system_paths
from nampedal.firmware.base.errors import DeployError, FileAccessError, NampedalError
from nampedal.firmware.base.files.signature import UPDATE, sign
from nampedal.firmware.pedal.saved_state import SavedState, read_state, write_state
from nampedal.firmware.system.update import runtime_update
from nampedal.firmware.system.update.last_result import LastResult, read_last
from nampedal.firmware.system.update.runtime_slots import Phase, Runtimes, Slots
from nampedal.firmware.system.update.runtime_update import go_back, install_wheel, judge_runtime, size_of, try_runtime
from support.makers.signing_keys import maker
from support.rigs.update_rig import (
    BREAKS_UP,
    CRASHES,
    DRY,
    HANGS,
    NEW,
    OLD,
    STOPS_LATER,
    FakePedal,
    PowerCutError,
    make_runtime,
    make_wheel,
    power_cut_after,
    put,
)

SOUND = "it played for 30 s without a break"


def refusal(pedal: FakePedal, path: Path, error: type[NampedalError]) -> str:
    with pytest.raises(error) as caught:
        install_wheel(pedal.system, path)
    assert Runtimes(pedal.system).read_slots() == Slots(None, None, None)
    return str(caught.value)


def test_a_version_that_plays_is_kept(pedal: FakePedal, tmp_path: Path) -> None:
    assert install_wheel(pedal.system, make_wheel(tmp_path)).version == NEW
    assert pedal.daemon == OLD
    last = try_runtime(pedal.system)
    assert str(last) == f"nampedal {NEW}: is kept: {SOUND}"
    assert read_last(pedal.system) == last
    assert pedal.daemon == NEW
    pedal.cut_power()
    assert pedal.daemon == NEW
    assert pedal.launch("status") == f"{NEW} status"


@pytest.mark.parametrize(
    ("does", "why"),
    [
        (CRASHES, "it stopped, or the power was cut"),
        (STOPS_LATER, "it stopped"),
        (HANGS, "it does not play"),
        (DRY, "it plays no preset"),
        (BREAKS_UP, "the sound broke up 151 times"),
    ],
)
def test_a_version_that_does_not_play_well_gives_way_to_the_old_one(
    pedal: FakePedal, tmp_path: Path, does: str, why: str
) -> None:
    pedal.does[NEW] = does
    pedal.time_s = 1.0
    install_wheel(pedal.system, make_wheel(tmp_path))
    assert try_runtime(pedal.system) == LastResult("nampedal", NEW, False, why)
    assert pedal.daemon == OLD
    assert Runtimes(pedal.system).read_slots() == Slots(None, None, None)
    pedal.cut_power()
    assert pedal.daemon == OLD


def test_a_pedal_that_had_no_presets_needs_none(pedal: FakePedal, tmp_path: Path) -> None:
    pedal.does |= {OLD: DRY, NEW: DRY}
    install_wheel(pedal.system, make_wheel(tmp_path))
    assert try_runtime(pedal.system) == LastResult("nampedal", NEW, True, SOUND)


def test_what_did_not_play_is_no_measure_for_presets(pedal: FakePedal, tmp_path: Path) -> None:
    pedal.does |= {OLD: HANGS, NEW: DRY}
    install_wheel(pedal.system, make_wheel(tmp_path))
    assert try_runtime(pedal.system).kept


def test_an_interrupted_trial_is_over(pedal: FakePedal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(runtime_update, "watch", interrupted)
    install_wheel(pedal.system, make_wheel(tmp_path))
    with pytest.raises(KeyboardInterrupt):
        try_runtime(pedal.system)
    assert pedal.daemon == OLD
    assert read_last(pedal.system) == LastResult("nampedal", NEW, False, "it was interrupted")


def test_a_power_cut_during_the_trial_ends_it(pedal: FakePedal, tmp_path: Path) -> None:
    install_wheel(pedal.system, make_wheel(tmp_path))
    pedal.system.restart_daemon()
    assert pedal.daemon == NEW
    pedal.cut_power()
    assert pedal.daemon == OLD
    assert judge_runtime(pedal.system) == LastResult("nampedal", NEW, False, "it stopped, or the power was cut")
    assert Runtimes(pedal.system).read_slots() == Slots(None, None, None)


def test_a_power_cut_before_the_trial_has_it_at_the_next_start(pedal: FakePedal, tmp_path: Path) -> None:
    install_wheel(pedal.system, make_wheel(tmp_path))
    pedal.cut_power()
    assert judge_runtime(pedal.system) == LastResult("nampedal", NEW, True, SOUND)


def test_a_trial_that_nothing_begins_is_put_away(pedal: FakePedal, tmp_path: Path) -> None:
    install_wheel(pedal.system, make_wheel(tmp_path))
    assert judge_runtime(pedal.system).why == "it was not started"
    assert Runtimes(pedal.system).read_slots() == Slots(None, None, None)


@pytest.mark.parametrize("cut", range(0, 60, 3))
def test_a_power_cut_while_it_is_made_ready_changes_nothing(pedal: FakePedal, tmp_path: Path, cut: int) -> None:
    wheel = make_wheel(tmp_path)
    with power_cut_after(cut) as done:
        try:
            install_wheel(pedal.system, wheel)
        except PowerCutError:
            assert len(done) == cut
        else:
            assert len(done) < cut
            return
    pedal.cut_power()
    assert pedal.daemon == OLD
    assert Runtimes(pedal.system).read_slots().phase is Phase.NONE
    install_wheel(pedal.system, wheel)
    assert try_runtime(pedal.system).kept


def test_the_version_before_is_kept_to_go_back_to(pedal: FakePedal, tmp_path: Path) -> None:
    for version in (NEW, "0.3.0"):
        install_wheel(pedal.system, make_wheel(tmp_path, version))
        assert try_runtime(pedal.system).kept
    assert go_back(pedal.system) == NEW
    assert pedal.daemon == NEW
    assert go_back(pedal.system) == OLD
    assert pedal.daemon == OLD


def test_one_trial_at_a_time(pedal: FakePedal, tmp_path: Path) -> None:
    install_wheel(pedal.system, make_wheel(tmp_path))
    with pytest.raises(DeployError) as caught:
        install_wheel(pedal.system, make_wheel(tmp_path))
    assert str(caught.value) == (
        "update: what the last one brought is on trial still; wait for it: 'nampedal update status'"
    )


def test_a_wheel_that_needs_what_is_not_there_is_refused(pedal: FakePedal, tmp_path: Path) -> None:
    shutil.rmtree(pedal.at(system_paths.RUNTIME))
    # What the old one lacked already is not needed.
    make_runtime(pedal.at(system_paths.RUNTIME), OLD, ["never-there>=1"])
    path = make_wheel(tmp_path, NEW, ["never-there>=1", "click>=8", "newly-wanted<3,>=2"])
    assert refusal(pedal, path, DeployError) == (
        f"{path}: needs newly-wanted<3,>=2, which this pedal does not have and a wheel does not bring; update with an "
        "image, or flash one"
    )


def test_a_wheel_without_litert_is_taken_by_a_pedal_that_has_it(pedal: FakePedal, tmp_path: Path) -> None:
    shutil.rmtree(pedal.at(system_paths.RUNTIME))
    make_runtime(pedal.at(system_paths.RUNTIME), OLD, ["ai-edge-litert==2.3.0"])
    install_wheel(pedal.system, make_wheel(tmp_path, NEW, ["click>=8", "ai-edge-litert==9.0; extra == 'tflite'"]))
    assert try_runtime(pedal.system).kept


def test_a_version_that_does_not_run_here_is_never_tried(pedal: FakePedal, tmp_path: Path) -> None:
    path = make_wheel(tmp_path, more={"nampedal/firmware/engine/inference.py": "raise ImportError('no such symbol')"})
    said = refusal(pedal, path, DeployError)
    assert said.startswith(f"{path}: does not run here: ")
    assert said.endswith("ImportError: no such symbol; the pedal stays as it is")


def test_a_version_that_the_launcher_can_not_start_is_never_tried(pedal: FakePedal, tmp_path: Path) -> None:
    whole = make_wheel(tmp_path)
    path = tmp_path / "cut" / whole.name
    path.parent.mkdir()
    with zipfile.ZipFile(whole) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            if not name.endswith("cli/__main__.py"):
                new.writestr(name, old.read(name))
    sign(path, maker(), UPDATE)
    said = refusal(pedal, path, DeployError)
    assert said.endswith("nampedal.firmware.cli is not there; the pedal stays as it is")


def test_a_version_that_plays_a_capture_of_the_pedals_wrong_is_never_tried(pedal: FakePedal, tmp_path: Path) -> None:
    pedal.put(system_paths.SEED / "banks" / "factory" / "clean.stomp", b"")
    main = "import sys\nsys.exit('differs by 1e-1' if 'verify' in sys.argv else 0)"
    path = make_wheel(tmp_path, more={"nampedal/firmware/cli/__main__.py": main})
    assert "clean.stomp: failed (exit code 1): differs by 1e-1; the pedal" in refusal(pedal, path, DeployError)


def test_without_room_nothing_is_begun(pedal: FakePedal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime_update, "SPARE_BYTES", 1 << 60)
    said = refusal(pedal, make_wheel(tmp_path), FileAccessError)
    assert said.startswith(f"{pedal.at(system_paths.RUNTIMES)}: has room for ")
    assert said.endswith(f" MB; {1 << 40} MB are needed: remove banks or recordings")


def test_what_is_no_runtime_is_named(pedal: FakePedal, tmp_path: Path) -> None:
    shutil.rmtree(pedal.at(system_paths.RUNTIME))
    assert refusal(pedal, make_wheel(tmp_path), FileAccessError) == (
        f"{pedal.at(system_paths.RUNTIME)}: has no packages: nampedal is not installed there; install it again"
    )


def test_where_the_player_was_is_still_known_after_a_newer_version_wrote_it(pedal: FakePedal, tmp_path: Path) -> None:
    path = pedal.at(system_paths.STATE) / "nampedal" / "state.toml"
    kept = pedal.at(system_paths.UPDATES) / "state.toml"
    state = SavedState(Path("/banks/rock"), "crunch")
    write_state(state, path)
    install_wheel(pedal.system, make_wheel(tmp_path))
    path.write_text('format = 99\nwhere = "elsewhere"\n')
    assert read_state(path, kept) == state
    # What this version reads itself counts.
    write_state(SavedState(Path("/banks/rock"), "lead"), path)
    assert read_state(path, kept) == SavedState(Path("/banks/rock"), "lead")


def test_presets_stay_as_they_are(pedal: FakePedal, tmp_path: Path) -> None:
    bank = pedal.at(system_paths.BANKS) / "rock"
    put(bank, {"crunch.toml": "format = 1\n", "crunch.stomp": "artifact"})
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in bank.iterdir()}
    install_wheel(pedal.system, make_wheel(tmp_path))
    assert try_runtime(pedal.system).kept
    go_back(pedal.system)
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in bank.iterdir()} == before


def test_the_size_of_a_folder_is_that_of_its_files(tmp_path: Path) -> None:
    put(tmp_path, {"a": "12", "b/c": "345"})
    assert size_of(tmp_path) == 5
    assert size_of(tmp_path / "none") == 0
