"""Each layer of torch.nn with random weights, saved and run by torch: ckptlint must find its keys and agree with its
output, through the command line. Needs Debian's python3-torch."""
import json
import os
import subprocess
import sys
import tempfile

try:
    import numpy
    import torch
    import torch.nn as nn
    import torch.nn.functional as F
    import torch.nn.utils.prune
    from found import Tally
except ImportError:
    print("SKIPPED torch_layers: python3-torch is not installed")
    sys.exit(0)

# A constructor, as Python and as the architecture file has it, and the shapes of what the layer is called with.
LAYERS = """
ReLU()|(2, 3)
ReLU6()|(2, 30)
LeakyReLU(0.3)|(2, 3)
RReLU(0.1, 0.5)|(2, 3)
PReLU()|(2, 3, 4)
PReLU(3)|(2, 3, 4)
ELU(0.7)|(2, 3)
CELU(0.7)|(2, 3)
SELU()|(2, 3)
GELU()|(2, 3)
GELU('tanh')|(2, 3)
SiLU()|(2, 3)
Mish()|(2, 3)
Sigmoid()|(2, 3)
LogSigmoid()|(2, 3)
Tanh()|(2, 3)
Tanhshrink()|(2, 3)
Softplus(2, 1)|(2, 3)
Softsign()|(2, 3)
Softshrink(0.1)|(2, 3)
Hardshrink(0.1)|(2, 3)
Hardsigmoid()|(2, 3)
Hardswish()|(2, 3)
Hardtanh(-0.5, 0.25)|(2, 3)
Threshold(0.1, 5)|(2, 3)
GLU()|(2, 4)
GLU(1)|(2, 4, 3)
Softmax(1)|(2, 3, 4)
Softmax(dim=-1)|(2, 3, 4)
Softmin(1)|(2, 3)
LogSoftmax(1)|(2, 3)
Softmax2d()|(2, 3, 4, 5)
Dropout(0.3)|(2, 3)
Dropout2d()|(2, 3, 4, 5)
AlphaDropout()|(2, 3)
Identity()|(2, 3)
Flatten()|(2, 3, 4)
Flatten(0, 1)|(2, 3, 4)
BatchNorm1d(3)|(4, 3)
BatchNorm1d(3)|(4, 3, 5)
BatchNorm2d(3, eps=1e-3)|(2, 3, 4, 5)
BatchNorm2d(3, affine=False)|(2, 3, 4, 5)
BatchNorm2d(3, track_running_stats=False)|(2, 3, 4, 5)
BatchNorm3d(3)|(2, 3, 2, 4, 5)
InstanceNorm1d(3)|(2, 3, 5)
InstanceNorm1d(3, affine=True)|(3, 5)
InstanceNorm2d(3, affine=True)|(2, 3, 4, 5)
InstanceNorm2d(3, affine=True, track_running_stats=True)|(2, 3, 4, 5)
InstanceNorm3d(3, 1e-3, 0.1, True, True)|(2, 3, 2, 4, 5)
LayerNorm(4)|(2, 3, 4)
LayerNorm((3, 4), eps=1e-6)|(2, 3, 4)
LayerNorm([4], elementwise_affine=False)|(2, 3, 4)
GroupNorm(2, 6)|(2, 6, 4)
GroupNorm(6, 6, affine=False)|(2, 6, 4, 3)
LocalResponseNorm(3, 0.1, 0.5, 2)|(2, 5, 4)
LocalResponseNorm(2)|(2, 5, 4, 3)
Unflatten(1, (2, 3))|(2, 6, 4)
Bilinear(3, 4, 5)|(2, 3)|(2, 4)
Bilinear(3, 4, 5, bias=False)|(2, 7, 3)|(2, 7, 4)
Unfold((2, 3), padding=1, stride=2)|(2, 3, 5, 6)
Fold((5, 6), (2, 3), dilation=2, padding=1)|(2, 18, 20)
CosineSimilarity()|(2, 3, 4)|(2, 3, 4)
PairwiseDistance(1, keepdim=True)|(2, 3)|(2, 3)
Linear(3, 4)|(2, 3)
Linear(3, 4, bias=False)|(5, 2, 3)
Conv2d(4, 6, 3, padding=1, stride=2, groups=2)|(2, 4, 7, 8)
Conv1d(4, 6, 3, padding='same', dilation=2)|(2, 4, 11)
Conv1d(4, 4, 3, groups=4, padding=1)|(4, 11)
Conv2d(4, 8, (3, 2), groups=4, bias=False, padding=1, padding_mode='reflect')|(2, 4, 7, 8)
Conv3d(2, 4, (1, 2, 3), 2, 1, padding_mode='circular')|(2, 2, 5, 6, 7)
ConvTranspose1d(4, 6, 3, 2, 1, 1)|(2, 4, 7)
ConvTranspose2d(4, 6, (3, 2), 2, groups=2, dilation=2)|(2, 4, 5, 6)
ConvTranspose3d(2, 4, 2, bias=False)|(1, 2, 3, 4, 5)
MaxPool1d(3, 2, 1, dilation=2)|(2, 4, 11)
MaxPool2d(3, 2, 1)|(2, 4, 7, 8)
MaxPool2d((2, 3), ceil_mode=True)|(4, 7, 8)
MaxPool3d(2)|(2, 4, 4, 5, 6)
AvgPool1d(3, 2, 1)|(2, 4, 11)
AvgPool2d(3, 2, 1, True, False)|(2, 4, 7, 8)
AvgPool3d(2, divisor_override=3)|(2, 4, 4, 5, 6)
LPPool1d(2, 3, 2)|(2, 4, 11)
LPPool2d(2, (2, 3))|(2, 4, 7, 8)
AdaptiveAvgPool1d(3)|(2, 4, 11)
AdaptiveAvgPool2d((None, 3))|(2, 4, 7, 8)
AdaptiveAvgPool3d(2)|(2, 4, 4, 5, 6)
AdaptiveMaxPool1d(3)|(2, 4, 11)
AdaptiveMaxPool2d(3)|(2, 4, 7, 8)
AdaptiveMaxPool3d((1, 2, 3))|(2, 4, 4, 5, 6)
ZeroPad2d((1, 2, 0, 1))|(2, 3, 4, 5)
ConstantPad1d(2, 0.5)|(2, 3, 4)
ConstantPad2d(1, -1)|(2, 3, 4, 5)
ConstantPad3d((1, 0, 2, 0, 0, 1), 3)|(2, 3, 4, 5, 6)
ReflectionPad1d(2)|(2, 3, 4)
ReflectionPad2d((1, 2, 0, 1))|(2, 3, 4, 5)
ReflectionPad3d(1)|(2, 3, 4, 5, 6)
ReplicationPad1d(2)|(2, 3, 4)
ReplicationPad2d((1, 2, 0, 1))|(2, 3, 4, 5)
ReplicationPad3d(1)|(2, 3, 4, 5, 6)
PixelShuffle(2)|(2, 8, 3, 4)
PixelUnshuffle(2)|(2, 2, 4, 6)
ChannelShuffle(2)|(2, 6, 4, 5)
Upsample(scale_factor=2)|(2, 3, 4, 5)
Upsample((7, 8), mode='bilinear', align_corners=True)|(2, 3, 4, 5)
Upsample(scale_factor=(1.5, 2.0), mode='bicubic')|(2, 3, 4, 5)
Upsample(scale_factor=1.7, mode='trilinear')|(1, 2, 3, 4, 5)
Upsample(size=7, mode='linear')|(1, 2, 3)
UpsamplingNearest2d(scale_factor=2)|(2, 3, 4, 5)
UpsamplingBilinear2d(scale_factor=2)|(2, 3, 4, 5)
weight_norm(Conv1d(4, 6, 3))|(2, 4, 11)
weight_norm(Conv1d(4, 6, 3, bias=False), dim=2)|(2, 4, 11)
weight_norm(Linear(3, 4), dim=None)|(2, 3)
weight_norm(weight_norm(Linear(3, 4)), 'bias')|(2, 3)
spectral_norm(Linear(3, 4))|(2, 3)
spectral_norm(ConvTranspose2d(4, 6, 3))|(1, 4, 3, 4)
spectral_norm(Conv2d(4, 6, (3, 2)))|(1, 4, 5, 6)
parametrizations.spectral_norm(Conv1d(4, 6, 3))|(2, 4, 11)
parametrizations.weight_norm(Conv1d(4, 6, 3), dim=2)|(2, 4, 11)
prune(Linear(3, 4))|(2, 3)
""".strip().split("\n")


