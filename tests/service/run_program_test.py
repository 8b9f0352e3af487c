"""Runs the built program as its users do: run_program_test.py PATH-OF-MAYFLY FOLDER-OF-PLUGINS [unittest arguments]."""

import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
import unittest
from pathlib import Path

from program_support import MAYFLY, RunTest


class Answers(RunTest):
    def test_a_pipe_goes_through(self):
        end = self.run_it("--handler", "canonicalize", stdin='{"b":1.0,"a":[]}\n\n[1e3]')
        self.assertEqual((end.returncode, end.stdout), (0, b'{"a":[],"b":1}\n[1000]\n'))
        self.assertIn(b"requests/s", end.stderr)

    def test_answers_to_a_file_leave_standard_output_to_the_table(self):
        end = self.run_it("--handler", "echo", "--out", str(self.folder / "out"), stdin="[1 ]\n")
        self.assertEqual((end.returncode, end.stderr), (0, b""))
        self.assertIn(b"p99.9", end.stdout)
        self.assertEqual((self.folder / "out").read_bytes(), b"[1]\n")

    def test_every_handler(self):
        patch = self.file("patch.json", '{"a":null,"c":1.50}')
        for arguments, answer in (
            (["--handler", "echo"], b'{"a":1.0,"b":[true]}\n'),
            (["--handler", "canonicalize"], b'{"a":1,"b":[true]}\n'),
            (["--handler", "merge-patch", "--patch", patch], b'{"b":[true],"c":1.50}\n'),
            (["--handler", "extract", "--pointer", "/b/0"], b"true\n"),
            (["--handler", "extract", "--pointer", "/a", "--pointer", "/x", "--pointer=#/b"], b"[1.0,null,[true]]\n"),
        ):
            for memory in ("arena", "heap"):
                end = self.run_it(*arguments, "--memory", memory, "--quiet", stdin='{"a":1.0, "b":[true]}')
                self.assertEqual((end.returncode, end.stdout, end.stderr), (0, answer, b""), arguments)

    def test_bad_requests_get_errors_in_their_place(self):
        end = self.run_it("--handler", "echo", "--depth", "3", "--max-request-bytes", "20", "--quiet",
                          stdin='1\n[1,}\n[[[[1]]]]\n"' + "x" * 30 + '"\n{"a":1,"a":2}\n')
        self.assertEqual(end.returncode, 3)
        self.assertEqual(end.stdout.decode().splitlines(), [
            "1",
            '{"request":2,"error":"not JSON: unexpected \'}\'","at":3}',
            '{"request":3,"error":"nested deeper than 3 levels","at":3}',
            '{"request":4,"error":"larger than 20 bytes, the most a request may have","at":20}',
            '{"a":1,"a":2}',
        ])

    def test_error_lines_are_json_whatever_the_request_is_called(self):
        (self.folder / "d").mkdir()
        with open(os.fsencode(self.folder) + b"/d/a\xff.json", "wb") as file:
            file.write(b"[")
        end = self.run_it("--handler", "echo", "--in", str(self.folder / "d"), "--quiet")
        self.assertEqual(end.returncode, 3)
        self.assertEqual(json.loads(end.stdout.decode())["file"], "a\ufffd.json")

    def test_the_minefield(self):
        data = os.environ.get("MAYFLY_TEST_DATA")
        if not data:
            self.skipTest("MAYFLY_TEST_DATA is unset: no minefield to walk")
        files = sorted(path.name for path in Path(data, "json-minefield").glob("*.json"))
        for memory in ("arena", "heap"):
            end = self.run_it("--handler", "echo", "--in", str(Path(data, "json-minefield")), "--memory", memory)
            self.assertEqual(end.returncode, 3)
            answers = end.stdout.splitlines()
            self.assertEqual(len(answers), len(files))
            for name, answer in zip(files, answers):
                refused = answer.startswith(b'{"request":')
                self.assertFalse(refused and name.startswith("y_"), (name, answer))
                self.assertFalse(not refused and name.startswith("n_"), (name, answer))


