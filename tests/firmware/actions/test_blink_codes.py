"""What lights tell though the pedal plays: each piece of news whole, one behind the other, then no more."""

from __future__ import annotations

from pathlib import Path

from nampedal.firmware.actions.blink_codes import MAX_WAITING, BlinkCodes, read_boot_codes
from nampedal.firmware.actions.led_state import CARD_TROUBLE, REPEATS, TAKEN_OVER, LedInputs, duration_s, led_states


def test_news_is_told_from_its_first_blink_and_ends() -> None:
    news = BlinkCodes()
    assert news.now(5.0) == (0, 0.0)
    news.enqueue(TAKEN_OVER)
    seen = []
    for step in range(400):
        now_s = 100.1 + 0.05 * step
        code, since_s = news.now(now_s)
        shown = LedInputs(trouble=code, trouble_since_s=since_s)
        seen.append(led_states(shown, ("1",), now_s)["1"].level > 0.5)
    blinks = sum(b and not a for a, b in zip([False, *seen], seen, strict=False))
    assert blinks == REPEATS[TAKEN_OVER] * TAKEN_OVER
    assert not any(seen[-20:])


def test_two_pieces_of_news_come_one_behind_the_other() -> None:
    news = BlinkCodes()
    for code in (CARD_TROUBLE, TAKEN_OVER, CARD_TROUBLE):
        news.enqueue(code)
    assert news.now(0.0) == (CARD_TROUBLE, 0.0)
    first_s = REPEATS[CARD_TROUBLE] * duration_s(CARD_TROUBLE)
    assert news.now(first_s - 0.01) == (CARD_TROUBLE, 0.0)
    assert news.now(first_s) == (TAKEN_OVER, first_s)
    assert news.now(first_s + REPEATS[TAKEN_OVER] * duration_s(TAKEN_OVER)) == (0, 0.0)


def test_a_hundred_pieces_of_news_do_not_blink_for_ever() -> None:
    news = BlinkCodes()
    for code in range(100):
        news.enqueue(code)
    codes = {news.now(100.0 * at)[0] for at in range(200)}
    assert len(codes) <= MAX_WAITING + 1


def test_what_a_boot_left_is_read_whatever_stands_there(tmp_path: Path) -> None:
    assert read_boot_codes(tmp_path / "nobody" / "announce") == []
    path = tmp_path / "announce"
    assert read_boot_codes(path) == [CARD_TROUBLE]
    path.write_bytes(b"4\n5\n1\n77\n\xff\n")
    assert read_boot_codes(path) == [4, 5]
