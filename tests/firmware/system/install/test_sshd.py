"""What the real sshd makes of the pedal's settings, behind Debian's own file.

tests/image asks the pedal's sshd itself.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from pathlib import Path

import pytest
from nampedal.board.profiles.pedals import read_pedal
from nampedal.firmware.base import system_paths
from nampedal.firmware.system.install.steps.step_types import WholeFile
from nampedal.firmware.system.install.steps.target import InstallTarget
from nampedal.firmware.system.install.system_files import SSHD, system_steps
from support.makers.signing_keys import make_key
from support.makers.ssh_settings import WANTED, settings_in

PROGRAM = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin") or "/usr/sbin/sshd"
# openssh-server's, from which its postinst makes the one in /etc.
DEBIANS = Path(PROGRAM).parent.parent / "share/openssh/sshd_config"


def why_not() -> str:
    """Sshd looks for its user and its folder, whatever it is asked."""
    if not Path(PROGRAM).exists() or not DEBIANS.is_file():
        return "Debian's package openssh-server is not installed"
    if "sshd" not in [user.pw_name for user in pwd.getpwall()]:
        return "the user sshd, which openssh-server makes, is not there"
    return "" if os.geteuid() == 0 else "only root may ask sshd"


@pytest.fixture
def drop_in(target: InstallTarget) -> bytes:
    image = InstallTarget(target.root, "raspios", image=True, wheel=target.wheel)
    (found,) = (
        step.data
        for step in system_steps(read_pedal("pi-4-dac-adc"), image)
        if isinstance(step, WholeFile) and step.path == SSHD
    )
    return found


def effective(folder: Path, drop_in: bytes | None) -> dict[str, str]:
    """As `sshd -T` tells them for a login by root."""
    (folder / "d").mkdir()
    if drop_in is not None:
        (folder / "d" / "nampedal.conf").write_bytes(drop_in)
    config = folder / "sshd_config"
    text = DEBIANS.read_text()
    assert "Include /etc/ssh/sshd_config.d/*.conf" in text
    config.write_text(text.replace("/etc/ssh/sshd_config.d", str(folder / "d")))
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    key = make_key(folder / "host", "")
    command = [PROGRAM, "-T", "-f", str(config), "-h", str(key), "-C", "user=root,host=pedal,addr=192.0.2.1"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return settings_in(done.stdout)


@pytest.mark.skipif(bool(why_not()), reason=why_not())
def test_the_real_sshd_allows_a_key_and_nothing_else(tmp_path: Path, drop_in: bytes) -> None:
    found = effective(tmp_path, drop_in)
    assert {name: found[name] for name in WANTED} == WANTED
    assert found["authorizedkeysfile"] == str(system_paths.SSH_KEYS)
    assert found["subsystem"].startswith("sftp ")


@pytest.mark.skipif(bool(why_not()), reason=why_not())
def test_without_our_file_debians_allows_more(tmp_path: Path) -> None:
    """So that the test above tells something."""
    found = effective(tmp_path, None)
    assert {name for name, value in WANTED.items() if found.get(name) != value} >= {
        *("x11forwarding", "allowtcpforwarding", "allowagentforwarding", "allowstreamlocalforwarding"),
        *("passwordauthentication", "disableforwarding", "authenticationmethods"),
    }


def test_no_setting_of_ours_is_named_twice(drop_in: bytes) -> None:
    """The first would count."""
    names = [line.split()[0].lower() for line in drop_in.decode().splitlines() if not line.startswith("#")]
    assert len(names) == len(set(names))
    assert set(WANTED) <= set(names)
