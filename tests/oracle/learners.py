"""Learners as fastai exports them, versions 1 and 2: torch.save of the Learner itself, with stand-ins of the names and shapes that its
sources have (fastai/learner.py, data/core.py, data/load.py, torch_core.py, losses.py, vision/augment.py; fastcore/dispatch.py,
transform.py; of version 1 basic_train.py, data_block.py, vision/image.py). None may be unsafe or end with exit 1. Needs Debian's
python3-torch."""
import collections
import functools
import os
import pathlib
import random
import sys
import tempfile
import warnings

try:
    import numpy as np
    import torch
    from harmless import FINDINGS, make, member, put, wrong
    from published import Call, function, high, whole, words
    from torch import nn
except ImportError as missing:
    print(f"SKIPPED learners: {missing}")
    sys.exit(0)

from found import Tally

warnings.filterwarnings("ignore")
FUNCTIONS = {name: function(name) for name in (
    "fastai.data.load._wif", "fastai.metrics.error_rate", "fastai.optimizer.Adam", "fastai.torch_core._fa_rebuild_tensor",
    "fastai.torch_core._rebuild_from_type", "fastai.vision.augment.flip_mat", "fastai.vision.learner._resnet_split", "fastcore.imports.noop",
    "fastai.core.uniform", "fastai.metrics.accuracy", "fastai.vision.transform._rotate")}


def plain(name, base=object):
    return put(type("Stub", (base,), {}), name)


# ---- version 2 ----

class TensorBase(torch.Tensor):
    """As fastai reduces its tensors, up to 2.2 and since."""
    wraps = True

    def __reduce_ex__(self, protocol):
        whole_tensor = self.as_subclass(torch.Tensor)
        args = (type(self), whole_tensor.storage(), 0, tuple(self.size()), whole_tensor.stride(), False, collections.OrderedDict())
        rebuild = FUNCTIONS["fastai.torch_core._fa_rebuild_tensor"]
        if not type(self).wraps:
            return rebuild, args
        return FUNCTIONS["fastai.torch_core._rebuild_from_type"], (rebuild, type(self), args, {"img_size": (224, 224)})


put(TensorBase, "fastai.torch_core.TensorBase")


def tensor(*values):
    return torch.tensor(values).as_subclass(TensorBase)


def collection(*items):
    return make("fastcore.foundation.L", items=list(items))


def dispatch(f):
    """A TypeDispatch of one function."""
    inner = make("fastcore.dispatch._TypeDict", d={object: f}, cache={})
    outer = make("fastcore.dispatch._TypeDict", d={pathlib.Path: inner, str: inner, torch.Tensor: inner, np.ndarray: inner, bytes: inner}, cache={})
    return make("fastcore.dispatch.TypeDispatch", funcs=outer, bases=collection(), inst=None)


def random_transform(name, **fields):
    """RandTransform keeps its own method before_call."""
    thing = make(f"fastai.vision.augment.{name}", p=1.0, init_enc=None, **fields)
    type(thing).before_call = lambda self, b, split_idx: None
    type(thing).before_call.__name__ = "before_call"
    thing.before_call = thing.before_call
    return thing


def transforms():
    image = put(type("Stub", (), {"create": classmethod(lambda cls, fn: None)}), "fastai.vision.core.PILImage")
    image.create.__func__.__name__ = "create"
    opened = make("fastcore.transform.Transform", split_idx=None, init_enc=image.create, encodes=dispatch(image.create), decodes=dispatch(None),
                  setups=dispatch(None), _name="PILBase.create")
    category = make("fastai.data.transforms.CategoryMap", sort=True, items=collection("cat", "dog"), o2i=collections.defaultdict(int, cat=0, dog=1))
    size = plain("fastcore.basics.fastuple", tuple)((224, 224))
    resize = random_transform("Resize", size=size, method="crop", pad_mode="reflection", resamples=(2, 0), mode=2, mode_mask=0)
    draw = functools.partial(FUNCTIONS["fastai.vision.augment.flip_mat"], p=0.5, draw=None, batch=False)
    flip = random_transform("Flip", aff_fs=collection(draw), coord_fs=collection(), mode="bilinear", pad_mode="reflection")
    normal = make("fastai.data.transforms.Normalize", mean=torch.ones(1, 3, 1, 1), std=torch.ones(1, 3, 1, 1), axes=(0, 2, 3))
    categorize = make("fastai.data.transforms.Categorize", vocab=category, sort=True, add_na=False)
    items = make("fastcore.transform.Pipeline", fs=collection(opened, categorize), split_idx=None, default=None)
    batch = make("fastcore.transform.Pipeline", fs=collection(resize, flip, normal), split_idx=1, default=None)
    return items, batch


def loss():
    """BaseLoss puts on what functools.update_wrapper takes of its function."""
    thing = make("fastai.losses.CrossEntropyLossFlat", axis=1, flatten=True, floatify=False, is_2d=True, func=nn.CrossEntropyLoss())
    thing.__dict__.update(__module__="torch.nn.modules.loss", __doc__="of the loss", __annotations__={"ignore_index": int, "smoothing": float},
                          __wrapped__=thing.func)
    return thing


