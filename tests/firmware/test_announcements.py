"""What lights tell though the pedal plays: each piece of news whole, one behind the other, then no more."""

from __future__ import annotations

from pathlib import Path

from nampedal.firmware.announcements import MOST_WAITING, Announcements, left
from nampedal.firmware.lamps import CARD_TROUBLE, ROUNDS, TAKEN_OVER, Shown, lights, round_s


def test_news_is_told_from_its_first_blink_and_ends() -> None:
    news = Announcements()
    assert news.now(5.0) == (0, 0.0)
    news.say(TAKEN_OVER)
    seen = []
    for step in range(400):
        now_s = 100.1 + 0.05 * step
        code, since_s = news.now(now_s)
        shown = Shown(trouble=code, trouble_since_s=since_s)
        seen.append(lights(shown, ("1",), now_s)["1"].level > 0.5)
    blinks = sum(b and not a for a, b in zip([False, *seen], seen, strict=False))
    assert blinks == ROUNDS[TAKEN_OVER] * TAKEN_OVER
    assert not any(seen[-20:])


def test_two_pieces_of_news_come_one_behind_the_other() -> None:
    news = Announcements()
    for code in (CARD_TROUBLE, TAKEN_OVER, CARD_TROUBLE):
        news.say(code)
    assert news.now(0.0) == (CARD_TROUBLE, 0.0)
    first_s = ROUNDS[CARD_TROUBLE] * round_s(CARD_TROUBLE)
    assert news.now(first_s - 0.01) == (CARD_TROUBLE, 0.0)
    assert news.now(first_s) == (TAKEN_OVER, first_s)
    assert news.now(first_s + ROUNDS[TAKEN_OVER] * round_s(TAKEN_OVER)) == (0, 0.0)


def test_a_hundred_pieces_of_news_do_not_blink_for_ever() -> None:
    news = Announcements()
    for code in range(100):
        news.say(code)
    codes = {news.now(100.0 * at)[0] for at in range(200)}
    assert len(codes) <= MOST_WAITING + 1


def test_what_a_boot_left_is_read_whatever_stands_there(tmp_path: Path) -> None:
    assert left(tmp_path / "nobody" / "announce") == []
    path = tmp_path / "announce"
    assert left(path) == [CARD_TROUBLE]
    path.write_bytes(b"4\n5\n1\n77\n\xff\n")
    assert left(path) == [4, 5]
