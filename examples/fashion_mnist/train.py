"""Train LeNet-5 on Fashion-MNIST and export it as ONNX for unfurl.

Needs Debian's python3-torch, python3-onnx and dataset-fashion-mnist. Run it as

    /usr/bin/python3 train.py

It takes five to seven minutes on one free core. It writes, next to itself:

    lenet5.onnx                the trained net, raw logits, with unfurl.* metadata
    reference_logits.npy       float32 [100,10]: PyTorch's logits, first 100 test images
    reference_predictions.npy  uint8 [10000]: PyTorch's class for every test image
    reference.json             accuracy, seed, versions, and the closest call

The schedule below is fixed and the weights after its last step are kept: no
choice looks at the test set. The settings were picked beforehand by training on
55,000 of the training images and scoring on the other 5,000. Two runs
on one machine give the same bytes; another CPU may round differently, and so end
at slightly different weights.
"""
import gzip
import json
import os
import time
from pathlib import Path

# Debian's torch multiplies matrices with OpenBLAS, whose threads torch does not
# set. It must be told before it is loaded.
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
import onnx
import onnx.numpy_helper
import torch
import torch.nn.functional as F
from torch import nn

DATA = Path("/usr/share/datasets/fashion-mnist")
HERE = Path(__file__).resolve().parent
LABELS = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
          "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]
ALLOWED_OPS = {"Conv", "Relu", "MaxPool", "Flatten", "Gemm"}

SEED = 1
EPOCHS = 35
BATCH = 128
PEAK_RATE = 6e-3
WEIGHT_DECAY = 3e-2


def read_idx(name):
    """Read a gzipped IDX file of bytes: 0, 0, 8, rank, big-endian sizes, data."""
    with gzip.open(DATA / name) as f:
        raw = f.read()
    assert raw[:3] == b"\0\0\x08", name
    rank = raw[3]
    shape = np.frombuffer(raw, ">u4", count=rank, offset=4)
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * rank).reshape(shape)


def load(split):
    """Images as float32 [n,1,32,32] and labels as int64 [n]."""
    pixels = read_idx(f"{split}-images-idx3-ubyte.gz")
    labels = read_idx(f"{split}-labels-idx1-ubyte.gz")
    images = pixels.astype(np.float32) / np.float32(255)
    images = np.pad(images, ((0, 0), (2, 2), (2, 2)))  # 28x28 -> 32x32, zeros
    return torch.from_numpy(images[:, None]), torch.from_numpy(labels.astype(np.int64))


def lenet5():
    return nn.Sequential(
        nn.Conv2d(1, 6, 5), nn.ReLU(), nn.MaxPool2d(2),     # 6x28x28 -> 6x14x14
        nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),    # 16x10x10 -> 16x5x5
        nn.Conv2d(16, 120, 5), nn.ReLU(), nn.Flatten(),     # 120x1x1 -> 120
        nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10))


def augment(images):
    """Mirror a random half of the images and move each by up to one pixel."""
    n = len(images)
    move = torch.randint(-1, 2, (2, n, 1))
    # Remainders wrap around, but the border is zero, so nothing reappears.
    rows = (torch.arange(32) - move[0]) % 32
    cols = (torch.arange(32) - move[1]) % 32
    cols = torch.where(torch.rand(n, 1) < 0.5, 31 - cols, cols)
    each = torch.arange(n)[:, None, None]
    return images[each, 0, rows[:, :, None], cols[:, None, :]][:, None]


def train(net, images, labels):
    steps = -(-len(images) // BATCH) * EPOCHS
    opt = torch.optim.AdamW(net.parameters(), lr=PEAK_RATE, weight_decay=WEIGHT_DECAY)
    # Rise to the peak rate over the first 15% of the steps, then a cosine to zero.
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        opt, PEAK_RATE, total_steps=steps, pct_start=0.15)
    start = time.time()
    for epoch in range(EPOCHS):
        total = 0.0
        for pick in torch.randperm(len(images)).split(BATCH):
            loss = F.cross_entropy(net(augment(images[pick])), labels[pick])
            opt.zero_grad()
            loss.backward()
            opt.step()
            schedule.step()
            total += loss.item() * len(pick)
        print(f"epoch {epoch + 1:2}/{EPOCHS}  loss {total / len(images):.4f}"
              f"  {time.time() - start:.0f}s", flush=True)


def export(net, path):
    net.eval()
    torch.onnx.export(net, torch.zeros(1, 1, 32, 32), str(path), opset_version=13,
                      do_constant_folding=True,
                      input_names=["image"], output_names=["logits"],
                      dynamic_axes={"image": {0: "batch"}, "logits": {0: "batch"}})
    model = onnx.load(str(path))
    # How unfurl must turn pixels into the input: multiply by the scale, then
    # centre the image in the 32x32 input, with zeros around it.
    onnx.helper.set_model_props(model, {
        "unfurl.scale": "0.00392156862745098",
        "unfurl.resize": "pad",
        "unfurl.labels": "\n".join(LABELS)})
    onnx.checker.check_model(model, full_check=True)
    ops = [node.op_type for node in model.graph.node]
    assert set(ops) <= ALLOWED_OPS, ops
    onnx.save(model, str(path))
    print(f"{path.name}: {path.stat().st_size} bytes, {' '.join(ops)}")


def reload(path):
    """A fresh net with the weights in the ONNX file: those are what we evaluate."""
    net = lenet5()
    net.load_state_dict({
        w.name: torch.from_numpy(onnx.numpy_helper.to_array(w).copy())
        for w in onnx.load(str(path)).graph.initializer})
    return net.eval()


def write_reference(net, images, labels):
    with torch.no_grad():
        logits = torch.cat([net(part) for part in images.split(1000)])
    guess = logits.argmax(1)
    correct = int((guess == labels).sum())
    top = logits.topk(2, dim=1).values
    margins = top[:, 0] - top[:, 1]
    np.save(HERE / "reference_logits.npy", logits[:100].numpy())
    np.save(HERE / "reference_predictions.npy", guess.numpy().astype(np.uint8))
    # An engine that sums in another order gets slightly different logits. Its
    # classes must still agree, unless its error reaches half of this margin.
    reference = {"accuracy": correct / len(labels), "correct": correct,
                 "closest_margin": float(margins.min()),
                 "closest_image": int(margins.argmin()),
                 "seed": SEED, "torch": torch.__version__, "onnx": onnx.__version__}
    (HERE / "reference.json").write_text(json.dumps(reference, indent=2) + "\n")
    print(f"test accuracy {correct / len(labels):.4f} ({correct} of {len(labels)}), "
          f"closest margin {reference['closest_margin']:.3g} "
          f"at image {reference['closest_image']}")


def main():
    # One thread: a second one does not help a net this small, and sums are then
    # always added in the same order.
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(SEED)
    path = HERE / "lenet5.onnx"
    net = lenet5()
    train(net, *load("train"))
    export(net, path)
    write_reference(reload(path), *load("t10k"))


if __name__ == "__main__":
    main()
