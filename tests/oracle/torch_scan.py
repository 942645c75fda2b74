"""Files written by torch itself: ckptlint must read the same keys, dtypes, shapes, strides and bytes, and refuse none.
Needs Debian's python3-torch."""
import collections
import hashlib
import json
import os
import subprocess
import sys
import tempfile

try:
    import torch
except ImportError:
    print("SKIPPED torch_scan: python3-torch is not installed")
    sys.exit(0)

DTYPES = (torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.int8,
          torch.uint8, torch.bool, torch.complex64, torch.complex128)


def sample(dtype):
    return (torch.arange(24).reshape(2, 3, 4) % 7).to(dtype)


def model():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.ReLU(), torch.nn.Linear(4, 2))


def training():
    net = model()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, [2, 4])
    net[3](torch.randn(5, 4)).sum().backward()
    optimizer.step()
    return {"epoch": 3, "model_state_dict": net.state_dict(), "optimizer_state_dict": optimizer.state_dict(),
            "scheduler_state": scheduler.state_dict(), "loss": 0.25, "rng": torch.get_rng_state()}


def objects():
    """Name, object, whether a loader needs classes for it."""
    base = torch.arange(60, dtype=torch.float32).reshape(3, 4, 5)
    for dtype in DTYPES:
        yield "dtype_" + str(dtype).split(".")[1], {"x": sample(dtype)}, False
    yield "views", {"t": base.transpose(0, 2), "row": base[1], "step": base[:, ::2, 1:], "flat": base.view(-1)[7:19]}, False
    yield "expanded", {"e": torch.ones(1, 3).expand(4, 3)}, False
    yield "empty", {"z": torch.zeros(0, 3), "s": torch.tensor(2.5), "one": torch.zeros(1, 1, 1)}, False
    yield "tied", (lambda w: {"a.weight": w, "b.weight": w})(torch.randn(5, 5)), False
    yield "nested", {"a": [{"b": (torch.ones(2), {3: torch.zeros(1)})}], "n": None, "t": (1, 2.5, True, "x", b"y")}, False
    yield "tensor", torch.randn(3, 3), False
    yield "list", [torch.ones(1), torch.zeros(2)], False
    yield "parameter", {"p": torch.nn.Parameter(torch.ones(2, 2)), "q": torch.nn.Parameter(torch.ones(2), requires_grad=False)}, False
    yield "state_dict", model().state_dict(), False
    yield "training", training(), False
    yield "names", {"名前.weight": torch.ones(2), "a b": torch.ones(1), "": torch.zeros(1)}, False
    yield "many", collections.OrderedDict((f"layer.{i}.weight", torch.full((3,), float(i))) for i in range(2000)), False
    yield "quantized", {"q": torch.quantize_per_tensor(base, 0.1, 10, torch.quint8)}, False
    yield "channels", {"q": torch.quantize_per_channel(base, torch.tensor([.1, .2, .3]), torch.tensor([0, 1, 2]), 0, torch.qint8)}, False
    yield "module", model(), True


def files(folder):
    for name, thing, classes in objects():
        for variant, options in (("zip", {}), ("legacy", {"_use_new_zipfile_serialization": False}), ("protocol4", {"pickle_protocol": 4})):
            path = os.path.join(folder, f"{name}.{variant}.pt")
            torch.save(thing, path, **options)
            yield path, thing, classes
    tag = torch.serialization.location_tag
    torch.serialization.location_tag = lambda storage: "cuda:0"  # what a GPU host writes
    try:
        for variant, options in (("zip", {}), ("legacy", {"_use_new_zipfile_serialization": False})):
            path = os.path.join(folder, f"cuda.{variant}.pt")
            torch.save(model().state_dict(), path, **options)
            yield path, model().state_dict(), False
    finally:
        torch.serialization.location_tag = tag


def join(path, key):
    return f"{path}/{key}" if path else str(key)


def tensors(thing, path=""):
    """Every tensor of what was saved, with the key that ckptlint gives it."""
    if isinstance(thing, torch.Tensor):
        yield path, thing
    elif isinstance(thing, torch.nn.Module):
        yield from tensors(thing.__dict__, path)
    elif isinstance(thing, dict):
        for key, value in thing.items():
            yield from tensors(value, join(path, key))
    elif isinstance(thing, (list, tuple)):
        for i, value in enumerate(thing):
            yield from tensors(value, join(path, i))


def digest(t):
    t = t.detach().contiguous()
    if t.is_quantized:
        t = t.int_repr()
    raw = t.view(torch.int16) if t.dtype is torch.bfloat16 else t
    return hashlib.sha256(raw.numpy().tobytes()).hexdigest()


def facts(t):
    return {"dtype": str(t.dtype).split(".")[1], "shape": list(t.shape), "stride": list(t.stride()),
            "storage_offset": t.storage_offset(), "numel": t.numel(), "sha256": digest(t)}


def judge(path, thing, classes):
    run = subprocess.run([os.environ["CKPTLINT"], "inspect", "--tensors", "--hash", "sha256", "--format", "json", path],
                         capture_output=True, text=True)
    report = json.loads(run.stdout)["files"][0]
    if report["verdict"] not in ("clean", "findings") or (classes is False and run.returncode != 0):
        return f"verdict {report['verdict']}, exit {run.returncode}"
    found = {t["key"]: t for t in report.get("tensors", [])}
    wanted = dict(tensors(thing))
    if set(found) != set(wanted):
        return f"keys differ: {sorted(set(found) ^ set(wanted))[:4]}"
    for key, tensor in wanted.items():
        want = facts(tensor)
        got = {k: found[key][k] for k in want}
        if got != want:
            return f"{key}: {got}, torch says {want}"
    return None


def main():
    passed = failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for path, thing, classes in files(folder):
            wrong = judge(path, thing, classes)
            passed, failed = passed + (wrong is None), failed + (wrong is not None)
            if wrong:
                print(f"{os.path.basename(path)}: {wrong}")
    print(f"{passed} passed, {failed} failed")
    return failed > 0


sys.exit(main())
