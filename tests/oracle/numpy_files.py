"""numpy's own .npy and .npz files, in every dtype, order and version: what ckptlint finds in them must be what numpy holds."""
import io
import os
import pickletools
import sys
import tempfile
import warnings
import zipfile

try:
    import numpy as np
except ImportError:
    print("SKIPPED numpy_files: python3-numpy is not installed")
    sys.exit(0)

import numpy_arrays
from found import Tally, inspect, wrong_tensors

warnings.simplefilter("ignore")  # version 2.0 of the format warns
RECORDS = ([("a", "<i4"), ("b", ">f8")], [("a", "u1"), ("m", "<f4", (2, 3)), ("s", "S5"), ("u", "U2")],
           [("p", [("x", "<f2"), ("y", "<i8", (2,))]), ("q", "M8[ns]")], [(("title", "name"), "<f4")], [("", "i1"), ("b c", "i1")],
           {"names": ["a", "b"], "formats": ["i1", "f8"], "offsets": [4, 16], "itemsize": 32})


def strides(array):
    """In elements, as numpy keeps them for numbers in arrays without empty or single dimensions; {} where they say nothing."""
    says = array.dtype.names is None and array.size and 1 not in array.shape
    return {"stride": [s // array.itemsize for s in array.strides]} if says and array.ndim else {}


def wrong_file(path, arrays, verdicts=("clean", "findings")):
    return wrong_tensors(inspect(path)[1], {k: {**numpy_arrays.tensor(a), **strides(a)} for k, a in arrays.items()}, verdicts)


def wrong_lengths(path):
    """A stored member that says it is longer unpacked: no array of it may be believed."""
    np.savez(path, a=np.zeros(3), b=np.zeros(3))
    with open(path, "rb") as f:
        data = bytearray(f.read())
    entry = data.rindex(b"PK\1\2")
    data[entry + 24:entry + 28] = (4000).to_bytes(4, "little")
    with open(path, "wb") as out:
        out.write(data)
    report = inspect(path)[1]
    found = report["verdict"], {f["rule"] for f in report["findings"]}, [t["key"] for t in report.get("tensors", [])]
    return None if found == ("unsafe", {"FMT102"}, ["a"]) else str(found)


class Call:
    """Loading it would be a call, of a function that does nothing."""

    def __reduce__(self):
        return os.getppid, ()


def wrong_place(save, path):
    """Where the call of an array of objects stands in its member, also of a packed one: named as member, where the program begins
    in it, and where the call is in the program."""
    save(path, a=np.zeros(3), o=np.array([Call(), None], dtype=object))
    with zipfile.ZipFile(path) as z:
        data = z.read("o.npy")
    stream = io.BytesIO(data)
    np.lib.format.read_magic(stream)
    np.lib.format.read_array_header_1_0(stream)
    start = stream.tell()
    calls = [at for op, _, at in pickletools.genops(data[start:]) if op.name == "REDUCE"]
    found = [f for f in inspect(path)[1]["findings"] if f["rule"] == "GLB301"]
    if len(found) != 1 or found[0]["member"] != f"o.npy+{start:#x}" or found[0]["offset"] not in calls:
        return f"{[(f['member'], f['offset']) for f in found]}, begins at {start:#x}, calls at {calls}"
    return None


def wrong_beside(path, arrays):
    """Members that are no arrays, and arrays under other names: those that numpy.load gives are found."""
    np.savez(path, **arrays)
    with zipfile.ZipFile(path, "a") as z:
        z.writestr("notes.txt", "measured in spring")
        z.writestr("named otherwise", z.read("x.npy"))
    with np.load(path) as loaded:
        arrays = {k: loaded[k] for k in loaded.files if isinstance(loaded[k], np.ndarray)}
    return wrong_file(path, arrays, ("findings",))


def main():
    tally = Tally()
    check = tally.check
    with tempfile.TemporaryDirectory() as folder:
        every = list(numpy_arrays.samples())
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
                check(f"records {dtype} {layout}", wrong_file(path, {"": array.copy(order=layout)}, ("clean",)))
        for dtype in ([("a", "i4"), ("o", "O")], "O"):
            np.save(path, np.zeros(3, dtype), allow_pickle=True)
            code, report = inspect(path)
            check(f"objects {dtype}", None if report["verdict"] == "findings" and not report.get("tensors") else report["verdict"])
        named = {f"a/{i}": a for i, a in enumerate(every)}
        for save in (np.savez, np.savez_compressed):
            path = os.path.join(folder, "a.npz")
            save(path, **named)
            check(save.__name__, wrong_file(path, named))
            check(f"the place of a call, {save.__name__}", wrong_place(save, path))
        check("beside others", wrong_beside(path, {"x": np.arange(3.0), "y": np.ones((2, 2), "i4")}))
        check("stored, of two lengths", wrong_lengths(path))
    return tally.end()


sys.exit(main())
