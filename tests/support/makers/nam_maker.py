"""Makes .nam files of every architecture and option, with the right number of random weights.

It counts the weights with its own formulas, not with those of the reader.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

Nam = dict[str, Any]

ACTIVATIONS = (
    "Tanh",
    "Hardtanh",
    "Fasttanh",
    "ReLU",
    "LeakyReLU",
    "PReLU",
    "Sigmoid",
    "SiLU",
    "Hardswish",
    "LeakyHardtanh",
    "Softsign",
)
FILM_KEYS = (
    "conv_pre_film",
    "conv_post_film",
    "input_mixin_pre_film",
    "input_mixin_post_film",
    "activation_pre_film",
    "activation_post_film",
    "layer1x1_post_film",
    "head1x1_post_film",
)

# A layer array in the current format. Tests copy it and change one option.
ARRAY: Nam = {
    "input_size": 1,
    "condition_size": 1,
    "channels": 4,
    "kernel_size": 3,
    "dilations": [1, 2],
    "activation": "Tanh",
    "head": {"out_channels": 1, "kernel_size": 1, "bias": True},
}


def write(path: Path, nam: Nam) -> Path:
    path.write_text(json.dumps(nam))
    return path


def model(architecture: str, config: Nam, weights: list[float], **more: Any) -> Nam:
    return {"version": "0.7.0", "architecture": architecture, "config": config, "weights": weights, **more}


def weights(rng: np.random.Generator, count: int, scale: float = 0.3) -> list[float]:
    return [float(w) for w in rng.uniform(-scale, scale, count).astype(np.float32)]


def linear(taps: int = 4, bias: bool = False, seed: int = 1) -> Nam:
    rng = np.random.default_rng(seed)
    return model("Linear", {"receptive_field": taps, "bias": bias}, weights(rng, taps + bias), sample_rate=48000)


def lstm(layers: int = 1, hidden: int = 3, seed: int = 1) -> Nam:
    rng = np.random.default_rng(seed)
    count = sum(4 * hidden * ((1 if i == 0 else hidden) + hidden + 1) + 2 * hidden for i in range(layers)) + hidden + 1
    config = {"num_layers": layers, "input_size": 1, "hidden_size": hidden}
    return model("LSTM", config, weights(rng, count), sample_rate=48000)


def convnet(
    channels: int = 3, batch_norm: bool = True, groups: int = 1, seed: int = 1, activation: Any = "Tanh"
) -> Nam:
    rng = np.random.default_rng(seed)
    values: list[float] = []
    dilations = [1, 2, 4]
    for i in range(len(dilations)):
        width = 1 if i == 0 else channels
        values += weights(rng, channels * width * 2 // groups)
        if batch_norm:
            values += weights(rng, channels)
            values += [float(v) for v in rng.uniform(0.5, 1.5, channels).astype(np.float32)]
            values += [*weights(rng, 2 * channels), 1e-5]
        else:
            values += weights(rng, channels)
    values += weights(rng, channels + 1)
    config = {"channels": channels, "dilations": dilations, "batchnorm": batch_norm, "activation": activation}
    return model("ConvNet", {**config, "groups": groups}, values, sample_rate=48000)


def wavenet(layers: list[Nam], *, seed: int = 1, head: Nam | None = None, scale: float = 0.3, **config: Any) -> Nam:
    """Return a WaveNet of these layer arrays (entries of `layers`), with as many weights as they need."""
    rng = np.random.default_rng(seed)
    count: int = sum(array_count(layer) for layer in layers) + 1
    if head is not None:
        width = _head_out(layers[-1])
        for i, kernel in enumerate(head["kernel_sizes"]):
            out = head["out_channels"] if i + 1 == len(head["kernel_sizes"]) else head["channels"]
            count += out * (width * kernel + 1)
            width = out
    values = weights(rng, count, scale)
    return model(
        "WaveNet", {"layers": layers, "head": head, "head_scale": values[-1], **config}, values, sample_rate=48000
    )


def a1(channels: tuple[int, int] = (4, 2), dilations: tuple[int, ...] = (1, 2, 4), seed: int = 1, **more: Any) -> Nam:
    """Return a small WaveNet of the shape that most captures have, in the legacy format."""
    first, second = channels
    common = {"condition_size": 1, "kernel_size": 3, "dilations": list(dilations), "activation": "Tanh", "gated": False}
    layers = [
        {**common, "input_size": 1, "channels": first, "head_size": second, "head_bias": False, **more},
        {**common, "input_size": first, "channels": second, "head_size": 1, "head_bias": True, **more},
    ]
    return wavenet(layers, seed=seed)


def container(*entries: tuple[float, Nam]) -> Nam:
    """Return a SlimmableContainer of (max_value, model)."""
    submodels = [{"max_value": value, "model": nam} for value, nam in entries]
    return model("SlimmableContainer", {"submodels": submodels}, [], sample_rate=48000)


def sequential(*models: Nam, **more: Any) -> Nam:
    """Return a model that runs whole models one after another."""
    config = {"models": list(models), "weights_version": 2}
    return {"version": "0.7.0", "architecture": "Sequential", "config": config, **more}


def _head_out(layer: Nam) -> int:
    return int(layer["head"]["out_channels"] if layer.get("head") else layer["head_size"])


def array_count(layer: Nam) -> int:
    """Return the number of weights of one layer array, in the order in which the format stores them."""
    channels: int = layer["channels"]
    condition: int = layer["condition_size"]
    bottleneck: int = layer.get("bottleneck", channels)
    count: int = channels * layer["input_size"]
    depth = len(layer["dilations"])
    head1x1: Nam = layer.get("head1x1") or {"active": False}
    layer1x1: Nam = layer.get("layer1x1") or {"active": True, "groups": 1}
    for i in range(depth):
        kernel: int = layer["kernel_sizes"][i] if "kernel_sizes" in layer else layer["kernel_size"]
        mode = layer.get("gating_mode", "gated" if layer.get("gated") else "none")
        mode = mode[i] if isinstance(mode, list) else mode
        inner = bottleneck * (1 if mode == "none" else 2)
        count += inner * channels * kernel // layer.get("groups_input", 1) + inner
        count += inner * condition // layer.get("groups_input_mixin", 1)
        if layer1x1["active"]:
            count += channels * bottleneck // layer1x1["groups"] + channels
        if head1x1["active"]:
            count += head1x1["out_channels"] * (bottleneck // head1x1["groups"] + 1)
        widths = (channels, inner, condition, inner, inner, bottleneck, channels, head1x1.get("out_channels", 0))
        for key, width in zip(FILM_KEYS, widths, strict=True):
            film = layer.get(key)
            if film and film.get("active", True):
                out = width * (2 if film.get("shift", True) else 1)
                count += out * condition // film.get("groups", 1) + out
    to_head: int = head1x1["out_channels"] if head1x1["active"] else bottleneck
    if layer.get("head"):
        head = layer["head"]
        count += head["out_channels"] * (to_head * head["kernel_size"] + (1 if head["bias"] else 0))
    else:
        count += layer["head_size"] * (to_head + (1 if layer["head_bias"] else 0))
    return count


def random_activation(rng: np.random.Generator, channels: int) -> Any:
    name = str(rng.choice(ACTIVATIONS))
    if rng.random() < 0.5 and name != "PReLU":
        return name
    match name:
        case "PReLU":
            slopes = [float(s) for s in rng.uniform(0.0, 0.4, channels)]
            return {"type": name, "negative_slopes": slopes}
        case "LeakyReLU":
            return {"type": name, "negative_slope": 0.1}
        case "LeakyHardtanh":
            return {"type": name, "min_val": -0.5, "max_val": 0.8, "min_slope": 0.1, "max_slope": 0.05}
        case _:
            return {"type": name}


def random_array(rng: np.random.Generator, input_size: int, condition: int, head_in: int | None, head_out: int) -> Nam:
    """Return one layer array with random options. head_in: channels that the previous array passes to the head."""
    depth = int(rng.integers(1, 5))
    bottleneck = 2 * int(rng.integers(1, 4))
    modes = [str(m) for m in rng.choice(["none", "gated", "blended"], depth)]
    layer1x1 = bool(rng.random() < 0.8)
    channels = 2 * int(rng.integers(1, 5)) if layer1x1 else bottleneck
    uses_head1x1 = bool(rng.random() < 0.4) or (head_in is not None and head_in != bottleneck)
    array: Nam = {
        "input_size": input_size,
        "condition_size": condition,
        "channels": channels,
        "bottleneck": bottleneck,
        "dilations": [int(d) for d in rng.choice([1, 2, 3, 8, 20], depth)],
        "kernel_sizes": [int(k) for k in rng.integers(1, 6, depth)],
        "activation": [random_activation(rng, bottleneck) for _ in range(depth)],
        "gating_mode": modes,
        "secondary_activation": [random_activation(rng, bottleneck) for _ in range(depth)],
        "groups_input": int(rng.choice([1, 2])),
        "layer1x1": {"active": layer1x1, "groups": int(rng.choice([1, 2]))},
        "head": {
            "out_channels": head_out,
            "kernel_size": int(rng.integers(1, 5)),
            "bias": bool(rng.random() < 0.5),
            "head_dilation": int(rng.choice([1, 1, 3])),
        },
    }
    if condition % 2 == 0:
        array["groups_input_mixin"] = 2
    if uses_head1x1:
        out = head_in if head_in is not None else int(rng.integers(1, 5))
        array["head1x1"] = {"active": True, "out_channels": out, "groups": 2 if out % 2 == 0 else 1}
    for key in FILM_KEYS:
        if rng.random() < 0.35 and not (key.startswith("layer1x1") and not layer1x1):
            if key.startswith("head1x1") and not uses_head1x1:
                continue
            # Groups must divide the condition's and the modulated channels. All are even except in these two cases.
            pairs = condition % 2 == 0 and not (key.startswith("head1x1") and array["head1x1"]["out_channels"] % 2)
            array[key] = {"active": True, "shift": bool(rng.random() < 0.5), "groups": 2 if pairs else 1}
    return array


def random_wavenet(seed: int, *, nested: bool = True) -> Nam:
    """Return a WaveNet with a random mixture of options, sometimes conditioned on a network of its own."""
    rng = np.random.default_rng(seed)
    config: Nam = {}
    condition = 1
    if nested and rng.random() < 0.3:
        condition = int(rng.integers(1, 5))
        inner = random_wavenet(seed + 1, nested=False)
        out = inner["config"]["layers"][-1]["head"]
        out["out_channels"] = condition
        remade = wavenet(inner["config"]["layers"], seed=seed + 2)
        config["condition_dsp"] = remade
    arrays: list[Nam] = []
    stream, head_in = 1, None
    count = int(rng.integers(1, 4))
    for i in range(count):
        head_out = 1 if i + 1 == count else 2 * int(rng.integers(1, 4))
        array = random_array(rng, stream, condition, head_in, head_out)
        # NeuralAmpModelerCore requires each array to be as wide as the head of the one before.
        if head_in is not None:
            array["channels"] = head_in
            if not array["layer1x1"]["active"]:
                array["layer1x1"] = {"active": True, "groups": 1}
        arrays.append(array)
        stream, head_in = array["channels"], head_out
    head = None
    if rng.random() < 0.3:
        kernels = [int(k) for k in rng.integers(1, 5, int(rng.integers(1, 4)))]
        head = {"channels": 3, "out_channels": 1, "kernel_sizes": kernels, "activation": random_activation(rng, 1)}
        if isinstance(head["activation"], dict) and head["activation"]["type"] == "PReLU":
            head["activation"] = "ReLU"
    return wavenet(arrays, seed=seed + 3, head=head, **config)


def random_plain_wavenet(seed: int) -> Nam:
    """Return a WaveNet that the fused kernels can play, of any width: no FiLMs, no head1x1s, no
    head after the stack.
    """
    rng = np.random.default_rng(seed)
    condition = int(rng.choice([1, 1, 1, 3, 6]))
    config: Nam = {}
    if condition > 1:
        head = {"out_channels": condition, "kernel_size": 1, "bias": True}
        config["condition_dsp"] = wavenet([{**ARRAY, "channels": int(rng.integers(1, 6)), "head": head}], seed=seed + 1)
    common = (1, 2, 3, 4, 6, 8, 12, 16, 20, 24, 32)
    arrays: list[Nam] = []
    stream, bottleneck = 1, 0
    for last in [True] if rng.random() < 0.4 else [False, True]:
        channels = int(rng.choice(common) if rng.random() < 0.8 else rng.integers(1, 40))
        if not arrays:
            bottleneck = channels if rng.random() < 0.6 else int(rng.integers(1, 20))
        depth = int(rng.integers(1, 5))
        next_bottleneck = 1 if last else int(rng.integers(1, 20))
        arrays.append(
            {
                "input_size": stream,
                "condition_size": condition,
                "channels": channels,
                "bottleneck": bottleneck,
                "kernel_sizes": [int(k) for k in rng.choice([1, 2, 3, 6, 15], depth)],
                "dilations": [int(d) for d in rng.choice([1, 2, 3, 7, 16, 41, 64], depth)],
                "activation": [random_activation(rng, bottleneck) for _ in range(depth)],
                "gating_mode": [str(m) for m in rng.choice(["none", "none", "gated", "blended"], depth)],
                "secondary_activation": [random_activation(rng, bottleneck) for _ in range(depth)],
                "head": {"out_channels": next_bottleneck, "kernel_size": int(rng.choice([1, 4, 16])), "bias": True},
            }
        )
        stream, bottleneck = channels, next_bottleneck
    return wavenet(arrays, seed=seed + 2, scale=0.15, **config)