class Usage(RunTest):
    def complaint(self, *arguments: str) -> str:
        end = self.mayfly(*arguments)
        self.assertEqual(end.returncode, 2, arguments)
        self.assertEqual(end.stdout, b"")
        return end.stderr.decode()

    def test_help_and_version(self):
        for arguments, words in ((["--help"], "run"), (["run", "--help"], "Examples:"), (["--version"], "mayfly 0.")):
            end = self.mayfly(*arguments)
            self.assertEqual(end.returncode, 0)
            self.assertIn(words, end.stdout.decode())

    def test_nonsense_is_refused(self):
        self.assertIn("subcommand", self.complaint())
        self.assertIn("--handler is missing", self.complaint("run"))
        self.assertIn("--colour", self.complaint("run", "--handler", "echo", "--colour", "red"))
        self.assertIn("'sort' is none of echo", self.complaint("run", "--handler", "sort"))
        self.assertIn("from 1 to 4096", self.complaint("run", "--handler", "echo", "--depth", "0"))
        self.assertIn("KiB, MiB or GiB", self.complaint("run", "--handler", "echo", "--request-bytes", "many"))
        self.assertIn("--patch", self.complaint("run", "--handler", "merge-patch"))
        self.assertIn("at byte 0", self.complaint("run", "--handler", "extract", "--pointer", "a"))
        self.assertIn("--out FILE", self.complaint("run", "--handler", "echo", "--json"))
        self.assertIn("--first-page adaptive only",
                      self.complaint("run", "--handler", "echo", "--advise", "--first-page", "16KiB"))
        self.assertIn("the heap has no pages", self.complaint("run", "--handler", "echo", "--advise", "--memory", "heap"))
        self.assertIn("--stats goes with arenas only",
                      self.complaint("run", "--handler", "echo", "--stats", "--memory", "heap"))
        self.assertIn("read only once", self.complaint("run", "--handler", "echo", "--repeat", "2"))

    def test_patch_that_is_no_use(self):
        self.assertIn("cannot read the patch /nowhere",
                      self.complaint("run", "--handler", "merge-patch", "--patch", "/nowhere"))
        patch = self.file("patch.json", '{"a":1,"a":2}')
        self.assertIn("appears twice", self.complaint("run", "--handler", "merge-patch", "--patch", patch))

    def test_configuration_file(self):
        config = self.file("run.toml", 'handler = "extract"\npointer = ["/a", "/b"]\nquiet = true\n')
        end = self.run_it("--config", config, stdin='{"a":1,"b":2}')
        self.assertEqual((end.returncode, end.stdout, end.stderr), (0, b"[1,2]\n", b""))
        end = self.run_it("--config", config, "--pointer", "/b", stdin='{"a":1,"b":2}')
        self.assertEqual(end.stdout, b"2\n")
        config = self.file("bad.toml", 'handler = "echo"\nwindwo = 3\n')
        self.assertIn("bad.toml:2: unknown key 'windwo'; did you mean 'window'?", self.complaint("run", "--config", config))
        self.assertIn("nowhere.toml", self.complaint("run", "--config", "/nowhere.toml"))

    def test_each_pointer_is_said_by_itself_and_may_be_empty(self):
        for empty in (["--pointer="], ["--pointer", ""]):
            end = self.run_it("--handler", "extract", *empty, "--pointer", "/a", "--quiet", stdin='{"a":1}')
            self.assertEqual((end.returncode, end.stdout, end.stderr), (0, b'[{"a":1},1]\n', b""))
        self.assertIn("/b", self.complaint("run", "--handler", "extract", "--pointer", "/a", "/b"))
        self.assertIn("--depth: ''", self.complaint("run", "--handler", "echo", "--depth=", "--quiet"))

    def test_json_and_answers_do_not_share_standard_output_by_another_name(self):
        self.assertIn("--out FILE", self.complaint("run", "--handler", "echo", "--json", "--out", "/dev/stdout"))
        end = self.run_it("--handler", "echo", "--out", "/dev/stdout", stdin="1\n")
        self.assertEqual((end.returncode, end.stdout), (0, b"1\n"))
        self.assertIn(b"requests/s", end.stderr)


