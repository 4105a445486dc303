"""The command `nampedal verify`."""

from __future__ import annotations

from pathlib import Path

import click
from nampedal.firmware.cli.exit_codes import EXIT_DONE, EXIT_FAILED
from nampedal.firmware.cli.shared import FILE, as_json, console, examples, isa, print_json, verbose
from nampedal.firmware.engine.golden_check import verify
from nampedal.firmware.engine.tier_names import tier_label


@click.command("verify", epilog=examples("nampedal verify amp.stomp", "nampedal verify amp.stomp --isa scalar"))
@click.argument("file", type=FILE)
@isa
@as_json
@verbose
def verify_command(file: Path, isa: str, as_json: bool) -> int:
    """Check that an artifact sounds here as where it was made.

    Its golden vectors are played, and what comes out is compared with what came out there. Exit code 1 when a tier does
    not.
    """
    checks = verify(file, isa)
    passed = all(check.passed for check in checks)
    if as_json:
        tiers = [
            {
                "tier": check.tier,
                "tier_name": check.name,
                "passed": check.passed,
                "deviation": check.deviation,
                "tolerance": check.tolerance,
                "kernels": check.isa,
            }
            for check in checks
        ]
        print_json({"file": file, "passed": passed, "tiers": tiers})
        return EXIT_DONE if passed else EXIT_FAILED
    names = [check.name for check in checks]
    for check in checks:
        outcome = "pass" if check.passed else "FAIL"
        found = f"differs by {check.deviation:.1e}, {check.tolerance:.1e} allowed"
        console.print(f"{file}: {tier_label(check.tier, names)}: {outcome}: {found} ({check.isa} kernels)")
    return EXIT_DONE if passed else EXIT_FAILED
