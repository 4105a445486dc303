"""Where the project and its releases are on the web."""

from __future__ import annotations

REPOSITORY = "https://github.com/nampedal/nampedal"
SITE = "https://nampedal.github.io/nampedal/"


def download(version: str, name: str) -> str:
    """Return the address of a file of a release."""
    return f"{REPOSITORY}/releases/download/v{version}/{name}"
