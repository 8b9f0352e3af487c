"""What the frame needs of the tree around it: the build, the machine's description, the commit."""

import datetime
import json
import os
import platform
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from frame.instructions import first_line

PRESET = "release"


class Project:
    """The tree at `root`; tests put one of their own in its place."""

    def __init__(self, root: Path):
        self.root = root
        self.json = root / "build" / "bench.json"
        self.recorded = root / "bench" / "instructions.json"
        self.page = root / "docs" / "performance.md"
        self.charts = root / "docs" / "performance"
        self.programs = root / "build" / PRESET / "bin"
        self.carried = root / "carried.json"  # in a folder made by --carry: how its programs were built

    def build(self, programs: Iterable[str]) -> frozenset[str]:
        """Builds these programs; gives back those that the build does not know, for want of a library."""
        if self.carried.exists():
            return frozenset()
        self._shell("scripts/setup bench")
        self._shell(f"configure {PRESET} -DMAYFLY_BENCH=ON")
        known = self._targets()
        wanted = sorted(set(programs))
        self._shell(f'build {PRESET} "$@"', *(name for name in wanted if name in known))
        return frozenset(set(wanted) - known)

    def _shell(self, what: str, *arguments: str) -> None:
        """The helpers of scripts/common.sh. What a build prints is for a terminal; elsewhere only where it fails."""
        quiet = not sys.stderr.isatty()
        ended = subprocess.run(
            ["bash", "-c", f". scripts/common.sh; {what}", "scripts/bench", *arguments], cwd=self.root, check=False,
            text=True, stdout=subprocess.PIPE if quiet else sys.stderr, stderr=subprocess.STDOUT if quiet else None,
        )  # fmt: skip
        if ended.returncode != 0:
            sys.exit(f"{ended.stdout or ''}scripts/bench: '{what}' failed")

    def _targets(self) -> set[str]:
        listed = subprocess.run(
            ["cmake", "--build", f"build/{PRESET}", "--target", "help"], cwd=self.root, check=True,
            capture_output=True, text=True,
        )  # fmt: skip
        return set(re.findall(r"^([\w.-]+): phony$", listed.stdout, re.MULTILINE))

    def compiler(self) -> str:
        cache = (self.root / "build" / PRESET / "CMakeCache.txt").read_text(encoding="utf-8")
        found = re.search(r"^CMAKE_CXX_COMPILER:\w+=(.*)$", cache, re.MULTILINE)
        return found[1] if found else "c++"

    def about(self) -> dict[str, str]:
        """Where and when a table was made."""
        carried = self.carried.exists()
        return {
            "cpu": cpu(),
            "cores": str(os.cpu_count()),
            "kernel": f"{platform.system()} {platform.release()}",
            "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
            **(json.loads(self.carried.read_text(encoding="utf-8")) if carried else self.built()),
        }

    def built(self) -> dict[str, str]:
        """How the programs were."""
        cache = (self.root / "build" / PRESET / "CMakeCache.txt").read_text(encoding="utf-8")
        flags = re.search(r"^CMAKE_CXX_FLAGS_RELEASE:\w+=(.*)$", cache, re.MULTILINE)
        return {
            "compiler": first_line(self.compiler(), "--version"),
            "flags": flags[1] if flags else "",
            "commit": self.commit(),
        }

    def note_carried(self, folder: Path) -> None:
        (folder / self.carried.name).write_text(json.dumps(self.built()) + "\n", encoding="utf-8")

    def commit(self) -> str:
        name = first_line("git", "-C", str(self.root), "rev-parse", "--short", "HEAD")
        changed = first_line("git", "-C", str(self.root), "status", "--porcelain", "--untracked-files=no")
        return name if changed == "not here" else f"{name} and changes"


def cpu() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        text = ""
    found = re.search(r"^model name\s*:\s*(.*)$", text, re.MULTILINE)
    return found[1] if found else platform.processor() or "unknown"
