"""Runs a test with a planted bug asleep, then awake: mutant.py NAME WORDS TEST [ARGUMENT...]

Exits with 0 where the test passes without the bug and does not print what matches the regular expression WORDS, and with
the bug fails, or dies, and does print it: the bug was caught, for the right reason. A test that passes has not caught it;
nor has one that does not end; and words that a passing test prints too are no reason.
"""

import os
import re
import subprocess
import sys

# GoogleTest, fault_driver, mayfly-stress
PASSED = r"\[  PASSED  \] [1-9]|[1-9]\d* points, 0 bad|verdict: clean, [1-9][\d,]* requests"


def run(command: tuple[str, ...], **mutant: str) -> tuple[int, str]:
    """The exit status and what was printed. Without what a caller's shell may ask of the tests: other bounds, a mutant."""
    env = {name: value for name, value in os.environ.items() if name not in ("MAYFLY_MUTANT", "MAYFLY_EXPLORE")}
    ran = subprocess.run(command, env=env | mutant, capture_output=True, text=True, timeout=200, check=False)
    return ran.returncode, ran.stdout + ran.stderr


def main(name: str, words: str, *command: str) -> int:
    try:
        status, output = run(command)
        said = re.search(words, output)
        if status != 0 or said or not re.search(PASSED, output):
            print(output[-8000:])
            print(f"{name}: without it, exit status {status}, and {'words' if said else 'no words'} of a bug: proves nothing")
            return 1
        status, output = run(command, MAYFLY_MUTANT=name)
    except subprocess.TimeoutExpired:
        print(f"{name}: the test does not end, which tells nobody anything")
        return 1
    said = re.search(words, output)
    if status == 0 or not said:
        print(output[-8000:])
        print(f"{name}: exit status {status}, and {'it says' if said else 'it does not say'} '{words}': NOT caught")
        return 1
    print(f"{name}: caught ({said[0]})")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
