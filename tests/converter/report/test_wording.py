from __future__ import annotations

import math
from dataclasses import replace

import pytest
from nampedal.converter.report import wording
from nampedal.converter.report.report_model import Report
from nampedal.converter.report.wording import Answer
from support.makers.report_maker import fit, on, small, with_esr


@pytest.mark.parametrize(
    ("esr", "name"),
    [
        (0.0, "excellent"),
        (0.01, "excellent"),
        (0.0101, "very good"),
        (0.05, "very good"),
        (0.0501, "good compromise"),
        (0.15, "good compromise"),
        (0.151, "noticeable"),
        (0.35, "noticeable"),
        (0.351, "rough"),
        (0.5, "rough"),
        (0.501, "very approximate"),
        (math.inf, "very approximate"),
        (math.nan, "not measurable"),
    ],
)
def test_an_esr_is_in_the_band_that_players_know(esr: float, name: str) -> None:
    assert wording.band(esr).name == name


@pytest.mark.parametrize(
    ("esr", "short", "sentence"),
    [
        (0.0, "No.", "Tier 0 is an excellent match. It plays the same, sample for sample."),
        (1e-3, "Very unlikely.", "Tier 0 is an excellent match. Its error is 30 dB below the sound."),
        (0.01, "Perhaps, side by side.", "Tier 0 is an excellent match. Its error is 20 dB below the sound."),
        (0.05, "A small one, side by side.", "Tier 0 is a very good match. Its error is 13 dB below the sound."),
        (0.15, "Yes, side by side.", "Tier 0 is a good compromise. Its error is 8 dB below the sound."),
        (0.35, "Yes, while you play.", "Tier 0 differs noticeably. Its error is 5 dB below the sound."),
        (
            0.5,
            "Yes, clearly.",
            "Tier 0 is a rough match. The character is there, the details are not. Its error is 3 dB below the sound.",
        ),
        (1.0, "Yes, it is another sound.", "Tier 0 is a very approximate match. Its error is as loud as the sound."),
        (
            10.0,
            "Yes, it is another sound.",
            "Tier 0 is a very approximate match. Its error is 10 dB above the sound.",
        ),
        (
            math.nan,
            "It can't be measured.",
            "Tier 0 plays sound that is not finite. There is no sound to compare with.",
        ),
    ],
)
def test_the_verdict_says_if_a_difference_is_heard(esr: float, short: str, sentence: str) -> None:
    _, difference, _ = wording.verdict(with_esr(esr))
    assert difference == Answer("Will you hear a difference?", short, (sentence,))


def fits_answer(report: Report) -> Answer:
    answer = wording.verdict(report)[0]
    assert answer.question == "Does it fit your board?"
    return answer


def test_of_one_board_the_verdict_says_what_it_plays_and_what_that_takes() -> None:
    answer = fits_answer(on(with_esr(1e-6), fit("pi", 0, 31.4, status="estimated")))
    assert (answer.short, answer.good) == ("Yes, at full size.", True)
    assert answer.sentences == (
        "PI plays tier 0. It takes 31 % of one processor core (estimated). Up to 60 % is free for it.",
    )


def test_the_largest_tier_that_fits_is_judged_even_at_a_longer_period() -> None:
    fits = [fit("pi", 0, 70, 64), fit("pi", 1, 20, 64), fit("pi", 0, 58, 128), fit("pi", 1, 19, 128)]
    report = on(with_esr(1e-6, 0.2), *fits)
    assert fits_answer(report).sentences[0].startswith("PI plays tier 0. It takes 58 %")
    smaller = on(report, fits[0], fits[1], fits[3])
    assert fits_answer(smaller).short == "Yes, in a smaller size."
    assert fits_answer(smaller).sentences[0].startswith("PI plays tier 1, which needs 50 % of the work. It takes 20 %")
    assert wording.played(smaller) == [1]
    assert [answer.short for answer in wording.verdict(smaller)[1:]] == ["Yes, while you play.", "Play tier 1."]


def test_what_fits_nowhere_is_said_with_its_figures() -> None:
    report = with_esr(1e-6, 0.2)
    one = fits_answer(on(report, fit("pi", 0, 200), fit("pi", 1, 90)))
    assert (one.short, one.good) == ("No.", False)
    assert one.sentences == ("Even tier 1 takes 90 % of one processor core (measured). Up to 60 % is free for it.",)
    two = on(report, fit("pi", 0, 200), fit("pie", 0, 90))
    assert fits_answer(two).short == "On none of 2 boards."
    assert wording.verdict(two)[2].short == "Make it smaller."
    assert wording.played(two) == [0]


def test_of_several_boards_the_verdict_names_those_that_play() -> None:
    report = with_esr(1e-6, 0.2)
    same = fits_answer(on(report, fit("a", 0, 20), fit("b", 0, 30), fit("c", 0, 90)))
    assert (same.short, same.good, same.sentences) == ("On 2 of 3 boards.", None, ("A and B play tier 0.",))
    mixed = on(report, fit("a", 0, 90), fit("a", 1, 30), fit("b", 0, 30), fit("b", 1, 10))
    assert fits_answer(mixed).short == "On all 2 boards."
    assert fits_answer(mixed).sentences == ("B plays tier 0.", "A plays tier 1.")
    difference, to_try = wording.verdict(mixed)[1:]
    assert difference.short == "That depends on the board."
    assert [line.split(".")[0] for line in difference.sentences] == [
        "Tier 0 is an excellent match", "Tier 1 differs noticeably",
    ]  # fmt: skip
    assert to_try.short == "Play the largest size that fits."
    many = fits_answer(on(report, *(fit(name, 0, 20) for name in "abcde")))
    assert many.sentences == ("5 boards play tier 0.",)


