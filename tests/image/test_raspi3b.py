"""The same card in QEMU's Raspberry Pi 3 Model B: its own controller and its own device tree.

Its USB, behind which a network would be, does not work with today's kernels, so that the console has to tell.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.machines.emulated_machine import Machine, firmware, overlay, running
from support.machines.emulated_pedal import BOOT_S, WORDS


@pytest.fixture(scope="module")
def console(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """What it says until there is sound: systemd calls the daemon started when that says so."""
    folder = tmp_path_factory.mktemp("raspi3b")
    started = firmware(prepared, folder / "firmware", "raspi3b")
    card = overlay(prepared, folder / "card.qcow2")
    # QEMU has the register of the watchdog, but no clock: what is armed fires at once (hw/misc/bcm2835_powermgt.c).
    words = (*WORDS, "systemd.watchdog_sec=off")
    with running(Machine("raspi3b", started, card, folder, words)) as machine:
        machine.wait_for("Started nampedal.service", 2 * BOOT_S)
        yield machine.console()


def test_a_raspberry_pi_starts_from_its_card(console: str) -> None:
    assert "Machine model: Raspberry Pi 3 Model B" in console
    grown = re.search(r"the data partition grows from 64 to (\d+) MiB", console)
    assert grown is not None
    assert int(grown[1]) > 400
    assert "Finished systemd-growfs@var-lib-nampedal.service" in console


def test_its_watchdog_is_found(console: str) -> None:
    assert "Broadcom BCM2835 watchdog timer" in console


def test_the_card_is_read_before_the_sound(console: str) -> None:
    assert 0 < console.index("Finished nampedal-card.service") < console.index("Started nampedal.service")
    assert "Failed to start nampedal.service" not in console
