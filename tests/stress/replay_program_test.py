"""Records, replays and tunes with the built programs as their users do: replay_program_test.py PATH-OF-MAYFLY-STRESS
PATH-OF-MAYFLY [unittest arguments]."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
import unittest
from pathlib import Path

STRESS, MAYFLY = (sys.argv.pop(1) for _ in range(2)) if len(sys.argv) > 2 else ("", "")
POOR = ("--page-sizes", "4KiB,8KiB,16KiB", "--magazines", "1,1,1", "--first-page", "4KiB", "--idle-cap", "0")


def run(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run([STRESS, *arguments], capture_output=True, text=True, timeout=100, check=False)


class Replay(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.trace = str(Path(cls.folder.name) / "mix.mft")
        cls.recorded = run("record", cls.trace, "--seed", "7", "--requests", "2000", "--mix", "small=3,large=1,oversize=1")

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def figures(self, *arguments: str) -> dict:
        end = run("replay", self.trace, "--json", *arguments)
        self.assertEqual((end.returncode, end.stderr), (0, ""))
        return json.loads(end.stdout)

    def test_a_recording_says_what_it_wrote(self):
        self.assertEqual((self.recorded.returncode, self.recorded.stderr), (0, ""))
        self.assertIn("faults none", self.recorded.stdout)
        self.assertRegex(self.recorded.stdout, r"trace +\S+mix.mft: [0-9]+ requests, [0-9]+ allocations in")
        self.assertNotIn("DROPPED", self.recorded.stdout)

    def test_every_allocation_is_played_again_in_a_model_and_for_real(self):
        model = self.figures("--simulate", "--threads", "1")
        real = self.figures("--threads", "1")
        self.assertGreater(model["allocations"], 10_000)
        for key in ("requests", "arenas", "allocations", "pages", "reserved_bytes", "handed_out_bytes", "blocks_from_os"):
            self.assertEqual(model[key], real[key], key)
        self.assertGreater(real["peak_resident_bytes"], 0)

    def test_settings_are_taken(self):
        usual = self.figures("--simulate")
        other = self.figures("--simulate", "--page-sizes", "32KiB,128KiB,1MiB", "--magazines", "1,1,1",
                             "--first-page", "128KiB", "--idle-cap", "0", "--idle-floor", "0", "--epoch", "100ms")
        self.assertEqual(list(usual["pages"]), ["16384", "65536", "262144"])
        self.assertEqual(list(other["pages"]), ["32768", "131072", "1048576"])
        self.assertEqual(other["pages"]["32768"]["taken"], 0)
        self.assertGreater(self.figures("--simulate", "--max", "1MiB")["refused"], 0)

    def test_the_table_says_the_same(self):
        end = run("replay", self.trace, "--simulate", "--threads", "3")
        self.assertEqual(end.returncode, 0)
        for word in ("simulated, threads: 3", "magazines from the depot", "wasted", "committed"):
            self.assertIn(word, end.stdout)
        end = run("replay", self.trace)
        for word in ("at full speed", "arena's time", "page faults"):
            self.assertIn(word, end.stdout)

    def test_what_cannot_be_played_is_refused_with_cause(self):
        whole = Path(self.trace).read_bytes()
        cut = Path(self.folder.name) / "cut.mft"
        cut.write_bytes(whole[:-20])
        for arguments, words in (
            ((str(cut),), "cut.mft: ends in the middle of"),
            (("/dev/null",), "is no trace of mayfly"),
            (("/no/such.mft",), "cannot be read: No such file"),
            ((self.trace, "--first-page", "5KiB"), "is none of the page sizes"),
            ((self.trace, "--page-sizes", "1KiB,2KiB,4KiB"), "must be a power of two from 4 KiB"),
            ((self.trace, "--page-sizes", "16KiB"), "are not three sizes"),
            ((self.trace, "--simulate", "--real-time"), "--real-time"),
        ):
            end = run("replay", *arguments)
            self.assertEqual((end.returncode, end.stdout), (2, ""), arguments)
            self.assertIn(words, end.stderr)

    def test_tuning_gives_a_table_a_configuration_and_a_page(self):
        out, page = (str(Path(self.folder.name) / name) for name in ("mayfly.toml", "tune.html"))
        end = run("tune", self.trace, "--points", "32", "--rounds", "5", "--out", out, "--report", page)
        self.assertEqual((end.returncode, end.stderr), (0, ""))
        for word in ("requests' memory a second", "memory's part of a request", "ns an allocation", "p99", "resident, peak",
                     "resident, mean", "pages from the OS", "page faults"):
            self.assertIn(word, end.stdout)
        self.assertRegex(end.stdout, "Better: .* fresh rounds|today's settings are best")
        self.assertRegex(end.stdout, r"modelled: [1-9][0-9.]* million allocations in [0-9.]+ s")
        said = tomllib.loads(Path(out).read_text())
        self.assertEqual(list(said), ["page-sizes", "magazines", "first-page", "page-growth", "largest-in-page",
                                      "idle-floor", "idle-cap", "idle-epochs", "block-cache", "return-by", "huge-pages"])
        text = Path(page).read_text()
        self.assertIn("prefers-color-scheme: dark", text)
        self.assertNotIn("http", text, "it opens without a network")
        self.assertEqual(text.count("<svg"), text.count("</svg>"))
        end = run("tune", self.trace, "--points", "16", "--max-rss", "4KiB")
        self.assertIn("say a larger --max-rss", end.stdout)

    def test_what_tuning_wrote_is_what_a_run_goes_by(self):
        """The run's own recording says what was in force: every setting that the file has."""
        few, out, again = (str(Path(self.folder.name) / name) for name in ("few.mft", "round.toml", "round.mft"))
        run("record", few, "--seed", "7", "--requests", "50", "--mix", "small")
        end = run("tune", few, *POOR, "--idle-epochs", "7", "--idle-floor", "1MiB", "--page-growth", "200",
                  "--largest-in-page", "5KiB", "--epoch", "300ms", "--points", "16", "--rounds", "5", "--out", out)
        self.assertEqual((end.returncode, end.stderr), (0, ""))
        said = tomllib.loads(Path(out).read_text())
        end = subprocess.run([MAYFLY, "run", "--config", out, "--handler", "canonicalize", "--out", "/dev/null",
                              "--quiet", "--record", again], input='{"a": [1, 2, 3]}\n' * 50, capture_output=True,
                             text=True, timeout=100, check=False)
        self.assertEqual((end.returncode, end.stderr), (0, ""))
        content = Path(again).read_bytes()
        start = content.index(b'{"program"')
        ran = json.JSONDecoder().raw_decode(content[start:].decode("latin-1"))[0]
        sizes = [int(each) for each in said["page-sizes"].split(",")]
        self.assertEqual(ran["class_bytes"], sizes)
        self.assertEqual(ran["magazine_pages"], [int(each) for each in said["magazines"].split(",")])
        first = said["first-page"]
        self.assertEqual(ran.get("first_class"), None if first == "adaptive" else sizes.index(int(first)))
        for key, of_run in (("page-growth", "growth_percent"), ("largest-in-page", "largest_in_page_bytes"),
                            ("idle-floor", "idle_floor_bytes"), ("idle-cap", "idle_cap_bytes"),
                            ("idle-epochs", "idle_epochs"), ("block-cache", "block_cache_bytes")):
            self.assertEqual(ran[of_run], int(said[key]), key)
        self.assertEqual((said["return-by"], ran["return_by"]), ("dontneed", 0))
        self.assertEqual((said["trim-interval"], ran["epoch_ns"]), ("300ms", 300_000_000))

    def interrupted(self, begun, *arguments: str) -> tuple[str, dict, str]:
        """`tune` is told to end by Ctrl-C once `begun` says so of its process's number."""
        out = str(Path(self.folder.name) / "interrupted.toml")
        command = [STRESS, "tune", self.trace, *POOR, "--out", out, *arguments]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as tuning:
            end = time.monotonic() + 100
            while not begun(tuning.pid):
                self.assertIsNone(tuning.poll(), "it is still at it")
                self.assertLess(time.monotonic(), end)
                time.sleep(0.02)
            time.sleep(0.5)
            tuning.send_signal(signal.SIGINT)
            stdout, stderr = tuning.communicate(timeout=60)
        self.assertEqual((tuning.returncode, stderr), (130, ""))
        text = Path(out).read_text()
        return stdout, tomllib.loads(text), text

    @staticmethod
    def searches(process: int) -> bool:
        """It has worked for two seconds, however long that took: the trace is read, and today's settings are tried."""
        after_name = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        return int(after_name[11]) >= 2 * os.sysconf("SC_CLK_TCK")

    def test_interrupted_in_the_search_it_gives_the_best_of_the_model(self):
        table, said, text = self.interrupted(self.searches, "--points", "100000")
        self.assertIn("NOT measured", table)
        self.assertIn("NOT measured", text)
        self.assertNotEqual((said["page-sizes"], said["magazines"]), ("4096,8192,16384", "1,1,1"))

    def test_interrupted_in_the_finals_it_gives_the_best_of_the_rounds(self):
        def plays(process: int) -> bool:  # the search has no threads
            return len(list(Path(f"/proc/{process}/task").iterdir())) > 3

        table, said, text = self.interrupted(plays, "--points", "8", "--rounds", "1000", "--threads", "3")
        self.assertIn("Stopped", table)
        self.assertRegex(text, "of the rounds so far, which may be noise|NOT measured|the same settings")
        self.assertIn("page-sizes", said)

    def test_what_cannot_be_written_or_must_not_is_said_before_the_search(self):
        trace = Path(self.folder.name) / "kept.mft"
        run("record", str(trace), "--requests", "50")
        before = trace.read_bytes()
        report = str(trace.with_name("page.html"))
        for arguments, why in (
            (("--out", str(trace)), "--out would overwrite the trace"),
            (("--report", str(trace)), "--report would overwrite the trace"),
            (("--out", report, "--report", report), "--out and --report are the same file"),
            (("--out", "/no/such/folder/x.toml"), "cannot write /no/such/folder/x.toml: No such file"),
        ):
            end = run("tune", str(trace), *arguments)
            self.assertEqual((end.returncode, end.stdout), (2, ""), end.stderr)
            self.assertIn(why, end.stderr)
            self.assertEqual(trace.read_bytes(), before)

    def test_a_trace_that_cannot_be_written_is_said_before_the_run(self):
        end = run("record", "/no/such/folder/x.mft", "--requests", "10")
        self.assertEqual((end.returncode, end.stdout), (2, ""))
        self.assertIn("/no/such/folder/x.mft: No such file", end.stderr)

    def test_help_teaches(self):
        for command in ("record", "replay", "tune"):
            end = run(command, "--help")
            self.assertEqual(end.returncode, 0)
            self.assertIn("Examples:", end.stdout)


if __name__ == "__main__":
    unittest.main()
