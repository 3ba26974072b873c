# SPDX-License-Identifier: BSD-2-Clause
"""Small PNG and JPEG files for tests of the program, written with nothing but the standard library.

Both writers are exact: what is put in is what a decoder must give back. The JPEG one knows only blocks of 8 x 8 equal
pixels, so that there is nothing but DC coefficients, and those are whole numbers."""
import struct
import zlib

GREY, RGB, PALETTE, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6  # colour types of PNG
CHANNELS = {GREY: 1, RGB: 3, PALETTE: 1, GREY_ALPHA: 2, RGBA: 4}
ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _pack_row(samples, depth):
    if depth == 16:
        return struct.pack(">%dH" % len(samples), *samples)
    bits = "".join(format(s, "0%db" % depth) for s in samples)
    bits += "0" * (-len(bits) % 8)
    return bytes(int(bits[i:i + 8], 2) for i in range(0, len(bits), 8))


def png(rows, kind=RGB, depth=8, interlaced=False, palette=b"", before=b"", after=b""):
    """A PNG file. rows[y][x]: a tuple of samples, or one number; `before` and `after`: chunks around the pixels."""
    rows = [[p if isinstance(p, tuple) else (p,) for p in row] for row in rows]
    passes = ADAM7 if interlaced else ((0, 0, 1, 1),)
    data = b""
    for left, top, right, down in passes:
        for row in rows[top::down]:
            samples = [s for pixel in row[left::right] for s in pixel]
            data += b"\0" + _pack_row(samples, depth) if samples else b""
    header = struct.pack(">IIBBBBB", len(rows[0]), len(rows), depth, kind, 0, 0, interlaced)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + (chunk(b"PLTE", palette) if palette else b"") + before +
            chunk(b"IDAT", zlib.compress(data)) + after + chunk(b"IEND", b""))


def tiff(orientation, order="<"):
    """Exif data that has nothing but an orientation."""
    magic = b"II" if order == "<" else b"MM"
    return magic + struct.pack(order + "HIHHHIHHI", 42, 8, 1, 0x0112, 3, 1, orientation, 0, 0)


def marker(code, data):
    return bytes((0xff, code)) + struct.pack(">H", len(data) + 2) + data


ADOBE = marker(0xee, b"Adobe" + struct.pack(">HHHB", 100, 0, 0, 0))  # no transform: components are what they are
TABLES = (marker(0xdb, b"\0" + bytes([8]) * 64) +                   # every step of quantisation is 8
          marker(0xc4, b"\0" + bytes((0, 0, 0, 9)) + bytes(12) + bytes(range(9))) +  # DC: 9 categories of 4 bits
          marker(0xc4, b"\x10" + bytes((1,)) + bytes(15) + b"\0"))  # AC: one bit says that there are none


def _end_scan(bits, components, spectrum):
    bits += "1" * (-len(bits) % 8)
    data = bytes(int(bits[i:i + 8], 2) for i in range(0, len(bits), 8)).replace(b"\xff", b"\xff\0")
    return marker(0xda, bytes([len(components)]) + b"".join(bytes((c + 1, 0)) for c in components) + spectrum) + data


def _scan(blocks, components, progressive):
    """blocks: tuples of values, one a component; components: those of this scan."""
    bits, last = "", dict.fromkeys(components, 0)
    for block in blocks:
        for c in components:
            value = block[c] - 128
            difference, last[c] = value - last[c], value
            size = abs(difference).bit_length()
            bits += format(size, "04b")
            if size:
                bits += format(difference if difference > 0 else difference + (1 << size) - 1, "0%db" % size)
            bits += "" if progressive else "0"
    return _end_scan(bits, components, b"\0\0\0" if progressive else b"\0\x3f\0")


def jpeg(rows, progressive=False, before=ADOBE, scans=None):
    """A JPEG file. rows[y][x]: what all pixels of a block have, a tuple or a number; `before`: markers; `scans`: the
    components of each scan, by default all in one."""
    rows = [[b if isinstance(b, tuple) else (b,) for b in row] for row in rows]
    count = len(rows[0][0])
    frame = struct.pack(">BHHB", 8, 8 * len(rows), 8 * len(rows[0]), count)
    frame += b"".join(bytes((c + 1, 0x11, 0)) for c in range(count))
    blocks = [block for row in rows for block in row]
    data = b"".join(_scan(blocks, s, progressive) for s in scans or [tuple(range(count))])
    if progressive:  # without AC scans decoders make up something smooth
        data += b"".join(_end_scan("0" * len(blocks), (c,), b"\x01\x3f\0") for c in range(count))
    return b"\xff\xd8" + before + TABLES + marker(0xc2 if progressive else 0xc0, frame) + data + b"\xff\xd9"


def exif(orientation, order="<"):
    return marker(0xe1, b"Exif\0\0" + tiff(orientation, order))
