# SPDX-License-Identifier: BSD-2-Clause
"""The program `unfurl` as its users see it: python3 test_cli.py PATH_TO_UNFURL SOURCE_ROOT"""
import csv
import gzip
import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
import unittest
from pathlib import Path

sys.dont_write_bytecode = True  # leaves the source folder as it is

import cli_case
import cli_files as files
from cli_case import Case
from cli_files import F32, FREE, I64
from test_cli_bench import CONV, Bench, BenchModel, Report  # run with the others
from test_cli_inspect import Inspect
from test_cli_lecture import Lecture
from test_cli_manners import Manners
from test_cli_planning import Planning

FASHION = Path("/usr/share/datasets/fashion-mnist")


class Program(Case):
    def test_help(self):
        for arguments in (["--help"], ["-h"], ["help"]):
            self.assertIn("Usage: unfurl COMMAND", self.run_program(*arguments).stdout)
        for command in ("run", "verify", "bench", "inspect", "lecture"):
            text = self.run_program(command, "--help").stdout
            self.assertIn("Example", text)
            self.assertEqual(text, self.run_program("help", command).stdout)

    def test_version(self):
        text = self.run_program("--version").stdout
        self.assertRegex(text, r"^unfurl \d+\.\d+\.\d+\n")
        for word in ("BLAS", "ISA", "CPUs", "L2"):
            self.assertIn(word, text)

    def test_wrong_usage(self):
        model = self.flatten()
        for arguments, message in (
                ([], "which command?"), (["rnu"], "did you mean 'run'?"), (["zzzzzz"], "unknown command"),
                (["--vresion"], "unknown option"), (["help", "benhc"], "did you mean 'bench'?"),
                (["run"], "which model?"), (["run", model], "which input files?"),
                (["run", "--treads=2"], "did you mean '--threads'?"), (["run", "-x"], "unknown option '-x'"),
                (["run", "--threads"], "'--threads' needs a value"), (["run", "--timing=1"], "takes no value"),
                (["run", model, "x", "--threads", "-1"], "--threads '-1'"),
                (["run", model, "x", "--batch", "0"], "--batch '0'"),
                (["run", model, "x", "--algo", "nope"], "no algorithm 'nope'"),
                (["run", model, "x", "--resize", "zoom"], "stretch, crop or pad"),
                (["run", model, "x", "--std", "0"], "greater than 0"), (["run", model, "x", "--scale", "nan"], "--scale"),
                (["run", model, "x", "--input", "image"], "NAME=FILE"),
                (["run", model, "x", "--input", "y=z.npy"], "no input of that name"),
                (["run", model, "x", "--filter", "box"], "bilinear or bicubic"), (["run", model, "x", "--skip", "x"], "--skip"),
                (["run", model, "x", "-o", "y.txt"], ".jsonl"),
                (["bench"], "which problem?"), (["bench", "ic3"], "problem 'ic3'"), (["bench", CONV, "--mb", "2"], "for models"),
                (["bench", CONV, "-o", "xml"], "md, jsonl, csv or json"),
                (["bench", CONV, "--tolerance", "-1"], "--tolerance"),
                (["bench", "--batch=/nowhere"], "/nowhere"), (["bench", CONV, "--algo", "naive,"], "no algorithm ''")):
            done = self.run_program(*arguments, status=2, says=message)
            self.assertIn("--help'.", done.stderr)
            self.assertEqual(done.stdout, "")

    def test_closed_streams(self):
        model, data = self.flatten(), self.rows(3)[0]
        for shell, status in (('exec "$@" <&-', 0), ('exec "$@" >&-', 4), ('exec "$@" 2>&-', 0),
                              ('exec "$@" <&- >&- 2>&-', 4), ('exec "$@" > /dev/full', 4)):
            for arguments in (["run", model, data], ["--help"], ["run", "--help"]):
                done = subprocess.run(["sh", "-c", shell, "sh", cli_case.UNFURL, *arguments], capture_output=True, timeout=60)
                self.assertEqual(done.returncode, status, (shell, arguments, done.stderr))

    def test_reader_goes_away(self):
        read, write = os.pipe()
        os.close(read)
        self.run_program("run", self.flatten(), self.rows(3)[0], status=4, says="Broken pipe", stdout=write)
        os.close(write)


