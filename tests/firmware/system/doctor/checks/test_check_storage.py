from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from nampedal.firmware.system.doctor.checks.check_storage import (
    check_clock,
    check_data,
    check_owner,
    check_room,
    check_root,
    check_swap,
)
from support.rigs.sick_pedal import IMAGE_MOUNTS, SWAPS, Patient, look, make_image

INSTALL = "run 'sudo nampedal install --pedal zero-2-w-codec-zero', then 'sudo reboot'"
FAILING = "copy your banks away ('nampedal bank export'), then take a new card: this one begins to fail"


@pytest.fixture
def image(tmp_path: Path) -> Patient:
    """A pedal from an image of ours."""
    return make_image(tmp_path / "image")


# ---- root ----


def test_an_installed_system_may_be_written(pedal: Patient) -> None:
    assert look(pedal, check_root) == ("not applicable", "only an image of ours has a system that is never written", "")


def test_an_images_system_is_never_written(image: Patient) -> None:
    assert look(image, check_root) == ("ok", "is never written (squashfs)", "")
    image.put("/proc/mounts", "/dev/mmcblk0p2 / ext4 rw,relatime 0 0\n")
    assert look(image, check_root) == (
        "wrong",
        "the system is mounted writable (ext4): a pulled plug can damage it",
        "run 'sudo reboot'",
    )


def test_mounts_that_nobody_tells_are_unknown(image: Patient) -> None:
    image.real(Path("/proc/mounts")).unlink()
    found = ("unknown", "nobody tells what is mounted (/proc/mounts)", "")
    assert look(image, check_root) == found
    assert look(image, check_data) == found


# ---- data ----


def test_data_that_is_safe_is_told(pedal: Patient, image: Patient) -> None:
    assert look(pedal, check_data) == ("ok", "/dev/mmcblk0p2 at /: ext4, journalled, writable", "")
    assert look(image, check_data) == (
        "ok",
        "/dev/mmcblk0p4 at /var/lib/nampedal: ext4, journalled, writable",
        "",
    )


def test_an_image_without_its_data_partition_is_wrong(image: Patient) -> None:
    image.put("/proc/mounts", "\n".join(IMAGE_MOUNTS.splitlines()[:2]))
    assert look(image, check_data) == (
        "wrong",
        "the data partition is not mounted at /var/lib/nampedal: nothing that is saved stays",
        "read 'systemctl status var-lib-nampedal.mount' and do what it says",
    )


def test_data_that_linux_locked_after_an_error_is_wrong(image: Patient) -> None:
    image.put("/proc/mounts", IMAGE_MOUNTS.replace("ext4 rw,", "ext4 ro,"))
    assert look(image, check_data) == (
        "wrong",
        "/dev/mmcblk0p4 at /var/lib/nampedal can't be written: Linux met an error on it, mostly",
        FAILING,
    )


def test_a_file_system_with_errors_is_wrong(image: Patient) -> None:
    image.put("/sys/fs/ext4/mmcblk0p4/errors_count", "0\n")
    assert look(image, check_data)[0] == "ok"
    image.put("/sys/fs/ext4/mmcblk0p4/errors_count", "3\n")
    assert look(image, check_data) == ("wrong", "/dev/mmcblk0p4 has 3 errors in its file system", FAILING)


def test_data_without_a_journal_is_wrong(image: Patient) -> None:
    mend = "keep the data on ext4, as a new card of ours does"
    image.real(Path("/proc/fs/jbd2/mmcblk0p4-8/info")).unlink()
    image.real(Path("/proc/fs/jbd2/mmcblk0p4-8")).rmdir()
    found = "has no journal: a pulled plug can damage what is saved"
    assert look(image, check_data) == ("wrong", f"/dev/mmcblk0p4 at /var/lib/nampedal (ext4) {found}", mend)
    image.put("/proc/mounts", IMAGE_MOUNTS.replace(" ext4 ", " vfat "))
    assert look(image, check_data) == ("wrong", f"/dev/mmcblk0p4 at /var/lib/nampedal (vfat) {found}", mend)


def test_a_root_that_goes_by_another_name_is_taken_to_be_journalled(pedal: Patient) -> None:
    pedal.put("/proc/mounts", "/dev/root / ext4 rw,noatime 0 0\n")
    assert look(pedal, check_data) == ("ok", "/dev/root at /: ext4, journalled, writable", "")


def test_of_two_mounts_at_one_place_the_later_one_counts(image: Patient) -> None:
    image.put("/proc/mounts", IMAGE_MOUNTS + "tmpfs /var/lib/nampedal tmpfs rw 0 0\nnonsense\n")
    assert look(image, check_data)[1].startswith("tmpfs at /var/lib/nampedal (tmpfs) has no journal")


