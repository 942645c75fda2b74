"""Where training frameworks put a model's weights, and what they leave in its keys (format-spec F): a check finds them, says
where, and matches every key."""
import argparse
import json
import os
import subprocess
import sys
import tempfile

try:
    import torch
    from torch import nn
except ImportError:
    print("SKIPPED wrappers: there is no torch in /usr/bin/python3")
    sys.exit(0)
from found import Tally
from tutorials import ComplexModel

ARCH = {"arch": 1, "name": "ComplexModel", "modules": {"layer1": "Linear(6, 5)", "layer2": "Linear(5, 3)"}}
BASED = {"arch": 1, "name": "Headed", "base_prefix": "bert.",
         "modules": {"bert": {"modules": {"layer1": "Linear(6, 5)", "layer2": "Linear(5, 3)"}}, "head": "Linear(3, 2)"}}


def weights():
    return ComplexModel(6, 5, 3).state_dict()


def named(change, sd):
    return {change(k): v for k, v in sd.items()}


def prefixed(prefix, sd=None):
    return named(lambda k: prefix + k, weights() if sd is None else sd)


def optimizer():
    return torch.optim.Adam(ComplexModel(6, 5, 3).parameters()).state_dict()


def files():
    """name, what is saved, where its weights are, the prefix that is taken off, the wrapper seen through, more arguments."""
    sd, ema, opt = weights(), weights(), optimizer()
    averaged = torch.optim.swa_utils.AveragedModel(ComplexModel(6, 5, 3)).state_dict()
    lightning = {"epoch": 3, "global_step": 9, "pytorch-lightning_version": "1.9.0", "loops": {}, "callbacks": {}, "lr_schedulers": [],
                 "optimizer_states": [opt], "hparams_name": "kwargs", "hyper_parameters": {"lr": 0.1}}
    yield "bare", sd, "", "", "", []
    yield "tutorial", {"epoch": 1, "model_state_dict": sd, "optimizer_state_dict": opt, "loss": 0.5}, "model_state_dict", "", "", []
    yield "ImageNet example", {"epoch": 1, "arch": "x", "state_dict": prefixed("module."), "best_acc1": 0.5, "optimizer": opt}, "state_dict", "module.", "", []
    yield "Lightning", dict(lightning, state_dict=prefixed("model.")), "state_dict", "model.", "", []
    yield "Lightning, another attribute", dict(lightning, state_dict=prefixed("net.backbone.")), "state_dict", "net.backbone.", "", []
    yield "timm", {"epoch": 1, "arch": "x", "state_dict": sd, "optimizer": opt, "version": 2, "args": argparse.Namespace(lr=1), "state_dict_ema": ema, "metric": 1.0}, "state_dict", "", "", []
    yield "timm, the average", {"state_dict": sd, "state_dict_ema": ema}, "state_dict_ema", "", "", ["--key", "state_dict_ema"]
    yield "detectron2", {"model": sd, "optimizer": opt, "scheduler": {"last_epoch": 1, "base_lrs": [0.1]}, "iteration": 3}, "model", "", "", []
    yield "mmengine", {"meta": {"epoch": 1, "iter": 2}, "state_dict": sd, "optimizer": opt, "param_schedulers": []}, "state_dict", "", "", []
    yield "DeepSpeed", {"module": sd, "buffer_names": [], "optimizer": None, "ds_config": {}, "ds_version": "0.9", "global_steps": 3}, "module", "", "", []
    yield "fairseq", {"args": argparse.Namespace(arch="x"), "model": sd, "optimizer_history": [], "extra_state": {"metrics": {}}, "last_optimizer_state": opt}, "model", "", "", []
    yield "ultralytics, the average only", {"epoch": -1, "model": None, "ema": ema, "updates": 3, "optimizer": None}, "ema", "", "", []
    yield "BasicSR", {"params": sd, "params_ema": ema}, "params", "", "", []
    yield "RVC", {"weight": sd, "config": [1, 2], "info": "1epoch", "version": "v2"}, "weight", "", "", []
    yield "nnU-Net", {"network_weights": sd, "optimizer_state": opt, "grad_scaler_state": None, "init_args": {}, "trainer_name": "x"}, "network_weights", "", "", []
    yield "a tuple of model and optimizer", (sd, opt), "0", "", "", []
    yield "two levels down", {"checkpoint": {"model": sd}, "epoch": 1}, "checkpoint/model", "", "", []
    yield "DistributedDataParallel", prefixed("module."), "", "module.", "", []
    yield "torch.compile", prefixed("_orig_mod."), "", "", "_orig_mod.", []
    yield "torch.compile of a part", named(lambda k: k.replace("layer1.", "layer1._orig_mod."), sd), "", "", "_orig_mod.", []
    yield "DDP around torch.compile", prefixed("module._orig_mod."), "", "module.", "_orig_mod.", []
    yield "FSDP", named(lambda k: "_fsdp_wrapped_module." + k.replace("layer2.", "layer2._fsdp_wrapped_module."), sd), "", "", "_fsdp_wrapped_module.", []
    yield "FSDP of 1.12", prefixed("_fpw_module."), "", "", "_fpw_module.", []
    yield "activation checkpoints", named(lambda k: k.replace("layer1.", "layer1._checkpoint_wrapped_module."), sd), "", "", "_checkpoint_wrapped_module.", []
    yield "AveragedModel", {k: v for k, v in averaged.items() if k != "n_averaged"}, "", "module.", "", []
    yield "ema_pytorch", {"initted": torch.tensor(True), "step": torch.tensor(3), **prefixed("online_model."), **prefixed("ema_model.")}, "", "online_model.", "", ["--ignore-unexpected", "*"]
    yield "two networks", {"G": prefixed("x.", {"w": torch.zeros(2)}), "D": sd, "opt": opt}, "D", "", "", []
    parts = {"layer1": {"weight": sd["layer1.weight"], "bias": sd["layer1.bias"]}, "layer2": {"weight": sd["layer2.weight"], "bias": sd["layer2.bias"]}}
    yield "Megatron, dicts in dicts", {"iteration": 3, "args": argparse.Namespace(lr=1), "model": {"language_model": parts}}, "model", "language_model.", "", []
    elsewhere = {**ARCH, "checkpoint": {"state_dict": "model_state_dict"}}
    yield "the architecture file looks elsewhere", (elsewhere, {"net": {"state_dict": sd}, "teacher": {"w": torch.zeros(9)}}), "net/state_dict", "", "", []
    yield "without the base prefix", (BASED, {**sd, "head.weight": torch.zeros(2, 3), "head.bias": torch.zeros(2)}), "", "", "", []
    yield "DDP of the base model", (BASED, {**prefixed("module."), "module.head.weight": torch.zeros(2, 3), "module.head.bias": torch.zeros(2)}), "", "module.", "", []


