# SPDX-License-Identifier: BSD-2-Clause
"""Problem strings (benchdnn's notation, as src/cli/problem.h describes it), random data for them, and the result in
double."""
import re
from dataclasses import dataclass, field

import numpy as np

FIELDS = {"g", "mb", "ic", "oc", "ih", "iw", "oh", "ow", "kh", "kw", "sh", "sw", "dh", "dw", "ph", "pw"}


@dataclass
class Problem:
    text: str
    v: dict = field(default_factory=dict)  # FIELDS, and pb and pr: padding at the bottom and to the right

    def __getattr__(self, name):
        try:
            return self.__dict__["v"][name]
        except KeyError:
            raise AttributeError(name) from None

    @property
    def macs(self):
        return self.mb * self.oc * self.oh * self.ow * self.kh * self.kw * (self.ic // self.g)

    @property
    def pads(self):
        """As ONNX orders them."""
        return [self.ph, self.pw, self.pb, self.pr]


def solve_axis(v, size, out, kernel, stride, dilation, before, after):
    span = (v[kernel] - 1) * (v[dilation] + 1) + 1
    if v.get(out) is None:
        v[before] = v.get(before) or 0
        v[out] = (v[size] + 2 * v[before] - span) // v[stride] + 1
    covered = (v[out] - 1) * v[stride] + span
    if v.get(before) is None:
        v[before] = max(covered - v[size], 0) // 2
    v[after] = max(covered - v[size] - v[before], 0)


def parse(text):
    text = text.strip()
    head = re.match(r'^((?:_|(?!n)[a-z]+\d+)*)', text).group(1)
    v = {name: int(number) for name, number in re.findall(r"([a-z]+)(\d+)", head)}
    if not set(v) <= FIELDS or not {"ic", "oc", "ih", "kh"} <= set(v):
        raise ValueError(f"problem '{text}' can't be read")
    for name, default in (("g", 1), ("mb", 1), ("sh", 1), ("dh", 0)):
        v.setdefault(name, default)
    pairs = (("iw", "ih"), ("kw", "kh"), ("sw", "sh"), ("dw", "dh"), ("pw", "ph"))
    for width, height in pairs:
        if height in v:
            v.setdefault(width, v[height])
    if "oh" in v and all(v.get(width) == v.get(height) for width, height in pairs):
        v.setdefault("ow", v["oh"])
    solve_axis(v, "ih", "oh", "kh", "sh", "dh", "ph", "pb")
    solve_axis(v, "iw", "ow", "kw", "sw", "dw", "pw", "pr")
    return Problem(text, v)


def load(path):
    with open(path, encoding="utf-8") as lines:
        return [parse(line) for line in lines if line.strip() and not line.lstrip().startswith("#")]


@dataclass
class Data:
    src: np.ndarray  # NCHW
    weights: np.ndarray  # OIHW
    bias: np.ndarray


def random_data(problem):
    p, rng = problem, np.random.default_rng(20)
    shapes = (p.mb, p.ic, p.ih, p.iw), (p.oc, p.ic // p.g, p.kh, p.kw), (p.oc,)
    return Data(*(rng.uniform(-1, 1, shape).astype(np.float32) for shape in shapes))


def reference(problem, data):
    """The first image's result, NCHW without N: a product in double for each tap and group."""
    p = problem
    padded = np.pad(data.src[0].astype(np.float64), ((0, 0), (p.ph, p.pb), (p.pw, p.pr)))
    dst = np.repeat(data.bias.astype(np.float64), p.oh * p.ow).reshape(p.g, p.oc // p.g, p.oh * p.ow)
    weights = data.weights.astype(np.float64).reshape(p.g, p.oc // p.g, p.ic // p.g, p.kh, p.kw)
    for i in range(p.kh):
        for j in range(p.kw):
            y, x = i * (p.dh + 1), j * (p.dw + 1)
            tap = padded[:, y:y + (p.oh - 1) * p.sh + 1:p.sh, x:x + (p.ow - 1) * p.sw + 1:p.sw]
            dst += weights[..., i, j] @ tap.reshape(p.g, p.ic // p.g, p.oh * p.ow)
    return np.maximum(dst, 0).reshape(p.oc, p.oh, p.ow)


def relative_error(dst, wanted):
    norm = np.linalg.norm(wanted)
    return float(np.linalg.norm(dst - wanted) / (norm or 1))
