"""Make what examples/bank plays beside its text files: an artifact of the demo capture, and a loudspeaker cabinet.

Neither comes from a real device. The artifact is demo/overdriven-amp.nam, which demo/make_demo.py made, and the
cabinet is the few filters of `speaker`. Both files are in the repository; run it again only to make them anew:

    python examples/make_bank.py
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

Audio = NDArray[np.float64]

SAMPLE_RATE = 48_000
FRAMES = 2_048
# Long enough that the minimum-phase response has died away before it wraps around.
TRANSFORM = 1 << 16
HERE = Path(__file__).parent
CAPTURE = HERE.parent / "demo" / "overdriven-amp.nam"
ARTIFACT = HERE / "bank" / "overdriven-amp.stomp"
CABINET = HERE / "bank" / "speaker-12-inch.wav"

# Bells where the cone moves in parts: Hz, dB, Q.
BREAKUP = ((1_450.0, 2.5, 3.0), (1_900.0, -3.0, 4.0), (2_450.0, 4.5, 2.5), (3_300.0, 4.0, 3.5), (4_200.0, -4.0, 5.0))


def speaker(hz: Audio) -> Audio:
    """Magnitude of a closed-back 12-inch guitar loudspeaker, with a microphone near its cone, at each frequency in Hz.

    Its resonance at 85 Hz, less between 350 and 500 Hz, more from 2 to 4 kHz, and little above 5 kHz.
    """
    s = 1j * np.maximum(hz, 1e-3)
    resonance = s**2 / (s**2 + s * 85.0 / 1.2 + 85.0**2)
    # Two sections of a Butterworth low-pass of the fourth order.
    top = 5_000.0
    rolloff = np.ones_like(s)
    for q in (0.5412, 1.3066):
        rolloff = rolloff * top**2 / (s**2 + s * top / q + top**2)
    response = resonance * rolloff * bell(s, 420.0, -5.0, 0.8)
    for centre_hz, gain_db, q in BREAKUP:
        response = response * bell(s, centre_hz, gain_db, q)
    return np.abs(response)


def bell(s: NDArray[np.complex128], hz: float, gain_db: float, q: float) -> NDArray[np.complex128]:
    """The analog peaking filter of the Audio EQ Cookbook (R. Bristow-Johnson, W3C note), at s = j times Hz."""
    a = 10.0 ** (gain_db / 40.0)
    return (s**2 + s * hz * a / q + hz**2) / (s**2 + s * hz / (a * q) + hz**2)


def impulse_response() -> Audio:
    """The speaker as an impulse response without delay: minimum phase, peak at -1 dBFS. (FRAMES,)"""
    magnitude = np.maximum(speaker(np.fft.rfftfreq(TRANSFORM, 1.0 / SAMPLE_RATE)), 1e-6)
    # The phase follows from the magnitude: what the real cepstrum has before time 0 is folded behind it
    # (Oppenheim and Schafer, Discrete-Time Signal Processing, "minimum-phase").
    cepstrum = np.fft.irfft(np.log(magnitude), TRANSFORM)
    cepstrum[1 : TRANSFORM // 2] *= 2.0
    cepstrum[TRANSFORM // 2 + 1 :] = 0.0
    response = np.fft.irfft(np.exp(np.fft.rfft(cepstrum)), TRANSFORM)[:FRAMES]
    response[-512:] *= 0.5 + 0.5 * np.cos(np.linspace(0.0, np.pi, 512))
    return 10.0 ** (-1.0 / 20.0) * response / np.max(np.abs(response))


def main() -> None:
    soundfile.write(CABINET, impulse_response(), SAMPLE_RATE, subtype="PCM_24")
    subprocess.run(["nampedal", "convert", str(CAPTURE), "-o", str(ARTIFACT), "--force"], check=True)


if __name__ == "__main__":
    main()
