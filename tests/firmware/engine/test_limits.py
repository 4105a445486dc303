"""What a file asks for in memory and in work is bounded as a whole, before it is taken."""

from __future__ import annotations

import subprocess
import sys
import zlib
from dataclasses import replace
from pathlib import Path

import flatbuffers
import nampedal.firmware.engine.stomp_generated as fbs
import numpy as np
import pytest
from nampedal.firmware.base.errors import ArtifactError
from nampedal.firmware.engine import _engine, artifact
from nampedal.firmware.engine.capture import Capture, CaptureSource, Tier
from nampedal.firmware.engine.network import Activation, ActivationKind, Conv, ConvNet, ConvNetBlock, Lstm, LstmLayer

RATE = 48_000.0
SOURCE = CaptureSource("amp.nam", "", "0.5.4", "ConvNet")


def long_memory(dilation: int, channels: int = 1) -> ConvNet:
    """A few weights, and `channels` floats of memory for each of so many frames."""
    into = Conv(np.ones((channels, 1, 1), np.float32), None)
    wide = Conv(np.ones((1, channels, 2), np.float32), None, dilation=dilation)
    tanh = Activation(ActivationKind.TANH, ())
    return ConvNet((ConvNetBlock(into, tanh), ConvNetBlock(wide, tanh)), Conv(np.ones((1, 1, 1), np.float32), None))


def lstm(hidden: int, prewarm: int) -> Lstm:
    zeros = np.zeros(hidden, np.float32)
    layer = LstmLayer(
        np.full((4 * hidden, 1 + hidden), 0.01, np.float32), np.zeros(4 * hidden, np.float32), zeros, zeros
    )
    return Lstm((layer,), Conv(np.ones((1, hidden, 1), np.float32), np.zeros(1, np.float32)), prewarm)


def packed(*networks: ConvNet | Lstm, architecture: str = "ConvNet") -> bytes:
    tiers = tuple(Tier(network, 1, float("inf") if i == 0 else 1.0 - i / 100) for i, network in enumerate(networks))
    return artifact.pack(Capture(replace(SOURCE, architecture=architecture), RATE, tiers))


def refused(data: bytes) -> str:
    with pytest.raises(ArtifactError) as caught:
        _engine.Artifact.from_bytes(data, "amp.stomp")
    return str(caught.value)


def test_tiers_share_one_limit_of_memory() -> None:
    large = long_memory(900_000, 8)
    assert _engine.Artifact.from_bytes(packed(large), "amp.stomp").tier_count == 1
    text = refused(packed(*[large] * 64))
    assert text == "amp.stomp: tier 2: needs more than 128 MiB of memory, the most all tiers together may take"


def test_a_chain_has_one_limit_of_memory() -> None:
    loaded = _engine.Artifact.from_bytes(packed(long_memory(900_000, 8), long_memory(900_000, 8)), "amp.stomp")
    chain = _engine.Chain(RATE, 64, "", 1)
    chain.add_amp(loaded, False)
    with pytest.raises(ArtifactError) as caught:
        chain.add_amp(loaded, False)
    assert str(caught.value) == ("amp.stomp: tier 0: needs more than 128 MiB of memory, the most a chain may take")


def test_the_memory_of_a_small_file_with_many_tiers_stays_small(tmp_path: Path) -> None:
    path = tmp_path / "amp.stomp"
    path.write_bytes(packed(*[long_memory(900_000, 8)] * 64))
    assert path.stat().st_size < 40_000
    code = (
        "import resource, sys\n"
        "from nampedal.firmware.engine import _engine\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "try:\n"
        "    _engine.Artifact.open(sys.argv[1])\n"
        "except Exception:\n"
        "    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 80 << 10


def test_what_an_lstm_runs_to_come_to_rest_is_limited() -> None:
    assert _engine.Artifact.from_bytes(packed(lstm(64, 24_000)), "amp.stomp").tier_count == 1
    text = refused(packed(lstm(128, 1 << 20)))
    wanted = "needs more than 4000 million multiply-adds to come to rest, the most all tiers together may take"
    assert text == f"amp.stomp: tier 0: {wanted}"
    assert refused(packed(*[lstm(64, 24_000)] * 40)).endswith(wanted)


def test_texts_have_a_limit() -> None:
    wanted = "amp.stomp: the source's architecture has 70000 bytes; at most 65536 are allowed"
    assert refused(packed(lstm(1, 1), architecture="x" * 70_000)) == wanted
    large = replace(SOURCE, metadata={"name": "x" * (1 << 20)})
    data = artifact.pack(Capture(large, RATE, (Tier(lstm(1, 1), 1),)))
    assert "the source's metadata has 1048587 bytes; at most 1048576 are allowed" in refused(data)


@pytest.mark.parametrize(
    "text",
    ["[" * 100_000, '{"a": ' * 100 + "1" + "}" * 100, '{"input_level_dbu": ' + "9" * 400 + "}"],
    ids=["open", "deep", "long"],
)
def test_metadata_beyond_the_limits_is_none(text: str) -> None:
    root = fbs.ArtifactT.InitFromObj(fbs.Artifact.GetRootAs(packed(lstm(1, 1)), 0))
    root.source.metadata = text
    builder = flatbuffers.Builder(1 << 16)
    builder.Finish(root.Pack(builder), file_identifier=artifact.IDENTIFIER)
    body = bytes(builder.Output())
    data = body + zlib.crc32(body).to_bytes(4, "little")
    source = artifact.unpack(_engine.Artifact.from_bytes(data, "amp.stomp")).source
    assert source.metadata == {}
    assert source.level("input_level_dbu").value is None
