#!/usr/bin/python3
# SPDX-License-Identifier: BSL-1.0
"""Writes tests/interop/files: python3 make_models.py (Debian's python3-torch).

Models as users of PyTorch write them, trained for a few steps so that their weights and running
statistics are like those of real ones. For each: its state_dict as safetensors, keys untouched;
inputs and what the model makes of them in eval mode, computed as float32.
"""

import pathlib
import sys

import numpy
import torch
from torch import nn

sys.path.append(str(pathlib.Path(__file__).parent.parent))
from save_safetensors import save_file

HERE = pathlib.Path(__file__).parent / "files"
SAMPLES = 5


class Cnn(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(6, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU(),
            nn.MaxPool2d(2))
        self.classifier = nn.Sequential(nn.Flatten(), nn.Linear(8 * 2 * 2, 10))

    def forward(self, x):
        return self.classifier(self.features(x))


class Lstm(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(3, 12, batch_first=True)
        self.head = nn.Linear(12, 2)

    def forward(self, x):
        y, _ = self.lstm(x)
        return self.head(y[:, -1])


class Gru(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(3, 5, num_layers=2, bidirectional=True, batch_first=True)
        self.head = nn.Linear(10, 2)

    def forward(self, x):
        y, _ = self.gru(x)
        return self.head(y)


class Transformer(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Linear(4, 16)
        layer = nn.TransformerEncoderLayer(16, 4, dim_feedforward=24, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, num_layers=2)
        self.head = nn.Linear(16, 3)

    def forward(self, x):
        return self.head(self.encoder(self.embed(x)))


def trained(net, x, steps=30):
    """A few steps towards targets drawn at random."""
    with torch.no_grad():
        target = torch.randn_like(net(x))
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    for _ in range(steps):
        optimizer.zero_grad()
        nn.functional.mse_loss(net(x), target).backward()
        optimizer.step()
    return net


def save(name, make, sample, dtype=torch.float32):
    torch.manual_seed(sum(name.encode()))
    net = trained(make(), 1 + 2 * torch.randn(32, *sample)).eval()
    state = {k: v.to(dtype) if v.is_floating_point() else v for k, v in net.state_dict().items()}
    save_file(state, HERE / f"{name}.safetensors")
    net.load_state_dict(state)  # rounded where dtype has fewer bits
    x = torch.randn(SAMPLES, *sample)
    with torch.no_grad():
        numpy.save(HERE / f"{name}_x.npy", x.numpy())
        numpy.save(HERE / f"{name}_y.npy", net(x).numpy())


def mlp():
    return nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 8), nn.Tanh(), nn.Linear(8, 3))


def main():
    HERE.mkdir(exist_ok=True)
    torch.set_num_threads(1)
    save("mlp", mlp, (6,))
    save("mlp_bf16", mlp, (6,), torch.bfloat16)
    save("cnn", Cnn, (1, 8, 8))
    save("lstm", Lstm, (7, 3))
    save("lstm_f16", Lstm, (7, 3), torch.float16)
    save("gru", Gru, (6, 3))
    save("transformer", Transformer, (5, 4))


main()
