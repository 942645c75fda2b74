"""Files without a model's weights, as training scripts write them: a check says in one line what they are."""
import argparse
import json
import os
import random
import subprocess
import sys
import tempfile

try:
    import numpy
    import torch
except ImportError:
    print("SKIPPED no_weights: there is no torch in /usr/bin/python3")
    sys.exit(0)
from found import Tally
from tutorials import SimpleLinearModel


def trained(kind, **options):
    model = SimpleLinearModel()
    optimizer = kind(model.parameters(), **options)

    def closure():
        optimizer.zero_grad()
        loss = model(torch.ones(1, 10)).sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    return optimizer


def files():
    optim = torch.optim
    adam = trained(optim.Adam, lr=0.1)
    for kind, words, options in [(optim.Adam, "Adam or AdamW", {"lr": 0.1}), (optim.AdamW, "Adam or AdamW", {"lr": 0.1}),
                                 (optim.Adamax, "Adamax", {"lr": 0.1}), (optim.SGD, "SGD with momentum", {"lr": 0.1, "momentum": 0.9}),
                                 (optim.RMSprop, "RMSprop", {"lr": 0.1}), (optim.Adadelta, "Adadelta", {"lr": 0.1}),
                                 (optim.Adagrad, "Adagrad", {"lr": 0.1}), (optim.Rprop, "Rprop", {"lr": 0.1}),
                                 (optim.ASGD, "ASGD", {"lr": 0.1}), (optim.LBFGS, "LBFGS", {"lr": 0.1})]:
        yield kind.__name__, trained(kind, **options).state_dict(), f"the state of an optimizer ({words}) of 2 parameters"
    yield "plain SGD", trained(optim.SGD, lr=0.1).state_dict(), "the state of an optimizer"
    yield "a whole optimizer", adam, "the state of an optimizer (Adam or AdamW) of 2 parameters"
    for scheduler in (optim.lr_scheduler.StepLR(adam, 3), optim.lr_scheduler.CosineAnnealingLR(adam, 3)):
        yield type(scheduler).__name__, scheduler.state_dict(), "the state of a learning rate scheduler"
    yield "GradScaler", {"scale": 65536.0, "growth_factor": 2.0, "backoff_factor": 0.5, "growth_interval": 2000, "_growth_tracker": 0}, "the state of a gradient scaler"
    yield "rng_state.pth", {"python": random.getstate(), "cpu": torch.get_rng_state()}, "the state of random number generators"
    yield "get_rng_state", torch.get_rng_state(), "the state of random number generators"
    yield "arguments", argparse.Namespace(lr=0.1, epochs=3), "an object of argparse.Namespace: lr, epochs"
    yield "one tensor", torch.zeros(3, 4, dtype=torch.float16), "one tensor without a name, float16 [3, 4]"
    yield "tensors without names", [torch.zeros(3), torch.zeros(2)], "a list of 2 values, 2 of them tensors, without names"
    yield "settings", {"lr": 0.1, "epochs": 3}, "a dict without weights: lr, epochs"
    yield "results", {"accuracy": numpy.float64(0.5)}, "a dict without weights: accuracy"
    yield "training without the model", {"optimizer": adam.state_dict(), "epoch": 3}, "optimizer: the state of an optimizer (Adam or AdamW) of 2 parameters, epoch"
    yield "a text", "model", "a str"
    yield "nothing", None, "None"


def answer(path):
    run = subprocess.run([os.environ["CKPTLINT"], "check", "--format", "json", "--arch", "rules/models/simple_linear.json", path],
                         capture_output=True, text=True)
    return run.returncode, json.loads(run.stdout)["files"][0]


def main():
    tally = Tally()
    with tempfile.TemporaryDirectory() as work:
        path = os.path.join(work, "file.pt")
        for name, value, words in files():
            torch.save(value, path)
            code, found = answer(path)
            said = [f["message"] for f in found["findings"] if f["rule"].startswith("KEY")]
            wrong = None if code == 1 and len(said) == 1 and words in said[0] else f"exit {code}: {said}"
            tally.check(name, wrong)
    return tally.end()


sys.exit(main())
