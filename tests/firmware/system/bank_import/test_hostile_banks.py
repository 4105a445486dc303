"""What one file or folder does to its import, it does to no other: crashes, memory, time, and any exception."""

from __future__ import annotations

import os
import re
import signal
import time
import zipfile
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from nampedal.firmware.actions.blink_codes import read_boot_codes
from nampedal.firmware.base import system_paths
from nampedal.firmware.base.errors import (
    BankError,
    CardError,
    FileAccessError,
    ImportEndedError,
    ImportNotStartedError,
    ImportStoppedError,
)
from nampedal.firmware.base.memory_limit import MAX_BYTES
from nampedal.firmware.presets import preset
from nampedal.firmware.presets.banks.bank_file import export_bank
from nampedal.firmware.presets.preset import Cabinet, Gain, Preset
from nampedal.firmware.system.bank_import import bank_importer, limited_step, safe_read
from nampedal.firmware.system.bank_import.import_journal import MAX_ATTEMPTS, read_journal
from nampedal.firmware.system.bank_import.import_result import ImportResult
from nampedal.firmware.system.bank_import.import_scan import scan_folder
from nampedal.firmware.system.bank_import.limited_step import Worker
from nampedal.firmware.system.host.root_paths import JOURNAL
from support.makers.bad_bank import GIB, manifest, write_bomb
from support.makers.bank_maker import amp, make_bank, names
from support.rigs.card_rig import Card

AGES_S = 600.0


def a_worker() -> Worker:
    return Worker(time.monotonic() + AGES_S)


def import_all(source: Path, banks: Path) -> ImportResult:
    """With workers, as a pedal does."""
    found, problems = scan_folder(source)
    assert problems == []
    return bank_importer.import_items(found, banks, banks.parent / "card.toml", a_worker())


