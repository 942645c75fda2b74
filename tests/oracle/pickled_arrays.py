"""numpy arrays in bare pickles of every protocol: what ckptlint finds in them must be what numpy holds. Under protocols 0 to 2
their bytes are spelled as text, by Python 2 as a str."""
import io
import json
import os
import pickle
import sys
import tempfile

try:
    import numpy as np
    import torch
except ImportError:
    print("SKIPPED pickled_arrays: python3-torch is not installed")
    sys.exit(0)

import numpy_arrays
from found import Tally, inspect, run, wrong_tensors


def wanted(arrays):
    return {key: numpy_arrays.tensor(a) for key, a in arrays.items()}


TORCH_FILES = {"torch zip": {}, "torch zip, protocol 4": {"pickle_protocol": 4}, "torch legacy": {"_use_new_zipfile_serialization": False},
               "torch legacy, protocol 5": {"_use_new_zipfile_serialization": False, "pickle_protocol": 5}}


class Python2(pickle._Pickler):
    """Writes what Python 2 did by default, as far as arrays need it: bytes are a str, and that is its repr."""
    dispatch = dict(pickle._Pickler.dispatch)

    def save_str(self, text):
        self.write(b"S" + repr(text.encode("latin-1"))[1:].encode() + b"\n")
        self.memoize(text)

    def save_bytes(self, data):
        self.write(b"S" + repr(data)[1:].encode() + b"\n")
        self.memoize(data)

    dispatch[str] = save_str
    dispatch[bytes] = save_bytes


def python2(arrays):
    out = io.BytesIO()
    Python2(out, 0).dump(arrays)
    read = pickle.loads(out.getvalue(), encoding="latin1")
    assert all(np.array_equal(read[k], a) for k, a in arrays.items())
    return out.getvalue()


def shown(array):
    """As the tree shows an array beside tensors."""
    name = numpy_arrays.NAMES.get(array.dtype.str[1:], "object" if array.dtype.kind == "O" else array.dtype.str[1:])
    columns = array.ndim > 1 and array.flags.f_contiguous and not array.flags.c_contiguous
    return (f"{name} [{', '.join(map(str, array.shape))}]" + ", column-major" * columns +
            ", big-endian" * (array.dtype.byteorder == ">"))


def within(array):
    """What stands first in it: kind and bytes."""
    return ("text", len(array.flat[0])) if array.dtype == object else ("bytes", len(array.tobytes()))


def wrong_tree(path, arrays):
    """Arrays that torch.save wrote are no tensors of the file: each stands in its tree with its bytes, or its objects."""
    report = json.loads(run("inspect", "--tree", "--verbose", "--format", "json", path).stdout)["files"][0]
    if report["verdict"] != "findings" or report["num_tensors"]:
        return f"{report['verdict']}, {report['num_tensors']} tensors"
    values, roots = report["values"], {}
    for i, value in enumerate(values):
        if value["depth"] == 1:
            roots[value["key"]] = value, values[i + 1]
    for key, array in arrays.items():
        value, inside = roots[key]
        if (value["kind"], value["text"]) != ("array", shown(array)):
            return f"{key}: {value['kind']} {value['text']}, numpy has {shown(array)}"
        if inside["kind"] != "shared" and (inside["kind"], inside.get("items", 0)) != within(array):
            return f"{key}: {inside['kind']} of {inside.get('items', 0)}, numpy has {within(array)}"
    return None


def main():
    tally = Tally()
    arrays = {f"{i}": a for i, a in enumerate(numpy_arrays.samples())}
    arrays["every byte"] = np.arange(256, dtype="u1")
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "a.pkl")
        for protocol in range(6):
            with open(path, "wb") as out:
                pickle.dump(arrays, out, protocol)
            tally.check(f"pickle, protocol {protocol}", wrong_tensors(inspect(path)[1], wanted(arrays), ("findings",)))
        numbers = {key: a for key, a in arrays.items() if a.dtype.kind in "fiubc"}
        with open(path, "wb") as out:
            out.write(python2(numbers))
        tally.check("pickle of Python 2", wrong_tensors(inspect(path)[1], wanted(numbers), ("findings",)))
        arrays["texts"] = np.array(["a", "bb"])
        arrays["objects"] = np.array(["abc", None, 1], dtype=object)
        for name, how in TORCH_FILES.items():
            torch.save(arrays, path, **how)
            tally.check(name, wrong_tree(path, arrays))
    return tally.end()


sys.exit(main())
