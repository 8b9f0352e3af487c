"""Runs a test under a planted bug: mutant.py NAME WORDS TEST [ARGUMENT...]

Exits with 0 where the test fails, or dies, and its output matches the regular expression WORDS: the bug was caught, for
the right reason. A test that passes has not caught it; nor has one that does not end.
"""

import os
import re
import subprocess
import sys


def main(name: str, words: str, *command: str) -> int:
    try:
        ran = subprocess.run(
            command, env={**os.environ, "MAYFLY_MUTANT": name}, capture_output=True, text=True, timeout=100, check=False
        )
    except subprocess.TimeoutExpired:
        print(f"{name}: the test does not end, which tells nobody anything")
        return 1
    output = ran.stdout + ran.stderr
    said = re.search(words, output)
    if ran.returncode == 0 or not said:
        print(output[-8000:])
        print(f"{name}: exit status {ran.returncode}, and {'it says' if said else 'it does not say'} '{words}': NOT caught")
        return 1
    print(f"{name}: caught ({said[0]})")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
