"""A real PipeWire without sound card and session manager: a clock and a stereo null sink."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from support.players.jack_server import RATE, wait_for

PERIOD = 128
# Based on PipeWire's own minimal.conf, without the parts that need hardware, D-Bus or privileges.
CONFIG = f"""
context.properties = {{
  core.daemon = true
  core.name = pipewire-0
  default.clock.rate = {RATE}
  default.clock.quantum = {PERIOD}
  default.clock.min-quantum = {PERIOD}
  support.dbus = false
  mem.allow-mlock = false
}}
context.spa-libs = {{
  audio.convert.* = audioconvert/libspa-audioconvert
  support.* = support/libspa-support
}}
context.modules = [
  {{ name = libpipewire-module-protocol-native }}
  {{ name = libpipewire-module-metadata }}
  {{ name = libpipewire-module-spa-node-factory }}
  {{ name = libpipewire-module-client-node }}
  {{ name = libpipewire-module-adapter }}
  {{ name = libpipewire-module-link-factory }}
  {{ name = libpipewire-module-access }}
]
context.objects = [
  {{ factory = spa-node-factory
    args = {{
      factory.name = support.node.driver
      node.name = clock
      node.group = pipewire.dummy
      priority.driver = 20000
    }}
  }}
  {{ factory = adapter
    args = {{
      factory.name = support.null-audio-sink
      node.name = speakers
      node.description = Speakers
      media.class = Audio/Sink
      audio.position = [ FL FR ]
      node.param.PortConfig = {{
        direction = Input
        mode = dsp
        monitor = true
        format = {{
          mediaType = audio mediaSubtype = raw format = F32 rate = {RATE} channels = 2 position = [ FL FR ]
        }}
      }}
    }}
  }}
]
"""


class PipeWire:
    """A PipeWire daemon of its own, in an empty folder. environment: for programs that should connect to it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700)
        self._config = folder / "pipewire.conf"
        self._config.write_text(CONFIG)
        self._socket = folder / "pipewire-0"
        ours = {key: value for key, value in os.environ.items() if not key.startswith(("JACK_", "PIPEWIRE_"))}
        self.environment = {**ours, "XDG_RUNTIME_DIR": str(folder)}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        daemon = shutil.which("pipewire")
        assert daemon is not None, "pipewire is not installed"
        assert shutil.which("pw-jack") is not None, "pipewire-jack is not installed"
        self._process = subprocess.Popen(
            [daemon, "-c", str(self._config)],
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        wait_for(self._socket.is_socket)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            self._process = None
