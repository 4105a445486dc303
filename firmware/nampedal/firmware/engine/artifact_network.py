"""Converts networks to the tables of an artifact and back: the table Network of firmware/schema/stomp.fbs.

The structure of a network is stored in tables; equal layers share one table. The weights and biases of its convolutions
are stored in one vector, in the order in which they are packed and unpacked here. Both directions are exact. Numbers
are stored as 16 bits only if that is exact.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import nampedal.firmware.engine.stomp_generated as fbs
import numpy as np
from nampedal.firmware.engine.network import (
    Activation,
    ActivationKind,
    Conv,
    ConvNet,
    ConvNetBlock,
    Film,
    FloatArray,
    Gating,
    HeadStage,
    Int8Weights,
    LayerArray,
    Linear,
    Lstm,
    LstmLayer,
    Network,
    Sequential,
    WaveNet,
    WaveNetLayer,
)
from numpy.typing import NDArray

FILM_NAMES = {
    "conv_pre_film": "convPreFilm",
    "conv_post_film": "convPostFilm",
    "mixin_pre_film": "mixinPreFilm",
    "mixin_post_film": "mixinPostFilm",
    "activation_pre_film": "activationPreFilm",
    "activation_post_film": "activationPostFilm",
    "layer1x1_post_film": "layer1x1PostFilm",
    "head1x1_post_film": "head1x1PostFilm",
}


def pack_network(network: Network) -> Any:
    """Convert a network to a NetworkT of the generated object API."""
    return _Packer().network(network)


def unpack_network(table: Any) -> Network:
    """Convert a NetworkT to a network. The engine must have checked the artifact before."""
    return _Unpacker(table).network(table)


def floats(values: Any) -> FloatArray:
    """Convert a vector to a float32 array; None (the vector is absent) gives an empty array."""
    return np.array([] if values is None else values, np.float32)


def is_float16(values: FloatArray) -> bool:
    """Return True if float16 represents every value exactly."""
    with np.errstate(over="ignore"):
        return bool((values.astype(np.float16).astype(np.float32) == values).all())


def is_bfloat16(values: FloatArray) -> bool:
    """Return True if bfloat16 (the upper half of float32) represents every value exactly."""
    return not np.any(np.ascontiguousarray(values, np.float32).view(np.uint32) & 0xFFFF)


class _Packer:
    """Packs one network. Holds the numbers packed so far, and the tables that can be shared, by content."""

    def __init__(self) -> None:
        self._numbers: list[bytes] = []
        self._shared: dict[tuple[Any, ...], Any] = {}

    def network(self, network: Network) -> Any:
        table = fbs.NetworkT()
        match network:
            case WaveNet():
                table.architectureType = fbs.Architecture.WaveNet
                wavenet = fbs.WaveNetT()
                wavenet.arrays = [self._array(array) for array in network.arrays]
                wavenet.headScale = network.head_scale
                wavenet.head = [self._stage(fbs.HeadStageT, stage) for stage in network.head] or None
                wavenet.condition = None if network.condition is None else pack_network(network.condition)
                table.architecture = wavenet
            case ConvNet():
                table.architectureType = fbs.Architecture.ConvNet
                convnet = fbs.ConvNetT()
                convnet.blocks = [self._stage(fbs.ConvNetBlockT, block) for block in network.blocks]
                convnet.head = self._conv(network.head)
                table.architecture = convnet
            case Lstm():
                table.architectureType = fbs.Architecture.Lstm
                lstm = fbs.LstmT()
                lstm.layers = [_pack_lstm_layer(layer) for layer in network.layers]
                lstm.head = self._conv(network.head)
                lstm.prewarm = network.prewarm_frames
                table.architecture = lstm
            case Linear():
                table.architectureType = fbs.Architecture.Linear
                linear = fbs.LinearT()
                linear.inChannels = network.in_channels
                linear.outChannels = network.out_channels
                linear.impulseResponse = network.impulse_response
                linear.bias = network.bias
                table.architecture = linear
            case Sequential():
                table.architectureType = fbs.Architecture.Sequential
                sequential = fbs.SequentialT()
                sequential.networks = [pack_network(one) for one in network.networks]
                table.architecture = sequential
        table.numbers = np.frombuffer(b"".join(self._numbers), np.uint8)
        return table

    def _array(self, array: LayerArray) -> Any:
        table = fbs.LayerArrayT()
        table.rechannel = self._conv(array.rechannel)
        table.layers = [self._layer(layer) for layer in array.layers]
        table.dilations = np.array([layer.conv.dilation for layer in array.layers], np.uint32)
        table.head = self._conv(array.head)
        return table

    def _layer(self, layer: WaveNetLayer) -> Any:
        values = {
            "conv": self._conv(layer.conv, in_layer=True),
            "mixin": self._conv(layer.mixin),
            "layer1x1": None if layer.layer1x1 is None else self._conv(layer.layer1x1),
            "head1x1": None if layer.head1x1 is None else self._conv(layer.head1x1),
            "gating": int(layer.gating),
            "activation": self._activation(layer.activation),
            "secondary": None if layer.secondary is None else self._activation(layer.secondary),
        }
        for name, slot in FILM_NAMES.items():
            film: Film | None = getattr(layer, name)
            if film is not None:
                values[slot] = self._table(fbs.FilmT, conv=self._conv(film.conv), shift=film.shift)
        return self._table(fbs.WaveNetLayerT, **values)

    def _stage(self, table_type: Any, stage: HeadStage | ConvNetBlock) -> Any:
        conv, activation = self._conv(stage.conv), self._activation(stage.activation)
        return self._table(table_type, conv=conv, activation=activation)

    def _activation(self, activation: Activation) -> Any:
        parameters = np.array(activation.parameters, np.float32) if activation.parameters else None
        return self._table(fbs.ActivationT, kind=int(activation.kind), parameters=parameters)

    def _conv(self, conv: Conv, in_layer: bool = False) -> Any:
        """Return the table of a convolution, and append its numbers.

        in_layer: the dilation is stored in the layer array instead of here.
        """
        out, per_group, kernel = conv.weight.shape
        return self._table(
            fbs.ConvT,
            outChannels=out,
            inChannels=per_group,
            kernel=kernel,
            dilation=1 if in_layer else conv.dilation,
            groups=conv.groups,
            weight=self._weight(conv),
            bias=self._bias(conv.bias),
        )

    def _weight(self, conv: Conv) -> int:
        if isinstance(conv.weight, Int8Weights):
            short = is_bfloat16(conv.weight.scale)
            scale = np.ascontiguousarray(conv.weight.scale, "<f4")
            stored = scale.view("<u4") >> 16 if short else scale
            self._numbers += [conv.weight.values.tobytes(), stored.astype("<u2" if short else "<f4").tobytes()]
            return int(fbs.WeightForm.Int8Short if short else fbs.WeightForm.Int8)
        half = is_float16(conv.weight)
        self._numbers.append(conv.weight.astype("<f2" if half else "<f4").tobytes())
        return int(fbs.WeightForm.Float16 if half else fbs.WeightForm.Float32)

    def _bias(self, bias: FloatArray | None) -> int:
        if bias is None:
            return int(fbs.BiasForm.Absent)
        half = is_float16(bias)
        self._numbers.append(bias.astype("<f2" if half else "<f4").tobytes())
        return int(fbs.BiasForm.Float16 if half else fbs.BiasForm.Float32)

    def _table(self, table_type: Any, **values: Any) -> Any:
        """Return the table of this type with these values. Calls with equal values return the same table."""
        key = (table_type, *(v.tobytes() if isinstance(v, np.ndarray) else v for v in values.values()), *values)
        if key not in self._shared:
            table = table_type()
            for name, value in values.items():
                setattr(table, name, value)
            table.Pack = _once(table.Pack)
            self._shared[key] = table
        return self._shared[key]


def _once(pack: Callable[[Any], int]) -> Callable[[Any], int]:
    """Wrap a table's Pack so that it writes the table once, and later returns the same offset."""
    offsets: list[int] = []

    def packed(builder: Any) -> int:
        if not offsets:
            offsets.append(pack(builder))
        return offsets[0]

    return packed


