# SPDX-License-Identifier: BSD-2-Clause
"""unfurl bench as its users see it; test_cli.py runs these tests too.

python3 test_cli_bench.py PATH_TO_UNFURL SOURCE_ROOT"""
import csv
import html.parser
import json
import os
import re
import shutil
import sys
import unittest

sys.dont_write_bytecode = True  # leaves the source folder as it is

import cli_case
import cli_files as files
from cli_case import Case
from cli_files import F32, FREE

CONV = 'mb2ic3ih10oc6kh3ph1n"small"'
FIELDS = {"problem", "algo", "picked", "threads", "isa", "min_us", "median_us", "gflops", "rel_l2_err",
          "workspace_bytes", "plan_us"}
NETWORK = {"model", "batch", "threads", "min_us", "median_us", "images_per_s", "peak_bytes"}


def write_network(path, convs, dims, dtype=F32, op="Conv"):
    """Convolutions one after the other: (filters, channels of a group, kernel height and width, attributes)."""
    nodes, constants, value = [], [], "image"
    for i, (oc, icg, kh, kw, attributes) in enumerate(convs):
        constants.append(files.constant("w%d" % i, (oc, icg, kh, kw), [0.01 * (j % 7) for j in range(oc * icg * kh * kw)]))
        nodes.append(files.node(op, [value, "w%d" % i], ["c%d" % i], **attributes))
        value = "c%d" % i
    return files.write_model(path, nodes, {"image": (dtype, dims)}, {value: (F32, (FREE,) * 4)}, constants)


class Bench(Case):
    def test_jsonl(self):
        done = self.run_program("bench", CONV, "ic1ih5oc2kh3", "-o", "jsonl")
        self.assertRegex(done.stderr, r"^unfurl .*, 1 thread\n$")
        objects = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual({o["problem"] for o in objects}, {CONV, "ic1ih5oc2kh3"})
        self.assertLessEqual({"naive", "im2col", "auto", "sgemm"}, {o["algo"] for o in objects})
        for entry in objects:
            self.assertEqual(set(entry), FIELDS)
            self.assertLessEqual(entry["min_us"], entry["median_us"])
            self.assertGreater(entry["gflops"], 0)
            self.assertLess(entry["rel_l2_err"], 1e-5)
            self.assertEqual(entry["threads"], 1)
            self.assertIn(entry["picked"], {o["algo"] for o in objects})

    def test_winograd_by_name(self):
        """The name stands for the solver of its kind that suits shape and tolerance."""
        problem = 'mb1ic32ih12oc32oh12kh3ph1n"x"'
        for tolerance, picked in (("2e-5", "winograd_f4"), ("5e-6", "winograd_f2")):
            done = self.run_program("bench", problem, "--algo", "winograd,auto", "--tolerance", tolerance, "-o", "jsonl")
            rows = [json.loads(line) for line in done.stdout.splitlines()]
            self.assertEqual([(row["algo"], row["picked"]) for row in rows], [("winograd", picked), ("auto", picked)])
            for row in rows:
                self.assertLess(row["rel_l2_err"], float(tolerance))

    def test_algorithms_asked_for(self):
        done = self.run_program("bench", CONV, "-o", "jsonl", "--algo", "sgemm,im2col", "--threads", 2)
        objects = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual([o["algo"] for o in objects], ["sgemm", "im2col"])
        self.assertEqual([o["threads"] for o in objects], [2, 2])
        macs = 2 * 6 * 100 * 27
        for entry in objects:
            self.assertAlmostEqual(entry["gflops"], 2e-3 * macs / entry["min_us"], delta=1e-6 + entry["gflops"] * 1e-3)

    def test_other_formats(self):
        table = self.run_program("bench", CONV, "--algo", "naive,auto").stdout
        self.assertIn("**small** " + CONV, table)
        self.assertEqual(len({len(line) for line in table.splitlines() if line.startswith("|")}), 1)
        done = self.run_program("bench", CONV, CONV, "--algo", "naive,auto", "-o", "json")
        self.assertEqual([o["algo"] for o in json.loads(done.stdout)], ["naive", "auto"] * 2)
        done = self.run_program("bench", CONV, "--algo", "naive,auto", "-o", "csv")
        rows = list(csv.DictReader(done.stdout.splitlines()))
        self.assertEqual(set(rows[0]), FIELDS)
        self.assertEqual(rows[1]["problem"], CONV)

    def test_batch_file(self):
        batch = self.dir / "shapes"
        batch.write_text("# two\n\n%s\n  ic1ih5oc2kh3\n" % CONV)
        done = self.run_program("bench", "--batch=%s" % batch, "--algo", "auto", "-o", "jsonl")
        self.assertEqual([json.loads(line)["problem"] for line in done.stdout.splitlines()], [CONV, "ic1ih5oc2kh3"])
        batch.write_text("ic1ih5oc2kh3\nic1ih5oc2kh3x\n")
        self.run_program("bench", "--batch", batch, status=2, says="line 2")

    def test_too_large(self):
        done = self.run_program("bench", "ic1024ih1000000oc1kh1", CONV, "--algo", "auto", "-o", "jsonl", status=1,
                                says="problem 'ic1024ih1000000oc1kh1'")
        self.assertEqual(done.stdout.count("\n"), 1)

    def test_output_fails(self):
        with open("/dev/full", "w") as full:
            self.run_program("bench", CONV, "--algo", "auto", status=4, says="No space left", stdout=full)


