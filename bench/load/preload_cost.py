"""What libmayfly-record.so costs the programs that it records: preload_cost.py PATH-OF-THE-LIBRARY [ROUNDS]

Runs each program with and without the library, in turns, and prints the medians of both times and of the cost in each
round."""

import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

JSON = """
import ctypes, json
marks = ctypes.CDLL(None)
recorded = hasattr(marks, "mayfly_request_begin")
text = json.dumps([{"id": i, "name": "row %d" % i, "tags": ["a", "b", str(i)]} for i in range(200)])
for i in range(6000):
    if recorded: marks.mayfly_request_begin(b"parse")
    json.loads(text)
    if recorded: marks.mayfly_request_end()
"""
SQL = """create table t(a, b);
with recursive c(n) as (select 1 union all select n + 1 from c where n < 500000) insert into t select n, 'row ' || n from c;
select count(*) from (select b from t order by b desc);
select count(distinct substr(b, 1, 6)) from t;"""
PROGRAMS = {
    "python3, 6,000 requests of json.loads": (["python3", "-c", JSON], {"PYTHONMALLOC": "malloc"}, "marks"),
    "sqlite3, 500,000 rows": (["sqlite3", ":memory:", SQL], {}, "threads"),
}


def itself(program: str) -> str:
    """Python, and no script that finds it, whose processes would count."""
    find = [program, "-c", "import sys; print(sys.executable)"]
    return subprocess.run(find, capture_output=True, text=True, check=True).stdout.strip()


def timed(command: list[str], environment: dict[str, str]) -> tuple[float, str]:
    began = time.perf_counter()
    made = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=True)
    return time.perf_counter() - began, made.stderr


def main(library: str, rounds: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name, (command, environment, by) in PROGRAMS.items():
            if command[0] == "python3":
                command[0] = itself("python3")
            recording = {"LD_PRELOAD": library, "MAYFLY_RECORD": str(Path(folder) / "run.mft"),
                         "MAYFLY_RECORD_REQUESTS": by}
            alone, recorded, said = [], [], ""
            for _ in range(rounds):
                alone.append(timed(command, environment)[0])
                seconds, said = timed(command, environment | recording)
                recorded.append(seconds)
            costs = sorted(100 * (b / a - 1) for a, b in zip(alone, recorded, strict=True))
            allocations = int(re.search(r"(\d+) allocations", said)[1])
            each_ns = 1e9 * (statistics.median(recorded) - statistics.median(alone)) / allocations
            print(f"{name}: {statistics.median(alone):.2f} s alone, {statistics.median(recorded):.2f} s recorded: "
                  f"{statistics.median(costs):.1f} % ({costs[0]:.1f} to {costs[-1]:.1f}), {each_ns:.0f} ns for each of "
                  f"{allocations:,} allocations{'; DROPPED' if 'DROPPED' in said else ''}")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 9)
