"""Poolings."""
import itertools
import math

import torch
import torch.nn.functional as F

from .words import T

OPS = {name % d: getattr(F, name % d) for d in (1, 2, 3) for name in ("max_pool%dd", "avg_pool%dd", "adaptive_avg_pool%dd", "adaptive_max_pool%dd")}


def lp_pool3d(x, norm, kernel, stride=None, ceil=False):
    """As torch 2.3 defines it; 1.13 has none."""
    n = math.prod(kernel) if isinstance(kernel, tuple) else kernel ** 3
    y = F.avg_pool3d(x ** norm, kernel, stride, 0, ceil)
    return (torch.sign(y) * F.relu(y.abs()) * n) ** (1 / norm)


OPS.update({"lp_pool1d": F.lp_pool1d, "lp_pool2d": F.lp_pool2d, "lp_pool3d": lp_pool3d})


def indices(function):
    def call(*args):
        return function(*args, return_indices=True)[1]

    return call


def unpool(function):
    """Indices that fit: those of the test's pattern, brought into the plane."""

    def call(x, index, *args):
        return function(x, index, *args)

    return call


OPS.update({name + "_indices": indices(function) for name, function in list(OPS.items()) if "max" in name})
OPS.update({"max_unpool%dd" % d: unpool(getattr(F, "max_unpool%dd" % d)) for d in (1, 2, 3)})


