#!/usr/bin/python3
"""Records what torch's modules take and register, for tests/unit/test_modules.c.

    /usr/bin/python3 tests/oracle/record_modules.py > tests/oracle/modules_recorded.inc

SIGNATURE(type, parameters): names and defaults of the constructor, device and dtype left out.
STATE(constructor call, keys): the state dict in order, "name[sizes]", buffers marked by '~'.
MODEL(file, keys): the same for the tutorials' models, whose architecture files stand in rules/models/."""
import inspect
import re

import torch
import torch.nn as nn
import torch.nn.utils.prune

TYPES = re.findall(r"^MODULE\((\w+),", open("validator/arch/types.def").read(), re.M)

CALLS = """
Linear(3, 4)|Linear(3, 4, bias=False)|Linear(0, 4)|Bilinear(2, 3, 4)|Bilinear(2, 3, 4, False)|Identity()
Conv1d(4, 6, 3)|Conv1d(4, 6, (3,), groups=2)|Conv2d(3, 16, 3, padding=1)|Conv2d(4, 8, (3, 5), 2, 1, 1, 4, False)
Conv2d(8, 8, 3, padding='same', padding_mode='reflect')|Conv3d(2, 4, (1, 2, 3))|Conv3d(2, 4, 3, bias=False)
ConvTranspose1d(4, 6, 3)|ConvTranspose2d(4, 6, 3, 2, 1, 1, 2)|ConvTranspose2d(4, 6, (2, 3), bias=False)|ConvTranspose3d(2, 4, 2)
BatchNorm1d(5)|BatchNorm2d(5)|BatchNorm2d(5, affine=False)|BatchNorm2d(5, track_running_stats=False)|BatchNorm3d(5)|SyncBatchNorm(5)
InstanceNorm1d(5)|InstanceNorm2d(5, affine=True)|InstanceNorm2d(5, affine=True, track_running_stats=True)|InstanceNorm3d(5, 1e-5, 0.1, True, True)
LayerNorm(7)|LayerNorm((2, 3))|LayerNorm([2, 3], elementwise_affine=False)|GroupNorm(2, 6)|GroupNorm(2, 6, affine=False)|LocalResponseNorm(2)
Embedding(10, 3)|Embedding(10, 3, 0)|EmbeddingBag(10, 3, mode='sum')|PReLU()|PReLU(5)
LSTM(3, 4)|LSTM(3, 4, 2)|LSTM(3, 4, 2, bidirectional=True)|LSTM(3, 4, 2, bias=False)|LSTM(3, 4, 2, bidirectional=True, proj_size=2)|LSTM(3, 4, proj_size=2, bias=False)
GRU(3, 4)|GRU(3, 4, 3, bidirectional=True)|RNN(3, 4)|RNN(3, 4, 2, nonlinearity='relu', bidirectional=True, bias=False)
LSTMCell(3, 4)|GRUCell(3, 4, bias=False)|RNNCell(3, 4)
MultiheadAttention(8, 2)|MultiheadAttention(8, 2, bias=False)|MultiheadAttention(8, 2, kdim=4, vdim=6)|MultiheadAttention(8, 2, kdim=4)|MultiheadAttention(8, 4, add_bias_kv=True)|MultiheadAttention(8, 2, kdim=8, vdim=8)
TransformerEncoderLayer(8, 2, 16)|TransformerEncoderLayer(8, 2)|TransformerDecoderLayer(8, 2, 16, norm_first=True)
TransformerEncoder(TransformerEncoderLayer(8, 2, 16), 3)|TransformerEncoder(TransformerEncoderLayer(8, 2, 16), 2, LayerNorm(8))|TransformerEncoder(TransformerEncoderLayer(8, 2, 16), 0)
TransformerDecoder(TransformerDecoderLayer(8, 2, 16), 2, norm=LayerNorm(8))|Transformer(8, 2, 2, 1, 16)
Sequential(Linear(3, 4), ReLU(), Sequential(Linear(4, 4), BatchNorm1d(4)), Linear(4, 2, bias=False))|Sequential()
weight_norm(Conv1d(4, 6, 3))|weight_norm(Conv1d(4, 6, 3, bias=False), dim=2)|weight_norm(Linear(3, 4), dim=None)|weight_norm(weight_norm(LSTM(3, 4), 'weight_hh_l0'), 'bias_ih_l0')
weight_norm(Linear(3, 4), 'bias')|spectral_norm(Linear(3, 4))|spectral_norm(Conv2d(4, 6, (3, 2)))|spectral_norm(ConvTranspose2d(4, 6, 3))|spectral_norm(BatchNorm1d(3), 'bias')
spectral_norm(Conv1d(4, 6, 3), dim=1)|parametrizations.spectral_norm(Linear(3, 4))|parametrizations.spectral_norm(ConvTranspose1d(4, 6, 3, bias=False))
prune(Linear(3, 4))|prune(prune(BatchNorm1d(3)), 'bias')
AdaptiveLogSoftmaxWithLoss(12, 20, [5])|AdaptiveLogSoftmaxWithLoss(64, 30, [5, 9, 14], 2.0, head_bias=True)
ReLU()|MaxPool2d(2, 2)|AvgPool2d(3)|Dropout()|Flatten()|Softmax(dim=1)|Upsample(scale_factor=2)|ConstantPad2d(1, 0.5)
""".strip().replace("\n", "|").split("|")


