"""Tests of bench/load/tuning_check.py, on figures that are made up: tuning_test.py ROOT [unittest arguments]."""

import sys
import tempfile
import unittest
import xml.etree.ElementTree
from pathlib import Path
from types import SimpleNamespace

ROOT = Path(sys.argv.pop(1))
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "bench" / "load"))

import tuning_check  # noqa: E402
import tuning_page  # noqa: E402

WASTE = {"room": 0.1, "tail_waste": 0.05, "skipped": 0.01, "oversize_slack": 0.02}


def figures(ns: float, mean: float) -> tuning_check.Figures:
    return tuning_check.Figures(requests_per_s=1e9 / ns, p99_us=10, peak_bytes=2 * mean, mean_bytes=mean, pages_from_os=3,
                                faults=4, ns_a_request=ns)


def tuned(goal: str, ns: list[float], mean: list[float]) -> tuning_check.Tuned:
    rounds = [(figures(1000, 1e8), figures(*each)) for each in zip(ns, mean)]
    return tuning_check.Tuned("mixed", goal, "Better: so it is.", ["Pages <b>of</b> 4 KiB."], {"magazines": "1,1,1"}, rounds,
                              (WASTE, WASTE))


class Outcome(unittest.TestCase):
    def test_what_is_better_in_nearly_all_rounds_beats_the_defaults(self):
        found = tuned("throughput", [900] * 8 + [1100], [1e8] * 9)
        self.assertEqual(found.outcome(), "beats the defaults: 10.0 % less time (quartiles of what is saved: 10.0 to 10.0 %), better in "
                         "8 of 9 rounds")

    def test_what_chance_may_have_done_is_said_so(self):
        self.assertIn("not told apart", tuned("throughput", [900] * 6 + [1100] * 3, [1e8] * 9).outcome())

    def test_what_is_worse_is_said_so(self):
        self.assertIn("WORSE than the defaults: 10.0 % more time", tuned("throughput", [1100] * 8 + [900], [1e8] * 9).outcome())

    def test_less_memory_for_more_than_a_twentieth_more_time_is_said_so(self):
        within = tuned("memory", [1040] * 9, [5e7] * 9).outcome()
        self.assertIn("beats the defaults: 50.0 % less memory", within)
        self.assertNotIn("BEYOND", within)
        self.assertIn("BEYOND ITS BOUND: 6.0 % more time", tuned("memory", [1060] * 9, [5e7] * 9).outcome())

    def test_where_nothing_was_recommended_the_defaults_are_best(self):
        self.assertEqual(tuning_check.Tuned("mixed", "memory", "Nothing is better.", []).outcome(), "the defaults are best")


class Workloads(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        requests = Path(self.folder.name) / "x.ndjson"
        requests.write_text("\n".join(f'{{"n":{n}}}' for n in range(30)))
        self.all = tuning_check.Workloads([str(requests)], 0.01)

    def test_a_seed_gives_the_same_requests_again_and_another_gives_others(self):
        for make in (self.all.mixed, self.all.bursty, self.all.fat_tail):
            self.assertEqual(make(1), make(1))
            self.assertNotEqual(make(1), make(2))

    def test_bursts_are_large_and_pauses_are_between_them(self):
        parts = self.all.bursty(1)
        bursts = [part for part in parts if part.pause_s == 0]
        self.assertEqual(len(bursts), 3)
        self.assertGreater(min(map(len, bursts[0].text.splitlines())), 5 * max(map(len, parts[1].text.splitlines())))
        self.assertGreater(sum(part.pause_s for part in parts), 3)


class Page(unittest.TestCase):
    def test_it_goes_between_the_marks_and_its_pictures_are_well_formed(self):
        found = [tuned("throughput", [900, 950, 930], [9e7] * 3), tuned("memory", [1010] * 3, [5e7, 6e7, 7e7]),
                 tuning_check.Tuned("bursty", "memory", "Nothing is better.", [])]
        text = tuning_page.text(found, SimpleNamespace(rounds=3, note="Beside others."), 90)
        self.assertIn("| mixed, for memory | 990,099 |", text)
        self.assertIn("| bursty | memory | the defaults are best | none |", text)
        self.assertIn("Beside others.", text)
        with tempfile.TemporaryDirectory() as folder:
            docs = Path(folder)
            page = docs / "tuning.md"
            page.write_text(f"before\n{tuning_page.BEGIN}\nlast year\n{tuning_page.END}\nafter\n")
            for _ in range(2):
                tuning_page.write(docs, text, found)
            said = page.read_text()
            self.assertTrue(said.startswith("before\n") and said.endswith("\nafter\n"))
            self.assertNotIn("last year", said)
            self.assertEqual(said.count("990,099"), 1)
            for picture in (docs / "tuning").iterdir():
                xml.etree.ElementTree.parse(picture)
                self.assertIn(f"tuning/{picture.name}", said)

    def test_the_project_s_page_has_the_marks(self):
        said = (ROOT / "docs" / "tuning.md").read_text()
        self.assertEqual((said.count(tuning_page.BEGIN), said.count(tuning_page.END)), (1, 1))


if __name__ == "__main__":
    unittest.main()
