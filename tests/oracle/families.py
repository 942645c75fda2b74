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
from array import array
from random import Random

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


def expected(path, preset="-", root="-", *config):
    """Lines of (what, key, dtype, sizes), the ties and the number of parameters; None and a text when there is no such model."""
    run = subprocess.run([EXPECTED, path, preset, root, *config], capture_output=True, text=True)
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
               "int32": ("I32", 4), "int64": ("I64", 8), "uint8": ("U8", 1), "bool": ("BOOL", 1)}


def write_safetensors(path, tensors, values=None):
    """A file of (key, dtype, sizes) whose bytes are `values` by key, and elsewhere zeros, which the file system need not keep."""
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
        for key, data in (values or {}).items():
            if key in header:
                f.seek(8 + len(text) + header[key]["data_offsets"][0])
                f.write(data)


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
    keys, ties, found = expected(*known[preset], root)
    if keys is None or known[preset][0] != known[family][0]:
        return ties or f"{preset} is of another family"
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


def write_json(path, value):
    with open(path, "w") as f:
        json.dump(value, f)


def wrong_name(name, known, folder):
    """--arch NAME with a file of the keys that the preset has; without bytes, as these models are large."""
    path = os.path.join(folder, "named.safetensors")
    keys, ties, total = expected(*known[name])
    tensors = [(key, "bfloat16" if dtype == "float" else dtype, sizes) for what, key, dtype, sizes in keys if what != "optional" and key not in ties]
    write_safetensors(path, tensors)
    code, report = ckptlint("check", "--depth", "quick", "--arch", name, path)
    os.remove(path)
    loaded = report.get("check", {}).get("params_loaded")
    if code != 0 or said(report) or loaded != total:
        return f"exit {code}, {loaded} of {total} parameters: {said(report)}"
    return None


def judge_names(tally, known, folder):
    """Every published name that is not torchvision's, up to 16 GB of them."""
    for name, (path, preset) in known.items():
        with open(path) as f:
            family = json.load(f)
        if preset != "-" and "match" in family and expected(path, preset)[2] < 8e9:
            tally.check(name + ": by name", wrong_name(name, known, folder))


# ---- mutations ----

# A small model of each family. `layers` is its config with one layer more, `field` a config value and another one for it, `vocabulary`
# the config value of the number of tokens.
SMALL = {
    "bert": {"root": "BertForMaskedLM", "config": {"vocab_size": 1003, "hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4,
             "intermediate_size": 48, "max_position_embeddings": 40}, "layers": {"num_hidden_layers": 4}, "field": ("intermediate_size", 56)},
    "roberta": {"root": "RobertaForMaskedLM", "config": {"vocab_size": 1003, "hidden_size": 32, "num_hidden_layers": 3,
                "num_attention_heads": 4, "intermediate_size": 48, "max_position_embeddings": 40}, "layers": {"num_hidden_layers": 4},
                "field": ("intermediate_size", 56)},
    "distilbert": {"root": "DistilBertForMaskedLM", "config": {"vocab_size": 1003, "dim": 32, "n_layers": 3, "n_heads": 4, "hidden_dim": 48,
                   "max_position_embeddings": 40}, "layers": {"n_layers": 4}, "field": ("hidden_dim", 56)},
    "gpt2": {"root": "GPT2LMHeadModel", "config": {"vocab_size": 1003, "n_embd": 32, "n_layer": 3, "n_head": 4, "n_positions": 40,
             "n_inner": 48}, "layers": {"n_layer": 4}, "field": ("n_inner", 56)},
    "gpt_neox": {"root": "GPTNeoXForCausalLM", "config": {"vocab_size": 1003, "hidden_size": 32, "num_hidden_layers": 3,
                 "num_attention_heads": 4, "intermediate_size": 48}, "layers": {"num_hidden_layers": 4}, "field": ("intermediate_size", 56)},
    "t5": {"root": "T5ForConditionalGeneration", "config": {"vocab_size": 1003, "d_model": 32, "d_kv": 8, "d_ff": 48, "num_layers": 3,
           "num_decoder_layers": 3, "num_heads": 4}, "layers": {"num_layers": 4}, "field": ("d_ff", 56)},
    "vit": {"root": "ViTForImageClassification", "config": {"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4,
            "intermediate_size": 48, "image_size": 32, "patch_size": 8, "num_labels": 7}, "layers": {"num_hidden_layers": 4},
            "field": ("intermediate_size", 56)},
    "clip": {"root": "CLIPTextModel", "config": {"vocab_size": 1003, "hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4,
             "intermediate_size": 48, "max_position_embeddings": 40}, "type": "clip_text_model", "layers": {"num_hidden_layers": 4},
             "field": ("intermediate_size", 56)},
    "whisper": {"root": "WhisperForConditionalGeneration", "config": {"vocab_size": 1003, "num_mel_bins": 5, "d_model": 32,
                "encoder_layers": 3, "encoder_attention_heads": 4, "encoder_ffn_dim": 48, "decoder_layers": 3,
                "decoder_attention_heads": 4, "decoder_ffn_dim": 48, "max_source_positions": 30, "max_target_positions": 40},
                "layers": {"encoder_layers": 4}, "field": ("encoder_ffn_dim", 56)},
    "resnet_hf": {"root": "ResNetForImageClassification", "config": {"embedding_size": 16, "hidden_sizes": [16, 32], "depths": [2, 2],
                  "layer_type": "basic", "num_labels": 7}, "type": "resnet", "layers": {"depths": [2, 3]}, "field": ("embedding_size", 24)},
}
for _family, _name in (("llama", "Llama"), ("mistral", "Mistral"), ("qwen2", "Qwen2"), ("qwen3", "Qwen3"), ("gemma", "Gemma"),
                       ("phi3", "Phi3")):
    SMALL[_family] = {"root": _name + "ForCausalLM", "config": {
        "vocab_size": 1003, "hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8,
        "intermediate_size": 48, "tie_word_embeddings": _family == "gemma"}, "layers": {"num_hidden_layers": 4},
        "field": ("intermediate_size", 56)}


