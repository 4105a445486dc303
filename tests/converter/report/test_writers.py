from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest
from nampedal.converter.report.html import to_html
from nampedal.converter.report.markdown import to_markdown
from nampedal.converter.report.writers import writer
from nampedal.firmware.base.errors import ArgumentError, MissingPackageError


def test_the_name_says_how_a_report_is_written() -> None:
    assert writer(Path("a.html")) is to_html
    assert writer(Path("A.HTML")) is to_html
    assert writer(Path("a.md")) is to_markdown


@pytest.mark.parametrize(("name", "found"), [("a.pdf", ".pdf"), ("a", "nothing")])
def test_another_name_is_refused(name: str, found: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        writer(Path(name))
    assert str(caught.value) == f"{name}: ends in {found}; a report is written as .html or .md"


@pytest.mark.parametrize("package", ["matplotlib", "jinja2"])
def test_a_missing_package_is_named_with_what_installs_it(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str) -> None:
        raise ModuleNotFoundError(f"No module named {package!r}", name=package)

    monkeypatch.setattr(importlib, "import_module", refuse)
    with pytest.raises(MissingPackageError) as caught:
        writer(Path("a.html"))
    assert str(caught.value) == (
        f"a.html: a .html report needs {package}, which is not installed; "
        "pip install 'nampedal[report]', or write a .md report"
    )


def test_without_the_packages_everything_else_works(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "class Hidden:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] in ('matplotlib', 'jinja2', 'markupsafe'):\n"
        "            raise ModuleNotFoundError(f'No module named {name!r}', name=name)\n"
        "sys.meta_path.insert(0, Hidden())\n"
        "from nampedal.firmware.cli.main import main\n"
        "sys.argv = ['nampedal', 'convert', 'no.nam', '--report', sys.argv[1]]\n"
        "main()\n"
    )

    def run(report: str) -> str:
        command = [sys.executable, "-c", code, report]
        return subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False).stderr

    assert run("out.html").startswith("nampedal: out.html: a .html report needs ")
    assert len(run("out.html").splitlines()) == 1
    assert run("out.md") == "nampedal: no.nam: can't be read: no such file or directory\n"
