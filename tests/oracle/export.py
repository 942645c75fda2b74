"""What validator/tools/ckptlint_export.py writes of a model must be a file that finds the model's keys and computes its outputs, through
the command line. Needs Debian's python3-torch; with python3-torchvision also some of its models, with --all all of them."""
import json
import math
import os
import subprocess
import sys
import tempfile
import warnings

try:
    import torch
    import torch.nn.functional as F
    from torch import nn
    from torch.nn.utils.rnn import pack_padded_sequence
except ImportError:
    print("SKIPPED export: python3-torch is not installed")
    sys.exit(0)

import tutorials
from alive import alive
from found import Tally, run

TOOL = os.path.join(os.path.dirname(__file__), "..", "..", "validator", "tools", "ckptlint_export.py")
sys.path.insert(0, os.path.dirname(TOOL))
from ckptlint_export import Refused, export, random_runs  # noqa: E402


class Attention(nn.Module):
    def __init__(self, width, heads, longest):
        super().__init__()
        self.heads = heads
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))
        self.register_buffer("mask", torch.tril(torch.ones(longest, longest)).view(1, 1, longest, longest))

    def forward(self, x):
        b, t, c = x.shape
        q, k, v = (part.view(b, t, self.heads, c // self.heads).transpose(1, 2) for part in self.qkv(self.norm1(x)).split(c, dim=2))
        a = (q @ k.transpose(-2, -1)) * (1.0 / math.sqrt(k.size(-1)))
        a = a.masked_fill(self.mask[:, :, :t, :t] == 0, float("-inf"))
        x = x + self.out((F.softmax(a, dim=-1) @ v).transpose(1, 2).contiguous().view(b, t, c))
        return x + self.mlp(self.norm2(x))


class Decoder(nn.Module):
    """A language model as courses write it: positions by arange, blocks in a list, the head tied to the table."""

    def __init__(self, words=50, width=16, longest=12):
        super().__init__()
        self.words, self.places = nn.Embedding(words, width), nn.Embedding(longest, width)
        self.drop = nn.Dropout(0.1)
        self.blocks = nn.ModuleList([Attention(width, 4, longest) for _ in range(2)])
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, words, bias=False)
        self.head.weight = self.words.weight

    def forward(self, ids):
        batch, length = ids.size()
        assert length <= self.places.num_embeddings
        x = self.drop(self.words(ids) + self.places(torch.arange(length, device=ids.device)))
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.table, self.fc = nn.Embedding(20, 8), nn.Linear(5, 3)
        self.lstm = nn.LSTM(8, 6, 2, batch_first=True, bidirectional=True)
        self.gru = nn.GRU(12, 5, batch_first=True)

    def forward(self, ids):
        x, (_, _) = self.lstm(self.table(ids))
        y, h = self.gru(x)
        return self.fc(h[-1]), self.fc(y[:, -1])


class UNet(nn.Module):
    """Two sizes to fit, a result by name, ReLU in place."""

    def __init__(self):
        super().__init__()
        self.down = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(inplace=True))
        self.pool, self.middle = nn.MaxPool2d(2), nn.Conv2d(4, 8, 3, padding=1)
        self.up, self.out = nn.ConvTranspose2d(8, 4, 2, stride=2), nn.Conv2d(8, 1, 1)
        self.larger = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)

    def forward(self, x):
        a = self.down(x)
        c = self.up(F.relu(self.middle(self.pool(a)), inplace=True))
        if c.shape != a.shape:
            c = F.pad(c, [0, a.shape[3] - c.shape[3], 0, a.shape[2] - c.shape[2]])
        y = self.out(torch.cat([a, c], dim=1))
        return {"mask": torch.sigmoid(y), "larger": self.larger(y)}


