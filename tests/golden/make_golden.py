#!/usr/bin/python3
# SPDX-License-Identifier: BSL-1.0
"""Writes the golden values next to this script: python3 make_golden.py (Debian's python3-torch).

A case is a module placed alone in nn.Sequential, so parameters have the keys 0.weight, 0.bias, ...
It holds x (batch first), every parameter by its state_dict key, y, a fixed cotangent r, and the
gradients of sum(y * r): dx and d<key>. Functions are modules whose second operand is the
parameter 0.w, shared by all samples. An axis in a case's name counts in the sample, without the
batch. Inputs are decimals of at most three places; everything is computed in float64 and
written with 9 significant digits, which serves float and double tests alike.
Each case seeds its own generator with its name, so that a new case leaves the others' bytes alone.
"""

import math
import pathlib
import random

import torch
from torch import nn

BATCH = 3
HERE = pathlib.Path(__file__).parent


def draw(rng, shape, low=-2.0, high=2.0, places=3):
    """Distinct decimals, none near zero: no ties for max, no kink of relu or abs."""
    seen, values = set(), []
    while len(values) < math.prod(shape):
        value = round(rng.uniform(low, high), places)
        if abs(value) > 0.01 and value not in seen:
            seen.add(value)
            values.append(value)
    return torch.tensor(values, dtype=torch.float64).reshape(shape)


def cotangent(rng, shape):
    """Ties do no harm here, so two places are enough."""
    values = [round(rng.uniform(-1.0, 1.0), 2) for _ in range(math.prod(shape))]
    return torch.tensor(values, dtype=torch.float64).reshape(shape)


class Family:
    """One text file of cases, written when the with-block ends."""

    def __init__(self, name):
        self.path = HERE / f"{name}.txt"
        version = ".".join(torch.__version__.split(".")[:2])  # Debian's 1.13.1 says 1.13.0a0
        self.lines = [f"# made by make_golden.py with PyTorch {version}: "
                      "computed in float64, written with 9 significant digits"]

    def __enter__(self):
        return self

    def __exit__(self, error, *_):
        if error is None:
            self.path.write_text("\n".join(self.lines) + "\n")

    def write(self, name, tensors):
        self.lines.append(f"case {name}")
        for key, tensor in tensors.items():
            self.lines.append(" ".join(["tensor", key, *map(str, tensor.shape or (1,))]))
            numbers = [f"{v + 0.0:.9g}" for v in tensor.detach().double().flatten().tolist()]
            self.lines += [" ".join(numbers[i:i + 10]) for i in range(0, len(numbers), 10)]
        self.lines.append("end")

    def network(self, name, net, sample, low=-2.0, high=2.0, params=(-1.0, 1.0), x=None):
        """`sample` is the shape of one input; `x` replaces the drawn input."""
        rng = random.Random(name)
        x = (draw(rng, (BATCH, *sample), low, high) if x is None else x).requires_grad_()
        net = net.double()
        with torch.no_grad():
            for p in net.parameters():
                p.copy_(draw(rng, p.shape, *params))
        y = net(x)
        r = cotangent(rng, y.shape)
        (y * r).sum().backward()
        weights = dict(net.named_parameters())
        self.write(name, {"x": x, **weights, "y": y, "r": r, "dx": x.grad,
                          **{f"d{key}": p.grad for key, p in weights.items()}})

    def layer(self, name, layer, sample, **options):
        self.network(name, nn.Sequential(layer), sample, **options)


class Function(nn.Module):
    """y = f(x) or f(x, w)."""

    def __init__(self, f, w=None):
        super().__init__()
        self.f = f
        if w is not None:
            self.w = nn.Parameter(torch.zeros(w))

    def forward(self, x):
        return self.f(x, *self.parameters())


class RMSNorm(nn.Module):
    """That of PyTorch 2.4 and later; without `eps` that of a float, whatever is computed here."""

    def __init__(self, shape, eps=None, elementwise_affine=True):
        super().__init__()
        self.axes = tuple(range(-len(shape), 0))
        self.eps = torch.finfo(torch.float32).eps if eps is None else eps
        self.weight = nn.Parameter(torch.ones(shape)) if elementwise_affine else None

    def forward(self, x):
        y = x / torch.sqrt((x ** 2).mean(self.axes, keepdim=True) + self.eps)
        return y if self.weight is None else y * self.weight


class Residual(nn.Sequential):
    def forward(self, x):
        return x + super().forward(x)


def linear():
    with Family("linear") as f:
        f.layer("linear", nn.Linear(5, 4), (5,))
        f.layer("linear_no_bias", nn.Linear(5, 4, bias=False), (5,))
        f.layer("linear_sequence", nn.Linear(5, 6), (4, 5))
        f.layer("linear_wide", nn.Linear(19, 17), (19,))


def conv():
    image = (2, 5, 7)
    with Family("conv") as f:
        f.layer("conv2d_k3", nn.Conv2d(2, 3, 3), image)
        f.layer("conv2d_k3_stride2", nn.Conv2d(2, 3, 3, stride=2), image)
        f.layer("conv2d_k3_padding1", nn.Conv2d(2, 3, 3, padding=1), image)
        f.layer("conv2d_k3_stride2_padding1", nn.Conv2d(2, 3, 3, stride=2, padding=1), image)
        f.layer("conv2d_k3x2_stride2x1_padding1x0",
                nn.Conv2d(2, 3, (3, 2), stride=(2, 1), padding=(1, 0)), image)
        f.layer("conv2d_k3_groups2", nn.Conv2d(4, 6, 3, groups=2), (4, 5, 4))
        f.layer("conv2d_k3_padding1_depthwise",
                nn.Conv2d(3, 3, 3, padding=1, groups=3), (3, 5, 4))
        f.layer("conv2d_k3_depthwise_multiplier2", nn.Conv2d(3, 6, 3, groups=3), (3, 5, 4))
        f.layer("conv2d_k3_dilation2", nn.Conv2d(2, 3, 3, dilation=2), image)
        f.layer("conv2d_k3_padding2_dilation2",
                nn.Conv2d(1, 2, 3, padding=2, dilation=2), (1, 5, 7))
        f.layer("conv2d_k3_no_bias", nn.Conv2d(2, 3, 3, bias=False), image)
        f.layer("conv2d_k1", nn.Conv2d(3, 4, 1), (3, 3, 5))
        f.layer("conv2d_k2_stride2", nn.Conv2d(2, 3, 2, stride=2), image)
        f.layer("conv2d_k3_same", nn.Conv2d(2, 3, 3, padding="same"), image)
        f.layer("conv2d_k2x4_same_dilation3x1",
                nn.Conv2d(2, 3, (2, 4), padding="same", dilation=(3, 1)), image)


class CausalConv1d(nn.Conv1d):
    def forward(self, x):
        front = self.dilation[0] * (self.kernel_size[0] - 1)
        return super().forward(nn.functional.pad(x, (front, 0)))


