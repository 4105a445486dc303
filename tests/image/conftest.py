"""An image on a card, in an emulated machine that was set up as a player would: by nampedal.toml."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.machines.emulated_machine import Machine, firmware, overlay, running
from support.machines.emulated_pedal import BOMB, BOOT_S, ERRORS, WORDS, Pedal, make_key, prepare


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests of the shared pedal last: it would take half of this computer from every other machine."""
    items.sort(key=lambda item: {"pedal", "prepared"} <= set(getattr(item, "fixturenames", ())))


@pytest.fixture(scope="session")
def image() -> Path:
    named = os.environ.get("NAMPEDAL_IMAGE")
    if named is None:
        pytest.skip("there is no image: 'make test-image' builds one")
    return Path(named)


@pytest.fixture(scope="session")
def usb_image() -> Path:
    """Of a pedal whose card is a USB interface."""
    named = os.environ.get("NAMPEDAL_USB_IMAGE")
    if named is None:
        pytest.skip("there is no image of a USB pedal: 'make test-image' builds one")
    return Path(named)


@pytest.fixture(scope="session")
def signing_key(image: Path) -> Path:
    """The image was signed with it, and its pedal trusts it."""
    return image.parent / "signing-key"


@pytest.fixture(scope="session")
def ssh_key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_key(tmp_path_factory.mktemp("key"))


@pytest.fixture(scope="session")
def prepared(image: Path, ssh_key: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepare(image, ssh_key, tmp_path_factory.mktemp("card"))


@pytest.fixture(scope="session")
def pedal(prepared: Path, ssh_key: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pedal]:
    """Most of the tests are one evening's, in their order."""
    folder = tmp_path_factory.mktemp("virt")
    started = firmware(prepared, folder / "firmware", "virt")
    with running(Machine("virt", started, overlay(prepared, folder / "card.qcow2"), folder, WORDS)) as machine:
        machine.wait_for_ssh(BOOT_S)
        booted = Pedal(machine, ssh_key)
        # It plays dry until the bank on the card was taken over.
        booted.wait_for(lambda: booted.plays("1-half"), BOOT_S)
        booted.wait_for(lambda: BOMB in booted.run(f"cat {ERRORS}", check=False))
        booted.told = booted.run(f"cat {ERRORS}")
        booted.change_card(f"rm /boot/firmware/import/{BOMB}")
        booted.wait_for(lambda: booted.run(f"test -e {ERRORS} || echo gone") == "gone")
        yield booted
