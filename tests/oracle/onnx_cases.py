"""The ONNX backend tests, written by others: each model becomes an architecture file and a checkpoint, and the command line must
give the recorded outputs (rtol 1e-4, atol 1e-5). So pickle reader, language, lowering and op are tried at once. A case that can't
be told in PyTorch's terms is named with the reason. Needs Debian's libonnx-testdata and python3-torch (to save the weights)."""
import json
import os
import subprocess
import sys
import tempfile
import warnings

ROOT = "/usr/share/libonnx-testdata/data"
try:
    import numpy
    import torch
except ImportError:
    print("SKIPPED onnx_cases: python3-torch is not installed")
    sys.exit(0)
if not os.path.isdir(ROOT):
    print("SKIPPED onnx_cases: libonnx-testdata is not installed")
    sys.exit(0)
from onnx_nodes import Model, Skip  # noqa: E402
from onnx_read import Case, Unreadable, folders  # noqa: E402

LEAST = 710  # cases that must be usable: a converter that loses some must be noticed
PORTS = {"f": "float32", "i": "int64", "u": "int64", "b": "bool"}


def supported(case):
    for array in list(case.inputs.values()) + list(case.outputs.values()) + list(case.constants.values()):
        if array.dtype == numpy.float16:
            raise Skip("float16: everything is computed in float32")
        if array.dtype == numpy.float64 and numpy.any(numpy.abs(array) > numpy.finfo("f4").max):
            raise Skip("float64 values that float32 does not have")
        if array.dtype == numpy.uint64:
            raise Skip("uint64")
    if "BFLOAT16" in case.name:
        raise Skip("bfloat16 is recorded as its bits")
    if not case.inputs or not case.outputs:
        raise Skip("no inputs or no outputs")


def port(array):
    return PORTS[array.dtype.kind] + ("[%s]" % ", ".join(map(str, array.shape)) if array.shape else "")


def write(folder, case):
    """The options of the command line."""
    model = Model(case)
    model.run()
    for name in case.outputs:
        if name not in model.names:
            raise Skip("an output that is constant")
    if not model.used:
        raise Skip("no input is used")
    at = lambda name: os.path.join(folder, name)  # noqa: E731
    used = [(i, name) for i, name in enumerate(case.inputs) if name in model.used]
    ports = {"x%d" % i: port(case.inputs[name]) for i, name in used}
    arch = {"arch": 1, "name": "Case", "modules": model.modules, "inputs": ports, "ignore": ["unused"],
            "forward(%s)" % ", ".join(ports): model.statements + ["return " + ", ".join(model.names[name] for name in case.outputs)]}
    with open(at("arch.json"), "w") as f:
        json.dump(arch, f)
    state = {key: torch.from_numpy(numpy.array(v)) for key, v in model.state.items()}
    torch.save(state or {"unused": torch.zeros(1)}, at("m.pt"))
    options = ["forward", at("m.pt"), "--arch", at("arch.json"), "--format", "json"]
    for i, name in used:
        numpy.save(at("x%d.npy" % i), case.inputs[name])
        options += ["--input", "x%d=%s" % (i, at("x%d.npy" % i))]
    count = len(case.outputs)
    for i in range(count):
        options += ["--save-output", "output%s=%s" % (i if count > 1 else "", at("y%d.npy" % i))]
    return options


def difference(got, want):
    if got.shape != want.shape:
        return "shape %s, recorded is %s" % (got.shape, want.shape)
    if PORTS[want.dtype.kind] != str(got.dtype):
        return "%s, recorded is %s" % (got.dtype, want.dtype)
    if not numpy.allclose(got.astype("f8"), want.astype("f8"), rtol=1e-4, atol=1e-5, equal_nan=True):
        return "off by %g" % numpy.nanmax(numpy.abs(got.astype("f8") - want.astype("f8")))
    return None


def judge(case):
    """None, or what is wrong; Skip, when the case can't be told."""
    supported(case)
    with tempfile.TemporaryDirectory() as folder:
        options = write(folder, case)
        run = subprocess.run([os.environ["CKPTLINT"], *options], capture_output=True, text=True)
        report = json.loads(run.stdout)["files"][0]
        saved = [os.path.join(folder, "y%d.npy" % i) for i in range(len(case.outputs))]
        if not all(os.path.exists(path) for path in saved):
            with open(os.path.join(folder, "arch.json")) as f:
                forward = f.read().split('"forward', 1)[1]
            return "exit %d: %s; %s" % (run.returncode, [f["message"] for f in report.get("findings", [])], forward)
        wrong = [difference(numpy.load(path), want) for path, want in zip(saved, case.outputs.values())]
    return next((w for w in wrong if w), None)


def main():
    warnings.simplefilter("ignore")
    passed = failed = 0
    for path in folders(ROOT, ["node", "pytorch-converted", "pytorch-operator", "simple"]):
        name = "/".join(path.split("/")[-2:])
        if sys.argv[1:] and not any(word in name for word in sys.argv[1:]):
            continue
        try:
            wrong = judge(Case(path))
        except (Skip, Unreadable) as why:
            print("skipped: %s: %s" % (name, why))
            continue
        if wrong:
            print("%s: %s" % (name, wrong))
        passed, failed = passed + (wrong is None), failed + (wrong is not None)
    if not sys.argv[1:] and passed + failed < LEAST:
        print("only %d cases could be told, %d were before" % (passed + failed, LEAST))
        failed += 1
    print("%d passed, %d failed" % (passed, failed))
    return failed > 0


sys.exit(main())
