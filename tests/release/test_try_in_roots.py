from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import try_in_roots

README = """\
```
$ make demo
$ nampedal convert demo/a.nam -o a.stomp
a.stomp: w8
$ nampedal convert demo/a.nam -o small.stomp --board zero-2-w
$ nampedal convert demo/a.nam -o a.tflite
$ nampedal render a.stomp demo/riff.wav out.wav
$ nampedal play a.stomp
```

```python
print("it's here")
```
"""


def test_readmes_commands_that_need_a_computer_alone_are_run() -> None:
    assert try_in_roots.commands(README) == [
        "nampedal convert demo/a.nam -o a.stomp",
        "nampedal render a.stomp demo/riff.wav out.wav",
    ]


def test_readmes_python_is_run_too(tmp_path: Path) -> None:
    text = try_in_roots.script(README)
    there = text.replace("cd /opt/trial", f"cd {tmp_path}").splitlines()
    start = there.index("cat >example0.py <<'END'")
    done = subprocess.run(
        ["sh", "-e", "-c", "\n".join(["mark() { echo @ 1.5 $1; }", f"cd {tmp_path}", *there[start:]])],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "it's here\n@ 1.5 example0.py\n"
    assert list(try_in_roots.marks(done.stdout)) == [try_in_roots.Mark(1.5, "example0.py")]


def test_pip_gets_this_computers_index_but_no_folder_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "https://index.example/simple")
    monkeypatch.setenv("PIP_FIND_LINKS", "/here/alone")
    monkeypatch.setenv("https_proxy", "http://proxy.example:3128")
    settings = try_in_roots.settings_of_pip()
    assert settings["PIP_INDEX_URL"] == "https://index.example/simple"
    assert settings["https_proxy"] == "http://proxy.example:3128"
    assert "PIP_FIND_LINKS" not in settings
