"""The model families of rules/models beside independent sources. Every classification model of torchvision must have its keys, order,
shapes and parameters in a family, and its state dict must be found to be that model; published Hugging Face models must have the
keys and parameters that are known of them. torchvision is Debian's python3-torchvision."""
import glob
import json
import os
import re
import subprocess
import sys
import tempfile
import warnings

from found import Tally

HERE = os.path.dirname(os.path.abspath(__file__))
FAMILIES = os.path.join(HERE, "..", "..", "rules", "models")
EXPECTED = os.path.join(os.environ["OUT"], "tests", "oracle", "expected")
FULL = 9_000_000  # parameters; larger models are judged by their metadata alone

try:
    import torch
    import torchvision
except ImportError:
    torch = torchvision = None


# ---- words ----

def ckptlint(*args):
    """Exit code and the report of one file."""
    run = subprocess.run([os.environ["CKPTLINT"], *args, "--format", "json"], capture_output=True, text=True)
    if not run.stdout:
        return run.returncode, {"findings": [], "verdict": run.stderr.strip()}
    return run.returncode, json.loads(run.stdout)["files"][0]


def read_families():
    """Name or published name to its file and preset."""
    known = {}
    for path in sorted(glob.glob(os.path.join(FAMILIES, "*.json"))):
        with open(path) as f:
            family = json.load(f)
        for name in [os.path.basename(path)[:-5], *family.get("presets", {})]:
            if name in known and os.path.basename(known[name][0])[:-5] != name:
                raise SystemExit(f"{name} is known by {known[name][0]} and {path}")
            known.setdefault(name, (path, name if name in family.get("presets", {}) else "-"))
    return known


def expected(path, preset="-", root="-"):
    """Lines of (what, key, dtype, sizes), the ties and the number of parameters; None and a text when there is no such model."""
    run = subprocess.run([EXPECTED, path, preset, root], capture_output=True, text=True)
    keys, ties, total = [], {}, None
    for line in run.stdout.splitlines():
        what, *rest = line.split(" ")
        if what == "tie":
            ties[rest[0]] = rest[1]
        elif what == "parameters":
            total = int(rest[0])
        else:
            keys.append((what, rest[0], rest[1], tuple(map(int, rest[2:]))))
    return (keys, ties, total) if total is not None else (None, run.stderr, None)


SAFETENSORS = {"float32": ("F32", 4), "float": ("F32", 4), "any": ("F32", 4), "float16": ("F16", 2), "bfloat16": ("BF16", 2),
               "int64": ("I64", 8), "uint8": ("U8", 1), "bool": ("BOOL", 1)}


