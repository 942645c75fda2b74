"""Bilinear, and the Conv1D of transformers."""
import torch
import torch.nn.functional as F

from .words import T


def conv1d(x, weight, bias=None):  # transformers.pytorch_utils.Conv1D
    out = x.reshape(-1, x.shape[-1]) @ weight
    return (out if bias is None else torch.addmm(bias, x.reshape(-1, x.shape[-1]), weight)).reshape(x.shape[:-1] + (weight.shape[1],))


OPS = {"bilinear": F.bilinear, "transformers_conv1d": conv1d}


def cases():
    for lead in [(2,), (2, 3), (), (0,)]:
        yield "bilinear", T(lead + (3,)), T(lead + (4,), 2), T((5, 3, 4), 3), T((5,), 4)
        yield "transformers_conv1d", T(lead + (3,)), T((3, 4), 2), T((4,), 3)
    yield "bilinear", T((2, 3)), T((2, 4), 2), T((5, 3, 4), 3), None
    yield "bilinear", T((2, 3)), T((3, 4), 2), T((5, 3, 4), 3), None
    yield "bilinear", T((2, 4)), T((2, 4), 2), T((5, 3, 4), 3), None
    yield "bilinear", T((2, 3)), T((2, 4), 2), T((5, 3, 4), 3), T((4,), 4)
    yield "transformers_conv1d", T((2, 3)), T((3, 4), 2), None
    yield "transformers_conv1d", T((2, 3)), T((4, 3), 2), None
    yield "transformers_conv1d", T((2, 3)), T((3, 4), 2), T((3,), 3)
