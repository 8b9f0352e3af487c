"""One `mayfly run`, for the programs beside this one that compare several."""

import json
import subprocess


def summary_of(mayfly: str, handler: str, requests: str, repeats: int, *more: str) -> dict:
    """What `mayfly run --json` says of the file's requests, answered so many times."""
    run = subprocess.run([mayfly, "run", "--handler", handler, "--in", requests, "--out", "/dev/null", "--repeat",
                          str(repeats), "--json", "--progress", "never", *more], capture_output=True, text=True, check=True)
    return json.loads(run.stdout)