def conv1d():
    sequence = (2, 9)
    with Family("conv1d") as f:
        f.layer("conv1d_k3", nn.Conv1d(2, 3, 3), sequence)
        f.layer("conv1d_k3_stride2_padding1", nn.Conv1d(2, 3, 3, stride=2, padding=1), sequence)
        f.layer("conv1d_k3_padding2_dilation2",
                nn.Conv1d(2, 3, 3, padding=2, dilation=2), sequence)
        f.layer("conv1d_k3_groups2", nn.Conv1d(4, 6, 3, groups=2), (4, 6))
        f.layer("conv1d_k3_no_bias", nn.Conv1d(2, 3, 3, bias=False), sequence)
        f.layer("conv1d_k9", nn.Conv1d(2, 3, 9), sequence)
        f.layer("conv1d_k3_same", nn.Conv1d(2, 3, 3, padding="same"), sequence)
        f.layer("conv1d_k4_same", nn.Conv1d(2, 3, 4, padding="same"), sequence)
        f.layer("conv1d_k2_same_dilation3",
                nn.Conv1d(2, 3, 2, padding="same", dilation=3), sequence)
        f.layer("conv1d_k5_same_of_2", nn.Conv1d(2, 3, 5, padding="same"), (2, 2))
        f.layer("conv1d_k3_causal", CausalConv1d(2, 3, 3), sequence)
        f.layer("conv1d_k3_causal_dilation2_groups2",
                CausalConv1d(2, 4, 3, dilation=2, groups=2), sequence)
        f.layer("conv1d_k4_causal_stride2", CausalConv1d(2, 3, 4, stride=2), sequence)
        f.layer("conv1d_k4_causal_of_2", CausalConv1d(2, 3, 4), (2, 2))


def conv_transpose():
    image, sequence = (4, 3, 4), (4, 5)
    with Family("conv_transpose") as f:
        def case_1d(name, *args, **options):
            f.layer(f"conv_transpose1d_{name}", nn.ConvTranspose1d(4, *args, **options), sequence)

        def case_2d(name, *args, **options):
            f.layer(f"conv_transpose2d_{name}", nn.ConvTranspose2d(4, *args, **options), image)

        case_1d("k3", 2, 3)
        case_1d("k4_stride2_padding1", 2, 4, stride=2, padding=1)
        case_1d("k3_stride3_output_padding2", 2, 3, stride=3, output_padding=2)
        case_1d("k3_dilation2_output_padding1", 2, 3, dilation=2, output_padding=1)
        case_1d("k3_groups2_no_bias", 6, 3, groups=2, bias=False)
        case_2d("k3", 2, 3)
        case_2d("k2_stride2", 3, 2, stride=2)
        case_2d("k3_stride2_padding1_output_padding1", 2, 3, stride=2, padding=1, output_padding=1)
        case_2d("k3x2_stride2x3_padding1x0_output_padding0x2",
                2, (3, 2), stride=(2, 3), padding=(1, 0), output_padding=(0, 2))
        case_2d("k3_dilation2", 2, 3, dilation=2)
        case_2d("k2_stride2_dilation3_output_padding2", 2, 2, stride=2, dilation=3,
                output_padding=2)
        case_2d("k3_groups2", 6, 3, groups=2)
        case_2d("k2_stride2_depthwise", 4, 2, stride=2, groups=4)
        case_2d("k1_padding1", 2, 1, padding=1)
        case_2d("k3_no_bias", 2, 3, bias=False)


def pool():
    even, odd = (2, 4, 6), (2, 5, 7)
    with Family("pool") as f:
        f.layer("max_pool2d_k2", nn.MaxPool2d(2), even)
        f.layer("max_pool2d_k2_odd", nn.MaxPool2d(2), odd)
        f.layer("max_pool2d_k3_stride2_padding1", nn.MaxPool2d(3, 2, 1), odd)
        f.layer("max_pool2d_k3_stride1", nn.MaxPool2d(3, 1), odd)
        f.layer("max_pool2d_k2x3_stride1x2_padding0x1",
                nn.MaxPool2d((2, 3), (1, 2), (0, 1)), odd)
        f.layer("avg_pool2d_k2", nn.AvgPool2d(2), even)
        f.layer("avg_pool2d_k2_odd", nn.AvgPool2d(2), odd)
        f.layer("avg_pool2d_k3_stride2_padding1", nn.AvgPool2d(3, 2, 1), odd)
        f.layer("flatten", nn.Flatten(), (2, 3, 2))
        f.layer("avg_pool2d_k3_stride2_padding1_inside",
                nn.AvgPool2d(3, 2, 1, count_include_pad=False), odd)
        f.layer("avg_pool2d_k4x3_stride1x2_padding2x0_inside",
                nn.AvgPool2d((4, 3), (1, 2), (2, 0), count_include_pad=False), odd)
        f.layer("max_pool1d_k2", nn.MaxPool1d(2), (2, 7))
        f.layer("max_pool1d_k3_stride2_padding1", nn.MaxPool1d(3, 2, 1), (2, 7))
        f.layer("avg_pool1d_k2", nn.AvgPool1d(2), (2, 7))
        f.layer("avg_pool1d_k3_stride2_padding1", nn.AvgPool1d(3, 2, 1), (2, 8))
        f.layer("avg_pool1d_k3_stride2_padding1_inside",
                nn.AvgPool1d(3, 2, 1, count_include_pad=False), (2, 8))


def adaptive_pool():
    with Family("adaptive_pool") as f:
        f.layer("global_avg_pool_3x4x5", Function(lambda x: x.mean((2, 3))), (3, 4, 5))
        f.layer("global_avg_pool_3x7", Function(lambda x: x.mean(2)), (3, 7))
        for n, out in ((9, 3), (7, 4), (3, 5)):
            f.layer(f"adaptive_avg_pool1d_{n}_to_{out}", nn.AdaptiveAvgPool1d(out), (2, n))
        for (h, w), out in (((4, 6), (2, 3)), ((5, 7), (1, 1)), ((5, 7), (3, 2)),
                            ((6, 5), (4, 5)), ((2, 5), (3, 5))):
            f.layer(f"adaptive_avg_pool2d_{h}x{w}_to_{out[0]}x{out[1]}",
                    nn.AdaptiveAvgPool2d(out), (2, h, w))


def resize():
    image = (2, 3, 4)
    with Family("resize") as f:
        for name, scale in {"2": 2, "3": 3, "1x2": (1, 2), "2x3": (2, 3)}.items():
            f.layer(f"nearest_{name}", nn.Upsample(scale_factor=scale), image)
            for corners, suffix in ((False, ""), (True, "_aligned")):
                upsample = nn.Upsample(scale_factor=scale, mode="bilinear", align_corners=corners)
                f.layer(f"bilinear_{name}{suffix}", upsample, image)
        f.layer("bilinear_3x2_aligned_of_1x1",
                nn.Upsample(scale_factor=(3, 2), mode="bilinear", align_corners=True), (2, 1, 1))


def pad():
    sequence, image = (2, 4), (2, 4, 3)
    with Family("pad") as f:
        f.layer("zero_pad2d_1", nn.ZeroPad2d(1), image)
        f.layer("zero_pad2d_1_2_0_3", nn.ZeroPad2d((1, 2, 0, 3)), image)
        f.layer("constant_pad1d_2_1", nn.ConstantPad1d((2, 1), 0.5), sequence)
        f.layer("constant_pad2d_1", nn.ConstantPad2d(1, 3.25), image)
        f.layer("constant_pad2d_1_0_2_1", nn.ConstantPad2d((1, 0, 2, 1), -1.5), image)
        f.layer("reflection_pad1d_2_3", nn.ReflectionPad1d((2, 3)), sequence)
        f.layer("reflection_pad1d_0_1", nn.ReflectionPad1d((0, 1)), sequence)
        f.layer("reflection_pad2d_1", nn.ReflectionPad2d(1), image)
        f.layer("reflection_pad2d_2_1_0_3", nn.ReflectionPad2d((2, 1, 0, 3)), image)
        f.layer("replication_pad1d_3_1", nn.ReplicationPad1d((3, 1)), sequence)
        f.layer("replication_pad2d_2_0_1_4", nn.ReplicationPad2d((2, 0, 1, 4)), image)