class Streams(RunTest):
    def test_each_line_is_answered_before_the_next_is_read(self):
        for memory in ("arena", "heap"):
            with subprocess.Popen([MAYFLY, "run", "--handler", "echo", "--memory", memory, "--quiet"],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
                for i in range(20):
                    child.stdin.write(b"[%d]\n" % i)
                    child.stdin.flush()
                    ready, _, _ = select.select([child.stdout], [], [], 60)
                    self.assertTrue(ready, "the answer did not come")
                    self.assertEqual(child.stdout.readline(), b"[%d]\n" % i)
                child.stdin.close()
                self.assertEqual(child.wait(60), 0)

    def test_ctrl_c_ends_the_reading_and_keeps_the_answers(self):
        for sent in (signal.SIGINT, signal.SIGTERM):
            out = self.folder / f"out-{sent}"
            with subprocess.Popen([MAYFLY, "run", "--handler", "echo", "--out", str(out)], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
                child.stdin.write(b"[1]\n[2]\n[3")
                child.stdin.flush()
                deadline = time.monotonic() + 60
                while not out.exists() or out.read_bytes() != b"[1]\n[2]\n":
                    self.assertLess(time.monotonic(), deadline)
                    time.sleep(0.01)
                child.send_signal(sent)
                self.assertEqual(child.wait(60), 130)
                self.assertIn(b"stopped early", child.stdout.read())
            self.assertEqual(out.read_bytes(), b"[1]\n[2]\n")

    def test_ctrl_c_that_is_ignored_or_blocked_from_outside_stays_so(self):
        for deafen in (lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
                       lambda: signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])):
            with subprocess.Popen([MAYFLY, "run", "--handler", "echo", "--quiet"], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, preexec_fn=deafen) as child:
                for line in (b"[1]\n", b"[2]\n"):
                    child.stdin.write(line)
                    child.stdin.flush()
                    self.assertEqual(child.stdout.readline(), line)
                    child.send_signal(signal.SIGINT)
                child.stdin.close()
                self.assertEqual(child.wait(60), 0)

    def peak_kib(self, lines: int) -> int:
        """The most memory a run over so many lines took."""
        code = (
            "import resource, subprocess, sys\n"
            "line = b'{\"id\":1,\"name\":\"somebody\",\"list\":[1,2,3,{\"a\":null}]}\\n'\n"
            "child = subprocess.Popen(sys.argv[2:], stdin=subprocess.PIPE)\n"
            "for _ in range(int(sys.argv[1]) // 1000): child.stdin.write(line * 1000)\n"
            "child.stdin.close()\n"
            "assert child.wait() == 0\n"
            "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n"
        )
        end = subprocess.run([sys.executable, "-c", code, str(lines), MAYFLY, "run", "--handler", "canonicalize", "--out",
                              "/dev/null", "--quiet", "--workers", "2", "--window", "64"],
                             capture_output=True, check=True, timeout=300)
        return int(end.stdout)

    def test_memory_does_not_grow_with_the_input(self):
        if b"__tsan_init" in Path(MAYFLY).read_bytes():
            self.skipTest("ThreadSanitizer's own memory grows with what it has seen")
        few, many = self.peak_kib(20_000), self.peak_kib(1_000_000)
        self.assertLess(many, few + 2 * 1024, f"{few} KiB for 20 thousand lines, {many} KiB for a million")


