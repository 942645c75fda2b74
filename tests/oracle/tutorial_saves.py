"""The files that the tutorials have their readers write, saved as they say and spoiled as it happens: a check answers what their authors
would, and torch's own load_state_dict agrees. Needs Debian's python3-torch."""
import json
import os
import sys
import tempfile
from unittest import mock

try:
    import torch
except ImportError:
    print("SKIPPED tutorial_saves: there is no torch in /usr/bin/python3")
    sys.exit(0)
from found import Tally, run
from tutorials import ComplexModel, SimpleLinearModel, SimpleModel

CONFIG = {"input_dim": 10, "hidden_dim": 20, "output_dim": 2}


def with_config(change=None, **config):
    """torch.save({"config": …, "state_dict": …}), read by ComplexModel(**config)."""
    state = ComplexModel(10, 20, 2).state_dict()
    if change:
        change(state)
    return {"config": dict(CONFIG, **config), "state_dict": state}


def training():
    model = SimpleLinearModel()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    return {"epoch": 3, "model_state_dict": model.state_dict(), "optimizer_state_dict": optimizer.state_dict(), "loss": 0.5}


def cases():
    """What is saved, the architecture, more options, the exit code, findings beside notes, and words of the report."""
    yield "a config and a state dict", with_config(), "complex_model", (), 0, [], ["loads all 262 parameters", '["state_dict"]']
    yield "model_state_dict", training(), "training_checkpoint", (), 0, [], ["loads all 22 parameters", '["model_state_dict"]']
    yield "a whole model", SimpleModel(), "simple_model", (), 1, ["GLB302/class", "GLB308/class"], ["loads all 11 parameters"]
    yield "a whole model of a class that is known", SimpleModel(), "simple_model", ("--allow", "tutorials.SimpleModel"), 0, \
        ["GLB303/class", "GLB308/class"], ["loads all 11 parameters", "save the state dict"]
    yield "another hidden size", with_config(hidden_dim=16), "complex_model", (), 1, ["KEY503/shape"], ["hidden_dim=20 (now 16) would resolve 3 of 3"]
    yield "a key is missing", with_config(lambda state: state.pop("layer2.bias")), "complex_model", (), 1, ["KEY501/missing"], \
        ["layer2.bias is missing; the architecture expects [2] (Linear)", "strict=False passes: 260 of 262 parameters"]
    yield "a key is extra", with_config(lambda state: state.update({"layer3.bias": torch.zeros(3)})), "complex_model", (), 1, \
        ["KEY502/unexpected"], ["layer3.bias: the architecture has no such key", "strict=False passes: 262 of 262 parameters"]


def answer(path, arch, more):
    done = run("check", "--arch", arch, *more, "--format", "json", path)
    report = json.loads(done.stdout)["files"][0]
    findings = sorted({f["rule"] + "/" + f["reason"] for f in report["findings"] if f["severity"] not in ("info", "low")})
    return done.returncode, findings, [f["message"] for f in report["findings"]] + report.get("says", [])


def wrong_answer(found, code, findings, words):
    if found[:2] != (code, findings):
        return f"exit {found[0]}, {found[1]}; expected {code}, {findings}"
    missing = [word for word in words if not any(word in line for line in found[2])]
    return f"nothing says {missing}: {found[2]}" if missing else None


def agrees(saved, code):
    """Whether the reader's own next line works exactly when the check says so."""
    if not isinstance(saved, dict) or "config" not in saved:
        return None
    try:
        ComplexModel(*(saved["config"][name] for name in CONFIG)).load_state_dict(saved["state_dict"])
        return None if code == 0 else "torch loads it"
    except RuntimeError as error:
        return None if code == 1 else str(error)


def main():
    tally = Tally()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.pt")
        for name, saved, arch, more, code, findings, words in cases():
            torch.save(saved, path)
            tally.check(name, wrong_answer(answer(path, arch, more), code, findings, words) or agrees(saved, code))
        with mock.patch("torch.serialization.location_tag", lambda storage: "cuda:0"):
            torch.save(with_config(), path)
        tally.check("saved on a GPU", wrong_answer(answer(path, "complex_model", ()), 0, [], ['map_location="cpu"', "loads all 262 parameters"]))
    return tally.end()


sys.exit(main())
