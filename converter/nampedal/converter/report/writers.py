"""Selects the report writer by file name."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path

from nampedal.converter.report.markdown import to_markdown
from nampedal.converter.report.report_model import Report
from nampedal.firmware.base.errors import ArgumentError, MissingPackageError


def writer(path: Path) -> Callable[[Report], str]:
    """Return the function that turns a report into this file's text.

    Raises ArgumentError, MissingPackageError.
    """
    suffix = path.suffix.lower()
    if suffix == ".md":
        return to_markdown
    if suffix != ".html":
        raise ArgumentError(f"{path}: ends in {suffix or 'nothing'}; a report is written as .html or .md")
    try:
        # Imported late, because it needs packages that nothing else needs.
        page = importlib.import_module("nampedal.converter.report.html")
    except ModuleNotFoundError as error:
        need = f"a .html report needs {error.name}, which is not installed"
        raise MissingPackageError(f"{path}: {need}; pip install 'nampedal[report]', or write a .md report") from error
    found: Callable[[Report], str] = page.to_html
    return found