class Parametrizations:
    """torch.nn.utils.parametrizations, with the weight_norm of torch 2.1: the older one under the newer keys."""

    spectral_norm = staticmethod(nn.utils.parametrizations.spectral_norm)

    @staticmethod
    def weight_norm(module, name="weight", dim=0):
        def rename(module, state, prefix, metadata):
            for old, new in (("_g", "original0"), ("_v", "original1")):
                state[f"{prefix}parametrizations.{name}.{new}"] = state.pop(prefix + name + old)

        nn.utils.weight_norm(module, name, dim)._register_state_dict_hook(rename)
        return module


NAMES = dict(vars(nn), weight_norm=nn.utils.weight_norm, spectral_norm=nn.utils.spectral_norm, parametrizations=Parametrizations,
             prune=lambda module, name="weight": nn.utils.prune.l1_unstructured(module, name, 0.5))

# Statements of a forward, which Python carries out on torch's tensors too.
FORWARDS = [
    ["y = sigmoid(x)", "relu(x, inplace=True)", "x + y"],  # what is changed in place is changed for all that hold it
    ["y = x", "x = relu(x, inplace=True)", "y * 2"],
    ["y = x", "y.relu_()", "x.tanh_()", "x + y"],
    ["y = relu(x)", "x * y"],
    ["x = x.view(1, 3, 4)", "y, i = max_pool1d(x, 2, return_indices=True)", "max_unpool1d(y, i, 2)"],
    ["y = dropout(x, 0.5, False, inplace=True)", "x + y"],
    ["y = x[:, 1:]", "y.relu_()", "y.tanh_()", "y * 2"],
]


