# SPDX-License-Identifier: BSD-2-Clause
"""--plan, --wisdom and --tolerance of run, bench and inspect; test_cli.py runs these tests too.

python3 test_cli_planning.py PATH_TO_UNFURL SOURCE_ROOT"""
import json
import os
import sys

sys.dont_write_bytecode = True  # leaves the source folder as it is

import cli_case
import cli_files as files
from cli_case import Case
from cli_files import F32, FREE

PROBLEM = "g8ic8ih9oc8kh3ph1"  # two solvers are in question
OTHER = "g8ic8ih7oc8kh3ph1"
ENTRY = "batch 1 ic 8 ih 9 "


class Planning(Case):
    def setUp(self):
        super().setUp()
        self.wisdom = self.dir / "layers.wisdom"

    def bench(self, *arguments, **options):
        done = self.run_program("bench", "--algo", "auto,strided", "-o", "jsonl", *arguments, **options)
        return [json.loads(line) for line in done.stdout.splitlines()], done.stderr

    def measure(self, *arguments, **options):
        return self.bench("--plan", "measure", "--wisdom", self.wisdom, *arguments, **options)

    def model(self):
        group = {"group": 4, "pads": [1, 1, 1, 1]}
        nodes = [files.node("Conv", ["image", "w"], ["maps"], **group), files.node("Flatten", ["maps"], ["row"])]
        constants = [files.constant("w", (4, 1, 3, 3), [0.1 * i for i in range(36)])]
        return files.write_model(self.dir / "net.onnx", nodes, {"image": (F32, (FREE, 4, 6, 6))},
                                 {"row": (F32, (FREE, 144))}, constants)

    def images(self, count):
        return files.write_npy(self.dir / "images.npy", (count, 4, 6, 6), [0.01 * (i % 97) for i in range(count * 144)])

    def test_bench(self):
        rows, messages = self.measure(PROBLEM)
        text = self.wisdom.read_text()
        self.assertEqual(messages.count("\n"), 1)
        self.assertTrue(text.startswith("unfurl wisdom 1\n"))
        self.assertIn(ENTRY, text)
        self.assertEqual(text.count("\nbatch "), 1)
        self.assertIn(": %s " % rows[0]["picked"], text)
        # What is known is neither measured nor written again; what is new is added.
        os.chmod(self.dir, 0o500)
        self.addCleanup(os.chmod, self.dir, 0o700)
        before = os.stat(self.wisdom)
        self.measure(PROBLEM)
        self.assertEqual(os.stat(self.wisdom).st_ino, before.st_ino)
        os.chmod(self.dir, 0o700)
        self.measure(OTHER)
        self.assertEqual(self.wisdom.read_text().count("\nbatch "), 2)
        self.assertEqual(os.listdir(self.dir), [self.wisdom.name])

    def test_estimates_use_it_and_keep_it(self):
        rows, messages = self.bench(PROBLEM, "--wisdom", self.wisdom)
        self.assertIn("is not there; --plan measure makes it", messages)
        self.assertFalse(self.wisdom.exists())
        self.measure(PROBLEM)
        text = self.wisdom.read_text()
        self.bench(OTHER, "--plan", "estimate", "--wisdom", self.wisdom)
        self.assertEqual(self.wisdom.read_text(), text)

    def test_refused_wisdom_is_made_anew(self):
        self.measure(PROBLEM)
        text = self.wisdom.read_text()
        for damaged, why in ((text.replace("groups 8", "groups 4"), "checksum"), (text[:-5], "checksum"),
                             (text.replace("wisdom 1", "wisdom 7"), "format"), ("", "not wisdom")):
            self.wisdom.write_text(damaged)
            self.bench(PROBLEM, "--wisdom", self.wisdom, says="warning: %s: it is" % self.wisdom
                       if why != "format" else "warning: %s: its format" % self.wisdom)
            self.assertEqual(self.wisdom.read_text(), damaged)
            messages = self.measure(PROBLEM)[1]
            self.assertIn(why, messages)
            self.assertIn("it is made anew", messages)
            self.assertIn(ENTRY, self.wisdom.read_text())
        messages = self.measure(PROBLEM, "--threads", 2)[1]
        self.assertIn('it was made elsewhere: "threads 1", here it is "threads 2"; it is made anew', messages)
        self.assertIn("\nthreads 2\n", self.wisdom.read_text())

    def test_other_files_are_left_alone(self):
        for name, content in (("thesis.txt", b"years of work\n"), ("zeros", bytes(100))):
            path = self.dir / name
            path.write_bytes(content)
            for mode in ("measure", "estimate"):
                self.run_program("bench", PROBLEM, "--plan", mode, "--wisdom", path, status=2, says="not wisdom of unfurl")
            self.assertEqual(path.read_bytes(), content)
        self.run_program("bench", PROBLEM, "--wisdom", self.dir, status=2, says="no regular file")

    def test_wisdom_that_cant_be_written(self):
        path = self.dir / "none" / "layers.wisdom"
        rows, messages = self.bench(PROBLEM, "--plan", "measure", "--wisdom", path, status=4)
        self.assertEqual(len(rows), 2)
        self.assertIn("%s: can't write there: No such file" % path, messages)

    def test_run(self):
        model, images = self.model(), self.images(5)
        plain = self.rows_of(model, images, "--threads", 1)
        arguments = ("--threads", 1, "--plan", "measure", "--wisdom", self.wisdom)
        self.assertEqual(self.rows_of(model, images, *arguments), plain)
        self.assertIn("batch 5 ic 4 ih 6 ", self.wisdom.read_text())
        self.assertEqual(self.rows_of(model, images, *arguments), plain)
        self.assertEqual(self.rows_of(model, images, "--threads", 1, "--wisdom", self.wisdom, "--tolerance", 0), plain)

    def test_inspect(self):
        model = self.model()
        arguments = (model, "--threads", 1, "--batch", 5, "-o", "json")
        done = self.run_program("inspect", *arguments, "--plan", "measure", "--wisdom", self.wisdom)
        layers = json.loads(done.stdout)["layers"]
        conv = [layer for layer in layers if layer["op"] == "Conv"][0]
        self.assertIn(": %s " % conv["algo"], self.wisdom.read_text())
        # What inspect measured, run uses.
        before = self.wisdom.read_text()
        self.rows_of(model, self.images(5), "--threads", 1, "--plan", "measure", "--wisdom", self.wisdom)
        self.assertEqual(self.wisdom.read_text(), before)
        self.run_program("inspect", *arguments, "--tolerance", "1e-6")

    def test_why(self):
        arguments = ("inspect", self.model(), "--threads", 1, "--why", "--wisdom", self.wisdom)
        for options, why in ((("--plan", "measure"), "; measured "), ((), "; from wisdom, measured "),
                             (("--algo", "strided"), "; asked for; ")):
            text = self.run_program(*arguments, *options).stdout
            plans = text.partition("\nplans\n")[2].partition("\n\n")[0].splitlines()
            self.assertEqual(len(plans), 1)
            self.assertRegex(plans[0], r"^ +\d+  (depthwise|strided|planar): 1 x 6x6x4 -> 6x6x4, 3x3 pad 1 groups 4" + why)
        self.assertNotIn("plans", self.run_program("inspect", self.model()).stdout)

    def test_bench_of_a_model(self):
        self.measure(self.model(), "--mb", 2)
        self.assertIn("batch 2 ic 4 ih 6 ", self.wisdom.read_text())

    def test_usage(self):
        model = self.model()
        for arguments in (["run", model, self.images(1)], ["bench", PROBLEM], ["inspect", model]):
            self.run_program(*arguments, "--plan", "guess", status=2, says="--plan 'guess' is not estimate or measure")
            self.run_program(*arguments, "--tolerance", "-1", status=2, says="--tolerance '-1'")
            self.run_program(*arguments, "--tolerance", "x", status=2, says="--tolerance 'x'")
            self.run_program(*arguments, "--wisdom", status=2, says="needs a value")


if __name__ == "__main__":
    cli_case.main(__doc__)
