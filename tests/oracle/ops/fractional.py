"""Fractional max pooling with the draws given."""
import torch
import torch.nn.functional as F

from .words import T


def pool(f, second):
    def called(x, kernel, size, ratio, indices, samples):
        return f(x, kernel, output_size=size, output_ratio=ratio, return_indices=True, _random_samples=samples)[second]
    return called


OPS = {"fractional_max_pool%dd%s" % (d, "_indices" * i): pool(getattr(F, "fractional_max_pool%dd" % d), i) for d in (2, 3) for i in (0, 1)}


def cases():
    for i in ("", "_indices"):
        name = "fractional_max_pool2d" + i
        for kernel, size, ratio in ((2, 3, None), ((3, 2), (2, 4), None), (2, None, (0.5, 0.7)), (2, 1, None)):
            yield name, T((2, 3, 7, 8)), kernel, size, ratio, False, T((2, 3, 2), 3, "UNIT")
        yield name, T((3, 7, 8)), 2, 3, None, False, T((1, 3, 2), 3, "UNIT")
        yield name, T((3, 7, 8)), 2, 7, None, False, T((1, 3, 2), 3, "UNIT")
        name = "fractional_max_pool3d" + i
        for kernel, size, ratio in ((2, 3, None), ((3, 2, 2), (2, 4, 3), None), (2, None, (0.5, 0.7, 0.5))):
            yield name, T((2, 3, 5, 7, 8)), kernel, size, ratio, False, T((2, 3, 3), 3, "UNIT")
        yield name, T((3, 5, 7, 8)), 2, 2, None, False, T((1, 3, 3), 3, "UNIT")
