"""Builds the packages of a release once more, by another user in another folder, and compares the bytes.

    python release/build_again.py dist/release

The second build begins with a clone of the commit and fetches all that it needs anew. It differs in the folder's name,
the home folder, the time zone, the language, the mask of permissions, and, if root runs this, the user. It exits with
1 if a file differs, and names what differs in it.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# nobody's, on Debian
_OTHER_USER = 65534
_DIFFERENT = {"TZ": "Pacific/Kiritimati", "LC_ALL": "C.UTF-8", "LANG": "C.UTF-8", "USER": "somebody"}


def packages(folder: Path) -> dict[str, Path]:
    """Return the wheels and the source distribution of a folder, by name."""
    return {path.name: path for path in sorted(folder.iterdir()) if path.name.endswith((".whl", ".tar.gz"))}


def members(package: Path) -> dict[str, str]:
    """Return the checksums of a package's files, their dates and permissions included."""
    if package.suffix == ".whl":
        with zipfile.ZipFile(package) as archive:
            return {
                one.filename: f"{_digest(archive.read(one))} {one.date_time} {one.external_attr:o}"
                for one in archive.infolist()
            }
    with tarfile.open(package) as tar:
        return {
            one.name: f"{_digest(file.read()) if (file := tar.extractfile(one)) else ''} {one.mtime} {one.mode:o} "
            f"{one.uname} {one.uid}"
            for one in tar
        }


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def differences(first: dict[str, Path], second: dict[str, Path]) -> Iterator[str]:
    """Yield what differs between two sets of packages, a sentence each."""
    for name in sorted(first.keys() ^ second.keys()):
        yield f"{name}: is in one of both only"
    for name in sorted(first.keys() & second.keys()):
        if first[name].read_bytes() == second[name].read_bytes():
            continue
        one, other = members(first[name]), members(second[name])
        inside = sorted(key for key in one.keys() | other.keys() if one.get(key) != other.get(key))
        yield f"{name}: differs in {', '.join(inside) or 'the order or the packing of its files'}"


def build_again(work: Path) -> dict[str, Path]:
    """Build the packages of the present commit in a folder, and return them by name."""
    clone, home = work / "a-clone-elsewhere", work / "home"
    home.mkdir()
    subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", ROOT, clone], check=True)
    user: list[str] = []
    if os.geteuid() == 0:
        for path in (work, *work.rglob("*")):
            os.chown(path, _OTHER_USER, _OTHER_USER, follow_symlinks=False)
        user = ["setpriv", f"--reuid={_OTHER_USER}", f"--regid={_OTHER_USER}", "--clear-groups"]
    # make's own variables would have the inner make take part in the outer one's work.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    command = [*user, "sh", "-c", "umask 077; exec make --no-print-directory wheels"]
    subprocess.run(command, cwd=clone, env=environment | _DIFFERENT | {"HOME": str(home)}, check=True)
    return packages(clone / "dist" / "release")


def main() -> None:
    """Build again and compare."""
    parser = argparse.ArgumentParser(description="Build the packages again elsewhere, and compare the bytes.")
    parser.add_argument("folder", type=Path, help="with the packages of the first build")
    first = packages(parser.parse_args().folder)
    if subprocess.run(["git", "status", "--porcelain"], cwd=ROOT, capture_output=True, check=True).stdout:
        sys.exit("release-check: there are changes that are not committed, which a clone does not have")
    work = Path(tempfile.mkdtemp(prefix="nampedal-again-"))
    try:
        second = build_again(work)
        found = list(differences(first, second))
    finally:
        shutil.rmtree(work, ignore_errors=True)
    for name, path in first.items():
        print(f"{_digest(path.read_bytes())}  {name}")
    if found:
        sys.exit("\n".join(found))
    print("Both builds are the same, byte by byte.")


if __name__ == "__main__":
    main()
