"""joblib.dump in every form: what ckptlint finds in the stream must be what joblib.load gives. Plain and compressed, arrays
of every dtype, order and shape, several in one file, arrays of objects; and that no byte less than all of them will do."""
import hashlib
import json
import os
import subprocess
import sys
import tempfile

import joblib
import numpy as np

NAMES = {"f2": "float16", "f4": "float32", "f8": "float64", "c8": "complex64", "c16": "complex128", "b1": "bool",
         "i1": "int8", "i2": "int16", "i4": "int32", "i8": "int64", "u1": "uint8", "u2": "uint16", "u4": "uint32", "u8": "uint64"}
SHAPES = ((), (0,), (7,), (2, 3), (3, 1, 4), (2, 0, 5))
RECORDS = np.array([(1, 2.5, b"ab"), (3, -1.0, b"c")], dtype=[("id", "<i4"), ("x", "<f8"), ("s", "S3")])
OTHERS = {"text": np.array(["a", "bcd"]), "bytes": np.array([b"ab", b"c"]), "time": np.array(["2020-01-01"], "M8[s]"),
          "records": RECORDS, "aligned": np.zeros((2, 2), np.dtype([("a", "i1"), ("b", "f8")], align=True)),
          "columns": np.asfortranarray(np.array([["a", "bc"], ["d", "e"]])), "void": np.zeros(3, "V5"),
          "parts": np.zeros(2, [("m", "<f4", (2, 3))])}
METHODS = ("zlib", "gzip", "bz2", "xz", "lzma", "lz4")


def inspect(path):
    """The object of the file itself, or of the one thing that is packed in it."""
    run = subprocess.run([os.environ["CKPTLINT"], "inspect", "--tensors", "--hash", "sha256", "--format", "json", path],
                         capture_output=True, text=True)
    return json.loads(run.stdout)["files"][-1]


def expected(array):
    """As ckptlint lists it: little-endian and in C order; as bytes, as they lie, where torch has no such dtype."""
    if array.dtype.str[1:] in NAMES and array.dtype.names is None:
        little = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"))
        return {"dtype": NAMES[array.dtype.str[1:]], "shape": list(array.shape), "sha256": hashlib.sha256(little.tobytes()).hexdigest()}
    lies_in_columns = array.flags.f_contiguous and not array.flags.c_contiguous
    shape = [array.size] if lies_in_columns else list(array.shape)
    return {"dtype": "bits8", "shape": shape + [array.dtype.itemsize],
            "sha256": hashlib.sha256(array.tobytes("A")).hexdigest()}


def wrong_file(path, arrays, verdicts=("clean", "findings")):
    report = inspect(path)
    if report["verdict"] not in verdicts:
        return f"{report['verdict']}: " + ", ".join(f["rule"] + "/" + f["reason"] for f in report["findings"])
    found = {t["key"]: t for t in report["tensors"]}
    if set(found) != set(arrays):
        return f"keys {sorted(found)}, joblib has {sorted(arrays)}"
    for key, array in arrays.items():
        for field, value in expected(array).items():
            if found[key][field] != value:
                return f"{key}: {field} {found[key][field]!r}, joblib has {value!r}"
    return None


def samples():
    rng = np.random.default_rng(0)
    for code in NAMES:
        for order in "<>":
            for shape in SHAPES:
                for layout in "CF":
                    numbers = rng.integers(0, 2 if code == "b1" else 100, size=shape)
                    yield np.asarray(numbers).astype(np.dtype(order + code)).copy(order=layout)


class OldPickler(joblib.numpy_pickle.NumpyPickler):
    """As joblib up to 1.1 wrote arrays: without padding."""

    def _create_array_wrapper(self, array):
        wrapper = super()._create_array_wrapper(array)
        del wrapper.numpy_array_alignment_bytes
        return wrapper


def main():
    passed = failed = 0
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "a.joblib")

        def check(name, wrong):
            nonlocal passed, failed
            passed, failed = passed + (wrong is None), failed + (wrong is not None)
            if wrong:
                print(f"{name}: {wrong}")

        every = list(samples()) + list(OTHERS.values())
        for i, array in enumerate(every):
            joblib.dump(array, path, protocol=2 + i % 4)
            check(f"{array.dtype}, {array.shape}, protocol {2 + i % 4}", wrong_file(path, {"": array}))
        named = {f"k{i}": a for i, a in enumerate(every)}
        for protocol in (2, 3, 4, 5):
            joblib.dump(named, path, protocol=protocol)
            check(f"all, protocol {protocol}", wrong_file(path, named))
        nested = {"epoch": 3, "layers": [{"w": every[40], "b": every[60]}, {"w": every[80]}], "names": ("a", "b")}
        flat = {"layers/0/w": every[40], "layers/0/b": every[60], "layers/1/w": every[80]}
        joblib.dump(nested, path)
        check("nested", wrong_file(path, flat))
        for method in METHODS:
            for level in (1, 9):
                try:
                    joblib.dump(nested, path, compress=(method, level))
                except ValueError:
                    print(f"{method}: not installed")
                    continue
                check(f"{method}, level {level}", wrong_file(path, flat))
        objects = {"o": np.array([1, "x", None, {"a": [2]}], dtype=object), "w": every[40],
                   "r": np.array([(1, "y")], dtype=[("a", "i4"), ("b", "O")])}
        joblib.dump(objects, path)
        check("objects", wrong_file(path, {"w": every[40]}))
        for i, array in enumerate(every):
            with open(path, "wb") as out:
                OldPickler(out, protocol=4).dump({"w": array, "n": 1})
            joblib.load(path)
            check(f"no padding, {array.dtype}, {array.shape}", wrong_file(path, {"w": array}))
        joblib.dump({"w": every[40]}, path)
        whole = open(path, "rb").read()
        for end in range(len(whole)):
            with open(path, "wb") as out:
                out.write(whole[:end])
            verdict = inspect(path)["verdict"]
            check(f"cut at {end}", None if verdict in ("unsafe", "not checked", "error") else verdict)
    print(f"{passed} passed, {failed} failed")
    return failed > 0


sys.exit(main())