def activations():
    wide = torch.tensor([[-100.0, -30.0, -20.5, -9.0, 0.25], [100.0, 30.0, 20.5, 9.0, -0.25],
                         [-100.0, 100.0, 0.0, 20.0, 1.0]], dtype=torch.float64)
    with Family("activations") as f:
        for name, layer in {
            "relu": nn.ReLU(), "leaky_relu": nn.LeakyReLU(), "leaky_relu_0.2": nn.LeakyReLU(0.2),
            "sigmoid": nn.Sigmoid(), "tanh": nn.Tanh(),
            "gelu": nn.GELU(), "gelu_tanh": nn.GELU(approximate="tanh"), "silu": nn.SiLU(),
            "elu": nn.ELU(), "elu_0.5": nn.ELU(0.5),
            "softplus": nn.Softplus(), "softplus_beta2": nn.Softplus(beta=2),
            "softmax": nn.Softmax(-1), "log_softmax": nn.LogSoftmax(-1),
            "mish": nn.Mish(), "selu": nn.SELU(), "celu": nn.CELU(), "celu_0.5": nn.CELU(0.5),
            "log_sigmoid": nn.LogSigmoid(), "softsign": nn.Softsign(),
            "tanhshrink": nn.Tanhshrink(), "softmin": nn.Softmin(-1),
        }.items():
            f.layer(name, layer, (7,), low=-4.0, high=4.0)
            if name not in ("relu", "leaky_relu", "leaky_relu_0.2"):
                f.layer(f"{name}_extreme", layer, (5,), x=wide.clone())
        f.layer("softmax_4x5", nn.Softmax(-1), (4, 5))
        f.layer("softmax_axis0_4x5", nn.Softmax(1), (4, 5))
        f.layer("log_softmax_4x5", nn.LogSoftmax(-1), (4, 5))
        f.layer("softmin_axis0_4x5", nn.Softmin(1), (4, 5))
        f.layer("glu", nn.GLU(), (8,), low=-4.0, high=4.0)
        f.layer("glu_extreme", nn.GLU(), (4,),
                x=torch.tensor([[2.0, -100.0, 100.0, 100.0], [3.0, 100.0, -100.0, -100.0],
                                [0.0, 1.0, 0.0, -30.0]], dtype=torch.float64))
        f.layer("glu_axis0_4x3", nn.GLU(1), (4, 3))
        f.layer("glu_axis1_2x4x3", nn.GLU(2), (2, 4, 3))


def piecewise():
    """Each layer as it comes, and where its pieces meet and far out (_edges)."""
    edges = torch.tensor([[-3.0, -1.0, -0.5, 0.0], [0.5, 1.0, 3.0, 6.0],
                          [-100.0, 100.0, 0.25, -2.5]], dtype=torch.float64)

    def hardswish(x):  # nn.Hardswish has other gradients at -3 and 3 before PyTorch 2.7
        return x * nn.functional.relu6(x + 3) / 6

    def heaviside(x):  # torch.heaviside has no gradient at all, this a zero
        return torch.heaviside(x.detach(), torch.zeros_like(x)) + 0 * x

    with Family("piecewise") as f:
        for name, layer in {
            "relu6": nn.ReLU6(),
            "hardtanh": nn.Hardtanh(), "hardtanh_-2.5_0.5": nn.Hardtanh(-2.5, 0.5),
            "hardsigmoid": nn.Hardsigmoid(), "hardswish": Function(hardswish),
            "hardshrink": nn.Hardshrink(), "hardshrink_1": nn.Hardshrink(1.0),
            "softshrink": nn.Softshrink(), "softshrink_1": nn.Softshrink(1.0),
            "threshold_0.5_-2": nn.Threshold(0.5, -2.0), "heaviside": Function(heaviside),
        }.items():
            f.layer(name, layer, (7,), low=-8.0, high=8.0)
            f.layer(f"{name}_edges", layer, (4,), x=edges.clone())
        f.layer("prelu", nn.PReLU(), (7,), low=-8.0, high=8.0)
        f.layer("prelu_edges", nn.PReLU(), (4,), x=edges.clone())  # afresh: gradients add up
        f.layer("prelu_4_of_4", nn.PReLU(4), (4,))
        f.layer("prelu_4_of_4x5", nn.PReLU(4), (4, 5))
        f.layer("prelu_2_of_2x3x2", nn.PReLU(2), (2, 3, 2))


def norm():
    with Family("norm") as f:
        f.layer("layer_norm_6", nn.LayerNorm(6), (6,))
        f.layer("layer_norm_6_of_4x6", nn.LayerNorm(6), (4, 6))
        f.layer("layer_norm_4x6", nn.LayerNorm((4, 6)), (4, 6))
        f.layer("layer_norm_6_eps0.1", nn.LayerNorm(6, eps=0.1), (6,))
        f.layer("layer_norm_6_no_affine", nn.LayerNorm(6, elementwise_affine=False), (6,))
        for name, layer, sample in [
            ("group_norm_2_of_6", nn.GroupNorm(2, 6), (6,)),
            ("group_norm_2_of_4x5", nn.GroupNorm(2, 4), (4, 5)),
            ("group_norm_3_of_6x2x3", nn.GroupNorm(3, 6), (6, 2, 3)),
            ("group_norm_1_of_3x2x2", nn.GroupNorm(1, 3), (3, 2, 2)),
            ("group_norm_3_of_3x2x3", nn.GroupNorm(3, 3), (3, 2, 3)),
            ("group_norm_2_of_4x5_eps0.1", nn.GroupNorm(2, 4, eps=0.1), (4, 5)),
            ("group_norm_2_of_4x5_no_affine", nn.GroupNorm(2, 4, affine=False), (4, 5)),
            ("instance_norm1d", nn.InstanceNorm1d(3), (3, 7)),
            ("instance_norm1d_affine", nn.InstanceNorm1d(3, affine=True), (3, 7)),
            ("instance_norm2d", nn.InstanceNorm2d(2), (2, 3, 4)),
            ("instance_norm2d_affine_eps0.1",
             nn.InstanceNorm2d(2, eps=0.1, affine=True), (2, 3, 4)),
            ("rms_norm_6", RMSNorm((6,)), (6,)),
            ("rms_norm_6_of_4x6", RMSNorm((6,)), (4, 6)),
            ("rms_norm_4x6", RMSNorm((4, 6)), (4, 6)),
            ("rms_norm_6_eps0.1", RMSNorm((6,), eps=0.1), (6,)),
            ("rms_norm_6_no_affine", RMSNorm((6,), elementwise_affine=False), (6,)),
        ]:
            f.layer(name, layer, sample)
        # So small that epsilon decides; so far out that mean(x^2) - mean(x)^2 would be noise.
        steps = torch.arange(24, dtype=torch.float64) * 7 % 24 - 11.5
        f.layer("rms_norm_8_small", RMSNorm((8,)), (8,), x=steps.reshape(3, 8) / 2 ** 14)
        f.layer("layer_norm_8_small", nn.LayerNorm(8), (8,), x=steps.reshape(3, 8) / 2 ** 11)
        f.layer("group_norm_2_of_4x2_far", nn.GroupNorm(2, 4), (4, 2),
                x=steps.reshape(3, 4, 2) + 10000)


