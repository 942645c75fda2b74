"""The cases of PyTorch's own authors (torch_cases.py), told as users tell them: validator/tools/ckptlint_export.py writes the
architecture file, torch the checkpoint, and `ckptlint forward` must compute what torch does (rtol 1e-4, atol 1e-5). Cases that are not
run are named with the reason. With --all every sample of every function, also of integers and bools; else the first ones in float32. Other
arguments choose cases by a part of their name. Needs Debian's python3-torch."""
import collections
import glob
import json
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")
try:
    import numpy
    import torch
    from torch import nn
    import torch_cases
except ImportError:
    print("SKIPPED torch_own: python3-torch is not installed")
    sys.exit(0)
sys.path.insert(0, os.path.join(ROOT, "validator", "tools"))
from ckptlint_export import Known, Refused, export  # noqa: E402

COMPUTED = (torch.float32, torch.int64, torch.bool)
HELD = {torch.float64: "f4", torch.int32: "i8"}  # what is held as another one of these
BATCH = 16  # cases of one process
FEW = 3  # samples of a function
LEAST = 1900  # cases that must pass without --all: a table that loses some must be noticed
TOLD_OTHERWISE = {"unfold", "T", "mT", "H", "mH", "zero_", "new_zeros", "new_ones", "new_full"} | {"__r%s__" % name for name in ("add", "sub", "mul", "div", "matmul", "and", "or", "xor", "mod", "pow")}
NO_FUNCTION = {"uniform": "random numbers", "cdist": "PyTorch's own is inexact where it multiplies matrices", "slice": "a call of torch.ops", "__getitem__": "called as a descriptor"}


ORDERED = ("argsort", "kthvalue", "median", "nanmedian", "sort", "topk")


class Skip(Exception):
    """The case is not run, and why."""


# ---- a model that calls cases one behind the other ----


class Place:
    """Where a tensor stands among arguments."""

    def __init__(self, i):
        self.i = i


def taken_out(thing, tensors):
    if isinstance(thing, torch.Tensor):
        tensors.append(thing)
        return Place(len(tensors) - 1)
    if type(thing) in (list, tuple):
        return type(thing)(taken_out(part, tensors) for part in thing)
    return {k: taken_out(v, tensors) for k, v in thing.items()} if isinstance(thing, dict) else thing


def put_back(thing, tensors):
    if isinstance(thing, Place):
        return tensors[thing.i]
    if type(thing) in (list, tuple):
        return type(thing)(put_back(part, tensors) for part in thing)
    return {k: put_back(v, tensors) for k, v in thing.items()} if isinstance(thing, dict) else thing


def flat(result):
    """The tensors of a result, in order."""
    value = result.known() if isinstance(result, Known) else result
    if isinstance(value, torch.Tensor):
        return [result]
    if isinstance(value, (tuple, list)):
        return [t for i, part in enumerate(value) if part is not None for t in flat(result[i])]
    raise Skip("the result is no tensor")


class Calls(nn.Module):
    def __init__(self, cases):
        super().__init__()
        self.tensors, self.calls = [], []
        for i, case in enumerate(cases):
            if isinstance(case.function, nn.Module):
                self.add_module("layer%d" % i, case.function)
            self.calls.append((case.function, taken_out(case.args, self.tensors), taken_out(case.kwargs, self.tensors)))
        self.inputs = {"x%d" % i: t for i, t in enumerate(self.tensors)}

    def all_of(self, *given):
        return tuple(t for f, args, kwargs in self.calls for t in flat(f(*put_back(args, given), **put_back(kwargs, given))))

    def results(self):
        return self.all_of(*(t.clone() for t in self.tensors))


def model_of(cases):
    calls = Calls(cases)
    names = "".join(", " + name for name in calls.inputs)  # torch.fx wants arguments that have names
    space = {}
    exec("def forward(self%s): return self.all_of(%s)" % (names, names[2:]), space)
    calls.__class__ = type("Calls", (Calls,), {"forward": space["forward"]})
    return calls


# ---- what is run ----


def computed(tensors, what):
    if any(t.dtype not in COMPUTED and t.dtype not in HELD or t.layout != torch.strided for t in tensors):
        raise Skip(what + " of %s" % ", ".join(sorted({str(t.dtype)[6:] for t in tensors} - {"float32", "int64", "bool"})))


def check(case):
    """Raises Skip."""
    first = next((a for a in case.args if isinstance(a, torch.Tensor)), None)
    if case.name.split()[0] in ORDERED and first is not None and first.dtype != torch.float32:
        raise Skip("equal elements may stand in any order")
    model = model_of([case])
    computed(model.tensors, "an input")
    if not model.tensors:
        raise Skip("it has no input")
    try:
        with torch.no_grad():
            results = model.results()
    except Skip:
        raise
    except Exception as error:  # of whatever kind
        raise Skip("PyTorch: %s" % str(error).split("\n")[0])
    computed(results, "a result")
    if not results:
        raise Skip("no result")


def with_constants(model):
    """Tensors that a case's function has in itself, which torch.fx has found, become buffers. False: there are none."""
    found = {name: value for name, value in vars(model).items() if name.startswith("_tensor_constant")}
    for name, value in found.items():
        delattr(model, name)
        model.register_buffer("held" + name, value)
    return bool(found)


def exported(model, path):
    try:
        try:
            export(model, model.inputs, path)
        except Refused:
            if not with_constants(model):
                raise
            export(model, model.inputs, path)
    except Refused as error:
        raise Skip("the exporter refuses: %s" % error)
    except TypeError as error:
        raise Skip("torch.fx does not see it: %s" % str(error).split("\n")[0][:80])


