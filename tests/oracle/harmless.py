"""What training leaves in harmless checkpoints (format-spec E and F): written by CPython's pickler with the classes of the
frameworks, real ones where Debian has them, else stand-ins of their names and shapes. For each file: the verdict; every tensor, byte
for byte; the names that loading imports, as CPython's unpickler asks for them; and what torch 1.13's own weights_only list stops at.
A name on no list is a finding that a policy settles, never "unsafe" where the loader calls nothing. Needs Debian's
python3-torch, python3-omegaconf and python3-easydict."""
import _compat_pickle
import argparse
import collections
import dataclasses
import datetime
import decimal
import enum
import functools
import hashlib
import io
import json
import os
import pathlib
import pickle
import random
import subprocess
import sys
import tempfile
import types
import typing
import uuid
import warnings
import zipfile
import zoneinfo

from found import Tally, inspect, wrong_tensors

try:
    import easydict
    import numpy as np
    import numpy_arrays
    import omegaconf
    import torch
    from torch import nn
    from torch.nn.utils.rnn import pack_sequence
except ImportError as missing:
    print(f"SKIPPED harmless: {missing}")
    sys.exit(0)

warnings.filterwarnings("ignore")
CKPTLINT = os.environ["CKPTLINT"] = os.environ.get("CKPTLINT", "build/release/ckptlint")
CLEAN, FINDINGS, UNSAFE = "clean", "findings", "unsafe"


# ---- classes of frameworks that are not here ----

def put(cls, path):
    """Gives a class the name under which the framework's pickles have it."""
    module, name = path.rsplit(".", 1)
    for i in range(1, module.count(".") + 2):
        part = ".".join(module.split(".")[:i])
        if part not in sys.modules:
            sys.modules[part] = types.ModuleType(part)
    cls.__module__, cls.__qualname__, cls.__name__ = module, name, name
    setattr(sys.modules[module], name, cls)
    return cls


def make(path, base=object, **fields):
    """An object of a class of that name with these attributes."""
    there = getattr(sys.modules.get(path.rsplit(".", 1)[0]), path.rsplit(".", 1)[1], None)
    cls = there or put(type("Stub", (base,), {}), path)
    thing = cls.__new__(cls)
    if issubclass(cls, nn.Module):
        nn.Module.__init__(thing)
    thing.__dict__.update(fields)
    return thing


def member(path, value, how):
    """An enumeration's member as Python writes it: by value (3.10 and older, 3.12), by getattr (3.11)."""
    cls = put(enum.Enum("Stub", {"MEMBER": value}), path)
    reduces = {"value": lambda self, protocol: (cls, (value,)), "getattr": lambda self, protocol: (getattr, (cls, "MEMBER"))}
    cls.__reduce_ex__ = reduces[how]
    return cls.MEMBER


class OfNumpy2:
    """What numpy 2 writes: the same functions, of another module."""
    def __init__(self, name, args):
        self.name, self.args = name, args

    def __reduce__(self):
        def function(*_):
            return None
        return put(function, f"numpy._core.multiarray.{self.name}"), self.args


class Parameter:
    """A parameter as paddle.save writes it (paddle/framework/io.py, reduce_varbase)."""
    def __init__(self, name, array):
        self.args = name, array

    def __reduce__(self):
        return tuple, (self.args,)


class Named:
    """Pickles as a name of torch's."""
    def __init__(self, name):
        self.name = name

    def __reduce__(self):
        return self.name


def named_dtype(name):
    """torch.int4 and its kin, which torch has since 2.3 and 2.6."""
    thing = Named(name)
    thing.__module__ = "torch"
    setattr(torch, name, thing)
    return thing


# ---- the cases ----

def trained(optimizer_class, **how):
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
    optimizer = optimizer_class(net.parameters(), lr=0.1, **how)
    scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, [1, 2])
    net(torch.ones(5, 3)).sum().backward()
    optimizer.step()
    scheduler.step()
    return net, optimizer, scheduler


SCALER = {"scale": 65536.0, "growth_factor": 2.0, "backoff_factor": 0.5, "growth_interval": 2000, "_growth_tracker": 3}
ARGS = argparse.Namespace(lr=0.1, arch="resnet", layers=[1, 2], kind=float, out=None)


