"""An image on a flashed pedal: written beside what runs, tried, kept or not, with the plug pulled anywhere."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from nampedal.firmware.base import system_paths
from nampedal.firmware.base.errors import DeployError, FileAccessError, NampedalError
from nampedal.firmware.base.files.signature import UPDATE, sign
from nampedal.firmware.pedal.saved_state import SavedState, read_state, write_state
from nampedal.firmware.system.update import boot_slots, image_update
from nampedal.firmware.system.update.image_update import go_back, install_image, judge_image
from nampedal.firmware.system.update.last_result import LastResult, read_last
from support.makers.signing_keys import maker
from support.rigs.update_rig import (
    BREAKS_UP,
    CONFIG,
    DISK,
    DRY,
    HANGS,
    NEW,
    OLD,
    FakePedal,
    FlashedPedal,
    PowerCutError,
    make_image,
    make_slot_folder,
    power_cut_after,
    root_of,
)

SOUND = "it played for 30 s without a break"


@pytest.fixture
def flashed(tmp_path: Path) -> FlashedPedal:
    return FlashedPedal(tmp_path / "root")


@pytest.fixture
def new(tmp_path: Path) -> Path:
    """An image of the new version."""
    return make(tmp_path)


def make(folder: Path, **others: str) -> Path:
    make_slot_folder(folder / "A", NEW, root_of(NEW), **others)
    make_image(folder / "new.img", folder / "A", root_of(NEW))
    sign(folder / "new.img", maker(), UPDATE)
    return folder / "new.img"


def update(pedal: FlashedPedal, path: Path) -> None:
    """As far as into the new system."""
    install_image(pedal.system, path, lambda said: None)
    pedal.system.reboot(tryboot=True)
    pedal.boot()


def refusal(pedal: FakePedal, path: Path, error: type[NampedalError]) -> str:
    """Of one that is signed."""
    sign(path, maker(), UPDATE)
    with pytest.raises(error) as caught:
        install_image(pedal.system, path, lambda said: None)
    assert not (pedal.at(system_paths.CARD) / "tryboot.txt").exists()
    assert not (pedal.at(system_paths.UPDATES) / "work").exists()
    return str(caught.value)


def test_a_system_that_plays_is_kept(flashed: FlashedPedal, new: Path) -> None:
    said: list[str] = []
    assert install_image(flashed.system, new, said.append).version == NEW
    assert said == [
        "reading the image",
        "signed by maker@home",
        "there is no new.img.sha256 to check it by",
        f"writing nampedal {NEW} to {DISK}-03",
    ]
    assert (flashed.card / "config.txt").read_bytes() == CONFIG
    flashed.system.reboot(tryboot=True)
    assert flashed.commands[-1] == "systemctl reboot --reboot-argument=0 tryboot"
    flashed.boot()
    assert flashed.daemon == NEW
    last = judge_image(flashed.system)
    assert last == LastResult("system", NEW, True, SOUND) == read_last(flashed.system)
    assert (flashed.card / "config.txt").read_bytes() == CONFIG.replace(b"A/", b"B/")
    assert not (flashed.card / "tryboot.txt").exists()
    flashed.boot()
    assert flashed.daemon == NEW
    assert judge_image(flashed.system) is None


@pytest.mark.parametrize(
    ("does", "why"),
    [(HANGS, "it does not play"), (BREAKS_UP, "the sound broke up 150 times"), (DRY, "it plays no preset")],
)
def test_a_system_that_does_not_play_well_gives_way_to_the_old_one(
    flashed: FlashedPedal, new: Path, does: str, why: str
) -> None:
    flashed.does[NEW] = does
    update(flashed, new)
    assert judge_image(flashed.system) == LastResult("system", NEW, False, why)
    assert flashed.commands[-1] == "systemctl reboot"
    flashed.boot()
    assert flashed.daemon == OLD
    assert judge_image(flashed.system) is None
    assert not (flashed.card / "tryboot.txt").exists()
    assert read_last(flashed.system) == LastResult("system", NEW, False, why)


def test_a_system_that_does_not_start_is_told_of(flashed: FlashedPedal, new: Path) -> None:
    update(flashed, new)
    flashed.boot()
    assert flashed.daemon == OLD
    assert judge_image(flashed.system) is None
    last = read_last(flashed.system)
    assert str(last) == f"system {NEW}: was not kept: it did not start, or the power was cut meanwhile"


def test_updates_take_turns_and_the_one_before_can_be_gone_back_to(flashed: FlashedPedal, new: Path) -> None:
    with pytest.raises(DeployError) as caught:
        go_back(flashed.system)
    assert str(caught.value) == "update: there is no version before this one; flash the one that you want"
    update(flashed, new)
    judge_image(flashed.system)
    assert go_back(flashed.system).version == OLD
    flashed.system.reboot(tryboot=True)
    flashed.boot()
    assert flashed.daemon == OLD
    assert judge_image(flashed.system) == LastResult("system", OLD, True, SOUND)
    flashed.boot()
    assert flashed.daemon == OLD
    update(flashed, new)
    assert flashed.daemon == NEW


def test_a_cut_at_any_step_leaves_the_old_system_starting(tmp_path: Path, new: Path) -> None:
    first = FlashedPedal(tmp_path / "whole")
    with power_cut_after(10_000) as done:
        install_image(first.system, new, lambda said: None)
    # The second time something is there that has to go.
    for cut in range(len(done)):
        pedal = FlashedPedal(tmp_path / str(cut))
        make_slot_folder(pedal.card / "B", OLD, root_of(OLD))
        with power_cut_after(cut), pytest.raises(PowerCutError):
            install_image(pedal.system, new, lambda said: None)
        pedal.commands.clear()
        pedal.boot()
        assert pedal.daemon == OLD
        assert judge_image(pedal.system) is None
        facts = boot_slots.facts_of(pedal.card, "B")
        # What is there to go back to is whole.
        if facts is not None and facts.version == NEW:
            assert (pedal.disks / f"{DISK}-03").read_bytes().startswith(root_of(NEW))
        update(pedal, new)
        assert pedal.daemon == NEW


def test_a_cut_while_it_is_kept_leaves_one_of_both_starting(tmp_path: Path, new: Path) -> None:
    started = []
    for cut in range(20):
        pedal = FlashedPedal(tmp_path / str(cut))
        update(pedal, new)
        whole = False
        with power_cut_after(cut), suppress(PowerCutError):
            judge_image(pedal.system)
            whole = True
        pedal.commands.clear()
        pedal.boot()
        started.append(pedal.daemon)
        assert judge_image(pedal.system) is None
        last = read_last(pedal.system)
        assert last is not None
        assert last.kept == (pedal.daemon == NEW)
        assert not (pedal.card / "tryboot.txt").exists()
        pedal.commands.clear()
        pedal.boot()
        assert pedal.daemon == started[-1]
        if whole:
            break
    else:
        pytest.fail("it was never whole")
    assert started == sorted(started)
    assert set(started) == {OLD, NEW}


def test_pedals_that_have_one_system_say_what_else_to_do(tmp_path: Path, new: Path) -> None:
    assert refusal(FakePedal(tmp_path / "installed", image=False), new, DeployError) == (
        "update: this pedal was installed, not flashed, and has one system only; update nampedal with a wheel, and the "
        "system with 'sudo apt full-upgrade'"
    )
    assert refusal(FakePedal(tmp_path / "debian", base="debian"), new, DeployError) == (
        "update: a system of base 'debian' can't be tried before it is kept: its kernel does not pass tryboot on; "
        "update with a wheel, or flash the image"
    )
    assert not image_update.has_two_systems(FakePedal(tmp_path / "again", image=False).system)


@pytest.mark.parametrize(
    ("key", "found", "here"), [("base", "debian", "raspios"), ("pedal", "other", "stage"), ("machine", "armv5", "")]
)
def test_an_image_for_others_is_refused(flashed: FlashedPedal, tmp_path: Path, key: str, found: str, here: str) -> None:
    path = make(tmp_path, **{key: found})
    said = refusal(flashed, path, DeployError)
    assert said.startswith(f"{path}: is for the {key} '{found}'; this is '{here}")
    assert said.endswith("': take the image for that, or flash this one")


def test_an_image_of_something_else_is_refused(flashed: FlashedPedal, tmp_path: Path) -> None:
    make_slot_folder(tmp_path / "A", NEW, root_of(NEW))
    (tmp_path / "A" / "nampedal-image.toml").unlink()
    path = tmp_path / "new.img"
    make_image(path, tmp_path / "A", root_of(NEW))
    assert refusal(flashed, path, DeployError) == (
        f"{path}: A/nampedal-image.toml: is not there; this is no image of nampedal's"
    )
    path.write_bytes(bytes(1 << 20))
    assert refusal(flashed, path, DeployError) == (
        f"{path}: has no partitions; it is no image of a card, or only a part of one"
    )


def test_an_image_with_another_checksum_is_refused(flashed: FlashedPedal, new: Path) -> None:
    new.with_name("new.img.sha256").write_text(f"{'0' * 64}  new.img\n")
    assert "says 000" in refusal(flashed, new, DeployError)


def test_a_root_that_does_not_fit_is_refused_before_anything_is_written(flashed: FlashedPedal, new: Path) -> None:
    make_slot_folder(flashed.card / "B", OLD, root_of(OLD))
    target = flashed.disks / f"{DISK}-03"
    target.write_bytes(bytes(1000))
    assert refusal(flashed, new, DeployError) == (f"{new}: its root has 0 MB; there is room for 0 MB: flash the image")
    assert target.read_bytes() == bytes(1000)
    assert boot_slots.facts_of(flashed.card, "B") is not None
    target.unlink()
    assert refusal(flashed, new, DeployError) == (
        f"{target}: is not there; this card has no second root: flash the image"
    )


def test_a_root_that_is_not_what_it_says_leaves_the_slot_empty(flashed: FlashedPedal, tmp_path: Path) -> None:
    make_slot_folder(tmp_path / "A", NEW, root_of(NEW))
    make_image(tmp_path / "new.img", tmp_path / "A", root_of(OLD))
    assert refusal(flashed, tmp_path / "new.img", DeployError) == (
        "update: the image's root is not what the image says of it; copy it again"
    )
    assert boot_slots.facts_of(flashed.card, "B") is None
    flashed.commands.clear()
    flashed.boot()
    assert flashed.daemon == OLD


def test_an_image_whose_files_would_not_be_started_is_refused(flashed: FlashedPedal, tmp_path: Path) -> None:
    make_slot_folder(tmp_path / "A", NEW, root_of(NEW))
    (tmp_path / "A" / "cmdline.txt").write_text("root=/dev/mmcblk0p2\n")
    make_image(tmp_path / "new.img", tmp_path / "A", root_of(NEW))
    assert refusal(flashed, tmp_path / "new.img", DeployError) == (
        "cmdline.txt: names no root=PARTUUID=...-02 or -03; it is no image's of nampedal"
    )


def test_without_room_nothing_is_begun(flashed: FlashedPedal, new: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(image_update, "SPARE_BYTES", 1 << 60)
        work = flashed.at(system_paths.UPDATES) / "work"
        assert refusal(flashed, new, FileAccessError).startswith(f"{work}: has room for ")
    monkeypatch.setattr(image_update, "size_of", lambda folder: 1 << 60 if folder.parent.name == "work" else 0)
    assert refusal(flashed, new, FileAccessError).endswith(
        f" MB; {1 << 40} MB are needed: remove what you put there yourself"
    )


def test_one_trial_at_a_time(flashed: FlashedPedal, new: Path) -> None:
    update(flashed, new)
    calls: list[Callable[[], object]] = [
        lambda: install_image(flashed.system, new, lambda said: None),
        lambda: go_back(flashed.system),
    ]
    for call in calls:
        with pytest.raises(DeployError) as caught:
            call()
        assert str(caught.value) == "update: this system is on trial still; wait for it: 'nampedal update status'"


def test_the_card_is_writable_for_moments_only(flashed: FlashedPedal, new: Path) -> None:
    install_image(flashed.system, new, lambda said: None)
    mounts = [command for command in flashed.commands if command.startswith("mount")]
    assert mounts == ["mount -o remount,rw /boot/firmware", "mount -o remount,ro /boot/firmware"] * 3


def test_where_the_player_was_is_kept_for_the_system_before(flashed: FlashedPedal, new: Path) -> None:
    path = flashed.at(system_paths.STATE) / "nampedal" / "state.toml"
    write_state(SavedState(Path("/banks/rock"), "crunch"), path)
    update(flashed, new)
    path.write_text("format = 99\n")
    assert read_state(path, flashed.at(system_paths.UPDATES) / "state.toml") == SavedState(
        Path("/banks/rock"), "crunch"
    )


def test_what_is_written_is_the_images_root(flashed: FlashedPedal, new: Path) -> None:
    install_image(flashed.system, new, lambda said: None)
    facts = boot_slots.facts_of(flashed.card, "B")
    assert facts is not None
    written = (flashed.disks / f"{DISK}-03").read_bytes()[: facts.root_bytes]
    assert hashlib.sha256(written).hexdigest() == facts.root_sha256
    assert (flashed.disks / f"{DISK}-02").read_bytes().startswith(root_of(OLD))
