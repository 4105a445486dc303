"""The page in Chromium: what axe-core finds, how the sounds switch, what the blind test counts."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from nampedal.converter.report.html import to_html
from playwright.sync_api import Browser, FloatRect, Page, sync_playwright
from support.makers.report_maker import fit, on, small, with_esr

pytestmark = pytest.mark.long

WIDE, PHONE = 1280, 320
TIERS = 3
# Notes what the page asks of Web Audio, and lets a test say what is drawn: each draw takes the next of `drawn`.
SPY = """
window.started = [];
window.targets = [];
window.drawn = [];
const start = AudioBufferSourceNode.prototype.start;
AudioBufferSourceNode.prototype.start = function (when, offset) {
  window.started.push([when, offset]);
  return start.call(this, when, offset);
};
const setTarget = AudioParam.prototype.setTargetAtTime;
AudioParam.prototype.setTargetAtTime = function (value, ...rest) {
  window.targets.push(value);
  return setTarget.call(this, value, ...rest);
};
crypto.getRandomValues = (into) => { into[0] = window.drawn.shift() ?? 0; return into; };
"""
Opened = Callable[..., Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = shutil.which("chromium")
    assert program is not None, "chromium is not installed"
    with sync_playwright() as playwright:
        # A sandbox inside a container needs more rights than the tests have, and the page is our own.
        started = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of three tiers. Tier 0 plays what the original plays, tier 2 is 3 dB quieter than tier 1."""
    names = ("tier 0 (full)", "tier 1 (slimmed)", "tier 2 (lightest)")
    report = on(with_esr(0.0, 1e-3, 0.2), fit("pi", 0, 130), fit("pi", 1, 55, status="estimated"), fit("pi", 2, 20))
    tiers = [replace(tier, label=name) for tier, name in zip(report.tiers, names, strict=True)]
    heard = tiers[2].sound.heard
    tiers[2] = replace(tiers[2], sound=replace(tiers[2].sound, heard=heard / math.sqrt(2)))
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(to_html(replace(report, tiers=tuple(tiers))), encoding="utf-8")
    return path


@pytest.fixture
def opened(browser: Browser, file: Path) -> Iterator[Opened]:
    """Opens the page. Whatever it asks of the network or throws fails the test."""
    asked: list[str] = []
    contexts = []

    def open_page(width: int = WIDE, scheme: Literal["light", "dark"] = "light") -> Page:
        context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme, offline=True)
        contexts.append(context)
        context.add_init_script(SPY)
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: asked.append(str(error)))
        page.goto(file.as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert [url for url in asked if not url.startswith(("data:", file.as_uri()))] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [WIDE, PHONE])
def test_axe_finds_nothing(opened: Opened, width: int, scheme: Literal["light", "dark"]) -> None:
    page = opened(width, scheme)
    page.locator("summary").click()
    press_until_focused(page, "[data-hear=A]")
    for key in ("x", "Shift+A", "x", "Shift+B"):
        page.keyboard.press(key)
    page.locator(".count", has_text="1 of 2 right").wait_for()
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    assert [(one["id"], [node["target"] for node in one["nodes"]]) for one in found] == []


def test_on_a_phone_nothing_but_tables_is_wider_than_the_screen(opened: Opened) -> None:
    page = opened(PHONE)
    page.locator("summary").click()
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE
    beyond = page.evaluate(
        """() => [...document.querySelectorAll("body *")].filter((one) => !one.closest(".scroll table"))
             .filter((one) => one.getBoundingClientRect().right > innerWidth).map((one) => one.className)"""
    )
    assert beyond == []


@pytest.mark.parametrize("name", ["Boards", "Figures"])
def test_a_table_that_goes_on_says_so_until_its_end(opened: Opened, name: str) -> None:
    page = opened(PHONE)
    table = page.get_by_role("region", name=name)
    hint = page.locator(f".more:has(+ [aria-label={name}])")
    assert hint.is_visible()
    assert page.locator(f"[aria-label={name}]").evaluate("(box) => box.scrollWidth > box.clientWidth") is True
    table.focus()
    page.keyboard.press("End")
    for _ in range(40):
        page.keyboard.press("ArrowRight")
    hint.and_(page.locator(".over")).wait_for(state="attached")
    assert not hint.is_visible()
    wide = opened(WIDE)
    assert not wide.locator(f".more:has(+ [aria-label={name}])").is_visible()


