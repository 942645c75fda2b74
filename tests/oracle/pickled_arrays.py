"""numpy arrays in bare pickles of every protocol but 0: what ckptlint finds in them must be what numpy holds. Under protocols 1
and 2 their bytes are spelled as text."""
import os
import pickle
import sys
import tempfile

import numpy as np

import numpy_arrays
from found import Tally, inspect, wrong_tensors


def wanted(arrays):
    return {key: numpy_arrays.tensor(a) for key, a in arrays.items()}


def main():
    tally = Tally()
    arrays = {f"{i}": a for i, a in enumerate(numpy_arrays.samples())}
    arrays["every byte"] = np.arange(256, dtype="u1")
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "a.pkl")
        for protocol in range(1, 6):
            with open(path, "wb") as out:
                pickle.dump(arrays, out, protocol)
            tally.check(f"pickle, protocol {protocol}", wrong_tensors(inspect(path)[1], wanted(arrays), ("findings",)))
    return tally.end()


sys.exit(main())
