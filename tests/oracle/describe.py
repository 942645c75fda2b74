"""What `ckptlint describe` says of a whole-module save must be what torch prints of its modules, in the same mode; the
architecture file that it writes, of a whole module or of a state dict, must fit the checkpoint, parameter for parameter. Needs
Debian's python3-torch."""
import json
import os
import sys
import tempfile
import warnings

try:
    import torch
    from torch import nn
except ImportError:
    print("SKIPPED describe: python3-torch is not installed")
    sys.exit(0)

from found import Tally, run
from mixed import Mixed

warnings.simplefilter("ignore")


def report(verb, path, *more):
    return json.loads(run(verb, path, "--format", "json", "--fail-on", "none", *more).stdout)["files"][0]


def rows_of(path):
    """The rows with their whole names."""
    names, out = [], []
    for row in report("describe", path).get("modules", []):
        names[row["depth"]:] = [row["name"]]
        out.append((".".join(names[1:row["depth"] + 1]), row))
    return out


def models():
    torch.manual_seed(0)
    yield "mixed", Mixed()
    yield "sequential", nn.Sequential(nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 2))
    yield "one layer", nn.Sequential(nn.Linear(2, 2))
    encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(16, 2, 32), 2)
    yield "encoder", encoder
    try:
        from torchvision import models as tv
    except ImportError:
        return
    for name in ("alexnet", "vgg11_bn", "resnet18", "squeezenet1_1", "densenet121", "mobilenet_v2", "mobilenet_v3_small",
                 "efficientnet_b0", "mnasnet0_5", "shufflenet_v2_x0_5", "googlenet"):
        yield name, getattr(tv, name)(**({"init_weights": False} if name == "googlenet" else {}))


def wrong_module(line, module):
    """The line as Python is the module that torch holds."""
    try:
        made = eval(line, {"__builtins__": {}}, vars(nn) | {"True": True, "False": False, "None": None})
    except Exception as error:
        return f"{line}: {error}"
    if repr(made) != repr(module):
        return f"{line} makes {made!r}, torch has {module!r}"
    shapes = [{k: tuple(v.shape) for k, v in m.state_dict().items()} for m in (made, module)]
    return None if shapes[0] == shapes[1] else f"{line}: shapes differ"


def wrong_whole(path, model):
    modules, modes, seen = dict(model.named_modules()), {}, set()
    for name, row in rows_of(path):
        parent = name.rpartition(".")[0]
        modes[name] = row.get("mode", modes.get(parent) if name else None)
        if row["known"] and name in modules:
            wrong = wrong_module(row["line"], modules[name])
            if wrong:
                return f"{name}: {wrong}"
        if name in modules:
            seen.add(name)
            if modes[name] != ("training" if modules[name].training else "eval"):
                return f"{name}: in {modes[name]} mode"
    inside = ("self_attn.", "attention.")
    missing = [n for n in modules if n not in seen and not any(part in n + "." for part in inside)]
    return f"no row for {missing}" if missing else None


def wrong_arch(path, folder, model):
    """The file that --emit-arch writes takes the checkpoint, key for key, and counts the same parameters."""
    arch = os.path.join(folder, "arch.json")
    with open(arch, "w", encoding="utf-8") as out:
        out.write(run("describe", path, "--emit-arch").stdout)
    told = report("check", path, "--arch", arch)
    check = told.get("check")
    keys = len(model.state_dict())
    if not check or not check["loads_strict"] or check["matched"] != keys or check["expected"] != keys:
        return f"{check or told['findings']}, torch has {keys} keys"
    return None