def training():
    net, optimizer, scheduler = trained(torch.optim.AdamW)
    yield "tutorial", {"epoch": 3, "model_state_dict": net.state_dict(), "optimizer_state_dict": optimizer.state_dict(), "loss": 0.5}, CLEAN
    yield "scheduler and scaler", {"model": net.state_dict(), "optimizer": optimizer.state_dict(), "lr_scheduler": scheduler.state_dict(),
                                   "scaler": SCALER}, CLEAN
    yield "optimizer object", {"model": net.state_dict(), "optimizer": optimizer}, FINDINGS
    net, optimizer, _ = trained(torch.optim.SGD, momentum=0.9, nesterov=True)
    yield "timm", {"epoch": 1, "arch": "resnet50", "state_dict": net.state_dict(), "optimizer": optimizer.state_dict(), "version": 2,
                   "args": ARGS, "amp_scaler": SCALER, "metric": np.float64(0.75)}, FINDINGS
    yield "rng_state.pth", {"python": random.getstate(), "numpy": np.random.get_state(), "cpu": torch.get_rng_state()}, FINDINGS
    yield "generator objects", {"a": np.random.default_rng(1), "b": np.random.RandomState(1), "c": random.Random(1)}, FINDINGS
    yield "metrics", {"model": net.state_dict(), "best": np.float32(0.5), "epoch": np.int64(3), "good": np.bool_(True),
                      "curve": np.linspace(0, 1, 5), "counts": collections.Counter({"a": 2}), "when": datetime.datetime(2024, 1, 2, 3),
                      "took": datetime.timedelta(seconds=3), "cost": decimal.Decimal("1.5"), "run": uuid.UUID(int=7),
                      "last": collections.deque([1.0, 2.0], maxlen=20), "groups": collections.defaultdict(list, {"x": [1]}),
                      "path": pathlib.PosixPath("/data/run"), "betas": (0.9, 0.999), "ids": {1, 2}, "z": 1 + 2j, "device": torch.device("cuda:0"),
                      "shape": torch.Size([1, 2]), "dtype": torch.bfloat16, "mask": slice(0, 3)}, FINDINGS
    yield "Megatron", {"args": ARGS, "checkpoint_version": 3.0, "iteration": 100, "model": {"language_model": {"encoder": net.state_dict()}},
                       "rng_state": [{"random_rng_state": random.getstate(), "np_rng_state": np.random.get_state(),
                                      "torch_rng_state": torch.get_rng_state()}]}, FINDINGS
    yield "DeepSpeed", {"module": net.state_dict(), "buffer_names": ["1.running_mean"], "optimizer": None, "lr_scheduler": None,
                        "param_shapes": [collections.OrderedDict((k, p.shape) for k, p in net.named_parameters())],
                        "sparse_tensor_module_names": set(), "global_steps": 10, "dp_world_size": 1, "ds_config": {"zero": {"stage": 1}},
                        "loss_scaler": make("deepspeed.runtime.fp16.loss_scaler.DynamicLossScaler", cur_scale=1.0)}, FINDINGS
    yield "sub-byte dtypes", {"model": net.state_dict(), "bits": [named_dtype(f"{sign}int{n}") for sign in ("", "u") for n in range(1, 8)]}, CLEAN
    yield "numpy 2", {"model": net.state_dict(), "best": OfNumpy2("scalar", (np.dtype("f8"), b"12345678"))}, FINDINGS
    yield "numpy records", {"model": net.state_dict(), "row": np.zeros(2, dtype=[("x", "f4")])[0], "bytes": np.zeros(1, "V4")[0],
                            "table": np.rec.array([(1, 2.0)], dtype=[("x", "i4"), ("y", "f4")])}, FINDINGS
    yield "time zones", {"model": net.state_dict(), "when": datetime.datetime(2024, 1, 2, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin")),
                         "zone": zoneinfo.ZoneInfo("UTC")}, FINDINGS
    packed = pack_sequence([torch.ones(3, 2), torch.zeros(1, 2)])
    yield "PackedSequence", {"batch": packed, "model": net.state_dict()}, FINDINGS


def lightning():
    net, optimizer, scheduler = trained(torch.optim.Adam)

    def checkpoint(fabric, package, **more):
        settings = make(f"{fabric}.AttributeDict", dict)
        settings.update(lr=0.1, path=pathlib.PosixPath("/data"), args=ARGS)
        return {"epoch": 1, "global_step": 10, "pytorch-lightning_version": "1.9.0", "state_dict": net.state_dict(), "loops": {"fit_loop": {}},
                "optimizer_states": [optimizer.state_dict()], "lr_schedulers": [scheduler.state_dict()], "hparams_name": "hparams",
                "hyper_parameters": settings, **more,
                "callbacks": {put(type("Stub", (), {}), f"{package}.callbacks.model_checkpoint.ModelCheckpoint"):
                              {"best_model_score": torch.tensor(0.5), "best_model_path": "a.ckpt", "best_k_models": {}}}}

    yield "Lightning 1", checkpoint("pytorch_lightning.utilities.parsing", "pytorch_lightning",
                                    native_amp_scaling_state=SCALER), FINDINGS
    yield "Lightning 2", checkpoint("lightning.fabric.utilities.data", "lightning.pytorch", MixedPrecisionPlugin=SCALER), FINDINGS


def configs():
    net = nn.Linear(3, 2)
    of = {"a": 1, "b": [1, 2.0, "x"], "c": {"d": None, "e": True, "f": b"x", "g": pathlib.Path("/a")}}
    yield "omegaconf", {"state_dict": net.state_dict(), "hyper_parameters": {"cfg": omegaconf.OmegaConf.create(of)}}, FINDINGS
    yield "easydict", {"model": net.state_dict(), "config": easydict.EasyDict({"a": {"b": [1, 2]}})}, FINDINGS
    yield "omegaconf, typed", {"state_dict": net.state_dict(), "cfg": omegaconf.OmegaConf.structured(Typed)}, FINDINGS
    optimizer = functools.partial(torch.optim.AdamW, lr=0.1, betas=(0.9, 0.99))
    schedule = functools.partial(torch.optim.lr_scheduler.CosineAnnealingLR, T_max=10)
    yield "Hydra's partials", {"state_dict": net.state_dict(), "hyper_parameters": {"optimizer": optimizer, "scheduler": schedule}}, FINDINGS
    yield "partials of functions", {"model": net.state_dict(), "activation": functools.partial(torch.clamp, min=0), "init": functools.partial(
        nn.init.xavier_uniform_, gain=2.0), "meters": collections.defaultdict(functools.partial(collections.deque, maxlen=5))}, FINDINGS
    yield "qconfig", {"model": net.state_dict(), "qconfig": torch.ao.quantization.get_default_qconfig("fbgemm")}, FINDINGS
    yield "SimpleNamespace", {"model": net.state_dict(), "config": types.SimpleNamespace(a=1)}, FINDINGS
    yield "partial of an interpolation", {"model": net.state_dict(), "up": functools.partial(nn.functional.interpolate, scale_factor=2)}, FINDINGS
    for path, value in (("apex.transformer.enums.AttnMaskType", 1), ("deepspeed.runtime.zero.offload_config.OffloadDeviceEnum", "cpu"),
                        ("detectron2.structures.boxes.BoxMode", 0), ("monai.utils.enums.SpaceKeys", "RAS"),
                        ("torch.distributed.fsdp.api.ShardingStrategy", 1)):
        for how in ("value", "getattr"):
            yield f"{path}, {how}", {"model": net.state_dict(), "is": member(path, value, how)}, FINDINGS
    for path in ("yacs.config.CfgNode", "fvcore.common.config.CfgNode", "detectron2.config.config.CfgNode", "addict.addict.Dict",
                 "mmengine.config.config.ConfigDict", "munch.Munch"):
        config = make(path, dict, __immutable__=False) if path.endswith("CfgNode") else make(path, dict)
        config.update(lr=0.1, model={"depth": 50})
        yield path, {"model": net.state_dict(), "cfg": config}, FINDINGS


def fairseq():
    net, optimizer, _ = trained(torch.optim.Adam)
    meter = make("fairseq.logging.meters.AverageMeter", val=0.5, sum=np.float64(1.5), count=3, round=3)
    meters = put(type("Stub", (collections.OrderedDict,), {}), "fairseq.logging.meters.MetersDict")(loss=meter)
    meters.priorities = [(10, "loss")]
    words = make("fairseq.data.dictionary.Dictionary", symbols=["<s>", "a"], count=[1, 2], indices={"<s>": 0, "a": 1}, bos_index=0)
    common = {"model": net.state_dict(), "criterion": {}, "last_optimizer_state": optimizer.state_dict(), "task_state": {"dictionary": words},
              "optimizer_history": [{"criterion_name": "CrossEntropyCriterion", "num_updates": 10}],
              "extra_state": {"metrics": {"train": meters}, "previous_training_time": 1.5, "train_iterator": {"epoch": 2}}}
    yield "fairseq, args", dict(common, args=ARGS, cfg=None), FINDINGS
    kind = member("fairseq.dataclass.constants.StrEnum", "fp16", "value")
    yield "fairseq, cfg", dict(common, args=None, cfg={"common": make("fairseq.dataclass.configs.CommonConfig", fp16=True, log_format=kind),
                                                       "task": omegaconf.OmegaConf.create({"_name": "audio_pretraining"})}), FINDINGS


def trainer():
    for how in ("value", "getattr"):
        of = "transformers.trainer_utils"
        arguments = make("transformers.training_args.TrainingArguments", output_dir="out", learning_rate=5e-5, save_steps=500,
                         evaluation_strategy=member(f"{of}.IntervalStrategy", "steps", how), hub_strategy=member(f"{of}.HubStrategy", "every_save", how),
                         lr_scheduler_type=member(f"{of}.SchedulerType", "linear", how),
                         optim=member("transformers.training_args.OptimizerNames", "adamw_hf", how), _n_gpu=1, device=torch.device("cpu"),
                         distributed_state=make("accelerate.state.PartialState", _cpu=False, backend=None, device=torch.device("cuda", 0),
                                                distributed_type=member("accelerate.utils.dataclasses.DistributedType", "NO", how)))
        yield f"training_args.bin, {how}", arguments, FINDINGS


def detection():
    for package, tasks in (("ultralytics.nn.modules", "ultralytics.nn.tasks.DetectionModel"), ("models", "models.yolo.Model")):
        layers = f"{package}.conv" if package != "models" else "models.common"
        conv = make(f"{layers}.Conv", nn.Module, i=0, f=-1, type="Conv")
        conv.conv, conv.bn, conv.act = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.SiLU()
        model = make(tasks, nn.Module, yaml={"nc": 80}, names={0: "person"}, save=[4, 6], stride=torch.tensor([8.0, 16.0]))
        model.model = nn.Sequential(conv, nn.Upsample(None, 2, "nearest"), nn.MaxPool2d(5))
        yield tasks, {"epoch": -1, "best_fitness": np.float64(0.3), "model": model.half(), "ema": None, "updates": 0, "optimizer": None,
                      "train_args": {"task": "detect"}, "date": "2024-01-01"}, FINDINGS
    zoo = {"model": {"backbone.conv.weight": np.ones((2, 3), np.float32), "steps": np.array([3])}, "__author__": "Detectron2 Model Zoo",
           "matching_heuristics": True}
    for protocol in (0, 1, 2, 4, 5):
        yield f"detectron2, protocol {protocol}", pickle.dumps(zoo, protocol), FINDINGS
    layers = {"linear.weight": Parameter("linear_0.w_0", np.ones((2, 3), np.float32)), "StructuredToParameterName@@": {"linear.weight": "linear_0.w_0"}}
    for protocol in (2, 4):
        yield f"Paddle, protocol {protocol}", pickle.dumps(layers, protocol), FINDINGS


@dataclasses.dataclass
class Part:
    x: int = 1


@dataclasses.dataclass
class Typed:
    names: typing.Dict[str, int] = dataclasses.field(default_factory=dict)
    parts: typing.List[Part] = dataclasses.field(default_factory=list)
    size: typing.Tuple[int, int] = (1, 2)
    rate: typing.Union[int, float] = 0.5
    part: typing.Optional[Part] = None


class Trained(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 2)


Point = collections.namedtuple("Point", "x y")
Output = collections.namedtuple("Output", "loss logits")


class Settings:
    def __init__(self):
        self.rate, self.shape = 0.1, (3, 2)


class Registry(dict):
    pass


class Documented:
    def __init__(self):
        self.__doc__ = "what it is"


class Stack(list):
    pass


class Slots:
    __slots__ = ("a", "b")

    def __init__(self):
        self.a, self.b = 1, torch.ones(2)


class Colour(enum.Enum):
    RED = "red"


def own():
    """Classes of the author's own project, on no list."""
    net = Trained()
    yield "own module", net, FINDINGS
    yield "own object", {"model": net.state_dict(), "settings": Settings()}, FINDINGS
    yield "own named tuple", {"model": net.state_dict(), "at": Point(1, 2), "out": Output(torch.ones(1), torch.zeros(2))}, FINDINGS
    yield "own dict", {"model": net.state_dict(), "all": Registry(a=1, b=torch.ones(3))}, FINDINGS
    yield "own list", {"model": net.state_dict(), "all": Stack([1, torch.ones(3)])}, FINDINGS
    yield "own slots", {"model": net.state_dict(), "x": Slots()}, FINDINGS
    yield "own documented object", {"model": net.state_dict(), "x": Documented()}, FINDINGS
    compiled = nn.Linear(3, 2)
    torch.jit.script(compiled)
    yield "module that torch.jit compiled", compiled, FINDINGS
    yield "own partial", {"model": net.state_dict(), "make": functools.partial(Settings)}, UNSAFE  # what it would call is not known
    yield "own class", {"model": net.state_dict(), "kind": Settings}, FINDINGS
    yield "own enumeration", {"model": net.state_dict(), "colour": Colour.RED}, UNSAFE  # its class is called, or asked for an attribute


# ---- the oracles ----

class Any:
    """Takes whatever an unpickler does to an object."""
    def __new__(cls, *args, **kwargs):
        return super().__new__(cls)

    def __init__(self, *args, **kwargs):
        pass

    def __call__(self, *args):
        return Any()

    def __setstate__(self, state):
        pass

    def append(self, item):
        pass

    def extend(self, items):
        pass

    def __setitem__(self, key, value):
        pass


class Recorder(pickle.Unpickler):
    """Asks for the names as CPython's unpickler does, and gets nothing of them."""
    def __init__(self, program):
        super().__init__(io.BytesIO(program))
        self.names, self.protocol = set(), program[1] if program[:1] == b"\x80" else 0

    def find_class(self, module, name):
        if self.protocol < 3:
            module, name = _compat_pickle.NAME_MAPPING.get((module, name), (_compat_pickle.IMPORT_MAPPING.get(module, module), name))
        self.names.add(f"{module}.{name}")
        return type("Any", (Any,), {})

    def persistent_load(self, pid):
        return Any()


def record(path):
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            program = archive.read(next(n for n in archive.namelist() if n.endswith("/data.pkl")))
    else:
        with open(path, "rb") as file:
            program = file.read()
    recorder = Recorder(program)
    recorder.load()
    return recorder


def numbers(value, seen, arrays):
    """Every tensor that the object holds, and every array of numbers: (dtype, shape, digest of its bytes)."""
    if id(value) in seen or isinstance(value, (type, str, bytes)):
        return
    seen[id(value)] = value
    if isinstance(value, (torch.Tensor, np.ndarray)):
        array = value.detach().numpy() if isinstance(value, torch.Tensor) else value
        if isinstance(value, torch.Tensor) or (arrays and array.dtype.kind in "fiubc"):
            yield str(array.dtype), array.shape, hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()
        return
    if isinstance(value, dict):
        inside = [*value.keys(), *value.values()]
    elif isinstance(value, (list, tuple, set, collections.deque)):
        inside = list(value)
    else:
        inside = [getattr(value, name) for name in getattr(type(value), "__slots__", ()) if hasattr(value, name)]
    inside += list(getattr(value, "__dict__", {}).values())
    for item in inside:
        yield from numbers(item, seen, arrays)


def wrong_numbers(report, value):
    # In a file of torch.save an array is none of the tensors; its bytes were only counted.
    wanted = set(numbers(value, {}, report["format"] == "pickle"))
    found = {(t["dtype"], tuple(t["shape"]), t["sha256"]) for t in report.get("tensors", [])}
    if wanted != found:
        return f"without {sorted(wanted - found)[:3]}, also {sorted(found - wanted)[:3]}"
    return None


def stops_in(version, path):
    run = subprocess.run([CKPTLINT, "--format", "json", "--torch-version", version, path], stdout=subprocess.PIPE, check=False)
    return set(json.loads(run.stdout)["files"][0].get("safe_globals", {}).get("stops_at", []))


def wrong_policy(path):
    """What init writes for a file makes it clean: whatever it holds is a class that a person may allow by name."""
    policy = path + ".json"
    with open(policy, "wb") as out:
        subprocess.run([CKPTLINT, "policy", "init", path], stdout=out, stderr=subprocess.DEVNULL, check=False)
    run = subprocess.run([CKPTLINT, "--format", "json", "--policy", policy, path], stdout=subprocess.PIPE, check=False)
    report = json.loads(run.stdout)["files"][0]
    worse = [f["message"] for f in report["findings"] if f["effect"] != "note"]
    return f"{report['verdict']} with its policy: {'; '.join(worse[:3])}" if report["verdict"] != CLEAN else None


def wrong(path, value, verdict):
    report = inspect(path, more=["--globals"])[1]
    if report["verdict"] != verdict:
        return f"{report['verdict']}, not {verdict}: " + "; ".join(f["message"] for f in report["findings"][:3])
    program = record(path)
    names = program.names
    listed = {f"{g['module']}.{g['name']}" for g in report["globals"]}
    if listed != names:
        return f"names: without {sorted(names - listed)}, also {sorted(listed - names)}"
    if zipfile.is_zipfile(path) and verdict != UNSAFE:
        stops = names - set(torch._weights_only_unpickler._get_allowed_globals())
        if stops_in("1.13", path) != stops:
            return f"stops: {sorted(stops_in('1.13', path) ^ stops)}"
    worse = wrong_policy(path) if zipfile.is_zipfile(path) else None
    return worse or wrong_numbers(report, value)


def check_arrays(tally, path):
    """Arrays in a bare pickle, as detectron2's zoo has its weights, are tensors where their bytes stand as they are."""
    every = list(numpy_arrays.samples())
    for i, array in enumerate(every):
        protocol = 3 + i % 3
        with open(path, "wb") as file:
            pickle.dump({"w": array}, file, protocol)
        tally.check(f"{array.dtype}, {array.shape}, protocol {protocol}", wrong_tensors(inspect(path)[1], {"w": numpy_arrays.tensor(array)}))
    twice = {"a": every[40], "b": every[40], "all": every}
    wanted = {"a": every[40], "b": every[40], **{f"all/{i}": a for i, a in enumerate(every)}}
    with open(path, "wb") as file:
        pickle.dump(twice, file, 4)
    tally.check("one array twice, and all", wrong_tensors(inspect(path)[1], {k: numpy_arrays.tensor(a) for k, a in wanted.items()}))


def wrong_line(report, value, state_dict):
    """The line that says how to load it reaches the state dict, whatever its keys are: it is there to be copied."""
    lines = [line for line in report["says"] if "torch.load(FILE" in line]
    if len(lines) != 1:
        return f"says {report['says']}"
    where = lines[0].partition("weights_only=True)")[2]
    return None if eval("value" + where, {"value": value}) is state_dict else lines[0]


def check_lines(tally, path):
    net = nn.Linear(2, 3).state_dict()
    for name, value in {"root": net, "key": {"model": net}, "keys": {"checkpoint": {"model": net}}, "slash": {"a/b": net}, "list": [net],
                        "list in a dict": {"models": [net, {"a": 1}]}, "number": {3: net}, "digits": {"3": net}, "quote": {'"]; x["': net},
                        "backslash": {"a\\": net}, "line end": {"a\nb": net}, "letters": {"модель": net}}.items():
        torch.save(value, path)
        tally.check(f"line for {name}", wrong_line(inspect(path)[1], value, net))


def main():
    tally = Tally()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.bin")
        check_arrays(tally, path)
        check_lines(tally, path)
        for source in (training, lightning, configs, fairseq, trainer, detection, own):
            for name, value, verdict in source():
                if isinstance(value, bytes):
                    with open(path, "wb") as file:
                        file.write(value)
                    value = pickle.loads(value)
                else:
                    torch.save(value, path)
                tally.check(name, wrong(path, value, verdict))
    return tally.end()


if __name__ == "__main__":
    sys.exit(main())
