"""How fast `mayfly-stress replay --simulate` is: simulation_speed.py FOLDER-OF-PROGRAMS FILE.ndjson... [--least MILLIONS]

Records a run of each file, and one of mayfly-stress's made-up requests, and plays each trace in the model. Prints millions of
allocations a second, medians of 5; exits with 1 where a trace is slower than --least (default 50), or too small to tell."""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROUNDS = 5
LEAST_ALLOCATIONS = 1_000_000  # fewer are over before they can be measured


def output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def speed_of(stress: str, trace: str) -> tuple[int, float]:
    """Allocations of the trace, and millions of them a second."""
    runs = [json.loads(output(stress, "replay", trace, "--simulate", "--json", "--quiet")) for _ in range(ROUNDS)]
    played = {run["allocations"] for run in runs}
    if len(played) != 1 or not all(run["whole"] and run["simulated"] for run in runs):
        raise SystemExit(f"{trace}: not all of it was simulated: {played}")
    return played.pop(), statistics.median(run["allocations"] / run["seconds"] for run in runs) / 1e6


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("files", nargs="+")
    parser.add_argument("--least", type=float, default=50)
    arguments = parser.parse_args()
    mayfly, stress = (str(Path(arguments.folder) / name) for name in ("mayfly", "mayfly-stress"))
    wrong = 0
    print("| trace | allocations | millions a second |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        traces = {}
        for file in arguments.files:
            trace = traces[Path(file).stem] = str(Path(folder) / f"{Path(file).stem}.mft")
            repeats = 1 + 60_000 // len(Path(file).read_text().splitlines())
            output(mayfly, "run", "--handler", "canonicalize", "--in", file, "--out", "/dev/null", "--repeat", str(repeats),
                   "--record", trace, "--quiet")
        made_up = traces["mayfly-stress's mix"] = str(Path(folder) / "mix.mft")
        output(stress, "record", made_up, "--seed", "1", "--requests", "40000", "--mix", "small=3,large=2,oversize=1", "--quiet")
        for name, trace in traces.items():
            allocations, speed = speed_of(stress, trace)
            print(f"| {name} | {allocations:,} | {speed:.0f} |", flush=True)
            if allocations < LEAST_ALLOCATIONS:
                print(f"{name}: {allocations} allocations are too few to measure", file=sys.stderr)
                wrong = 1
            if speed < arguments.least:
                print(f"{name}: {speed:.1f} million a second, {arguments.least:.0f} are wanted", file=sys.stderr)
                wrong = 1
    return wrong


if __name__ == "__main__":
    sys.exit(main())
