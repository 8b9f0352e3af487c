"""What memcheck sees of arena memory in builds with MAYFLY_VALGRIND:

valgrind_test.py VALGRIND PROGRAM SOURCE [unittest arguments]; each planted access is reported with the lines that SOURCE marks."""

import pathlib
import re
import subprocess
import sys
import unittest

VALGRIND, PROGRAM, SOURCE = (sys.argv.pop(1) for _ in range(3)) if len(sys.argv) > 3 else ("", "", "")


def memcheck(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = (VALGRIND, "--quiet", "--fair-sched=try", "--error-exitcode=99", PROGRAM, *arguments)
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


def line(mark: str) -> str:
    for number, text in enumerate(pathlib.Path(SOURCE).read_text(encoding="utf-8").splitlines(), 1):
        if text.endswith(f"// here: {mark}"):
            return rf"\({pathlib.Path(SOURCE).name}:{number}\)"
    raise AssertionError(f"{SOURCE} marks no line as {mark}")


class Memcheck(unittest.TestCase):
    def expect(self, plant: str, *words: str) -> None:
        end = memcheck(plant)
        self.assertEqual(end.returncode, 99, end.stderr)
        self.assertRegex(end.stderr, re.compile(".*".join(words), re.DOTALL))

    def test_requests_of_all_kinds_have_no_report(self):
        end = memcheck()
        self.assertEqual((end.returncode, end.stderr, end.stdout), (0, "", "400 requests\n"))

    def test_use_after_close(self):
        self.expect("use-after-close", "Invalid read of size 1", line("use-after-close"),
                    "is 10 bytes inside a block of size 100 free'd", "Block was alloc'd at",
                    line("use-after-close allocated"))

    def test_past_the_end(self):
        self.expect("past-the-end", "Invalid write of size 1", line("past-the-end"),
                    "is 0 bytes after a block of size 13 client-defined", line("past-the-end allocated"))

    def test_between_two_allocations(self):
        self.expect("between", "Invalid write of size 1", line("between"), "is 15 bytes after a block of size 24 client-defined",
                    line("between allocated"))

    def test_a_block_that_was_given_back(self):
        self.expect("given-back", "Invalid write of size 1", line("given-back"),
                    "is 500,000 bytes inside a block of size 1,000,000 free'd", line("given-back freed"))

    def test_after_a_rewind(self):
        self.expect("rewound", "Invalid write of size 1", line("rewound"),
                    "is 7 bytes inside a block of size 50 free'd", line("rewound freed"))

    def test_past_the_end_of_what_grew_and_not_before(self):
        self.expect("extended", "Invalid write of size 1", line("extended"), "is 0 bytes after a block of size 80")
        self.assertEqual(memcheck("extended").stderr.count("Invalid"), 1)

    def test_what_was_never_written(self):
        self.expect("uninitialised", "depends on uninitialised value", line("uninitialised"))


if __name__ == "__main__":
    unittest.main()
