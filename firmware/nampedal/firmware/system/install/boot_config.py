"""Makes the lines of config.txt (Raspberry Pi firmware) and the words of cmdline.txt (kernel) for a pedal.

Sources: raspberrypi/documentation, documentation/asciidoc/computers/configuration/device-tree.adoc at 042aa6f, for the
order and the scope of overlays; Linux, Documentation/admin-guide/kernel-parameters.txt, for the kernel parameters.
"""

from __future__ import annotations

from nampedal.board.profiles.pedals import PedalProfile
from nampedal.board.profiles.wiring import HEADER_PORTS, UART_PINS
from nampedal.firmware.base import system_paths
from nampedal.firmware.base.errors import DeployError
from nampedal.firmware.system.install.steps.target import InstallTarget

CONFIG_TXT = system_paths.CARD_CONFIG
CMDLINE_TXT = system_paths.CARD / "cmdline.txt"
RT_KERNEL = "kernel8_rt.img"
# A board with fewer cores has none to reserve for the audio.
MIN_ISOLATION_CORES = 4
# CPU of the boards whose GPIO pins and UARTs belong to the RP1 chip.
_WITH_RP1 = "Cortex-A76"
# CPU of the boards with the USB controller driver dwc_otg, which hangs if all interrupts run in threads
# (raspberrypi/linux, issue 3683).
_WITH_DWC_OTG = "Cortex-A53"
# USB is off on this board unless config.txt switches it on (RPi-Distro/pi-gen, stage1/00-boot-files/files/config.txt).
_USB_OFF = "Compute Module 4"
_EEPROM_PINS = {0, 1}
# Fixed core clock in MHz, by CPU, for boards with an LED strip: the strip's SPI clock is divided from the core clock
# (docs/reference/profiles.md).
_STRIP_CORE_MHZ = {"Cortex-A53": 400, "Cortex-A72": 500}
_MAX_LINE = 80


def audio_core(pedal: PedalProfile) -> int | None:
    """Return the number of the core reserved for the audio, which is the last one; None if there are too few cores."""
    cores = pedal.board.cores.value
    return cores - 1 if cores >= MIN_ISOLATION_CORES else None


def other_cores(pedal: PedalProfile) -> str:
    """Return the cores that are not reserved for the audio, as a Linux CPU list such as "0-2"."""
    core = audio_core(pedal)
    return f"0-{(pedal.board.cores.value if core is None else core) - 1}"


def header_port(pedal: PedalProfile) -> str | None:
    """Return the serial port of the controls if it is the one on the GPIO header; None otherwise."""
    serial = pedal.wiring.serial
    return serial.port if serial is not None and serial.port in HEADER_PORTS else None


def config_block(pedal: PedalProfile, target: InstallTarget) -> list[str]:
    """Return the pedal's lines for the end of config.txt.

    On an image, these are all lines except the ones that the image itself needs. Raises DeployError.
    """
    # dtparam lines apply to the overlay before them, until the next dtoverlay line; "dtoverlay=" ends an overlay
    # without beginning another. If this is the first dtoverlay line of the file, the HAT's EEPROM is not read.
    lines = ["[all]", "dtoverlay="]
    if set(pedal.hat.pins) >= _EEPROM_PINS:
        lines.append("force_eeprom_read=0")
    if pedal.board.cpu != _WITH_RP1:
        # Boards with the RP1 do not know this parameter: their firmware would log "Unknown dtparam 'audio' - ignored"
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


def cmdline_words(pedal: PedalProfile, target: InstallTarget) -> list[str]:
    """Return the pedal's words for cmdline.txt. The words that name the root file system are not among them."""
    words = ["cpufreq.default_governor=performance", "transparent_hugepage=never", "fsck.repair=yes"]
    if pedal.board.cpu != _WITH_DWC_OTG:
        words.append("threadirqs")
    core = audio_core(pedal)
    if core is not None:
        words += [f"isolcpus=domain,managed_irq,{core}", f"irqaffinity={other_cores(pedal)}"]
        words += [f"nohz_full={core}", f"rcu_nocbs={core}"]
    return words


