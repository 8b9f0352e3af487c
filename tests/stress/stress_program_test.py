"""Runs the built program as its users do:

stress_program_test.py PATH-OF-MAYFLY-STRESS FOLDER-OF-PLUGINS SANITIZERS CANARIES(ON|OFF) [unittest arguments]."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import unittest

STRESS, PLUGINS, SANITIZERS, CANARIES = (sys.argv.pop(1) for _ in range(4)) if len(sys.argv) > 4 else ("",) * 4
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background may have been told to ignore it


def stress(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run([STRESS, "stress", *arguments], capture_output=True, text=True, timeout=100, check=False)


class Runs(unittest.TestCase):
    def test_six_seconds_of_everything_are_clean_and_say_what_they_did(self):
        faults = "pages,cancel,throw,slow,epochs,budget"
        end = stress("--seed", "7", "--duration", "6s", "--mix", "default", "--faults", faults, "--json")
        self.assertEqual((end.returncode, end.stderr), (0, ""))
        did = json.loads(end.stdout)
        self.assertEqual((did["verdict"], did["violations"], did["found"]), ("clean", 0, []))
        self.assertEqual(did["accepted"], did["completed"])
        self.assertEqual(did["begun"], did["accepted"] + did["given_up"])
        self.assertEqual(sum(did["kinds"].values()), did["accepted"])
        self.assertEqual(sum(did["outcomes"].values()), did["accepted"])
        for kind, count in did["kinds"].items():
            self.assertEqual(count > 0, kind != "plugin", kind)
        for fault, count in did["faults"].items():
            self.assertGreater(count, 0, fault)
        self.assertGreater(did["scopes"]["ended_ids_probed"], 0)
        self.assertLessEqual(did["pages"]["peak_bytes"], 4 << 20)
        places = did["memory_account"]
        self.assertEqual(places["pages_in_use"]["pieces"] + places["blocks_in_use"]["pieces"], 0)
        idle = [places[name]["bytes"] for name in ("magazines", "depot", "cached_blocks")]
        self.assertLessEqual(sum(idle), did["pages"]["peak_bytes"], places)
        self.assertGreater(sum(idle) + places["returned"]["bytes"], 0, places)
        self.assertGreater(did["returned_bytes"], 0)

    def test_the_same_seed_makes_the_same_choices_and_the_repeat_command_says_how(self):
        first = json.loads(stress("--seed", "9", "--requests", "300", "--faults", "throw", "--json").stdout)
        words = shlex.split(first["repeat"])
        self.assertEqual(words[:2], ["mayfly-stress", "stress"])
        again = json.loads(stress(*words[2:], "--json").stdout)
        self.assertEqual(first["choices_digest"], again["choices_digest"])
        self.assertEqual(first["repeat"], again["repeat"])
        other = json.loads(stress("--seed", "10", "--requests", "300", "--faults", "throw", "--json").stdout)
        self.assertNotEqual(first["choices_digest"], other["choices_digest"])

    def test_the_table_ends_with_a_verdict(self):
        end = stress("--seed", "3", "--requests", "200")
        self.assertEqual((end.returncode, end.stderr), (0, ""))
        self.assertRegex(end.stdout, r"(?m)^  kinds +\d+ small,")
        self.assertRegex(end.stdout.splitlines()[-1], r"^verdict: clean, [\d,]+ requests and no violation$")

    def test_quiet_leaves_the_verdict(self):
        end = stress("--seed", "3", "--requests", "50", "--quiet")
        self.assertEqual(len(end.stdout.splitlines()), 1)

    def test_a_progress_line_is_shown_and_wiped_away(self):
        end = subprocess.run([STRESS, "stress", "--duration", "300ms", "--progress", "always", "--quiet"],
                             capture_output=True, timeout=100, check=True)
        self.assertRegex(end.stderr, rb"\r\d+ ms of 300 ms, [\d,]+ requests, [\d,]+/s, 0 violations\x1b\[K")
        self.assertTrue(end.stderr.endswith(b"\r\x1b[K"))

    def test_ctrl_c_ends_it_with_a_verdict(self):
        run = subprocess.Popen([STRESS, "stress", "--seed", "3", "--duration", "60s", "--progress", "always"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        run.stderr.read(1)  # it runs, and shows it
        run.send_signal(signal.SIGINT)
        out, _ = run.communicate(timeout=60)
        self.assertEqual(run.returncode, 130)
        self.assertIn("stopped early", out)
        self.assertIn("verdict: clean", out)


class Trouble(unittest.TestCase):
    @unittest.skipIf("address" in SANITIZERS, "AddressSanitizer would see it first")
    def test_a_byte_that_somebody_wrote_over_is_a_violation_that_its_command_repeats(self):
        end = stress("--seed", "7", "--requests", "60", "--faults", "none", "--plugin", f"{PLUGINS}/scribbling_plugin.so")
        self.assertEqual(end.returncode, 1)
        self.assertRegex(end.stderr, r"VIOLATION \(seed 7, request \d+\)\n  expected: the .*\n  seen:     .+\n")
        self.assertRegex(end.stdout, r"verdict: WRONG, \d+ violations? in ")
        repeat = re.search(r"^repeat with: mayfly-stress (stress .*)$", end.stderr, re.MULTILINE)[1]
        again = subprocess.run([STRESS, *shlex.split(repeat), "--json"], capture_output=True, timeout=100, check=False)
        self.assertEqual(again.returncode, 1)
        found = json.loads(again.stdout)
        self.assertEqual(found["verdict"], "wrong")
        self.assertGreaterEqual(found["found"][0]["request"], 20)

    @unittest.skipUnless(CANARIES == "ON" and "address" not in SANITIZERS, "without canaries nobody can tell")
    def test_a_byte_beyond_an_allocation_is_a_violation(self):
        end = stress("--seed", "7", "--requests", "3", "--faults", "none", "--plugin", f"{PLUGINS}/overrunning_plugin.so")
        self.assertEqual(end.returncode, 1)
        self.assertRegex(end.stderr, r"MF-E32: .*route=\"plugin\"")
        self.assertRegex(end.stderr, r"VIOLATION.*\n  expected: nothing written beyond an allocation\n  seen:     3 over")

    def test_an_input_that_its_handler_wrote_over_is_a_violation(self):
        end = stress("--seed", "7", "--requests", "5", "--faults", "none", "--plugin", f"{PLUGINS}/spoiling_plugin.so")
        self.assertEqual(end.returncode, 1)
        self.assertRegex(end.stderr, r"VIOLATION \(seed 7, request \d+\)\n  expected: its input as it was given")

    def test_the_watchdog_says_who_hangs_where(self):
        end = stress("--seed", "7", "--watchdog", "1s", "--faults", "none", "--plugin", f"{PLUGINS}/hanging_plugin.so")
        self.assertEqual(end.returncode, 4)
        self.assertIn("nothing got done for 1.00 s", end.stderr)
        runner = re.search(r"scope \d+\.\d+ route plugin, running, .* old, on thread (\d+)", end.stderr)
        self.assertTrue(runner, end.stderr)
        stack = end.stderr.split(f"thread {runner[1]} stress-")[1].split("\nthread ")[0]
        self.assertIn("hang_for_ever", stack)
        self.assertIn("run_steps", stack)
        self.assertRegex(end.stderr, r"repeat with: mayfly-stress stress --seed 7 --requests \d+ --mix plugin ")
        self.assertTrue(end.stderr.endswith("verdict: STALLED\n"))

    @unittest.skipIf(SANITIZERS, "a sanitizer has a heap of its own")
    def test_the_watchdog_ends_a_run_that_stalls_inside_the_heap(self):
        plugin = f"{PLUGINS}/starving_plugin.so"
        end = subprocess.run([STRESS, "stress", "--seed", "7", "--watchdog", "1s", "--faults", "none", "--plugin", plugin],
                             env={**os.environ, "LD_PRELOAD": plugin}, capture_output=True, text=True, timeout=100,
                             check=False)  # fmt: skip
        self.assertEqual(end.returncode, 4, end.stderr)
        self.assertIn("nothing got done for 1.00 s, and the report of it does not get on", end.stderr)
        self.assertRegex(end.stderr, r"repeat with: mayfly-stress stress --seed 7 --requests [1-9]\d* --mix plugin ")
        self.assertIn("\nverdict: STALLED\n", end.stderr)

    def test_a_plugin_that_is_none_is_refused_with_cause_and_remedy(self):
        for name, words in (
            ("empty_plugin", "has no MAYFLY_PLUGIN"),
            ("other_version_plugin", "built for version 3"),
            ("no_such_plugin", "there is no such file"),
            ("twins_plugin", "two handlers twin"),
            ("silent_plugin", "registers no handler"),
        ):
            end = stress("--plugin", f"{PLUGINS}/{name}.so")
            self.assertEqual((end.returncode, end.stdout), (2, ""), name)
            self.assertIn(words, end.stderr)


class Nonsense(unittest.TestCase):
    def test_is_refused_with_cause_and_remedy(self):
        for arguments, words in (
            (["--seed", "x"], "--seed: 'x' is not a whole number"),
            (["--mix", "smal=1"], "knows no kind of request 'smal'"),
            (["--faults", "fire"], "knows no fault 'fire'"),
            (["--duration", "1s", "--requests", "1"], "say one of them"),
        ):
            end = stress(*arguments)
            self.assertEqual((end.returncode, end.stdout), (2, ""), arguments)
            self.assertIn(words, end.stderr)
            self.assertIn("mayfly-stress stress --help", end.stderr)

    def test_help_teaches(self):
        end = stress("--help")
        self.assertEqual(end.returncode, 0)
        for word in ("--seed", "--watchdog", "Examples:", "Exit status:", "digest"):
            self.assertIn(word, end.stdout)
        for example in re.findall(r"^  mayfly-stress (stress .*)$", end.stdout, re.MULTILINE):
            if "--plugin" in example:
                continue
            told = subprocess.run([STRESS, *shlex.split(example), "--help"], capture_output=True, timeout=100, check=False)
            self.assertEqual(told.returncode, 0, example)


if __name__ == "__main__":
    unittest.main()
