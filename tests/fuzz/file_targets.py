"""Readers of files that strangers send: captures, artifacts, cabinets, banks, images, updates."""

from __future__ import annotations

import io
import shutil
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import nampedal.firmware.engine.stomp_generated as stomp
import numpy as np
import soundfile
from ai_edge_litert import schema_py_generated as schema
from flatbuffers import Builder
from fuzz import mutators
from fuzz.explore import Target, UnfitError
from nampedal.converter.listening import test_signals
from nampedal.converter.nam import nam_file
from nampedal.converter.rounding.tier_conversion import convert
from nampedal.converter.tflite.tflite_writer import write
from nampedal.firmware.audio import impulse_response
from nampedal.firmware.base.errors import NampedalError
from nampedal.firmware.base.files import signature
from nampedal.firmware.base.files.signature import UPDATE
from nampedal.firmware.engine import _engine, artifact, litert_engine, tflite_artifact
from nampedal.firmware.engine.capture import Calibration
from nampedal.firmware.presets.banks import bank_file
from nampedal.firmware.presets.chain import Chain
from nampedal.firmware.presets.preset import Nam, Preset
from nampedal.firmware.presets.quality import QualityLevel
from nampedal.firmware.system.flash.bmap import parse_bmap
from nampedal.firmware.system.flash.image_reader import read_image
from nampedal.firmware.system.image import mbr
from nampedal.firmware.system.update.image_file import parse_partitions
from nampedal.firmware.system.update.wheel import read_wheel, replace_in, unmet
from support.makers import disk_image, nam_maker, signing_keys, system_maker
from support.makers.bank_maker import make_bank
from support.makers.tflite_maker import AlignedBuffer
from support.rigs import update_rig

CALIBRATE = (test_signals.plucks(8000, 0.5), Calibration("half a second", -3.0, "nobody knows"))
RATE_HZ = 48_000.0


def nams() -> list[nam_maker.Nam]:
    """One of each architecture, and some that mix their options; an LSTM that is at rest soon."""
    return [
        *(nam_maker.linear(taps=5, bias=True), nam_maker.convnet(), nam_maker.lstm(layers=2), nam_maker.a1()),
        nam_maker.container((0.5, nam_maker.a1((2, 1), (1,))), (1.0, nam_maker.a1((4, 2), (1,)))),
        *(nam_maker.random_wavenet(seed) for seed in range(6)),
    ]


def artifacts(folder: Path) -> list[bytes]:
    """Each of `nams` at the lowest rate, in float32 and int8, and one whose numbers are the largest that there are."""
    found = []
    for nam in nams():
        # A half second of silence is an LSTM's rest.
        _set_rate(nam, 8000)
        capture = nam_file.read(nam_maker.write(folder / "one.nam", nam))
        found += [artifact.pack(convert(capture, precision, CALIBRATE)) for precision in ("f32", "w8")]
    loud = {**nam_maker.linear(taps=3), "weights": [3e38, -3e38, 3e38]}
    return [*found, artifact.pack(nam_file.read(nam_maker.write(folder / "one.nam", loud)))]


def _set_rate(nam: nam_maker.Nam, rate: int) -> None:
    nam["sample_rate"] = rate
    config = nam["config"]
    inner = [one["model"] for one in config.get("submodels", [])]
    for one in [*inner, *([config["condition_dsp"]] if "condition_dsp" in config else [])]:
        _set_rate(one, rate)


def _nam_seeds(folder: Path) -> list[bytes]:
    return [nam_maker.write(folder / "one.nam", nam).read_bytes() for nam in nams()]


def _read_nam(folder: Path) -> Callable[[bytes], object]:
    path = folder / "one.nam"

    def run(data: bytes) -> None:
        path.write_bytes(data)
        # What is read is played as an artifact.
        _engine.Artifact.from_bytes(artifact.pack(nam_file.read(path)), "packed")

    return run


# ---- artifacts ----


def _unpack_stomp(data: bytes) -> Any:
    return stomp.ArtifactT.InitFromObj(stomp.Artifact.GetRootAs(data, 0))


