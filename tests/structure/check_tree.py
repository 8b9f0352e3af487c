"""Runs the checks of the tree: check_tree.py ROOT [CHECK...]; prints each fault and exits with 1 if there is one."""

import sys
from pathlib import Path

from checks import CHECKS
from source_text import Tree


def main(arguments: list[str]) -> int:
    if not arguments or any(name not in CHECKS for name in arguments[1:]):
        print(f"usage: check_tree.py ROOT [{' | '.join(CHECKS)}]...", file=sys.stderr)
        return 2
    tree = Tree(Path(arguments[0]))
    if not tree.sources:
        print(f"{arguments[0]}: no module here", file=sys.stderr)
        return 2
    faults = [fault for name in arguments[1:] or CHECKS for fault in CHECKS[name](tree)]
    print("\n".join(faults) or f"{len(tree.sources)} files are sound")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
