"""Finds package archives: lines of sources.list(5), and the keys that apt checks an archive with.

Nothing is built in: this computer's own apt sources are used unless the user names others.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from nampedal.firmware.base.errors import DeployError
from nampedal.firmware.system.image.sources import build_tools
from nampedal.firmware.system.image.sources.suites import Base

_COMPONENTS = "main non-free-firmware"
# Values of the field Label in the archives' Release files.
_DEBIAN, _SECURITY, _PI = "Debian", "Debian-Security", "Raspberry Pi Foundation"
# apt reads keys in two formats, and tells them apart by the file name's suffix (apt-secure(8), sources.list(5)).
_ARMORED, _BINARY = ".asc", ".gpg"
_ARMOR = b"-----BEGIN PGP PUBLIC KEY BLOCK-----"
# First byte of a public key packet, in both packet formats (RFC 4880, section 4.2: tag 6).
_PUBLIC_KEY_PACKETS = {0x98, 0x99, 0x9A, 0xC6}
# Several keys are separated by spaces or commas in a stanza's Signed-By, by commas in a line's option
# (sources.list(5)).
_BETWEEN = re.compile(r"[,\s]+")
# Messages of mmdebstrap, and general ones of apt, which do not tell the cause.
_NOT_APTS = re.compile(r"E: (apt-get |mmdebstrap |setup failed|run_|Some index files|The following signatures)")
_KEY_TROUBLE = re.compile(r"NO_PUBKEY|is not signed|(EXPKEY|REVKEY|BAD|EXP)SIG|couldn't be verified|Missing key")
_OPTIONS = re.compile(r"^(deb )\[[^]]*\] ")


@dataclass(frozen=True, slots=True)
class Mirrors:
    """The mirrors that the user chose.

    debian, pi: URLs of Debian's and Raspberry Pi's archives; None: those that this computer's apt uses.
    pi_key: file with the public key of Raspberry Pi's archive; None: the key that this computer's sources name for it.
    """

    debian: str | None = None
    pi: str | None = None
    pi_key: Path | None = None


@dataclass(frozen=True, slots=True)
class PackageArchive:
    """A package archive. signed_by: as in sources.list(5): "", paths, fingerprints, or a key in text form."""

    url: str
    signed_by: str = ""


def root_sources(base: Base, suite: str, mirrors: Mirrors, keys: Path) -> list[str]:
    """Return the lines of sources.list(5) for the root. keys: folder that keys are copied to.

    Raises DeployError, ProgramError.
    """
    own = own_archives()
    debian = _debian(own, mirrors)
    lines = [_line(debian, suite, _COMPONENTS, keys), _line(debian, f"{suite}-updates", _COMPONENTS, keys)]
    if mirrors.debian is None and _SECURITY in own:
        lines.append(_line(own[_SECURITY], f"{suite}-security", _COMPONENTS, keys))
    if base.pi:
        lines.append(_line(_pi(own, mirrors, keys), suite, "main", keys))
    return lines


def kernel_sources(base: Base, suite: str, mirrors: Mirrors, keys: Path) -> list[str]:
    """Return the lines of sources.list(5) for the kernel and the boot firmware.

    Arguments and errors are those of `root_sources`.
    """
    own = own_archives()
    debian = _debian(own, mirrors)
    lines = [_line(debian, each, _COMPONENTS, keys) for each in base.kernel_suites or (suite,)]
    if base.pi:
        lines.append(_line(_pi(own, mirrors, keys), suite, "main", keys))
    return lines


def without_keys(lines: list[str]) -> list[str]:
    """Return the lines without their options: the key does not change which packages an archive has."""
    return [_OPTIONS.sub(r"\1", line) for line in lines]


def error_from_apt_output(complaint: str) -> DeployError | None:
    """Return an error with apt's own messages, from the output of mmdebstrap; None if apt reported no error."""
    lines = complaint.splitlines()
    words = [
        line[3:].strip() for line in lines if line.startswith(("E: ", "W: GPG error")) and not _NOT_APTS.match(line)
    ]
    # One line has the URL that was tried, the next one the result.
    words += [after.strip() for line, after in pairwise(lines) if line.startswith("Err:") and after.startswith("  ")]
    told = [word for word in dict.fromkeys(words) if not any(word in other for other in words if other != word)]
    if not told:
        return None
    advice = "are the URLs right, and is there a network?"
    if _KEY_TROUBLE.search(complaint):
        advice = (
            "apt lacks the right key: name a file with it by --pi-key FILE, if the archive is Raspberry Pi's; Debian's "
            "are in the package debian-archive-keyring"
        )
    return DeployError(f"image: packages can't be fetched: {' / '.join(word.rstrip('.') for word in told)}; {advice}")


