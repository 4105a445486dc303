"""The environment on the pedal, made from a wheel or copied."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

import pytest
from nampedal.firmware.base.errors import DeployError, FileAccessError, ProgramError
from nampedal.firmware.system.install.steps import runtime_copy, site_packages
from nampedal.firmware.system.install.steps.runtime_copy import (
    check_wheel,
    copy_runtime,
    extra_requirements,
    fill_runtime,
    is_up_to_date,
    wheel_checksum,
)
from support.makers.system_maker import make_wheel, snapshot

HERE = ".".join(map(str, sys.version_info[:2]))
CP = f"cp{HERE.replace('.', '')}"
NAME = f"nampedal-0.1.0-{CP}-{CP}-linux_aarch64.whl"
PEDAL = (
    "click>=8.1",
    "pyserial>=3.5; extra == 'pedal'",
    "rpi-lgpio>=0.6; (sys_platform == 'linux' and platform_machine == 'aarch64') and extra == 'pedal'",
    "rpi-lgpio>=0.6; (sys_platform == 'linux' and platform_machine == 'armv7l') and extra == 'pedal'",
    "spidev>=3.5; (sys_platform == 'linux' and platform_machine == 'aarch64') and extra == 'pedal'",
    'torch>=2.4; extra == "slim"',
    "ai-edge-litert==2.3.0; (sys_platform == 'linux' and platform_machine == 'x86_64') and extra == 'tflite'",
    "ai-edge-litert==2.3.0; (sys_platform == 'linux' and platform_machine == 'aarch64') and extra == 'tflite'",
    "tflite-runtime==2.14.0; (platform_machine == 'armv7l' and python_version == '3.11') and extra == 'tflite'",
    "nampedal[tflite]; extra == 'dev'",
)
WITH_LITERT = ("pedal", "tflite")


def test_a_wheel_is_unpacked_without_its_converter(tmp_path: Path) -> None:
    wheel, folder = make_wheel(tmp_path, name=NAME), tmp_path / "runtime"
    fill_runtime(folder, wheel, HERE, "aarch64")
    site = folder / "lib" / f"python{HERE}" / "site-packages"
    assert (site / "nampedal/firmware/base/system_paths.py").is_file()
    assert not (site / "nampedal/converter").exists()
    assert not (site / "nampedal/firmware/cli/capture_commands").exists()
    assert not (site / "bin").exists()
    assert os.readlink(folder / "bin/python3") == "/usr/bin/python3"
    assert (folder / "pyvenv.cfg").read_text().splitlines()[:3] == [
        *("home = /usr/bin", "include-system-site-packages = true", f"version = {HERE}"),
    ]
    record = (site / "nampedal-0.1.0.dist-info/RECORD").read_text()
    assert "nampedal/firmware/base/system_paths.py" in record
    assert "converter" not in record
    assert is_up_to_date(folder, wheel_checksum(wheel, HERE, "aarch64"))
    assert not is_up_to_date(folder, wheel_checksum(wheel, HERE, "x86_64"))
    assert [path.name for path in runtime_copy.leftovers(folder) if path.exists()] == []


def test_the_same_wheel_gives_the_same_bytes_wherever_it_is(tmp_path: Path) -> None:
    found = []
    for name in ("one", "other"):
        folder = tmp_path / name / "runtime"
        fill_runtime(folder, make_wheel(tmp_path / name, name=NAME), HERE, "aarch64")
        found.append(snapshot(folder))
    assert found[0] == found[1]
    assert any(path.endswith(f"system_paths.{sys.implementation.cache_tag}.pyc") for path in found[0])


def test_it_runs(tmp_path: Path) -> None:
    folder = tmp_path / "runtime"
    fill_runtime(folder, make_wheel(tmp_path, name=NAME), HERE, "aarch64")
    python = folder / "bin/python3"
    python.unlink()
    python.symlink_to(os.path.realpath(sys.executable))
    code = "import nampedal.firmware.base.system_paths as p; print(p.PLACE, p.__file__)"
    done = subprocess.run([python, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [
        "1",
        str(folder / f"lib/python{HERE}/site-packages/nampedal/firmware/base/system_paths.py"),
    ]


def test_the_old_one_stays_until_the_new_one_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel, folder = make_wheel(tmp_path, name=NAME), tmp_path / "runtime"
    fill_runtime(folder, wheel, HERE, "aarch64")
    before = snapshot(folder)

    def fail(command: object) -> None:
        raise ProgramError("pip: failed (1): no network")

    monkeypatch.setattr(runtime_copy, "run", fail)
    with pytest.raises(ProgramError):
        fill_runtime(folder, wheel, HERE, "aarch64")
    assert snapshot(folder) == before
    assert [path.name for path in runtime_copy.leftovers(folder) if path.exists()] == []
    monkeypatch.undo()
    fill_runtime(folder, wheel, HERE, "aarch64")
    assert [path.name for path in runtime_copy.leftovers(folder) if path.exists()] == []


def test_pip_is_asked_for_wheels_of_the_other_machine_and_no_more_than_they_need(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[list[str]] = []
    monkeypatch.setattr(runtime_copy, "run", calls.append)
    wheel = make_wheel(tmp_path, *PEDAL, name=NAME.replace(CP, "cp311"))
    fill_runtime(tmp_path / "runtime", wheel, "3.11", "aarch64")
    first, second = calls
    assert first[-1] == str(wheel)
    assert {"--only-binary=:all:", "--platform=linux_aarch64", "--platform=manylinux_2_34_aarch64"} <= set(first)
    assert first[first.index("--python-version") + 1] == "3.11"
    assert second[-4:] == ["--no-deps", "lgpio==0.2.2.0", "pyserial>=3.5", "rpi-lgpio>=0.6"]
    fill_runtime(tmp_path / "runtime", wheel, "3.11", "aarch64", WITH_LITERT)
    assert calls[2][-1] == str(wheel)
    # Without what its Python modules need: the engine uses the library in it alone.
    assert calls[3][-5:] == ["--no-deps", "ai-edge-litert==2.3.0", *second[-3:]]


def test_what_has_no_wheels_is_the_systems(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, *PEDAL, name=NAME)
    assert extra_requirements(wheel, "3.11", "aarch64") == ["lgpio==0.2.2.0", "pyserial>=3.5", "rpi-lgpio>=0.6"]
    assert extra_requirements(wheel, "3.13", "aarch64") == ["pyserial>=3.5", "rpi-lgpio>=0.6"]
    assert extra_requirements(wheel, "3.11", "x86_64") == ["pyserial>=3.5"]


def test_litert_is_there_only_if_it_is_asked_for(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, *PEDAL, name=NAME)
    litert = ["ai-edge-litert==2.3.0", "pyserial>=3.5"]
    assert extra_requirements(wheel, "3.11", "x86_64", WITH_LITERT) == litert
    # One with it is another runtime than one without.
    without, with_it = (wheel_checksum(wheel, HERE, "aarch64", extras) for extras in (("pedal",), WITH_LITERT))
    assert without != with_it
    assert runtime_copy.installed_checksum(HERE) != runtime_copy.installed_checksum(HERE, WITH_LITERT)


def test_a_wheel_that_can_bring_no_litert_is_a_mistake_where_it_is_asked_for(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, *PEDAL, name=NAME)
    with pytest.raises(DeployError) as error:
        extra_requirements(wheel, "3.11", "riscv64", WITH_LITERT)
    assert str(error.value) == (
        f"{wheel}: has no extra 'tflite' with ai-edge-litert for linux_riscv64; leave --tflite out, or build it anew"
    )


def test_a_wheel_for_something_else_is_a_mistake(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path)
    check_wheel(wheel, "3.11", "aarch64")
    for version, machine in (("3.13", "aarch64"), ("3.11", "x86_64")):
        with pytest.raises(DeployError) as error:
            check_wheel(wheel, version, machine)
        assert str(error.value) == (
            f"{wheel}: is for Python 3.11 and linux_aarch64; Python {version} and linux_{machine} are needed: "
            f"make wheel-{machine} PYTHON=python{version}"
        )


def test_a_wheel_with_the_stable_abi_is_for_newer_pythons_too(tmp_path: Path) -> None:
    wheel = tmp_path / "nampedal-0.1.0-cp312-abi3-manylinux_2_31_aarch64.whl"
    for version in ("3.12", "3.13", "3.14"):
        check_wheel(wheel, version, "aarch64")
    with pytest.raises(DeployError) as error:
        check_wheel(wheel, "3.11", "aarch64")
    assert str(error.value) == (
        f"{wheel}: is for Python 3.12 and newer and manylinux_2_31_aarch64; Python 3.11 and linux_aarch64 are needed: "
        "make wheel-aarch64 PYTHON=python3.11"
    )


def test_what_is_no_wheel_is_told(tmp_path: Path) -> None:
    other = tmp_path / "numpy-2.0-cp311-cp311-linux_aarch64.whl"
    with pytest.raises(FileAccessError) as error:
        check_wheel(other, "3.11", "aarch64")
    assert str(error.value) == f"{other}: is no wheel of nampedal's; make wheel-aarch64 makes one"
    gone = tmp_path / NAME
    with pytest.raises(FileAccessError) as error:
        wheel_checksum(gone, HERE, "aarch64")
    assert str(error.value) == f"{gone}: can't be read: no such file or directory; name a wheel of nampedal's"
    gone.write_text("no zip")
    with pytest.raises(FileAccessError) as error:
        extra_requirements(gone, HERE, "aarch64")
    assert str(error.value) == f"{gone}: can't be read as a wheel; build it anew"


def test_without_pip_it_is_said_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    with pytest.raises(ProgramError) as error:
        fill_runtime(tmp_path / "runtime", make_wheel(tmp_path, name=NAME), HERE, "aarch64")
    assert str(error.value) == f"{sys.executable}: has no pip; install the package python3-pip"


def test_the_environment_that_runs_is_copied_without_converter_and_without_what_others_need(tmp_path: Path) -> None:
    folder = tmp_path / "runtime"
    copy_runtime(folder, HERE)
    site = folder / f"lib/python{HERE}/site-packages"
    assert (site / "nampedal/firmware/engine/stomp_generated.py").is_file()
    assert (site / "numpy/__init__.py").is_file()
    assert not (site / "nampedal/converter").exists()
    assert not (site / "pytest").exists()
    # Few pedals need its many megabytes, and what only its Python modules need.
    assert not [path.name for path in site.iterdir() if re.match("ai_edge_litert|tflite_runtime|google", path.name)]
    assert list(site.glob("nampedal-*.dist-info/RECORD"))
    assert is_up_to_date(folder, runtime_copy.installed_checksum(HERE))


def test_a_pedals_python_has_the_package_and_says_what_it_lacks(tmp_path: Path) -> None:
    folder = tmp_path / "runtime"
    copy_runtime(folder, HERE)
    site = folder / f"lib/python{HERE}/site-packages"
    code = (
        "import nampedal; print(nampedal.__file__); print(nampedal.verify.__module__)\n"
        "try: nampedal.convert\n"
        "except nampedal.NampedalError as error: print(error)"
    )
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(site)}
    done = subprocess.run(
        [sys.executable, "-S", "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == [
        str(site / "nampedal" / "__init__.py"),
        "nampedal.firmware.engine.golden_check",
        "nampedal.convert: the converter is not on a pedal: use it on a computer",
    ]


def test_litert_is_copied_if_it_is_asked_for_and_found_by_the_engine(tmp_path: Path) -> None:
    folder = tmp_path / "runtime"
    copy_runtime(folder, HERE, WITH_LITERT)
    site = folder / f"lib/python{HERE}/site-packages"
    assert not (site / "google").exists()
    assert is_up_to_date(folder, runtime_copy.installed_checksum(HERE, WITH_LITERT))
    assert not is_up_to_date(folder, runtime_copy.installed_checksum(HERE))
    code = "from nampedal.firmware.engine import litert_engine; print(litert_engine.library_path())"
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(site)}
    done = subprocess.run(
        [sys.executable, "-S", "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [str(site / "ai_edge_litert" / "libLiteRt.so")]


def test_litert_that_is_not_here_can_not_be_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def without(name: str) -> Distribution:
        if name == "ai-edge-litert":
            raise PackageNotFoundError(name)
        return distribution(name)

    monkeypatch.setattr(site_packages, "distribution", without)
    with pytest.raises(DeployError) as error:
        copy_runtime(tmp_path / "runtime", HERE, WITH_LITERT)
    assert str(error.value) == (
        "ai-edge-litert: is not installed here, and can't be copied; pip install 'nampedal[tflite]', or leave --tflite "
        "out"
    )


def test_another_python_can_not_be_copied(tmp_path: Path) -> None:
    with pytest.raises(DeployError) as error:
        copy_runtime(tmp_path / "runtime", "3.99")
    assert str(error.value) == (
        f"{sys.prefix}: has Python {HERE}, and /usr/bin/python3 is 3.99; run this with /usr/bin/python3, or name a "
        "wheel with --wheel"
    )


def test_what_is_installed_as_links_to_its_sources_can_not_be_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    click = distribution("click")
    monkeypatch.setattr(site_packages, "distribution", lambda name: click)
    with pytest.raises(DeployError) as error:
        copy_runtime(tmp_path / "runtime", HERE)
    assert str(error.value) == (
        "nampedal: is not installed as a wheel here, and can't be copied; name a wheel with --wheel, or install "
        "nampedal without -e"
    )
