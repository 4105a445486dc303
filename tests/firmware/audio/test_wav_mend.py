"""WAV files as recorders, streams and broken copies leave them, and how much of a file is ever unpacked."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from nampedal.firmware.audio import audio_file, impulse_response
from nampedal.firmware.audio.audio_file import read_recording
from nampedal.firmware.base.errors import FileAccessError

FRAMES = 1000
SOUND = (np.sin(np.arange(FRAMES) * 0.1) * 20000).astype("<i2")
PCM = SOUND.tobytes()
WANTED = SOUND / 32768
FORMAT = struct.pack("<HHIIHH", 1, 1, 48000, 96000, 2, 16)
# WAVE_FORMAT_EXTENSIBLE, 24 bits, its GUID that of PCM.
EXTENSIBLE = struct.pack("<HHIIHHHHI", 0xFFFE, 1, 48000, 144000, 3, 24, 22, 24, 4) + bytes.fromhex(
    "0100000000001000800000aa00389b71"
)
PCM24 = b"".join(struct.pack("<i", int(one) << 8)[:3] for one in SOUND)
UNKNOWN = 0xFFFFFFFF
LENGTHS = struct.pack("<QQQI", 36 + 36 + 8 + len(PCM), len(PCM), FRAMES, 0)


def chunk(name: bytes, data: bytes, size: int | None = None, *, pad: bool = True) -> bytes:
    return name + struct.pack("<I", len(data) if size is None else size) + data + b"\0" * (pad and len(data) % 2)


def riff(*chunks: bytes, size: int | None = None, head: bytes = b"RIFF") -> bytes:
    body = b"WAVE" + b"".join(chunks)
    return head + struct.pack("<I", len(body) if size is None else size) + body


FMT, DATA = chunk(b"fmt ", FORMAT), chunk(b"data", PCM)
FILES = {
    "plain": riff(FMT, DATA),
    "odd chunk, not padded": riff(FMT, chunk(b"LIST", b"abc", pad=False), DATA),
    "odd chunk first, not padded": riff(chunk(b"JUNK", b"abcde", pad=False), FMT, DATA),
    "odd chunk, padded": riff(FMT, chunk(b"LIST", b"abc"), DATA),
    "odd samples, then a chunk that is not padded": riff(
        FMT, chunk(b"data", PCM + b"x", pad=False), chunk(b"LIST", b"")
    ),
    "RIFF size 0": riff(FMT, DATA, size=0),
    "RIFF size unknown": riff(FMT, DATA, size=UNKNOWN),
    "data size 0": riff(FMT, chunk(b"data", PCM, 0)),
    "data size unknown": riff(FMT, chunk(b"data", PCM, UNKNOWN)),
    "both 0": riff(FMT, chunk(b"data", PCM, 0), size=0),
    "both unknown": riff(FMT, chunk(b"LIST", b"INFOISFT\0\0\0\0"), chunk(b"data", PCM, UNKNOWN), size=UNKNOWN),
    "both too long": riff(FMT, chunk(b"data", PCM, 0x7FFFF000), size=0x7FFFFFFF),
    "extensible": riff(chunk(b"fmt ", EXTENSIBLE), chunk(b"data", PCM24)),
    "RF64": riff(chunk(b"ds64", LENGTHS), FMT, chunk(b"data", PCM, UNKNOWN), size=UNKNOWN, head=b"RF64"),
    "RF64 without lengths": riff(FMT, chunk(b"data", PCM, UNKNOWN), size=UNKNOWN, head=b"RF64"),
    "zeros first": b"\0" * 64 + riff(FMT, DATA),
    "mark of an editor first": b"\xef\xbb\xbf" + riff(FMT, DATA),
    "zeros between": riff(FMT, b"\0" * 12, DATA),
    "samples twice": riff(FMT, DATA, DATA),
    "garbage behind": riff(FMT, DATA) + b"garbage" * 9,
    "format behind the samples": riff(DATA, FMT),
    "broadcast": riff(chunk(b"bext", b"\0" * 70_001), FMT, DATA),
}


@pytest.mark.parametrize("name", FILES)
def test_what_common_players_read_is_read(name: str, tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(FILES[name])
    recording = read_recording(path)
    assert recording.sample_rate == 48_000
    np.testing.assert_allclose(recording.audio[:, 0], WANTED, atol=1e-6)


@pytest.mark.parametrize("kept", [1, 500, 501, 1999])
def test_of_a_file_that_is_cut_off_what_is_there_is_read(kept: int, tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    for size in (None, UNKNOWN):
        path.write_bytes(riff(FMT, chunk(b"data", PCM, size))[: 44 + kept])
        if kept < 2:
            with pytest.raises(FileAccessError):
                read_recording(path)
            continue
        np.testing.assert_allclose(read_recording(path).audio[:, 0], WANTED[: kept // 2], atol=1e-6)


chunks = st.tuples(
    st.sampled_from([b"LIST", b"JUNK", b"bext", b"fact", b"PAD "]), st.binary(max_size=40), st.booleans()
)


@given(st.lists(chunks, max_size=4), st.sampled_from([None, 0, UNKNOWN]), st.sampled_from([None, 0, UNKNOWN]))
def test_whatever_chunks_stand_before_the_samples_they_are_read(
    tmp_path_factory: pytest.TempPathFactory,
    before: list[tuple[bytes, bytes, bool]],
    size: int | None,
    whole: int | None,
) -> None:
    # Two of what is searched for do not begin within a chunk's own bytes.
    others = [chunk(name, bytes(one & 0x1F for one in data), pad=pad) for name, data, pad in before]
    path = tmp_path_factory.mktemp("wav") / "a.wav"
    path.write_bytes(riff(FMT, *others, chunk(b"data", PCM, size), size=whole))
    np.testing.assert_allclose(read_recording(path).audio[:, 0], WANTED, atol=1e-6)


@given(st.binary(max_size=200), st.sampled_from([b"RIFF", b"RIFX", b"RF64"]))
def test_any_bytes_are_sound_or_an_error_of_ours(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, head: bytes
) -> None:
    path = tmp_path_factory.mktemp("wav") / "a.wav"
    path.write_bytes(head + b"\0\0\0\0WAVE" + data)
    try:
        assert len(read_recording(path).audio) > 0
    except FileAccessError as error:
        assert str(error).startswith(f"{path}: ")


def test_wherever_a_file_ends_it_is_sound_or_an_error_of_ours(tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    for name in (b"fact", b"ds64", b"LIST"):
        whole = riff(chunk(name, bytes(20)), chunk(b"fmt ", bytes(16)), chunk(b"data", bytes(64)))
        for length in range(len(whole)):
            path.write_bytes(whole[:length])
            try:
                read_recording(path)
            except FileAccessError as error:
                assert len(str(error).splitlines()) == 1


def test_no_more_is_unpacked_than_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "bomb.flac"
    soundfile.write(path, np.zeros((6_000_000, 8), np.int16), 655_350 - 350, subtype="PCM_16")
    with pytest.raises(FileAccessError) as caught:
        impulse_response.read(path, 48_000.0)
    assert str(caught.value) == (
        f"{path}: holds 8 channels of 9.2 s at 655000 Hz; up to 4,000,000 samples are taken: cut it, or save it with "
        "fewer channels or a lower rate"
    )


def test_a_recording_has_a_limit_of_all_channels_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, np.zeros((100, 4)), 48_000)
    assert read_recording(path, 400).audio.shape == (100, 4)
    with pytest.raises(FileAccessError, match="up to 399 samples are taken"):
        read_recording(path, 399)


def test_a_flac_of_which_nothing_can_be_decoded_holds_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.flac"
    soundfile.write(path, np.sin(np.arange(1500) * 0.1) * 0.5, 48_000, subtype="PCM_16")
    whole = path.read_bytes()
    path.write_bytes(whole[: whole.index(b"\xff\xf8") + 20])
    for read in (read_recording, lambda one: impulse_response.read(one, 48_000.0)):
        with pytest.raises(FileAccessError) as caught:
            read(path)
        assert str(caught.value).startswith(f"{path}: ")


def test_what_is_no_sound_is_called_what_it_is(tmp_path: Path) -> None:
    for data, what in ((b"<html>", "a web page (HTML)"), (b"PK\x03\x04 ", "a zip archive"), (b"", "empty")):
        path = tmp_path / "cab.wav"
        path.write_bytes(data)
        with pytest.raises(FileAccessError) as caught:
            audio_file.open_audio(path)
        assert str(caught.value).startswith(f"{path}: is {what}")
        assert str(caught.value).endswith("; an audio file is needed")
