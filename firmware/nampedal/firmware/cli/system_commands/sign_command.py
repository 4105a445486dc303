"""The command `nampedal sign`: signs updates and banks, so that others can check who made them."""

from __future__ import annotations

from pathlib import Path

import click
from nampedal.firmware.base.errors import AlreadyExistsError, SignatureError
from nampedal.firmware.base.files import file_names, signature
from nampedal.firmware.cli.shared import FILE, console, examples, force, verbose

_UPDATES = (file_names.WHEEL, *file_names.IMAGES)


@click.command(
    "sign",
    epilog=examples(
        "nampedal sign dist/nampedal-0.2.0-cp311-cp311-linux_aarch64.whl --key ~/.ssh/id_ed25519",
        "nampedal sign rock.nampedal-bank --key ~/.ssh/id_ed25519",
    ),
)
@click.argument("files", metavar="FILE...", type=FILE, nargs=-1, required=True)
@click.option("--key", metavar="KEY", type=FILE, required=True, help="An SSH key, with its public key in KEY.pub.")
@force
@verbose
def sign_command(files: tuple[Path, ...], key: Path, force: bool) -> None:
    """Sign updates (wheels, images) and banks. The signature goes to FILE.sig, which is handed on with FILE."""
    for path in files:
        namespace = namespace_of(path)
        target = signature.signature_path(path)
        if target.exists() and not force:
            raise AlreadyExistsError(f"{target}: is there already; --force writes over it")
        signature.sign(path, key, namespace)
        console.print(f"{target}: signed by {signature.read_public_key(key).name}")


def namespace_of(path: Path) -> str:
    """Return the signature namespace for a file, chosen by its name. Raises SignatureError."""
    if path.name.endswith(_UPDATES):
        return signature.UPDATE
    if path.name.endswith(file_names.BANK_FILE):
        return signature.BANK
    allowed = ", ".join((*_UPDATES, file_names.BANK_FILE))
    raise SignatureError(f"{path}: is no update and no bank; names that end in {allowed} can be signed")
