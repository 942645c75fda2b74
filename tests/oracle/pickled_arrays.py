"""numpy arrays in bare pickles of every protocol: what ckptlint finds in them must be what numpy holds. Under protocols 0 to 2
their bytes are spelled as text, by Python 2 as a str."""
import io
import os
import pickle
import sys
import tempfile

import numpy as np

import numpy_arrays
from found import Tally, inspect, wrong_tensors


def wanted(arrays):
    return {key: numpy_arrays.tensor(a) for key, a in arrays.items()}


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
    return tally.end()


sys.exit(main())
