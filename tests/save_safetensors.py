# SPDX-License-Identifier: BSL-1.0
"""save_file of safetensors.torch, for where Python has no such module (Debian 12)."""

import json
import pathlib
import struct

import torch

DTYPES = {torch.float16: "F16", torch.bfloat16: "BF16", torch.float32: "F32", torch.float64: "F64",
          torch.int64: "I64"}


def to_bytes(tensor):
    tensor = tensor.detach().contiguous()
    if tensor.dtype == torch.bfloat16:
        tensor = tensor.view(torch.int16)
    return tensor.numpy().tobytes()


def save_file(state, path):
    """As safetensors.torch.save_file(state, path, metadata={"format": "pt"}), byte for byte as the
    reference implementation (safetensors/src/tensor.rs: sorted by size of number, then by name)."""
    header, data = {"__metadata__": {"format": "pt"}}, b""
    for key, tensor in sorted(state.items(), key=lambda kv: (-kv[1].element_size(), kv[0])):
        raw = to_bytes(tensor)
        header[key] = {"dtype": DTYPES[tensor.dtype], "shape": list(tensor.shape),
                       "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    pathlib.Path(path).write_bytes(struct.pack("<Q", len(text)) + text + data)
