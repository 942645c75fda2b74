"""Tensors in plain pickles: pickle.dump and joblib write each storage as a whole torch.save stream inside bytes. What ckptlint
finds must be what torch holds. Needs Debian's python3-torch."""
import hashlib
import os
import pickle
import sys
import tempfile
import warnings

try:
    import joblib
    import torch
except ImportError:
    print("SKIPPED nested_storages: python3-torch or python3-joblib is not installed")
    sys.exit(0)

from found import Tally, inspect, wrong_tensors, wrong_when_cut

warnings.simplefilter("ignore")


def expected(t):
    little = bytes(t.detach().clone(memory_format=torch.contiguous_format).storage().untyped()) if t.numel() else b""
    return {"dtype": str(t.dtype)[6:], "shape": list(t.shape), "stride": list(t.stride()),
            "sha256": hashlib.sha256(little).hexdigest()}


def wrong_file(path, tensors):
    return wrong_tensors(inspect(path, -1)[1], {k: expected(t) for k, t in tensors.items()}, ("findings",))


def main():
    torch.manual_seed(0)
    dtypes = (torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.int8,
              torch.uint8, torch.bool, torch.complex64)
    shapes = ((), (0,), (5,), (2, 3), (2, 1, 4))
    tensors = {f"{str(d)[6:]}{len(s)}{sum(s)}": (torch.rand(s) * 9).to(d) for d in dtypes for s in shapes}
    tensors["turned"] = torch.arange(6.0).reshape(2, 3).t()
    tensors["part"] = torch.arange(10)[3:7]
    tensors["parameter"] = torch.nn.Parameter(torch.ones(3))
    tally = Tally()
    check = tally.check
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "a.pkl")
        for protocol in range(6):
            for name, tensor in tensors.items():
                with open(path, "wb") as out:
                    pickle.dump(tensor, out, protocol=protocol)
                check(f"{name}, protocol {protocol}", wrong_file(path, {"": tensor}))
            with open(path, "wb") as out:
                pickle.dump(tensors, out, protocol=protocol)
            check(f"all, protocol {protocol}", wrong_file(path, tensors))
        joblib.dump({"t": tensors, "a": torch.ones(2).numpy()}, path)
        check("joblib", wrong_file(path, {"a": torch.ones(2), **{"t/" + k: t for k, t in tensors.items()}}))
        joblib.dump(tensors, path, compress=3)
        check("joblib, compressed", wrong_file(path, tensors))
        many = {f"layer{i}": torch.full((4,), float(i)) for i in range(10000)}  # each a stream of its own
        for protocol in (2, 4):
            with open(path, "wb") as out:
                pickle.dump(many, out, protocol=protocol)
            check(f"{len(many)} tensors, protocol {protocol}", wrong_file(path, many))
        for protocol in (0, 2, 4):
            whole = pickle.dumps(tensors["turned"], protocol=protocol)
            for end, wrong in wrong_when_cut(whole, path, 3):
                check(f"protocol {protocol}, cut at {end}", wrong)
    return tally.end()


sys.exit(main())
