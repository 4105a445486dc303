"""The commands that talk to a running pedal: status, preset, set, do, save, bypass, tuner."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click
from nampedal.firmware.actions.control_socket import ask, socket_path
from nampedal.firmware.cli import words
from nampedal.firmware.cli.groups import NumbersCommand
from nampedal.firmware.cli.shared import as_json, examples, print_json, print_text, socket, verbose

WATCH_S = 0.25
BAR = 30
NEEDLE = 41


def _ask(socket: Path | None, **request: Any) -> dict[str, Any]:
    return ask(socket or socket_path(), request)


@click.command("status", epilog=examples("nampedal status", "nampedal status --watch", "nampedal status --json"))
@click.option("--watch", is_flag=True, help="Go on until Ctrl-C.")
@as_json
@socket
@verbose
def status_command(watch: bool, as_json: bool, socket: Path | None) -> None:
    """Show what plays, how much time it takes, and the levels."""
    while True:
        status = _ask(socket, do="status")
        if as_json:
            print_json(status, one_line=watch)
        else:
            if watch:
                click.clear()
            print_text(status_text(status))
        if not watch:
            return
        time.sleep(WATCH_S)


def status_text(status: dict[str, Any]) -> str:
    """Return the pedal's status as text."""
    load = status["load"]
    wanted = f", going to {status['wanted']}" if status["wanted"] else ""
    server = "waiting for the server"
    if status["playing"]:
        server = f"{status['sample_rate_hz']:.0f} Hz, periods of {status['period_frames']} frames"
    lines = [
        ("preset", f"{status['preset'] or 'none'}{wanted}" + _aside(status)),
        *([("", f"as it was before its files changed: {error}")] if (error := status.get("error")) else []),
        *([("can't play", status["refused"])] if status["refused"] else []),
        *([("MIDI", f"changed nothing: {problem}")] if (problem := status.get("midi_problem")) else []),
        ("JACK", server),
        ("quality", status["quality"] + _steps(status["steps_down"])),
        ("load", f"{_bar(load['p99.9'])} {100 * load['p99.9']:.0f} % of the period at p99.9"),
        (
            "",
            f"median {100 * load['p50']:.0f} %, p99 {100 * load['p99']:.0f} %, worst ever {100 * load['worst']:.0f} %",
        ),
        ("xruns", str(status["xruns"])),
        *(("no " + name, trouble) for name, trouble in status["controls"].items()),
        *_round_trip(status["round_trip_ms"], status["latency_ms"]),
        *_machine(status["temperature_c"], status["throttled"]),
        *_tuner(status),
        ("levels", f"in {_level(status['input_dbfs'])}, out {_level(status['output_dbfs'])}"),
    ]
    for level in status["calibrated"]:
        gain = level["gain_db"]
        lines.append(("calibrated" if gain is not None else "uncalibrated", _calibration(gain, level["reason"])))
    lines += [("level", note) for note in status.get("level_notes", ())]
    for name, count in status.get("faults", {}).items():
        lines.append(("no sound", f"{name}: {count} periods not finite or above +120 dBFS; silent there"))
    return "\n".join(f"{name:13}{text}" for name, text in lines)


def _aside(status: dict[str, Any]) -> str:
    words = ("safe", "the safe start"), ("last_resort", "built in"), ("bypass", "bypassed"), ("muted", "muted")
    found = [word for key, word in words if status[key]]
    return f" ({', '.join(found)})" if found else ""


def _steps(down: int) -> str:
    return f", {down} step{'s' * (down > 1)} down so far" if down else ""


def _round_trip(measured_ms: float | None, resampling_ms: float) -> list[tuple[str, str]]:
    more = f", and {resampling_ms:.1f} ms of resampling" if resampling_ms else ""
    if measured_ms is None:
        return [("latency", f"not measured{more}")] if more else []
    return [("latency", f"{measured_ms:.1f} ms, measured{more}")]


def _machine(temperature_c: float | None, throttled: list[str] | None) -> list[tuple[str, str]]:
    warm = f"{temperature_c:.0f} °C" if temperature_c is not None else ""
    slow = ", ".join(throttled).upper() if throttled else ""
    text = ", ".join(part for part in (warm, slow) if part)
    return [("machine", text)] if text else []


def _tuner(status: dict[str, Any]) -> list[tuple[str, str]]:
    reference_hz = status.get("reference_hz", 440.0)
    return [("tuner", f"A4 is {reference_hz:g} Hz")] if status.get("tuning") or reference_hz != 440.0 else []


def _bar(share: float) -> str:
    full = min(BAR, round(BAR * share))
    return "#" * full + "." * (BAR - full)


