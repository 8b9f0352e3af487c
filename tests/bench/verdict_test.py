"""Medians, the best peer, ratios, spread, and whether a bar holds."""

import unittest

from support import BenchTest, work

from frame.model import Bar


class Verdict(BenchTest):
    def row(self, *arguments: str, **bar_or_work) -> dict:
        status, printed, data = self.bench(*(arguments or ("--rounds", "3")), works=[work(**bar_or_work)])
        self.assertEqual(0, status, printed)
        return data["rows"][0]

    def test_medians_and_not_means_are_compared(self) -> None:
        self.driver("bench_it", mayfly=[10, 90, 11], malloc=[33, 30, 900])
        row = self.row()
        self.assertEqual((11, {"malloc": 33}, 3.0), (row["ours"], row["peers"], row["ratio"]))

    def test_the_best_peer_of_the_bar_is_the_one_with_the_least_median(self) -> None:
        self.driver("bench_it", mayfly=[10], slow=[40], fast=[20], other=[5])
        bars = (Bar(least=1.5, peers=("slow", "fast")), Bar(least=0.4, peers=("other",)))
        _, _, data = self.bench("--rounds", "1", works=[work(peers=("slow", "fast", "other"), bars=bars)])
        self.assertEqual(["fast", "other"], [row["best_peer"] for row in data["rows"]])
        self.assertEqual([2.0, 0.5], [row["ratio"] for row in data["rows"]])
        self.assertEqual({"slow": 40, "fast": 20, "other": 5}, data["rows"][0]["peers"])

    def test_the_spread_is_the_quartiles_of_the_rounds_own_ratios(self) -> None:
        # Ratios 1, 2, 3, 4, 5: both contenders are disturbed in the same rounds, and the ratios show it.
        self.driver("bench_it", mayfly=[10, 20, 10, 30, 10], malloc=[10, 40, 30, 120, 50])
        row = self.row("--rounds", "5")
        self.assertEqual([2.0, 4.0], row["spread"])
        self.assertEqual(40 / 10, row["ratio"])

    def test_one_round_has_no_spread(self) -> None:
        self.driver("bench_it", mayfly=[10], malloc=[25])
        self.assertEqual([2.5, 2.5], self.row("--rounds", "1")["spread"])

    def test_a_bar_holds_at_its_ratio_and_not_below_it(self) -> None:
        self.driver("bench_it", mayfly=[100], malloc=[150], almost=[149])
        bars = (Bar(least=1.5, peers=("malloc",)), Bar(least=1.5, peers=("almost",)))
        status, printed, data = self.bench("--rounds", "1", works=[work(peers=("malloc", "almost"), bars=bars)])
        self.assertEqual([True, False], [row["holds"] for row in data["rows"]])
        self.assertIn("1 of 2 bars hold, 1 do not", printed)
        self.assertEqual(0, status, "a bar that is not held is shown, and no error")

    def test_strict_makes_a_bar_that_is_not_held_an_error(self) -> None:
        self.driver("bench_it", mayfly=[100], malloc=[149])
        self.assertEqual(1, self.bench("--strict", "--rounds", "1", works=[work()])[0])
        self.assertEqual(0, self.bench("--strict", "--rounds", "1", works=[work(bars=(Bar(1.4, ("malloc",)),))])[0])

    def test_a_bar_can_bound_our_own_figure(self) -> None:
        self.driver("bench_it", mayfly=[0], malloc=[7])
        row = self.row(bars=(Bar(most=0),))
        self.assertEqual((0, 0, "most of ours", True, None), tuple(
            row[name] for name in ("ours", "bar", "bar_is", "holds", "ratio")))  # fmt: skip
        self.driver("bench_it", mayfly=[0.001], malloc=[7])
        self.assertIs(False, self.row(bars=(Bar(most=0),))["holds"])

    def test_a_bar_can_bound_how_far_ours_is_above_the_best_peer(self) -> None:
        self.driver("bench_it", mayfly=[1.3], pointer=[1], slower=[1.2])
        peers = ("pointer", "slower")
        row = self.row(peers=peers, bars=(Bar(beyond=0.5, peers=peers, against="a pointer"),))
        self.assertEqual((True, 0.5, "most beyond the best peer", "<= 0.5 ns more than a pointer", "pointer"), tuple(
            row[name] for name in ("holds", "bar", "bar_is", "says", "best_peer")))  # fmt: skip
        self.assertIs(False, self.row(peers=peers, bars=(Bar(beyond=0.25, peers=peers),))["holds"])

    def test_a_figure_that_a_run_would_not_name_is_none_in_that_round(self) -> None:
        self.driver("bench_it", mayfly=[{"value": 1, "p99": None}, {"value": 1, "p99": 4}],
                    malloc=[{"value": 1, "p99": 6}, {"value": 1, "p99": 8}])  # fmt: skip
        row = self.row("--rounds", "2", figure="p99")
        self.assertEqual((4, {"malloc": 7}, [1.75, 1.75]), (row["ours"], row["peers"], row["spread"]))

    def test_where_no_run_named_it_the_table_has_a_dash_and_the_bar_is_open(self) -> None:
        self.driver("bench_it", mayfly=[{"value": 1, "p99": None}], malloc=[{"value": 1, "p99": 6}])
        status, printed, data = self.bench("--rounds", "2", works=[work(figure="p99")])
        self.assertEqual((0, None, None), (status, data["rows"][0]["ours"], data["rows"][0]["holds"]), printed)
        self.assertRegex(printed, r"to run \(ns\) +- +malloc 6 +- +- .*open")

    def test_a_bar_can_be_about_another_of_our_contenders(self) -> None:
        self.driver("bench_it", mayfly=[10], bare=[4], malloc=[20])
        bars = (Bar(least=1.5, peers=("malloc",)), Bar(least=4, peers=("malloc",), ours="bare"))
        _, _, data = self.bench("--rounds", "1", works=[work(peers=("bare", "malloc"), bars=bars)])
        self.assertEqual([2.0, 5.0], [row["ratio"] for row in data["rows"]])
        self.assertEqual({"mayfly": 10, "malloc": 20}, data["rows"][1]["peers"])

    def test_two_works_look_at_two_figures_of_one_run(self) -> None:
        self.driver("bench_it", mayfly=[{"value": 10, "p99": 7}], malloc=[{"value": 20, "p99": 70}])
        works = [work(), work(figure="p99", label="run_p99")]
        _, _, data = self.bench("--rounds", "2", works=works)
        self.assertEqual([2.0, 10.0], [row["ratio"] for row in data["rows"]])
        self.assertEqual(["run/mayfly", "run/malloc"] * 2, self.log("bench_it"))

    def test_a_curve_is_the_median_of_the_rounds_at_each_x(self) -> None:
        rounds = [{"value": 1, "series": [[10, y], [20, 2 * y]]} for y in (5, 6, 100)]
        self.driver("bench_it", mayfly=rounds, malloc=[2])
        _, _, data = self.bench("--rounds", "3", works=[work(axes=("requests", "ns"))])
        self.assertEqual([{"key": "run", "work": "to run", "axes": ["requests", "ns"],
                           "lines": {"mayfly": [[10, 6], [20, 12]]}}], data["curves"])  # fmt: skip

    def test_a_step_of_one_round_is_not_a_step_of_the_curve(self) -> None:
        rounds = [{"value": 9, "series": [[1, 10], [2, 10 + 80 * (at == 2)], [3, 11 + 80 * (at == 3)], [4, 33]]}
                  for at in (2, 3, 4)]  # fmt: skip
        self.driver("bench_it", mayfly=rounds, malloc=[{"value": 1, "series": [[1, 10], [2, 10]]}])
        _, _, data = self.bench("--rounds", "3", works=[work(axes=("requests", "ns"), bars=(Bar(most=2),))])
        row = data["rows"][0]
        self.assertEqual((3.0, {"malloc": 1.0}, False), (row["ours"], row["peers"], row["holds"]))

    def test_curves_are_compared_by_their_steps_and_one_of_a_single_point_is_no_figure(self) -> None:
        self.driver("bench_it", mayfly=[{"value": 1, "series": [[1, 10], [2, 20]]}],
                    malloc=[{"value": 9, "series": [[1, 10], [2, 60]]}], asio=[{"value": 1, "series": [[1, 10]]}])  # fmt: skip
        _, _, data = self.bench("--rounds", "2", works=[work(peers=("malloc", "asio"), axes=("requests", "ns"))])
        row = data["rows"][0]
        self.assertEqual((2.0, {"malloc": 6.0}, 3.0, [3.0, 3.0]), (row["ours"], row["peers"], row["ratio"], row["spread"]))

    def test_the_json_has_what_it_is_read_for(self) -> None:
        self.driver("bench_it", mayfly=[1.0], malloc=[1.8])
        row = self.row("--rounds", "1")
        wanted = {"work": "to run", "unit": "ns", "ours": 1.0, "peers": {"malloc": 1.8}, "best_peer": "malloc",
                  "ratio": 1.8, "spread": [1.8, 1.8], "bar": 1.5, "holds": True}  # fmt: skip
        self.assertEqual(wanted, {name: row[name] for name in wanted})

    def test_the_table_names_work_ours_each_peer_ratio_spread_bar_and_verdict(self) -> None:
        self.driver("bench_it", mayfly=[1234], malloc=[2468], slower=[5000])
        bars = (Bar(least=1.6, peers=("malloc", "slower"), against="best malloc"), Bar(most=2000, says="under 2 us"))
        _, printed, _ = self.bench("--rounds", "1", works=[work(peers=("malloc", "slower"), bars=bars)])
        lines = printed.splitlines()
        self.assertRegex(lines[0], r"^work +ours +best peer +ratio +spread +bar +holds$")
        self.assertRegex(
            lines[2], r"^to run \(ns\) +1,234 +malloc 2,468 +2\.00 +2\.00 to 2\.00 +>= 1\.60 x best malloc +yes$"
        )
        self.assertRegex(lines[3], r"^ +1,234 +- +- +- +under 2 us +yes$")
        self.assertEqual("    peers: malloc 2,468, slower 5,000", lines[4])

    def test_a_long_name_is_cut_in_the_table_and_whole_in_the_json(self) -> None:
        self.driver("bench_it", mayfly=[1], malloc=[2])
        key = "count " + "and count " * 9
        _, printed, data = self.bench("--rounds", "1", works=[work(key)])
        self.assertRegex(printed.splitlines()[2], r"^to count and count .{20,50} \.\.\.  ")
        self.assertEqual(f"to {key}", data["rows"][0]["work"])


if __name__ == "__main__":
    unittest.main()
