"""Connectionist temporal classification: the loss of each sequence. Not of no frames, where torch 1.13 reads what is no memory of its own."""
import torch
import torch.nn.functional as F

from .words import T


def ctc(log_probs, targets, input_lengths, target_lengths, blank=0, zero_infinity=False, per_target=False):
    loss = F.ctc_loss(log_probs, targets, input_lengths, target_lengths, blank, "none", zero_infinity)
    return loss / torch.as_tensor(target_lengths).clamp(min=1) if per_target else loss


OPS = {"ctc": ctc}


def cases():
    x, y = T((6, 3, 5)), T((3, 4), 2, "INDEX")
    for blank in (4, 0, 5, -1):
        yield "ctc", x, y, (6, 6, 5), (3, 2, 4), blank
    yield "ctc", x, y, (6, 6, 5), (3, 0, 4), 4, False, True
    yield "ctc", x, y, (2, 6, 1), (4, 2, 1), 4
    yield "ctc", x, y, (2, 6, 1), (4, 2, 1), 4, True, True
    yield "ctc", x, T((6,), 5, "INDEX"), (6, 4, 6), (3, 1, 2), 4
    yield "ctc", x, T((7,), 5, "INDEX"), (6, 4, 6), (3, 1, 2), 4
    yield "ctc", x, T((5,), 5, "INDEX"), (6, 4, 6), (3, 1, 2), 4
    yield "ctc", x, y, (7, 6, 5), (3, 2, 4), 4
    yield "ctc", x, y, (6, 6, 5), (5, 2, 4), 4
    yield "ctc", x, y, (6, 6), (3, 2, 4), 4
    yield "ctc", T((6, 5)), T((4,), 2, "INDEX"), (6,), (4,), 4
    yield "ctc", T((6, 3, 5)), y, T((3,), 5, "INDEX"), T((3,), 2, "INDEX"), 4
