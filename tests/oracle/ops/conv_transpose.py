"""Transposed convolutions."""
import itertools

import torch.nn.functional as F

from .words import T

OPS = {"conv_transpose1d": F.conv_transpose1d, "conv_transpose2d": F.conv_transpose2d, "conv_transpose3d": F.conv_transpose3d}


def cases():
    x, w, b = T((2, 4, 5)), T((4, 3, 3), 2), T((6,), 3)
    for stride, padding, extra, dilation in itertools.product([1, 3], [0, 2], [0, 1, 2], [1, 2]):
        yield "conv_transpose1d", x, w, b, stride, padding, extra, 2, dilation
    yield "conv_transpose1d", T((4, 5)), w, b, (2,), (1,), (0,), 2, (1,)
    yield "conv_transpose1d", x, w, None, 1, 4
    yield "conv_transpose1d", x, w, None, 1, 3
    yield "conv_transpose1d", x, T((4, 3, 1, 3), 2), None
    yield "conv_transpose1d", T((5,)), w, None
    x, w, b = T((1, 4, 3, 4)), T((4, 2, 3, 2), 2), T((2,), 3)
    for stride, padding, dilation in itertools.product([1, 2, (2, 3)], [0, 1, (1, 0)], [1, (2, 1)]):
        yield "conv_transpose2d", x, w, b, stride, padding, 0, 1, dilation
    yield "conv_transpose2d", x, w, None, 2, 1, (1, 0)
    yield "conv_transpose2d", x, w, None, (2, 3), 1, (1, 2)
    yield "conv_transpose2d", x, T((4, 1, 2, 2), 2), T((4,), 3), 2, 0, 0, 4
    yield "conv_transpose2d", T((4, 3, 4)), w, b, 2
    yield "conv_transpose2d", T((0, 4, 3, 4)), w, b, 2
    yield "conv_transpose2d", x, w, None, 1, 1, 1
    yield "conv_transpose2d", x, w, None, 2, 1, 2
    yield "conv_transpose2d", x, w, T((3,), 3)
    yield "conv_transpose2d", x, T((3, 2, 3, 2), 2)
    yield "conv_transpose2d", x, w, None, 1, 0, 0, 3
    yield "conv_transpose2d", x, w, None, 0
    yield "conv_transpose2d", x, w, None, 1, -1
    yield "conv_transpose2d", x, w, None, 1, 0, -1
    yield "conv_transpose2d", x, w, None, 1, 0, 0, 1, 0
    yield "conv_transpose2d", x, w, None, 1, 3
    yield "conv_transpose2d", T((1, 4, 3, 4), 1, "I64"), w
    x, b = T((1, 2, 2, 3, 2)), T((2,), 3)
    for kernel, stride, padding, extra, dilation in [((2, 3, 2), 1, 0, 0, 1), ((2, 2, 3), (1, 2, 2), 1, (0, 1, 1), 1), ((3, 1, 2), 2, (1, 0, 1), 0, 2)]:
        yield "conv_transpose3d", x, T((2, 2) + kernel, 2), b, stride, padding, extra, 1, dilation
        yield "conv_transpose3d", x, T((2, 1) + kernel, 2), None, stride, padding, extra, 2, dilation
    yield "conv_transpose3d", T((2, 2, 3, 2)), T((2, 1, 2, 2, 2), 2)
    yield "conv_transpose3d", x, T((2, 1, 2, 2), 2)
