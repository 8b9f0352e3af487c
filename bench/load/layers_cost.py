"""What the layers against escapes that are in every build cost `mayfly run`: layers_cost.py WITH WITHOUT [ROUNDS] FILE...

WITH and WITHOUT are two `mayfly` programs: this tree's, and one that was built without the types and the egress checks
(scripts/compile-cost --stand-ins says how) or of a commit before them. Runs both on each file in turns, answering with
echo (all that is there is the request's own way) and with canonicalize, and prints the medians of the requests a second
and of what WITH takes longer in each round."""

import statistics
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))

from run_summary import summary_of  # noqa: E402

HANDLERS = {"echo": 400_000, "canonicalize": 100_000}  # and the requests that a run answers, at least


def rate(mayfly: str, handler: str, requests: str, repeats: int) -> float:
    return summary_of(mayfly, handler, requests, repeats)["requests_per_second"]


def main(programs: list[str], rounds: int, files: list[str]) -> None:
    for requests in files:
        lines = len(Path(requests).read_text(encoding="utf-8").splitlines())
        for handler, least in HANDLERS.items():
            repeats = max(1, least // lines)
            pairs = [[rate(program, handler, requests, repeats) for program in programs] for _ in range(rounds)]
            costs = sorted(100 * (without / with_them - 1) for with_them, without in pairs)
            print(f"{Path(requests).name:26} {handler:12} with {statistics.median(p[0] for p in pairs):9,.0f} requests/s, "
                  f"without {statistics.median(p[1] for p in pairs):9,.0f}: {statistics.median(costs):5.1f} % "
                  f"(the rounds {costs[len(costs) // 4]:.1f} to {costs[-len(costs) // 4]:.1f})")


if __name__ == "__main__":
    arguments = sys.argv[1:]
    counted = arguments[2].isdigit()
    main(arguments[:2], int(arguments[2]) if counted else 9, arguments[3 if counted else 2:])
