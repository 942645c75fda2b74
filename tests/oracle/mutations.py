"""Every family of rules/models, bent in each of fourteen ways: the answer must be of the right rule, with the right hint, and nothing else.
Where a way makes no sense for a family, the table says why."""
import glob
import json
import os
import sys
import tempfile
from array import array

from family_cases import ALL, AROUND, FAMILIES, Case, constant, packed, said, torch, write_json, wrong_answer
from found import Tally

# Reasons why a family can't be bent so.
FIXED = "the number of its layers is fixed"
LISTS = "its layers are rows of several lists, which no one value of the config can mend"
NO_TIE = "no two of its tensors are one"
NO_BUFFER = "it has no buffers"
ANEW = "masks in its files are not read: its code makes them anew"
NO_CONFIG = "it has no config"
NO_MATRIX = "all its weights are convolutions"
A_ROW = "its only matrix is a row"
NO_WORDS = "it has no vocabulary"
ONE_FILE = "what stands around its weights is one file"
HEADS = "it has no heads for keys of their own"

BATCHES = ("alexnet", "squeezenet", "mobilenet_v2", "mnasnet", "googlenet", "inception_v3", "s3d", "raft", "ssd")  # of one form each
VISION = ("resnet", "vit_torchvision", "vgg", "densenet", "efficientnet", "convnext", "swin", "regnet", "shufflenet_v2", "maxvit",
          "mobilenet_v3", "vit", "resnet_hf", "deit", "beit", "data2vec_vision", "dinov2", "swin_hf", "convnext_hf",
          "detection", "segmentation", "video_resnet", "mvit", *BATCHES)
SOUND = ("wav2vec2", "hubert")
TUTORIALS = ("simple_linear", "complex_model", "simple_cnn", "simple_model", "custom_model", "training_checkpoint")
GROUPED = ("llama", "mistral", "qwen2", "qwen3", "gemma", "phi3", "mixtral", "qwen2_moe", "qwen3_moe", "gemma2", "gemma3_text", "phi", "stablelm",
           "starcoder2", "olmo", "olmo2", "cohere", "gpt_oss")
PLAIN = ("alexnet", "squeezenet", "ssd", "mvit", "vgg", "convnext", "vit_torchvision", "vit", "distilbert", "t5", "whisper", "deit", "beit", "data2vec_vision", "dinov2", "convnext_hf",
         "bart", "mbart", "marian", "modernbert", "deepseek_v2", "deepseek_v3", "gptj", "gpt_bigcode", "bloom", "falcon", "opt", *SOUND)

SENSELESS = {
    "layers": {**dict.fromkeys(BATCHES, FIXED), **dict.fromkeys(TUTORIALS, FIXED), "mobilenet_v3": LISTS},
    "tie": {**dict.fromkeys(VISION, NO_TIE), **dict.fromkeys(TUTORIALS, NO_TIE), **dict.fromkeys(SOUND, NO_TIE), "clip": NO_TIE, "siglip": NO_TIE},
    "buffer": {"gpt_neox": ANEW, **dict.fromkeys(TUTORIALS, NO_BUFFER), **dict.fromkeys(GROUPED, NO_BUFFER),
               **dict.fromkeys(PLAIN, NO_BUFFER)},
    "transposed": {**dict.fromkeys(("squeezenet", "s3d", "raft", "ssd"), NO_MATRIX), "segmentation": NO_MATRIX, "simple_model": A_ROW},
    "config": dict.fromkeys(("simple_cnn", "simple_model", "custom_model", "training_checkpoint"), NO_CONFIG),
    "vocabulary": {**dict.fromkeys(VISION, NO_WORDS), **dict.fromkeys(TUTORIALS, NO_WORDS)},
    "shard": dict.fromkeys(AROUND, ONE_FILE),
    "heads": {family: HEADS for family in ALL if family not in GROUPED},
}


