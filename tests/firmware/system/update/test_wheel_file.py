from __future__ import annotations

import tomllib
import zipfile
from pathlib import Path

import pytest
from nampedal.firmware.base.errors import DeployError, FileAccessError, NampedalError
from nampedal.firmware.system.update.wheel import read_wheel, replace_in, requires_in, unmet, version_in
from packaging.markers import Marker
from packaging.requirements import Requirement
from support.rigs.update_rig import NEW, OLD, make_wheel, package, pin, put

REQUIRES = ["numpy>=1.26", "JACK-Client>=0.5", "spidev>=3.5; extra == 'pedal'", "torch>=2; extra == 'slim'"]


def refusal(path: Path, error: type[NampedalError]) -> str:
    with pytest.raises(error) as caught:
        read_wheel(pin(path))
    return str(caught.value)


def have(folder: Path, **versions: str) -> Path:
    """Packages, by name."""
    for name, version in versions.items():
        put(folder, {f"{name}-{version}.dist-info/METADATA": f"Name: {name}\nVersion: {version}\n"})
    return folder


def test_a_wheel_says_its_version_and_what_it_needs(tmp_path: Path) -> None:
    wheel = read_wheel(pin(make_wheel(tmp_path, NEW, REQUIRES)))
    assert (wheel.version, wheel.requires) == (NEW, tuple(REQUIRES))


def test_a_wheel_for_another_machine_or_python_is_refused(tmp_path: Path) -> None:
    path = make_wheel(tmp_path, tags="cp39-cp39-win_amd64")
    said = refusal(path, DeployError)
    assert said.startswith(f"{path}: is made for cp39-cp39-win_amd64; this pedal is cp3")
    assert said.endswith(": take the wheel for that")


def test_what_is_no_wheel_of_ours_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "update.whl"
    path.touch()
    assert refusal(path, DeployError) == f"{path}: has no wheel's name; keep the name that it was built with"
    path = tmp_path / "numpy-2.0.0-py3-none-any.whl"
    path.touch()
    assert refusal(path, DeployError) == f"{path}: is a wheel of numpy; one of nampedal is needed"
    path = tmp_path / "nampedal-9.0.0-py3-none-any.whl"
    assert refusal(path, FileAccessError) == f"{path}: can't be read: no such file or directory"
    path.write_bytes(b"PK")
    assert refusal(path, DeployError) == f"{path}: is no wheel, or a part of one; copy it again"
    make_wheel(tmp_path).rename(path)
    assert refusal(path, DeployError) == f"{path}: is no wheel, or a part of one; copy it again"


def test_a_wheel_that_a_bit_of_has_flipped_is_refused(tmp_path: Path) -> None:
    path = make_wheel(tmp_path)
    data = bytearray(path.read_bytes())
    data[data.index(b"def isas") + 4] ^= 1
    path.write_bytes(data)
    assert refusal(path, DeployError) == f"{path}: is damaged at nampedal/firmware/engine/inference.py; copy it again"


def test_a_wheel_whose_directory_points_before_the_file_is_refused(tmp_path: Path) -> None:
    path = make_wheel(tmp_path)
    data = bytearray(path.read_bytes())
    end = data.index(b"PK\x05\x06")
    data[end + 16 : end + 20] = (int.from_bytes(data[end + 16 : end + 20], "little") + 100).to_bytes(4, "little")
    path.write_bytes(data)
    assert refusal(path, DeployError) == f"{path}: is no wheel, or a part of one; copy it again"


def test_a_wheel_that_is_packed_as_none_is_or_unpacks_to_too_much_is_refused(tmp_path: Path) -> None:
    path = make_wheel(tmp_path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("nampedal/more", "x", zipfile.ZIP_BZIP2)
    assert refusal(path, DeployError) == f"{path}: is packed in a way that no wheel is; build it again"
    path = make_wheel(tmp_path)
    with zipfile.ZipFile(path, "a") as archive, archive.open("nampedal/large", "w") as member:
        member.write(b"x")
    data = path.read_bytes()
    at = data.rindex(b"nampedal/large") - 46
    path.write_bytes(data[: at + 24] + (1 << 30).to_bytes(4, "little") + data[at + 28 :])
    said = refusal(path, DeployError)
    assert said.startswith(f"{path}: unpacks to 1,073,")
    assert said.endswith(" bytes; a wheel of nampedal has at most 268,435,456")


def test_what_is_missing_or_too_old_is_told_of_what_a_pedal_needs(tmp_path: Path) -> None:
    paths = [have(tmp_path / "near", numpy="1.25.0"), have(tmp_path / "far", numpy="2.0.0", jack_client="0.5.7")]
    # The nearer folder's numpy is the one that is imported.
    assert unmet(REQUIRES, paths) == ["numpy>=1.26", "spidev>=3.5"]
    assert unmet(REQUIRES, [have(tmp_path / "all", numpy="2.0.0", JACK_Client="0.5.7", spidev="3.6")]) == []
    with pytest.raises(DeployError) as caught:
        unmet(["numpy >"], [])
    assert str(caught.value) == "requirement 'numpy >': can't be read; build the wheel again"


def test_a_pedal_needs_no_litert(root: Path, tmp_path: Path) -> None:
    """Nothing of the other extras is asked for, whatever version of it is there."""
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    requires = [*project["dependencies"]]
    for extra, texts in project["optional-dependencies"].items():
        requires += [str(with_extra(text, extra)) for text in texts]
    asked = [name.partition(">")[0].partition("=")[0].partition("<")[0] for name in unmet(requires, [])]
    assert {"numpy", "click", "pyserial"} <= set(asked)
    assert not {"ai-edge-litert", "tflite-runtime", "torch", "pytest", "nampedal"} & set(asked)
    old = [have(tmp_path, ai_edge_litert="2.1.0")]
    assert unmet(["ai-edge-litert==2.3.0; extra == 'tflite'"], old) == []


def with_extra(text: str, extra: str) -> Requirement:
    """Return a requirement as a wheel's metadata has it: with the extra in its marker."""
    wanted = Requirement(text)
    both = f"({wanted.marker}) and extra == '{extra}'" if wanted.marker else f"extra == '{extra}'"
    wanted.marker = Marker(both)
    return wanted


def test_a_wheel_takes_the_place_of_the_one_that_is_there_without_the_converter(tmp_path: Path) -> None:
    packages = tmp_path / "packages"
    put(packages, {**package(OLD, ["click"]), "nampedal/gone.py": "", "numpy/__init__.py": ""})
    assert (version_in(packages), requires_in(packages)) == (OLD, ["click"])
    more = dict.fromkeys(("nampedal/converter/a.py", "nampedal/firmware/cli/capture_commands/a.py"), "")
    more[f"nampedal-{NEW}.data/scripts/nampedal"] = ""
    replace_in(packages, read_wheel(pin(make_wheel(tmp_path, NEW, more=more))))
    assert (version_in(packages), requires_in(packages)) == (NEW, [])
    assert sorted(path.name for path in packages.iterdir()) == ["nampedal", f"nampedal-{NEW}.dist-info", "numpy"]
    assert sorted(path.name for path in (packages / "nampedal").iterdir()) == ["firmware"]
    commands = sorted(path.name for path in (packages / "nampedal/firmware/cli").iterdir())
    assert commands == ["__init__.py", "__main__.py", "main.py"]


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileAccessError) as caught:
        replace_in(tmp_path, read_wheel(pin(make_wheel(tmp_path))))
    assert str(caught.value) == f"{tmp_path}: can't be written: no such file or directory"
