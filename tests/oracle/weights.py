"""The figures of `inspect --stats` must be numpy's, over the elements that views reach; the NUM rules must say what numpy and torch's own
casts say. Needs Debian's python3-torch."""
import json
import os
import subprocess
import sys
import tempfile
import warnings

try:
    import numpy
    import torch
except ImportError:
    print("SKIPPED weights: python3-torch is not installed")
    sys.exit(0)

from found import Tally

warnings.simplefilter("ignore")
BARS = 16


def judged(path, *more):
    done = subprocess.run([os.environ["CKPTLINT"], *more, path, "--format", "json"], capture_output=True, text=True)
    return json.loads(done.stdout)["files"][0]


def rows(path, *more):
    return {t["state_key"]: t for t in judged(path, "inspect", "--stats", *more)["tensors"]}


def reasons(path, *more):
    return {(f["rule"], f["reason"], f["subject"]) for f in judged(path, "scan", *more)["findings"] if f["rule"].startswith("NUM")}


def near(got, want):
    return got is not None and numpy.isclose(got, want, rtol=1e-9, atol=0)


def wide(t):
    """As float64: exact for every dtype of these tests but int64."""
    return (t.double() if t.dtype != torch.bool else t.float().double()).numpy()


def bars_wrong(bars, x):
    """Where numpy's histogram differs by more than the numbers near an edge: a bin of the program's own is at most 1/64 of the range wide."""
    low, high = x.min(), x.max()
    if low == high:
        return None if sum(b > 0 for b in bars) == 1 else f"one number, {bars}"
    if high - low < 1e-300:
        low, high, x = low * 2.0**600, high * 2.0**600, x * 2.0**600
    count, edges = numpy.histogram(x, BARS, (low, high))
    width = (high - low) / 64
    slack = numpy.array([(abs(x - a) < width).sum() + (abs(x - b) < width).sum() for a, b in zip(edges, edges[1:])])
    if max(bars) != 255:
        return f"no tallest bar: {bars}"
    scale = numpy.array(bars) / 255
    for tallest in numpy.linspace((count - slack).max(), (count + slack).max(), 100):
        if (abs(scale * tallest - count) <= slack + 1 + count.max() / 128).all():
            return None
    return f"{bars}, numpy {list(count)}"


def subnormals(t):
    least = {torch.float64: 2.0**-1022, torch.float32: 2.0**-126, torch.bfloat16: 2.0**-126}.get(t.dtype, 0)
    x = wide(t)
    return int(((x != 0) & (abs(x) < least)).sum())


def tensors():
    torch.manual_seed(3)
    normal = torch.randn(300, 70)
    some = normal.clone()
    some[::7] = 0
    odd = normal.flatten().clone()
    odd[3], odd[500], odd[501], odd[9000] = float("nan"), float("inf"), -float("inf"), 0
    tiny = torch.arange(-500, 500).float() * 2.0**-149
    for name, t in [("normal", normal), ("shifted", normal * 1e-3 + 1000), ("uniform", torch.rand(5000) - 7), ("skewed", torch.rand(3000) ** 8),
                    ("some zero rows", some), ("odd", odd), ("tiny", tiny), ("tiny doubles", tiny.double() * 2.0**-920),
                    ("one number", torch.full((6, 6), 0.1)), ("single", torch.tensor(2.5)), ("pair", torch.tensor([-1e30, 1e30])),
                    ("outlier", torch.cat([torch.randn(1000), torch.tensor([1e6])])), ("half", normal.half()), ("brain", normal.bfloat16()),
                    ("brain tiny", (tiny.double() * 2.0**16).bfloat16()), ("doubles", normal.double() ** 3), ("large", normal.double() * 1e200),
                    ("int8", (normal * 30).to(torch.int8)), ("uint8", (normal.abs() * 30).to(torch.uint8)), ("int32", (normal * 1e6).int()),
                    ("int64", (normal * 1e6).long()), ("bool", normal > 1), ("turned", normal.t()), ("part", normal[10:20, 5:9]),
                    ("expanded", torch.randn(30, 1).expand(30, 40)), ("three", torch.randn(20, 7, 11)), ("zeros", torch.zeros(10, 10))]:
        yield name, t