def batch_norm():
    """Buffers stand among the parameters; d<key> is what they are after the step. y is that of
    training, y_inference that of the old running statistics."""
    with Family("batch_norm") as f:
        def case(name, layers, sample):
            rng = random.Random(name)
            x = draw(rng, (BATCH, *sample)).requires_grad_()
            net = nn.Sequential(*layers).double()
            buffers = {k: b for k, b in net.named_buffers() if b.dtype == torch.float64}
            with torch.no_grad():
                for p in net.parameters():
                    p.copy_(draw(rng, p.shape, -1.0, 1.0))
                for b in buffers.values():
                    b.copy_(draw(rng, b.shape, 0.2, 2.0))
            old = {key: b.clone() for key, b in buffers.items()}
            y_inference = net.eval()(x)
            y = net.train()(x)
            r = cotangent(rng, y.shape)
            (y * r).sum().backward()
            weights = dict(net.named_parameters())
            f.write(name, {"x": x, **weights, **old, "y": y, "y_inference": y_inference, "r": r,
                           "dx": x.grad, **{f"d{key}": p.grad for key, p in weights.items()},
                           **{f"d{key}": b for key, b in buffers.items()}})

        case("batch_norm1d", [nn.BatchNorm1d(5)], (5,))
        case("batch_norm1d_sequence", [nn.BatchNorm1d(4)], (4, 3))
        case("batch_norm2d", [nn.BatchNorm2d(3)], (3, 2, 5))
        case("batch_norm2d_eps0.1_momentum0.3", [nn.BatchNorm2d(3, eps=0.1, momentum=0.3)],
             (3, 2, 2))
        case("batch_norm2d_no_affine", [nn.BatchNorm2d(3, affine=False)], (3, 2, 2))
        case("conv_batch_norm_relu",
             [nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU()], (2, 3, 4))
        case("linear_batch_norm_tanh_linear",
             [nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Tanh(), nn.Linear(6, 3)], (4,))


class Branches(nn.Module):
    """f of the results of modules side by side, which are named by position."""

    def __init__(self, f, *branches):
        super().__init__()
        self.f = f
        for i, branch in enumerate(branches):
            self.add_module(str(i), branch)

    def forward(self, x):
        return self.f(*(branch(x) for branch in self.children()))


def branches():
    with Family("branches") as f:
        f.layer("inception",
                Branches(lambda *y: torch.cat(y, 1), nn.Conv2d(2, 3, 1),
                         nn.Sequential(nn.Conv2d(2, 2, 1), nn.ReLU(),
                                       nn.Conv2d(2, 4, 3, padding=1)), nn.Identity()), (2, 3, 4))
        f.layer("concat_last_axis",
                Branches(lambda *y: torch.cat(y, -1), nn.Linear(4, 3), nn.Tanh()), (2, 4))
        f.layer("sum", Branches(lambda a, b, c: a + b + c, nn.Linear(4, 4), nn.Tanh(),
                                nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 4))), (4,))
        f.layer("gate", Branches(lambda a, b: a * b, nn.Linear(4, 5),
                                 nn.Sequential(nn.Linear(4, 5), nn.Sigmoid())), (4,))


def embedding():
    """x holds indices: there is no gradient for them, dx is zero."""
    with Family("embedding") as f:
        def case(name, indices, *layers):
            rng = random.Random(name)
            net = nn.Sequential(*layers).double()
            with torch.no_grad():
                for p in net.parameters():
                    p.copy_(draw(rng, p.shape, -1.0, 1.0))
            x = torch.tensor(indices)
            y = net(x)
            r = cotangent(rng, y.shape)
            (y * r).sum().backward()
            weights = dict(net.named_parameters())
            f.write(name, {"x": x, **weights, "y": y, "r": r, "dx": torch.zeros(x.shape),
                           **{f"d{key}": p.grad for key, p in weights.items()}})

        case("embedding", [[4, 0, 2], [2, 2, 2], [1, 3, 4]], nn.Embedding(5, 4))
        case("embedding_of_one_wide", [[6], [0], [6]], nn.Embedding(7, 19))
        case("embedding_linear", [[4, 0], [2, 1], [3, 3]], nn.Embedding(5, 3), nn.Linear(3, 2))


def backwards(pieces, axis):
    """The last piece first, each with a factor of its own, squared."""
    return torch.cat([(i + 1) * p * p for i, p in reversed(list(enumerate(pieces)))], axis)


def functions():
    positive = {"low": 0.2, "high": 3.0}
    both_positive = {**positive, "params": (0.2, 3.0)}
    with Family("functions") as f:
        def case(name, function, sample, w=None, **options):
            f.layer(name, Function(function, w), sample, **options)

        case("matmul_x_w", lambda x, w: x @ w, (4, 6), (6, 5))
        case("matmul_w_x", lambda x, w: w @ x, (4, 6), (5, 4))
        case("matmul_w_vector", lambda x, w: x @ w.T, (6,), (5, 6))
        case("matmul_x_transposed_x", lambda x: x @ x.transpose(-1, -2), (3, 5))
        case("add_4x1_1x5", lambda x, w: x + w, (4, 1), (1, 5))
        case("sub_4x5_5", lambda x, w: x - w, (4, 5), (5,))
        case("mul_4x1_1x5", lambda x, w: x * w, (4, 1), (1, 5))
        case("div_4x5_4x1", lambda x, w: x / w, (4, 5), (4, 1), params=(0.2, 3.0))
        case("negate", lambda x: -x, (5,))
        case("pow_3", lambda x: x ** 3, (5,))
        case("pow_2.5", lambda x: x ** 2.5, (5,), **positive)
        case("pow_-1.5", lambda x: x ** -1.5, (5,), **positive)
        case("pow_x_w", lambda x, w: x ** w, (5,), (5,), **both_positive)
        case("min_x_w", torch.minimum, (3, 5), (3, 5))
        case("max_x_w", torch.maximum, (3, 5), (3, 5))
        for name in ("erf", "abs", "exp", "tanh", "sigmoid"):
            case(name, getattr(torch, name), (7,))
        for name in ("sin", "cos"):
            case(name, getattr(torch, name), (7,), low=-20.0, high=20.0)
        for name in ("sqrt", "rsqrt", "log"):
            case(name, getattr(torch, name), (7,), **positive)
        for axis in range(3):
            case(f"sum_axis{axis}", lambda x: x.sum(axis + 1), (2, 3, 4))
            case(f"mean_axis{axis}", lambda x: x.mean(axis + 1), (2, 3, 4))
            case(f"max_axis{axis}", lambda x: x.amax(axis + 1), (2, 3, 4))
        case("where_x_greater_w", lambda x, w: torch.where(x > w, x * x, 3 * w), (3, 5), (3, 5))
        case("where_x_greater_0", lambda x: torch.where(x > 0, x, 0.5 * x), (3, 5))
        case("concat_axis0", lambda x, w: torch.cat([x, w.expand(BATCH, 3, 5)], 1),
             (2, 5), (3, 5))
        case("concat_axis1", lambda x, w: torch.cat([x, w.expand(BATCH, 2, 4)], 2),
             (2, 5), (2, 4))
        case("slice_axis0_1to3", lambda x: x[:, 1:3], (4, 6))
        case("slice_axis1_1to5", lambda x: x[:, :, 1:5], (4, 6))
        case("split_1_3_2", lambda x: backwards(x.split([1, 3, 2], 2), 2), (3, 6))
        case("split_2_of_5", lambda x: backwards(x.split(2, 1), 1), (5, 3))
        case("chunk_4_of_8", lambda x: backwards(x.chunk(4, 1), 1), (8,))
        case("chunk_4_of_7", lambda x: backwards(x.chunk(4, 1), 1), (7, 2))
        case("chunk_4_of_5", lambda x: backwards(x.chunk(4, 2), 2), (2, 5))
        case("select_axis0_last", lambda x: x.select(1, -1), (4, 6))
        case("select_axis1_2", lambda x: x.select(2, 2), (2, 3, 4))
        case("transpose_4x6", lambda x: x.transpose(1, 2), (4, 6))
        case("transpose_2x3x4", lambda x: x.transpose(2, 3), (2, 3, 4))
        case("detach_x", lambda x, w: x.detach() * w + 0 * x, (3, 4), (4,))
        case("detach_w", lambda x, w: x * w.detach() + 0 * w, (3, 4), (4,))
        case("detach_factor", lambda x, w: x * torch.sigmoid(x + w).detach() * w, (3, 4), (4,))
        cut = Function(lambda x: x.detach() + 0 * x)
        f.network("detach_between", nn.Sequential(nn.Linear(4, 3), cut, nn.Linear(3, 2)), (4,))
        case("reshape_4x6_to_3x8", lambda x: x.reshape(BATCH, 3, 8), (4, 6))


