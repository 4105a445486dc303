"""The bases of an image: which Debian packages for arm64, and which kernel."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nampedal.firmware.base.errors import DeployError

# Minor version of Python 3 -> Debian suite with that Python, oldest first.
SUITES = {11: "bookworm", 13: "trixie"}
_WHEEL = re.compile(r"nampedal-[^-]+-cp3(\d+)-(cp\d+|abi3)-\w*aarch64\.whl")


@dataclass(frozen=True, slots=True)
class Base:
    """The base system of an image.

    kernels: packages, with "/suite" if they are not from the root's suite.
    firmware: packages of boot firmware and of the radio's firmware.
    kernel_suites: suites that the kernel comes from; empty: the root's.
    pi: True if Raspberry Pi's own archive is needed.
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
        # Debian's newest kernel with PREEMPT_RT; the tests in the emulator need its gpio-sim.
        Base(
            "debian",
            ("linux-image-rt-arm64/trixie-backports",),
            kernel_suites=("trixie", "trixie-backports"),
        ),
    )
}


def suite_of(wheel: Path) -> str:
    """Return the Debian suite that a wheel is for, by the wheel's name: the oldest one, if it is for several.

    Raises DeployError.
    """
    match = _WHEEL.fullmatch(wheel.name)
    if not wheel.is_file():
        raise DeployError(f"{wheel}: is not there; 'make wheel-aarch64' makes one, in dist/")
    if match is not None:
        built_for, stable = int(match[1]), match[2] == "abi3"
        for minor, suite in SUITES.items():
            if minor == built_for or (stable and minor > built_for):
                return suite
    known = " or ".join(f"cp3{minor}" for minor in SUITES)
    raise DeployError(f"{wheel}: is no wheel of nampedal for aarch64 and {known}; 'make wheel-aarch64' makes one")


def bootstrap_arguments(packages: Sequence[str], sources: Sequence[str]) -> tuple[list[str], str]:
    """Return mmdebstrap's arguments without variant, suite and target, and the text for its standard input."""
    arguments = ["--arch=arm64", "--mode=root", f"--include={','.join(packages)}"]
    arguments += [
        "--aptopt=APT::Install-Recommends false",
        # Documentation and translations are not unpacked, because nobody reads them on a pedal; bookworm's mmdebstrap
        # needs an option for each path.
        *(f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in ("doc", "man", "locale", "info", "lintian")),
        "--dpkgopt=path-include=/usr/share/doc/*/copyright",
        "--dpkgopt=force-unsafe-io",
    ]
    return arguments, "".join(f"{line}\n" for line in sources)
