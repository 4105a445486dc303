"""What an image stands on: Debian's packages for arm64, and a kernel, from the mirrors that this computer uses."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nampedal.board.image import tools
from nampedal.board.image.errors import MirrorError, WheelError

# The release whose Python a wheel is for.
SUITES = {"cp311": "bookworm", "cp313": "trixie"}
_WHEEL = re.compile(r"nampedal-[^-]+-(cp\d+)-cp\d+-\w*aarch64\.whl")
_COMPONENTS = "main non-free-firmware"


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


@dataclass(frozen=True, slots=True)
class Mirrors:
    """Each None: this computer's own.  pi: of Raspberry Pi's archive."""

    debian: str | None = None
    pi: str | None = None


def suite_of(wheel: Path) -> str:
    """Raises WheelError."""
    match = _WHEEL.fullmatch(wheel.name)
    if not wheel.is_file():
        raise WheelError(f"{wheel}: is not there; 'make wheel-aarch64' makes one, in dist/")
    if match is None or match[1] not in SUITES:
        known = " or ".join(sorted(SUITES))
        raise WheelError(f"{wheel}: is no wheel of nampedal for aarch64 and {known}; 'make wheel-aarch64' makes one")
    return SUITES[match[1]]


def root_sources(base: Base, suite: str, mirrors: Mirrors) -> list[str]:
    """Lines of sources.list(5) for the root. Raises MirrorError."""
    debian, security = _debian(mirrors)
    lines = [_line(debian, suite), _line(debian, f"{suite}-updates")]
    if security is not None:
        lines.append(_line(security, f"{suite}-security"))
    if base.pi:
        lines.append(f"deb {_pi(mirrors)} {suite} main")
    return lines


def kernel_sources(base: Base, suite: str, mirrors: Mirrors) -> list[str]:
    """The same for the kernel and what is started before it. Raises MirrorError."""
    debian, _ = _debian(mirrors)
    lines = [_line(debian, each) for each in base.kernel_suites or (suite,)]
    if base.pi:
        lines.append(f"deb {_pi(mirrors)} {suite} main")
    return lines


def _line(mirror: str, suite: str) -> str:
    return f"deb {mirror} {suite} {_COMPONENTS}"


def _debian(mirrors: Mirrors) -> tuple[str, str | None]:
    """The mirror, and the one of security updates, if it is known."""
    if mirrors.debian is not None:
        return mirrors.debian, None
    own = _own_mirrors()
    if "Debian" not in own:
        raise MirrorError("image: this computer uses no mirror of Debian; name one with --mirror URL")
    return own["Debian"], own.get("Debian-Security")


def _pi(mirrors: Mirrors) -> str:
    found = mirrors.pi or _own_mirrors().get("Raspberry Pi Foundation")
    if found is None:
        raise MirrorError(
            "image: this computer uses no mirror of Raspberry Pi's; name one with --pi-mirror, or take --base debian"
        )
    return found


def _own_mirrors() -> dict[str, str]:
    """By the label of what is there, the first that apt would ask."""
    listed = tools.run(["apt-get", "indextargets", "--format", "$(CREATED_BY)|$(LABEL)|$(SITE)"])
    found: dict[str, str] = {}
    for line in listed.splitlines():
        made_by, label, site = line.split("|", 2)
        if made_by == "Packages" and label and site:
            found.setdefault(label, site)
    return found


def bootstrap_arguments(packages: Sequence[str], sources: Sequence[str]) -> tuple[list[str], str]:
    """Of mmdebstrap, but for variant, suite and target; and its standard input."""
    arguments = ["--quiet", "--arch=arm64", "--mode=root", f"--include={','.join(packages)}"]
    arguments += [
        "--aptopt=APT::Install-Recommends false",
        # Bookworm's mmdebstrap is told of each file that is not unpacked; nobody reads them on a pedal.
        *(f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in ("doc", "man", "locale", "info", "lintian")),
        "--dpkgopt=path-include=/usr/share/doc/*/copyright",
        "--dpkgopt=force-unsafe-io",
    ]
    return arguments, "".join(f"{line}\n" for line in sources)
