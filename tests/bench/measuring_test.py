"""How contenders are run: in turns, each in its own environment; who is missing is named, who fails is told of."""

import os
import unittest
from unittest import mock

from support import BenchTest, work

from frame import contestant, rounds
from frame.model import MALLOCS, Bar, Malloc, Part, Work, driver, faults, mallocs, micro, names, under

BENCHMARK = """#!/bin/sh
if [ "$1" = --benchmark_list_tests=true ]; then printf '%s\\n' run/mayfly/real_time/threads:2 run/pmr run/broken; exit; fi
echo "$1" >>"$0.log"
case "$1" in
*run/mayfly*) echo '{"benchmarks": [{"real_time": 2.5, "cpu_time": 1, "time_unit": "us"}]}' ;;
*run/pmr*) echo '{"benchmarks": [{"real_time": 5000, "cpu_time": 1, "time_unit": "ns"}]}' ;;
*run/broken*) echo '{"benchmarks": [{"error_occurred": true, "error_message": "the bytes are wrong"}]}' ;;
esac
"""


def micro_work(*peers, bars=()) -> Work:
    contenders = (micro("bench_micro", "mayfly"), *peers)
    return Work("run", "to run", "ns", "mayfly", contenders, bars or (Bar(least=1.5, peers=names(peers)),))


class Rounds(BenchTest):
    def test_contenders_take_turns(self) -> None:
        self.driver("bench_it", mayfly=[1], one=[2], two=[3])
        self.bench("--rounds", "3", works=[work(peers=("one", "two"))])
        self.assertEqual(["run/mayfly", "run/one", "run/two"] * 3, self.log("bench_it"))

    def test_works_take_turns_too(self) -> None:
        self.driver("bench_it", mayfly=[1], malloc=[2])
        self.bench("--rounds", "2", works=[work("one"), work("two")])
        self.assertEqual(["one/mayfly", "one/malloc", "two/mayfly", "two/malloc"] * 2, self.log("bench_it"))

    def test_quick_has_three_rounds_and_a_full_run_nine(self) -> None:
        self.driver("bench_it", mayfly=[1], malloc=[2])
        self.assertEqual(3, self.bench("--quick", works=[work()])[2]["rounds"])
        self.assertEqual(9, self.bench(works=[work()])[2]["rounds"])

    def test_all_rounds_together_stay_within_the_budget(self) -> None:
        # A run that takes three times as long as it is asked to, on a clock that only runs move.
        clock, asked = [0.0], []

        def run(_stage, _run, seconds, _more):
            asked.append(seconds)
            clock[0] += 3 * seconds
            return {"value": 1.0}

        with mock.patch.object(rounds.time, "monotonic", lambda: clock[0]):
            self.measured_with(run, rounds.Pace(budget=30, rounds=9), [work(), work("long", weight=4)])
        self.assertEqual(9 * 4, len(asked))
        self.assertGreater(clock[0], 27)
        self.assertLess(clock[0], 31.5)
        self.assertAlmostEqual(4.0, asked[2] / asked[0])

    def test_rounds_that_no_budget_can_pay_are_left_out_but_for_three(self) -> None:
        clock = [0.0]

        def run(*_):
            clock[0] += 10
            return {"value": 1.0}

        with mock.patch.object(rounds.time, "monotonic", lambda: clock[0]):
            results = self.measured_with(run, rounds.Pace(budget=20, rounds=9), [work()])
        self.assertEqual(3, results.rounds)

    def test_what_runs_once_does_so_in_the_first_round_and_costs_the_later_ones_nothing(self) -> None:
        clock, asked = [0.0], []

        def run(_stage, run, seconds, _more):
            clock[0] += 10 if run.key == "long" else seconds
            asked.append((run.key, seconds))
            return {"value": 1.0}

        with mock.patch.object(rounds.time, "monotonic", lambda: clock[0]):
            pace = rounds.Pace(budget=30, rounds=5)
            self.measured_with(run, pace, [work(), work("long", ours="mayfly", peers=("malloc",), once=True)])
        self.assertEqual(["run"] * 2 + ["long"] * 2 + ["run"] * 8, [key for key, _ in asked])
        self.assertEqual(1.0, asked[4][1], "the second round is as long as may be, and not cut by what ran once")

    def test_an_option_follows_from_what_another_work_gave_in_the_same_round(self) -> None:
        rates = {"mayfly": [{"value": 1, "rate": 100}, {"value": 1, "rate": 900}],
                 "malloc": [{"value": 1, "rate": 400}, {"value": 1, "rate": 200}]}  # fmt: skip
        self.driver("bench_it", **rates)
        self.program("bench_same", '#!/bin/sh\necho "$4 $7 $8" >>"$0.log"; echo \'{"value": 5}\'\n')
        contenders = tuple(driver("bench_same", name) for name in ("mayfly", "malloc"))
        same = Work("same", "at one rate", "us", "mayfly", contenders, (Bar(1, ("malloc",)),),
                    given=Part(0.5, "bench_it", "run", "rate", "--rate"))  # fmt: skip
        self.program("bench_other", '#!/bin/sh\necho "$4" >>"$0.log"; echo \'{"value": 5, "rate": 1}\'\n')
        alike = Work("run", "of another program", "us", "mayfly", (driver("bench_other", "mayfly"),), (Bar(most=1),),
                     label="alike")  # fmt: skip
        status, printed, _ = self.bench("--rounds", "2", "--only", "same|alike", works=[alike, work(), same])
        self.assertEqual(0, status, printed)
        self.assertEqual(["mayfly --rate 50.000", "malloc --rate 50.000", "mayfly --rate 100.000",
                          "malloc --rate 100.000"], self.log("bench_same"))  # fmt: skip

    def test_without_that_figure_it_fails_and_says_so(self) -> None:
        self.driver("bench_it", mayfly="exit 1", malloc="exit 1")
        same = work("same", given=Part(0.5, "bench_it", "run", "rate", "--rate"))
        status, printed, _ = self.bench("--rounds", "1", works=[work(), same])
        self.assertEqual(1, status)
        self.assertIn("FAILED: same/mayfly: no contender of run gave a figure rate", printed)

    def measured_with(self, run, pace, works) -> rounds.Results:
        self.driver("bench_it")
        results = rounds.Results()
        with mock.patch.object(contestant.Stage, "run", run):
            rounds.measure(contestant.Stage(self.project.programs), works, pace, lambda *_: None, results)
        return results


