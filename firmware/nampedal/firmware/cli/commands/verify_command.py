"""The command `nampedal verify`."""

from __future__ import annotations

from pathlib import Path

import click
from nampedal.firmware.cli.shared import EXIT_FAILED, FILE, console, examples, verbose
from nampedal.firmware.engine.golden_check import verify
from nampedal.firmware.engine.inference import isas


@click.command("verify", epilog=examples("nampedal verify amp.stomp", "nampedal verify amp.stomp --isa scalar"))
@click.argument("file", type=FILE)
@click.option("--isa", default="", metavar="NAME", help=f"Kernels, one of: {', '.join(isas())}. Default: the best.")
@verbose
def verify_command(file: Path, isa: str) -> int:
    """Check that an artifact sounds here as where it was made.

    Its golden vectors are played, and what comes out is compared with what came out there. Exit code 1 when a tier does
    not.
    """
    checks = verify(file, isa)
    for check in checks:
        outcome = "pass" if check.passed else "FAIL"
        found = f"differs by {check.deviation:.1e}, {check.tolerance:.1e} allowed"
        console.print(f"{file}: tier {check.tier}: {outcome}: {found} ({check.isa} kernels)")
    return 0 if all(check.passed for check in checks) else EXIT_FAILED
