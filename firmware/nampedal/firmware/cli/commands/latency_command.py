"""The command `nampedal latency`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click
from nampedal.board.profiles.pedals import PedalProfile, pedal_keys, read_pedal
from nampedal.board.profiles.user_calibration import UserCalibration, calibration_path, write_calibration
from nampedal.firmware.actions.control_socket import muted, socket_path
from nampedal.firmware.base.errors import MissingPackageError
from nampedal.firmware.cli import words
from nampedal.firmware.cli.shared import as_json, examples, print_json, print_text, socket, verbose


@click.command("latency", epilog=examples("nampedal latency", "nampedal latency --pedal mine"))
@click.option(
    "--pedal", metavar="NAME", shell_complete=words.pedals, help="Keep the figures as this pedal's, and take its input."
)
@click.option("--server", metavar="NAME", help="JACK's server. Default: JACK_DEFAULT_SERVER, or 'default'.")
@click.option("--input-port", "source", metavar="PORT", help="Where the cable ends. Default: the card's first.")
@click.option("--output-port", "target", metavar="PORT", help="Where it begins. Default: the card's first.")
@socket
@as_json
@verbose
def latency_command(
    pedal: str | None,
    server: str | None,
    source: str | None,
    target: str | None,
    socket: Path | None,
    as_json: bool,
) -> None:
    """Measure delay, level and noise through a cable.

    The cable goes from the output to the input. It plays a sweep of one second: take off the headphones.

    A pedal that plays is muted meanwhile.
    """
    path = calibration_path(pedal) if pedal is not None else None
    profile = read_pedal(pedal) if pedal is not None and pedal in pedal_keys() else None
    if profile is not None and source is None:
        source = profile.jack_inputs(1)[0]
    measured = _measure(server, source, target, socket or socket_path())
    if as_json:
        if pedal is not None:
            write_calibration(pedal, measured)
        print_json({**_as_json(measured), "profile_loop_gain_db": _profile_gain_db(profile), "written": path})
        return
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


def _as_json(measured: UserCalibration) -> dict[str, float]:
    return {**asdict(measured), "round_trip_ms": measured.round_trip_ms}


def _profile_gain_db(profile: PedalProfile | None) -> float | None:
    """Return the gain from output to input that the profile's levels predict; None if they are not known.

    If the measured one is far off, the profile or a knob is wrong.
    """
    if profile is None or profile.output_full_scale_dbu is None or profile.input_full_scale_dbu is None:
        return None
    return profile.output_full_scale_dbu.value - profile.input_full_scale_dbu.value


def _by_profile(profile: PedalProfile) -> list[tuple[str, str]]:
    gain_db = _profile_gain_db(profile)
    return [] if gain_db is None else [("", f"{gain_db:+.1f} dB by the levels of {profile.key}")]
