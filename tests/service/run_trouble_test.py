"""Inputs and outputs that fail or must not be touched: run_trouble_test.py PATH-OF-MAYFLY
FOLDER-OF-PLUGINS [unittest arguments]."""

import os
import subprocess
import unittest
from pathlib import Path

from program_support import MAYFLY, RunTest, limit_file_size


class Trouble(RunTest):
    def test_input_that_cannot_be_opened(self):
        end = self.run_it("--handler", "echo", "--in", "/nowhere.ndjson")
        self.assertEqual(end.returncode, 2)
        self.assertEqual(end.stderr, b"mayfly: cannot open /nowhere.ndjson: No such file or directory\n")

    def test_output_that_cannot_be_opened(self):
        end = self.run_it("--handler", "echo", "--out", "/nowhere/out", stdin="1")
        self.assertEqual(end.returncode, 2)
        self.assertIn(b"cannot open /nowhere/out for writing", end.stderr)

    def test_input_is_not_emptied_by_being_the_output(self):
        path = self.file("in", "1\n")
        end = self.run_it("--handler", "echo", "--in", path, "--out", path)
        self.assertEqual(end.returncode, 2)
        self.assertEqual(Path(path).read_text(), "1\n")

    def test_nothing_that_is_read_is_overwritten(self):
        """Whatever it is called, and whoever opened it."""
        folder = self.folder / "d"
        folder.mkdir()
        (folder / "a.json").write_text("[1]")
        (self.folder / "link").symlink_to(folder / "a.json")
        patch = self.file("p.json", "{}")
        config = self.file("run.toml", 'handler = "echo"\n')
        lines = self.file("in", "[1]\n")
        opened = {"stdin": lambda: open(lines, "rb"), "stdout": lambda: open(lines, "ab")}
        for arguments, kept, files in (
            (["--handler", "echo", "--in", str(folder), "--out", str(folder / "a.json")], folder / "a.json", []),
            (["--handler", "echo", "--in", str(folder), "--out", str(self.folder / "link")], folder / "a.json", []),
            (["--handler", "merge-patch", "--patch", patch, "--out", patch], Path(patch), []),
            (["--config", config, "--out", config], Path(config), []),
            (["--handler", "echo", "--out", lines], Path(lines), ["stdin"]),
            (["--handler", "echo", "--in", lines], Path(lines), ["stdout"]),
            (["--handler", "echo", "--in", lines, "--repeat", "2"], Path(lines), ["stdout"]),
        ):
            before = kept.read_bytes()
            streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE} | {name: opened[name]() for name in files}
            end = subprocess.run([MAYFLY, "run", "--quiet", *arguments], **streams, stderr=subprocess.PIPE, timeout=100,
                                 check=False, preexec_fn=limit_file_size(1_000_000))
            for name in files:
                streams[name].close()
            self.assertEqual(end.returncode, 2, arguments)
            self.assertIn(b"overwrite", end.stderr)
            self.assertEqual(kept.read_bytes(), before, arguments)

    def test_input_that_cannot_be_read(self):
        with open("/proc/self/mem", "rb") as file:  # its first page is nobody's: EIO
            folder = os.open(self.folder, os.O_RDONLY)
            for stdin, reason in ((folder, b"Is a directory"), (file, b"Input/output error")):
                end = subprocess.run([MAYFLY, "run", "--handler", "echo", "--quiet"], stdin=stdin, capture_output=True,
                                     timeout=100, check=False)
                self.assertEqual((end.returncode, end.stdout), (2, b""))
                self.assertIn(b"standard input: " + reason, end.stderr)
            os.close(folder)

    def test_standard_files_that_are_closed_are_not_taken_over(self):
        path = self.file("in", "[1]\n")
        out = str(self.folder / "out")
        for closed, arguments, complaint in (
            ([0], [], b"standard input is not open for reading"),
            ([1], ["--in", path], b"standard output is not open for writing"),
            ([0, 1], ["--in", path], b"standard output is not open for writing"),
            ([0, 1, 2], ["--in", path], b""),
            ([0], ["--in", path, "--out", out], None),
            ([0, 1, 2], ["--in", path, "--out", out, "--quiet"], None),
        ):
            end = subprocess.run([MAYFLY, "run", "--handler", "echo", *arguments], stdin=subprocess.DEVNULL,
                                 capture_output=True, timeout=100, check=False,
                                 preexec_fn=lambda closed=closed: [os.close(each) for each in closed])
            self.assertEqual(end.returncode, 0 if complaint is None else 2, (closed, arguments))
            self.assertIn(complaint or b"", end.stderr)
            if complaint is None:
                self.assertEqual(Path(out).read_bytes(), b"[1]\n")
                Path(out).unlink()
        end = subprocess.run([MAYFLY, "run", "--handler", "echo", "--in", path], stdout=subprocess.PIPE, timeout=100,
                             check=False, preexec_fn=lambda: os.close(2))
        self.assertEqual((end.returncode, end.stdout), (0, b"[1]\n"))

    def test_full_disk_leaves_whole_lines(self):
        lines = "".join(f'["line {i}"]\n' for i in range(30_000))
        path = self.file("in", lines)
        for size in (1, 1000, 4096, 100_000):
            out = self.folder / "out"
            end = self.run_it("--handler", "echo", "--in", path, "--out", str(out), preexec_fn=limit_file_size(size))
            self.assertEqual(end.returncode, 2)
            self.assertIn(b"cannot write to", end.stderr)
            self.assertIn(b"File too large", end.stderr)
            written = out.read_text()
            self.assertLessEqual(len(written), size)
            self.assertGreater(len(written) + 20, size)
            self.assertTrue(written == "" or written.endswith("\n"))
            self.assertTrue(lines.startswith(written))
        # The same where the shell opened the file.
        with (self.folder / "out").open("wb") as out:
            end = subprocess.run([MAYFLY, "run", "--handler", "echo", "--in", path], stdout=out, stderr=subprocess.PIPE,
                                 preexec_fn=limit_file_size(5000), check=False, timeout=100)
        self.assertEqual(end.returncode, 2)
        self.assertTrue((self.folder / "out").read_text().endswith('"]\n'))

    def test_closed_pipe(self):
        path = self.file("in", '["x"]\n' * 200_000)
        with subprocess.Popen([MAYFLY, "run", "--handler", "echo", "--in", path], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE) as child:
            self.assertEqual(child.stdout.readline(), b'["x"]\n')
            child.stdout.close()
            complaint = child.stderr.read()
            self.assertEqual(child.wait(100), 2)
        self.assertIn(b"mayfly: cannot write to standard output: Broken pipe", complaint)

    def test_dev_full(self):
        end = self.run_it("--handler", "echo", "--out", "/dev/full", "--quiet", stdin="1\n")
        self.assertEqual(end.returncode, 2)
        self.assertIn(b"No space left on device (0 answers were written)", end.stderr)

    def test_a_summary_that_cannot_be_written_is_told(self):
        path = self.file("in", "1\n")
        for more in (["--json"], []):
            with open("/dev/full", "wb") as full:
                end = subprocess.run([MAYFLY, "run", "--handler", "echo", "--in", path, "--out", os.devnull, *more],
                                     stdout=full, stderr=subprocess.PIPE, timeout=100, check=False)
            self.assertEqual(end.returncode, 2)
            self.assertEqual(end.stderr, b"mayfly: cannot write the summary: No space left on device\n")


if __name__ == "__main__":
    unittest.main()
