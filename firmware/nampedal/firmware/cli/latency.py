"""nampedal latency."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import click
from nampedal.board.measured import Measured, measured_path, write_measured
from nampedal.board.pedals import Pedal, pedal_keys, read_pedal
from nampedal.firmware.control import muted, socket_path
from nampedal.firmware.errors import JackMissingError


@click.command("latency", epilog="\b\nExamples:\n  nampedal latency\n  nampedal latency --pedal mine")
@click.option("--pedal", metavar="NAME", help="Keep the figures as this pedal's, and take its input.")
@click.option("--server", metavar="NAME", help="JACK's server. Default: JACK_DEFAULT_SERVER, or 'default'.")
@click.option("--input", "source", metavar="PORT", help="Where the cable ends. Default: the card's first input.")
@click.option("--output", "target", metavar="PORT", help="Where it begins. Default: the card's first output.")
@click.option("--socket", metavar="PATH", type=click.Path(path_type=Path), help="Where a pedal listens, to be muted.")
@click.option("--verbose", is_flag=True, expose_value=False, help="Show the whole traceback of an error.")
def latency_command(
    pedal: str | None, server: str | None, source: str | None, target: str | None, socket: Path | None
) -> None:
    """Measure delay, level and noise through a cable from the output to the input.

    It plays a sweep of one second: take off the headphones.
    """
    path = measured_path(pedal) if pedal is not None else None
    profile = read_pedal(pedal) if pedal is not None and pedal in pedal_keys() else None
    if profile is not None and source is None:
        source = profile.jack_inputs(1)[0]
    measured = _measure(server, source, target, socket or socket_path())
    for name, text in _lines(measured) + (_by_profile(profile) if profile is not None else []):
        click.echo(f"{name:13}{text}")
    if pedal is not None:
        write_measured(pedal, measured)
        click.echo(f"written: {path}")


def _measure(server: str | None, source: str | None, target: str | None, socket: Path) -> Measured:
    # JACK's library is loaded where it is needed.
    try:
        jack_client = import_module("nampedal.firmware.jack_client")
        loop_client = import_module("nampedal.firmware.loop_client")
    except OSError as error:
        raise JackMissingError(
            "latency: JACK's library is not installed; install jackd2, or libjack-jackd2-0"
        ) from error
    client = loop_client.LoopClient(server)
    try:
        with muted(socket):
            inputs, outputs = ((port,) if port else () for port in (source, target))
            client.connect(jack_client.Wiring(inputs=inputs, outputs=outputs))
            loop = client.measure()
        return Measured(
            loop.round_trip_frames,
            client.period_frames,
            round(client.sample_rate),
            round(loop.gain_db, 2),
            round(loop.noise_floor_dbfs, 1),
        )
    finally:
        client.close()


def _lines(measured: Measured) -> list[tuple[str, str]]:
    rate = f"{measured.sample_rate_hz} Hz (periods of {measured.period_frames} frames)"
    return [
        ("round trip", f"{measured.round_trip_frames} frames, {measured.round_trip_ms:.1f} ms at {rate}"),
        ("noise floor", f"{measured.noise_floor_dbfs:.1f} dBFS"),
        ("level", f"{measured.loop_gain_db:+.1f} dB from out to in"),
    ]


def _by_profile(profile: Pedal) -> list[tuple[str, str]]:
    """What the profile's levels would make of it: one that is far off is wrong in the profile, or at a knob."""
    given, taken = profile.output_full_scale_dbu, profile.input_full_scale_dbu
    if given is None or taken is None:
        return []
    return [("", f"{given.value - taken.value:+.1f} dB by the levels of {profile.key}")]
