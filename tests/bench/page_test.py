"""docs/performance.md: what is written by hand stays, the rest is the last run's; the charts are drawn."""

import re
import shutil
import unittest
from unittest import mock

from scaling_test import FAKE
from support import ROOT, BenchTest, work

from frame import charts, scaling
from frame.figures import filled
from frame.model import Bar
from frame.page import BEGIN, END, minutes
from works import WORKS


@unittest.skipUnless(shutil.which("gnuplot"), "gnuplot draws, and is not here")
class Page(BenchTest):
    def plot(self, *options: str, works=None) -> str:
        self.driver("bench_it", mayfly=[{"value": 10, "series": [[1, 5], [100, 50]]}],
                    malloc=[{"value": 20, "series": [[1, 5], [100, 100]]}])  # fmt: skip
        one = work(axes=("requests in flight", "ns a request"))
        status, printed, _ = self.bench(*(options or ("--plot", "--rounds", "2")), works=works or [one])
        self.assertEqual(0, status, printed)
        return self.project.page.read_text(encoding="utf-8")

    def setUp(self) -> None:
        super().setUp()
        self.program("bench_scaling", FAKE)
        for name, value in (("ROUNDS", 1), ("SECONDS", 0.01)):
            patch = mock.patch.object(scaling, name, value)
            patch.start()
            self.addCleanup(patch.stop)
        self.project.page.write_text(f"# Fast\n\nby hand\n\n{BEGIN}\nlast year\n{END}\n\nby hand too\n", encoding="utf-8")

    def test_what_is_written_by_hand_stays(self) -> None:
        page = self.plot()
        self.assertTrue(page.startswith(f"# Fast\n\nby hand\n\n{BEGIN}\n"), page)
        self.assertTrue(page.endswith(f"\n{END}\n\nby hand too\n"), page)
        self.assertNotIn("last year", page)

    def test_the_table_and_how_it_came_about(self) -> None:
        page = self.plot()
        self.assertIn("| to run (ns) | 10 | malloc 20 | 2.00 | 2.00 to 2.00 | ≥ 1.50 × malloc | yes |", page)
        for part in ("`scripts/bench --plot`", "2026-11-23", "abc1234", "2 rounds", "2 cores of abacus", "`-O3`"):
            self.assertIn(part, page)

    def test_a_work_of_two_bars_is_named_once(self) -> None:
        bars = (Bar(least=1.5, peers=("malloc",)), Bar(least=2.5, peers=("malloc",)))
        page = self.plot(works=[work(bars=bars)])
        self.assertIn("\n|  | 10 |  | 2.00 | 2.00 to 2.00 | ≥ 2.50 × malloc | NO |", page)

    def test_a_chart_of_the_ratios_and_one_of_each_series(self) -> None:
        (self.project.charts).mkdir(parents=True)
        (self.project.charts / "gone.svg").write_text("an earlier run's")
        page = self.plot()
        self.assertEqual({"ratios.svg", "run.svg"}, {path.name for path in self.project.charts.iterdir()})
        for name, text in (("ratios.svg", "to run"), ("run.svg", "requests in flight")):
            self.assertIn(f"(performance/{name})", page)
            self.assertIn(text, (self.project.charts / name).read_text(encoding="utf-8"))

    def test_a_second_run_s_ratios_and_verdicts_stand_beside_the_first_s(self) -> None:
        self.driver("bench_it", mayfly=[10, 8], malloc=[20, 10])
        bars = (Bar(least=1.5, peers=("malloc",)), Bar(least=1.1, peers=("malloc",)), Bar(most=9))
        status, printed, data = self.bench("--plot", "--rounds", "1", "--runs", "2", works=[work(bars=bars)])
        self.assertEqual((0, 1), (status, len(data["again"])), printed)
        page = self.project.page.read_text(encoding="utf-8")
        self.assertIn("| holds | run 2 | holds |\n", page)
        self.assertIn("| ≥ 1.50 × malloc | yes | 1.25 | NO |\n", page)
        self.assertIn("| ≤ 9 ns | NO | 8 | yes |\n", page)
        self.assertIn("Made by `scripts/bench --plot --runs 2`", page)
        self.assertIn("Run 2 followed at once, of the same build: 2 of 3 bars hold, 1 do not, 1 of them in both", page)
        self.assertEqual(page, self.plot("--replot"))

    def test_how_long_each_run_took(self) -> None:
        self.assertEqual(["14 min 05 s", "0 min 59 s"], [minutes(seconds) for seconds in (845.2, 59.4)])
        self.assertRegex(self.plot(), r"medians of 2 rounds, in 0 min 0\d s;")

    def test_a_failure_in_a_later_run_is_red_and_leaves_the_page_alone(self) -> None:
        before = self.project.page.read_text(encoding="utf-8")
        self.driver("bench_it", mayfly=[1], malloc='[ "$n" = 0 ] || exit 3; echo \'{"value": 5}\'')
        self.assertEqual(1, self.bench("--plot", "--rounds", "1", "--runs", "2", works=[work()])[0])
        self.assertEqual(before, self.project.page.read_text(encoding="utf-8"))

    def test_how_it_scales_on_this_machine(self) -> None:
        with mock.patch.object(scaling.os, "sched_getaffinity", lambda _: {0, 1}):
            page = self.plot()
        self.assertIn("| requests of 100 allocations | 1 | 1,000,000 | 100% | 100% to 100% | 100% |\n", page)
        self.assertRegex(page, r"\n\|  \| 2 \| 1,8\d\d,\d+ \| 90% \| 90% to 90% \| 100% \|\n")
        self.assertIn("\n| 90% of linear at 16 workers: open, this machine has 2 cores | | | | | |\n", page)

    def test_where_it_does_not_scale_at_all_the_page_is_left_alone(self) -> None:
        self.program("bench_scaling", "#!/bin/sh\nexit 1\n")
        self.driver("bench_it", mayfly=[1], malloc=[2])
        status, printed, _ = self.bench("--plot", "--rounds", "1", works=[work()])
        self.assertEqual(1, status)
        self.assertIn("FAILED: bench_scaling: exit status 1", printed)
        self.assertIn("last year", self.project.page.read_text(encoding="utf-8"))

    def test_figures_in_what_is_written_by_hand_are_the_run_s(self) -> None:
        hand = "saves <!--= run/mayfly saves run/malloc -->99<!--/--> %\n"
        self.project.page.write_text(f"{hand}{BEGIN}\n{END}\n{hand}", encoding="utf-8")
        self.assertEqual(2, self.plot().count("saves <!--= run/mayfly saves run/malloc -->50.0<!--/--> %\n"))

    def test_a_figure_that_no_work_has_is_told_of_and_the_page_left_alone(self) -> None:
        for what in ("run/nobody", "walk/mayfly", "run/mayfly + run/malloc"):
            text = f"<!--= {what} -->7<!--/-->{BEGIN}\n{END}"
            self.project.page.write_text(text, encoding="utf-8")
            self.driver("bench_it", mayfly=[1], malloc=[2])
            status, printed, _ = self.bench("--plot", "--rounds", "1", works=[work()])
            self.assertEqual((1, text), (status, self.project.page.read_text(encoding="utf-8")))
            self.assertIn(f"'{what}'", printed)

    def test_the_last_run_can_be_drawn_again(self) -> None:
        once = self.plot()
        shutil.rmtree(self.project.charts)
        self.project.page.write_text(f"{BEGIN}\n{END}", encoding="utf-8")
        again = self.plot("--replot")
        self.assertIn(again.strip(), once)
        self.assertTrue((self.project.charts / "run.svg").exists())

    def test_a_page_without_markers_is_left_alone(self) -> None:
        self.project.page.write_text("mine", encoding="utf-8")
        self.driver("bench_it", mayfly=[1], malloc=[2])
        status, printed, _ = self.bench("--plot", "--rounds", "1", works=[work()])
        self.assertEqual((1, "mine"), (status, self.project.page.read_text(encoding="utf-8")))
        self.assertIn("to write between", printed)

    def test_names_with_quotes_and_underscores_are_drawn_as_they_are(self) -> None:
        self.driver("bench_it", mayfly=[10], malloc=[20])
        odd = work(bars=(Bar(least=1, peers=("malloc",), says='a_b "c" \\ {d} 36 %'),))
        self.bench("--plot", "--rounds", "1", works=[odd])
        drawn = (self.project.charts / "ratios.svg").read_text(encoding="utf-8")
        self.assertIn('a_b "c" \\ {d} 36 %', drawn.replace("&quot;", '"'))


