# SPDX-License-Identifier: BSD-2-Clause
"""unfurl inspect as its users see it; test_cli.py runs these tests too.

python3 test_cli_inspect.py PATH_TO_UNFURL SOURCE_ROOT"""
import json
import sys

sys.dont_write_bytecode = True  # leaves the source folder as it is

import cli_case
import cli_files as files
from cli_case import Case
from cli_files import F32, FREE, I64

FIELDS = {"model", "batch", "threads", "isa", "inputs", "outputs", "metadata", "layers", "flop", "arena_bytes",
          "workspace_bytes", "weights_bytes", "constants_bytes", "peak_bytes"}
LAYER = {"name", "op", "algo", "dtype", "output", "turns", "flop", "weights_bytes", "workspace_bytes"}


def write_network(path, dims=(FREE, 3, 8, 8), conv="w", **options):
    """A convolution with six filters of 3x3x3, and a fully connected layer on its result: 4x4 with stride 2."""
    nodes = [files.node("Conv", ["image", conv], ["maps"], strides=[2, 2], pads=[1, 1, 1, 1]),
             files.node("Flatten", ["maps"], ["row"]), files.node("Gemm", ["row", "fc"], ["scores"], transB=1)]
    constants = [files.constant(conv, (6, 3, 3, 3), [0.5] * 162), files.constant("fc", (10, 96), [0.25] * 960)]
    return files.write_model(path, nodes, {"image": (F32, dims)}, {"scores": (F32, (dims[0], 10))}, constants,
                             **options)


