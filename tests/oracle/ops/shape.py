"""The same elements under another shape."""
import torch
import torch.nn as nn

from .words import T

OPS = {"view": lambda x, *s: x.view(*s), "reshape": lambda x, *s: x.reshape(*s), "flatten": torch.flatten,
       "unflatten": lambda x, dim, sizes: nn.Unflatten(dim, sizes)(x)}


def cases():
    for name in ["view", "reshape"]:
        for shape in [(6, 4), (-1,), (2, -1), (2, 3, 4), (4, -1, 3), (24, 1), (5, 5), (-1, -1), (7, -1), (-2, 12), (1, -1, 0), ()]:
            yield (name, T((2, 3, 4))) + shape
        yield name, T((2, 3, 4)), (6, 4)
        yield name, T((2, 3, 4)), (-1, 12)
        yield name, T((0, 3)), -1, 3
        yield name, T((0, 3)), 0, -1
    for args in [(), (1,), (0, 1), (-2,), (1, -1), (2, 1), (3,), (-4,), (0, 5), (1, 1)]:
        yield ("flatten", T((2, 3, 4))) + args
    yield "flatten", T(())
    yield "flatten", T((5,))
    for shape, dim, sizes in [((2, 6), 1, (2, 3)), ((2, 6), -1, (2, -1)), ((2, 6, 4), 1, (3, 1, 2)), ((6,), 0, (6,)), ((2, 6), 1, (4, 2)), ((2, 6), 1, (-1, -1)),
                              ((2, 6), 1, (4, -1)), ((2, 6), 2, (2, 3)), ((0, 6), 1, (2, -1)), ((2, 0), 1, (0, 3)), ((2, 6), 1, (-2, 3))]:
        yield "unflatten", T(shape), dim, sizes
