from __future__ import annotations

from pathlib import Path

import pytest
from nampedal.board.image import boot
from nampedal.board.image.bases import BASES
from nampedal.board.image.errors import KernelError
from nampedal.board.image_facts import ImageFacts, read_facts

FACTS = ImageFacts("1.0", "raspios", "aarch64", "mine", root_bytes=4096, root_sha256="0" * 64)


def packages(folder: Path, *versions: str) -> tuple[Path, Path]:
    """Kernels as their packages are unpacked, and a root with their modules."""
    unpacked, root = folder / "packages", folder / "root"
    (unpacked / "usr/lib/raspi-firmware").mkdir(parents=True)
    for name in ("bootcode.bin", "start4.elf", "fixup4.dat", "LICENCE.broadcom"):
        (unpacked / "usr/lib/raspi-firmware" / name).write_text(name)
    for version in versions:
        (unpacked / f"usr/lib/modules/{version}/kernel").mkdir(parents=True)
        (unpacked / "boot").mkdir(exist_ok=True)
        (unpacked / f"boot/vmlinuz-{version}").write_text(version)
        trees = unpacked / f"usr/lib/linux-image-{version}"
        (trees / "overlays").mkdir(parents=True)
        (trees / "overlays/README").write_text("")
        (trees / "broadcom").mkdir()
        (trees / "broadcom/bcm2710-rpi-zero-2-w.dtb").write_text("")
        (root / f"usr/lib/modules/{version}").mkdir(parents=True)
        (root / f"usr/lib/modules/{version}/modules.dep").write_text("")
    (unpacked / "usr/bin").mkdir()
    (unpacked / "usr/bin/busybox").write_text("")
    return unpacked, root


def test_raspberry_pis_kernels_lie_where_the_firmware_looks(tmp_path: Path) -> None:
    unpacked, root = packages(tmp_path, "6.12-rpi-v8", "6.12-rpi-2712")
    boot.fill(tmp_path / "card", unpacked, root, BASES["raspios"], 0xAB, ["dtoverlay=hat"], ["isolcpus=3"], FACTS)
    names = {str(path.relative_to(tmp_path / "card")) for path in (tmp_path / "card").rglob("*") if path.is_file()}
    assert names == {
        *("config.txt", "bootcode.bin", "start4.elf", "fixup4.dat"),
        *(
            "A/cmdline.txt",
            "A/nampedal-image.toml",
            "A/kernel8.img",
            "A/initramfs8",
            "A/kernel_2712.img",
            "A/initramfs_2712",
        ),
        *("A/bcm2710-rpi-zero-2-w.dtb", "A/overlays/README"),
    }
    assert (tmp_path / "card/A/kernel_2712.img").read_text() == "6.12-rpi-2712"
    config = (tmp_path / "card/config.txt").read_text().splitlines()
    assert [line for line in config if not line.startswith("#")] == [
        *("os_prefix=A/", "arm_64bit=1", "disable_splash=1", "boot_delay=0", "auto_initramfs=1", "dtoverlay=hat"),
    ]
    assert read_facts((tmp_path / "card/A/nampedal-image.toml").read_bytes(), "card") == FACTS
    assert (tmp_path / "card/A/cmdline.txt").read_text() == (
        "root=PARTUUID=000000ab-02 console=tty1 ro rootfstype=squashfs rootwait panic=10 quiet isolcpus=3\n"
    )


def test_debians_kernel_is_named_to_the_firmware(tmp_path: Path) -> None:
    unpacked, root = packages(tmp_path, "6.12-rt-arm64")
    boot.fill(tmp_path / "card", unpacked, root, BASES["debian"], 0xAB, [], [], FACTS)
    lines = (tmp_path / "card/config.txt").read_text().splitlines()
    assert {"kernel=vmlinuz", "initramfs initrd.img followkernel", "upstream_kernel=1"} <= set(lines)
    assert (tmp_path / "card/A/vmlinuz").read_text() == "6.12-rt-arm64"


def test_the_other_slot_has_the_other_root() -> None:
    assert boot.cmdline_txt(0xAB, "B", []).startswith("root=PARTUUID=000000ab-03 ")
    assert "\nos_prefix=B/\n" in boot.config_txt(BASES["raspios"], "B", [])


def test_packages_without_a_kernel_are_refused(tmp_path: Path) -> None:
    unpacked, root = packages(tmp_path)
    with pytest.raises(KernelError, match=r"packages: holds no kernel's modules$"):
        boot.fill(tmp_path / "card", unpacked, root, BASES["debian"], 1, [], [], FACTS)
    unpacked, root = packages(tmp_path / "other", "6.12-rt-arm64")
    (unpacked / "boot/vmlinuz-6.12-rt-arm64").unlink()
    with pytest.raises(
        KernelError, match=r"there is no kernel 6\.12-rt-arm64: neither .*/vmlinuz nor .*/vmlinuz-6\.12"
    ):
        boot.fill(tmp_path / "second", unpacked, root, BASES["debian"], 1, [], [], FACTS)