class Environment(BenchTest):
    def test_each_malloc_is_preloaded_into_its_own_runs(self) -> None:
        self.driver("bench_it", mayfly=[1], malloc=[2])
        library = self.folder / "libodd.so.1"
        library.write_text("")
        with mock.patch.dict(MALLOCS, {"odd": Malloc("libodd.so.1", "libodd1")}):
            peers = tuple(under(name, driver("bench_it", "malloc")) for name in ("glibc", "odd"))
        both = Work("run", "to run", "ns", "mayfly", (driver("bench_it", "mayfly"), *peers), (Bar(1, names(peers)),))
        with mock.patch.object(contestant, "LIBRARY_FOLDERS", (f"{self.folder}/",)):
            self.bench("--rounds", "1", works=[both])
        self.assertEqual(["run/mayfly", "run/malloc", f"run/malloc {library}"], self.log("bench_it"))

    def test_what_the_caller_preloads_reaches_no_contender(self) -> None:
        self.driver("bench_it", mayfly=[1], malloc=[2])
        with mock.patch.dict(os.environ, {"LD_PRELOAD": "/their/lib.so", "MALLOC_ARENA_MAX": "1"}):
            self.bench("--rounds", "1", works=[work()])
        self.assertEqual(["run/mayfly", "run/malloc"], self.log("bench_it"))

    def test_a_library_that_the_loader_refuses_is_no_peer(self) -> None:
        refusal = "echo 'ERROR: ld.so: object libx.so cannot be preloaded: ignored.' >&2; echo '{\"value\": 2}'"
        self.driver("bench_it", mayfly=[1], malloc=refusal)
        status, printed, _ = self.bench("--rounds", "1", works=[work()])
        self.assertEqual(1, status)
        self.assertIn("FAILED: run/malloc: ERROR: ld.so: object libx.so cannot be preloaded", printed)


