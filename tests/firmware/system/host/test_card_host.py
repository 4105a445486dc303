"""What is asked of the system, as far as any machine can show it."""

from __future__ import annotations

import getpass
import os
import sys
from pathlib import Path

import pytest
from nampedal.firmware.base.errors import CardError, ProgramError
from nampedal.firmware.system.host.card_host import CardHost


def test_a_program_that_fails_says_why() -> None:
    with pytest.raises(ProgramError) as caught:
        CardHost().run(sys.executable, "-c", "import sys; sys.exit('not\\nnow')")
    assert str(caught.value) == f"{sys.executable} -c: failed: not now"


def test_a_program_that_hangs_is_ended() -> None:
    with pytest.raises(ProgramError) as caught:
        CardHost().run(sys.executable, "-c", "import time; time.sleep(60)", patience_s=0.2)
    assert str(caught.value) == f"{sys.executable}: did not end in 0.2 s, and was ended"


def test_a_program_that_is_not_there_is_told_of() -> None:
    with pytest.raises(ProgramError) as caught:
        CardHost().run("nampedal-has-no-such-program")
    assert str(caught.value) == "nampedal-has-no-such-program: can't be run: no such file or directory"


def test_an_exit_code_may_be_an_answer() -> None:
    assert CardHost().run(sys.executable, "-c", "print(1); raise SystemExit(2)", fails=(2,)) == "1\n"


def test_nobody_is_taken_for_somebody_else() -> None:
    with pytest.raises(CardError) as caught:
        CardHost().owner("no-such-user")
    assert str(caught.value) == "user 'no-such-user': is not there; install nampedal with 'nampedal install'"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_another_user_has_only_his_own_rights() -> None:
    code = "import os; print(os.getuid(), os.getgid(), os.getgroups())"
    uid, gid = CardHost().owner("nobody")
    assert CardHost().run("/usr/bin/python3", "-c", code, user="nobody") == f"{uid} {gid} []\n"


def test_who_runs_it_needs_no_right_to() -> None:
    code = "import os; print(os.getuid())"
    assert CardHost().run(sys.executable, "-c", code, user=getpass.getuser()) == f"{os.geteuid()}\n"


def test_what_is_no_device_is_none(tmp_path: Path) -> None:
    os.symlink("/dev/null", tmp_path / "link")
    assert not CardHost().is_device(tmp_path / "link")
    assert not CardHost().is_device(tmp_path)
    assert not CardHost().is_device(tmp_path / "gone")


def test_what_can_be_written_is_not_mounted_anew(tmp_path: Path) -> None:
    class NoMounting(CardHost):
        def remount(self, folder: Path, *, writable: bool) -> None:
            raise AssertionError

    with NoMounting().writable(tmp_path):
        (tmp_path / "a").write_text("")
