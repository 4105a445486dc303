"""Artifacts: captures as bytes (.stomp), and back. The layout is firmware/schema/stomp.fbs, the checks are native."""

from __future__ import annotations

import json
import zlib
from importlib.metadata import version
from pathlib import Path
from typing import Any

import flatbuffers
import nampedal.firmware.stomp_generated as fbs
import numpy as np
from nampedal.firmware import _engine
from nampedal.firmware.capture import Capture, Source, Tier
from nampedal.firmware.network import (
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
    WaveNet,
    WaveNetLayer,
    Weights,
    macs_per_frame,
    prewarm_frames,
    receptive_field,
)

SUFFIX = ".stomp"
IDENTIFIER = b"STMP"
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


def is_artifact(head: bytes) -> bool:
    """Whether a file that begins with these (at least 8) bytes claims to be an artifact."""
    return head[4:8] == IDENTIFIER


def pack(capture: Capture) -> bytes:
    """The artifact of a capture: a FlatBuffer, then its CRC-32, little-endian. Same capture, same bytes."""
    root = fbs.ArtifactT()
    root.format = _engine.FORMAT
    root.writtenBy = f"nampedal {version('nampedal')}"
    root.source = _pack_source(capture.source)
    root.sampleRate = capture.sample_rate
    root.precision = capture.precision
    root.tiers = [_pack_tier(tier) for tier in capture.tiers]
    builder = flatbuffers.Builder(1 << 16)
    builder.Finish(root.Pack(builder), file_identifier=IDENTIFIER)
    body = bytes(builder.Output())
    return body + zlib.crc32(body).to_bytes(4, "little")


def unpack(artifact: _engine.Artifact) -> Capture:
    """The capture in an artifact that the engine has checked."""
    root = fbs.ArtifactT.InitFromObj(fbs.Artifact.GetRootAs(artifact.flatbuffer(), 0))
    source = root.source or fbs.SourceT()
    return Capture(
        source=Source(
            file_name=_text(source.fileName),
            sha256=_text(source.sha256),
            version=_text(source.version),
            architecture=_text(source.architecture),
            metadata=_metadata(_text(source.metadata)),
        ),
        sample_rate=root.sampleRate,
        tiers=tuple(_unpack_tier(tier) for tier in root.tiers),
        precision=_text(root.precision),
    )


def read(path: Path) -> Capture:
    """Read, check and unpack an artifact. Raises a subclass of ArtifactError that names the file."""
    return unpack(_engine.Artifact.open(str(path)))


# ---- out ----


def _pack_source(source: Source) -> Any:
    table = fbs.SourceT()
    table.fileName = source.file_name
    table.sha256 = source.sha256
    table.version = source.version
    table.architecture = source.architecture
    table.metadata = json.dumps(source.metadata, separators=(",", ":"))
    return table


def _pack_tier(tier: Tier) -> Any:
    table = fbs.TierT()
    table.sizeBelow = tier.size_below
    table.network = _pack_network(tier.network)
    table.parameters = tier.parameters
    table.macsPerFrame = macs_per_frame(tier.network)
    table.receptiveField = receptive_field(tier.network) or 0
    table.prewarm = prewarm_frames(tier.network)
    table.esr = -1.0 if tier.esr is None else tier.esr
    table.esrMaterial = tier.esr_material
    return table


def _pack_network(network: Network) -> Any:
    table = fbs.NetworkT()
    match network:
        case WaveNet():
            table.architectureType = fbs.Architecture.WaveNet
            wavenet = fbs.WaveNetT()
            wavenet.arrays = [_pack_array(array) for array in network.arrays]
            wavenet.headScale = network.head_scale
            wavenet.head = [_pack_head_stage(stage) for stage in network.head] or None
            wavenet.condition = None if network.condition is None else _pack_network(network.condition)
            table.architecture = wavenet
        case ConvNet():
            table.architectureType = fbs.Architecture.ConvNet
            convnet = fbs.ConvNetT()
            convnet.blocks = [_pack_head_stage(block, fbs.ConvNetBlockT) for block in network.blocks]
            convnet.head = _pack_conv(network.head)
            table.architecture = convnet
        case Lstm():
            table.architectureType = fbs.Architecture.Lstm
            lstm = fbs.LstmT()
            lstm.layers = [_pack_lstm_layer(layer) for layer in network.layers]
            lstm.head = _pack_conv(network.head)
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
    return table


def _pack_array(array: LayerArray) -> Any:
    table = fbs.LayerArrayT()
    table.rechannel = _pack_conv(array.rechannel)
    table.layers = [_pack_layer(layer) for layer in array.layers]
    table.head = _pack_conv(array.head)
    return table


def _pack_layer(layer: WaveNetLayer) -> Any:
    table = fbs.WaveNetLayerT()
    table.conv = _pack_conv(layer.conv)
    table.mixin = _pack_conv(layer.mixin)
    table.gating = int(layer.gating)
    table.activation = _pack_activation(layer.activation)
    table.secondary = None if layer.secondary is None else _pack_activation(layer.secondary)
    table.layer1x1 = None if layer.layer1x1 is None else _pack_conv(layer.layer1x1)
    table.head1x1 = None if layer.head1x1 is None else _pack_conv(layer.head1x1)
    for name, slot in FILM_NAMES.items():
        film: Film | None = getattr(layer, name)
        if film is not None:
            film_table = fbs.FilmT()
            film_table.conv = _pack_conv(film.conv)
            film_table.shift = film.shift
            setattr(table, slot, film_table)
    return table


