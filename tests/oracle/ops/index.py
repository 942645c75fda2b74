"""Elements by their numbers."""
import torch

from .words import T


def index(x, dims, *indices):
    dims = dims if isinstance(dims, tuple) else (dims,)
    key = [slice(None)] * x.dim()
    for d, i in zip(dims, indices):
        key[d] = i
    return x[tuple(key)]


OPS = {"index": index, "index_select": torch.index_select}


def I(shape, seed=1):
    return T(shape, seed, "INDEX")


def cases():
    x = T((4, 5, 4))
    yield "index", x, 0, I((3,))
    yield "index", x, (1,), I((2, 2))
    yield "index", x, 2, I(())
    yield "index", x, (0, 1), I((3,)), I((3,), 2)
    yield "index", x, (1, 2), I((2, 1)), I((3,), 2)
    yield "index", x, (0, 2), I((3,)), I((3,), 2)
    yield "index", x, (0, 1, 2), I((3,)), I((2, 1), 2), I((), 3)
    yield "index", x, 0, I((0,))
    yield "index", x, (0, 1), I((3,)), I((2,), 2)
    yield "index", x, 0, T((3,), 1, "I64")
    yield "index", T((4, 4), 1, "I64"), 0, I((3,))
    yield "index", T((31, 2)), 0, T((9,), 1, "I64")
    yield "index", T((2, 3)), 0, I((3,))
    yield "index", T((0, 3)), 0, I((2,))
    yield "index", T((4, 0, 3)), 0, I((2,))
    for d in [0, 1, -1, 3]:
        yield "index_select", x, d, I((3,), 3)
    yield "index_select", x, 1, I(())
    yield "index_select", x, 1, I((2, 2))
    yield "index_select", x, 1, T((3,))
    yield "index_select", x, 1, T((3,), 1, "I64")
    yield "index_select", T((2, 3)), 0, I((3,))
