"""What `ckptlint diff` says of two checkpoints must be what torch and numpy find in them: which tensors are equal, how far the
others are apart. Needs Debian's python3-torch."""
import json
import os
import sys
import tempfile
import warnings

try:
    import numpy as np
    import torch
except ImportError:
    print("SKIPPED diff: python3-torch is not installed")
    sys.exit(0)

from found import Tally, run

warnings.simplefilter("ignore")


def save(value, path, legacy=False):
    torch.save(value, path, _use_new_zipfile_serialization=not legacy)
    return path


def diff(a, b, *more):
    done = run("diff", "--format", "json", "--fail-on", "none", a, b, *more)
    report = json.loads(done.stdout)["files"][2]
    return done.returncode, report["diff"], {r["key"]: r for r in report.get("differences", [])}


def as_floats(t):
    t = t.dequantize() if t.is_quantized else t.detach().resolve_conj()
    return (torch.view_as_real(t) if t.is_complex() else t).double().numpy().ravel()


def wrong_figures(row, x, y):
    """The row against numpy's figures for the two tensors."""
    a, b = as_floats(x), as_floats(y)
    unlike = ~((a == b) | (np.isnan(a) & np.isnan(b)))
    if row["differing"] != int(unlike.reshape(-1, 2 if x.is_complex() else 1).any(axis=1).sum()):
        return f"differing {row['differing']}"
    apart = np.abs(b - a)[unlike]
    if not np.isfinite(apart).all():
        return None if row["max_abs"] is None else "a figure for what is not finite"
    relative = (apart / np.abs(a[unlike]))[a[unlike] != 0]
    for field, want in (("max_abs", apart.max(initial=0)), ("max_rel", relative.max(initial=0))):
        if not np.isclose(row[field], want, rtol=1e-3):
            return f"{field} {row[field]}, numpy has {want}"
    lengths = np.linalg.norm(a) * np.linalg.norm(b)
    if lengths > 0 and not np.isclose(row["cosine"], a @ b / lengths, atol=1e-12):
        return f"cosine {row['cosine']}, numpy has {a @ b / lengths}"
    return None


def wrong_diff(a, b, found, rtol=0.0, atol=0.0):
    """The answer and rows for two state dicts of the same prefix."""
    code, told, rows = found
    differs = False
    for key in set(a) | set(b):
        row = rows.get(key)
        if key not in a or key not in b:
            want, differs = "added" if key in b else "removed", True
        elif a[key].shape != b[key].shape:
            want, differs = "reshaped", True
        else:
            same = torch.equal(a[key], b[key]) and a[key].dtype == b[key].dtype
            want = None if same else "changed" if a[key].dtype == b[key].dtype else "retyped"
            near = np.isclose(as_floats(b[key]), as_floats(a[key]), rtol=rtol, atol=atol, equal_nan=True).all()
            differs = differs or not (same or ((rtol or atol) and near))
        if (row or {}).get("what") != want:
            return f"{key}: {row}, torch says {want}"
        if want in ("changed", "retyped") and wrong_figures(row, a[key], b[key]):
            return f"{key}: {wrong_figures(row, a[key], b[key])}"
    answer = "different" if differs else "equal within the tolerances" if told["within"] else "equal"
    if told["answer"] != answer or code != (1 if differs else 0):
        return f"{told['answer']}, exit {code}; torch says {answer}"
    return None