def kinks():
    """Where the derivative jumps or two maxima tie: PyTorch's choice, also that for exact 0."""
    steps = torch.tensor([[-1.0, 0.0, 1.0, 1.0], [0.0, 0.0, -1.0, 0.5], [2.0, 2.0, 2.0, -2.0]],
                         dtype=torch.float64)
    with Family("kinks") as f:
        for name, layer in {
            "relu": nn.ReLU(), "leaky_relu": nn.LeakyReLU(), "elu": nn.ELU(),
            "abs": Function(torch.abs), "max_axis0": Function(lambda x: x.amax(1)),
            "max_x_0": Function(lambda x: torch.maximum(x, torch.zeros_like(x))),
            "min_x_0": Function(lambda x: torch.minimum(x, torch.zeros_like(x))),
        }.items():
            f.layer(f"{name}_tie", layer, (4,), x=steps.clone())
        f.layer("max_pool2d_k2_tie", nn.MaxPool2d(2), (1, 2, 2),
                x=steps.clone().reshape(BATCH, 1, 2, 2))


def networks():
    def block():
        return Residual(nn.Linear(6, 6), nn.Tanh(), nn.Linear(6, 6))

    with Family("networks") as f:
        f.layer("residual_mlp", block(), (6,))
        f.network("residual_inside",
                  nn.Sequential(nn.Linear(5, 6), block(), nn.ReLU(), nn.Linear(6, 3)), (5,))
        f.network("small_cnn",
                  nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
                                nn.Flatten(), nn.Linear(24, 5)), (1, 4, 6))
        f.network("mlp_gelu_layer_norm",
                  nn.Sequential(nn.Linear(5, 8), nn.GELU(), nn.LayerNorm(8), nn.Linear(8, 3)),
                  (5,))


def causal_mask(length):
    """True where a position must not look."""
    return torch.ones(length, length, dtype=torch.bool).triu(1)


class Attention(nn.MultiheadAttention):
    """Of x to itself, or of its first `at` positions to the others; if `padded`, a last row starts
    with the number of keys that count. None at all gathers 0, where PyTorch has NaN."""

    def __init__(self, *args, at=None, causal=False, padded=False, **options):
        super().__init__(*args, batch_first=True, **options)
        self.at, self.causal, self.padded = at, causal, padded

    def forward(self, x):
        x, length = (x[:, :-1], x[:, -1, 0].detach()) if self.padded else (x, None)
        q, m = (x, x) if self.at is None else (x[:, :self.at], x[:, self.at:])
        mask = causal_mask(x.shape[1]) if self.causal else None
        if length is None:
            return super().forward(q, m, m, attn_mask=mask, need_weights=False)[0]
        y = super().forward(q, m, m, padding(length.clamp(min=1), m), attn_mask=mask,
                            need_weights=False)[0]
        return torch.where((length == 0).reshape(-1, 1, 1), self.out_proj.bias, y)


def padding(length, m):
    """True where a position of m is behind the first `length`."""
    return torch.arange(m.shape[1]) >= length.unsqueeze(-1)


def with_lengths(name, length, size, lengths):
    """An x whose last row starts with a number of positions."""
    x = draw(random.Random(f"{name}, padded"), (BATCH, length + 1, size))
    x[:, -1, 0] = torch.tensor(lengths, dtype=torch.float64)
    return x


class Encoder(nn.TransformerEncoderLayer):
    def __init__(self, *args, causal=True, padded=False, **options):
        super().__init__(*args, **options)
        self.causal, self.padded = causal, padded

    def forward(self, x):
        if self.padded:
            x, length = x[:, :-1], x[:, -1, 0].detach()
        return super().forward(x, causal_mask(x.shape[1]) if self.causal else None,
                               padding(length, x) if self.padded else None)


class Decoder(nn.TransformerDecoderLayer):
    """The first four positions of x are the target, the others the memory; `padded` as above."""

    def __init__(self, *args, causal, padded=False, **options):
        super().__init__(*args, **options)
        self.causal, self.padded = causal, padded

    def forward(self, x):
        x, memory = x[:, :4], x[:, 4:]
        mask = None
        if self.padded:
            memory, length = memory[:, :-1], memory[:, -1, 0].detach()
            mask = padding(length, memory)
        return super().forward(x, memory, causal_mask(4) if self.causal else None,
                               memory_key_padding_mask=mask)


def attention():
    soft = {"params": (-0.5, 0.5)}
    with Family("attention") as f:
        f.layer("self_attention", Attention(6, 2), (5, 6), **soft)
        f.layer("self_attention_no_bias", Attention(6, 1, bias=False), (5, 6), **soft)
        f.layer("self_attention_causal", Attention(6, 3, causal=True), (5, 6), **soft)
        f.layer("attention_to_memory", Attention(6, 2, at=4), (7, 6), **soft)
        f.layer("attention_to_memory_no_bias", Attention(6, 2, at=2, bias=False), (7, 6), **soft)

        def padded(name, length, lengths, **options):
            x = with_lengths(name, length, 6, lengths)
            f.layer(name, Attention(6, 2, padded=True, **options), None, x=x, **soft)

        padded("self_attention_padded", 5, [3, 1, 5])
        padded("self_attention_padded_to_none", 5, [0, 2, 0])
        padded("self_attention_padded_causal", 5, [3, 0, 5], causal=True)
        padded("attention_to_memory_padded", 7, [2, 0, 3], at=4)


