"""Activations."""
import torch
import torch.nn.functional as F

from .words import T

PLAIN = ["relu", "relu6", "selu", "silu", "mish", "sigmoid", "logsigmoid", "tanh", "tanhshrink", "softsign", "hardsigmoid", "hardswish"]
# What transformers.activations.ACT2FN has under these names, in its formulas.
NAMED = {
    "gelu": F.gelu, "gelu_python": F.gelu, "gelu_new": lambda x: F.gelu(x, approximate="tanh"), "gelu_10": lambda x: F.gelu(x).clip(-10, 10),
    "gelu_fast": lambda x: 0.5 * x * (1 + torch.tanh(x * 0.7978845608 * (1 + 0.044715 * x * x))), "relu2": lambda x: F.relu(x).square(),
    "gelu_accurate": lambda x: 0.5 * x * (1 + torch.tanh((2 / torch.pi) ** 0.5 * (x + 0.044715 * x**3))), "linear": lambda x: x,
    "gelu_pytorch_tanh": lambda x: F.gelu(x, approximate="tanh"), "quick_gelu": lambda x: x * torch.sigmoid(1.702 * x),
    "laplace": lambda x: 0.5 * (1 + torch.erf((x - 0.707107) / (0.282095 * 2**0.5))), "leaky_relu": F.leaky_relu, "mish": F.mish,
    "relu": F.relu, "relu6": F.relu6, "sigmoid": torch.sigmoid, "silu": F.silu, "swish": F.silu, "tanh": torch.tanh,
}
OPS = {name: getattr(torch if name in ("sigmoid", "tanh") else F, name) for name in PLAIN + ["leaky_relu", "rrelu", "prelu", "elu", "celu", "gelu", "softplus", "softshrink", "hardshrink", "hardtanh", "threshold", "glu"]}
OPS["gelu"] = lambda x, approximate="none": F.gelu(x, approximate=approximate)
OPS["act"] = lambda x, name: NAMED[name](x)


def cases():
    x, wide = T((3, 5), 4), T((3, 10), 2, "WIDE")
    yield "relu", T((3, 5), 4, "I64")
    yield "relu", T((3,), 4, "BOOL")
    for name in PLAIN:
        yield name, x
        yield name, wide
        yield name, T(())
        yield name, T((0, 2))
    for name in ["sigmoid", "tanh"]:
        yield name, T((2, 3), 1, "I64")
        yield name, T((2, 3), 1, "BOOL")
    for name in ["selu", "silu", "mish", "logsigmoid", "tanhshrink", "softsign", "hardswish"]:
        if name != "tanhshrink" and name != "softsign":
            yield name, T((3,), 1, "I64")
    for name, rows in {
        "leaky_relu": [(), (0.2,), (0,), (-0.5,)], "elu": [(), (0.3,), (2,)], "celu": [(), (0.3,), (-2,), (0,)], "softplus": [(), (2, 3), (0.5,)],
        "softshrink": [(), (1,), (0,), (-1,)], "hardshrink": [(), (1,), (0,), (-1,)], "hardtanh": [(), (-0.5, 0.75), (0, 6), (0.5, -0.5)],
        "threshold": [(0.1, 20), (1, 0.5), (-2, -3)], "rrelu": [(), (0.1, 0.3), (0.3, 0.1)], "gelu": [(), ("none",), ("tanh",), ("erf",)],
    }.items():
        for args in rows:
            yield (name, x) + args
            yield (name, wide) + args
        yield (name, T((3,), 1, "BOOL")) + rows[0]
    for shape, n in [((2, 3, 4), 3), ((2, 3), 3), ((2, 3), 1), ((3,), 1), ((), 1), ((2, 3, 4), 2), ((3,), 3), ((0, 3), 3), ((4, 2, 2, 3), 2)]:
        yield "prelu", T(shape), T((n,), 2)
    for shape, dim in [((4, 6), -1), ((4, 6), 0), ((2, 4, 3), 1), ((2, 3), -1), ((2, 3), 2), ((), 0), ((0, 4), 1), ((3, 0), 1)]:
        yield "glu", T(shape, 1, "WIDE"), dim
    yield "glu", T((2, 2), 1, "I64")
    for name in NAMED:
        yield "act", wide, name
        yield "act", x, name
