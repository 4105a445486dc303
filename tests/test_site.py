"""The site builds strictly, asks no other server for anything, and can be searched and read from a folder."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import api_docstrings
import click
import command_reference
import nampedal
import pytest
from conftest import ROOT
from nampedal.firmware.cli.exit_codes import MEANINGS
from nampedal.firmware.cli.groups import LazyCommand
from nampedal.firmware.cli.main import cli
from playwright.sync_api import sync_playwright

pytestmark = pytest.mark.long

# What a browser fetches by itself, by tag and attribute; of <link>, only what it loads.
FETCHED = {("img", "src"), ("script", "src"), ("iframe", "src"), ("source", "src"), ("audio", "src"), ("video", "src")}
LOADED = {"stylesheet", "icon", "preload", "prefetch", "preconnect", "dns-prefetch", "modulepreload", "manifest"}
IN_CSS = re.compile(r"url\(\s*[\"']?([^\"')]+)|@import\s+[\"']([^\"']+)")


class Page(HTMLParser):
    """What a page loads, where it leads, and the text of its paragraphs."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.leads: list[str] = []
        self.components: list[str] = []
        self.paragraphs: list[str] = []
        self.media: list[str] = []
        self._inside = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = {name: value or "" for name, value in attrs}
        self.loads += [value for name, value in known.items() if (tag, name) in FETCHED]
        if tag == "link" and LOADED & set(known.get("rel", "").split()):
            self.loads.append(known.get("href", ""))
        if tag == "a" and "href" in known:
            self.leads.append(known["href"])
        if "data-md-component" in known:
            self.components.append(known["data-md-component"])
        if "data-md-color-media" in known:
            self.media.append(known["data-md-color-media"])
        if tag == "p":
            self._inside = True
            self.paragraphs.append("")
        elif tag == "code" and self._inside:
            self.paragraphs[-1] += "`"

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside and tag != "p"

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.paragraphs[-1] += data


