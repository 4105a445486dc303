"""Lists the Debian packages that a pedal needs, and those of them that are missing."""

from __future__ import annotations

from nampedal.firmware.system.install.steps.target import InstallTarget, packages_in, suite_of

# fdisk: has sfdisk, which grows the data partition of an image.
# python3-spidev: there are no wheels of spidev.
_NEEDED = (
    *("alsa-utils", "dosfstools", "e2fsprogs", "fdisk", "jackd2"),
    *("python3", "python3-spidev", "udev"),
)
# Suites whose jackd2 package contains jack_connect.
_WITH_JACK_TOOLS = ("bullseye", "bookworm")
# Has ssh-keygen, which checks an update's signature. On an image, openssh-server depends on it (Debian's control file).
_TO_CHECK_UPDATES = "openssh-client"
# Packages for an image only; Raspberry Pi OS has most of them in any case.
# mtools, zstd: read an image during an update.
# wireless-regdb: without it Linux accepts no country, and the radio is limited to what all countries allow.
_OF_AN_IMAGE = (
    *("dbus", "iproute2", "kmod", "openssh-server", "procps"),
    *("mtools", "systemd", "systemd-sysv", "systemd-timesyncd", "wireless-regdb", "wpasupplicant", "zstd"),
)


def packages_for(base: str, suite: str = "bookworm", *, image: bool = True) -> tuple[str, ...]:
    """Return the names of the needed packages, sorted; without their dependencies, the kernel and the boot firmware.

    suite: Debian's code name of the release.
    """
    found = set(_NEEDED)
    if suite not in _WITH_JACK_TOOLS:
        found.add("jack-example-tools")
    if base == "raspios":
        # Debian does not have this package, and wheels of lgpio exist for one Python version only.
        found.add("python3-lgpio")
    if image:
        found.update(_OF_AN_IMAGE)
    else:
        found.add(_TO_CHECK_UPDATES)
    return tuple(sorted(found))


def missing_packages(target: InstallTarget) -> tuple[str, ...]:
    """Return the packages that a target needs and its root does not have."""
    there = packages_in(target.root)
    wanted = packages_for(target.base, suite_of(target.root) or "bookworm", image=target.image)
    return tuple(name for name in wanted if name not in there)
