"""A system becomes a pedal, and a pedal the system that it was."""

from __future__ import annotations

import dataclasses
import itertools
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from nampedal.board.profiles.hats import hat_keys
from nampedal.board.profiles.pedals import pedal_keys
from nampedal.firmware.base import system_paths
from nampedal.firmware.base.errors import DeployError, ProgramError, SettingValueError
from nampedal.firmware.base.files.toml_schema import to_toml
from nampedal.firmware.system.install.installer import REBOOT, install, uninstall
from nampedal.firmware.system.install.plan import plan
from nampedal.firmware.system.install.steps.debian_packages import packages_for
from nampedal.firmware.system.install.steps.step_types import Runtime
from nampedal.firmware.system.install.steps.target import InstallTarget
from support.makers.signing_keys import maker_public
from support.makers.system_maker import (
    CMDLINE_TXT,
    CONFIG_TXT,
    GOVERNOR_RULE,
    Tools,
    make_root,
    snapshot,
    write,
    write_packages,
)

PEDAL = "pi-4-dac-adc"
# What an uninstalled system keeps: the player's, and the user that it belongs to.
LEFT = ("etc/passwd", "etc/group", "var/lib/nampedal")
NOTHING = ["nothing to do: everything is as it should be"]

pytestmark = pytest.mark.usefixtures("no_pip")


def installed(target: InstallTarget, tools: Tools, profile: str | Path = PEDAL, *, dry: bool = False) -> list[str]:
    """What it says."""
    said: list[str] = []
    install(profile, target, said.append, dry=dry, run=tools)
    return said


def uninstalled(target: InstallTarget, tools: Tools, *, dry: bool = False) -> list[str]:
    said: list[str] = []
    uninstall(target, said.append, dry=dry, run=tools)
    return said


def test_keys_whose_updates_are_taken_come_and_go_with_what_is_asked_for(target: InstallTarget, tools: Tools) -> None:
    installed(target, tools)
    path = target.under_root(system_paths.TRUSTED)
    assert not path.exists()
    line = maker_public().line()
    trusting = dataclasses.replace(target, trusted=(line,))
    assert f"{system_paths.TRUSTED}: written" in installed(trusting, tools)
    assert path.read_text() == line
    assert installed(trusting, tools) == NOTHING
    installed(target, tools)
    assert not path.exists()


def test_a_pedal_has_litert_only_if_it_is_asked_for(target: InstallTarget) -> None:
    def extras(tflite: bool) -> tuple[str, ...]:
        steps = plan(PEDAL, dataclasses.replace(target, tflite=tflite))
        (runtime,) = (step for step in steps if isinstance(step, Runtime))
        return runtime.extras

    assert extras(False) == ("pedal",)
    assert extras(True) == ("pedal", "tflite")


def test_a_system_is_made_into_a_pedal(target: InstallTarget, tools: Tools) -> None:
    said = installed(target, tools)
    root = target.root
    assert "NAMPEDAL_PEDAL=pi-4-dac-adc\n" in (root / "etc/nampedal/pedal.env").read_text()
    assert (root / "usr/local/bin/nampedal").stat().st_mode & 0o777 == 0o755
    assert os.readlink(root / "etc/systemd/system/apt-daily.timer") == "/dev/null"
    assert os.readlink(root / "etc/systemd/system/multi-user.target.wants/nampedal.service") == (
        "/usr/local/lib/systemd/system/nampedal.service"
    )
    assert (root / "boot/firmware/config.txt").read_text().startswith(CONFIG_TXT)
    assert "dtoverlay=hifiberry-dacplusadc\n" in (root / "boot/firmware/config.txt").read_text()
    assert " isolcpus=domain,managed_irq,3 " in (root / "boot/firmware/cmdline.txt").read_text()
    assert [command[0] for command in tools.commands] == ["systemd-sysusers"]
    assert "/etc/systemd/system/apt-daily.timer: linked to /dev/null" in said
    assert "/etc/nampedal/pedal.env: written" in said
    assert REBOOT not in said


