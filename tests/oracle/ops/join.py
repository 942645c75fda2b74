"""Tensors side by side."""
import torch

from .words import T

OPS = {"cat": torch.cat, "stack": torch.stack, "roll": torch.roll}


def cases():
    for d in [0, 1, 2, -1, -3, 3]:
        yield "cat", [T((2, 3, 2)), T((2, 3, 2), 2)], d
        yield "stack", [T((2, 3, 2)), T((2, 3, 2), 2), T((2, 3, 2), 3)], d
    yield "cat", [T((2, 3)), T((4, 3), 2), T((1, 3), 3)]
    yield "cat", [T((2, 3)), T((2, 1), 2)], 1
    yield "cat", [T((2, 3)), T((2, 1), 2)], 0
    yield "cat", [T((2, 3)), T((2, 3, 1), 2)], 1
    yield "cat", [T((2, 3))], 1
    yield "cat", []
    yield "cat", [T(()), T(())]
    yield "cat", [T((0,)), T((2, 3)), T((0,)), T((2, 1))], 1
    yield "cat", [T((0,)), T((0,))]
    yield "cat", [T((2, 0)), T((2, 3))], 1
    yield "cat", [T((2, 3), 1, "I64"), T((1, 3), 2, "I64")], 0
    yield "cat", [T((3,), 1, "BOOL"), T((2,), 2, "BOOL")], 0
    yield "stack", [T(()), T((), 2)]
    yield "stack", [T((3,)), T((3,), 2)], -1
    yield "stack", [T((3,)), T((2,), 2)]
    yield "stack", []
    yield "stack", [T((0, 2)), T((0, 2))], 1
    x = T((2, 3, 4))
    for args in [(1,), (-5,), (25,), (1, 0), (2, 1), (-1, 2), ((1, 2), (1, 2)), ((1, 1), (2, 2)), ((1, 2),), (1, 3), ((1, 2), 1), (7, -1), (0, 0)]:
        yield ("roll", x) + args
    yield "roll", T((0, 3)), 1, 0
    yield "roll", T(()), 1, 0
    yield "roll", T((5,), 1, "I64"), 2, 0