class InPlace(nn.Module):
    def __init__(self):
        super().__init__()
        self.encode, self.mean, self.spread, self.decode = nn.Linear(12, 8), nn.Linear(8, 3), nn.Linear(8, 3), nn.Linear(3, 12)

    def forward(self, x):
        h = F.leaky_relu(self.encode(x.view(-1, 12)), 0.2)
        mean, spread = self.mean(h), torch.exp(0.5 * self.spread(h))
        y = self.decode(mean + spread)
        y += 1
        y *= 2
        y.sub_(-y)
        part = x.new_zeros(y.shape[0], 12)
        part[:, 2:-3] = 7
        part[1:, :2] = y[1:, :2]
        part[:, 0] = 3
        part[0, ::4] = mean[0]
        part[..., torch.tensor([10, 11])] = y[0, 1]
        part[part > 6] = 0.5
        part[mean[:, 0] > mean[:, 1]] = y[1, 2]
        return torch.sigmoid(y).reshape(x.shape[0], 3, 4) + 1, mean, spread, part


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        layer = nn.TransformerEncoderLayer(16, 2, 32, activation="gelu", batch_first=True, norm_first=True)
        self.encoder, self.first, self.fc = nn.TransformerEncoder(layer, 2), nn.Parameter(torch.randn(1, 1, 16)), nn.Linear(16, 2)

    def forward(self, x, mask=None):
        x = torch.cat((self.first.expand(x.size(0), -1, -1), x), 1)
        return self.fc(self.encoder(x, mask)[:, 0])


class Translator(nn.Module):
    def __init__(self):
        super().__init__()
        self.transformer = nn.Transformer(16, 2, 1, 1, 32, batch_first=True)
        self.register_buffer("places", torch.randn(1, 20, 16))

    def forward(self, source, target):
        torch._assert(source.size(0) == target.size(0), "as many sources as targets")
        mask = nn.Transformer.generate_square_subsequent_mask(target.size(1))
        return self.transformer(source + self.places[:, :source.size(1)], target + self.places[:, :target.size(1)], tgt_mask=mask)


class Names(nn.Module):
    """Names that are none of the language, and modules that are called as functions are."""

    def __init__(self):
        super().__init__()
        self.add_module("block-1", nn.Linear(4, 4))
        self.add_module("0", nn.Linear(4, 4))
        self.relu, self.norm = nn.ReLU(), nn.LayerNorm(4)
        self.scales = nn.ParameterList([nn.Parameter(torch.randn(4)) for _ in range(2)])
        self.heads = nn.ModuleDict({"a": nn.Linear(4, 2), "in": nn.Linear(4, 3)})

    def forward(self, x):
        y = getattr(self, "0")(self.relu(getattr(self, "block-1")(x)))
        y = y / torch.norm(y, dim=-1, keepdim=True) * self.scales[0] + self.scales[1]
        return [self.heads[name](self.norm(y)) for name in sorted(self.heads)]


class Tails(nn.Module):
    """What is a layer, and a method of it that the tracer looks into."""

    def __init__(self):
        super().__init__()
        self.loss = nn.AdaptiveLogSoftmaxWithLoss(12, 20, [5, 9, 14], 2.0, head_bias=True)

    def forward(self, x, target):
        y, loss = self.loss(x, target)
        return y, loss, self.loss.log_prob(x)


class Padded(nn.Module):
    """Where the mask blocks, torch answers 0 in evaluation unless gradients are on: no part of the model."""

    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(9, 8)
        self.encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 1)

    def forward(self, ids):
        return self.encoder(self.words(ids), src_key_padding_mask=(ids < 4) & (torch.arange(ids.size(1)) > 0))


def norms():
    return nn.Sequential(nn.utils.weight_norm(nn.Linear(4, 3)), nn.utils.spectral_norm(nn.Linear(3, 3)),
                         nn.utils.parametrizations.spectral_norm(nn.Linear(3, 4)))


def mixed():
    return nn.Sequential(nn.Conv2d(3, 8, (3, 5), stride=2, padding=(1, 2), padding_mode="reflect"), nn.GroupNorm(2, 8, eps=1e-3),
                         nn.PReLU(8), nn.Conv2d(8, 8, 3, groups=8, padding="same", bias=False), nn.InstanceNorm2d(8, affine=True),
                         nn.Hardtanh(-0.5, 2), nn.AvgPool2d(2, count_include_pad=False), nn.AdaptiveMaxPool2d((2, None)), nn.Flatten(2),
                         nn.LazyLinear(4), nn.Softmax(dim=-1))


