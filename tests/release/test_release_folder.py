"""Which files a release is made of, and which do not belong into one."""

from __future__ import annotations

from pathlib import Path

import pytest
from errors import ReleaseError
from release_folder import sort_folder
from support.makers.release_maker import make_sdist, make_wheel


def refusal(folder: Path) -> str:
    with pytest.raises(ReleaseError) as caught:
        sort_folder(folder)
    return str(caught.value)


def test_the_files_are_sorted(packages: Path) -> None:
    for name in ("b-1.2.3.img.zst", "b-1.2.3.img.bmap", "b-1.2.3.img.zst.sig", "old.cdx.json", "SHA256SUMS.sig"):
        (packages / name).touch()
    release = sort_folder(packages)
    assert release.version == "1.2.3"
    assert [path.name for path in release.packages()] == [
        "nampedal-1.2.3.tar.gz",
        "nampedal-1.2.3-cp311-cp311-manylinux_2_28_aarch64.whl",
        "nampedal-1.2.3-cp311-cp311-manylinux_2_28_x86_64.whl",
    ]
    assert [path.name for path in release.images] == ["b-1.2.3.img.zst"]


def test_what_is_missing_is_told(packages: Path, tmp_path: Path) -> None:
    assert refusal(tmp_path / "none") == f"{tmp_path}/none: is no folder; name the one with the wheels"
    (packages / "nampedal-1.2.3.tar.gz").unlink()
    assert refusal(packages) == f"{packages}: holds 0 source distributions (.tar.gz); a release has one"
    for path in packages.glob("*.whl"):
        path.unlink()
    assert refusal(packages) == f"{packages}: holds no wheel; a release has at least one"


def test_an_image_without_its_block_map_is_refused(packages: Path) -> None:
    (packages / "pedal-1.2.3.img.zst").touch()
    assert refusal(packages) == (
        f"{packages}/pedal-1.2.3.img.zst: has no block map pedal-1.2.3.img.bmap beside it; build the image again"
    )


def test_two_versions_are_refused(packages: Path) -> None:
    make_wheel(packages, "1.2.2")
    assert "holds more than one version: nampedal-1.2.2-cp311-" in refusal(packages)


@pytest.mark.parametrize("version", ["1.2.4.dev3", "1.2.3+g1234567"])
def test_a_version_between_tags_is_refused(tmp_path: Path, version: str) -> None:
    make_wheel(tmp_path, version)
    make_sdist(tmp_path, version)
    assert refusal(tmp_path) == (
        f"{tmp_path}/nampedal-{version}.tar.gz: is of version {version}, between two tags; a release is made at a tag"
    )


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("pedal-1.2.3.img", "does not belong into a release; an image is released packed, as .img.zst; remove it"),
        ("notes.txt", "does not belong into a release; remove it"),
        ("notes.txt.sig", "does not belong into a release; remove it"),
        ("other-1.2.3.img.bmap", "does not belong into a release; remove it"),
        ("other-1.2.3-py3-none-any.whl", "is of the project other; only nampedal is released"),
        ("nampedal.whl", "has no name of a package: Invalid wheel filename"),
    ],
)
def test_what_does_not_belong_there_is_refused(packages: Path, name: str, said: str) -> None:
    (packages / name).touch()
    assert refusal(packages).startswith(f"{packages / name}: {said}")
