"""All checks, one after another: what comes first is mended first."""

from __future__ import annotations

from collections.abc import Iterator

from nampedal.firmware.doctor.banks import check_artifacts, check_presets
from nampedal.firmware.doctor.case import Case
from nampedal.firmware.doctor.finding import Finding
from nampedal.firmware.doctor.hardware import check_board, check_card, check_hat, check_overlay, check_profile
from nampedal.firmware.doctor.machine import Machine
from nampedal.firmware.doctor.mixer import check_input, check_mixer
from nampedal.firmware.doctor.processor import check_governor, check_power, check_temperature, check_throttling
from nampedal.firmware.doctor.realtime import (
    check_core,
    check_interrupts,
    check_kernel,
    check_memory,
    check_real_time,
)
from nampedal.firmware.doctor.services import check_errors_file, check_helpers, check_services
from nampedal.firmware.doctor.sound import (
    check_controls,
    check_jack_settings,
    check_jackd,
    check_load,
    check_machine_watchdog,
    check_player,
    check_plays,
    check_watchdog,
    check_xruns,
)
from nampedal.firmware.doctor.storage import (
    check_clock,
    check_data,
    check_owner,
    check_room,
    check_root,
    check_swap,
)

CHECKS = (
    *(check_board, check_power, check_throttling, check_temperature),
    *(check_helpers, check_errors_file, check_hat, check_overlay, check_card, check_mixer),
    *(check_jackd, check_jack_settings, check_player, check_plays, check_input, check_controls),
    *(check_presets, check_artifacts),
    *(check_governor, check_kernel, check_real_time, check_memory, check_interrupts, check_core),
    *(check_load, check_xruns),
    *(check_watchdog, check_machine_watchdog, check_services),
    *(check_root, check_data, check_owner, check_room, check_swap, check_clock),
)


def examine(machine: Machine) -> Iterator[Finding]:
    """What every check finds, as it finds it; of what is no pedal, only that."""
    case = Case(machine)
    yield check_profile(case)
    if case.is_pedal:
        for check in CHECKS:
            yield check(case)
