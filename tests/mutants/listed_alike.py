"""Holds the planted bugs in the code, their tests and their table to the same names: listed_alike.py SOURCE_ROOT

A bug that no test names would sleep for ever, and one that is only in the table would be caught on paper.
"""

import re
import sys
from pathlib import Path

MODULES = ("arena", "scopes", "pool", "service", "stress")


def names_in(paths: list[Path], pattern: str) -> list[str]:
    return sorted(name for path in paths for name in re.findall(pattern, path.read_text(), re.MULTILINE))


def main(root: Path) -> int:
    here = root / "tests" / "mutants"
    sources = [path for module in MODULES for path in (root / module).rglob("*.[ch]pp") if path.name != "mutant.hpp"]
    lists = {
        "the code": names_in(sources, r'\bMAYFLY_MUTANT\("([^"]+)"\)'),
        "CMakeLists.txt": names_in([here / "CMakeLists.txt"], r"^ *mayfly_add_mutant\((\S+) "),
        "README.md": names_in([here / "README.md"], r"^\| ([a-z-]+-[a-z-]+) \|"),
    }
    faults = [f"{where} names none" for where, names in lists.items() if not names]
    everything = set().union(*lists.values())
    for where, names in lists.items():
        faults += [f"{where} lacks {name}" for name in sorted(everything - set(names))]
        faults += [f"{where} has {name} twice" for name in sorted({name for name in names if names.count(name) > 1})]
    for fault in faults:
        print(fault)
    print(f"{len(everything)} mutants, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
