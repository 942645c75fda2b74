"""Unfold and Fold."""
import torch.nn.functional as F

from .words import T

OPS = {"im2col": F.unfold, "fold": F.fold}


def cases():
    x = T((2, 2, 4, 5))
    for args in [(2,), ((2, 3),), (2, 2), (3, 1, 1), ((2, 3), 1, (1, 2), (2, 1)), (2, (1, 2), 0, 2), (5,), (0,), (2, 0), (2, 1, -1), (2, 1, 0, 0)]:
        yield ("im2col", x) + args
    yield "im2col", T((2, 4, 5)), 2
    yield "im2col", T((4, 5)), 2
    yield "im2col", T((0, 2, 4, 5)), 2
    yield "im2col", T((2, 0, 4, 5)), 2
    for shape, args in [((2, 8, 12), ((4, 5), 2)), ((1, 12, 6), ((4, 4), (2, 3), 1, 0, 1)), ((1, 18, 16), ((4, 4), 3, 1, 1)), ((8, 4), ((4, 4), 2, 1, 0, 2)),
                        ((2, 8, 8), ((4, 5), 2, (1, 3))), ((2, 8, 11), ((4, 5), 2)), ((2, 7, 12), ((4, 5), 2)), ((1, 4, 1), (2, 2)), ((1, 4, 1), (0, 2)),
                        ((0, 8, 12), ((4, 5), 2))]:
        yield ("fold", T(shape)) + args
