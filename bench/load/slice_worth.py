"""What a short time slice of the submitting thread is worth to the latency: slice_worth.py PATH-OF-BENCH_LATENCY [ROUNDS]

Runs `mayfly` and `enqueue` (on glibc's malloc), each without and with a slice of 100 us (what mayfly's workers ask for),
in turns, at 70 % of what each saturates at, and prints the medians, least and most of p99.9 and p50."""

import json
import statistics
import subprocess
import sys

SECONDS = "2"
CONTENDERS = ("mayfly", "enqueue")
SLICES = {"as it is": (), "slice of 100 us": ("--slice-us", "100")}


def run(program: str, contender: str, options: tuple[str, ...]) -> dict[str, float]:
    command = [program, "--work", "caniuse", "--contender", contender, "--seconds", SECONDS, *options]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[-1])


def main(program: str, rounds: int) -> None:
    found: dict[tuple[str, str], list[dict[str, float]]] = {}
    for _ in range(rounds):
        for contender in CONTENDERS:
            for name, options in SLICES.items():
                found.setdefault((contender, name), []).append(run(program, contender, options))
    for (contender, name), runs in found.items():
        told = []
        for figure, label in (("value", "p99.9"), ("p50", "p50")):
            values = [each[figure] for each in runs]
            told.append(f"{label} {statistics.median(values):,.0f} us ({min(values):,.0f} to {max(values):,.0f})")
        print(f"{contender}, {name}: {', '.join(told)}")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 7)
