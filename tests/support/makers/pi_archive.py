"""A local stand-in for Raspberry Pi's package archive: packages with the real names and the real layout.

Real are: the names, the file locations, the dependencies, and a kernel that starts in an emulator, which is Debian's.
Sources of names and locations: RPi-Distro/linux-packaging, debian/rules.real at 82c8e36 (bookworm);
RPi-Distro/firmware, debian/raspi-firmware.install at 282b2cc; RPi-Distro/firmware-nonfree, debian/rules.real,
debian/config/brcm80211/defines and debian/firmware-brcm80211.postinst at 223ccf3; raspberrypi/linux,
arch/arm64/boot/dts/broadcom and arch/arm/boot/dts/overlays/overlay_map.dts at e30c123. No source is known for the
layout of trixie's kernel package: the stand-in uses the layout of Debian's own.
"""

from __future__ import annotations

import contextlib
import functools
import http.server
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

LABEL = "Raspberry Pi Foundation"
FLAVOURS = ("v8", "2712")
# Some of the kernel's several hundred overlays: those that our profiles and our config.txt name, and those that
# overlay_map.dts maps them to.
OVERLAYS = (
    *("audioinjector-ultra", "audioinjector-wm8731-audio", "fe-pi-audio", "hifiberry-dacplusadc", "wm8960-soundcard"),
    *("hifiberry-dacplusadcpro", "rpi-codeczero", "pisound", "pisound-pi5", "bcm2712d0", "miniuart-bt"),
    *("disable-bt", "disable-bt-pi5", "disable-wifi", "disable-wifi-pi5", "spi0-1cs", "spi0-2cs", "spi1-1cs"),
    *("spi1-2cs", "spi1-3cs"),
)
_MAP = """
/dts-v1/;
/ {
  disable-bt { bcm2835; bcm2711; bcm2712 = "disable-bt-pi5"; };
  disable-bt-pi5 { bcm2712; };
  disable-wifi { bcm2835; bcm2711; bcm2712 = "disable-wifi-pi5"; };
  disable-wifi-pi5 { bcm2712; };
  miniuart-bt { bcm2835; bcm2711; };
  pi3-disable-bt { renamed = "disable-bt"; };
  pisound { bcm2835; bcm2711; bcm2712 = "pisound-pi5"; };
  pisound-pi5 { bcm2712; };
  spi0-hw-cs { deprecated = "no longer necessary"; };
};
"""
_OVERLAY = '/dts-v1/; /plugin/; / { compatible = "brcm,bcm2835"; };'
# Device trees of Raspberry Pi's kernel, and those of Debian's kernel that stand in for them.
TREES = {
    "bcm2710-rpi-zero-2-w": "bcm2837-rpi-zero-2-w",
    "bcm2710-rpi-3-b": "bcm2837-rpi-3-b",
    "bcm2710-rpi-3-b-plus": "bcm2837-rpi-3-b-plus",
    "bcm2711-rpi-4-b": "bcm2711-rpi-4-b",
    "bcm2711-rpi-400": "bcm2711-rpi-400",
    "bcm2711-rpi-cm4": "bcm2711-rpi-cm4-io",
    "bcm2712-rpi-5-b": "bcm2712-rpi-5-b",
    "bcm2712-rpi-500": "bcm2712-rpi-5-b",
}
# The kernel modules that an emulated pedal needs, as folders and files.
_MODULES = (
    *("arch", "block", "crypto", "fs", "lib", "mm", "sound/core", "sound/drivers", "sound/usb", "net/core", "net/ipv6"),
    "sound/soundcore.ko.xz",
    *("drivers/block", "drivers/char", "drivers/gpio", "drivers/mmc", "drivers/net/virtio_net.ko.xz", "drivers/usb"),
    *("drivers/net/net_failover.ko.xz", "net/core/failover.ko.xz", "drivers/virtio", "drivers/watchdog", "drivers/hid"),
)
_BOARDS_43455 = ("3-model-b-plus", "4-model-b", "4-compute-module", "5-model-b")
# The postinst script of firmware-brcm80211. It does not run if the package is only unpacked.
_POSTINST = """\
#!/bin/sh
set -e
for kind in standard:50 minimal:10; do
  update-alternatives --quiet --install {folder}/cypress/cyfmac43455-sdio.bin cyfmac43455-sdio.bin \\
    {folder}/cypress/cyfmac43455-sdio-${{kind%:*}}.bin ${{kind#*:}}
done
"""


@dataclass(frozen=True)
class Layout:
    """The file locations in a release. {v}: the kernel's version."""

    modules: str
    kernel: str
    config: str
    firmware: str


