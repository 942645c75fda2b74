"""What other libraries make of a model of transformers: weights that a quantiser has packed, and adapters that stand for none.
Names and sizes are those of the modules that these libraries define: auto_gptq.nn_modules.qlinear, awq.modules.linear,
bitsandbytes.nn, transformers.integrations.finegrained_fp8, compressed_tensors, and peft.tuners.lora."""
import json
import os
import sys
import tempfile

import family_cases
from family_cases import Case, ckptlint, said, write_json, write_safetensors, wrong_answer
from found import Tally

family_cases.SAFETENSORS.update({"int8": ("I8", 1), "float8_e4m3fn": ("F8_E4M3", 1)})
CONFIG = {"vocab_size": 1003, "hidden_size": 64, "num_hidden_layers": 3, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16,
          "intermediate_size": 128, "tie_word_embeddings": False}
GROUP = 32


def gptq(out, inputs, bits=4):
    return {"qweight": ("int32", (inputs * bits // 32, out)), "qzeros": ("int32", (inputs // GROUP, out * bits // 32)),
            "scales": ("float16", (inputs // GROUP, out)), "g_idx": ("int32", (inputs,)), "bias": ("float16", (out,))}


def awq(out, inputs):
    return {"qweight": ("int32", (inputs, out // 8)), "qzeros": ("int32", (inputs // GROUP, out // 8)), "scales": ("float16", (inputs // GROUP, out))}


def four_bits(out, inputs):
    return {"weight": ("uint8", (out * inputs // 2, 1)), "weight.absmax": ("uint8", (out * inputs // 64,)), "weight.quant_map": ("float32", (16,)),
            "weight.nested_absmax": ("float32", (1,)), "weight.nested_quant_map": ("float32", (256,)),
            "weight.quant_state.bitsandbytes__nf4": ("uint8", (80,))}


def eight_bits(out, inputs):
    return {"weight": ("int8", (out, inputs)), "SCB": ("float32", (out,)), "weight_format": ("uint8", ())}


def blocks(out, inputs):
    return {"weight": ("float8_e4m3fn", (out, inputs)), "weight_scale_inv": ("float32", ((out + 127) // 128, (inputs + 127) // 128))}


def scaled(out, inputs):
    return {"weight": ("float8_e4m3fn", (out, inputs)), "weight_scale": ("float32", (out, 1)), "input_scale": ("float32", ())}


def compressed(out, inputs):
    return {"weight_packed": ("int32", (out, inputs // 8)), "weight_scale": ("float16", (out, inputs // GROUP)), "weight_shape": ("int64", (2,))}


METHODS = {"gptq": (gptq, "GPTQ"), "gptq of 3 bits": (lambda out, inputs: gptq(out, inputs, 3), "GPTQ"), "awq": (awq, "AWQ"),
           "bitsandbytes, 4": (four_bits, "bitsandbytes 4 bit"), "bitsandbytes, 8": (eight_bits, "bitsandbytes 8 bit"),
           "fp8": (blocks, "scales of blocks"), "fp8 with a scale": (scaled, "with a scale"), "compressed-tensors": (compressed, "compressed-tensors")}


def packed(case, how, said="gptq"):
    """The matrices of the layers as `how` has them, by key; the config says so, unless `said` is None."""
    tensors = []
    for key, dtype, sizes in case.tensors:
        module = key.removesuffix("weight")
        parts = how(*sizes) if key.endswith("proj.weight") else {"weight": ("float16", sizes)}
        tensors += [(module + part, *rest) for part, rest in parts.items()]
    case.tensors, case.values = tensors, {}
    if said:
        case.config["quantization_config"] = {"quant_method": said, "bits": 4}


def bent(case, ending, sizes):
    at = next(i for i, (key, _, _) in enumerate(case.tensors) if key.endswith("layers.1.mlp.up_proj." + ending))
    case.change(at, sizes=sizes)


def judge_quantized(tally, folder):
    for name, (how, words) in METHODS.items():
        case = Case("llama", folder, config=CONFIG)
        count = len(case.keys)
        packed(case, how)
        code, report = case.check("quick")
        check = report.get("check", {})
        wrong = wrong_answer(code, report, 0, [("KEY502/quantized-weights", words), ("KEY502/quantized-weights", "21 weights")])
        figures = (check.get("quantized"), check.get("matched"), check.get("params_missing"), check.get("loads_strict"))
        tally.check(name, wrong or (None if figures == (21, count, 0, False) else figures))
        del case.config["quantization_config"]
        tally.check(name + ", and no word of it", wrong_answer(*case.check("quick"), 1, [("KEY502/quantized-untold", words)]))
    case = Case("llama", folder, config=CONFIG)
    case.config["quantization_config"] = {"quant_method": "gptq"}
    case.values = {}
    tally.check("only said", wrong_answer(*case.check("quick"), 0, [("KEY502/not-quantized", "gptq")]))
    for ending, sizes in (("qweight", (7, 128)), ("qweight", (8, 120)), ("scales", (2, 64))):
        case = Case("llama", folder, config=CONFIG)
        packed(case, gptq)
        bent(case, ending, sizes)
        tally.check(f"{ending} {sizes}", wrong_answer(*case.check("quick"), 1, [
            ("KEY503/packed-shape", "layers.1.mlp.up_proj.weight"), ("KEY502/quantized-weights", "")]))
    case = Case("llama", folder, config=CONFIG)
    packed(case, gptq)
    case.config["intermediate_size"] = 96
    tally.check("another config", wrong_answer(*case.check("quick"), 1, [
        ("KEY503/packed-shape", "mlp.up_proj.weight"), ("KEY503/packed-shape", "mlp.down_proj.weight"), ("KEY502/quantized-weights", "")]))


def adapter(case, modules, rank=8, turned=False):
    """[rank, inputs] and [outputs, rank] for each weight of these modules."""
    tensors = []
    for key, _, sizes in case.tensors:
        module = key.removesuffix(".weight")
        if key.endswith(".weight") and module.rsplit(".")[-1] in modules:
            out, inputs = sizes[::-1] if turned else sizes
            tensors += [(f"base_model.model.{module}.lora_A.weight", "float32", (rank, inputs)),
                        (f"base_model.model.{module}.lora_B.weight", "float32", (out, rank))]
    return tensors


def of_adapter(family, folder, bend, modules=("q_proj", "v_proj"), **change):
    case = Case(family, folder, **change)
    case.tensors, case.values = bend(adapter(case, modules, turned=family == "gpt2")), {}
    return case.check("quick")


def judge_adapters(tally, folder):
    llama = {"config": CONFIG}
    said = ("KEY506/adapter", "rank 8, for 6 weights of one (q_proj, v_proj)")
    code, report = of_adapter("llama", folder, lambda t: t, **llama)
    check = report.get("check", {})
    figures = (check.get("adapter"), check.get("matched"), check.get("expected"), check.get("loads_loose"))
    tally.check("LoRA", wrong_answer(code, report, 0, [said]) or (None if figures == (True, 6, 6, False) else figures))
    tally.check("LoRA of Conv1D", wrong_answer(*of_adapter("gpt2", folder, lambda t: t, ("c_attn",)), 0, [("KEY506/adapter", "3 weights of one (c_attn)")]))
    trained = [("base_model.model.lm_head.weight", "float32", (1003, 64))]
    tally.check("with a head", wrong_answer(*of_adapter("llama", folder, lambda t: t + trained, **llama), 0, [said]))
    small = [("base_model.model.lm_head.weight", "float32", (1003, 60))]
    tally.check("with a head of another size", wrong_answer(*of_adapter("llama", folder, lambda t: t + small, **llama), 1, [
        ("KEY503/shape", "lm_head.weight"), said]))
    strange = [("base_model.model.strange.weight", "float32", (2, 2))]
    tally.check("with a stranger", wrong_answer(*of_adapter("llama", folder, lambda t: t + strange, **llama), 1, [
        ("KEY502/unexpected", "strange.weight"), said]))
    bare = lambda t: [(key.replace("model.model.", "model."), dtype, sizes) for key, dtype, sizes in t]  # noqa: E731
    tally.check("of the model without a head", wrong_answer(*of_adapter("llama", folder, bare, **llama), 0, [said]))
    ranks = lambda t: [(key, dtype, tuple(4 if n == 8 and ".0.self_attn.q_proj." in key else n for n in sizes)) for key, dtype, sizes in t]  # noqa: E731
    tally.check("of two ranks", wrong_answer(*of_adapter("llama", folder, ranks, **llama), 0, [("KEY506/adapter", "ranks 4 to 8, for 6 weights")]))
    magnitudes = [("base_model.model.model.layers.0.self_attn.q_proj.lora_magnitude_vector", "float32", (64,))]
    tally.check("DoRA", wrong_answer(*of_adapter("llama", folder, lambda t: t + magnitudes, **llama), 0, [said]))
    tally.check("half", wrong_answer(*of_adapter("llama", folder, lambda t: t[:-1], **llama), 1, [
        ("KEY501/adapter-half", "model.layers.2.self_attn.v_proj.weight"), ("KEY506/adapter", "5 weights")]))
    wide = lambda t: [(key, dtype, (8, 80) if ".1.self_attn.q_proj.lora_A" in key else sizes) for key, dtype, sizes in t]  # noqa: E731
    tally.check("another size", wrong_answer(*of_adapter("llama", folder, wide, **llama), 1, [
        ("KEY503/adapter-shape", "model.layers.1.self_attn.q_proj.weight"), ("KEY506/adapter", "5 weights")]))
    named = lambda t: [(key.replace("v_proj", "value_proj"), dtype, sizes) for key, dtype, sizes in t]  # noqa: E731
    tally.check("another module", wrong_answer(*of_adapter("llama", folder, named, **llama), 1, [
        ("KEY502/unexpected", "model.layers.{0-2}.self_attn.value_proj."), ("KEY506/adapter", "3 weights")]))


# adapter_config.json beside the factors: what is changed in it, the exit code, the beginnings of what is found and words of it.
# peft/tuners/tuners_utils.py, check_target_module_exists: a module is a target when its path is one or ends in a dot and one.
RIGHT = {"base_model_name_or_path": "facebook/opt-125m", "peft_type": "LORA", "r": 8, "rank_pattern": {}, "target_modules": ["q_proj", "v_proj"],
         "lora_alpha": 16, "bias": "none", "modules_to_save": None, "task_type": "CAUSAL_LM"}
ADAPTER = ("KEY506/adapter ", "24 weights of one (v_proj, q_proj)")
CONFIGS = {
    "as it is": ({}, 0, [ADAPTER]),
    "another rank": ({"r": 16}, 1, [("KEY503/adapter-rank", "48 factors have another rank"), ("KEY503/adapter-rank", "has 8, r is 16"), ADAPTER]),
    "ranks of their own": ({"r": 16, "rank_pattern": {"q_proj": 8, "v_proj": 8}}, 0, [ADAPTER]),
    "ranks of experts": ({"r": 4, "target_parameters": ["q_proj.weight"]}, 0, [ADAPTER]),
    "a target fewer": ({"target_modules": ["q_proj"]}, 1, [("KEY502/adapter-stray", "24 factors are of modules"), ADAPTER]),
    "a part of a name": ({"target_modules": ["q_proj", "proj"]}, 1, [("KEY502/adapter-stray", "v_proj"), ("KEY506/adapter-unused", "proj first"), ADAPTER]),
    "a target more": ({"target_modules": ["q_proj", "v_proj", "fc1", "lm_head"]}, 0, [("KEY506/adapter-unused", "has 2 names for which there are no factors, fc1"), ADAPTER]),
    "paths": ({"target_modules": [f"self_attn.{name}" for name in ("q_proj", "v_proj")]}, 0, [ADAPTER]),
    "a pattern": ({"target_modules": ".*(fc1|fc2)"}, 0, [ADAPTER]),
    "another kind": ({"peft_type": "VERA", "r": "x"}, 0, [ADAPTER]),
    "another model": ({"base_model_name_or_path": "facebook/opt-350m"}, 1, [("KEY503/adapter-shape", "model.decoder.layers.{0-11}.self_attn"),
                                                                            ]),
}
UNREAD = {
    "a model that is not known": ({"base_model_name_or_path": "./mine"}, "KEY512/adapter-base", "an adapter of ./mine"),
    "no model": ({"base_model_name_or_path": None}, "KEY512/adapter-config", "no base_model_name_or_path"),
    "a number for a model": ({"base_model_name_or_path": 3}, "KEY512/adapter-config", "no base_model_name_or_path"),
    "a text for a rank": ({"r": "8"}, "KEY512/adapter-config", "r, the rank"),
    "a fraction": ({"r": 8.5}, "KEY512/adapter-config", "r, the rank"),
    "no rank": ({"r": None}, "KEY512/adapter-config", "r, the rank"),
    "a rank below 1": ({"r": -8}, "KEY512/adapter-config", "r, the rank"),
    "numbers for names": ({"target_modules": ["q_proj", 3]}, "KEY512/adapter-config", "target_modules must be"),
}
BENT = {"cut": b'{"r": 8', "a list": b"[]", "spaces": b"  ", "deep": b"[" * 100000, "deep in a field": b'{"target_modules": ' + b"[" * 90000,
        "no text": bytes(range(256)), "a key twice": b'{"r": 8, "r": 9}'}


def of_config(folder, text):
    rows = [(f"base_model.model.model.decoder.layers.{i}.self_attn.{name}.lora_{half}.weight", "float32", (8, 768) if half == "A" else (768, 8))
            for i in range(12) for name in ("q_proj", "v_proj") for half in "AB"]
    write_safetensors(os.path.join(folder, "adapter_model.safetensors"), rows)
    with open(os.path.join(folder, "adapter_config.json"), "wb") as f:
        f.write(text)
    return ckptlint("check", "--depth", "quick", folder)


def judge_configs(tally, folder):
    for name, (change, exit_code, wanted) in CONFIGS.items():
        code, report = of_config(folder, json.dumps({**RIGHT, **change}).encode())
        found = said(report)
        missing = [what for what, text in wanted if not any(line.startswith(what) and text in line for line in found)]
        known = tuple(what for what, _ in wanted)
        others = [line for line in found if not line.startswith(known)]
        tally.check("config: " + name, None if code == exit_code and not missing and not others else f"exit {code}: {found}")
    for name, (change, reason, text) in UNREAD.items():
        code, report = of_config(folder, json.dumps({**RIGHT, **change}).encode())
        right = code == 2 and any(line.startswith(reason) and text in line for line in said(report))
        tally.check("config: " + name, None if right else f"exit {code}: {said(report)}")
    names = {"target_modules": ["q_proj", "v_proj"] + [f"n{i}" for i in range(100000)] + ["." * 60000]}
    code, report = of_config(folder, json.dumps({**RIGHT, **names}).encode())
    tally.check("config: many names", None if code == 0 and "100001 names" in str(said(report)) else f"exit {code}: {said(report)}")
    for name, text in BENT.items():
        code, report = of_config(folder, text)
        tally.check("config: " + name, None if code == 2 and any(rule in str(said(report)) for rule in ("KEY512/config-file", "LIM806/json")) else f"exit {code}: {said(report)}")


def main():
    tally = Tally()
    with tempfile.TemporaryDirectory() as folder:
        judge_quantized(tally, folder)
        judge_adapters(tally, folder)
    with tempfile.TemporaryDirectory() as folder:
        judge_configs(tally, folder)
    return tally.end()


if __name__ == "__main__":
    sys.exit(main())
