"""Activations."""
import torch.nn.functional as F

from .words import T

OPS = {"relu": F.relu}


def cases():
    for kind in ["F32", "I64"]:
        yield "relu", T((3, 5), 4, kind)
    yield "relu", T((3,), 4, "BOOL")
