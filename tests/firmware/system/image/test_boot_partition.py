from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from nampedal.firmware.system.image import boot_partition
from nampedal.firmware.system.image.image_manifest import ImageManifest, read_manifest
from nampedal.firmware.system.image.sources.suites import BASES
from support.makers.pi_archive import LAYOUTS, OVERLAYS, TREES
from support.makers.unpacked_kernel import DEBIANS, root_of, unpack

FACTS = ImageManifest("1.0", "raspios", "aarch64", "mine", root_bytes=4096, root_sha256="0" * 64)

needs_dtc = pytest.mark.skipif(shutil.which("dtc") is None, reason="dtc is not installed")


@needs_dtc
@pytest.mark.parametrize("release", LAYOUTS)
def test_raspberry_pis_kernels_lie_where_the_firmware_looks(tmp_path: Path, release: str) -> None:
    kernel, root = unpack(tmp_path / "packages", release), root_of(tmp_path / "root")
    boot_partition.fill(
        tmp_path / "card", kernel, root, BASES["raspios"], 0xAB, ["dtoverlay=hat"], ["isolcpus=3"], FACTS
    )
    names = {str(path.relative_to(tmp_path / "card")) for path in (tmp_path / "card").rglob("*") if path.is_file()}
    assert names == {
        *("config.txt", "bootcode.bin", "start.elf", "start4.elf", "fixup.dat", "fixup4.dat"),
        *("A/cmdline.txt", "A/nampedal-image.toml", "A/overlays/README", "A/overlays/overlay_map.dtb"),
        *("A/kernel8.img", "A/initramfs8", "A/kernel_2712.img", "A/initramfs_2712"),
        *(f"A/{name}.dtb" for name in TREES),
        *(f"A/overlays/{name}.dtbo" for name in OVERLAYS),
    }
    assert (tmp_path / "card/A/kernel_2712.img").read_text() == "6.12.34+rpt-rpi-2712"
    assert b"busybox" in (tmp_path / "card/A/initramfs8").read_bytes()
    config = (tmp_path / "card/config.txt").read_text().splitlines()
    assert [line for line in config if not line.startswith("#")] == [
        *("os_prefix=A/", "arm_64bit=1", "disable_splash=1", "boot_delay=0", "auto_initramfs=1", "dtoverlay=hat"),
    ]
    assert read_manifest((tmp_path / "card/A/nampedal-image.toml").read_bytes(), "card") == FACTS
    assert (tmp_path / "card/A/cmdline.txt").read_text() == (
        "root=PARTUUID=000000ab-02 console=tty1 ro rootfstype=squashfs rootwait panic=10 quiet isolcpus=3\n"
    )


def test_debians_kernel_is_named_to_the_firmware(tmp_path: Path) -> None:
    kernel, root = unpack(tmp_path / "packages", versions=DEBIANS), root_of(tmp_path / "root", DEBIANS)
    boot_partition.fill(tmp_path / "card", kernel, root, BASES["debian"], 0xAB, [], [], FACTS)
    lines = (tmp_path / "card/config.txt").read_text().splitlines()
    assert {"kernel=vmlinuz", "initramfs initrd.img followkernel", "upstream_kernel=1"} <= set(lines)
    assert (tmp_path / "card/A/vmlinuz").read_text() == DEBIANS[0]


def test_the_other_slot_has_the_other_root() -> None:
    assert boot_partition.cmdline_txt(0xAB, "B", []).startswith("root=PARTUUID=000000ab-03 ")
    assert "\nos_prefix=B/\n" in boot_partition.config_txt(BASES["raspios"], "B", [])
