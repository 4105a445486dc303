"""Builds the TFLite graph of a network.

The name of a signal is its position in the network: `array0.layer3.conv` is the output of that layer's convolution.
Names are the same in every precision, so ranges that are measured in a float32 graph can be used in an int8 graph.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from nampedal.converter.errors import ConversionError
from nampedal.converter.tflite.tflite_activation import activate
from nampedal.converter.tflite.tflite_file import Array
from nampedal.converter.tflite.tflite_graph import CHANNELS_AXIS, FRAMES_AXIS, SignalRange, Tensor, TfliteGraph
from nampedal.converter.tflite.tflite_lstm import MAX_LSTM_BLOCK, initial_states, put_lstm
from nampedal.firmware.engine.network import (
    Conv,
    ConvNet,
    Film,
    Gating,
    LayerArray,
    Linear,
    Lstm,
    Network,
    Sequential,
    WaveNet,
    WaveNetLayer,
    expand,
    networks,
)

AUDIO = "audio"
OUTPUT = "output"
MAX_BLOCK = 8192


@dataclass(frozen=True, slots=True)
class QuantizationPlan:
    """Selects the activations that are int8.

    layers: names of the layers whose convolutions have int8 input and output.
    trunk: True if the signals between the layers are also int8: the residual signal, the sum for the head, the heads.
    ranges: range of each signal that becomes int8, by name.
    """

    layers: frozenset[str] = frozenset()
    trunk: bool = False
    ranges: Mapping[str, SignalRange] = field(default_factory=dict)


def build(network: Network, block: int, plan: QuantizationPlan, idle: Mapping[str, Array]) -> TfliteGraph:
    """Return the graph of a mono network. `audio` and `output` are (1, 1, block, 1) float32.

    idle: initial value of each state, by name.  Raises ConversionError.
    """
    check(network, block)
    graph = TfliteGraph(plan.ranges, idle)
    audio = graph.input(AUDIO, (1, 1, block, 1), any_frames=not has_lstm(network))
    graph.output(OUTPUT, graph.float32(_Writer(graph, plan).put_network("", network, audio)))
    return graph


def check(network: Network, block: int) -> None:
    """Raise ConversionError if no graph can be built for this network and block length."""
    most = MAX_LSTM_BLOCK if has_lstm(network) else MAX_BLOCK
    if not 1 <= block <= most:
        raise ConversionError(f"block: is {block} frames; this network takes 1 to {most} in a .tflite")
    if (network.in_channels, network.out_channels) != (1, 1):
        raise ConversionError(
            f"network: has {network.in_channels} channels in and {network.out_channels} out; "
            "a .tflite is written for one and one; write a .stomp"
        )


def has_lstm(network: Network) -> bool:
    """Return True if the network contains an LSTM. An LSTM is unrolled over one block, so the block length is fixed."""
    return any(isinstance(one, Lstm) for one in networks(network))


def states_before_prewarm(network: Network, prefix: str = "") -> Mapping[str, Array]:
    """Return the states before a prewarm, by name. States that are zero are left out."""
    match network:
        case WaveNet(condition=condition) if condition is not None:
            return states_before_prewarm(condition, f"{prefix}condition.")
        case Lstm():
            return initial_states(prefix, network)
        case Sequential():
            members = [states_before_prewarm(one, f"{prefix}{_member(i)}") for i, one in enumerate(network.networks)]
            return {name: state for states in members for name, state in states.items()}
        case _:
            return {}


def layer_names(network: Network) -> tuple[str, ...]:
    """Return the names of the layers that a plan can choose, from input to output. An LSTM and a Linear have none."""
    match network:
        case WaveNet():
            condition = () if network.condition is None else layer_names(network.condition)
            own = [f"array{i}.layer{j}" for i, array in enumerate(network.arrays) for j in range(len(array.layers))]
            return (*(f"condition.{name}" for name in condition), *own)
        case ConvNet():
            return tuple(f"block{i}" for i in range(len(network.blocks)))
        case Sequential():
            members = enumerate(network.networks)
            return tuple(f"{_member(i)}{name}" for i, one in members for name in layer_names(one))
        case Lstm() | Linear():
            return ()


def _member(number: int) -> str:
    """Return the prefix of the signal names of one network of a Sequential."""
    return f"network{number}."


class _Writer:
    def __init__(self, graph: TfliteGraph, plan: QuantizationPlan) -> None:
        self._graph = graph
        self._plan = plan
        self._trunk = graph.int8 if plan.trunk else graph.float32

    def _enter(self, layer: str, x: Tensor) -> Tensor:
        """Convert the signal to the format that the plan has for this layer."""
        return self._graph.int8(x) if layer in self._plan.layers else self._graph.float32(x)

    def put_network(self, prefix: str, network: Network, x: Tensor) -> Tensor:
        match network:
            case WaveNet():
                return self._wavenet(prefix, network, x)
            case ConvNet():
                return self._convnet(prefix, network, x)
            case Linear():
                # Reversed: a Linear has the newest input at its first tap, a Conv at its last.
                taps = network.impulse_response[::-1].reshape(1, 1, -1)
                bias = np.array([network.bias], np.float32)
                return self._conv(f"{prefix}taps", Conv(taps, bias), x)
            case Lstm():
                hidden = put_lstm(self._graph, prefix, network, self._graph.float32(x))
                return self._conv(f"{prefix}head", network.head, hidden)
            case Sequential():
                for i, one in enumerate(network.networks):
                    x = self.put_network(f"{prefix}{_member(i)}", one, x)
                return x

    def _wavenet(self, prefix: str, network: WaveNet, x: Tensor) -> Tensor:
        x = condition = self._trunk(x)
        if network.condition is not None:
            condition = self.put_network(f"{prefix}condition.", network.condition, x)
        head = None
        last = len(network.arrays) - 1
        for i, array in enumerate(network.arrays):
            scaled = replace(array, head=_scaled(array.head, network.head_scale)) if i == last else array
            x, head = self._array(f"{prefix}array{i}", scaled, x, condition, head)
        assert head is not None
        y = head
        for i, stage in enumerate(network.head):
            bent = activate(self._graph, f"{prefix}head{i}.activation", stage.activation, y)
            y = self._conv(f"{prefix}head{i}", stage.conv, bent)
        return y

    def _array(
        self, name: str, array: LayerArray, x: Tensor, condition: Tensor, head: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        x = self._conv(f"{name}.rechannel", array.rechannel, x)
        for i, layer in enumerate(array.layers):
            x, to_head = self._layer(f"{name}.layer{i}", layer, x, condition)
            sum_name = f"{name}.layer{i}.head"
            head = to_head if head is None else self._graph.binary("ADD", sum_name, head, to_head)
        assert head is not None
        return x, self._conv(f"{name}.head", array.head, head)

    def _layer(self, name: str, layer: WaveNetLayer, x: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        """Add one layer. Return (input of the next layer, contribution to the head)."""
        graph = self._graph

        def film(what: str, by_film: Film | None, signal: Tensor) -> Tensor:
            return signal if by_film is None else self._film(f"{name}.{what}", by_film, condition, signal)

        def conv(what: str, by_conv: Conv, signal: Tensor) -> Tensor:
            return self._trunk(self._conv(f"{name}.{what}", by_conv, self._enter(name, signal)))

        z = film("conv_post", layer.conv_post_film, conv("conv", layer.conv, film("conv_pre", layer.conv_pre_film, x)))
        mixed = self._conv(f"{name}.mixin", layer.mixin, film("mixin_pre", layer.mixin_pre_film, condition))
        z = graph.binary("ADD", f"{name}.z", z, film("mixin_post", layer.mixin_post_film, mixed))
        z = film("activation_pre", layer.activation_pre_film, z)
        a = film("activation_post", layer.activation_post_film, self._gated(name, layer, z))
        to_head = a
        if layer.head1x1 is not None:
            to_head = film("head1x1_post", layer.head1x1_post_film, conv("head1x1", layer.head1x1, a))
        if layer.layer1x1 is None:
            return x, to_head
        step = film("layer1x1_post", layer.layer1x1_post_film, conv("layer1x1", layer.layer1x1, a))
        return graph.binary("ADD", f"{name}.residual", x, step), to_head

    def _gated(self, name: str, layer: WaveNetLayer, z: Tensor) -> Tensor:
        if layer.gating is Gating.OFF:
            return activate(self._graph, f"{name}.activation", layer.activation, z)
        assert layer.secondary is not None
        binary = self._graph.binary
        primary, secondary = self._graph.split(f"{name}.half", z, 2)
        a = activate(self._graph, f"{name}.activation", layer.activation, primary)
        gate = activate(self._graph, f"{name}.gate", layer.secondary, secondary)
        if layer.gating is Gating.GATED:
            return binary("MUL", f"{name}.gated", a, gate)
        # gate * a + (1 - gate) * primary
        moved = binary("MUL", f"{name}.moved", binary("SUB", f"{name}.move", a, primary), gate)
        return binary("ADD", f"{name}.blended", primary, moved)

    def _film(self, name: str, film: Film, condition: Tensor, x: Tensor) -> Tensor:
        modulation = self._conv(f"{name}.film", film.conv, condition)
        if not film.shift:
            return self._graph.binary("MUL", f"{name}.scaled", x, modulation)
        scale, shift = self._graph.split(f"{name}.half", modulation, 2)
        scaled = self._graph.binary("MUL", f"{name}.scaled", x, scale)
        return self._graph.binary("ADD", f"{name}.shifted", scaled, shift)

    def _convnet(self, prefix: str, network: ConvNet, x: Tensor) -> Tensor:
        x = self._trunk(x)
        for i, block in enumerate(network.blocks):
            name = f"{prefix}block{i}"
            z = self._trunk(self._conv(f"{name}.conv", block.conv, self._enter(name, x)))
            x = activate(self._graph, f"{name}.activation", block.activation, z)
        return self._conv(f"{prefix}head", network.head, x)

    def _conv(self, name: str, conv: Conv, x: Tensor) -> Tensor:
        """Add a causal convolution. The frames before this block are kept as a state."""
        if conv.lookback:
            state = f"{name}.state"
            shape = (*x.shape[:FRAMES_AXIS], conv.lookback, x.shape[CHANNELS_AXIS])
            past = self._graph.state(state, shape, x.grid)
            x = self._graph.concat(f"{name}.joined", [past, x], FRAMES_AXIS)
            self._graph.keep(state, self._graph.tail(f"{name}.tail", x, conv.lookback))
        return self._graph.conv(name, x, conv)


def _scaled(conv: Conv, factor: float) -> Conv:
    bias = None if conv.bias is None else conv.bias * factor
    return replace(conv, weight=expand(conv.weight) * factor, bias=bias)
