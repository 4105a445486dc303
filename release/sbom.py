"""Makes the software bills of materials of a release: CycloneDX 1.6 in JSON.

One is of the Python packages, and each image has its own. Facts about the format are from
CycloneDX/specification, schema/bom-1.6.schema.json at tag 1.6.
"""

from __future__ import annotations

import json
import re
import uuid
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from email.message import Message
from email.parser import Parser
from pathlib import Path
from typing import Any

from addresses import REPOSITORY, SITE, download
from checksums import sha256
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from errors import ReleaseError
from image_contents import BootFile, DebianPackage, ImageContents
from native_libraries import LIBRARIES, library_purl
from packageurl import PackageURL
from packaging.utils import canonicalize_name
from python_packages import PythonPackage, direct_needs, licence_of, with_needs
from release_folder import PROJECT, ReleaseFolder

# Of "name": the JSON of a CycloneDX document, a part of one, or a value in it.
Json = dict[str, Any]
# Serial numbers are derived from the documents' content in this namespace, so that the same release has the same ones.
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, SITE)
_LICENCE_ID = re.compile(r"[\w.+-]+")


def of_packages(
    release: ReleaseFolder, packages: Mapping[str, PythonPackage], natives: Mapping[str, str], epoch: int
) -> bytes:
    """Return the document of the Python packages. natives: versions by library name. epoch: seconds since 1970.

    Raises ReleaseError if wheels need different things, or the document is not valid.
    """
    about = {wheel.name: wheel_metadata(wheel) for wheel in release.wheels}
    needs = {name: direct_needs(one, packages) for name, one in about.items()}
    if len(set(needs.values())) != 1:
        raise ReleaseError(f"{release.folder}: its wheels need different packages; build them from one commit")
    direct = next(iter(needs.values()))
    all_needed = with_needs((one.name for one, _ in direct), packages)
    ranges = {one.name: specifier for one, specifier in direct}
    subject = _nampedal(release.version, next(iter(about.values())))
    components = [
        *(_file(path, release.version) for path in release.packages()),
        *(_python(one, ranges.get(one.name, "")) for one in all_needed),
        *_natives(natives),
    ]
    subject_needs = [*(_python_purl(one) for one, _ in direct), *(library_purl(one, natives) for one in LIBRARIES)]
    edges = {subject["bom-ref"]: subject_needs}
    edges |= {_python_purl(one): [_python_purl(packages[name]) for name in one.needs] for one in all_needed}
    return _document(subject, components, edges, epoch)


def of_image(contents: ImageContents, natives: Mapping[str, str], epoch: int) -> bytes:
    """Return the document of an image: Debian packages, kernels, firmware, Python packages, nampedal's libraries.

    Raises ReleaseError if the document is not valid.
    """
    manifest = contents.manifest
    ref = f"image:{contents.path.name}"
    subject: Json = {
        "type": "firmware",
        "bom-ref": ref,
        "name": contents.path.name,
        "version": manifest.version,
        "description": f"The image of the pedal {manifest.pedal}, with the kernel of {manifest.base}",
        "hashes": [{"alg": "SHA-256", "content": contents.packed_sha256}],
        "externalReferences": [
            {"type": "website", "url": SITE},
            {"type": "distribution", "url": download(manifest.version, contents.path.name)},
        ],
        "properties": [
            {"name": "nampedal:image-bytes", "value": str(contents.size)},
            {"name": "nampedal:image-sha256", "value": contents.sha256},
        ],
    }
    parts = [
        *(_debian(one, contents.root.codename) for one in contents.root.debian),
        *(_kernel(one) for one in contents.root.kernels),
        *(_boot(one) for one in contents.boot),
        *(_installed(one) for one in contents.root.python),
        *_natives(natives),
    ]
    return _document(subject, parts, {ref: [one["bom-ref"] for one in parts]}, epoch)


