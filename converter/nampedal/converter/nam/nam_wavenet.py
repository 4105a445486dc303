"""Reads the .nam architecture WaveNet, with every option and spelling that NeuralAmpModelerCore accepts."""

from __future__ import annotations

from dataclasses import dataclass

from nampedal.converter.errors import CaptureError
from nampedal.converter.nam.nam_json import Field, WeightReader, short_repr
from nampedal.converter.nam.nam_networks import read_activation
from nampedal.firmware.engine._engine import MAX_CHANNELS, MAX_LAYERS, MAX_LOOKBACK
from nampedal.firmware.engine.network import (
    Activation,
    ActivationKind,
    Conv,
    Film,
    Gating,
    HeadStage,
    LayerArray,
    Network,
    WaveNet,
    WaveNetLayer,
)

GATINGS = {"none": Gating.OFF, "gated": Gating.GATED, "blended": Gating.BLENDED}
# Keys in the file and names here, in the order in which the weights are stored.
FILMS = {
    "conv_pre_film": "conv_pre_film",
    "conv_post_film": "conv_post_film",
    "input_mixin_pre_film": "mixin_pre_film",
    "input_mixin_post_film": "mixin_post_film",
    "activation_pre_film": "activation_pre_film",
    "activation_post_film": "activation_post_film",
    "layer1x1_post_film": "layer1x1_post_film",
    "head1x1_post_film": "head1x1_post_film",
}


def read_wavenet(config: Field, weights: WeightReader, condition: Network | None) -> WaveNet:
    in_channels = config["in_channels"].integer(1, MAX_CHANNELS, 1)
    condition_size = in_channels if condition is None else _condition_channels(config, condition, in_channels)
    fields = config["layers"].items(1, MAX_LAYERS)
    arrays: list[LayerArray] = []
    for field in fields:
        array = _ArrayConfig.read(field.object(), condition_size)
        _check_chain(array, arrays[-1] if arrays else None, in_channels)
        arrays.append(array.layer_array(weights))
    head = _read_head(config["head"], arrays[-1].head.out_channels, weights) if config["head"].present else ()
    # The file states head_scale twice; the value among the weights is the valid one.
    return WaveNet(tuple(arrays), float(weights.take(1)[0]), head, condition=condition)


def _condition_channels(config: Field, condition: Network, in_channels: int) -> int:
    if condition.in_channels != in_channels:
        config["condition_dsp"].fail(
            CaptureError, f"takes {condition.in_channels} channels; {in_channels} come into this WaveNet"
        )
    return condition.out_channels


def _check_chain(array: _ArrayConfig, before: LayerArray | None, in_channels: int) -> None:
    """Raise CaptureError if the array does not accept the previous array's stream and head output."""
    stream = in_channels if before is None else before.rechannel.out_channels
    if array.input_size != stream:
        array.field["input_size"].fail(CaptureError, f"is {array.input_size}; {stream} channels come in")
    if before is not None and before.head.out_channels != array.to_head:
        array.field.fail(
            CaptureError,
            f"adds {array.to_head} channels to the head; the array before hands it {before.head.out_channels}",
        )


def _read_head(head: Field, in_channels: int, weights: WeightReader) -> tuple[HeadStage, ...]:
    """Read the head after the stack: an activation and a convolution per stage."""
    if head.object()["in_channels"].present and head["in_channels"].value != in_channels:
        head["in_channels"].fail(
            CaptureError,
            f"is {short_repr(head['in_channels'].value)}; the last layer array puts out {in_channels}",
        )
    channels = head["channels"].integer(1, MAX_CHANNELS)
    out_channels = head["out_channels"].integer(1, MAX_CHANNELS)
    kernel_sizes = [size.integer(1, MAX_LOOKBACK) for size in head["kernel_sizes"].items(1, MAX_LAYERS)]
    stages = []
    for i, kernel_size in enumerate(kernel_sizes):
        out = out_channels if i == len(kernel_sizes) - 1 else channels
        activation = read_activation(head["activation"], in_channels)
        weight = weights.take(out, in_channels, kernel_size)
        stages.append(HeadStage(activation, Conv(weight, weights.take(out))))
        in_channels = out
    return tuple(stages)


@dataclass(frozen=True, slots=True)
class _LayerConfig:
    kernel_size: int
    dilation: int
    activation: Activation
    gating: Gating
    secondary: Activation | None


