from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from nampedal.firmware.engine import artifact
from nampedal.firmware.engine.inference import isas
from nampedal.firmware.engine.network import WaveNet
from support.makers import nam_maker

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def amp(tmp_path: Path) -> Path:
    nam = nam_maker.a1()
    nam["metadata"] = {
        "name": "Plexi [1968]",
        "modeled_by": "someone",
        "gear_make": "Acme",
        "gear_model": "Fifty",
        "gear_type": "amp",
        "tone_type": "crunch",
        "loudness": -17.25,
        "input_level_dbu": 12.5,
    }
    return nam_maker.write(tmp_path / "amp.nam", nam)


@pytest.fixture
def dry(tmp_path: Path) -> Path:
    path = tmp_path / "dry.wav"
    soundfile.write(path, 0.5 * np.sin(np.arange(4800) * 0.05), 48_000)
    return path


def test_convert_writes_an_artifact_beside_the_capture(nampedal: Run, amp: Path) -> None:
    done = nampedal("convert", amp)
    assert done.returncode == 0, done.stderr
    first, second, *rest = done.stdout.splitlines()
    size = amp.with_suffix(".stomp").stat().st_size
    assert first == f"{amp.with_suffix('.stomp')}: w8, {size:,} bytes ({amp.stat().st_size:,} as .nam)"
    assert second.startswith("  tier 0: ESR ")
    assert second.endswith(" dBFS")
    assert [line.split(":")[0].split(" on ")[0].split(" with ")[0].strip() for line in rest] == [
        "measured against the original",
        "calibrated",
        "int8",
        "float16",
        "float32",
    ]


@pytest.mark.long
@pytest.mark.parametrize("suffix", [".html", ".md"])
def test_convert_writes_a_report_of_the_demo(nampedal: Run, root: Path, tmp_path: Path, suffix: str) -> None:
    report = tmp_path / f"report{suffix}"
    demo = root / "demo" / "overdriven-amp.nam"
    done = nampedal("convert", demo, "-o", "amp.stomp", "--report", report.name)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == f"{report.name}: the report, {report.stat().st_size:,} bytes"
    text = report.read_text()
    assert "Very unlikely." in text
    assert "is an excellent match. Its error is" in text.replace("\N{NO-BREAK SPACE}", " ")
    assert "Overdriven amp (simulated)" in text
    assert hashlib.sha256(demo.read_bytes()).hexdigest() in text
    assert {path.name for path in tmp_path.iterdir()} == {"amp.stomp", report.name}


def test_a_report_is_not_overwritten_without_force_nor_written_alone(nampedal: Run, amp: Path, tmp_path: Path) -> None:
    (tmp_path / "r.md").write_text("precious")
    done = nampedal("convert", amp, "--report", "r.md")
    assert (done.returncode, done.stderr) == (2, "nampedal: r.md: is there already; --force overwrites it\n")
    assert (tmp_path / "r.md").read_text() == "precious"
    assert not amp.with_suffix(".stomp").exists()
    assert nampedal("convert", amp, "--report", "r.md", "--force").returncode == 0
    assert (tmp_path / "r.md").read_text().startswith("# Plexi \\[1968\\]\n")


def test_a_report_plays_the_users_own_recordings(nampedal: Run, amp: Path, dry: Path) -> None:
    listen = ("--listen", dry, "--listen-from", "0.05")
    done = nampedal("convert", amp, "--precision", "f32", "--report", "r.html", *listen)
    assert done.returncode == 0, done.stderr
    page = (amp.parent / "r.html").read_text()
    assert "Your own playing: dry.wav, 0:00 to 0:00." in page
    assert f"dry.wav, SHA-256 {hashlib.sha256(dry.read_bytes()).hexdigest()}" in page
    assert "--listen-from 0.05" in page


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (
            ["--report", "r.html", "--listen", "dry.wav", "--listen-from", "3"],
            "dry.wav: lasts 0.1 s; begin before its end, not at 3 s",
        ),
        (["--report", "r.html", "--listen", "no.wav"], "no.wav: can't be read: no such file or directory"),
        (
            ["--report", "r.md", "--listen", "dry.wav"],
            "--listen does nothing here: it is for a .html report; add --report FILE.html, or leave it out. "
            "Try 'nampedal convert --help'.",
        ),
        (
            ["--report", "r.html", "--listen-from", "3"],
            "--listen-from does nothing here: it is for --listen; name a recording, or leave it out. "
            "Try 'nampedal convert --help'.",
        ),
    ],
)
def test_what_can_not_be_listened_to_is_said_in_one_line(
    nampedal: Run, amp: Path, dry: Path, arguments: list[str], error: str
) -> None:
    done = nampedal("convert", amp, *arguments)
    assert (done.returncode, done.stderr) == (2, f"nampedal: {error}\n")
    assert {path.name for path in amp.parent.iterdir()} == {amp.name, dry.name}