LAYOUTS = {
    "bookworm": Layout("lib/modules/{v}", "boot/vmlinuz-{v}", "boot/config-{v}", "lib/firmware"),
    "trixie": Layout(
        *("usr/lib/modules/{v}", "usr/lib/modules/{v}/vmlinuz", "usr/lib/modules/{v}/config", "usr/lib/firmware")
    ),
}


def version_of(debian: Path, flavour: str) -> str:
    """Return the version of the stand-in's kernel. debian: the unpacked kernel packages of Debian."""
    return f"{_debian_version(debian).partition('+')[0]}+rpt-rpi-{flavour}"


def make_archive(folder: Path, release: str, debian: Path) -> Path:
    """Make a signed archive of one release, and return the file of its public key, which is beside it."""
    pool = folder / "pool"
    shutil.rmtree(folder, ignore_errors=True)
    pool.mkdir(parents=True)
    layout = LAYOUTS[release]
    with tempfile.TemporaryDirectory() as work:
        for flavour in FLAVOURS:
            _make_kernel(Path(work), pool, layout, debian, flavour)
        _make_firmware(Path(work), pool, layout, debian)
        _make_lgpio(Path(work), pool)
    return _publish(folder, release)


@contextlib.contextmanager
def served(folder: Path, port: int = 0) -> Iterator[str]:
    """Serve the folder by HTTP on this computer, and yield its URL. port: used if it is free, else any other port."""
    handler = functools.partial(_Quiet, directory=str(folder))
    with _server(port, handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


def _server(port: int, handler: Callable[..., _Quiet]) -> http.server.ThreadingHTTPServer:
    try:
        return http.server.ThreadingHTTPServer(("127.0.0.1", port), handler)
    except OSError:
        return http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None:
        pass


def _debian_version(debian: Path) -> str:
    (modules,) = (debian / "usr/lib/modules").iterdir()
    return modules.name


def _make_kernel(work: Path, pool: Path, layout: Layout, debian: Path, flavour: str) -> None:
    version, own = version_of(debian, flavour), _debian_version(debian)
    root = work / flavour
    source = debian / "usr/lib/modules" / own
    modules = root / layout.modules.format(v=version)
    modules.mkdir(parents=True)
    for name in ("modules.builtin", "modules.builtin.modinfo", "modules.order"):
        shutil.copy(source / name, modules)
    for name in _MODULES:
        path = source / "kernel" / name
        if path.is_dir():
            shutil.copytree(path, modules / "kernel" / name, copy_function=_link, dirs_exist_ok=True)
        elif path.exists():
            (modules / "kernel" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, modules / "kernel" / name)
    kernel, config = (root / name.format(v=version) for name in (layout.kernel, layout.config))
    kernel.parent.mkdir(parents=True, exist_ok=True)
    kernel.write_bytes(_renamed((source / "vmlinuz").read_bytes(), own, version))
    shutil.copy(source / "config", config)
    trees = root / f"usr/lib/linux-image-{version}"
    (trees / "broadcom").mkdir(parents=True)
    for name, of_debian in TREES.items():
        shutil.copy(debian / f"usr/lib/linux-image-{own}/broadcom/{of_debian}.dtb", trees / f"broadcom/{name}.dtb")
    make_overlays(trees / "overlays")
    package = f"linux-image-{version}"
    depends = {"Depends": "kmod, linux-base (>= 4.3~)", "Architecture": "arm64"}
    _pack(root, pool, package, "1:7.0-1+rpt1", depends)
    meta = {"Depends": f"{package} (= 1:7.0-1+rpt1)", "Architecture": "arm64"}
    _pack(work / f"meta-{flavour}", pool, f"linux-image-rpi-{flavour}", "1:7.0-1+rpt1", meta)


def _link(source: str, target: str) -> None:
    shutil.copyfile(source, target)


def _renamed(kernel: bytes, old: str, new: str) -> bytes:
    """Return the kernel with another answer to `uname -r`. The version that modules are compared
    with does not change.
    """
    # struct new_utsname has fields of 65 bytes (Linux, include/uapi/linux/utsname.h).
    before = b"Linux".ljust(65, b"\0") + b"(none)".ljust(65, b"\0")
    assert before + old.encode() in kernel, "where the kernel's name stands in it was not found"
    return kernel.replace(before + old.encode().ljust(65, b"\0"), before + new.encode().ljust(65, b"\0"))


def make_overlays(folder: Path) -> None:
    """Write the overlays as in the kernel's package. Each overlay is empty."""
    folder.mkdir()
    (folder / "README").write_text("What overlays there are, and their parameters.\n")
    _compile(_MAP, folder / "overlay_map.dtb")
    _compile(_OVERLAY, folder / f"{OVERLAYS[0]}.dtbo")
    for name in OVERLAYS[1:]:
        shutil.copyfile(folder / f"{OVERLAYS[0]}.dtbo", folder / f"{name}.dtbo")


def _compile(source: str, target: Path) -> None:
    command = ["dtc", "-q", "-@", "-I", "dts", "-O", "dtb", "-o", str(target), "-"]
    subprocess.run(command, input=source, text=True, check=True)


def _make_firmware(work: Path, pool: Path, layout: Layout, debian: Path) -> None:
    root = work / "raspi-firmware"
    shutil.copytree(debian / "usr/lib/raspi-firmware", root / "usr/lib/raspi-firmware")
    # Left out: the real package also has overlays here, for another kernel.
    _pack(root, pool, "raspi-firmware", "1:1.20250430-1", {"Architecture": "all"})
    root = work / "firmware-brcm80211"
    brcm, cypress = (root / layout.firmware / name for name in ("brcm", "cypress"))
    brcm.mkdir(parents=True)
    cypress.mkdir()
    for name in ("cyfmac43455-sdio-standard.bin", "cyfmac43455-sdio-minimal.bin", "cyfmac43455-sdio.clm_blob"):
        (cypress / name).write_text(name)
    for name in ("brcmfmac43430-sdio.bin", "brcmfmac43430-sdio.txt", "brcmfmac43455-sdio.txt"):
        (brcm / name).write_text(name)
    for name in ("brcmfmac43455-sdio", *(f"brcmfmac43455-sdio.raspberrypi,{board}" for board in _BOARDS_43455)):
        for end in ("bin", "clm_blob"):
            (brcm / f"{name}.{end}").symlink_to(f"../cypress/cyfmac43455-sdio.{end}")
    control = {"Architecture": "all"}
    postinst = _POSTINST.format(folder=f"/{layout.firmware}")
    _pack(root, pool, "firmware-brcm80211", "1:20240709-2+rpt3", control, postinst)


def _make_lgpio(work: Path, pool: Path) -> None:
    root = work / "python3-lgpio"
    folder = root / "usr/lib/python3/dist-packages"
    folder.mkdir(parents=True)
    (folder / "lgpio.py").write_text("raise ImportError('a stand-in: there are no pins')\n")
    _pack(root, pool, "python3-lgpio", "0.2.2-1~rpt1", {"Architecture": "arm64", "Depends": "python3"})


def _pack(
    root: Path, pool: Path, name: str, version: str, control: Mapping[str, str], postinst: str | None = None
) -> None:
    folder = root / "DEBIAN"
    folder.mkdir(parents=True)
    fields = {"Package": name, "Version": version, "Maintainer": "nobody <nobody@invalid>", **control}
    fields["Description"] = "stand-in for a test"
    (folder / "control").write_text("".join(f"{key}: {value}\n" for key, value in fields.items()))
    if postinst is not None:
        (folder / "postinst").write_text(postinst)
        (folder / "postinst").chmod(0o755)
    command = ["dpkg-deb", "--root-owner-group", "-Znone", "--build", str(root)]
    file = pool / f"{name}_{version.replace(':', '%3a')}_{control['Architecture']}.deb"
    subprocess.run([*command, str(file)], check=True, capture_output=True)


def _publish(folder: Path, release: str) -> Path:
    index = folder / "dists" / release / "main/binary-arm64"
    index.mkdir(parents=True)
    packages = subprocess.run(["apt-ftparchive", "packages", "pool"], cwd=folder, capture_output=True, check=True)
    (index / "Packages").write_bytes(packages.stdout)
    names = {"Origin": LABEL, "Label": LABEL, "Suite": release, "Codename": release, "Architectures": "arm64"}
    names["Components"] = "main"
    options = [word for key, value in names.items() for word in ("-o", f"APT::FTPArchive::Release::{key}={value}")]
    top = index.parent.parent
    made = subprocess.run(["apt-ftparchive", *options, "release", str(top)], capture_output=True, check=True)
    (top / "Release").write_bytes(made.stdout)
    return sign(folder, top / "Release")


def sign(folder: Path, release: Path) -> Path:
    """Sign a Release file with a new key, and return the file of its public key."""
    # The path of gpg-agent's socket has to be short.
    with tempfile.TemporaryDirectory(prefix="gpg-") as home:
        gpg = ["gpg", "--batch", "--quiet", "--homedir", home, "--pinentry-mode", "loopback", "--passphrase", ""]
        made = [*gpg, "--quick-generate-key", "Stand-in archive", "rsa2048", "sign", "never"]
        subprocess.run(made, check=True, capture_output=True)
        clear = ["--yes", "--output", str(release.with_name("InRelease")), "--clearsign", str(release)]
        subprocess.run([*gpg, *clear], check=True, capture_output=True)
        key = folder / "archive.gpg"
        subprocess.run([*gpg, "--yes", "--output", str(key), "--export"], check=True, capture_output=True)
        subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=False)
    return key
