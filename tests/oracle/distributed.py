"""Distributed checkpoints as torch writes them: what ckptlint finds must be what torch saved, and every one of a list of
changes to .metadata or to a file must be told by its own reason. Writes with torch.distributed._shard.checkpoint (1.13)."""
import copy
import dataclasses
import hashlib
import io
import json
import os
import pickle
import shutil
import subprocess
import sys
import tempfile
import types
import warnings

warnings.simplefilter("ignore")
dataclass = dataclasses.dataclass


def hashable(cls=None, /, **how):
    """Python 3.11 refuses TensorProperties() as a default because it has no hash; torch 1.13 did not know that."""
    def wrap(c):
        return dataclass(c, **(dict(how, unsafe_hash=True) if c.__name__ == "TensorProperties" else how))
    return wrap if cls is None else wrap(cls)


try:
    dataclasses.dataclass = hashable
    import torch
    import torch.distributed._shard.checkpoint as dcp
    from torch.distributed._shard.checkpoint import filesystem, metadata
except (ImportError, ValueError) as e:
    print(f"SKIPPED distributed: torch.distributed._shard.checkpoint can't be imported ({e})")
    sys.exit(0)
finally:
    dataclasses.dataclass = dataclass

passed = failed = 0


def check(what, wrong):
    global passed, failed
    passed, failed = passed + (not wrong), failed + bool(wrong)
    if wrong:
        print(f"FAILED {what}: {wrong}")


def run(folder, *args):
    out = subprocess.run([os.environ["CKPTLINT"], *args, "--format", "json", folder], capture_output=True, text=True)
    report = json.loads(out.stdout)
    return out.returncode, report["files"][0], report


def digest(t):
    return hashlib.sha256(t.contiguous().numpy().tobytes()).hexdigest()


def compare(folder, tensors, dicts):
    code, whole, _ = run(folder, "inspect", "--tensors", "--hash", "sha256")
    if code != 0 or whole["verdict"] != "findings" or whole["format"] != "model folder":
        return f"exit {code}, {whole['verdict']}, {[f['message'] for f in whole.get('findings', [])]}"
    found = {t["key"]: t for t in whole["tensors"]}
    if set(found) != set(tensors):
        return f"keys {sorted(found)}, torch saved {sorted(tensors)}"
    for key, (t, pieces) in tensors.items():
        f = found[key]
        if f["shape"] != list(t.shape) or f["dtype"] != str(t.dtype)[6:]:
            return f"{key} is {f['dtype']} {f['shape']}"
        if f["sha256"] != (digest(t) if pieces == 1 else None):
            return f"{key} has another digest"
    got = {d["path"]: d["entries"] for d in whole["state_dicts"]}
    return None if got == dicts else f"state dicts {got}, expected {dicts}"


# ---- as torch writes them ----

def save(folder, state, one_file):
    dcp.save_state_dict(state, dcp.FileSystemWriter(folder, single_file_per_rank=one_file), no_dist=True)


STATE = {"w": torch.arange(6.0).reshape(2, 3), "b": torch.ones(4, dtype=torch.int64), "none": torch.zeros(0, 3),
         "scalar": torch.tensor(7.0), "h": torch.randn(3, 2).half(), "epoch": 3, "opt": {"lr": 0.1, "m": [1, 2]}}


# ---- by hand, in pieces: what a run on several ranks leaves ----

def piece(t):
    out = io.BytesIO()
    torch.save(t, out)
    return out.getvalue()


def chunk(offsets, t):
    return metadata.ChunkStorageMetadata(torch.Size(offsets), torch.Size(t.shape))


