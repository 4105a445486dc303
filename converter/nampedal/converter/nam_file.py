"""The .nam reader: every format version and architecture is checked here, and only here.

Reads what NeuralAmpModelerCore 0.5 reads: versions 0.5.0 to 0.7.x; Linear, ConvNet, LSTM, WaveNet, SlimmableContainer.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from nampedal.converter.errors import (
    CaptureFieldError,
    CaptureLimitError,
    CaptureShapeError,
    CaptureTruncatedError,
    CaptureUnreadableError,
    NotACaptureError,
    NotJsonError,
    UnknownArchitectureError,
    UnknownVersionError,
)
from nampedal.converter.nam_json import Field, WeightReader, cleaned, shown
from nampedal.converter.nam_networks import read_convnet, read_linear, read_lstm
from nampedal.converter.nam_slimmable import parameter_count, read_allowed_channels, slimmed
from nampedal.converter.nam_wavenet import read_wavenet
from nampedal.firmware import artifact
from nampedal.firmware._engine import MAX_NESTING, MAX_SAMPLE_RATE, MAX_TIERS, MIN_SAMPLE_RATE
from nampedal.firmware.capture import Capture, Source, Tier

SUFFIX = ".nam"
ARCHITECTURES = ("ConvNet", "LSTM", "Linear", "SlimmableContainer", "WaveNet")
MAX_FILE_BYTES = 256 << 20
DEFAULT_SAMPLE_RATE = 48_000.0
OLDEST_VERSION = (0, 5, 0)
NEWEST_MINOR = (0, 7)


def read(path: Path) -> Capture:
    """Read and check a .nam. Raises a subclass of CaptureError whose one line begins with the file."""
    file = str(path).encode("utf-8", "replace").decode()
    data = _read_bytes(path, file)
    root = Field(file, "", _parse(data, file))
    if not isinstance(root.value, dict):
        root.fail(NotACaptureError, f"holds {shown(root.value)}; a .nam holds an object")
    try:
        sample_rate, tiers = _read_model(root, 0, None)
        metadata = cleaned(root.value.get("metadata"))
    except RecursionError:
        root.fail(NotACaptureError, "is nested too deeply; no .nam is")
    return Capture(
        source=Source(
            file_name=path.name.encode("utf-8", "replace").decode(),
            sha256=hashlib.sha256(data).hexdigest(),
            version=root["version"].text(),
            architecture=root["architecture"].text(),
            metadata=metadata if isinstance(metadata, dict) else {},
        ),
        sample_rate=sample_rate,
        tiers=tuple(tiers),
    )


def _read_bytes(path: Path, file: str) -> bytes:
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise CaptureLimitError(f"{file}: is {size} bytes; allowed are {MAX_FILE_BYTES}")
        return path.read_bytes()
    except OSError as error:
        raise CaptureUnreadableError(f"{file}: can't be read: {(error.strerror or str(error)).lower()}") from error


def _parse(data: bytes, file: str) -> Any:
    if artifact.is_artifact(data[:8]):
        raise NotACaptureError(f"{file}: is an artifact already; a .nam is needed")
    if not data.strip(b"\0 \t\r\n"):
        raise CaptureTruncatedError(f"{file}: is empty; a .nam holds JSON")
    try:
        text = data.decode("utf-8-sig")
        return json.loads(text)
    except UnicodeDecodeError as error:
        raise NotJsonError(f"{file}: is not JSON: byte {error.start} is no UTF-8; a .nam holds JSON") from error
    except json.JSONDecodeError as error:
        cut_off = error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated string")
        if cut_off and text.lstrip().startswith("{"):
            raise CaptureTruncatedError(
                f"{file}: ends in the middle, at character {len(text)}; copy or download it again"
            ) from error
        raise NotJsonError(
            f"{file}: is not JSON: {error.msg.lower()}, line {error.lineno} column {error.colno}; a .nam holds JSON"
        ) from error
    except (RecursionError, ValueError) as error:
        raise NotJsonError(f"{file}: is not JSON that can be read: nested too deeply or a number too long") from error


def _read_model(model: Field, nesting: int, around: float | None) -> tuple[float, list[Tier]]:
    """Sample rate and tiers of a .nam's root, or of a model that stands within one of the sample rate `around`."""
    if nesting > MAX_NESTING:
        model.fail(CaptureLimitError, f"stands within more than {MAX_NESTING} other models")
    for key in ("version", "architecture", "config", "weights"):
        if key not in model.object().value:
            model.fail(NotACaptureError, f"has no '{key}'; a .nam needs version, architecture, config and weights")
    _check_version(model["version"])
    architecture = model["architecture"].text()
    if architecture not in ARCHITECTURES:
        model["architecture"].fail(
            UnknownArchitectureError, f"is {shown(architecture)}; known are {', '.join(ARCHITECTURES)}"
        )
    sample_rate = _read_sample_rate(model["sample_rate"], around)
    if architecture == "SlimmableContainer":
        return sample_rate, _read_container(model["config"].object(), sample_rate, nesting)
    return sample_rate, _read_network(model, architecture, sample_rate, nesting)


