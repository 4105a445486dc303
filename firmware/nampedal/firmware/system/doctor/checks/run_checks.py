"""Runs all checks in order. A fault of an early check is to be repaired first: later ones may follow from it."""

from __future__ import annotations

from collections.abc import Iterator

from nampedal.firmware.system.doctor.checks.check_banks import check_artifacts, check_presets
from nampedal.firmware.system.doctor.checks.check_hardware import (
    check_board,
    check_card,
    check_hat,
    check_overlay,
    check_profile,
)
from nampedal.firmware.system.doctor.checks.check_mixer import check_input, check_mixer
from nampedal.firmware.system.doctor.checks.check_processor import (
    check_governor,
    check_power,
    check_temperature,
    check_throttling,
)
from nampedal.firmware.system.doctor.checks.check_realtime import (
    check_core,
    check_interrupts,
    check_kernel,
    check_memory,
    check_real_time,
)
from nampedal.firmware.system.doctor.checks.check_services import check_errors_file, check_helpers, check_services
from nampedal.firmware.system.doctor.checks.check_sound import (
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
from nampedal.firmware.system.doctor.checks.check_storage import (
    check_clock,
    check_data,
    check_owner,
    check_room,
    check_root,
    check_swap,
)
from nampedal.firmware.system.doctor.context import CheckContext
from nampedal.firmware.system.doctor.examined_host import ExaminedHost
from nampedal.firmware.system.doctor.finding import Finding

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


def run_checks(machine: ExaminedHost) -> Iterator[Finding]:
    """Yield the finding of each check as soon as it is known. A machine that is no pedal gets only `check_profile`."""
    case = CheckContext(machine)
    yield check_profile(case)
    if case.is_pedal:
        for check in CHECKS:
            yield check(case)
