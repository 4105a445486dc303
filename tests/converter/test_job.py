from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path

import nam_maker
import pytest
import soundfile
import torch
from nampedal.board.boards import Cost, read_board, write_board
from nampedal.converter import material
from nampedal.converter.errors import NoGpuError, NothingFitsError, SlimExtraMissingError
from nampedal.converter.job import BoardJob, Job, can_train, run
from nampedal.converter.sizing import Target
from nampedal.firmware import artifact
from nampedal.firmware.cost import TERMS


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """amp.nam; slow.toml, on which only multiply-adds take time; di.wav."""
    folder = tmp_path_factory.mktemp("job")
    nam_maker.write(folder / "amp.nam", nam_maker.a1((8, 4), (1, 2, 4, 8), seed=3))
    prices = dict.fromkeys(TERMS, 0.0) | {"planes_macs": 20.0}
    profile = read_board("5")
    cost = Cost("measured", "made up for a test", "avx512", 0.0, prices)
    write_board(replace(profile, key="slow", cost=cost), folder / "slow.toml")
    soundfile.write(folder / "di.wav", material.plucks(48_000.0, 2.0), 48_000, "FLOAT")
    return folder


def job(folder: Path, output: Path, **changed: object) -> Job:
    wanted = {
        "board": str(folder / "slow.toml"),
        "budget_percent": 4.0,
        "period_frames": 64,
        "max_esr": 1.0,
        "minutes": 0.01,
        "seed": 0,
        "material": (folder / "di.wav",),
        "gpu": False,
    }
    sized = BoardJob(**{**wanted, **changed})  # type: ignore[arg-type]
    return Job(folder / "amp.nam", output, False, "w8", (), False, sized, None)


def test_the_artifact_steps_down_from_the_whole_to_the_budget_to_half_of_it(folder: Path, tmp_path: Path) -> None:
    done = run(job(folder, tmp_path / "amp.stomp"))
    stored = artifact.read(tmp_path / "amp.stomp")
    assert done.bytes == (tmp_path / "amp.stomp").stat().st_size
    assert len(stored.tiers) == len(done.sized) == 3
    aim = Target(read_board(str(folder / "slow.toml")), 64, 4.0, 48_000.0)
    assert not aim.fits(stored.tiers[0].network)
    assert aim.fits(stored.tiers[1].network)
    assert aim.fits(stored.tiers[2].network, 0.5)
    assert stored.tiers[0].likeness is None
    for tier in stored.tiers[1:]:
        assert tier.proof is not None
        assert tier.likeness is not None
        assert tier.proof.esr < tier.likeness.esr < 1.0


def test_the_same_job_twice_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    for name in ("one.stomp", "two.stomp"):
        run(job(folder, tmp_path / name))
    assert (tmp_path / "one.stomp").read_bytes() == (tmp_path / "two.stomp").read_bytes()


def test_where_nothing_fits_nothing_is_written(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(NothingFitsError):
        run(job(folder, tmp_path / "amp.stomp", max_esr=1e-9, minutes=0.0))
    assert list(tmp_path.iterdir()) == []


def test_what_a_board_says_is_taken_where_nothing_else_is_asked(folder: Path, tmp_path: Path) -> None:
    done = run(job(folder, tmp_path / "amp.stomp", budget_percent=None, period_frames=None, minutes=0.0))
    board = read_board("5")
    assert done.target is not None
    assert done.target.period_frames == board.period_frames.value
    assert done.target.budget_percent == board.budget_percent.value


def test_without_pytorch_it_is_pruned(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert not can_train()
    done = run(job(folder, tmp_path / "amp.stomp", minutes=10.0))
    assert [one.how.split()[0] for one in done.sized] == ["as", "pruned", "pruned"]
    with pytest.raises(SlimExtraMissingError) as caught:
        run(job(folder, tmp_path / "gpu.stomp", gpu=True))
    assert str(caught.value) == "--gpu: PyTorch is not installed: pip install 'nampedal[slim]'"


def test_a_gpu_that_is_not_there_is_refused(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(NoGpuError) as caught:
        run(job(folder, tmp_path / "gpu.stomp", gpu=True))
    assert str(caught.value) == (
        "--gpu: PyTorch finds no GPU here; leave the option out to train on two processor cores"
    )
