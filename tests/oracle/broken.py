"""Weights broken on purpose, in ways that leave names, shapes and ranges as they were: each must change the verdict when a golden exists,
and the same weights unbroken must pass. Goldens are PyTorch's. Needs Debian's python3-torch and python3-torchvision."""
import json
import os
import subprocess
import sys
import tempfile
import warnings

try:
    import numpy
    import torch
    import torchvision
    from torch import nn
    from alive import alive
    from found import Tally
except ImportError:
    print("SKIPPED broken: python3-torch and python3-torchvision are not installed")
    sys.exit(0)

warnings.simplefilter("ignore")


class Perceptron(nn.Module):
    modules_text = {"l0": "Linear(8, 16)", "l1": "Linear(16, 16)", "l2": "Linear(16, 16)", "l3": "Linear(16, 4)"}
    statements = ["l3(tanh(l2(tanh(l1(tanh(l0(x)))))))"]

    def __init__(self):
        super().__init__()
        self.l0, self.l1, self.l2, self.l3 = nn.Linear(8, 16), nn.Linear(16, 16), nn.Linear(16, 16), nn.Linear(16, 4)

    def forward(self, x):
        return self.l3(torch.tanh(self.l2(torch.tanh(self.l1(torch.tanh(self.l0(x)))))))


class Encoder(nn.Module):
    modules_text = {"table": "Embedding(40, 16)", "body": "TransformerEncoder(TransformerEncoderLayer(16, 4, 24, batch_first=True), 2)",
                    "head": "Linear(16, 40)"}
    statements = ["head(body(table(x)))"]

    def __init__(self):
        super().__init__()
        self.table, self.head = nn.Embedding(40, 16), nn.Linear(16, 40)
        self.body = nn.TransformerEncoder(nn.TransformerEncoderLayer(16, 4, 24, batch_first=True), 2)
        for p in self.body.parameters():
            if p.dim() > 1:
                nn.init.xavier_uniform_(p)  # its layers begin as copies of each other

    def forward(self, x):
        return self.head(self.body(self.table(x)))


class Recurrent(nn.Module):
    modules_text = {"table": "Embedding(40, 12)", "body": "LSTM(12, 12, num_layers=2, batch_first=True)", "head": "Linear(12, 40)"}
    statements = ["y, s = body(table(x))", "head(y)"]

    def __init__(self):
        super().__init__()
        self.table, self.head, self.body = nn.Embedding(40, 12), nn.Linear(12, 40), nn.LSTM(12, 12, num_layers=2, batch_first=True)

    def forward(self, x):
        return self.head(self.body(self.table(x))[0])


def ids():
    return torch.arange(40).view(4, 10) * 7 % 40


# Model, its input, two layers of one shape, a square matrix, a row.
MODELS = {
    "perceptron": (Perceptron, lambda: torch.randn(4, 8), ("l1", "l2"), "l1.weight", ("l2.weight", 3)),
    "transformer": (Encoder, ids, ("body.layers.0", "body.layers.1"), "body.layers.1.self_attn.out_proj.weight", ("body.layers.0.linear1.weight", 5)),
    "recurrent": (Recurrent, ids, ("l0", "l1"), None, ("body.weight_hh_l1", 30)),
    "resnet18": (torchvision.models.resnet18, lambda: torch.rand(1, 3, 224, 224), ("layer1.0", "layer1.1"), None, ("layer2.1.conv1.weight", 17)),
    "mobilenet_v2": (torchvision.models.mobilenet_v2, lambda: torch.rand(1, 3, 224, 224), ("features.15", "features.16"), None,
                     ("features.9.conv.1.0.weight", 100)),
}


def floats(state):
    return {k: v for k, v in state.items() if v.is_floating_point()}


# ---- ways to break a state dict; each answers a new one ----

def swapped(state, first, second):
    """Two layers in each other's place: what stands below their names, or ends in them."""
    def other(key):
        for a, b in ((first, second), (second, first)):
            if key.startswith(a + "."):
                return b + key[len(a):]
            if key.endswith("_" + a):
                return key[:-len(a)] + b
        return key
    return {k: state[other(k)] for k in state}


def without_row(state, key, row):
    weight = state[key].clone()
    weight[row] = 0
    return {**state, key: weight}