def saved(model, path):
    """The checkpoint; the architecture file is told to ignore what stands for no weights at all."""
    state = model.state_dict()
    torch.save(state or {"unused": torch.zeros(1)}, path + ".pt")
    if not state:
        with open(path + ".json") as f:
            arch = json.load(f)
        with open(path + ".json", "w") as f:
            json.dump({**arch, "ignore": ["unused"]}, f)


def difference(got, want):
    if got.shape != want.shape or got.dtype != want.dtype:
        return "%s %s, PyTorch has %s %s" % (got.dtype, list(got.shape), want.dtype, list(want.shape))
    if not numpy.allclose(got, want, rtol=1e-4, atol=1e-5, equal_nan=True):
        with numpy.errstate(all="ignore"):
            return "off by %g" % numpy.nanmax(numpy.abs(got.astype("f8") - want.astype("f8")))
    return None


def judge(cases):
    """None, or what is wrong. Raises Skip."""
    model = model_of(cases)
    with torch.no_grad():
        wanted = [t.numpy().astype(HELD.get(t.dtype, t.numpy().dtype)) for t in model.results()]
    names = ["y%d" % i for i in range(len(wanted))] if len(wanted) > 1 else ["y"]
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "m")
        exported(model, path + ".json")
        saved(model, path)
        outputs = [word for name in names for word in ("--save-output", "%s=%s.got.%s.npy" % (name, path, name))]
        run = subprocess.run([os.environ["CKPTLINT"], "forward", path + ".pt", "--arch", path + ".json", "--format", "json", *outputs], capture_output=True, text=True)
        report = json.loads(run.stdout)["files"][0]
        said = "exit %d: %s" % (run.returncode, "; ".join(f["message"] for f in report.get("findings", [])).replace(folder, ""))
        if run.returncode == 2:  # never a guess: a wrong answer would be another one
            raise Skip("not checked: " + re.sub(r".*\): ", "", said))
        if not all(os.path.exists("%s.got.%s.npy" % (path, name)) for name in names):
            return said
        wrong = [difference(numpy.load("%s.got.%s.npy" % (path, name)), want) for name, want in zip(names, wanted)]
    wrong = next((w for w in wrong if w), None)
    finite = all(numpy.isfinite(want).all() for want in wanted)
    return wrong or (said if run.returncode and finite else None)


class Score:
    def __init__(self):
        self.passed, self.failed, self.skipped = 0, 0, collections.Counter()

    def skip(self, name, why):
        self.skipped[str(why)] += 1
        print("skipped: %s: %s" % (name, why))

    def one(self, case):
        try:
            wrong = judge([case])
        except Skip as why:
            self.skip(case.name, why)
            return
        self.passed, self.failed = self.passed + (wrong is None), self.failed + (wrong is not None)
        if wrong:
            print("%s: %s" % (case.name, wrong))

    def several(self, cases):
        """Many in one process; where something is wrong, each in its own."""
        try:
            whole = judge(cases) is None
        except Skip:
            whole = False
        self.passed += len(cases) if whole else 0
        for case in [] if whole else cases:
            self.one(case)

    def all(self, cases):
        ready = []
        for case in cases:
            try:
                check(case)
                ready.append(case)
            except Skip as why:
                self.skip(case.name, why)
        self.ready(ready)

    def ready(self, cases):
        """Of cases that check() let through."""
        for i in range(0, len(cases), BATCH):
            self.several(cases[i:i + BATCH])


def names_known():
    """What a forward statement may call, from the tables."""
    text = ""
    for path in sorted(glob.glob(os.path.join(ROOT, "validator", "forward", "*.def"))) + [os.path.join(ROOT, "validator", "forward", "several.c")]:
        with open(path) as f:
            text += f.read()
    return set(re.findall(r"\b[A-Z_]+\((\w+)", text))  # rows, by whatever macro


def of_functions(score, every, chosen):
    known = names_known() | {"adaptive_%s_pool%dd" % (kind, d) for kind in ("avg", "max") for d in (1, 2, 3)} | TOLD_OTHERWISE
    for op in torch_cases.common_methods_invocations.op_db:
        name, last = torch_cases.op_name(op), op.name.split(".")[-1]
        if chosen and not any(word in name for word in chosen):
            continue
        if last in NO_FUNCTION or not {last, op.name.replace(".", "_")} & known:
            score.skip(name, NO_FUNCTION.get(last, "no operation of this name"))
            continue
        for dtype in COMPUTED if every else COMPUTED[:1]:
            if dtype in op.dtypes:
                score.all(torch_cases.op_cases(op, dtype, None if every else FEW))


def main():
    every, chosen = "--all" in sys.argv, [word for word in sys.argv[1:] if word != "--all"]
    score = Score()
    layers = [c for cases in (torch_cases.module_cases(), torch_cases.module_db_cases()) for c in cases]
    score.all(c for c in layers if not chosen or any(word in c.name for word in chosen))
    of_functions(score, every, chosen)
    if not chosen and score.passed < LEAST:
        print("only %d cases pass, %d were to" % (score.passed, LEAST))
        score.failed += 1
    print("%d skipped" % sum(score.skipped.values()))
    print("%d passed, %d failed" % (score.passed, score.failed))
    return score.failed > 0


if __name__ == "__main__":
    sys.exit(main())
