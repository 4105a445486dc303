"""Debian packages: which ones a pedal needs, which ones are not there."""

from __future__ import annotations

from nampedal.board.install.target import Target, packages_in, suite_of

# fdisk: sfdisk, which grows the partition of an image.  libkissfft: the engine's; nothing of it is in the wheel.
# python3-spidev: it has no wheels.
_NEEDED = (
    *("alsa-utils", "dosfstools", "e2fsprogs", "fdisk", "jackd2", "libkissfft-float131"),
    *("python3", "python3-spidev", "udev"),
)
# Of the suites whose jackd2 has jack_connect itself.
_WITH_JACK_TOOLS = ("bullseye", "bookworm")
# ssh-keygen, which checks an update's signature. On an image openssh-server depends on it (Debian's control file).
_TO_CHECK_UPDATES = "openssh-client"
# What Raspberry Pi OS has in any case; mtools and zstd read what an image is updated with; wireless-regdb: without it
# Linux takes no country, and the radio keeps to what is allowed everywhere.
_OF_AN_IMAGE = (
    *("dbus", "iproute2", "kmod", "openssh-server", "procps"),
    *("mtools", "systemd", "systemd-sysv", "systemd-timesyncd", "wireless-regdb", "wpasupplicant", "zstd"),
)


def packages_for(base: str, suite: str = "bookworm", *, image: bool = True) -> tuple[str, ...]:
    """In alphabetical order, without what they depend on, the kernel and the firmware. suite: Debian's name of it."""
    found = set(_NEEDED)
    if suite not in _WITH_JACK_TOOLS:
        found.add("jack-example-tools")
    if base == "raspios":
        # Debian does not have it, and its wheels are for one Python only.
        found.add("python3-lgpio")
    if image:
        found.update(_OF_AN_IMAGE)
    else:
        found.add(_TO_CHECK_UPDATES)
    return tuple(sorted(found))


def missing_packages(target: Target) -> tuple[str, ...]:
    """Of those for a target, what its root does not have."""
    there = packages_in(target.root)
    wanted = packages_for(target.base, suite_of(target.root) or "bookworm", image=target.image)
    return tuple(name for name in wanted if name not in there)