@dataclass(frozen=True, slots=True)
class _ArrayConfig:
    """One checked entry of `layers`."""

    field: Field
    input_size: int
    condition_size: int
    channels: int
    bottleneck: int
    layers: tuple[_LayerConfig, ...]
    layer1x1_groups: int | None
    head1x1: tuple[int, int] | None  # out_channels, groups

    @classmethod
    def read(cls, field: Field, condition_size: int) -> _ArrayConfig:
        stated = field["condition_size"].integer(1, MAX_CHANNELS)
        if stated != condition_size:
            field["condition_size"].fail(CaptureError, f"is {stated}; the condition has {condition_size} channels")
        channels = field["channels"].integer(1, MAX_CHANNELS)
        bottleneck = field["bottleneck"].integer(1, MAX_CHANNELS, channels)
        layer1x1 = field["layer1x1"]
        layer1x1_on = layer1x1.object()["active"].boolean() if layer1x1.present else True
        if not layer1x1_on and bottleneck != channels:
            field["bottleneck"].fail(
                CaptureError, f"is {bottleneck}; without a layer1x1 it must equal channels, {channels}"
            )
        head1x1 = field["head1x1"]
        head1x1_on = head1x1.object()["active"].boolean() if head1x1.present else False
        head1x1_out = head1x1["out_channels"].integer(1, MAX_CHANNELS, channels) if head1x1_on else 0
        return cls(
            field=field,
            input_size=field["input_size"].integer(1, MAX_CHANNELS),
            condition_size=condition_size,
            channels=channels,
            bottleneck=bottleneck,
            layers=_read_layers(field, bottleneck),
            layer1x1_groups=layer1x1["groups"].integer(1, MAX_CHANNELS, 1) if layer1x1_on else None,
            head1x1=(head1x1_out, head1x1["groups"].integer(1, MAX_CHANNELS, 1)) if head1x1_on else None,
        )

    @property
    def to_head(self) -> int:
        """Number of channels that each layer adds to the head's input."""
        return self.bottleneck if self.head1x1 is None else self.head1x1[0]

    def conv(
        self,
        weights: WeightReader,
        shape: tuple[int, int, int],
        groups: Field | int,
        bias: bool = True,
        dilation: int = 1,
    ) -> Conv:
        """Read a convolution. shape: (out, in, kernel)."""
        out, width, kernel_size = shape
        count = groups if isinstance(groups, int) else groups.integer(1, MAX_CHANNELS, 1)
        if out % count or width % count:
            place = self.field if isinstance(groups, int) else groups
            place.fail(CaptureError, f"has {count} groups; they must divide {width} inputs and {out} outputs")
        if (kernel_size - 1) * dilation > MAX_LOOKBACK:
            self.field.fail(
                CaptureError,
                f"looks back {(kernel_size - 1) * dilation} frames in one layer; allowed are {MAX_LOOKBACK}",
            )
        weight = weights.take(out, width // count, kernel_size)
        return Conv(weight, weights.take(out) if bias else None, dilation, count)

    def film(self, key: str, channels: int, weights: WeightReader) -> Film | None:
        config = self.field[key]
        if not config.present or config.value is False or not config.object()["active"].boolean(True):
            return None
        shift = config["shift"].boolean(True)
        shape = (channels * (2 if shift else 1), self.condition_size, 1)
        return Film(self.conv(weights, shape, config["groups"]), shift)

    def layer(self, config: _LayerConfig, weights: WeightReader) -> WaveNetLayer:
        inner = self.bottleneck * (1 if config.gating is Gating.OFF else 2)
        conv = self.conv(
            weights,
            (inner, self.channels, config.kernel_size),
            self.field["groups_input"],
            dilation=config.dilation,
        )
        mixin = self.conv(weights, (inner, self.condition_size, 1), self.field["groups_input_mixin"], bias=False)
        layer1x1 = head1x1 = None
        if self.layer1x1_groups is not None:
            layer1x1 = self.conv(weights, (self.channels, self.bottleneck, 1), self.layer1x1_groups)
        if self.head1x1 is not None:
            head1x1 = self.conv(weights, (self.head1x1[0], self.bottleneck, 1), self.head1x1[1])
        widths = {
            "conv_pre_film": self.channels,
            "conv_post_film": inner,
            "input_mixin_pre_film": self.condition_size,
            "input_mixin_post_film": inner,
            "activation_pre_film": inner,
            "activation_post_film": self.bottleneck,
            "layer1x1_post_film": self.channels,
            "head1x1_post_film": self.to_head,
        }
        films = {FILMS[key]: self.film(key, width, weights) for key, width in widths.items()}
        for key, part in (("layer1x1_post_film", layer1x1), ("head1x1_post_film", head1x1)):
            if films[key] is not None and part is None:
                self.field[key].fail(CaptureError, f"is on; it needs an active {key.removesuffix('_post_film')}")
        if config.gating is not Gating.BLENDED:
            # NeuralAmpModelerCore applies this FiLM in blended layers only, but the file always has its weights.
            films["layer1x1_post_film"] = None
        return WaveNetLayer(conv, mixin, config.activation, config.gating, config.secondary, layer1x1, head1x1, **films)

    def layer_array(self, weights: WeightReader) -> LayerArray:
        rechannel = self.conv(weights, (self.channels, self.input_size, 1), 1, bias=False)
        layers = tuple(self.layer(config, weights) for config in self.layers)
        return LayerArray(rechannel, layers, self._read_head(weights))

    def _read_head(self, weights: WeightReader) -> Conv:
        head = self.field["head"]
        if not head.present:
            if not self.field["head_size"].present:
                self.field.fail(CaptureError, "has neither 'head' nor 'head_size'; one of them is needed")
            out = self.field["head_size"].integer(1, MAX_CHANNELS)
            return self.conv(weights, (out, self.to_head, 1), 1, bias=self.field["head_bias"].boolean())
        out = head.object()["out_channels"].integer(1, MAX_CHANNELS)
        shape = (out, self.to_head, head["kernel_size"].integer(1, MAX_LOOKBACK))
        dilation = head["head_dilation"].integer(1, MAX_LOOKBACK, 1)
        return self.conv(weights, shape, 1, bias=head["bias"].boolean(), dilation=dilation)


def _read_layers(field: Field, bottleneck: int) -> tuple[_LayerConfig, ...]:
    dilations = [dilation.integer(1, MAX_LOOKBACK) for dilation in field["dilations"].items(1, MAX_LAYERS)]
    count = len(dilations)
    single, several = field["kernel_size"], field["kernel_sizes"]
    if single.present == several.present:
        which = (
            "both 'kernel_size' and 'kernel_sizes'" if single.present else "neither 'kernel_size' nor 'kernel_sizes'"
        )
        field.fail(CaptureError, f"has {which}; exactly one of them is needed")
    if several.present and not isinstance(several.value, list):
        several.fail(CaptureError, f"is {short_repr(several.value)}; a list is needed")
    kernel_sizes = [size.integer(1, MAX_LOOKBACK) for size in (single if single.present else several).each(count)]
    activations = [read_activation(item, bottleneck) for item in field["activation"].each(count)]
    gatings = _read_gatings(field, count)
    secondaries = _read_secondaries(field, gatings, bottleneck)
    return tuple(
        _LayerConfig(
            kernel_sizes[i],
            dilations[i],
            activations[i],
            gatings[i],
            secondaries[i],
        )
        for i in range(count)
    )


def _read_gatings(field: Field, count: int) -> list[Gating]:
    if not field["gating_mode"].present:
        return [Gating.GATED if field["gated"].boolean(False) else Gating.OFF] * count
    gatings = []
    for mode in field["gating_mode"].each(count):
        if mode.text() not in GATINGS:
            mode.fail(CaptureError, f"is {short_repr(mode.value)}; allowed are {', '.join(GATINGS)}")
        gatings.append(GATINGS[mode.text()])
    return gatings


def _read_secondaries(field: Field, gatings: list[Gating], bottleneck: int) -> list[Activation | None]:
    """Read the secondary activation of each gated or blended layer; values for other layers are ignored.

    `gated` is older than `secondary_activation`: its gates are always sigmoids.
    """
    stated = field["secondary_activation"]
    if not any(gatings) or not (stated.present and field["gating_mode"].present):
        return [None if gating is Gating.OFF else Activation(ActivationKind.SIGMOID) for gating in gatings]
    items = zip(stated.each(len(gatings)), gatings, strict=True)
    return [None if gating is Gating.OFF else read_activation(item, bottleneck) for item, gating in items]
