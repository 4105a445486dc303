"""The core that JACK's thread is kept on, where the pedal has one that nothing else runs on."""

from __future__ import annotations

import ctypes
import logging
import os
from collections.abc import Mapping

VARIABLE = "NAMPEDAL_AUDIO_CPU"
# What the C library's cpu_set_t has room for.
MOST_CPUS = 1024

_log = logging.getLogger(__name__)


def audio_cpu(environment: Mapping[str, str] = os.environ) -> int | None:
    """Which one, counted from 0; None: none is set, or what is set is no core, as the log says then."""
    text = environment.get(VARIABLE, "")
    if text.isdecimal() and int(text) < MOST_CPUS:
        return int(text)
    if text:
        _log.warning("%s: is %r; a core is needed, from 0 on; JACK's thread runs on any", VARIABLE, text)
    return None


def pin(thread: int, cpu: int) -> None:
    """thread: a pthread_t of this process. What comes of it stands in the log: the sound goes on anyway."""
    cpus = (ctypes.c_uint8 * (MOST_CPUS // 8))()
    cpus[cpu // 8] = 1 << cpu % 8
    error = ctypes.CDLL(None).pthread_setaffinity_np(ctypes.c_ulong(thread), ctypes.sizeof(cpus), cpus)
    if error:
        _log.warning("core %d: JACK's thread can't be kept on it: %s; it runs on any", cpu, os.strerror(error))
    else:
        _log.info("JACK's thread runs on core %d", cpu)
