#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes classifiers, and networks that label pixels, with random weights as ONNX files: export_networks.py OUT_DIR

Run by Debian's Python (python3-torch, python3-torchvision). Weights are torchvision's own random initialisation, with
random statistics in the batch normalisations, so that folding them is put to the test.
"""
import pathlib
import sys
import warnings

import torch
import torchvision.models as models

NETWORKS = {
    "vgg16": models.vgg16,
    "resnet50": models.resnet50,
    "mobilenet_v2": models.mobilenet_v2,
    "densenet121": models.densenet121,
    "mobilenet_v3_large": models.mobilenet_v3_large,
    "efficientnet_b0": models.efficientnet_b0,
    "shufflenet_v2_x1_0": models.shufflenet_v2_x1_0,
    "convnext_tiny": models.convnext_tiny,
}
LABELLERS = {
    "fcn_resnet50": models.segmentation.fcn_resnet50,
    "lraspp_mobilenet_v3_large": models.segmentation.lraspp_mobilenet_v3_large,
}


class Labels(torch.nn.Module):
    """The one output of a network that labels pixels: it gives a dictionary."""

    def __init__(self, **weights):
        super().__init__()
        self.network = self.make(weights_backbone=None, **weights)

    def forward(self, image):
        return self.network(image)["out"]


def labels_of(network):
    return type("Labels", (Labels,), {"make": staticmethod(network)})


def randomise_statistics(network, generator):
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            size = module.running_mean.shape
            module.running_mean.copy_(torch.randn(size, generator=generator) * 0.1)
            module.running_var.copy_(torch.rand(size, generator=generator) + 0.5)
            module.weight.copy_(torch.rand(size, generator=generator) * 0.5 + 0.75)
            module.bias.copy_(torch.randn(size, generator=generator) * 0.1)


def main():
    out = pathlib.Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    warnings.simplefilter("ignore")
    labellers = {name: labels_of(network) for name, network in LABELLERS.items()}
    for name, make in {**NETWORKS, **labellers}.items():
        path = out / f"{name}.onnx"
        if path.exists():
            continue
        torch.manual_seed(1)
        with torch.no_grad():
            network = make(weights=None).eval()
            randomise_statistics(network, torch.Generator().manual_seed(2))
            # With constant folding off and training preserved, batch normalisations reach the file as they are.
            torch.onnx.export(network, torch.zeros(1, 3, 224, 224), path, opset_version=13, input_names=["image"],
                              output_names=["scores"], dynamic_axes={"image": {0: "batch"}, "scores": {0: "batch"}},
                              do_constant_folding=False, training=torch.onnx.TrainingMode.PRESERVE)
        print(path)


if __name__ == "__main__":
    main()
