#!/usr/bin/python3
# SPDX-License-Identifier: BSL-1.0
"""Writes tests/io/files: python3 make_files.py (Debian's python3-torch and python3-numpy).

The weights of three networks, saved from PyTorch in all formats and number types that are read.
The i-th number of the tensor `key` is ((37 i + the sum of the key's bytes) mod 255 - 127) / 64,
which all of these types hold exactly.
"""

import pathlib
import sys

import numpy
import torch
from torch import nn

sys.path.append(str(pathlib.Path(__file__).parent.parent))
from save_safetensors import DTYPES, save_file

HERE = pathlib.Path(__file__).parent / "files"


def number(key, i):
    return ((37 * i + sum(key.encode())) % 255 - 127) / 64


def fill(net):
    """The state_dict of the network, after its floats were made such numbers."""
    for key, tensor in net.state_dict().items():
        if tensor.is_floating_point():
            values = [number(key, i) for i in range(tensor.numel())]
            tensor.copy_(torch.tensor(values).reshape(tensor.shape))
    return net.state_dict()


def save_flat(name, net, dtype=numpy.float32):
    flat = nn.utils.parameters_to_vector(net.parameters()).detach().numpy()
    numpy.save(HERE / name, flat.astype(dtype))


def main():
    HERE.mkdir(exist_ok=True)
    small = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8, 3),
                          nn.BatchNorm1d(3))
    state = fill(small)
    for dtype in (torch.float32, torch.float16, torch.bfloat16, torch.float64):
        converted = {k: v.to(dtype) if v.is_floating_point() else v for k, v in state.items()}
        save_file(converted, HERE / f"small_{DTYPES[dtype].lower()}.safetensors")

    arrays = {k: v.numpy() for k, v in state.items()}
    numpy.savez(HERE / "small_f4.npz", **arrays)
    numpy.savez(HERE / "small_f2.npz", **{k: v.astype("<f2") if v.dtype.kind == "f" else v
                                          for k, v in arrays.items()})
    numpy.savez(HERE / "small_fortran.npz", **{k: numpy.asfortranarray(v)
                                               for k, v in arrays.items()})
    numpy.savez_compressed(HERE / "small_compressed.npz", **{
        k: v.astype("<f8") if v.dtype.kind == "f" else v for k, v in arrays.items()})
    torch.save(state, HERE / "small.pt")

    leg = nn.Linear(2, 2)
    with torch.no_grad():
        leg.weight.copy_(torch.tensor([[1.0, 2], [3, 4]]))
        leg.bias.copy_(torch.tensor([7.0, 8]))
    save_file(nn.Sequential(leg, nn.Tanh(), leg).state_dict(), HERE / "tied.safetensors")

    save_flat("small_flat.npy", small)
    encoder = nn.Sequential(nn.TransformerEncoderLayer(4, 2, 3))
    fill(encoder)
    save_flat("encoder_flat.npy", encoder, "<f2")
    lstm = nn.Sequential(nn.LSTM(2, 3, num_layers=2, bidirectional=True, proj_size=2))
    fill(lstm)
    save_flat("lstm_flat.npy", lstm, "<f8")

    cube = numpy.arange(24, dtype=numpy.float32).reshape(2, 3, 4)
    numpy.save(HERE / "cube_fortran.npy", numpy.asfortranarray(cube))
    for version in (2, 3):
        with open(HERE / f"cube_{version}.npy", "wb") as file:
            numpy.lib.format.write_array(file, cube, version=(version, 0))
    numpy.save(HERE / "scalar.npy", numpy.float64(1.5))
    numpy.save(HERE / "integers.npy", numpy.arange(3))
    numpy.save(HERE / "records.npy", numpy.zeros(2, dtype=[("a", "<f4"), ("b", "<i4")]))


main()