def _pack_head_stage(stage: HeadStage | ConvNetBlock, table_type: Any = fbs.HeadStageT) -> Any:
    table = table_type()
    table.activation = _pack_activation(stage.activation)
    table.conv = _pack_conv(stage.conv)
    return table


def _pack_lstm_layer(layer: LstmLayer) -> Any:
    table = fbs.LstmLayerT()
    table.weight = _pack_tensor(layer.weight)
    table.bias = layer.bias
    table.initialHidden = layer.initial_hidden
    table.initialCell = layer.initial_cell
    return table


def _pack_activation(activation: Activation) -> Any:
    table = fbs.ActivationT()
    table.kind = int(activation.kind)
    table.parameters = np.array(activation.parameters, np.float32) if activation.parameters else None
    return table


def _pack_conv(conv: Conv) -> Any:
    table = fbs.ConvT()
    table.weight = _pack_tensor(conv.weight)
    table.bias = conv.bias
    table.dilation = conv.dilation
    table.groups = conv.groups
    return table


def _pack_tensor(weights: Weights) -> Any:
    table = fbs.TensorT()
    table.shape = np.array(weights.shape, np.uint32)
    if isinstance(weights, Int8Weights):
        table.int8 = weights.values.reshape(-1)
        table.scale = weights.scale
    else:
        table.float32 = np.ascontiguousarray(weights, np.float32).reshape(-1)
    return table


# ---- in ----


def _text(value: bytes | str | None) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value or ""


def _metadata(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _floats(values: Any) -> FloatArray:
    return np.array([] if values is None else values, np.float32)


def _unpack_tier(table: Any) -> Tier:
    return Tier(
        network=_unpack_network(table.network),
        parameters=table.parameters,
        size_below=table.sizeBelow,
        esr=None if table.esr < 0 else table.esr,
        esr_material=_text(table.esrMaterial),
    )


def _unpack_network(table: Any) -> Network:
    inner = table.architecture
    match table.architectureType:
        case fbs.Architecture.WaveNet:
            return WaveNet(
                arrays=tuple(
                    LayerArray(
                        rechannel=_unpack_conv(array.rechannel),
                        layers=tuple(_unpack_layer(layer) for layer in array.layers),
                        head=_unpack_conv(array.head),
                    )
                    for array in inner.arrays
                ),
                head_scale=inner.headScale,
                head=tuple(
                    HeadStage(_unpack_activation(stage.activation), _unpack_conv(stage.conv))
                    for stage in inner.head or ()
                ),
                condition=None if inner.condition is None else _unpack_network(inner.condition),
            )
        case fbs.Architecture.ConvNet:
            return ConvNet(
                blocks=tuple(
                    ConvNetBlock(_unpack_conv(block.conv), _unpack_activation(block.activation))
                    for block in inner.blocks
                ),
                head=_unpack_conv(inner.head),
            )
        case fbs.Architecture.Lstm:
            return Lstm(
                layers=tuple(
                    LstmLayer(
                        weight=_unpack_tensor(layer.weight),
                        bias=_floats(layer.bias),
                        initial_hidden=_floats(layer.initialHidden),
                        initial_cell=_floats(layer.initialCell),
                    )
                    for layer in inner.layers
                ),
                head=_unpack_conv(inner.head),
                prewarm_frames=inner.prewarm,
            )
        case _:
            return Linear(_floats(inner.impulseResponse), inner.bias, inner.inChannels, inner.outChannels)


def _unpack_layer(table: Any) -> WaveNetLayer:
    films = {name: getattr(table, slot) for name, slot in FILM_NAMES.items()}
    return WaveNetLayer(
        conv=_unpack_conv(table.conv),
        mixin=_unpack_conv(table.mixin),
        activation=_unpack_activation(table.activation),
        gating=Gating(table.gating),
        secondary=None if table.secondary is None else _unpack_activation(table.secondary),
        layer1x1=None if table.layer1x1 is None else _unpack_conv(table.layer1x1),
        head1x1=None if table.head1x1 is None else _unpack_conv(table.head1x1),
        **{
            name: None if film is None else Film(_unpack_conv(film.conv), bool(film.shift))
            for name, film in films.items()
        },
    )


def _unpack_activation(table: Any) -> Activation:
    return Activation(ActivationKind(table.kind), tuple(_floats(table.parameters).tolist()))


def _unpack_conv(table: Any) -> Conv:
    return Conv(
        weight=_unpack_tensor(table.weight),
        bias=None if table.bias is None else _floats(table.bias),
        dilation=table.dilation,
        groups=table.groups,
    )


def _unpack_tensor(table: Any) -> Weights:
    shape = tuple(int(n) for n in table.shape)
    if table.float32 is not None:
        return _floats(table.float32).reshape(shape)
    return Int8Weights(np.array(table.int8, np.int8).reshape(shape), _floats(table.scale))