# torchvision's families: their layers are as wide as they are, so the files have no bytes and only metadata is judged.
WIDE = {
    "resnet": {"config": {"layers": [1, 1, 1, 1]}, "layers": {"layers": [1, 2, 1, 1]}},
    "vit_torchvision": {"config": {"num_layers": 3, "hidden_dim": 32, "num_heads": 4, "mlp_dim": 48, "image_size": 32, "patch_size": 8},
                        "layers": {"num_layers": 4}},
    "alexnet": {}, "squeezenet": {}, "mobilenet_v2": {}, "mobilenet_v3": {}, "mnasnet": {}, "googlenet": {}, "inception_v3": {},
    "vgg": {"config": {"convs": [1, 1, 1, 1, 1]}, "layers": {"convs": [1, 1, 2, 1, 1]}},
    "densenet": {"config": {"block_config": [2, 2, 2, 2]}, "layers": {"block_config": [2, 2, 2, 3]}},
    "efficientnet": {"config": {"layers": [1, 1, 1, 1, 1, 1, 1]}, "layers": {"layers": [1, 1, 2, 1, 1, 1, 1]}},
    "convnext": {"config": {"depths": [1, 1, 1, 1]}, "layers": {"depths": [1, 1, 2, 1]}},
    "swin": {"config": {"depths": [1, 1, 1, 1]}, "layers": {"depths": [1, 1, 2, 1]}},
    "regnet": {"config": {"depths": [1, 1, 1, 1]}, "layers": {"depths": [1, 1, 2, 1]}},
    "shufflenet_v2": {"config": {"repeats": [2, 2, 2]}, "layers": {"repeats": [2, 3, 2]}},
    "maxvit": {"config": {"layers": [1, 1, 1, 1]}, "layers": {"layers": [1, 1, 2, 1]}},
}