def figures(tally, folder):
    state = dict(tensors())
    torch.save(state, folder("a.pt"))
    found = rows(folder("a.pt"))
    for name, t in state.items():
        row, x = found[name], wide(t).astype(numpy.longdouble)
        finite = x[numpy.isfinite(x)]
        want = {"min": finite.min(), "max": finite.max(), "mean": finite.mean(), "std": finite.std()}
        if abs(finite).max() > 1e150:
            tally.check(f"{name}: no std where squares overflow", None if row["std"] is None else row["std"])
            del want["std"]
        for key, value in want.items():
            least = 1e-150 if key == "std" else 0  # squares of less are zero
            close = near(row[key], float(value)) or abs(row[key] - value) <= max(least, 1e-12 * abs(finite).max())
            tally.check(f"{name}: {key}", None if close else f"{row[key]}, numpy {value}")
        zero_rows = 0
        if t.dim() >= 2 and t.is_contiguous():
            zero_rows = int((x.reshape(t.shape[0], -1) == 0).all(axis=1).sum())
        counts = {"nan_count": int(numpy.isnan(x).sum()), "inf_count": int(numpy.isinf(x).sum()), "zero_count": int((x == 0).sum()),
                  "zero_rows": zero_rows, "subnormal_count": subnormals(t)}
        tally.check(f"{name}: counts", None if {k: row[k] for k in counts} == counts else f"{[row[k] for k in counts]}, numpy {counts}")
        tally.check(f"{name}: histogram", bars_wrong(row["histogram"], finite.astype(float)))
    plain = judged(folder("a.pt"), "inspect")["tensors"]
    tally.check("no histogram without --stats", None if all("histogram" not in t for t in plain) else "there is one")


def unused_bytes_are_not_looked_at(tally, folder):
    """NaN and huge values in the storage, where no view reaches."""
    whole = torch.full((40000,), float("nan"))
    whole[100:164] = torch.randn(64)
    whole[-64:] = torch.randn(64)
    torch.save({"a.weight": whole[100:164].view(8, 8), "b.weight": whole.clone()[-64:].view(8, 8)}, folder("a.pt"))
    row, file = rows(folder("a.pt"))["a.weight"], judged(folder("a.pt"), "scan")
    tally.check("only what the view reaches", None if row["nan_count"] == 0 and near(row["std"], wide(whole[100:164]).std()) else row)
    oversized = [f for f in file["findings"] if f["rule"] == "TNS407"]
    tally.check("the rest is TNS407 with its number", None if [(f["got"], f["want"]) for f in oversized] == [(160000, 256)] * 2
                else str(oversized))
    tally.check("and nothing else", None if not reasons(folder("a.pt")) else str(reasons(folder("a.pt"))))


def rules(tally, folder):
    pruned = torch.randn(40, 10)
    pruned[:5] = 0
    cases = {
        "fine.weight": (torch.randn(9, 9), None), "norm.weight": (torch.ones(64), None), "zero.bias": (torch.zeros(64), None),
        "zero.weight": (torch.zeros(4, 4), ("NUM603", "zero")), "constant.weight": (torch.full((5, 5), -0.5), ("NUM604", "constant")),
        "pruned.weight": (pruned, ("NUM607", "zero-rows")), "padded.weight": (torch.cat([torch.zeros(4, 3), torch.randn(60, 3)]), None),
        "huge.weight": (torch.tensor([1.0, 2e30]), ("NUM610", "extreme")), "mask": (torch.full((4, 4), -3e38), None),
        "decayed.weight": (torch.cat([torch.randn(80), torch.full((20,), 1e-41)]), ("NUM611", "subnormal")),
        "nan.weight": (torch.tensor([1.0, float("nan")]), ("NUM601", "nan")), "inf.bias": (torch.tensor([1.0, float("inf")]), ("NUM602", "inf")),
        "bn.running_var": (torch.tensor([1.0, -1e-3]), ("NUM606", "negative")), "tall.weight": (torch.tensor([1.0, 70000.0]), None),
        "half.weight": ((torch.randn(20, 2) * 1e-6).half(), None)}
    torch.save({k: t for k, (t, _) in cases.items()}, folder("a.pt"))
    want = {(*found, k) for k, (_, found) in cases.items() if found}
    got = reasons(folder("a.pt"))
    tally.check("the rules", None if got == want else f"more {got - want}, less {want - got}")


