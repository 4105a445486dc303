"""The software bills of materials: valid CycloneDX 1.6, complete, and the same each time."""

from __future__ import annotations

import json
import tomllib
from email.message import Message
from hashlib import sha256
from importlib import metadata
from pathlib import Path
from typing import Any

import native_libraries
import pytest
import python_packages
import sbom
from conftest import ROOT
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from errors import ReleaseError
from packageurl import PackageURL
from packaging.requirements import Requirement
from python_packages import installed, licence_of, read_table
from release_folder import sort_folder
from support.makers.release_maker import NATIVES, make_wheel

# 24 December 2026.
EPOCH = 1_798_070_400


def read(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text())
    return document


def components(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in document["components"]}


def of_packages(folder: Path) -> dict[str, Any]:
    data = sbom.of_packages(sort_folder(folder), read_table(), NATIVES, EPOCH)
    document: dict[str, Any] = json.loads(data)
    return document


def test_what_is_written_is_valid_by_the_schema_of_cyclonedx(finished: Path) -> None:
    paths = sorted(finished.glob("*.cdx.json"))
    assert [path.name for path in paths] == [
        "nampedal-1.2.3.cdx.json",
        "pi-4-dac-adc-1.2.3.cdx.json",
        "zero-2-w-codec-zero-1.2.3.cdx.json",
    ]
    validator = JsonStrictValidator(SchemaVersion.V1_6)
    for path in paths:
        assert validator.validate_str(path.read_text()) is None
    # It does find mistakes.
    assert validator.validate_str(paths[0].read_text().replace('"library"', '"book"')) is not None


def test_a_document_that_is_not_valid_is_refused(packages: Path) -> None:
    text = json.dumps(of_packages(packages))
    with pytest.raises(ReleaseError, match=r"^it: is no valid CycloneDX 1\.6: "):
        sbom.check(text.replace('"SHA-256"', '"SHA-257"'), "it")


def test_each_requirement_of_the_project_is_there_with_version_licence_and_purl(packages: Path) -> None:
    document = of_packages(packages)
    found = components(document)
    needs = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    assert needs
    table = read_table()
    subject = document["metadata"]["component"]
    edges = {one["ref"]: one.get("dependsOn", []) for one in document["dependencies"]}
    for requirement in map(Requirement, needs):
        one = found[requirement.name.lower()]
        assert requirement.specifier.contains(one["version"])
        assert one["licenses"]
        assert PackageURL.from_string(one["purl"]).to_string() == one["purl"] == one["bom-ref"]
        assert one["properties"] == [{"name": "nampedal:allowed-versions", "value": str(requirement.specifier)}]
        assert one["purl"] in edges[subject["bom-ref"]]
    assert edges["pkg:pypi/cffi@" + table["cffi"].version] == ["pkg:pypi/pycparser@" + table["pycparser"].version]
    assert "torch" not in found


def test_the_files_are_there_with_their_checksums(packages: Path) -> None:
    files = [one for one in of_packages(packages)["components"] if one["type"] == "file"]
    assert {one["name"]: one["hashes"][0]["content"] for one in files} == {
        path.name: sha256(path.read_bytes()).hexdigest() for path in packages.iterdir()
    }


def test_each_library_of_the_engine_is_there(packages: Path) -> None:
    found = components(of_packages(packages))
    assert found["KissFFT"]["purl"] == "pkg:github/mborgerding/kissfft@131.1.0"
    assert found["nanobind"]["licenses"] == [{"license": {"id": "BSD-3-Clause", "acknowledgement": "declared"}}]
    gcc = found["GCC's runtime libraries, libstdc++ and libgcc"]
    assert gcc["licenses"][0]["expression"] == "GPL-3.0-or-later WITH GCC-exception-3.1"
    assert "version" not in found["robin-map, part of nanobind"]
    licences = (ROOT / "THIRD-PARTY-LICENSES.txt").read_text()
    native_libraries.check_names(licences)
    with pytest.raises(ReleaseError, match=r"native_libraries\.py differ in AnotherFFT; name it in both"):
        native_libraries.check_names(licences.replace("\nKissFFT\n", "\nAnotherFFT\n"))