# A model and its inputs: as the tool's --input takes them.
MODELS = [
    (tutorials.SimpleCNN, {"x": "float32[B, 3, 28, 28]"}),
    (tutorials.SimpleLinearModel, {"x": "float32[B, 10]"}),
    (tutorials.CustomModel, {"x": "float32[B, 10]"}),
    (lambda: tutorials.ComplexModel(10, 20, 2), {"x": "float32[B, 10]"}),
    (Decoder, {"ids": "int64[B, T] < 50"}),
    (Recurrent, {"ids": "int64[B, T] < 20"}),
    (UNet, {"x": "float32[B, 3, 10, 13]"}),
    (InPlace, {"x": "float32[B, 3, 4]"}),
    (Encoder, {"x": "float32[B, T, 16]"}),
    (Encoder, {"x": "float32[B, 5, 16]", "mask": "float32[6, 6]"}),
    (Translator, {"source": "float32[B, S, 16]", "target": "float32[B, T, 16]"}),
    (Names, {"x": "float32[B, 4]"}),
    (Tails, {"x": "float32[6, 12]", "target": "int64[6] < 20"}),
    (Padded, {"ids": "int64[B, T] < 9"}),
    (norms, {"input": "float32[B, 4]"}),
    (mixed, {"input": "float32[2, 3, 9, 11]"}),
]
TORCHVISION = ("resnet18", "densenet121", "mobilenet_v3_small", "shufflenet_v2_x0_5", "efficientnet_b0", "regnet_y_400mf", "squeezenet1_1",
               "googlenet", "swin_t")


def ckptlint(verb, path, arch):
    done = run(verb, path, "--arch", arch, "--format", "json")
    return done.returncode, json.loads(done.stdout)["files"][0]


def said(report):
    return "; ".join(f["message"] for f in report["findings"]) or report.get("check")


def judge(model, runs, ports, folder, tolerance=None):
    path, arch = os.path.join(folder, "model.pt"), os.path.join(folder, "model.json")
    torch.save(model.state_dict(), path)
    export(model, runs, arch, ports, tolerance=tolerance)
    code, report = ckptlint("forward", path, arch)
    check, tests = report.get("check", {}), report.get("forward", [])
    if code or not check.get("loads_strict") or check["expected"] != len(model.state_dict()):
        return said(report)
    passed = [test["status"] for test in tests]
    return None if passed == ["pass"] * len(runs) else f"{said(report)}: {passed}"


def of_torchvision(tally, folder):
    try:
        from torchvision import models
    except ImportError:
        return
    names = models.list_models(module=models) if "--all" in sys.argv else TORCHVISION
    for name in names:
        module = getattr(models, name)(**({"init_weights": False} if name in ("googlenet", "inception_v3") else {}))
        size = 64 if names is TORCHVISION else 299 if name == "inception_v3" else 224
        tally.check(name, judge(alive(module, size), [{"x": torch.rand(1, 3, size, size)}], None, folder))


class Worded(nn.Module):
    def __init__(self, forward, hook=False):
        super().__init__()
        self.layer, self.now = nn.Linear(4, 4), forward
        self.hidden = torch.randn(4)
        if hook:
            self.layer.register_forward_pre_hook(lambda module, inputs: None)

    def forward(self, x):
        return self.now(self, x)


def refusals(tally, folder):
    """What has no words is refused with its name, and nothing is written."""
    wrong = {
        "neither a tensor": Worded(lambda self, x: "text"),
        "hidden is a tensor that the state dict does not have": Worded(lambda self, x: self.layer(x) + self.hidden),
        "a hook before": Worded(lambda self, x: self.layer(x), hook=True),
        "a packed sequence": Worded(lambda self, x: pack_padded_sequence(self.layer(x)[None], torch.as_tensor([2]), batch_first=True).data),
        "an assignment to": Worded(lambda self, x: x.clone().__setitem__(x > 0, x[x > 0] + 1) or x),
    }
    arch = os.path.join(folder, "refused.json")
    for words, model in wrong.items():
        try:
            export(model, {"x": torch.rand(2, 4)}, arch)
            tally.check(words, "no refusal")
        except Refused as error:
            tally.check(words, None if words in str(error) and not os.path.exists(arch) else error)


