# SPDX-License-Identifier: BSD-2-Clause
"""Small files for tests of the program, written with nothing but the standard library: ONNX, .npy, IDX and PNG."""
import gzip
import struct
import zlib

F32, I64 = 1, 7  # TensorProto.DataType
FREE = -1
PNG_MAGIC = b"\x89PNG\r\n\x1a\n"


def _varint(value):
    out = bytearray()
    value &= (1 << 64) - 1
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def _int(field, value):
    return _varint(field << 3) + _varint(value)


def _bytes(field, data):
    data = data.encode() if isinstance(data, str) else data
    return _varint(field << 3 | 2) + _varint(len(data)) + data


def _value(name, dtype, dims):
    """A ValueInfoProto; a FREE dimension gets a name."""
    shape = b"".join(_bytes(1, _bytes(2, "n") if d == FREE else _int(1, d)) for d in dims)
    tensor = _int(1, dtype) + _bytes(2, shape)
    return _bytes(1, name) + _bytes(2, _bytes(1, tensor))


def constant(name, dims, values):
    """An initializer: int64 if the values are ints, float32 otherwise."""
    ints = isinstance(values[0], int)
    raw = struct.pack("<%d%s" % (len(values), "q" if ints else "f"), *values)
    return b"".join(_int(1, d) for d in dims) + _int(2, I64 if ints else F32) + _bytes(8, name) + _bytes(9, raw)


def node(op, inputs, outputs, **attributes):
    """A node; attributes are ints or lists of ints."""
    out = b"".join(_bytes(1, i) for i in inputs) + b"".join(_bytes(2, o) for o in outputs) + _bytes(4, op)
    for name, value in attributes.items():
        body = b"".join(_int(8, v) for v in value) + _int(20, 7) if isinstance(value, list) else \
            _int(3, value) + _int(20, 2)
        out += _bytes(5, _bytes(1, name) + body)
    return out


def write_model(path, nodes, inputs, outputs, constants=(), metadata=None):
    """inputs: name -> (dtype, dims); outputs: name -> the same."""
    graph = b"".join(_bytes(1, n) for n in nodes) + _bytes(2, "g") + b"".join(_bytes(5, c) for c in constants)
    graph += b"".join(_bytes(11, _value(n, *v)) for n, v in inputs.items())
    graph += b"".join(_bytes(12, _value(n, *v)) for n, v in outputs.items())
    model = _int(1, 8) + _bytes(7, graph) + _bytes(8, _int(2, 13))
    for key, value in (metadata or {}).items():
        model += _bytes(14, _bytes(1, key) + _bytes(2, value))
    path.write_bytes(model)
    return str(path)


def write_flatten(path, dims=(FREE, 1, 2, 2), metadata=None):
    """scores = the input's elements: what goes in comes out, so a test can say what to expect."""
    elements = 1
    for d in dims[1:]:
        elements *= d
    return write_model(path, [node("Flatten", ["image"], ["scores"])], {"image": (F32, dims)},
                       {"scores": (F32, (dims[0], elements))}, metadata=metadata)


def write_npy(path, shape, values, descr="<f4"):
    """descr: one of those that unfurl reads."""
    code = {"<f4": "f", "<f8": "d", "<i8": "q", "<i4": "i", "|u1": "B", "|b1": "?"}[descr]
    dims = "(%s)" % "".join("%d, " % d for d in shape)
    text = "{'descr': '%s', 'fortran_order': False, 'shape': %s, }" % (descr, dims.replace(", )", ",)"))
    text += " " * (-(len(text) + 11) % 64) + "\n"
    payload = struct.pack("<%d%s" % (len(values), code), *values)
    path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode() + payload)
    return str(path)


def read_npy(path):
    """(shape, values) of a float32 file."""
    raw = path.read_bytes()
    assert raw[:8] == b"\x93NUMPY\x01\x00", raw[:8]
    length = struct.unpack("<H", raw[8:10])[0]
    header = eval(raw[10:10 + length], {"__builtins__": {}})  # the test wrote none of it, but asked for it
    assert (10 + length) % 64 == 0 and header["descr"] == "<f4" and header["fortran_order"] is False, header
    data = raw[10 + length:]
    return header["shape"], struct.unpack("<%df" % (len(data) // 4), data)


def write_idx(path, shape, values):
    """Bytes; compressed if the name ends in .gz."""
    raw = bytes([0, 0, 8, len(shape)]) + b"".join(struct.pack(">I", d) for d in shape) + bytes(values)
    path.write_bytes(gzip.compress(raw) if path.suffix == ".gz" else raw)
    return str(path)


def write_png(path, width, height, pixels):
    """8-bit RGB; `pixels` are width * height * 3 bytes."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = b"".join(b"\0" + bytes(pixels[3 * width * y:3 * width * (y + 1)]) for y in range(height))
    path.write_bytes(PNG_MAGIC + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) +
                     chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
    return str(path)


def read_png(path):
    """(width, height, rows of bytes) of an 8-bit RGB file, every checksum of it verified."""
    raw = path.read_bytes()
    assert raw.startswith(PNG_MAGIC), raw[:8]
    at, data, kinds = len(PNG_MAGIC), b"", []
    while at < len(raw):
        length, kind = struct.unpack(">I4s", raw[at:at + 8])
        body = raw[at + 8:at + 8 + length]
        assert struct.unpack(">I", raw[at + 8 + length:at + 12 + length])[0] == zlib.crc32(kind + body), kind
        kinds.append(kind)
        if kind == b"IHDR":
            width, height, *form = struct.unpack(">IIBBBBB", body)
            assert form == [8, 2, 0, 0, 0], form
        data += body if kind == b"IDAT" else b""
        at += 12 + length
    assert kinds[0] == b"IHDR" and kinds[-1] == b"IEND" and at == len(raw), kinds
    return width, height, _unfilter(zlib.decompress(data), width, height)


def _unfilter(data, width, height):
    size, before, rows = 3 * width, bytearray(3 * width), []
    assert len(data) == height * (size + 1)
    for y in range(height):
        kind, row = data[y * (size + 1)], bytearray(data[y * (size + 1) + 1:(y + 1) * (size + 1)])
        for i in range(size if kind else 0):
            left, up, corner = row[i - 3] if i > 2 else 0, before[i], before[i - 3] if i > 2 else 0
            paeth = min((left, up, corner), key=lambda v: abs(left + up - corner - v))
            row[i] = (row[i] + (0, left, up, (left + up) // 2, paeth)[kind]) & 255
        rows.append(row)
        before = row
    return rows
