"""Defines the terms (kinds of work) of the cost model, and the counter that adds up the work of a network."""

from __future__ import annotations

from dataclasses import dataclass, field

from nampedal.firmware.engine.network import ActivationKind

# The unit of each term. A vector is a SIMD register of the width that the loop uses.
TERMS = {
    "blocks": "calls of Model::process",
    "samples": "floats copied in, out or from row to row, one at a time",
    "arrays": "layer arrays",
    "layers": "fused layers",
    "fused_convs": "fused convolutions before and behind the layers",
    "planes_runs": "runs of tiles over a block's frames, a group of outputs each",
    "planes_turns": "turns of a loop over inputs; few inputs have none",
    "planes_macs": "multiply-adds of a vector of frames",
    "planes_waits": "multiply-adds that would have had room while too few sums waited for one another",
    "planes_taps": "turns of a loop over taps",
    "planes_loads": "vectors of input loaded",
    "planes_splits": "vectors of input that lie across two cache lines",
    "planes_tiles": "tiles of sums",
    "planes_stores": "vectors of sums stored",
    "rows_macs": "multiply-adds of a vector of channels, in the register tiles of neon_tiles.S",
    "rows_taps": "turns of their loop over taps",
    "rows_tiles": "register tiles",
    "rows_calls": "runs of register tiles",
    "conv_macs": "multiply-adds of a vector of channels, on the general path",
    "conv_waits": "multiply-adds that would have had room while too few sums waited for one another",
    "conv_loads": "vectors and single inputs loaded",
    "conv_taps": "turns of a loop over taps",
    "conv_tiles": "tiles of sums",
    "conv_stores": "vectors of sums stored, or summed in",
    "conv_calls": "convolutions",
    "tanh": "vectors through a tanh",
    "sigmoid": "vectors through a sigmoid or SiLU",
    "fast_tanh": "vectors through NeuralAmpModelerCore's fast tanh",
    "softsign": "vectors through a softsign or softsigmoid",
    "clipping": "vectors through a ReLU or any other activation of comparisons",
    "activations": "runs of an activation: planes, rows, or whole blocks",
    "vectors": "vectors added, scaled, blended or copied",
    "rows": "rows added, scaled or blended",
    "lines": "cache lines that have left the first-level cache since they were used",
    "far_lines": "cache lines that have left the second-level cache since they were used",
    "streams": "places in memory at which reading begins anew",
    "lstm_steps": "frames of an LSTM layer",
    "lstm_macs": "multiply-adds of a vector of an LSTM's gates",
    "lstm_chain": "multiply-adds of an LSTM that wait for the one before",
    "lstm_states": "vectors of an LSTM's state",
    "lstm_lines": "cache lines of an LSTM's weights that do not stay in the first-level cache",
    "lstm_heads": "frames of an LSTM's head",
    "fir_macs": "multiply-adds of a vector of frames of a finite impulse response",
    "fir_chain": "taps of it that wait for the one before",
    "fir_tiles": "tiles of frames of a finite impulse response",
}

ACTIVATION_TERMS = {
    ActivationKind.TANH: "tanh",
    ActivationKind.FAST_TANH: "fast_tanh",
    ActivationKind.SIGMOID: "sigmoid",
    ActivationKind.SILU: "sigmoid",
    ActivationKind.SOFTSIGN: "softsign",
    ActivationKind.SOFTSIGMOID: "softsign",
}

LANE_QUANTUM = 4
FUSED_TILE = 64
LINE_FLOATS = 16
LINE_BYTES = 64
# Multiply-adds in flight in a core with two pipelines of four stages.
SUMS_IN_FLIGHT = 8
# Bytes touched between two uses above which a line has left the cache. The cores in question have 32 to 64 KiB at the
# first level, and 512 KiB to 1 MiB at the second.
FIRST_LEVEL = 48 << 10
SECOND_LEVEL = 512 << 10


