# SPDX-License-Identifier: BSD-2-Clause
"""Whatever call fails, no output is torn: python3 io_faults.py LIBRARY_FOR_LD_PRELOAD PATH_TO_UNFURL SOURCE_ROOT

Each call of open, read, write, flush, seek, fsync and rename in a run is made to fail once (io_faults.c), and a disk is
full after any number of bytes. The exit status must tell, and the output must be the old one, or whole."""
import csv
import errno
import json
import os
import resource
import subprocess
import sys
import unittest
import zipfile
from pathlib import Path

sys.dont_write_bytecode = True  # leaves the source folder as it is

import cli_case
import cli_files as files
import image_files as images
from cli_case import Case
from cli_files import F32, FREE
from image_files import GREY

LIBRARY = ""
FAMILIES = {"open": errno.EMFILE, "read": errno.EIO, "write": errno.ENOSPC, "flush": errno.ENOSPC, "seek": errno.EIO,
            "sync": errno.EIO, "rename": errno.EACCES}


class Faults(Case):
    def setUp(self):
        super().setUp()
        work = self.folder({"%d.png" % i: images.png([[i, 9]], GREY) for i in range(3)}, "in")
        for i in range(3):
            (work / ("%d.jpg" % i)).write_bytes(images.jpeg([[i]]))
        (work / "bad.png").write_bytes(b"")
        array = files.write_npy(self.dir / "a.npy", (2, 1, 1, 2), [1, 2, 3, 4])
        idx = files.write_idx(self.dir / "i.gz", (2, 1, 2), [1, 2, 3, 4])
        with zipfile.ZipFile(self.dir / "z.npz", "w", zipfile.ZIP_DEFLATED) as file:
            file.write(array, "x.npy")
        listing = self.dir / "list"
        listing.write_text("%s\n%s\n" % (idx, self.dir / "z.npz"))
        model = files.write_model(self.dir / "m.onnx", [files.node("Flatten", ["x"], ["y"]), files.node("Relu", ["x"], ["z"])],
                                  {"x": (F32, (FREE, 1, 1, 2))}, {"y": (F32, (FREE, 2)), "z": (F32, (FREE, 1, 1, 2))})
        self.parents = {array: None, idx: listing, str(self.dir / "z.npz"): listing}
        self.parents.update({str(file): work for file in work.iterdir()})
        self.out = self.dir / "out"
        self.out.mkdir()
        self.arguments = [cli_case.UNFURL, "run", model, str(work), array, "--list", str(listing), "--batch", "3"]

    def run_with(self, name, threads, preexec_fn=None, **faults):
        """Runs, with an older output in place; exit status and stderr."""
        path = self.out / name
        path.write_bytes(b"old")
        environment = {**os.environ, "LD_PRELOAD": LIBRARY, **{"FAULT_" + k: str(v) for k, v in faults.items()}}
        done = subprocess.run([*self.arguments, "-o", str(path), "--threads", str(threads)], env=environment, text=True,
                              capture_output=True, timeout=60, preexec_fn=preexec_fn)
        return done.returncode, done.stderr

    def count_calls(self, name, threads, family):
        log = self.dir / "log"
        self.run_with(name, threads, CALL=family, AT=0, LOG=log)
        return int(log.read_text())

    def read_lines(self, path):
        """(source, error) of every line."""
        if path.suffix == ".jsonl":
            objects = [json.loads(line) for line in path.read_text().splitlines()]
            return [(line["source"], line.get("error", "")) for line in objects]
        with open(path, newline="") as file:
            return [(row["source"], row["error"]) for row in csv.DictReader(file)]

    def whole(self, path):
        """Is it an output in which every input has a place, itself or with the folder or list that failed?"""
        if path.suffix in (".csv", ".jsonl"):
            lines = self.read_lines(path)
            failed = {source for source, error in lines if error}
            for source, parent in self.parents.items():
                self.assertTrue(source in dict(lines) or str(parent) in failed, (source, lines))
            self.assertTrue(failed)
        elif path.suffix == ".npy":
            self.assertGreater(files.read_npy(path)[0][0], 5)
        else:
            with zipfile.ZipFile(path) as file:
                self.assertIsNone(file.testzip())
                self.assertEqual(sorted(file.namelist()), ["y.npy", "z.npy"])

    def check(self, name, status, message, what):
        path = self.out / name
        self.assertIn(status, (1, 3, 4), (what, message))
        self.assertTrue(message, what)
        self.assertEqual(os.listdir(self.out), [name], what)
        if path.read_bytes() != b"old":
            self.assertTrue(status == 1 or "unfurl: stdout: " in message, (what, message))
            self.whole(path)
        path.unlink()

    def test_each_call_fails_once(self):
        for name in ("x.csv", "x.jsonl", "x.npy", "x.npz"):
            for family, number in FAMILIES.items():
                calls = self.count_calls(name, 1, family)
                if family in ("open", "read", "flush", "sync", "rename"):
                    self.assertGreater(calls, 0, (name, family))
                for at in range(1, calls + 1):
                    status, message = self.run_with(name, 1, CALL=family, AT=at, ERRNO=number)
                    self.check(name, status, message, (name, family, at))
                    if family in ("sync", "rename"):
                        self.assertEqual(status, 4, (name, family, at, message))

    def test_with_threads(self):
        for family, number in FAMILIES.items():
            calls = self.count_calls("x.csv", 3, family)
            for at in range(1, calls + 1, 2):
                status, message = self.run_with("x.csv", 3, CALL=family, AT=at, ERRNO=number)
                self.check("x.csv", status, message, (family, at))

    def test_full_disk(self):
        for name in ("x.csv", "x.jsonl", "x.npy", "x.npz"):
            self.run_with(name, 1)
            size = (self.out / name).stat().st_size
            for room in sorted({0, 1, size // 2, size - 1, *range(0, size, 97)}):
                limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
                status, message = self.run_with(name, 1, preexec_fn=limit)
                self.assertEqual(status, 4, (name, room, message))
                self.assertIn("File too large", message)
                self.check(name, status, message, (name, room))


class WisdomFaults(Case):
    """The same with a file of wisdom: it is the old one or the new one, and a next run makes do with either."""
    def run_with(self, **faults):
        environment = {**os.environ, "LD_PRELOAD": LIBRARY, **{"FAULT_" + k: str(v) for k, v in faults.items()}}
        wisdom = self.dir / "w" / "layers"
        arguments = ["inspect", self.model, "--threads", "1", "--plan", "measure", "--wisdom", str(wisdom)]
        done = subprocess.run([cli_case.UNFURL, *arguments], env=environment, text=True, capture_output=True, timeout=60)
        return done.returncode, done.stderr, wisdom.read_text() if wisdom.exists() else ""

    def test_each_call_fails_once(self):
        nodes = [files.node("Conv", ["x", "w"], ["y"], group=4)]
        self.model = files.write_model(self.dir / "m.onnx", nodes, {"x": (F32, (1, 4, 5, 5))}, {"y": (F32, (1, 4, 3, 3))},
                                       [files.constant("w", (4, 1, 3, 3), [1.0] * 36)])
        log, stale = self.dir / "log", "unfurl wisdom 0\n"
        (self.dir / "w").mkdir()
        for family in ("open", "read", "write", "sync", "rename"):
            (self.dir / "w" / "layers").write_text(stale)
            self.run_with(CALL=family, AT=0, LOG=log)
            for at in range(1, int(log.read_text()) + 1):
                (self.dir / "w" / "layers").write_text(stale)
                status, message, text = self.run_with(CALL=family, AT=at, ERRNO=FAMILIES[family])
                self.assertEqual(os.listdir(self.dir / "w"), ["layers"], (family, at))
                self.assertTrue(text == stale or text.rpartition("checksum ")[2].endswith("\n"), (family, at, text))
                self.assertTrue(text != stale or status != 0, (family, at, message))
                if family in ("sync", "rename"):
                    self.assertEqual((status, text), (4, stale), message)
                    self.assertIn("can't write it: ", message)


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    LIBRARY = str(Path(sys.argv.pop(-3)).resolve())
    cli_case.main(__doc__)
