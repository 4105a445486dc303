"""The source distribution, and the wheel that is built from it: what they hold, and that a computer needs no shared
library beside the C library.
"""

from __future__ import annotations

import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from collections.abc import Iterator
from email import message_from_string
from pathlib import Path

import pytest
from draw_house import PORTIONS
from packaging.specifiers import SpecifierSet
from readme.page import blocks
from test_house import pip

pytestmark = pytest.mark.long

# What a program of glibc's is linked with, and its loader.
GLIBC = re.compile(r"lib(c|m|dl|pthread|rt)\.so\.\d|ld-linux-.*\.so\.\d")
# What wheels of others may ask of any Linux: glibc in pieces, as it was before 2.34, and beside it (PEP 600, and
# auditwheel's policy).
OF_OTHERS = (
    *("libdl.so.2", "libm.so.6", "libmvec.so.1", "libpthread.so.0", "librt.so.1", "libutil.so.1"),
    *("libgcc_s.so.1", "libstdc++.so.6", "libz.so.1"),
)


@pytest.fixture(scope="module")
def sdist(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sdist")
    code = "import sys; from scikit_build_core.build import build_sdist; build_sdist(sys.argv[1])"
    subprocess.run([sys.executable, "-c", code, folder], cwd=root, capture_output=True, check=True)
    (found,) = folder.glob("*.tar.gz")
    return found


@pytest.fixture(scope="module")
def wheel(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    pip("wheel", "--no-deps", "--no-build-isolation", "--no-index", "-w", folder, sdist)
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def unpacked(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unpacked")
    zipfile.ZipFile(wheel).extractall(folder)
    return folder


def test_the_wheel_holds_the_three_portions_and_nothing_else(root: Path, wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"nampedal"}
    shipped = {name for name in names if name.startswith("nampedal/")}
    for portion in PORTIONS:
        for source in (root / portion / "nampedal").rglob("*"):
            if source.suffix in (".py", ".pyi", ".typed", ".css", ".html", ".js"):
                assert source.relative_to(root / portion).as_posix() in shipped
    assert "nampedal/firmware/engine/stomp_generated.py" in shipped
    for profile in (root / "hw-profiles").rglob("*.toml"):
        assert f"nampedal/board/{profile.relative_to(root)}" in shipped
    for unit in [*(root / "systemd").rglob("*.service"), *(root / "systemd").rglob("*.conf")]:
        assert f"nampedal/firmware/system/{unit.relative_to(root)}" in shipped
    assert any(re.fullmatch(r"nampedal/firmware/engine/_engine\..*\.so", name) for name in shipped)
    assert not [name for name in names if name.endswith((".cpp", ".h", ".fbs", ".inc", ".a"))]
    for licence in ("LICENSE", "THIRD-PARTY-LICENSES.txt"):
        (held,) = (name for name in names if name.endswith(f".dist-info/licenses/{licence}"))
        assert zipfile.ZipFile(wheel).read(held) == (root / licence).read_bytes()


def test_the_source_distribution_holds_what_git_has_and_nothing_else(root: Path, sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    tracked = subprocess.run(["git", "ls-files"], cwd=root, capture_output=True, text=True, check=False).stdout.split()
    if not tracked:
        pytest.skip("these sources are not in git")
    tops = {name.split("/")[0] for name in tracked} - {
        ".ci",
        ".git_archival.txt",
        ".gitattributes",
        ".github",
        ".gitignore",
    }
    assert {name.split("/")[0] for name in names} == {*tops, "PKG-INFO"}
    assert not [name for name in names if name.endswith((".pyc", ".so", ".o", ".whl")) or "__pycache__" in name]
    assert {name for name in tracked if name.startswith(("board/", "converter/", "firmware/", "tests/"))} <= names


def test_both_have_the_same_version(sdist: Path, wheel: Path) -> None:
    assert sdist.name.removesuffix(".tar.gz") == "-".join(wheel.name.split("-")[:2])


def test_an_index_is_told_whose_it_is_and_what_it_is_for(unpacked: Path) -> None:
    (path,) = unpacked.glob("*.dist-info/METADATA")
    told = message_from_string(path.read_text())
    assert told["Author"] == "The nampedal authors"
    assert "neural-amp-modeler" in told["Keywords"].split(",")
    versions = {one.rpartition(" :: ")[2] for one in told.get_all("Classifier", []) if "Python :: 3." in one}
    assert versions
    assert all(SpecifierSet(told["Requires-Python"]).contains(version) for version in versions)


def needed(library: Path) -> list[str]:
    """The shared libraries that one asks for by name."""
    out = subprocess.run(["readelf", "-d", library], capture_output=True, text=True, check=True).stdout
    return re.findall(r"\(NEEDED\).*\[(.*)\]", out)


def test_the_wheels_libraries_need_glibc_and_nothing_else(unpacked: Path) -> None:
    (engine,) = unpacked.rglob("*.so*")
    assert needed(engine)
    assert [name for name in needed(engine) if not GLIBC.fullmatch(name)] == []


def test_the_engine_shows_python_its_own_names_alone(unpacked: Path) -> None:
    (engine,) = unpacked.rglob("*.so*")
    out = subprocess.run(["nm", "-D", "--defined-only", engine], capture_output=True, text=True, check=True).stdout
    names = {line.split()[-1] for line in out.splitlines()}
    # What is linked in is not to be taken for another library's copy of it.
    assert names == {"PyInit__engine"}


def test_auditwheel_asks_for_no_library_to_be_brought_along(wheel: Path) -> None:
    said = subprocess.run(
        [sys.executable, "-m", "auditwheel", "show", wheel], capture_output=True, text=True, check=False
    )
    assert said.returncode == 0, said.stderr
    text = " ".join(said.stdout.split())
    machine = platform.machine()
    assert re.search(rf'is consistent with the following platform tag: "manylinux_2_\d+_{machine}"', text), text
    # A wheel with a library that is not on every Linux has no such tag: it would have to be copied into the wheel.
    assert {name for name in re.findall(r"(\S+\.so\S*) with versions", text) if not GLIBC.fullmatch(name)} == set()


def libraries_of(files: list[Path]) -> Iterator[Path]:
    """What the loader finds for programs and libraries, and for what those need."""
    for path in files:
        out = subprocess.run(["ldd", path], capture_output=True, text=True, check=False).stdout
        yield from (Path(name) for name in re.findall(r"(?:=> |^\s*)(/\S+) \(0x", out, re.MULTILINE))


# In the root, where the capture and the recording lie.
WORK = "bare-work"
# Python puts nothing of this computer before what PYTHONPATH names.
START = f"import os; os.chdir('/{WORK}'); from nampedal.firmware.cli.main import main; main()"


class BareRoot:
    """A folder that a program takes for all there is: Python, its packages, and the libraries that these may need."""

    def __init__(self, top: Path, packages: list[Path]) -> None:
        self.top = top
        python, stdlib = Path(sys.executable).resolve(), Path(sysconfig.get_path("stdlib"))
        cache = subprocess.run(["ldconfig", "-p"], capture_output=True, text=True, check=True).stdout
        found = set(libraries_of([python, *stdlib.glob("lib-dynload/*.so")]))
        found |= {Path(path) for name, path in re.findall(r"\t(\S+) .* => (\S+)", cache) if name in OF_OTHERS}
        for library in found:
            target = top / library.relative_to("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(library, target)
        mounts = ""
        # Which every Linux has.
        null = Path("/dev/null")
        for path in (python, stdlib, null, *packages):
            place = top / path.relative_to("/")
            (place if path.is_dir() else place.parent).mkdir(parents=True, exist_ok=True)
            if not path.is_dir():
                place.touch()
            mounts += f'mount --rbind "{path}" "{place}"\n'
        (top / WORK).mkdir()
        self._start = f'set -e\n{mounts}exec chroot "{top}" "{python}" -c "$@"'
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": f"/{WORK}",
            "LD_LIBRARY_PATH": os.pathsep.join(sorted({str(path.parent) for path in found})),
            "PYTHONHOME": f"{sys.base_prefix}:{sys.base_exec_prefix}",
            "PYTHONPATH": os.pathsep.join(map(str, packages)),
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def nampedal(self, *words: str) -> subprocess.CompletedProcess[str]:
        owner = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
        command = ["unshare", *owner, "--mount", "--", "sh", "-c", self._start, "sh", START, *words]
        return subprocess.run(command, env=self._environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def bare(root: Path, unpacked: Path, tmp_path_factory: pytest.TempPathFactory) -> BareRoot:
    packages = [Path(path) for path in sys.path if path.endswith("site-packages")]
    bare = BareRoot(tmp_path_factory.mktemp("bare"), [unpacked, *packages])
    (bare.top / WORK / "demo").mkdir()
    for name in ("overdriven-amp.nam", "riff.wav"):
        shutil.copy(root / "demo" / name, bare.top / WORK)
        shutil.copy(root / "demo" / name, bare.top / WORK / "demo")
    shutil.copytree(root / "examples" / "bank", bare.top / WORK / "examples" / "bank")
    return bare


def test_there_is_no_library_of_ours_to_be_found_in_the_bare_root(bare: BareRoot) -> None:
    names = {path.name for path in bare.top.rglob("*.so*")}
    assert {"libc.so.6", "libm.so.6", "libstdc++.so.6"} <= names
    assert not [name for name in names if "fft" in name]


@pytest.mark.parametrize(
    "words",
    [
        "--help",
        "--version",
        "inspect overdriven-amp.nam",
        "render overdriven-amp.nam riff.wav out.wav",
        "boards",
        "bank new rock",
        "install --help",
    ],
)
def test_commands_run_where_there_is_python_and_nothing_else(bare: BareRoot, words: str) -> None:
    done = bare.nampedal(*words.split())
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    assert done.stdout


def test_a_capture_is_converted_and_checked_there(bare: BareRoot) -> None:
    for words in ("convert overdriven-amp.nam -o amp.stomp --precision f32", "verify amp.stomp"):
        done = bare.nampedal(*words.split())
        # On a busy machine it tells there how far it is.
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("amp.stomp: ")


# What pages have that asks for more: a sound server, a Raspberry Pi, or PyTorch.
NOT_THERE = re.compile(r"(play|status|preset|set|save|setup|doctor|update|image|convert .* --board)( |$)")


@pytest.mark.parametrize(
    ("page", "commands"),
    [
        ("README.md", {"convert", "render"}),
        ("docs/tutorials/first-conversion.md", {"convert", "render", "compare", "verify", "inspect"}),
        ("docs/tutorials/first-preset.md", {"bank"}),
    ],
)
def test_commands_of_pages_run_there(page: str, commands: set[str], root: Path, bare: BareRoot) -> None:
    folder, run = bare.top / WORK, set()
    # What other tests have made there may have the names that the page uses.
    for left in folder.iterdir():
        if left.name not in ("demo", "examples"):
            shutil.rmtree(left) if left.is_dir() else left.unlink()
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    for block in blocks(root / page):
        if block.marks.saved_as:
            (folder / block.marks.saved_as).parent.mkdir(exist_ok=True)
            (folder / block.marks.saved_as).write_text(block.text)
        if block.marks.first:
            subprocess.run(["bash", "-ec", block.marks.first], cwd=folder, env=environment, check=True)
        for example in block.examples:
            program, *words = shlex.split(example.command, comments=True)
            if program != "nampedal" or NOT_THERE.match(" ".join(words)):
                continue
            # Rounding takes its time, and is the same everywhere.
            quick = ["--precision", "f32", "--force"] if words[0] == "convert" else []
            done = bare.nampedal(*words, *quick)
            assert done.returncode == 0, f"{example.command}\n{done.stderr}"
            run.add(words[0])
    assert run == commands


def test_a_library_that_is_missing_is_noticed(bare: BareRoot) -> None:
    # JACK's is not Python's, and 'play' says so in one line.
    done = bare.nampedal("latency")
    said = "nampedal: latency: JACK's library is not installed; install jackd2, or libjack-jackd2-0\n"
    assert (done.returncode, done.stderr) == (2, said)
