"""Matrix products."""
import itertools

import torch
import torch.nn.functional as F

from .words import T

OPS = {"linear": F.linear, "matmul": torch.matmul}


def cases():
    for shape, bias in itertools.product([(1, 6), (3, 6), (2, 3, 6), (6,), (0, 6)], [True, False]):
        yield "linear", T(shape), T((4, 6), 2), T((4,), 3) if bias else None
    yield "linear", T((2, 5)), T((4, 6), 2), None
    yield "linear", T((2, 6)), T((4, 6), 2), T((5,), 3)
    yield "linear", T((2, 6), 1, "I64"), T((4, 6), 2), None
    for a, b in [((3, 4), (4, 5)), ((4,), (4,)), ((4,), (4, 5)), ((3, 4), (4,)), ((2, 3, 4), (4, 5)), ((2, 1, 3, 4), (5, 4, 2)),
                 ((4,), (2, 4, 3)), ((2, 3, 4), (4,)), ((1, 3, 4), (2, 4, 2)), ((3, 4), (3, 4)), ((2, 3, 4), (3, 4, 2)), ((0, 4), (4, 2)), ((2, 0), (0, 3))]:
        yield "matmul", T(a), T(b, 2)
