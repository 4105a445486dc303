"""What the firmware and the kernel are told: config.txt and cmdline.txt.

Sources: raspberrypi/documentation, documentation/asciidoc/computers/configuration/device-tree.adoc at 042aa6f, for the
order and the scope of overlays; Linux, Documentation/admin-guide/kernel-parameters.txt, for the words.
"""

from __future__ import annotations

from nampedal.board import places
from nampedal.board.install.errors import SerialPortOffError
from nampedal.board.install.target import Target
from nampedal.board.pedals import Pedal
from nampedal.board.wiring import HEADER_PORTS, UART_PINS

CONFIG_TXT = places.CARD_CONFIG
CMDLINE_TXT = places.CARD / "cmdline.txt"
RT_KERNEL = "kernel8_rt.img"
# Fewer cores than that, and none can be spared for the sound alone.
ISOLATING_CORES = 4
# Its pins are the RP1's, of another kind than before.
_WITH_RP1 = "Cortex-A76"
# Its USB is dwc_otg's, which hangs where all interrupts are threads (raspberrypi/linux, issue 3683).
_WITH_DWC_OTG = "Cortex-A53"
# Its USB is off unless the firmware is told otherwise (RPi-Distro/pi-gen, stage1/00-boot-files/files/config.txt).
_USB_OFF = "Compute Module 4"
_EEPROM_PINS = {0, 1}
# MHz that the core clock may not leave while a strip of LEDs hangs on its divider: hw-profiles/README.md.
_STRIP_CORE_MHZ = {"Cortex-A53": 400, "Cortex-A72": 500}
_MOST_LINE = 80


def audio_core(pedal: Pedal) -> int | None:
    """Which one is kept for the sound: the last; None: there are too few."""
    cores = pedal.board.cores.value
    return cores - 1 if cores >= ISOLATING_CORES else None


def other_cores(pedal: Pedal) -> str:
    """As Linux lists them: 0-2."""
    core = audio_core(pedal)
    return f"0-{(pedal.board.cores.value if core is None else core) - 1}"


def header_port(pedal: Pedal) -> str | None:
    """The serial port of the controls, if it is the one on the pins."""
    serial = pedal.wiring.serial
    return serial.port if serial is not None and serial.port in HEADER_PORTS else None


def config_block(pedal: Pedal, target: Target) -> list[str]:
    """Lines at the end of config.txt, or all of it but what the image itself needs. Raises SerialPortOffError."""
    # An overlay takes the parameters behind it, until another comes, or none: so this line does. Where it is the first
    # of its kind, the EEPROM of the HAT is not heard either.
    lines = ["[all]", "dtoverlay="]
    if set(pedal.hat.pins) >= _EEPROM_PINS:
        lines.append("force_eeprom_read=0")
    if pedal.board.cpu != _WITH_RP1:
        # Boards with the RP1 have no such parameter: their firmware would log "Unknown dtparam 'audio' - ignored"
        # (raspberrypi/linux, arch/arm64/boot/dts/broadcom/bcm2712-rpi.dtsi at 01a175b, __overrides__).
        lines.append("dtparam=audio=off")
    lines += ["camera_auto_detect=0", "display_auto_detect=0"]
    if _has_rt_kernel(target):
        lines.append(f"kernel={RT_KERNEL}")
    if _USB_OFF in pedal.board.name:
        lines.append("otg_mode=1")
    lines += _spi_lines(pedal)
    lines += _radio_and_uart_lines(pedal, target)
    return lines + _hat_lines(pedal)


def cmdline_words(pedal: Pedal, target: Target) -> list[str]:
    """Words for cmdline.txt, besides those that say what is started from."""
    words = ["cpufreq.default_governor=performance", "transparent_hugepage=never", "fsck.repair=yes"]
    if pedal.board.cpu != _WITH_DWC_OTG:
        words.append("threadirqs")
    core = audio_core(pedal)
    if core is not None:
        words += [f"isolcpus=domain,managed_irq,{core}", f"irqaffinity={other_cores(pedal)}"]
        words += [f"nohz_full={core}", f"rcu_nocbs={core}"]
    return words


def console_words(pedal: Pedal) -> list[str]:
    """What may not be among the words of cmdline.txt, whatever baud rate follows: a console where the controls are."""
    port = header_port(pedal)
    if port is None:
        return []
    names = {name.removeprefix("/dev/") for name in HEADER_PORTS} if port == HEADER_PORTS[0] else {port[5:], "serial0"}
    return [f"console={name}" for name in sorted(names)]


def boot_files_there(target: Target) -> bool:
    """Both of them, of a system that is started by the firmware of a Raspberry Pi."""
    return all(target.at(path).is_file() for path in (CONFIG_TXT, CMDLINE_TXT))


def _has_rt_kernel(target: Target) -> bool:
    """Where the kernel is the system's own affair."""
    return not target.image and target.at(places.CARD / RT_KERNEL).is_file()


def _hat_lines(pedal: Pedal) -> list[str]:
    """None for a USB interface: the kernel finds it by itself."""
    hat = pedal.hat
    if hat.overlay is None:
        return []
    line = ",".join((f"dtoverlay={hat.overlay}", *hat.overlay_parameters))
    if len(line) <= _MOST_LINE:
        return [line]
    return [f"dtoverlay={hat.overlay}", *(f"dtparam={parameter}" for parameter in hat.overlay_parameters)]


def _spi_lines(pedal: Pedal) -> list[str]:
    wiring, lines = pedal.wiring, []
    for part in (wiring.mcp3008, wiring.strip):
        if part is not None:
            # Of the first bus both chip selects are there; those of the others come with an overlay.
            overlay = f"dtoverlay=spi{part.bus}-{part.device + 1}cs"
            lines += ["dtparam=spi=on"] if part.bus == 0 else [overlay, "dtoverlay="]
    if wiring.strip is not None and pedal.board.cpu in _STRIP_CORE_MHZ:
        lines.append(f"core_freq_min={_STRIP_CORE_MHZ[pedal.board.cpu]}")
    return lines


def _radio_and_uart_lines(pedal: Pedal, target: Target) -> list[str]:
    port, lines = header_port(pedal), []
    if port is not None and pedal.board.cpu == _WITH_RP1:
        lines += _rp1_uart_lines(pedal, port)
    elif port is not None:
        lines += _uart_lines(pedal, port, target)
    if not target.radio:
        lines += ["dtoverlay=disable-wifi", "dtoverlay=disable-bt", "dtoverlay="]
    return lines


def _rp1_uart_lines(pedal: Pedal, port: str) -> list[str]:
    if port != "/dev/ttyAMA0":
        pins = " and ".join(map(str, UART_PINS))
        raise SerialPortOffError(
            f"pedal {pedal.key!r}: serial.port: is {port}, which a {pedal.board.name} does not have on GPIO {pins}; "
            "/dev/ttyAMA0 is there"
        )
    return ["dtparam=uart0=on"]


def _uart_lines(pedal: Pedal, port: str, target: Target) -> list[str]:
    """Bluetooth has the better port of the two, unless it is off, or takes the other."""
    if port == "/dev/ttyS0":
        if not target.radio:
            raise SerialPortOffError(
                f"pedal {pedal.key!r}: serial.port: is {port}, which is not on the pins while the radio is off; name "
                "/dev/serial0, or leave the radio on"
            )
        return ["enable_uart=1"]
    return ["enable_uart=1", *(["dtoverlay=miniuart-bt", "dtoverlay="] if target.radio else [])]
