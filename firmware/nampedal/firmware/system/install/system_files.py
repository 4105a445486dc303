"""Sets up the operating system of a pedal: user, groups, device permissions, kernel and journal settings, masked units.

Nothing else should write to the card or use the processor while somebody plays.
"""

from __future__ import annotations

from pathlib import Path

from nampedal.board.profiles.pedals import PedalProfile
from nampedal.board.profiles.wiring import HEADER_PORTS
from nampedal.firmware.base import system_paths
from nampedal.firmware.system.install.boot_config import header_port
from nampedal.firmware.system.install.steps.step_types import Link, Step, Users, WholeFile
from nampedal.firmware.system.install.steps.target import InstallTarget, packages_in

# Groups that own the devices of a pedal. Debian itself does not have those of the pins.
_GROUPS = ("audio", "dialout", "input", "video")
_GROUPS_OF_PINS = ("gpio", "i2c", "spi")
NOTHING = Path("/dev/null")
MASKS = Path("/etc/systemd/system")
_USER_MASKS = Path("/etc/systemd/user")
# Masked units: they write to the card or use CPU time now and then, or they use swap; raspi-config.service sets the CPU
# governor.
_MASKED = (
    *("apt-daily.service", "apt-daily.timer", "apt-daily-upgrade.service", "apt-daily-upgrade.timer"),
    *("dpkg-db-backup.timer", "e2scrub_all.timer", "e2scrub_reap.service", "fstrim.timer", "logrotate.timer"),
    *("man-db.timer", "packagekit.service", "unattended-upgrades.service"),
    *("dphys-swapfile.service", "rpi-zram-writeback.timer", "zramswap.service"),
    "raspi-config.service",
)
_MASKED_WITHOUT_RADIO = ("bluetooth.service", "hciuart.service", "wpa_supplicant.service")
# Masked user units: they open the sound card as soon as somebody logs in.
_MASKED_FOR_USERS = (
    *("pipewire.service", "pipewire.socket", "pipewire-pulse.service", "pipewire-pulse.socket"),
    *("pulseaudio.service", "pulseaudio.socket", "wireplumber.service"),
)
_LIMITS = """\
# Written by nampedal install: whoever is in the group may play in time.
@audio - rtprio 95
@audio - memlock unlimited
"""
_SYSCTL = """\
# Written by nampedal install: what is to be written to the card goes there in small pieces.
vm.swappiness = 1
vm.dirty_background_ratio = 1
vm.dirty_ratio = 3
kernel.timer_migration = 0
"""
_JOURNAL = """\
# Written by nampedal install: the log is kept in memory.
[Journal]
Storage=volatile
RuntimeMaxUse=16M
"""
_NO_SWAP = """\
# Written by nampedal install.
[Main]
Mechanism=none
"""
_NO_ZRAM = "# Written by nampedal install: no swap. The file of the same name in /usr/lib is not read.\n"
_GOVERNOR = """\
# Written by nampedal install: takes the place of Raspberry Pi OS's file of this name, which sets the governor ondemand
# on every core after the kernel has set performance.
"""
_NO_MIDI_THROUGH = """\
# Written by nampedal install: it would be taken for MIDI that is plugged in.
blacklist snd_seq_dummy
"""
_DMA_LATENCY = 'KERNEL=="cpu_dma_latency", GROUP="audio", MODE="0660"\n'
# Raspberry Pi OS has these rules in its 99-com.rules.
_PINS = """\
SUBSYSTEM=="gpio", KERNEL=="gpiochip*", GROUP="gpio", MODE="0660"
SUBSYSTEM=="spidev", GROUP="spi", MODE="0660"
SUBSYSTEM=="i2c-dev", GROUP="i2c", MODE="0660"
"""
SSHD = Path("/etc/ssh/sshd_config.d/nampedal.conf")
# sshd runs only if the card has a public key; its host key is made then, and kept. sshd uses the first value that it
# reads for a setting, and Debian's sshd_config includes this file before it enables X11Forwarding. By sshd_config(5),
# DisableForwarding alone would be enough, but before 10.0 it left X11 and agent forwarding as they were
# (openssh/openssh-portable fc86875e6acb, session.c).
_SSH = f"""\
# Written by nampedal install: with a key from nampedal.toml on the card, and by nothing else.
HostKey {system_paths.SSH_HOST_KEY}
AuthorizedKeysFile {system_paths.SSH_KEYS}
AllowUsers root
PermitRootLogin prohibit-password
AuthenticationMethods publickey
PasswordAuthentication no
KbdInteractiveAuthentication no
HostbasedAuthentication no
GSSAPIAuthentication no
KerberosAuthentication no
PermitEmptyPasswords no
PermitUserEnvironment no
PermitUserRC no
# A pedal is logged in to, and files are copied: nothing is passed on through it.
DisableForwarding yes
X11Forwarding no
AllowAgentForwarding no
AllowTcpForwarding no
AllowStreamLocalForwarding no
GatewayPorts no
PermitTunnel no
"""
_CABLE = """\
# Written by nampedal install.
[Match]
Name=en* eth* usb*

[Network]
DHCP=yes
"""
_USB = """\
ACTION=="add", SUBSYSTEM=="block", ENV{ID_BUS}=="usb", ENV{ID_FS_USAGE}=="filesystem", TAG+="systemd", \\
  ENV{SYSTEMD_WANTS}+="nampedal-usb@%k.service"
"""


