"""docs/performance.md: what is written by hand stays, the rest is the last run's; the charts are drawn."""

import shutil
import unittest

from support import BenchTest, work

from frame import charts
from frame.model import Bar
from frame.page import BEGIN, END


@unittest.skipUnless(shutil.which("gnuplot"), "gnuplot draws, and is not here")
class Page(BenchTest):
    def plot(self, *options: str, works=None) -> str:
        self.driver("bench_it", mayfly=[{"value": 10, "series": [[1, 5], [100, 6]]}],
                    malloc=[{"value": 20, "series": [[1, 5], [100, 60]]}])  # fmt: skip
        one = work(axes=("requests in flight", "ns a request"))
        status, printed, _ = self.bench(*(options or ("--plot", "--rounds", "2")), works=works or [one])
        self.assertEqual(0, status, printed)
        return self.project.page.read_text(encoding="utf-8")

    def setUp(self) -> None:
        super().setUp()
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


class Drawing(unittest.TestCase):
    def test_a_gnuplot_that_fails_says_why(self) -> None:
        if not shutil.which("gnuplot"):
            self.skipTest("gnuplot is not here")
        for script in ("set nonsense\n", "set terminal svg\nplot 1\nset nonsense\n", "print 1\n"):
            with self.assertRaisesRegex(SystemExit, "gnuplot failed"):
                charts.gnuplot(script)


if __name__ == "__main__":
    unittest.main()
