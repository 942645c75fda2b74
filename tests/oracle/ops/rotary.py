"""Positions: rotary embeddings from their definition, T5's buckets, ALiBi's slopes."""
import os
import sys

import torch

from .words import T

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from statements import alibi, t5_bucket  # noqa: E402


def rotary(x, inverse, interleaved=False, start=0, scale=1.0):
    """As a product of complex numbers."""
    n = len(inverse)
    if x.dim() < 2 or 2 * n > x.shape[-1]:
        raise ValueError("pairs")
    if x.numel() == 0:
        return x
    turn = torch.polar(torch.full((x.shape[-2], n), float(scale)), torch.outer(torch.arange(start, start + x.shape[-2]).float(), torch.tensor(inverse)))
    turned, rest = x[..., :2 * n], x[..., 2 * n:]
    pairs = turned.unflatten(-1, (n, 2)) if interleaved else turned.unflatten(-1, (2, n)).transpose(-1, -2)
    out = torch.view_as_real(torch.view_as_complex(pairs.contiguous()) * turn)
    return torch.cat([(out if interleaved else out.transpose(-1, -2)).flatten(-2), rest], -1)


OPS = {"rotary": rotary, "t5_bucket": t5_bucket, "alibi": alibi}


def cases():
    x = T((2, 3, 6))
    for more in [(), (True,), (False, 7), (True, 2, 1.5)]:
        yield ("rotary", x, (1.0, 0.1, 0.01)) + more
        yield ("rotary", x, (1.0, 0.25)) + more
    yield "rotary", x, (1.0, 0.1, 0.01, 0.001)
    yield "rotary", T((6,)), (1.0, 0.5)
    yield "rotary", T((2, 0, 4)), (1.0, 0.5)
    for args in [(4, 6), (3, 140), (6, 6, False), (5, 5, True, 8, 16), (2, 40, False, 8, 16)]:
        yield ("t5_bucket",) + args
    for args in [(1, 3), (8, 2), (12, 2), (6, 2)]:
        yield ("alibi",) + args