def middle(case, fits):
    """Of the tensors that fit, one from the middle of the model; None where none does."""
    found = [at for at, tensor in enumerate(case.tensors) if fits(*tensor)]
    return found[len(found) // 2] if found else None


def is_weight(key, dtype, sizes):
    return key.endswith("weight")


def is_matrix(key, dtype, sizes):
    return is_weight(key, dtype, sizes) and len(sizes) >= 2


def is_oblong(key, dtype, sizes):
    return is_weight(key, dtype, sizes) and len(sizes) == 2 and sizes[0] != sizes[1] and 1 not in sizes


# ---- the ways. Each bends the case and yields the exit code and the findings to be expected, as often as it likes; none: no sense ----

def bend_nothing(case):
    yield 0, []


def bend_dimension(case):
    at = middle(case, is_matrix)
    key, _, sizes = case.tensors[at]
    case.change(at, sizes=(sizes[0] + 1, *sizes[1:]))
    if key in case.values:
        case.values[key] = case.numbers(key, case.tensors[at][2])
    yield 1, [("KEY503/shape", key)]


def bend_dropped(case):
    key, _, _ = case.tensors.pop(middle(case, is_weight))
    yield 1, [("KEY501/missing", key)]


def bend_added(case):
    case.tensors.append(("extra.weight", "float32", (3,)))
    yield 1, [("KEY502/unexpected", "extra.")]


def bend_layers(case):
    """One more than the config says, and one less."""
    for name, value in case.small.get("layers", {}).items():
        was = case.config[name]
        case.of_config({name: value})
        yield 1, [("KEY502/unexpected", ""), ("KEY513/config-value", f"{name}={json.dumps(value)}")]
        case.config[name] = was
        case.of_config({})
        case.config[name] = value
        yield 1, [("KEY501/missing", ""), ("KEY513/config-value", f"{name}={json.dumps(was)}")]


def bend_dtype(case):
    at = middle(case, is_weight)
    case.change(at, dtype="int32")
    yield 0, [("KEY504/dtype", case.tensors[at][0])]


def bend_transposed(case):
    at = middle(case, is_oblong)
    if at is not None:
        case.change(at, sizes=case.tensors[at][2][::-1])
        yield 1, [("KEY503/shape", case.tensors[at][0]), ("KEY503/shape", "transposed")]


def bend_prefix(case):
    case.tensors = [("module." + key, dtype, sizes) for key, dtype, sizes in case.tensors]
    case.values = {"module." + key: data for key, data in case.values.items()}
    yield 1, [("KEY505/", "module.")]


def bend_tie(case):
    """Both tensors are there: with the same bytes, then with others."""
    if "tied" in case.small:
        case.config.update(case.small["tied"])
        case.of_config({})
    for alias, target in case.ties.items():
        tensor = next((t for t in case.tensors if t[0] == target), None)
        if tensor and target in case.values:
            case.tensors.append((alias, *tensor[1:]))
            case.values[alias] = case.values[target]
            yield 0, []
            case.values[alias] = case.values[target][4:] + case.values[target][:4]
            yield 1, [("KEY508/differs", alias)]
            return


def bend_buffer(case):
    """A number of a constant that is another, or a variance below zero."""
    present = [("buffer", *t) for t in case.tensors if constant(t[0], t[2])]
    for _, key, dtype, sizes in [key for key in case.optional if constant(key[1], key[3])] + present:
        numbers = constant(key, sizes)
        if (key, dtype, sizes) not in case.tensors:
            case.tensors.append((key, dtype, sizes))
        case.values.update({k: packed(d, constant(k, s)) for k, d, s in case.tensors if constant(k, s)})
        yield 0, []
        case.values[key] = packed(dtype, [*numbers[:-1], 7])
        yield 0, [("NUM605/constant", key)]
        return
    variances = [key for key, _, _ in case.tensors if key.endswith("running_var")]
    if variances:
        case.values[variances[1]] = array("f", [-1]).tobytes() + case.values.get(variances[1], b"")[4:]
        yield 1, [("NUM606/", variances[1])]


def bend_shard(case):
    """Two shards, then one of them."""
    if case.family in AROUND:
        return
    half = len(case.tensors) // 2
    shards = {f"model-0000{i + 1}-of-00002.safetensors": part for i, part in enumerate((case.tensors[:half], case.tensors[half:]))}
    for name, part in shards.items():
        case.write(part, name)
    index = {"metadata": {}, "weight_map": {key: name for name, part in shards.items() for key, _, _ in part}}
    write_json(os.path.join(case.folder, "model.safetensors.index.json"), index)
    yield 0, []
    os.remove(os.path.join(case.folder, list(shards)[1]))
    yield 1, [("KEY507/shard-missing", list(shards)[1])]


def bend_config(case):
    if "field" in case.small:
        name, other = case.small["field"]
        was = case.config.get(name, 1000)
        case.config[name] = other
        yield 1, [("KEY503/shape", ""), ("KEY513/config-value", f"{name}={was} (now {other})")]


def bend_vocabulary(case):
    if "vocab_size" in case.config:
        was = case.config["vocab_size"]
        case.tensors = [(key, dtype, (1024, *sizes[1:]) if sizes[:1] == (was,) else sizes) for key, dtype, sizes in case.tensors]
        case.values = {}
        yield 1, [("KEY503/shape", "padded"), ("KEY513/config-value", f"vocab_size=1024 (now {was})")]


def bend_heads(case):
    """Where one value of several fields would do, the hint names the field that the sizes are shares of."""
    was = case.config.get("num_key_value_heads")
    if was and was > 1:
        case.config["num_key_value_heads"] = 1
        yield 1, [("KEY503/shape", ""), ("KEY513/config-value", f"num_key_value_heads={was} (now 1)")]


WAYS = [bend_nothing, bend_dimension, bend_dropped, bend_added, bend_layers, bend_dtype, bend_transposed, bend_prefix, bend_tie,
        bend_buffer, bend_shard, bend_config, bend_vocabulary, bend_heads]


def asked(case, way):
    """Exit code and report. Of a bare file the numbers say that all is zero: what they said before it was bent is left out."""
    if way == "shard":
        return case.ask(case.folder, None)
    code, report = case.check("full" if way == "buffer" else None)
    if case.bare and way == "buffer":
        report["findings"] = [f for f in report["findings"] if f["rule"] != "NUM603"]
        report["verdict"] = report["verdict"] if said(report) else "clean"
    return code, report


def judge(tally, family, bend, folder):
    way = bend.__name__.removeprefix("bend_")
    why_not = SENSELESS.get(way, {}).get(family)
    case, times = Case(family, folder), 0
    for exit_code, wanted in bend(case):
        times += 1
        wanted = wanted + [("KEY506/wrapped", "")] if family in AROUND else wanted
        tally.check(f"{family}: {way}, {times}", wrong_answer(*asked(case, way), exit_code, wanted))
    if (times == 0) != bool(why_not):
        tally.check(f"{family}: {way}", f"it was bent {times} times, and the table says: {why_not}")


def main():
    tally = Tally()
    known = {os.path.basename(path)[:-5] for path in glob.glob(os.path.join(FAMILIES, "*.json"))}
    tally.check("all families", None if known == set(ALL) else f"without a row, or without a file: {sorted(known ^ set(ALL))}")
    if not torch:
        print("SKIPPED mutations: python3-torch is not installed: what torch.save wrote around weights is not bent")
    with tempfile.TemporaryDirectory() as folder:
        for family in sorted(known & set(ALL) - (set() if torch else set(AROUND))):
            for bend in WAYS:
                with tempfile.TemporaryDirectory(dir=folder) as place:
                    judge(tally, family, bend, place)
    return tally.end()


if __name__ == "__main__":
    sys.exit(main())
