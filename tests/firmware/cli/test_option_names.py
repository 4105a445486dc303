"""An option means the same in every command, and the same thing has one name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import click
from support.rigs.command_tree import all_commands, typed

# Options that mean the same thing in all their words, everywhere.
SAME_WORDS = {"--json", "--verbose", "--socket", "--isa", "--exact", "--force", "--server", "--dry-run", "--tflite"}
# What one letter stands for.
LETTERS = {"-o": "--output", "-h": "--help"}


def options() -> Iterator[tuple[str, click.Option]]:
    for path, command in all_commands():
        yield from ((typed(path), one) for one in command.params if isinstance(one, click.Option))


def by_name() -> dict[str, list[tuple[str, click.Option]]]:
    found = defaultdict(list)
    for command, option in options():
        (name,) = (one for one in option.opts if one.startswith("--"))
        found[name].append((command, option))
    return found


def kind(option: click.Option) -> tuple[object, ...]:
    """What a user types for an option: nothing, one of some words, a number, a name or a file."""
    if option.is_flag:
        return ("flag",)
    if isinstance(option.type, click.Choice):
        return ("choice",)
    number = isinstance(option.type, (click.types.FloatParamType, click.types.IntParamType))
    return ("number",) if number else ("words", option.metavar)


def test_an_option_takes_the_same_in_every_command() -> None:
    found = by_name()
    assert len(found) > 60
    # An output is a file, or for several captures a folder, which its metavar tells.
    differing = {
        name: sorted({f"{command}: {kind(option)}" for command, option in uses})
        for name, uses in found.items()
        if len({kind(option) for _, option in uses}) > 1 and name != "--output"
    }
    assert differing == {}
    assert {kind(option) for _, option in found["--output"]} == {("words", "OUT"), ("words", "FILE")}


def test_an_option_that_is_everywhere_is_told_in_the_same_words() -> None:
    found = by_name()
    for name in SAME_WORDS:
        assert len({option.help for _, option in found[name]}) == 1, name
        assert len(found[name]) > 1, name


def test_a_letter_stands_for_one_option() -> None:
    for command, option in options():
        letters = [one for one in option.opts if not one.startswith("--")]
        assert all(LETTERS[letter] in option.opts for letter in letters), command
        assert ("-o" in letters) == ("--output" in option.opts), command


def test_every_option_says_what_it_does() -> None:
    silent = {f"{command} {option.opts[-1]}" for command, option in options() if not option.help}
    assert silent == {"convert --precision"}


def test_choices_of_one_option_do_not_contradict_each_other() -> None:
    """Where fewer words are allowed, they are among those that are allowed elsewhere."""
    for name, uses in by_name().items():
        allowed = [set(option.type.choices) for _, option in uses if isinstance(option.type, click.Choice)]
        assert all(one <= max(allowed, key=len) for one in allowed), name
