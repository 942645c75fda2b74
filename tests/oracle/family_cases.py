"""A small model of every family, as a checkpoint that can be bent: what families.py and mutations.py share."""
import glob
import json
import os
import subprocess
from array import array
from random import Random

try:
    import torch
except ImportError:
    torch = None

HERE = os.path.dirname(os.path.abspath(__file__))
FAMILIES = os.path.join(HERE, "..", "..", "rules", "models")
EXPECTED = os.path.join(os.environ["OUT"], "tests", "oracle", "expected")


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
    """Its findings, but for the notes that --depth quick leaves numbers out."""
    return [f["rule"] + "/" + f["reason"] + " " + f["message"] for f in report["findings"] if f["reason"] not in ("check-skipped", "not-compared")]


def write_json(path, value):
    with open(path, "w") as f:
        json.dump(value, f)


# ---- small models ----

# One of each Hugging Face family, with numbers in it. `layers` is its config with one layer more, `field` a config value and another
# one for it, `tied` what makes two of its tensors one where the config has no word of it.
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
        "field": ("intermediate_size", 56), "tied": {"tie_word_embeddings": True}}
# Of those that are only checked, and compute nothing here.
_DECODER = {"vocab_size": 1003, "hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4, "num_key_value_heads": 2, "intermediate_size": 48}
_ENCODER = {"vocab_size": 1003, "hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 48, "max_position_embeddings": 40}
_IMAGES = {"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 48, "image_size": 32, "patch_size": 8, "num_labels": 7}
for _family, _root, _config in (
        ("mixtral", "MixtralForCausalLM", {"num_local_experts": 3}),
        ("qwen2_moe", "Qwen2MoeForCausalLM", {"num_experts": 3, "moe_intermediate_size": 24, "shared_expert_intermediate_size": 40, "mlp_only_layers": [1]}),
        ("qwen3_moe", "Qwen3MoeForCausalLM", {"num_experts": 3, "moe_intermediate_size": 24, "mlp_only_layers": [1]}),
        ("gemma2", "Gemma2ForCausalLM", {"head_dim": 8}), ("gemma3_text", "Gemma3ForCausalLM", {"head_dim": 8}), ("phi", "PhiForCausalLM", {}),
        ("stablelm", "StableLmForCausalLM", {"qk_layernorm": True}), ("starcoder2", "Starcoder2ForCausalLM", {}),
        ("gpt_oss", "GptOssForCausalLM", {"head_dim": 8, "num_local_experts": 3}), ("olmo", "OlmoForCausalLM", {}), ("olmo2", "Olmo2ForCausalLM", {}), ("cohere", "CohereForCausalLM", {"use_qk_norm": True})):
    SMALL[_family] = {"root": _root, "config": {**_DECODER, **_config}, "layers": {"num_hidden_layers": 4}, "field": ("intermediate_size", 56),
                      "tied": {"tie_word_embeddings": True}}
for _family, _root, _config in (
        ("electra", "ElectraForMaskedLM", {"embedding_size": 16}), ("esm", "EsmForMaskedLM", {}), ("modernbert", "ModernBertForMaskedLM", {}), ("mpnet", "MPNetForMaskedLM", {}),
        ("deberta_v2", "DebertaV2ForMaskedLM", {"relative_attention": True, "position_buckets": 8, "norm_rel_ebd": "layer_norm", "conv_kernel_size": 3})):
    SMALL[_family] = {"root": _root, "type": _family.replace("_", "-"), "config": {**_ENCODER, **_config}, "layers": {"num_hidden_layers": 4},
                      "field": ("intermediate_size", 56)}
SMALL["albert"] = {"root": "AlbertForMaskedLM", "config": {**_ENCODER, "embedding_size": 16, "num_hidden_groups": 3}, "layers": {"num_hidden_groups": 4},
                   "field": ("intermediate_size", 56)}
for _family, _root, _config in (("deit", "DeiTForImageClassification", {}), ("beit", "BeitForImageClassification", {"use_relative_position_bias": True}),
                                ("data2vec_vision", "Data2VecVisionForImageClassification", {"use_shared_relative_position_bias": True})):
    SMALL[_family] = {"root": _root, "type": _family.replace("_", "-"), "config": {**_IMAGES, **_config}, "layers": {"num_hidden_layers": 4}, "field": ("intermediate_size", 56)}
SMALL["dinov2"] = {"root": "Dinov2ForImageClassification", "config": {**_IMAGES, "mlp_ratio": 4}, "layers": {"num_hidden_layers": 4}, "field": ("mlp_ratio", 5)}
for _family, _name, _last in (("bart", "Bart", {}), ("mbart", "MBart", {})):
    SMALL[_family] = {"root": _name + "ForConditionalGeneration", "config": {
        "vocab_size": 1003, "d_model": 32, "encoder_layers": 3, "encoder_ffn_dim": 48, "encoder_attention_heads": 4, "decoder_layers": 3, "decoder_ffn_dim": 48,
        "decoder_attention_heads": 4, "max_position_embeddings": 40}, "layers": {"encoder_layers": 4}, "field": ("encoder_ffn_dim", 56)}
for _family, _name in (("wav2vec2", "Wav2Vec2"), ("hubert", "Hubert")):
    SMALL[_family] = {"root": _name + "ForCTC", "config": {
        "vocab_size": 1003, "hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 48, "conv_dim": [16, 24],
        "conv_stride": [5, 2], "conv_kernel": [10, 3], "num_conv_pos_embeddings": 8, "num_conv_pos_embedding_groups": 4},
        "layers": {"num_hidden_layers": 4}, "field": ("intermediate_size", 56)}
SMALL["marian"] = {"root": "MarianMTModel", "config": SMALL["bart"]["config"], "layers": {"encoder_layers": 4}, "field": ("encoder_ffn_dim", 56)}
SMALL["siglip"] = {"root": "SiglipTextModel", "type": "siglip_text_model", "config": {
    "vocab_size": 1003, "hidden_size": 32, "num_hidden_layers": 3, "intermediate_size": 48, "max_position_embeddings": 40},
    "layers": {"num_hidden_layers": 4}, "field": ("intermediate_size", 56)}
for _family, _name in (("deepseek_v2", "DeepseekV2"), ("deepseek_v3", "DeepseekV3")):
    SMALL[_family] = {"root": _name + "ForCausalLM", "config": {
        "vocab_size": 1003, "hidden_size": 32, "intermediate_size": 48, "moe_intermediate_size": 24, "num_hidden_layers": 3, "num_attention_heads": 4,
        "n_shared_experts": 1, "n_routed_experts": 5, "kv_lora_rank": 20, "q_lora_rank": 28, "qk_rope_head_dim": 4, "v_head_dim": 6,
        "qk_nope_head_dim": 8, "first_k_dense_replace": 1}, "layers": {"num_hidden_layers": 4}, "field": ("moe_intermediate_size", 30),
        "tied": {"tie_word_embeddings": True}}
SMALL["gptj"] = {"root": "GPTJForCausalLM", "config": {"vocab_size": 1003, "n_embd": 32, "n_layer": 3, "n_head": 4, "n_inner": 48}, "layers": {"n_layer": 4},
                 "field": ("n_inner", 56), "tied": {"tie_word_embeddings": True}}
SMALL["gpt_bigcode"] = {"root": "GPTBigCodeForCausalLM", "config": {"vocab_size": 1003, "n_embd": 32, "n_layer": 3, "n_head": 4, "n_positions": 40, "n_inner": 48},
                        "layers": {"n_layer": 4}, "field": ("n_inner", 56)}
SMALL["bloom"] = {"root": "BloomForCausalLM", "config": {"vocab_size": 1003, "hidden_size": 32, "n_layer": 3, "n_head": 4}, "layers": {"n_layer": 4},
                  "field": ("hidden_size", 40)}
SMALL["falcon"] = {"root": "FalconForCausalLM", "config": {"vocab_size": 1003, "hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4,
                   "ffn_hidden_size": 48}, "layers": {"num_hidden_layers": 4}, "field": ("ffn_hidden_size", 56)}
SMALL["opt"] = {"root": "OPTForCausalLM", "config": {"vocab_size": 1003, "hidden_size": 32, "num_hidden_layers": 3, "ffn_dim": 48, "num_attention_heads": 4,
                "max_position_embeddings": 40}, "layers": {"num_hidden_layers": 4}, "field": ("ffn_dim", 56)}
SMALL["swin_hf"] = {"root": "SwinForImageClassification", "type": "swin", "config": {"embed_dim": 16, "depths": [1, 2], "num_heads": [2, 4], "window_size": 3,
                    "num_labels": 7}, "layers": {"depths": [1, 3]}, "field": ("embed_dim", 24)}
SMALL["convnext_hf"] = {"root": "ConvNextForImageClassification", "type": "convnext", "config": {"hidden_sizes": [16, 32], "depths": [1, 2], "num_stages": 2,
                        "num_labels": 7}, "layers": {"depths": [1, 3]}, "field": ("num_labels", 9)}
SMALL["gpt_neox"]["tied"] = {"tie_word_embeddings": True}

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
    "detection": {"root": "FasterRCNN", "config": {"layers": [1, 1, 1, 1], "num_classes": 91}, "layers": {"layers": [1, 1, 2, 1]}},
    "segmentation": {"root": "FCN", "config": {"layers": [1, 1, 1, 1], "num_classes": 21}, "layers": {"layers": [1, 1, 2, 1]}},
    "s3d": {"config": {"num_classes": 400}},
    "mvit": {"config": {"depths": [1, 1, 2, 1], "num_classes": 400}, "layers": {"depths": [1, 1, 3, 1]}},
    "raft": {"config": {"corr_levels": 4}, "field": ("corr_levels", 3)},
    "ssd": {"config": {"num_classes": 91}},
    "video_resnet": {"config": {"layers": [1, 1, 1, 1], "num_classes": 400}, "layers": {"layers": [1, 1, 2, 1]}},
    "maxvit": {"config": {"layers": [1, 1, 1, 1]}, "layers": {"layers": [1, 1, 2, 1]}},
}
for _family in WIDE:
    WIDE[_family].setdefault("field", ("num_classes", 7))

# The models of tutorials: files that are named, with numbers in them.
TUTORIAL = {
    "simple_linear": {"config": {"input_size": 10, "output_size": 2}, "field": ("output_size", 3)},
    "complex_model": {"config": {"input_dim": 12, "hidden_dim": 20, "output_dim": 3}, "field": ("hidden_dim", 16)},
    "simple_cnn": {}, "simple_model": {}, "custom_model": {}, "training_checkpoint": {},
}
# Of those that torch.save wrote with something around the weights: what the tutorial's author saved.
AROUND = {
    "complex_model": lambda case, state: {"config": case.config, "state_dict": state},
    "training_checkpoint": lambda case, state: {"epoch": 3, "model_state_dict": state, "optimizer_state_dict": case.optimizer(), "loss": 0.5},
}
ALL = {**SMALL, **WIDE, **TUTORIAL}


class Case:
    """One checkpoint of a small model: tensors, their bytes and the config beside them, all free to be changed."""

    def __init__(self, family, folder, **change):
        """With what is to be other than the table has it: root, config."""
        self.family, self.folder = family, folder
        self.small = dict(ALL[family], **change)
        self.bare = family in WIDE  # no bytes
        self.named = family not in SMALL  # by --arch; the others by their config alone
        self.config = dict(self.small.get("config", {}), **({} if self.named else {"model_type": self.small.get("type", family)}))
        if "root" in self.small:
            self.config["architectures"] = [self.small["root"]]
        self.of_config({})

    def of_config(self, change):
        """The tensors of the model with another config."""
        path = os.path.join(self.folder, "config.json")
        write_json(path, dict(self.config, **change))
        file = os.path.join(FAMILIES, self.family + ".json")
        keys, self.ties, self.parameters = expected(file, "-", self.small.get("root", "-"), path)
        if keys is None:
            raise SystemExit(f"{self.family}: {self.ties}")
        self.keys = [key for key in keys if key[0] != "optional" and key[1] not in self.ties]
        self.optional = [key for key in keys if key[0] == "optional"]
        self.tensors = [key[1:] for key in self.keys]
        self.values = {} if self.bare else {key: self.numbers(key, sizes) for key, dtype, sizes in self.tensors if dtype != "int64"}

    @staticmethod
    def numbers(key, sizes):
        n = 1
        for size in sizes:
            n *= size
        random = Random(key)
        if key.endswith("running_var"):
            return array("f", [random.uniform(0.5, 1) for _ in range(n)]).tobytes()
        return array("f", [random.uniform(-1, 1) for _ in range(n)]).tobytes()

    def change(self, at, key=None, dtype=None, sizes=None):
        old = self.tensors[at]
        self.tensors[at] = (key or old[0], dtype or old[1], sizes or old[2])

    @staticmethod
    def optimizer():
        """Of a Linear(10, 2) that SGD trained."""
        return torch.optim.SGD(torch.nn.Linear(10, 2).parameters(), lr=0.1).state_dict()

    def save(self, path):
        """As torch.save writes it."""
        state = {}
        for key, dtype, sizes in self.tensors:
            tensor = torch.ones(sizes, dtype=getattr(torch, {"float": "float32"}.get(dtype, dtype)))
            if key in self.values and tensor.dtype == torch.float32:
                tensor = torch.frombuffer(bytearray(self.values[key]), dtype=torch.float32).reshape(sizes).clone()
            state[key] = tensor
        torch.save(AROUND[self.family](self, state), path)

    def write(self, tensors, name="model.safetensors"):
        write_safetensors(os.path.join(self.folder, name), tensors, self.values)

    def ask(self, path, depth):
        """Exit code and report, of a folder as Hugging Face has it or of what is beside a config."""
        config = os.path.join(self.folder, "config.json")
        write_json(config, self.config)
        how = ["--arch", self.family] if self.named else []
        if self.named and self.family not in AROUND:
            how += ["--config", config]
        return ckptlint("check", "--depth", depth or ("quick" if self.bare else "full"), *how, path)

    def check(self, depth=None):
        if self.family in AROUND:
            self.save(os.path.join(self.folder, "model.pt"))
            return self.ask(os.path.join(self.folder, "model.pt"), depth)
        self.write(self.tensors)
        return self.ask(os.path.join(self.folder, "model.safetensors") if self.named else self.folder, depth)


def constant(key, sizes):
    """What such a buffer holds in the models' own code."""
    if key.endswith("position_ids"):  # torch.arange(n).expand((1, -1))
        return list(range(sizes[-1]))
    if key.endswith("attn.bias") and len(sizes) == 4:  # torch.tril(torch.ones(n, n))
        return [int(column <= row) for row in range(sizes[-2]) for column in range(sizes[-1])]
    if key.endswith("relative_position_index"):  # torchvision: coordinates of each pair, shifted and numbered
        w = round((sizes[0] if len(sizes) == 2 else sizes[0] ** 0.5) ** 0.5)
        at = [(row, column) for row in range(w) for column in range(w)]
        return [(a[0] - b[0] + w - 1) * (2 * w - 1) + a[1] - b[1] + w - 1 for a in at for b in at]
    return None


def packed(dtype, numbers):
    return array({"int64": "q", "any": "f", "float32": "f"}[dtype], numbers).tobytes()


def wrong_answer(code, report, exit_code, wanted):
    """None, or in what the report is not this exit code and these findings: beginnings of rule/reason, and words."""
    found = said(report)
    notes = ("KEY505/base-prefix", "KEY506/wrapped", "KEY506/adapter", "KEY502/quantized-weights", "KEY502/not-quantized")
    noted = all(what.startswith(notes) for what, _ in wanted)
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
