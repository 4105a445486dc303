"""Pins JACK's thread to a CPU core that the pedal reserves for it, if there is one."""

from __future__ import annotations

import ctypes
import logging
import os
from collections.abc import Mapping

VARIABLE = "NAMPEDAL_AUDIO_CPU"
# The number of cores in the C library's cpu_set_t.
MAX_CPUS = 1024

_log = logging.getLogger(__name__)


def audio_cpu(environment: Mapping[str, str] = os.environ) -> int | None:
    """Return the core from the environment, counted from 0; None: not set, or not valid (then the log says so)."""
    text = environment.get(VARIABLE, "")
    if text.isdecimal() and int(text) < MAX_CPUS:
        return int(text)
    if text:
        _log.warning("%s: is %r; a core is needed, from 0 on; JACK's thread runs on any", VARIABLE, text)
    return None


def pin(thread: int, cpu: int) -> None:
    """Pin a thread to a core. A failure is only logged: the sound goes on.

    thread: a pthread_t of this process.
    cpu: the core, counted from 0.
    """
    cpus = (ctypes.c_uint8 * (MAX_CPUS // 8))()
    cpus[cpu // 8] = 1 << cpu % 8
    error = ctypes.CDLL(None).pthread_setaffinity_np(ctypes.c_ulong(thread), ctypes.sizeof(cpus), cpus)
    if error:
        _log.warning("core %d: JACK's thread can't be kept on it: %s; it runs on any", cpu, os.strerror(error))
    else:
        _log.info("JACK's thread runs on core %d", cpu)
