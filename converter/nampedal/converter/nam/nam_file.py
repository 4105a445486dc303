"""Reads .nam files. Every format version and architecture is checked here, and only here.

Accepts the same files as NeuralAmpModelerCore: versions 0.5.0 to 0.7.x; Linear, ConvNet, LSTM, WaveNet,
SlimmableContainer, and Sequential, which is not yet part of a NeuralAmpModelerCore release.
"""

from __future__ import annotations

import errno
import hashlib
import json
import math
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nampedal.converter.errors import CaptureError
from nampedal.converter.nam.nam_json import MAX_PARAMETERS, Field, WeightReader, json_safe, short_repr
from nampedal.converter.nam.nam_networks import read_convnet, read_linear, read_lstm
from nampedal.converter.nam.nam_rates import ASSUMED_SAMPLE_RATE, check_rate, own_rate, stated_rate
from nampedal.converter.nam.nam_sequential import check_weights_version, is_sequential, member_models, sequential_tiers
from nampedal.converter.nam.nam_slimmable import is_slimmable, narrower_networks, parameter_count, read_allowed_channels
from nampedal.converter.nam.nam_wavenet import read_wavenet
from nampedal.firmware.base.errors import FileAccessError
from nampedal.firmware.base.files import bounded_json, file_names
from nampedal.firmware.base.files.bounded_file import read_bounded
from nampedal.firmware.base.files.file_kind import what_it_is
from nampedal.firmware.engine import artifact
from nampedal.firmware.engine._engine import MAX_NESTING, MAX_TIERS
from nampedal.firmware.engine.capture import Capture, CaptureSource, Tier

SUFFIX = file_names.CAPTURE
ARCHITECTURES = ("ConvNet", "LSTM", "Linear", "Sequential", "SlimmableContainer", "WaveNet")
# The largest known capture has 1.5 MB.
MAX_FILE_BYTES = 64 << 20
# Limit for objects, lists and comma-separated items together: the weights and the metadata. Python's json needs up to
# 100 bytes for each, whatever its type.
MAX_JSON_VALUES = MAX_PARAMETERS + 1_000_000
MAX_JSON_OBJECTS = 100_000
OLDEST_VERSION = (0, 5, 0)
NEWEST_MINOR = (0, 7)
_KEYS = dict.fromkeys(("version", "architecture", "config", "weights")).keys()


@dataclass(frozen=True, slots=True)
class _Model:
    """The tiers of a model, full first.

    left_out: why other sizes in the file are not among the tiers, one line each.
    """

    tiers: list[Tier]
    left_out: tuple[str, ...] = ()

    @property
    def full(self) -> Tier:
        return self.tiers[0]


def read(path: Path) -> Capture:
    """Read and check a .nam file.

    Raises CaptureError; its message is one line that begins with the file.
    """
    file = str(path).encode("utf-8", "replace").decode()
    data = _read_bytes(path, file)
    root = Field(file, "", _parse(data, file))
    if not isinstance(root.value, dict):
        root.fail(CaptureError, f"holds {short_repr(root.value)}; a .nam holds an object")
    if not root.value.keys() >= _KEYS:
        _check_kind(data, file)
    try:
        rate = stated_rate(root)
        sample_rate = ASSUMED_SAMPLE_RATE if rate is None else rate
        model = _read_model(root, 0, sample_rate)
        metadata = json_safe(root.value.get("metadata"))
    except RecursionError:
        root.fail(CaptureError, "is nested too deeply; no .nam is")
    return Capture(
        source=CaptureSource(
            file_name=path.name.encode("utf-8", "replace").decode(),
            sha256=hashlib.sha256(data).hexdigest(),
            version=root["version"].text(),
            architecture=root["architecture"].text(),
            metadata=metadata if isinstance(metadata, dict) else {},
            states_sample_rate=rate is not None,
        ),
        sample_rate=sample_rate,
        tiers=tuple(model.tiers),
        left_out=model.left_out,
    )


def _read_bytes(path: Path, file: str) -> bytes:
    try:
        return read_bounded(path, MAX_FILE_BYTES)
    except OSError as error:
        if error.errno == errno.EFBIG:
            raise CaptureError(f"{file}: is {path.stat().st_size} bytes; allowed are {MAX_FILE_BYTES}") from error
        raise FileAccessError(f"{file}: can't be read: {(error.strerror or str(error)).lower()}") from error


def _check_kind(data: bytes, file: str, error: Exception | None = None) -> None:
    """Raise CaptureError if the data are of another known file type."""
    kind = what_it_is(data)
    if kind:
        raise CaptureError(f"{file}: is {kind}; a .nam is needed") from error


def _parse(data: bytes, file: str) -> Any:
    if artifact.is_artifact(data[:8]):
        raise CaptureError(f"{file}: is an artifact already; a .nam is needed")
    if not data.strip(b"\0 \t\r\n"):
        raise CaptureError(f"{file}: is empty; a .nam holds JSON")
    for what, found, most in (
        ("values", sum(map(data.count, (b",", b"[", b"{"))), MAX_JSON_VALUES),
        ("objects and lists", data.count(b"{") + data.count(b"["), MAX_JSON_OBJECTS),
    ):
        if found > most:
            raise CaptureError(f"{file}: may hold {found} {what}; allowed are {most}")
    text = ""
    try:
        text = _text(data, file)
        # Like NeuralAmpModelerCore (nam_file.cpp), ignore everything after the object.
        return bounded_json.loads(text, finite=False, rest=True)
    except json.JSONDecodeError as error:
        cut_off = error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated string")
        if cut_off and text.lstrip().startswith("{"):
            raise CaptureError(
                f"{file}: ends in the middle, at character {len(text)}; copy or download it again"
            ) from error
        _check_kind(data, file, error)
        raise CaptureError(
            f"{file}: is not JSON: {error.msg.lower()}, line {error.lineno} column {error.colno}; a .nam holds JSON"
        ) from error
    except bounded_json.JsonBoundError as error:
        raise CaptureError(f"{file}: is not JSON that is read here: {error}") from error


