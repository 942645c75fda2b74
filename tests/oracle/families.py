"""The model families of rules/models beside independent sources. Every classification model of torchvision must have its keys, order,
shapes and parameters in a family, and its state dict must be found to be that model; published Hugging Face models must have the
keys and parameters that are known of them. torchvision is Debian's python3-torchvision."""
import json
import os
import re
import sys
import tempfile
import warnings

from family_cases import FAMILIES, HERE, SMALL, Case, ckptlint, constant, expected, packed, read_families, said, \
    write_safetensors, wrong_answer
from found import Tally

FULL = 9_000_000  # parameters; larger models are judged by their metadata alone

try:
    import torch
    import torchvision
except ImportError:
    torch = torchvision = None


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


def wrong_constants(module):
    """None, or the buffer that torchvision fills otherwise than the oracle of constants says."""
    for key, t in module.named_buffers():
        numbers = constant(key, tuple(t.shape))
        if numbers and t.flatten().tolist() != numbers:
            return key
    return None


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


# Models of torchvision that do not classify, with what keeps it from the network, and as they are published.
BACKBONE, AUXILIARY = {"weights_backbone": None}, {"weights_backbone": None, "aux_loss": True}
OTHERS = {
    **dict.fromkeys(("fasterrcnn_resnet50_fpn", "fasterrcnn_resnet50_fpn_v2", "maskrcnn_resnet50_fpn", "maskrcnn_resnet50_fpn_v2",
                     "keypointrcnn_resnet50_fpn", "retinanet_resnet50_fpn", "retinanet_resnet50_fpn_v2", "fcos_resnet50_fpn"), BACKBONE),
    **dict.fromkeys(("fcn_resnet50", "fcn_resnet101", "deeplabv3_resnet50", "deeplabv3_resnet101"), AUXILIARY),
    "ssd300_vgg16": BACKBONE,
    **dict.fromkeys(("r3d_18", "mc3_18", "r2plus1d_18", "s3d", "mvit_v1_b", "mvit_v2_s", "raft_large", "raft_small"), {}),
}


def judge_torchvision(tally, known, folder):
    warnings.simplefilter("ignore")
    for name in dir(torch.nn.init):  # hundreds of millions of numbers that nobody looks at
        if name.endswith("_") and not name.startswith("_"):
            setattr(torch.nn.init, name, lambda tensor, *args, **kwargs: tensor)
    classifiers = torchvision.models.list_models(module=torchvision.models)
    for name in classifiers + [name for name in OTHERS if name in torchvision.models.list_models()]:
        if name not in known:
            tally.check(name, "no family has this model")
            continue
        module = torchvision.models.get_model(name, **OTHERS.get(name, {}))
        tally.check(name + ": list", wrong_in_list(module, known[name]))
        tally.check(name + ": constants", wrong_constants(module))
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
    "mixtral-8x7b": 46702792704, "mixtral-8x22b": 140620634112, "qwen1.5-moe-a2.7b": 14315784192, "qwen3-30b-a3b": 30532122624,
    "qwen3-235b-a22b": 235093634560, "gemma-2-2b": 2614341888, "gemma-2-9b": 9241705984, "gemma-2-27b": 27227128320,
    "gemma-3-1b": 999885952, "gemma-3-270m": 268098176, "embeddinggemma-300m": 302863104, "phi-2": 2779683840, "phi-1_5": 1418270720, "stablelm-3b-4e1t": 2795443200,
    "stablelm-2-1_6b": 1644515328, "starcoder2-3b": 3030371328, "starcoder2-7b": 7173923840, "starcoder2-15b": 15957889024,
    "olmo-1b": 1176764416, "olmo-7b": 6888095744, "olmo-2-7b": 7298617344, "olmo-2-13b": 13716198400, "c4ai-command-r-v01": 34980831232,
    "aya-23-8b": 8028033024, "gpt-j-6b": 6050882784, "starcoder": 15517456384, "starcoderbase-1b": 1137207296, "bloom-560m": 559214592,
    "bloom-1b7": 1722408960, "bloom-3b": 3002557440, "bloom-7b1": 7069016064, "bloom-176b": 176247271424, "falcon-7b": 6921720704,
    "falcon-40b": 41303293952, "falcon-rw-1b": 1311625216, "opt-125m": 125239296, "opt-350m": 331196416, "opt-1.3b": 1315758080,
    "opt-2.7b": 2651596800, "opt-6.7b": 6658473984, "opt-13b": 12853473280, "electra-small-discriminator ElectraModel": 13483008,
    "electra-base-discriminator ElectraModel": 108891648, "electra-large-discriminator ElectraModel": 334092288,
    "mpnet-base MPNetModel": 109486464, "deberta-v3-base": 183831552, "deberta-v3-large": 434012160, "deberta-v3-small": 141304320,
    "albert-base-v2 AlbertModel": 11683584, "albert-large-v2 AlbertModel": 17683968, "albert-xlarge-v2 AlbertModel": 58724864,
    "albert-xxlarge-v2 AlbertModel": 222595584, "bart-base": 139420416, "bart-large": 406291456, "mbart-large-50": 610879488,
    "deit-base-distilled-patch16-224": 87338192, "deit-tiny-distilled-patch16-224": 5910800, "deit-small-distilled-patch16-224": 22436432,
    "dinov2-base": 86580480, "dinov2-small": 22056576, "dinov2-large": 304368640, "dinov2-giant": 1136480768,
    "beit-base-patch16-224": 86530984, "swin-tiny-patch4-window7-224": 28288354, "swin-small-patch4-window7-224": 49606258,
    "swin-base-patch4-window7-224": 87768224, "convnext-tiny-224": 28589128, "convnext-small-224": 50223688,
    "convnext-base-224": 88591464, "convnext-large-224": 197767336, "wav2vec2-base-960h": 94396320,
    "wav2vec2-base Wav2Vec2Model": 94371712, "wav2vec2-large-960h Wav2Vec2Model": 315428992,
    "wav2vec2-large-xlsr-53 Wav2Vec2Model": 315438720, "hubert-base-ls960": 94371712,
    "deepseek-v3": 671026404352, "deepseek-v2-lite": 15706484224, "gpt-oss-20b": 20914757184, "gpt-oss-120b": 116829156672,
    "siglip-base-patch16-224": 203155970, "siglip-so400m-patch14-384": 877960498, "modernbert-base": 149655232,
    "esm2_t33_650m_ur50d": 651043254,
}


