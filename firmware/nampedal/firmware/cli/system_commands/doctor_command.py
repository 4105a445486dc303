"""The command `nampedal doctor`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import click
from nampedal.firmware.base import system_paths
from nampedal.firmware.cli.exit_codes import EXIT_FAILED
from nampedal.firmware.cli.shared import as_json, examples, print_json, print_text, verbose
from nampedal.firmware.system.doctor.checks.run_checks import run_checks
from nampedal.firmware.system.doctor.examined_host import SYSTEM, RealHost
from nampedal.firmware.system.doctor.finding import Finding, FindingState

MARKS = {
    FindingState.OK: "ok",
    FindingState.WRONG: "WRONG",
    FindingState.UNKNOWN: "can't tell",
    FindingState.NOT_APPLICABLE: "not needed",
}
MARK_WIDTH = 12
NAME_WIDTH = 20


@click.command("doctor", epilog=examples("nampedal doctor", "sudo nampedal doctor --json"))
@as_json
@click.option(
    "--root",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="FOLDER",
    help="A pedal's system that does not run here: only its files are looked at.",
)
@verbose
def doctor_command(as_json: bool, root: Path | None) -> int:
    """Find what is wrong with this pedal, and say how to mend it.

    Exit code 1 when something is wrong.
    """
    machine = RealHost(root.resolve() if root is not None else SYSTEM)
    if machine.root != SYSTEM:
        # Read the user profiles of the examined system, not those of this machine.
        os.environ["XDG_CONFIG_HOME"] = str(machine.real(system_paths.CONFIG))
    findings = []
    for finding in run_checks(machine):
        findings.append(finding)
        if not as_json:
            print_text("\n".join(finding_lines(finding)))
    if as_json:
        print_json({"findings": [as_dict(finding) for finding in findings]})
    else:
        print_text(summary(findings))
    return EXIT_FAILED if any(finding.state is FindingState.WRONG for finding in findings) else 0


def finding_lines(finding: Finding) -> list[str]:
    """Return a finding as text: the result, and below it what to do."""
    first = f"{MARKS[finding.state]:{MARK_WIDTH}}{finding.name:{NAME_WIDTH}}{finding.result}"
    more = [" " * (MARK_WIDTH + NAME_WIDTH) + f"-> {finding.repair}"] if finding.repair else []
    return [first, *more]


def as_dict(finding: Finding) -> dict[str, str]:
    """Return a finding as a JSON object."""
    return {"name": finding.name, "state": str(finding.state), "found": finding.result, "mend": finding.repair}


def summary(findings: Sequence[Finding]) -> str:
    """Return the last line of the output."""
    bad = [finding.name for finding in findings if finding.state is FindingState.WRONG]
    blind = sum(finding.state is FindingState.UNKNOWN for finding in findings)
    if bad:
        said = f"{len(bad)} of {len(findings)} checks found something wrong; begin with '{bad[0]}'"
    else:
        said = "nothing is wrong"
    return f"{said}; {blind} can't be told here" if blind else said