class Micro(BenchTest):
    def setUp(self) -> None:
        super().setUp()
        self.program("bench_micro", BENCHMARK)

    def test_the_figure_is_the_real_time_in_nanoseconds(self) -> None:
        status, printed, data = self.bench("--rounds", "1", works=[micro_work(micro("bench_micro", "pmr"))])
        self.assertEqual((0, 2500.0, 2.0), (status, data["rows"][0]["ours"], data["rows"][0]["ratio"]), printed)

    def test_a_benchmark_that_reports_an_error_has_failed(self) -> None:
        status, printed, _ = self.bench("--rounds", "1", works=[micro_work(micro("bench_micro", "broken"))])
        self.assertEqual(1, status)
        self.assertIn("FAILED: run/broken: the bytes are wrong", printed)

    def test_a_benchmark_left_out_for_want_of_its_library_is_named(self) -> None:
        peers = (micro("bench_micro", "pmr"), micro("bench_micro", "apr", needs="libapr1-dev"))
        status, printed, data = self.bench("--rounds", "1", works=[micro_work(*peers)])
        self.assertEqual((0, {"apr": "libapr1-dev"}, {"pmr": 5000}), (
            status, data["missing"], data["rows"][0]["peers"]), printed)  # fmt: skip
        self.assertIn("not here: apr (libapr1-dev)\n", printed)

    def test_a_benchmark_that_nobody_has_is_a_failure(self) -> None:
        status, printed, _ = self.bench("--rounds", "1", works=[micro_work(micro("bench_micro", "pmrr"))])
        self.assertEqual(1, status)
        self.assertIn("FAILED: run/pmrr: bench_micro has no benchmark run/pmrr", printed)


class WhoIsMissing(BenchTest):
    def test_a_malloc_that_is_not_installed_is_named_with_its_package(self) -> None:
        self.driver("bench_it", mayfly=[1], malloc=[2])
        peers = mallocs(driver("bench_it", "malloc"), "pool + {}")
        one = Work("run", "to run", "ns", "mayfly", (driver("bench_it", "mayfly"), *peers), (Bar(1, names(peers)),))
        with mock.patch.object(contestant, "LIBRARY_FOLDERS", (f"{self.folder}/",)):
            status, printed, data = self.bench("--rounds", "1", works=[one])
        self.assertEqual((0, {"pool + glibc": 2}), (status, data["rows"][0]["peers"]))
        self.assertIn("not here: pool + jemalloc (libjemalloc2)\n", printed)
        self.assertEqual(4, len(data["missing"]))

    def test_a_program_that_is_not_built_for_want_of_its_library_is_named(self) -> None:
        self.driver("bench_it", mayfly=[1], malloc=[2])
        peers = (driver("bench_it", "malloc"), driver("bench_rust", "bumpalo", needs="cargo, librust-bumpalo-dev"))
        one = Work("run", "to run", "ns", "mayfly", (driver("bench_it", "mayfly"), *peers), (Bar(1, names(peers)),))
        self.project.not_built = frozenset({"bench_rust"})
        status, printed, _ = self.bench("--rounds", "1", works=[one])
        self.assertEqual(0, status)
        self.assertIn("not here: bumpalo (cargo, librust-bumpalo-dev)\n", printed)

    def test_a_program_that_says_what_it_lacks_is_named_with_it(self) -> None:
        self.driver("bench_it", mayfly=[1], malloc=[2], perf="echo 'perf_event_paranoid is 3' >&2; exit 77")
        status, printed, _ = self.bench("--rounds", "2", works=[work(peers=("malloc", "perf"))])
        self.assertEqual(0, status)
        self.assertIn("not here: perf (perf_event_paranoid is 3)\n", printed)

    def test_a_bar_none_of_whose_peers_is_here_is_open_and_does_not_hold(self) -> None:
        self.driver("bench_it", mayfly=[1], malloc="echo 'no luck' >&2; exit 77")
        status, printed, data = self.bench("--rounds", "1", works=[work()])
        self.assertEqual((0, None, None), (status, data["rows"][0]["ratio"], data["rows"][0]["holds"]))
        self.assertIn("0 of 1 bars hold, 1 open", printed)
        self.assertEqual(1, self.bench("--strict", "--rounds", "1", works=[work()])[0])


