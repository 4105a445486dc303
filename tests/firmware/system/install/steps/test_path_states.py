"""One path of a root: how it stands, and what it is changed to."""

from __future__ import annotations

from pathlib import Path

import pytest
from nampedal.firmware.base.errors import DeployError, FileAccessError, ProgramError
from nampedal.firmware.system.install.steps.install_tools import run
from nampedal.firmware.system.install.steps.path_states import (
    ABSENT,
    PathState,
    checked_path,
    link,
    make_folders,
    read_state,
    root_owned_file,
    write_state,
)
from nampedal.firmware.system.install.steps.target import InstallTarget


@pytest.mark.parametrize("state", [ABSENT, link(Path("/dev/null")), root_owned_file(b"\0text\xff", 0o640)])
def test_a_path_stands_as_it_was_put_and_as_it_is_written_down(tmp_path: Path, state: PathState) -> None:
    place = tmp_path / "here"
    for before in (ABSENT, root_owned_file(b"before", 0o600), link(Path("nowhere"))):
        write_state(place, before)
        write_state(place, state)
        assert read_state(place) == state
    assert PathState.from_json(state.to_json()) == state
    assert [path for path in tmp_path.iterdir() if path.name != "here"] == []


def test_a_folder_in_the_way_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    with pytest.raises(DeployError) as error:
        write_state(tmp_path / "here", root_owned_file(b"", 0o644))
    assert str(error.value) == f"{tmp_path}/here: is a folder, and a file is needed there; move it away"


def test_a_link_that_leads_out_of_a_root_is_not_followed(target: InstallTarget, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (target.root / "etc/nampedal").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DeployError) as error:
        checked_path(target, Path("/etc/nampedal/pedal.env"))
    assert str(error.value) == (
        f"{target.root}/etc/nampedal: leads to {tmp_path}/elsewhere, out of {target.root}; make its links relative, or "
        "install on the running system"
    )


def test_what_the_system_refuses_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FileAccessError) as error:
        make_folders(tmp_path / "file" / "folder" / "x")
    assert str(error.value) == (
        f"{tmp_path}/file/folder/x: can't be read or written: not a directory; see to it, and run this again"
    )


def test_a_program_that_fails_is_told_with_its_last_word() -> None:
    with pytest.raises(ProgramError) as error:
        run(["sh", "-c", "echo first >&2; echo last >&2; exit 3"])
    assert str(error.value) == "sh -c echo first >&2; echo last >&2; exit 3: failed (3): last"
    with pytest.raises(ProgramError) as missing:
        run(["no-such-program"])
    assert str(missing.value) == "no-such-program: is not installed here; install it, and run this again"
