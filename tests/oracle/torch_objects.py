"""What harmless checkpoints hold besides tensors, each kind written by torch.save in both formats: none may be called unsafe
but those that a loader must call or look up by name, and what was not read must be said. Needs Debian's python3-torch and
python3-torchvision."""
import argparse
import collections
import datetime
import enum
import functools
import inspect
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import warnings

try:
    import numpy as np
    import torch
    import torchvision
except ImportError as missing:
    print(f"SKIPPED torch_objects: {missing}")
    sys.exit(0)

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CKPTLINT = os.environ.get("CKPTLINT", os.path.join(TOP, "build/release/ckptlint"))
READ = {"clean", "findings"}
warnings.filterwarnings("ignore")


class Color(enum.Enum):
    RED = 1


class Plain:
    pass


Pair = collections.namedtuple("Pair", "a b")


def stepped(cls):
    """An optimizer after a step, so that its state is there."""
    p = torch.nn.Parameter(torch.ones(3, 2))
    optimizer = cls([p], lr=0.1)
    p.grad = torch.sparse_coo_tensor([[0], [1]], [1.0], (3, 2)) if cls.__name__ == "SparseAdam" else torch.ones(3, 2)
    optimizer.step((lambda: torch.tensor(1.0)) if cls.__name__ == "LBFGS" else None)
    return optimizer


def optimizers():
    for name, cls in inspect.getmembers(torch.optim, inspect.isclass):
        if cls is torch.optim.Optimizer or not issubclass(cls, torch.optim.Optimizer):
            continue
        optimizer = stepped(cls)
        yield name + " state", optimizer.state_dict(), READ
        yield name + " object", optimizer, READ


def schedulers():
    of = torch.optim.lr_scheduler
    makers = {"LambdaLR": lambda o: of.LambdaLR(o, lambda e: e), "MultiplicativeLR": lambda o: of.MultiplicativeLR(o, lambda e: 0.9),
              "StepLR": lambda o: of.StepLR(o, 2), "MultiStepLR": lambda o: of.MultiStepLR(o, [1]), "ConstantLR": of.ConstantLR,
              "LinearLR": of.LinearLR, "ExponentialLR": lambda o: of.ExponentialLR(o, 0.9), "PolynomialLR": of.PolynomialLR,
              "SequentialLR": lambda o: of.SequentialLR(o, [of.ConstantLR(o), of.StepLR(o, 2)], [1]),
              "ChainedScheduler": lambda o: of.ChainedScheduler([of.ConstantLR(o), of.StepLR(o, 2)]),
              "CosineAnnealingLR": lambda o: of.CosineAnnealingLR(o, 5), "ReduceLROnPlateau": of.ReduceLROnPlateau,
              "OneCycleLR": lambda o: of.OneCycleLR(o, 0.1, total_steps=9), "SWALR": lambda o: torch.optim.swa_utils.SWALR(o, 0.1),
              "CosineAnnealingWarmRestarts": lambda o: of.CosineAnnealingWarmRestarts(o, 3)}
    for name, make in makers.items():
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(2))], lr=0.1, momentum=0.9)
        scheduler = make(optimizer)
        yield name + " state", scheduler.state_dict(), READ
        if name not in ("LambdaLR", "MultiplicativeLR"):  # those hold a function of this file
            yield name + " object", scheduler, READ


def numbers():
    for code in "?bBhHiIlLqQefdFD":
        yield f"numpy scalar {code}", {"x": np.dtype(code).type(1)}, READ
        yield f"numpy array {code}", {"x": np.arange(6).reshape(2, 3).astype(code)}, READ
        yield f"numpy Fortran array {code}", np.asfortranarray(np.arange(6).reshape(2, 3).astype(code)), READ
    for code in "gG":  # extended precision is as long as the machine has it
        yield f"numpy scalar {code}", {"x": np.dtype(code).type(1)}, READ
        yield f"numpy array {code}", {"x": np.ones(2, code)}, READ
    yield "numpy big-endian array", np.arange(3, dtype=">f4"), READ
    yield "numpy empty array", np.zeros((0, 3)), READ
    yield "numpy 0-dim array", np.array(3.0), READ
    yield "numpy date", np.datetime64("2020-01-01"), READ
    yield "numpy dtype", np.dtype("f4"), READ
    yield "numpy object array", np.array([{}, None], dtype=object), READ


