"""A fake pedal to examine: the files of a healthy Zero 2 W with a Codec Zero, in which a test introduces faults."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from conftest import ROOT
from nampedal.converter.listening import test_signals
from nampedal.converter.nam import nam_file
from nampedal.converter.rounding.tier_conversion import convert
from nampedal.firmware.base.errors import ControlRequestError, ControlSocketError
from nampedal.firmware.engine import artifact
from nampedal.firmware.engine.capture import Calibration
from nampedal.firmware.system.doctor.context import CARD, JACK, PLAYER, TUNE, UNITS, CheckContext
from nampedal.firmware.system.doctor.errors import CheckProgramError, ProgramMissingError, UnknownResultError
from nampedal.firmware.system.doctor.examined_host import RealHost
from nampedal.firmware.system.doctor.finding import Finding

from support.makers.bank_maker import make_bank

JACKD, NAMPEDAL, INTERRUPT = 412, 430, 91
JACK_ARGUMENTS = "-R -P 70 -t 2000 -p 128 -d alsa -d hw:Zero -r 48000 -p 128 -n 2"
SETTINGS = {
    "NAMPEDAL_PEDAL": "zero-2-w-codec-zero",
    "NAMPEDAL_JACK": f'"{JACK_ARGUMENTS}"',
    "NAMPEDAL_CARD": "Zero",
    "NAMPEDAL_AUDIO_CPU": "3",
    "NAMPEDAL_BASE": "raspios",
}
LIMITS = """Limit                     Soft Limit           Hard Limit           Units
Max locked memory         unlimited            unlimited            bytes
Max realtime priority     95                   95
"""
STATUS: dict[str, Any] = {
    "bank": "rock",
    "preset": "crunch",
    "playing": True,
    "sample_rate_hz": 48_000.0,
    "period_frames": 128,
    "quality": "tier 0",
    "steps_down": 0,
    "bypass": False,
    "load": {"p50": 0.3, "p99": 0.35, "p99.9": 0.41, "worst": 0.5, "blocks": 3000},
    "xruns": 1,
    "input_dbfs": -71.3,
    "muted": False,
    "tuning": False,
    "controls": {},
}
# /proc/mounts of a Zero 2 W.
MOUNTS = """/dev/mmcblk0p2 / ext4 rw,noatime 0 0
proc /proc proc rw,nosuid 0 0
tmpfs /run tmpfs rw,nosuid 0 0
/dev/mmcblk0p1 /boot/firmware vfat rw,relatime 0 0
"""
IMAGE_MOUNTS = """/dev/mmcblk0p2 / squashfs ro,relatime 0 0
/dev/mmcblk0p1 /boot/firmware vfat ro,relatime 0 0
/dev/mmcblk0p4 /var/lib/nampedal ext4 rw,noatime 0 0
"""
# Output of amixer for a Codec Zero after its profile has set the mixer. test_mixer.py checks it against amixer.
MIXER = ROOT / "tests" / "firmware" / "system" / "doctor" / "codec_zero_scontents.txt"
SWAPS = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"


class Patient(RealHost):
    """A fake machine: a folder of files, and tables of what it answers. free: bytes.  refuses: the error that ask()
    raises.

    fails: the error that a program ends with, by its name.  runs: programs are looked up on PATH and really run.
    """

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.units: dict[str, dict[str, str]] = {}
        self.commands: dict[str, str] = {}
        self.fails: dict[str, UnknownResultError] = {}
        self.is_running_system = False
        self.ran: list[str] = []
        self.answers: dict[str, Any] = {}
        self.refuses: Exception | None = None
        self.hidden: list[str] = []
        self.free: int | None = 20 << 30
        self.time = datetime(2026, 11, 21, 20, 15, tzinfo=UTC)
        self.seconds_per_look = 0.0
        self._passed_s = 0.0
        self.asked = 0
        self.waited_s = 0.0

    def put(self, path: str, text: str) -> None:
        at = self.real(Path(path))
        at.parent.mkdir(parents=True, exist_ok=True)
        at.write_text(text)

    def set(self, **settings: str | None) -> None:
        """Change settings in pedal.env; None removes one."""
        found = {key: value for key, value in (SETTINGS | settings).items() if value is not None}
        self.put("/etc/nampedal/pedal.env", "".join(f"{key}={value}\n" for key, value in found.items()))

    def thread(self, pid: int, tid: int, policy: int, priority: int, cpus: str = "0-3") -> None:
        """Add a thread of a process, in the format of proc_pid_stat(5)."""
        stat = f"{tid} (a name) S " + " ".join(["0"] * 36) + f" {priority} {policy} 0 0\n"
        self.put(f"/proc/{pid}/task/{tid}/stat", stat)
        self.put(f"/proc/{pid}/task/{tid}/status", f"Name:\ta name\nCpus_allowed_list:\t{cpus}\n")

    def interrupt(self, name: str, policy: int, priority: int) -> None:
        self.put(f"/proc/{INTERRUPT}/comm", name + "\n")
        self.put(f"/proc/{INTERRUPT}/stat", f"{INTERRUPT} ({name}) S " + "0 " * 36 + f"{priority} {policy} 0\n")

    @property
    def is_root(self) -> bool:
        return False

    def denied(self, path: Path) -> bool:
        return str(path) in self.hidden or super().denied(path)

    def run(self, *command: str, fine: Sequence[int] = (0,)) -> str:
        self.ran.append(" ".join(command))
        if self.is_running_system:
            return RealHost().run(*command, fine=fine)
        if command[0] in self.fails:
            raise self.fails[command[0]]
        if command[:2] == ("systemctl", "show") and len(command) > 3:
            blocks = [{"Id": name, **values} for name, values in self.units.items()]
            return "\n\n".join("\n".join(f"{key}={value}" for key, value in one.items()) for one in blocks)
        if " ".join(command) not in self.commands:
            raise ProgramMissingError(f"{command[0]} is not there")
        return self.commands[" ".join(command)]

    def ask(self, do: str) -> dict[str, Any]:
        self.asked += 1
        if self.refuses is not None:
            raise self.refuses
        answer: dict[str, Any] = self.answers[do]
        return answer

    def free_bytes(self, folder: Path) -> int | None:
        return self.free

    def now(self) -> datetime:
        return self.time

    def passed_s(self) -> float:
        self._passed_s += self.seconds_per_look
        return self._passed_s

    def wait(self, seconds: float) -> None:
        self.waited_s += seconds


def look(patient: Patient, check: Callable[[CheckContext], Finding]) -> tuple[str, str, str]:
    """Run a check. Return the state, what was found, and what to do."""
    finding = check(CheckContext(patient))
    return str(finding.state), finding.result, finding.repair


def socket_closed(cause: OSError) -> ControlSocketError:
    """Return the error that `ask` raises if no pedal answers."""
    error = ControlSocketError("control.sock: no pedal answers")
    error.__cause__ = cause
    return error


def failure(program: str, said: str) -> CheckProgramError:
    """Return the error that `run` raises if a program fails."""
    return CheckProgramError(f"{program} failed: {said}", f"run '{program}'", said)


def refusal() -> ControlRequestError:
    return ControlRequestError("request: no")


@cache
def amp() -> bytes:
    """Return an artifact with golden vectors."""
    short = (test_signals.plucks(48_000, 0.5), Calibration("half a second", -3.0, "nobody knows"))
    return artifact.pack(convert(nam_file.read(ROOT / "demo" / "overdriven-amp.nam"), "f32", short))


def make_patient(root: Path) -> Patient:
    """Return a healthy pedal, installed on Raspberry Pi OS."""
    patient = Patient(root)
    patient.set()
    patient.put("/etc/passwd", f"root:x:0:0::/root:/bin/sh\nnampedal:x:{os.getuid()}:990::/:/usr/sbin/nologin\n")
    _hardware(patient)
    _kernel(patient)
    _processes(patient)
    patient.put("/proc/mounts", MOUNTS)
    patient.put("/proc/swaps", SWAPS)
    patient.put("/proc/fs/jbd2/mmcblk0p2-8/info", "")
    patient.put("/dev/watchdog0", "")
    patient.put("/run/nampedal-card/announce", "")
    patient.real(Path("/run/systemd/system")).mkdir(parents=True)
    patient.commands["systemctl show --property=RuntimeWatchdogUSec"] = "RuntimeWatchdogUSec=15s"
    patient.commands["systemd-detect-virt --vm"] = "none"
    patient.answers["status"] = STATUS
    for name in ("config", "state"):
        patient.real(Path("/var/lib/nampedal", name)).mkdir(parents=True)
    rock = make_bank(patient.real(Path("/var/lib/nampedal/banks/rock")))
    (rock / "amp.stomp").write_bytes(amp())
    return patient


def make_image(root: Path) -> Patient:
    """Return a healthy pedal that was started from our image."""
    patient = make_patient(root)
    patient.set(NAMPEDAL_IMAGE="1")
    patient.put("/proc/mounts", IMAGE_MOUNTS)
    patient.put("/proc/fs/jbd2/mmcblk0p4-8/info", "")
    patient.put("/boot/firmware/config.txt", "[all]\nos_prefix=A/\ndtoverlay=\ndtoverlay=rpi-codeczero\n")
    patient.put("/boot/firmware/A/overlays/README", "")
    patient.put("/boot/firmware/A/overlays/rpi-codeczero.dtbo", "")
    return patient


def _hardware(patient: Patient) -> None:
    patient.put("/proc/device-tree/model", "Raspberry Pi Zero 2 W Rev 1.0\0")
    patient.put("/proc/device-tree/hat/vendor", "Raspberry Pi\0")
    patient.put("/proc/device-tree/hat/product", "Codec Zero\0")
    patient.put("/boot/firmware/config.txt", "dtparam=audio=off\n[all]\ndtoverlay=rpi-codeczero\n")
    patient.put("/boot/firmware/overlays/README", "")
    patient.put("/boot/firmware/overlays/rpi-codeczero.dtbo", "")
    patient.put(
        "/proc/asound/cards",
        " 0 [vc4hdmi        ]: vc4-hdmi - vc4-hdmi\n                      vc4-hdmi\n"
        " 1 [Zero           ]: RPi_Codec_Zero - RPi Codec Zero\n                      RPi Codec Zero\n",
    )
    patient.commands["amixer -D hw:Zero scontents"] = MIXER.read_text()
    patient.put("/proc/asound/card1/pcm0c/info", "")
    patient.put("/proc/asound/card1/pcm0p/info", "")
    for cpu in range(4):
        patient.put(f"/sys/devices/system/cpu/cpu{cpu}/cpufreq/scaling_governor", "performance\n")
    patient.put("/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq", "1000000\n")
    patient.put("/sys/devices/system/cpu/isolated", "3\n")
    patient.put("/sys/devices/platform/soc/soc:firmware/get_throttled", "0\n")
    patient.put("/sys/class/thermal/thermal_zone0/temp", "51540\n")


def _kernel(patient: Patient) -> None:
    patient.put("/proc/sys/kernel/osrelease", "6.12.25+rpt-rpi-v8\n")
    patient.put("/proc/sys/kernel/version", "#1 SMP PREEMPT Debian 1:6.12.25-1+rpt1 (2025-04-30)\n")
    patient.put("/proc/cmdline", "console=tty1 root=PARTUUID=1234-02 isolcpus=3 rootwait\n")


def _processes(patient: Patient) -> None:
    for pid in (JACKD, NAMPEDAL):
        patient.put(f"/proc/{pid}/limits", LIMITS)
        patient.thread(pid, pid, 0, 0, "0-2")
    patient.put(f"/proc/{JACKD}/cmdline", "/usr/bin/jackd\0" + JACK_ARGUMENTS.replace(" ", "\0") + "\0")
    patient.put(f"/proc/{JACKD}/status", "Name:\tjackd\nVmLck:\t   12288 kB\n")
    patient.thread(JACKD, JACKD + 2, 1, 70)
    patient.thread(NAMPEDAL, NAMPEDAL + 4, 1, 65, "3")
    off = {"LoadState": "loaded", "ActiveState": "inactive", "Result": "success", "MainPID": "0", "NRestarts": "0"}
    patient.units = {name: dict(off) for name in UNITS}
    for name, pid in ((JACK, JACKD), (PLAYER, NAMPEDAL)):
        patient.units[name] |= {"ActiveState": "active", "SubState": "running", "MainPID": str(pid)}
    for name in (CARD, TUNE):
        patient.units[name] |= {"ActiveState": "active", "SubState": "exited"}
    patient.units[PLAYER] |= {"WatchdogUSec": "10s", "StatusText": "plays crunch of rock"}
