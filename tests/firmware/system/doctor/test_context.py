from __future__ import annotations

from nampedal.firmware.base import system_paths
from nampedal.firmware.system.doctor.context import JACK, CheckContext, check
from nampedal.firmware.system.doctor.errors import NotApplicableError, UnknownResultError
from nampedal.firmware.system.doctor.finding import Finding, FindingState, ok, wrong
from support.rigs.sick_pedal import Patient, socket_closed


def test_a_check_never_raises(pedal: Patient) -> None:
    @check("blind")
    def blind(case: CheckContext) -> Finding:
        raise UnknownResultError("nobody tells", "ask again")

    @check("spared")
    def spared(case: CheckContext) -> Finding:
        raise NotApplicableError("there is no such thing")

    @check("ill")
    def ill(case: CheckContext) -> Finding:
        raise ZeroDivisionError("by\nnothing")

    case = CheckContext(pedal)
    assert blind(case) == Finding(FindingState.UNKNOWN, "nobody tells", "ask again", "blind")
    assert spared(case) == Finding(FindingState.NOT_APPLICABLE, "there is no such thing", "", "spared")
    assert ill(case) == Finding(
        FindingState.UNKNOWN, "this check itself failed: ZeroDivisionError: by nothing", "", "ill"
    )


def test_findings_are_one_line_each(pedal: Patient) -> None:
    @check("long")
    def long(case: CheckContext) -> Finding:
        return wrong("two\n lines", "do\tthis\n")

    assert long(CheckContext(pedal)) == Finding(FindingState.WRONG, "two lines", "do this", "long")
    assert ok("x") == Finding(FindingState.OK, "x")


def test_a_pedal_that_does_not_answer_is_asked_once(pedal: Patient) -> None:
    pedal.refuses = socket_closed(TimeoutError())
    case = CheckContext(pedal)
    for _ in range(3):
        try:
            assert case.status is None
        except UnknownResultError as error:
            assert str(error) == "nampedal did not answer within 10 s: the machine is very busy"
    assert pedal.asked == 1


def test_the_pedal_is_the_one_that_the_card_names_and_mended_as_the_one_that_was_installed(pedal: Patient) -> None:
    pedal.put(
        str(system_paths.CHANGED_SETTINGS), "NAMPEDAL_PEDAL=pi-4-dac-adc\nNAMPEDAL_JACK=-d alsa -d hw:sndrpihifiberry\n"
    )
    case = CheckContext(pedal)
    assert (case.pedal.key, case.jack.card) == ("pi-4-dac-adc", "sndrpihifiberry")
    assert case.settings["NAMPEDAL_BASE"] == "raspios"
    assert case.reinstall_advice() == "run 'sudo nampedal install --pedal zero-2-w-codec-zero', then 'sudo reboot'"


def test_a_unit_that_systemd_does_not_list_is_not_installed(pedal: Patient) -> None:
    pedal.units.pop("nampedal-tune.service")
    case = CheckContext(pedal)
    assert case.unit("nampedal-tune.service")["LoadState"] == "not-found"
    assert case.process(JACK) == 412