def test_advice_names_its_board_if_there_are_several() -> None:
    report = on(with_esr(1e-6, 0.02), fit("a", 0, 90), fit("a", 1, 55, status="estimated"), fit("b", 0, 90))
    assert wording.advice(report) == [
        "A: The load is an estimate, and close to the limit. Measure it on the board with 'nampedal bench'.",
        "B: Add --board b to the command to have it slimmed. Or use a longer period, which adds latency.",
    ]


def test_advice_goes_beyond_a_tier_that_is_another_sound() -> None:
    report = on(with_esr(1e-6, 0.16), fit("a", 0, 90), fit("a", 1, 30))
    assert wording.advice(report) == [
        "Try a faster board. Or try a smaller capture of the same gear. Many come as standard, lite, feather and nano."
    ]


def test_advice_is_about_rounding_only_where_rounding_is_to_blame() -> None:
    fits = fit("a", 0, 10)
    rounded = on(with_esr(0.02), fits)
    assert wording.advice(rounded) == [
        "Round it with your own playing: --calibrate my-guitar.wav. Or do not round it: --precision f32."
    ]
    slimmed = replace(rounded, tiers=(replace(rounded.tiers[0], work=0.4),))
    assert wording.advice(slimmed) == ["Nothing else. Put it on the pedal and play."]


def test_advice_names_a_tier_that_is_louder_or_quieter() -> None:
    report = on(with_esr(1e-6, 1e-3), fit("a", 0, 10))
    changed = [
        replace(tier, comparison=replace(tier.comparison, loudness_difference_lu=lu))
        for tier, lu in zip(report.tiers, (1.25, -2.0), strict=True)
    ]
    assert wording.advice(replace(report, tiers=tuple(changed))) == [
        "Tier 0 is 1.2 dB louder than the original. Set the level before you compare by ear.",
        "Tier 1 is 2.0 dB quieter than the original. Set the level before you compare by ear.",
    ]


def test_without_a_board_advice_is_to_name_one() -> None:
    assert wording.advice(with_esr(1e-6)) == ["Add --board to the command, with the name of your board."]
    fits, _, to_try = wording.verdict(with_esr(1e-6))
    assert (fits.short, to_try.short) == ("No board was named.", "Name your board.")


def test_the_command_that_asks_for_a_board_can_be_pasted() -> None:
    report = replace(small(), source=replace(small().source, file_name="my amp; rm -rf.nam"))
    assert wording.board_command(report, ".md") == (
        "nampedal convert 'my amp; rm -rf.nam' --board zero-2-w --report 'my amp; rm -rf.md' --force"
    )


def test_figures_are_never_minus_nothing() -> None:
    assert wording.figure(-0.001, "+.2f", " dB") == "+0.00 dB"
    assert wording.figure(-0.01, "+.2f", " dB") == "-0.01 dB"
    assert wording.figure(0.0, ".1e") == "0"
    assert wording.figure(math.nan, "+.2f", " dB") == "none"


@pytest.mark.parametrize(
    ("esr", "built_in_esr", "doubts", "text"),
    [
        (1e-2, 1.9e-2, (), None),
        (math.nan, 1e-2, (), None),
        (0.0, 0.0, (), None),
        (
            1e-2,
            3.5e-2,
            ("it is 9 s long",),
            "tier 1 on built-in plucks and chords has 3.5e-02, 3.5 times as much as on your playing: "
            "the recordings lack some playing (it is 9 s long)",
        ),
        (
            1e-2,
            3.5e-2,
            (),
            "tier 1 on built-in plucks and chords has 3.5e-02, 3.5 times as much as on your playing: "
            "they are notes, levels and pauses that it does not have",
        ),
        (
            3e-2,
            1e-2,
            ("it is 9 s long",),
            "tier 1 on built-in plucks and chords has 1.0e-02, 3.0 times as little as on your playing: "
            "single notes that fade are easier to play",
        ),
    ],
)
def test_two_esrs_that_differ_by_more_than_twice_are_explained(
    esr: float, built_in_esr: float, doubts: tuple[str, ...], text: str | None
) -> None:
    assert wording.disagreement("tier 1", esr, built_in_esr, doubts) == text


def test_the_report_explains_them_too() -> None:
    report = with_esr(1e-6, 1e-2)
    tiers = (report.tiers[0], replace(report.tiers[1], built_in_esr=0.05))
    told = wording.advice(replace(report, tiers=tiers, doubts=("it is 9 s long",)))
    assert "Tier 1 on built-in plucks and chords has 5.0e-02, 5.0 times as much as on your playing: " in told[0]


def test_a_share_says_what_it_can_be_at_most() -> None:
    board = fit("pi", 0, 42.0, status="estimated", budget=50.0)
    assert wording.load_status(board) == "estimated"
    assert wording.load_status(replace(board, at_most_percent=59.2)) == "estimated, at most 59 %"
    assert wording.load_status(replace(board, at_most_percent=42.1)) == "estimated"