def judge_described(tally, known, folder):
    """The first published model of each family is found by its keys alone, however many families there are."""
    first, path = {}, os.path.join(folder, "model.safetensors")
    for name, (file, preset) in known.items():
        if preset != "-":
            first.setdefault(file, name)
    for name in first.values():
        keys, ties, _ = expected(*known[name])
        write_safetensors(path, [key[1:] for key in keys if key[0] != "optional" and key[1] not in ties])
        code, report = ckptlint("describe", "--depth", "quick", path)
        like = [(f["reason"], f.get("subject")) for f in report["findings"] if f["rule"] == "KEY516"]
        same = like and like[0][0] == "is" and expected(*known[like[0][1]])[0] == keys
        tally.check(name + ": described", None if code == 0 and same else f"exit {code}: {like}")


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


def wrong_advice(case, report):
    """The line of Python that the report gives must make the keys what the model's are."""
    wanted = {key for _, key, _, _ in case.keys}
    advice = report["findings"][0]["message"].partition(": state_dict = ")[2]
    model = type("Model", (), {"state_dict": lambda self: wanted})()
    made = set(eval(advice, {"state_dict": {key: None for key, _, _ in case.tensors}, "model": model}))
    return None if made == wanted else f"{advice} makes {sorted(made - wanted)[:3]} instead of {sorted(wanted - made)[:3]}"


def judge_roots(tally, folder):
    """Every class that a config.json may name, by itself, with the base prefix and without it."""
    for family in SMALL:
        path = os.path.join(FAMILIES, family + ".json")
        with open(path) as f:
            file = json.load(f)
        for root in file["roots"]:
            with tempfile.TemporaryDirectory(dir=folder) as place:
                case = Case(family, place, root=root)
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
            case = Case(family, place)
            values = case.values
            case.tensors = [t for t in case.tensors if not any(re.search(d, t[0]) for d in dropped)]
            for old, new in renamed.items():
                inner = "denseblock" if family == "densenet" else ""
                case.tensors = [(re.sub(old, new, key) if inner in key else key, *rest) for key, *rest in case.tensors]
                values = {re.sub(old, new, key): data for key, data in values.items()}
            table = next((data for key, data in values.items() if len(data) == 1003 * 32 * 4), b"")
            for key, dtype, sizes in added:
                if constant(key, sizes):
                    values[key] = packed(dtype, constant(key, sizes))
                else:
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


# What they write for every model, under names that no family may take for another thing.
EVERYWHERE = [
    {"torch_dtype": "float32", "rope_theta": 10000.0, "rope_scaling": None, "id2label": None, "label2id": None, "output_attentions": False, "problem_type": None,
     "is_encoder_decoder": False, "tie_encoder_decoder": False, "pruned_heads": {}, "_name_or_path": "./here", "attention_dropout": 0.0, "pad_token_id": None},
    {"dtype": "float32", "rope_parameters": {"rope_theta": 10000.0, "rope_type": "default"}, "layer_types": ["full_attention"] * 3, "id2label": None,
     "label2id": None, "return_dict": True, "chunk_size_feed_forward": 0, "attention_dropout": 0, "bos_token_id": None, "use_cache": False},
]


def judge_spellings(tally, folder):
    for family, small in SMALL.items():
        for at, spelling in enumerate(EVERYWHERE):
            with tempfile.TemporaryDirectory(dir=folder) as place:
                case = Case(family, place)
                case.config = {**spelling, **case.config, "transformers_version": ["4.57.1", "5.0.0"][at]}
                tally.check(f"{family}: fields of version {at + 4}", wrong_answer(*case.check(), 0, []))
    for family, spellings in SPELLINGS.items():
        for at, spelling in enumerate(spellings):
            with tempfile.TemporaryDirectory(dir=folder) as place:
                case = Case(family, place)
                case.config.update(spelling, transformers_version=["4.57.1", "5.0.0"][at], use_cache=True, initializer_range=0.02)
                tally.check(f"{family}: as version {at + 4} writes it", wrong_answer(*case.check(), 0, []))


def main():
    tally = Tally()
    known = read_families()
    judge_published(tally, known)
    judge_lists(tally, known)
    with tempfile.TemporaryDirectory() as folder:
        judge_names(tally, known, folder)
        judge_roots(tally, folder)
        judge_described(tally, known, folder)
        judge_published_files(tally, folder)
        judge_spellings(tally, folder)
        if torchvision:
            judge_torchvision(tally, known, folder)
        else:
            print("SKIPPED families: python3-torchvision is not installed: its models are not compared")
    return tally.end()


if __name__ == "__main__":
    sys.exit(main())