def _pack_lstm_layer(layer: LstmLayer) -> Any:
    table = fbs.LstmLayerT()
    table.hidden = layer.hidden_size
    table.inChannels = layer.weight.shape[1] - layer.hidden_size
    table.weight = layer.weight.reshape(-1)
    table.bias = layer.bias
    table.initialHidden = layer.initial_hidden
    table.initialCell = layer.initial_cell
    return table


class _Unpacker:
    """Unpacks one network. Reads its numbers in the order in which _Packer wrote them."""

    def __init__(self, table: Any) -> None:
        self._numbers = np.array([] if table.numbers is None else table.numbers, np.uint8).tobytes()
        self._read = 0

    def network(self, table: Any) -> Network:
        inner = table.architecture
        match table.architectureType:
            case fbs.Architecture.WaveNet:
                return WaveNet(
                    arrays=tuple(self._array(array) for array in inner.arrays),
                    head_scale=inner.headScale,
                    head=tuple(
                        HeadStage(_unpack_activation(stage.activation), self._conv(stage.conv))
                        for stage in inner.head or ()
                    ),
                    condition=None if inner.condition is None else unpack_network(inner.condition),
                )
            case fbs.Architecture.ConvNet:
                blocks = tuple(
                    ConvNetBlock(self._conv(block.conv), _unpack_activation(block.activation)) for block in inner.blocks
                )
                return ConvNet(blocks, self._conv(inner.head))
            case fbs.Architecture.Lstm:
                layers = tuple(_unpack_lstm_layer(layer) for layer in inner.layers)
                return Lstm(layers, self._conv(inner.head), inner.prewarm)
            case fbs.Architecture.Sequential:
                return Sequential(tuple(unpack_network(one) for one in inner.networks))
            case _:
                return Linear(floats(inner.impulseResponse), inner.bias, inner.inChannels, inner.outChannels)

    def _array(self, table: Any) -> LayerArray:
        rechannel = self._conv(table.rechannel)
        dilations = [int(dilation) for dilation in table.dilations]
        layers = tuple(self._layer(*pair) for pair in zip(table.layers, dilations, strict=True))
        return LayerArray(rechannel, layers, self._conv(table.head))

    def _layer(self, table: Any, dilation: int) -> WaveNetLayer:
        conv, mixin = self._conv(table.conv, dilation), self._conv(table.mixin)
        layer1x1 = None if table.layer1x1 is None else self._conv(table.layer1x1)
        head1x1 = None if table.head1x1 is None else self._conv(table.head1x1)
        films = {name: getattr(table, slot) for name, slot in FILM_NAMES.items()}
        return WaveNetLayer(
            conv=conv,
            mixin=mixin,
            activation=_unpack_activation(table.activation),
            gating=Gating(table.gating),
            secondary=None if table.secondary is None else _unpack_activation(table.secondary),
            layer1x1=layer1x1,
            head1x1=head1x1,
            **{
                name: None if film is None else Film(self._conv(film.conv), bool(film.shift))
                for name, film in films.items()
            },
        )

    def _conv(self, table: Any, dilation: int = 0) -> Conv:
        shape = (table.outChannels, table.inChannels, table.kernel)
        size = int(np.prod(shape))
        weight: FloatArray | Int8Weights
        match table.weight:
            case fbs.WeightForm.Float32:
                weight = self._read_floats("<f4", size).reshape(shape)
            case fbs.WeightForm.Float16:
                weight = self._read_floats("<f2", size).reshape(shape)
            case fbs.WeightForm.Int8:
                weight = Int8Weights(self._int8(shape), self._read_floats("<f4", table.outChannels))
            case _:
                values = self._int8(shape)
                halves = np.frombuffer(self._bytes(2 * table.outChannels), "<u2").astype(np.uint32)
                weight = Int8Weights(values, (halves << 16).view(np.float32))
        bias = None
        if table.bias != fbs.BiasForm.Absent:
            bias = self._read_floats("<f4" if table.bias == fbs.BiasForm.Float32 else "<f2", table.outChannels)
        return Conv(weight, bias, dilation or table.dilation, table.groups)

    def _int8(self, shape: tuple[int, int, int]) -> NDArray[np.int8]:
        return np.frombuffer(self._bytes(int(np.prod(shape))), np.int8).reshape(shape)

    def _read_floats(self, kind: str, count: int) -> FloatArray:
        """Read the next `count` numbers of a dtype, as float32."""
        return np.frombuffer(self._bytes(np.dtype(kind).itemsize * count), kind).astype(np.float32)

    def _bytes(self, count: int) -> bytes:
        self._read += count
        return self._numbers[self._read - count : self._read]


def _unpack_lstm_layer(table: Any) -> LstmLayer:
    return LstmLayer(
        weight=floats(table.weight).reshape(4 * table.hidden, table.inChannels + table.hidden),
        bias=floats(table.bias),
        initial_hidden=floats(table.initialHidden),
        initial_cell=floats(table.initialCell),
    )


def _unpack_activation(table: Any) -> Activation:
    return Activation(ActivationKind(table.kind), tuple(floats(table.parameters).tolist()))