def own_archives() -> dict[str, PackageArchive]:
    """Return the archives that this computer's apt uses, by label; the first one if a label has several.

    Raises ProgramError.
    """
    listed = build_tools.run(["apt-get", "indextargets", "--format", "$(CREATED_BY)|$(LABEL)|$(SITE)|$(SOURCESENTRY)"])
    found: dict[str, PackageArchive] = {}
    for line in listed.splitlines():
        made_by, label, site, entry = line.split("|", 3)
        if made_by == "Packages" and label and site and label not in found:
            found[label] = PackageArchive(site, _signed_by(entry))
    return found


def _debian(own: dict[str, PackageArchive], mirrors: Mirrors) -> PackageArchive:
    known = own.get(_DEBIAN)
    if mirrors.debian is not None:
        # All mirrors of Debian have the same signatures.
        return PackageArchive(mirrors.debian, known.signed_by if known else "")
    if known is None:
        raise DeployError("image: this computer uses no mirror of Debian; name one with --mirror URL")
    return known


def _pi(own: dict[str, PackageArchive], mirrors: Mirrors, keys: Path) -> PackageArchive:
    known = own.get(_PI)
    url = mirrors.pi or (known.url if known else None)
    if url is None:
        raise DeployError(
            "image: this computer uses no mirror of Raspberry Pi's archive; name one with --pi-mirror URL, and its "
            "key with --pi-key FILE"
        )
    if mirrors.pi_key is not None:
        return PackageArchive(url, str(keep_key(mirrors.pi_key, keys)))
    return PackageArchive(url, known.signed_by if known else "")


def _line(archive: PackageArchive, suite: str, components: str, keys: Path) -> str:
    signed_by = archive.signed_by
    if "BEGIN PGP" in signed_by:
        signed_by = str(_kept(signed_by.encode(), _ARMORED, keys))
    # The user may write own options, such as [trusted=yes], in front of a URL.
    if not signed_by or archive.url.startswith("["):
        return f"deb {archive.url} {suite} {components}"
    return f"deb [signed-by={','.join(_BETWEEN.split(signed_by))}] {archive.url} {suite} {components}"


def keep_key(path: Path, keys: Path) -> Path:
    """Copy the user's key to where apt can read it, with the suffix of its format. Raises DeployError."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DeployError(f"--pi-key {path}: can't be read: {error.strerror}") from error
    if data.lstrip().startswith(_ARMOR):
        return _kept(data, _ARMORED, keys)
    if data[:1] and data[0] in _PUBLIC_KEY_PACKETS:
        return _kept(data, _BINARY, keys)
    raise DeployError(
        f"--pi-key {path}: is no public key; a file is needed as 'gpg --export' or 'gpg --armor --export' writes it"
    )


def _kept(data: bytes, end: str, keys: Path) -> Path:
    keys.mkdir(parents=True, exist_ok=True)
    path = keys.absolute() / f"{hashlib.sha256(data).hexdigest()[:16]}{end}"
    path.write_bytes(data)
    path.chmod(0o644)
    return path


def _signed_by(entry: str) -> str:
    """Return the key that an entry of this computer's sources names. entry: file and number, as apt prints them.

    The file is read here because `apt-get indextargets` does not print the key (libapt-pkg 6.0 and 7.0 have no such
    field).
    """
    name, _, number = entry.rpartition(":")
    try:
        text = Path(name).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    if name.endswith(".sources"):
        # In a .sources file, the number is that of the stanza; in a list file, that of the line.
        stanzas = list(_stanzas(text))
        found = stanzas[int(number) - 1 : int(number)]
        return found[0].get("signed-by", "") if found else ""
    line = text.splitlines()[int(number) - 1 : int(number)]
    option = re.search(r"\[[^]]*\bsigned-by=([^]\s]+)", line[0]) if line else None
    return option[1].strip('"') if option else ""


def _stanzas(text: str) -> Iterator[dict[str, str]]:
    """Yield the fields of each stanza by their names in lower case (deb822(5))."""
    for block in re.split(r"\n[ \t]*\n", text):
        fields: dict[str, str] = {}
        name = ""
        for line in (line for line in block.splitlines() if line.strip() and not line.startswith("#")):
            if line[0] in " \t":
                # A line with only a dot stands for an empty line.
                fields[name] = f"{fields.get(name, '')}\n{'' if line.strip() == '.' else line.strip()}"
            else:
                name, _, value = line.partition(":")
                name = name.strip().lower()
                fields[name] = value.strip()
        if fields:
            yield {key: value.strip() for key, value in fields.items()}
