"""The driver, rpi-lgpio and lgpio on pins that the kernel simulates; for who may make them: root, with gpio-sim."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

CONFIG = Path("/sys/kernel/config/gpio-sim")
PINS = 32
# In a process of its own: lgpio's thread stays as long as that, and it makes a pipe in the folder that it is in.
SCRIPT = """
import queue, sys
from pathlib import Path
from nampedal.board.inputs.control_events import Edge, Light
from nampedal.board.drivers.gpio import GpioDriver

pins = Path(sys.argv[1])
events = queue.SimpleQueue()
driver = GpioDriver({"1": 17}, {"1": 22}, {})
driver.open(events.put)
assert not events.get(timeout=20.0).down
for pull, down in (("pull-down", True), ("pull-up", False)):
    (pins / "sim_gpio17" / "pull").write_text(pull)
    event = events.get(timeout=20.0)
    assert (event.switch, event.down) == ("1", down), event
for level in (1.0, 0.0, 0.5, 1.0):
    driver.show({"1": Light(level)})
assert (pins / "sim_gpio22" / "value").read_text().strip() == "1"
driver.close()
assert events.empty()
print("heard and shown")
"""


@pytest.fixture
def sim() -> Iterator[tuple[str, Path]]:
    """The number of a chip, and the folder of its pins (Documentation/admin-guide/gpio/gpio-sim.rst of Linux)."""
    if importlib.util.find_spec("RPi") is None or importlib.util.find_spec("lgpio") is None:
        pytest.skip("rpi-lgpio and lgpio are not here: pip install rpi-lgpio")
    if not (CONFIG.is_dir() and os.access(CONFIG, os.W_OK)):
        pytest.skip(f"{CONFIG} is not there, or not for this user: modprobe gpio-sim, as root")
    device = CONFIG / f"nampedal-{os.getpid()}"
    bank = device / "bank0"
    bank.mkdir(parents=True)
    try:
        (bank / "num_lines").write_text(str(PINS))
        (device / "live").write_text("1")
        chip = (bank / "chip_name").read_text().strip()
        name = (device / "dev_name").read_text().strip()
        pins = Path("/sys/devices/platform") / name / chip
        (pins / "sim_gpio17" / "pull").write_text("pull-up")
        yield chip.removeprefix("gpiochip"), pins
    finally:
        if (device / "live").read_text().strip() == "1":
            (device / "live").write_text("0")
        bank.rmdir()
        device.rmdir()


def test_the_kernels_own_pins_are_heard_and_shown(sim: tuple[str, Path], tmp_path: Path) -> None:
    number, pins = sim
    environment = os.environ | {"RPI_LGPIO_CHIP": number, "RPI_LGPIO_REVISION": "902120"}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(pins)],
        cwd=tmp_path,
        env=environment,
        timeout=120.0,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("heard and shown\n", "")
