from __future__ import annotations

import filecmp
import tempfile
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from nampedal.firmware.base.errors import AlreadyExistsError, DeployError, SignatureError
from nampedal.firmware.base.files.signature import UPDATE, check, read_signature
from nampedal.firmware.system.image import disk_layout, image_builder
from nampedal.firmware.system.image.image_builder import ImageOptions
from nampedal.firmware.system.image.sources import build_tools, root_packages
from support.makers.signing_keys import maker, maker_public


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    path = tmp_path / "nampedal-1.2-cp311-cp311-linux_aarch64.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(zipfile.ZipInfo("old", (2026, 1, 2, 3, 4, 6)), "")
        archive.writestr(zipfile.ZipInfo("young", (2026, 5, 6, 7, 8, 10)), "")
    return path


def test_now_is_when_the_wheel_was_made(wheel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    assert image_builder.epoch_of(wheel) == 1_778_051_290
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    assert image_builder.epoch_of(wheel) == 1_700_000_000


def test_an_image_has_its_wheels_version(wheel: Path) -> None:
    assert image_builder.version_of(wheel) == "1.2"


def test_a_key_that_can_not_sign_is_refused_before_anything_is_made(wheel: Path, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("no key")
    key.with_name("key.pub").write_text(maker_public().key)
    order = ImageOptions(
        "zero-2-w-codec-zero", "debian", wheel, tmp_path / "pedal.img", key=key, cache=tmp_path / "cache"
    )
    with pytest.raises(SignatureError, match=r"key: can't be used to sign: "):
        image_builder.build(order, lambda said: None)
    assert not (tmp_path / "cache").exists()


def test_an_image_is_signed_or_has_no_signature_of_an_earlier_one(wheel: Path, tmp_path: Path) -> None:
    out, packed = tmp_path / "pedal.img", tmp_path / "pedal.img.zst"
    out.write_bytes(b"image")
    packed.write_bytes(b"packed")
    said: list[str] = []
    order = ImageOptions("zero-2-w-codec-zero", "debian", wheel, out, key=maker())
    made = image_builder.sign_image(order, packed, said.append)
    assert made == [tmp_path / "pedal.img.sig", tmp_path / "pedal.img.zst.sig"]
    assert said == ["signing it"]
    for path, data in ((out, b"image"), (packed, b"packed")):
        assert check(path, [data], read_signature(path), [maker_public().line()], UPDATE).name == "maker@home"
    assert image_builder.sign_image(replace(order, key=None), packed, said.append) == []
    assert list(tmp_path.glob("*.sig")) == []


def test_an_image_that_is_there_is_not_written_over(wheel: Path, tmp_path: Path) -> None:
    (tmp_path / "pedal.img").write_text("mine")
    order = ImageOptions("zero-2-w-codec-zero", "debian", wheel, tmp_path / "pedal.img")
    with pytest.raises(AlreadyExistsError, match=r"pedal\.img: is there already; --force writes over it$"):
        image_builder.build(order, lambda said: None)
    assert (tmp_path / "pedal.img").read_text() == "mine"


def test_a_card_that_can_never_sound_is_refused_before_anything_is_fetched(
    wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build_tools, "check_tools", lambda: None)
    monkeypatch.setattr(root_packages, "fetch", lambda *arguments: pytest.fail("something was fetched"))
    order = ImageOptions("pi-4-dac-adc", "debian", wheel, tmp_path / "pedal.img", cache=tmp_path)
    with pytest.raises(
        DeployError, match=r"^pedal 'pi-4-dac-adc': its HAT, .* this card could never sound; take --base"
    ):
        image_builder.build(order, lambda said: None)


def test_a_bank_that_is_not_there_is_refused_before_anything_is_fetched(
    wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build_tools, "check_tools", lambda: None)
    monkeypatch.setattr(root_packages, "fetch", lambda *arguments: pytest.fail("something was fetched"))
    order = ImageOptions(
        "pi-4-dac-adc", "raspios", wheel, tmp_path / "pedal.img", banks=[tmp_path / "rock"], cache=tmp_path
    )
    with pytest.raises(DeployError, match=r"^--bank .*/rock: is no folder; 'nampedal bank new .*/rock' makes"):
        image_builder.build(order, lambda said: None)
    (tmp_path / "rock").write_text("packed")
    with pytest.raises(DeployError, match=r"rock: is no folder; 'nampedal bank import .*/rock' makes one of a packed"):
        image_builder.build(order, lambda said: None)


def test_a_folder_that_is_not_there_is_refused_before_anything_is_made(wheel: Path, tmp_path: Path) -> None:
    order = ImageOptions("pi-4-usb", "debian", wheel, tmp_path / "gone" / "pedal.img", cache=tmp_path / "cache")
    with pytest.raises(DeployError) as caught:
        image_builder.build(order, lambda said: None)
    assert str(caught.value) == (
        f"{tmp_path}/gone/pedal.img: can't be written: {tmp_path}/gone is no folder; make it, or name another"
    )
    assert not (tmp_path / "cache").exists()


@pytest.mark.long
def test_an_image_can_be_written_to_another_file_system_than_the_kept_packages(tmp_path: Path) -> None:
    for name in ("card", "root", "data"):
        (tmp_path / name).write_bytes(name.encode())
    parts = (tmp_path / "card", tmp_path / "root", tmp_path / "data")
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        assert Path(folder).stat().st_dev != tmp_path.stat().st_dev
        out = Path(folder) / "pedal.img"
        image_builder.assemble_atomically(out, 0xAB, *parts)
        disk_layout.assemble(tmp_path / "img", 0xAB, *parts)
        assert filecmp.cmp(out, tmp_path / "img", shallow=False)
        assert list(Path(folder).iterdir()) == [out]