def test_a_second_time_nothing_changes_and_that_is_said(target: InstallTarget, tools: Tools) -> None:
    installed(target, tools)
    before, calls = snapshot(target.root), len(tools.commands)
    assert installed(target, tools) == NOTHING
    assert snapshot(target.root) == before
    assert len(tools.commands) == calls


def test_a_dry_run_tells_the_same_and_changes_nothing(target: InstallTarget, tools: Tools) -> None:
    before = snapshot(target.root)
    said = installed(target, tools, dry=True)
    assert snapshot(target.root) == before
    assert tools.commands == []
    done = installed(target, tools)
    assert [line.split(":")[0] for line in said] == [line.split(":")[0] for line in done]
    assert "/etc/nampedal/pedal.env: would be written" in said
    assert "/etc/systemd/system/apt-daily.timer: would be linked to /dev/null" in said


def test_what_was_there_comes_back(target: InstallTarget, tools: Tools) -> None:
    before = snapshot(target.root, LEFT)
    installed(target, tools)
    (target.root / "var/lib/nampedal/banks").mkdir(parents=True)
    said = uninstalled(target, tools)
    assert snapshot(target.root, LEFT) == before
    assert (target.root / "etc/udev/rules.d/60-ondemand-governor.rules").read_text() == GOVERNOR_RULE
    assert (target.root / "var/lib/nampedal/banks").is_dir()
    assert said[-1] == (
        "left as they are: /var/lib/nampedal with presets and settings, the user nampedal and its groups, and packages "
        "that were installed"
    )


def test_to_uninstall_can_be_tried_without_doing_it(target: InstallTarget, tools: Tools) -> None:
    installed(target, tools)
    before = snapshot(target.root)
    said = uninstalled(target, tools, dry=True)
    assert snapshot(target.root) == before
    assert "/etc/nampedal/pedal.env: would be removed" in said
    assert "/boot/firmware/config.txt: would be put back" in said
    assert "/opt/nampedal/runtime: would be removed" in said


class CutError(BaseException):
    """The power is gone."""


