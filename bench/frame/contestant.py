"""Runs one contender of one work, once: one process, one set of figures."""

import json
import os
import re
import signal
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

from frame.model import Contender, Work

NS = {"ns": 1.0, "us": 1e3, "ms": 1e6, "s": 1e9}
# A program that was built without what this contender needs ends with this status, and says on stderr what it lacks.
NOT_HERE = 77
LIBRARY_FOLDERS = ("/usr/lib/*/", "/usr/lib/", "/usr/local/lib/", "/usr/lib64/", "/lib/*/")
# What would make a contender another one than the table says.
FOREIGN = re.compile(r"LD_PRELOAD$|MALLOC_|GLIBC_TUNABLES$|MIMALLOC_|TCMALLOC_|TBB_")


class Failed(Exception):
    """A contender ran and gave no figure; the text says why."""


class Absent(Exception):
    """A contender is not here; the text says what would bring it."""


class Run(NamedTuple):
    """What a contender of a work runs. Two works that look at different figures of one run share it."""

    how: str
    program: str
    key: str
    contender: Contender

    @property
    def identity(self) -> tuple:
        c = self.contender
        return (c.how, c.program, self.key, c.case, c.options, c.malloc)


def run_of(work: Work, contender: Contender) -> Run:
    return Run(contender.how, contender.program, work.key, contender)


class Stage:
    """Where the contenders are: the folder of their programs, and what each program has."""

    def __init__(self, folder: Path, not_built: frozenset[str] = frozenset()):
        self.folder = folder
        self.not_built = not_built  # programs the build does not know, for want of a library
        self._benchmarks: dict[str, set[str]] = {}

    def look_for(self, run: Run) -> None:
        """Throws Absent where the contender is not here for a known reason, Failed where for none."""
        contender = run.contender
        if contender.malloc and not library(contender.malloc.library):
            raise Absent(contender.malloc.package)
        program = self.folder / contender.program
        if contender.program in self.not_built or not program.exists():
            self._missing(contender, f"there is no {program}")
        if contender.how == "micro" and f"{run.key}/{contender.case}" not in self._benchmarks_of(program):
            self._missing(contender, f"{contender.program} has no benchmark {run.key}/{contender.case}")

    @staticmethod
    def _missing(contender: Contender, message: str) -> None:
        raise Absent(contender.needs) if contender.needs else Failed(message)

    def _benchmarks_of(self, program: Path) -> set[str]:
        if program.name not in self._benchmarks:
            listed = execute([str(program), "--benchmark_list_tests=true"], {}, 60)
            self._benchmarks[program.name] = {SUFFIXES.sub("", line.strip()) for line in listed.stdout.splitlines()}
        return self._benchmarks[program.name]

    def run(self, run: Run, seconds: float, more: tuple[str, ...] = ()) -> dict[str, Any]:
        """The figures of one run that measures for about so many seconds; {"value": nanoseconds} of a micro. `more`:
        options of this run only, for a driver."""
        contender, program = run.contender, str(self.folder / run.program)
        if contender.how == "micro":
            return self._micro(run, program, seconds)
        command = [program, "--work", run.key, "--contender", contender.case, "--seconds", f"{seconds:.3f}"]
        command += [*contender.options, *more]
        return last_line(execute(command, environment_of(contender), limit(seconds)), contender)

    def _micro(self, run: Run, program: str, seconds: float) -> dict[str, Any]:
        name = f"{run.key}/{run.contender.case}"
        pattern = f"^{re.escape(name)}(/real_time)?(/threads:[0-9]+)?$"
        command = [program, f"--benchmark_filter={pattern}", "--benchmark_format=json",
                   f"--benchmark_min_time={seconds:.4f}"]  # fmt: skip
        ended = execute(command, environment_of(run.contender), limit(seconds))
        try:
            found = json.loads(ended.stdout)["benchmarks"]
        except (ValueError, KeyError) as error:
            raise Failed(f"{run.program} printed no JSON of Google Benchmark: {said(ended)}") from error
        if len(found) != 1:
            raise Failed(f"{run.program} has {len(found)} benchmarks {name}")
        if found[0].get("error_occurred"):
            raise Failed(found[0].get("error_message", "it reports an error and does not say which"))
        return {"value": found[0]["real_time"] * NS[found[0]["time_unit"]]}


SUFFIXES = re.compile(r"(/real_time)?(/threads:[0-9]+)?$")


def library(name: str) -> str:
    """The path of a shared library of the system, or nothing."""
    found = [path for folder in LIBRARY_FOLDERS for path in sorted(Path("/").glob(folder.lstrip("/") + name))]
    return str(found[0]) if found else ""


def environment_of(contender: Contender) -> dict[str, str]:
    return {"LD_PRELOAD": library(contender.malloc.library)} if contender.malloc else {}


def limit(seconds: float) -> float:
    """When a run hangs: a driver may warm up and measure more than once."""
    return 60 + 20 * seconds


def execute(command: list[str], more: dict[str, str], seconds: float) -> subprocess.CompletedProcess[str]:
    """Runs it to its end and throws Failed where that is not a good one."""
    environment = {name: value for name, value in os.environ.items() if not FOREIGN.match(name)}
    environment.update({"LC_ALL": "C.UTF-8", **more})
    try:
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, start_new_session=True,
        )  # fmt: skip
    except OSError as error:
        raise Failed(f"{command[0]} does not start: {error}") from error
    try:
        out, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired as error:
        raise Failed(f"no end within {seconds:.0f} s") from error
    finally:
        if process.poll() is None:  # here too when the benchmark itself is interrupted
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    ended = subprocess.CompletedProcess(command, process.returncode, out, err)
    if ended.returncode == NOT_HERE:
        raise Absent(said(ended))
    if ended.returncode != 0:
        raise Failed(f"{how_it_ended(ended.returncode)}: {said(ended)}")
    if "cannot be preloaded" in err:
        raise Failed(said(ended))
    return ended


def how_it_ended(status: int) -> str:
    return f"killed by {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"


def said(ended: subprocess.CompletedProcess[str]) -> str:
    """The last words of a program, for a message of one line."""
    lines = (ended.stderr.strip() or ended.stdout.strip()).splitlines()
    return " | ".join(lines[-3:])[-400:] or "it said nothing"


def last_line(ended: subprocess.CompletedProcess[str], contender: Contender) -> dict[str, Any]:
    lines = ended.stdout.strip().splitlines()
    try:
        figures = json.loads(lines[-1])
        figures["value"] = None if figures["value"] is None else float(figures["value"])
    except (IndexError, ValueError, KeyError, TypeError) as error:
        raise Failed(f"the last line of {contender.program} is no JSON object with a value: {said(ended)}") from error
    return figures