def test_listening_stands_beside_the_verdict_and_on_a_phone_directly_below(opened: Opened) -> None:
    def boxes(width: int) -> list[FloatRect]:
        page = opened(width)
        found = [page.locator(one).bounding_box() for one in (".verdict", ".listen", ".blind")]
        return [box for box in found if box is not None]

    verdict, listen, blind = boxes(WIDE)
    assert verdict["x"] + verdict["width"] < listen["x"]
    assert verdict["y"] == listen["y"] < blind["y"]
    verdict, listen, blind = boxes(PHONE)
    assert verdict["y"] + verdict["height"] < listen["y"] < verdict["y"] + verdict["height"] + 80
    assert listen["y"] + listen["height"] < blind["y"]


def test_every_sound_is_decoded(opened: Opened) -> None:
    page = opened()
    found: list[dict[str, Any]] = page.evaluate(
        """async () => {
          const context = new OfflineAudioContext(1, 1, 48000);
          return Promise.all([...document.querySelectorAll("audio")].map(async (player) => {
            const heard = new Promise((done, fail) => { player.onloadedmetadata = done; player.onerror = fail; });
            player.load();
            player.preload = "metadata";
            await heard;
            const sound = await context.decodeAudioData(await (await fetch(player.src)).arrayBuffer());
            const samples = sound.getChannelData(0);
            let sum = 0;
            for (const sample of samples) sum += sample * sample;
            return {
              title: player.dataset.title, seconds: player.duration, frames: samples.length,
              rms: Math.sqrt(sum / samples.length),
            };
          }));
        }"""
    )
    seconds = len(small().original.heard) / 48_000
    assert [one["title"].split(",")[0] for one in found] == [
        "original",
        *(f"tier {name}" for name in ("0 (full)", "1 (slimmed)", "2 (lightest)")),
        "difference of tier 1 (slimmed)",
        "difference of tier 2 (lightest)",
    ]
    # The same number of frames: a switch keeps the position also after the sound has begun again.
    assert {one["frames"] for one in found} == {found[0]["frames"]}
    for one in found:
        assert one["seconds"] == pytest.approx(seconds, abs=0.1)
        assert one["rms"] > 0.003


def test_a_switch_changes_what_is_heard_and_not_the_position(opened: Opened) -> None:
    page = opened()
    page.locator(".listen .play").click()
    page.locator(".listen .play", has_text="Pause").wait_for()
    started = page.evaluate("started")
    sounds = page.locator(".listen audio").count()
    assert len(started) == sounds == TIERS + 3
    assert started == [started[0]] * sounds
    assert heard_after(page, "3") == [0, 0, 1, 0, 0, 0]
    assert page.locator(".listen [aria-pressed=true]").inner_text().split() == ["Tier", "1", "slimmed"]
    # The difference is stored amplified, and heard so or at its own level.
    difference = page.locator(".listen audio[data-kind=difference]").first
    enlarged_db = float(difference.get_attribute("data-enlarged-db") or 0)
    assert heard_after(page, "5") == [0, 0, 0, 0, 1, 0]
    page.locator(".louder").uncheck()
    assert page.evaluate("targets")[-sounds:] == pytest.approx([0, 0, 0, 0, 10 ** (-enlarged_db / 20), 0])
    assert len(page.evaluate("started")) == sounds
    page.locator(".listen .play").click()
    assert page.locator(".listen .play").inner_text() == "Play"


