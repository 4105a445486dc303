from __future__ import annotations

from pathlib import Path

import nam_maker
import numpy as np
from nampedal.converter import nam_file
from nampedal.converter.slim import course
from nampedal.converter.slim.lessons import Material
from nampedal.converter.slim.shapes import Fits
from nampedal.converter.slim.slim import slim, step_seconds
from nampedal.firmware.capture import Capture
from nampedal.firmware.network import Network, WaveNet, convolutions, macs_per_frame


def fits(capture: Capture, share: float) -> Fits:
    limit = share * macs_per_frame(capture.tiers[0].network)
    return lambda network: macs_per_frame(network) <= limit


def weights(network: Network) -> list[bytes]:
    return [np.asarray(conv.weight).tobytes() for conv in convolutions(network)]


def test_training_beats_pruning_and_the_same_again_gives_the_same(small: Capture, plucked: Material) -> None:
    pruned = slim(small, fits(small, 0.4), plucked, 0.0, 0)
    first, again = (slim(small, fits(small, 0.4), plucked, 0.05, 0) for _ in range(2))
    assert pruned is not None
    assert first is not None
    assert again is not None
    assert pruned.steps == 0
    assert first.steps > 0
    assert first.esr < 0.5 * pruned.esr
    assert macs_per_frame(first.network) <= 0.4 * macs_per_frame(small.tiers[0].network)
    assert weights(first.network) == weights(again.network)
    assert first == again or (first.shape, first.esr, first.steps) == (again.shape, again.esr, again.steps)


def test_progress_goes_forward_and_tells_the_esr(small: Capture, plucked: Material) -> None:
    told: list[tuple[float, str]] = []
    slim(small, fits(small, 0.4), plucked, 0.02, 0, tell=lambda done, text: told.append((done, text)))
    shares = [done for done, _ in told]
    assert shares == sorted(shares)
    assert told[0][1].startswith("trying shape 1 of ")
    assert "ESR" in told[-1][1]


def test_ctrl_c_keeps_the_best_so_far(small: Capture, plucked: Material) -> None:
    count = 0

    def interrupt(done: float, text: str) -> None:
        nonlocal count
        count += "ESR" in text
        if count == 9:
            raise KeyboardInterrupt

    found = slim(small, fits(small, 0.4), plucked, 0.05, 0, tell=interrupt)
    pruned = slim(small, fits(small, 0.4), plucked, 0.0, 0)
    assert found is not None
    assert pruned is not None
    assert found.steps > 0
    assert found.esr < pruned.esr


def test_what_can_not_be_slimmed_is_not(tmp_path: Path, small: Capture, plucked: Material) -> None:
    lstm = nam_file.read(nam_maker.write(tmp_path / "lstm.nam", nam_maker.lstm()))
    assert slim(lstm, lambda network: True, plucked, 0.1, 0) is None
    assert slim(small, lambda network: False, plucked, 0.1, 0) is None


def test_a_larger_network_takes_longer_a_step(network: WaveNet, demo: Capture) -> None:
    large = demo.tiers[0].network
    assert isinstance(large, WaveNet)
    assert 0.0 < step_seconds(network) < step_seconds(large) < 0.1


def test_a_network_takes_no_more_steps_than_there_is_time_for(small: Capture, plucked: Material) -> None:
    found = slim(small, fits(small, 0.4), plucked, 0.05, 0)
    assert found is not None
    assert found.steps > course.CHECKS
    assert found.steps * step_seconds(found.network) <= 3.0 + course.CHECKS * step_seconds(found.network)


def test_fewer_shapes_are_left_round_by_round() -> None:
    counts = [count for count, _ in course.ROUNDS]
    assert counts == sorted(counts, reverse=True)
    assert sum(count * share for count, share in course.ROUNDS) < 0.3