class WhoFails(BenchTest):
    def failing(self, malloc: str, expected: str) -> dict:
        self.driver("bench_it", mayfly=[1], malloc=malloc, other=[3])
        bars = (Bar(least=1, peers=("malloc", "other")),)
        status, printed, data = self.bench("--rounds", "3", works=[work(peers=("malloc", "other"), bars=bars)])
        self.assertEqual(1, status)
        self.assertIn(f"FAILED: run/malloc: {expected}", printed)
        self.assertEqual({"other": 3}, data["rows"][0]["peers"], "the others go on")
        self.assertEqual(1, self.log("bench_it").count("run/malloc"), "it does not run again")
        return data

    def test_an_exit_status_ends_red_with_what_was_said(self) -> None:
        data = self.failing("echo 'checksum 7, wanted 9' >&2; exit 1", "exit status 1: checksum 7, wanted 9\n")
        self.assertEqual({"run/malloc": "exit status 1: checksum 7, wanted 9"}, data["failed"])

    def test_a_signal_is_called_by_its_name(self) -> None:
        self.failing("kill -SEGV $$", "killed by SIGSEGV: it said nothing\n")

    def test_a_line_that_is_no_json_is_no_figure(self) -> None:
        self.failing("echo '12 ns'", "the last line of bench_it is no JSON object with a value: 12 ns\n")

    def test_a_hang_is_ended(self) -> None:
        with mock.patch.object(contestant, "limit", lambda _: 1.0):
            self.failing("sleep 60", "no end within 1 s\n")

    def test_a_figure_that_a_work_is_about_has_to_be_printed(self) -> None:
        self.driver("bench_it", mayfly=[{"value": 1, "p99": 2}], malloc=[{"value": 3}])
        status, printed, _ = self.bench("--rounds", "1", works=[work(figure="p99")])
        self.assertEqual(1, status)
        self.assertIn("FAILED: run/malloc: bench_it printed no figure p99\n", printed)

    def test_who_fails_in_a_later_round_is_no_peer_either(self) -> None:
        self.driver("bench_it", mayfly=[10], malloc='[ "$n" = 0 ] || exit 3; echo \'{"value": 5}\'', other=[30])
        bars = (Bar(least=1, peers=("malloc", "other")),)
        status, _, data = self.bench("--rounds", "3", works=[work(peers=("malloc", "other"), bars=bars)])
        self.assertEqual((1, 3.0), (status, data["rows"][0]["ratio"]))


class Choice(BenchTest):
    def test_only_some_works(self) -> None:
        self.driver("bench_it", mayfly=[1], malloc=[2])
        _, _, data = self.bench("--only", "^tw", "--rounds", "1", works=[work("one"), work("two")])
        self.assertEqual(["two"], [row["key"] for row in data["rows"]])
        self.assertEqual(["bench_it"] * 1, self.project.asked_for)

    def test_no_work_of_that_name(self) -> None:
        status, printed, _ = self.bench("--only", "three", works=[work("one")])
        self.assertEqual(1, status)
        self.assertIn("no work matches three", printed)

    def test_the_list_runs_nothing(self) -> None:
        status, printed, data = self.bench("--list", works=[work()])
        self.assertEqual((0, {}), (status, data))
        self.assertEqual("run: to run (ns)\n    ours mayfly; mayfly, malloc\n", printed)


class ListsOfWorks(unittest.TestCase):
    def test_the_project_s_own_list_is_sound(self) -> None:
        from works import WORKS

        self.assertEqual([], list(faults(WORKS)))

    def test_each_fault_is_found(self) -> None:
        here = work()
        of_a_bar = "a bar has either `least` or `beyond`, and peers, or `most`"
        for wrong, what in (
            ((here, here), "two works are called run"),
            ((work(peers=("malloc", "malloc")),), "run: two contenders are called malloc"),
            ((work(bars=(Bar(1, ("nobody",)),)),), "run: no contender is called nobody"),
            ((work(bars=(Bar(1, ("malloc",), ours="us"),)),), "run: no contender is called us"),
            ((work(bars=(Bar(),)),), f"run: {of_a_bar}"),
            ((work(bars=(Bar(1, ("malloc",), most=1),)),), f"run: {of_a_bar}"),
            ((work(bars=(Bar(1),)),), f"run: {of_a_bar}"),
            ((work(bars=(Bar(beyond=1),)),), f"run: {of_a_bar}"),
            ((work(bars=(Bar(1, ("malloc",), beyond=1),)),), f"run: {of_a_bar}"),
            ((Work("run", "", "ns", "a", (driver("p", "a"),), ()),), "run: no bar"),
            ((work(axes=("n", "ns"), figure="rate"),), "run: has axes, so its figure is its curve's, and names another one"),
            ((work(given=Part(1, "bench_it", "other", "rate", "--rate")),), "run: no work other of bench_it comes before it"),
        ):
            self.assertEqual([what], list(faults(wrong)))


if __name__ == "__main__":
    unittest.main()
