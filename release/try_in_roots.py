"""Installs the wheels in empty Debian systems, and runs README's commands and its Python there.

    python release/try_in_roots.py dist/release --work build/wheels/roots [--root SUITE/ARCHITECTURE]...

Such a system has the essential packages, apt, and Python with pip, as a container of Debian would: no compiler and no
library of sound. (apt brings C++'s library along, without which NumPy's wheels do not run.) It is unpacked in a user
namespace, and arm64 is emulated, as for an image of a card. pip takes its index, certificates and proxy from the
environment and the configuration of this computer.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nampedal.firmware.base.errors import NampedalError
from nampedal.firmware.system.image.sources.user_namespace import run_in_namespace

TOP = Path(__file__).resolve().parents[1]
ROOTS = ("bookworm/amd64", "trixie/amd64", "forky/amd64", "bookworm/arm64", "trixie/arm64")
_PACKAGES = "python3,python3-venv"
# What README shows that needs no sound server, no board and no training.
_COMMANDS = re.compile(
    r"^\$ (nampedal (?:convert|render|inspect|boards|verify|compare) (?!.*(?:--board|\.tflite)).*)$", re.MULTILINE
)
_PYTHON = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
_CERTIFICATES = ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_FROM_ENVIRONMENT = re.compile(r"PIP_(?!FIND_LINKS|CERT|CACHE_DIR|CONFIG_FILE).*|(https?|no)_proxy", re.IGNORECASE)
# $1: the root's archive, $2: the folder to unpack it in, $3: a folder that is copied into it; rest: the environment.
_UNPACK = """
set -e
archive=$1 root=$2 extra=$3
shift 3
rm -rf "$root"
mkdir "$root"
tar -C "$root" --exclude='./dev/*' --numeric-owner -xf "$archive"
cp -a "$extra/." "$root/"
mount -t proc proc "$root/proc"
mount -t tmpfs tmpfs "$root/dev"
for name in null zero random urandom; do
  touch "$root/dev/$name"
  mount --bind "/dev/$name" "$root/dev/$name"
done
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 "$@" chroot "$root" sh -e /opt/trial/try.sh
"""
_TRY = """
cd /opt/trial
mark() { echo "@ $(cut -d' ' -f1 /proc/uptime) $1"; }
mark start
python3 --version
python3 -m venv /opt/nampedal
PATH=/opt/nampedal/bin:$PATH
pip --disable-pip-version-check --quiet install --no-index --find-links . --only-binary=:all: --no-deps nampedal
pip --disable-pip-version-check --quiet install --only-binary=:all: nampedal
mark installed
nampedal --version
"""


@dataclass(frozen=True, slots=True)
class Mark:
    """A point of time, in seconds since some start, and what was done then."""

    seconds: float
    what: str


def commands(readme: str) -> list[str]:
    """Return README's commands that run on any computer."""
    return _COMMANDS.findall(readme)


def script(readme: str) -> str:
    """Return the shell script that runs in a root."""
    lines = [_TRY]
    for command in commands(readme):
        lines += [f"echo {shlex.quote('$ ' + command)}", command, f"mark {shlex.quote(command)}"]
    for number, text in enumerate(_PYTHON.findall(readme)):
        name = f"example{number}.py"
        lines += [f"cat >{name} <<'END'\n{text}END", f"python {name}", f"mark {name}"]
    return "\n".join(lines) + "\n"


def marks(told: str) -> Iterator[Mark]:
    """Yield the points of time that a script has printed."""
    for seconds, what in re.findall(r"^@ ([\d.]+) (.*)$", told, re.MULTILINE):
        yield Mark(float(seconds), what)


def settings_of_pip() -> dict[str, str]:
    """Return the environment variables with which pip in a root finds its index."""
    found = {name: value for name, value in os.environ.items() if _FROM_ENVIRONMENT.fullmatch(name)}
    command = [sys.executable, "-m", "pip", "config", "get", "global.index-url"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        found.setdefault("PIP_INDEX_URL", done.stdout.strip())
    return found


def certificates() -> Path | None:
    """Return the file with the certificates that this computer trusts, if it names one."""
    return next((Path(os.environ[name]) for name in _CERTIFICATES if Path(os.environ.get(name, "")).is_file()), None)


def fill(extra: Path, folder: Path) -> None:
    """Write what is put into a root: the wheels, the demo, the script, and this computer's way to the network."""
    shutil.rmtree(extra, ignore_errors=True)
    trial = extra / "opt" / "trial"
    shutil.copytree(TOP / "demo", trial / "demo", ignore=shutil.ignore_patterns("build", "out", "*.py"))
    for wheel in folder.glob("nampedal-*.whl"):
        shutil.copy(wheel, trial)
    (trial / "try.sh").write_text(script((TOP / "README.md").read_text(encoding="utf-8")), encoding="utf-8")
    (extra / "etc").mkdir()
    for name in ("resolv.conf", "hosts"):
        shutil.copy(Path("/etc") / name, extra / "etc")
    trusted = certificates()
    if trusted is not None:
        shutil.copy(trusted, extra / "etc" / "certificates.pem")


def try_root(root: str, folder: Path, work: Path) -> None:
    """Make a root if there is none yet, install a wheel there, run the script, and print what it took."""
    suite, _, architecture = root.partition("/")
    name = f"{suite}-{architecture}"
    archive, extra = work / f"{name}.tar", work / f"{name}-extra"
    print(f"== Debian {suite}, {architecture}", flush=True)
    if not archive.exists():
        partial = archive.with_name(f"partial-{archive.name}")
        options = [f"--arch={architecture}", "--mode=root", "--variant=apt", f"--include={_PACKAGES}"]
        run_in_namespace(
            "mmdebstrap", "--quiet", *options, "--aptopt=APT::Install-Recommends false", suite, str(partial)
        )
        partial.rename(archive)
    fill(extra, folder)
    environment = settings_of_pip()
    if (extra / "etc" / "certificates.pem").exists():
        environment["PIP_CERT"] = "/etc/certificates.pem"
    variables = [f"{key}={value}" for key, value in environment.items()]
    told = run_in_namespace("sh", "-c", _UNPACK, "sh", str(archive), str(work / name), str(extra), *variables)
    run_in_namespace("rm", "-rf", str(work / name))
    print("".join(f"{line}\n" for line in told.splitlines() if not line.startswith("@ ")), end="")
    start, *rest = marks(told)
    for mark in rest:
        print(f"{mark.seconds - start.seconds:7.1f} s  {mark.what}")
    sound = next(mark for mark in rest if mark.what.startswith("nampedal render"))
    print(f"From nothing to the first sound: {sound.seconds - start.seconds:.0f} s ({root})", flush=True)


def main() -> None:
    """Try the roots that the command names, or all."""
    parser = argparse.ArgumentParser(description="Install wheels in empty Debian systems, and run README's commands.")
    parser.add_argument("folder", type=Path, help="with the wheels")
    parser.add_argument("--work", type=Path, required=True, help="where roots are kept and unpacked")
    parser.add_argument("--root", action="append", metavar="SUITE/ARCHITECTURE", help=f"default: {' '.join(ROOTS)}")
    options = parser.parse_args()
    work = options.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    try:
        for root in options.root or ROOTS:
            try_root(root, options.folder, work)
    except NampedalError as error:
        sys.exit(f"wheel-roots: {error}")


if __name__ == "__main__":
    main()
