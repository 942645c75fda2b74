"""One layer of an RNN, LSTM or GRU in one direction: outputs, last hidden state, last cell state, flat."""
import torch
import torch.nn as nn

from .words import T


def recurrent(x, ih, hh, b_ih=None, b_hh=None, hr=None, h0=None, c0=None, kind="tanh", reverse=False):
    gates = {"lstm": 4, "gru": 3, "tanh": 1, "relu": 1}.get(kind)
    if gates is None or ih.shape[0] % gates or x.dim() != 3:
        raise ValueError("kind or input")
    hidden, more = ih.shape[0] // gates, {"nonlinearity": kind} if gates == 1 else {"proj_size": hr.shape[0]} if hr is not None else {}
    module = {4: nn.LSTM, 3: nn.GRU, 1: nn.RNN}[gates](ih.shape[1], hidden, bias=b_ih is not None, **more)
    given = {"weight_ih_l0": ih, "weight_hh_l0": hh, "bias_ih_l0": b_ih, "bias_hh_l0": b_hh, "weight_hr_l0": hr}
    module.load_state_dict({k: v for k, v in given.items() if v is not None})
    h0 = None if h0 is None else h0[None]
    state = h0 if gates < 4 else None if h0 is None else (h0, c0[None])
    with torch.no_grad():
        y, last = module(x.flip(0) if reverse else x, state)
    return torch.cat([t.flatten() for t in (y.flip(0) if reverse else y, *(last if gates == 4 else [last]))])


OPS = {"recurrent": recurrent}


def cases():
    x = T((3, 2, 4))
    for kind, gates in [("tanh", 1), ("relu", 1), ("gru", 3), ("lstm", 4)]:
        ih, hh, b, c = T((gates * 3, 4), 2), T((gates * 3, 3), 3), T((gates * 3,), 4), T((gates * 3,), 5)
        h0 = T((2, 3), 6)
        yield "recurrent", x, ih, hh, b, c, None, None, None, kind
        yield "recurrent", x, ih, hh, None, None, None, h0, T((2, 3), 7) if kind == "lstm" else None, kind
        yield "recurrent", x, ih, hh, b, c, None, h0, T((2, 3), 7) if kind == "lstm" else None, kind, True
        yield "recurrent", T((0, 2, 4)), ih, hh, b, c, None, None, None, kind
        yield "recurrent", T((3, 2, 5)), ih, hh, b, c, None, None, None, kind
        yield "recurrent", T((3, 4)), ih, hh, b, c, None, None, None, kind
        yield "recurrent", x, ih, T((gates * 3, 2), 3), b, c, None, None, None, kind
        yield "recurrent", x, ih, hh, T((gates * 3 + 1,), 4), c, None, None, None, kind
        yield "recurrent", x, ih, hh, b, c, None, T((1, 3), 6), T((1, 3), 7) if kind == "lstm" else None, kind
    yield "recurrent", x, T((12, 4), 2), T((12, 2), 3), T((12,), 4), T((12,), 5), T((2, 3), 8), T((2, 2), 6), T((2, 3), 7), "lstm"
    yield "recurrent", x, T((3, 4), 2), T((3, 3), 3), None, None, None, None, None, "sigmoid"
