"""numpy's own .npy and .npz files, in every dtype, order and version: what ckptlint finds in them must be what numpy holds."""
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import warnings

import numpy as np

warnings.simplefilter("ignore")  # version 2.0 of the format warns
SHAPES = ((), (0,), (7,), (2, 3), (3, 1, 4), (2, 0, 5))
RECORDS = ([("a", "<i4"), ("b", ">f8")], [("a", "u1"), ("m", "<f4", (2, 3)), ("s", "S5"), ("u", "U2")],
           [("p", [("x", "<f2"), ("y", "<i8", (2,))]), ("q", "M8[ns]")], [(("title", "name"), "<f4")], [("", "i1"), ("b c", "i1")],
           {"names": ["a", "b"], "formats": ["i1", "f8"], "offsets": [4, 16], "itemsize": 32})
NAMES = {"f2": "float16", "f4": "float32", "f8": "float64", "c8": "complex64", "c16": "complex128", "b1": "bool",
         "i1": "int8", "i2": "int16", "i4": "int32", "i8": "int64", "u1": "uint8", "u2": "uint16", "u4": "uint32", "u8": "uint64"}


def inspect(path):
    run = subprocess.run([os.environ["CKPTLINT"], "inspect", "--tensors", "--hash", "sha256", "--format", "json", path],
                         capture_output=True, text=True)
    return run.returncode, json.loads(run.stdout)["files"][0]


def expected(array):
    little = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"))
    return {"dtype": NAMES[array.dtype.str[1:]], "shape": list(array.shape), "numel": array.size,
            "sha256": hashlib.sha256(little.tobytes()).hexdigest()}


def strides(array):
    """In elements, as numpy keeps them for arrays without empty or single dimensions; None where they say nothing."""
    return [s // array.itemsize for s in array.strides] if array.size and 1 not in array.shape else None


def wrong_tensor(found, array):
    want = expected(array)
    for field, value in want.items():
        if found.get(field) != value:
            return f"{field} {found.get(field)!r}, numpy has {value!r}"
    if strides(array) and found["stride"] != strides(array):
        return f"stride {found['stride']}, numpy has {strides(array)}"
    return None


def wrong_record(path, array):
    """A record is a row of bytes; in column-major order they are listed as they lie."""
    code, report = inspect(path)
    shape = list(array.shape) if array.flags.c_contiguous else [array.size]
    want = {"dtype": "bits8", "shape": shape + [array.dtype.itemsize], "sha256": hashlib.sha256(array.tobytes("A")).hexdigest()}
    if report["verdict"] != "clean":
        return report["verdict"] + ": " + ", ".join(f["rule"] + "/" + f["reason"] for f in report["findings"])
    return next((f"{k} {report['tensors'][0][k]!r}, numpy has {v!r}" for k, v in want.items() if report["tensors"][0][k] != v), None)


def wrong_file(path, arrays):
    code, report = inspect(path)
    if report["verdict"] not in ("clean", "findings"):
        return f"exit {code}, {report['verdict']}"
    found = {t["key"]: t for t in report["tensors"]}
    if set(found) != set(arrays):
        return f"keys {sorted(found)}, numpy has {sorted(arrays)}"
    return next((f"{k}: {w}" for k, a in arrays.items() for w in [wrong_tensor(found[k], a)] if w), None)


def samples():
    rng = np.random.default_rng(0)
    for code in NAMES:
        for order in "<>":
            for shape in SHAPES:
                for layout in "CF":
                    numbers = rng.integers(0, 2 if code == "b1" else 100, size=shape)
                    yield np.asarray(numbers).astype(np.dtype(order + code)).copy(order=layout)


def main():
    passed = failed = 0
    with tempfile.TemporaryDirectory() as folder:
        def check(name, wrong):
            nonlocal passed, failed
            passed, failed = passed + (wrong is None), failed + (wrong is not None)
            if wrong:
                print(f"{name}: {wrong}")
        every = list(samples())
        for version in ((1, 0), (2, 0), (3, 0)):
            for i, array in enumerate(every[version[0]::3]):
                path = os.path.join(folder, "a.npy")
                with open(path, "wb") as out:
                    np.lib.format.write_array(out, array, version=version)
                check(f"version {version[0]}, {array.dtype}, {array.shape}", wrong_file(path, {"": array}))
        for dtype in RECORDS:
            array = np.zeros((2, 3), np.dtype(dtype))
            array.view("V%d" % array.dtype.itemsize)[0, 1] = b"\x7f" * array.dtype.itemsize
            for layout in "CF":
                path = os.path.join(folder, "a.npy")
                np.save(path, array.copy(order=layout))
                check(f"records {dtype} {layout}", wrong_record(path, array.copy(order=layout)))
        for dtype in ([("a", "i4"), ("o", "O")], "O"):
            np.save(path, np.zeros(3, dtype), allow_pickle=True)
            code, report = inspect(path)
            check(f"objects {dtype}", None if report["verdict"] == "findings" and not report.get("tensors") else report["verdict"])
        named = {f"a/{i}": a for i, a in enumerate(every)}
        for save in (np.savez, np.savez_compressed):
            path = os.path.join(folder, "a.npz")
            save(path, **named)
            check(save.__name__, wrong_file(path, named))
    print(f"{passed} passed, {failed} failed")
    return failed > 0


sys.exit(main())
