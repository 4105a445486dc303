"""Makes a small Raspberry Pi OS root to install into: what the installer reads, and what it must not change."""

from __future__ import annotations

import os
import stat
import zipfile
from collections.abc import Sequence
from pathlib import Path

from nampedal.firmware.system.install.steps.debian_packages import packages_for
from nampedal.firmware.system.install.steps.target import InstallTarget

CONFIG_TXT = "dtparam=audio=on\ncamera_auto_detect=1\ndtoverlay=vc4-kms-v3d\n\n[cm4]\notg_mode=1\n"
CMDLINE_TXT = (
    "console=serial0,115200 console=tty1 root=PARTUUID=4e639091-02 rootfstype=ext4 fsck.repair=yes rootwait "
    "isolcpus=1 quiet\n"
)
GOVERNOR_RULE = 'KERNEL=="cpu*", ATTR{cpufreq/scaling_governor}="mine"\n'
# The head of an ELF file: a 64-bit program for AArch64.
ELF = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x03\x00\xb7\x00"
JACK_UNIT = "[Unit]\nDescription=JACK\n\n[Service]\nExecStart=/usr/bin/jackd \\\n  $NAMPEDAL_JACK\n\n"
WHEEL = "nampedal-0.1.0-cp311-cp311-linux_aarch64.whl"


def make_root(root: Path, base: str = "raspios", suite: str = "bookworm", python: str = "3.11") -> Path:
    write(root / "etc/os-release", f'NAME="Debian GNU/Linux"\nVERSION_CODENAME={suite}\n')
    write(root / "etc/passwd", "root:x:0:0:root:/root:/bin/bash\n")
    write(
        root / "etc/group", "".join(f"{name}:x:{number}:\n" for number, name in enumerate(("root", "audio", "video")))
    )
    if base == "raspios":
        write(root / "etc/rpi-issue", "Raspberry Pi reference\n")
    write(root / "etc/udev/rules.d/60-ondemand-governor.rules", GOVERNOR_RULE, 0o600)
    # The packages that an installed system needs, and those that an image needs.
    write_packages(root, [*packages_for(base, suite), *packages_for(base, suite, image=False)])
    write(root / f"usr/bin/python{python}", ELF.decode("latin-1"), 0o755)
    (root / "usr/bin/python3").symlink_to(f"python{python}")
    for name in ("apt-daily.timer", "dphys-swapfile.service", "ssh.service"):
        write(root / "usr/lib/systemd/system" / name, "[Unit]\n")
    write(root / "usr/lib/systemd/user/pipewire.socket", "[Unit]\n")
    write(root / "boot/firmware/config.txt", CONFIG_TXT, 0o755)
    write(root / "boot/firmware/cmdline.txt", CMDLINE_TXT, 0o755)
    for folder in ("etc/systemd/system", "usr/local/bin", "usr/local/lib", "opt", "var/lib"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    return root


def write_packages(root: Path, names: Sequence[str]) -> None:
    status = [f"Package: {name}\nStatus: install ok installed\nArchitecture: arm64\n" for name in names]
    status.append("Package: gone\nStatus: deinstall ok config-files\n")
    write(root / "var/lib/dpkg/status", "\n".join(status))


def make_units(folder: Path) -> Path:
    write(folder / "nampedal-jack.service", JACK_UNIT + "[Install]\nWantedBy=multi-user.target\n")
    write(folder / "nampedal.service", "[Unit]\n[Install]\nWantedBy=multi-user.target sound.target\n")
    write(folder / "nampedal-safe.service", "[Unit]\nDescription=never enabled\n")
    write(folder / "README.md", "no unit\n")
    write(folder / "system.conf.d/nampedal.conf", "[Manager]\nRuntimeWatchdogSec=15\n")
    return folder


def make_wheel(folder: Path, *requirements: str, name: str = WHEEL) -> Path:
    """Make a wheel with a few files of each part of nampedal."""
    folder.mkdir(parents=True, exist_ok=True)
    info = "nampedal-0.1.0.dist-info"
    files = {
        "nampedal/firmware/base/system_paths.py": "PLACE = 1\n",
        "nampedal/converter/slim.py": "SLIM = 1\n",
        "nampedal/firmware/cli/capture_commands/slim.py": "SLIM = 1\n",
        f"{info}/METADATA": "\n".join(
            [
                "Metadata-Version: 2.1",
                "Name: nampedal",
                "Version: 0.1.0",
                *(f"Requires-Dist: {r}" for r in requirements),
            ]
        )
        + "\n",
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: {name[15:-4]}\n",
        f"{info}/entry_points.txt": "[console_scripts]\nnampedal = nampedal.firmware.cli.main:main\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{file},,\n" for file in (*files, f"{info}/RECORD"))
    with zipfile.ZipFile(folder / name, "w") as archive:
        for file, text in files.items():
            # Without the current date, so that the same contents always give the same file.
            archive.writestr(zipfile.ZipInfo(file), text)
    return folder / name


def write(path: Path, text: str, mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode("latin-1"))
    path.chmod(mode)


def snapshot(root: Path, left: Sequence[str] = ()) -> dict[str, tuple[int, bytes]]:
    """Return the mode and contents of every path. left: paths to ignore, with everything below them."""
    found = {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if not any(name == one or name.startswith(f"{one}/") for one in left):
            mode = path.lstat().st_mode
            inside = os.readlink(path).encode() if path.is_symlink() else path.read_bytes() if path.is_file() else b""
            found[name] = (0 if stat.S_ISLNK(mode) else mode, inside)
    return found


class Tools:
    """A fake of this machine's programs. commands: what was called."""

    def __init__(self, target: InstallTarget) -> None:
        self.commands: list[list[str]] = []
        self._target = target

    def __call__(self, command: Sequence[str]) -> None:
        self.commands.append(list(command))
        if command[0] == "systemd-sysusers":
            self._make_users()

    def _make_users(self) -> None:
        asked = (self._target.root / "etc/sysusers.d/nampedal.conf").read_text().splitlines()
        etc = self._target.root / "etc"
        members = [line.split()[2] for line in asked if line.startswith("m ")]
        there = [line.split(":")[0] for line in (etc / "group").read_text().splitlines()]
        groups = (etc / "group").read_text().splitlines() + [f"{name}:x:9:" for name in members if name not in there]
        lines = [line + "nampedal" if line.split(":")[0] in members else line for line in groups]
        (etc / "group").write_text("\n".join(lines) + "\n")
        (etc / "passwd").write_text((etc / "passwd").read_text() + f"nampedal:x:{os.getuid()}:{os.getgid()}::/:/\n")
