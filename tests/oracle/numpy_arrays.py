"""Arrays to write and what they are, for the oracles of the containers that hold them."""
import hashlib

import numpy as np

NAMES = {"f2": "float16", "f4": "float32", "f8": "float64", "c8": "complex64", "c16": "complex128", "b1": "bool",
         "i1": "int8", "i2": "int16", "i4": "int32", "i8": "int64", "u1": "uint8", "u2": "uint16", "u4": "uint32", "u8": "uint64"}
SHAPES = ((), (0,), (7,), (2, 3), (3, 1, 4), (2, 0, 5))


def samples():
    """Arrays of every dtype that torch has too, in both byte orders, of every shape and layout."""
    rng = np.random.default_rng(0)
    for code in NAMES:
        for order in "<>":
            for shape in SHAPES:
                for layout in "CF":
                    numbers = rng.integers(0, 2 if code == "b1" else 100, size=shape)
                    yield np.asarray(numbers).astype(np.dtype(order + code)).copy(order=layout)


def tensor(array):
    """As ckptlint lists it: little-endian and in C order; as rows of bytes, as they lie, where torch has no such dtype."""
    if array.dtype.str[1:] in NAMES and array.dtype.names is None:
        little = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"))
        return {"dtype": NAMES[array.dtype.str[1:]], "shape": list(array.shape), "numel": array.size,
                "sha256": hashlib.sha256(little.tobytes()).hexdigest()}
    lies_in_columns = array.flags.f_contiguous and not array.flags.c_contiguous
    shape = [array.size] if lies_in_columns else list(array.shape)
    return {"dtype": "bits8", "shape": shape + [array.dtype.itemsize], "sha256": hashlib.sha256(array.tobytes("A")).hexdigest()}
