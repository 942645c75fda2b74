#!/usr/bin/python3
"""Records the outputs of small models, written as the PyTorch tutorials write them, for tests/unit/test_run.c.

    /usr/bin/python3 tests/oracle/record_models.py > tests/oracle/models_recorded.inc

Weights are made by one formula here and in the test (exact in half and bfloat16 too); inputs are torch.rand after
torch.manual_seed."""
import numpy
import torch
import torch.nn as nn

from tutorials import ComplexModel, CustomModel, SimpleCNN, SimpleLinearModel


class Residual(nn.Module):
    """Blocks in a list, bare parameters and buffers, a Sequential with dropout, arithmetic, tuples."""

    class Layer(nn.Module):
        def __init__(self, d):
            super().__init__()
            self.fc = nn.Linear(d, d)

        def forward(self, x, shift):
            return x + torch.relu(self.fc(x)) / 2 - shift

    def __init__(self, d=6, n=3):
        super().__init__()
        self.scale = nn.Parameter(torch.zeros(d))
        self.register_buffer("mean", torch.zeros(2, 1, d))
        self.layers = nn.ModuleList([self.Layer(d) for _ in range(n)])
        self.head = nn.Sequential(nn.Linear(d, 4), nn.Dropout(0.5), nn.ReLU(), nn.Linear(4, 3))

    def forward(self, x):
        x = (x - self.mean) * self.scale
        for layer in self.layers:
            x = layer(x, self.scale)
        y = self.head(x)
        return y, -(y * 0.5).flatten(1)


def fill(model):
    """The formula: ((i * 7 + seed * 13) % 31 - 15) / 64, seed counting the keys from 1."""
    state = model.state_dict()
    for seed, key in enumerate(state, 1):
        n = state[key].numel()
        values = [((i * 7 + seed * 13) % 31 - 15) / 64 for i in range(n)]
        state[key].copy_(torch.tensor(values).reshape(state[key].shape))
    return model.eval()


def literal(v):
    text = "%.9g" % v
    return text + ("F" if "." in text or "e" in text else ".0F")


def record(name, model, shape, seed=0):
    torch.manual_seed(seed)
    x = torch.rand(shape)
    with torch.no_grad():
        out = fill(model)(x)
    for i, y in enumerate(out if isinstance(out, tuple) else (out,)):
        print("RECORDED(%s_%d, SIZES(%d, %s),\n         VALUES(%s))" % (
            name, i, y.dim(), ", ".join(map(str, y.shape)), ", ".join(literal(v) for v in y.flatten().tolist())))


print("/* Recorded by tests/oracle/record_models.py with torch %s, numpy %s: don't edit. */" % (torch.__version__, numpy.__version__))
torch.set_num_threads(1)
record("simple_cnn", SimpleCNN(), (1, 3, 28, 28))
record("simple_cnn_two", SimpleCNN(), (2, 3, 28, 28), 7)
record("linear", SimpleLinearModel(), (4, 10))
record("custom", CustomModel(), (4, 10), 3)
record("complex", ComplexModel(12, 20, 3), (4, 12), 5)
record("residual", Residual(), (2, 5, 6), 11)
