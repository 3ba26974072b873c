# SPDX-License-Identifier: BSD-2-Clause
"""Where inputs come from, and what becomes of bad ones: python3 test_cli_inputs.py PATH_TO_UNFURL SOURCE_ROOT"""
import csv
import gzip
import io
import json
import math
import os
import signal
import struct
import subprocess
import sys
import time
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


def dot(value):
    """A PNG of one pixel."""
    return images.png([[value]], GREY)


class Places(Case):
    def setUp(self):
        super().setUp()
        self.model = self.flatten((FREE, 1, 1, 1))

    def sources(self, *arguments, **options):
        """The files that came out, in order, with the value of each."""
        out = self.dir / "out.jsonl"
        self.run_program("run", self.model, *arguments, "-o", out, **options)
        lines = [json.loads(line) for line in out.read_text().splitlines()]
        return [(line["source"], line.get("score", line.get("error"))) for line in lines]

    def test_folder_order(self):
        names = ["a.png", "a-b/1.png", "a/x.jpg", "a/2.JPEG", "B.PNG", "b.Jpg", "a.b/c/d/e.jpeg", "\xe9.png", "Z/z.png",
                 ".hidden.png", ".h/x.png"]
        folder = self.folder({name: dot(i) for i, name in enumerate(names)})
        self.folder({"notes.txt": b"x", "a/y.gif": b"GIF89a", "x.png.bak": b"", "png": b""})
        expected = sorted((os.fsencode(folder / name), i) for i, name in enumerate(names))
        for threads in (1, 2, 7):
            for given in (folder, str(folder) + "/"):
                found = self.sources(given, "--threads", threads)
                self.assertEqual([(os.fsencode(name), value) for name, value in found], expected)

    def test_links(self):
        folder = self.folder({"a/1.png": dot(1), "b/2.png": dot(2)})
        (folder / "a/loop").symlink_to(folder)
        (folder / "a/self").symlink_to(".")
        (folder / "c").symlink_to("b")
        (folder / "3.png").symlink_to("b/2.png")
        self.assertEqual(self.sources(folder), [(str(folder / name), value) for name, value in (
            ("3.png", 2), ("a/1.png", 1), ("b/2.png", 2), ("c/2.png", 2))])
        (folder / "4.png").symlink_to("nowhere")
        found = self.sources(folder, status=1, says="4.png: can't open it")
        self.assertEqual([value for _, value in found], [2, "can't open it: No such file or directory", 1, 2, 2])

    def test_deep_folder(self):
        folder = self.dir / "deep"
        folder.mkdir()
        descent = os.open(folder, os.O_RDONLY)
        for _ in range(300):
            os.mkdir("d", dir_fd=descent)
            inner = os.open("d", os.O_RDONLY, dir_fd=descent)
            os.close(descent)
            descent = inner
        os.close(descent)
        self.run_program("run", self.model, folder, status=1, says="128 folders deep")

    def test_empty_folder(self):
        folder = self.folder({"notes.txt": b"x", "inner/more.txt": b"x"})
        self.run_program("run", self.model, folder, status=1, says="%s: holds no images" % folder)
        self.run_program("run", self.model, folder, self.folder({"1.png": dot(1)}, "good"), status=1,
                         says="1 images, 1 failed")

    @unittest.skipIf(os.geteuid() == 0, "root may read everything")
    def test_folder_that_cant_be_read(self):
        folder = self.folder({"a/1.png": dot(1), "b/2.png": dot(2)})
        (folder / "a").chmod(0)
        found = self.sources(folder, status=1, says="%s/a: can't open it" % folder)
        (folder / "a").chmod(0o700)
        self.assertEqual(len(found), 2)

    def test_lists(self):
        folder = self.folder({"1.png": dot(1), "2.png": dot(2), "in/3.png": dot(3)})
        listing, other = self.dir / "list", self.dir / "other"
        listing.write_text("%s/2.png\r\n\n%s/in\n%s/1.png" % (folder, folder, folder))
        other.write_text("%s/2.png\n" % folder)
        self.assertEqual([v for _, v in self.sources("--list", listing)], [2, 3, 1])
        self.assertEqual([v for _, v in self.sources(folder / "1.png", "--list", other, "--list", listing)], [1, 2, 2, 3, 1])
        self.assertEqual([v for _, v in self.sources("--list=-", input=listing.read_text())], [2, 3, 1])
        other.write_text("%s/1.png\n%s\n%s/none\n" % (folder, "x" * 70000, folder))
        found = self.sources("--list", other, status=1, says="line 2 is longer")
        self.assertEqual([v for _, v in found][:1], [1])
        other.write_text("\0\n")
        self.run_program("run", self.model, "--list", other, status=1, says="not a text file")
        self.run_program("run", self.model, "--list", self.dir / "none", status=1, says="none: can't open it")
        self.run_program("run", self.model, "--list", self.dir, status=1, says="can't read it")

    def test_empty_list(self):
        listing = self.dir / "list"
        listing.write_text("\n\n")
        done = self.run_program("run", self.model, "--list", listing)
        self.assertEqual((done.stdout, done.stderr), ("", ""))

    def test_stdin(self):
        data = {"png": (dot(7), 1), "npy": (Path(files.write_npy(self.dir / "x.npy", (3, 1, 1, 1), [1, 2, 3])).read_bytes(), 3),
                "gz": (gzip.compress(Path(files.write_idx(self.dir / "x", (2, 1, 1), [5, 6])).read_bytes()), 2)}
        for name, (content, rows) in data.items():
            for threads in (1, 2):
                arguments = [cli_case.UNFURL, "run", self.model, "-", "--threads", str(threads)]
                done = subprocess.run(arguments, input=content, capture_output=True, timeout=60)
                self.assertEqual((done.returncode, done.stdout.count(b"\n")), (0, rows), done.stderr)
                self.assertTrue(done.stdout.startswith(b"-[0]: 0 "), done.stdout)
                (self.dir / name).write_bytes(content)
                with open(self.dir / name, "rb") as file:
                    self.assertEqual(subprocess.run(arguments, stdin=file, capture_output=True).stdout, done.stdout)
        self.run_program("run", self.model, "-", status=1, says="-: is empty")
        self.run_program("run", self.model, "-", self.dir / "png", status=1, says="1 images, 1 failed")

    def test_stdin_that_says_nothing(self):
        """A pipe nobody writes to: Ctrl-C still works."""
        read, write = os.pipe()
        for arguments in (["-"], ["--list", "-"]):
            program = subprocess.Popen([cli_case.UNFURL, "run", self.model, *arguments], stdin=read,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            time.sleep(0.3)
            program.send_signal(signal.SIGINT)
            self.assertIn(b"stopped after 0", program.communicate(timeout=20)[1])
            self.assertEqual(program.returncode, 1)
        os.close(read)
        os.close(write)


class Npz(Case):
    def archive(self, members, name="x.npz", method=zipfile.ZIP_STORED):
        """members: name -> (shape, values)."""
        with zipfile.ZipFile(self.dir / name, "w", method) as file:
            for member, (shape, values) in members.items():
                file.write(files.write_npy(self.dir / "member.npy", shape, values), member)
        return str(self.dir / name)

    def test_input(self):
        model = self.flatten((FREE, 1, 1, 2))
        rows = [(2.0 * i, 2.0 * i + 1) for i in range(40)]
        array = (40, 1, 1, 2), [v for row in rows for v in row]
        other = (1, 2), [0.0, 0.0]
        for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            for members in ({"anything.npy": array}, {"a.npy": other, "image.npy": array, "z.npy": other, "readme": other}):
                path = self.archive(members, method=method)
                self.assertEqual(self.rows_of(model, path, "--batch", 7), rows)
        self.run_program("run", model, self.archive({"a.npy": array, "b.npy": array}), status=1, says="holds 2 arrays")
        self.run_program("run", model, self.archive({"a.npy": other}), status=1, says="has shape [1, 2]")
        self.run_program("run", model, self.archive({}), status=1, says="holds 0 arrays")

    def test_several_inputs(self):
        model = files.write_model(self.dir / "gemm.onnx", [files.node("Gemm", ["x", "w"], ["y"], transB=1)],
                                  {"x": (F32, (FREE, 2)), "w": (F32, (3, 2))}, {"y": (F32, (FREE, 3))})
        x, w = ((3, 2), [1, 0, 0, 1, 1, 1]), ((3, 2), [1, 2, 3, 4, 5, 6])
        expected = [(1, 3, 5), (2, 4, 6), (3, 7, 11)]
        both = self.archive({"w.npy": w, "x.npy": x}, "both.npz")
        self.assertEqual(self.rows_of(model, both), expected)
        self.assertEqual(self.rows_of(model, both, "--input", "w=" + both, "--batch", 2), expected)
        self.assertEqual(self.rows_of(model, "--input", "w=" + both, "--input", "x=" + both), expected)
        done = self.run_program("run", model, both)
        self.assertEqual(done.stdout, "%s[0]: 2 5\n%s[1]: 2 6\n%s[2]: 2 11\n" % (both, both, both))
        self.run_program("run", model, self.archive({"x.npy": x}), status=1, says="no array 'w'")

    def test_outputs(self):
        model = files.write_model(self.dir / "two.onnx", [files.node("Flatten", ["x"], ["flat"]),
                                                          files.node("Relu", ["x"], ["positive"])],
                                  {"x": (F32, (FREE, 1, 1, 2))}, {"flat": (F32, (FREE, 2)), "positive": (F32, (FREE, 1, 1, 2))})
        data = files.write_npy(self.dir / "x.npy", (3, 1, 1, 2), [1, -2, 3, -4, -5, 6])
        bad = self.folder({"bad.png": b"x"})
        out = self.dir / "out.npz"
        done = self.run_program("run", model, data, "-o", out, "--batch", 2)
        self.assertNotIn("warning", done.stderr)
        self.assertEqual(self.read_npz(out), {"flat.npy": ((3, 2), (1, -2, 3, -4, -5, 6)),
                                              "positive.npy": ((3, 1, 1, 2), (1, 0, 3, 0, 0, 6))})
        first = out.read_bytes()
        time.sleep(2.1)  # zip archives count time in steps of two seconds
        self.run_program("run", model, data, "-o", out)
        self.assertEqual(out.read_bytes(), first)
        self.run_program("run", model, bad, data, bad, "-o", out, status=1)
        self.assertEqual([shape[0] for shape, _ in self.read_npz(out).values()], [5, 5])
        self.run_program("run", model, data, "-o", self.dir / "out.npy", says="only the first, 'flat'")
        out.unlink()
        out.symlink_to("/dev/full")
        self.run_program("run", model, data, "-o", out, status=4, says="No space left")
        self.assertEqual([name for name in os.listdir(self.dir) if "tmp" in name], [])

    def read_npz(self, path):
        with zipfile.ZipFile(path) as file:
            self.assertIsNone(file.testzip())
            found = {}
            for name in file.namelist():
                (self.dir / "member").write_bytes(file.read(name))
                found[name] = files.read_npy(self.dir / "member")
        return found

    def test_damage(self):
        model = self.flatten((FREE, 1, 1, 2))
        path = Path(self.archive({"x.npy": ((9, 1, 1, 2), range(18))}, method=zipfile.ZIP_DEFLATED))
        data = path.read_bytes()
        with zipfile.ZipFile(path) as file:
            crc = file.getinfo("x.npy").CRC
        cases = [data[:n] for n in (4, 30, len(data) // 2, len(data) - 1)]
        cases.append(data.replace(struct.pack("<I", crc), struct.pack("<I", crc ^ 1)))
        size = struct.pack("<I", zipfile.ZipFile(io.BytesIO(data)).getinfo("x.npy").file_size)
        cases.append(data.replace(size, b"\xff\xff\xff\x7f"))
        for case in cases:
            path.write_bytes(case)
            self.run_program("run", model, path, status=1, says="x.npz: ")


class Bad(Case):
    def setUp(self):
        super().setUp()
        self.model = self.flatten((FREE, 1, 1, 2))

    def table(self):
        with open(self.dir / "out.csv", newline="") as file:
            return list(csv.DictReader(file))

    def good(self, i):
        pixels = [(i % 251, i % 127, i % 63), (i % 13, i % 200, i % 99)]
        return images.png([pixels]) if i % 3 else images.jpeg([pixels])

    def bad(self, i):
        whole = self.good(i)
        huge = struct.pack(">II", 100000, 100000)
        return (whole[:len(whole) // 2], b"", b"GIF89a...", whole[:16] + huge + whole[24:] if whole[0] == 0x89 else b"\xff\xd8\xff",
                whole[:-1], b"\0" * 100, b"PK\x03\x04", b"\x93NUMPY")[i // 5 % 8]

    def test_200_of_1000(self):
        folder = self.folder({"%04d.%s" % (i, "png" if i % 2 else "jpg"): self.bad(i) if i % 5 == 2 else self.good(i)
                              for i in range(1000)})
        os.remove(folder / "0007.png")
        os.mkfifo(folder / "0007.png")
        os.remove(folder / "0012.jpg")
        (folder / "0012.jpg").symlink_to("/dev/zero")
        names = sorted(os.listdir(folder))
        clean = self.dir / "clean"
        clean.mkdir()
        for i, name in enumerate(names):
            if i % 5 != 2:
                (clean / name).symlink_to(folder / name)
        out = self.dir / "clean.csv"
        self.run_program("run", self.model, clean, "-o", out, says="800 images in")
        expected = [row[2:] for row in csv.reader(out.read_text().splitlines())][1:]
        for threads, batch in ((1, 16), (2, 16), (5, 1), (2, 300)):
            options = ("--threads", threads, "--batch", batch)
            done = self.run_program("run", self.model, folder, "-o", self.dir / "out.csv", *options, status=1,
                                    says="800 images, 200 failed in")
            self.assertEqual(done.stderr.count("unfurl: "), 200)
            rows = self.table()
            self.assertEqual([row["source"] for row in rows], [str(folder / name) for name in names])
            self.assertEqual([list(row.values())[2:] for row in rows if not row["error"]], expected)
            self.assertEqual([i for i, row in enumerate(rows) if row["error"]], list(range(2, 1000, 5)))
            self.assertTrue(all(row["class"] == "" for row in rows if row["error"]))
        self.run_program("run", self.model, folder, "-o", self.dir / "out.jsonl", status=1)
        lines = [json.loads(line) for line in (self.dir / "out.jsonl").read_text().splitlines()]
        self.assertEqual([i for i, line in enumerate(lines) if "error" in line], list(range(2, 1000, 5)))
        found = self.rows_of(self.model, folder, status=1)
        self.assertEqual([i for i, row in enumerate(found) if math.isnan(row[0])], list(range(2, 1000, 5)))
        self.assertEqual(len(self.run_program("run", self.model, folder, status=1).stdout.splitlines()), 800)

    def test_nothing_is_good(self):
        folder = self.folder({"%d.png" % i: b"" for i in range(3)})
        self.run_program("run", self.model, folder, "-o", self.dir / "out.csv", status=1, says="0 images, 3 failed")
        self.assertEqual((self.dir / "out.csv").read_text(),
                         "index,source,error\n" + "".join("0,%s/%d.png,is empty\n" % (folder, i) for i in range(3)))
        self.run_program("run", self.model, folder, "-o", self.dir / "out.npy", status=1)
        self.assertFalse((self.dir / "out.npy").exists())

    def test_truncated_anywhere(self):
        pixels = [[(i, 255 - i, 7) for i in range(2)]]
        for name, whole in (("x.png", images.png(pixels)), ("x.jpg", images.jpeg(pixels)),
                            ("x.jpg", images.jpeg(pixels, progressive=True))):
            folder = self.folder({"%04d%s" % (i, name): whole[:i] for i in range(len(whole))}, name + str(len(whole)))
            self.run_program("run", self.model, folder, status=1, says="0 images, %d failed" % len(whole))

    def test_claims(self):
        """Small files that ask for a lot: an error, at once."""
        wide = images.jpeg([[(1, 2, 3)]])
        frame = wide.index(b"\xff\xc0") + 5
        cases = {
            "pixels.png": (images.png([[0, 0]], GREY)[:16] + struct.pack(">II", 1 << 30, 1 << 30), "ends early"),
            "bomb.png": (b"\x89PNG\r\n\x1a\n" + images.chunk(b"IHDR", struct.pack(">IIBBBBB", 50000, 50000, 8, 2, 0, 0, 0)) +
                         images.chunk(b"IDAT", b"x\x9c") + images.chunk(b"IEND", b""), "89478485 are allowed"),
            "pixels.jpg": (wide[:frame] + b"\xff\xff\xff\xff" + wide[frame + 4:], "JPEG data"),
            "bomb.jpg": (wide[:frame] + b"\xff\x00\xff\x00" + wide[frame + 4:], "89478485 are allowed"),
            "short.jpg": (wide[:frame] + b"\x20\x00\x20\x00" + wide[frame + 4:], "JPEG data"),
            "scans.jpg": (images.jpeg([[(1, 2, 3)]], scans=[(0,), (1,), (2,)] * 34), "more than 100 scans"),
            "none.jpg": (wide[:frame] + b"\0\0\0\0" + wide[frame + 4:], "JPEG data"),
        }
        for name, (data, message) in cases.items():
            path = self.folder({name: data}) / name
            start = time.monotonic()
            done = self.run_program("run", self.model, path, status=1, says=message)
            self.assertLess(time.monotonic() - start, 5, name)
            self.assertEqual(done.stderr.count("\n"), 2, done.stderr)
        folder = self.folder({"scans.jpg": images.jpeg([[(1, 2, 3)]], scans=[(0,), (1,), (2,)] * 33)}, "good")
        self.run_program("run", self.model, folder)

    def test_model_that_fails_on_rows(self):
        """Rows that only the model finds wrong: named once a file, recorded each, and the others go on."""
        model = files.write_model(self.dir / "m.onnx", [files.node("Add", ["x", "two"], ["s"]), files.node("Flatten", ["s"], ["y"])],
                                  {"x": (F32, (FREE, 1, FREE, FREE))}, {"y": (F32, (FREE, FREE))},
                                  [files.constant("two", (1, 1, 2, 2), [0.0, 1.0, 2.0, 3.0])])
        good = files.write_npy(self.dir / "good.npy", (3, 1, 2, 2), [0.0] * 12)
        bad = files.write_npy(self.dir / "bad.npy", (5, 1, 3, 3), [0.0] * 45)
        done = self.run_program("run", model, good, bad, good, "--batch", 2, "-o", self.dir / "out.csv", status=1,
                                says="6 images, 5 failed")
        self.assertEqual(done.stderr.count("unfurl: "), 1)
        rows = self.table()
        self.assertEqual([row["error"] != "" for row in rows], [False] * 3 + [True] * 5 + [False] * 3)

    def test_truth_of_the_good_ones(self):
        folder = self.folder({"%d.png" % i: b"" if i == 1 else images.png([[i, 2]], GREY) for i in range(4)})
        truth = self.dir / "truth"
        truth.write_text("1\n0\n0\n0\n")
        done = self.run_program("run", self.model, folder, "--truth", truth, status=1)
        self.assertIn("\naccuracy 3/3 = 1.0000\n", done.stdout)
        bad = files.write_npy(self.dir / "bad.npy", (1, 5), [0.0] * 5)
        self.run_program("run", self.model, folder, bad, "--truth", truth, status=1, says="no accuracy")

    def test_skip(self):
        folder = self.folder({"%02d.png" % i: b"" if i % 4 == 1 else images.png([[i, i]], GREY) for i in range(12)})
        array = files.write_npy(self.dir / "x.npy", (5, 1, 1, 2), [float(100 + i // 2) for i in range(10)])
        idx = files.write_idx(self.dir / "x.gz", (3, 1, 2), [200, 200, 201, 201, 202, 202])
        truth = self.dir / "truth"
        truth.write_text("0\n" * 20)
        rows = lambda skip: [row[0] for row in self.rows_of(self.model, folder, array, idx, "--skip", skip,
                                                            status=1 if skip < 10 else 0)]
        whole = rows(0)
        self.assertEqual(len(whole), 20)
        for skip in range(1, 20):
            self.assertEqual(str(rows(skip)), str(whole[skip:]))
        done = self.run_program("run", self.model, folder, array, idx, "--skip", 10, "--truth", truth)
        self.assertIn("accuracy 10/10", done.stdout)
        self.run_program("run", self.model, folder, array, idx, "--skip", 21, says="only 20 images")


if __name__ == "__main__":
    cli_case.main(__doc__)