class Layered(nn.Module):
    """As models of Hugging Face are: layers that are alike, widths from a config."""

    def __init__(self, config):
        super().__init__()
        width, heads = config["hidden_size"], config["num_attention_heads"]
        self.table = nn.Embedding(config["vocab_size"], width)
        self.layers = nn.ModuleList([nn.ModuleDict({
            "qkv": nn.Linear(width, 3 * width), "k": nn.Linear(width, config["num_kv_heads"] * (width // heads), bias=False),
            "out": nn.Linear(config["num_kv_heads"] * config["head_dim"], width), "norm": nn.LayerNorm(width),
            "mlp": nn.Sequential(nn.Linear(width, config["ffn_size"]), nn.ReLU(), nn.Linear(config["ffn_size"], width)),
            "experts": nn.ModuleList([nn.Linear(width, 7) for _ in range(2)])}) for _ in range(config["num_hidden_layers"])])
        self.head = nn.Linear(width, config["vocab_size"], bias=False)


SMALL = {"model_type": "layered", "architectures": ["LayeredForCausalLM"], "hidden_size": 64, "num_attention_heads": 8, "num_kv_heads": 5,
         "head_dim": 22, "vocab_size": 101, "ffn_size": 150, "num_hidden_layers": 3, "bos_token_id": 101, "torch_dtype": "float32"}
LARGE = {**SMALL, "hidden_size": 96, "num_attention_heads": 12, "num_kv_heads": 7, "head_dim": 24, "vocab_size": 113, "ffn_size": 170,
         "num_hidden_layers": 5}


def judge_drafts(tally, folder):
    """A family that is drafted from one model takes another one of its kind, whose sizes are all different."""
    place, families, weights = (os.path.join(folder, name) for name in ("hf", "families", "hf/pytorch_model.bin"))
    os.mkdir(place)
    os.mkdir(families)

    def write(config):
        torch.save(Layered(config).state_dict(), weights)
        with open(os.path.join(place, "config.json"), "w", encoding="utf-8") as out:
            json.dump(config, out)
    write(SMALL)
    unknown = report("check", place)["findings"]
    tally.check("an unknown model_type", None if unknown[0]["reason"] == "model-type" and "describe --family" in unknown[0]["message"] else unknown)
    drafted = run("describe", place, "--family")
    tally.check("a draft", None if drafted.returncode == 0 else drafted.stderr)
    with open(os.path.join(families, "layered.json"), "w", encoding="utf-8") as out:
        out.write(drafted.stdout)
    told = json.loads(drafted.stdout)
    tally.check("its name", None if (told["name"], told["match"]) == ("LayeredForCausalLM", {"model_type": "layered"}) else told)
    fields = {"hidden_size", "num_attention_heads", "num_kv_heads", "head_dim", "vocab_size", "ffn_size", "num_hidden_layers"}
    tally.check("its config", None if set(told["config"]) == fields else told["config"])
    for config in (SMALL, LARGE):
        write(config)
        check = report("check", place, "--families", families).get("check")
        keys = len(Layered(config).state_dict())
        good = check and check["loads_strict"] and check["expected"] == check["matched"] == keys
        tally.check(f"{config['num_hidden_layers']} layers", None if good else check)
    os.remove(os.path.join(place, "config.json"))
    tally.check("no config", None if run("describe", place, "--family").returncode == 2 else "drafted")


def wrong_modes(path, model):
    """What inspect says of training mode, all modules and none included."""
    named = dict(model.named_modules())
    training = [n for n, m in named.items() if m.training]
    want = {"modules": len(named), "in_training": len(training), "training": training[:64]}
    got = report("inspect", path).get("modes")
    return None if got == want else f"{got}, torch {want}"


def likeness(path):
    return [(f["reason"], f.get("subject")) for f in report("describe", path)["findings"] if f["rule"] == "KEY516"]


def judge_differences(tally, folder):
    """A family and a published model, with what makes it another one."""
    try:
        from torchvision import models as published
    except ImportError:
        return
    path = os.path.join(folder, "other.pt")
    for name, options, words in (("resnet18", {"num_classes": 10}, "resnet18 with num_classes=10"),
                                 ("vgg11_bn", {"num_classes": 3}, "vgg11_bn with num_classes=3"),
                                 ("resnet50", {"width_per_group": 96}, "resnet50 with width_per_group=96")):
        torch.save(getattr(published, name)(**options).state_dict(), path)
        told = report("describe", path)["findings"][0]["message"]
        tally.check(words, None if told.startswith(f"it looks like {words}: ") else told)


def main():
    tally = Tally()
    with tempfile.TemporaryDirectory() as folder:
        whole, weights = os.path.join(folder, "whole.pt"), os.path.join(folder, "weights.pt")
        for name, model in models():
            model.eval()
            first = next(iter(model.children()))
            first.train()
            torch.save(model, whole)
            torch.save({"model_state_dict": model.state_dict()}, weights)
            tally.check(f"{name}, whole", wrong_whole(whole, model))
            tally.check(f"{name}, modes", wrong_modes(whole, model))
            for mode in (True, False):
                torch.save(model.train(mode), os.path.join(folder, "other.pt"))
                tally.check(f"{name}, all modules in one mode", wrong_modes(os.path.join(folder, "other.pt"), model))
            tally.check(f"{name}, whole, as a file", wrong_arch(whole, folder, model))
            tally.check(f"{name}, state dict, as a file", wrong_arch(weights, folder, model))
            if name in ("alexnet", "vgg11_bn", "resnet18", "squeezenet1_1", "densenet121", "mobilenet_v2", "efficientnet_b0"):
                tally.check(f"{name} is known", None if likeness(weights) == [("is", name)] else likeness(weights))
            if name in ("mixed", "sequential"):
                tally.check(f"{name} is like nothing", None if likeness(weights)[0][0] == "unlike" else likeness(weights))
        torch.save({"epoch": 3}, weights)
        tally.check("nothing to describe", None if likeness(weights) == [("nothing", None)] else likeness(weights))
        judge_drafts(tally, folder)
        judge_differences(tally, folder)
        torch.save({"model": {"a": torch.zeros(2, 2)}, "ema": {"a": torch.zeros(2, 2)}}, weights)
        wrong = report("describe", weights, "--key", "wrong")["findings"][0]
        named = "model (1 keys)" in wrong["message"] and "ema (1 keys)" in wrong["message"]
        tally.check("a wrong --key names those that are there", None if named and wrong["reason"] == "key" else wrong)
        torch.save({"epoch": 3}, weights)
        refused = run("describe", weights, "--emit-arch")
        tally.check("no file of nothing", None if (refused.returncode, refused.stdout) == (2, "") else refused)
    sys.exit(tally.end())


if __name__ == "__main__":
    main()
