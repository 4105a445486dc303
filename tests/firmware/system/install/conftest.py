"""A root of a system, and what an installer is given besides."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from nampedal.firmware.system.install.steps import runtime_copy
from nampedal.firmware.system.install.steps.target import InstallTarget
from support.makers.system_maker import Tools, make_root, make_units, make_wheel


@pytest.fixture(autouse=True)
def no_own_profiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where they would be."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path / "config" / "nampedal"


@pytest.fixture
def target(tmp_path: Path) -> InstallTarget:
    return InstallTarget(
        make_root(tmp_path / "root"), "raspios", wheel=make_wheel(tmp_path), units=make_units(tmp_path / "units")
    )


@pytest.fixture
def tools(target: InstallTarget) -> Tools:
    return Tools(target)


@pytest.fixture
def no_pip(monkeypatch: pytest.MonkeyPatch) -> None:
    """A runtime of one file: pip takes seconds."""

    def build(folder: Path, version: str, mark: str, fill: Callable[[Path], None]) -> None:
        folder.mkdir(exist_ok=True)
        (folder / "pyvenv.cfg").write_text(f"nampedal = {mark}\n")

    monkeypatch.setattr(runtime_copy, "_build", build)