def build():
    """Metadata and files: w in four pieces over two files, b whole, epoch as bytes."""
    w, b = torch.arange(24.0).reshape(4, 6), torch.ones(5)
    parts = [((r, c), w[r:r + 2, c:c + 3].clone()) for r in (0, 2) for c in (0, 3)]
    files, storage = {"__0_0.distcp": b"", "__1_0.distcp": b""}, {}

    def put(name, index, data):
        storage[index] = filesystem._StorageInfo(name, len(files[name]), len(data))
        files[name] += data

    for i, (at, t) in enumerate(parts):
        put(f"__{i % 2}_0.distcp", metadata.MetadataIndex("model.w", torch.Size(at), i), piece(t))
    put("__0_0.distcp", metadata.MetadataIndex("model.b", torch.Size([0])), piece(b))
    put("__1_0.distcp", metadata.MetadataIndex("epoch"), piece(3))
    put("__1_0.distcp", metadata.MetadataIndex("optim.exp_avg"), piece({"m": torch.zeros(2)}))
    tensor = lambda t, chunks: metadata.TensorStorageMetadata(
        properties=metadata.TensorProperties.create_from_tensor(t), size=t.size(), chunks=chunks)
    entries = {"model.w": tensor(w, [chunk(at, t) for at, t in parts]), "epoch": metadata.BytesStorageMetadata(),
               "model.b": tensor(b, [chunk((0,), b)]), "optim.exp_avg": metadata.BytesStorageMetadata()}
    paths = {"model.w": ("model", "w"), "epoch": ("epoch",), "model.b": ("model", "b"), "optim.exp_avg": ("optim", "exp_avg")}
    return metadata.Metadata(entries, paths, storage), files, w, b


def write(folder, meta, files):
    os.makedirs(folder)
    with open(folder + "/.metadata", "wb") as out:
        pickle.dump(meta, out)
    for name, data in files.items():
        with open(f"{folder}/{name}", "wb") as out:
            out.write(data)


def key(meta, fqn, offset=None):
    return next(k for k in meta.storage_data if k.fqn == fqn and (offset is None or tuple(k.offset) == offset))


def info(meta, fqn, offset=None):
    return meta.storage_data[key(meta, fqn, offset)]


def change_beyond(meta, files):
    info(meta, "model.b").length += 100000


def change_negative(meta, files):
    info(meta, "model.b").offset = -1


def change_huge(meta, files):
    info(meta, "model.b").length = 2**64


def change_path(meta, files):
    info(meta, "model.b").relative_path = "../secret.distcp"


def change_absolute(meta, files):
    info(meta, "model.b").relative_path = "/etc/passwd"


def change_file(meta, files):
    del files["__1_0.distcp"]


def change_cut(meta, files):
    files["__0_0.distcp"] = files["__0_0.distcp"][:-10]


def change_overlap(meta, files):
    info(meta, "model.w", (2, 0)).offset = info(meta, "model.w", (0, 0)).offset


def change_gap(meta, files):
    files["__0_0.distcp"] += b"cposix\nsystem\n"


def change_no_place(meta, files):
    del meta.storage_data[key(meta, "model.w", (2, 3))]


def change_swap(meta, files):
    a, b = info(meta, "model.b"), info(meta, "model.w", (0, 0))
    a.__dict__, b.__dict__ = b.__dict__, a.__dict__


def change_outside(meta, files):
    meta.state_dict_metadata["model.w"].chunks[3].offsets = torch.Size([3, 3])


def change_meet(meta, files):
    meta.state_dict_metadata["model.w"].chunks[3].offsets = torch.Size([1, 2])


def change_hole(meta, files):
    meta.state_dict_metadata["model.w"].chunks.pop()


def change_size(meta, files):
    meta.state_dict_metadata["model.b"].size = torch.Size([6])


def change_rank(meta, files):
    meta.state_dict_metadata["model.b"].size = torch.Size([5, 1])


def change_dtype(meta, files):
    meta.state_dict_metadata["model.b"].properties.dtype = torch.float64


def change_unlisted(meta, files):
    del meta.state_dict_metadata["epoch"]


def change_no_storage(meta, files):
    meta.storage_data = None


def change_class(meta, files):
    meta.state_dict_metadata["epoch"] = 3


class Call:
    def __reduce__(self):
        return os.system, ("true",)


def change_hostile(meta, files):
    data = pickle.dumps(Call(), protocol=2)
    info(meta, "epoch").relative_path, info(meta, "epoch").offset, info(meta, "epoch").length = "__2_0.distcp", 0, len(data)
    files["__2_0.distcp"] = data


def change_metadata(meta, files):
    meta.planner_data = Call()


CHANGES = {"beyond": (1, "dcp-range"), "negative": (1, "dcp-form"), "huge": (1, "dcp-form"), "path": (1, "dcp-path"),
           "absolute": (1, "dcp-path"), "file": (1, "dcp-file"), "cut": (1, "dcp-range"), "overlap": (1, "dcp-overlap"),
           "gap": (1, "dcp-gap"), "no_place": (1, "dcp-place"), "swap": (1, "dcp-chunk"), "outside": (1, "dcp-outside"),
           "meet": (1, "dcp-meet"), "hole": (1, "dcp-holes"), "size": (1, "dcp-holes"), "rank": (1, "dcp-form"),
           "dtype": (1, "dcp-chunk"), "unlisted": (1, "dcp-unlisted"), "no_storage": (1, "dcp-form"), "class": (1, "dcp-form"),
           "hostile": (1, "call"), "metadata": (1, "call")}


