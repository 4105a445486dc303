"""Logs the blocks of a chain that produce invalid samples."""

from __future__ import annotations

import logging

from nampedal.firmware.presets.chain import Chain

_log = logging.getLogger(__name__)


class BlockFaultLog:
    """Logs each faulty block once, as long as the same chain plays."""

    def __init__(self) -> None:
        self._chain: Chain | None = None
        self._logged: set[str] = set()

    def update(self, chain: Chain | None) -> None:
        """Log the new faults of a chain. Call it often.

        chain: the one that plays; None: none.
        """
        if chain is not self._chain:
            self._chain, self._logged = chain, set()
        faults = chain.faults() if chain is not None else {}
        for name in faults.keys() - self._logged:
            self._logged.add(name)
            preset = chain.preset.name if chain is not None else ""
            _log.warning("preset %s: %s: not finite or above +120 dBFS; it is silent there", preset, name)
