"""The normal way to switch off is to pull the plug. bench/power_cuts.py does it more often."""

from __future__ import annotations

from pathlib import Path

from support.machines.pulled_plug import PulledPlug

CUTS = 2


def test_a_pulled_plug_leaves_the_old_preset_or_the_new_one(prepared: Path, ssh_key: Path, tmp_path: Path) -> None:
    cuts = PulledPlug(prepared, ssh_key, tmp_path, seed=1).run(CUTS)
    assert len(cuts) == CUTS
    assert all(cut.saves for cut in cuts)
