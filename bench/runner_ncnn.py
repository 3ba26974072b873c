# SPDX-License-Identifier: BSD-2-Clause
"""ncnn, with f32 everywhere. A single convolution gets its input packed as ncnn likes it, and its output stays so. A
batch is image after image, as ncnn has no batches. Networks are converted by pnnx, once, into a file beside the
model."""
import os
import subprocess
import sysconfig
import tempfile

import ncnn
import numpy as np

NAME = "ncnn-" + ncnn.__version__
PNNX = os.path.join(sysconfig.get_paths()["purelib"], "pnnx", "pnnx")  # its Python part would want PyTorch


def make_net(threads):
    net = ncnn.Net()
    net.opt.num_threads = threads
    for name in ("fp16_packed", "fp16_storage", "fp16_arithmetic", "bf16_packed", "bf16_storage"):
        if hasattr(net.opt, "use_" + name):
            setattr(net.opt, "use_" + name, False)
    return net


def write_conv(problem, data, stem):
    p = problem
    values = {0: p.oc, 1: p.kw, 11: p.kh, 2: p.dw + 1, 12: p.dh + 1, 3: p.sw, 13: p.sh, 4: p.pw, 15: p.pr, 14: p.ph,
              16: p.pb, 5: 1, 6: data.weights.size, 9: 1}
    kind = "Convolution"
    if p.g > 1:
        kind, values[7] = "ConvolutionDepthWise", p.g
    text = " ".join(f"{key}={value}" for key, value in values.items())
    with open(stem + ".param", "w", encoding="ascii") as file:
        file.write(f"7767517\n2 2\nInput src 0 1 src\n{kind} conv 1 1 src dst {text}\n")
    with open(stem + ".bin", "wb") as file:
        file.write(np.zeros(1, np.uint32).tobytes() + data.weights.tobytes() + data.bias.tobytes())


def load(net, param, model):
    if net.load_param(param) != 0 or net.load_model(model) != 0:
        raise RuntimeError(f"ncnn can't load {param}")


def repacked(mat, pack, option):
    result = ncnn.Mat()
    ncnn.convert_packing(mat, result, pack, option)
    return result


def widest_pack():
    """How many channels ncnn itself packs together on this machine: 16 with AVX-512, 8 with AVX."""
    net = make_net(1)
    with tempfile.TemporaryDirectory() as folder:
        stem = os.path.join(folder, "relu")
        with open(stem + ".param", "w", encoding="ascii") as file:
            file.write("7767517\n2 2\nInput src 0 1 src\nReLU relu 1 1 src dst\n")
        open(stem + ".bin", "wb").close()
        load(net, stem + ".param", stem + ".bin")
    extractor = net.create_extractor()
    image = ncnn.Mat(np.zeros((16, 2, 2), np.float32)).clone()
    extractor.input("src", image)
    return extractor.extract("dst", 1)[1].elempack


def best_pack(channels):
    return next(pack for pack in (16, 8, 4, 1) if channels % pack == 0 and pack <= WIDEST)


WIDEST = widest_pack()


class Layer:
    picked = ""

    def __init__(self, problem, data, threads, folder):
        stem = os.path.join(folder, "conv")
        write_conv(problem, data, stem)
        self.net = make_net(threads)
        load(self.net, stem + ".param", stem + ".bin")
        self.images = [repacked(ncnn.Mat(image).clone(), best_pack(problem.ic), self.net.opt) for image in data.src]

    def run_image(self, image):
        extractor = self.net.create_extractor()
        extractor.input("src", image)
        return extractor.extract("dst", 1)[1]  # 1: leave it packed

    def run(self):
        for image in self.images:
            self.run_image(image)

    def result(self):
        return np.array(repacked(self.run_image(self.images[0]), 1, self.net.opt))


def convert(path):
    stem = os.path.splitext(path)[0]
    if not os.path.exists(stem + ".ncnn.param"):
        subprocess.run([PNNX, os.path.basename(path), "inputshape=[1,3,224,224]", "fp16=0"], check=True,
                       cwd=os.path.dirname(path) or ".", stdout=subprocess.DEVNULL)
    return stem + ".ncnn.param", stem + ".ncnn.bin"


class Network:
    def __init__(self, path, batch, threads):
        self.net = make_net(threads)
        load(self.net, *convert(path))
        images = np.random.default_rng(20).uniform(-1, 1, (batch, 3, 224, 224)).astype(np.float32)
        self.images = [ncnn.Mat(image).clone() for image in images]

    def run(self):
        for image in self.images:
            extractor = self.net.create_extractor()
            extractor.input("in0", image)
            extractor.extract("out0")
