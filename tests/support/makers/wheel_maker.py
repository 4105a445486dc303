"""Makes a wheel of another version, or with other files in it."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from collections.abc import Mapping
from pathlib import Path


def wheel_for(wheel: Path, folder: Path, tag: str) -> Path:
    """Return the wheel, or a copy that says it is for another Python, such as cp313. Its compiled
    code is not changed.
    """
    name, version, python, abi, platform = wheel.name.split("-")
    if python == tag:
        return wheel
    tags = f"{name}-{version}.dist-info/WHEEL"
    with zipfile.ZipFile(wheel) as source:
        text = source.read(tags)
    copy = changed_wheel(
        wheel, folder, version, {tags: text.replace(f"{python}-{abi}-".encode(), f"{tag}-{tag}-".encode())}
    )
    return copy.rename(folder / "-".join((name, version, tag, tag, platform)))


def changed_wheel(wheel: Path, folder: Path, version: str, changes: Mapping[str, bytes]) -> Path:
    """Return a copy of a wheel with another version. changes: contents by file name.

    Its RECORD is correct (Binary distribution format, packaging.python.org).
    """
    name, old, *tags = wheel.name.split("-")
    target = folder / "-".join((name, version, *tags))
    before, after = f"{name}-{old}.dist-info/", f"{name}-{version}.dist-info/"
    record = []
    with zipfile.ZipFile(wheel) as source, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as out:
        for entry in source.namelist():
            if entry.endswith(("/RECORD", "/")):
                continue
            data = changes.get(entry, source.read(entry))
            if entry == f"{before}METADATA":
                data = data.replace(f"\nVersion: {old}\n".encode(), f"\nVersion: {version}\n".encode())
            to = entry.replace(before, after)
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            record.append(f"{to},sha256={digest},{len(data)}")
            out.writestr(to, data)
        out.writestr(f"{after}RECORD", "\n".join([*record, f"{after}RECORD,,", ""]))
    return target