def console_words(pedal: PedalProfile) -> list[str]:
    """Return the console= words, without baud rate, that cmdline.txt must not contain.

    They would put a console on the serial port of the controls.
    """
    port = header_port(pedal)
    if port is None:
        return []
    names = {name.removeprefix("/dev/") for name in HEADER_PORTS} if port == HEADER_PORTS[0] else {port[5:], "serial0"}
    return [f"console={name}" for name in sorted(names)]


def has_boot_files(target: InstallTarget) -> bool:
    """Return True if config.txt and cmdline.txt both exist, as on a system that a Raspberry Pi's firmware boots."""
    return all(target.under_root(path).is_file() for path in (CONFIG_TXT, CMDLINE_TXT))


def _has_rt_kernel(target: InstallTarget) -> bool:
    """Return True if the system has the PREEMPT_RT kernel; always False for an image, which chooses its own kernel."""
    return not target.image and target.under_root(system_paths.CARD / RT_KERNEL).is_file()


def _hat_lines(pedal: PedalProfile) -> list[str]:
    """Return the overlay lines of a HAT; none for a USB interface, which the kernel finds by itself."""
    hat = pedal.hat
    if hat.overlay is None:
        return []
    line = ",".join((f"dtoverlay={hat.overlay}", *hat.overlay_parameters))
    if len(line) <= _MAX_LINE:
        return [line]
    return [f"dtoverlay={hat.overlay}", *(f"dtparam={parameter}" for parameter in hat.overlay_parameters)]


def _spi_lines(pedal: PedalProfile) -> list[str]:
    wiring, lines = pedal.wiring, []
    for part in (wiring.mcp3008, wiring.strip):
        if part is not None:
            # SPI bus 0 has both chip selects at once; the other buses need an overlay.
            overlay = f"dtoverlay=spi{part.bus}-{part.device + 1}cs"
            lines += ["dtparam=spi=on"] if part.bus == 0 else [overlay, "dtoverlay="]
    if wiring.strip is not None and pedal.board.cpu in _STRIP_CORE_MHZ:
        lines.append(f"core_freq_min={_STRIP_CORE_MHZ[pedal.board.cpu]}")
    return lines


def _radio_and_uart_lines(pedal: PedalProfile, target: InstallTarget) -> list[str]:
    port, lines = header_port(pedal), []
    if port is not None and pedal.board.cpu == _WITH_RP1:
        lines += _rp1_uart_lines(pedal, port)
    elif port is not None:
        lines += _uart_lines(pedal, port, target)
    if not target.radio:
        lines += ["dtoverlay=disable-wifi", "dtoverlay=disable-bt", "dtoverlay="]
    return lines


def _rp1_uart_lines(pedal: PedalProfile, port: str) -> list[str]:
    if port != "/dev/ttyAMA0":
        pins = " and ".join(map(str, UART_PINS))
        raise DeployError(
            f"pedal {pedal.key!r}: serial.port: is {port}, which a {pedal.board.name} does not have on GPIO {pins}; "
            "/dev/ttyAMA0 is there"
        )
    return ["dtparam=uart0=on"]


def _uart_lines(pedal: PedalProfile, port: str, target: InstallTarget) -> list[str]:
    """Return the lines that connect the UART to the pins.

    Bluetooth uses the better of the two UARTs unless it is switched off or moved to the mini UART.
    """
    if port == "/dev/ttyS0":
        if not target.radio:
            raise DeployError(
                f"pedal {pedal.key!r}: serial.port: is {port}, which is not on the pins while the radio is off; name "
                "/dev/serial0, or leave the radio on"
            )
        return ["enable_uart=1"]
    return ["enable_uart=1", *(["dtoverlay=miniuart-bt", "dtoverlay="] if target.radio else [])]
