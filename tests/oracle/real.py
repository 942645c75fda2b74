"""Public checkpoints with oracles, where a collection of them is at hand: CKPTLINT_REAL, or shared/data/real beside the
checkout. Every torch zip, legacy, tar, TorchScript and safetensors file must give the oracle's keys, dtypes, shapes, strides, digests and figures, and
none that torch's weights_only takes may be refused. They are other people's files: never part of the repository."""
import json
import os
import sys

from found import inspect

HERE = os.path.dirname(os.path.abspath(__file__))
FOLDER = os.environ.get("CKPTLINT_REAL") or os.path.join(HERE, "..", "..", "..", "shared", "data", "real")
EXACT = ("dtype", "shape", "stride", "numel", "storage_offset", "sha256", "nan_count", "inf_count")


def close(a, b):
    return a == b or (a is not None and b is not None and abs(a - b) <= 1e-9 * max(1.0, abs(b)))


def differences(found, wanted):
    found = {t["key"]: t for t in found}
    wanted = {t["key"]: t for t in wanted}
    yield from ("key missing: " + k for k in sorted(set(wanted) - set(found)))
    yield from ("key too many: " + k for k in sorted(set(found) - set(wanted)))
    for key in sorted(set(wanted) & set(found)):
        got, want = found[key], wanted[key]
        yield from (f"{key}.{f}: {got[f]!r}, the oracle says {want[f]!r}" for f in EXACT if f in want and got[f] != want[f])
        yield from (f"{key}.{f}: {got[f]!r}, the oracle says {want[f]!r}" for f in ("min", "max", "mean") if not close(got[f], want[f]))


def judge(row):
    """None, or what is wrong."""
    path = os.path.join(FOLDER, row["file"])
    code, report = inspect(path)
    oracle = path + ".oracle.json"
    if row["torch_weights_only"] == "ok" and report["verdict"] not in ("clean", "findings"):
        return "refused, though weights_only takes it: " + report["verdict"]
    if row["container"] in ("torch-zip", "torch-legacy", "torch-tar", "torchscript", "safetensors") and os.path.exists(oracle):
        return next(differences(report.get("tensors", []), json.load(open(oracle))), None)
    return None


def main():
    index = os.path.join(FOLDER, "index.jsonl")
    if not os.path.exists(index):
        print("SKIPPED real: no collection of public checkpoints is at hand (CKPTLINT_REAL)")
        return 0
    passed = failed = 0
    for row in map(json.loads, open(index)):
        wrong = judge(row)
        passed, failed = passed + (wrong is None), failed + (wrong is not None)
        if wrong:
            print(f"{row['file']}: {wrong}")
    print(f"{passed} passed, {failed} failed")
    return failed > 0


sys.exit(main())
