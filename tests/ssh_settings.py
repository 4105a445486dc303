"""What a pedal's sshd has to say of itself, by sshd_config(5): one login by key, and nothing that is passed on."""

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
    """Of what `sshd -T` lists: a name and its value a line."""
    return dict(line.split(" ", 1) for line in listed.splitlines() if " " in line)