def changes(a):
    """(name, the changed copy, rtol, atol)"""
    yield "itself", a, 0, 0
    for key in a:
        copy = {k: v.clone() for k, v in a.items()}
        if a[key].numel() and a[key].dtype != torch.bool:
            copy[key].view(-1)[-1] += 1
            yield f"{key} + 1", copy, 0, 0
            yield f"{key} + 1, within", copy, 0, 2
        dropped = {k: v for k, v in a.items() if k != key}
        yield f"without {key}", dropped, 0, 0
        yield f"flat {key}", {**a, key: a[key].reshape(-1, 1, 1)}, 0, 0
    floats = {k: v for k, v in a.items() if v.is_floating_point()}
    for dtype in (torch.float16, torch.bfloat16, torch.float64):
        cast = {**a, **{k: v.to(dtype) for k, v in floats.items()}}
        yield f"cast to {dtype}", cast, 0, 0
        yield f"cast to {dtype}, within", cast, 0.01, 0.01
    for value in (float("nan"), float("inf"), -0.0):
        copy = {k: v.clone() for k, v in a.items()}
        copy["fc.weight"][0, 0] = value
        yield f"{value} in fc.weight", copy, 0, 0
    yield "one more", {**a, "new": torch.ones(2)}, 0, 0


def quantized(weight, scale, zero_point, dtype=torch.qint8, axis=0):
    """For all of it, or one scale and zero point a channel."""
    if isinstance(scale, list):
        return torch.quantize_per_channel(weight, torch.tensor(scale), torch.tensor(zero_point), axis, dtype)
    return torch.quantize_per_tensor(weight, scale, zero_point, dtype)


def requantized():
    """(name, two quantised tensors or what one of them stands for, rtol, atol): integers, scales and zero points."""
    w = torch.linspace(-1, 1, 12).view(3, 4)
    scales, zeros = [0.1, 0.2, 0.3], [0, 1, -2]
    whole, rows = quantized(w, 0.05, 3), quantized(w, scales, zeros)
    yield "equal for all", whole, quantized(w, 0.05, 3), 0, 0
    yield "equal by channel", rows, quantized(w, scales, zeros), 0, 0
    yield "another integer", whole, quantized(w + 0.05 * (torch.arange(12).view(3, 4) == 7), 0.05, 3), 0, 0
    yield "the same integers, another scale", whole, torch._make_per_tensor_quantized_tensor(whole.int_repr(), 0.06, 3), 0, 0
    yield "the same integers, another zero point", whole, torch._make_per_tensor_quantized_tensor(whole.int_repr(), 0.05, 4), 0, 0
    yield "a scale of one channel", rows, torch._make_per_channel_quantized_tensor(
        rows.int_repr(), torch.tensor([0.1, 0.25, 0.3]), torch.tensor(zeros), 0), 0, 0
    yield "the last axis", quantized(w, scales + [0.4], zeros + [5], axis=1), rows, 0, 0
    yield "qint8 and quint8", whole, quantized(w, 0.05, 30, torch.quint8), 0, 0
    yield "qint32", quantized(w, 1e-6, 0, torch.qint32), quantized(w, 1e-6, 0, torch.qint32), 0, 0
    yield "other strides", whole.t(), quantized(w.t(), 0.05, 3), 0, 0
    for q in (whole, rows):
        yield "what it stands for", q, q.dequantize(), 0, 1e-6
        yield "what it was made of", q, w, 0, 0
        yield "what it was made of, within half a step", q, w, 0, 0.16


def packings(a, folder):
    """The same weights, packed otherwise."""
    path = os.path.join(folder, "other.pt")
    yield "legacy", save(a, path, legacy=True)
    yield "wrapped", save({"epoch": 3, "state_dict": a, "optimizer": {"lr": 0.1}}, path)
    yield "module.", save({"model": {"module." + k: v for k, v in a.items()}}, path)
    turned = {k: v.t().contiguous().t() if v.dim() == 2 else v for k, v in a.items()}
    yield "other strides", save(turned, path)
    pool = torch.zeros(1000)
    parts, at = {}, 7
    for k, v in a.items():
        if v.dtype == torch.float32:
            pool[at:at + v.numel()] = v.reshape(-1)
            parts[k] = pool[at:at + v.numel()].view(v.shape)
            at += v.numel()
    yield "views of one storage", save({**a, **parts}, path)


