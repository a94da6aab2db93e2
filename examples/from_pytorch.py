#!/usr/bin/python3
# SPDX-License-Identifier: BSL-1.0
"""From PyTorch to a program without it, the first of three steps.

1. This script trains a model and saves its state_dict: data/from_pytorch.safetensors.
2. from_pytorch.cpp reads the file and writes the weights as a C++ header.
3. from_pytorch_embedded.cpp has them as constants.

Building the examples does the second and the third; the file of the first is in the repository.
"""

import pathlib
import sys

import numpy
import torch
from torch import nn

HERE = pathlib.Path(__file__).parent
try:
    from safetensors.torch import save_file
except ImportError:
    sys.path.append(str(HERE.parent / "tests"))
    from save_safetensors import save_file


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(64, 32), nn.BatchNorm1d(32), nn.ReLU())
        self.head = nn.Linear(32, 10)

    def forward(self, x):
        return self.head(self.body(x))


def main():
    torch.manual_seed(1)
    rows = torch.tensor(numpy.loadtxt(HERE / "data/digits.csv", delimiter=",", dtype=numpy.float32))
    x, label = rows[:, :64] / 16, rows[:, 64].long()
    train = 1297  # the last 500 images are for testing

    net = Classifier()
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01, weight_decay=1e-4)
    for _ in range(30):
        for batch in torch.randperm(train).split(64):
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(x[batch]), label[batch]).backward()
            optimizer.step()

    net.eval()
    right = (net(x[train:]).argmax(1) == label[train:]).sum().item()
    print(f"PyTorch: {right} of {len(x) - train} test images are classified right")
    save_file(net.state_dict(), HERE / "data/from_pytorch.safetensors")


main()
