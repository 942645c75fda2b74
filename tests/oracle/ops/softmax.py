"""Softmax, softmin, log_softmax, Softmax2d."""
import warnings

import torch
import torch.nn as nn
import torch.nn.functional as F

from .words import T


def by_name(function):
    return lambda x, dim, dtype=None: function(x, dim, dtype=dtype)


OPS = {"softmax": by_name(F.softmax), "softmin": by_name(F.softmin), "log_softmax": by_name(F.log_softmax), "softmax2d": lambda x: nn.Softmax2d()(x)}


def cases():
    warnings.simplefilter("ignore")  # about the dimension that is not given
    for name in ["softmax", "softmin", "log_softmax"]:
        for kind in ["F32", "WIDE"]:
            for dim in [0, 1, 2, -1, 3, -4, None]:
                yield name, T((2, 3, 4), 1, kind), dim
        for shape in [(), (5,), (2, 3), (2, 3, 2, 2), (1, 2, 2, 1, 2)]:
            yield name, T(shape, 1, "WIDE"), None
        yield name, T((2, 3)), 1, torch.float32
        yield name, T((2, 3)), 1, torch.int64
        yield name, T(()), -1
        yield name, T((0, 3)), 0
        yield name, T((2, 0)), 1
        yield name, T((2, 3), 1, "I64"), 1
    for shape in [(2, 3, 2, 2), (3, 2, 2), (3, 2), (1, 2, 3, 2, 2)]:
        yield "softmax2d", T(shape, 1, "WIDE")