def _pack(identifier: bytes) -> Callable[[Any], bytes]:
    def pack(root: Any) -> bytes:
        builder = Builder(1024)
        builder.Finish(root.Pack(builder), identifier)
        return bytes(builder.Output())

    return pack


def _artifact_seeds(folder: Path) -> list[bytes]:
    found = artifacts(folder)
    for metadata in (b"[" * 4000, b'{"loudness": 1e300}', b'{"input_level_dbu": NaN, "output_level_dbu": -Infinity}'):
        root = _unpack_stomp(found[0][:-4])
        root.source.metadata = metadata
        found.append(tflite_artifact.add_checksum(_pack(b"STMP")(root)))
    huge = _unpack_stomp(found[0][:-4])
    huge.source.metadata = b'{"input_level_dbu": ' + b"9" * 400 + b"}"
    huge.tiers[0].proof = stomp.ProofT()
    huge.tiers[0].proof.loudnessLufs = -7000.0
    return [*found, tflite_artifact.add_checksum(_pack(b"STMP")(huge))]


def _play_artifact(folder: Path) -> Callable[[bytes], object]:
    path = folder / "amp.stomp"
    preset = Preset("One", (Nam("amp.stomp"),), loudness_lufs=-20.0)
    sound = np.tile(np.asarray([0.3, -0.3, 0.0, 1.0], np.float32), 16)[np.newaxis]

    def run(data: bytes) -> None:
        path.write_bytes(data)
        artifact.read(path)
        chain = Chain.prepare(preset, folder, sample_rate=RATE_HZ, max_frames=64, full_scale_dbu=12.0)
        chain.reset_to(QualityLevel(0))
        out = np.empty_like(sound)
        chain.native.process(sound, out)
        if not np.isfinite(out).all():
            raise UnfitError("what a chain plays is not finite")

    return run


# ---- tflite ----


def _pack_tflite(root: Any) -> bytes:
    """With the alignment that our files have, which is checked."""
    root.buffers = [AlignedBuffer(data=buffer.data) for buffer in root.buffers]
    return _pack(tflite_artifact.IDENTIFIER)(root)


def _with_rate(model: bytes, rate: bytes) -> bytes:
    """With another sample rate in its metadata."""
    root = schema.ModelT.InitFromPackedBuf(model[:-4], 0)
    (told,) = (entry for entry in root.metadata if entry.name == tflite_artifact.ENTRY.encode())
    entry = bytes(root.buffers[told.buffer].data)
    root.buffers[told.buffer].data = np.frombuffer(entry.replace(b"48000", rate), np.uint8)
    return tflite_artifact.add_checksum(_pack_tflite(root))


def _tflite_seeds(folder: Path) -> list[bytes]:
    """What the converter writes: only graphs like these get as far as LiteRT."""
    found = []
    for nam in (nam_maker.linear(taps=5, bias=True), nam_maker.lstm(), nam_maker.a1((2, 1), (1,)), nam_maker.convnet()):
        network = nam_file.read(nam_maker.write(folder / "x.nam", nam)).tiers[0].network
        made = write(network, sample_rate=RATE_HZ, block=16, mode="weights", calibration=CALIBRATE[0], facts={})
        found.append(made.data)
    return [*found, _with_rate(found[0], b"9" * 400)]


def _read_tflite(folder: Path) -> Callable[[bytes], object]:
    path = folder / "one.tflite"

    def run(data: bytes) -> None:
        path.write_bytes(data)
        tflite_artifact.read(path)

    return run


def _play_tflite(folder: Path) -> Callable[[bytes], object]:
    path = folder / "one.tflite"

    def run(data: bytes) -> None:
        path.write_bytes(data)
        file = tflite_artifact.read(path)
        most = 64 if file.any_block else None
        engine = litert_engine.prepare(
            path, sample_rate=file.sample_rate, prewarm_frames=min(file.prewarm_frames, 4096), max_frames=most
        )
        engine.render(np.zeros((64, engine.in_channels), np.float32))

    return run


# ---- cabinets ----


