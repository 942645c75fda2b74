"""Distances along a dimension."""
import torch.nn.functional as F

from .words import T

OPS = {"cosine_similarity": F.cosine_similarity, "pairwise_distance": F.pairwise_distance}


def cases():
    for a, b, dim in [((2, 3), (2, 3), 1), ((2, 3, 4), (2, 3, 4), 1), ((2, 3, 4), (3, 4), -1), ((2, 1, 4), (1, 3, 4), 0), ((5,), (5,), 0), ((2, 3), (2, 4), 1),
                      ((2, 3), (2, 3), 2), ((0, 3), (0, 3), 1), ((2, 3, 1, 2), (3, 2, 1), 2)]:
        yield "cosine_similarity", T(a), T(b, 2), dim
    yield "cosine_similarity", T((2, 3)), T((2, 3), 2), 1, 30.0
    yield "cosine_similarity", T((5,)), T((5,), 2)
    for a, b in [((2, 3), (2, 3)), ((2, 3, 4), (2, 3, 4)), ((2, 3, 4), (4,)), ((5,), (5,)), ((2, 3), (1, 3)), ((2, 3), (2, 4)), ((0, 3), (0, 3))]:
        yield "pairwise_distance", T(a), T(b, 2)
    for p in [1, 3, 0, 1.5, float("inf"), 0.5]:
        yield "pairwise_distance", T((2, 3)), T((2, 3), 2), p
    yield "pairwise_distance", T((2, 3)), T((2, 3), 2), 2, 0.5, True
    yield "pairwise_distance", T((2, 3)), T((3,), 2), 2, 0.5, True
