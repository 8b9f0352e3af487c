"""Records and replays with the built program as its users do: replay_program_test.py PATH-OF-MAYFLY-STRESS [unittest arguments]."""

import json
import subprocess
import sys
import tempfile
import tomllib
import unittest
from pathlib import Path

STRESS = sys.argv.pop(1) if len(sys.argv) > 1 else ""


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
        self.assertIn("ns an allocation", end.stdout)
        self.assertRegex(end.stdout, "Better by|Nothing is better beyond the noise")
        said = tomllib.loads(Path(out).read_text())
        self.assertEqual(list(said), ["page-sizes", "magazines", "first-page", "idle-floor", "idle-cap", "idle-epochs",
                                      "block-cache"])
        text = Path(page).read_text()
        self.assertIn("prefers-color-scheme: dark", text)
        self.assertNotIn("http", text, "it opens without a network")
        self.assertEqual(text.count("<svg"), text.count("</svg>"))
        end = run("tune", self.trace, "--points", "16", "--max-rss", "4KiB")
        self.assertIn("say a larger --max-rss", end.stdout)

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