class Inspect(Case):
    def inspect(self, *arguments):
        done = self.run_program("inspect", *arguments, "-o", "json")
        self.assertEqual(done.stdout.count("\n"), 1)
        report = json.loads(done.stdout)
        self.assertEqual(set(report), FIELDS)
        for layer in report["layers"]:
            self.assertEqual(set(layer), LAYER)
        self.assertEqual(report["peak_bytes"],
                         sum(report[name + "_bytes"] for name in ("arena", "workspace", "weights", "constants")))
        self.assertEqual(report["flop"], sum(layer["flop"] for layer in report["layers"]))
        return report

    def test_json(self):
        model = write_network(self.dir / "net.onnx", metadata={"unfurl.scale": "0.5", "other": "x"})
        for batch in (1, 5):
            report = self.inspect(model, "--batch", batch, "--threads", 1)
            self.assertEqual((report["model"], report["batch"], report["threads"]), (model, batch, 1))
            self.assertEqual(report["inputs"], [{"name": "image", "dtype": "f32", "declared": [None, 3, 8, 8],
                                                 "shape": [batch, 3, 8, 8]}])
            self.assertEqual(report["outputs"], [{"name": "scores"}])
            self.assertEqual(report["metadata"], {"unfurl.scale": "0.5"})
            layers = {layer["op"]: layer for layer in report["layers"]}
            conv, gemm = layers["Conv"], layers["Gemm"]
            self.assertEqual((conv["output"], conv["flop"]), ([batch, 6, 4, 4], 2 * batch * 6 * 16 * 27))
            self.assertEqual((gemm["output"], gemm["flop"]), ([batch, 10], 2 * batch * 10 * 96))
            self.assertGreaterEqual(conv["weights_bytes"], 4 * 162)
            self.assertNotEqual(conv["algo"], "")
            self.assertGreaterEqual(report["weights_bytes"], conv["weights_bytes"])
            self.assertGreaterEqual(report["arena_bytes"], 4 * batch * 96)

    def test_algo(self):
        model = write_network(self.dir / "net.onnx")
        for algo in ("naive", "im2col"):
            layers = self.inspect(model, "--algo", algo)["layers"]
            self.assertEqual([layer["algo"] for layer in layers if layer["op"] == "Conv"], [algo])

    def test_text(self):
        model = write_network(self.dir / "net.onnx", metadata={"unfurl.labels": "cat\ndog\x1b[31m"})
        text = self.run_program("inspect", model, "--mb", 3, "--threads", 2).stdout
        self.assertNotIn("\x1b", text)
        for words in ("batch 3, 2 threads", "f32 [?, 3, 8, 8], here [3, 3, 8, 8]", "scores", "cat dog?", "[3, 6, 4, 4]",
                      "15.6 k", "workspace", "peak"):
            self.assertIn(words, text)
        table = text.partition("layers\n")[2].partition("\n\n")[0].splitlines()
        self.assertEqual(len({len(line) for line in table}), 1)

    def test_names_are_tamed(self):
        model = write_network(self.dir / "net.onnx", conv="w\x1b]0;title\x07|" + "y" * 300)
        self.assertNotIn("\x1b", self.run_program("inspect", model).stdout)
        self.inspect(model)

    def test_lenet5(self):
        model = cli_case.ROOT / "examples/fashion_mnist/lenet5.onnx"
        report = self.inspect(model)
        convolutions = [layer["flop"] for layer in report["layers"] if layer["op"] == "Conv"]
        self.assertEqual(convolutions, [2 * 784 * 6 * 25, 2 * 100 * 16 * 150, 2 * 120 * 400])

    def test_free_sizes(self):
        model = write_network(self.dir / "net.onnx", dims=(FREE, 3, FREE, FREE))
        self.run_program("inspect", model, status=2, says="give --shape image=1x...")
        report = self.inspect(model, "--shape", "image=2x3x8x8")
        self.assertEqual((report["batch"], report["inputs"][0]["shape"]), (2, [2, 3, 8, 8]))
        for shape, message in (("image=2x3x8", "another shape"), ("image=2x4x8x8", "another shape"),
                               ("x=2x3x8x8", "no input of that name"), ("image", "is not NAME=1x3x224x224"),
                               ("image=", "is not NAME"), ("image=1x", "is not NAME"), ("image=1x-3x8x8", "is not NAME"),
                               ("image=" + "1x" * 20 + "1", "is not NAME"), ("image=0x3x8x8", "is not NAME")):
            self.run_program("inspect", model, "--shape", shape, status=2, says=message)

    def test_fixed_batch(self):
        model = write_network(self.dir / "net.onnx", dims=(4, 3, 8, 8))
        done = self.run_program("inspect", model, "--batch", 2, "-o", "json", says="takes batches of 4")
        self.assertEqual(json.loads(done.stdout)["batch"], 4)
        self.assertEqual(self.inspect(model)["batch"], 4)

    def test_shapes_from_values(self):
        nodes = [files.node("Reshape", ["x", "shape"], ["y"])]
        model = files.write_model(self.dir / "reshape.onnx", nodes, {"x": (F32, (2, 0)), "shape": (I64, (2,))},
                                  {"y": (F32, (FREE, FREE))})
        self.assertEqual(self.inspect(model)["inputs"][1]["shape"], [2])

    def test_models_that_cant_be_used(self):
        (self.dir / "bad.onnx").write_bytes(b"\x08\x08\xff")
        for path in (self.dir / "none.onnx", self.dir / "bad.onnx", self.dir, __file__):
            done = self.run_program("inspect", path, status=3, says=str(path))
            self.assertEqual(done.stdout, "")
        wrong = files.write_model(self.dir / "wrong.onnx", [files.node("Gemm", ["x", "w"], ["y"])],
                                  {"x": (F32, (FREE, 2))}, {"y": (F32, (FREE, 3))},
                                  [files.constant("w", (3, 3), [1.0] * 9)])
        self.run_program("inspect", wrong, status=3, says=wrong)
        large = files.write_model(self.dir / "large.onnx", [files.node("Conv", ["x", "w"], ["y"])],
                                  {"x": (F32, (FREE, 3, FREE, FREE))}, {"y": (F32, (FREE, 6, FREE, FREE))},
                                  [files.constant("w", (6, 3, 3, 3), [1.0] * 162)])
        self.run_program("inspect", large, "--shape", "x=100x3x9000x9000", status=3, says="bytes of memory")

    def test_usage(self):
        model = write_network(self.dir / "net.onnx")
        for arguments, message in (([], "which model?"), ([model, model], "one model"), ([model, "-o", "xml"], "text or"),
                                   ([model, "--batch", "0"], "--batch '0'"), ([model, "--bacth", "1"], "'--batch'"),
                                   ([model, "--algo", "best"], "no algorithm 'best'")):
            self.run_program("inspect", *arguments, status=2, says=message)
        with open("/dev/full", "w") as full:
            self.run_program("inspect", model, status=4, says="No space left", stdout=full)


if __name__ == "__main__":
    cli_case.main(__doc__)
