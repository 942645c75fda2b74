"""Files as torch.save wrote them before 0.1.10, made here as its source did (format-spec C.5), and torch, which still reads
them: ckptlint must find the tensors that torch loads; a file that is changed in one byte is refused, or loads the same values.
Needs Debian's python3-torch."""
import hashlib
import io
import os
import pickle
import random
import struct
import sys
import tarfile
import tempfile
import warnings

try:
    import torch
except ImportError:
    print("SKIPPED tar_files: python3-torch is not installed")
    sys.exit(0)

from found import Tally, inspect, wrong_tensors

warnings.simplefilter("ignore")
NAMES = {torch.float64: "Double", torch.float32: "Float", torch.float16: "Half", torch.int64: "Long", torch.int32: "Int",
         torch.int16: "Short", torch.int8: "Char", torch.uint8: "Byte"}


class Saver(pickle.Pickler):
    """Persistent ids of tensors are their keys, and their storages come into the tables."""

    def __init__(self, out):
        super().__init__(out, protocol=2)
        self.tensors, self.storages = {}, {}

    def persistent_id(self, value):
        if not isinstance(value, torch.Tensor):
            return None
        key = 4314122768 + 64 * len(self.tensors)
        self.tensors[key] = value
        self.storages.setdefault(value.storage().data_ptr(), (2 ** 33 + len(self.storages), value))
        return str(key)


def tag(name):
    return b"ctorch\n" + name.encode() + b"\n"


def small(*parts):
    """A pickle of a tuple: what torch's classes pickle as stands in it as it is."""
    body = b"".join(p if isinstance(p, bytes) else pickle.dumps(p, protocol=2)[2:-1] for p in parts)
    return b"\x80\x02" + body + b"\x87."


def save(value, path, form=tarfile.PAX_FORMAT):
    out = io.BytesIO()
    saver = Saver(out)
    saver.dump(value)
    storages, tensors = [pickle.dumps(len(saver.storages), 2)], [pickle.dumps(len(saver.tensors), 2)]
    for key, t in saver.storages.values():
        raw = bytes(t.storage().untyped())
        storages += [small(key, "cpu", tag(NAMES[t.dtype] + "Storage")), struct.pack("<q", len(t.storage())), raw]
    for key, t in saver.tensors.items():
        of = saver.storages[t.storage().data_ptr()][0]
        numbers = list(t.shape) + list(t.stride()) + [t.storage_offset()]
        tensors += [small(key, of, tag(NAMES[t.dtype] + "Tensor")), struct.pack(f"<q{len(numbers)}q", t.dim(), *numbers)]
    storages.append(pickle.dumps([], 2))
    info = {"protocol_version": 1000, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
    with tarfile.open(path, "w:", format=form) as tar:
        for name, data in (("sys_info", pickle.dumps(info, 2)), ("pickle", out.getvalue()), ("tensors", b"".join(tensors)),
                           ("storages", b"".join(storages))):
            member = tarfile.TarInfo(name)
            member.size, member.mtime, member.mode, member.uid = len(data), 1485049682.25, 0o600, 501
            tar.addfile(member, io.BytesIO(data))


def expected(t):
    little = bytes(t.clone(memory_format=torch.contiguous_format).storage().untyped()) if t.numel() else b""
    return {"dtype": str(t.dtype)[6:], "shape": list(t.shape), "stride": list(t.stride()),
            "storage_offset": t.storage_offset(), "sha256": hashlib.sha256(little).hexdigest()}


def wrong_file(path):
    return wrong_tensors(inspect(path)[1], {k: expected(t) for k, t in torch.load(path).items()})


def same(path, tensors):
    try:
        loaded = torch.load(path)
        return loaded.keys() == tensors.keys() and all(torch.equal(loaded[k], t) for k, t in tensors.items())
    except Exception:  # whatever torch says of a broken file
        return False


def wrong_when_changed(path, tensors, random_changes):
    """What passes as harmless must load as the file that was changed."""
    with open(path, "rb") as file:
        whole = file.read()
    data = whole.index(struct.pack("<q", 6) + bytes(4)) + 8  # numbers may be anything
    changed = path + ".changed"
    for at, byte in random_changes(len(whole)):
        if whole[at] == byte or data <= at < data + 24:
            continue
        with open(changed, "wb") as out:
            out.write(whole[:at] + bytes([byte]) + whole[at + 1:])
        verdict = inspect(changed)[1]["verdict"]
        wrong = verdict in ("clean", "findings") and not same(changed, tensors)
        yield f"byte {at} is {byte}", f"{verdict}, and torch loads something else" if wrong else None


def main():
    torch.manual_seed(0)
    base = torch.arange(60, dtype=torch.float32).reshape(3, 4, 5)
    values = {
        "views": {"t": base.transpose(0, 2), "row": base[1], "step": base[:, ::2, 1:], "flat": base.view(-1)[7:19], "all": base},
        "dtypes": {str(d)[6:]: (torch.rand(2, 3) * 9).to(d) for d in NAMES},
        "expanded": {"e": torch.ones(1, 3).expand(4, 3)},
        "tied": (lambda w: {"a.weight": w, "b.weight": w})(torch.randn(5, 5)),
        "none": {},
        "many": {f"layer.{i}.weight": torch.full((3,), float(i)) for i in range(2000)},
    }
    tally = Tally()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "a.pt")
        for name, value in values.items():
            save(value, path)
            tally.check(name, wrong_file(path))
        for form in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT):  # packed again by another tar
            save(values["views"], path, form)
            tally.check(f"tar format {form}", wrong_file(path))
        tensors = {"w": torch.arange(6.0).reshape(2, 3)}
        save(tensors, path)
        rng = random.Random(0)
        header = lambda n: ((at, rng.choice((0, 0x20, 0x30, 0x31, 0x80, 0xff, ord("x")))) for at in range(1024, 1536))
        anywhere = lambda n: ((rng.randrange(n), rng.randrange(256)) for _ in range(150))
        for changes in (header, anywhere):
            for what, wrong in wrong_when_changed(path, tensors, changes):
                tally.check(what, wrong)
    return tally.end()


sys.exit(main())