def write_twice(path):
    """Two convolutions of which one occurs twice."""
    same = {"pads": [1, 1, 1, 1]}
    return write_network(path, [(6, 3, 3, 3, same), (6, 6, 3, 3, same), (6, 6, 3, 3, same)], (FREE, 3, 8, 8))


class BenchModel(Case):
    def network(self):
        return write_twice(self.dir / "net.onnx")

    def objects(self, *arguments, **options):
        done = self.run_program("bench", *arguments, "-o", "jsonl", **options)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def test_jsonl(self):
        model = self.network()
        for batch, threads in ((1, 1), (3, 2)):
            network, *rows = self.objects(model, "--mb", batch, "--threads", threads)
            self.assertEqual(set(network), NETWORK)
            self.assertEqual((network["model"], network["batch"], network["threads"]), (model, batch, threads))
            self.assertLessEqual(network["min_us"], network["median_us"])
            self.assertAlmostEqual(network["images_per_s"], 1e6 * batch / network["min_us"],
                                   delta=1e-6 * network["images_per_s"])
            report = json.loads(self.run_program("inspect", model, "--mb", batch, "--threads", threads, "-o", "json").stdout)
            self.assertEqual(network["peak_bytes"], report["peak_bytes"])
            self.assertEqual(list(dict.fromkeys(row["problem"] for row in rows)),
                             ['mb%dic3ih8oc6oh8kh3ph1n"c0*1"' % batch, 'mb%dic6ih8oc6oh8kh3ph1n"c1*2"' % batch])
            for row in rows:
                self.assertEqual(set(row), FIELDS)
                self.assertLess(row["rel_l2_err"], 1e-5)

    def test_problems(self):
        """What a model's convolutions are called, and that they can be measured under that name."""
        model = write_network(self.dir / "all.onnx", [
            (8, 3, 5, 5, {"strides": [2, 2], "pads": [2, 2, 1, 1]}), (8, 2, 3, 3, {"group": 4, "dilations": [2, 2]}),
            (4, 8, 1, 3, {}), (6, 4, 3, 1, {"strides": [1, 2], "pads": [0, 1, 2, 1]})], (FREE, 3, 33, 32))
        rows = self.objects(model, "--algo", "im2col")[1:]
        problems = [row["problem"] for row in rows]
        self.assertEqual(problems, [
            'mb1ic3ih33iw32oc8oh16ow16kh5sh2ph2n"c0*1"', 'g4mb1ic8ih16oc8oh12kh3ph0dh1n"c1*1"',
            'mb1ic8ih12oc4oh12ow10kh1kw3ph0n"c2*1"', 'mb1ic4ih12iw10oc6oh12ow6kh3kw1sh1sw2ph0pw1n"c3*1"'])
        again = self.objects(*problems, "--algo", "im2col")
        self.assertEqual([row["problem"] for row in again], problems)

    def test_no_layers(self):
        self.assertEqual([set(entry) for entry in self.objects(self.network(), "--no-layers")], [NETWORK])

    def test_transposed(self):
        model = write_network(self.dir / "up.onnx", [(3, 4, 2, 2, {"strides": [2, 2]})], (1, 3, 8, 8), op="ConvTranspose")
        done = self.run_program("bench", model, "-o", "jsonl", says="layer 'c0' is not measured by itself")
        self.assertEqual(done.stdout.count("\n"), 1)

    def test_fixed_batch(self):
        model = write_network(self.dir / "two.onnx", [(2, 3, 3, 3, {})], (2, 3, 8, 8))
        done = self.run_program("bench", model, "--no-layers", "--mb", 5, "-o", "jsonl", says="--mb 5: the model takes")
        self.assertEqual(json.loads(done.stdout)["batch"], 2)

    def test_other_formats(self):
        model = self.network()
        done = self.run_program("bench", model, CONV, "--algo", "auto,sgemm", "-o", "json")
        self.assertEqual([set(entry) for entry in json.loads(done.stdout)], [NETWORK] + 6 * [FIELDS])
        done = self.run_program("bench", model, CONV, "--algo", "auto", "-o", "csv")
        rows = list(csv.DictReader(done.stdout.splitlines()))
        self.assertEqual(set(rows[0]), FIELDS | NETWORK)
        self.assertEqual([row["model"] for row in rows], [model, "", "", ""])
        self.assertEqual([row["problem"] for row in rows][0::3], ["", 'mb1ic6ih8oc6oh8kh3ph1n"c1*2"'])
        self.assertFalse(any(None in row or None in row.values() for row in rows))
        table = self.run_program("bench", model, "--algo", "auto").stdout
        self.assertIn("net.onnx** end to end", table)
        first = [line for line in table.split("\n\n")[1].splitlines() if line.startswith("|")]
        self.assertEqual(len({len(line) for line in first}), 1)

    def test_models_that_cant_be_used(self):
        (self.dir / "bad.onnx").write_bytes(b"\x08\x08\xff")
        rows = self.objects(self.dir / "bad.onnx", CONV, "--algo", "auto", status=3, says="bad.onnx")
        self.assertEqual([row["problem"] for row in rows], [CONV])
        self.run_program("bench", self.dir / "none.onnx", status=3, says="none.onnx")
        free = write_network(self.dir / "free.onnx", [(2, 3, 3, 3, {})], (FREE, 3, FREE, FREE))
        self.run_program("bench", free, status=2, says="free.onnx")


