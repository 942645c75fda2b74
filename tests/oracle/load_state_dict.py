"""What a check says about load_state_dict against load_state_dict itself: whether it passes, strict or not, and with
--torch-messages every word of what it raises or answers."""
import collections
import json
import os
import re
import subprocess
import sys
import tempfile

try:
    import torch
    from torch import nn
except ImportError:
    print("SKIPPED load_state_dict: there is no torch in /usr/bin/python3")
    sys.exit(0)
from found import Tally
from tutorials import SimpleCNN

ARCH = {"arch": 1, "name": "Net", "blocks": {"Block(n)": {"modules": {"lin": "Linear(n, n)", "norm": "BatchNorm1d(n)"}}},
        "modules": {"embed": "Embedding(7, 4)", "layers.{i < 3}": "Block(4)", "scale": "Parameter(())", "mask": "Buffer((1, 3))",
                    "head": "Linear(4, 7, bias=False)"},
        "tie": [["head.weight", "embed.weight"]]}


class Block(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.lin = nn.Linear(n, n)
        self.norm = nn.BatchNorm1d(n)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(7, 4)
        self.layers = nn.ModuleList([Block(4) for _ in range(3)])
        self.scale = nn.Parameter(torch.tensor(1.0))
        self.register_buffer("mask", torch.zeros(1, 3))
        self.head = nn.Linear(4, 7, bias=False)
        self.head.weight = self.embed.weight


def without(*keys):
    def change(sd):
        for key in keys:
            del sd[key]
        return sd
    return change


def adding(**more):
    def change(sd):
        for key, value in more.items():
            sd[key.replace("__", ".")] = value
        return sd
    return change


def renamed(pattern, by):
    """A comprehension, as people write it: the attribute _metadata is gone."""
    return lambda sd: {re.sub(pattern, by, k): v for k, v in sd.items()}


def together(*changes):
    def change(sd):
        for one in changes:
            sd = one(sd)
        return sd
    return change


t = torch.zeros
CHANGES = {
    "as it is": lambda sd: sd,
    "a plain dict": dict,
    "an alias absent": without("head.weight"),
    "one key missing": without("layers.1.lin.bias"),
    "several missing": without("scale", "mask", "layers.0.norm.weight", "layers.2.lin.weight"),
    "counters missing": without(*(f"layers.{i}.norm.num_batches_tracked" for i in range(3))),
    "counters missing from a plain dict": together(dict, without("layers.1.norm.num_batches_tracked")),
    "one key too many": adding(extra=t(2)),
    "too many at every level": adding(z=t(1), layers__7__lin__weight=t(2), head__bias=t(7), layers__1__other=t(1), a__b__c=t(1),
                                      layers__0__norm__more__x=t(1), layers__x=t(1)),
    "missing and too many": together(without("embed.weight"), adding(embed__w=t(7, 4))),
    "another size": adding(layers__0__lin__weight=t(4, 5), layers__0__lin__bias=t(5), scale=t(3, 1)),
    "another rank": adding(mask=t(3), layers__1__norm__running_mean=t(())),
    "a vector for a scalar": adding(scale=t(4)),
    "no tensors": adding(mask=[1, 2], scale=1.5, layers__0__lin__bias=collections.OrderedDict(), layers__0__lin__weight="x",
                         layers__1__lin__bias=None, layers__1__lin__weight=(1,), layers__2__lin__bias=True),
    "everything at once": together(without("scale"), adding(mask=t(2, 3), layers__2__norm__weight=t(9), q=t(1), layers__1__lin__bias=7)),
    "module. in front": renamed("^", "module."),
    "torch.compile": renamed("^", "_orig_mod."),
    "wrappers inside": renamed(r"layers\.(\d)\.", r"layers.\1._checkpoint_wrapped_module."),
    "a name in another case": renamed("embed", "Embed"),
    "nothing of it": renamed("^.*$", lambda m: "x." + m.group(0).replace(".", "_")),
}


def torch_says(model, sd, strict):
    """Whether it passes, and what it raises or answers."""
    try:
        return True, [str(model.load_state_dict(sd, strict=strict))]
    except RuntimeError as e:
        return False, str(e).split("\n\t")


def check(path, arch, *flags):
    run = subprocess.run([os.environ["CKPTLINT"], "check", "--torch-messages", "--format", "json", "--arch", arch, *flags, path],
                         capture_output=True, text=True)
    return json.loads(run.stdout)["files"][0]


def compare(tally, name, make, sd, arch, work):
    path = os.path.join(work, "model.pt")
    torch.save(sd, path)
    sd = torch.load(path)
    for strict in (True, False):
        passes, lines = torch_says(make(), sd, strict)
        found = check(path, arch, "--strict" if strict else "--no-strict")
        said = found.get("check", {}).get("loads_strict" if strict else "loads_loose")
        wrong = None
        if found.get("torch_messages") != lines:
            wrong = f"torch says\n  {lines}\nand the check\n  {found.get('torch_messages')}"
        # strict=False passes behind a prefix too, and loads next to nothing: a check does not call that loading.
        elif said != passes and not (not strict and any(f["rule"] == "KEY505" for f in found["findings"])):
            wrong = f"{'passes' if passes else 'raises'}, the check says {said}"
        tally.check(f"{name}, strict={strict}", wrong)


def main():
    tally = Tally()
    with tempfile.TemporaryDirectory() as work:
        arch = os.path.join(work, "net.json")
        with open(arch, "w") as out:
            json.dump(ARCH, out)
        for name, change in CHANGES.items():
            compare(tally, name, Net, change(Net().state_dict()), arch, work)
        cnn = "rules/models/simple_cnn.json"
        compare(tally, "SimpleCNN", SimpleCNN, SimpleCNN().state_dict(), cnn, work)
        sd = SimpleCNN().state_dict()
        sd["fc.weight"] = sd["fc.weight"].t()
        compare(tally, "SimpleCNN, transposed", SimpleCNN, sd, cnn, work)
    return tally.end()


sys.exit(main())
