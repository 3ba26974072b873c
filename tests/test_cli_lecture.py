# SPDX-License-Identifier: BSD-2-Clause
"""unfurl lecture as its users see it; test_cli.py runs these tests too.

python3 test_cli_lecture.py PATH_TO_UNFURL SOURCE_ROOT"""
import json
import os
import random
import re
import resource
import subprocess
import sys

sys.dont_write_bytecode = True  # leaves the source folder as it is

import cli_case
import cli_files as files
from cli_case import Case

SIDE, CHANNELS, KERNEL, FILTERS, OUT = 32, 3, 5, 6, 28
NUMBERS, CHUNK = SIDE * SIDE * CHANNELS, KERNEL * KERNEL * CHANNELS
MONTAGE = (1296, 592)
FIELDS = ["chunk_dot", "unrolled_dot", "patch_matrix", "maps", "max_difference", "fc", "naive_us", "sgemm_us"]


def dot(a, b):
    return sum(x * y for x, y in zip(a, b, strict=True))


def chunk(image, y, x):
    """The unrolled chunk at (y, x): five runs of 15 numbers."""
    run = KERNEL * CHANNELS
    return [v for i in range(KERNEL) for v in image[((y + i) * SIDE + x) * CHANNELS:][:run]]


class Lecture(Case):
    def lecture(self, *arguments):
        """The JSON object and the dumped arrays, in plain lists."""
        folder = self.dir / "dump"
        done = self.run_program("lecture", *arguments, "--json", "--dump", folder)
        self.assertEqual(done.stdout.count("\n"), 1)
        arrays = {}
        for name, shape in (("image", (SIDE, SIDE, CHANNELS)), ("filters", (FILTERS, KERNEL, KERNEL, CHANNELS)),
                            ("fc_weights", (10, NUMBERS)), ("maps", (OUT, OUT, FILTERS))):
            got, arrays[name] = files.read_npy(folder / (name + ".npy"))
            self.assertEqual(got, shape)
        return json.loads(done.stdout), arrays

    def check_numbers(self, numbers, arrays, delta):
        """Computes all of it again, in another language and in double precision."""
        image, filters, maps = arrays["image"], arrays["filters"], arrays["maps"]
        filters = [filters[CHUNK * f:CHUNK * (f + 1)] for f in range(FILTERS)]
        expected = [dot(chunk(image, y, x), f) for y in range(OUT) for x in range(OUT) for f in filters]
        for got, wanted in zip(maps, expected, strict=True):
            self.assertAlmostEqual(got, wanted, delta=delta)
        self.assertAlmostEqual(numbers["chunk_dot"], expected[0], delta=delta)
        self.assertEqual(numbers["unrolled_dot"], numbers["chunk_dot"])
        weights = arrays["fc_weights"]
        for row, got in enumerate(numbers["fc"]):
            self.assertAlmostEqual(got, dot(weights[NUMBERS * row:NUMBERS * (row + 1)], image), delta=30 * delta)

    def test_json(self):
        numbers, arrays = self.lecture()
        self.assertEqual(list(numbers), FIELDS)
        self.assertEqual((numbers["patch_matrix"], numbers["maps"]), ([784, 75], [28, 28, 6]))
        self.assertEqual(len(numbers["fc"]), 10)
        self.assertGreater(numbers["naive_us"], numbers["sgemm_us"])
        self.assertGreater(numbers["sgemm_us"], 0)
        self.assertTrue(all(v == int(v) and 0 <= v <= 255 for v in arrays["image"]))
        self.assertEqual(numbers["max_difference"], 0)  # whole numbers, so every sum is exact
        self.check_numbers(numbers, arrays, 0)
        self.assertEqual(self.lecture()[1], arrays)

    def test_arrays(self):
        values = [random.Random(1).randrange(256) for _ in range(NUMBERS)]
        bright = files.write_npy(self.dir / "u1.npy", (SIDE, SIDE, CHANNELS), values, "|u1")
        numbers, arrays = self.lecture(bright)
        self.assertEqual(list(arrays["image"]), values)
        self.check_numbers(numbers, arrays, 0)
        source = random.Random(2)
        for descr in ("<f4", "<f8"):
            unit = files.write_npy(self.dir / "f.npy", (SIDE, SIDE, CHANNELS), [source.random() for _ in values], descr)
            numbers, arrays = self.lecture(unit)
            self.check_numbers(numbers, arrays, 1e-4)
            self.assertLess(numbers["max_difference"], 1e-4)

    def test_pictures(self):
        values = [random.Random(3).randrange(256) for _ in range(NUMBERS)]
        same = files.write_png(self.dir / "same.png", SIDE, SIDE, values)
        self.assertEqual(list(self.lecture(same)[1]["image"]), values)
        wide = [v for i in range(64 * 100) for v in (200, 100, i % 64)]
        image = self.lecture(files.write_png(self.dir / "wide.png", 100, 64, wide))[1]["image"]
        self.assertEqual((set(image[0::3]), set(image[1::3])), ({200}, {100}))

    def text_of(self, *arguments, environment=None):
        """What the program writes to a terminal."""
        master, slave = cli_case.open_terminal()
        keep = {k: v for k, v in os.environ.items()
                if k not in ("NO_COLOR", "COLORTERM", "TERM", "LC_ALL", "LC_CTYPE", "LANG")}
        program = subprocess.Popen([cli_case.UNFURL, "lecture", *arguments], stdin=subprocess.DEVNULL, stdout=slave,
                                   env={**keep, "TERM": "xterm", **(environment or {})})
        os.close(slave)
        text = b""
        try:
            while part := os.read(master, 1 << 16):
                text += part
        except OSError:
            pass  # how Linux says that the other side is gone
        os.close(master)
        self.assertEqual(program.wait(timeout=60), 0)
        return text.decode()

    def test_text(self):
        numbers, arrays = self.lecture()
        text = self.run_program("lecture").stdout
        self.assertTrue(text.isascii())
        self.assertNotIn("\x1b", text)
        self.assertLessEqual(max(map(len, text.splitlines())), 80)
        for word in ("3072", "75", "784 x 75", "28 x 28", "SGEMV", "SGEMM", "im2col", "unrolled"):
            self.assertIn(word, text)
        for value in [numbers["chunk_dot"], *numbers["fc"], max(arrays["maps"][5::6])]:
            self.assertRegex(text, r"(?<![\d-])%d\b" % value)

    def test_long_numbers_fit(self):
        values = [random.Random(4).uniform(-9999, 9999) for _ in range(NUMBERS)]
        name = self.dir / ("x" * 100 + "\x1b[31m\n.npy")
        path = files.write_npy(name, (SIDE, SIDE, CHANNELS), values)
        text = self.run_program("lecture", path).stdout
        self.assertTrue(text.isascii())
        self.assertNotIn("\x1b", text)
        self.assertLessEqual(max(map(len, text.splitlines())), 80)

    def check_text(self, text, has=(), lacks=()):
        """As assertIn and assertNotIn, which would print all of a coloured text."""
        for part in has:
            self.assertTrue(part in text, part)
        for part in lacks:
            self.assertFalse(part in text, part)

    def test_terminal(self):
        utf8 = {"LANG": "C.UTF-8"}
        full = self.text_of(environment={**utf8, "COLORTERM": "truecolor"})
        self.check_text(full, has=("\x1b[38;2;", "\x1b[48;2;", "\u2580"), lacks=("[38;5;", "[48;5;", "--maps"))
        indexed = self.text_of(environment=utf8)
        self.check_text(indexed, has=("\x1b[38;5;", "\x1b[48;5;", "\u2580"), lacks=("[38;2;", "[48;2;"))
        plain = self.text_of(environment={"COLORTERM": "truecolor", "LC_ALL": "C"})
        self.check_text(plain, has=("\x1b[48;2;",), lacks=("\u2580",))
        for text in (full, indexed, plain):
            drawn = 0
            for line in text.splitlines():
                width = len(re.sub(r"\x1b\[[\d;]*m", "", line))
                self.assertLessEqual(width, 80)
                drawn += "[48;" in line
                if "\x1b" in line:  # the line ends in the terminal's own colours
                    self.assertEqual(line.rpartition("\x1b")[2], "[0m")
            self.assertEqual(drawn, 16 + 3 * 14)

    def test_no_colours(self):
        for environment in ({"NO_COLOR": "1"}, {"TERM": "dumb"}, {"TERM": ""}):
            self.check_text(self.text_of(environment={"COLORTERM": "truecolor", **environment}), lacks=("\x1b",))
        self.check_text(self.text_of("--json"), lacks=("\x1b",))

    def test_maps(self):
        image = self.lecture("--maps", self.dir / "maps.png")[1]["image"]
        width, height, rows = files.read_png(self.dir / "maps.png")
        self.assertEqual((width, height), MONTAGE)
        colours = {bytes(row[3 * x:3 * x + 3]) for row in rows for x in range(width)}
        self.assertGreater(len(colours), 200)
        for y, x in ((0, 0), (5, 5), (20, 20), (31, 31)):  # a pixel of the image is a square of 15
            at = 3 * (32 + 15 * x)
            for inside in (0, 14):
                self.assertEqual(list(rows[32 + 15 * y + inside][at + 3 * inside:][:3]),
                                 [int(v) for v in image[(y * SIDE + x) * CHANNELS:][:3]])

    def test_images_that_cant_be_used(self):
        count = NUMBERS
        for name, shape, values, descr, message in (
                ("shape", (3, 32, 32), [0.0] * count, "<f4", "(32, 32, 3)"),
                ("rank", (count,), [0.0] * count, "<f4", "(32, 32, 3)"),
                ("ints", (32, 32, 3), [0] * count, "<i8", "int64"),
                ("nan", (32, 32, 3), [float("nan")] * count, "<f4", "number nan"),
                ("huge", (32, 32, 3), [1e30] * count, "<f8", "number 1e+30")):
            path = files.write_npy(self.dir / name, shape, values, descr)
            done = self.run_program("lecture", path, status=1, says="%s: " % path)
            self.assertIn(message, done.stderr)
            self.assertEqual(done.stdout, "")
        for path in (self.dir, self.dir / "none", __file__):
            self.run_program("lecture", path, status=1, says=str(path))

    def test_outputs_that_cant_be_written(self):
        (self.dir / "file").write_text("")
        for arguments in (["--maps", self.dir / "none" / "x.png"], ["--maps", "/dev/full"],
                          ["--dump", self.dir / "none" / "x"], ["--dump", self.dir / "file"]):
            done = self.run_program("lecture", "--json", *arguments, status=4, says=str(arguments[1]))
            self.assertEqual(list(json.loads(done.stdout)), FIELDS)
        with open("/dev/full", "w") as full:
            self.run_program("lecture", status=4, says="No space left", stdout=full)
        target = self.dir / "maps.png"
        target.write_text("old")
        limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        self.run_program("lecture", "--maps", target, status=4, says="File too large", preexec_fn=limit)
        self.assertEqual(target.read_text(), "old")
        self.assertEqual(sorted(os.listdir(self.dir)), ["file", "maps.png"])

    def test_usage(self):
        for arguments, message in ((["a", "b"], "one image"), (["--mpas", "x"], "did you mean '--maps'?"),
                                   (["--json=1"], "takes no value"), (["--dump"], "needs a value"),
                                   (["--maps", "-"], "needs a file"), (["-o", "x"], "'-o'")):
            self.run_program("lecture", *arguments, status=2, says=message)


if __name__ == "__main__":
    cli_case.main(__doc__)
