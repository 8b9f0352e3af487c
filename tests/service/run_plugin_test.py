"""Runs handlers of plugins as their users do: run_plugin_test.py PATH-OF-MAYFLY FOLDER-OF-PLUGINS [unittest arguments]."""

import json
import unittest
from pathlib import Path

from program_support import PLUGINS, RunTest

ANSWERING = f"{PLUGINS}/answering_plugin.so"


class Plugins(RunTest):
    def answers(self, handler: str, *arguments: str, **more) -> list[str]:
        end = self.run_it("--plugin", ANSWERING, "--handler", handler, "--quiet", *arguments, **more)
        self.assertEqual(end.stderr, b"")
        return end.stdout.decode().splitlines()

    def test_answers_stand_in_the_order_of_the_requests_whatever_their_size(self):
        requests = ['"' + "x" * (i * i % 100_000) + str(i) + '"' for i in range(700)]
        path = self.file("in.ndjson", "\n".join(requests))
        answers = self.answers("reverse", "--in", path, "--workers", "4", "--repeat", "3")
        self.assertEqual(answers, [request[::-1] for request in requests])

    def test_a_handler_knows_the_number_of_its_request_in_each_pass(self):
        path = self.file("in.ndjson", "1\n\n2\n3\n")
        self.assertEqual(self.answers("number", "--in", path), ["[0,0]", "[1,0]", "[2,0]"])
        end = self.run_it("--plugin", ANSWERING, "--handler", "number", "--in", path, "--repeat", "2", "--quiet")
        self.assertEqual(end.stdout, b"[0,0]\n[1,0]\n[2,0]\n")

    def test_a_warm_handler_makes_no_call_of_malloc(self):
        path = self.file("in.ndjson", "\n".join(f"[{i}]" for i in range(1000)))
        end = self.run_it("--plugin", ANSWERING, "--handler", "reverse", "--in", path, "--repeat", "20",
                          "--out", str(self.folder / "out"), "--json")
        did = json.loads(end.stdout)
        self.assertEqual((did["handler"], did["requests"], did["failed"]), ("reverse", 20_000, 0))
        if did["mallocs_per_request"] is not None:
            self.assertLess(did["mallocs_per_request"], 0.1)

    def test_requests_that_are_no_good_get_the_lines_that_every_handler_gives_them(self):
        requests = '1\n[1,}\n[[[[1]]]]\n"' + "x" * 30 + '"\n{"a":1 "b":2}\n"\xff"\n"\\ud800"\n[1] 2\n[tru\n\ufeff[,]\n'
        limits = ("--depth", "3", "--max-request-bytes", "20")
        path = self.file("in.ndjson", requests.encode("utf-8", "surrogateescape").replace(b"\xc3\xbf", b"\xff"))
        ours = self.run_it("--handler", "echo", "--in", path, "--quiet", *limits).stdout.decode().splitlines()
        theirs = self.answers("number", "--in", path, *limits)
        self.assertEqual(theirs[1:], ours[1:])
        self.assertTrue(all(line.startswith('{"request":') for line in theirs[1:]), theirs)
        self.assertEqual(len(theirs), 10)

    def test_a_file_that_is_no_good_is_named(self):
        (self.folder / "d").mkdir()
        (self.folder / "d" / "a.json").write_bytes(b"[")
        answer = json.loads(self.answers("number", "--in", str(self.folder / "d"))[0])
        self.assertEqual((answer["file"], answer["at"]), ("a.json", 1))

    def test_what_becomes_of_a_handler_that_fails(self):
        for handler, kind, line in (
            ("refuse", "refused", '{"request":1,"error":"not today","at":3}'),
            ("throw", "handler_failed", '{"request":1,"error":"the handler threw: a mistake","at":0}'),
            ("throw-number", "handler_failed",
             '{"request":1,"error":"the handler threw something that is no std::exception","at":0}'),
            ("nothing", "handler_failed", '{"request":1,"error":"the handler gave no answer","at":0}'),
            ("two-lines", "handler_failed",
             '{"request":1,"error":"the handler\'s answer is to be one line, and byte 4 is a line feed","at":0}'),
            ("wait", "expired", '{"request":1,"error":"past its deadline","at":0}'),
            ("spend", "over_budget", None),
        ):
            out = self.folder / "out"
            end = self.run_it("--plugin", ANSWERING, "--handler", handler, "--out", str(out), "--json", "--deadline", "1s",
                              "--request-bytes", "1MiB", stdin="[1]\n")
            self.assertEqual((end.returncode, end.stderr), (3, b""), handler)
            self.assertEqual(json.loads(end.stdout)["failures"], {kind: 1})
            answer = out.read_text()
            self.assertEqual(answer.count("\n"), 1)
            if line is None:
                self.assertIn("budget", json.loads(answer)["error"])
            else:
                self.assertEqual(answer, line + "\n")

    def test_what_a_handler_left_behind_finds_its_code_to_the_end(self):
        end = self.run_it("--plugin", ANSWERING, "--handler", "linger", "--quiet", stdin="1\n")
        self.assertEqual((end.returncode, end.stdout), (0, b"true\n"), end.stderr)
        self.assertEqual(sorted(end.stderr.decode().splitlines()),
                         ["farewell from the arena", "farewell from the task", "farewell from the timer", "late task"])

    def test_the_configuration_file_can_say_it(self):
        config = self.file("run.toml", f'plugin = ["{ANSWERING}"]\nhandler = "number"\nquiet = true\n')
        end = self.run_it("--config", config, stdin="7\n")
        self.assertEqual((end.returncode, end.stdout, end.stderr), (0, b"[0,0]\n", b""))


