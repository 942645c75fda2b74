"""Sums of products by labels."""
import torch

from .words import T

OPS = {"einsum": lambda equation, operands: torch.einsum(equation, *operands)}


def cases():
    a, b, v = T((3, 4)), T((4, 5), 2), T((4,), 3)
    q, k = T((2, 3, 4, 2)), T((2, 3, 5, 2), 2)
    rows = [("ij,jk->ik", a, b), ("ij,jk", a, b), ("ij,kj->ki", a, T((2, 4), 2)), ("ij->ji", a), ("ij->", a), ("ij->i", a), ("ij", a), ("ji", a), ("ii->i", T((3, 3))),
            ("ii", T((3, 3))), ("iij->ij", T((3, 3, 2))), ("i,j->ij", v, T((3,))), ("i,i->", v, v), ("i,i->i", v, v), ("ij,j->i", a, v), ("bhid,bhjd->bhij", q, k),
            ("bhij,bhjd->bhid", T((2, 3, 4, 5)), k), ("bhij , bhjd -> bihd", T((2, 3, 4, 5)), k), ("...ij,...jk->...ik", T((2, 3, 4)), T((2, 4, 5), 2)), ("...ij,jk->...ik", T((2, 1, 3, 4)), b),
            ("...i,...i->...", T((2, 3, 4)), T((3, 4), 2)), ("i...->...", T((2, 3, 4))), ("...ij->...ji", T((2, 3, 4))), ("...,...", a, a), ("bi,oij,bj->bo", T((2, 3)), T((5, 3, 4), 2), T((2, 4), 3)),
            ("ij,jk,kl->il", a, b, T((5, 2), 3)), ("ij,kl->", a, b), ("ij,kl->ik", a, b), ("Ab,bA->A", a, T((4, 3), 2)), ("bA", a), ("ij,jk->ik", a, T((1, 5), 2)), ("ij,ij->ij", T((3, 1)), a),
            (",->", T(()), T((), 2)), ("i->i", T((0,))), ("ij,jk->ik", T((3, 0)), T((0, 2), 2)), ("ij,jk->ik", T((0, 3)), T((3, 2), 2)),
            ("ij,jk->ik", a, a), ("ij,jk->il", a, b), ("ij,jk->ii", a, b), ("ij,jk", a), ("ij", a, b), ("i j k->i", a), ("i?->i", a), ("ij->i->j", a), ("...i...->i", a), ("ijk->i", a),
            ("ii->i", a), ("ij,jk->ik", T((3, 4), 1, "I64"), b)]
    for equation, *operands in rows:
        if operands[0].kind != "I64":
            yield "einsum", equation, operands
