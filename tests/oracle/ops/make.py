"""Tensors from nothing, or from another one's shape."""
import torch

from .words import T

OPS = {"zeros": lambda s, d=None: torch.zeros(s, dtype=d), "ones": lambda s, d=None: torch.ones(s, dtype=d),
       "full": lambda s, v, d=None: torch.full(s if isinstance(s, tuple) else (s,), v, dtype=d), "zeros_like": lambda x, d=None: torch.zeros_like(x, dtype=d),
       "ones_like": lambda x, d=None: torch.ones_like(x, dtype=d), "full_like": lambda x, v, d=None: torch.full_like(x, v, dtype=d),
       "tensor": lambda v: torch.tensor(list(v) if isinstance(v, tuple) else v), "eye": lambda n, m=None, d=None: torch.eye(n, n if m is None else m, dtype=d),
       "arange": lambda a, b=None, step=1, d=None: torch.arange(a, dtype=d) if b is None else torch.arange(a, b, step, dtype=d), "tril": torch.tril, "triu": torch.triu,
       "tril_indices": torch.tril_indices, "triu_indices": torch.triu_indices}


def cases():
    for name in ["zeros", "ones"]:
        for size in [3, (2, 2), (0, 3), (-1, 2)]:
            yield name, size
        for dtype in [torch.int64, torch.bool, torch.float32]:
            yield name, (2,), dtype
            yield name + "_like", T((2, 2)), dtype
        yield name + "_like", T((2,), 1, "I64")
    for value in [1.5, 2, True, float("-inf")]:
        yield "full", (2, 2), value
        yield "full", (2,), value, torch.float32
    yield "full", (2,), 3, torch.int64
    yield "full", (2,), 3, torch.bool
    yield "full", (2,), -1.5, torch.bool
    yield "full_like", T((2,)), 3
    yield "full_like", T((2,), 1, "I64"), 3
    yield "full_like", T((2,), 1, "I64"), 3.5, torch.float32
    for value in [(1, -2, 3), 4, 0.5, True]:
        yield "tensor", value
    for args in [(5,), (2, 7), (2, 8, 3), (7, 2, -2), (0,), (3, 3), (3, 1), (1, 3, 0), (1, 3, -1), (2.5,), (0, 1, 0.25), (1.0, -1.0, -0.3), (0.0, 1.0, 0.1),
                 (0, 5, 1, torch.float32), (0.0, 3.0, 1.0), (1.0, 0.0, 0.5)]:
        yield ("arange",) + args
    for args in [(3,), (2, 4), (3, 2), (0,), (2, 2, torch.int64), (2, None, torch.bool), (-1,)]:
        yield ("eye",) + args
    for name in ["tril", "triu"]:
        for d in [0, 1, -1, 2, 9, -9]:
            yield name, T((3, 4)), d
        yield name, T((2, 3, 3)), 1
        yield name, T((3, 3), 1, "BOOL")
        yield name, T((3, 3), 1, "I64"), -1
        yield name, T((3,))
        yield name, T((0, 3))
    for name in ["tril_indices", "triu_indices"]:
        for row, col in [(3, 4), (4, 3), (4, 4), (0, 3), (3, 0), (1, 1)]:
            for offset in [0, 1, -1, 2, -2, 9, -9]:
                yield name, row, col, offset
        yield name, -1, 3, 0