def write_safetensors(path, tensors):
    """A file of (key, dtype, sizes) whose bytes are all zero, and a hole where the file system has holes."""
    header, at = {}, 0
    for key, dtype, sizes in tensors:
        code, size = SAFETENSORS[dtype]
        for n in sizes:
            size *= n
        header[key] = {"dtype": code, "shape": list(sizes), "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(len(text).to_bytes(8, "little") + text)
        f.truncate(8 + len(text) + at)


def said(report):
    """Its findings, but for the note that --depth quick leaves numbers out."""
    return [f["rule"] + "/" + f["reason"] + " " + f["message"] for f in report["findings"] if f["reason"] != "check-skipped"]


# ---- torchvision ----

def wrong_in_list(module, known):
    keys, ties, total = expected(*known)
    if keys is None:
        return ties
    buffers = {name for name, _ in module.named_buffers()}
    state = module.state_dict()
    want = [("buffer" if key in buffers else "parameter", key, str(t.dtype).replace("torch.", ""), tuple(t.shape)) for key, t in state.items()]
    found = [(what, key, "float32" if dtype == "float" else dtype, sizes) for what, key, dtype, sizes in keys]
    for a, b in zip(found, want):
        if a != b:
            return f"{a}, torchvision has {b}"
    if len(found) != len(want):
        return f"{len(found)} keys, torchvision has {len(want)}"
    parameters = sum(p.numel() for p in module.parameters())
    return None if total == parameters else f"{total} parameters, torchvision has {parameters}"


def wrong_when_checked(name, module, folder):
    """Small models as torch.save writes them, with numbers in them; of the others a file that has no bytes."""
    state = module.state_dict()
    parameters = sum(p.numel() for p in module.parameters())
    path = os.path.join(folder, name + ".pt")
    depth = "full" if parameters < FULL else "quick"
    if depth == "full":
        for key, t in state.items():
            t.copy_(torch.rand(t.shape) if t.is_floating_point() else torch.zeros(t.shape))
        torch.save(state, path)
    else:
        write_safetensors(path, [(key, str(t.dtype).replace("torch.", ""), t.shape) for key, t in state.items()])
    code, report = ckptlint("check", "--depth", depth, "--arch", name, path)
    os.remove(path)
    check = report.get("check", {})
    if code != 0 or report["verdict"] != "clean" or said(report):
        return f"exit {code}, {report['verdict']}: {said(report)}"
    if (check["matched"], check["missing"], check["unexpected"], check["params_loaded"]) != (len(state), 0, 0, parameters):
        return f"not all of {len(state)} keys and {parameters} parameters match: {check}"
    return None


def judge_torchvision(tally, known, folder):
    warnings.simplefilter("ignore")
    for name in dir(torch.nn.init):  # hundreds of millions of numbers that nobody looks at
        if name.endswith("_") and not name.startswith("_"):
            setattr(torch.nn.init, name, lambda tensor, *args, **kwargs: tensor)
    for name in torchvision.models.list_models(module=torchvision.models):
        if name not in known:
            tally.check(name, "no family has this model")
            continue
        module = getattr(torchvision.models, name)()
        tally.check(name + ": list", wrong_in_list(module, known[name]))
        tally.check(name + ": check", wrong_when_checked(name, module, folder))


# ---- Hugging Face ----

# Parameters of published models, tied ones counted once, as model cards and safetensors indices have them. What
# tests/unit/test_modules.c holds is not repeated.
PUBLISHED = {
    "bert-base-uncased BertModel": 109482240, "bert-base-cased BertModel": 108310272, "bert-large-uncased BertModel": 335141888,
    "roberta-base RobertaModel": 124645632, "roberta-large RobertaModel": 355359744, "xlm-roberta-base XLMRobertaModel": 278043648,
    "distilbert-base-uncased DistilBertModel": 66362880, "gpt2": 124439808, "gpt2-medium": 354823168, "gpt2-large": 774030080,
    "gpt2-xl": 1557611200, "distilgpt2": 81912576, "pythia-160m": 162322944, "pythia-410m": 405334016, "pythia-1b": 1011781632,
    "pythia-1.4b": 1414647808, "pythia-2.8b": 2775208960, "pythia-6.9b": 6857302016, "pythia-12b": 11846072320, "llama-2-7b": 6738415616,
    "llama-2-13b": 13015864320, "llama-2-70b": 68976648192, "llama-3-70b": 70553706496, "llama-3.1-405b": 405853388800,
    "llama-3.2-1b": 1235814400, "llama-3.2-3b": 3212749824, "tinyllama-1.1b": 1100048384, "mistral-7b-v0.3": 7248023552,
    "mistral-nemo-12b": 12247782400, "qwen2-1.5b": 1543714304, "qwen2-72b": 72706203648, "qwen2.5-3b": 3085938688,
    "qwen2.5-14b": 14770033664, "qwen2.5-32b": 32763876352, "qwen3-1.7b": 1720574976, "qwen3-4b": 4022468096, "qwen3-14b": 14768307200,
    "qwen3-32b": 32762123264, "gemma-2b": 2506172416, "gemma-7b": 8537680896, "phi-3-medium-4k": 13960238080, "phi-4": 14659507200,
    "t5-base": 222903552, "t5-large": 737668096, "t5-3b": 2851598336, "flan-t5-base": 247577856, "flan-t5-large": 783150080,
    "flan-t5-xl": 2849757184, "mt5-small": 300176768, "mt5-base": 582401280, "vit-base-patch16-224": 86567656,
    "vit-large-patch16-224": 304326632, "clip-vit-base-patch16": 149620737, "clip-vit-large-patch14": 427616513,
    "whisper-small": 241734912, "whisper-medium": 763857920, "whisper-large-v2": 1543304960, "whisper-large-v3": 1543490560,
    "whisper-large-v3-turbo": 808878080, "resnet-18": 11689512, "resnet-34": 21797672, "resnet-50": 25557032, "resnet-101": 44549160,
    "resnet-152": 60192808,
}


def judge_published(tally, known):
    for name, total in PUBLISHED.items():
        preset, _, root = name.partition(" ")
        keys, _, found = expected(*known[preset], root or "-")
        tally.check(name, None if found == total else f"{found} parameters, published are {total}")


class Line:
    """A line of a list, "a.{0-11}.b.{0,2} [2, 3] buffer int64": the keys that it stands for, and which of its numbers occurred."""

    def __init__(self, text):
        self.name, sizes, rest = re.fullmatch(r"(\S+) \[(.*)\](.*)", text).groups()
        self.sizes = tuple(int(n) for n in sizes.split(", ") if n)
        self.what = "optional" if "optional" in rest else "buffer" if "buffer" in rest else "parameter"
        self.int64 = "int64" in rest
        parts = re.split(r"\{(.*?)\}", self.name)
        self.pattern = re.compile(r"(\d+)".join(map(re.escape, parts[::2])))
        self.numbers = [self.read(part) for part in parts[1::2]]
        self.seen = [set() for _ in self.numbers]
        self.first = None

    @staticmethod
    def read(part):
        first, dash, last = part.partition("-")
        return set(range(int(first), int(last) + 1)) if dash else set(map(int, part.split(",")))

    def takes(self, key):
        """Whether the key is one of these. Its numbers then count as seen."""
        what, name, dtype, sizes = key
        match = self.pattern.fullmatch(name)
        numbers = list(map(int, match.groups())) if match else []
        if not match or (what, sizes, dtype == "int64") != (self.what, self.sizes, self.int64):
            return False
        if not all(n in some for n, some in zip(numbers, self.numbers)):
            return False
        for n, some in zip(numbers, self.seen):
            some.add(n)
        return True


def wrong_in_published(section, known):
    head, *lines = section.strip().splitlines()
    family, preset, root, count, total = head.split()
    keys, ties, found = expected(known[family][0], preset, root)
    if keys is None:
        return ties
    want = [Line(line) for line in lines if not line.startswith("tied ")]
    for at, key in enumerate(keys):
        takers = [line for line in want if line.takes(key)]
        if len(takers) != 1:
            return f"{key} is in {len(takers)} lines"
        takers[0].first = at if takers[0].first is None else takers[0].first
    for before, line in zip([None] + want, want):
        if line.first is None or line.seen != line.numbers:
            return f"{line.name}: only {line.seen} occur"
        if before and before.first > line.first:
            return f"{line.name} stands before {before.name}"
    tied = dict(line.split()[1:] for line in lines if line.startswith("tied "))
    ties = {alias: target for alias, target in ties.items() if alias in tied}
    if ties != tied or (len(keys), found) != (int(count), int(total)):
        return f"{len(keys)} keys, {found} parameters, tied {ties}; published {count}, {total}, {tied}"
    return None


def judge_lists(tally, known):
    with open(os.path.join(HERE, "..", "data", "families", "hugging_face.txt")) as f:
        text = re.sub(r"(?m)^#.*\n", "", f.read())
    for section in text.split("== ")[1:]:
        tally.check(section.split(" ", 1)[0] + ": published list", wrong_in_published(section, known))


def main():
    tally = Tally()
    known = read_families()
    judge_published(tally, known)
    judge_lists(tally, known)
    with tempfile.TemporaryDirectory() as folder:
        if torchvision:
            judge_torchvision(tally, known, folder)
        else:
            print("SKIPPED families: python3-torchvision is not installed: its models are not compared")
    return tally.end()


sys.exit(main())
