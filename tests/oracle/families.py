"""The model families of rules/models beside independent sources: every classification model of torchvision must have its keys,
order, shapes and parameters in a family, and its state dict must be found to be that model. Needs Debian's python3-torchvision for
that part."""
import glob
import json
import os
import subprocess
import sys
import tempfile
import warnings

from found import Tally

HERE = os.path.dirname(os.path.abspath(__file__))
FAMILIES = os.path.join(HERE, "..", "..", "rules", "models")
EXPECTED = os.path.join(os.environ["OUT"], "tests", "oracle", "expected")
FULL = 9_000_000  # parameters; larger models are judged by their metadata alone

try:
    import torch
    import torchvision
except ImportError:
    torch = torchvision = None


# ---- words ----

def ckptlint(*args):
    """Exit code and the report of one file."""
    run = subprocess.run([os.environ["CKPTLINT"], *args, "--format", "json"], capture_output=True, text=True)
    if not run.stdout:
        return run.returncode, {"findings": [], "verdict": run.stderr.strip()}
    return run.returncode, json.loads(run.stdout)["files"][0]


def read_families():
    """Name or published name to its file and preset."""
    known = {}
    for path in sorted(glob.glob(os.path.join(FAMILIES, "*.json"))):
        with open(path) as f:
            family = json.load(f)
        for name in [os.path.basename(path)[:-5], *family.get("presets", {})]:
            if name in known and os.path.basename(known[name][0])[:-5] != name:
                raise SystemExit(f"{name} is known by {known[name][0]} and {path}")
            known.setdefault(name, (path, name if name in family.get("presets", {}) else "-"))
    return known


def expected(path, preset="-", root="-"):
    """Lines of (what, key, dtype, sizes), the ties and the number of parameters; None and a text when there is no such model."""
    run = subprocess.run([EXPECTED, path, preset, root], capture_output=True, text=True)
    keys, ties, total = [], {}, None
    for line in run.stdout.splitlines():
        what, *rest = line.split(" ")
        if what == "tie":
            ties[rest[0]] = rest[1]
        elif what == "parameters":
            total = int(rest[0])
        else:
            keys.append((what, rest[0], rest[1], tuple(map(int, rest[2:]))))
    return (keys, ties, total) if total is not None else (None, run.stderr, None)


SAFETENSORS = {"float32": ("F32", 4), "float": ("F32", 4), "any": ("F32", 4), "float16": ("F16", 2), "bfloat16": ("BF16", 2),
               "int64": ("I64", 8), "uint8": ("U8", 1), "bool": ("BOOL", 1)}


def write_safetensors(path, tensors):
    """A file of (key, dtype, sizes) whose bytes are all zero, and a hole where the file system has holes."""
    header, at = {}, 0
    for key, dtype, sizes in tensors:
        code, size = SAFETENSORS[dtype]
        for n in sizes:
            size *= n
        header[key] = {"dtype": code, "shape": list(sizes), "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(len(text).to_bytes(8, "little") + text)
        f.truncate(8 + len(text) + at)


def said(report):
    """Its findings, but for the note that --depth quick leaves numbers out."""
    return [f["rule"] + "/" + f["reason"] + " " + f["message"] for f in report["findings"] if f["reason"] != "check-skipped"]


# ---- torchvision ----

def wrong_in_list(module, known):
    keys, ties, total = expected(*known)
    if keys is None:
        return ties
    buffers = {name for name, _ in module.named_buffers()}
    state = module.state_dict()
    want = [("buffer" if key in buffers else "parameter", key, str(t.dtype).replace("torch.", ""), tuple(t.shape)) for key, t in state.items()]
    found = [(what, key, "float32" if dtype == "float" else dtype, sizes) for what, key, dtype, sizes in keys]
    for a, b in zip(found, want):
        if a != b:
            return f"{a}, torchvision has {b}"
    if len(found) != len(want):
        return f"{len(found)} keys, torchvision has {len(want)}"
    parameters = sum(p.numel() for p in module.parameters())
    return None if total == parameters else f"{total} parameters, torchvision has {parameters}"


def wrong_when_checked(name, module, folder):
    """Small models as torch.save writes them, with numbers in them; of the others a file that has no bytes."""
    state = module.state_dict()
    parameters = sum(p.numel() for p in module.parameters())
    path = os.path.join(folder, name + ".pt")
    depth = "full" if parameters < FULL else "quick"
    if depth == "full":
        for key, t in state.items():
            t.copy_(torch.rand(t.shape) if t.is_floating_point() else torch.zeros(t.shape))
        torch.save(state, path)
    else:
        write_safetensors(path, [(key, str(t.dtype).replace("torch.", ""), t.shape) for key, t in state.items()])
    code, report = ckptlint("check", "--depth", depth, "--arch", name, path)
    os.remove(path)
    check = report.get("check", {})
    if code != 0 or report["verdict"] != "clean" or said(report):
        return f"exit {code}, {report['verdict']}: {said(report)}"
    if (check["matched"], check["missing"], check["unexpected"], check["params_loaded"]) != (len(state), 0, 0, parameters):
        return f"not all of {len(state)} keys and {parameters} parameters match: {check}"
    return None


def judge_torchvision(tally, known, folder):
    warnings.simplefilter("ignore")
    for name in dir(torch.nn.init):  # hundreds of millions of numbers that nobody looks at
        if name.endswith("_") and not name.startswith("_"):
            setattr(torch.nn.init, name, lambda tensor, *args, **kwargs: tensor)
    for name in torchvision.models.list_models(module=torchvision.models):
        if name not in known:
            tally.check(name, "no family has this model")
            continue
        module = getattr(torchvision.models, name)()
        tally.check(name + ": list", wrong_in_list(module, known[name]))
        tally.check(name + ": check", wrong_when_checked(name, module, folder))


def main():
    tally = Tally()
    known = read_families()
    with tempfile.TemporaryDirectory() as folder:
        if torchvision:
            judge_torchvision(tally, known, folder)
        else:
            print("SKIPPED families: python3-torchvision is not installed: its models are not compared")
    return tally.end()


sys.exit(main())
