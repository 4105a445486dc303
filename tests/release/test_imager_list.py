"""The repository file of Raspberry Pi Imager."""

from __future__ import annotations

import json
import os
import subprocess
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from errors import ReleaseError
from image_contents import ImageContents, RootContents, parse_status
from imager_list import DEVICES, check, device_of, make_list
from nampedal.board.profiles.boards import board_keys
from nampedal.board.profiles.pedals import pedal_keys, read_pedal
from nampedal.firmware.system.image.image_manifest import ImageManifest

DAY = date(2026, 12, 24)


def contents(pedal: str) -> ImageContents:
    manifest = ImageManifest("1.2.3", "raspios", "aarch64", pedal, 1, "0" * 64)
    path = Path(f"{pedal}-1.2.3.img.zst")
    root = RootContents("bookworm", (), (), ())
    return ImageContents(path, 1_681_915_904, "a" * 64, 189_395_051, "b" * 64, manifest, (), root)


def listed(*pedals: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(make_list((contents(one) for one in pedals), DAY))
    return document


def test_it_has_what_imager_shows_and_checks(finished: Path) -> None:
    document = json.loads((finished / "nampedal.rpi-imager-manifest").read_text())
    assert [one["name"] for one in document["imager"]["devices"]] == ["Raspberry Pi 4", "Raspberry Pi Zero 2 W"]
    entry, other = document["os_list"]
    packed = finished / "pi-4-dac-adc-1.2.3.img.zst"
    image = subprocess.run(["zstd", "-dc", packed], capture_output=True, check=True).stdout
    release = "https://github.com/nampedal/nampedal/releases/download/v1.2.3/"
    assert entry == {
        "name": "nampedal 1.2.3: Pi 4 with a HiFiBerry DAC+ ADC",
        "description": "A guitar pedal that plays Neural Amp Modeler captures",
        "icon": f"{release}nampedal-icon.svg",
        "url": f"{release}pi-4-dac-adc-1.2.3.img.zst",
        "website": "https://nampedal.github.io/nampedal/",
        "release_date": "2026-12-24",
        "extract_size": len(image),
        "extract_sha256": sha256(image).hexdigest(),
        "image_download_size": packed.stat().st_size,
        "image_download_sha256": sha256(packed.read_bytes()).hexdigest(),
        "bmap_url": f"{release}pi-4-dac-adc-1.2.3.img.bmap",
        "devices": ["pi4-64bit"],
        "init_format": "none",
        "architecture": "armv8",
        "capabilities": [],
    }
    assert other["devices"] == ["pi3-64bit"]
    for key in ("icon", "url", "bmap_url"):
        assert (finished / entry[key].removeprefix(release)).is_file()


def test_imagers_own_schema_takes_it() -> None:
    """NAMPEDAL_IMAGER_SCHEMA: doc/json-schema/os-list-schema.json of raspberrypi/rpi-imager."""
    path = os.environ.get("NAMPEDAL_IMAGER_SCHEMA", "")
    if not path:
        pytest.skip("NAMPEDAL_IMAGER_SCHEMA does not name Imager's os-list-schema.json, which is not ours to ship")
    validator = jsonschema.Draft7Validator(json.loads(Path(path).read_text()))
    document = listed(*pedal_keys())
    assert len(document["os_list"]) == len(pedal_keys())
    assert [error.message for error in validator.iter_errors(document)] == []
    del document["os_list"][0]["extract_sha256"]
    assert list(validator.iter_errors(document)) != []


def test_each_board_has_a_device_and_each_device_boards() -> None:
    assert {device_of(key).tag for key in board_keys()} == {"pi3-64bit", "pi4-64bit", "pi5-64bit"}
    assert sorted(board for device in DEVICES for board in device.boards) == sorted(board_keys())
    with pytest.raises(ReleaseError, match=r"^zero: has no device of Raspberry Pi Imager; add it to release/"):
        device_of("zero")


def test_each_shipped_pedal_can_be_listed() -> None:
    names = [one["name"] for one in listed(*pedal_keys())["os_list"]]
    assert names == sorted(f"nampedal 1.2.3: {read_pedal(key).name}" for key in pedal_keys())


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("extract_size", "1681915904", "extract_size is '1681915904'; a number of bytes is needed"),
        ("image_download_size", 0, "image_download_size is 0; a number of bytes is needed"),
        ("extract_sha256", "A" * 64, f"extract_sha256 is '{'A' * 64}'; 64 of 0 to 9 and a to f are needed"),
        ("release_date", "24.12.2026", "release_date is '24.12.2026'; one is 2026-01-31"),
        ("init_format", "systemd", "init_format is 'systemd'; a pedal has 'none'"),
        ("devices", [], "devices is []; allowed are pi4-64bit"),
        ("devices", ["pi4"], "devices is ['pi4']; allowed are pi4-64bit"),
        ("url", "http://example.org/a.img.zst", "an address with https:// is needed"),
        ("icon", "", "icon is ''; a text is needed"),
        ("website", None, "has no website"),
    ],
)
def test_a_mistake_in_an_entry_is_told(key: str, value: object, said: str) -> None:
    document = listed("pi-4-dac-adc")
    document["os_list"][0][key] = value
    if value is None:
        del document["os_list"][0][key]
    with pytest.raises(ReleaseError) as caught:
        check(document)
    assert str(caught.value).startswith("os_list: 'nampedal 1.2.3: Pi 4 with a HiFiBerry DAC+ ADC': ")
    assert said in str(caught.value)


def test_a_list_without_images_or_with_one_twice_is_refused() -> None:
    with pytest.raises(ReleaseError, match="is there twice; each image has its own name"):
        listed("pi-4-usb", "pi-4-usb")
    with pytest.raises(ReleaseError, match="os_list: is empty; a list has at least one image"):
        listed()


def test_a_root_without_packages_is_refused() -> None:
    with pytest.raises(ReleaseError, match=r"^it: its root has no list of Debian packages; build the image again"):
        parse_status("Package: removed\nStatus: deinstall ok config-files\n", "it")
