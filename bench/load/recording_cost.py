"""What recording costs `mayfly run`: recording_cost.py PATH-OF-MAYFLY [ROUNDS] FILE.ndjson...

Runs each file with and without --record, in turns, and prints the medians of the requests a second of both, and of the
cost in each round."""

import statistics
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))

from run_summary import summary_of  # noqa: E402


def rate(mayfly: str, requests: str, repeats: int, more: list[str]) -> float:
    summary = summary_of(mayfly, "canonicalize", requests, repeats, *more)
    trace = summary["trace"]
    if trace and trace["dropped_arenas"] + trace["dropped_requests"] != 0:
        raise SystemExit(f"{requests}: {trace['dropped_arenas']} arenas were dropped, so this cost is not the whole one")
    return summary["requests_per_second"]


def main(mayfly: str, rounds: int, files: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        recording = ["--record", str(Path(folder) / "run.mft")]
        for requests in files:
            lines = len(Path(requests).read_text().splitlines())
            repeats = max(1, 150_000 // lines)
            pairs = [(rate(mayfly, requests, repeats, []), rate(mayfly, requests, repeats, recording))
                     for _ in range(rounds)]
            costs = sorted(100 * (alone / recorded - 1) for alone, recorded in pairs)
            print(f"{Path(requests).name:28} {statistics.median(p[0] for p in pairs):10,.0f} requests/s, recorded "
                  f"{statistics.median(p[1] for p in pairs):10,.0f}: {statistics.median(costs):5.1f} % "
                  f"(the rounds {costs[len(costs) // 4]:.1f} to {costs[-len(costs) // 4]:.1f})")


if __name__ == "__main__":
    arguments = sys.argv[1:]
    counted = arguments[1].isdigit()
    main(arguments[0], int(arguments[1]) if counted else 9, arguments[2 if counted else 1:])
