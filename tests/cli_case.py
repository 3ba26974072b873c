# SPDX-License-Identifier: BSD-2-Clause
"""What the tests of the program share: a folder for each test, and a way to run it."""
import pty
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import cli_files as files

UNFURL, ROOT = "unfurl", Path(".")


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.dir = Path(folder.name)

    def run_program(self, *arguments, status=0, says="", **options):
        """Runs unfurl; checks its exit status and that stderr has the text `says`."""
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        if "input" not in options:
            options.setdefault("stdin", subprocess.DEVNULL)
        done = subprocess.run([UNFURL, *map(str, arguments)], text=True, timeout=120, **options)
        self.assertEqual(done.returncode, status, done.stderr)
        self.assertIn(says, done.stderr or "")
        return done

    def flatten(self, *arguments, **options):
        return files.write_flatten(self.dir / "flatten.onnx", *arguments, **options)

    def rows(self, count, width=4, name="rows.npy"):
        """A .npy of images [count, 1, 2, 2] in which the best class of image i is i % width."""
        values = [float(10 * i + (5 if j == i % width else -j)) for i in range(count) for j in range(width)]
        return files.write_npy(self.dir / name, (count, 1, 2, width // 2), values), values

    def folder(self, contents, name="images"):
        """A folder of files: name -> bytes."""
        folder = self.dir / name
        for path, data in contents.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(data)
        return folder

    def rows_of(self, model, *arguments, **options):
        """Runs; the rows that came out."""
        out = self.dir / "out.npy"
        self.run_program("run", model, *arguments, "-o", out, **options)
        (count, width), values = files.read_npy(out)
        return [values[i * width:(i + 1) * width] for i in range(count)]


def main(usage):
    """Takes PATH_TO_UNFURL and SOURCE_ROOT from the end of the command line, leaves the rest to unittest."""
    global UNFURL, ROOT
    if len(sys.argv) < 3:
        sys.exit(usage)
    ROOT = Path(sys.argv.pop())
    UNFURL = str(Path(sys.argv.pop()).resolve())
    unittest.main()


def open_terminal():
    """A pseudo-terminal: both ends. Where there is none to be had (a bare chroot) the test is skipped."""
    try:
        return pty.openpty()
    except OSError as error:
        raise unittest.SkipTest("no pseudo-terminal: %s" % error) from error