def journal(banks: Path) -> tuple[list[int], list[str]]:
    """Attempts that count, and why others were given up."""
    found = read_journal(banks.parent / JOURNAL.name)
    return list(found.attempts.values()), list(found.given_up.values())


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Three banks, by name: something is to happen to the first."""
    for number, name in enumerate(("a", "b", "c")):
        preset.write(Preset("Own", (Gain(float(number)),)), make_bank(tmp_path / "source" / name) / "own.toml")
    return tmp_path / "source"


# ---- a worker ----


def test_a_worker_returns_what_is_done_in_another_process() -> None:
    do = a_worker()
    assert do(lambda: [os.getpid(), "x"], "a") != [os.getpid(), "x"]
    assert do(lambda: {"text": "\n\udcff"}, "a") == {"text": "\n\udcff"}
    assert do.peak_bytes > 1 << 20


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (BankError("a: is broken"), CardError),
        (FileAccessError("a: is full"), FileAccessError),
    ],
)
def test_errors_are_raised_in_the_same_words(error: Exception, raised: type[Exception]) -> None:
    def do() -> None:
        raise error

    with pytest.raises(raised, match=f"^{error}$"):
        a_worker()(do, "a")


@pytest.mark.parametrize("error", [ZeroDivisionError("by a bug"), RecursionError("by a bug"), OSError("by a bug")])
def test_any_other_exception_is_a_fault_of_that_import(error: Exception) -> None:
    def do() -> None:
        raise error

    with pytest.raises(ImportStoppedError) as caught:
        a_worker()(do, "a")
    assert str(caught.value) == f"nampedal itself went wrong: {type(error).__name__}: by a bug"


def test_memory_has_an_end() -> None:
    # Much more: what this process has freed and not given back is used up first, and does not count.
    with pytest.raises(ImportStoppedError, match=r"^it needs more than 128 MiB of memory$"):
        a_worker()(lambda: len([bytearray(MAX_BYTES // 2) for _ in range(64)]), "a")
    assert a_worker()(lambda: len(bytearray(MAX_BYTES // 2)), "a") == MAX_BYTES // 2


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (signal.SIGKILL, "the system ended it, as it does when memory runs out"),
        (signal.SIGSEGV, "it crashed (SIGSEGV)"),
        (signal.SIGXCPU, "it took more than 120 s of the processor"),
    ],
)
def test_a_process_that_is_ended_is_told_from_an_error(number: signal.Signals, text: str) -> None:
    def do() -> None:
        if number != signal.SIGKILL:
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    with pytest.raises(ImportEndedError, match=f"^{re.escape(text)}$"):
        a_worker()(do, "a")


def test_a_process_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limited_step, "MAX_S", 0.2)
    with pytest.raises(ImportEndedError, match=r"^it took too long and was ended$"):
        a_worker()(lambda: time.sleep(AGES_S), "a")


def test_the_processor_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    def do() -> None:
        while True:
            pass

    monkeypatch.setattr(limited_step, "MAX_CPU_S", 1)
    with pytest.raises(ImportEndedError, match=r"^it took more than 1 s of the processor$"):
        a_worker()(do, "a")


def test_where_no_time_is_left_nothing_is_begun() -> None:
    begun: list[int] = []
    with pytest.raises(ImportNotStartedError):
        Worker(time.monotonic())(lambda: begun.append(1), "a")
    assert begun == []


def test_where_no_process_can_be_started_it_is_tried_later(
    source: Path, banks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none() -> int:
        raise OSError(11, "Resource temporarily unavailable")

    with pytest.MonkeyPatch.context() as full:
        full.setattr(os, "fork", none)
        outcome = import_all(source, banks)
    assert outcome.problems[0] == (
        f"{source}/a: can't be taken over: no process can be started: resource temporarily unavailable"
    )
    assert (len(outcome.problems), journal(banks)) == (3, ([], []))
    assert import_all(source, banks).taken == ["a", "b", "c"]


# ---- the others go on ----


def broken(monkeypatch: pytest.MonkeyPatch, name: str, do: Callable[[], Any], step: str = "_settle") -> None:
    """From now on this happens where a bank of this name is imported."""
    real = getattr(bank_importer, step)

    def call(source: Path, *arguments: Any) -> None:
        if source.name == name:
            do()
        real(source, *arguments)

    monkeypatch.setattr(bank_importer, step, call)


def crash() -> None:
    signal.signal(signal.SIGSEGV, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGSEGV)


def burst() -> None:
    raise ZeroDivisionError("by a bug")


def test_what_crashes_is_tried_twice_and_the_others_are_taken(
    source: Path, banks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken(monkeypatch, "a", crash)
    (banks / ".a.partial").mkdir()
    once = import_all(source, banks)
    assert once.taken == ["b", "c"]
    assert once.problems == [
        f"{source}/a: can't be taken over: it crashed (SIGSEGV); it is tried once more at the next start"
    ]
    assert journal(banks) == ([1], [])
    assert sorted(path.name for path in banks.iterdir()) == ["b", "c"]
    told = f"{source}/a: can't be taken over: it crashed (SIGSEGV); it is not tried again: replace it, or remove it"
    assert import_all(source, banks) == ImportResult([], [told])
    assert journal(banks) == ([], [told])
    # Told still, and not tried.
    broken(monkeypatch, "a", lambda: os.kill(os.getppid(), signal.SIGKILL))
    assert import_all(source, banks) == ImportResult([], [told])


def test_what_is_replaced_gets_a_fresh_try(source: Path, banks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.MonkeyPatch.context() as once:
        broken(once, "a", crash)
        for _ in range(MAX_ATTEMPTS):
            import_all(source, banks)
    preset.write(Preset("Another", (Gain(9.0),)), source / "a" / "own.toml")
    assert import_all(source, banks) == ImportResult(["a"], [])


def test_another_nampedal_tries_again(source: Path, banks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.MonkeyPatch.context() as once:
        broken(once, "a", crash)
        for _ in range(MAX_ATTEMPTS):
            import_all(source, banks)
    monkeypatch.setattr("nampedal.firmware.system.bank_import.import_journal.version", lambda name: "99.0")
    assert import_all(source, banks) == ImportResult(["a"], [])


@pytest.mark.parametrize("step", ["_settle", "_check_room"])
def test_any_exception_is_that_banks_problem(
    source: Path, banks: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    if step == "_settle":
        broken(monkeypatch, "a", burst)
    else:
        real = bank_importer._check_room
        monkeypatch.setattr(
            bank_importer, step, lambda found, *rest: burst() if found.path.name == "a" else real(found, *rest)
        )
    outcome = import_all(source, banks)
    assert outcome.taken == ["b", "c"]
    assert outcome.problems == [
        f"{source}/a: can't be taken over: nampedal itself went wrong: ZeroDivisionError: by a bug"
    ]
    # It is not tried again either.
    assert import_all(source, banks).problems == outcome.problems
    assert journal(banks) == ([], [])


def test_what_only_looking_at_ends_is_given_up_too(source: Path, banks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = safe_read.digest
    monkeypatch.setattr(safe_read, "digest", lambda found: crash() if found.path.name == "a" else real(found))
    for _ in range(MAX_ATTEMPTS):
        outcome = import_all(source, banks)
    assert outcome.problems == [
        f"{source}/a: can't be taken over: it crashed (SIGSEGV); it is not tried again: replace it, or remove it"
    ]
    assert sorted(path.name for path in banks.iterdir()) == ["b", "c"]


class MachineStoppedError(BaseException):
    """Nothing runs after it."""


def test_what_stops_the_machine_comes_last_and_is_given_up(
    source: Path, banks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop() -> None:
        raise MachineStoppedError

    # In this process: the machine is gone with it.
    broken(monkeypatch, "a", stop)
    state = banks.parent / "card.toml"
    with pytest.raises(MachineStoppedError):
        bank_importer.import_items(scan_folder(source)[0], banks, state)
    assert [path.name for path in banks.iterdir()] == []
    with pytest.raises(MachineStoppedError):
        bank_importer.import_items(scan_folder(source)[0], banks, state)
    assert sorted(path.name for path in banks.iterdir()) == ["b", "c"]
    outcome = bank_importer.import_items(scan_folder(source)[0], banks, state)
    assert outcome.problems == [
        f"{source}/a: was begun 2 times, and nampedal did not come to its end; it is not tried again: replace it, or "
        "remove it"
    ]
    # What came before the machine stopped does not come again.
    assert outcome.taken == []
    assert sorted(path.name for path in banks.iterdir()) == ["b", "c"]


def test_a_damaged_journal_stops_nothing(source: Path, banks: Path) -> None:
    path = banks.parent / JOURNAL.name
    for text in ("format = 9", "\0", 'format = 1\nversion = "x"\nattempts = 3', "x" * (5 << 20)):
        path.write_text(text)
        assert read_journal(path).attempts == {}
    assert import_all(source, banks).taken == ["a", "b", "c"]
    assert journal(banks) == ([], [])


# ---- hostile banks, as a card has them ----


def test_a_bank_of_1_mb_that_unpacks_to_1_gib_is_refused_beside_a_good_one(card: Card, tmp_path: Path) -> None:
    write_bomb(card.imports / "bomb.nampedal-bank", 10)
    export_bank(make_bank(tmp_path / "rock"), card.imports / "rock.nampedal-bank")
    booted = card.boot()
    assert booted.taken == card.bank_names() == ["rock"]
    assert card.wrong() == [
        f"import/bomb.nampedal-bank: 'big.wav' is not what the manifest says: {GIB:,} bytes of 10, or others; have it "
        "sent again"
    ]
    assert read_boot_codes(card.at(system_paths.CARD_ANNOUNCEMENT)) == [4, 5]
    # The next boot tells it without looking into it.
    booted = card.boot()
    assert "take" not in card.system.said
    assert len(card.wrong()) == 1
    assert read_boot_codes(card.at(system_paths.CARD_ANNOUNCEMENT)) == [4]


def test_an_artifact_that_asks_for_too_much_is_refused_beside_a_good_one(card: Card) -> None:
    """Its metadata is nested deeper than Python's JSON goes."""
    data = amp()
    (card.imports / "a.stomp").write_bytes(data[:1000] + b"[" * 100_000)
    (card.imports / "b.stomp").write_bytes(data)
    card.boot()
    assert names(card.banks / "imported") == ["b.stomp", "b.toml"]
    assert card.wrong()[0].startswith("import/a.stomp: ")


