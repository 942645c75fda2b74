"""Runs statements of a forward through the command line, and compares what they give with PyTorch's."""
import json
import os
import subprocess

import numpy
import torch

DTYPES = {torch.float32: "float32", torch.int64: "int64", torch.bool: "bool"}


def as_numpy(t):
    """Every floating dtype computes as float32, every integer dtype as int64."""
    return t.detach().numpy() if t.dtype in DTYPES else t.detach().to(torch.float32 if t.is_floating_point() else torch.int64).numpy()


class Folder:
    """A checkpoint, inputs by name, and what statements make of them. modules: name -> line of the architecture file."""

    def __init__(self, path, inputs, state, modules, config=None):
        self.path, self.inputs, self.modules, self.config = path, inputs, modules, config or {}
        torch.save(state, self.at("m.pt"))
        for name, t in inputs.items():
            numpy.save(self.at(name + ".npy"), t.numpy())

    def at(self, name):
        return os.path.join(self.path, name)

    def ckptlint(self, statements, count=None):
        """Exit code, report, outputs: one for each statement, or as many as the only statement gives."""
        count = count or len(statements)
        ports = {name: "%s[%s]" % (DTYPES[t.dtype], ", ".join(map(str, t.shape))) for name, t in self.inputs.items()}
        body = ["o%d = %s" % (i, s) for i, s in enumerate(statements)] + ["return " + ", ".join("o%d" % i for i in range(len(statements)))]
        arch = {"arch": 1, "name": "Statements", "config": self.config, "modules": self.modules, "ignore": ["unused"], "inputs": ports, "forward(%s)" % ", ".join(ports): body}
        with open(self.at("arch.json"), "w") as f:
            json.dump(arch, f)
        args = [os.environ["CKPTLINT"], "forward", self.at("m.pt"), "--arch", self.at("arch.json"), "--format", "json"]
        for name in ports:
            args += ["--input", "%s=%s" % (name, self.at(name + ".npy"))]
        outputs = ["output"] if count == 1 else ["output%d" % i for i in range(count)]
        for name in outputs:
            args += ["--save-output", "%s=%s" % (name, self.at(name + ".npy"))]
        run = subprocess.run(args, capture_output=True, text=True)
        report = json.loads(run.stdout)["files"][0]
        computed = report.get("forward", [{}])[0].get("status") in ("pass", "computes")
        return run.returncode, report, [numpy.load(self.at(name + ".npy")) for name in outputs] if computed else None


def difference(got, want):
    if want.dtype not in DTYPES:
        want = torch.from_numpy(as_numpy(want))
    if got.dtype != want.numpy().dtype or got.shape != tuple(want.shape):
        return "%s %s, PyTorch has %s %s" % (got.dtype, got.shape, want.numpy().dtype, tuple(want.shape))
    if not numpy.allclose(got, want.numpy(), rtol=1e-5, atol=1e-6, equal_nan=True):
        return "off by %g" % numpy.abs(got.astype(float) - want.numpy().astype(float)).max()
    return None


def said(report):
    return [f["message"] for f in report.get("findings", [])]