class Cancelling(nn.Module):
    """Most digits of its outputs are lost: what float32 makes of them depends on the order of additions."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(64, 64)

    def forward(self, x):
        return (self.layer(x) * 3 + 4e5).sum(-1) - 64 * 4e5


def tolerances(tally, folder):
    """They grow with what the model itself loses by rounding, and with nothing else."""
    told = {}
    for model, name in ((Cancelling(), "x"), (nn.Linear(64, 64), "input")):
        tally.check(type(model).__name__ + ": rounding", judge(model, [{name: torch.rand(3, 64)}], None, folder))
        with open(os.path.join(folder, "model.json"), encoding="utf-8") as file:
            told[type(model).__name__] = json.load(file)["tests"][0]["y"]
    wide = told["Cancelling"].get("atol", 0) > 0.1 and "atol" not in told["Linear"] and "rtol" not in told["Cancelling"]
    tally.check("tolerances", None if wide else told)


def command(tally, folder):
    """As a user calls it: with weights tests are recorded, which other weights fail."""
    good, other, arch = (os.path.join(folder, name) for name in ("good.pt", "other.pt", "cnn.json"))
    for path in (good, other):
        torch.save({"model_state_dict": tutorials.SimpleCNN().state_dict()}, path)
    call = ["/usr/bin/python3", TOOL, "tutorials:SimpleCNN", "--input", "x=float32[B, 3, 28, 28]", "-o", arch]
    done = subprocess.run(call + ["--weights", good, "--key", "model_state_dict"], capture_output=True, text=True,
                         cwd=os.path.dirname(__file__))
    tally.check("the command", done.stderr or None)
    with open(arch, encoding="utf-8") as file:
        told = json.load(file)
    tally.check("its tests", None if [test["B"] for test in told["tests"]] == [2, 3] else told["tests"])
    tally.check("the outputs' sizes", None if told["outputs"] == {"y": "float32[B, 10]"} else told["outputs"])
    codes = [ckptlint("forward", path, arch)[0] for path in (good, other)]
    tally.check("weights that were recorded, and others", None if codes == [0, 1] else codes)
    done = subprocess.run(call[:3] + call[5:], capture_output=True, text=True, cwd=os.path.dirname(__file__))
    tally.check("modules alone", done.stderr or (None if ckptlint("check", good, arch)[0] == 0 else "check fails"))
    for at, wrong, words in ((4, "x=float33[3]", "float33[3]"), (4, "float32[3]", "NAME="), (4, "y=float32[3]", "forward(x)"),
                             (2, "tutorials:NoModel", "NoModel"), (2, "tutorials:SimpleCNN(", "SyntaxError"), (2, "nowhere:x", "nowhere")):
        done = subprocess.run(call[:at] + [wrong] + call[at + 1:], capture_output=True, text=True, cwd=os.path.dirname(__file__))
        told = done.returncode == 1 and words in done.stderr and "Traceback" not in done.stderr
        tally.check(wrong, None if told else done.stderr)


def main():
    warnings.simplefilter("ignore")
    torch.manual_seed(0)
    torch.set_num_threads(1)
    tally = Tally()
    with tempfile.TemporaryDirectory() as folder:
        for make, ports in MODELS:
            runs, model = list(random_runs(ports, {})), make()
            model.eval()
            with torch.no_grad():
                model(*runs[0].values())  # lazy modules take their shapes
            tally.check(getattr(make, "__name__", "model"), judge(model, runs, ports, folder))
        of_torchvision(tally, folder)
        refusals(tally, folder)
        tolerances(tally, folder)
        command(tally, folder)
    return tally.end()


sys.exit(main())