def _cabinets(folder: Path) -> list[bytes]:
    found = []
    kinds = (
        ("WAV", "PCM_16"),
        ("WAV", "FLOAT"),
        ("WAV", "PCM_24"),
        ("AIFF", "PCM_16"),
        ("FLAC", "PCM_16"),
        ("OGG", "VORBIS"),
    )
    for kind, coding in kinds:
        out = io.BytesIO()
        soundfile.write(out, np.r_[1.0, 0.3, np.zeros(300)], 44_100, subtype=coding, format=kind)
        found.append(out.getvalue())
    # Silence packs well: eight seconds of eight channels.
    out = io.BytesIO()
    soundfile.write(out, np.zeros((8 * 384_000, 8), np.int16), 384_000, subtype="PCM_16", format="FLAC")
    flac = next(data for data, (kind, _) in zip(found, kinds, strict=True) if kind == "FLAC")
    return [*found, flac[:-100], out.getvalue()]


def _read_cabinet(folder: Path) -> Callable[[bytes], object]:
    path = folder / "one.wav"

    def run(data: bytes) -> None:
        path.write_bytes(data)
        taps = impulse_response.read(path, RATE_HZ).taps
        if not np.isfinite(taps).all():
            raise UnfitError("a tap is not finite")

    return run


# ---- bank files ----


def _bank_files(folder: Path) -> list[bytes]:
    bank_file.export_bank(make_bank(folder / "bank"), folder / "one.nampedal-bank")
    whole = (folder / "one.nampedal-bank").read_bytes()
    # Says that a member is small, and unpacks it to 320 MiB.
    bomb = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(whole)) as archive, zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as out:
        for name in archive.namelist():
            if name != "bank/amp.stomp":
                out.writestr(name, archive.read(name))
        with out.open("bank/amp.stomp", "w", force_zip64=True) as member:
            for _ in range(320):
                member.write(bytes(1 << 20))
    return [whole, bomb.getvalue()]


def _import_bank(folder: Path) -> Callable[[bytes], object]:
    path, banks = folder / "one.nampedal-bank", folder / "banks"

    def run(data: bytes) -> None:
        shutil.rmtree(banks, ignore_errors=True)
        banks.mkdir()
        path.write_bytes(data)
        try:
            bank_file.import_bank(path, banks)
        except NampedalError:
            if any(banks.iterdir()):
                raise UnfitError("something is left of a bank that was refused") from None
            raise
        if [one.name for one in folder.iterdir() if one not in (path, banks)]:
            raise UnfitError("a bank has written outside of its folder")

    return run


def _in_bank(name: str) -> mutators.Mutator:
    if name.endswith(".toml"):
        return mutators.toml
    return mutators.sealed(mutators.words) if name.endswith(".stomp") else mutators.havoc


# ---- images ----


def _table(folder: Path) -> list[bytes]:
    parts = [(0x0C, 2048), (0x83, 8192), (0x83, 16_384), (0x83, 32_768)]
    return [mbr.pack(0xDEADBEEF, [mbr.Partition(start, 2048, kind) for kind, start in parts])]


def _read_table(data: bytes) -> None:
    mbr.unpack(data)
    parse_partitions("a.img", data)


def _images(folder: Path) -> list[bytes]:
    """Each a zip of an image and what lies beside it."""
    found = []
    plain = disk_image.image_bytes()[: 64 << 10]
    for name in ("one.img", "one.img.xz", "one.img.zst"):
        path = disk_image.write_image(folder / name, plain)
        disk_image.write_sum(path)
        (folder / "one.img.bmap").write_bytes(disk_image.bmap_bytes(plain))
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            for one in (path, folder / f"{name}.sha256", folder / "one.img.bmap"):
                archive.write(one, one.name)
        found.append(out.getvalue())
    return found


def _mend_sum(members: dict[str, bytes]) -> None:
    for name in [one for one in members if one.endswith(".sha256")]:
        packed = name.removesuffix(".sha256")
        members[name] = f"{sha256(members.get(packed, b'')).hexdigest()}  {packed}\n".encode()


@contextmanager
def _silently(what: str) -> Iterator[Callable[[int, int], None]]:
    yield lambda done, total: None