class Case:
    """One checkpoint of a small model: tensors, their bytes and the config beside them, all free to be changed."""

    def __init__(self, family, small, wide, folder):
        self.family, self.small, self.wide, self.folder = family, small, wide, folder
        self.config = dict(small.get("config", {}), **({} if wide else {"model_type": small.get("type", family)}))
        if "root" in small:
            self.config["architectures"] = [small["root"]]
        keys, self.ties, self.parameters = self.expected(self.config)
        self.keys = [key for key in keys if key[0] != "optional" and key[1] not in self.ties]
        self.optional = [key for key in keys if key[0] == "optional" and key[2] == "int64"]
        self.tensors = [key[1:] for key in self.keys]
        self.values = {} if wide else {key: self.numbers(key, sizes) for key, dtype, sizes in self.tensors if dtype != "int64"}

    def expected(self, config):
        path = os.path.join(self.folder, "config.json")
        write_json(path, config)
        answer = expected(os.path.join(FAMILIES, self.family + ".json"), "-", self.small.get("root", "-"), path)
        if answer[0] is None:
            raise SystemExit(f"{self.family}: {answer[1]}")
        return answer

    @staticmethod
    def numbers(key, sizes):
        n = 1
        for size in sizes:
            n *= size
        random = Random(key)
        if key.endswith("running_var"):
            return array("f", [random.uniform(0.5, 1) for _ in range(n)]).tobytes()
        return array("f", [random.uniform(-1, 1) for _ in range(n)]).tobytes()

    def of_config(self, change):
        """The tensors of the model with another config."""
        keys = self.expected(dict(self.config, **change))[0]
        self.tensors = [key[1:] for key in keys if key[0] != "optional" and key[1] not in self.ties]
        if not self.wide:
            self.values = {key: self.numbers(key, sizes) for key, dtype, sizes in self.tensors if dtype != "int64"}

    def change(self, at, key=None, dtype=None, sizes=None):
        old = self.tensors[at]
        self.tensors[at] = (key or old[0], dtype or old[1], sizes or old[2])

    def check(self, depth=None):
        """Exit code and report, of a folder as Hugging Face has it or of a file beside a config."""
        write_json(os.path.join(self.folder, "config.json"), self.config)
        path = os.path.join(self.folder, "model.safetensors")
        write_safetensors(path, self.tensors, self.values)
        depth = depth or ("quick" if self.wide else "full")
        if not self.wide:
            return ckptlint("check", "--depth", depth, self.folder)
        return ckptlint("check", "--depth", depth, "--arch", self.family, "--config", os.path.join(self.folder, "config.json"), path)


