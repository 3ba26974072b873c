# SPDX-License-Identifier: BSD-2-Clause
"""unfurl bench as its users see it; test_cli.py runs these tests too.

python3 test_cli_bench.py PATH_TO_UNFURL SOURCE_ROOT"""
import csv
import json
import sys

sys.dont_write_bytecode = True  # leaves the source folder as it is

import cli_case
from cli_case import Case

CONV = 'mb2ic3ih10oc6kh3ph1n"small"'
FIELDS = {"problem", "algo", "picked", "threads", "isa", "min_us", "median_us", "gflops", "rel_l2_err",
          "workspace_bytes", "plan_us"}


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


if __name__ == "__main__":
    cli_case.main(__doc__)