def _read_image(folder: Path) -> Callable[[bytes], object]:
    def run(data: bytes) -> None:
        shutil.rmtree(folder)
        folder.mkdir()
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                members = {Path(name).name: archive.read(name) for name in archive.namelist()}
        except Exception:
            # That a zip is none is no matter of images.
            return
        for name, contents in members.items():
            if name.startswith("one.img") and len(name) < 99:
                (folder / name).write_bytes(contents)
        for path in sorted(folder.iterdir()):
            if path.suffix not in (".sha256", ".bmap"):
                read_image(path, _silently)

    return run


# ---- updates ----

WHEEL = "nampedal-0.2.0-py3-none-any.whl"


def _wheels(folder: Path) -> list[bytes]:
    path = update_rig.make_wheel(folder, requires=["numpy>=1.26", "gone; extra == 'pedal'"])
    return [path.read_bytes(), system_maker.make_wheel(folder / "other", "numpy").read_bytes()]


def _read_wheel(folder: Path) -> Callable[[bytes], object]:
    path, packages = folder / WHEEL, folder / "packages"

    def run(data: bytes) -> None:
        path.write_bytes(data)
        wheel = read_wheel(update_rig.pin(path))
        unmet(wheel.requires, [folder])
        shutil.rmtree(packages, ignore_errors=True)
        (packages / "nampedal").mkdir(parents=True)
        replace_in(packages, wheel)
        if {one.name for one in folder.iterdir()} != {WHEEL, "packages"}:
            raise UnfitError("a wheel has written outside of its folder")

    return run


def _signatures(folder: Path) -> list[bytes]:
    signed = folder / "one"
    signed.write_bytes(b"data")
    found = signature.sign(signed, signing_keys.maker(), UPDATE).read_bytes()
    return [found, signing_keys.maker_public().line().encode(), signing_keys.maker().read_bytes()]


def _read_signature(folder: Path) -> Callable[[bytes], object]:
    path, keys = folder / "one", folder / "keys.pub"

    def run(data: bytes) -> None:
        keys.write_bytes(data)
        signature.signature_path(path).write_bytes(data)
        lines = signature.read_trusted([keys])
        signature.names_in(lines)
        with suppress(NampedalError):
            signature.read_public_key(keys, "somebody")
        trusted = [signing_keys.maker_public().line().strip()]
        signature.check(path, [b"data"], signature.read_signature(path), trusted, UPDATE)

    return run


def _bmaps(folder: Path) -> list[bytes]:
    entities = b'<?xml version="1.0"?><!DOCTYPE b [<!ENTITY a "aaaaaaaaaa">' + b"".join(
        b'<!ENTITY a%d "%s">' % (i, b"&a%d;" % (i - 1) * 10 if i else b"&a;" * 10) for i in range(8)
    )
    return [disk_image.bmap_bytes(disk_image.image_bytes()), entities + b"]><bmap>&a7;</bmap>"]


TARGETS = (
    Target("nam", _nam_seeds, _read_nam, mutators.json_text, 1 << 20),
    Target(
        *("artifact", _artifact_seeds, _play_artifact),
        mutators.sealed(mutators.tables(_unpack_stomp, _pack(b"STMP"), mutators.json_text)),
        slow=2,
    ),
    Target(
        *("tflite", _tflite_seeds, _read_tflite),
        mutators.sealed(
            mutators.tables(lambda data: schema.ModelT.InitFromPackedBuf(data, 0), _pack_tflite, mutators.json_text)
        ),
    ),
    Target("litert", lambda folder: _tflite_seeds(folder)[:-1], _play_tflite, mutators.sealed(mutators.words), slow=2),
    Target("cabinet", _cabinets, _read_cabinet, mutators.havoc, 1 << 18, slow=4),
    Target(
        *("bank-file", _bank_files, _import_bank),
        mutators.zipped(_in_bank, mutators.mend_manifest),
        *(1 << 20, 10),
    ),
    Target("partitions", _table, lambda folder: _read_table, mutators.havoc),
    Target("bmap", _bmaps, lambda folder: lambda data: parse_bmap(Path("a.bmap"), data), mutators.havoc),
    Target("image", _images, _read_image, mutators.zipped(lambda name: mutators.havoc, _mend_sum), slow=2),
    Target("wheel", _wheels, _read_wheel, mutators.zipped(lambda name: mutators.havoc), slow=2),
    Target("signature", _signatures, _read_signature, mutators.havoc, slow=10),
)