class Cutter:
    """Lets so many renames happen, and cuts before the next, or behind it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._patch, self._replace = monkeypatch, os.replace
        monkeypatch.setattr(os, "fsync", lambda file: None)

    def cut_at(self, number: int, *, behind: bool) -> None:
        counter = itertools.count()

        def replace(source: str, place: str) -> None:
            cut = next(counter) == number
            if not cut or behind:
                self._replace(source, place)
            if cut:
                raise CutError

        self._patch.setattr(os, "replace", replace)

    def heal(self) -> None:
        self._patch.setattr(os, "replace", self._replace)


@pytest.mark.long
@pytest.mark.parametrize("behind", [False, True])
def test_an_install_that_was_cut_anywhere_is_undone_or_gone_on_with(
    target: InstallTarget, tools: Tools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, behind: bool
) -> None:
    plain = tmp_path / "plain"
    shutil.copytree(target.root, plain, symlinks=True)
    before, cutter = snapshot(plain, LEFT), Cutter(monkeypatch)
    installed(target, tools)
    whole = snapshot(target.root)
    for number in itertools.count():
        for go_on in (False, True):
            shutil.rmtree(target.root)
            shutil.copytree(plain, target.root, symlinks=True)
            cutter.cut_at(number, behind=behind)
            try:
                installed(target, tools)
            except CutError:
                pass
            else:
                assert number > 20
                return
            finally:
                cutter.heal()
            # The first rename is the journal's: without it nothing is to be undone.
            if go_on or (number == 0 and not behind):
                installed(target, tools)
                assert snapshot(target.root) == whole
                assert installed(target, tools) == NOTHING
            uninstalled(target, tools)
            assert snapshot(target.root, LEFT) == before


def test_an_uninstall_that_was_cut_anywhere_is_gone_on_with(
    target: InstallTarget, tools: Tools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, cutter = snapshot(target.root, LEFT), Cutter(monkeypatch)
    installed(target, tools)
    whole = tmp_path / "whole"
    shutil.copytree(target.root, whole, symlinks=True)
    unlink = Path.unlink
    for number in itertools.count():
        shutil.rmtree(target.root)
        shutil.copytree(whole, target.root, symlinks=True)
        counter = itertools.count()

        def cut(
            path: Path, missing_ok: bool = False, counter: itertools.count[int] = counter, at: int = number
        ) -> None:
            if not path.name.startswith(".") and next(counter) == at:
                raise CutError
            unlink(path, missing_ok=missing_ok)

        monkeypatch.setattr(Path, "unlink", cut)
        try:
            uninstalled(target, tools)
        except CutError:
            pass
        else:
            assert number > 20
            return
        finally:
            monkeypatch.setattr(Path, "unlink", unlink)
            cutter.heal()
        uninstalled(target, tools)
        assert snapshot(target.root, LEFT) == before


def test_lines_that_somebody_adds_to_texts_of_others_stay(target: InstallTarget, tools: Tools) -> None:
    installed(target, tools)
    config, cmdline = (target.root / "boot/firmware" / name for name in ("config.txt", "cmdline.txt"))
    config.write_text("# mine\n" + config.read_text() + "hdmi_group=2\n")
    cmdline.write_text(cmdline.read_text().replace(" quiet", " splash"))
    assert installed(target, tools) == ["/boot/firmware/config.txt: written"]
    assert installed(target, tools) == NOTHING
    uninstalled(target, tools)
    assert config.read_text() == f"# mine\n{CONFIG_TXT}hdmi_group=2\n"
    assert sorted(cmdline.read_text().split()) == sorted(CMDLINE_TXT.replace("quiet", "splash").split())


def test_what_somebody_has_changed_is_not_taken_away(target: InstallTarget, tools: Tools) -> None:
    installed(target, tools)
    rules, env = (
        target.root / "etc" / name for name in ("udev/rules.d/60-ondemand-governor.rules", "nampedal/pedal.env")
    )
    rules.write_text("# better\n")
    env.write_text("# mine\n")
    said = uninstalled(target, tools)
    assert rules.read_text() == "# better\n"
    assert env.read_text() == "# mine\n"
    assert rules.with_name("60-ondemand-governor.rules.before").read_text() == GOVERNOR_RULE
    assert "/etc/nampedal/pedal.env: was changed by somebody, and is kept" in said
    assert (
        "/etc/udev/rules.d/60-ondemand-governor.rules: what was there before nampedal is "
        "60-ondemand-governor.rules.before beside it"
    ) in said


def test_a_block_that_somebody_has_changed_is_kept(target: InstallTarget, tools: Tools) -> None:
    installed(target, tools)
    config = target.root / "boot/firmware/config.txt"
    changed = config.read_text().replace("dtparam=audio=off", "dtparam=audio=on,i2s=on")
    config.write_text(changed)
    assert "/boot/firmware/config.txt: was changed by somebody, and is kept" in uninstalled(target, tools)
    assert config.read_text() == changed
    assert config.with_name("config.txt.before").read_text() == CONFIG_TXT


def test_a_file_that_somebody_has_changed_is_written_anew_and_his_is_kept_beside_it(
    target: InstallTarget, tools: Tools
) -> None:
    installed(target, tools)
    env = target.root / "etc/nampedal/pedal.env"
    ours = env.read_text()
    env.write_text("# mine\n")
    assert installed(target, tools) == [
        "/etc/nampedal/pedal.env: was changed by somebody; is kept as pedal.env.yours",
        "/etc/nampedal/pedal.env: written",
    ]
    assert env.read_text() == ours
    assert env.with_name("pedal.env.yours").read_text() == "# mine\n"
    uninstalled(target, tools)
    assert sorted(path.name for path in env.parent.iterdir()) == ["pedal.env.yours"]


def test_another_pedal_leaves_nothing_of_the_first(target: InstallTarget, tools: Tools) -> None:
    before = snapshot(target.root, LEFT)
    quiet = dataclasses.replace(target, radio=False)
    write(target.root / "usr/lib/systemd/system/bluetooth.service", "[Unit]\n")
    with_bluetooth = snapshot(target.root, LEFT)
    installed(quiet, tools)
    assert (target.root / "etc/systemd/system/bluetooth.service").is_symlink()
    assert "/etc/systemd/system/bluetooth.service: removed" in installed(target, tools, "zero-2-w-codec-zero")
    config = (target.root / "boot/firmware/config.txt").read_text()
    assert config.count("nampedal install: begin") == 1
    assert "hifiberry" not in config
    assert "disable-wifi" not in config
    assert installed(target, tools, "zero-2-w-codec-zero") == NOTHING
    uninstalled(target, tools)
    assert snapshot(target.root, LEFT) == with_bluetooth != before


def test_the_same_pedal_of_a_newer_version_replaces_the_units(target: InstallTarget, tools: Tools) -> None:
    before = snapshot(target.root, LEFT)
    installed(target, tools)
    units = Path(str(target.units))
    (units / "nampedal-safe.service").unlink()
    write(units / "nampedal.service", "[Unit]\nDescription=newer\n[Install]\nWantedBy=multi-user.target\n")
    assert installed(target, tools) == [
        "/etc/systemd/system/sound.target.wants/nampedal.service: removed",
        "/usr/local/lib/systemd/system/nampedal-safe.service: removed",
        "/usr/local/lib/systemd/system/nampedal.service: written",
    ]
    uninstalled(target, tools)
    assert snapshot(target.root, LEFT) == before


@pytest.mark.parametrize("base", ["raspios", "debian"])
@pytest.mark.parametrize("image", [False, True])
@pytest.mark.parametrize("suite", ["bookworm", "trixie"])
@pytest.mark.parametrize("pedal", pedal_keys())
def test_every_pedal_of_ours_has_a_plan(
    tmp_path: Path, target: InstallTarget, base: str, image: bool, suite: str, pedal: str
) -> None:
    root = make_root(tmp_path / "other", base, suite, "3.13" if suite == "trixie" else "3.11")
    steps = plan(pedal, dataclasses.replace(target, root=root, base=base, image=image))
    paths = [step.path for step in steps if hasattr(step, "path")]
    assert len(set(paths)) == len(paths)
    assert (system_paths.CARD / "config.txt" in paths) is not image


@pytest.mark.parametrize("hat", hat_keys())
def test_scripts_are_sound_with_every_hat(target: InstallTarget, tools: Tools, tmp_path: Path, hat: str) -> None:
    profile = tmp_path / "mine.toml"
    profile.write_bytes(to_toml({"name": "mine", "board": "5", "hat": hat}))
    installed(target, tools, profile)
    for script in ("usr/local/lib/nampedal/mixer", "usr/local/lib/nampedal/tune", "usr/local/bin/nampedal"):
        subprocess.run(["sh", "-n", target.root / script], check=True)


@pytest.mark.skipif(shutil.which("systemd-sysusers") is None, reason="systemd-sysusers is not here")
@pytest.mark.skipif(os.geteuid() != 0, reason="systemd-sysusers wants root")
def test_the_user_is_made_in_another_root_by_this_machines_program(target: InstallTarget) -> None:
    said: list[str] = []
    install(PEDAL, target, said.append)
    assert "user nampedal: is there, and in audio, video, gpio, i2c, spi" in said
    assert "nampedal:" in (target.root / "etc/passwd").read_text()
    said.clear()
    assert install(PEDAL, target, said.append) == 0


def test_the_running_system_gets_its_packages_and_is_told(
    target: InstallTarget, tools: Tools, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_packages(
        target.root, [name for name in packages_for("raspios", image=False) if name not in ("jackd2", "fdisk")]
    )
    monkeypatch.setattr(InstallTarget, "is_running_system", True)
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr("os.geteuid", lambda: 0)
    said = installed(target, tools)
    assert said[0] == "packages: fdisk, jackd2: installed"
    assert said[-1] == REBOOT
    apt = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-y"]
    assert tools.commands == [
        [*apt, "update"],
        [*apt, "install", "--no-install-recommends", "fdisk", "jackd2"],
        ["systemd-sysusers"],
        ["systemctl", "daemon-reload"],
    ]
    tools.commands.clear()
    assert uninstalled(target, tools)[-1] == REBOOT
    assert tools.commands == [["systemctl", "stop", "nampedal*"], ["systemctl", "daemon-reload"]]


def test_units_that_can_not_be_stopped_do_not_stop_the_uninstall(
    target: InstallTarget, tools: Tools, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(target, tools)
    monkeypatch.setattr(InstallTarget, "is_running_system", True)
    monkeypatch.setattr("os.geteuid", lambda: 0)
    said: list[str] = []

    def run(command: object) -> None:
        if "stop" in list(command):  # type: ignore[call-overload]
            raise ProgramError("systemctl stop nampedal*: failed (1): no bus")

    uninstall(target, said.append, run=run)
    assert said[-1] == REBOOT


def test_packages_that_another_root_lacks_are_named(target: InstallTarget, tools: Tools) -> None:
    write_packages(
        target.root, [name for name in packages_for("raspios", image=False) if name not in ("jackd2", "fdisk")]
    )
    with pytest.raises(DeployError) as error:
        installed(target, tools)
    assert str(error.value) == (
        f"{target.root}: lacks fdisk, jackd2; install them there first, as with mmdebstrap --include=fdisk,jackd2 "
        "bookworm"
    )


def test_mistakes_are_told_before_anything_is_changed(target: InstallTarget, tools: Tools, tmp_path: Path) -> None:
    before = snapshot(target.root)
    other = target.wheel.with_name("nampedal-0.1.0-cp313-cp313-linux_aarch64.whl") if target.wheel else None
    mistakes: list[tuple[InstallTarget, str, type[Exception], str]] = [
        (
            dataclasses.replace(target, root=tmp_path / "units"),
            PEDAL,
            DeployError,
            f"{tmp_path / 'units'}: is no root of a system: it has no etc and usr; name one that has",
        ),
        (
            dataclasses.replace(target, base="arch"),
            PEDAL,
            DeployError,
            "base 'arch': is unknown; known are raspios, debian",
        ),
        (
            dataclasses.replace(target, wheel=None),
            PEDAL,
            DeployError,
            f"{target.root}: is not the system that runs here, whose nampedal could be copied; name a wheel with "
            "--wheel, as make wheel-aarch64 makes it",
        ),
        (
            dataclasses.replace(target, wheel=other),
            PEDAL,
            DeployError,
            f"{other}: is for Python 3.13 and linux_aarch64; Python 3.11 and linux_aarch64 are needed: make "
            "wheel-aarch64 PYTHON=python3.11",
        ),
    ]
    for wrong, pedal, kind, text in mistakes:
        with pytest.raises(kind) as error:
            installed(wrong, tools, pedal)
        assert str(error.value) == text
        assert isinstance(error.value, DeployError)
    with pytest.raises(SettingValueError):
        installed(target, tools, "pi-9")
    assert snapshot(target.root) == before


def test_only_root_changes_the_running_system(
    target: InstallTarget, tools: Tools, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(InstallTarget, "is_running_system", True)
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(DeployError) as error:
        installed(target, tools)
    assert str(error.value) == (
        f"{target.root}: only root changes the running system; put sudo in front, or add --dry-run"
    )
    assert installed(target, tools, dry=True)


def test_where_nothing_was_installed_nothing_is_uninstalled(target: InstallTarget, tools: Tools) -> None:
    with pytest.raises(DeployError) as error:
        uninstalled(target, tools)
    assert str(error.value) == (
        f"{target.root}/opt/nampedal/install.json: is not there, so nothing was installed in {target.root}"
    )