def signature(name):
    cls = getattr(nn, name)
    if name in ("LSTM", "GRU", "RNN"):
        return None  # they take *args; RNNBase has a mode in front
    parts = []
    for p in list(inspect.signature(cls.__init__).parameters.values())[1:]:
        if p.name in ("device", "dtype") or p.name.startswith("_") and p.name != "_random_samples" or p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD):
            continue
        if p.default is inspect.Parameter.empty:
            parts.append(p.name)
        elif callable(p.default):
            parts.append("%s='%s'" % (p.name, p.default.__name__))
        else:
            parts.append("%s=%s" % (p.name, repr(p.default)))
    return ", ".join(parts)


def keys(module):
    buffers = {n for n, _ in module.named_buffers()}
    return " ".join("%s%s[%s]" % ("~" if n in buffers else "", n, ",".join(map(str, t.shape))) for n, t in module.state_dict().items())


class SimpleCNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1)
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2d(2, 2)
        self.fc = nn.Linear(16 * 14 * 14, 10)


class Linear(nn.Module):
    def __init__(self, n_in, n_out):
        super().__init__()
        self.linear = nn.Linear(n_in, n_out)


class CustomModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer1 = Linear(10, 5)
        self.layer2 = nn.Linear(5, 2)


class ComplexModel(nn.Module):
    def __init__(self, input_dim, hidden_dim, output_dim):
        super().__init__()
        self.layer1 = nn.Linear(input_dim, hidden_dim)
        self.layer2 = nn.Linear(hidden_dim, output_dim)


NAMES = dict(vars(nn), weight_norm=nn.utils.weight_norm, spectral_norm=nn.utils.spectral_norm, parametrizations=nn.utils.parametrizations,
             prune=lambda module, name="weight": nn.utils.prune.l1_unstructured(module, name, 0.5))

print("/* Recorded by tests/oracle/record_modules.py with torch %s: don't edit. */" % torch.__version__)
for name in TYPES:
    if hasattr(nn, name) and name not in ("Parameter", "Buffer", "Sequential"):
        text = signature(name)
        if text is not None:
            print('SIGNATURE(%s, "%s")' % (name, text))
for call in CALLS:
    print('STATE("%s",\n      "%s")' % (call, keys(eval(call, NAMES))))
for file, model in (("simple_cnn", SimpleCNN()), ("simple_linear", Linear(10, 2)), ("simple_model", Linear(10, 1)),
                    ("custom_model", CustomModel()), ("complex_model", ComplexModel(12, 20, 3)), ("training_checkpoint", Linear(10, 2))):
    print('MODEL("%s",\n      "%s")' % (file, keys(model)))