@pytest.mark.parametrize(
    ("debian", "upstream"),
    [
        ("1:1.2.13.dfsg-1", "1.2.13"),
        ("2.0.8+dfsg1-2", "2.0.8"),
        ("4:12.2.0-3", "12.2.0"),
        ("131.1.0-4.1~deb12u1", "131.1.0"),
    ],
)
def test_a_version_of_debians_is_the_upstream_one(debian: str, upstream: str) -> None:
    assert native_libraries.upstream_version(debian) == upstream


def test_versions_of_libraries_come_from_a_file_or_from_here(tmp_path: Path) -> None:
    path = tmp_path / "versions.toml"
    path.write_text("".join(f"{json.dumps(name)} = {json.dumps(version)}\n" for name, version in NATIVES.items()))
    assert native_libraries.read_versions(path) == NATIVES
    path.write_text('zlib = "1"\n')
    with pytest.raises(
        ReleaseError, match=r"versions\.toml: 'FlatBuffers' is unknown or missing; it has FlatBuffers, "
    ):
        native_libraries.read_versions(path)


def test_an_image_lists_its_debian_packages_kernel_and_python_packages(finished: Path) -> None:
    document = read(finished / "pi-4-dac-adc-1.2.3.cdx.json")
    found = components(document)
    assert found["bash"]["purl"] == "pkg:deb/debian/bash@5.2.15-2%2Bb7?arch=arm64&distro=bookworm"
    assert found["linux-firmware"]["purl"].startswith("pkg:deb/raspberrypi/linux-firmware@")
    assert "removed" not in found
    assert found["linux"]["version"] == "6.12.34+rpt-rpi-v8"
    assert found["A/kernel8.img"]["hashes"] == [{"alg": "SHA-256", "content": sha256(b"kernel").hexdigest()}]
    assert "config.txt" not in found
    assert found["nampedal"]["licenses"] == [{"license": {"id": "MIT", "acknowledgement": "declared"}}]
    # It is in Debian's python3-click.
    assert "click" not in found
    subject = document["metadata"]["component"]
    (edges,) = (one["dependsOn"] for one in document["dependencies"] if one["ref"] == subject["bom-ref"])
    assert sorted(edges) == sorted(one["bom-ref"] for one in document["components"])


def test_serial_number_and_time_depend_on_the_content_and_the_release(packages: Path) -> None:
    first, second = of_packages(packages), of_packages(packages)
    assert first == second
    assert first["metadata"]["timestamp"] == "2026-12-24T00:00:00Z"
    (packages / "nampedal-1.2.3.tar.gz").write_bytes(b"other source")
    assert of_packages(packages)["serialNumber"] != first["serialNumber"]


def test_wheels_that_need_different_packages_are_refused(packages: Path) -> None:
    make_wheel(packages, "1.2.3", "cp312-cp312-win_amd64", **{"Requires-Dist: rich>=13\n": ""})
    with pytest.raises(ReleaseError, match="its wheels need different packages; build them from one commit"):
        of_packages(packages)


def test_the_table_of_python_packages_fits_the_project(packages: Path) -> None:
    make_wheel(packages, "1.2.3", **{"click>=8.1": "click>=99"})
    with pytest.raises(ReleaseError, match=r"has click \S+; the wheel needs >=99; write it anew: python release/"):
        of_packages(packages)
    make_wheel(packages, "1.2.3", **{"click>=8.1": "clack>=8.1"})
    with pytest.raises(ReleaseError, match="has no clack, which the wheel needs; write it anew"):
        of_packages(packages)


def test_the_table_says_what_the_packages_here_say() -> None:
    """Of packages that are installed here in the table's version."""
    table, here = read_table(), installed()
    same = [name for name in table if name in here and here[name].version == table[name].version]
    assert [name for name in same if table[name].licence != here[name].licence] == []
    assert set(table) == set(here), "write it anew: python release/python_packages.py"
    assert python_packages.dump_table(table) == python_packages.TABLE.read_text()


def test_a_licence_is_read_from_each_kind_of_metadata() -> None:
    about = Message()
    assert licence_of(about) == ""
    about["License"] = "BSD 3-Clause License"
    assert licence_of(about) == "BSD-3-Clause"
    about["License-Expression"] = "MIT OR Apache-2.0"
    assert licence_of(about) == "MIT OR Apache-2.0"
    assert licence_of(metadata.metadata("click")) == "BSD-3-Clause"  # type: ignore[arg-type]  # It is a Message.
