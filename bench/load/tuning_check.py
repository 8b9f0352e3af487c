"""Whether what `mayfly-stress tune` recommends holds on another day.

  python3 bench/load/tuning_check.py FOLDER-OF-PROGRAMS FILE.ndjson... [--rounds N] [--quick] [--write docs]

For each of three workloads, made of the files' requests: records a run of `mayfly run`, tunes for throughput and for memory, and
then runs afresh, with requests that another seed chose and in turns, the defaults and what was recommended (`mayfly run
--config`). Prints a table; --write puts it, the pictures and the commands between the marks in docs/tuning.md.

  mixed     the files' requests in random order, as fast as they are answered
  bursty    bursts of large requests; between them, a pause with a trickle of small ones
  fat tail  one route whose requests' sizes are spread as Pareto's, most small and few very large
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
from dataclasses import dataclass, field
from math import comb
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))

import tuning_page  # noqa: E402


@dataclass
class Part:
    """Requests that are sent at once, one a line, and how long nothing is sent after them."""

    text: bytes
    requests: int
    pause_s: float = 0

    @classmethod
    def of(cls, lines: list[str], pause_s: float = 0) -> "Part":
        return cls(b"".join(line.encode() + b"\n" for line in lines), len(lines), pause_s)


def joined(parts: list[str]) -> str:
    return "[" + ",".join(parts) + "]"


class Workloads:
    """All that differs between two seeds is which requests come, and in which order."""

    def __init__(self, files: list[str], scale: float) -> None:
        self.by_file = [Path(name).read_text().splitlines() for name in files]
        self.all = [line for lines in self.by_file for line in lines]
        self.scale = scale

    def count(self, most: int) -> int:
        return max(100, int(most * self.scale))

    def mixed(self, seed: int) -> list[Part]:
        """Each file as often as the others, however many requests it has."""
        chosen = random.Random(seed)
        return [Part.of([chosen.choice(chosen.choice(self.by_file)) for _ in range(self.count(150_000))])]

    def bursty(self, seed: int) -> list[Part]:
        chosen = random.Random(seed)
        parts = []
        for _ in range(3):
            parts.append(Part.of([joined(chosen.choices(self.all, k=chosen.randint(40, 160))) for _ in range(self.count(1_500))]))
            parts += [Part.of(chosen.choices(self.all, k=20), pause_s=0.1) for _ in range(15)]
        return parts

    def fat_tail(self, seed: int) -> list[Part]:
        chosen = random.Random(seed)
        sizes = [min(int(chosen.paretovariate(1.1)), 1_000) for _ in range(self.count(25_000))]
        return [Part.of([joined(chosen.choices(self.all, k=size)) for size in sizes])]


@dataclass
class Figures:
    """Of one run of a program."""

    requests_per_s: float
    p99_us: float
    peak_bytes: float
    mean_bytes: float
    pages_from_os: float
    faults: float
    ns_a_request: float


def feed(parts: list[Part], into) -> None:
    with into:
        for part in parts:
            into.write(part.text)
            into.flush()
            time.sleep(part.pause_s)


def program_of(process: int) -> str:
    try:
        return os.readlink(f"/proc/{process}/exe")
    except OSError:  # it has ended
        return ""


def resident_bytes(process: int) -> tuple[int, int]:
    """Now, and at the peak since it began; rusage's peak is no use, as a child has its parent's until it is another program."""
    try:
        status = dict(line.split(":", 1) for line in Path(f"/proc/{process}/status").read_text().splitlines())
        return tuple(int(status[name].split()[0]) * 1024 for name in ("VmRSS", "VmHWM"))
    except (OSError, KeyError):  # it has ended
        return 0, 0


class Programs:
    def __init__(self, folder: str) -> None:
        self.mayfly, self.stress = (str(Path(folder) / name) for name in ("mayfly", "mayfly-stress"))

    def run(self, parts: list[Part], *more: str) -> Figures:
        """`mayfly run` on the parts. Rates are of the time that is no pause; memory is the process's, from the outside:
        so few requests wait, as otherwise their texts would be most of it."""
        pauses = any(part.pause_s for part in parts)
        with tempfile.TemporaryFile() as summary, tempfile.NamedTemporaryFile() as requests:
            if not pauses:  # so that nothing else has to be done meanwhile
                for part in parts:
                    requests.write(part.text)
                requests.flush()
            command = [self.mayfly, "run", "--handler", "canonicalize", "--in", "-" if pauses else requests.name, "--out",
                       "/dev/null", "--window", "16", "--json", "--progress", "never", *more]
            process = subprocess.Popen(command, stdin=subprocess.PIPE if pauses else subprocess.DEVNULL, stdout=summary)
            feeder = threading.Thread(target=feed, args=(parts, process.stdin)) if pauses else None
            if feeder:
                feeder.start()
            seen = []
            while True:
                ended, status, used = os.wait4(process.pid, os.WNOHANG)
                if ended:
                    break
                if program_of(process.pid).endswith("mayfly"):
                    seen.append(resident_bytes(process.pid))
                time.sleep(0.005)
            process.returncode = os.waitstatus_to_exitcode(status)
            if feeder:
                feeder.join()
            if process.returncode != 0:
                raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
            summary.seek(0)
            said = json.loads(summary.read())
        requests = sum(part.requests for part in parts)
        if said["requests"] != requests or said["failed"] != 0:
            raise SystemExit(f"of {requests} requests {said['requests']} were answered, {said['failed']} with errors")
        if said["trace"] and said["trace"]["dropped_arenas"] != 0:
            raise SystemExit(f"{said['trace']['dropped_arenas']} arenas are missing in the trace")
        busy = said["elapsed_seconds"] - sum(part.pause_s for part in parts)
        held = [now for now, _ in seen if now != 0]
        return Figures(requests_per_s=requests / busy, p99_us=said["latency_us"]["p99"], peak_bytes=max(peak for _, peak in seen),
                       mean_bytes=statistics.mean(held), pages_from_os=said["pages"]["from_os"],
                       faults=used.ru_minflt + used.ru_majflt, ns_a_request=1e9 * busy / requests)

    def tune(self, trace: str, goal: str, config: str, points: int, rounds: int) -> str:
        command = [self.stress, "tune", trace, "--goal", goal, "--out", config, "--points", str(points), "--rounds",
                   str(rounds), "--quiet"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def waste(self, trace: str, settings: dict) -> dict[str, float]:
        """What of all that requests took nobody was given, by the model."""
        names = {"trim-interval": "epoch", "page-budget": "max"}
        flags = [text for name, value in settings.items() for text in (f"--{names.get(name, name)}", str(value))]
        command = [self.stress, "replay", trace, "--simulate", "--json", "--quiet", *flags]
        said = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        return {part: said[f"{part}_bytes"] / said["reserved_bytes"]
                for part in ("room", "tail_waste", "skipped", "oversize_slack")}


@dataclass
class Tuned:
    """What was recommended for a workload and a goal, and what became of it on another day."""

    workload: str
    goal: str
    verdict: str
    why: list[str]
    settings: dict = field(default_factory=dict)  # those that are not the defaults'; none: the defaults are best
    rounds: list[tuple[Figures, Figures]] = field(default_factory=list)  # the defaults' and the recommended ones'
    waste: tuple[dict, dict] | None = None

    def median(self, which: int, name: str) -> float:
        return statistics.median(getattr(pair[which], name) for pair in self.rounds)

    def gains(self) -> list[float]:
        if self.goal == "throughput":
            return [1 - tuned.ns_a_request / usual.ns_a_request for usual, tuned in self.rounds]
        return [1 - tuned.mean_bytes / usual.mean_bytes for usual, tuned in self.rounds]

    def outcome(self) -> str:
        """By a sign test of the fresh runs, one-sided, one case in twenty."""
        if not self.settings:
            return "the defaults are best"
        gains = sorted(self.gains())
        rounds = len(gains)
        won = sum(gain > 0 for gain in gains)

        def beyond_chance(wins: int) -> bool:
            return sum(comb(rounds, n) for n in range(wins, rounds + 1)) / 2**rounds < 0.05

        slower = statistics.median(tuned.ns_a_request / usual.ns_a_request - 1 for usual, tuned in self.rounds)
        verdict = "not told apart from the defaults"
        if beyond_chance(won):
            verdict = "beats the defaults"
        elif beyond_chance(rounds - won):
            verdict = "WORSE than the defaults"
        if self.goal == "memory" and slower > 0.05:
            verdict += f", but BEYOND ITS BOUND: {100 * slower:.1f} % more time"
        quarter = rounds // 4
        what = "time" if self.goal == "throughput" else "memory"
        middle = statistics.median(gains)
        return (f"{verdict}: {100 * abs(middle):.1f} % {'less' if middle >= 0 else 'more'} {what} (quartiles of what is saved: "
                f"{100 * gains[quarter]:.1f} to {100 * gains[-1 - quarter]:.1f} %), better in {won} of {rounds} rounds")


def tuned_for(programs: Programs, name: str, make, goal: str, trace: str, arguments) -> Tuned:
    with tempfile.TemporaryDirectory() as folder:
        config, usual = (str(Path(folder) / part) for part in ("mayfly.toml", "defaults.toml"))
        lines = programs.tune(trace, goal, config, arguments.points, arguments.tune_rounds).splitlines()
        verdict = next(line for line in lines if line.startswith(("Better", "Nothing")))
        found = Tuned(name, goal, verdict, [line.strip(" -") for line in lines if line.startswith("  - ")])
        if not verdict.startswith("Better"):
            return found
        settings = tomllib.loads(Path(config).read_text())
        found.settings = {key: value for key, value in settings.items() if value != arguments.defaults[key]}
        found.waste = (programs.waste(trace, {}), programs.waste(trace, settings))
        Path(usual).write_text("")
        for round_number in range(arguments.rounds):
            parts = make(100 + round_number)
            order = [0, 1] if round_number % 2 == 0 else [1, 0]
            seen: list[Figures | None] = [None, None]
            for which in order:
                seen[which] = programs.run(parts, "--config", (usual, config)[which])
            found.rounds.append((seen[0], seen[1]))
        return found


def defaults_of(programs: Programs) -> dict:
    """As tune itself writes them: of a run that is too small for anything to be better."""
    with tempfile.TemporaryDirectory() as folder:
        trace, config = (str(Path(folder) / part) for part in ("x.mft", "x.toml"))
        programs.run([Part.of(["1"])], "--record", trace)
        subprocess.run([programs.stress, "tune", trace, "--max-rss", "4KiB", "--points", "8", "--rounds", "5", "--quiet", "--out",
                        config], capture_output=True, check=True)
        text = Path(config).read_text()
        if "these are the same settings" not in text:
            raise SystemExit("tune recommends other settings where none fits")
        return tomllib.loads(text)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", help="where mayfly and mayfly-stress are")
    parser.add_argument("files", nargs="+", help="requests, one a line")
    parser.add_argument("--rounds", type=int, default=8, help="of fresh runs (default 8)")
    parser.add_argument("--tune-rounds", type=int, default=9, help="of tune's own (default 9)")
    parser.add_argument("--points", type=int, default=2048, help="of tune's search (default 2048)")
    parser.add_argument("--quick", action="store_true", help="a tenth of the requests: to see that it works, not to rely on")
    parser.add_argument("--write", metavar="DOCS", help="the folder of tuning.md")
    parser.add_argument("--only", choices=("mixed", "bursty", "fat tail"), action="append", help="one of the workloads")
    parser.add_argument("--note", default="", help="a remark for the page, as on what else ran")
    arguments = parser.parse_args()
    if arguments.only and arguments.write:
        parser.error("--only with --write: the page has all workloads")
    programs = Programs(arguments.folder)
    arguments.defaults = defaults_of(programs)
    scale = 0.1 if arguments.quick else 1
    workloads, recorded = Workloads(arguments.files, scale), Workloads(arguments.files, scale / 4)
    began = time.monotonic()
    found: list[Tuned] = []
    with tempfile.TemporaryDirectory() as folder:
        for name in arguments.only or ("mixed", "bursty", "fat tail"):
            method = name.replace(" ", "_")
            make = getattr(workloads, method)
            trace = str(Path(folder) / f"{method}.mft")
            programs.run(getattr(recorded, method)(1), "--record", trace)
            for goal in ("throughput", "memory"):
                found.append(tuned_for(programs, name, make, goal, trace, arguments))
                print(f"{name}, for {goal}: {found[-1].outcome()}", file=sys.stderr, flush=True)
    page = tuning_page.text(found, arguments, time.monotonic() - began)
    print(page)
    if arguments.write:
        tuning_page.write(Path(arguments.write), page, found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