def system_steps(pedal: PedalProfile, target: InstallTarget) -> list[Step]:
    """Return the steps that set up the operating system under the pedal software."""
    network = _network() if target.image else []
    return [*_user(target), *_settings(target), *_midi(pedal), *_masks(pedal, target), *network]


def _user(target: InstallTarget) -> list[Step]:
    there = target.groups()
    groups = [group for group in _GROUPS if group in there] + list(_GROUPS_OF_PINS)
    lines = ["# Written by nampedal install: who plays."]
    lines += [f"g {group} -" for group in _GROUPS_OF_PINS]
    lines += [f'u {system_paths.USER} - "nampedal" {system_paths.DATA}']
    lines += [f"m {system_paths.USER} {group}" for group in groups]
    return [
        _file("/etc/sysusers.d/nampedal.conf", "\n".join(lines) + "\n"),
        Users(system_paths.USER, tuple(groups)),
    ]


def _has_rule_of_pins(target: InstallTarget) -> bool:
    """Return True if the system has udev rules for the pins.

    Raspberry Pi OS has them in its package raspberrypi-sys-mods, which an image does not contain.
    """
    return target.base == "raspios" and not target.image


def _settings(target: InstallTarget) -> list[Step]:
    rules = "# Written by nampedal install.\n" + _DMA_LATENCY + ("" if _has_rule_of_pins(target) else _PINS) + _USB
    steps: list[Step] = [
        _file("/etc/security/limits.d/95-nampedal.conf", _LIMITS),
        _file("/etc/udev/rules.d/60-ondemand-governor.rules", _GOVERNOR),
        _file("/etc/udev/rules.d/99-nampedal.rules", rules),
        _file("/etc/sysctl.d/95-nampedal.conf", _SYSCTL),
        _file("/etc/systemd/journald.conf.d/nampedal.conf", _JOURNAL),
    ]
    packages = packages_in(target.root)
    if "rpi-swap" in packages:
        steps.append(_file("/etc/rpi/swap.conf.d/90-nampedal.conf", _NO_SWAP))
    elif "systemd-zram-generator" in packages:
        steps.append(_file("/etc/systemd/zram-generator.conf", _NO_ZRAM))
    return steps


def _network() -> list[Step]:
    """Return the steps for SSH and the wired network of an image; another system's network belongs to its owner."""
    return [
        WholeFile(SSHD, _SSH.encode()),
        _file("/etc/systemd/network/80-nampedal-cable.network", _CABLE),
    ]


def _midi(pedal: PedalProfile) -> list[Step]:
    """Return the steps that load the ALSA sequencer, through which jackd finds MIDI devices.

    jackd is not allowed to load kernel modules itself.
    """
    if pedal.wiring.midi_channel is None:
        return []
    return [
        _file(
            "/etc/modules-load.d/nampedal.conf", "# Written by nampedal install: MIDI that is plugged in.\nsnd-seq\n"
        ),
        _file("/etc/modprobe.d/nampedal.conf", _NO_MIDI_THROUGH),
    ]


def _masks(pedal: PedalProfile, target: InstallTarget) -> list[Step]:
    names = [*_MASKED, *(() if target.radio else _MASKED_WITHOUT_RADIO)]
    steps: list[Step] = [Link(MASKS / name, NOTHING) for name in names if target.has_unit(name)]
    steps += [Link(_USER_MASKS / name, NOTHING) for name in _MASKED_FOR_USERS if target.has_user_unit(name)]
    port = header_port(pedal)
    if port is not None:
        # The first port name is a link to one of the others.
        ports = HEADER_PORTS if port == HEADER_PORTS[0] else (port,)
        steps += [Link(MASKS / f"serial-getty@{name.removeprefix('/dev/')}.service", NOTHING) for name in ports]
    return steps


def _file(path: str, text: str) -> WholeFile:
    return WholeFile(Path(path), text.encode())
