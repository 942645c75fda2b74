"""Statements of a forward, word for word the same for PyTorch and for ckptlint: both must give the same tensors, and what
PyTorch refuses must be refused. Through the command line, so lexer, lowering and op at once. Needs Debian's
python3-torch."""
import json
import os
import subprocess
import sys
import tempfile

try:
    import numpy
    import torch
    from statements import REFUSED, TAKEN, names
except ImportError:
    print("SKIPPED torch_statements: python3-torch is not installed")
    sys.exit(0)

DTYPES = {torch.float32: "float32", torch.int64: "int64", torch.bool: "bool"}
BATCH = 50  # statements of one run


def as_numpy(t):
    """Every floating dtype computes as float32, every integer dtype as int64."""
    return t.detach().numpy() if t.dtype in DTYPES else t.detach().to(torch.float32 if t.is_floating_point() else torch.int64).numpy()


class Folder:
    def __init__(self, path):
        torch.manual_seed(1)
        self.path = path
        self.inputs = {"x": torch.randn(2, 3, 4), "y": torch.randn(4), "z": torch.randn(3, 1), "im": torch.rand(1, 4, 6, 6),
                       "n": torch.tensor([[0, 1, 2], [2, 0, 1]]), "k": torch.tensor([1, 0, 2, 1]), "b": torch.tensor([[True, False, True], [False, False, True]])}
        self.weight = torch.randn(4, 4)
        torch.save({"w": self.weight}, self.at("m.pt"))
        for name, t in self.inputs.items():
            numpy.save(self.at(name + ".npy"), t.numpy())

    def at(self, name):
        return os.path.join(self.path, name)

    def ckptlint(self, statements):
        """Exit code, report, outputs."""
        ports = {name: "%s[%s]" % (DTYPES[t.dtype], ", ".join(map(str, t.shape))) for name, t in self.inputs.items()}
        body = ["o%d = %s" % (i, s) for i, s in enumerate(statements)] + ["return " + ", ".join("o%d" % i for i in range(len(statements)))]
        arch = {"arch": 1, "name": "Statements", "modules": {"w": "Parameter((4, 4))"}, "inputs": ports, "forward(%s)" % ", ".join(ports): body}
        with open(self.at("arch.json"), "w") as f:
            json.dump(arch, f)
        args = [os.environ["CKPTLINT"], "forward", self.at("m.pt"), "--arch", self.at("arch.json"), "--format", "json"]
        for name in ports:
            args += ["--input", "%s=%s" % (name, self.at(name + ".npy"))]
        outputs = ["output"] if len(statements) == 1 else ["output%d" % i for i in range(len(statements))]
        for name in outputs:
            args += ["--save-output", "%s=%s" % (name, self.at(name + ".npy"))]
        run = subprocess.run(args, capture_output=True, text=True)
        report = json.loads(run.stdout)["files"][0]
        computed = report.get("forward", [{}])[0].get("status") in ("pass", "computes")
        return run.returncode, report, [numpy.load(self.at(name + ".npy")) for name in outputs] if computed else None

    def torch(self, statement):
        with torch.no_grad():
            return eval(statement, dict(names(), w=self.weight, **self.inputs))


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


def judge_taken(folder, statements):
    """Pairs of a statement and what is wrong with it."""
    code, report, outputs = folder.ckptlint(statements)
    if outputs is None and len(statements) > 1:
        return [wrong for s in statements for wrong in judge_taken(folder, [s])]
    if outputs is None:
        return [(statements[0], "exit %d: %s" % (code, said(report)))]
    found = []
    for s, out in zip(statements, outputs):
        try:
            found.append((s, difference(out, folder.torch(s))))
        except Exception as e:
            found.append((s, "PyTorch: %s" % e))
    return [(s, wrong) for s, wrong in found if wrong]


def judge_refused(folder, statement, code):
    try:
        folder.torch(statement)
        if code == 1:
            return "PyTorch takes it"
    except (RuntimeError, ValueError, TypeError, IndexError):
        pass
    got, report, outputs = folder.ckptlint([statement])
    return None if outputs is None and got == code else "exit %d, expected %d: %s" % (got, code, said(report))


def main():
    wrong = []
    chosen = [s for s in TAKEN if not sys.argv[1:] or any(word in s for word in sys.argv[1:])]
    with tempfile.TemporaryDirectory() as path:
        folder = Folder(path)
        for i in range(0, len(chosen), BATCH):
            wrong += judge_taken(folder, chosen[i:i + BATCH])
        for statement, code in REFUSED:
            why = judge_refused(folder, statement, code)
            wrong += [(statement, why)] if why else []
    for statement, why in wrong:
        print("%s: %s" % (statement, why))
    print("%d passed, %d failed" % (len(chosen) + len(REFUSED) - len(wrong), len(wrong)))
    return len(wrong) > 0


sys.exit(main())