def _check_version(field: Field) -> None:
    text = field.text()
    numbers = tuple(int(part) for part in text.split(".")) if re.fullmatch(r"\d{1,6}\.\d{1,6}\.\d{1,6}", text) else ()
    if not numbers or numbers < OLDEST_VERSION or numbers[:2] > NEWEST_MINOR:
        field.fail(UnknownVersionError, f"is {shown(text)}; versions 0.5.0 to 0.7.x are read")


def _read_sample_rate(field: Field, around: float | None) -> float:
    rate = field.number(around or DEFAULT_SAMPLE_RATE)
    if not MIN_SAMPLE_RATE <= rate <= MAX_SAMPLE_RATE:
        field.fail(CaptureFieldError, f"is {rate:g}; allowed are {MIN_SAMPLE_RATE:.0f} to {MAX_SAMPLE_RATE:.0f} Hz")
    if around is not None and rate != around:
        field.fail(CaptureShapeError, f"is {rate:g}; the model around it runs at {around:g}")
    return rate


def _read_container(config: Field, sample_rate: float, nesting: int) -> list[Tier]:
    tiers = []
    bound = -1.0
    for entry in config["submodels"].items(1, MAX_TIERS):
        size_below = entry.object()["max_value"].number()
        if size_below <= bound:
            entry["max_value"].fail(CaptureFieldError, f"is {size_below:g}; it must be above {bound:g}, the one before")
        bound = size_below
        _, inner = _read_model(entry["model"], nesting + 1, sample_rate)
        tiers.append(replace(inner[0], size_below=size_below))
    if bound < 1.0:
        config["submodels"].fail(CaptureFieldError, f"ends at max_value {bound:g}; the last must reach 1")
    tiers[-1] = replace(tiers[-1], size_below=float("inf"))
    return tiers[::-1]


def _read_network(model: Field, architecture: str, sample_rate: float, nesting: int) -> list[Tier]:
    config = model["config"].object()
    weights = WeightReader(model["weights"])
    match architecture:
        case "Linear":
            tiers = [Tier(read_linear(config, weights), weights.count)]
        case "ConvNet":
            tiers = [Tier(read_convnet(config, weights), weights.count)]
        case "LSTM":
            tiers = [Tier(read_lstm(config, weights, sample_rate), weights.count)]
        case _:
            # A slimmable one may be wrapped once more.
            inner = config["model"].object() if config["model"].present else config
            tiers = _read_wavenet_tiers(inner, weights, sample_rate, nesting)
    weights.finish()
    return tiers


def _read_wavenet_tiers(config: Field, weights: WeightReader, sample_rate: float, nesting: int) -> list[Tier]:
    condition = None
    condition_parameters = 0
    if config["condition_dsp"].present:
        _, inner = _read_model(config["condition_dsp"], nesting + 1, sample_rate)
        condition = inner[0].network
        condition_parameters = inner[0].parameters
    allowed = read_allowed_channels(config)
    full = read_wavenet(config, weights, condition)
    tiers = [Tier(full, weights.count + condition_parameters)]
    for size_below, narrow in slimmed(full, allowed) if allowed else []:
        tiers.append(Tier(narrow, parameter_count(narrow) + condition_parameters, size_below))
    return tiers
