"""Efficiency against linear, its bar, and the folder that is carried to another machine."""

import json
import shutil
import subprocess
import unittest

from support import BenchTest

from frame import scaling
from frame.project import Project

FAKE = """#!/bin/sh
# --work W --contender C --seconds S --workers N --allocations A: linear but for a tenth that each doubling costs
ns=$((1000 / $8)); [ "$8" = 1 ] || ns=$((ns * 10 / 9))
[ "$4" = mayfly ] || ns=$((1000 / $8))
echo "{\\"value\\": $ns}"
"""


class Efficiency(BenchTest):
    def test_linear_is_one_worker_s_throughput_times_their_number(self) -> None:
        rounds = [{1: 1000.0, 2: 500.0, 4: 500.0}, {1: 1200.0, 2: 600.0, 4: 600.0}, {1: 800.0, 2: 400.0, 4: 400.0}]
        points = scaling.points_of(rounds)
        self.assertEqual([1, 2, 4], [point.workers for point in points])
        self.assertEqual([1.0, 1.0, 0.5], [point.efficiency for point in points])
        self.assertEqual([1000.0, 500.0, 500.0], [point.ns for point in points])

    def test_the_spread_is_of_the_rounds_own_efficiencies(self) -> None:
        rounds = [{1: 1000.0, 2: 1000.0 / (2 * part)} for part in (0.5, 0.6, 0.7, 0.8, 0.9)]
        low, high = scaling.points_of(rounds)[1].spread
        self.assertAlmostEqual(0.6, low)
        self.assertAlmostEqual(0.8, high)

    def test_ninety_per_cent_at_sixteen_is_the_bar(self) -> None:
        for part, said in ((0.9, "90%, holds"), (0.89, "89%, does NOT hold")):
            points = scaling.points_of([{1: 1600.0, 16: 100.0 / part}])
            self.assertEqual(f"90% of linear at 16 workers: {said}", scaling.verdict(points))

    def test_a_machine_of_fewer_cores_leaves_it_open(self) -> None:
        points = scaling.points_of([{1: 100.0, 2: 50.0}])
        self.assertEqual("90% of linear at 16 workers: open, this machine has 2 cores", scaling.verdict(points))

    def test_every_core_counts_up_to_all_of_them(self) -> None:
        self.assertEqual([1, 2, 3, 4, 6, 7], scaling.steps(7))
        self.assertEqual([1], scaling.steps(1))
        self.assertIn(16, scaling.steps(64))

    def test_the_command_measures_reports_and_keeps(self) -> None:
        self.program("bench_scaling", FAKE)
        status, printed, _ = self.bench("--scaling", "--rounds", "2", works=[])
        self.assertEqual(0, status, printed)
        self.assertIn("requests of 2,000 allocations\n", printed)
        self.assertRegex(printed, r"\n +1 +1,000,000 +100% +100% to 100% +100%\n")
        self.assertEqual(["100", "2000"], list(json.loads((self.project.root / "build/scaling.json").read_text())["sizes"]))

    def test_a_program_that_fails_is_told_of(self) -> None:
        self.program("bench_scaling", "#!/bin/sh\necho 'a request was refused' >&2; exit 1\n")
        status, printed, _ = self.bench("--scaling", works=[])
        self.assertEqual(1, status)
        self.assertIn("FAILED: bench_scaling: exit status 1: a request was refused", printed)


class Carried(BenchTest):
    def setUp(self) -> None:
        super().setUp()
        for path in ("scripts/bench", "bench/works", "bench/frame"):
            to = self.project.root / path
            to.parent.mkdir(parents=True, exist_ok=True)
            to.write_text("#!/bin/sh\n") if path == "scripts/bench" else to.mkdir()
        shutil.copy2("/bin/echo", self.project.programs / "bench_scaling")
        (self.project.root / "build/release/CMakeCache.txt").write_text("CMAKE_CXX_FLAGS_RELEASE:STRING=-O3\n")

    def test_the_folder_runs_on_its_own_libraries_wherever_it_lies(self) -> None:
        status, printed, _ = self.bench("--carry", str(self.folder / "bag"), works=[])
        self.assertEqual(0, status, printed)
        moved = (self.folder / "bag").rename(self.folder / "elsewhere")
        start = moved / "build/release/bin/bench_scaling"
        ran = subprocess.run([start, "here"], capture_output=True, text=True, env={"LD_DEBUG": "libs"}, check=True)
        self.assertEqual("here\n", ran.stdout)
        self.assertIn(f"calling init: {moved}/lib/libc.so.6", ran.stderr)

    def test_nothing_is_built_there_and_what_it_was_built_with_is_known(self) -> None:
        self.bench("--carry", str(self.folder / "bag"), works=[])
        there = Project(self.folder / "bag")
        self.assertEqual(frozenset(), there.build(["bench_scaling"]))
        self.assertEqual("-O3", there.about()["flags"])

    def test_a_folder_with_something_in_it_is_left_alone(self) -> None:
        status, printed, _ = self.bench("--carry", str(self.project.root), works=[])
        self.assertEqual(1, status)
        self.assertIn("is not empty", printed)


if __name__ == "__main__":
    unittest.main()
