"""Poolings."""
import itertools

import torch.nn.functional as F

from .words import T

OPS = {"max_pool2d": F.max_pool2d}


def cases():
    p = T((1, 2, 5, 7))
    for kernel, stride, padding, dilation, ceil in itertools.product([2, 3, (3, 2)], [None, 1, (2, 3)], [0, 1], [1, 2], [False, True]):
        yield "max_pool2d", p, kernel, stride, padding, dilation, ceil
    yield "max_pool2d", T((2, 5, 7)), 2
    yield "max_pool2d", p, 2, 3, 1, 1, True
    yield "max_pool2d", p, 4, 4, 2, 1, True
    yield "max_pool2d", p, 2, 2, 2
    yield "max_pool2d", p, 6
    yield "max_pool2d", p, 2, 0
    yield "max_pool2d", T((5, 7)), 2