def _level(dbfs: float | None) -> str:
    if dbfs is None:
        return "silent"
    return f"{dbfs:.1f} dBFS" + (" CLIPS" if dbfs >= 0.0 else "")


def _calibration(gain_db: float | None, why: str) -> str:
    return why if gain_db is None else f"{gain_db:+.1f} dB: {why}"


@click.command("preset", epilog=examples("nampedal preset", "nampedal preset crunch", "nampedal preset next"))
@click.argument("name", required=False, shell_complete=words.pedal_presets_or_next)
@socket
@as_json
@verbose
def preset_command(name: str | None, socket: Path | None, as_json: bool) -> None:
    """Go to a preset, or list them.

    NAME is a name, a place, 'next' or 'previous'; without it presets are listed. Digits count places; '=1959' is the
    preset that is called 1959.
    """
    if as_json:
        if name in ("next", "previous"):
            _ask(socket, do=name)
        elif name is not None:
            _ask(socket, do="load", preset=name)
        status = _ask(socket, do="status")
        print_json(
            {
                "preset": status["preset"],
                "wanted": status["wanted"],
                "presets": [{"number": n, **one} for n, one in enumerate(_ask(socket, do="presets")["presets"], 1)],
            }
        )
    elif name is None:
        playing = _ask(socket, do="status")["preset"]
        for number, one in enumerate(_ask(socket, do="presets")["presets"], 1):
            state = "ready" if one["ready"] else "not ready yet"
            if one["error"]:
                state = f"ready, as it was before its files changed: {one['error']}" if one["ready"] else one["error"]
            print_text(f"{'*' if one['name'] == playing else ' '} {number:2} {one['name']}: {state}")
    elif name in ("next", "previous"):
        print_text(_ask(socket, do=name)["preset"])
    else:
        _ask(socket, do="load", preset=name)


@click.command(
    "set",
    cls=NumbersCommand,
    epilog=examples("nampedal set gain 6", "nampedal set 3.bass 7.5", "nampedal set level -12"),
)
@click.argument("name")
@click.argument("value", type=float)
@socket
@verbose
def set_command(name: str, value: float, socket: Path | None) -> None:
    """Set a number of the preset that plays. It is kept in the preset once it is saved."""
    _ask(socket, do="set", name=name, value=value)


@click.command("do", cls=NumbersCommand, epilog=examples("nampedal do bank next", "nampedal do preset 1 again bypass"))
@click.argument("action", nargs=-1, required=True, shell_complete=words.actions)
@socket
@verbose
def do_command(action: tuple[str, ...], socket: Path | None) -> None:
    """Do what a footswitch could."""
    _ask(socket, do="act", action=" ".join(action))


@click.command("save", epilog=examples("nampedal save"))
@socket
@verbose
def save_command(socket: Path | None) -> None:
    """Keep the numbers that were set in the preset that plays."""
    _ask(socket, do="save")


@click.command("bypass", epilog=examples("nampedal bypass on", "nampedal bypass off"))
@click.argument("state", type=click.Choice(["on", "off"]))
@socket
@verbose
def bypass_command(state: str, socket: Path | None) -> None:
    """Play dry, or through the blocks again."""
    _ask(socket, do="bypass", on=state == "on")


@click.command("tuner", epilog=examples("nampedal tuner --mute", "nampedal tuner --reference 442"))
@click.option("--mute", is_flag=True, help="Be silent meanwhile.")
@click.option("--reference", type=float, metavar="HZ", help="What A4 is from now on, until the pedal ends: 415 to 466.")
@socket
@verbose
def tuner_command(mute: bool, reference: float | None, socket: Path | None) -> None:
    """Tune: show the note that is played, until Ctrl-C."""
    if reference is not None:
        _ask(socket, do="tuner_reference", hertz=reference)
    print_text(f"A4 is {_ask(socket, do='status')['reference_hz']:g} Hz")
    _ask(socket, do="tuner", on=True)
    _ask(socket, do="mute", on=mute)
    try:
        while True:
            click.echo(f"\r{needle_text(_ask(socket, do='status')['pitch']):{NEEDLE + 16}}", nl=False)
            time.sleep(1.0 / 15.0)
    except KeyboardInterrupt:
        click.echo()
    finally:
        _ask(socket, do="tuner", on=False)
        _ask(socket, do="mute", on=False)


def needle_text(pitch: dict[str, Any] | None) -> str:
    """Return a pitch as a line of text: flat to the left, sharp to the right."""
    if pitch is None:
        return "play a string"
    places = ["-"] * NEEDLE
    places[NEEDLE // 2] = "|"
    places[round((pitch["cents"] + 50.0) / 100.0 * (NEEDLE - 1))] = "#"
    return f"{pitch['note']:4}{''.join(places)} {pitch['cents']:+.1f} cents"