class Summaries(RunTest):
    def test_json(self):
        path = self.file("in", "[1]\n[2\n" + '{"b":1,"a":2}\n' * 98)
        out = str(self.folder / "out")
        for memory in ("arena", "heap"):
            end = self.run_it("--handler", "canonicalize", "--in", path, "--out", out, "--json", "--memory", memory,
                              "--workers", "1", "--repeat", "5")
            self.assertEqual(end.returncode, 3)
            summary = json.loads(end.stdout)
            self.assertEqual((summary["requests"], summary["failed"]), (500, 5))
            self.assertEqual(summary["failures"], {"bad_json": 5})
            self.assertEqual(set(summary["latency_us"]), {"p50", "p99", "p999", "max", "mean"})
            self.assertEqual(summary["passes"]["count"], 5)
            self.assertEqual(summary["memory"], memory)
            self.assertEqual(summary["pages"] is None, memory == "heap")
            sizes = summary["request_bytes"]
            self.assertEqual(sizes is None, memory == "heap")
            if sizes is not None:
                self.assertEqual(sizes["first_page"], 16 << 10)
                self.assertTrue(0 < sizes["p50"] <= sizes["p95"] <= sizes["p99"] <= 16 << 10, sizes)
            self.assertEqual(len(Path(out).read_bytes().splitlines()), 100)

    def test_advice(self):
        text = json.dumps([{"k": i} for i in range(30)]) + "\n"
        out = str(self.folder / "out")
        end = self.run_it("--handler", "canonicalize", "--out", out, "--advise", stdin=text * 50)
        self.assertEqual(end.returncode, 0)
        table = end.stdout.decode()
        self.assertIn("16.0 KiB: 100 % of requests fit in one", table)
        self.assertIn("256.0 KiB: 100 % of requests fit in one, 9", table)
        self.assertIn("none: requests get 16.0 KiB by themselves", table)
        end = self.run_it("--handler", "canonicalize", "--out", out, "--advise", "--json", stdin=text * 50)
        pages = json.loads(end.stdout)["request_bytes"]["first_pages"]
        self.assertEqual(list(pages), ["16384", "65536", "262144"])
        self.assertEqual(pages["16384"]["one_page_part"], 1)
        self.assertTrue(pages["16384"]["cost_bytes"] < pages["65536"]["cost_bytes"] < pages["262144"]["cost_bytes"])

    def test_a_recording_is_counted_and_never_written_over_what_is_read(self):
        trace = self.folder / "run.mft"
        out = str(self.folder / "out")
        end = self.run_it("--handler", "echo", "--out", out, "--record", str(trace), "--json", stdin="[1]\n" * 100)
        self.assertEqual((end.returncode, end.stderr), (0, b""))
        said = json.loads(end.stdout)["trace"]
        self.assertEqual((said["requests"], said["dropped_requests"], said["dropped_arenas"]), (100, 0, 0))
        self.assertGreaterEqual(said["allocations"], 100)
        self.assertEqual(said["bytes"], trace.stat().st_size)
        self.assertEqual(trace.read_bytes()[:8], b"mayflytr")
        requests = self.file("requests.ndjson", "[1]\n")
        for same in (requests, out):
            end = self.run_it("--handler", "echo", "--in", requests, "--out", out, "--record", same)
            self.assertEqual((end.returncode, end.stdout), (2, b""))
            self.assertIn(b"the trace would overwrite", end.stderr)
        end = self.run_it("--handler", "echo", "--memory", "heap", "--record", str(trace))
        self.assertIn(b"a trace is of what arenas do", end.stderr)

    def test_stats_say_where_every_byte_is(self):
        text = json.dumps(["x" * 1000] * 300) + "\n" + (json.dumps([{"k": i} for i in range(300)]) + "\n") * 50
        out = str(self.folder / "out")
        end = self.run_it("--handler", "canonicalize", "--out", out, "--stats", "--guard", "2", stdin=text)
        self.assertEqual(end.returncode, 0)
        table = end.stdout.decode()
        self.assertRegex(table, r"held by requests .* in all: [0-9.]+ % handed out, [0-9.]+ % tail waste, ")
        self.assertRegex(table, r"memory at the end  +[1-9][0-9.]* .iB resident, .* held, of .* reserved")
        self.assertRegex(table, r" quarantine: .*, [1-9][0-9.]* .iB resident")
        self.assertNotIn("pages in use", table)
        end = self.run_it("--handler", "canonicalize", "--out", out, "--stats", "--json", stdin=text)
        summary = json.loads(end.stdout)
        held = summary["memory_held"]
        self.assertAlmostEqual(held["bytes"] / 51, summary["reserved_bytes_per_request"], delta=1)
        self.assertGreaterEqual(held["bytes"], 50 * (16 << 10))
        self.assertEqual(held.pop("bytes"), sum(held.values()))
        self.assertGreater(min(held["handed_out"], held["oversize_slack"], held["room"], held["skipped"]), 0)
        account = summary["memory_account"]
        places = [value for value in account.values() if isinstance(value, dict)]
        self.assertEqual(len(places), 10)
        self.assertEqual(account["reserved_bytes"], sum(place["bytes"] for place in places))
        self.assertEqual(account["resident_bytes"], sum(place["resident_bytes"] for place in places))
        self.assertEqual(account["committed_bytes"], sum(place["bytes"] for place in places[:6]))
        self.assertEqual(account["pages_in_use"], {"pieces": 0, "bytes": 0, "resident_bytes": 0})
        self.assertEqual(account["returned"]["resident_bytes"], 0)
        self.assertGreater(account["magazines"]["resident_bytes"], 0)
        end = self.run_it("--handler", "canonicalize", "--out", out, "--json", stdin=text)
        self.assertIsNone(json.loads(end.stdout)["memory_account"])

    def test_audits_are_counted_and_find_no_global(self):
        out = str(self.folder / "out")
        text = '{"b":1.0,"a":[]}\n' * 200
        for asked, audited in (("0", False), ("1", True)):
            end = self.run_it("--handler", "canonicalize", "--audit", asked, "--out", out, "--json", stdin=text)
            self.assertEqual(end.returncode, 0)
            summary = json.loads(end.stdout)
            found = summary["audit"]
            self.assertEqual(found is not None, audited)
            # An audit works in 256 KiB of memory that it maps.
            self.assertEqual(summary["page_faults_per_request"] > 30, audited)
        self.assertEqual(found["globals"], 0, end.stderr)
        self.assertEqual(end.stderr.count(b"MF-E43"), found["heap_blocks"])
        self.assertEqual(end.stderr.count(b"MF-E42"), found["thread_locals"])
        table = self.run_it("--handler", "canonicalize", "--audit", "1", "--out", out, stdin=text).stdout
        self.assertIn(b"held by globals", table)

    def test_a_warm_arena_makes_no_malloc_and_the_heap_makes_many(self):
        path = self.file("in", '{"name":"a string that is longer than the short ones","list":[1,2,{"x":"y"}]}\n' * 2000)
        per_request = {}
        for memory in ("arena", "heap"):
            end = self.run_it("--handler", "canonicalize", "--in", path, "--out", "/dev/null", "--json", "--memory",
                              memory, "--repeat", "10")
            per_request[memory] = json.loads(end.stdout)["mallocs_per_request"]
        if per_request["arena"] is None:
            self.skipTest("mallocs are not counted in a sanitizer build")
        self.assertLess(per_request["arena"], 0.05)
        self.assertGreater(per_request["heap"], 5)

    def test_progress_is_shown_on_a_terminal_and_wiped_away(self):
        path = self.file("in", '{"a":[1,2,3]}\n' * 5000)
        try:
            terminal, theirs = pty.openpty()
        except OSError as error:  # a bare chroot has no /dev/pts
            self.skipTest(f"there are no terminals here: {error}")
        with subprocess.Popen([MAYFLY, "run", "--handler", "canonicalize", "--in", path, "--out", "/dev/null", "--repeat",
                               "200"], stdout=subprocess.DEVNULL, stderr=theirs) as child:
            os.close(theirs)
            shown = b""
            while True:
                try:
                    more = os.read(terminal, 65536)
                except OSError:
                    break
                if not more:
                    break
                shown += more
            self.assertEqual(child.wait(100), 0)
        os.close(terminal)
        self.assertIn(b"requests, ", shown)
        self.assertIn(b"% ", shown)
        self.assertTrue(shown.endswith(b"\r\x1b[K"), shown[-100:])

    def test_no_progress_where_nobody_looks(self):
        path = self.file("in", '{"a":[1,2,3]}\n' * 5000)
        end = self.run_it("--handler", "echo", "--in", path, "--out", "/dev/null", "--repeat", "100")
        self.assertEqual(end.stderr, b"")


if __name__ == "__main__":
    unittest.main()
