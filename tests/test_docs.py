"""What the documents point at is there: files, sections, commands and scripts, and their options."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from conftest import ROOT
from nampedal.firmware.cli.groups import LazyCommand
from nampedal.firmware.cli.main import cli

PATTERNS = ("*.md", "docs/**/*.md", "hw-profiles/*.md", "systemd/*.md")
PAGES = [str(path.relative_to(ROOT)) for pattern in PATTERNS for path in sorted(ROOT.glob(pattern))]
BLOCK = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
# By somebody else, or somewhere else.
BEFORE = re.compile(
    r"(?:ssh \S+ )?(?:sudo )?(?:runuser -u \S+ -- )?(?:\$\(command -v nampedal\)|(?:\S+/)?nampedal)(?= |$)"
)
INLINE = re.compile(r"`((?:sudo )?nampedal(?: [^`]+)?)`")


def sections(page: Path) -> set[str]:
    """As GitHub calls them in links."""
    titles = re.findall(r"^#+ (.+)$", BLOCK.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def dead_links(page: Path) -> Iterator[str]:
    for link in LINK.findall(BLOCK.sub("", page.read_text())):
        name, _, section = link.partition("#")
        target = page.parent / name if name else page
        if re.match(r"[a-z]+:", link):
            continue
        if not target.exists() or (section and target.suffix == ".md" and section not in sections(target)):
            yield link


def commands(text: str) -> Iterator[str]:
    """Lines that are typed, and what stands between `backticks`, from the word behind nampedal on."""
    typed = re.findall(r"^ *\$ (.+)$", "\n".join(BLOCK.findall(text)), re.MULTILINE)
    for line in (*typed, *INLINE.findall(BLOCK.sub("", text))):
        before = BEFORE.match(line)
        if before is not None:
            yield line[before.end() :]


def mistake(line: str) -> str:
    """What `nampedal` does not know of a line; empty: it knows all of it."""
    words = shlex.split(" ".join(line.split()), comments=True)
    command: click.Command = cli
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        try:
            _, found, words = command.resolve_command(click.Context(command), words)
        except click.UsageError as error:
            return error.format_message()
        assert found is not None
        command = found.load() if isinstance(found, LazyCommand) else found
    known = {"-h", "--help", "--version"} | {name for parameter in command.params for name in parameter.opts}
    return " ".join(word for word in words if re.match(r"--?[a-z]", word) and word not in known)


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_to_files_and_sections_that_are_there(page: str) -> None:
    assert list(dead_links(ROOT / page)) == []


@pytest.mark.parametrize("page", PAGES)
def test_commands_and_options_that_are_named_exist(page: str) -> None:
    wrong = {line: said for line in commands((ROOT / page).read_text()) if (said := mistake(line))}
    assert wrong == {}


# How figures are measured: `python bench/cost.py MODELS`. Options of another program, within quotes, are its own.
SCRIPT = re.compile(r"python ((?:bench|tests|demo)/[\w/]+\.py)([^`\n]*)")


def unknown_to_scripts(text: str) -> Iterator[str]:
    for name, words in SCRIPT.findall(text):
        if not (ROOT / name).is_file():
            yield name
            continue
        source = (ROOT / name).read_text()
        for option in re.findall(r"(?<= )--[a-z][a-z-]*", re.sub(r"'[^']*'", "", words)):
            if f'"{option}"' not in source:
                yield f"{name} {option}"


@pytest.mark.parametrize("page", PAGES)
def test_scripts_that_are_named_exist_and_have_the_options(page: str) -> None:
    assert list(unknown_to_scripts((ROOT / page).read_text())) == []


def test_a_script_that_does_not_exist_is_noticed() -> None:
    text = "`python bench/fly.py` `python bench/rounding.py --di x --fly -- y`\n"
    text += "    python bench/compare.py --loud 'x --y'\n"
    assert list(unknown_to_scripts(text)) == ["bench/fly.py", "bench/rounding.py --fly", "bench/compare.py --loud"]


def test_a_dead_link_is_noticed(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# One, two\n[a](#one-two) [b](#three) [c](other.md) [d](https://x)\n```\n[e](f)\n```\n")
    assert list(dead_links(page)) == ["#three", "other.md"]


def test_a_command_that_does_not_exist_is_noticed() -> None:
    text = "```\n$ sudo nampedal bank fly x\n$ systemctl stop nampedal\n```\n`nampedal play --loud x` `nampedal.toml`\n"
    assert [mistake(line) for line in commands(text)] == ["No such command 'fly'.", "--loud"]


def test_the_overview_names_what_the_code_has() -> None:
    """Functions, methods and classes that the overview follows by name are defined in the code under that name."""
    sources = [path for folder in ("board", "converter", "firmware") for path in (ROOT / folder).rglob("*.[chp]*")]
    code = "\n".join(path.read_text() for path in sources if path.suffix in (".py", ".cpp", ".h"))
    defined = set(re.findall(r"\b(?:def|class|struct) (\w+)", code)) | set(re.findall(r"\b(\w+)\(", code))
    text = (ROOT / "docs" / "code-overview.md").read_text(encoding="utf-8")
    functions = re.findall(r"`(?:[\w/]+(?:\.|::))*(\w+)\(\)`", text)
    classes = [re.split(r"\W", name)[0] for name in re.findall(r"`([A-Z]\w*[a-z]\w*(?:(?:\.|::)\w+\(\))?)`", text)]
    assert len(functions) > 150
    assert len(classes) > 60
    assert {name for name in (*functions, *classes) if name not in defined} == set()
