# SPDX-License-Identifier: BSD-2-Clause
"""ONNX models to measure: one convolution with ReLU, and whole networks with random weights, batch norm folded in as
exporters do it. Run as a program: models.py FOLDER writes resnet50.onnx, vgg16.onnx and mobilenetv2.onnx there."""
import os
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def conv_model(problem, data, path):
    p = problem
    nodes = [helper.make_node("Conv", ["src", "weights", "bias"], ["sum"], kernel_shape=[p.kh, p.kw],
                              strides=[p.sh, p.sw], pads=p.pads, dilations=[p.dh + 1, p.dw + 1], group=p.g),
             helper.make_node("Relu", ["sum"], ["dst"])]
    constants = [numpy_helper.from_array(data.weights, "weights"), numpy_helper.from_array(data.bias, "bias")]
    save(path, nodes, constants, [p.mb, p.ic, p.ih, p.iw], [p.mb, p.oc, p.oh, p.ow], "src", "dst")


def save(path, nodes, constants, src_shape, dst_shape, src, dst):
    graph = helper.make_graph(nodes, "bench", [helper.make_tensor_value_info(src, TensorProto.FLOAT, src_shape)],
                              [helper.make_tensor_value_info(dst, TensorProto.FLOAT, dst_shape)], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, path)


class Network:
    """Appends layers; each method takes the name of a value and returns that of the next."""

    def __init__(self):
        self.nodes, self.constants, self.channels = [], [], {"x": 3}
        self.rng = np.random.default_rng(20)

    def node(self, op, inputs, channels, **attributes):
        out = f"{op.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [out], name=out, **attributes))
        self.channels[out] = channels
        return out

    def constant(self, values):
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(values, np.float32), name))
        return name

    def weights(self, *shape):
        scale = np.sqrt(2 / np.prod(shape[1:]))
        return self.constant(self.rng.standard_normal(shape) * scale)

    def conv(self, x, oc, k, stride=1, groups=1, activation="Relu"):
        weights = self.weights(oc, self.channels[x] // groups, k, k)
        bias = self.constant(self.rng.standard_normal(oc) * 0.1)
        out = self.node("Conv", [x, weights, bias], oc, kernel_shape=[k, k], strides=[stride, stride],
                        pads=[k // 2] * 4, group=groups)
        if activation == "Relu":
            return self.node("Relu", [out], oc)
        if activation == "Relu6":
            return self.node("Clip", [out, self.constant(0), self.constant(6)], oc)
        return out

    def add(self, x, y, relu):
        out = self.node("Add", [x, y], self.channels[x])
        return self.node("Relu", [out], self.channels[x]) if relu else out

    def max_pool(self, x, k, stride, pad):
        return self.node("MaxPool", [x], self.channels[x], kernel_shape=[k, k], strides=[stride, stride],
                         pads=[pad] * 4)

    def flatten(self, x, features):
        return self.node("Flatten", [x], features, axis=1)

    def dense(self, x, features, relu=False):
        bias = self.constant(self.rng.standard_normal(features) * 0.1)
        out = self.node("Gemm", [x, self.weights(features, self.channels[x]), bias], features, transB=1)
        return self.node("Relu", [out], features) if relu else out

    def classify(self, x, classes=1000):
        x = self.node("GlobalAveragePool", [x], self.channels[x])
        return self.dense(self.flatten(x, self.channels[x]), classes)

    def save(self, path, dst):
        save(path, self.nodes, self.constants, ["N", 3, 224, 224], ["N", 1000], "x", dst)


def resnet50(net):
    """v1.5: the stride is in the 3x3."""
    x = net.max_pool(net.conv("x", 64, 7, 2), 3, 2, 1)
    for stage, blocks in enumerate((3, 4, 6, 3)):
        width = 64 << stage
        for block in range(blocks):
            stride = 2 if stage > 0 and block == 0 else 1
            skip = net.conv(x, 4 * width, 1, stride, activation=None) if block == 0 else x
            y = net.conv(net.conv(x, width, 1), width, 3, stride)
            x = net.add(net.conv(y, 4 * width, 1, activation=None), skip, relu=True)
    return net.classify(x)


def vgg16(net):
    x = "x"
    for width, layers in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        for _ in range(layers):
            x = net.conv(x, width, 3)
        x = net.max_pool(x, 2, 2, 0)
    x = net.dense(net.flatten(x, 512 * 7 * 7), 4096, relu=True)
    return net.dense(net.dense(x, 4096, relu=True), 1000)


def mobilenetv2(net):
    x = net.conv("x", 32, 3, 2, activation="Relu6")
    for expand, oc, repeat, first in ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1),
                                      (6, 160, 3, 2), (6, 320, 1, 1)):
        for i in range(repeat):
            stride, inside = (first if i == 0 else 1), expand * net.channels[x]
            y = net.conv(x, inside, 1, activation="Relu6") if expand > 1 else x
            y = net.conv(y, inside, 3, stride, groups=inside, activation="Relu6")
            y = net.conv(y, oc, 1, activation=None)
            x = net.add(y, x, relu=False) if i > 0 else y
    return net.classify(net.conv(x, 1280, 1, activation="Relu6"))


def main():
    os.makedirs(sys.argv[1], exist_ok=True)
    for build in (resnet50, vgg16, mobilenetv2):
        path = os.path.join(sys.argv[1], build.__name__ + ".onnx")
        if not os.path.exists(path):
            net = Network()
            net.save(path, build(net))
        print(path)


if __name__ == "__main__":
    main()