def learner():
    items, batch = transforms()
    lists = make("fastai.data.core.TfmdLists", items=[], tfms=items, types=collection(), splits=collection([], []), split_idx=0)
    sets = make("fastai.data.core.Datasets", tls=collection(lists, lists), n_inp=1)
    loader = make("fastai.data.core.TfmdDL", dataset=sets, bs=64, rng=random.Random(1), after_batch=batch, device=torch.device("cpu"))
    loader.fake_l = make("fastai.data.load._FakeLoader", d=loader, worker_init_fn=FUNCTIONS["fastai.data.load._wif"], num_workers=0)
    loader.fake_l.dataset = loader.fake_l
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Sequential(whole("fastai.layers.AdaptiveConcatPool2d", ap=nn.AdaptiveAvgPool2d(1)),
                                                            whole("fastai.layers.Flatten"), nn.Linear(8, 2)))
    smooth = make("fastai.learner.AvgSmoothLoss", beta=0.98, count=3, val=tensor(0.5))
    metric = make("fastai.learner.AvgMetric", func=FUNCTIONS["fastai.metrics.error_rate"], total=tensor(0.1), count=8)
    saved = make("fastai.callback.tracker.SaveModelCallback", monitor="valid_loss", comp=np.less, best=0.1, fname="model")
    recorder = make("fastai.learner.Recorder", lrs=[0.1, 0.2], losses=[tensor(0.5), tensor(0.4)], smooth_loss=smooth, _metrics=collection(metric),
                    values=collection(collection(0.5, 0.4)), add_time=True)
    thing = make("fastai.learner.Learner", dls=make("fastai.data.core.DataLoaders", loaders=[loader, loader], device=None),
                 model=model, loss_func=loss(), opt_func=FUNCTIONS["fastai.optimizer.Adam"], splitter=FUNCTIONS["fastai.vision.learner._resnet_split"],
                 lr=slice(1e-5, 1e-3), moms=(0.95, 0.85, 0.95), _metrics=collection(metric), logger=print, opt=None,
                 final_record=collection(0.1), recorder=recorder)
    thing.path = thing.dls.path = pathlib.Path(".")
    thing.cbs = collection(make("fastai.callback.core.TrainEvalCallback", learn=thing), recorder,
                           make("fastai.callback.progress.ProgressCallback", learn=thing), saved)
    return thing


# ---- version 1: a dict ----

def first():
    uniform = FUNCTIONS["fastai.core.uniform"]
    image = plain("fastai.vision.image.Image")
    turn = make("fastai.vision.image.TfmAffine", func=FUNCTIONS["fastai.vision.transform._rotate"], order=0, params={"degrees": uniform, "return": image},
                def_args={}, p=0.75)
    turn.__dict__.update(__module__="fastai.vision.transform", __name__="rotate", __qualname__="_rotate", __doc__=None,
                         __annotations__={"degrees": uniform, "return": image}, __wrapped__=turn.func)
    drawn = make("fastai.vision.image.RandTransform", tfm=turn, kwargs={"degrees": (-10.0, 10.0)}, p=0.75, resolved={}, do_run=True, is_random=True)
    data = {"x_cls": plain("fastai.vision.data.ImageList"), "x_proc": [], "y_cls": plain("fastai.data_block.CategoryList"), "path": pathlib.Path("."),
            "y_proc": [make("fastai.data_block.CategoryProcessor", classes=["cat", "dog"], c2i={"cat": 0, "dog": 1}, warns=[])],
            "tfms": [drawn], "tfm_y": False, "tfmargs": {"size": 224}, "normalize": {"mean": torch.ones(3), "std": torch.ones(3)}}
    flat = make("fastai.layers.FlattenedLoss", func=nn.CrossEntropyLoss(), axis=-1, floatify=False, is_2d=True)
    flat.__dict__.update(__module__="torch.nn.modules.loss", __doc__="", __wrapped__=flat.func)
    recorder = functools.partial(plain("fastai.basic_train.Recorder"), add_time=True, silent=False)
    return {"opt_func": functools.partial(torch.optim.Adam, betas=(0.9, 0.99)), "loss_func": flat, "metrics": [FUNCTIONS["fastai.metrics.accuracy"]],
            "true_wd": True, "wd": 0.01, "train_bn": True, "model_dir": "models", "callback_fns": [recorder], "cb_state": {}, "data": data,
            "model": nn.Sequential(nn.Conv2d(3, 4, 3), whole("fastai.layers.AdaptiveConcatPool2d"), whole("fastai.layers.Flatten")),
            "cls": plain("fastai.basic_train.Learner")}


def cases():
    for TensorBase.wraps in (False, True):
        yield f"fastai 2, {'since 2.3' if TensorBase.wraps else 'to 2.2'}", learner(), FINDINGS
    yield "fastai 1", first(), FINDINGS
    for how in ("value", "getattr"):
        yield f"AMPMode, {how}", {"mode": member("fastai.callback.fp16.AMPMode", "fp16", how)}, FINDINGS


def hostile():
    storage, no_hooks = torch.ones(2).storage(), collections.OrderedDict()
    rebuild = FUNCTIONS["fastai.torch_core._fa_rebuild_tensor"]
    yield "another class", Call(rebuild, (plain("fastai.learner.Learner"), storage, 0, (2,), (1,), False, no_hooks)), "no tensor class of fastai's"
    yield "beyond its storage", Call(rebuild, (TensorBase, storage, 0, (3,), (1,), False, no_hooks)), "storage"
    yield "print, called", Call(print, ("hello",)), "not called"
    yield "create, called", Call(put(type("Stub", (), {}), "fastai.vision.core.PILMask"), ("/etc/passwd",)), "owner of functions"


def main():
    tally = Tally()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "export.pkl")
        for name, value, verdict in cases():
            torch.save(value, path)
            tally.check(name, wrong(path, value, verdict) or high(path))
        for name, value, wanted in hostile():
            torch.save({"x": value}, path)
            tally.check(f"words of {name}", words(path, wanted))
    return tally.end()


if __name__ == "__main__":
    sys.exit(main())
