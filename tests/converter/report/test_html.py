from __future__ import annotations

import html as entities
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from nampedal.converter.report.html import to_html
from support.makers.report_maker import fit, named, on, small, with_esr

VOID = {"meta", "link", "input", "br", "path", "use"}


class Stack(HTMLParser):
    """Checks that every element is closed where it must be, and collects what there is."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("script", "style"):
            self.text.append(data)


def parsed(page: str) -> Stack:
    stack = Stack()
    stack.feed(page)
    stack.close()
    assert stack.open == []
    return stack


@pytest.fixture(scope="module")
def page() -> str:
    fits = [fit("a", 0, 130), fit("a", 1, 20, status="estimated"), fit("b", 0, 30)]
    return to_html(on(with_esr(1e-6, 0.2), *fits))


def test_the_page_is_well_formed_and_its_identifiers_are_its_own(page: str) -> None:
    found = parsed(page)
    identifiers = [attributes["id"] for _, attributes in found.elements if attributes.get("id")]
    assert len(identifiers) == len(set(identifiers)) > 5
    labels = {attributes["aria-labelledby"] for _, attributes in found.elements if "aria-labelledby" in attributes}
    assert labels <= set(identifiers)
    for _, attributes in found.elements:
        for value in attributes.values():
            for target in re.findall(r"url\(#([^)]+)\)", value or ""):
                assert target in identifiers


def test_the_page_needs_nothing_but_itself(page: str) -> None:
    assert "http:" not in page
    assert "https:" not in page
    assert "@import" not in page
    for tag, attributes in parsed(page).elements:
        for name in ("src", "href", "xlink:href", "srcset", "data", "action", "poster"):
            value = attributes.get(name)
            assert value is None or value.startswith(("data:", "#")), (tag, name)


def test_the_same_report_is_the_same_page() -> None:
    assert to_html(small()) == to_html(replace(small()))


def test_the_page_is_small_enough_to_mail(page: str) -> None:
    assert len(page.encode()) < 3_000_000


def test_what_a_file_says_is_text_and_nothing_else() -> None:
    nasty = "</title><script>alert(1)</script>{{ 7 * 7 }}\"'&"
    made = to_html(named(nasty))
    assert "<script>alert" not in made
    assert "49" not in " ".join(parsed(made).text[:6])
    titles = re.findall(r"<h1>(.*?)</h1>", made)
    assert [entities.unescape(title) for title in titles] == [nasty]


def test_a_player_finds_the_answers_in_order(page: str) -> None:
    headings = re.findall(r"<h2[^>]*>(.*?)</h2>", page)
    assert headings == [
        "Does it fit your board?", "Will you hear a difference?", "What should you try?",
        "Listen", "Can you tell them apart?",
        "What each size takes", "How close each size is", "Look closer", "Where it came from",
    ]  # fmt: skip
    text = " ".join("".join(parsed(page).text).split())
    assert text.index("On all 2 boards") < text.index("What should you try?") < text.index("Built-in playing of eight")
    assert "130 % too much" in text


def test_ones_own_playing_is_named_where_it_is_heard(page: str) -> None:
    report = replace(with_esr(1e-6, 0.2), own_playing="riff.wav, 0:01 to 0:08")
    report = replace(report, tiers=tuple(replace(tier, heard_esr=3e-5) for tier in report.tiers))
    own = to_html(report)
    text = " ".join("".join(parsed(own).text).split())
    assert "Listen Your own playing: riff.wav, 0:01 to 0:08." in text
    row = re.search(r"ESR on your playing<small>on the sound that you listen to</small></th>.*?</tr>", own, re.S)
    assert row is not None
    assert re.findall("<td.*?>(.*?)</td>", row[0]) == ["3.0e-05", "3.0e-05"]
    assert "--listen my-guitar.wav" not in own
    assert "--listen my-guitar.wav" in page
    assert "ESR on your playing" not in page


def test_a_board_that_was_not_asked_about_a_tier_says_so(page: str) -> None:
    assert page.count("<td>not asked</td>") == 1
    assert page.count('<td class="fits">') == 2
    assert page.count('<td class="too-much">') == 1


def test_each_tier_stands_in_its_band(page: str) -> None:
    bands = re.findall(r'<li class="here"><span>(.*?)</span>.*?<em>(.*?)</em>', page, re.DOTALL)
    assert bands == [("excellent", "tier\N{NO-BREAK SPACE}0"), ("noticeable", "tier\N{NO-BREAK SPACE}1")]


def test_there_is_a_plot_for_each_question(page: str) -> None:
    assert re.findall(r"<h3>(.*?)</h3>", page) == [
        "What is left when one is subtracted from the other",
        "Where the difference sits, from bass to treble",
        "How exact it is when you play softly and when you dig in",
        "How it breaks up: overtones from a whisper to full level",
        "What comes out for what goes in",
        "How it fades into silence",
    ]
    assert page.count("<svg ") == 6


def test_plots_take_their_colours_from_the_page(page: str) -> None:
    drawn = "".join(re.findall(r"<svg .*?</svg>", page, re.DOTALL))
    assert set(re.findall(r"var\(--([a-z0-9-]+)\)", drawn)) == {
        "ink", "soft", "faint", "original", "tier-0", "tier-1",
    }  # fmt: skip
    assert not re.findall(r"#[0-9a-f]{6}\b", drawn)
    assert page.count("--tier-0:") == 2


def test_every_sound_is_a_player_of_its_own_without_a_script(page: str) -> None:
    players = [attributes for tag, attributes in parsed(page).elements if tag == "audio"]
    assert [attributes["data-title"] for attributes in players][:3] == ["original", "tier 0", "tier 1"]
    assert all("controls" in attributes for attributes in players)
    assert [(attributes["data-kind"], attributes["data-tier"]) for attributes in players] == [
        ("original", ""), ("tier", "0"), ("tier", "1"), ("difference", "1"),
    ]  # fmt: skip
    assert "The difference of tier 0 is silence" in page


def test_a_line_keeps_its_name_where_it_ends_at_the_edge() -> None:
    drawn = to_html(with_esr(1e-6, 1e-6, 1e-6))
    (plot,) = re.findall(r'<svg [^>]*aria-label="Where the difference sits.*?</svg>', drawn, re.DOTALL)
    assert re.findall(r">of (tier \d)<", plot) == ["tier 1", "tier 2"]
    (levels,) = re.findall(r'<svg [^>]*aria-label="How exact it is.*?</svg>', drawn, re.DOTALL)
    assert sorted(re.findall(r">(tier \d)<", levels)) == ["tier 1", "tier 2"]
    assert "no difference at any level: tier 0" in levels


@pytest.mark.parametrize("factor", [0.0, np.nan])
def test_a_capture_that_plays_nothing_of_use_still_has_a_page(factor: float) -> None:
    report = small()
    factor32 = np.float32(factor)
    original = report.original
    silent = replace(original, audio=original.audio * factor32, heard=original.heard * factor32)
    parsed(to_html(replace(report, original=silent)))
