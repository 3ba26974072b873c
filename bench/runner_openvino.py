# SPDX-License-Identifier: BSD-2-Clause
"""OpenVINO. A single convolution is reported without the conversions of layouts around it: of the time of a call, the
share that the plugin's own counters give to the convolution. With calls of a few microseconds that is rough."""
import os

import numpy as np
import openvino as ov

import models

NAME = "openvino-" + ov.__version__.split("-")[0]


def compile_model(path, shape, threads, counters):
    core = ov.Core()
    model = core.read_model(path)
    if shape:
        model.reshape(shape)
    return core.compile_model(model, "CPU", {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1,
                                             "INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY",
                                             "PERF_COUNT": counters})


class Layer:
    def __init__(self, problem, data, threads, folder):
        path = os.path.join(folder, "conv.onnx")
        models.conv_model(problem, data, path)
        self.request = compile_model(path, None, threads, True).create_infer_request()
        self.src = data.src
        self.request.set_input_tensor(ov.Tensor(self.src, shared_memory=True))
        self.run()
        self.picked = self.convolution().exec_type

    def convolution(self):
        """OpenVINO calls a convolution with few channels a group convolution, or fuses it: the slowest step is it."""
        return max(self.request.profiling_info, key=lambda step: step.real_time)

    def run(self):
        self.request.infer()

    def share(self):
        """Of the convolution in a call. The counters are means over all calls so far."""
        steps = [step.real_time.total_seconds() for step in self.request.profiling_info]
        return max(steps) / sum(steps) if sum(steps) > 0 else 1

    def result(self):
        return self.request.get_output_tensor().data[0]


class Network:
    def __init__(self, path, batch, threads):
        model = ov.Core().read_model(path)
        shape = [batch] + [size.get_length() if size.is_static else 224 for size in model.inputs[0].partial_shape][1:]
        self.request = compile_model(path, shape, threads, False).create_infer_request()
        self.src = np.random.default_rng(20).uniform(-1, 1, shape).astype(np.float32)
        self.request.set_input_tensor(ov.Tensor(self.src, shared_memory=True))

    def run(self):
        self.request.infer()