def plain():
    zone = datetime.timezone.utc
    values = [collections.Counter("aab"), collections.defaultdict(int), collections.defaultdict(list, {1: [2]}), collections.defaultdict(None),
              collections.deque([1], 3), {1, 2}, frozenset([1]), 1 + 2j, datetime.datetime(2020, 1, 1), datetime.date(2020, 1, 1),
              datetime.timedelta(1), datetime.datetime(2020, 1, 1, tzinfo=zone), pathlib.Path("/a/b"), pathlib.PureWindowsPath("a"),
              slice(1, 2), range(3), argparse.Namespace(a=1), b"a", bytearray(b"a"), collections.OrderedDict(a=1), torch.float16,
              torch.device("cuda:0"), torch.Size([1]), torch.strided, torch.empty(2, device="meta"), torch.FloatStorage(3),
              collections.defaultdict(collections.Counter), collections.defaultdict(collections.deque), collections.UserString("a"),
              type(None), torch.relu, torch.max(torch.ones(2, 3), 1), torch.linalg.svd(torch.eye(2)), {frozenset([1]): 2}, {tuple(range(40)): 1}]
    for value in values:
        yield f"plain {type(value).__name__} {value!r:.40}", {"v": value}, READ
    yield "factory of this file", {"v": collections.defaultdict(Plain)}, {"findings"}
    images = torchvision.transforms
    yield "transforms", {"v": images.Compose([images.Resize(3), images.RandomCrop(2), images.ToTensor(), images.Normalize([0.5], [0.5])])}, READ
    yield "scaler", {"scale": torch.cuda.amp.GradScaler(enabled=False).state_dict(), "growth_factor": 2.0, "_growth_tracker": 0}, READ
    yield "random states", {"torch": torch.get_rng_state(), "numpy": np.random.get_state(), "python": random.getstate(),
                            "cuda": [torch.get_rng_state()], "generator": np.random.default_rng(0).bit_generator.state}, READ
    yield "unknown class", {"v": Plain()}, {"findings"}
    yield "named tuple", {"v": Pair(1, 2)}, {"findings"}
    # A loader calls these, or looks a name up in them: their own code decides what that does.
    yield "enum member", {"v": Color.RED}, {"unsafe"}
    yield "partial", {"v": functools.partial(torch.nn.LayerNorm, eps=1e-6)}, {"findings"}


def modules():
    net = torch.nn.Linear(3, 2)
    arguments = [(), (3,), (4, 2), (3, 2, 1), (2, 2, 1, 1), ((2, 2),), (4, 4, 2), (1, (2, 2)), (4, 9, [3]), ([net],), ({"a": net},), (net, 2)]
    for name, cls in inspect.getmembers(torch.nn, inspect.isclass):
        if not issubclass(cls, torch.nn.Module) or name == "RNNBase":
            continue
        for given in arguments:
            try:
                module = cls(*given)
            except (TypeError, ValueError, AttributeError, AssertionError, IndexError, RuntimeError, NotImplementedError, KeyError):
                continue
            yield f"layer {name}", module, READ
            break
        else:
            yield f"layer {name}: no arguments fit", None, set()
    for wrapped in (torch.nn.utils.weight_norm(torch.nn.Linear(2, 2)), torch.nn.utils.spectral_norm(torch.nn.Linear(2, 2)),
                    torch.nn.TransformerEncoder(torch.nn.TransformerEncoderLayer(4, 2), 2),
                    torch.nn.TransformerEncoderLayer(4, 2, activation=torch.sigmoid), torch.nn.DataParallel(net),
                    torch.quantization.quantize_dynamic(torch.nn.Sequential(torch.nn.Linear(2, 2)))):
        yield f"module {type(wrapped).__name__}", wrapped, READ


def main():
    wanted, passed, failed = {}, 0, 0
    with tempfile.TemporaryDirectory() as folder:
        for source in (optimizers, schedulers, numbers, plain, modules):
            for label, value, verdicts in source():
                for zipped in (True, False):
                    path = os.path.join(folder, f"{len(wanted)}.pt")
                    torch.save(value, path, _use_new_zipfile_serialization=zipped)
                    wanted[path] = (label + (", zip" if zipped else ", legacy"), verdicts)
        said = subprocess.run([CKPTLINT, "--format", "json", *wanted], stdout=subprocess.PIPE, check=False).stdout
    files = {f["path"]: f for f in json.loads(said)["files"]}
    for path, (label, verdicts) in wanted.items():
        got = files.get(path, {"verdict": "nothing", "findings": []})
        if got["verdict"] in verdicts:
            passed += 1
            continue
        failed += 1
        print(f"FAILED {label}: {got['verdict']}, not {' or '.join(sorted(verdicts))}")
        for finding in got["findings"][:3]:
            print(f"  {finding['rule']}/{finding['reason']}: {finding['message']}")
    print(f"{passed} passed, {failed} failed")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
