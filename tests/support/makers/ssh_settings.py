"""The effective settings that a pedal's sshd must have (sshd_config(5)): root login by key only, and no forwarding."""

from __future__ import annotations

WANTED = {
    "allowusers": "root",
    "permitrootlogin": "without-password",
    "authenticationmethods": "publickey",
    "passwordauthentication": "no",
    "kbdinteractiveauthentication": "no",
    "hostbasedauthentication": "no",
    "gssapiauthentication": "no",
    "kerberosauthentication": "no",
    "permitemptypasswords": "no",
    "permituserenvironment": "no",
    "permituserrc": "no",
    "disableforwarding": "yes",
    "x11forwarding": "no",
    "allowagentforwarding": "no",
    "allowtcpforwarding": "no",
    "allowstreamlocalforwarding": "no",
    "gatewayports": "no",
    "permittunnel": "no",
}


def settings_in(listed: str) -> dict[str, str]:
    """Return the settings that `sshd -T` prints: a name and its value in each line."""
    return dict(line.split(" ", 1) for line in listed.splitlines() if " " in line)
