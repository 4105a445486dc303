"""Makes the repository file with which Raspberry Pi Imager offers a release's images.

`rpi-imager --repo ADDRESS` opens it, and so does a click on the file. Sources, all from raspberrypi/rpi-imager at
72ad1179ff46 (behind v2.0.11.1):
- doc/json-schema/os-list-schema.json: the keys and their types; it allows unknown keys, such as image_download_sha256,
  which doc/os-sublist-example.json has.
- src/imagewriter.cpp: filterOsListWithHWTags() shows an image if one of its devices is a tag of the chosen device;
  isValidRepoUrl(): the address ends with .json or .rpi-imager-manifest; setSrc(): init_format "none" is no
  customisation, and so it is in v1.8.5. doc/os_customisation_formats.md: Imager 1 takes a missing one for "systemd".
- src/hwlistmodel.cpp: the devices to choose from are imager.devices of the same file.
- doc/schema-notes.md: sizes in bytes, dates as YYYY-MM-DD, devices not empty, icons of 40 by 40 pixels.
Device tags are those of Raspberry Pi's own list, os_list_imagingutility_v4.json, as a copy of November 2025 has them
(Gracinplay1209/hhhhh at e38f2648713f): a Zero 2 W has the tags of a Raspberry Pi 3.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from addresses import SITE, download
from errors import ReleaseError
from image_contents import ImageContents
from nampedal.board.profiles.pedals import PedalProfile, read_pedal
from release_folder import ICON, bmap_path

Json = dict[str, Any]
# A pedal reads nampedal.toml, which no version of Imager writes.
INIT_FORMAT = "none"
ARCHITECTURE = "armv8"


@dataclass(frozen=True, slots=True)
class Device:
    """A device that Imager offers."""

    name: str
    description: str
    tag: str
    boards: tuple[str, ...]


DEVICES = (
    Device("Raspberry Pi 5", "Raspberry Pi 5, 500 and Compute Module 5", "pi5-64bit", ("5", "500")),
    Device(
        *("Raspberry Pi 4", "Raspberry Pi 4 Model B, 400 and Compute Module 4", "pi4-64bit"),
        ("4b-1.5ghz", "4b-1.8ghz", "400", "cm4"),
    ),
    Device("Raspberry Pi 3", "Raspberry Pi 3 Model A+, B and B+", "pi3-64bit", ("3b-plus",)),
    Device("Raspberry Pi Zero 2 W", "Raspberry Pi Zero 2 W", "pi3-64bit", ("zero-2-w",)),
)
_TEXTS = ("name", "description", "icon", "url", "extract_sha256", "release_date", "init_format", "website")
_NUMBERS = ("extract_size", "image_download_size")
_SHA256 = re.compile(r"[0-9a-f]{64}")


def device_of(board: str) -> Device:
    """Return the device of a board, by its key. Raises ReleaseError."""
    for device in DEVICES:
        if board in device.boards:
            return device
    raise ReleaseError(f"{board}: has no device of Raspberry Pi Imager; add it to release/imager_list.py")


def make_list(images: Iterable[ImageContents], day: date) -> bytes:
    """Return the repository file. day: of the release. Raises ReleaseError, SettingsError."""
    entries, used = [], set()
    for image in images:
        pedal = read_pedal(image.manifest.pedal)
        device = device_of(pedal.board.key)
        used.add(device)
        entries.append(_entry(image, pedal, device, day))
    devices = [_device(one) for one in DEVICES if one in used]
    document = {"imager": {"devices": devices}, "os_list": sorted(entries, key=lambda one: str(one["name"]))}
    check(document)
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()


def check(document: Json) -> None:
    """Check a repository file by the rules above. Raises ReleaseError."""
    tags = {tag for device in document["imager"]["devices"] for tag in device["tags"]}
    entries = document["os_list"]
    if not entries:
        raise ReleaseError("os_list: is empty; a list has at least one image")
    names = [entry.get("name") for entry in entries]
    for entry in entries:
        where = f"os_list: {entry.get('name')!r}"
        _check_values(entry, where)
        if names.count(entry["name"]) > 1:
            raise ReleaseError(f"{where}: is there twice; each image has its own name")
        if not entry["devices"] or not set(entry["devices"]) <= tags:
            raise ReleaseError(f"{where}: devices is {entry['devices']}; allowed are {', '.join(sorted(tags))}")


def _check_values(entry: Json, where: str) -> None:
    for key in (*_TEXTS, *_NUMBERS, "devices", "image_download_sha256"):
        if key not in entry:
            raise ReleaseError(f"{where}: has no {key}")
    for key in _TEXTS:
        if not isinstance(entry[key], str) or not entry[key]:
            raise ReleaseError(f"{where}: {key} is {entry[key]!r}; a text is needed")
    for key in _NUMBERS:
        if type(entry[key]) is not int or entry[key] <= 0:
            raise ReleaseError(f"{where}: {key} is {entry[key]!r}; a number of bytes is needed")
    for key in ("extract_sha256", "image_download_sha256"):
        if _SHA256.fullmatch(str(entry[key])) is None:
            raise ReleaseError(f"{where}: {key} is {entry[key]!r}; 64 of 0 to 9 and a to f are needed")
    for key in ("url", "icon", "website"):
        if not entry[key].startswith("https://"):
            raise ReleaseError(f"{where}: {key} is {entry[key]!r}; an address with https:// is needed")
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", entry["release_date"]):
        raise ReleaseError(f"{where}: release_date is {entry['release_date']!r}; one is 2026-01-31")
    if entry["init_format"] != INIT_FORMAT:
        raise ReleaseError(f"{where}: init_format is {entry['init_format']!r}; a pedal has {INIT_FORMAT!r}")


def _entry(image: ImageContents, pedal: PedalProfile, device: Device, day: date) -> Json:
    version = image.manifest.version
    return {
        "name": f"nampedal {version}: {pedal.name}",
        "description": "A guitar pedal that plays Neural Amp Modeler captures",
        "icon": download(version, ICON),
        "url": download(version, image.path.name),
        "website": SITE,
        "release_date": day.isoformat(),
        "extract_size": image.size,
        "extract_sha256": image.sha256,
        "image_download_size": image.packed_size,
        "image_download_sha256": image.packed_sha256,
        "bmap_url": download(version, bmap_path(image.path).name),
        "devices": [device.tag],
        "init_format": INIT_FORMAT,
        "architecture": ARCHITECTURE,
        "capabilities": [],
    }


def _device(device: Device) -> Json:
    return {
        "name": device.name,
        "description": device.description,
        "tags": [device.tag],
        "matching_type": "exclusive",
        "architecture": ARCHITECTURE,
        "capabilities": [],
    }
