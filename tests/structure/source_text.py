"""What the checks of the tree read: files by module, and C++ text with comments and literals blanked out."""

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

# Dependencies run from right to left; service and stress do not know each other, nor do trace and programs.
RANK = {"arena": 0, "scopes": 1, "pool": 2, "trace": 3, "programs": 3, "service": 4, "stress": 4}
CORE = ("arena", "scopes", "pool")
OTHER_FOLDERS = ("tests", "examples", "bench")
CXX = (".hpp", ".h", ".cpp")

_TOKEN = re.compile(
    r"(?P<number>\b[0-9][0-9a-fA-FxXbB]*(?:'[0-9a-fA-F]+)+)"
    r'|//[^\n]*|/\*.*?\*/|R"(?P<tag>[^()\\ ]{0,16})\(.*?\)(?P=tag)"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'',
    re.DOTALL,
)


def _blank(text: str) -> str:
    return re.sub(r"[^\n]", " ", text)


def without_comments_and_literals(text: str) -> str:
    """The same text, line for line and column for column, with only code left. Include lines stay whole."""

    def replace(match: re.Match) -> str:
        line = text[text.rfind("\n", 0, match.start()) + 1 : match.start()]
        if match.group().startswith('"') and re.match(r"\s*#\s*include\s*$", line):
            return match.group()
        if match["number"]:
            return match.group()  # 10'000 holds a separator, not the start of a character
        return _blank(match.group())

    return _TOKEN.sub(replace, text)


@dataclass(frozen=True)
class SourceFile:
    path: str  # relative to the root of the tree
    text: str

    @cached_property
    def code(self) -> str:
        return without_comments_and_literals(self.text)

    @property
    def folder(self) -> str:
        return self.path.split("/")[0]

    @property
    def module(self) -> str | None:
        """The module whose rules hold for this file: its own, or for a test the one it tests."""
        parts = self.path.split("/")
        if parts[0] == "tests" and len(parts) > 2:
            return parts[1] if parts[1] in RANK else None
        return parts[0] if parts[0] in RANK else None

    @property
    def public_name(self) -> str | None:
        """mayfly/x.hpp for a header that users include under this name."""
        parts = self.path.split("/", 2)
        return parts[2] if len(parts) == 3 and parts[0] in RANK and parts[1] == "include" else None

    @property
    def is_header(self) -> bool:
        return self.path.endswith((".hpp", ".h"))

    def line_of(self, position: int) -> int:
        return self.text.count("\n", 0, position) + 1

    def at(self, position: int) -> str:
        return f"{self.path}:{self.line_of(position)}"


class Tree:
    def __init__(self, root: Path):
        self.root = root
        folders = [root / name for name in (*RANK, *OTHER_FOLDERS) if (root / name).is_dir()]
        paths = sorted(p for folder in folders for p in folder.rglob("*") if p.is_file() and p.suffix in CXX)
        self.sources = [SourceFile(p.relative_to(root).as_posix(), p.read_text(encoding="utf-8")) for p in paths]

    @cached_property
    def in_modules(self) -> list[SourceFile]:
        """What the modules ship: headers and sources, no tests."""
        return [s for s in self.sources if s.folder in RANK]

    @cached_property
    def owners(self) -> dict[str, list[str]]:
        """The modules that have a public header of this name; more than one is an error of its own."""
        owners: dict[str, list[str]] = {}
        for source in self.sources:
            if source.public_name:
                owners.setdefault(source.public_name, []).append(source.folder)
        return owners

    def texts(self, *patterns: str) -> list[SourceFile]:
        """Other text files, by glob from the root; build folders and hidden folders are left out."""
        found = sorted({p for pattern in patterns for p in self.root.glob(pattern) if p.is_file()})
        relative = [(p, p.relative_to(self.root)) for p in found]
        return [
            SourceFile(r.as_posix(), p.read_text(encoding="utf-8"))
            for p, r in relative
            if r.parts[0] != "build" and not r.parts[0].startswith(".")
        ]
