"""Convolutions."""
import itertools

import torch.nn as nn
import torch.nn.functional as F

from .words import T


def conv(function, cls):
    def call(x, w, b=None, stride=1, padding=0, dilation=1, groups=1, padding_mode="zeros"):
        if padding_mode == "zeros":
            return function(x, w, b, stride, padding, dilation, groups)
        m = cls(w.shape[1] * groups, w.shape[0], tuple(w.shape[2:]), stride, padding, dilation, groups, b is not None, padding_mode)
        m.weight.data = w
        if b is not None:
            m.bias.data = b
        return m(x)

    return call


OPS = {"conv1d": conv(F.conv1d, nn.Conv1d), "conv2d": conv(F.conv2d, nn.Conv2d), "conv3d": conv(F.conv3d, nn.Conv3d)}


def cases():
    x, w, b = T((1, 4, 5, 6)), T((2, 4, 3, 3), 2), T((2,), 3)
    for stride, padding, dilation in itertools.product([1, 2, (2, 1)], [0, 1, (2, 0), (1, 2)], [1, 2, (1, 2)]):
        yield "conv2d", x, w, b, stride, padding, dilation
    yield "conv2d", T((2, 4, 5, 6)), w, None
    yield "conv2d", T((4, 5, 6)), w, b
    yield "conv2d", T((0, 4, 5, 6)), w, b
    yield "conv2d", x, T((6, 2, 3, 3), 2), T((6,), 3), 1, 1, 1, 2
    yield "conv2d", x, T((4, 1, 3, 3), 2), None, 1, 1, 1, 4
    yield "conv2d", x, T((8, 1, 3, 2), 2), None, 2, 1, 1, 4
    yield "conv2d", x, T((3, 4, 1, 1), 2), T((3,), 3)
    yield "conv2d", x, T((3, 4, 1, 1), 2), T((3,), 3), 2
    yield "conv2d", x, T((3, 4, 1, 1), 2), None, 1, 1
    for kernel in [(3, 3), (2, 4), (4, 2), (1, 2)]:
        for dilation in [1, 2]:
            yield "conv2d", x, T((2, 4) + kernel, 2), None, 1, "same", dilation
    yield "conv2d", x, w, b, 1, "valid", 1
    yield "conv2d", x, w, b, 2, "same", 1
    for mode in ["reflect", "replicate", "circular"]:
        for padding in [1, (2, 3), 0, (0, 1), "same"]:
            yield "conv2d", x, w, b, 1, padding, 1, 1, mode
        yield "conv2d", x, T((4, 2, 2, 3), 2), None, 2, (1, 2), (2, 1), 2, mode
    yield "conv2d", T((1, 4, 5, 1)), w, b, 1, (0, 2), (1, 2)  # some kernel columns meet padding only
    yield "conv2d", x, w, b, 1, (5, 1), 1, 1, "reflect"
    yield "conv2d", x, w, b, 1, (5, 6), 1, 1, "circular"
    yield "conv2d", x, w, b, 1, (6, 1), 1, 1, "circular"
    yield "conv2d", x, w, b, 1, (9, 1), 1, 1, "replicate"
    yield "conv2d", x, T((2, 3, 3, 3), 2), b
    yield "conv2d", x, T((2, 2, 3, 3), 2), b, 1, 0, 1, 3
    yield "conv2d", x, T((3, 2, 3, 3), 2), None, 1, 0, 1, 2
    yield "conv2d", x, T((2, 4, 6, 3), 2), b
    yield "conv2d", x, w, b, 1, 0, 3
    yield "conv2d", x, w, b, 0
    yield "conv2d", x, w, b, 1, -1
    yield "conv2d", x, w, b, 1, 0, 0
    yield "conv2d", x, w, T((3,), 3)
    yield "conv2d", T((1, 4, 5, 6), 1, "I64"), w, b
    yield "conv2d", T((5, 6)), w, b
    yield "conv2d", x, w, b, (1, 1, 1)
    x, w, b = T((2, 4, 9)), T((6, 2, 3), 2), T((6,), 3)
    for stride, padding, dilation in itertools.product([1, 2, 3], [0, 1, "same"], [1, 3]):
        yield "conv1d", x, w, b, stride, padding, dilation, 2
    for mode in ["reflect", "replicate", "circular"]:
        for padding in [1, 4, "same"]:
            yield "conv1d", x, T((2, 4, 4), 2), None, 1, padding, 2, 1, mode
    yield "conv1d", T((4, 9)), w, b, (2,), (1,), (1,), 2
    yield "conv1d", x, T((4, 1, 3), 2), T((4,), 3), 2, 3, 1, 4
    yield "conv1d", x, T((4, 1, 3), 2), None, 1, 1, 2, 4, "circular"
    yield "conv1d", x, w, b, (1, 1), 0, 1, 2
    yield "conv1d", T((2, 4, 9, 1)), w, b, 1, 0, 1, 2
    yield "conv1d", x, T((6, 2, 3, 1), 2), b, 1, 0, 1, 2
    yield "conv1d", T((9,)), w, b
    yield "conv1d", T((2, 4, 0)), w, b, 1, 2, 1, 2
    x, b = T((1, 2, 3, 4, 5)), T((2,), 3)
    for kernel, stride, padding, dilation in [((2, 3, 2), 1, 0, 1), ((2, 2, 3), (1, 2, 2), 1, (1, 2, 1)), ((3, 1, 2), 2, (1, 0, 1), 1),
                                              ((1, 1, 1), 1, 0, 1), ((2, 3, 4), 1, "same", 1), ((1, 3, 3), 1, (0, 1, 1), 1)]:
        yield "conv3d", x, T((2, 2) + kernel, 2), b, stride, padding, dilation
        yield "conv3d", x, T((2, 1) + kernel, 2), None, stride, padding, dilation, 2
        yield "conv3d", x, T((4, 1) + kernel, 2), None, stride, padding, dilation, 2
    for mode in ["reflect", "replicate", "circular"]:
        yield "conv3d", x, T((2, 2, 2, 3, 2), 2), b, 1, (1, 2, 1), (1, 1, 2), 1, mode
    yield "conv3d", T((2, 3, 4, 5)), T((1, 2, 2, 2, 2), 2), None
    yield "conv3d", T((3, 4, 5)), T((1, 2, 2, 2, 2), 2), None
    yield "conv3d", x, T((1, 2, 4, 2, 2), 2), None
    yield "conv3d", x, T((1, 2, 2, 2), 2), None
