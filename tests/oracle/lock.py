"""What `ckptlint lock` writes must be what torch and hashlib say of the tensors; `check --lock` must tell what became different.
Needs Debian's python3-torch."""
import hashlib
import json
import math
import os
import struct
import sys
import tempfile
import warnings

try:
    import torch
except ImportError:
    print("SKIPPED lock: python3-torch is not installed")
    sys.exit(0)

from found import Tally, run

warnings.simplefilter("ignore")


def expected(t):
    whole = (t.int_repr() if t.is_quantized else t.detach()).clone(memory_format=torch.contiguous_format)
    little = bytes(whole.storage().untyped()) if t.numel() else b""
    digest = hashlib.sha256(little)
    if t.is_quantized:
        by_channel = t.qscheme() != torch.per_tensor_affine
        scales = t.q_per_channel_scales() if by_channel else torch.tensor([t.q_scale()], dtype=torch.float64)
        points = t.q_per_channel_zero_points() if by_channel else torch.tensor([t.q_zero_point()])
        run = math.prod(t.shape[t.q_per_channel_axis() + 1:]) if by_channel else 1
        digest = hashlib.sha256(digest.digest() + scales.double().numpy().tobytes() + points.double().numpy().tobytes() + struct.pack("<d", run))
    return {"dtype": str(t.dtype)[6:], "shape": list(t.shape), "sha256": digest.hexdigest()}


def quantized(scale=0.5, scales=(0.25, 0.5, 2.0), axis=0):
    """A scale for all, a scale for each channel, and one for each row of a table."""
    integers = torch.arange(9, dtype=torch.int8).view(3, 3)
    by_channel = torch._make_per_channel_quantized_tensor(integers, torch.tensor(scales, dtype=torch.float64), torch.tensor([0, 1, 2]), axis)
    rows = torch.quantize_per_channel(torch.randn(3, 4), torch.tensor(scales), torch.zeros(3), 0, torch.quint8)
    return {"q": torch._make_per_tensor_quantized_tensor(integers, scale, 3), "channels": by_channel, "rows": rows}


def save(value, path, **how):
    torch.save(value, path, **how)
    return path


def reasons(path, lock):
    """Exit code and the reasons of KEY515."""
    done = run("check", path, "--lock", lock, "--format", "json", "--fail-on", "none")
    found = json.loads(done.stdout)["files"][0]["findings"]
    return done.returncode, sorted({f["reason"] for f in found if f["rule"] == "KEY515"})


def changes(a):
    """(what was done, the state dict, how it is saved, exit code, reasons)"""
    zipped, old = {}, {"_use_new_zipfile_serialization": False}
    yield "nothing", a, zipped, 0, ["equal"]
    yield "a legacy stream", a, old, 0, ["equal"]
    yield "a wrapper", {"epoch": 1, "model": a}, zipped, 0, ["equal"]
    yield "other strides", {k: v.t().contiguous().t() if v.dim() == 2 and not v.is_quantized else v for k, v in a.items()}, zipped, 0, ["equal"]
    yield "one number", {**a, "fc.bias": a["fc.bias"] + 1}, zipped, 1, ["bytes", "equal"]
    yield "another dtype", {**a, "fc.bias": a["fc.bias"].double()}, zipped, 1, ["equal", "shape"]
    yield "another shape", {**a, "fc.bias": a["fc.bias"][:2].clone()}, zipped, 1, ["equal", "shape"]
    yield "one less", {k: v for k, v in a.items() if k != "fc.bias"}, zipped, 1, ["equal", "missing"]
    yield "one more", {**a, "new": torch.ones(1)}, zipped, 1, ["equal", "unexpected"]
    yield "a prefix", {"module." + k: v for k, v in a.items()}, zipped, 0, ["equal", "prefix"]
    yield "a prefix and a difference", {"module." + k: v * 2 if k == "half" else v for k, v in a.items()}, zipped, 1, ["bytes", "equal", "prefix"]
    yield "another scale", {**a, "q": quantized(scale=0.75)["q"]}, zipped, 1, ["bytes", "equal"]
    yield "another scale of a channel", {**a, "channels": quantized(scales=(0.25, 0.5, 4.0))["channels"]}, zipped, 1, ["bytes", "equal"]
    yield "another axis", {**a, "channels": quantized(axis=1)["channels"]}, zipped, 1, ["bytes", "equal"]
    yield "a meta tensor", {**a, "fc.bias": torch.empty(4, device="meta")}, zipped, 2, ["equal", "no-digest"]


def main():
    torch.manual_seed(0)
    a = {"fc.weight": torch.randn(4, 3), "fc.bias": torch.randn(4), "turned": torch.randn(3, 2).t(), "part": torch.arange(10)[3:7],
         "empty": torch.zeros(0, 3), "scalar": torch.tensor(2.5), "mask": torch.tensor([True, False]),
         "waves": torch.randn(3, dtype=torch.complex64), "half": torch.randn(3, 2).half(), "brain": torch.randn(3).bfloat16(),
         "doubles": torch.randn(2, 2).double(), "bytes": torch.arange(4, dtype=torch.uint8), "wide": torch.ones(1).expand(5)}
    a["tied"] = a["fc.weight"]
    a.update(quantized())
    tally = Tally()
    with tempfile.TemporaryDirectory() as folder:
        path, lock = save(a, os.path.join(folder, "a.pt")), os.path.join(folder, "a.lock.json")
        written = run("lock", path)
        with open(lock, "w", encoding="utf-8") as out:
            out.write(written.stdout)
        told = json.loads(written.stdout)
        tally.check("exit code", None if written.returncode == 0 else written.returncode)
        tally.check("names and order", None if list(told["tensors"]) == list(a) else list(told["tensors"]))
        for key, tensor in a.items():
            tally.check(key, None if told["tensors"].get(key) == expected(tensor) else told["tensors"].get(key))
        with open(path, "rb") as file:
            digest = hashlib.sha256(file.read()).hexdigest()
        tally.check("the file", None if (told["sha256"], told["size"]) == (digest, os.path.getsize(path)) else told["sha256"])
        for name, b, how, code, why in changes(a):
            got = reasons(save(b, os.path.join(folder, "b.pt"), **how), lock)
            tally.check(name, None if got == (code, why) else got)
        longer = os.path.join(folder, "longer.lock.json")
        with open(longer, "w", encoding="utf-8") as out:
            json.dump({**told, "tensors": {"net." + k: v for k, v in told["tensors"].items()}}, out)
        tally.check("a prefix of the lock", None if reasons(path, longer) == (0, ["equal", "prefix"]) else reasons(path, longer))
        for text in ("", "{}", '{"lock": 2, "tensors": {}}', '{"lock": 1, "tensors": []}', written.stdout[:-3],
                     written.stdout.replace('"dtype"', '"type"'), written.stdout.replace('"sha256":"', '"sha256":"g')):
            with open(lock, "w", encoding="utf-8") as out:
                out.write(text)
            code, why = reasons(path, lock)
            tally.check(f"a lock file {text[:30]!r}", None if code == 2 and why in (["form"], ["json"]) else (code, why))
        evil = os.path.join(folder, "evil.pt")
        with open(evil, "wb") as out:
            out.write(b"cos\nsystem\n(S'true'\ntR.")
        refused = run("lock", evil)
        tally.check("what is not safe is not locked", None if (refused.returncode, refused.stdout) == (1, "") else refused.stdout)
    sys.exit(tally.end())


if __name__ == "__main__":
    main()
