"""Inside the machine, as root: plugs whoever connects to TCP port 3240 into Linux's virtual USB host controller.

The first byte that comes is the controller's port. The kernel takes the connection over and speaks USB/IP with the
other end, tests/support/machines/usb_interface.py (Documentation/usb/usbip_protocol.rst).
"""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path

CONTROLLER = Path("/sys/devices/platform/vhci_hcd.0")
SPEED_FULL = 2


def main() -> None:
    subprocess.run(["modprobe", "vhci-hcd"], check=True)
    with socket.create_server(("", 3240)) as listener:
        while True:
            connection, _ = listener.accept()
            with connection:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                port = connection.recv(1)[0]
                (CONTROLLER / "attach").write_text(f"{port} {connection.fileno()} {1 << 16 | port + 1} {SPEED_FULL}\n")


main()
