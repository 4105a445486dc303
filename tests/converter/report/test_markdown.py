from __future__ import annotations

from nampedal.converter.listening.test_signals import VALIDATION_LABEL
from nampedal.converter.report.markdown import to_markdown
from support.makers.report_maker import SHA256, fit, named, on, small, with_esr


def table(text: str, head: str) -> list[list[str]]:
    """The rows under a head that starts so."""
    lines = text.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(f"| {head}"))
    rows = []
    for line in lines[start:]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


def test_the_verdict_stands_first() -> None:
    fits = [fit("pi", 0, 90), fit("pi", 1, 55, status="estimated")]
    assert to_markdown(on(with_esr(1e-6, 0.2), *fits)).splitlines()[:18] == [
        "# amp.nam",
        "",
        "## Does it fit your board?",
        "",
        "**Yes, in a smaller size.** PI plays tier 1, which needs 50 % of the work. "
        "It takes 55 % of one processor core (estimated). Up to 60 % is free for it.",
        "",
        "## Will you hear a difference?",
        "",
        "**Yes, while you play.** Tier 1 differs noticeably. Its error is 7 dB below the sound.",
        "",
        "## What should you try?",
        "",
        "**Play tier 1.**",
        "",
        "- Try a faster board. Or try a smaller capture of the same gear. "
        "Many come as standard, lite, feather and nano.",
        "- The load is an estimate, and close to the limit. Measure it on the board with 'nampedal bench'.",
        "",
        "## What each size takes",
    ]


def test_boards_are_a_table_of_tier_by_board() -> None:
    fits = [fit("a", 0, 70.4), fit("a", 1, 20, status="estimated"), fit("a", 1, 19, 128), fit("b", 1, 5)]
    assert table(to_markdown(on(with_esr(1e-6, 0.2), *fits)), "board") == [
        ["board", "may take up to", "latency", "tier 0, full size", "tier 1, 50 % of the work"],
        ["---", "---", "---", "---", "---"],
        ["A", "60 %", "2.7 ms (64 frames)", "70 % measured, too much", "20 % estimated, fits"],
        ["A", "60 %", "5.3 ms (128 frames)", "not asked", "19 % measured, fits"],
        ["B", "60 %", "2.7 ms (64 frames)", "not asked", "5 % measured, fits"],
    ]


def test_without_a_board_the_text_says_how_to_ask_for_one() -> None:
    assert "\n    nampedal convert amp.nam --board zero-2-w --report amp.md --force\n" in to_markdown(small())


def test_figures_have_a_column_for_each_tier() -> None:
    rows = table(to_markdown(with_esr(1e-6, 0.2)), " |")
    assert rows[0] == ["", "tier 0, full size", "tier 1, 50 % of the work"]
    assert rows[2] == ["In a word", "excellent", "noticeable"]
    assert rows[3] == ["ESR", "1.0e-06", "2.0e-01"]
    assert {len(row) for row in rows} == {3}


def test_levels_are_tables_too() -> None:
    text = to_markdown(small())
    assert [row[0] for row in table(text, "peak")][2:] == [f"{level} dBFS" for level in range(-48, 1, 6)]
    assert table(text, "level")[0] == ["level", "original", "tier 0 (full)", "tier 1 (smaller)"]


def test_the_text_says_where_everything_came_from() -> None:
    text = to_markdown(small())
    for line in (
        "- Capture: amp.nam",
        f"- SHA-256: {small().source.sha256}",
        "- Format: SlimmableContainer, .nam version 0.7.0, 48000 Hz",
        "- Stored as: f32: nothing was rounded",
        "- Rounded with: nothing",
        f"- Recording: my guitar.wav, SHA-256 {SHA256}",
        "- Recording: built-in plucks",
        f"- Judged on: {VALIDATION_LABEL}",
        "- Options: --precision w8",
        "- Seed: none: nothing is drawn at random",
        "- Made with: nampedal 1.2.3",
    ):
        assert line in text.splitlines()


def test_what_a_file_says_is_text_and_nothing_else() -> None:
    text = to_markdown(named("<b>a|b</b>\n# [x](http://y) `*_"))
    assert text.splitlines()[0] == r"# \<b\>a\|b\</b\> \# \[x\](http://y) \`\*\_"
    assert r"- Made by: \<b\>a\|b\</b\> \# \[x\](http://y) \`\*\_" in text.splitlines()
