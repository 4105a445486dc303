from __future__ import annotations

import zipfile
from pathlib import Path

from build_again import differences, packages


def make_wheel(folder: Path, files: dict[str, bytes], *, name: str = "a-1-py3-none-any.whl", year: int = 2026) -> None:
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(folder / name, "w") as archive:
        for path, data in files.items():
            archive.writestr(zipfile.ZipInfo(path, (year, 1, 1, 0, 0, 0)), data)


def test_what_differs_is_named(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    make_wheel(first, {"same.py": b"1", "engine.so": b"one"})
    make_wheel(second, {"same.py": b"1", "engine.so": b"other"})
    make_wheel(second, {}, name="b-1-py3-none-any.whl")
    assert list(differences(packages(first), packages(second))) == [
        "b-1-py3-none-any.whl: is in one of both only",
        "a-1-py3-none-any.whl: differs in engine.so",
    ]


def test_dates_and_order_count(tmp_path: Path) -> None:
    make_wheel(tmp_path / "first", {"a": b"1", "b": b"2"})
    make_wheel(tmp_path / "later", {"a": b"1", "b": b"2"}, year=2027)
    make_wheel(tmp_path / "turned", {"b": b"2", "a": b"1"})
    first, later, turned = (packages(tmp_path / name) for name in ("first", "later", "turned"))
    assert list(differences(first, packages(tmp_path / "first"))) == []
    assert list(differences(first, later)) == ["a-1-py3-none-any.whl: differs in a, b"]
    assert list(differences(first, turned)) == [
        "a-1-py3-none-any.whl: differs in the order or the packing of its files"
    ]
