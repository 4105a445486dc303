"""The pedal has its own entry, and needs no converter for it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import nampedal.firmware
from nampedal.firmware.cli.pedal_commands import PEDAL_COMMANDS


def test_the_pedals_commands_run_where_there_is_no_converter(tmp_path: Path) -> None:
    installed = Path(nampedal.firmware.__file__).parent.parent
    left = shutil.ignore_patterns("converter", "capture_commands", "__pycache__")
    shutil.copytree(installed, tmp_path / "nampedal", ignore=left)
    # Isolated, so that only what stands in front is looked at for ours.
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); sys.argv = ['nampedal', '--help'];"
        "import runpy; runpy.run_module('nampedal.firmware.cli', run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for command in PEDAL_COMMANDS:
        assert f"  {command.name} " in done.stdout
    assert "convert " not in done.stdout
    assert "image " not in done.stdout
