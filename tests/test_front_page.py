"""README is also the page on PyPI: its links are absolute and lead somewhere, and its table is what `boards` says."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import ROOT
from nampedal.board.profiles.boards import read_board
from nampedal.converter.budget.sizing import BudgetTarget
from nampedal.converter.nam.open_capture import open_capture
from test_docs import BLOCK, LINK, PAGES, sections

REPOSITORY = "https://github.com/nampedal/nampedal"
IN_REPOSITORY = (
    f"{REPOSITORY}/blob/main/",
    f"{REPOSITORY}/tree/main/",
    "https://raw.githubusercontent.com/nampedal/nampedal/main/",
)
SITE = "https://nampedal.github.io/nampedal/"
# Pages of GitHub that are no files.
OF_GITHUB = tuple(REPOSITORY + page for page in ("", "/issues", "/releases", "/security/advisories/new"))


def links(text: str) -> list[str]:
    return LINK.findall(BLOCK.sub("", text))


def place(link: str) -> Path | None:
    """The file that one of our own addresses shows; None: it is somebody else's, or shows none."""
    for begin in IN_REPOSITORY:
        if link.startswith(begin):
            return ROOT / link.removeprefix(begin)
    if not link.startswith(SITE):
        return None
    page = link.removeprefix(SITE) or "index.html"
    return ROOT / "docs" / re.sub(r"\.html$", ".md", page)


def dead(text: str) -> Iterator[str]:
    """Links to our own files, pages and sections that are not there."""
    for link in links(text):
        address, _, section = link.partition("#")
        if (path := place(address)) is None:
            if address.startswith((REPOSITORY, SITE)) and address not in OF_GITHUB:
                yield link
        elif not path.exists() or (section and section not in sections(path)):
            yield link


def test_readme_has_no_relative_link() -> None:
    found = links((ROOT / "README.md").read_text())
    assert len(found) > 10
    # PyPI gives sections other addresses than GitHub does, so there is none within the page either.
    assert [link for link in found if not link.startswith("https://")] == []


@pytest.mark.parametrize("page", PAGES)
def test_links_to_our_own_addresses_lead_to_what_is_there(page: str) -> None:
    assert list(dead((ROOT / page).read_text())) == []


def test_a_dead_address_is_noticed() -> None:
    wrong = [
        f"{REPOSITORY}/blob/main/docs/fly.md",
        f"{REPOSITORY}/blob/main/README.md#fly",
        f"{REPOSITORY}/fly",
        f"{SITE}design/",
        f"{SITE}design.html#fly",
    ]
    right = [SITE, f"{SITE}design.html", f"{REPOSITORY}/issues", f"{REPOSITORY}/blob/main/README.md", "https://x.org/y"]
    assert list(dead(" ".join(f"[a]({link})" for link in wrong + right))) == wrong


@pytest.mark.long
def test_pypi_takes_the_page(tmp_path: Path) -> None:
    # In a process of its own: the backend warns of what it does itself.
    code = f"from scikit_build_core.build import build_sdist; build_sdist({str(tmp_path)!r})"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True, timeout=120)
    (sdist,) = tmp_path.glob("*.tar.gz")
    command = [sys.executable, "-m", "twine", "check", "--strict", str(sdist)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "PASSED" in done.stdout


ROW = re.compile(r"^\| (A[12] \w+) \| (.+) \|$", re.MULTILINE)
CELL = re.compile(r"(\*\*)?(\d+) %(\*\*)?")
BOARDS = ("zero-2-w", "3b-plus", "4b-1.8ghz", "5")
# Captures of these shapes, and which tier of them it is.
CAPTURES = {
    "A1 standard": ("hm2-swede-standard", 0),
    "A1 lite": ("hm2-swede-lite", 0),
    "A1 feather": ("hm2-swede-feather", 0),
    "A1 nano": ("boss-sd1-nano", 0),
    "A2 Full": ("core-a2", 0),
    "A2 Lite": ("core-a2", 1),
}


@pytest.mark.parametrize("name", CAPTURES)
def test_the_table_is_what_boards_says(name: str, corpus: Path) -> None:
    rows = dict(ROW.findall((ROOT / "README.md").read_text()))
    stem, tier = CAPTURES[name]
    capture = open_capture(corpus / "models" / f"{stem}.nam").capture
    network = capture.tiers[tier].network
    for key, cell in zip(BOARDS, rows[name].split(" | "), strict=True):
        board = read_board(key)
        target = BudgetTarget(board, board.period_frames.value, board.budget_percent.value, capture.sample_rate)
        shown = CELL.fullmatch(cell)
        assert shown is not None, cell
        # Rounded to whole percents.
        assert int(shown[2]) == pytest.approx(target.percent(network), abs=0.501), (key, cell)
        assert (shown[1] is None) == target.fits(network), (key, cell)
