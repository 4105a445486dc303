from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from nampedal.firmware.system.image import rootfs
from nampedal.firmware.system.install.steps.target import InstallTarget

EPOCH = 1_700_000_000


def make_root(folder: Path) -> Path:
    for name in (
        "usr/lib",
        "etc/ssh",
        "etc/systemd/system/multi-user.target.wants",
        "var/log/apt",
        "var/cache",
        "tmp",
        "run",
        "opt",
    ):
        (folder / name).mkdir(parents=True)
    for name in ("var/log/apt/history.log", "etc/ssh/ssh_host_rsa_key", "etc/ssh/sshd_config", "etc/passwd-"):
        (folder / name).write_text(name)
    (folder / "etc/shadow").write_text("root:*:20000:0:99999:7:::\nnampedal:!*:20001::::::\n")
    (folder / "etc/resolv.conf").write_text("nameserver 192.0.2.1\n")
    (folder / "etc/machine-id").write_text("uninitialized\n")
    for unit in ("ssh.service", "nampedal.service"):
        (folder / "etc/systemd/system/multi-user.target.wants" / unit).symlink_to(f"/lib/systemd/system/{unit}")
    return folder


@pytest.mark.parametrize("tflite", [False, True])
def test_litert_is_in_a_root_only_if_it_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, tflite: bool
) -> None:
    targets: list[InstallTarget] = []
    monkeypatch.setattr(rootfs, "install", lambda pedal, target, say: targets.append(target))
    spec = rootfs.Spec(
        *("packages", "kernel", "debian", "pi-4-usb", "a.whl"),
        radio=False,
        radio_files=(),
        banks=(),
        trusted=(),
        tflite=tflite,
        epoch=EPOCH,
        folder="root",
        out="root.squashfs",
    )
    rootfs._install(rootfs.Spec(**json.loads(spec.to_json())), tmp_path)
    assert [target.tflite for target in targets] == [tflite]


def test_nothing_of_where_it_was_made_stays_in_a_root(tmp_path: Path) -> None:
    root = make_root(tmp_path)
    rootfs.finalize_root(root, EPOCH)
    assert list((root / "var/log").iterdir()) == []
    assert [path.name for path in (root / "etc/ssh").iterdir()] == ["sshd_config"]
    assert not (root / "etc/passwd-").exists()
    assert (root / "etc/machine-id").read_text() == ""
    assert (root / "etc/shadow").read_text() == "root:*:19675:0:99999:7:::\nnampedal:!*:19675::::::\n"
    youngest = max(path.lstat().st_mtime for path in root.rglob("*"))
    assert youngest == EPOCH


def test_a_clock_begins_when_the_root_was_made(tmp_path: Path) -> None:
    root = make_root(tmp_path)
    rootfs.finalize_root(root, EPOCH)
    assert (root / "usr/lib/clock-epoch").stat().st_mtime == EPOCH


def test_what_is_written_at_every_boot_lies_in_memory(tmp_path: Path) -> None:
    root = make_root(tmp_path)
    rootfs.finalize_root(root, EPOCH)
    assert os.readlink(root / "etc/fstab") == "/run/fstab"
    assert os.readlink(root / "etc/resolv.conf") == "/run/resolv.conf"
    assert (root / "boot/firmware").is_dir()
    assert (root / "var/lib/nampedal").is_dir()


def test_a_network_is_not_started_until_the_card_asks_for_it(tmp_path: Path) -> None:
    root = make_root(tmp_path)
    rootfs.finalize_root(root, EPOCH)
    wants = root / "etc/systemd/system/multi-user.target.wants"
    assert [path.name for path in wants.iterdir()] == ["nampedal.service"]


@pytest.mark.skipif(shutil.which("mksquashfs") is None, reason="mksquashfs is not installed")
def test_the_same_root_gives_the_same_squashfs(tmp_path: Path) -> None:
    squashed = []
    for name in ("one", "two"):
        root = make_root(tmp_path / name)
        rootfs.finalize_root(root, EPOCH)
        os.utime(root, (EPOCH, EPOCH))
        rootfs.squash(root, tmp_path / f"{name}.squashfs", EPOCH)
        squashed.append((tmp_path / f"{name}.squashfs").read_bytes())
    assert squashed[0] == squashed[1]
    listed = subprocess.run(["unsquashfs", "-l", tmp_path / "one.squashfs"], capture_output=True, text=True, check=True)
    assert "squashfs-root/etc/shadow\n" in listed.stdout


def test_what_a_root_takes_is_what_its_files_take(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/b").write_bytes(bytes(1000))
    (tmp_path / "c").symlink_to("a/b")
    assert rootfs.size_bytes(tmp_path) == 1000


def test_a_module_that_others_need_stays_where_its_neighbours_are_left_out(tmp_path: Path) -> None:
    """As depmod lists them for Linux 6.1 and 7.3: snd-usb-audio with CONFIG_SND_USB_AUDIO_USE_MEDIA_CONTROLLER."""
    driver, mc, videodev = (
        *("kernel/sound/usb/snd-usb-audio.ko.xz", "kernel/drivers/media/mc/mc.ko.xz"),
        "kernel/drivers/media/v4l2-core/videodev.ko.xz",
    )
    gpu, media = "kernel/drivers/gpu/drm/drm.ko.xz", "kernel/drivers/mediatek/own.ko.xz"
    for path in (driver, mc, videodev, gpu, media):
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).touch()
    (tmp_path / "modules.dep").write_text(f"{driver}: {mc}\n{mc}:\n{videodev}: {mc}\n{gpu}:\n{media}:\n")
    rootfs.remove_unneeded_modules(tmp_path)
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.ko.xz")) == sorted([driver, mc, media])


def test_an_error_of_the_program_inside_is_told_in_its_own_words() -> None:
    error = rootfs.error_from_output("a warning\nnampedal: kernel-1: has no firmware\n\n")
    assert str(error) == "kernel-1: has no firmware"
    assert rootfs.error_from_output("Traceback (most recent call last):\nKeyError: 1\n") is None
