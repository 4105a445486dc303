from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from nampedal.firmware.base.errors import DeployError, FileAccessError
from nampedal.firmware.system.image import image_manifest
from nampedal.firmware.system.update import boot_slots
from nampedal.firmware.system.update.boot_slots import Systems
from support.rigs.update_rig import (
    CONFIG,
    DISK,
    NEW,
    OLD,
    FlashedPedal,
    PowerCutError,
    make_slot_folder,
    power_cut_after,
    root_of,
)

AT_HOME = Systems(DISK, "A", "A", None)


@pytest.fixture
def flashed(tmp_path: Path) -> FlashedPedal:
    return FlashedPedal(tmp_path / "root")


@pytest.mark.parametrize(
    ("text", "slot"),
    [
        (CONFIG, "A"),
        (CONFIG.replace(b"A/", b"B/  "), "B"),
        (CONFIG.replace(b"\n", b"\r\n"), "A"),
        (b"#os_prefix=A/\n", None),
        (b"os_prefix=C/\n", None),
        (b"os_prefix=A/\nos_prefix=B/\n", None),
        (b"", None),
    ],
)
def test_a_config_names_one_slot_or_none(text: bytes, slot: str | None) -> None:
    assert boot_slots.slot_in(text) == slot


def test_another_slot_changes_one_byte_and_nothing_that_looks_like_it() -> None:
    text = b"# os_prefix=A/ is Ann's\r\nos_prefix=A/\r\nkernel=A/os_prefix=A/\n"
    assert boot_slots.with_slot(text, "B") == b"# os_prefix=A/ is Ann's\r\nos_prefix=B/\r\nkernel=A/os_prefix=A/\n"
    assert boot_slots.with_slot(text, "A") == text


def test_a_cmdline_is_for_one_disk_and_slot() -> None:
    text = "console=tty1 root=PARTUUID=01234567-02 ro quiet\n"
    assert boot_slots.cmdline_for(text, DISK, "B") == f"console=tty1 root=PARTUUID={DISK}-03 ro quiet\n"
    assert boot_slots.cmdline_for(boot_slots.cmdline_for(text, DISK, "B"), "01234567", "A") == text
    with pytest.raises(DeployError) as caught:
        boot_slots.cmdline_for("root=/dev/mmcblk0p2", DISK, "B")
    assert str(caught.value) == ("cmdline.txt: names no root=PARTUUID=...-02 or -03; it is no image's of nampedal")


@pytest.mark.parametrize(
    ("systems", "on_trial"),
    [
        (AT_HOME, False),
        # It did not start.
        (Systems(DISK, "A", "A", "B"), False),
        (Systems(DISK, "B", "A", "B"), True),
        # The new one was made the default already.
        (Systems(DISK, "B", "B", "B"), False),
        # Somebody edited config.txt.
        (Systems(DISK, "B", "A", None), False),
        (Systems(DISK, "B", "A", "A"), False),
    ],
)
def test_what_is_on_trial_follows_from_what_runs_and_what_is_named(systems: Systems, on_trial: bool) -> None:
    assert systems.on_trial == on_trial


def test_what_runs_is_seen(flashed: FlashedPedal) -> None:
    assert boot_slots.read_systems(flashed.system) == AT_HOME
    assert AT_HOME.other == "B"
    (flashed.card / "tryboot.txt").write_bytes(b"\0")
    assert boot_slots.read_systems(flashed.system) == AT_HOME


def test_a_card_that_was_made_otherwise_is_named(flashed: FlashedPedal) -> None:
    config = flashed.card / "config.txt"
    config.write_bytes(b"")
    with pytest.raises(DeployError) as caught:
        boot_slots.read_systems(flashed.system)
    assert str(caught.value) == (
        f"{config}: does not say which of two systems is started (os_prefix=A/ or B/): flash an image to update this "
        "pedal"
    )
    config.unlink()
    with pytest.raises(FileAccessError) as unreadable:
        boot_slots.read_systems(flashed.system)
    assert str(unreadable.value) == f"{config}: can't be read: no such file or directory"


