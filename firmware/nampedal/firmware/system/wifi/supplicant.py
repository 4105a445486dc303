"""Generates wpa_supplicant's configuration for the networks, and a script to run when wpa_supplicant has started.

The format is that of wpa_supplicant.conf(5) and of wpa_supplicant 2.10, which Debian 12 and 13 have. A single line that
it does not understand makes it reject the whole file, so names, keys and passwords are written in hexadecimal.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import pbkdf2_hmac
from pathlib import Path

from nampedal.firmware.system.wifi.networks import Hotspot, Networks, Wifi

# Seconds without any joined network of [wifi] until the hotspot is switched on. wpa_supplicant scans every 5 s (its
# scan_interval).
HOTSPOT_AFTER_S = 30
# Written into each network, so that hidden networks are found as well.
_HIDDEN = "scan_ssid=1"
# pmf=1: protect management frames if network and driver both can. It is a global setting here: only then does
# wpa_supplicant omit it by itself if the driver can't do it (wpas_get_ssid_pmf() in its wpa_supplicant.c).
# sae_pwe=2: support both ways to derive WPA3's secret. Without it (0 is the default) Wi-Fi 6 access points refuse
# (LibreELEC/LibreELEC.tv PR 11785; raspberrypi/linux issue 4718, comment of 2026-05-18).
_GLOBAL = ("pmf=1", "sae_pwe=2")


@dataclass(frozen=True, slots=True)
class _Block:
    """A network={} block of wpa_supplicant. enabled: "at once", "if SAE", or "later"."""

    lines: tuple[str, ...]
    enabled: str = "at once"


def configuration(networks: Networks, control: Path) -> str:
    """Return the text of wpa_supplicant's configuration file. control: the folder for its control sockets."""
    blocks = _blocks(networks)
    lines = [f"ctrl_interface=DIR={control}", f"country={networks.country}", *_GLOBAL]
    for number, block in enumerate(blocks):
        more = (f"priority={len(blocks) - number}", *(() if block.enabled == "at once" else ("disabled=1",)))
        lines += ["network={", *(f"\t{line}" for line in (*block.lines, *more)), "}"]
    return "".join(f"{line}\n" for line in lines)


def script(networks: Networks, control: Path, device: str) -> str:
    """Return a shell script that enables the networks that are disabled in the configuration.

    It is to be run as soon as wpa_supplicant has started. It enables WPA3 only if the driver supports it:
    wpa_supplicant 2.10 tries no other network after it has selected one that it can't join (wpas_start_assoc_cb()
    returns when wpas_populate_assoc_ies() fails).
    """
    blocks = list(enumerate(_blocks(networks)))
    sae = " ".join(str(number) for number, block in blocks if block.enabled == "if SAE")
    later = [number for number, block in blocks if block.enabled == "later"]
    lines = [
        "# Written by nampedal at every boot.",
        f'ask() {{ wpa_cli -p {control} -s {control} -i {device} "$@"; }}',
        "tries=0",
        "until ask ping | grep -q PONG; do",
        '  tries=$((tries + 1)); [ "$tries" -lt 100 ] || exit 1; sleep 0.2',
        "done",
    ]
    if sae:
        lines.append(
            f"if ask get_capability auth_alg | grep -qw SAE; then for id in {sae}; do ask enable_network $id; done; fi"
        )
    lines += [f"sleep {HOTSPOT_AFTER_S}\nask enable_network {number}" for number in later]
    return "".join(f"{line}\n" for line in lines)


def _blocks(networks: Networks) -> list[_Block]:
    """Return the blocks, the preferred one first. wpa_supplicant numbers them in this order, from 0."""
    blocks = [block for wifi in networks.wifi for block in _blocks_of(wifi)]
    if networks.hotspot is not None:
        blocks.append(_hotspot(networks.hotspot, "later" if blocks else "at once"))
    return blocks


def _blocks_of(wifi: Wifi) -> Iterator[_Block]:
    """Yield the blocks of a network to join.

    WPA2 comes before WPA3 if a network has both: on a Zero 2 W the driver says that it supports WPA3, but its firmware
    does not (raspberrypi/linux issue 7634).
    """
    ssid = f"ssid={wifi.name.encode().hex()}"
    if not wifi.password:
        yield _Block((ssid, _HIDDEN, "key_mgmt=NONE"))
        return
    yield _Block((ssid, _HIDDEN, "key_mgmt=WPA-PSK WPA-PSK-SHA256", f"psk={wpa2_psk(wifi)}"))
    # The 64 digits work for WPA2 only: WPA3 needs the password itself.
    if len(wifi.password) < 64:
        password = wifi.password.encode().hex()
        yield _Block((ssid, _HIDDEN, "key_mgmt=SAE", "ieee80211w=2", f"sae_password={password}"), "if SAE")


def _hotspot(hotspot: Hotspot, enabled: str) -> _Block:
    """Return the block of the hotspot.

    mode=2: an access point, which wpa_supplicant starts when it finds no network that it may join (ap_scan=1).
    Only WPA2, and no protected management frames: with more, the access point of a Raspberry Pi's radio does not start,
    or nobody can join it (raspberrypi/linux issue 4718, comments of 2024-01-24; radio24/TorBox issue 137). No WPS,
    which wpa_supplicant would offer by default.
    """
    return _Block(
        (
            f"ssid={hotspot.name.encode().hex()}",
            "mode=2",
            # IEEE 802.11, 2.4 GHz band: channels are 5 MHz apart, and the first is at 2412 MHz.
            f"frequency={2407 + 5 * hotspot.channel}",
            *("key_mgmt=WPA-PSK", "proto=RSN", "pairwise=CCMP", "group=CCMP", f"psk={wpa2_psk(hotspot)}"),
            *("ieee80211w=0", "wps_disabled=1"),
        ),
        enabled,
    )


def wpa2_psk(network: Wifi | Hotspot) -> str:
    """Return WPA2's key in hexadecimal: PBKDF2 of the passphrase and the network's name (IEEE 802.11i-2004, H.4)."""
    if len(network.password) == 64:
        return network.password.lower()
    return pbkdf2_hmac("sha1", network.password.encode(), network.name.encode(), 4096, 32).hex()
