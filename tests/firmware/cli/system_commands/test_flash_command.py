"""'nampedal image flash', as a person types it."""

from __future__ import annotations

import re
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from nampedal.firmware.base.errors import DeployError, FlashImageError, NampedalError
from nampedal.firmware.cli.command_line import command_line
from nampedal.firmware.cli.system_commands.flash_command import flash_command
from support.makers.disk_image import FAT_START, SIZE, bmap_bytes, fat_bytes, image_bytes, write_image, write_sum
from support.rigs.loop_disk import MIB, add_partition, loop_disk, run

UNTOUCHED = b"\xa5" * 24 * MIB
NEEDED = pytest.mark.skipif(not {shutil.which("zstd"), shutil.which("mcopy")}.isdisjoint({None}), reason="zstd, mtools")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def loop(here: Path) -> Iterator[str]:
    with loop_disk(here / "backing") as device:
        yield str(device)


# Where the command finds the bar that it shows.
BAR = "nampedal.firmware.cli.system_commands.flash_command.progress_bar"


def invoke(*arguments: str, answer: str = "") -> Result:
    return CliRunner().invoke(flash_command, arguments, input=answer, standalone_mode=False)


def flash(*arguments: str, answer: str = "") -> str:
    """What it prints. Raises what the command raises."""
    done = invoke(*arguments, answer=answer)
    if done.exception is not None:
        raise done.exception
    return done.stdout


def refusal(error: type[NampedalError], *arguments: str) -> str:
    with pytest.raises(error) as caught:
        flash(*arguments)
    return str(caught.value)


def stages(when: str, what: Callable[[], None]) -> object:
    """In place of a bar: does that as soon as there is progress in this stage."""

    @contextmanager
    def stage(name: str) -> Iterator[Callable[[int, int], None]]:
        yield lambda done, total: what() if name == when else None

    return stage


@NEEDED
def test_an_image_is_written_when_the_cards_name_is_typed(here: Path, loop: str) -> None:
    data = image_bytes(fat=fat_bytes(here))
    write_sum(write_image(here / "pedal.img.zst", data))
    (here / "pedal.img.bmap").write_bytes(bmap_bytes(data))
    (here / "nampedal.toml").write_text('host_name = "stage"\n')
    name = loop.removeprefix("/dev/")
    said = flash("pedal.img.zst", loop, "--settings", "nampedal.toml", answer=f"{name}\n")
    assert re.sub(r"\d+\.\d MB of it", "N MB of it", re.sub(r"written   \S+", "written   N", said)) == (
        "image     pedal.img.zst: 16.8 MB, N MB of it to write\n"
        "checked   right by pedal.img.zst.sha256, pedal.img.bmap\n"
        f"card      {loop}: {here}/backing, 25.2 MB, a file\n"
        f"Everything on it will be lost. Type {name} to write it: {name}\n"
        "written   N MB, read back and found the same\n"
        "settings  nampedal.toml, as nampedal.toml\n"
        f"{loop} can be pulled out\n"
    )
    on_card = f"{here}/backing@@{FAT_START}"
    assert run("mtype", "-i", on_card, "::nampedal.toml") == 'host_name = "stage"\n'


@NEEDED
def test_settings_with_mistakes_are_told_before_anything_is_written(here: Path, loop: str) -> None:
    write_image(here / "pedal.img", image_bytes(fat=fat_bytes(here)))
    (here / "nampedal.toml").write_text('host_name = "my pedal"\ncolour = "red"\n')
    said = flash("pedal.img", loop, "--settings", "nampedal.toml", "--yes").splitlines()
    wrong = [line for line in said if line.startswith("wrong")]
    assert wrong[0].startswith("wrong     nampedal.toml: host_name: is 'my pedal'; 1 to 63 letters, digits and hyphens")
    assert len(wrong) == 2
    assert said.index(wrong[-1]) < next(n for n, line in enumerate(said) if line.startswith("written"))


def test_yes_asks_nothing(here: Path, loop: str) -> None:
    data = image_bytes()
    write_image(here / "pedal.img", data)
    assert flash("pedal.img", loop, "--yes") == (
        "image     pedal.img: 16.8 MB, 16.8 MB of it to write\n"
        "checked   it has no .sha256 and no .bmap beside it\n"
        f"card      {loop}: {here}/backing, 25.2 MB, a file\n"
        "written   16.8 MB, read back and found the same\n"
        f"{loop} can be pulled out\n"
    )
    assert (here / "backing").read_bytes() == data + UNTOUCHED[SIZE:]


