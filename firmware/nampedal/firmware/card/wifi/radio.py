"""The radio: off unless the card names a network. Nothing of it is kept: the card says it again at the next start."""

from __future__ import annotations

from pathlib import Path

from nampedal.board import places
from nampedal.firmware.card.system import System
from nampedal.firmware.card.where import placed, write_run
from nampedal.firmware.card.wifi import supplicant
from nampedal.firmware.card.wifi.networks import Networks

DEVICE = "wlan0"
UNIT = "nampedal-wifi"
SUPPLICANT = places.CARD_RUN / "wpa_supplicant.conf"
SCRIPT = places.CARD_RUN / "wifi.sh"
# wpa_supplicant's control socket, and those of who asks it: `wpa_cli -p` and `-s`.
CONTROL = places.CARD_RUN / "wifi"
_NETWORKD = Path("/run/systemd/network")
JOINED = _NETWORKD / "80-nampedal-wifi.network"
HOTSPOT = _NETWORKD / "80-nampedal-hotspot.network"
# The pedal's address in its own network.
ADDRESS = "192.168.50.1"
# systemd.network(5): the file that fits what the radio does at the moment.
_JOINED_TEXT = f"""[Match]
Name={DEVICE}
WLANInterfaceType=station

[Network]
DHCP=yes
MulticastDNS=yes

[Link]
RequiredForOnline=no
"""
# No router and no name server: a phone keeps its own way to the internet, and nothing is forwarded.
_HOTSPOT_TEXT = f"""[Match]
Name={DEVICE}
WLANInterfaceType=ap

[Network]
Address={ADDRESS}/24
DHCPServer=yes
IPv6AcceptRA=no

[DHCPServer]
PoolOffset=10
PoolSize=100
EmitRouter=no
EmitDNS=no

[Link]
RequiredForOnline=no
"""


def properties(root: Path) -> tuple[str, ...]:
    """Of the unit that runs wpa_supplicant, as systemd.service(5) and systemd.exec(5) have them.

    It may set radio and network up and write its sockets: nothing else of the machine.
    """
    return (
        # The radio may be found later: it is tried again until it is there.
        *("Restart=always", "RestartSec=5", "StartLimitIntervalSec=0"),
        # What fails in it costs what it would have switched on.
        *(f"ExecStartPost=-/bin/sh {placed(root, SCRIPT)}", "TimeoutStartSec=2min"),
        *("CapabilityBoundingSet=CAP_NET_ADMIN CAP_NET_RAW", "NoNewPrivileges=yes", "UMask=0077"),
        *("ProtectSystem=strict", f"ReadWritePaths={placed(root, places.CARD_RUN)}", "ProtectHome=yes"),
        *("PrivateTmp=yes", "ProtectProc=invisible", "ProtectClock=yes", "ProtectControlGroups=yes"),
        *("ProtectHostname=yes", "ProtectKernelLogs=yes", "ProtectKernelModules=yes", "ProtectKernelTunables=yes"),
        "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK AF_PACKET",
        *("RestrictNamespaces=yes", "RestrictSUIDSGID=yes", "RestrictRealtime=yes", "LockPersonality=yes"),
        *("MemoryDenyWriteExecute=yes", "SystemCallArchitectures=native"),
        *("SystemCallFilter=@system-service", "SystemCallErrorNumber=EPERM"),
        *("DevicePolicy=closed", "DeviceAllow=/dev/rfkill rw"),
    )


def command(root: Path) -> tuple[str, ...]:
    """What the unit runs."""
    return ("wpa_supplicant", "-D", "nl80211", "-c", str(placed(root, SUPPLICANT)), "-i", DEVICE)


def set_up(system: System, root: Path, networks: Networks) -> None:
    """Raises CommandFailedError, RadioError, OSError."""
    wanted = bool(networks.wifi or networks.hotspot)
    system.set_radio(on=wanted)
    _take_down(system, root)
    if not wanted:
        return
    control = placed(root, CONTROL)
    write_run(placed(root, SUPPLICANT), supplicant.configuration(networks, control), 0o600)
    write_run(placed(root, SCRIPT), supplicant.script(networks, control, DEVICE))
    if networks.wifi:
        write_run(placed(root, JOINED), _JOINED_TEXT)
    if networks.hotspot is not None:
        write_run(placed(root, HOTSPOT), _HOTSPOT_TEXT)
    system.run(
        *("systemd-run", "--no-block", f"--unit={UNIT}", "--description=nampedal: Wi-Fi"),
        *(f"--property={each}" for each in properties(root)),
        *command(root),
    )
    system.run("systemctl", "--no-block", "reload-or-restart", "systemd-networkd.service")


def _take_down(system: System, root: Path) -> None:
    """What this was told before, if the machine has not been started anew since."""
    there = placed(root, SUPPLICANT)
    if not there.exists():
        return
    # 5: there is none (systemctl(1)).
    system.run("systemctl", "stop", f"{UNIT}.service", fails=(5,))
    for path in (SCRIPT, JOINED, HOTSPOT, SUPPLICANT):
        placed(root, path).unlink(missing_ok=True)