class Run(Case):
    def test_order_over_batches(self):
        model = self.flatten()
        data, values = self.rows(23)
        for batch in (1, 2, 7, 16, 23, 64):
            out = self.dir / "out.npy"
            self.run_program("run", model, data, "-o", out, "--batch", batch, says="23 images in ")
            self.assertEqual(files.read_npy(out), ((23, 4), tuple(values)))

    def test_lines(self):
        done = self.run_program("run", self.flatten(), self.rows(5)[0], "--batch", 2, "--top", 2)
        lines = done.stdout.splitlines()
        self.assertEqual(len(lines), 5)
        for i, line in enumerate(lines):
            self.assertTrue(line.endswith("rows.npy[%d]: %d %d, %d %d" % (
                i, i % 4, 10 * i + 5, 0 if i % 4 else 1, 10 * i - (0 if i % 4 else 1))), line)

    def test_csv_and_jsonl(self):
        model = self.flatten(metadata={"unfurl.labels": 'no,"comma"\nshirt\n\nba\x07g\n'})
        data = self.rows(5)[0]
        self.run_program("run", model, data, "-o", self.dir / "out.csv", "--top", 9)
        with open(self.dir / "out.csv", newline="") as file:
            rows = list(csv.DictReader(file))
        self.run_program("run", model, data, "-o", self.dir / "out.jsonl")
        objects = [json.loads(line) for line in (self.dir / "out.jsonl").read_text().splitlines()]
        labels = ['no,"comma"', "shirt", "", "ba?g"]
        for i, (row, entry) in enumerate(zip(rows, objects, strict=True)):
            best = i % 4
            self.assertEqual((row["index"], row["source"], row["class"], row["label"], float(row["score"])),
                             (str(i), data, str(best), labels[best], 10 * i + 5))
            self.assertEqual((entry["index"], entry["source"], entry["class"], entry["label"], entry["score"]),
                             (i, data, best, labels[best], 10 * i + 5))
            self.assertEqual(sorted(top["class"] for top in entry["top"]), [0, 1, 2, 3])
            self.assertEqual(entry["top"][1]["class"], int(row["class2"]))

    def test_ties_and_nan(self):
        nan, inf = float("nan"), float("inf")
        values = [1, 1, 0, 1, nan, 2, 2, nan, nan, -inf, nan, nan, nan, nan, nan, nan]
        data = files.write_npy(self.dir / "x.npy", (4, 1, 2, 2), values)
        done = self.run_program("run", self.flatten(), data)
        self.assertEqual([line.split()[1] for line in done.stdout.splitlines()], ["0", "1", "1", "0"])
        self.run_program("run", self.flatten(), data, "-o", self.dir / "x.jsonl")
        for line in (self.dir / "x.jsonl").read_text().splitlines():
            json.loads(line, parse_constant=self.fail)

    def test_dtypes_that_are_converted(self):
        for descr in ("<f8", "|u1", "<f4"):
            data = files.write_npy(self.dir / "x.npy", (1, 1, 2, 2), [1, 2, 200, 3], descr)
            self.run_program("run", self.flatten(), data, "-o", self.dir / "out.npy")
            self.assertEqual(files.read_npy(self.dir / "out.npy"), ((1, 4), (1, 2, 200, 3)))

    def test_fixed_batch(self):
        model = self.flatten((3, 1, 2, 2))
        for count in (1, 3, 7):
            data, values = self.rows(count)
            self.run_program("run", model, data, "-o", self.dir / "out.npy")
            self.assertEqual(files.read_npy(self.dir / "out.npy"), ((count, 4), tuple(values)))
        self.run_program("run", model, data, "--batch", 2, says="takes batches of 3")

    def test_idx_is_prepared(self):
        model = self.flatten((FREE, 1, 4, 5), metadata={"unfurl.scale": "0.5", "unfurl.mean": "1", "unfurl.std": " 2 ",
                                                        "unfurl.resize": "pad"})
        prepared = [0.0] * 20
        for place, pixel in zip((6, 7, 11, 12), (0, 1, 2, 255)):
            prepared[place] = (pixel * 0.5 - 1) / 2
        for name in ("x.idx", "x.gz", "misleading.npy"):
            data = files.write_idx(self.dir / name, (2, 2, 2), [0, 1, 2, 255] * 2)
            self.run_program("run", model, data, "-o", self.dir / "out.npy")
            self.assertEqual(files.read_npy(self.dir / "out.npy"), ((2, 20), tuple(prepared * 2)))
        self.run_program("run", model, data, "--scale", 1, "--mean", "0", "--std", 1, "-o", self.dir / "out.npy")
        self.assertEqual(files.read_npy(self.dir / "out.npy")[1][6:13], (0, 1, 0, 0, 0, 2, 255))
        even = files.write_idx(self.dir / "even", (1, 8, 10), [7] * 80)
        for resize in ("stretch", "crop", "pad"):
            self.run_program("run", model, even, "--resize", resize, "-o", self.dir / "out.npy")
            self.assertEqual(files.read_npy(self.dir / "out.npy"), ((1, 20), ((7 * 0.5 - 1) / 2,) * 20))
        colour = self.flatten((FREE, 3, 2, 2))
        self.run_program("run", colour, data, "-o", self.dir / "out.npy")
        self.assertEqual(files.read_npy(self.dir / "out.npy"), ((2, 12), (0, 1, 2, 255) * 6))

    def test_bad_metadata(self):
        for key, value in (("unfurl.scale", "x"), ("unfurl.mean", "1,2"), ("unfurl.std", "0"), ("unfurl.mean", "1,,2"),
                           ("unfurl.std", "inf"), ("unfurl.resize", "Pad"), ("unfurl.scale", "1,1"), ("unfurl.mean", "")):
            model = self.flatten(metadata={key: value})
            self.run_program("run", model, self.rows(1)[0], status=3, says=key)
        self.run_program("run", self.flatten(metadata={"unfurl.scale": "x"}), self.rows(1)[0], "--scale", 1)
        self.run_program("run", self.flatten(), self.rows(1)[0], "--mean", "1,2", status=2, says="mean")

    def test_model_that_cant_be_used(self):
        data = self.rows(1)[0]
        self.run_program("run", self.dir / "none.onnx", data, status=3, says="none.onnx")
        self.run_program("run", data, data, status=3, says="rows.npy")
        model = files.write_model(self.dir / "m.onnx", [files.node("Reshape", ["image", "s"], ["y"])],
                                  {"image": (F32, (FREE, 1, 2, 2))}, {"y": (F32, (2, 4))},
                                  [files.constant("s", (2,), [2, -1])])
        self.run_program("run", model, self.rows(6)[0], status=3, says="not one row an image")
        out = self.dir / "out.npy"
        self.run_program("run", model, self.rows(6)[0], status=3, says="fed by --input image=FILE.npy, the model runs once")
        self.run_program("run", model, "--input", f"image={self.rows(6)[0]}", "-o", out)
        self.assertEqual(files.read_npy(out)[0], (2, 12))
        self.assertEqual(self.run_program("run", model, self.rows(6)[0], "--batch", 2).stdout.count("\n"), 6)

    def test_some_inputs_fail(self):
        good, values = self.rows(3)
        more = self.rows(2, name="more.npy")[0]
        bad = files.write_npy(self.dir / "bad.npy", (2, 1, 3, 3), [0.0] * 18)
        short = files.write_idx(self.dir / "short", (5, 2, 2), [9] * 20)
        Path(short).write_bytes(Path(short).read_bytes()[:-1])
        labels = files.write_idx(self.dir / "labels", (3,), [0, 1, 2])
        empty = files.write_npy(self.dir / "empty.npy", (0, 1, 2, 2), [])
        ints = files.write_npy(self.dir / "ints.npy", (1, 1, 2, 2), [1, 2, 3, 4], "<i8")
        failing = [bad, short, labels, empty, ints, str(self.dir), str(self.dir / "none"), __file__, "/dev/null"]
        out = self.dir / "out.npy"
        done = self.run_program("run", self.flatten(), good, *failing, more, "-o", out, status=1)
        for name in failing:
            self.assertIn(name + ": ", done.stderr)
        self.assertEqual(done.stderr.count("unfurl: "), len(failing))
        self.assertIn("5 images, 9 failed", done.stderr)
        shape, rows = files.read_npy(out)  # what may have been an image has a row; arrays of unknown size have none
        self.assertEqual((shape, rows[:12]), ((9, 4), tuple(values)))
        self.assertTrue(all(value != value for value in rows[12:28]))
        self.assertEqual(rows[28:], tuple(self.rows(2)[1]))
        out.unlink()
        self.run_program("run", self.flatten(), bad, "-o", out, status=1)
        self.assertFalse(out.exists())

    def test_damage_in_the_middle(self):
        data = files.write_idx(self.dir / "x", (5, 2, 2), range(20))
        raw = Path(data).read_bytes()
        (self.dir / "x.gz").write_bytes(gzip.compress(raw[:-6]))
        done = self.run_program("run", self.flatten(), self.dir / "x.gz", "--batch", 2, status=1,
                                says="ends after 3 of 5")
        self.assertEqual(done.stdout.count("\n"), 3)

    def test_batches_span_files(self):
        parts, expected = [], []
        for i in range(5):
            name, values = self.rows(3, name="part%d.npy" % i)
            parts.append(name)
            expected += values
        self.run_program("run", self.flatten(), *parts, "--batch", 4, "-o", self.dir / "out.npy", says="15 images")
        self.assertEqual(files.read_npy(self.dir / "out.npy"), ((15, 4), tuple(expected)))

    def test_named_inputs(self):
        model = files.write_model(self.dir / "gemm.onnx", [files.node("Gemm", ["x", "w"], ["y"], transB=1)],
                                  {"x": (F32, (FREE, 2)), "w": (F32, (3, 2))}, {"y": (F32, (FREE, 3))})
        x = files.write_npy(self.dir / "x.npy", (3, 2), [1, 0, 0, 1, 1, 1])
        w = files.write_npy(self.dir / "w.npy", (3, 2), [1, 2, 3, 4, 5, 6])
        expected = ((3, 3), (1, 3, 5, 2, 4, 6, 3, 7, 11))
        out = self.dir / "out.npy"
        self.run_program("run", model, x, "--input", "w=" + w, "--batch", 2, "-o", out)
        self.assertEqual(files.read_npy(out), expected)
        self.run_program("run", model, "--input", "w=" + w, "--input", "x=" + x, "-o", out)
        self.assertEqual(files.read_npy(out), expected)
        self.run_program("run", model, x, status=2, says="give all but one")
        self.run_program("run", model, x, "--input", "w=" + w, "--input", "x=" + x, status=2, says="are given")
        self.run_program("run", model, x, "--input", "w=" + w, "--input", "w=" + w, status=2, says="given before")
        self.run_program("run", model, x, "--input", "w=" + x.replace("x.npy", "none"), status=1, says="none")
        bad = files.write_npy(self.dir / "bad.npy", (2, 2), [1, 2, 3, 4])
        self.run_program("run", model, x, "--input", "w=" + bad, status=1, says="takes [3, 2]")

    def test_outputs_that_are_no_scores(self):
        model = files.write_model(self.dir / "ints.onnx", [files.node("Identity", ["x"], ["y"])],
                                  {"x": (I64, (FREE, 2))}, {"y": (I64, (FREE, 2))})
        data = files.write_npy(self.dir / "x.npy", (2, 2), [1, -2, 3, 1 << 40], "<i8")
        self.run_program("run", model, data, status=4, says="-o FILE.npy")
        self.run_program("run", model, data, "-o", self.dir / "out.npy")
        self.assertEqual((self.dir / "out.npy").read_bytes()[-32:], Path(data).read_bytes()[-32:])

    def test_labels_and_truth(self):
        model, data = self.flatten(metadata={"unfurl.labels": "a\nb\nc\nd"}), self.rows(6)[0]
        labels = self.dir / "labels.txt"
        labels.write_text("zero\r\none\n")
        done = self.run_program("run", model, data, "--labels", labels)
        self.assertIn("]: 1 one 15", done.stdout)
        self.assertIn("]: 2 25", done.stdout)
        truth = self.dir / "truth"
        truth.write_text("0\n1\n2\n3\n1\n1\n")
        expected = ["accuracy 5/6 = 0.8333", "confusion matrix (row: true class, column: predicted class)",
                    "    0 1 2 3", "0 a 1 0 0 0", "1 b 1 2 0 0", "2 c 0 0 1 0", "3 d 0 0 0 1"]
        for path in (truth, files.write_idx(self.dir / "t.gz", (6,), [0, 1, 2, 3, 1, 1]),
                     files.write_npy(self.dir / "t.npy", (6,), [0, 1, 2, 3, 1, 1], "<i8"),
                     files.write_npy(self.dir / "t1.npy", (6,), [0, 1, 2, 3, 1, 1], "|u1")):
            done = self.run_program("run", model, data, "--truth", path, "-o", self.dir / "o.csv", "--batch", 4)
            self.assertEqual(done.stdout.splitlines(), expected)
        done = self.run_program("run", model, data, "--truth", truth)
        self.assertEqual(done.stdout.splitlines()[6:], expected)

    def test_bad_truth(self):
        model, data, truth = self.flatten(), self.rows(3)[0], self.dir / "truth"
        for text, message in (("0\n1\n", "more images"), ("0\n1\n2\n3\n", "4 classes for 3 images"),
                              ("0\n1\n4\n", "class 4"), ("0\n-1\n2\n", "line 2"), ("0\nx\n", "line 2"),
                              ("0\n\n1\n", "line 2")):
            truth.write_text(text)
            done = self.run_program("run", model, data, "--truth", truth, status=1, says=message)
            self.assertNotIn("accuracy", done.stdout)
        self.run_program("run", model, data, "--truth", self.dir / "none", status=1, says="none")
        self.run_program("run", model, data, "--labels", self.dir / "none", status=1, says="none")

    def test_timing(self):
        done = self.run_program("run", self.flatten(), self.rows(3)[0], "--timing")
        for phase in ("read", "decode", "prepare", "infer", "write"):
            self.assertRegex(done.stderr, r"(?m)^%s +[\d.]+ s +[\d.]+ %%$" % phase)


