"""Contenders that are shell scripts, and a project made of them."""

import contextlib
import io
import json
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(sys.argv.pop() if len(sys.argv) > 1 and Path(sys.argv[-1]).is_dir() else __file__).resolve()
ROOT = ROOT if ROOT.is_dir() else ROOT.parents[2]
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "bench"))

from frame import command  # noqa: E402
from frame.model import Bar, Work, driver  # noqa: E402
from frame.project import Project  # noqa: E402

# --work W --contender C --seconds S: the n-th run of a contender prints the n-th of its lines, then the last again.
DRIVER = """#!/bin/sh
echo "$2/$4 $LD_PRELOAD" >>"$0.log"
n=$(cat "$0.$4" 2>/dev/null || echo 0)
echo $((n + 1)) >"$0.$4"
line() { [ $((n)) -lt $# ] || n=$(($# - 1)); shift $n; echo "$1"; }
case "$4" in
%s
*) echo "never heard of $4" >&2; exit 2 ;;
esac
"""


class FakeProject(Project):
    """Nothing is built, and what lies in bin/ is what a test has put there."""

    def __init__(self, root: Path):
        super().__init__(root)
        self.programs.mkdir(parents=True)
        self.recorded.parent.mkdir(parents=True)
        self.page.parent.mkdir(parents=True)
        self.not_built: frozenset[str] = frozenset()

    def build(self, programs):
        self.asked_for = sorted(set(programs))
        return self.not_built

    def compiler(self) -> str:
        return "false"

    def about(self):
        return {"cpu": "abacus", "cores": "2", "compiler": "c++ 1", "flags": "-O3", "kernel": "Linux 6",
                "date": "2026-11-23", "commit": "abc1234"}  # fmt: skip


class BenchTest(unittest.TestCase):
    """A project in a folder that goes with the test."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.project = FakeProject(self.folder / "tree")

    def program(self, name: str, text: str) -> Path:
        path = self.project.programs / name
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755)
        return path

    def driver(self, name: str, **cases: list | str) -> None:
        """For each case its values (or whole figures), round by round; or a line of shell."""
        branches = []
        for case, values in cases.items():
            if isinstance(values, str):
                branches.append(f"{case}) {values} ;;")
                continue
            lines = [json.dumps(each if isinstance(each, dict) else {"value": each}) for each in values]
            quoted = " ".join(f"'{line}'" for line in lines)
            branches.append(f"{case}) line {quoted} ;;")
        self.program(name, DRIVER % "\n".join(branches))

    def log(self, name: str) -> list[str]:
        return [line.strip() for line in (self.project.programs / f"{name}.log").read_text().splitlines()]

    def bench(self, *arguments: str, works) -> tuple[int, str, dict]:
        """Exit status, what was printed, and build/bench.json."""
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            try:
                status = command.main([*arguments], "about", tuple(works), self.project)
            except SystemExit as end:
                status = 1 if isinstance(end.code, str) else end.code
                printed.write(str(end.code))
        data = json.loads(self.project.json.read_text()) if self.project.json.exists() else {}
        return status, printed.getvalue(), data


def work(key: str = "run", ours: str = "mayfly", peers: tuple = ("malloc",), bars: tuple = (), **more) -> Work:
    """A work of one driver called bench_it."""
    contenders = tuple(driver("bench_it", name) for name in (ours, *peers))
    return Work(key, f"to {key}", "ns", ours, contenders, bars or (Bar(least=1.5, peers=peers),), **more)