class Figures(unittest.TestCase):
    ROWS = ({"key": "flat", "contender": "mayfly", "ours": 465.0, "peers": {"heap": 489.0, "enqueue + glibc": 1860.0}},
            {"key": "flat", "contender": "bare", "ours": 200.5, "peers": {"heap": 489.0}})  # fmt: skip

    def test_each_kind(self) -> None:
        for what, said in (("flat/mayfly", "465"), ("flat/bare", "200"), ("flat/heap - flat/mayfly", "24"),
                           ("flat/enqueue + glibc : flat/mayfly", "4.00"), ("flat/mayfly saves flat/heap", "4.9")):  # fmt: skip
            self.assertEqual(f"a <!--= {what} -->{said}<!--/--> b", filled(f"a <!--= {what} -->old\n<!--/--> b", self.ROWS))

    def test_every_figure_that_the_page_of_this_tree_names_will_be_there(self) -> None:
        """Or a run of half an hour would find out at its end."""
        rows = [{"key": each.id, "contender": each.ours, "ours": 1.0, "peers": {one.name: 1.0 for one in each.contenders}}
                for each in WORKS if each.bars]  # fmt: skip
        filled((ROOT / "docs" / "performance.md").read_text(encoding="utf-8"), rows)

    def test_the_page_of_this_tree_says_what_its_table_says(self) -> None:
        """By the table's own text, for the run itself is not kept: a figure mended by hand differs from it."""
        page = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
        marked = re.findall(r"<!--= (\w+)/mayfly -->(.*?)<!--/-->", page)
        self.assertTrue(marked)
        names = {each.id: f"{each.name} ({each.unit})" for each in WORKS}
        for key, said in marked:
            self.assertIn(f"\n| {names[key]} | {said} |", page, key)


class Drawing(unittest.TestCase):
    def test_a_bar_in_nanoseconds_has_no_place_on_the_axis_of_ratios(self) -> None:
        row = {"work": "get", "says": "", "ratio": 0.9, "spread": [0.9, 0.9], "bar": 0.05, "holds": True}
        for bar_is, low in (("most beyond the best peer", 0.8 / 1.1), ("least ratio", 0.05 / 1.1)):
            self.assertIn(f"set xrange [{low:g}:", charts.ratios([{**row, "bar_is": bar_is}]))

    def test_a_gnuplot_that_fails_says_why(self) -> None:
        if not shutil.which("gnuplot"):
            self.skipTest("gnuplot is not here")
        for script in ("set nonsense\n", "set terminal svg\nplot 1\nset nonsense\n", "print 1\n"):
            with self.assertRaisesRegex(SystemExit, "gnuplot failed"):
                charts.gnuplot(script)


if __name__ == "__main__":
    unittest.main()