class Output(Case):
    def leftovers(self):
        return [name for name in os.listdir(self.dir) if "tmp" in name]

    def test_devices(self):
        model, data = self.flatten(), self.rows(3)[0]
        text = self.run_program("run", model, data).stdout
        for name in ("-", "/dev/stdout"):
            self.assertEqual(self.run_program("run", model, data, "-o", name).stdout, text)
        with open(self.dir / "out", "w+") as file:
            self.run_program("run", model, data, "-o", "/dev/stdout", stdout=file)
            file.seek(0)
            self.assertEqual(file.read(), text)
        self.run_program("run", model, data, "-o", "/dev/null")
        self.run_program("run", model, data, "-o", "/dev/full", status=4, says="No space left")
        for name in ("full.npy", "full.csv", "full.jsonl"):
            (self.dir / name).symlink_to("/dev/full")
            self.run_program("run", model, data, "-o", self.dir / name, status=4, says="No space left")
            self.assertTrue((self.dir / name).is_symlink())

    def test_places_that_cant_be_written(self):
        model, data = self.flatten(), self.rows(3)[0]
        self.run_program("run", model, data, "-o", self.dir / "none" / "x.npy", status=4, says="none")
        (self.dir / "folder.npy").mkdir()
        self.run_program("run", model, data, "-o", self.dir / "folder.npy", status=4, says="folder.npy")

    def test_never_a_short_file(self):
        model, data = self.flatten(), self.rows(5000)[0]
        out = self.dir / "out.npy"
        out.write_text("old")
        limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))
        self.run_program("run", model, data, "-o", out, status=4, says="File too large", preexec_fn=limit)
        self.assertEqual(out.read_text(), "old")
        self.assertEqual(self.leftovers(), [])
        link = self.dir / "link.npy"
        link.symlink_to(out)
        self.run_program("run", model, data, "-o", link)
        self.assertTrue(link.is_symlink())
        self.assertEqual(files.read_npy(out)[0], (5000, 4))

    def start_long_run(self, *options):
        model = str(cli_case.ROOT / "examples/fashion_mnist/lenet5.onnx")
        data = files.write_idx(self.dir / "x", (30000, 28, 28), bytes(30000 * 784))
        arguments = [cli_case.UNFURL, "run", model, data, "--algo", "naive", "-o", str(self.dir / "out.csv"), *options]
        program = subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True)
        while not self.leftovers() and program.poll() is None:
            time.sleep(0.01)
        return program, [str(argument) for argument in arguments]

    def test_interrupted_and_continued(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            program, arguments = self.start_long_run()
            time.sleep(0.3)
            program.send_signal(number)
            message = program.communicate(timeout=60)[1]
            self.assertEqual(program.returncode, 1, message)
            through, skip = re.search(r"stopped after (\d+) of 30000 images; go on with --skip (\d+)", message).groups()
            self.assertEqual(through, skip)
            self.assertEqual(sorted(os.listdir(self.dir)), ["out.csv", "x"])
            with open(self.dir / "out.csv", newline="") as file:
                done = [row["index"] for row in csv.DictReader(file)]
            self.assertEqual(done, [str(i) for i in range(int(through))])
            self.assertLess(len(done), 30000)
        skip = max(int(skip), 29900)
        done = self.run_program(*arguments[1:], "--skip", skip, says="%d images in" % (30000 - skip))
        with open(self.dir / "out.csv", newline="") as file:
            self.assertEqual([row["index"] for row in csv.DictReader(file)], [str(i) for i in range(skip, 30000)])
        self.run_program(*arguments[1:], "--skip", 40000, says="only 30000 images")

    def test_interrupted_twice(self):
        program, _ = self.start_long_run("--batch", "65536")  # all in one batch, which takes many seconds
        time.sleep(1)
        program.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        program.send_signal(signal.SIGTERM)
        program.communicate(timeout=60)
        self.assertEqual(program.returncode, -signal.SIGTERM)
        self.assertEqual(sorted(os.listdir(self.dir)), ["x"])

    def test_progress_only_on_a_terminal(self):
        model = str(cli_case.ROOT / "examples/fashion_mnist/lenet5.onnx")
        data = files.write_idx(self.dir / "x", (4000, 28, 28), bytes(4000 * 784))
        self.assertNotIn("\r", self.run_program("run", model, data, "-o", self.dir / "o.npy").stderr)
        master, slave = cli_case.open_terminal()
        self.run_program("run", model, data, "-o", self.dir / "o.npy", "--algo", "naive", stderr=slave)
        os.close(slave)
        text = b""
        try:
            while part := os.read(master, 4096):
                text += part
        except OSError:
            pass  # how Linux says that the other side is gone
        os.close(master)
        self.assertIn(b"/4000  ", text)
        self.assertIn(b"images/s", text)
        self.assertTrue(text.rpartition(b"\r\x1b[K")[2].startswith(b"4000 images in "), text[-200:])


@unittest.skipUnless((FASHION / "t10k-images-idx3-ubyte.gz").exists(), "dataset-fashion-mnist is not installed")
class FashionMnist(Case):
    def test_accuracy(self):
        example = cli_case.ROOT / "examples/fashion_mnist"
        expected = json.loads((example / "reference.json").read_text())["correct"]
        done = self.run_program("run", example / "lenet5.onnx", FASHION / "t10k-images-idx3-ubyte.gz", "--truth",
                                FASHION / "t10k-labels-idx1-ubyte.gz", "-o", self.dir / "out.jsonl")
        self.assertIn("accuracy %d/10000 = " % expected, done.stdout)
        self.assertRegex(done.stdout, r"(?m)^9 Ankle boot( +\d+){10}$")
        lines = (self.dir / "out.jsonl").read_text().splitlines()
        self.assertEqual(len(lines), 10000)
        self.assertEqual(json.loads(lines[0])["label"], "Ankle boot")


if __name__ == "__main__":
    cli_case.main(__doc__)