def casts(tally, folder):
    """Every magnitude around the edges, and what torch's cast makes of it."""
    for word, dtype in [("f16", torch.float16), ("bf16", torch.bfloat16)]:
        edges = [65503.0, 65504.0, 65519.9, 65520.0, 65536.0, 1e5, 2.0**-24, 2.0**-25, 2.0**-25 * 1.01, 2.0**-26, 1e-30, 1.0,
                 3.38e38, 3.3953e38, float(numpy.float32(3.3961775e38)), 3.4e38, 2.0**-133, 2.0**-134, 2.0**-149]
        state = {f"e{i}.weight": torch.tensor([e, -e], dtype=torch.float64).float() for i, e in enumerate(edges)}
        state["same.weight"] = torch.tensor([1.0]).to(dtype)
        torch.save(state, folder("a.pt"))
        want = set()
        for key, t in state.items():
            if torch.isinf(t.to(dtype)).any():
                want.add(("NUM608", "overflow", key))
            elif (t != 0).any() and (t.to(dtype) == 0).all():
                want.add(("NUM608", "underflow", key))
        got = {r for r in reasons(folder("a.pt"), "--target-dtype", word) if r[0] == "NUM608"}
        tally.check(f"--target-dtype {word}", None if got == want and want else f"more {got - want}, less {want - got}")
    tally.check("without a target", None if not {r for r in reasons(folder("a.pt")) if r[0] == "NUM608"} else "NUM608")


def references(tally, folder):
    torch.manual_seed(0)
    good = {f"l{i}.weight": torch.randn(30, 20) * 0.02 for i in range(6)} | {"b": torch.randn(3), "n": torch.arange(20)}
    torch.save(good, folder("good.pt"))
    flipped = good["l3.weight"].clone()
    flipped.view(torch.int32)[4, 4] ^= 1 << 30
    for what, change, want in [
            ("itself", {}, set()), ("fine-tuning", {k: v * 1.05 for k, v in good.items() if v.is_floating_point()}, set()),
            ("another scale", {"l1.weight": good["l1.weight"] * 60}, {"l1.weight"}), ("a smaller one", {"l2.weight": good["l2.weight"] / 60}, {"l2.weight"}),
            ("a bit of an exponent", {"l3.weight": flipped}, {"l3.weight"}), ("zeros", {"l4.weight": torch.zeros(30, 20)}, {"l4.weight"}),
            ("few numbers", {"b": torch.randn(3) * 1e6}, set()), ("another shape", {"l1.weight": torch.randn(5, 5) * 100}, set()),
            ("a cast", {k: v.half() for k, v in good.items() if v.is_floating_point()}, set())]:
        torch.save({**good, **change}, folder("a.pt"))
        got = {r[2] for r in reasons(folder("a.pt"), "--reference", folder("good.pt")) if r[:2] == ("NUM609", "outlier")}
        tally.check(f"--reference: {what}", None if got == want else f"{got}, expected {want}")
    torch.save({"other": torch.randn(30)}, folder("a.pt"))
    file = judged(folder("a.pt"), "scan", "--reference", folder("good.pt"))
    tally.check("a reference of another model", None if file["verdict"] == "not checked" else file["verdict"])


def main():
    tally = Tally()
    for part in [figures, unused_bytes_are_not_looked_at, rules, casts, references]:
        with tempfile.TemporaryDirectory() as root:
            part(tally, lambda name, root=root: os.path.join(root, name))
    return tally.end()


sys.exit(main())