def cases():
    p = T((1, 2, 5, 7))
    for kernel, stride, padding, dilation, ceil in itertools.product([2, 3, (3, 2)], [None, 1, (2, 3)], [0, 1], [1, 2], [False, True]):
        yield "max_pool2d", p, kernel, stride, padding, dilation, ceil
    for name in ["max_pool2d", "max_pool2d_indices"]:
        yield name, T((2, 5, 7)), 2
        yield name, p, 3, 2, 1, 1, True
        yield name, p, 2, 3, 1, 1, True
        yield name, p, 4, 4, 2, 1, True
        yield name, p, 2, 2, 2
        yield name, p, 3, 1, 2, 2
        yield name, p, 6
        yield name, p, 2, 0
        yield name, p, 0
        yield name, p, 2, 1, -1
        yield name, p, (2, 2, 2)
        yield name, T((5, 7)), 2
        yield name, T((0, 2, 5, 7)), 2
        yield name, T((1, 0, 5, 7)), 2
        yield name, T((1, 2, 0, 7)), 2
    for kernel, stride, padding, ceil, include in itertools.product([3, (2, 3)], [None, 2], [0, 1], [False, True], [False, True]):
        yield "avg_pool2d", p, kernel, stride, padding, ceil, include
    yield "avg_pool2d", p, 3, 2, 1, True, False, 5
    yield "avg_pool2d", p, 3, 2, 1, False, True, -2
    yield "avg_pool2d", p, 3, 2, 1, False, True, 0
    yield "avg_pool2d", T((2, 5, 7)), 2
    yield "avg_pool2d", p, 3, 2, 2
    yield "avg_pool2d", p, 6
    yield "avg_pool2d", T((2, 7)), 2
    x = T((2, 3, 8))
    for kernel, stride, padding, ceil in itertools.product([2, 3], [None, 3], [0, 1], [False, True]):
        yield "max_pool1d", x, kernel, stride, padding, 1, ceil
        yield "max_pool1d_indices", x, kernel, stride, padding, 2, ceil
        yield "avg_pool1d", x, kernel, stride, padding, ceil, False
        yield "avg_pool1d", x, kernel, stride, padding, ceil, True
    for name in ["max_pool1d", "avg_pool1d"]:
        yield name, T((3, 8)), (2,), (2,)
        yield name, T((8,)), 2
        yield name, x, (2, 2)
    yield "avg_pool1d", x, 9
    x = T((1, 2, 3, 4, 5))
    for kernel, stride, padding, ceil in [(2, None, 0, False), ((2, 1, 3), 2, (1, 0, 1), True), (2, 1, 1, False), ((1, 2, 2), None, 0, True)]:
        yield "max_pool3d", x, kernel, stride, padding, 1, ceil
        yield "max_pool3d", x, kernel, stride, padding, (1, 2, 1), ceil
        yield "max_pool3d_indices", x, kernel, stride, padding, 1, ceil
        for include in [False, True]:
            yield "avg_pool3d", x, kernel, stride, padding, ceil, include
    yield "avg_pool3d", x, 2, 2, 0, False, True, 3
    yield "avg_pool3d", T((2, 3, 4, 5)), 2
    yield "max_pool3d", T((2, 3, 4, 5)), 2
    yield "max_pool3d", T((3, 4, 5)), 2
    for norm, kernel, stride, ceil in itertools.product([2, 1.0, 3.0], [2, 3], [None, 2], [False, True]):
        yield "lp_pool1d", T((2, 2, 8), 1, "POSITIVE"), norm, kernel, stride, ceil
    for norm, kernel, stride, ceil in [(2, 2, None, False), (2, (2, 3), 2, True), (3, 3, 1, False), (0.5, 2, 2, False), (-1, 2, 2, False)]:
        yield "lp_pool2d", T((1, 2, 5, 7), 1, "POSITIVE"), norm, kernel, stride, ceil
        yield "lp_pool2d", T((1, 2, 4, 5)), norm, kernel, stride, ceil
    for norm, kernel, stride, ceil in [(2, 2, None, False), (3, (2, 3, 1), 2, True), (1, 2, (1, 2, 1), False)]:
        yield "lp_pool3d", T((1, 2, 4, 5, 6), 1, "POSITIVE"), norm, kernel, stride, ceil
    yield "lp_pool2d", p, 0, 2
    yield "lp_pool1d", T((2, 2, 8)), 2, 9
    for shape, name, sizes in [((2, 3, 7), "1d", [1, 3, 7, 9, (2,), 0, -1, (1, 2)]), ((3, 7), "1d", [2]), ((7,), "1d", [2]),
                               ((1, 2, 5, 7), "2d", [1, (2, 3), (None, 4), (5, None), None, (6, 8), (1, 1), 0, (2, 3, 4), (-1, 2)]), ((2, 5, 7), "2d", [2, (None, 2)]),
                               ((0, 2, 5, 7), "2d", [2]), ((2, 0, 7), "2d", [2]),
                               ((1, 2, 3, 4, 5), "3d", [1, 2, (None, 2, 3), (4, None, 1)]), ((2, 3, 4, 5), "3d", [2]), ((3, 4, 5), "3d", [2])]:
        for size in sizes:
            yield "adaptive_avg_pool" + name, T(shape), size
            yield "adaptive_max_pool" + name, T(shape), size
            yield "adaptive_max_pool%s_indices" % name, T(shape), size
    for shape, name, rows in [((1, 2, 3), "1d", [(2,), (3, 2), (2, 2, 1), (2, 2, 0, (7,)), (2, 2, 0, (8,)), (2, 2, 0, (3,)), (1,)]),
                              ((1, 2, 2, 3), "2d", [(3, 4), (3, 4, 1), ((4, 3), (4, 3)), (3, 3, 0, (7, 8)), (3, 3, 0, (1, 2, 7, 8)), (3, 3, 0, (6,))]),
                              ((1, 1, 2, 2, 2), "3d", [(3,), (3, 4, 1)]), ((2, 3), "1d", [(2,)]), ((3,), "1d", [(2,)])]:
        for args in rows:
            yield ("max_unpool" + name, T(shape), T(shape, 0, "INDEX")) + args
    yield "max_unpool1d", T((1, 2, 3)), T((1, 2, 2), 0, "INDEX"), 2
    yield "max_unpool1d", T((1, 2, 3)), T((1, 2, 3), 0), 2
    yield "max_unpool1d", T((1, 2, 3)), T((1, 2, 3), 1, "I64"), 2
