from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from nampedal.board.profiles.boards import Board, Cost, read_board
from nampedal.converter.budget.sizing import BudgetTarget, Slimming, size
from nampedal.converter.errors import ConversionError, NothingFitsError
from nampedal.converter.listening import test_signals
from nampedal.converter.nam import nam_file
from nampedal.converter.slim.clock import ConversionLimit
from nampedal.converter.slim.dataset import TrainingAudio
from nampedal.converter.slim.shapes import smallest_shape, untrained
from nampedal.firmware.cost.cost_model import TERMS
from nampedal.firmware.engine.capture import Capture
from nampedal.firmware.engine.network import WaveNet
from support.makers import nam_maker

PLUCKED = TrainingAudio(test_signals.excitation(48_000.0, 0.5), test_signals.plucks(48_000.0, 0.5), "plucks")


def board(error_percent: float = 0.0) -> Board:
    """On which nothing but multiply-adds takes time."""
    prices = dict.fromkeys(TERMS, 0.0) | {"planes_macs": 100.0}
    return replace(read_board("5"), cost=Cost("measured", "a test", "avx512", error_percent, prices))


def target(percent: float, error_percent: float = 0.0) -> BudgetTarget:
    return BudgetTarget(board(error_percent), 64, percent, 48_000.0)


def pruning(steps: int = 0) -> Slimming:
    return Slimming(PLUCKED, ConversionLimit(steps=steps))


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Capture:
    nam = nam_maker.a1((8, 4), (1, 2, 4, 8, 16, 32), seed=3)
    return nam_file.read(nam_maker.write(tmp_path_factory.mktemp("sized") / "amp.nam", nam))


@pytest.fixture(scope="module")
def full(capture: Capture) -> float:
    """Percent of a core that the whole of it takes."""
    return target(50.0).percent(capture.tiers[0].network)


@pytest.fixture(scope="module")
def container(tmp_path_factory: pytest.TempPathFactory) -> Capture:
    """8/4 channels, and 2/2 as its own smaller size."""
    small, large = (nam_maker.a1(channels, (1, 2, 4, 8), seed=4) for channels in ((2, 2), (8, 4)))
    nam = nam_maker.container((0.5, small), (1.0, large))
    return nam_file.read(nam_maker.write(tmp_path_factory.mktemp("sized") / "two.nam", nam))


def test_a_share_is_block_time_over_the_period(capture: Capture) -> None:
    network = capture.tiers[0].network
    assert target(50.0, 10.0).upper_bound_percent(network) == pytest.approx(1.1 * target(50.0).percent(network))
    longer = BudgetTarget(board(), 128, 50.0, 48_000.0)
    assert longer.percent(network) == pytest.approx(target(50.0).percent(network))
    faster = BudgetTarget(board(), 64, 50.0, 96_000.0)
    assert faster.percent(network) == pytest.approx(2.0 * target(50.0).percent(network))


def test_what_fits_twice_over_is_left_as_it_is(capture: Capture, full: float) -> None:
    sized = size(capture, target(2.1 * full), pruning())
    assert [one.how for one in sized] == ["as it is"]
    assert sized[0].tier is capture.tiers[0]
    assert sized[0].rough_esr == 0.0


def test_what_fits_gets_a_step_to_go_down(capture: Capture, full: float) -> None:
    aim = target(1.2 * full)
    sized = size(capture, aim, pruning())
    assert len(sized) == 2
    assert sized[1].how.startswith("pruned to ")
    assert aim.fits(sized[1].tier.network, 0.5)


@pytest.mark.long
def test_what_does_not_fit_is_slimmed_and_stepped_down(capture: Capture, full: float) -> None:
    aim = target(0.5 * full)
    sized = size(capture, aim, pruning())
    assert [one.how.split()[0] for one in sized] == ["as", "pruned", "pruned"]
    assert not aim.fits(sized[0].tier.network)
    assert aim.fits(sized[1].tier.network)
    assert aim.fits(sized[2].tier.network, 0.5)
    assert 0.0 < sized[1].rough_esr < sized[2].rough_esr
    assert sized[0].percent > sized[1].percent > sized[2].percent
    assert 0.0 < sized[2].tier.size_below < sized[1].tier.size_below < 1.0


@pytest.mark.long
def test_what_the_cost_model_may_be_wrong_by_counts_against_the_budget(capture: Capture, full: float) -> None:
    assert size(capture, target(1.1 * full, 0.0), pruning())[0].how == "as it is"
    assert len(size(capture, target(1.1 * full, 20.0), pruning())) == 3


@pytest.mark.long
def test_training_sounds_better_than_pruning(capture: Capture, full: float) -> None:
    trained = size(capture, target(0.5 * full), pruning(steps=300))
    pruned = size(capture, target(0.5 * full), pruning())
    for number in (1, 2):
        assert trained[number].how.startswith("slimmed to ")
        assert trained[number].rough_esr < pruned[number].rough_esr


def test_an_own_tier_that_uses_the_budget_well_is_taken_without_training(container: Capture) -> None:
    own = container.tiers[1]
    aim = target(1.1 * target(50.0).percent(own.network))
    sized = size(container, aim, pruning())
    assert sized[1].how == "its own size"
    assert sized[1].tier is own


def test_between_its_own_tiers_it_is_slimmed_if_that_sounds_better(container: Capture) -> None:
    aim = target(0.6 * target(50.0).percent(container.tiers[0].network))
    sized = size(container, aim, pruning())
    assert sized[1].how.startswith("pruned to ")
    own = size(container, target(1.1 * target(50.0).percent(container.tiers[1].network)), pruning())[1]
    assert sized[1].rough_esr < own.rough_esr


def test_where_no_shape_is_small_enough_it_says_how_small_there_are(capture: Capture, full: float) -> None:
    network = capture.tiers[0].network
    assert isinstance(network, WaveNet)
    least = target(50.0).percent(untrained(network, smallest_shape(network)))
    with pytest.raises(NothingFitsError) as caught:
        size(capture, target(0.001), pruning())
    assert str(caught.value) == (
        "amp.nam: nothing fits 0.001 % of a core of 5 (measured) in periods of 64 frames; "
        f"as it is it fits at {-int(-full // 1)} %; slimmed as far as it goes it fits at {least:.1f} %"
    )


def test_what_can_not_be_slimmed_says_at_what_it_fits(tmp_path: Path) -> None:
    lstm = nam_file.read(nam_maker.write(tmp_path / "lstm.nam", nam_maker.lstm()))
    prices = dict.fromkeys(TERMS, 0.0) | {"lstm_steps": 1000.0}
    slow = replace(board(), cost=Cost("estimated", "a test", "avx512", 0.0, prices))
    with pytest.raises(NothingFitsError) as caught:
        size(lstm, BudgetTarget(slow, 64, 1.0, 48_000.0), pruning())
    assert str(caught.value) == (
        "lstm.nam: nothing fits 1 % of a core of 5 (estimated) in periods of 64 frames; as it is it fits at 5 %"
    )


def test_a_board_without_costs_is_refused() -> None:
    with pytest.raises(ConversionError) as caught:
        BudgetTarget(replace(read_board("5"), cost=None), 64, 50.0, 48_000.0)
    assert str(caught.value) == (
        "board 5: nothing is known of what networks cost on it; run 'nampedal calibrate' there"
    )
