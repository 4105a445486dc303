"""What an image stands on: Debian's packages for arm64, and a kernel."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nampedal.board.image.errors import WheelError

# The release whose Python a wheel is for.
SUITES = {"cp311": "bookworm", "cp313": "trixie"}
_WHEEL = re.compile(r"nampedal-[^-]+-(cp\d+)-cp\d+-\w*aarch64\.whl")


@dataclass(frozen=True, slots=True)
class Base:
    """kernels: packages, with the suite where that is not the root's.  firmware: of the boards and their radio.

    pi: whether Raspberry Pi's own archive is needed.
    """

    key: str
    kernels: tuple[str, ...]
    firmware: tuple[str, ...] = ("raspi-firmware", "firmware-brcm80211")
    kernel_suites: tuple[str, ...] = ()
    pi: bool = False


BASES = {
    base.key: base
    for base in (
        Base("raspios", ("linux-image-rpi-v8", "linux-image-rpi-2712"), pi=True),
        # The newest kernel that Debian has with PREEMPT_RT: the emulator's tests need its gpio-sim.
        Base(
            "debian",
            ("linux-image-rt-arm64/trixie-backports",),
            kernel_suites=("trixie", "trixie-backports"),
        ),
    )
}


def suite_of(wheel: Path) -> str:
    """Raises WheelError."""
    match = _WHEEL.fullmatch(wheel.name)
    if not wheel.is_file():
        raise WheelError(f"{wheel}: is not there; 'make wheel-aarch64' makes one, in dist/")
    if match is None or match[1] not in SUITES:
        known = " or ".join(sorted(SUITES))
        raise WheelError(f"{wheel}: is no wheel of nampedal for aarch64 and {known}; 'make wheel-aarch64' makes one")
    return SUITES[match[1]]


def bootstrap_arguments(packages: Sequence[str], sources: Sequence[str]) -> tuple[list[str], str]:
    """Of mmdebstrap, but for variant, suite and target; and its standard input."""
    arguments = ["--arch=arm64", "--mode=root", f"--include={','.join(packages)}"]
    arguments += [
        "--aptopt=APT::Install-Recommends false",
        # Bookworm's mmdebstrap is told of each file that is not unpacked; nobody reads them on a pedal.
        *(f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in ("doc", "man", "locale", "info", "lintian")),
        "--dpkgopt=path-include=/usr/share/doc/*/copyright",
        "--dpkgopt=force-unsafe-io",
    ]
    return arguments, "".join(f"{line}\n" for line in sources)