def flipped(state, key, bit):
    """One bit of the exponent of the largest weight."""
    weight = state[key].clone()
    flat = weight.view(-1)
    at = int(flat.abs().argmax())
    flat[at:at + 1].view(torch.int32).bitwise_xor_(1 << bit)
    return {**state, key: weight}


def truncated(state):
    """To bfloat16 by cutting off bits, where rounding is right."""
    return {k: (v.view(torch.int32) >> 16 << 16).view(torch.float32).bfloat16() if v.is_floating_point() and v.dim() else v for k, v in state.items()}


def wrong_halves(state):
    """To bfloat16 by the other half of each number."""
    return {k: (v.view(torch.int32) << 16).view(torch.float32).bfloat16() if v.is_floating_point() and v.dim() > 1 else v for k, v in state.items()}


def rounded(state):
    return {k: v.bfloat16() if v.is_floating_point() else v for k, v in state.items()}


# ---- the verdict ----

class Case:
    def __init__(self, name, folder):
        torch.manual_seed(11)
        make, make_input, self.layers, self.square, self.row = MODELS[name]
        self.name, self.folder, self.model, self.x = name, folder, make().eval(), make_input()
        self.arch = ["--arch", name]
        if not hasattr(make, "statements"):
            alive(self.model, 224)
        else:
            kind = "int64" if self.x.dtype == torch.int64 else "float32"
            self.arch = ["--arch", self.at("arch.json")]
            with open(self.at("arch.json"), "w") as f:
                json.dump({"arch": 1, "name": name, "modules": make.modules_text, "inputs": {"x": "%s[%s]" % (kind, ", ".join(map(str, self.x.shape)))},
                           "forward(x)": make.statements}, f)
        numpy.save(self.at("x.npy"), self.x.numpy())
        self.state = {k: v.clone() for k, v in self.model.state_dict().items()}

    def at(self, name):
        return os.path.join(self.folder, name)

    def golden(self, state):
        self.model.load_state_dict({k: v.float() if v.is_floating_point() else v for k, v in state.items()})
        numpy.save(self.at("y.npy"), self.model(self.x).numpy())

    def verdict(self, state):
        """Exit code, status of the pass, rules."""
        torch.save(state, self.at("m.pt"))
        run = subprocess.run([os.environ["CKPTLINT"], "forward", self.at("m.pt"), *self.arch, "--input", "x=" + self.at("x.npy"),
                              "--expect", self.at("y.npy"), "--format", "json"], capture_output=True, text=True)
        report = json.loads(run.stdout)["files"][0]
        return run.returncode, report.get("forward", [{}])[0].get("status"), {f["rule"] for f in report.get("findings", [])}

    def check(self, tally, what, state, broken=True):
        code, status, rules = self.verdict(state)
        as_expected = (code == 1 and status == "fail" and rules & {"FWD701", "FWD703"}) if broken else (code == 0 and status == "pass")
        tally.check("%s, %s" % (self.name, what), None if as_expected else "exit %d, %s, %s" % (code, status, sorted(rules)))


def judge(case, tally):
    state = case.state
    case.golden(state)
    case.check(tally, "unbroken", state, broken=False)
    case.check(tally, "two layers swapped", swapped(state, *case.layers))
    case.check(tally, "a row of zeros", without_row(state, *case.row))
    if case.square:
        case.check(tally, "a square matrix transposed", {**state, case.square: state[case.square].t().contiguous()})
    weights = [k for k, v in floats(state).items() if v.dim() > 1]
    for key in weights[:: max(1, len(weights) // 6)]:
        for bit in (23, 26, 30):
            case.check(tally, "bit %d of %s" % (bit, key), flipped(state, key, bit))
    case.golden(rounded(state))
    case.check(tally, "in bfloat16", rounded(state), broken=False)
    case.check(tally, "in bfloat16, cut off", truncated(state))
    case.check(tally, "in bfloat16, the other halves", wrong_halves(state))


def main():
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    tally = Tally()
    with tempfile.TemporaryDirectory() as folder:
        for name in sys.argv[1:] or MODELS:
            judge(Case(name, folder), tally)
    return tally.end()


if __name__ == "__main__":
    sys.exit(main())