def test_a_folder_that_the_firmware_would_pass_over_is_refused(flashed: FlashedPedal, tmp_path: Path) -> None:
    folder = tmp_path / "A"
    make_slot_folder(folder, NEW, root_of(NEW))
    boot_slots.check_folder(folder, flashed.card / "A")
    for name in ("cmdline.txt", "kernel8.img", "initramfs8", "overlays/README"):
        text = (folder / name).read_text()
        (folder / name).unlink()
        with pytest.raises(DeployError) as caught:
            boot_slots.check_folder(folder, flashed.card / "A")
        assert str(caught.value) == (
            f"{name}: the image does not have it, and this pedal is started by it; flash the image"
        )
        (folder / name).write_text(text)


def test_a_slot_is_filled_for_this_card_with_its_facts_last(flashed: FlashedPedal, tmp_path: Path) -> None:
    facts = make_slot_folder(tmp_path / "A", NEW, root_of(NEW))
    with power_cut_after(10_000) as done:
        boot_slots.fill_slot(flashed.card, AT_HOME, tmp_path / "A", facts)
    assert done
    assert boot_slots.facts_of(flashed.card, "B") == facts
    assert f"root=PARTUUID={DISK}-03 " in (flashed.card / "B" / "cmdline.txt").read_text()
    assert (flashed.card / "B" / "kernel8.img").read_text() == f"kernel of {NEW}"
    for cut in range(len(done)):
        boot_slots.empty_slot(flashed.card, "B")
        with power_cut_after(cut), pytest.raises(PowerCutError):
            boot_slots.fill_slot(flashed.card, AT_HOME, tmp_path / "A", facts)
        assert boot_slots.facts_of(flashed.card, "B") is None


def test_an_emptied_slot_is_named_by_nothing_any_more_before_its_files_go(flashed: FlashedPedal) -> None:
    make_slot_folder(flashed.card / "B", OLD, root_of(OLD))
    boot_slots.name_trial(flashed.card, "B")
    for cut in range(3):
        with power_cut_after(cut), pytest.raises(PowerCutError):
            boot_slots.empty_slot(flashed.card, "B")
        assert (flashed.card / "tryboot.txt").exists() == (cut < 1)
        assert (boot_slots.facts_of(flashed.card, "B") is None) == (cut >= 2)
    boot_slots.empty_slot(flashed.card, "B")
    assert sorted(path.name for path in flashed.card.iterdir()) == ["A", "config.txt"]


def test_the_default_is_changed_in_one_byte_of_the_same_file(flashed: FlashedPedal) -> None:
    config = flashed.card / "config.txt"
    inode = config.stat().st_ino
    with power_cut_after(0), pytest.raises(PowerCutError):
        boot_slots.make_default(flashed.card, "B")
    assert config.read_bytes() == CONFIG
    with power_cut_after(10_000) as done:
        boot_slots.make_default(flashed.card, "B")
        boot_slots.make_default(flashed.card, "B")
    assert [one.split()[0] for one in done] == ["pwrite"]
    assert config.read_bytes() == CONFIG.replace(b"A/", b"B/")
    assert config.stat().st_ino == inode


def test_a_card_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    calls: list[tuple[Callable[[], object], str, str]] = [
        (lambda: boot_slots.name_trial(tmp_path, "B"), "tryboot.txt", "written"),
        (lambda: boot_slots.make_default(tmp_path, "B"), "config.txt", "written"),
        (lambda: boot_slots.forget_trial(tmp_path / "none"), "none/tryboot.txt", "removed"),
        (lambda: boot_slots.empty_slot(tmp_path / "none", "B"), "none/B", "removed"),
    ]
    for call, name, verb in calls:
        with pytest.raises(FileAccessError) as caught:
            call()
        assert str(caught.value) == f"{tmp_path / name}: can't be {verb}: no such file or directory"


def test_a_slot_without_whole_facts_has_no_system(flashed: FlashedPedal) -> None:
    facts = boot_slots.facts_of(flashed.card, "A")
    assert facts is not None
    assert facts.version == OLD
    path = flashed.card / "A" / image_manifest.MANIFEST_NAME
    path.write_bytes(path.read_bytes()[:-20])
    assert boot_slots.facts_of(flashed.card, "A") is None
    assert boot_slots.facts_of(flashed.card, "B") is None