def transformer():
    options = {"dropout": 0, "batch_first": True}
    soft = {"params": (-0.5, 0.5)}
    with Family("transformer") as f:
        f.layer("encoder", nn.TransformerEncoderLayer(6, 2, 8, **options), (4, 6), **soft)
        f.layer("encoder_norm_first",
                Encoder(6, 3, 8, activation="gelu", norm_first=True, layer_norm_eps=0.1,
                        **options), (4, 6), **soft)
        f.layer("decoder", Decoder(6, 2, 8, causal=True, **options), (7, 6), **soft)
        f.layer("decoder_norm_first", Decoder(6, 2, 8, causal=False, norm_first=True, **options),
                (7, 6), **soft)
        f.layer("encoder_padded", Encoder(6, 2, 8, causal=False, padded=True, **options), None,
                x=with_lengths("encoder_padded", 4, 6, [3, 1, 4]), **soft)
        f.layer("decoder_padded", Decoder(6, 2, 8, causal=True, padded=True, **options), None,
                x=with_lengths("decoder_padded", 7, 6, [2, 1, 3]), **soft)


class Several(nn.Module):
    """f(modules, parts of x): the numbers of one row as several inputs, what f returns as one row."""

    def __init__(self, shapes, modules, f):
        super().__init__()
        self.shapes, self.f = shapes, f
        for path, module in modules.items():  # "2.1.weight" is of modules in modules
            *outer, last = path.split(".")
            parent = self
            for name in outer:
                if name not in dict(parent.named_children()):
                    parent.add_module(name, nn.Module())
                parent = parent.get_submodule(name)
            parent.add_module(last, module)

    def forward(self, x):
        parts = x.split([math.prod(shape) for shape in self.shapes], -1)
        parts = [part.reshape(len(x), *shape) for part, shape in zip(parts, self.shapes)]
        y = self.f(self.get_submodule, *parts)
        return torch.cat([part.flatten(1) for part in y], -1) if isinstance(y, tuple) else y


def several():
    """Several inputs are one row of numbers; so are several outputs, taps behind them."""
    tanh, linear = torch.tanh, nn.Linear
    with Family("several") as f:
        def case(name, shapes, modules, formula, **options):
            row = (sum(math.prod(shape) for shape in shapes),)
            f.network(name, Several(shapes, modules, formula), row, **options)

        case("siamese", [(4,), (4,)], {"leg": linear(4, 3), "3": linear(6, 1)},
             lambda at, a, b: at("3")(tanh(torch.cat([at("leg")(a), at("leg")(b)], -1))))
        case("shared_in_a_row", [(4,)], {"leg": linear(4, 4)},
             lambda at, x: at("leg")(tanh(at("leg")(x))))
        case("two_inputs_two_outputs", [(5,), (2, 4)],
             {"0.0": linear(5, 3), "0.1": linear(4, 3), "2.1": linear(3, 2)},
             lambda at, a, b: (at("0.1")(b) * at("0.0")(a).unsqueeze(1),
                               at("2.1")(tanh(at("0.0")(a)))))
        case("split_on_first_add", [(3,), (4,)], {"1": linear(3, 4), "3": linear(4, 2)},
             lambda at, a, b: at("3")(at("1")(a) + b))

        def scaled(at, x, c):
            for k in "0", "1":
                x = x * tanh(at(k + ".scale")(c)) + at(k + ".shift")(c)
            return x
        case("on_all", [(4,), (3,)], {f"{k}.{part}": linear(3, 4)
                                    for k in (0, 1) for part in ("scale", "shift")}, scaled)

        def tapped(at, x):
            inside = at("0.0")(x)
            z = x + tanh(inside)
            return at("2")(z * z), inside, z * z
        case("taps", [(4,)], {"0.0": linear(4, 4), "2": linear(4, 2)}, tapped)

        decoder = [nn.TransformerDecoderLayer(4, 2, 6, dropout=0, batch_first=True)
                   for _ in range(2)]
        case("decoders", [(3, 4), (2, 4)], {"0": decoder[0], "1": decoder[1]},
             lambda at, x, memory: at("1")(at("0")(x, memory), memory), params=(-0.5, 0.5))


class Bilinear(nn.Bilinear):
    """Of the first in1_features numbers of x and the others."""

    def forward(self, x):
        return super().forward(*x.split([self.in1_features, self.in2_features], -1))


class RBF(nn.Module):
    def __init__(self, n, size):
        super().__init__()
        self.centers = nn.Parameter(torch.zeros(n, size))
        self.log_widths = nn.Parameter(torch.zeros(n))

    def forward(self, x):
        distance = torch.linalg.vector_norm(x.unsqueeze(-2) - self.centers, dim=-1)
        return torch.exp(-(distance / torch.exp(self.log_widths)) ** 2 / 2)


class MixtureOfExperts(nn.Module):
    """Of which only the `top` best-rated count, as in Mixtral."""

    def __init__(self, size, *experts, top=None):
        super().__init__()
        self.gate = nn.Linear(size, len(experts))
        self.experts = nn.ModuleList(experts)
        self.top = len(experts) if top is None else top

    def forward(self, x):
        ratings = self.gate(x)
        gaps = ratings.sort(-1)[0].diff(dim=-1)
        assert self.top == len(self.experts) or gaps.min() > 0.02, "ratings near to a tie"
        best, which = ratings.topk(self.top, -1)
        shares = torch.zeros_like(ratings).scatter(-1, which, best.softmax(-1)).unsqueeze(-2)
        return (shares * torch.stack([expert(x) for expert in self.experts], -1)).sum(-1)


def gram(x):
    maps = x.flatten(2)
    return torch.einsum("bin,bjn->bij", maps, maps) / x[0].numel()


def mixture():
    with Family("mixture") as f:
        f.layer("bilinear", Bilinear(4, 3, 5), (7,))
        f.layer("bilinear_sequence_no_bias", Bilinear(4, 3, 5, bias=False), (2, 7))
        f.layer("rbf", RBF(5, 3), (3,))
        f.layer("rbf_sequence", RBF(5, 3), (2, 3))
        f.layer("mixture_of_experts",
                MixtureOfExperts(4, nn.Linear(4, 3),
                                 nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 3))), (4,))
        f.layer("mixture_of_experts_sequence",
                MixtureOfExperts(4, *(nn.Linear(4, 3) for _ in range(3))), (2, 4))
        for k, n, suffix, sample in [(1, 3, "", (4,)), (2, 4, "", (4,)),
                                     (2, 4, "_sequence", (3, 4)), (3, 3, "_sequence", (2, 4))]:
            experts = [nn.Linear(4, 3) for _ in range(n)]
            f.layer(f"top_{k}_of_{n}{suffix}", MixtureOfExperts(4, *experts, top=k), sample)
        f.layer("gram", Function(gram), (3, 2, 4))
        f.layer("reshape_permute", Function(lambda x: x.reshape(BATCH, 2, 6, 2)
                                            .permute(0, 2, 1, 3)), (4, 6))
        f.network("permute_reshape_linear",
                  nn.Sequential(Function(lambda x: x.permute(0, 2, 3, 1)),
                                Function(lambda x: x.reshape(BATCH, 4, 6)), nn.Linear(6, 2)),
                  (2, 4, 3))
        f.layer("last_step", Function(lambda x: x[:, -1]), (4, 3))
        f.network("first_column_linear",
                  nn.Sequential(Function(lambda x: x[:, :, 0]), nn.Linear(4, 2)), (4, 3))


