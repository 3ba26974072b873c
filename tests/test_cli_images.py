# SPDX-License-Identifier: BSD-2-Clause
"""Images as inputs of `unfurl run`: python3 test_cli_images.py PATH_TO_UNFURL SOURCE_ROOT"""
import struct
import sys
import unittest
import zlib

sys.dont_write_bytecode = True  # leaves the source folder as it is

import cli_case
import cli_files as files
import image_files as images
from cli_case import Case
from cli_files import FREE
from image_files import GREY, GREY_ALPHA, PALETTE, RGB, RGBA


def grey_of(pixel):
    """ITU-R 601-2 as Pillow rounds it."""
    red, green, blue = pixel
    return (19595 * red + 38470 * green + 7471 * blue + (1 << 15)) >> 16


def planes(rows, channels):
    """What the model is given of rows[y][x]: one plane a channel."""
    rows = [[p if isinstance(p, tuple) else (p,) for p in row] for row in rows]
    if channels == 3:
        rows = [[p * 3 if len(p) == 1 else p for p in row] for row in rows]
    else:
        rows = [[p if len(p) == 1 else (grey_of(p),) for p in row] for row in rows]
    return tuple(float(p[c]) for c in range(channels) for row in rows for p in row)


class ImageCase(Case):
    def check(self, cases):
        """cases: name -> (file, the pixels that it has), all of one size. Both as grey and as RGB."""
        folder = self.folder({name: data for name, (data, _) in cases.items()})
        height, width = len(next(iter(cases.values()))[1]), len(next(iter(cases.values()))[1][0])
        for channels in (1, 3):
            rows = self.rows_of(self.flatten((FREE, channels, height, width)), folder)
            for name, row in zip(sorted(cases), rows, strict=True):
                self.assertEqual(row, planes(cases[name][1], channels), (name, channels))


