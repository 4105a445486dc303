from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path

import pytest
import soundfile
import torch
from nampedal.board.profiles.boards import Cost, read_board, write_board
from nampedal.converter.budget.sizing import BudgetTarget
from nampedal.converter.errors import ConversionError, NothingFitsError
from nampedal.converter.follower import ConversionProgress
from nampedal.converter.listening import metrics, test_signals
from nampedal.converter.nam import nam_file
from nampedal.converter.nam.capture_player import play
from nampedal.converter.pipeline.job import BoardJob, Job, can_train, run
from nampedal.converter.slim import dataset
from nampedal.converter.slim.clock import ConversionLimit
from nampedal.firmware.base.errors import MissingPackageError
from nampedal.firmware.cli.capture_commands.format_result import describe_conversion, summary_table
from nampedal.firmware.cost.cost_model import TERMS
from nampedal.firmware.engine import artifact
from support.makers import nam_maker

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """amp.nam; slow.toml, on which only multiply-adds take time; di.wav."""
    folder = tmp_path_factory.mktemp("job")
    nam_maker.write(folder / "amp.nam", nam_maker.a1((8, 4), (1, 2, 4, 8), seed=3))
    prices = dict.fromkeys(TERMS, 0.0) | {"planes_macs": 20.0}
    profile = read_board("5")
    cost = Cost("measured", "made up for a test", "avx512", 0.0, prices)
    write_board(replace(profile, key="slow", cost=cost), folder / "slow.toml")
    soundfile.write(folder / "di.wav", test_signals.plucks(48_000.0, 2.0), 48_000, "FLOAT")
    return folder


def job(folder: Path, output: Path, **changed: object) -> Job:
    wanted = {
        "board": str(folder / "slow.toml"),
        "budget_percent": 4.0,
        "period_frames": 64,
        "max_esr": 1.0,
        "length": ConversionLimit(steps=60),
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
    aim = BudgetTarget(read_board(str(folder / "slow.toml")), 64, 4.0, 48_000.0)
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
        run(job(folder, tmp_path / "amp.stomp", max_esr=1e-9, length=ConversionLimit()))
    assert list(tmp_path.iterdir()) == []


def test_one_esr_is_judged_told_and_stored(folder: Path, tmp_path: Path) -> None:
    """Of the tiers as stored, on the material kept back: in the artifact, the output, the report and the limit."""
    done = run(replace(job(folder, tmp_path / "amp.stomp"), report=tmp_path / "amp.md"))
    stored = artifact.read(tmp_path / "amp.stomp")
    assert stored.tiers[0].proof is not None
    told = [stored.tiers[0].proof, *(tier.likeness for tier in stored.tiers[1:])]
    original = nam_file.read(folder / "amp.nam")
    kept_back = dataset.from_files((folder / "di.wav",), 48_000.0).validation
    wanted = play(original, kept_back, exact=True)[:, 0]
    report = (tmp_path / "amp.md").read_text()
    row = next(line for line in report.splitlines() if line.startswith("| ESR |"))
    for number, proof in enumerate(told):
        assert proof is not None
        assert proof.material == "0.5 s kept back of di.wav"
        alone = replace(stored, tiers=(stored.tiers[number],), golden_input=None)
        assert proof.esr == pytest.approx(metrics.esr(wanted, play(alone, kept_back, exact=True)[:, 0]), rel=1e-9)
        assert f"| {proof.esr:.1e} " in row
    output = describe_conversion(job(folder, tmp_path / "amp.stomp"), done)
    esrs = [line.split("ESR ")[1].split(",")[0] for line in output if line.startswith("  tier ") and ": ESR " in line]
    assert esrs == [f"{proof.esr:.1e}" for proof in told if proof is not None]
    assert f"ESR {esrs[1]}" in str(next(iter(summary_table(["amp"], [done]).columns[1].cells)))
    limit = told[1]
    assert limit is not None
    run(job(folder, tmp_path / "within.stomp", max_esr=limit.esr * 1.0001))
    with pytest.raises(NothingFitsError) as caught:
        run(job(folder, tmp_path / "beyond.stomp", max_esr=limit.esr * 0.9999))
    assert str(caught.value).endswith(f" % with ESR {limit.esr:.1e}")
    assert not (tmp_path / "beyond.stomp").exists()


def test_without_material_the_built_in_sound_judges(folder: Path, tmp_path: Path) -> None:
    run(job(folder, tmp_path / "amp.stomp", material=(), length=ConversionLimit()))
    for tier in artifact.read(tmp_path / "amp.stomp").tiers[1:]:
        assert tier.likeness is not None
        assert tier.likeness.material == test_signals.VALIDATION_LABEL


def test_a_full_tier_that_fits_is_judged_too(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(NothingFitsError) as caught:
        run(job(folder, tmp_path / "amp.stomp", budget_percent=90.0, length=ConversionLimit(), max_esr=1e-15))
    assert " within ESR 1e-15; as it is it fits at " in str(caught.value)


class Noting(ConversionProgress):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


def test_what_material_lacks_is_told_before_training_in_one_line(folder: Path, tmp_path: Path) -> None:
    follower = Noting()
    run(job(folder, tmp_path / "amp.stomp", length=ConversionLimit(steps=1)), follower)
    (note,) = follower.notes
    assert note.startswith("material (0.5 s kept back of di.wav): it is 2 s long; ")
    assert note.endswith(
        "; what is not in it is learned less well: a minute or more, soft and hard, low and high, is better"
    )
    assert "\n" not in note
    run(job(folder, tmp_path / "pruned.stomp", length=ConversionLimit()), follower)
    run(job(folder, tmp_path / "built-in.stomp", length=ConversionLimit(steps=1), material=()), follower)
    assert len(follower.notes) == 1


def test_too_few_minutes_are_told_and_nothing_is_trained(folder: Path, tmp_path: Path) -> None:
    follower = Noting()
    done = run(job(folder, tmp_path / "amp.stomp", length=ConversionLimit(minutes=0.01), material=()), follower)
    assert [one.how.split()[0] for one in done.sized] == ["as", "pruned", "pruned"]
    (note,) = follower.notes
    assert note.startswith("--minutes 0.01 is short: rounding and measuring take about ")


def test_what_a_board_says_is_taken_where_nothing_else_is_asked(folder: Path, tmp_path: Path) -> None:
    done = run(job(folder, tmp_path / "amp.stomp", budget_percent=None, period_frames=None, length=ConversionLimit()))
    board = read_board("5")
    assert done.target is not None
    assert done.target.period_frames == board.period_frames.value
    assert done.target.budget_percent == board.budget_percent.value


def test_without_pytorch_it_is_pruned(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert not can_train()
    done = run(job(folder, tmp_path / "amp.stomp", length=ConversionLimit(minutes=10.0)))
    assert [one.how.split()[0] for one in done.sized] == ["as", "pruned", "pruned"]
    with pytest.raises(MissingPackageError) as caught:
        run(job(folder, tmp_path / "gpu.stomp", gpu=True))
    assert str(caught.value) == "--gpu: PyTorch is not installed: pip install 'nampedal[slim]'"


def test_a_gpu_that_is_not_there_is_refused(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ConversionError) as caught:
        run(job(folder, tmp_path / "gpu.stomp", gpu=True))
    assert str(caught.value) == (
        "--gpu: PyTorch finds no GPU here; leave the option out to train on two processor cores"
    )