class PositionalEncoding(nn.Module):
    def __init__(self, *shape):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(shape))

    def forward(self, x):
        return x + self.weight


def turns(x, base):
    """e^(i t base^(-2 k / E)), one complex number for each pair of x."""
    length, size = x.shape[-2:]
    rates = base ** -(torch.arange(0, size, 2, dtype=torch.float64) / size)
    angles = torch.outer(torch.arange(length, dtype=torch.float64), rates)
    return torch.polar(torch.ones_like(angles), angles)


def sinusoidal(base):
    def add(x):
        z = turns(x, base)
        return x + torch.stack([z.imag, z.real], -1).flatten(-2)
    return Function(add)


def rotary(base):
    def turn(x):
        pairs = torch.view_as_complex(x.unflatten(-1, (-1, 2)).contiguous())
        return torch.view_as_real(pairs * turns(x, base)).flatten(-2)
    return Function(turn)


def position():
    with Family("position") as f:
        f.layer("learned", PositionalEncoding(5, 6), (5, 6))
        f.layer("sinusoidal", sinusoidal(10000), (9, 6))
        f.layer("sinusoidal_base100", sinusoidal(100), (3, 4))
        f.layer("rotary", rotary(10000), (9, 6))
        f.layer("rotary_base100", rotary(100), (3, 4))


class GraphConv(nn.Module):
    def __init__(self, size, out, bias=True):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(out, size))
        self.bias = nn.Parameter(torch.zeros(out)) if bias else None

    def forward(self, x):
        nodes, edges = x[..., :-x.shape[-2]], x[..., -x.shape[-2]:]
        edges = edges + torch.eye(len(edges[0]), dtype=edges.dtype)
        scale = torch.diag_embed(edges.sum(-1) ** -0.5)
        return nn.functional.linear(scale @ edges @ scale @ nodes, self.weight, self.bias)


class GraphAttention(nn.Module):
    """As in the paper: one head after the other, pairs of nodes joined before LeakyReLU."""

    def __init__(self, size, out, heads=1, bias=True, slope=0.2, self_loops=True):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(heads * out, size))
        self.att_src = nn.Parameter(torch.zeros(heads, out))
        self.att_dst = nn.Parameter(torch.zeros(heads, out))
        self.bias = nn.Parameter(torch.zeros(heads * out)) if bias else None
        self.slope, self.self_loops = slope, self_loops

    def head(self, nodes, edges, weight, src, dst):
        h = nodes @ weight.T
        n = h.shape[-2]
        pairs = torch.cat([h.unsqueeze(-2).expand(-1, n, n, -1),
                           h.unsqueeze(-3).expand(-1, n, n, -1)], -1)
        e = nn.functional.leaky_relu(pairs @ torch.cat([dst, src]), self.slope)
        e = torch.exp(e) * edges
        return e / e.sum(-1, keepdim=True).clamp(min=1e-300) @ h

    def forward(self, x):
        nodes, edges = x[..., :-x.shape[-2]], x[..., -x.shape[-2]:] != 0
        if self.self_loops:
            edges = edges | torch.eye(edges.shape[-1], dtype=torch.bool)
        heads = zip(self.weight.chunk(len(self.att_src)), self.att_src, self.att_dst)
        y = torch.cat([self.head(nodes, edges, *head) for head in heads], -1)
        return y if self.bias is None else y + self.bias


def graphs(rng, nodes, features):
    """Features and adjacency side by side; the last node has no edges, but may have a loop."""
    edges = draw(rng, (BATCH, nodes, nodes), 0.1, 2.0)
    absent = [[rng.random() < 0.4 for _ in range(nodes * nodes)] for _ in range(BATCH)]
    edges[torch.tensor(absent).reshape(edges.shape)] = 0
    edges[:, -1] = 0
    return torch.cat([draw(rng, (BATCH, nodes, features)), edges], -1)


def graph():
    with Family("graph") as f:
        def case(name, layer, nodes, features):
            f.layer(name, layer, None, x=graphs(random.Random(f"{name}, graphs"), nodes, features))

        case("graph_conv", GraphConv(3, 2), 5, 3)
        case("graph_conv_wider_no_bias", GraphConv(2, 4, bias=False), 4, 2)
        case("graph_attention", GraphAttention(3, 4), 5, 3)
        case("graph_attention_heads", GraphAttention(3, 2, 3, slope=0.1), 5, 3)
        case("graph_attention_without_loops",
             GraphAttention(3, 2, 2, bias=False, self_loops=False), 4, 3)


class Results:
    """Of a recurrent layer of PyTorch: what goes out at each step, without the last states."""

    def __init__(self, *args, **options):
        super().__init__(*args, batch_first=True, **options)

    def forward(self, x):
        return super().forward(x)[0]


class RNN(Results, nn.RNN):
    pass


class GRU(Results, nn.GRU):
    pass


class LSTM(Results, nn.LSTM):
    pass


class TruncatedLSTM(nn.LSTM):
    """The states are detached every two steps, those of all layers."""

    def forward(self, x):
        states, results = None, []
        for steps in x.split(2, 1):
            y, states = super().forward(steps, states)
            states = [state.detach() for state in states]
            results.append(y)
        return torch.cat(results, 1)


