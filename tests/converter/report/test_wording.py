from __future__ import annotations

import math
from dataclasses import replace

import pytest
from nampedal.converter.report import wording
from support.makers.report_maker import fit, on, small, with_esr

EXCELLENT = "the match is excellent, and you are unlikely to hear a difference"


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
    ("esr", "sentence"),
    [
        (0.0, "The match is excellent, and you are unlikely to hear a difference (no difference at all)."),
        (1e-3, "The match is excellent, and you are unlikely to hear a difference (30 dB below the sound)."),
        (0.01, "The match is excellent, and only side by side might you hear a difference (20 dB below the sound)."),
        (
            0.05,
            "The match is very good, and side by side you will probably hear a small difference "
            "(13 dB below the sound).",
        ),
        (
            0.15,
            "The match is a good compromise, and side by side you will hear a difference (8 dB below the sound).",
        ),
        (0.35, "The difference is noticeable, and you will hear it while playing (5 dB below the sound)."),
        (0.5, "The match is rough: the character is there, the details are not (3 dB below the sound)."),
        (1.0, "The match is very approximate, and you will hear another sound (as loud as the sound)."),
        (10.0, "The match is very approximate, and you will hear another sound (10 dB above the sound)."),
        (math.nan, "The match can't be measured, as what is played is not finite (no sound to compare with)."),
    ],
)
def test_without_a_board_the_verdict_is_about_the_sound(esr: float, sentence: str) -> None:
    assert wording.verdict(with_esr(esr)) == sentence


def test_of_one_board_the_verdict_says_what_it_plays_and_how_that_sounds() -> None:
    report = on(with_esr(1e-6), fit("pi", 0, 31.4, status="estimated"))
    plays = "The PI can play tier 0, the full size, at 31 % of one core (estimated)"
    assert wording.verdict(report) == f"{plays}; {EXCELLENT}."


def test_the_largest_tier_that_fits_is_judged_even_at_a_longer_period() -> None:
    fits = [fit("pi", 0, 70, 64), fit("pi", 1, 20, 64), fit("pi", 0, 58, 128), fit("pi", 1, 19, 128)]
    assert wording.verdict(on(with_esr(1e-6, 0.2), *fits)).startswith("The PI can play tier 0, the full size, at 58 %")
    small_fits = [fits[0], fits[1], fits[3]]
    assert wording.verdict(on(with_esr(1e-6, 0.2), *small_fits)) == (
        "The PI can play tier 1, 50 % of the work, at 20 % of one core (measured); "
        "the difference is noticeable, and you will hear it while playing."
    )


def test_what_fits_nowhere_is_said_with_its_figures() -> None:
    report = with_esr(1e-6, 0.2)
    assert wording.verdict(on(report, fit("pi", 0, 200), fit("pi", 1, 90))) == (
        "No size fits the PI: tier 1 takes 90 % of one core (measured), and 60 % is what it has."
    )
    assert wording.verdict(on(report, fit("pi", 0, 200), fit("pie", 0, 90))) == "No size fits any of the 2 boards."


def test_of_several_boards_the_verdict_counts() -> None:
    report = with_esr(1e-6, 0.2)
    same = on(report, fit("a", 0, 20), fit("b", 0, 30), fit("c", 0, 90))
    assert wording.verdict(same) == f"Tier 0, the full size, fits 2 of 3 boards; {EXCELLENT}."
    mixed = on(report, fit("a", 0, 90), fit("a", 1, 30), fit("b", 0, 30), fit("b", 1, 10))
    assert wording.verdict(mixed) == f"It fits all 2 boards, 1 of them with tier 0, the full size, where {EXCELLENT}."


def test_advice_is_about_boards_that_can_not_play_the_full_size() -> None:
    report = on(with_esr(1e-6, 0.02), fit("a", 0, 90), fit("a", 1, 55, status="estimated"), fit("b", 0, 90))
    assert wording.advice(report) == [
        "A: play tier 1, 50 % of the work (very good); what is larger does not fit.",
        "A: this is close, and an estimate; measure on the board with 'nampedal bench'.",
        "B: have it slimmed to fit (add --board b to the command), or a longer period (more latency).",
    ]


def test_advice_goes_beyond_a_tier_that_is_another_sound() -> None:
    report = on(with_esr(1e-6, 0.16), fit("a", 0, 90), fit("a", 1, 30))
    assert wording.advice(report)[1] == (
        "A: if that is too far off, a faster board, "
        "or a smaller capture of the same gear (many come as standard, lite, feather and nano)."
    )


def test_advice_is_about_rounding_only_where_rounding_is_to_blame() -> None:
    fits = fit("a", 0, 10)
    rounded = on(with_esr(0.02), fits)
    assert wording.advice(rounded) == [
        "Round with your own playing: --calibrate my-guitar.wav; or do not round: --precision f32."
    ]
    slimmed = replace(rounded, tiers=(replace(rounded.tiers[0], work=0.4),))
    assert wording.advice(slimmed) == ["Nothing more: put it on the pedal and play."]


def test_advice_names_a_tier_that_is_louder_or_quieter() -> None:
    report = on(with_esr(1e-6, 1e-3), fit("a", 0, 10))
    changed = [
        replace(tier, comparison=replace(tier.comparison, loudness_difference_lu=lu))
        for tier, lu in zip(report.tiers, (1.25, -2.0), strict=True)
    ]
    assert wording.advice(replace(report, tiers=tuple(changed))) == [
        "Tier 0 is 1.2 dB louder than the original: set the level before you compare by ear.",
        "Tier 1 is 2.0 dB quieter than the original: set the level before you compare by ear.",
    ]


def test_without_a_board_advice_is_to_name_one() -> None:
    assert wording.advice(with_esr(1e-6)) == ["Name your board to see if it fits (--board)."]


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