def test_nothing_is_overwritten_without_force(nampedal: Run, amp: Path, tmp_path: Path, dry: Path) -> None:
    for arguments in (("convert", amp, "-o", "out.stomp"), ("render", amp, dry, "out.wav")):
        target = tmp_path / str(arguments[-1])
        target.write_text("precious")
        done = nampedal(*arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == f"nampedal: {target.name}: is there already; --force overwrites it\n"
        assert target.read_text() == "precious"
        assert nampedal(*arguments, "--force").returncode == 0
        assert target.read_bytes() != b"precious"


def test_a_failed_command_leaves_what_was_there(nampedal: Run, amp: Path, tmp_path: Path) -> None:
    (tmp_path / "out.wav").write_text("precious")
    (tmp_path / "noise.wav").write_bytes(b"RIFF no wav at all")
    done = nampedal("render", amp, "noise.wav", "out.wav", "--force")
    assert done.returncode == 2
    assert done.stderr.startswith("nampedal: noise.wav: can't be read as audio: ")
    assert len(done.stderr.splitlines()) == 1
    assert (tmp_path / "out.wav").read_text() == "precious"
    assert {p.name for p in tmp_path.iterdir()} == {"amp.nam", "noise.wav", "out.wav"}


def test_inspect_tells_what_a_capture_is(nampedal: Run, amp: Path) -> None:
    lines = [" ".join(line.split()) for line in nampedal("inspect", amp).stdout.splitlines()]
    assert lines[:3] == [
        "capture amp.nam",
        f"format WaveNet, .nam version 0.7.0, f32, {amp.stat().st_size:,} bytes",
        "name Plexi [1968]",
    ]
    assert "made by someone" in lines
    assert "gear Acme Fifty, amp, crunch" in lines
    assert "sample rate 48000 Hz" in lines
    assert "loudness -17.2 dB" in lines
    assert "input level 12.5 dBu at 0 dBFS" in lines
    assert "output level not stated" in lines
    # MACs: 4 + 3 * (48 + 4 + 16) + 8 and 8 + 3 * (12 + 2 + 4) + 2. Frames: 1 + 2 * 2 * (1 + 2 + 4).
    assert lines[-1] == "0 WaveNet 4/2 318 280 0.6 ms"


def test_a_size_that_is_no_sound_network_is_left_out_by_every_command(nampedal: Run, tmp_path: Path, dry: Path) -> None:
    slim = {"method": "slice_channels_uniform"}
    first = {**nam_maker.ARRAY, "channels": 2, "slimmable": slim}
    first["head"] = {"out_channels": 2, "kernel_size": 1, "bias": False}
    second = {**nam_maker.ARRAY, "input_size": 2, "channels": 2, "slimmable": slim}
    second["head1x1"] = {"active": True, "out_channels": 2, "groups": 1}
    nam_maker.write(tmp_path / "slim.nam", nam_maker.wavenet([first, second], scale=1.0))
    why = "its size of 1/1 channels is left out: layers[1] adds 2 channels to the head, and the array before hands it 1"
    told = nampedal("inspect", "slim.nam").stdout.splitlines()
    assert f"left out        {why}" in told
    assert f"  {why}" in nampedal("convert", "slim.nam").stdout.splitlines()
    for file in ("slim.nam", "slim.stomp"):
        assert nampedal("render", file, dry, "out.wav", "--force").returncode == 0
        assert len(json.loads(nampedal("inspect", file, "--json").stdout)["tiers"]) == 1


def test_inspect_tells_that_a_sample_rate_is_not_stated(nampedal: Run, tmp_path: Path) -> None:
    nam = nam_maker.a1() | {"sample_rate": -1}
    told = nampedal("inspect", nam_maker.write(tmp_path / "amp.nam", nam)).stdout.splitlines()
    assert "sample rate     not stated; played at 48000 Hz" in told


def test_inspect_json_is_the_same_for_capture_and_artifact(nampedal: Run, amp: Path) -> None:
    nampedal("convert", amp, "--precision", "f32")
    capture = json.loads(nampedal("inspect", amp, "--json").stdout)
    stored = json.loads(nampedal("inspect", amp.with_suffix(".stomp"), "--json").stdout)
    assert capture["tiers"][0]["receptive_field_frames"] == 29
    assert capture["loudness_db"] == -17.25
    different = {key for key in capture if capture[key] != stored[key]}
    assert different == {"file", "kind", "bytes", "tiers", "golden_frames"}
    for tier in capture["tiers"], stored["tiers"]:
        for key in ("proof", "golden_tolerance"):
            del tier[0][key]
    assert capture["tiers"] == stored["tiers"]


def test_render_of_capture_and_float_artifact_are_the_same(nampedal: Run, amp: Path, dry: Path, tmp_path: Path) -> None:
    nampedal("convert", amp, "--precision", "f32")
    done = nampedal("render", amp, dry, "a.wav")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("a.wav: 0.1 s, mono, 48000 Hz, peak ")
    nampedal("render", amp.with_suffix(".stomp"), dry, "b.wav")
    # Not their bytes: a float WAV says when its peak was written.
    a, b = (soundfile.read(tmp_path / name, dtype="float32")[0] for name in ("a.wav", "b.wav"))
    assert np.array_equal(a, b)
    info = soundfile.info(tmp_path / "a.wav")
    assert (info.subtype, info.frames, info.samplerate) == ("FLOAT", 4800, 48_000)


def test_bench_names_its_kernels_and_measures_four_blocks(nampedal: Run, amp: Path) -> None:
    done = nampedal("bench", amp, "--seconds", "0.5", "--isa", "scalar")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "measured on this machine, scalar kernels, 5 x 0.5 s of plucked notes"
    assert [line.split()[0] for line in lines[2:]] == ["16", "32", "64", "128"]
    assert all(float(line.split()[1]) > 0 for line in lines[2:])


def test_verify_passes_what_is_whole_and_fails_what_is_not(nampedal: Run, amp: Path, tmp_path: Path) -> None:
    nampedal("convert", amp)
    good = nampedal("verify", "amp.stomp", "--isa", "scalar")
    assert good.returncode == 0, good.stderr
    assert good.stdout.startswith("amp.stomp: tier 0: pass: differs by ")
    assert good.stdout.endswith(" allowed (scalar kernels)\n")
    capture = artifact.read(tmp_path / "amp.stomp")
    assert isinstance(capture.tiers[0].network, WaveNet)
    louder = replace(capture.tiers[0], network=replace(capture.tiers[0].network, head_scale=0.021))
    (tmp_path / "amp.stomp").write_bytes(artifact.pack(replace(capture, tiers=(louder,))))
    bad = nampedal("verify", "amp.stomp")
    assert bad.returncode == 1
    assert bad.stdout.startswith("amp.stomp: tier 0: FAIL: differs by ")


def test_compare_measures_models_recordings_and_both(nampedal: Run, amp: Path, dry: Path, tmp_path: Path) -> None:
    nampedal("convert", amp)
    models = nampedal("compare", amp, "amp.stomp")
    assert models.returncode == 0, models.stderr
    assert "harmonic" in models.stdout
    nampedal("render", amp, dry, "a.wav")
    nampedal("render", "amp.stomp", dry, "b.wav")
    files = json.loads(nampedal("compare", "a.wav", "b.wav", "--json").stdout)
    mixed = json.loads(nampedal("compare", "a.wav", "amp.stomp", "--on", dry, "--json").stdout)
    assert files["tones"] == []
    assert files["channels"][0]["esr"] == pytest.approx(mixed["channels"][0]["esr"], rel=1e-3)
    assert 0.0 < files["channels"][0]["esr"] < 1e-2


def test_compare_undoes_delay_gain_and_polarity_when_asked(nampedal: Run, tmp_path: Path) -> None:
    noise = np.random.default_rng(1).standard_normal(48_000) * 0.1
    soundfile.write(tmp_path / "a.wav", noise, 48_000, "FLOAT")
    soundfile.write(tmp_path / "b.wav", -0.5 * np.concatenate([np.zeros(48), noise[:-48]]), 48_000, "FLOAT")
    done = nampedal("compare", "a.wav", "b.wav", "--align")
    assert "undone: B is 1.000 ms later, -6.02 dB louder, upside down" in done.stdout
    found = json.loads(nampedal("compare", "a.wav", "b.wav", "--align", "--json").stdout)
    assert found["alignments"][0]["delay_frames"] == pytest.approx(48.0, abs=1e-3)
    assert found["channels"][0]["esr"] < 1e-6


@pytest.mark.long
def test_a_tflite_is_written_told_of_played_and_compared(nampedal: Run, amp: Path, dry: Path, tmp_path: Path) -> None:
    done = nampedal("convert", amp, "-o", "amp.tflite")
    assert done.returncode == 0, done.stderr
    size = (tmp_path / "amp.tflite").stat().st_size
    assert done.stdout.startswith(f"amp.tflite: TFLite weights, w8, {size:,} bytes")
    nampedal("convert", amp)
    told = json.loads(nampedal("inspect", "amp.tflite", "--json").stdout)
    digest = hashlib.sha256((tmp_path / "amp.stomp").read_bytes()).hexdigest()
    assert (told["stomp_sha256"], told["mode"], told["block"], told["tier"]) == (digest, "weights", 64, 0)
    assert told["name"] == "Plexi [1968]"
    assert "5 heap allocations" in nampedal("inspect", "amp.tflite").stdout
    assert nampedal("render", "amp.stomp", dry, "amp.stomp.wav", "--exact").returncode == 0
    assert nampedal("render", "amp.tflite", dry, "amp.tflite.wav").returncode == 0
    same = json.loads(nampedal("compare", "amp.stomp.wav", "amp.tflite.wav", "--json").stdout)
    assert same["channels"][0]["esr"] < 1e-9
    models = json.loads(nampedal("compare", amp, "amp.tflite", "--exact", "--json").stdout)
    assert models["channels"][0]["esr"] == pytest.approx(told["tiers"][0]["proof"]["esr"], rel=1e-3)


@pytest.mark.long
def test_int8_says_what_it_costs(nampedal: Run, root: Path, tmp_path: Path) -> None:
    done = nampedal("convert", root / "demo" / "overdriven-amp.nam", "-o", "amp.tflite", "--tflite-mode", "int8")
    assert done.returncode == 0, done.stderr
    assert "  float activations in 0 of 20 layers, int8 in the others" in done.stdout.splitlines()
    assert done.stdout.splitlines()[-1].startswith("  int8 activations cost this much: ")


ISAS = ", ".join(isas())


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["inspect", "gone.nam"], "gone.nam: can't be read: no such file or directory"),
        (["inspect", "gone.stomp"], "gone.stomp: can't be read: no such file or directory"),
        (["render", "amp.nam", "gone.wav", "o.wav"], "gone.wav: can't be read: no such file or directory"),
        (["render", "amp.nam", "/dev", "o.wav"], "/dev: can't be read: is a directory"),
        (["render", "amp.nam", "/dev/null", "o.wav"], "/dev/null: can't be read: is no plain file"),
        (["inspect", "/dev"], "/dev: can't be read: is a directory"),
        (["inspect", "/dev/null"], "/dev/null: can't be read: is no plain file"),
        (
            ["render", "amp.nam", "-", "o.wav"],
            "Invalid value for 'IN.wav': standard input and output are not supported; name a file, and one that is"
            " called - as ./-",
        ),
        (
            ["inspect", "-"],
            "Invalid value for 'FILE': standard input and output are not supported; name a file, and one that is called"
            " - as ./-",
        ),
        (["render", "amp.nam", "dry.wav", "dry.wav", "--force"], "dry.wav: is the input itself; name another output"),
        (["render", "amp.nam", "dry.wav", "no/o.wav"], "no/o.wav: can't be written: no is no folder"),
        (
            ["render", "amp.nam", "dry.wav", "o.txt"],
            "o.txt: is no audio file name that can be written; write one of wav, flac, ogg, mp3, aiff, w64, caf, au,"
            " avr, htk, ircam, mat4, mat5, mpc2k, nist, paf, pvf, raw, rf64, sd2, sds, svx, voc, wavex, wve, xi",
        ),
        (
            ["render", "amp.nam", "dry.wav", "o.flac", "--subtype", "FLOAT"],
            "o.flac: --subtype is FLOAT; FLAC takes PCM_16, PCM_24, PCM_S8",
        ),
        (["render", "amp.nam", "dry.wav", "o.wav", "--tier", "3"], "amp.nam: no tier 3; it has 0 (full)"),
        (["bench", "amp.nam", "--isa", "mmx"], f"isa is 'mmx'; this CPU runs: {ISAS}"),
        (
            ["convert", "amp.nam", "--precision", "w4"],
            "Invalid value for '--precision': 'w4' is not one of 'w8', 'f32'.",
        ),
        (
            ["convert", "amp.nam", "-o", "o.tflite", "--block", "9000"],
            "block: is 9000 frames; this network takes 1 to 8192 in a .tflite",
        ),
        (["convert", "amp.nam", "-o", "o.tflite", "--tier", "1"], "amp.nam: no tier 1; it has 0 (full)"),
        (["inspect", "gone.tflite"], "gone.tflite: can't be read: no such file or directory"),
        (["render", "gone.tflite", "dry.wav", "o.wav"], "gone.tflite: can't be read: no such file or directory"),
        (
            ["convert", "amp.nam", "--calibrate", "gone.wav"],
            "gone.wav: can't be read: no such file or directory",
        ),
        (["verify", "amp.nam"], "amp.nam: is not a .stomp artifact: the file identifier 'STMP' is missing"),
        (
            ["compare", "dry.wav", "amp.nam"],
            "amp.nam: a recording and a model are compared by what was played: give it as --on",
        ),
        (
            ["compare", "dry.wav", "dry.wav", "--on", "dry.wav"],
            "dry.wav: --on is for models; two recordings are compared as they are",
        ),
        (["compare", "dry.wav", "gone.nam"], "gone.nam: can't be read: no such file or directory"),
        (["convert", "amp.nam", "--report", "r.pdf"], "r.pdf: ends in .pdf; a report is written as .html or .md"),
        (
            ["convert", "amp.nam", "-o", "amp.tflite", "--report", "r.md"],
            "amp.tflite: --report is for a .stomp; convert to one, or leave --report away",
        ),
        (["convert"], "Missing argument 'IN.nam...'. Try 'nampedal convert --help'."),
        (["perform"], "No such command 'perform'. Try 'nampedal --help'."),
    ],
)
def test_every_mistake_is_one_line_and_exit_code_2(
    nampedal: Run, amp: Path, dry: Path, arguments: list[str], text: str
) -> None:
    assert amp.exists()
    assert dry.exists()
    done = nampedal(*arguments)
    assert done.returncode == 2
    assert done.stderr.startswith(f"nampedal: {text}"), done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_verbose_shows_the_traceback_too(nampedal: Run) -> None:
    done = nampedal("inspect", "gone.nam", "--verbose")
    assert done.returncode == 2
    assert "Traceback (most recent call last):" in done.stderr
    assert done.stderr.splitlines()[-1] == "nampedal: gone.nam: can't be read: no such file or directory"


