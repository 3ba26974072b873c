# SPDX-License-Identifier: BSD-2-Clause
"""Memory and descriptors over many small images: python3 long_images.py [IMAGES] PATH_TO_UNFURL SOURCE_ROOT

A folder of 100,000 PNG and JPEG files, every tenth of them damaged: after the first tenth memory stays within a MiB and
no more descriptors are open than before."""
import os
import subprocess
import sys
import time
import unittest
from pathlib import Path

sys.dont_write_bytecode = True  # leaves the source folder as it is

import cli_case
import image_files as images
from cli_case import Case
from cli_files import FREE

IMAGES = 100000
PER_FOLDER = 1000
GROWTH = 1024  # KiB


class Steady(Case):
    def make_folder(self):
        """Links to a few files, so that a disk is not full of them."""
        kinds = [images.png([[(i, j, 7) for j in range(40)] for i in range(30)]) for _ in range(4)]
        kinds += [images.jpeg([[(i, j, 7) for j in range(5)] for i in range(4)], progressive=i % 2 == 1) for i in range(5)]
        kinds.append(kinds[0][:200])
        originals = self.folder({"%d.png" % i: data for i, data in enumerate(kinds)}, "originals")
        folder = self.dir / "images"
        for i in range(IMAGES):
            if i % PER_FOLDER == 0:
                inner = folder / ("%05d" % (i // PER_FOLDER))
                inner.mkdir(parents=True)
            os.symlink(originals / ("%d.png" % (i % 10)), inner / ("%05d.png" % i))
        return folder

    def watch(self, program, out):
        """Lines that were written, KiB of memory and open descriptors, every now and then until the end."""
        samples = []
        process = Path("/proc/%d" % program.pid)
        while program.poll() is None:
            try:
                status = (process / "status").read_text()
                memory = int(status.split("VmRSS:")[1].split()[0])
                samples.append((os.fstat(out.fileno()).st_size, memory, len(os.listdir(process / "fd"))))
            except (FileNotFoundError, IndexError, ProcessLookupError):
                break  # it has just ended
            time.sleep(0.2)
        return samples

    def test_many_images(self):
        folder = self.make_folder()
        model = self.flatten((FREE, 3, 32, 32))
        for threads in (1, 2, 4):
            with open(self.dir / "out.txt", "w+b") as out, open(self.dir / "messages", "w+b") as messages:
                program = subprocess.Popen([cli_case.UNFURL, "run", model, str(folder), "--threads", str(threads)], stdout=out,
                                           stderr=messages)
                samples = self.watch(program, out)
                messages.seek(0)
                text = messages.read()
            self.assertEqual(program.returncode, 1)
            self.assertIn(b"%d images, %d failed" % (IMAGES * 9 // 10, IMAGES // 10), text[-200:])
            total = samples[-1][0]
            warm = [sample for sample in samples if sample[0] > total / 10]
            self.assertGreater(len(warm), 3)
            memory, descriptors = [m for _, m, _ in warm], [d for _, _, d in warm]
            print("%d threads: %d to %d KiB, %d to %d descriptors, %d samples" % (
                threads, memory[0], max(memory), min(descriptors), max(descriptors), len(warm)), flush=True)
            self.assertLessEqual(max(memory) - memory[0], GROWTH)
            self.assertLessEqual(max(descriptors), min(descriptors) + 2 * threads)  # a worker opens one file at a time


if __name__ == "__main__":
    if len(sys.argv) > 3 and sys.argv[1].isdigit():
        IMAGES = int(sys.argv.pop(1))
    cli_case.main(__doc__)
