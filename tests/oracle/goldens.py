"""What `ckptlint record` writes must be what torch computes and hashlib says; `forward --expect` must tell which conversions are still the
same model. Goldens that torch made in training mode must be called that. Needs Debian's python3-torch."""
import base64
import copy
import hashlib
import io
import json
import os
import subprocess
import sys
import tempfile
import warnings

try:
    import numpy
    import torch
    from torch import nn
except ImportError:
    print("SKIPPED goldens: python3-torch is not installed")
    sys.exit(0)

from found import Tally

warnings.simplefilter("ignore")


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.bn = nn.BatchNorm2d(4)
        self.fc = nn.Linear(144, 5)

    def forward(self, x):
        return self.fc(torch.relu(self.bn(self.conv(x))).flatten(1))


class Words(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(50, 8)
        self.norm = nn.InstanceNorm1d(8, affine=True, track_running_stats=True)
        self.out = nn.Linear(8, 3)

    def forward(self, ids):
        return self.out(self.norm(self.table(ids).transpose(1, 2)).transpose(1, 2))


ARCHS = {
    Net: {"arch": 1, "name": "Net", "modules": {"conv": "Conv2d(3, 4, 3)", "bn": "BatchNorm2d(4)", "fc": "Linear(144, 5)"},
          "forward(x)": ["fc(flatten(relu(bn(conv(x))), 1))"], "inputs": {"x": "float32[B, 3, 8, 8]"}, "outputs": {"y": "float32[B, 5]"}},
    Words: {"arch": 1, "name": "Words",
            "modules": {"table": "Embedding(50, 8)", "norm": "InstanceNorm1d(8, affine=True, track_running_stats=True)", "out": "Linear(8, 3)"},
            "forward(ids)": ["out(norm(table(ids).transpose(1, 2)).transpose(1, 2))"], "inputs": {"ids": "int64[B, T] < 50"}},
}


def make(cls):
    torch.manual_seed(5)
    m = cls().eval()
    for name, buffer in m.named_buffers():
        if "running" in name:
            buffer.uniform_(*((0.5, 2) if "var" in name else (-0.2, 0.2)))
    return m


class Checks(Tally):
    def holds(self, good, name, why="it does not hold"):
        self.check(name, None if good else why)


def run(*call):
    return subprocess.run([os.environ["CKPTLINT"], *call], capture_output=True, text=True)


def forward(path, arch, expect, *more):
    """(exit code, rules and reasons of what is no mere note, same_weights, same_arch)"""
    done = run("forward", path, "--arch", arch, "--expect", expect, "--format", "json", *more)
    file = json.loads(done.stdout)["files"][0]
    goldens = file.get("goldens", {})
    return done.returncode, {f["rule"] + "/" + f["reason"] for f in file["findings"] if f["severity"] != "info"}, goldens.get("same_weights"), goldens.get("same_arch")


def array_of(value):
    return numpy.load(io.BytesIO(base64.b64decode(value["npy"], validate=True)), allow_pickle=False)


def weights_digest(state):
    sha = hashlib.sha256()
    for key, t in state.items():
        sha.update(("%s %s %s\n" % (key, str(t.dtype)[6:], list(t.shape))).encode())
        sha.update(hashlib.sha256(t.contiguous().numpy().tobytes()).digest())
    return sha.hexdigest()


def file_digest(path):
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


def close(a, b):
    return a.shape == tuple(b.shape) and numpy.allclose(a, b.detach().numpy(), rtol=1e-4, atol=1e-5)


def record_is_torch(tally, folder):
    """Generated inputs of several sizes: torch.rand and torch.randint give the same."""
    for cls, sizes in [(Net, [{"B": 1}, {"B": 2}, {"B": 5}]), (Words, [{"B": 1, "T": 8}, {"B": 3, "T": 2}, {"B": 2, "T": 40}])]:
        model, arch = make(cls), copy.deepcopy(ARCHS[cls])
        port = next(iter(arch["inputs"]))
        arch["tests"] = [{**size, port: ("rand(%d)" if cls is Net else "randint(%d)") % (9 + i)} for i, size in enumerate(sizes)]
        path, json_path, out = folder("m.pt"), folder("a.json"), folder("g.json")
        torch.save(model.state_dict(), path)
        with open(json_path, "w", encoding="utf-8") as f:
            json.dump(arch, f)
        done = run("record", path, "--arch", json_path, "-o", out)
        with open(out, encoding="utf-8") as f:
            goldens = json.load(f)
        tally.holds(done.returncode == 0, f"{cls.__name__}: record exits 0", done.stderr)
        tally.holds(goldens["arch"]["sha256"] == file_digest(json_path), f"{cls.__name__}: digest of the architecture file")
        tally.holds(goldens["checkpoint"]["sha256"] == file_digest(path), f"{cls.__name__}: digest of the checkpoint")
        tally.holds(goldens["checkpoint"]["weights_sha256"] == weights_digest(model.state_dict()), f"{cls.__name__}: digest of the weights")
        for i, (test, size) in enumerate(zip(goldens["tests"], sizes)):
            torch.manual_seed(9 + i)
            x = torch.rand(size["B"], 3, 8, 8) if cls is Net else torch.randint(50, (size["B"], size["T"]))
            name = "y" if cls is Net else "output"
            tally.holds({k: v for k, v in test.items() if k not in (port, name)} == size, f"{cls.__name__} {size}: its dimensions", str(test))
            tally.holds(close(array_of(test[name]), model(x)), f"{cls.__name__} {size}: the outputs are torch's")
        met = forward(path, json_path, out)
        tally.holds(met == (0, set(), True, True), f"{cls.__name__}: its goldens are met", str(met))


def given_inputs_are_kept(tally, folder):
    model, path, arch, out = make(Net), folder("m.pt"), folder("a.json"), folder("g.json")
    torch.save(model.state_dict(), path)
    with open(arch, "w", encoding="utf-8") as f:
        json.dump(ARCHS[Net], f)
    x = torch.linspace(-3, 3, 2 * 3 * 64).reshape(2, 3, 8, 8).double()
    numpy.save(folder("x.npy"), x.numpy())
    done = run("record", path, "--arch", arch, "--input", "x=" + folder("x.npy"))
    test = json.loads(done.stdout)["tests"][0]
    tally.holds((array_of(test["x"]) == x.float().numpy()).all(), "a given input is kept as it is computed with")
    tally.holds(close(array_of(test["y"]), model(x.float())), "its output is torch's")
    with open(out, "w", encoding="utf-8") as f:
        f.write(done.stdout)
    tally.holds(forward(path, arch, out)[:2] == (0, set()), "goldens with a given input are met")


def conversions(tally, folder):
    model, path, arch, out = make(Net), folder("m.pt"), folder("a.json"), folder("g.json")
    state = model.state_dict()
    torch.save(state, path)
    with open(arch, "w", encoding="utf-8") as f:
        json.dump(ARCHS[Net], f)
    run("record", path, "--arch", arch, "-o", out)
    swapped = {**state, "fc.weight": state["fc.weight"].flip(0)}
    flipped = copy.deepcopy(state)
    flipped["fc.weight"].view(torch.int32)[2, 7] ^= 1 << 30
    drift = {"FWD703/drift"}
    for what, value, how, want in [
            ("a legacy stream", state, {"_use_new_zipfile_serialization": False}, (0, set(), True, True)),
            ("a wrapper and an optimizer", {"model": state, "optimizer": {"state": {0: torch.ones(3)}}}, {}, (0, None, True, True)),
            ("a prefix", {"module." + k: v for k, v in state.items()}, {}, (1, {"KEY505/prefix-extra"}, True, True)),
            ("other strides", {k: v.transpose(0, -1).contiguous().transpose(0, -1) if v.dim() > 1 else v for k, v in state.items()}, {},
             (0, set(), True, True)),
            ("float64", {k: v.double() if v.is_floating_point() else v for k, v in state.items()}, {}, (0, None, False, True)),
            ("bfloat16", {k: v.bfloat16() if v.is_floating_point() else v for k, v in state.items()}, {}, (1, drift, False, True)),
            ("swapped rows", swapped, {}, (1, drift, False, True)),
            ("a flipped bit", flipped, {}, (1, None, False, True))]:
        other = folder("other.pt")
        torch.save(value, other, **how)
        got = forward(other, arch, out, "--ignore-unexpected", "*")
        tally.holds(got[0] == want[0] and got[2:] == want[2:] and (want[1] is None or want[1] <= got[1]), what, f"{got}, expected {want}")
    torch.save({k: v.bfloat16() if v.is_floating_point() else v for k, v in state.items()}, folder("other.pt"))
    tally.holds(forward(folder("other.pt"), arch, out, "--atol", "0.05")[0] == 0, "bfloat16 within a tolerance of its own")


def training_mode(tally, folder):
    """Goldens of model.train(): norms with the batch's statistics."""
    for cls, x in [(Net, torch.rand(4, 3, 8, 8)), (Words, torch.randint(50, (3, 9)))]:
        model, path, arch = make(cls), folder("m.pt"), folder("a.json")
        torch.save(model.state_dict(), path)
        with open(arch, "w", encoding="utf-8") as f:
            json.dump(ARCHS[cls], f)
        numpy.save(folder("x.npy"), x.numpy())
        trained = copy.deepcopy(model).train()(x).detach().numpy()
        for what, y, want in [("train", trained, {"FWD703/drift", "FWD703/training-mode"}), ("eval", model(x).detach().numpy(), set()),
                              ("neither", trained + 1, {"FWD703/drift"})]:
            numpy.save(folder("y.npy"), y)
            done = run("forward", path, "--arch", arch, "--input", folder("x.npy"), "--expect", folder("y.npy"), "--format", "json")
            found = {f["rule"] + "/" + f["reason"] for f in json.loads(done.stdout)["files"][0]["findings"] if f["severity"] != "info"}
            tally.holds(found == want, f"{cls.__name__}: goldens of {what}", f"{found}, expected {want}")


def training_mode_beside_an_output_without_a_golden(tally, folder):
    model, path, arch = make(Net), folder("m.pt"), folder("a.json")
    torch.save(model.state_dict(), path)
    torch.manual_seed(3)
    numpy.save(folder("y.npy"), model.train()(torch.rand(4, 3, 8, 8)).detach().numpy())
    two = {**ARCHS[Net], "forward(x)": ["h = relu(bn(conv(x)))", "fc(flatten(h, 1)), h"],
           "tests": [{"B": 4, "x": "rand(3)", "output0": {"file": "y.npy"}}]}
    del two["outputs"]
    with open(arch, "w", encoding="utf-8") as f:
        json.dump(two, f)
    found = json.loads(run("forward", path, "--arch", arch, "--format", "json").stdout)["files"][0]["findings"]
    reasons = {f["reason"] for f in found if f["severity"] != "info"}
    tally.holds(reasons == {"drift", "training-mode"}, "goldens of train, beside an output without one", str(found))


def steps_are_torchs(tally, folder):
    """-v: minimum, maximum and mean of each step, as hooks of torch see them."""
    model, path, arch = make(Net), folder("m.pt"), folder("a.json")
    torch.save(model.state_dict(), path)
    with open(arch, "w", encoding="utf-8") as f:
        json.dump(ARCHS[Net], f)
    torch.manual_seed(0)
    x = torch.rand(1, 3, 8, 8)
    seen = [model.conv(x), model.bn(model.conv(x)), torch.relu(model.bn(model.conv(x))), model(x)]
    done = run("forward", path, "--arch", arch, "-v", "--format", "json")
    steps = json.loads(done.stdout)["files"][0]["forward"][0]["steps"]
    tally.holds([s["op"] for s in steps] == ["conv2d", "batch_norm2d", "relu", "linear"], "the steps", str(steps))
    for step, t in zip(steps, seen):
        figures = [t.min().item(), t.max().item(), t.mean().item()]
        near = numpy.allclose([step["min"], step["max"], step["mean"]], figures, rtol=1e-3, atol=1e-5)
        tally.holds(near and step["shape"] == list(t.shape) and step["nonfinite"] == 0, f"-v: {step['op']}", f"{step}, torch {figures}")
    tally.holds("steps" not in json.loads(run("forward", path, "--arch", arch, "--format", "json").stdout)["files"][0]["forward"][0],
                "no steps without -v")


def main():
    tally = Checks()
    for part in [record_is_torch, given_inputs_are_kept, conversions, training_mode, training_mode_beside_an_output_without_a_golden, steps_are_torchs]:
        with tempfile.TemporaryDirectory() as root:
            part(tally, lambda name, root=root: os.path.join(root, name))
    return tally.end()


sys.exit(main())