def wheel_metadata(wheel: Path) -> Message:
    """Return the metadata in a wheel. Raises ReleaseError."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            (name,) = (one for one in archive.namelist() if re.fullmatch(r"[^/]+\.dist-info/METADATA", one))
            return Parser().parsestr(archive.read(name).decode(), headersonly=True)
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise ReleaseError(f"{wheel}: is no wheel that can be read: {error}; build it again") from error


def check(document: str, where: str) -> None:
    """Check a document with the schema of CycloneDX. Raises ReleaseError."""
    problem = JsonStrictValidator(SchemaVersion.V1_6).validate_str(document)
    if problem is not None:
        raise ReleaseError(f"{where}: is no valid CycloneDX 1.6: {problem}")


def _document(subject: Json, components: Iterable[Json], edges: Mapping[str, Sequence[str]], epoch: int) -> bytes:
    by_ref = {one["bom-ref"]: one for one in components}
    document: Json = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": "",
        "version": 1,
        "metadata": {
            "timestamp": datetime.fromtimestamp(epoch, UTC).isoformat().replace("+00:00", "Z"),
            "lifecycles": [{"phase": "build"}],
            "tools": {"components": [{"type": "application", "name": "release/make_release.py", "group": PROJECT}]},
            "component": subject,
            "manufacturer": {"name": "The nampedal authors", "url": [REPOSITORY]},
        },
        "components": [by_ref[ref] for ref in sorted(by_ref)],
        "dependencies": [
            {"ref": ref, **({"dependsOn": sorted(set(edges[ref]))} if edges.get(ref) else {})}
            for ref in sorted({subject["bom-ref"], *by_ref})
        ],
    }
    content = json.dumps(document, sort_keys=True, separators=(",", ":"))
    document["serialNumber"] = f"urn:uuid:{uuid.uuid5(_NAMESPACE, content)}"
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    check(text, str(subject["name"]))
    return text.encode()


def _nampedal(version: str, about: Message) -> Json:
    purl = PackageURL("pypi", name=PROJECT, version=version).to_string()
    return {
        "type": "application",
        "bom-ref": purl,
        "name": PROJECT,
        "version": version,
        "description": str(about.get("Summary", "")),
        "licenses": _licences(licence_of(about)),
        "purl": purl,
        "externalReferences": [{"type": "vcs", "url": REPOSITORY}, {"type": "website", "url": SITE}],
    }


def _file(path: Path, version: str) -> Json:
    return {
        "type": "file",
        "bom-ref": f"file:{path.name}",
        "name": path.name,
        "version": version,
        "hashes": [{"alg": "SHA-256", "content": sha256(path)}],
        "externalReferences": [{"type": "distribution", "url": download(version, path.name)}],
    }


def _python_purl(package: PythonPackage) -> str:
    return PackageURL("pypi", name=package.name, version=package.version).to_string()


def _python(package: PythonPackage, allowed: str) -> Json:
    purl = _python_purl(package)
    component: Json = {
        "type": "library",
        "bom-ref": purl,
        "name": package.name,
        "version": package.version,
        "licenses": _licences(package.licence),
        "purl": purl,
    }
    if allowed:
        component["properties"] = [{"name": "nampedal:allowed-versions", "value": allowed}]
    return component


def _installed(about: Message) -> Json:
    """Return the component of a Python package that is in an image."""
    name, version = canonicalize_name(about["Name"]), str(about["Version"])
    licence = licence_of(about)
    purl = PackageURL("pypi", name=name, version=version).to_string()
    return {
        "type": "application" if name == PROJECT else "library",
        "bom-ref": purl,
        "name": name,
        "version": version,
        **({"licenses": _licences(licence)} if licence else {}),
        "purl": purl,
    }


def _natives(versions: Mapping[str, str]) -> list[Json]:
    return [
        {
            "type": "library",
            "bom-ref": library_purl(one, versions),
            "name": one.name,
            **({"version": versions[one.name]} if one.name in versions else {}),
            "licenses": _licences(one.licence),
            "purl": PackageURL.from_string(library_purl(one, versions)).to_string(),
            "externalReferences": [{"type": "website", "url": one.address}],
        }
        for one in LIBRARIES
    ]


def _debian(package: DebianPackage, codename: str) -> Json:
    # The revisions of Raspberry Pi's archive have these marks.
    namespace = "raspberrypi" if re.search(r"[+~]rp[ti]\d", package.version) else "debian"
    purl = PackageURL(
        *("deb", namespace, package.name, package.version),
        qualifiers={"arch": package.architecture, **({"distro": codename} if codename else {})},
    ).to_string()
    return {
        "type": "library",
        "bom-ref": purl,
        "name": package.name,
        "version": package.version,
        "purl": purl,
    }


def _kernel(release: str) -> Json:
    return {"type": "operating-system", "bom-ref": f"kernel:{release}", "name": "linux", "version": release}


def _boot(file: BootFile) -> Json:
    return {
        "type": "firmware",
        "bom-ref": f"boot:{file.name}",
        "name": file.name,
        "hashes": [{"alg": "SHA-256", "content": file.sha256}],
    }


def _licences(expression: str) -> list[Json]:
    """Return an SPDX expression in CycloneDX's form, which has another one for a single licence."""
    if _LICENCE_ID.fullmatch(expression):
        return [{"license": {"id": expression, "acknowledgement": "declared"}}]
    return [{"expression": expression, "acknowledgement": "declared"}]