def _text(data: bytes, file: str) -> str:
    """Return the file's text, or the part before the first invalid UTF-8 byte if that part is a complete JSON value."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = error.object[: error.start].decode()
        try:
            bounded_json.loads(before, finite=False, rest=True)
        except ValueError:
            _check_kind(data, file, error)
            at = len(data) - len(error.object) + error.start
            raise CaptureError(f"{file}: is not JSON: byte {at} is no UTF-8; a .nam holds JSON") from error
        return before


def _read_model(model: Field, nesting: int, sample_rate: float) -> _Model:
    """Read the root of a .nam or a nested model.

    nesting: number of models around it.
    sample_rate: Hz; all of them run at this rate.
    """
    if nesting > MAX_NESTING:
        model.fail(CaptureError, f"stands within more than {MAX_NESTING} other models")
    sequential = is_sequential(model.object())
    for key in _KEYS:
        if key not in model.value and not (sequential and key == "weights"):
            model.fail(CaptureError, f"has no '{key}'; a .nam needs version, architecture, config and weights")
    _check_version(model["version"])
    architecture = model["architecture"].text()
    if architecture not in ARCHITECTURES and not sequential:
        model["architecture"].fail(CaptureError, f"is {short_repr(architecture)}; known are {', '.join(ARCHITECTURES)}")
    check_rate(model, sample_rate)
    if architecture == "SlimmableContainer":
        return _read_container(model, sample_rate, nesting)
    if sequential:
        return _read_sequential(model, sample_rate, nesting)
    return _read_network(model, architecture, sample_rate, nesting)


def _check_version(field: Field) -> None:
    text = field.text()
    numbers = tuple(int(part) for part in text.split(".")) if re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,6}){2}", text) else ()
    if not numbers or numbers < OLDEST_VERSION or numbers[:2] > NEWEST_MINOR:
        field.fail(CaptureError, f"is {short_repr(text)}; versions 0.5.0 to 0.7.x are read")


def _read_container(model: Field, sample_rate: float, nesting: int) -> _Model:
    submodels = model["config"].object()["submodels"]
    tiers: list[Tier] = []
    left_out: list[str] = []
    bound = -math.inf
    for entry in submodels.items(1, MAX_TIERS):
        size_below = entry.object()["max_value"].number()
        if size_below <= bound:
            entry["max_value"].fail(CaptureError, f"is {size_below:g}; it must be above {bound:g}, the one before")
        bound = size_below
        # A container without a rate of its own may hold models with different rates. A model with another rate than the
        # full one can't be a smaller size of the same capture.
        rate = stated_rate(entry["model"]) if own_rate(model) is None else None
        inner = _read_model(entry["model"], nesting + 1, rate or sample_rate)
        if rate is not None and rate != sample_rate:
            left_out.append(f"{entry.path} is left out: it runs at {rate:g} Hz, and the full size at {sample_rate:g}")
        else:
            tiers.append(replace(inner.full, size_below=size_below))
    if bound < 1.0:
        submodels.fail(CaptureError, f"ends at max_value {bound:g}; the last must reach 1")
    if not tiers or tiers[-1].size_below != bound:
        submodels.fail(CaptureError, f"runs at {stated_rate(model):g} Hz; the model around it runs at {sample_rate:g}")
    tiers[-1] = replace(tiers[-1], size_below=math.inf)
    return _Model(tiers[::-1], tuple(left_out))


def _read_sequential(model: Field, sample_rate: float, nesting: int) -> _Model:
    config = model["config"].object()
    check_weights_version(config, model["weights"])
    members = [_read_model(entry, nesting + 1, sample_rate) for entry in member_models(config)]
    return _Model(*sequential_tiers(model, [member.tiers for member in members]))


def _read_network(model: Field, architecture: str, sample_rate: float, nesting: int) -> _Model:
    config = model["config"].object()
    weights = WeightReader(model["weights"])
    match architecture:
        case "Linear":
            read = _Model([Tier(read_linear(config, weights), weights.count)])
        case "ConvNet":
            read = _Model([Tier(read_convnet(config, weights), weights.count)])
        case "LSTM":
            read = _Model([Tier(read_lstm(config, weights, sample_rate), weights.count)])
        case _:
            # A slimmable WaveNet may be nested in one more 'model'; in any other WaveNet that key has no meaning.
            wrapped = config["model"].present and (not config["layers"].present or is_slimmable(config))
            inner = config["model"].object() if wrapped else config
            read = _read_wavenet_tiers(inner, weights, sample_rate, nesting)
    weights.finish()
    return read


def _read_wavenet_tiers(config: Field, weights: WeightReader, sample_rate: float, nesting: int) -> _Model:
    condition = None
    condition_parameters = 0
    if config["condition_dsp"].present:
        inner = _read_model(config["condition_dsp"], nesting + 1, sample_rate).full
        condition = inner.network
        condition_parameters = inner.parameters
    allowed = read_allowed_channels(config)
    full = read_wavenet(config, weights, condition)
    tiers = [Tier(full, weights.count + condition_parameters)]
    narrower, left_out = narrower_networks(full, allowed) if allowed else ([], [])
    for size_below, narrow in narrower:
        tiers.append(Tier(narrow, parameter_count(narrow) + condition_parameters, size_below))
    return _Model(tiers, tuple(left_out))
