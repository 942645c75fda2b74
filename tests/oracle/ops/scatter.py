"""Elements along one dimension by number, and the order of sorted elements."""
import torch

from .words import T

OPS = {"gather": torch.gather, "scatter": lambda x, d, i, s, reduce=None: torch.scatter(x, d, i, s, **({"reduce": reduce} if reduce else {})), "scatter_add": torch.scatter_add,
       "argsort": lambda x, d=-1, descending=False: torch.sort(x, dim=d, descending=descending, stable=True)[1],
       "scatter_reduce": lambda x, d, i, s, reduce, include=True: x.scatter_reduce(d, i, s, reduce, include_self=include),
       "searchsorted": lambda s, v, out_int32=False, right=False: torch.searchsorted(s, v, out_int32=out_int32, right=right)}


def I(shape, seed=1):
    return T(shape, seed, "INDEX")


def cases():
    x = T((4, 5, 4))
    for d in [0, 1, 2, -1, 3]:
        yield "gather", x, d, I((2, 3, 4), 3)
    yield "gather", x, 1, I((4, 9, 4), 3)
    yield "gather", x, 1, I((5, 3, 4), 3)
    yield "gather", x, 1, I((4, 5))
    yield "gather", x, 1, T((4, 5, 4), 1, "I64")
    yield "gather", x, 1, T((4, 5, 4))
    yield "gather", x, 1, I((0, 3, 4))
    yield "gather", T((5,)), 0, I((7,))
    yield "gather", T((4, 4), 1, "BOOL"), 1, I((4, 2))
    for d in [0, 1, -1]:
        yield "scatter_add", x, d, I((2, 3, 4), 3), T((2, 3, 4), 2)
    yield "scatter", x, 2, T((4, 5, 1), 24, "INDEX"), T((4, 5, 1), 2)  # where an index stands twice PyTorch may take either
    yield "scatter", x, 0, T((1, 5, 4), 3, "INDEX"), T((4, 5, 4), 2)
    yield "scatter", x, 1, I((2, 3, 4), 3), 0.5
    yield "scatter", T((4, 2), 1, "I64"), 1, T((1, 1), 24, "INDEX"), T((4, 1), 4, "I64")
    yield "scatter", T((4,), 1, "BOOL"), 0, T((1,), 3, "INDEX"), T((1,), 3, "BOOL")
    for reduce in ["add", "multiply", "mean"]:
        yield "scatter", x, 1, I((2, 3, 4), 3), T((2, 3, 4), 2), reduce
        yield "scatter", x, 0, I((2, 3, 4), 3), 0.5, reduce
    yield "scatter", T((4, 2), 1, "I64"), 1, T((4, 3), 24, "INDEX"), T((4, 3), 4, "I64"), "multiply"
    for name in ["scatter", "scatter_add"]:
        yield name, x, 0, I((5, 6, 4)), T((5, 6, 4), 2)
        yield name, x, 0, I((2, 3, 4)), T((2, 2, 4), 2)
        yield name, x, 0, I((2, 3)), T((2, 3), 2)
        yield name, x, 1, T((2, 3, 4), 1, "I64"), T((2, 3, 4))
        yield name, x, 3, I((2, 3, 4)), T((2, 3, 4))
        yield name, T((4,)), 0, I((3,)), T((3,), 4, "I64")
        yield name, T((4,)), 0, I((0,)), T((3,))
    for d in [0, 1, 2, -1, 3]:
        yield "argsort", x, d
        yield "argsort", x, d, True
    yield "argsort", T((40,), 1, "INDEX"), 0
    yield "argsort", T((40,), 1, "INDEX"), 0, True
    yield "argsort", T((9,), 1, "BOOL"), 0
    yield "argsort", T(())
    yield "argsort", T((0, 3)), 0
    for include in (True, False):
        for reduce in ["sum", "prod", "mean", "amax", "amin"]:
            yield "scatter_reduce", x, 1, I((2, 3, 4), 3), T((2, 3, 4), 2), reduce, include
            yield "scatter_reduce", T((5, 2), 1, "I64"), 0, I((6, 2), 3), T((6, 2), 2, "I64"), reduce, include
    yield "scatter_reduce", x, 1, I((2, 3, 4), 3), T((2, 3, 4), 2), "least"
    for right in (False, True):
        for kind in ("F32", "I64"):
            yield "searchsorted", T((4,), 1, kind), T((3, 5), 2, kind), False, right
            yield "searchsorted", T((3, 4), 1, kind), T((3, 5), 2, kind), False, right
        yield "searchsorted", T((4,)), 0.25, False, right
    yield "searchsorted", T((3, 4)), T((2, 5)), False
    yield "searchsorted", T((4,)), T((2,), 1, "I64"), False
