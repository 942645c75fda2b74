#!/usr/bin/python3
"""Records the outputs of small models, written as the PyTorch tutorials write them, for tests/unit/test_run.c.

    /usr/bin/python3 tests/oracle/record_models.py > tests/oracle/models_recorded.inc

Weights are made by one formula here and in the test (exact in half and bfloat16 too); inputs are torch.rand after
torch.manual_seed."""
import numpy
import torch
import torch.nn as nn


class SimpleCNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1)
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2d(2, 2)
        self.fc = nn.Linear(16 * 14 * 14, 10)

    def forward(self, x):
        x = self.maxpool(self.relu(self.conv1(x)))
        x = x.view(x.size(0), -1)
        return self.fc(x)


class SimpleLinearModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(10, 2)

    def forward(self, x):
        return self.linear(x)


class CustomLayer(nn.Module):
    def __init__(self, n_in, n_out):
        super().__init__()
        self.linear = nn.Linear(n_in, n_out)

    def forward(self, x):
        return torch.relu(self.linear(x))


class CustomModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer1 = CustomLayer(10, 5)
        self.layer2 = nn.Linear(5, 2)

    def forward(self, x):
        return self.layer2(self.layer1(x))


class ComplexModel(nn.Module):
    def __init__(self, input_dim, hidden_dim, output_dim):
        super().__init__()
        self.layer1 = nn.Linear(input_dim, hidden_dim)
        self.layer2 = nn.Linear(hidden_dim, output_dim)

    def forward(self, x):
        return self.layer2(torch.relu(self.layer1(x)))


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
