"""What `nampedal` can do on a pedal, which has no converter."""

from __future__ import annotations

from nampedal.firmware.cli.bank import bank_command
from nampedal.firmware.cli.calibrate import calibrate_command
from nampedal.firmware.cli.card import card_command
from nampedal.firmware.cli.control import (
    bypass_command,
    do_command,
    preset_command,
    save_command,
    set_command,
    status_command,
    tuner_command,
)
from nampedal.firmware.cli.doctor import doctor_command
from nampedal.firmware.cli.install import install_command, uninstall_command
from nampedal.firmware.cli.latency import latency_command
from nampedal.firmware.cli.learn import learn_command
from nampedal.firmware.cli.level import level_command
from nampedal.firmware.cli.play import play_command
from nampedal.firmware.cli.setup import setup_command
from nampedal.firmware.cli.update import update_command
from nampedal.firmware.cli.verify import verify_command

PEDAL_COMMANDS = (
    play_command,
    status_command,
    preset_command,
    bank_command,
    card_command,
    set_command,
    save_command,
    do_command,
    bypass_command,
    tuner_command,
    latency_command,
    learn_command,
    level_command,
    setup_command,
    calibrate_command,
    verify_command,
    doctor_command,
    update_command,
    install_command,
    uninstall_command,
)
