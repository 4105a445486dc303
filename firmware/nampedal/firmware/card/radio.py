"""Wi-Fi: off unless the card has a network. Nothing of it is kept: the card says it again at the next start."""

from __future__ import annotations

from hashlib import pbkdf2_hmac
from pathlib import Path

from nampedal.board import places
from nampedal.firmware.card.settings import Wifi
from nampedal.firmware.card.system import System
from nampedal.firmware.card.where import placed, write_run

DEVICE = "wlan0"
UNIT = "nampedal-wifi"
SUPPLICANT = places.CARD_RUN / "wpa_supplicant.conf"
NETWORK = Path("/run/systemd/network/80-nampedal-wifi.network")
_NETWORK_TEXT = f"""[Match]
Name={DEVICE}

[Network]
DHCP=yes
MulticastDNS=yes

[Link]
RequiredForOnline=no
"""


def set_up(system: System, root: Path, wifi: Wifi | None) -> None:
    """Raises CommandFailedError, RadioError, OSError."""
    system.set_radio(on=wifi is not None)
    if wifi is None:
        return
    supplicant = placed(root, SUPPLICANT)
    write_run(supplicant, supplicant_text(wifi), 0o600)
    write_run(placed(root, NETWORK), _NETWORK_TEXT)
    # Of a boot that is done once more; 5: there is none (systemctl(1)).
    system.run("systemctl", "stop", f"{UNIT}.service", fails=(5,))
    # The device may be found later: it is tried again until it is there.
    system.run(
        *("systemd-run", "--no-block", f"--unit={UNIT}", "--description=nampedal: Wi-Fi"),
        *("--property=Restart=always", "--property=RestartSec=5", "--property=StartLimitIntervalSec=0"),
        *("wpa_supplicant", "-c", str(supplicant), "-i", DEVICE),
    )
    system.run("systemctl", "--no-block", "reload-or-restart", "systemd-networkd.service")


def supplicant_text(wifi: Wifi) -> str:
    """As wpa_supplicant.conf(5) has it. The name in hexadecimal: it may hold anything."""
    return (
        f"country={wifi.country}\nnetwork={{\n\tssid={wifi.name.encode().hex()}\n"
        f"\tscan_ssid=1\n\tkey_mgmt=WPA-PSK\n\tpsk={key_of(wifi)}\n}}\n"
    )


def key_of(wifi: Wifi) -> str:
    """What a WPA passphrase stands for: PBKDF2 of it and the network's name, hexadecimal (IEEE 802.11i-2004, H.4)."""
    if len(wifi.password) == 64:
        return wifi.password.lower()
    return pbkdf2_hmac("sha1", wifi.password.encode(), wifi.name.encode(), 4096, 32).hex()
