from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from nampedal.firmware.base import system_paths
from nampedal.firmware.base.errors import DeployError
from nampedal.firmware.system.update import trial
from nampedal.firmware.system.update.image_update import install_image
from nampedal.firmware.system.update.runtime_update import install_wheel, try_runtime
from support.rigs.update_rig import (
    NEW,
    OLD,
    FakePedal,
    FlashedPedal,
    make_image,
    make_runtime,
    make_slot_folder,
    make_wheel,
    root_of,
)


@pytest.fixture
def flashed(tmp_path: Path) -> FlashedPedal:
    return FlashedPedal(tmp_path / "root")


@pytest.mark.parametrize(
    ("name", "wheel"), [("a.whl", True), ("a.img", False), ("a.img.xz", False), ("a.img.zst", False)]
)
def test_a_files_name_says_what_it_is(name: str, wheel: bool) -> None:
    assert trial.is_wheel(Path(name)) == wheel


@pytest.mark.parametrize("name", ["a", "a.xz", "whl", "a.img.gz"])
def test_what_is_no_update_by_its_name_is_refused(name: str) -> None:
    with pytest.raises(DeployError) as caught:
        trial.is_wheel(Path(name))
    assert str(caught.value) == (
        f"{name}: is no update: a wheel's name ends in .whl, an image's in .img, .img.xz, .img.zst"
    )


def test_a_pedal_that_was_never_updated_says_so(flashed: FlashedPedal, tmp_path: Path) -> None:
    installed = FakePedal(tmp_path / "installed", image=False)
    installed.at(system_paths.TRUSTED).unlink()
    assert trial.read_status(installed.system).lines() == [
        ("nampedal", f"{OLD}, as it was installed"),
        ("trusts", "nobody's updates"),
    ]
    assert trial.judge(installed.system) is None
    with pytest.raises(DeployError) as caught:
        trial.go_back(installed.system)
    assert str(caught.value) == "update: nothing was updated; there is no version before this one"
    assert trial.read_status(flashed.system).lines() == [
        ("nampedal", f"{OLD}, as it was installed"),
        ("system", f"{OLD} (A); the other one: none (B)"),
        ("trusts", "maker@home"),
    ]
    assert trial.judge(flashed.system) is None
    assert flashed.commands == []


def test_a_wheel_is_tried_kept_and_gone_back_from(flashed: FlashedPedal, tmp_path: Path) -> None:
    system = flashed.system
    install_wheel(system, make_wheel(tmp_path))
    assert trial.read_status(system).lines()[-1] == ("on trial", f"nampedal {NEW}")
    with pytest.raises(DeployError) as caught:
        trial.check_untried(system)
    assert str(caught.value) == "update: the last one is on trial still; wait for it: 'nampedal update status'"
    try_runtime(system)
    assert trial.read_status(system).lines()[0] == ("nampedal", f"{NEW}, from an update; before it: {OLD}")
    assert trial.read_status(system).lines()[-1][0] == "last"
    assert trial.go_back(system) == (f"nampedal {OLD}", False)
    assert trial.read_status(system).lines()[0] == ("nampedal", f"{OLD}, as it was installed")


def test_a_trial_that_the_power_was_cut_before_is_decided_at_the_next_start(
    flashed: FlashedPedal, tmp_path: Path
) -> None:
    install_wheel(flashed.system, make_wheel(tmp_path))
    flashed.cut_power()
    last = trial.judge(flashed.system)
    assert last is not None
    assert (last.what, last.kept) == ("nampedal", True)


def test_an_image_is_tried_kept_and_gone_back_from(flashed: FlashedPedal, tmp_path: Path) -> None:
    system = flashed.system
    make_slot_folder(tmp_path / "A", NEW, root_of(NEW))
    make_image(tmp_path / "new.img", tmp_path / "A", root_of(NEW))
    install_image(system, tmp_path / "new.img", lambda said: None, unsigned=True)
    system.reboot(tryboot=True)
    flashed.boot()
    assert trial.read_status(system).lines()[-1] == ("on trial", f"system {NEW}")
    with pytest.raises(DeployError):
        trial.go_back(system)
    last = trial.judge(system)
    assert last is not None
    assert (last.what, last.kept) == ("system", True)
    assert trial.read_status(system).lines()[1:] == [
        ("system", f"{NEW} (B); the other one: {OLD} (A)"),
        ("trusts", "maker@home"),
        ("last", f"system {NEW}: is kept: it played for 30 s without a break"),
    ]
    assert trial.go_back(system) == (f"system {OLD}", True)


def test_a_new_system_plays_its_own_nampedal(flashed: FlashedPedal, tmp_path: Path) -> None:
    install_wheel(flashed.system, make_wheel(tmp_path))
    try_runtime(flashed.system)
    assert flashed.launch("status") == f"{NEW} status"
    shutil.rmtree(flashed.at(system_paths.RUNTIME))
    make_runtime(flashed.at(system_paths.RUNTIME), "0.3.0")
    assert flashed.launch("status") == "0.3.0 status"
    assert trial.read_status(flashed.system).lines()[0] == ("nampedal", "0.3.0, as it was installed")