def build(project: Path, site: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(site)],
        cwd=project,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = build(ROOT, folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    return {path: Page(path.read_text()) for path in sorted(site.rglob("*.html"))}


def styles(site: Path) -> Iterator[tuple[Path, str]]:
    for path in [*site.rglob("*.css"), *site.rglob("*.html")]:
        for found in IN_CSS.finditer(path.read_text()):
            yield path, found[1] or found[2]


def test_every_document_has_a_page(site: Path) -> None:
    documents = {path.relative_to(ROOT / "docs").with_suffix("") for path in (ROOT / "docs").rglob("*.md")}
    built = {path.relative_to(site).with_suffix("") for path in site.rglob("*.html")} - {Path("404")}
    assert built - {Path("index")} == documents - {Path("index")}
    assert len(documents) > 15


def test_no_page_asks_another_server_for_anything(site: Path, pages: dict[Path, Page]) -> None:
    asked = [(path.name, url) for path, page in pages.items() for url in page.loads]
    assert len(asked) > 4 * len(pages)
    assert [one for one in (*asked, *styles(site)) if re.match(r"(?:[a-z+]+:)?//", one[1])] == []
    # The theme's script asks api.github.com where there is a source component, and unpkg.com where there is a diagram.
    assert {path.name for path, page in pages.items() if "source" in page.components} == set()
    assert [path.name for path in pages if "mermaid" in path.read_text()] == []


def test_what_pages_load_and_link_is_there_when_they_are_opened_from_a_folder(pages: dict[Path, Page]) -> None:
    missing = []
    for path, page in pages.items():
        if path.name == "404.html":  # Only a server shows it, for any address: its links begin at the server's root.
            continue
        for url in (*page.loads, *page.leads):
            parts = urlsplit(url)
            if parts.scheme or parts.netloc or not parts.path:
                continue
            if parts.path.startswith("/") or not (path.parent / unquote(parts.path)).is_file():
                missing.append(f"{path.name}: {url}")
    assert missing == []


def test_search_works_without_a_server(site: Path, pages: dict[Path, Page]) -> None:
    """A browser loads no JSON and starts no worker from a folder: the index is a script, and the shim stands in."""
    text = (site / "search" / "search_index.js").read_text()
    index = json.loads(text.removeprefix("var __index = "))
    found = {entry["location"].partition("#")[0] for entry in index["docs"] if "crossfade" in entry["text"]}
    assert "reference/presets.html" in found
    for path, page in pages.items():
        assert any(url.endswith("assets/iframe-worker.js") for url in page.loads), path
        assert "search" in page.components, path


def test_search_finds_a_word_in_a_browser_that_opened_a_folder(site: Path) -> None:
    program = shutil.which("chromium")
    assert program is not None, "chromium is not installed"
    failed: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = browser.new_page()
        page.on("requestfailed", lambda request: failed.append(request.url))
        page.on("pageerror", lambda error: failed.append(str(error)))
        page.goto(f"{(site / 'reference' / 'presets.html').as_uri()}?q=crossfade")
        page.wait_for_selector(".md-search-result__item", state="attached")
        titles = page.locator(".md-search-result__item h1").all_inner_texts()
        browser.close()
    assert "Presets" in titles, titles
    assert failed == []


def test_colours_follow_the_system_or_are_light_or_dark(pages: dict[Path, Page]) -> None:
    for page in pages.values():
        assert page.media == [
            "(prefers-color-scheme)",
            "(prefers-color-scheme: light)",
            "(prefers-color-scheme: dark)",
        ]


def test_no_markdown_is_left(pages: dict[Path, Page]) -> None:
    """GitHub makes lists and tables of what Python-Markdown, without an empty line before it, leaves in a paragraph."""
    left = [
        f"{path.name}: {line}"
        for path, page in pages.items()
        for text in page.paragraphs
        for line in text.splitlines()
        if re.match(r"\s*(?:[-*] |1\. |\||```|<!--|:::)", line)
    ]
    assert left == []
    assert [path.name for path in pages if "<!-- example" in path.read_text()] == []


def options(command: click.Command) -> Iterator[str]:
    """Every name of an option, of the command and of those below it."""
    command = command.load() if isinstance(command, LazyCommand) else command
    shown = [one for one in command.params if isinstance(one, click.Option) and not one.hidden]
    yield from (name for option in shown for name in option.opts)
    for one in command.commands.values() if isinstance(command, click.Group) else ():
        if not one.hidden:
            yield from options(one)


def test_the_reference_has_every_command_and_option() -> None:
    text = command_reference.markdown()
    assert len(cli.commands) > 25
    for name, command in cli.commands.items():
        _, heading, behind = text.partition(f"### nampedal {name} {{#nampedal-{name} ")
        assert heading, name
        own = re.split(r"^###? ", behind, maxsplit=1, flags=re.MULTILINE)[0]
        known = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", own))
        assert set(options(command)) <= known, name
    assert "Sentinel" not in text
    for code in MEANINGS:
        assert f"\n| {code} | " in text


def test_the_package_s_page_has_all_that_is_public(site: Path) -> None:
    text = (site / "reference" / "api.html").read_text()
    shown = set(re.findall(r'<h3 id="nampedal\.(\w+)"', text))
    assert shown == set(nampedal.__all__) - {"__version__"}
    assert "nampedal.__version__" in text


def test_docstrings_become_lists_of_the_names_that_there_are() -> None:
    text = "Return a sum.\n\na: the first, in Hz.  b, c: others; note: none.\nd: x. Raises ArgumentError: never."
    assert api_docstrings.rewritten(text, {"a", "b", "c", "d"}) == (
        "Return a sum.\n\n- `a`: the first, in Hz.\n- `b, c`: others; note: none.\n- `d`: x.\n\n"
        "Raises ArgumentError: never."
    )
    assert api_docstrings.rewritten("One.\n\n    a: code\n", {"a"}) == "One.\n\n    a: code\n"


def test_a_page_that_is_not_in_the_navigation_and_a_dead_link_are_noticed(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "docs", tmp_path / "docs", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "mkdocs.yml", tmp_path)
    (tmp_path / "docs" / "lonely.md").write_text("# Lonely\n\n[a](nowhere.md) [b](design.md#nothing) [c](/design.md)\n")
    done = build(tmp_path, tmp_path / "site")
    assert done.returncode == 1
    for said in (
        'not included in the "nav" configuration:\n  - lonely.md',
        "'nowhere.md', but the target is not found",
        "'design.md#nothing', but the doc 'design.md' does not contain an anchor '#nothing'",
        "absolute link '/design.md'",
    ):
        assert said in done.stderr
