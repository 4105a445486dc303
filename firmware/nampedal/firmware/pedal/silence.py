"""Explains in one line why the pedal is silent."""

from __future__ import annotations

from nampedal.firmware.pedal.daemon import Pedal


def why_silent(pedal: Pedal) -> str:
    """Return all known reasons why the pedal is silent now; empty: none."""
    return "; ".join(reason for reason in _reasons(pedal) if reason)


def _reasons(pedal: Pedal) -> list[str]:
    state = pedal.state
    return [
        "it waits for the JACK server" if pedal.client is None else _no_preset(pedal),
        "it is muted" if state.muted else "",
        "the tuner is on, and silent" if state.silent_tuning else "",
    ]


def _no_preset(pedal: Pedal) -> str:
    manager = pedal.manager
    if manager is None or manager.current is not None:
        return ""
    if manager.wanted is not None:
        return f"{manager.wanted.name} is being prepared"
    if not manager.slots:
        return "there is no preset to play"
    return f"no preset can be played: {manager.refused or manager.slots[0].error or 'none is asked for'}"
