"""The command `nampedal latency`."""

from __future__ import annotations

from pathlib import Path

import click
from nampedal.board.profiles.pedals import PedalProfile, pedal_keys, read_pedal
from nampedal.board.profiles.user_calibration import UserCalibration, calibration_path, write_calibration
from nampedal.firmware.actions.control_socket import muted, socket_path
from nampedal.firmware.base.errors import MissingPackageError
from nampedal.firmware.cli import words
from nampedal.firmware.cli.shared import print_text


@click.command("latency", epilog="\b\nExamples:\n  nampedal latency\n  nampedal latency --pedal mine")
@click.option(
    "--pedal", metavar="NAME", shell_complete=words.pedals, help="Keep the figures as this pedal's, and take its input."
)
@click.option("--server", metavar="NAME", help="JACK's server. Default: JACK_DEFAULT_SERVER, or 'default'.")
@click.option("--input", "source", metavar="PORT", help="Where the cable ends. Default: the card's first input.")
@click.option("--output", "target", metavar="PORT", help="Where it begins. Default: the card's first output.")
@click.option("--socket", metavar="PATH", type=click.Path(path_type=Path), help="Where a pedal listens, to be muted.")
@click.option("--verbose", is_flag=True, expose_value=False, help="Show the whole traceback of an error.")
def latency_command(
    pedal: str | None, server: str | None, source: str | None, target: str | None, socket: Path | None
) -> None:
    """Measure delay, level and noise through a cable.

    The cable goes from the output to the input. It plays a sweep of one second: take off the headphones.
    """
    path = calibration_path(pedal) if pedal is not None else None
    profile = read_pedal(pedal) if pedal is not None and pedal in pedal_keys() else None
    if profile is not None and source is None:
        source = profile.jack_inputs(1)[0]
    measured = _measure(server, source, target, socket or socket_path())
    for name, text in _lines(measured) + (_by_profile(profile) if profile is not None else []):
        print_text(f"{name:13}{text}")
    if pedal is not None:
        write_calibration(pedal, measured)
        print_text(f"written: {path}")


def _measure(server: str | None, source: str | None, target: str | None, socket: Path) -> UserCalibration:
    # These modules load libjack, which may not be installed; the other commands do not need it.
    try:
        from nampedal.firmware.jack.jack_client import PortConnections  # noqa: PLC0415
        from nampedal.firmware.jack.loopback_client import LoopbackClient  # noqa: PLC0415
    except OSError as error:
        raise MissingPackageError(
            "latency: JACK's library is not installed; install jackd2, or libjack-jackd2-0"
        ) from error
    client = LoopbackClient(server)
    try:
        with muted(socket):
            inputs, outputs = ((port,) if port else () for port in (source, target))
            client.connect(PortConnections(inputs=inputs, outputs=outputs))
            loop = client.measure()
        return UserCalibration(
            loop.round_trip_frames,
            client.period_frames,
            round(client.sample_rate),
            round(loop.gain_db, 2),
            round(loop.noise_floor_dbfs, 1),
        )
    finally:
        client.close()


def _lines(measured: UserCalibration) -> list[tuple[str, str]]:
    rate = f"{measured.sample_rate_hz} Hz (periods of {measured.period_frames} frames)"
    return [
        ("round trip", f"{measured.round_trip_frames} frames, {measured.round_trip_ms:.1f} ms at {rate}"),
        ("noise floor", f"{measured.noise_floor_dbfs:.1f} dBFS"),
        ("level", f"{measured.loop_gain_db:+.1f} dB from out to in"),
    ]


def _by_profile(profile: PedalProfile) -> list[tuple[str, str]]:
    """Return the gain that the profile's levels predict. If the measured one is far off, the profile or a knob is
    wrong.
    """
    given, taken = profile.output_full_scale_dbu, profile.input_full_scale_dbu
    if given is None or taken is None:
        return []
    return [("", f"{given.value - taken.value:+.1f} dB by the levels of {profile.key}")]
