"""Training checkpoints of every optimizer of torch: what fits together is silent, what contradicts itself is told."""
import copy
import json
import os
import subprocess
import sys
import tempfile

try:
    import torch
    from torch import nn
except ImportError:
    print("SKIPPED resume: there is no torch in /usr/bin/python3")
    sys.exit(0)
from found import Tally

ARCH = {"arch": 1, "name": "Net", "checkpoint": {"state_dict": "model", "optimizer": "optimizer"},
        "modules": {"a": "Linear(3, 4)", "norm": "BatchNorm1d(4)", "b": "Linear(4, 2, bias=False)"}}
EPOCHS, STEPS = 3, 4


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(3, 4)
        self.norm = nn.BatchNorm1d(4)
        self.b = nn.Linear(4, 2, bias=False)

    def forward(self, x):
        return self.b(self.norm(self.a(x)))


def train(kind, schedule=True, groups=False, **options):
    model = Net()
    params = [{"params": [p for p in model.parameters() if p.ndim > 1]}, {"params": [p for p in model.parameters() if p.ndim < 2], "lr": 0.01}]
    optimizer = kind(params if groups else model.parameters(), lr=0.1, **options)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 2) if schedule else None

    def closure():
        optimizer.zero_grad()
        loss = model(torch.rand(5, 3)).square().sum()
        loss.backward()
        return loss

    for _ in range(EPOCHS):
        for _ in range(STEPS):
            optimizer.step(closure)
        if scheduler:
            scheduler.step()
    saved = {"epoch": EPOCHS, "model": model.state_dict(), "optimizer": optimizer.state_dict()}
    if scheduler:
        saved["scheduler"] = scheduler.state_dict()
    return copy.deepcopy(saved)


def changed(change, kind=torch.optim.Adam, **options):
    saved = train(kind, **options)
    change(saved)
    return saved


def setting(*path, value):
    def change(saved):
        for key in path[:-1]:
            saved = saved[key]
        saved[path[-1]] = value
    return change


def dropping(*path):
    def change(saved):
        for key in path[:-1]:
            saved = saved[key]
        del saved[path[-1]]
    return change


def cases():
    optim = torch.optim
    for kind, options in [(optim.SGD, {}), (optim.SGD, {"momentum": 0.9}), (optim.Adam, {}), (optim.Adam, {"amsgrad": True}), (optim.AdamW, {}),
                          (optim.Adamax, {}), (optim.NAdam, {}), (optim.RAdam, {}), (optim.Adagrad, {}), (optim.Adadelta, {}),
                          (optim.RMSprop, {}), (optim.RMSprop, {"momentum": 0.9, "centered": True}), (optim.Rprop, {}), (optim.ASGD, {}),
                          (optim.LBFGS, {"max_iter": 2})]:
        yield f"{kind.__name__} {options}", train(kind, **options), None
        if kind is not optim.LBFGS:
            yield f"{kind.__name__} {options}, two groups", train(kind, groups=True, **options), None
    yield "no scheduler", train(optim.Adam, schedule=False), None
    yield "before the first step", changed(setting("optimizer", "state", value={}), kind=optim.SGD), None
    yield "a parameter without state", changed(dropping("optimizer", "state", 2)), "optimizer-partial"
    yield "the state of another kind", changed(setting("optimizer", "param_groups", value=train(optim.SGD)["optimizer"]["param_groups"])), "optimizer-kind"
    yield "no initial_lr", changed(dropping("optimizer", "param_groups", 0, "initial_lr")), "no-initial-lr"
    yield "no initial_lr, and no scheduler", changed(dropping("optimizer", "param_groups", 0, "lr"), schedule=False), None
    yield "an epoch beyond the steps", changed(setting("epoch", value=EPOCHS * STEPS + 1)), "progress"
    yield "an epoch beyond the scheduler's", changed(setting("scheduler", "last_epoch", value=1)), "progress"
    yield "a scheduler beyond the steps", changed(setting("scheduler", "last_epoch", value=100)), "progress"
    yield "saved within an epoch", changed(setting("epoch", value=EPOCHS + 1)), None
    yield "a scheduler of every step", changed(setting("scheduler", "last_epoch", value=EPOCHS * STEPS)), None
    yield "another shape", changed(setting("optimizer", "state", 0, "exp_avg", value=torch.zeros(4, 4))), "optimizer-shape"
    yield "another shape, two groups", changed(setting("optimizer", "state", 0, "exp_avg", value=torch.zeros(9)), groups=True), "optimizer-shape"
    yield "a group too few", changed(dropping("optimizer", "param_groups", 1), groups=True), "optimizer-count"
    yield "the optimizer of another model", {**train(optim.Adam), "optimizer": optim.Adam(nn.Linear(2, 2).parameters()).state_dict()}, "optimizer-count"


def main():
    tally = Tally()
    with tempfile.TemporaryDirectory() as work:
        arch, path = os.path.join(work, "net.json"), os.path.join(work, "model.pt")
        with open(arch, "w") as out:
            json.dump(ARCH, out)
        for name, saved, reason in cases():
            torch.save(saved, path)
            run = subprocess.run([os.environ["CKPTLINT"], "check", "--format", "json", "--arch", arch, path], capture_output=True, text=True)
            said = [(f["reason"], f["message"]) for f in json.loads(run.stdout)["files"][0]["findings"] if f["rule"] == "KEY509"]
            right = any(r == reason for r, _ in said) if reason else not said
            tally.check(name, None if right else str(said))
    return tally.end()


sys.exit(main())
