"""The installer on the root of a real Debian: as the image's is made of."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import ROOT

# Debian's file of the user, and what is kept of the one before it.
ACCOUNTS = {f"etc/{name}{end}" for name in ("passwd", "group", "shadow", "gshadow") for end in ("", "-")}
LEFT = {*ACCOUNTS, "etc/.pwd.lock"}

Command = Callable[..., subprocess.CompletedProcess[str]]


def tree(root: Path) -> dict[str, tuple[object, ...]]:
    """Everything in it: kind and rights, owner, contents or where it leads."""
    found: dict[str, tuple[object, ...]] = {}
    for path in root.rglob("*"):
        state = path.lstat()
        inside = str(path.readlink()) if path.is_symlink() else ""
        if path.is_file() and not path.is_symlink():
            inside = hashlib.sha256(path.read_bytes()).hexdigest()
        found[str(path.relative_to(root))] = (state.st_mode, state.st_uid, state.st_gid, inside)
    return found


@pytest.fixture
def debian(image: Path, tmp_path: Path) -> Path:
    if os.geteuid() != 0:
        pytest.skip("only root can unpack a root with its owners")
    # Earlier builds with other packages have left theirs.
    packages = max((image.parent / "cache").glob("root-*.tar"), key=lambda path: path.stat().st_mtime)
    root = tmp_path / "root"
    root.mkdir()
    subprocess.run(["tar", "-C", root, "--exclude=./dev/*", "--numeric-owner", "-xf", packages], check=True)
    return root


@pytest.mark.parametrize("pedal", ["zero-2-w-codec-zero", "pi-5-serial"])
def test_uninstalling_leaves_a_system_as_it_was(debian: Path, nampedal: Command, pedal: str) -> None:
    (wheel,) = (ROOT / "dist").glob("nampedal-*aarch64.whl")
    install = ("install", "--pedal", pedal, "--root", debian, "--base", "debian", "--wheel", wheel)
    before = tree(debian)
    dry = nampedal(*install, "--dry-run")
    assert dry.returncode == 0, dry.stderr
    assert tree(debian) == before
    done = nampedal(*install)
    assert done.returncode == 0, done.stderr
    installed = tree(debian)
    assert {name for name in before if installed.get(name) != before[name]} <= LEFT
    assert "opt/nampedal/runtime/pyvenv.cfg" in installed
    again = nampedal(*install)
    assert again.returncode == 0
    assert "nothing to do" in again.stdout
    assert tree(debian) == installed
    undone = nampedal("uninstall", "--root", debian)
    assert undone.returncode == 0, undone.stderr
    after = tree(debian)
    different = {name for name in before | after if before.get(name) != after.get(name)}
    assert {name for name in different if not name.startswith("var/lib/nampedal")} <= LEFT