def test_the_name_of_what_was_begun_is_told_though_the_whole_import_ends(
    card: Card, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_bank(card.imports / "rock")
    card.boot()
    make_bank(card.imports / "jazz")
    preset.write(Preset("Own", (Gain(),)), card.imports / "jazz" / "own.toml")
    (jazz,) = (one for one in scan_folder(card.imports)[0] if one.path.name == "jazz")
    begun = read_journal(card.at(JOURNAL))
    begun.begin(jazz.stamp)
    monkeypatch.setattr("nampedal.firmware.system.bank_import.import_launcher.PATIENCE_S", 0.01)
    card.boot()
    (told,) = card.wrong()
    assert told.startswith("import/jazz: was being taken over when this happened: import: stopped: ")
    assert read_boot_codes(card.at(system_paths.CARD_ANNOUNCEMENT)) == [4]


def test_room_is_counted_unpacked(banks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wave = b"\0" * (1 << 20)
    lead = preset.pack(Preset("Lead", (Cabinet("big.wav"),)))
    source = tmp_path / "packed"
    source.mkdir()
    with zipfile.ZipFile(source / "big.nampedal-bank", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.toml", manifest({"lead.toml": lead, "big.wav": wave}))
        archive.writestr("bank/lead.toml", lead)
        archive.writestr("bank/big.wav", wave)
    assert (source / "big.nampedal-bank").stat().st_size < 4000
    free = namedtuple("free", "f_bavail f_frsize")
    monkeypatch.setattr(os, "statvfs", lambda path: free(bank_importer.RESERVE_BYTES + len(wave), 1))
    assert import_all(source, banks).problems == [
        f"{source}/big.nampedal-bank: has {len(wave) + len(lead):,} bytes, and there is room for {len(wave):,}; remove "
        "banks that you do not play"
    ]


def test_names_that_are_one_file_elsewhere_are_told(source: Path, banks: Path) -> None:
    (source / "a" / "LEAD.toml").write_bytes((source / "a" / "lead.toml").read_bytes())
    outcome = import_all(source, banks)
    assert outcome.taken == ["b", "c"]
    assert outcome.problems == [
        f"{source}/a: LEAD.toml and lead.toml can't both be there on every computer; rename one of them"
    ]


def test_banks_whose_names_differ_by_case_get_a_number(banks: Path, tmp_path: Path) -> None:
    make_bank(banks / "Rock")
    make_bank(tmp_path / "source" / "rock")
    assert import_all(tmp_path / "source", banks).taken == ["rock-2"]


def test_a_line_is_never_long(banks: Path, tmp_path: Path) -> None:
    folder = make_bank(tmp_path / "source" / "a")
    (folder / "lead.toml").write_text(f'format = 1\nname = "Lead"\nblocks = "{"x" * 100_000}"')
    (told,) = import_all(tmp_path / "source", banks).problems
    assert len(told) <= bank_importer.MAX_LINE + 3