class Refused(RunTest):
    def complaint(self, *arguments: str) -> str:
        """Nothing may have been written by then."""
        kept = self.file("kept", "as it was\n")
        end = self.run_it("--out", kept, *arguments, stdin="1\n")
        self.assertEqual((end.returncode, end.stdout), (2, b""), arguments)
        self.assertEqual(Path(kept).read_text(), "as it was\n")
        return end.stderr.decode()

    def test_a_plugin_that_is_no_use(self):
        text = self.file("text.so", "not a shared object\n")
        for path, words in (
            (f"{PLUGINS}/no_such_plugin.so", "there is no such file"),
            (text, "it cannot be loaded: "),
            (text, "file too short"),
            (f"{PLUGINS}/unresolved_plugin.so", "defined_nowhere"),
            (f"{PLUGINS}/unresolved_plugin.so", "it must link itself"),
            (f"{PLUGINS}/empty_plugin.so", "it has no MAYFLY_PLUGIN(name)"),
            (f"{PLUGINS}/other_version_plugin.so", "version 3 of <mayfly/plugin.hpp>, and this program has 2: build it again"),
            (f"{PLUGINS}/other_redzone_plugin.so", "bytes behind each allocation, and this program"),
            (f"{PLUGINS}/other_redzone_plugin.so", "both with MAYFLY_CANARIES, or both without"),
            (f"{PLUGINS}/silent_plugin.so", "it registers no handler: see add_handler()"),
            (f"{PLUGINS}/failing_plugin.so", "it threw while it registered its handlers: no licence was found"),
            (f"{PLUGINS}/twins_plugin.so", "it registers two handlers twin: each needs a name of its own"),
            (f"{PLUGINS}/namesake_plugin.so", "a handler echo, and the program has one of that name: register it by another"),
        ):
            said = self.complaint("--plugin", path, "--handler", "own")
            self.assertTrue(said.startswith(f"mayfly: the plugin {path} is no use: "), said)
            self.assertIn(words, said)

    def test_two_plugins_with_a_handler_of_one_name(self):
        copy = self.file("copy.so", Path(ANSWERING).read_bytes())
        said = self.complaint("--plugin", ANSWERING, "--plugin", copy, "--handler", "number")
        self.assertIn(f"the plugin {copy} is no use: it registers a handler reverse, and so does {ANSWERING}: leave one", said)

    def test_a_handler_that_is_not_there_and_what_is(self):
        every = "echo canonicalize merge-patch extract"
        brought = "reverse linger number nothing two-lines refuse throw throw-number spend wait"
        self.assertIn(f"--handler: 'numbr' is none of {every}, nor of what the plugins bring: {brought}\n",
                      self.complaint("--plugin", ANSWERING, "--handler", "numbr"))
        self.assertIn(f"--handler is missing: say one of {every}, or of what the plugins bring: {brought}\n",
                      self.complaint("--plugin", ANSWERING))
        self.assertIn(f"'numbr' is none of {every}; handlers of your own come with --plugin FILE.so",
                      self.complaint("--handler", "numbr"))

    def test_what_does_not_go_with_a_plugin(self):
        for arguments, words in (
            (["--handler", "echo"], "--plugin brings handlers, and --handler says echo, which is mayfly's own"),
            (["--handler", "number", "--memory", "heap"], "--plugin goes with arenas only, and --memory says heap"),
            (["--handler", "number", "--pointer", "/a"], "--pointer goes with the handler extract only"),
        ):
            self.assertIn(words, self.complaint("--plugin", ANSWERING, *arguments))

    def test_answers_do_not_overwrite_a_plugin(self):
        copy = self.file("copy.so", Path(ANSWERING).read_bytes())
        end = self.run_it("--plugin", copy, "--handler", "number", "--out", copy, stdin="1\n")
        self.assertEqual(end.returncode, 2)
        self.assertIn(b"the answers would overwrite a plugin", end.stderr)
        self.assertEqual(Path(copy).read_bytes(), Path(ANSWERING).read_bytes())


if __name__ == "__main__":
    unittest.main()