def ckptlint(*args):
    run = subprocess.run([os.environ["CKPTLINT"], *args, "--format", "json"], capture_output=True, text=True)
    return run.returncode, json.loads(run.stdout)["files"][0]


def forward(folder, arch, state, inputs, y):
    """None, or why ckptlint does not agree."""
    names = [f"x{i}" if i else "x" for i in range(len(inputs))]
    arch = {"arch": 1, "name": "Layer", **arch, "inputs": {n: "float32[%s]" % ", ".join(map(str, x.shape)) for n, x in zip(names, inputs)},
            "outputs": {"y": "float32[%s]" % ", ".join(map(str, y.shape))}}
    path = os.path.join(folder, "layer")
    with open(path + ".json", "w") as out:
        json.dump(arch, out)
    torch.save(state, path + ".pt")
    args = ["forward", path + ".pt", "--arch", path + ".json", "--expect", f"y={path}.y.npy"]
    for name, x in zip(names, inputs):
        numpy.save(f"{path}.{name}.npy", x.numpy())
        args += ["--input", f"{name}={path}.{name}.npy"]
    numpy.save(path + ".y.npy", y.numpy())
    code, report = ckptlint(*args)
    if code == 0 and report["forward"][0]["status"] == "pass":
        return None
    return f"exit {code}: " + "; ".join(f["message"] for f in report.get("findings", []))


def randomize(module):
    for name, t in module.state_dict().items():
        if t.is_floating_point():
            t.copy_(torch.rand(t.shape) + 0.5 if name.endswith("running_var") else torch.randn(t.shape) * 0.5)


def layer(folder, row):
    constructor, *shapes = row.split("|")
    module = eval(constructor, NAMES).eval()
    inputs = [torch.randn(eval(shape)) for shape in shapes]
    with torch.no_grad():
        randomize(module)
        y = module(*inputs)
    names = ", ".join(f"x{i}" if i else "x" for i in range(len(inputs)))
    state = {"layer." + k: v for k, v in module.state_dict().items()} or {"unused": torch.zeros(1)}
    arch = {"modules": {"layer": constructor}, f"forward({names})": [f"layer({names})"], "ignore": ["unused"]}
    return forward(folder, arch, state, inputs, y)


# bias=False of torch 2.1: a layer of 1.13 whose biases are 0, and whose file lacks them.
WITHOUT_BIAS = ["TransformerEncoderLayer(8, 2, 12, batch_first=True, norm_first=True)|(2, 5, 8)", "TransformerDecoderLayer(8, 2, 12)|(5, 2, 8)|(3, 2, 8)",
                "Transformer(8, 2, 1, 2, 12)|(5, 2, 8)|(3, 2, 8)"]


def without_bias(folder, row):
    constructor, *shapes = row.split("|")
    module, inputs = eval(constructor, NAMES).eval(), [torch.randn(eval(shape)) for shape in shapes]
    with torch.no_grad():
        randomize(module)
        for name, p in module.named_parameters():
            p.mul_(0 if name.endswith("bias") else 1)
        y = module(*inputs)
    names = ", ".join(f"x{i}" if i else "x" for i in range(len(inputs)))
    state = {"layer." + k: v for k, v in module.state_dict().items() if not k.endswith("bias")}
    return forward(folder, {"modules": {"layer": constructor[:-1] + ", bias=False)"}, f"forward({names})": [f"layer({names})"]}, state, inputs, y)


def statements(folder, lines):
    x = torch.randn(3, 4)
    names = {**vars(torch), **vars(F), "x": x.clone()}
    exec("\n".join(lines[:-1]), names)
    arch = {"modules": {}, "forward(x)": lines, "ignore": ["unused"]}
    return forward(folder, arch, {"unused": torch.zeros(1)}, [x], eval(lines[-1], names))


def main():
    torch.manual_seed(1)
    tally = Tally()
    with tempfile.TemporaryDirectory() as folder:
        for row in LAYERS:
            tally.check(row, layer(folder, row))
        for row in WITHOUT_BIAS:
            tally.check(row + " without biases", without_bias(folder, row))
        for lines in FORWARDS:
            tally.check("; ".join(lines), statements(folder, lines))
    return tally.end()


sys.exit(main())