def main():
    torch.manual_seed(0)
    a = {"fc.weight": torch.randn(4, 3), "fc.bias": torch.randn(4), "empty": torch.zeros(0, 3), "scalar": torch.tensor(2.5),
         "steps": torch.arange(5), "mask": torch.tensor([True, False]), "waves": torch.randn(3, dtype=torch.complex64),
         "half": torch.randn(3, 2).half(), "brain": torch.randn(3).bfloat16(), "doubles": torch.randn(2, 2).double(),
         "bytes": torch.arange(4, dtype=torch.uint8)}
    tally = Tally()
    with tempfile.TemporaryDirectory() as folder:
        first = save(a, os.path.join(folder, "a.pt"))
        for name, b, rtol, atol in changes(a):
            second = save(b, os.path.join(folder, "b.pt"))
            found = diff(first, second, "--rtol", str(rtol), "--atol", str(atol))
            wrong = None
            if name == "-0.0 in fc.weight" and a["fc.weight"][0, 0] != 0:
                wrong = wrong_diff(a, b, found)
            tally.check(name, wrong or wrong_diff(a, b, found, rtol, atol))
        for name, second in packings(a, folder):
            for order in ((first, second), (second, first)):
                code, told, _ = diff(*order)
                tally.check(name, None if (code, told["answer"], told["equal"]) == (0, "equal", len(a)) else str(told))
        zero = save({"x": torch.zeros(2)}, os.path.join(folder, "zero.pt"))
        minus = save({"x": -torch.zeros(2)}, os.path.join(folder, "minus.pt"))
        code, told, rows = diff(zero, minus)
        tally.check("0 and -0 are different bits", None if (code, rows["x"]["differing"], rows["x"]["max_abs"]) == (1, 2, 0) else str(rows))
        tied = torch.ones(3)
        t = save({"x": tied, "y": tied}, os.path.join(folder, "t.pt"))
        u = save({"x": tied, "y": tied.clone()}, os.path.join(folder, "u.pt"))
        for x, y, what in ((t, u, "no longer tied"), (u, t, "newly tied")):
            code, told, rows = diff(x, y)
            tally.check(what, None if (code, rows["y"]["what"], rows["y"]["with"]) == (0, what, "x") else str(rows))
        s = [torch.sparse_coo_tensor([[0, 1]], [1.0, v], (3,)) for v in (2.0, 2.0, 3.0)]
        s = [save({"s": v}, os.path.join(folder, f"s{i}.pt")) for i, v in enumerate(s)]
        tally.check("equal sparse tensors", None if diff(s[0], s[1])[1]["answer"] == "equal" else "not equal")
        tally.check("unlike sparse tensors", None if diff(s[0], s[2])[1]["answer"] == "different" else "not different")
        for name, x, y, rtol, atol in requantized():
            p, q = save({"q": x}, os.path.join(folder, "p.pt")), save({"q": y}, os.path.join(folder, "q.pt"))
            found = diff(p, q, "--rtol", str(rtol), "--atol", str(atol))
            tally.check("quantised, " + name, wrong_diff({"q": x}, {"q": y}, found, rtol, atol))
            p, q = (save({"w": torch.ones(1), "packed": (v, None)}, os.path.join(folder, f"{i}.pt")) for i, v in enumerate((x, y)))
            code, told, rows = diff(p, q, "--rtol", str(rtol), "--atol", str(atol))
            rows = {"q": {**rows["packed/0"], "key": "q"}} if "packed/0" in rows else {}
            tally.check("packed, " + name, wrong_diff({"q": x}, {"q": y}, (code, told, rows), rtol, atol))
        q = save({"q": torch.quantize_per_channel(torch.ones(2, 4), torch.ones(2), torch.zeros(2), 0, torch.quint4x2)},
                 os.path.join(folder, "q.pt"))
        tally.check("elements in half a byte", None if diff(q, q)[:1] == (2,) and diff(q, q)[1]["answer"] == "not compared" else "compared")
    sys.exit(tally.end())


if __name__ == "__main__":
    main()