class Png(ImageCase):
    def test_all_kinds(self):
        width, height = 11, 9
        cases = {}
        for interlaced in (False, True):
            for depth in (1, 2, 4, 8, 16):
                most = (1 << depth) - 1
                grey = [[(x * 7919 + y * 104729) % (most + 1) for x in range(width)] for y in range(height)]
                wide = [[v >> 8 if depth == 16 else v * 255 // most for v in row] for row in grey]
                name = "%d%s.png" % (depth, "i" * interlaced)
                cases["grey" + name] = images.png(grey, GREY, depth, interlaced), wide
                if depth <= 8:
                    palette = [(i * 37 % 256, i * 91 % 256, i * 53 % 256) for i in range(most + 1)]
                    data = bytes(c for colour in palette for c in colour)
                    clear = images.chunk(b"tRNS", bytes(range(most + 1)))
                    cases["palette" + name] = (images.png(grey, PALETTE, depth, interlaced, data, clear),
                                               [[palette[v] for v in row] for row in grey])
                if depth >= 8:
                    colour = [[(v, most - v, v * 3 % (most + 1)) for v in row] for row in grey]
                    expected = [[tuple(c >> (depth - 8) for c in p) for p in row] for row in colour]
                    cases["rgb" + name] = images.png(colour, RGB, depth, interlaced), expected
                    veiled = [[p + (p[0] // 2,) for p in row] for row in colour]
                    cases["rgba" + name] = images.png(veiled, RGBA, depth, interlaced), expected
                    veiled = [[(v, most - v) for v in row] for row in grey]
                    cases["greya" + name] = images.png(veiled, GREY_ALPHA, depth, interlaced), wide
        self.check(cases)

    def test_chunks_that_do_not_matter(self):
        rows = [[(1, 2, 3), (250, 251, 252)]]
        gamma = images.chunk(b"gAMA", struct.pack(">I", 100000))
        bomb = images.chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(1 << 24), 9))
        profile = images.chunk(b"iCCP", b"x\0\0" + zlib.compress(b"no profile"))
        broken = images.chunk(b"tEXt", b"Title\0x")[:-1] + b"!"
        unknown = images.chunk(b"prIv", b"whatever")
        self.check({"%d.png" % i: (images.png(rows, before=before, after=after), rows) for i, (before, after) in enumerate(
            ((gamma, b""), (bomb, bomb), (profile, b""), (broken, b""), (unknown, unknown)))})

    def test_orientation(self):
        cases = {}
        for number in range(10):
            for order in "<>":
                data = images.chunk(b"eXIf", images.tiff(number, order))
                rows = [[(c, c, c + 1) for c in row] for row in ((10, 20), (30, 40))]
                case = images.png(rows, before=data if order == "<" else b"", after=data if order == ">" else b"")
                cases["%d%s.png" % (number, "a" if order == "<" else "b")] = case, upright(rows, number)
        self.check(cases)


def upright(rows, orientation):
    """What Exif means: 2 mirrored, 3 turned by 180 degrees, 4 upside down, 5 to 8 the same with x and y exchanged."""
    rows = [list(row) for row in rows]
    if orientation in (2, 3):
        rows = [row[::-1] for row in rows]
    if orientation in (3, 4):
        rows = rows[::-1]
    if orientation in (5, 6, 7, 8):
        rows = [list(column) for column in zip(*rows)]
        if orientation in (6, 7):
            rows = [row[::-1] for row in rows]
        if orientation in (7, 8):
            rows = rows[::-1]
    return rows


class Jpeg(ImageCase):
    BLOCKS = [[(10, 20, 30), (255, 0, 128)], [(1, 2, 3), (200, 100, 50)]]

    @staticmethod
    def spread(blocks):
        return [[b for b in row for _ in range(8)] for row in blocks for _ in range(8)]

    def test_all_kinds(self):
        blocks, grey = self.BLOCKS, [[0, 255], [17, 200]]
        inks = [[(10, 20, 30, 255), (255, 0, 128, 200)], [(0, 0, 0, 0), (255, 255, 255, 255)]]
        paper = [[tuple(k - (k * (255 - c) + 127) // 255 for c in (r, g, b)) for r, g, b, k in row] for row in inks]
        neutral = [[(v, 128, 128) for v in row] for row in grey]
        adobe_yccx = images.marker(0xee, b"Adobe" + struct.pack(">HHHB", 100, 0, 0, 2))
        self.check({
            "rgb.jpg": (images.jpeg(blocks), self.spread(blocks)),
            "progressive.jpg": (images.jpeg(blocks, progressive=True), self.spread(blocks)),
            "scans.jpg": (images.jpeg(blocks, scans=[(0,), (2,), (1,)]), self.spread(blocks)),
            "grey.jpg": (images.jpeg(grey), self.spread(grey)),
            "ycc.jpg": (images.jpeg(neutral, before=b""), self.spread(grey)),
            "cmyk.jpg": (images.jpeg(inks), self.spread(paper)),
            "cmyk_plain.jpg": (images.jpeg(inks, before=b""), self.spread(paper)),
            "ycck.jpg": (images.jpeg([[(255 - v, 128, 128, 255) for v in row] for row in grey], before=adobe_yccx),
                         self.spread(grey)),
            "misleading.png": (images.jpeg(blocks), self.spread(blocks)),
            "trailing.jpg": (images.jpeg(blocks) + b"something else", self.spread(blocks)),
        })

    def test_orientation(self):
        cases = {}
        for number in range(10):
            for order in "<>":
                before = images.ADOBE + images.exif(number, order)
                cases["%d%s.jpg" % (number, "a" if order == "<" else "b")] = (
                    images.jpeg(self.BLOCKS, before=before), self.spread(upright(self.BLOCKS, number)))
        xmp = images.marker(0xe1, b"http://ns.adobe.com/xap/1.0/\0" + bytes(60000))
        first = images.exif(6) + images.exif(3)
        cases["a.jpg"] = images.jpeg(self.BLOCKS, before=images.ADOBE + xmp + first), self.spread(upright(self.BLOCKS, 6))
        for i, broken in enumerate((b"", b"Exif", b"Exif\0\0", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0II*\0\x08\0\0\0\xff\xff")):
            cases["broken%d.jpg" % i] = (images.jpeg(self.BLOCKS, before=images.ADOBE + images.marker(0xe1, broken)),
                                         self.spread(self.BLOCKS))
        self.check(cases)


class Sizes(ImageCase):
    def test_equal_pixels_stay_equal(self):
        for size in ((1, 1), (3, 200), (200, 3), (24, 20), (48, 40), (37, 23)):
            folder = self.folder({"x.png": images.png([[(7, 8, 9)] * size[1]] * size[0])})
            for resize in ("stretch", "crop"):
                for name in ("bilinear", "bicubic"):
                    row, = self.rows_of(self.flatten((FREE, 3, 24, 20)), folder, "--resize", resize, "--filter", name)
                    self.assertEqual(row, (7,) * 480 + (8,) * 480 + (9,) * 480)

    def test_bilinear_by_hand(self):
        model = self.flatten((FREE, 1, 1, 4))
        one = self.folder({"x.png": images.png([[0, 100]], GREY)})
        self.assertEqual(self.rows_of(model, one), [(0, 25, 75, 100)])
        self.assertEqual(self.rows_of(model, one, "--resize", "crop"), [(0, 25, 75, 100)])
        self.assertEqual(self.rows_of(model, one, "--resize", "pad", "--mean", 1), [(0, -1, 99, 0)])
        half = self.folder({"x.png": images.png([[0, 80, 80, 80, 80, 80, 80, 80]], GREY)}, "half")
        self.assertEqual(self.rows_of(model, half), [(46, 80, 80, 80)])  # weights 3/7, 3/7, 1/7 at the edge

    def test_crop_and_pad(self):
        model = self.flatten((FREE, 1, 2, 2))
        tall = self.folder({"x.png": images.png([[1, 2], [3, 4], [5, 6], [7, 8]], GREY)})
        self.assertEqual(self.rows_of(model, tall, "--resize", "crop"), [(3, 4, 5, 6)])
        wide = self.folder({"x.png": images.png([[1, 2, 3, 4], [5, 6, 7, 8]], GREY)}, "wide")
        self.assertEqual(self.rows_of(model, wide, "--resize", "crop"), [(2, 3, 6, 7)])
        large = self.folder({"x.png": images.png([[200] * 8] * 4, GREY)}, "large")
        self.assertEqual(self.rows_of(self.flatten((FREE, 1, 4, 4)), large, "--resize", "pad"),
                         [(0,) * 4 + (200,) * 8 + (0,) * 4])

    def test_free_sizes(self):
        """A model that takes any size: neighbours of one size share a batch, the others have their own."""
        model = files.write_model(self.dir / "mean.onnx", [files.node("GlobalAveragePool", ["x"], ["p"]),
                                                           files.node("Flatten", ["p"], ["y"])],
                                  {"x": (files.F32, (FREE, FREE, FREE, FREE))}, {"y": (files.F32, (FREE, FREE))})
        sizes = ((1, 1), (2, 3), (2, 3), (5, 4), (1, 1))
        folder = self.folder({"%d.png" % i: images.png([[(i, 2 * i, 4 * i)] * w] * h) for i, (h, w) in enumerate(sizes)})
        for threads in (1, 2):
            self.assertEqual(self.rows_of(model, folder, "--threads", threads), [(i, 2 * i, 4 * i) for i in range(5)])

    def test_models_that_take_no_images(self):
        image = self.folder({"x.png": images.png([[(1, 2, 3)] * 2] * 2)})
        for dims in ((FREE, 2, 2, 2), (FREE, 12), (FREE, 4, 2, 2)):
            self.run_program("run", self.flatten(dims), image, status=1, says="takes f32 [")
        self.run_program("run", self.flatten((FREE, 3, 2, 2)), image, "--mean", "1,2", status=2, says="mean")
        self.run_program("run", self.flatten((FREE, 1, 1 << 20, 1 << 20)), image, status=1, says="too many")


if __name__ == "__main__":
    cli_case.main(__doc__)