class TruncatedGRU(nn.GRU):
    """Each direction counts its own steps."""

    def direction(self, x, suffix):
        names = (f"{name}_l0{suffix}" for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
        parameters = [getattr(self, name) for name in names]
        h, results = x.new_zeros(len(x), self.hidden_size), []
        for k, step in enumerate(x.unbind(1)):
            h = torch.gru_cell(step, h.detach() if k % 2 == 0 else h, *parameters)
            results.append(h)
        return torch.stack(results, 1)

    def forward(self, x):
        back = self.direction(x.flip(1), "_reverse").flip(1)
        return torch.cat([self.direction(x, ""), back], -1)


class Jordan(nn.Module):
    """What went out comes in again."""

    def __init__(self, size, hidden, out, bias=True, f=torch.tanh, g=lambda z: z, steps_back=None):
        super().__init__()
        shapes = {"ih": (hidden, size), "hh": (hidden, out), "ho": (out, hidden)}
        for name, shape in shapes.items():
            setattr(self, f"weight_{name}", nn.Parameter(torch.zeros(shape)))
            if bias:
                setattr(self, f"bias_{name}", nn.Parameter(torch.zeros(shape[0])))
        self.out, self.f, self.g, self.steps_back = out, f, g, steps_back

    def linear(self, name, x):
        return nn.functional.linear(x, getattr(self, f"weight_{name}"),
                                    getattr(self, f"bias_{name}", None))

    def forward(self, x):
        y, results = x.new_zeros(len(x), self.out), []
        for k, step in enumerate(x.unbind(1)):
            if self.steps_back and k % self.steps_back == 0:
                y = y.detach()
            y = self.g(self.linear("ho", self.f(self.linear("ih", step) + self.linear("hh", y))))
            results.append(y)
        return torch.stack(results, 1)


class DelayTaps(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.n = n

    def forward(self, x):
        x = x.flatten(2)
        rows = [nn.functional.pad(x, (0, 0, k, 0))[:, :x.shape[1]] for k in range(self.n)]
        return torch.cat(rows, -1)


def recurrent():
    """Sequences of five steps of three numbers."""
    with Family("recurrent") as f:
        both = {"num_layers": 2, "bidirectional": True}
        for name, layer in {"rnn": RNN, "gru": GRU, "lstm": LSTM}.items():
            f.layer(name, layer(3, 4), (5, 3))
            f.layer(f"{name}_no_bias", layer(3, 4, bias=False), (5, 3))
            f.layer(f"{name}_2_layers", layer(3, 4, num_layers=2), (5, 3))
            f.layer(f"{name}_bidirectional", layer(3, 4, bidirectional=True), (5, 3))
            f.layer(f"{name}_both", layer(3, 4, **both), (5, 3))
            f.layer(f"{name}_one_step", layer(3, 4), (1, 3))
        f.layer("rnn_relu", RNN(3, 4, nonlinearity="relu"), (5, 3))
        f.layer("rnn_relu_all", RNN(3, 4, nonlinearity="relu", bias=False, **both), (5, 3))
        f.layer("lstm_projected", LSTM(3, 4, proj_size=2), (5, 3))
        f.layer("lstm_projected_all", LSTM(3, 4, proj_size=2, bias=False, **both), (5, 3))

        f.layer("jordan", Jordan(3, 4, 2), (5, 3))
        f.layer("jordan_no_bias", Jordan(3, 4, 2, bias=False), (5, 3))
        f.layer("jordan_activations", Jordan(3, 4, 2, f=torch.sigmoid, g=torch.tanh), (5, 3))
        f.layer("delay_taps", DelayTaps(3), (5, 3))
        f.layer("delay_taps_longer_than_the_sequence", DelayTaps(4), (2, 3))
        f.layer("delay_taps_of_matrices", DelayTaps(2), (4, 3, 2))

        f.layer("lstm_truncated", TruncatedLSTM(3, 4, batch_first=True), (5, 3))
        f.layer("lstm_truncated_projected",
                TruncatedLSTM(3, 4, num_layers=2, proj_size=2, batch_first=True), (5, 3))
        f.layer("gru_truncated", TruncatedGRU(3, 4, bidirectional=True), (5, 3))
        f.layer("jordan_truncated", Jordan(3, 4, 2, steps_back=2), (5, 3))

        f.layer("residual_lstm", Residual(LSTM(4, 4)), (5, 4))
        f.layer("nested_gru", nn.Sequential(GRU(3, 3), nn.Linear(3, 2)), (5, 3))

        # In a network the gradient of x is needed as well: a layer in front shows it.
        for name, size, layer in (
                ("rnn", 4, RNN(3, 4, nonlinearity="relu", bias=False)),
                ("gru", 8, GRU(3, 4, **both)),
                ("lstm", 4, LSTM(3, 4)),
                ("lstm_projected", 4, LSTM(3, 4, proj_size=2, bidirectional=True)),
                ("lstm_truncated", 2,
                 TruncatedLSTM(3, 4, num_layers=2, proj_size=2, batch_first=True)),
                ("gru_truncated", 8, TruncatedGRU(3, 4, bidirectional=True)),
                ("jordan", 2, Jordan(3, 4, 2, f=torch.sigmoid, g=torch.tanh)),
                ("delay_taps", 9, DelayTaps(3))):
            net = nn.Sequential(nn.Linear(3, 3), layer, nn.Linear(size, 2))
            f.network(f"network_{name}", net, (5, 3))


def losses():
    """y is the mean loss over the batch (and all elements), dx and d<key> its gradients."""
    with Family("losses") as f:
        def case(name, loss, target, sample, net=None, x=None, **options):
            rng = random.Random(name)
            if not isinstance(target, torch.Tensor):
                target = draw(rng, *target)
            x = draw(rng, (len(target), *sample), **options) if x is None else x
            x.requires_grad_()
            net = (net or nn.Sequential()).double()
            with torch.no_grad():
                for p in net.parameters():
                    p.copy_(draw(rng, p.shape, -1.0, 1.0))
            weights = dict(net.named_parameters())
            y = loss(net(x), target)
            y.backward()
            f.write(name, {"x": x, **weights, "target": target, "y": y, "dx": x.grad,
                           **{f"d{key}": p.grad for key, p in weights.items()}})

        large = {"low": -100.0, "high": 100.0}
        bits = torch.tensor([[0, 1, 1, 0], [1, 0, 0, 1], [1, 1, 0, 0]], dtype=torch.float64)
        bce = nn.BCEWithLogitsLoss()
        case("cross_entropy", nn.CrossEntropyLoss(), torch.tensor([2, 0, 4]), (5,))
        case("cross_entropy_large", nn.CrossEntropyLoss(), torch.tensor([2, 0, 4]), (5,), **large)
        case("cross_entropy_batch1", nn.CrossEntropyLoss(), torch.tensor([3]), (5,))
        case("mse", nn.MSELoss(), ((3, 4),), (4,))
        case("mse_2x3", nn.MSELoss(), ((3, 2, 3),), (2, 3))
        case("bce_with_logits", bce, bits, (4,))
        case("bce_with_logits_large", bce, bits, (4,), **large)
        case("bce_with_logits_zero", bce, bits, (4,), x=torch.zeros(3, 4, dtype=torch.float64))
        case("bce_with_logits_soft", bce, ((3, 4), 0.0, 1.0), (4,))
        case("mlp_cross_entropy", nn.CrossEntropyLoss(), torch.tensor([1, 3, 0]), (5,),
             nn.Sequential(nn.Linear(5, 6), nn.ReLU(), nn.Linear(6, 4)))


def optimizers():
    """p0 is the start; p<k> the parameters after step k, which read the gradient g<k>."""
    sgd, adam = torch.optim.SGD, torch.optim.Adam
    with Family("optimizers") as f:
        for name, (optimizer, options) in {
            "sgd_lr0.1": (sgd, {"lr": 0.1}),
            "sgd_lr0.1_decay0.01": (sgd, {"lr": 0.1, "weight_decay": 0.01}),
            "sgd_lr0.1_momentum0.9": (sgd, {"lr": 0.1, "momentum": 0.9}),
            "sgd_lr0.1_momentum0.9_nesterov_decay0.01":
                (sgd, {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}),
            "adam": (adam, {}),
            "adam_lr0.01_betas0.8_0.95_decay0.01":
                (adam, {"lr": 0.01, "betas": (0.8, 0.95), "weight_decay": 0.01}),
        }.items():
            rng = random.Random(name)
            p = nn.Parameter(draw(rng, (2, 3)))
            step = optimizer([p], **options)
            tensors = {"p0": p.detach().clone()}
            for k in range(1, 6):
                p.grad = draw(rng, p.shape, -1.0, 1.0)
                tensors[f"g{k}"] = p.grad.clone()
                step.step()
                tensors[f"p{k}"] = p.detach().clone()
            f.write(name, tensors)


if __name__ == "__main__":
    torch.set_num_threads(1)
    for family in (linear, conv, conv1d, conv_transpose, pool, adaptive_pool, resize, pad,
                   activations, piecewise, norm, batch_norm, branches, embedding, functions, kinks,
                   networks, losses, optimizers, attention, transformer, mixture, position, graph,
                   recurrent, several):
        family()
