"""Whether what `mayfly-stress tune` recommends holds on another day: tuning_check.py FOLDER-OF-PROGRAMS FILE.ndjson...

For each of three workloads: records a run, tunes for throughput, records another run of other seeds, and replays that one under
the settings of both, in turns, 15 rounds. The workloads: the files' requests in random order (mayfly run, canonicalize), a mix
of small and large requests, and one with a fat tail (mayfly-stress record)."""

import json
import random
import statistics
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROUNDS = 15


class Programs:
    def __init__(self, folder: str) -> None:
        self.mayfly, self.stress = (str(Path(folder) / name) for name in ("mayfly", "mayfly-stress"))

    @staticmethod
    def output(*command: str) -> str:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def shared_mix(self, trace: str, seed: int, files: list[str]) -> None:
        lines = [line for name in files for line in Path(name).read_text().splitlines()]
        chosen = random.Random(seed).choices(lines, k=20_000)
        with tempfile.NamedTemporaryFile("w", suffix=".ndjson") as requests:
            requests.write("\n".join(chosen))
            requests.flush()
            self.output(self.mayfly, "run", "--handler", "canonicalize", "--in", requests.name, "--out", "/dev/null",
                        "--record", trace, "--quiet")

    def made_up(self, trace: str, seed: int, mix: str) -> None:
        self.output(self.stress, "record", trace, "--seed", str(seed), "--requests", "20000", "--mix", mix, "--quiet")

    def seconds(self, trace: str, settings: dict) -> float:
        flags = [text for name, value in settings.items() for text in (f"--{name}", str(value))]
        return json.loads(self.output(self.stress, "replay", trace, "--json", *flags))["seconds"]


def check(programs: Programs, name: str, record) -> None:
    with tempfile.TemporaryDirectory() as folder:
        first, other, config = (str(Path(folder) / part) for part in ("first.mft", "other.mft", "mayfly.toml"))
        record(first, 1)
        table = programs.output(programs.stress, "tune", first, "--out", config, "--quiet")
        if "Nothing is better" in table:
            print(f"| {name} | today's settings are best | | |")
            return
        settings = tomllib.loads(Path(config).read_text())
        record(other, 2)
        pairs = [(programs.seconds(other, {}), programs.seconds(other, settings)) for _ in range(ROUNDS)]
        gains = sorted(100 * (1 - tuned / usual) for usual, tuned in pairs)
        chosen = ", ".join(f"{key} {value}" for key, value in settings.items())
        print(f"| {name} | {chosen} | {statistics.median(gains):.1f} % ({gains[3]:.1f} to {gains[-4]:.1f}) | "
              f"{sum(gain > 0 for gain in gains)} of {ROUNDS} |", flush=True)


def main(folder: str, *files: str) -> None:
    programs = Programs(folder)
    print("| workload | recommended | gain on another run (quartiles) | rounds won |\n|---|---|---|---|", flush=True)
    check(programs, "real requests, mixed", lambda trace, seed: programs.shared_mix(trace, seed, list(files)))
    check(programs, "small and large", lambda trace, seed: programs.made_up(trace, seed, "small=3,large=2,oversize=1"))
    check(programs, "a fat tail", lambda trace, seed: programs.made_up(trace, seed, "small=100,large=1,oversize=1"))


if __name__ == "__main__":
    main(*sys.argv[1:])