def middle(case, fits):
    """Of the tensors that fit, one from the middle of the model."""
    found = [at for at, tensor in enumerate(case.tensors) if fits(*tensor)]
    return found[len(found) // 2]


def is_oblong(key, dtype, sizes):
    return key.endswith("weight") and len(sizes) == 2 and sizes[0] != sizes[1]


def mutate_nothing(case):
    yield 0, []


def mutate_a_dimension(case):
    at = middle(case, lambda key, dtype, sizes: key.endswith("weight") and len(sizes) >= 2)
    key, _, sizes = case.tensors[at]
    case.change(at, sizes=(sizes[0] + 1, *sizes[1:]))
    case.values.pop(key, None)
    yield 1, [("KEY503/shape", key)]


def mutate_by_dropping(case):
    at = middle(case, lambda key, dtype, sizes: key.endswith("weight"))
    key, _, _ = case.tensors.pop(at)
    yield 1, [("KEY501/missing", key)]


def mutate_by_adding(case):
    case.tensors.append(("extra.weight", "float32", (3,)))
    yield 1, [("KEY502/unexpected", "extra.")]


def mutate_a_layer_more(case):
    change = case.small.get("layers")
    if change:
        case.of_config(change)
        (name, value), = change.items()
        yield 1, [("KEY502/unexpected", ""), ("KEY513/config-value", f"{name}={json.dumps(value)}")]


def mutate_a_layer_less(case):
    change = case.small.get("layers")
    if change:
        (name, _), = change.items()
        was = case.config[name]
        case.config.update(change)
        yield 1, [("KEY501/missing", ""), ("KEY513/config-value", f"{name}={json.dumps(was)}")]


def mutate_a_dtype(case):
    at = middle(case, lambda key, dtype, sizes: key.endswith("weight"))
    case.change(at, dtype="int32")
    yield 0, [("KEY504/dtype", case.tensors[at][0])]


def mutate_by_transposing(case):
    if not any(is_oblong(*tensor) for tensor in case.tensors):
        return
    at = middle(case, is_oblong)
    case.change(at, sizes=case.tensors[at][2][::-1])
    yield 1, [("KEY503/shape", case.tensors[at][0]), ("KEY503/shape", "transposed")]


def mutate_by_a_prefix(case):
    case.tensors = [("module." + key, dtype, sizes) for key, dtype, sizes in case.tensors]
    case.values = {"module." + key: data for key, data in case.values.items()}
    yield 1, [("KEY505/", "module.")]


def mutate_a_tie(case):
    for alias, target in case.ties.items():
        tensor = next((t for t in case.tensors if t[0] == target), None)
        if not tensor or target not in case.values:
            continue
        case.tensors.append((alias, *tensor[1:]))
        case.values[alias] = case.values[target]
        yield 0, []
        case.values[alias] = case.values[target][4:] + case.values[target][:4]
        yield 1, [("KEY508/differs", alias)]
        return


def mutate_a_buffer(case):
    for _, key, dtype, sizes in case.optional:
        case.tensors.append((key, dtype, sizes))
        case.values[key] = array("q", range(sizes[-1])).tobytes()
        yield 0, []
        case.values[key] = array("q", [*range(sizes[-1] - 1), 7]).tobytes()
        yield 0, [("NUM605/constant", key)]
        return
    variances = [key for key, _, _ in case.tensors if key.endswith("running_var")]
    if variances and not case.wide:
        case.values[variances[1]] = array("f", [-1]).tobytes() + case.values[variances[1]][4:]
        yield 1, [("NUM606/", variances[1])]


def mutate_a_config_value(case):
    name, other = case.small.get("field", ("num_classes", 7))
    was = case.config.get(name, 1000)
    case.config[name] = other
    yield 1, [("KEY503/shape", ""), ("KEY513/config-value", f"{name}={was} (now {other})")]


def mutate_the_vocabulary(case):
    if "vocab_size" not in case.config:
        return
    was = case.config["vocab_size"]
    case.tensors = [(key, dtype, (1024, *sizes[1:]) if sizes[:1] == (was,) else sizes) for key, dtype, sizes in case.tensors]
    case.values = {}
    yield 1, [("KEY503/shape", "padded"), ("KEY513/config-value", f"vocab_size=1024 (now {was})")]


def mutate_the_key_value_heads(case):
    """Where one value of several fields would do, the hint names the field that the sizes are shares of."""
    was = case.config.get("num_key_value_heads")
    if was and was > 1:
        case.config["num_key_value_heads"] = 1
        yield 1, [("KEY503/shape", ""), ("KEY513/config-value", f"num_key_value_heads={was} (now 1)")]


MUTATIONS = [mutate_nothing, mutate_a_dimension, mutate_by_dropping, mutate_by_adding, mutate_a_layer_more, mutate_a_layer_less,
             mutate_a_dtype, mutate_by_transposing, mutate_by_a_prefix, mutate_a_tie, mutate_a_buffer, mutate_a_config_value,
             mutate_the_vocabulary, mutate_the_key_value_heads]


def wrong_answer(code, report, exit_code, wanted):
    found = said(report)
    noted = all(what.startswith("KEY505/base-prefix") for what, _ in wanted)
    verdict = "clean" if noted else "incompatible" if exit_code and wanted[0][0].startswith("KEY") else "findings"
    if (code, report["verdict"]) != (exit_code, verdict):
        return f"exit {code} and {report['verdict']} instead of {exit_code} and {verdict}: {found}"
    for what, text in wanted:
        if not any(line.startswith(what) and text in line for line in found):
            return f"no {what} with {text!r}: {found}"
    rules = {what[:6] for what, _ in wanted}
    if "KEY513" in rules:  # another layer may move the numbers of those behind it, and another width make a shortcut needless
        rules |= {"KEY501", "KEY502", "KEY503"}
    others = [line for line in found if line[:6] not in rules]
    return f"beside it: {others}" if others else None


def wrong_when_a_shard_is_missing(case):
    """Two shards, of which one is gone."""
    code, report = case.check()
    os.rename(os.path.join(case.folder, "model.safetensors"), os.path.join(case.folder, "whole"))
    half = len(case.tensors) // 2
    shards = {f"model-0000{i + 1}-of-00002.safetensors": part for i, part in enumerate((case.tensors[:half], case.tensors[half:]))}
    for name, part in shards.items():
        write_safetensors(os.path.join(case.folder, name), part, case.values)
    index = {"metadata": {}, "weight_map": {key: name for name, part in shards.items() for key, _, _ in part}}
    write_json(os.path.join(case.folder, "model.safetensors.index.json"), index)
    whole = wrong_answer(*ckptlint("check", case.folder), 0, [])
    os.remove(os.path.join(case.folder, list(shards)[1]))
    return whole or wrong_answer(*ckptlint("check", case.folder), 1, [("KEY507/shard-missing", list(shards)[1])])


def wrong_advice(case, report):
    """The line of Python that the report gives must make the keys what the model's are."""
    wanted = {key for _, key, _, _ in case.keys}
    advice = report["findings"][0]["message"].partition(": state_dict = ")[2]
    model = type("Model", (), {"state_dict": lambda self: wanted})()
    made = set(eval(advice, {"state_dict": {key: None for key, _, _ in case.tensors}, "model": model}))
    return None if made == wanted else f"{advice} makes {sorted(made - wanted)[:3]} instead of {sorted(wanted - made)[:3]}"


def judge_roots(tally, folder):
    """Every class that a config.json may name, by itself, with the base prefix and without it."""
    for family, small in SMALL.items():
        path = os.path.join(FAMILIES, family + ".json")
        with open(path) as f:
            file = json.load(f)
        for root in file["roots"]:
            with tempfile.TemporaryDirectory(dir=folder) as place:
                case = Case(family, dict(small, root=root), False, place)
                code, report = case.check()
                wrong = wrong_answer(code, report, 0, [])
                if not wrong and report["check"]["arch"] != root:
                    wrong = f"compared with {report['check']['arch']}"
                if not wrong and report["check"]["params_loaded"] != case.parameters:
                    wrong = f"{report['check']['params_loaded']} of {case.parameters} parameters"
                tally.check(f"{family}: {root}", wrong)
                base = file.get("base_prefix", "")
                bare = bool(base) and any(key.startswith(base) for key, _, _ in case.tensors)
                strip = (lambda key: key.removeprefix(base)) if bare else (lambda key: base + key)
                case.tensors = [(strip(key), dtype, sizes) for key, dtype, sizes in case.tensors]
                case.values = {strip(key): data for key, data in case.values.items()}
                if base:
                    wanted = [("KEY505/base-prefix-" + ("lacking" if bare else "extra"), base)]
                    code, report = case.check()
                    wrong = wrong_answer(code, report, 0, wanted) or wrong_advice(case, report)
                    tally.check(f"{family}: {root} and its base prefix", wrong)


# What published files have, lack or call otherwise: key patterns to drop, to rename, and tensors to add.
BITS = ("float32", (1, 1, 40, 40))
PUBLISHED_FILES = {
    # bert-base-uncased: TensorFlow's names, all heads, no bias of the decoder; its config says BertForMaskedLM
    "bert": ((), {r"LayerNorm\.weight$": "LayerNorm.gamma", r"LayerNorm\.bias$": "LayerNorm.beta"},
             [("bert.pooler.dense.weight", "float32", (32, 32)), ("bert.pooler.dense.bias", "float32", (32,)),
              ("cls.seq_relationship.weight", "float32", (2, 32)), ("cls.seq_relationship.bias", "float32", (2,)),
              ("cls.predictions.decoder.weight", "float32", (1003, 32))]),
    # roberta-base
    "roberta": ((), {}, [("roberta.pooler.dense.weight", "float32", (32, 32)), ("roberta.pooler.dense.bias", "float32", (32,)),
                         ("lm_head.decoder.weight", "float32", (1003, 32))]),
    # gpt2: no prefix, and the masks
    "gpt2": ((), {r"^transformer\.": ""}, [(f"h.{i}.attn.bias", *BITS) for i in range(3)]),
    # pythia: masks and inverse frequencies
    "gpt_neox": ((), {}, [(f"gpt_neox.layers.{i}.attention.{name}", dtype, sizes) for i in range(3) for name, dtype, sizes in (
        ("bias", "bool", (1, 1, 40, 40)), ("masked_bias", "float32", ()), ("rotary_emb.inv_freq", "float32", (4,)))]),
    # llama-2: inverse frequencies
    "llama": ((), {}, [(f"model.layers.{i}.self_attn.rotary_emb.inv_freq", "float32", (4,)) for i in range(3)]),
    # t5-small: every alias of the table, and a bias that nobody reads
    "t5": ((), {}, [("encoder.embed_tokens.weight", "float32", (1003, 32)), ("decoder.embed_tokens.weight", "float32", (1003, 32)),
                    ("lm_head.weight", "float32", (1003, 32)),
                    ("decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight", "float32", (32, 4))]),
    # whisper-tiny
    "whisper": ((), {}, [("proj_out.weight", "float32", (1003, 32))]),
    # densenet121 and vit_b_16, before torchvision renamed their modules
    "densenet": ((r"num_batches_tracked$",), {r"\.norm(\d)\.(?=[a-z_]+$)": r".norm.\1.", r"\.conv([12])\.(?=weight$)": r".conv.\1."}, []),
    "vit_torchvision": ((), {r"mlp\.0\.": "mlp.linear_1.", r"mlp\.3\.": "mlp.linear_2."}, []),
}


def judge_published_files(tally, folder):
    for family, (dropped, renamed, added) in PUBLISHED_FILES.items():
        with tempfile.TemporaryDirectory(dir=folder) as place:
            case = Case(family, SMALL.get(family) or WIDE[family], family in WIDE, place)
            values = case.values
            case.tensors = [t for t in case.tensors if not any(re.search(d, t[0]) for d in dropped)]
            for old, new in renamed.items():
                inner = "denseblock" if family == "densenet" else ""
                case.tensors = [(re.sub(old, new, key) if inner in key else key, *rest) for key, *rest in case.tensors]
                values = {re.sub(old, new, key): data for key, data in values.items()}
            table = next((data for key, data in values.items() if len(data) == 1003 * 32 * 4), b"")
            for key, dtype, sizes in added:
                values[key] = table if sizes == (1003, 32) else case.numbers(key, sizes) if dtype == "float32" else b""
            case.values, case.tensors = values, case.tensors + added
            code, report = case.check()
            missing = report.get("check", {}).get("params_missing")
            wrong = code != 0 or report["verdict"] != "clean" or missing != 0
            tally.check(f"{family}: as published", f"exit {code}, {missing} parameters are missing: {said(report)}" if wrong else None)


# What the two major versions of transformers write for one model, beside what both write.
SPELLINGS = {
    "llama": [{"rope_theta": 500000.0, "rope_scaling": {"factor": 8.0, "rope_type": "llama3"}, "torch_dtype": "float32", "head_dim": None},
              {"rope_parameters": {"rope_theta": 500000.0, "factor": 8.0, "rope_type": "llama3"}, "dtype": "float32"}],
    "mistral": [{"rope_theta": 1e6, "sliding_window": None}, {"rope_parameters": {"rope_theta": 1e6, "rope_type": "default"}}],
    "qwen2": [{"rope_theta": 1e6, "rope_scaling": None, "use_sliding_window": False},
              {"rope_parameters": {"rope_theta": 1e6, "rope_type": "default"}, "layer_types": ["full_attention"] * 3}],
    "qwen3": [{"rope_theta": 1e6, "rope_scaling": None}, {"rope_parameters": {"rope_theta": 1e6, "rope_type": "default"}}],
    "gemma": [{"rope_theta": 1e4, "hidden_activation": None, "hidden_act": "gelu"},
              {"rope_parameters": {"rope_theta": 1e4}, "hidden_activation": "gelu_pytorch_tanh"}],
    "phi3": [{"rope_theta": 1e4, "rope_scaling": None, "partial_rotary_factor": 1.0},
             {"rope_parameters": {"rope_theta": 1e4, "partial_rotary_factor": 1.0}}],
    "gpt_neox": [{"rotary_pct": 0.25, "rotary_emb_base": 10000}, {"rope_parameters": {"rope_theta": 10000, "partial_rotary_factor": 0.25}}],
    "gpt2": [{"torch_dtype": "float32", "id2label": {"0": "a", "1": "b"}}, {"dtype": "float32"}],
    "clip": [{"torch_dtype": "float32"}, {"dtype": "float32"}],
}


def judge_spellings(tally, folder):
    for family, spellings in SPELLINGS.items():
        for at, spelling in enumerate(spellings):
            with tempfile.TemporaryDirectory(dir=folder) as place:
                case = Case(family, SMALL[family], False, place)
                case.config.update(spelling, transformers_version=["4.57.1", "5.0.0"][at], use_cache=True, initializer_range=0.02)
                tally.check(f"{family}: as version {at + 4} writes it", wrong_answer(*case.check(), 0, []))


def judge_mutations(tally, folder):
    for wide, models in ((False, SMALL), (True, WIDE)):
        for family, small in models.items():
            for mutation in MUTATIONS:
                with tempfile.TemporaryDirectory(dir=folder) as place:
                    case = Case(family, small, wide, place)
                    for exit_code, wanted in mutation(case):
                        tally.check(f"{family}: {mutation.__name__}", wrong_answer(*case.check(), exit_code, wanted))
            if not wide:
                with tempfile.TemporaryDirectory(dir=folder) as place:
                    tally.check(f"{family}: a shard is missing", wrong_when_a_shard_is_missing(Case(family, small, wide, place)))


def main():
    tally = Tally()
    known = read_families()
    judge_published(tally, known)
    judge_lists(tally, known)
    with tempfile.TemporaryDirectory() as folder:
        judge_names(tally, known, folder)
        judge_roots(tally, folder)
        judge_published_files(tally, folder)
        judge_spellings(tally, folder)
        judge_mutations(tally, folder)
        if torchvision:
            judge_torchvision(tally, known, folder)
        else:
            print("SKIPPED families: python3-torchvision is not installed: its models are not compared")
    return tally.end()


if __name__ == "__main__":
    sys.exit(main())