def answer(arch, path, more):
    run = subprocess.run([os.environ["CKPTLINT"], "check", "--format", "json", "--arch", arch, *more, path], capture_output=True, text=True)
    return json.loads(run.stdout)["files"][0]


def wrong_answer(found, place, prefix, wrapper):
    check = found.get("check")
    if not check:
        return f"no check: {[f['message'] for f in found['findings']]}"
    if check["matched"] != check["expected"]:
        return f"{check['matched']} of {check['expected']} keys at {check['state_dict']!r}: {[f['message'] for f in found['findings']][:3]}"
    if check["state_dict"] != place or check.get("prefix", "") != prefix:
        return f"at {check['state_dict']!r} behind {check.get('prefix')!r}"
    reasons = [(f["reason"], f.get("subject", "")) for f in found["findings"]]
    if wrapper and ("wrapper", wrapper) not in reasons:
        return f"the wrapper {wrapper} is not named: {reasons}"
    return None


def main():
    tally = Tally()
    with tempfile.TemporaryDirectory() as work:
        path = os.path.join(work, "model.pt")
        for name, saved, place, prefix, wrapper, more in files():
            own = isinstance(saved, tuple) and isinstance(saved[0], dict) and "arch" in saved[0]
            arch = os.path.join(work, "arch.json")
            with open(arch, "w") as out:
                json.dump(saved[0] if own else ARCH, out)
            torch.save(saved[1] if own else saved, path)
            tally.check(name, wrong_answer(answer(arch, path, more), place, prefix, wrapper))
    return tally.end()


sys.exit(main())
