"""What recording costs `mayfly run`: recording_cost.py PATH-OF-MAYFLY [ROUNDS] FILE.ndjson...

Runs each file with and without --record, in turns, and prints the medians of the requests a second of both, and of the
cost in each round. Then, where valgrind is there, the instructions of a request of both, all threads together, which no
neighbour disturbs; what the system does for the process is not among them, nor what waiting for memory takes."""

import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True
sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[1])]

from frame.instructions import COUNTER, REFERENCES  # noqa: E402
from run_summary import run_of, summary_of  # noqa: E402

COUNTED_REQUESTS = 2_000


def whole(requests: str, summary: dict) -> dict:
    """The summary, of a run whose trace has everything."""
    trace = summary["trace"]
    if trace and trace["dropped_arenas"] + trace["dropped_requests"] != 0:
        raise SystemExit(f"{requests}: {trace['dropped_arenas']} arenas were dropped, so this cost is not the whole one")
    return summary


def rate(mayfly: str, requests: str, repeats: int, more: list[str]) -> float:
    return whole(requests, summary_of(mayfly, "canonicalize", requests, repeats, *more))["requests_per_second"]


def instructions(mayfly: str, requests: str, lines: int, more: list[str]) -> float:
    """Of one request: a longer run's less a shorter one's, so that the program's start is in neither."""
    repeats = [1, 1 + max(1, COUNTED_REQUESTS // lines)]
    counts = []
    for each in repeats:
        command = [*COUNTER, *run_of(mayfly, "canonicalize", requests, each, *more)]
        ended = subprocess.run(command, capture_output=True, text=True, check=True)
        whole(requests, json.loads(ended.stdout))
        found = REFERENCES.search(ended.stderr)
        if not found:
            raise SystemExit(f"valgrind gave no count: {ended.stderr.strip()[-300:]}")
        counts.append(int(found[1].replace(",", "")))
    return (counts[1] - counts[0]) / ((repeats[1] - repeats[0]) * lines)


def main(mayfly: str, rounds: int, files: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        recording = ["--record", str(Path(folder) / "run.mft")]
        for requests in files:
            lines = len(Path(requests).read_text(encoding="utf-8").splitlines())
            repeats = max(1, 150_000 // lines)
            pairs = [(rate(mayfly, requests, repeats, []), rate(mayfly, requests, repeats, recording))
                     for _ in range(rounds)]
            costs = sorted(100 * (alone / recorded - 1) for alone, recorded in pairs)
            print(f"{Path(requests).name:28} {statistics.median(p[0] for p in pairs):10,.0f} requests/s, recorded "
                  f"{statistics.median(p[1] for p in pairs):10,.0f}: {statistics.median(costs):5.1f} % "
                  f"(the rounds {costs[len(costs) // 4]:.1f} to {costs[-len(costs) // 4]:.1f})", flush=True)
            if shutil.which(COUNTER[0]):
                counts = [instructions(mayfly, requests, lines, more) for more in ([], recording)]
                print(f"{'':28} {counts[0]:10,.0f} instructions, recorded {counts[1]:10,.0f}: "
                      f"{100 * (counts[1] / counts[0] - 1):5.1f} %", flush=True)


if __name__ == "__main__":
    arguments = sys.argv[1:]
    if len(arguments) < 2:
        raise SystemExit(__doc__)
    counted = arguments[1].isdigit()
    main(arguments[0], int(arguments[1]) if counted else 9, arguments[2 if counted else 1:])