# ---- owner, room, swap, clock, card ----


PLAYERS = [f"/var/lib/nampedal/{name}" for name in ("banks", "config", "state")]


def test_folders_of_nampedals_own_are_well(pedal: Patient) -> None:
    assert look(pedal, check_owner) == ("ok", f"{', '.join(PLAYERS)} belong to nampedal", "")


def test_folders_of_somebody_else_are_wrong(pedal: Patient) -> None:
    pedal.put("/etc/passwd", "nampedal:x:4242:990::/:/usr/sbin/nologin\n")
    assert look(pedal, check_owner) == (
        "wrong",
        f"{', '.join(PLAYERS)} belong to another user: nampedal can't save there",
        f"run 'sudo chown -R nampedal: {' '.join(PLAYERS)}'",
    )


def test_a_bank_that_root_copied_is_wrong(pedal: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    rock = Path("/var/lib/nampedal/banks/rock")
    owner = pedal.owner
    monkeypatch.setattr(pedal, "owner", lambda path: 4242 if path == rock else owner(path))
    assert look(pedal, check_owner) == (
        "wrong",
        f"{rock} belongs to another user: nampedal can't save there",
        f"run 'sudo chown -R nampedal: {rock}'",
    )


def test_a_pedal_without_its_user_is_wrong(pedal: Patient) -> None:
    pedal.put("/etc/passwd", "root:x:0:0::/root:/bin/sh\n")
    assert look(pedal, check_owner) == ("wrong", "there is no user nampedal", INSTALL)


def test_a_pedal_without_its_folder_is_wrong(pedal: Patient) -> None:
    pedal.real(Path("/var/lib/nampedal/state")).rename(pedal.root / "elsewhere")
    assert look(pedal, check_owner) == ("wrong", "/var/lib/nampedal/state is not there", INSTALL)
    pedal.real(Path("/run/systemd/system")).rmdir()
    assert look(pedal, check_owner) == (
        *("unknown", "/var/lib/nampedal/state is not there: it is made at the first start", ""),
    )


def test_several_folders_that_are_not_there_are_named_together(pedal: Patient) -> None:
    for name in ("config", "state"):
        pedal.real(Path("/var/lib/nampedal") / name).rename(pedal.root / name)
    missing = "/var/lib/nampedal/config, /var/lib/nampedal/state are not there"
    assert look(pedal, check_owner) == ("wrong", missing, INSTALL)
    pedal.real(Path("/run/systemd/system")).rmdir()
    assert look(pedal, check_owner) == ("unknown", f"{missing}: they are made at the first start", "")


def test_room_is_told_and_too_little_is_wrong(pedal: Patient) -> None:
    assert look(pedal, check_room) == ("ok", "20,480 MiB are free at /var/lib/nampedal", "")
    pedal.free = 64 << 20
    assert look(pedal, check_room)[0] == "ok"
    pedal.free = (64 << 20) - 1
    assert look(pedal, check_room) == (
        "wrong",
        "63 MiB are free at /var/lib/nampedal; 64 are needed",
        "take away banks that you don't play: 'nampedal bank list /var/lib/nampedal/banks'",
    )
    pedal.free = None
    assert look(pedal, check_room) == ("unknown", "nobody tells how much room /var/lib/nampedal has", "")


def test_swap_on_the_card_is_wrong(pedal: Patient) -> None:
    assert look(pedal, check_swap) == ("ok", "off", "")
    pedal.put("/proc/swaps", SWAPS + "/dev/zram0                              partition\t\t524284\t\t0\t\t100\n")
    assert look(pedal, check_swap) == ("ok", "in memory only: /dev/zram0", "")
    pedal.put("/proc/swaps", SWAPS + "/var/swap                               file\t\t524284\t\t0\t\t-2\n")
    assert look(pedal, check_swap) == (
        "wrong",
        "memory is swapped to /var/swap",
        f"run 'sudo swapoff -a', then: {INSTALL}",
    )
    pedal.real(Path("/proc/swaps")).unlink()
    assert look(pedal, check_swap) == ("unknown", "/proc/swaps is not there", "")


def test_a_clock_that_can_not_be_right_is_wrong(pedal: Patient) -> None:
    assert look(pedal, check_clock) == ("ok", "2026-11-21 20:15", "")
    pedal.time = datetime(1970, 1, 1, 0, 3, tzinfo=UTC)
    assert look(pedal, check_clock) == (
        "wrong",
        "the clock says 1970-01-01: dates in the log and of presets are wrong; the sound does not mind",
        "connect it to a network for a minute, or run \"sudo date -s '2026-12-31 20:00'\" with what time it is",
    )
