"""Reductions."""
import torch
import torch.nn.functional as F

from .words import T


def reduced(f):
    """dim None or () means all, as in torch 2."""
    return lambda x, d=None, keep=False, *more: f(x, tuple(range(x.dim())) if d is None or d == () else d, keep, *more)


def single(f):
    return lambda x, d=None, keep=False: f(x) if d is None else f(x, d, keep)


def spread(f):
    return lambda x, d=None, unbiased=True, keep=False: f(x, unbiased) if d is None else f(x, d, unbiased, keep)


OPS = {"sum": reduced(lambda x, d, k, t=None: torch.sum(x, d, k, dtype=t)), "mean": reduced(lambda x, d, k, t=None: torch.mean(x, d, k, dtype=t)), "prod": single(torch.prod),
       "var": lambda x, d=None, *m: torch.var(x, d) if isinstance(d, bool) else spread(torch.var)(x, d, *m), "std": spread(torch.std), "norm": torch.norm,
       "normalize": F.normalize, "logsumexp": torch.logsumexp, "amax": reduced(torch.amax), "amin": reduced(torch.amin), "argmax": torch.argmax, "argmin": torch.argmin,
       "any": single(torch.any), "all": single(torch.all), "cumsum": lambda x, d, t=None: torch.cumsum(x, d, dtype=t), "cumprod": torch.cumprod, "logcumsumexp": torch.logcumsumexp,
       "cummax": lambda x, d: torch.cummax(x, d)[0], "cummin": lambda x, d: torch.cummin(x, d)[0], "cummax_indices": lambda x, d: torch.cummax(x, d)[1],
       "cummin_indices": lambda x, d: torch.cummin(x, d)[1]}


def cases():
    x = T((2, 3, 4))
    dims = [(), (None,), (0,), (1, True), (-1,), ((0, 2),), ((0, 1, 2), True), ((2, 0), True), (3,), ((1, 1),)]
    for name in ["sum", "mean", "amax", "amin"]:
        for args in dims:
            yield (name, x) + args
        yield name, T(())
        yield name, T((2, 0, 3)), 1
        yield name, T((2, 0, 3)), 0
        yield name, T((5, 31, 3)), 1
    for args in dims:
        if len(args) < 1 or not isinstance(args[0], tuple):
            for name in ["prod", "argmax", "argmin", "any", "all"]:
                yield (name, x) + args
    for name in ["sum", "prod", "amax", "argmax", "any", "all"]:
        yield name, T((4, 3), 1, "I64"), 0
        yield name, T((4, 3), 1, "BOOL"), 1
        yield name, T((0, 3)), 0
    yield "sum", T((3,), 1, "BOOL"), None, False, torch.float32
    yield "mean", T((4, 3), 1, "I64"), 0
    yield "mean", T((4, 3), 1, "I64"), 0, False, torch.float32
    for name in ["var", "std"]:
        for args in [(), (0,), (1, False), (1, True, True), ((0, 2), False, True), (3,), (None, False)]:
            yield (name, x) + args
        yield name, T((1, 3)), 0
        yield name, T((0, 3)), 0
        yield name, T((3,), 1, "I64")
    yield "var", x, False
    inf = float("inf")
    for args in [(), (2,), (1, 1), (2, -1, True), ("fro", (0, 1)), (inf, 1), (-inf, 0), (0, 1), (3, 1), (0.5, 1), (2, (0, 1, 2)), (2, 3)]:
        yield ("norm", x) + args
    yield "norm", T((3,), 1, "I64")
    for args in [(), (1.0,), (2.0, -1), (2.0, 0, 100.0), (3.0, 1), (2.0, (0, 1)), (2.0, 3)]:
        yield ("normalize", x) + args
    for args in [(0,), (1, True), ((0, 2),), (-1,), (3,)]:
        yield ("logsumexp", x) + args
    yield "logsumexp", T((31,), 1, "WIDE"), 0
    for name in ["cumsum", "cumprod"]:
        for d in [0, 1, -1, 3]:
            yield name, x, d
        yield name, T((4, 3), 1, "I64"), 0
        yield name, T((5,), 1, "BOOL"), 0
        yield name, T(()), 0
        yield name, T((0, 3)), 0
    yield "cumsum", T((5,), 1, "I64"), 0, torch.float32
    for name in ["logcumsumexp", "cummax", "cummin", "cummax_indices", "cummin_indices"]:
        for d in [0, 1, -1, 3]:
            yield name, x, d
        yield name, T((40,), 1, "WIDE"), 0
        yield name, T((2, 0, 3)), 1
        yield name, T(()), 0
    for name in ["cummax", "cummin", "cummax_indices", "cummin_indices"]:
        yield name, T((12,), 1, "INDEX"), 0
        yield name, T((12,), 1, "BOOL"), 0
