"""Draws the structure of the code: every folder of Python modules is a room, ordered by imports.

`python docs/draw_house.py` writes the drawing into docs/code-overview.md, between its two marks. With --check it
changes nothing, and ends with exit code 1 if the drawing is out of date.

A room is one level above the highest room that it imports. Imports for types only count too, and so do names that are
passed to `import_module`.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OVERVIEW = ROOT / "docs" / "code-overview.md"
PORTIONS = ("board", "converter", "firmware")
BEGIN, END = "<!-- the house: docs/draw_house.py -->", "<!-- end of the house -->"
OURS = "nampedal."
# A room with more importers than this is for all.
MAX_IMPORTERS = 7


@dataclass(frozen=True)
class Module:
    """One file. name: dotted, without "nampedal.".  imports: names of our modules, in the same form."""

    name: str
    path: Path
    imports: frozenset[str]

    @property
    def is_package(self) -> bool:
        return self.path.name == "__init__.py"

    @property
    def room(self) -> str:
        """The folder that contains the file."""
        return self.name if self.is_package else self.name.rpartition(".")[0]


def modules(root: Path = ROOT) -> dict[str, Module]:
    """Return all modules by name."""
    paths = {}
    for portion in PORTIONS:
        top = root / portion / "nampedal"
        for path in sorted((top / portion).rglob("*.py")):
            parts = path.relative_to(top).with_suffix("").parts
            paths[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return {name: Module(name, path, frozenset(_imports(path, paths)) - {name}) for name, path in paths.items()}


def _imports(path: Path, known: Mapping[str, Path]) -> Iterable[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(OURS):
            module = (node.module or "").removeprefix(OURS)
            for alias in node.names:
                yield f"{module}.{alias.name}" if f"{module}.{alias.name}" in known else module
        elif isinstance(node, ast.Import):
            yield from (alias.name.removeprefix(OURS) for alias in node.names if alias.name.startswith(OURS))
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "import_module":
            (name,) = node.args
            if isinstance(name, ast.Constant) and str(name.value).startswith(OURS):
                yield str(name.value).removeprefix(OURS)


def box(room: str) -> str:
    """Return the box that a room belongs to in the drawing of the whole code: `firmware.system.image` is in
    `firmware.system`.
    """
    portion, *inner = room.split(".")
    return ".".join([portion, *inner[:1]]) if portion == "firmware" else portion


def graph(found: Mapping[str, Module], inside: str = "") -> dict[str, set[str]]:
    """Return what each box imports. inside: a box; then return what its rooms import. Empty: the boxes themselves."""
    arrows: dict[str, set[str]] = {}
    for module in found.values():
        here = _place(module.room, inside)
        if here is None:
            continue
        arrows.setdefault(here, set())
        for name in module.imports:
            there = _place(found[name].room if name in found else name.rpartition(".")[0], inside)
            if there is not None and there != here:
                arrows[here].add(there)
    return arrows


def _place(room: str, inside: str) -> str | None:
    if not inside:
        return box(room)
    return room if room == inside or room.startswith(f"{inside}.") else None


def importers(found: Mapping[str, Module], room: str) -> set[str]:
    """Return what imports a room: the other rooms of its box by their names, and other boxes as a whole."""
    names = {module.name for module in found.values() if module.room == room}
    users = {module.room for module in found.values() if module.room != room and module.imports & names}
    return {user if box(user) == box(room) else box(user) for user in users}


def who_may_import(found: Mapping[str, Module], room: str) -> str:
    """Return the sentence about its importers that the docstring of a room has to end with."""
    users = sorted(importers(found, room))
    if len(users) > MAX_IMPORTERS:
        return "Any room above may import it."
    return f"Imported by {', '.join(users)}." if users else "No other room imports it."


def levels(arrows: Mapping[str, set[str]]) -> dict[str, int]:
    """Return the level of each box; the lowest is 1. Raises ValueError if there is a circle of imports."""
    found: dict[str, int] = {}
    open_ones: list[str] = []

    def level(name: str) -> int:
        if name in open_ones:
            raise ValueError(f"a circle of imports: {' -> '.join([*open_ones[open_ones.index(name) :], name])}")
        if name not in found:
            open_ones.append(name)
            found[name] = 1 + max((level(other) for other in arrows.get(name, ())), default=0)
            open_ones.pop()
        return found[name]

    for name in arrows:
        level(name)
    return found


def draw(found: Mapping[str, Module]) -> str:
    """Return the drawing as Markdown: a row for each box, the highest first, then the rooms inside of boxes."""
    arrows = graph(found)
    height = levels(arrows)
    lines = ["| level | room | files | what is in it | imports |", "|---|---|---|---|---|"]
    for name in sorted(arrows, key=lambda name: (-height[name], name)):
        lines.append(f"| {height[name]} | {_row(found, name, arrows[name])} |")
    lines += ["", "Inside these rooms:", ""]
    lines += ["| level | room | files | what is in it | imports inside |", "|---|---|---|---|---|"]
    for outer in sorted(arrows):
        inner = graph(found, outer) if outer != "firmware" else {}
        if len(inner) > 1:
            height = levels(inner)
            for name in sorted(inner, key=lambda name: (-height[name], name)):
                lines.append(f"| {height[name]} | {_row(found, name, inner[name])} |")
    return "\n".join(lines)


def _row(found: Mapping[str, Module], name: str, imports: Iterable[str]) -> str:
    return " | ".join((f"`{name}`", str(_files(found, name)), _subject(found, name), _list(imports)))


def _files(found: Mapping[str, Module], room: str) -> int:
    return sum(module.room == room and not module.is_package for module in found.values())


def _subject(found: Mapping[str, Module], room: str) -> str:
    text = ast.get_docstring(ast.parse(found[room].path.read_text(encoding="utf-8"))) or ""
    return text.partition("\n\n")[0].replace("\n", " ").removesuffix(".")


def _list(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names)) or "nothing"


def redrawn(text: str, found: Mapping[str, Module]) -> str:
    """Return the overview with a new drawing. Raises ValueError if the marks are missing."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{OVERVIEW.name}: has no place for the drawing; put {BEGIN} and {END} into it")
    return f"{before}{BEGIN}\n\n{draw(found)}\n\n{END}{after}"


def main() -> int:
    text = OVERVIEW.read_text(encoding="utf-8")
    new = redrawn(text, modules())
    if "--check" in sys.argv[1:]:
        return int(new != text)
    OVERVIEW.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
