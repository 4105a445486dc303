"""nampedal doctor."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

import click
from nampedal.board import places
from nampedal.firmware.cli.shared import EXIT_FAILED, as_json, examples, verbose
from nampedal.firmware.doctor.examination import examine
from nampedal.firmware.doctor.finding import Finding, State
from nampedal.firmware.doctor.machine import SYSTEM, RealMachine

MARKS = {State.OK: "ok", State.WRONG: "WRONG", State.UNKNOWN: "can't tell", State.NOT_APPLICABLE: "not needed"}
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
    """Look at everything that can be wrong with this pedal, and say how to mend it.

    Exit code 1 when something is wrong.
    """
    machine = RealMachine(root.resolve() if root is not None else SYSTEM)
    if machine.root != SYSTEM:
        # Profiles are looked for where that pedal has its own.
        os.environ["XDG_CONFIG_HOME"] = str(machine.real(places.CONFIG))
    findings = []
    for finding in examine(machine):
        findings.append(finding)
        if not as_json:
            click.echo("\n".join(lines(finding)))
    if as_json:
        click.echo(json.dumps([as_dict(finding) for finding in findings], indent=2))
    else:
        click.echo(summary(findings))
    return EXIT_FAILED if any(finding.state is State.WRONG for finding in findings) else 0


def lines(finding: Finding) -> list[str]:
    """A finding for people: what was found, and below it what to do."""
    first = f"{MARKS[finding.state]:{MARK_WIDTH}}{finding.name:{NAME_WIDTH}}{finding.found}"
    more = [" " * (MARK_WIDTH + NAME_WIDTH) + f"-> {finding.mend}"] if finding.mend else []
    return [first, *more]


def as_dict(finding: Finding) -> dict[str, str]:
    """A finding for programs."""
    return {"name": finding.name, "state": str(finding.state), "found": finding.found, "mend": finding.mend}


def summary(findings: Sequence[Finding]) -> str:
    """The last line."""
    bad = [finding.name for finding in findings if finding.state is State.WRONG]
    blind = sum(finding.state is State.UNKNOWN for finding in findings)
    if bad:
        said = f"{len(bad)} of {len(findings)} checks found something wrong; begin with '{bad[0]}'"
    else:
        said = "nothing is wrong"
    return f"{said}; {blind} can't be told here" if blind else said