@pytest.mark.parametrize("command", ["convert", "inspect", "verify", "compare", "render", "bench", "completion"])
def test_help_shows_examples(nampedal: Run, command: str) -> None:
    done = nampedal(command, "--help")
    assert done.returncode == 0
    assert "Examples:" in done.stdout
    assert f"nampedal {command}" in done.stdout.split("Examples:")[1]


def test_the_shell_completes_commands(tmp_path: Path) -> None:
    words = {"COMP_WORDS": "nampedal in", "COMP_CWORD": "1", "_NAMPEDAL_COMPLETE": "bash_complete"}
    done = subprocess.run(
        [sys.executable, "-m", "nampedal.firmware.cli"],
        env={**os.environ, **words},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "plain,inspect\nplain,install\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script(nampedal: Run, shell: str) -> None:
    done = nampedal("completion", shell)
    assert done.returncode == 0
    assert "_NAMPEDAL_COMPLETE" in done.stdout


def test_an_output_that_can_not_be_written_is_named(nampedal: Run, amp: Path, tmp_path: Path) -> None:
    (tmp_path / "folder.stomp").mkdir()
    done = nampedal("convert", amp, "-o", "folder.stomp", "--force")
    assert done.returncode == 2
    assert done.stderr == "nampedal: folder.stomp: can't be written: is a directory\n"
    assert not list(tmp_path.glob(".*"))


def test_bench_measures_a_tflite_through_litert(nampedal: Run, amp: Path) -> None:
    nampedal("convert", amp, "-o", "amp.tflite")
    done = nampedal("bench", "amp.tflite", "--seconds", "0.5")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("measured on this machine, litert 2.3.0 kernels")
    assert [line.split()[0] for line in done.stdout.splitlines()[2:]] == ["16", "32", "64", "128"]