def test_the_blind_test_is_played_by_keyboard_and_counts_right(opened: Opened) -> None:
    page = opened()
    drawn = [0, 1, 1, 0, 1, 0, 0, 1, 1, 0]
    said = [0, 1, 1, 0, 1, 1, 1, 1, 0, 0]
    page.evaluate("(bits) => { drawn = bits; }", [*drawn, 0])
    press_until_focused(page, "#pair")
    # The board plays tier 1.
    assert page.locator("#pair").input_value() == "tier 1 (slimmed)"
    assert page.locator("#pair option").all_inner_texts() == ["tier 1 (slimmed)", "tier 2 (lightest)"]
    page.keyboard.press("ArrowDown")
    assert page.locator("[data-hear=B]").inner_text().split() == ["B", "Tier", "2", "(lightest)"]
    press_until_focused(page, "[data-hear=A]")
    page.keyboard.press("Shift+A")
    assert page.locator(".meaning").inner_text().startswith("Listen to X first.")
    # Both are as loud: one of the two is turned down by what the tier lacks.
    match_db = float(page.locator("audio[data-kind=tier]").nth(2).get_attribute("data-match-db") or 0)
    loud_a, loud_b = 10 ** (min(0, -match_db) / 20), 10 ** (min(0, match_db) / 20)
    assert match_db != 0
    page.keyboard.press("a")
    page.locator(".blind .play", has_text="Pause").wait_for()
    for number, (is_b, says_b) in enumerate(zip(drawn, said, strict=True)):
        wanted = [0, 0, 0, loud_b, 0, 0] if is_b else [loud_a, 0, 0, 0, 0, 0]
        assert heard_after(page, "x") == pytest.approx(wanted)
        if number % 2:
            page.keyboard.press(f"Shift+{'B' if says_b else 'A'}")
        else:
            # The same by the buttons.
            press_until_focused(page, f"[data-say={'B' if says_b else 'A'}]")
            page.keyboard.press("Enter")
        was = f"{'Right' if is_b == says_b else 'Wrong'}: X was {'B' if is_b else 'A'}. "
        assert page.locator(".meaning").inner_text().startswith(was)
    assert page.locator(".count").inner_text() == "7 of 10 right"
    assert page.locator(".meaning").inner_text() == (
        "Right: X was A. By guessing you would reach this in 17 of 100 tries. "
        "That can be luck. It does not show that you hear a difference."
    )
    assert page.locator(".rounds li").all_text_contents() == [
        "right" if one == other else "wrong" for one, other in zip(drawn, said, strict=True)
    ]
    press_until_focused(page, ".again")
    page.keyboard.press("Enter")
    assert page.locator(".count").inner_text() == ""
    assert page.locator(".rounds li").count() == 0
    assert page.evaluate("document.activeElement.dataset.hear") == "A"


@pytest.mark.parametrize(
    ("right", "tried", "told"),
    [
        (0, 1, "in 100 of 100 tries. That can be luck. Go on."),
        (4, 4, "in 6 of 100 tries. That can be luck. Go on."),
        (5, 5, "in 3 of 100 tries. You hear a difference."),
        (10, 10, "in 1 of 1,024 tries. You hear a difference."),
        (12, 16, "in 4 of 100 tries. You hear a difference."),
    ],
)
def test_what_guessing_reaches_is_the_binomial_tail(opened: Opened, right: int, tried: int, told: str) -> None:
    # The texts above round this, and the bounds are where the words change.
    tail = sum(math.comb(tried, i) for i in range(right, tried + 1)) / 2**tried
    assert f"{100 * tail:.0f} of 100" in told or f"1 of {1 / tail:,.0f} tries" in told
    page = opened()
    press_until_focused(page, "[data-hear=A]")
    for number in range(tried):
        page.keyboard.press("x")
        # With nothing left in `drawn`, X is A.
        page.keyboard.press("Shift+A" if number < right else "Shift+B")
    assert page.locator(".count").inner_text() == f"{right} of {tried} right"
    assert page.locator(".meaning").inner_text().endswith(f"By guessing you would reach this {told}")


def heard_after(page: Page, key: str) -> list[float]:
    """Press a key, and return the gain that each sound goes to."""
    page.evaluate("targets = []")
    page.keyboard.press(key)
    return list(page.evaluate("targets"))


def press_until_focused(page: Page, selector: str) -> None:
    """Go there with the Tab key."""
    for _ in range(60):
        if page.evaluate("(selector) => document.activeElement.matches(selector)", selector):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"no {selector} within 60 presses of Tab")
