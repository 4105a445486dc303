"""Sets the radio up: off unless the card names a network. Nothing is stored: each boot reads the card again."""

from __future__ import annotations

from pathlib import Path

from nampedal.firmware.base import system_paths
from nampedal.firmware.system.host.card_host import CardHost
from nampedal.firmware.system.host.root_paths import under_root, write_volatile
from nampedal.firmware.system.wifi import supplicant
from nampedal.firmware.system.wifi.networks import Networks

DEVICE = "wlan0"
UNIT = "nampedal-wifi"
SUPPLICANT = system_paths.CARD_RUN / "wpa_supplicant.conf"
SCRIPT = system_paths.CARD_RUN / "wifi.sh"
# Folder of wpa_supplicant's control socket and of its clients' sockets: `wpa_cli -p` and `-s`.
CONTROL = system_paths.CARD_RUN / "wifi"
_NETWORKD = Path("/run/systemd/network")
JOINED = _NETWORKD / "80-nampedal-wifi.network"
HOTSPOT = _NETWORKD / "80-nampedal-hotspot.network"
# The pedal's address in its hotspot's network.
ADDRESS = "192.168.50.1"
# systemd-networkd uses the file that matches the radio's current mode (systemd.network(5)).
_JOINED_TEXT = f"""[Match]
Name={DEVICE}
WLANInterfaceType=station

[Network]
DHCP=yes
MulticastDNS=yes

[Link]
RequiredForOnline=no
"""
# The hotspot announces no router and no name server: a phone keeps its own route to the internet, and nothing is
# forwarded.
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
    """Return the properties of the unit that runs wpa_supplicant (systemd.service(5), systemd.exec(5)).

    The unit may set up the radio and the network and write its sockets; it may not change anything else of the machine.
    """
    return (
        # The radio may be found later: retry until it is there.
        *("Restart=always", "RestartSec=5", "StartLimitIntervalSec=0"),
        # The "-" ignores a failure of the script: then only what it would have switched on is missing.
        *(f"ExecStartPost=-/bin/sh {under_root(root, SCRIPT)}", "TimeoutStartSec=2min"),
        *("CapabilityBoundingSet=CAP_NET_ADMIN CAP_NET_RAW", "NoNewPrivileges=yes", "UMask=0077"),
        *("ProtectSystem=strict", f"ReadWritePaths={under_root(root, system_paths.CARD_RUN)}", "ProtectHome=yes"),
        *("PrivateTmp=yes", "ProtectProc=invisible", "ProtectClock=yes", "ProtectControlGroups=yes"),
        *("ProtectHostname=yes", "ProtectKernelLogs=yes", "ProtectKernelModules=yes", "ProtectKernelTunables=yes"),
        "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK AF_PACKET",
        *("RestrictNamespaces=yes", "RestrictSUIDSGID=yes", "RestrictRealtime=yes", "LockPersonality=yes"),
        *("MemoryDenyWriteExecute=yes", "SystemCallArchitectures=native"),
        *("SystemCallFilter=@system-service", "SystemCallErrorNumber=EPERM"),
        *("DevicePolicy=closed", "DeviceAllow=/dev/rfkill rw"),
    )


def command(root: Path) -> tuple[str, ...]:
    """Return the command that the unit runs."""
    return ("wpa_supplicant", "-D", "nl80211", "-c", str(under_root(root, SUPPLICANT)), "-i", DEVICE)


def set_up_wifi(system: CardHost, root: Path, networks: Networks) -> None:
    """Set the radio up for the networks, or switch it off if there are none.

    Raises ProgramError, CardError, OSError.
    """
    wanted = bool(networks.wifi or networks.hotspot)
    system.set_radio(on=wanted)
    _take_down(system, root)
    if not wanted:
        return
    control = under_root(root, CONTROL)
    write_volatile(under_root(root, SUPPLICANT), supplicant.configuration(networks, control), 0o600)
    write_volatile(under_root(root, SCRIPT), supplicant.script(networks, control, DEVICE))
    if networks.wifi:
        write_volatile(under_root(root, JOINED), _JOINED_TEXT)
    if networks.hotspot is not None:
        write_volatile(under_root(root, HOTSPOT), _HOTSPOT_TEXT)
    system.run(
        *("systemd-run", "--no-block", f"--unit={UNIT}", "--description=nampedal: Wi-Fi"),
        *(f"--property={each}" for each in properties(root)),
        *command(root),
    )
    system.run("systemctl", "--no-block", "reload-or-restart", "systemd-networkd.service")


def _take_down(system: CardHost, root: Path) -> None:
    """Stop the unit and remove the files of an earlier call since the last boot."""
    there = under_root(root, SUPPLICANT)
    if not there.exists():
        return
    # systemctl exits with 5 if there is no such unit (systemctl(1)).
    system.run("systemctl", "stop", f"{UNIT}.service", fails=(5,))
    for path in (SCRIPT, JOINED, HOTSPOT, SUPPLICANT):
        under_root(root, path).unlink(missing_ok=True)