class Page(html.parser.HTMLParser):
    """Checks that elements are closed in order, and that nothing is loaded from elsewhere."""
    def __init__(self, text):
        super().__init__()
        self.open, self.count, self.text = [], {}, ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.count[tag] = self.count.get(tag, 0) + 1
        assert not any(name in ("src", "href") and not value.startswith("#") for name, value in attributes), attributes
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        pass

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, tag

    def handle_data(self, data):
        self.text += data


class Report(Case):
    NAME = 'ic3ih8oc4kh3n"<b>&amp;\\\'"'

    @unittest.skipUnless(shutil.which("gnuplot"), "gnuplot is not installed")
    def test_report(self):
        report = self.dir / "report.html"
        model = write_twice(self.dir / "net.onnx")
        done = self.run_program("bench", model, CONV, self.NAME, "--algo", "naive,auto", "--report", report)
        self.assertEqual(re.findall(r"(?m)^unfurl: .*", done.stderr), [])
        text = report.read_text()
        page = Page(text)
        self.assertEqual((page.open, page.count["svg"], page.count["table"]), ([], 2, 5))
        self.assertNotIn("<?xml", text)
        for word in ("net.onnx", "images/s", CONV, self.NAME):
            self.assertIn(word, page.text)
        self.assertEqual(os.listdir(self.dir).count("report.html"), 1)

    def test_no_gnuplot(self):
        done = self.run_program("bench", CONV, "--report", self.dir / "r.html", status=4, says="apt install gnuplot",
                                env={**os.environ, "PATH": str(self.dir)})
        self.assertEqual(done.stdout, "")
        self.assertFalse((self.dir / "r.html").exists())

    def test_broken_gnuplot(self):
        script = self.dir / "gnuplot"
        for text, message in (('[ "$1" = --version ] || exit 3', "gnuplot failed"), ("exit 0", "drew no chart")):
            script.write_text("#!/bin/sh\n%s\n" % text)
            script.chmod(0o755)
            self.run_program("bench", CONV, "--algo", "auto", "--report", self.dir / "r.html", status=4, says=message,
                             env={**os.environ, "PATH": "%s:%s" % (self.dir, os.environ["PATH"])})
            self.assertEqual(sorted(os.listdir(self.dir)), ["gnuplot"])

    @unittest.skipUnless(shutil.which("gnuplot"), "gnuplot is not installed")
    def test_places_that_cant_be_written(self):
        self.run_program("bench", CONV, "--algo", "auto", "--report", self.dir / "none" / "r.html", status=4, says="none")
        self.run_program("bench", CONV, "--algo", "auto", "--report", "/dev/full", status=4, says="No space left")
        self.run_program("bench", CONV, "--report", "-", status=2, says="needs a file")


if __name__ == "__main__":
    cli_case.main(__doc__)
