"""The text of places.COMMAND: a shell script that picks the runtime which `nampedal` is run by.

A runtime that an update brought stands in places.RUNTIMES as `a` or `b`. Links say what it is for: `current` is used,
`trial` is to be tried by the daemon, once: `tries/begun` is there from the moment when it is, and `tries/over` from the
next start on, which is the old one's again. So a trial that crashes, hangs or loses power is over without anybody
deciding it.

What holds whatever lies in that folder: a slot counts if it was finished beside the very runtime that is installed
(`beside` is a copy of that one's list of files, written last), and what plays when all else failed (`--safe`) is the
installed one.
"""

from __future__ import annotations

from pathlib import Path

from nampedal.board import places

SLOTS = ("a", "b")
# Links, and marks that the daemon's own user sets: it may change nothing else there.
CURRENT, TRIAL = "current", "trial"
TRIES = "tries"
BEGUN, OVER = f"{TRIES}/begun", f"{TRIES}/over"
BESIDE = "beside"
# What a runtime is started by: all commands, and those that a boot waits for or runs, without the others.
ALL, PLAY, CARD_BOOT = "nampedal.firmware.cli", "nampedal.firmware.cli.playing", "nampedal.firmware.card"
# Of the installed runtime: another one as soon as anything else is installed.
RECORD = "lib/python3*/site-packages/nampedal-*.dist-info/RECORD"

# A try is told from other calls by systemd's NOTIFY_SOCKET, which only the daemon has. It is on the disk before the
# runtime has a chance to take the machine down with it.
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

case "$1 $2" in
    "card boot" | "card import") module={card_boot} ;;
    "play "*) module={play} ;;
    *) module={all} ;;
esac
exec "$runtime/bin/python3" -I -m "$module" "$@"
"""


def launcher(root: Path = Path("/")) -> str:
    """root: where the pedal's folders are, for a trial of the script elsewhere; its path may need no quotes."""

    def at(path: Path) -> Path:
        return root / path.relative_to("/")

    return _TEXT.format(
        config=at(places.CONFIG),
        state=at(places.STATE),
        installed=at(places.RUNTIME),
        runtimes=at(places.RUNTIMES),
        record=RECORD,
        beside=BESIDE,
        current=CURRENT,
        trial=TRIAL,
        begun=BEGUN,
        over=OVER,
        all=ALL,
        play=PLAY,
        card_boot=CARD_BOOT,
        run=at(places.RUN),
        user=places.USER,
    )
