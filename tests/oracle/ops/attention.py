"""Attention and tables. sdpa is checked against its definition, written out in PyTorch (statements.py)."""
import os
import sys

import torch
import torch.nn.functional as F

from .words import T

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from statements import attention  # noqa: E402


def weights(q, k, causal=False, mask=None, scale=None, bias=None, softcap=None, window=None):
    eye = torch.eye(k.shape[-2]).expand(k.shape[:-1] + (k.shape[-2],))
    return attention(q, k, eye, causal, mask, scale, bias, softcap, window)


def sdpa(q, k, v, *more):
    if q.dim() != k.dim() or q.shape[:-3] != k.shape[:-3] or k.shape[-2] != v.shape[-2] or q.dim() > 2 and q.shape[-3] % k.shape[-3]:
        raise ValueError("shapes")  # the definition would broadcast or fail later
    return attention(q, k, v, *more)


def bags(ids, offsets, weights, table, mode="mean", last=False, padding=None):
    return F.embedding_bag(ids, table, offsets, None, 2.0, False, mode, False, weights, last, padding)


OPS = {"sdpa": sdpa, "sdpa_weights": weights, "embedding": F.embedding, "bags": bags}


def cases():
    q, k, v = T((2, 4, 3, 4)), T((2, 4, 5, 4), 2), T((2, 4, 5, 2), 3)
    for more in [(), (True,), (False, T((3, 5), 1, "BOOL")), (False, T((2, 1, 1, 5), 1, "BOOL")), (False, None, 0.25), (False, None, None, T((4, 3, 5), 5)), (False, None, None, None, 2.0),
                 (True, None, None, None, None, 2), (True, T((5,), 1, "BOOL"), 1.0, T((2, 1, 3, 1), 5), 1.5, 3), (False, T((4, 5), 1, "BOOL")), (False, T((3, 5)))]:
        yield ("sdpa", q, k, v) + more
        yield ("sdpa_weights", q, k) + more
    yield "sdpa", q, T((2, 2, 5, 4), 2), T((2, 2, 5, 2), 3), True
    yield "sdpa", q, T((2, 1, 5, 4), 2), T((2, 1, 5, 2), 3)
    yield "sdpa", q, T((2, 3, 5, 4), 2), T((2, 3, 5, 2), 3)
    yield "sdpa", T((3, 4)), T((5, 4), 2), T((5, 2), 3)
    yield "sdpa", T((3, 4)), T((5, 3), 2), T((5, 2), 3)
    yield "sdpa", T((3, 4)), T((5, 4), 2), T((4, 2), 3)
    yield "sdpa", T((2, 0, 4)), T((2, 5, 4), 2), T((2, 5, 2), 3)
    yield "sdpa", T((1, 3, 4)), T((2, 5, 4), 2), T((2, 5, 2), 3)
    table = T((6, 3), 2)
    for ids in [T((2, 3), 1, "INDEX"), T((), 1, "INDEX"), T((0,), 1, "INDEX"), T((3,), 1, "I64"), T((3,))]:
        yield "embedding", ids, table
    yield "embedding", T((3,), 1, "INDEX"), T((3, 2))
    yield "embedding", T((3,), 1, "INDEX"), T((4, 2)), 1
    yield "embedding", T((3,), 1, "INDEX"), T((4,))
    for mode in ["sum", "mean", "max"]:
        yield "bags", T((2, 3), 1, "INDEX"), None, None, table, mode
        yield "bags", T((2, 3), 1, "INDEX"), None, None, table, mode, False, 1
        yield "bags", T((5,), 1, "INDEX"), T((1,), 24, "INDEX"), None, table, mode
    yield "bags", T((2, 3), 1, "INDEX"), None, T((2, 3), 3), table, "sum"
    yield "bags", T((2, 3), 1, "INDEX"), None, T((2, 3), 3), table, "mean"
    yield "bags", T((5,), 1, "INDEX"), None, None, table, "sum"
    yield "bags", T((2, 3), 1, "INDEX"), T((1,), 24, "INDEX"), None, table, "sum"
    yield "bags", T((5,), 1, "INDEX"), T((1,), 3, "INDEX"), None, table, "sum"
    yield "bags", T((2, 3), 1, "INDEX"), None, None, table, "least"
