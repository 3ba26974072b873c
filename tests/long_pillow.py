# SPDX-License-Identifier: BSD-2-Clause
"""Images as Pillow has them: /usr/bin/python3 long_pillow.py PATH_TO_UNFURL SOURCE_ROOT   (Debian's python3-pil and
python3-numpy)

Photographs and noise in every mode that Pillow saves, of many sizes, turned, resized in every way: the program's pixels
and Pillow's differ by at most one grey level."""
import sys
import unittest

sys.dont_write_bytecode = True  # leaves the source folder as it is

import numpy
from PIL import Image, ImageOps

import cli_case
import cli_files as files
from cli_case import Case
from cli_files import FREE

FILTERS = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}
LEVELS = 1  # grey levels that a pixel may differ by


def photograph(random, width, height):
    """Something smooth with grain in it, as cameras see."""
    small = random.integers(0, 256, (max(2, height // 16), max(2, width // 16), 3), dtype=numpy.uint8)
    smooth = numpy.asarray(Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC), dtype=int)
    return Image.fromarray(numpy.clip(smooth + random.normal(0, 12, smooth.shape), 0, 255).astype(numpy.uint8))


def stretched(image, width, height, method):
    return image.resize((width, height), method)


def cropped(image, width, height, method):
    """torchvision's Resize of the shorter side, and CenterCrop."""
    iw, ih = image.size
    rw, rh = (int(iw * height / ih), height) if iw * height > ih * width else (width, int(ih * width / iw))
    left, top = round((rw - width) / 2), round((rh - height) / 2)
    return image.resize((rw, rh), method).crop((left, top, left + width, top + height))


def padded(image, width, height, method):
    iw, ih = image.size
    if iw > width or ih > height:
        wide = iw * height > ih * width
        size = (width, max(1, int(ih * width / iw + 0.5))) if wide else (max(1, int(iw * height / ih + 0.5)), height)
        image = image.resize(size, method)
    whole = Image.new(image.mode, (width, height))
    whole.paste(image, ((width - image.width) // 2, (height - image.height) // 2))
    return whole


RESIZES = {"stretch": stretched, "crop": cropped, "pad": padded}


class Pillow(Case):
    def rows(self, folder, channels, width, height, *options):
        """What the program makes of all files in a folder: name -> [channels, height, width]."""
        model = files.write_flatten(self.dir / "model.onnx", (FREE, channels, height, width))
        self.run_program("run", model, folder, "-o", self.dir / "out.npy", *options)
        rows = numpy.load(self.dir / "out.npy").reshape(-1, channels, height, width)
        return dict(zip(sorted(path.name for path in folder.iterdir()), rows, strict=True))

    def compare(self, folder, width, height, resize, name):
        """The greatest difference for the files in a folder, as RGB and as grey."""
        worst = 0
        for channels, mode in ((3, "RGB"), (1, "L")):
            for file, row in self.rows(folder, channels, width, height, "--resize", resize, "--filter", name).items():
                with Image.open(folder / file) as image:
                    image = ImageOps.exif_transpose(image).convert(mode)
                pixels = numpy.asarray(RESIZES[resize](image, width, height, FILTERS[name]), dtype=float)
                expected = pixels.transpose(2, 0, 1) if channels == 3 else pixels[None]
                difference = numpy.abs(expected - row).max()
                self.assertLessEqual(difference, LEVELS, (file, image.size, width, height, resize, name, mode))
                worst = max(worst, difference)
        return worst

    def compare_all(self, folder, sizes):
        return max(self.compare(folder, width, height, resize, name)
                   for width, height in sizes for resize in RESIZES for name in FILTERS)

    def test_sizes(self):
        random = numpy.random.default_rng(1)
        folder = self.dir / "sizes"
        folder.mkdir()
        sizes = [(1, 1), (2, 1), (1, 2), (3, 200), (200, 3), (500, 375), (375, 500), (224, 224), (1000, 800)]
        sizes += [tuple(int(s) for s in random.integers(1, 300, 2)) for _ in range(60)]
        for i, (width, height) in enumerate(sizes):
            image = photograph(random, width, height)
            if i % 3 == 0:
                image = Image.fromarray(random.integers(0, 256, (height, width, 3), dtype=numpy.uint8))
            image.save(folder / ("%03d.png" % i))
        targets = [(1, 1), (7, 5), (24, 24), (20, 33), (224, 224), (299, 299), (640, 480)]
        print("%d sizes to %d: at most %d grey levels" % (len(sizes), len(targets), self.compare_all(folder, targets)))

    def test_modes(self):
        random = numpy.random.default_rng(2)
        folder = self.dir / "modes"
        folder.mkdir()
        for i, (width, height) in enumerate(((64, 48), (33, 57), (500, 375))):
            image = photograph(random, width, height)
            veiled = image.copy()
            veiled.putalpha(Image.fromarray(random.integers(0, 256, (height, width), dtype=numpy.uint8)))
            for mode in ("1", "L", "LA", "P", "RGB"):
                image.convert(mode).save(folder / ("%d%s.png" % (i, mode)))
            veiled.save(folder / ("%dRGBA.png" % i))
            image.quantize(6).save(folder / ("%dP4.png" % i), bits=4)
            image.convert("P").save(folder / ("%dPT.png" % i), transparency=3)
            for mode in ("L", "RGB", "CMYK"):
                for quality in (30, 75, 100):
                    for sampling in (0, 1, 2):
                        options = {"quality": quality, "subsampling": sampling, "progressive": quality == 75}
                        image.convert(mode).save(folder / ("%d%s%d%d.jpg" % (i, mode, quality, sampling)), **options)
        worst = self.compare_all(folder, [(64, 48), (32, 32), (224, 224)])
        print("%d files in all modes: at most %d grey levels" % (len(list(folder.iterdir())), worst))

    def test_orientations(self):
        random = numpy.random.default_rng(3)
        folder = self.dir / "orientations"
        folder.mkdir()
        for orientation in range(1, 9):
            exif = Image.Exif()
            exif[0x0112] = orientation
            for kind in ("jpg", "png"):
                photograph(random, 50, 31).save(folder / ("%d.%s" % (orientation, kind)), exif=exif)
        self.assertEqual(self.compare(folder, 50, 31, "pad", "bilinear"), 0)
        print("8 orientations: at most %d grey levels" % self.compare_all(folder, [(50, 31), (20, 28)]))


if __name__ == "__main__":
    cli_case.main(__doc__)