@pytest.mark.parametrize("answer", ["y\n", "yes\n", "sdb\n", "\n"])
def test_another_answer_writes_nothing(here: Path, loop: str, answer: str) -> None:
    write_image(here / "pedal.img", image_bytes())
    done = invoke("pedal.img", loop, answer=answer)
    assert done.return_value == 1
    assert done.stdout.endswith("\nnothing is written\n")
    assert (here / "backing").read_bytes() == UNTOUCHED


def test_no_answer_writes_nothing(here: Path, loop: str) -> None:
    write_image(here / "pedal.img", image_bytes())
    assert isinstance(invoke("pedal.img", loop).exception, click.Abort)
    assert (here / "backing").read_bytes() == UNTOUCHED


def test_a_damaged_image_leaves_the_card_as_it_is(here: Path, loop: str) -> None:
    write_sum(write_image(here / "pedal.img", image_bytes()))
    write_image(here / "pedal.img", image_bytes(seed=2))
    assert refusal(FlashImageError, "pedal.img", loop, "--yes").startswith("pedal.img: is damaged or another one: ")
    assert (here / "backing").read_bytes() == UNTOUCHED


def test_settings_for_an_image_that_takes_none_leave_the_card_as_it_is(here: Path, loop: str) -> None:
    if shutil.which("mcopy") is None:
        pytest.skip("mcopy is not installed")
    data = bytearray(image_bytes())
    data[450] = 0x83
    write_image(here / "pedal.img", bytes(data))
    (here / "mine.toml").write_text("a = 1\n")
    refusal(DeployError, "pedal.img", loop, "--yes", "--settings", "mine.toml")
    assert (here / "backing").read_bytes() == UNTOUCHED


def test_a_card_that_is_too_small_stays_as_it_is(here: Path) -> None:
    write_image(here / "pedal.img", image_bytes())
    with loop_disk(here / "backing", 8 * MIB) as loop:
        refusal(DeployError, "pedal.img", str(loop), "--yes")
    assert (here / "backing").read_bytes() == UNTOUCHED[: 8 * MIB]


def test_a_partition_is_refused_before_the_image_is_read(here: Path, loop: str) -> None:
    part = add_partition(loop)
    assert refusal(DeployError, "gone.img", str(part), "--yes") == (
        f"{part}: is a partition; the whole disk is needed: {loop}"
    )


def test_a_card_that_does_not_keep_what_is_written_fails(
    here: Path, loop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = image_bytes()
    write_image(here / "pedal.img", data)

    def flip() -> None:
        with (here / "backing").open("r+b") as file:
            file.seek(9 * MIB)
            file.write(bytes([data[9 * MIB] ^ 1]))

    # The first piece is read back before.
    monkeypatch.setattr(BAR, stages("reading back", flip))
    said = refusal(DeployError, "pedal.img", loop, "--yes")
    assert said.startswith(f"{loop}: byte {9 * MIB} was written as ")


def test_ctrl_c_says_that_the_card_is_not_usable(here: Path, loop: str, monkeypatch: pytest.MonkeyPatch) -> None:
    write_image(here / "pedal.img", image_bytes())
    interrupt = stages("writing", lambda: signal.raise_signal(signal.SIGINT))
    monkeypatch.setattr(BAR, interrupt)
    done = invoke("pedal.img", loop, "--yes")
    assert isinstance(done.exception, click.Abort)
    assert f"{loop}: was not written to the end; the card is not usable: write it again\n" in done.output
    assert (here / "backing").read_bytes()[:4096] == bytes(4096)


def test_ctrl_c_before_anything_is_written_leaves_the_card_as_it_is(
    here: Path, loop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_image(here / "pedal.img", image_bytes())
    interrupt = stages("checking the image", lambda: signal.raise_signal(signal.SIGINT))
    monkeypatch.setattr(BAR, interrupt)
    done = invoke("pedal.img", loop, "--yes")
    assert isinstance(done.exception, click.Abort)
    assert "not usable" not in done.output
    assert (here / "backing").read_bytes() == UNTOUCHED


def test_help_names_what_is_refused() -> None:
    done = CliRunner().invoke(command_line([flash_command]), ["flash", "--help"])
    assert done.exit_code == 0
    assert "What is mounted, the system's own disk, what is built in" in done.output
    assert "[default: 128; x>=1]" in " ".join(done.output.split())
