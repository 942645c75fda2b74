"""Square matrices."""
import torch

from .words import T


def symmetric(x, upper=False):
    return torch.linalg.cholesky(x, upper=upper)


OPS = {"det": torch.linalg.det, "det_sign": lambda x: torch.linalg.slogdet(x)[0], "det_log": lambda x: torch.linalg.slogdet(x)[1], "inverse": torch.linalg.inv,
       "linalg_solve": torch.linalg.solve, "cholesky": symmetric}


def cases():
    for name in ("det", "det_sign", "det_log", "inverse"):
        yield name, T((3, 3))
        yield name, T((2, 3, 4, 4), 2, "DEFINITE")
        yield name, T((1, 1), 3)
        yield name, T((2, 0, 0))
        yield name, T((3, 4))
        yield name, T((3,))
        yield name, T((3, 3), 1, "I64")
    yield "inverse", T((2, 2), 1, "ZERO")
    yield "det", T((2, 2), 1, "ZERO")
    yield "det_log", T((2, 2), 1, "ZERO")
    yield "det_sign", T((2, 2), 1, "ZERO")
    yield "linalg_solve", T((4, 4), 1, "DEFINITE"), T((4, 2), 2)
    yield "linalg_solve", T((4, 4), 1, "DEFINITE"), T((4,), 2)
    yield "linalg_solve", T((2, 3, 3), 1, "DEFINITE"), T((2, 3, 2), 2)
    yield "linalg_solve", T((2, 3, 3), 1, "DEFINITE"), T((2, 3), 2)
    yield "linalg_solve", T((4, 4)), T((3, 2), 2)
    yield "linalg_solve", T((4, 3)), T((4, 2), 2)
    for upper in (False, True):
        yield "cholesky", T((4, 4), 1, "DEFINITE"), upper
        yield "cholesky", T((2, 3, 3), 2, "DEFINITE"), upper
        yield "cholesky", T((3, 3)), upper