# ---- the names and states of torch 2 ----

def modern(meta):
    """The same metadata as torch 2.x pickles it: other modules, None left out, TensorProperties as a tuple, members of
    the enumeration by value, StorageMeta and a version."""
    def module(name):
        sys.modules.setdefault(name, types.ModuleType(name))
        return name

    def record(where, name, state):
        where = module(f"torch.distributed.checkpoint.{where}")
        if not hasattr(sys.modules[where], name):
            setattr(sys.modules[where], name, type(name, (), {"__module__": where, "__getstate__": lambda self: self.state}))
        out = getattr(sys.modules[where], name)()
        out.state = state
        return out

    def state_of(x):
        return {k: convert(v) for k, v in vars(x).items() if v is not None}

    class Member:
        def __reduce__(self):
            return sys.modules["torch.distributed.checkpoint.metadata"]._MEM_FORMAT_ENCODING, (0,)

    def convert(x):
        name = type(x).__name__
        if name == "TensorProperties":
            return record("metadata", name, (x.dtype, x.layout, x.requires_grad, Member(), x.pin_memory))
        if name == "_StorageInfo":
            return record("filesystem", name, dict(state_of(x), transform_descriptors=()))
        if name == "Metadata":
            more = {"storage_meta": record("metadata", "StorageMeta", {"checkpoint_id": "a", "modules": []}), "version": "1.0.0"}
            return record("metadata", name, dict(state_of(x), **more))
        if name == "BytesStorageMetadata":
            return record("metadata", name, None)
        if dataclasses.is_dataclass(x):
            return record("metadata", name, state_of(x))
        if type(x) is dict:
            return {convert(k): convert(v) for k, v in x.items()}
        return [convert(v) for v in x] if type(x) is list else x

    def encoding(value):
        raise AssertionError("never called")

    encoding.__module__, encoding.__qualname__ = module("torch.distributed.checkpoint.metadata"), "_MEM_FORMAT_ENCODING"
    sys.modules[encoding.__module__]._MEM_FORMAT_ENCODING = encoding
    return convert(meta)


def reasons(report):
    return {f["reason"] for file in report["files"] for f in file.get("findings", [])}


def main():
    work = tempfile.mkdtemp()
    try:
        for one_file in (True, False):
            folder = f"{work}/torch-{one_file}"
            save(folder, copy.deepcopy(STATE), one_file)
            tensors = {k: (v, 1) for k, v in STATE.items() if isinstance(v, torch.Tensor)}
            check(f"torch, {'one file' if one_file else 'a file each'}", compare(folder, tensors, {"": 7}))
        meta, files, w, b = build()
        write(work + "/pieces", meta, files)
        tensors = {"model.w": (w, 4), "model.b": (b, 1), "optim.exp_avg/m": (torch.zeros(2), 1)}
        check("pieces", compare(work + "/pieces", tensors, {"model": 2, "": 1, "optim": 1}))
        write(work + "/modern", modern(build()[0]), files)
        check("torch 2", compare(work + "/modern", tensors, {"model": 2, "": 1, "optim": 1}))
        for name, (code, reason) in CHANGES.items():
            meta, files, _, _ = build()
            globals()["change_" + name](meta, files)
            write(f"{work}/{name}", meta, files)
            got, whole, report = run(f"{work}/{name}")
            wrong = got != code or reason not in reasons(report) or whole["verdict"] in ("clean", "findings") and name != "unlisted"
            check(name, wrong and f"exit {got}, expected {code}; {whole['verdict']}; {sorted(reasons(report))}, expected {reason}")
        os.remove(work + "/pieces/.metadata")
        with open(work + "/pieces/.metadata", "wb") as out:
            out.write(b"\x80\x04cut")
        got, whole, report = run(work + "/pieces")
        check("no metadata", (got != 1 or "dcp-unread" not in reasons(report)) and f"exit {got}, {sorted(reasons(report))}")
    finally:
        shutil.rmtree(work)
    print(f"{passed} passed, {failed} failed")
    return failed > 0


sys.exit(main())
