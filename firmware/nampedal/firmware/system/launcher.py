"""Generates system_paths.COMMAND: a shell script that selects the runtime and starts `nampedal` with it.

A runtime that an update installed is in system_paths.RUNTIMES, in the slot `a` or `b`. Links select a slot: `current`
is the one in use, `trial` is one that the daemon starts once to try it. `tries/begun` exists from the moment when that
trial starts. At the next start the old runtime is used again, and `tries/over` is made. So a trial that crashes, hangs
or loses power ends without any decision.

Two rules hold whatever that folder contains. A slot is used only if it was completed beside the very runtime that is
installed: its file `beside`, written last, is a copy of the installed runtime's list of files. `--safe`, the fallback
when all else failed, plays with the installed runtime.
"""

from __future__ import annotations

from pathlib import Path

from nampedal.firmware.base import system_paths

SLOTS = ("a", "b")
# CURRENT and TRIAL are links. The daemon's unprivileged user may write in the folder TRIES only.
CURRENT, TRIAL = "current", "trial"
TRIES = "tries"
BEGUN, OVER = f"{TRIES}/begun", f"{TRIES}/over"
BESIDE = "beside"
# The module that starts a runtime. It must not change: the installed launcher also starts the runtimes of later
# updates.
MODULE = "nampedal.firmware.cli"
# List of files of the installed runtime; it changes with every installation.
RECORD = "lib/python3*/site-packages/nampedal-*.dist-info/RECORD"

# A trial runs only in the daemon, recognized by systemd's NOTIFY_SOCKET. The mark is synced to the disk before the new
# runtime starts, because that might crash the machine.
_TEXT = """\
#!/bin/sh
# Runs nampedal: of the version that an update brought, or else of the one that was installed.
unset XDG_RUNTIME_DIR
XDG_CONFIG_HOME=${{XDG_CONFIG_HOME:-{config}}}
XDG_STATE_HOME=${{XDG_STATE_HOME:-{state}}}
export XDG_CONFIG_HOME XDG_STATE_HOME

# Where lgpio makes its pipe.
[ -d {run} ] && export LG_WD="${{LG_WD:-{run}}}"

# JACK answers only the user that it runs as, and what root writes the pedal could not write again.
case $1 in
    bank | calibrate | latency | learn | setup)
        [ "$(id -u)" = 0 ] && id -u {user} >/dev/null 2>&1 && exec runuser -u {user} -- "$0" "$@"
        ;;
esac

installed={installed}
runtimes={runtimes}

for record in "$installed"/{record}; do break; done

# Sets slot to where a link leads, if a whole runtime stands there that belongs to the installed one.
follow() {{
    case $(readlink "$runtimes/$1" 2>/dev/null) in
        a) slot=$runtimes/a ;;
        b) slot=$runtimes/b ;;
        *) return 1 ;;
    esac
    python=$(readlink "$installed/bin/python3" 2>/dev/null)
    [ -n "$python" ] && [ "$(readlink "$slot/bin/python3" 2>/dev/null)" = "$python" ] || return 1
    [ -f "$slot/{beside}" ] && cmp -s "$slot/{beside}" "$record" 2>/dev/null
}}

runtime=$installed
case " $* " in
    " play --safe "* | " play "*" --safe "*) ;;
    *)
        follow {current} && runtime=$slot
        if [ "$1" = play ] && [ -n "$NOTIFY_SOCKET" ] && follow {trial}; then
            if mkdir "$runtimes/{begun}" 2>/dev/null; then
                sync
                runtime=$slot
            else
                mkdir "$runtimes/{over}" 2>/dev/null
            fi
        fi
        ;;
esac

exec "$runtime/bin/python3" -I -m {module} "$@"
"""


def launcher_script(root: Path = Path("/")) -> str:
    """Return the text of the script.

    root: the folder that contains the pedal's folders, for testing the script elsewhere; its path must not need
    quoting.
    """

    def at(path: Path) -> Path:
        return root / path.relative_to("/")

    return _TEXT.format(
        config=at(system_paths.CONFIG),
        state=at(system_paths.STATE),
        installed=at(system_paths.RUNTIME),
        runtimes=at(system_paths.RUNTIMES),
        record=RECORD,
        beside=BESIDE,
        current=CURRENT,
        trial=TRIAL,
        begun=BEGUN,
        over=OVER,
        module=MODULE,
        run=at(system_paths.RUN),
        user=system_paths.USER,
    )
