"""Inside the machine, as root: puts a radio into a network namespace, as `iw phy PHY set netns name NAME` does.

move_radio.py INTERFACE NAMESPACE

`ip link set netns` can't: a radio moves with all its interfaces (Linux, include/uapi/linux/nl80211.h).
"""

from __future__ import annotations

import socket
import struct
import sys
from pathlib import Path

NETLINK_GENERIC = 16
GENL_ID_CTRL, CTRL_CMD_GETFAMILY, CTRL_ATTR_FAMILY_ID, CTRL_ATTR_FAMILY_NAME = 16, 3, 1, 2
NLM_F_REQUEST, NLM_F_ACK, NLMSG_ERROR = 1, 4, 2
NL80211_CMD_SET_WIPHY_NETNS, NL80211_ATTR_WIPHY, NL80211_ATTR_NETNS_FD = 49, 1, 219


def attribute(kind: int, data: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(data), kind) + data + bytes(-len(data) % 4)


def ask(family: int, command: int, *attributes: bytes) -> bytes:
    """The payload of the first answer, without its headers."""
    body = struct.pack("=BBH", command, 1, 0) + b"".join(attributes)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_GENERIC) as line:
        line.send(struct.pack("=IHHII", 16 + len(body), family, NLM_F_REQUEST | NLM_F_ACK, 1, 0) + body)
        answer = line.recv(65536)
    (kind,) = struct.unpack_from("=H", answer, 4)
    if kind == NLMSG_ERROR:
        (error,) = struct.unpack_from("=i", answer, 16)
        if error:
            raise OSError(-error, "nl80211 refuses")
        return b""
    return answer[20:]


def family_of(name: str) -> int:
    answer = ask(GENL_ID_CTRL, CTRL_CMD_GETFAMILY, attribute(CTRL_ATTR_FAMILY_NAME, name.encode() + b"\0"))
    at = 0
    while at < len(answer):
        size, kind = struct.unpack_from("=HH", answer, at)
        if kind == CTRL_ATTR_FAMILY_ID:
            return int(struct.unpack_from("=H", answer, at + 4)[0])
        at += (size + 3) // 4 * 4
    raise LookupError(name)


def main(interface: str, namespace: str) -> None:
    radio = int(Path(f"/sys/class/net/{interface}/phy80211/index").read_text())
    with Path(f"/run/netns/{namespace}").open("rb") as target:
        ask(
            family_of("nl80211"),
            NL80211_CMD_SET_WIPHY_NETNS,
            attribute(NL80211_ATTR_WIPHY, struct.pack("=I", radio)),
            attribute(NL80211_ATTR_NETNS_FD, struct.pack("=I", target.fileno())),
        )


main(*sys.argv[1:])
