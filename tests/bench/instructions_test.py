"""Instruction counts: a request is what a longer run adds; the gate is red above 5 % over what is recorded."""

import json
import unittest
from unittest import mock

from support import BenchTest

from frame import instructions
from frame.model import Bar, Work, counted

# In valgrind's place: instructions are 70,000 of start-up and as many a request as the file of the contender says.
COUNTER = """#!/bin/sh
program=$1; shift
echo "$*" >>"$program.log"
each=$(cat "$program.$4") || exit 1
printf '==7== Cachegrind\\n==7== I   refs:      %s\\n' "$(printf '%d' $((70000 + each * $6)) | sed 's/...$/,&/')" >&2
"""


class Instructions(BenchTest):
    def setUp(self) -> None:
        super().setUp()
        counter = self.program("count", COUNTER)
        for patch in (
            mock.patch.object(instructions, "COUNTER", (str(counter),)),
            mock.patch.object(instructions, "versions", lambda _: self.versions),
        ):
            patch.start()
            self.addCleanup(patch.stop)
        self.versions = {"compiler": "c++ 1", "libc6": "2"}
        self.program("shapes", "")

    def costs(self, **each: int) -> None:
        for name, value in each.items():
            (self.project.programs / f"shapes.{name}").write_text(str(value))

    def work(self, key: str = "flat", peers: tuple = ("heap",), **more) -> Work:
        contenders = tuple(counted("shapes", name, requests=(100, 300), **more) for name in ("arena", *peers))
        return Work(key, f"{key} shape", "instructions", "arena", contenders, (Bar(least=1.25, peers=peers),))

    def record(self, *works: Work) -> None:
        status, printed, _ = self.bench("--record", works=works or [self.work()])
        self.assertEqual(0, status, printed)

    def gate(self, *works: Work, options: tuple = ()) -> tuple[int, str]:
        return self.bench("--gate", *options, works=works or [self.work()])[:2]

    def test_start_up_cancels_out(self) -> None:
        self.costs(arena=1000, heap=1500)
        status, printed, data = self.bench(works=[self.work()])
        row = data["rows"][0]
        self.assertEqual((0, 1000.0, {"heap": 1500.0}, 1.5, True), (
            status, row["ours"], row["peers"], row["ratio"], row["holds"]), printed)  # fmt: skip
        self.assertIn("--work flat --contender arena --requests 300",
                      (self.project.programs / "shapes.log").read_text())  # fmt: skip

    def test_just_below_five_per_cent_more_is_green(self) -> None:
        self.costs(arena=1000)
        self.record()
        self.costs(arena=1049)
        status, printed = self.gate()
        self.assertEqual(0, status, printed)
        self.assertIn("1 instruction counts, none over 5 % above the recorded one", printed)

    def test_just_above_five_per_cent_more_is_red_and_named(self) -> None:
        self.costs(arena=1000)
        self.record()
        self.costs(arena=1051)
        status, printed = self.gate()
        self.assertEqual(1, status)
        self.assertEqual(
            "flat/arena: recorded 1,000.0 instructions a request, now 1,051.0, +5.1 %; where that is meant: "
            "scripts/bench --record\n", printed)  # fmt: skip

    def test_the_gate_runs_ours_alone(self) -> None:
        self.costs(arena=1000)  # the heap's contender would fail
        self.record()
        self.assertEqual(0, self.gate()[0])

    def test_a_work_without_a_bar_is_the_gate_s_alone(self) -> None:
        self.costs(arena=1000, scope=50, heap=1500)
        ours = tuple(counted("shapes", name, requests=(100, 300)) for name in ("arena", "scope"))
        gated = Work("pin", "pin", "instructions", "arena", ours, ())
        self.record(self.work(), gated)
        self.assertEqual({"flat/arena": 1000.0, "pin/arena": 1000.0, "pin/scope": 50.0},
                         json.loads(self.project.recorded.read_text())["instructions"])  # fmt: skip
        self.costs(scope=60)
        status, printed = self.gate(self.work(), gated)
        self.assertEqual(1, status)
        self.assertIn("pin/scope: recorded 50.0 instructions a request, now 60.0, +20.0 %", printed)
        (self.project.programs / "shapes.log").unlink()
        self.assertEqual(["flat"], [row["key"] for row in self.bench(works=[self.work(), gated])[2]["rows"]])
        self.assertNotIn("--work pin", (self.project.programs / "shapes.log").read_text())

    def test_a_count_that_nobody_recorded_is_red(self) -> None:
        self.costs(arena=1000)
        self.record()
        status, printed = self.gate(self.work(), self.work("deep"))
        self.assertEqual(1, status)
        self.assertIn("deep/arena: 1,000.0 instructions a request, and nothing is recorded", printed)

    def test_a_recorded_count_that_is_gone_is_red_but_where_only_some_are_asked_for(self) -> None:
        self.costs(arena=1000)
        self.record(self.work(), self.work("deep"))
        status, printed = self.gate(self.work())
        self.assertEqual(1, status)
        self.assertIn("deep/arena: recorded, and not counted any more", printed)
        self.assertEqual(0, self.gate(self.work(), self.work("deep"), options=("--only", "flat"))[0])

    def test_nothing_recorded_at_all_is_red(self) -> None:
        self.costs(arena=1000)
        status, printed = self.gate()
        self.assertEqual((1, "there is no instructions.json; scripts/bench --record makes it\n"), (status, printed))

    def test_other_versions_are_told_of_where_the_gate_is_red(self) -> None:
        self.costs(arena=1000)
        self.record()
        self.versions = {"compiler": "c++ 2", "libc6": "2"}
        self.assertEqual(0, self.gate()[0])
        self.costs(arena=1100)
        status, printed = self.gate()
        self.assertEqual(1, status)
        self.assertIn("(recorded with other versions, which may be all of it: compiler c++ 1, now c++ 2)", printed)

    def test_what_is_recorded_names_what_it_was_made_with(self) -> None:
        self.costs(arena=1000)
        self.record()
        self.assertEqual({"made_with": self.versions, "instructions": {"flat/arena": 1000.0}},
                         json.loads(self.project.recorded.read_text()))  # fmt: skip

    def test_a_contender_that_fails_records_nothing_and_is_red(self) -> None:
        for option in ("--record", "--gate"):
            status, printed, _ = self.bench(option, works=[self.work()])
            self.assertEqual(1, status)
            self.assertIn("FAILED: flat/arena: exit status 1", printed)
        self.assertFalse(self.project.recorded.exists())

    def test_a_gate_that_has_no_counter_is_red(self) -> None:
        self.costs(arena=1000)
        self.record()
        with mock.patch.object(instructions, "COUNTER", (str(self.folder / "nowhere"),)):
            status, printed = self.gate()
        self.assertEqual(1, status)
        self.assertIn("FAILED: arena: valgrind", printed)


if __name__ == "__main__":
    unittest.main()
