"""The atomics policy costs nothing: policy_cost.py COMPILER SOURCE [FLAG...]

Compiles SOURCE, disassembles the functions NAME_by_policy and NAME_by_hand in it, and compares them instruction by
instruction. Exits with 1 and shows both where they differ.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path


def functions(listing: str) -> dict[str, list[str]]:
    """Each function's instructions; jumps name their target relative to the function's start."""
    found: dict[str, list[str]] = {}
    start = 0
    for line in listing.splitlines():
        if head := re.match(r"([0-9a-f]+) <(\w+)>:", line):
            start, name = int(head[1], 16), head[2]
            found[name] = []
        elif step := re.match(r"\s+[0-9a-f]+:\s+(.*\S)", line):
            text = re.sub(r"\s*[#<].*", "", step[1])
            jump = re.match(r"(j\w+\s+)([0-9a-f]+)$", text)
            found[name].append(f"{jump[1]}+{int(jump[2], 16) - start:#x}" if jump else text)
    return {name: strip_padding(steps) for name, steps in found.items()}


def strip_padding(steps: list[str]) -> list[str]:
    while steps and re.match(r"(nop|xchg\s+%ax,%ax|data16|cs nop)", steps[-1]):
        steps = steps[:-1]
    return steps


def main(compiler: str, source: str, *flags: str) -> int:
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "probe.o"
        subprocess.run([compiler, "-std=c++20", "-O2", *flags, "-c", source, "-o", made], check=True)
        listing = subprocess.run(
            ["objdump", "--disassemble", "--no-show-raw-insn", made], check=True, capture_output=True, text=True
        ).stdout
    found = functions(listing)
    names = sorted(name.removesuffix("_by_policy") for name in found if name.endswith("_by_policy"))
    if not names:
        print(f"{source}: no function whose name ends with _by_policy")
        return 1
    different = 0
    for name in names:
        policy, hand = found[f"{name}_by_policy"], found[f"{name}_by_hand"]
        if policy == hand:
            print(f"{name}: the same {len(policy)} instructions")
            continue
        different = 1
        print(f"{name}: by policy\n  " + "\n  ".join(policy) + "\nby hand\n  " + "\n  ".join(hand))
    return different


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
