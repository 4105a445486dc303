from __future__ import annotations

import pytest
from nampedal.firmware.base.errors import NewerFormatError, SettingsError, SettingValueError
from nampedal.firmware.system.image.image_manifest import ImageManifest, dump_manifest, read_manifest

FACTS = ImageManifest("0.2.0", "raspios", "aarch64", "4-hifiberry", 150_000_000, "ab" * 32)


def refusal(text: bytes, error: type[SettingsError]) -> str:
    with pytest.raises(error) as caught:
        read_manifest(text, "pedal.img")
    return str(caught.value)


def test_what_an_image_says_of_itself_is_read_as_it_was_written() -> None:
    assert read_manifest(dump_manifest(FACTS), "pedal.img") == FACTS
    assert dump_manifest(FACTS) == (
        b'format = 1\nversion = "0.2.0"\nbase = "raspios"\nmachine = "aarch64"\npedal = "4-hifiberry"\n'
        b"root_bytes = 150000000\n" + f'root_sha256 = "{"ab" * 32}"\n'.encode()
    )


def test_an_image_of_a_newer_format_is_for_a_newer_nampedal() -> None:
    assert refusal(b"format = 2\nshape = 3\n", NewerFormatError) == (
        "pedal.img: format: is 2; it was written by a newer nampedal, and up to 1 is read here: update nampedal"
    )


def test_what_is_missing_unknown_or_no_checksum_is_named() -> None:
    text = dump_manifest(FACTS)
    assert refusal(text.replace(b"base", b"bass"), SettingValueError) == (
        "pedal.img: bass: is no known key; did you mean base?"
    )
    assert refusal(text.replace(b'pedal = "4-hifiberry"\n', b""), SettingValueError) == (
        "pedal.img: pedal: is missing, and needed"
    )
    assert refusal(text.replace(b"abab", b"xyxy", 1), SettingValueError) == (
        f"pedal.img: root_sha256: is 'xyxy{'ab' * 30}'; 64 of 0 to 9 and a to f are needed"
    )
    assert refusal(text.replace(b"150000000", b"0"), SettingValueError) == (
        "pedal.img: root_bytes: is 0; a whole number from 1 to 1099511627776 is needed"
    )
