"""joblib.dump in every form: what ckptlint finds in the stream must be what joblib.load gives. Plain and compressed, arrays
of every dtype, order and shape, several in one file, arrays of objects; and that no byte less than all of them will do."""
import os
import sys
import tempfile

try:
    import joblib
    import numpy as np
except ImportError:
    print("SKIPPED joblib_arrays: python3-joblib and python3-numpy are not installed")
    sys.exit(0)

import numpy_arrays
from found import Tally, inspect, wrong_tensors, wrong_when_cut

RECORDS = np.array([(1, 2.5, b"ab"), (3, -1.0, b"c")], dtype=[("id", "<i4"), ("x", "<f8"), ("s", "S3")])
OTHERS = {"text": np.array(["a", "bcd"]), "bytes": np.array([b"ab", b"c"]), "time": np.array(["2020-01-01"], "M8[s]"),
          "records": RECORDS, "aligned": np.zeros((2, 2), np.dtype([("a", "i1"), ("b", "f8")], align=True)),
          "columns": np.asfortranarray(np.array([["a", "bc"], ["d", "e"]])), "void": np.zeros(3, "V5"),
          "parts": np.zeros(2, [("m", "<f4", (2, 3))])}
METHODS = ("zlib", "gzip", "bz2", "xz", "lzma", "lz4")


def wrong_file(path, arrays):
    return wrong_tensors(inspect(path, -1)[1], {k: numpy_arrays.tensor(a) for k, a in arrays.items()})


class OldPickler(joblib.numpy_pickle.NumpyPickler):
    """As joblib up to 1.1 wrote arrays: without padding."""

    def _create_array_wrapper(self, array):
        wrapper = super()._create_array_wrapper(array)
        del wrapper.numpy_array_alignment_bytes
        return wrapper


def main():
    tally = Tally()
    check = tally.check
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "a.joblib")
        every = list(numpy_arrays.samples()) + list(OTHERS.values())
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
        with open(path, "rb") as file:
            whole = file.read()
        for end, wrong in wrong_when_cut(whole, path):
            check(f"cut at {end}", wrong)
    return tally.end()


sys.exit(main())
