"""What `import nampedal` gives: the sound, files and figures of the commands, arrays in and out, errors in a line."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nampedal
import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray
from support.makers import nam_maker

Command = Callable[..., subprocess.CompletedProcess[str]]
Audio = NDArray[np.float32]
RATE = 48_000


@pytest.fixture
def nampedal_command(request: pytest.FixtureRequest) -> Command:
    """Return the fixture `nampedal` under a name that does not hide the module."""
    found: Command = request.getfixturevalue("nampedal")
    return found


@pytest.fixture(scope="module")
def amp(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return nam_maker.write(tmp_path_factory.mktemp("api") / "amp.nam", nam_maker.a1())


@pytest.fixture(scope="module")
def converted(amp: Path) -> nampedal.Conversion:
    return nampedal.convert(amp)


@pytest.fixture(scope="module")
def dry() -> Audio:
    rng = np.random.default_rng(1)
    return np.asarray(rng.uniform(-0.5, 0.5, 30_000), np.float32)


def test_all_its_names_are_there_and_typed() -> None:
    for name in nampedal.__all__:
        assert getattr(nampedal, name) is not None
    assert set(nampedal.__all__) <= set(dir(nampedal))
    with pytest.raises(AttributeError, match="module 'nampedal' has no attribute 'lode'"):
        _ = nampedal.lode  # type: ignore[attr-defined]


def test_its_homes_are_those_that_a_type_checker_reads() -> None:
    tree = ast.parse(Path(nampedal.__file__).read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If))
    typed = {
        alias.name: str(node.module).removeprefix("nampedal.")
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert typed == nampedal._HOMES
    assert {*typed, "__version__"} == set(nampedal.__all__)


def test_its_page_has_all_of_its_names(root: Path) -> None:
    page = (root / "docs" / "reference" / "api.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"^::: nampedal\.(\w+)$", page, re.MULTILINE)) == sorted(
        {*nampedal.__all__} - {"__version__"}
    )


def test_importing_it_imports_nothing_heavy() -> None:
    code = "import sys, nampedal; print([m for m in ('numpy', 'click', 'importlib.metadata') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_where_the_converter_is_missing_a_line_says_so() -> None:
    code = (
        "import sys; sys.modules['nampedal.converter'] = None\n"
        "import nampedal\n"
        "try: nampedal.load\n"
        "except nampedal.MissingPackageError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "nampedal.load: the converter is not on a pedal: use it on a computer\n"


@pytest.mark.parametrize("suffix", [".nam", ".stomp", ".tflite"])
def test_a_render_is_that_of_the_command(
    amp: Path, converted: nampedal.Conversion, dry: Audio, tmp_path: Path, nampedal_command: Command, suffix: str
) -> None:
    path = amp
    if suffix != ".nam":
        form = suffix.removeprefix(".")
        path = (converted if form == "stomp" else nampedal.convert(amp, format=form)).save(tmp_path / f"amp{suffix}")
    soundfile.write(tmp_path / "dry.wav", dry, RATE, subtype="FLOAT")
    done = nampedal_command("render", path, tmp_path / "dry.wav", tmp_path / "wet.wav")
    assert done.returncode == 0, done.stderr
    model = nampedal.load(path)
    assert model.format == suffix.removeprefix(".")
    assert np.array_equal(model.render(dry, RATE), soundfile.read(tmp_path / "wet.wav", dtype="float32")[0])


@pytest.mark.parametrize("rate", [44_100, 48_000, 96_000])
def test_shapes_and_rates_come_back_as_they_went_in(amp: Path, dry: Audio, rate: int) -> None:
    model = nampedal.load(str(amp))
    mono = model.render(dry, rate)
    assert mono.shape == dry.shape
    assert mono.dtype == np.float32
    stereo = model.render(np.stack([dry, 0.5 * dry], axis=1), rate)
    assert stereo.shape == (len(dry), 2)
    assert np.array_equal(stereo[:, 0], mono)
    assert np.array_equal(model.render(dry[:, None].astype(np.float64), rate)[:, 0], mono)
    assert model.render(dry[:0], rate).shape == (0,)


@pytest.mark.parametrize(
    ("dry", "rate", "text"),
    [
        (np.zeros(4, np.int16), 48_000, "dry: holds int16; floats are needed, with 1.0 for full scale"),
        (np.zeros((2, 2, 2)), 48_000, "dry: has shape (2, 2, 2); (frames,) or (frames, channels) is needed"),
        (np.zeros((2, 96)), 48_000, "dry: has shape (2, 96); (frames, channels) is needed: transpose it"),
        (np.zeros((4, 0)), 48_000, "dry: has shape (4, 0); (frames, channels) is needed: transpose it"),
        (np.full(4, np.nan), 48_000, "dry: holds infinite values or NaN; finite ones are needed"),
        (np.array([0.0, 1e300]), 48_000, "dry: holds infinite values or NaN; finite ones are needed"),
        ([[0.0], [0.0, 0.0]], 48_000, "dry: is no array; (frames,) or (frames, channels) is needed"),
        (np.float32(0.5), 48_000, "dry: has shape (); (frames,) or (frames, channels) is needed"),
        (["soft", "loud"], 48_000, "dry: holds <U4; floats are needed, with 1.0 for full scale"),
        (np.zeros(4), 0.0, "sample_rate: is 0 Hz; 1000 to 768000 Hz are allowed"),
        (np.zeros(4), np.nan, "sample_rate: is nan Hz; 1000 to 768000 Hz are allowed"),
    ],
)
def test_what_is_no_audio_is_refused(amp: Path, dry: Any, rate: float, text: str) -> None:
    with pytest.raises(nampedal.ArgumentError) as caught:
        nampedal.load(amp).render(dry, rate)
    assert str(caught.value) == text


def test_a_model_says_what_inspect_says(amp: Path, nampedal_command: Command) -> None:
    told = json.loads(nampedal_command("inspect", amp, "--json").stdout)
    model = nampedal.load(amp)
    assert dict(model.metadata) == {key: told[key] for key in model.metadata}
    assert model.sample_rate == told["sample_rate_hz"]
    (tier,) = model.tiers
    (facts,) = told["tiers"]
    assert (tier.name, tier.parameters, tier.macs_per_sample) == ("full", facts["parameters"], facts["macs_per_frame"])
    assert model.parameters == tier.parameters
    assert tier.metrics is None
    assert repr(model) == "<nampedal.Model 'amp': nam, 48000 Hz, full>"


def test_a_conversion_is_the_file_of_the_command(
    amp: Path, converted: nampedal.Conversion, tmp_path: Path, nampedal_command: Command
) -> None:
    done = nampedal_command("convert", amp, "-o", tmp_path / "command.stomp")
    assert done.returncode == 0, done.stderr
    saved = converted.save(tmp_path / "api.stomp")
    assert saved.read_bytes() == (tmp_path / "command.stomp").read_bytes() == bytes(converted)
    assert converted.metrics == nampedal.load(saved).tiers[0].metrics
    assert 0.0 < converted.metrics.esr < 1e-3


def test_nothing_is_written_under_another_name_or_over_another_file(
    converted: nampedal.Conversion, tmp_path: Path
) -> None:
    with pytest.raises(nampedal.ArgumentError) as wrong:
        converted.save(tmp_path / "amp.onnx")
    assert str(wrong.value) == f"{tmp_path}/amp.onnx: ends in .onnx; this conversion is a .stomp: convert with format="
    path = converted.save(tmp_path / "amp.stomp")
    with pytest.raises(nampedal.AlreadyExistsError) as taken:
        converted.save(path)
    assert str(taken.value) == f"{path}: is there already; overwrite=True replaces it"
    assert converted.save(path, overwrite=True) == path


def test_a_report_is_that_of_the_command(converted: nampedal.Conversion, amp: Path, tmp_path: Path) -> None:
    text = converted.report(tmp_path / "amp.md").read_text()
    assert text.startswith("# amp")
    with pytest.raises(nampedal.ArgumentError, match=r"amp\.pdf: ends in \.pdf; a report is written as \.html or \.md"):
        converted.report(tmp_path / "amp.pdf")


def test_progress_is_lines(amp: Path) -> None:
    told: list[str] = []
    nampedal.convert(amp, progress=told.append)
    assert told
    assert all(line and "\n" not in line for line in told)


def test_a_board_gets_the_size_that_fits(amp: Path) -> None:
    small = nampedal.convert(amp, board="zero-2-w", budget=30, minutes=0, max_esr=1)
    assert small.cost("zero-2-w").fits
    assert small.metrics == small.tiers[0].metrics
    assert small.default_tier == 0
    with pytest.raises(nampedal.ArgumentError) as caught:
        nampedal.convert(amp, board="zero")
    assert str(caught.value) == f"board: is 'zero'; {', '.join(nampedal.boards())} are allowed"


def test_what_is_slimmed_for_a_board_plays_as_on_that_board(amp: Path, dry: Audio) -> None:
    model = nampedal.load(amp)
    budget = 0.8 * model.cost("zero-2-w").at_most_percent
    small = nampedal.convert(model, board="zero-2-w", budget=budget, minutes=0, max_esr=1, precision="f32")
    assert [tier.name for tier in small.tiers][:2] == ["full", "slimmed"]
    assert small.default_tier == 1
    assert small.metrics == small.tiers[1].metrics
    assert small.cost("zero-2-w").at_most_percent <= budget < small.cost("zero-2-w", tier="full").at_most_percent
    assert np.array_equal(small.render(dry), small.render(dry, tier="slimmed"))
    assert np.array_equal(small.render(dry, tier=0), model.render(dry))
    found = nampedal.compare(model, small, on=dry)
    assert found.esr == nampedal.compare(small, small, reference_tier="full", tier=1, on=dry).esr > 0.0
    assert nampedal.compare(model, small, tier="full", on=dry).esr == 0.0


def test_compare_takes_models_paths_and_audio(amp: Path, converted: nampedal.Conversion, dry: Audio) -> None:
    model = nampedal.load(amp)
    by_model = nampedal.compare(model, converted, on=dry)
    assert by_model.esr == nampedal.compare(amp, converted, on=dry).esr
    heard = nampedal.compare(model.render(dry), converted.render(dry))
    assert heard.esr == pytest.approx(by_model.esr, rel=1e-3)
    assert nampedal.compare(model, amp, on=dry).esr == 0.0
    with pytest.raises(nampedal.AudioError) as caught:
        nampedal.compare(model.render(dry), np.stack([dry, dry], axis=1))
    assert str(caught.value) == "test: does not have reference's number of channels, 1 and 2; leave some away"


def test_what_is_no_capture_is_refused(tmp_path: Path) -> None:
    (tmp_path / "amp.nam").write_text("no JSON")
    with pytest.raises(nampedal.CaptureError, match=r"amp\.nam: is not JSON"):
        nampedal.load(tmp_path / "amp.nam")
    with pytest.raises(nampedal.NampedalError, match=r"gone\.nam"):
        nampedal.load(tmp_path / "gone.nam")


CONSUMER = """
from pathlib import Path
import nampedal
import numpy as np
from numpy.typing import NDArray

amp: nampedal.Model = nampedal.load(Path("amp.nam"))
wet: NDArray[np.float32] = amp.render(np.zeros(8, np.float32))
small: nampedal.Conversion = nampedal.convert(amp, board="zero-2-w", progress=print)
esr: float = nampedal.compare(amp, small, on=wet).esr + small.metrics.esr
version: str = nampedal.__version__
amp.render(print)  # type: ignore[arg-type]
"""


@pytest.mark.long
def test_a_user_of_it_is_type_checked_against_the_installed_package(tmp_path: Path) -> None:
    (tmp_path / "user.py").write_text(CONSUMER)
    mypy = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache"), "user.py"]
    done = subprocess.run(mypy, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
