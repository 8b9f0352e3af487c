"""What the tests of the program share: the program, the folder of the plugins made for tests, and ways to run it."""

import resource
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

MAYFLY, PLUGINS = (sys.argv.pop(1) for _ in range(2)) if len(sys.argv) > 2 else ("", "")
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background may have been told to ignore it


def limit_file_size(size: int):
    """For the child: files larger than `size` cannot be written, as on a full disk."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


class RunTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def file(self, name: str, content: str | bytes) -> str:
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return str(path)

    def mayfly(self, *arguments: str, stdin: str | bytes = b"", **more) -> subprocess.CompletedProcess:
        if isinstance(stdin, str):
            stdin = stdin.encode()
        return subprocess.run([MAYFLY, *arguments], input=stdin, capture_output=True, timeout=100, check=False, **more)

    def run_it(self, *arguments: str, **more) -> subprocess.CompletedProcess:
        return self.mayfly("run", *arguments, **more)