@dataclass(frozen=True, slots=True)
class Kernels:
    """Properties of the kernels of one ISA that determine the work.

    widths: floats per vector, widest first.
    plane_sums: sums that the planes path keeps in registers; 0 if there is no planes path.
    plane_reloads: maximum number of outputs for which the compiled loop loads the inputs again for each output
    (from the disassembly, gcc 12.2).
    rows: True if there is a fused rows path.
    conv_frames: frames of a tile of the general path, with one vector and with two.
    activation_width: floats that the loop of an activation handles together.
    lstm_sums: partial sums of an LSTM gate.
    """

    widths: tuple[int, ...]
    plane_sums: int
    plane_reloads: int
    rows: bool
    conv_frames: tuple[int, int]
    activation_width: int
    lstm_sums: int


KERNELS = {
    "avx512": Kernels((16, 8, 4), 16, 3, rows=False, conv_frames=(8, 8), activation_width=16, lstm_sums=4),
    "avx2": Kernels((8, 4), 8, 2, rows=False, conv_frames=(8, 6), activation_width=8, lstm_sums=2),
    "neon": Kernels((4,), 16, 0, rows=True, conv_frames=(8, 8), activation_width=4, lstm_sums=4),
    "scalar": Kernels((4,), 0, 0, rows=False, conv_frames=(8, 8), activation_width=4, lstm_sums=4),
}


def ceil_div(a: int, b: int) -> int:
    return -(-a // b)


def lanes_for(channels: int) -> int:
    """Return the floats that a row of this many channels takes: rounded up to a multiple of LANE_QUANTUM."""
    return ceil_div(channels, LANE_QUANTUM) * LANE_QUANTUM


@dataclass(slots=True)
class WorkCounter:
    """Adds up the work of one block.

    counts: amount of each of TERMS. Cache lines are counted only in `finish()`, because the memory that is touched
    between two uses of a line depends on the whole network.
    """

    kernels: Kernels
    frames: int
    counts: dict[str, float] = field(default_factory=lambda: dict.fromkeys(TERMS, 0.0))
    _touched: list[tuple[float, float]] = field(default_factory=list)

    def add(self, term: str, count: float) -> None:
        self.counts[term] += count

    def activation(self, kind: ActivationKind, vectors: float, runs: float) -> None:
        """Add an activation of `vectors` vectors, in `runs` calls of its loop."""
        self.add(ACTIVATION_TERMS.get(kind, "clipping"), vectors)
        self.add("activations", runs)

    def vectors(self, lanes: int) -> int:
        """Return the number of vectors that cover a row of `lanes` floats; the widest vectors are used first."""
        count = 0
        for width in self.kernels.widths:
            count += lanes // width
            lanes %= width
        return count

    def history(self, floats: int, planes: int, taps: int, dilation: int, frames_kept: int) -> None:
        """Add the memory access of a ring buffer of past input. Each frame is written once and read at every tap.

        floats: floats per frame.
        planes: number of planes that they are stored in (1 for rows).
        frames_kept: length of the ring buffer in frames.
        """
        frames = self.frames
        lines_a_frame = floats / LINE_FLOATS
        # The newest tap is not counted: the layer before has just written it.
        new = min(dilation, frames)
        for _ in range(taps - 1):
            self._touched.append((new * lines_a_frame, max(1.0, dilation / frames)))
        runs = taps if dilation > frames else 1
        self.add("streams", planes * runs)
        lookback = (taps - 1) * dilation
        twins = lookback / frames_kept
        self._touched.append((frames * lines_a_frame * (1 + twins), max(1.0, frames_kept / frames)))

    def weights(self, floats: int) -> None:
        """Add the memory access of `floats` weights, which are read once a block."""
        self._touched.append((floats / LINE_FLOATS, 1.0))

    def finish(self) -> None:
        """Count the cache lines that left each cache, from the memory touched between two uses of a line."""
        block_bytes = LINE_BYTES * sum(lines for lines, _ in self._touched)
        for lines, blocks in self._touched:
            between = blocks * block_bytes
            self.add("lines", lines * evicted_share(between, FIRST_LEVEL))
            self.add("far_lines", lines * evicted_share(between, SECOND_LEVEL))


def evicted_share(size: float, level: int) -> float:
    """Return the share of the lines that have left the cache.

    0 if `size` bytes fit in the cache of `level` bytes; 1 from 4/3 of its size; linear between.
    """
    return min(max(3.0 * (size / level - 1.0), 0.0), 1.0)
