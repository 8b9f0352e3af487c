"""One `mayfly run`, for the programs beside this one that compare several."""

import json
import subprocess


def run_of(mayfly: str, handler: str, requests: str, repeats: int, *more: str) -> list[str]:
    """The command that answers the file's requests so many times, and says of it in JSON."""
    return [mayfly, "run", "--handler", handler, "--in", requests, "--out", "/dev/null", "--repeat", str(repeats),
            "--json", "--progress", "never", *more]


def summary_of(mayfly: str, handler: str, requests: str, repeats: int, *more: str) -> dict:
    """What it says."""
    run = subprocess.run(run_of(mayfly, handler, requests, repeats, *more), capture_output=True, text=True, check=True)
    return json.loads(run.stdout)
