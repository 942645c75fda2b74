"""Families of rules/models that compute nothing here, beside a second account of their models: for every class and every field of the
config that changes a state dict, the keys in torch's order, shapes, kinds, ties and the number of parameters. The accounts are in
architectures_text.py and architectures_other.py. Old files that transformers takes with other keys than today's must be clean."""
import json
import os
import sys
import tempfile

import architectures_other
import architectures_text
from family_cases import FAMILIES, SMALL, Case, expected, said, write_json
from found import Tally

ACCOUNTS = {**architectures_text.ACCOUNTS, **architectures_other.ACCOUNTS}


def parameters_of(entries, ties):
    total = 0
    for what, key, _, sizes in entries:
        n = 1
        for size in sizes:
            n *= size
        total += n if what == "parameter" and key not in ties else 0
    return total


def told(family, root, config):
    """Entries and ties of the model, with the fields that the config does not give."""
    account = ACCOUNTS[family]
    full = {**account["config"], **config}
    for name, compute in account["computed"].items():
        if full.get(name) is None:
            full[name] = compute(full)
    return account["roots"][root](type("Config", (), full))


def wrong_list(family, root, config, path):
    """None, or the first thing in which the family's file and the account differ."""
    want, ties = told(family, root, config)
    write_json(path, config)
    found, found_ties, total = expected(os.path.join(FAMILIES, family + ".json"), "-", root, path)
    if found is None:
        return found_ties
    for a, b in zip(found, want):
        if (a[:2], a[3]) != (b[:2], b[3]) or a[2] not in (b[2], "any"):
            return f"{a}, transformers has {b}"
    if len(found) != len(want):
        return f"{len(found)} keys, transformers has {len(want)}"
    keys = {key for _, key, _, _ in want}
    bound = {alias: target for alias, target in found_ties.items() if alias in keys}
    if bound != ties:
        return f"tied {bound}, in transformers {ties}"
    return None if total == parameters_of(want, ties) else f"{total} parameters, transformers has {parameters_of(want, ties)}"


def judge_lists(tally, folder):
    for family, account in ACCOUNTS.items():
        with open(os.path.join(FAMILIES, family + ".json")) as f:
            roots = set(json.load(f)["roots"])
        lacking = set(account["roots"]) ^ roots
        tally.check(family + ": classes", f"only one of the two has {sorted(lacking)}" if lacking else None)
        for root in sorted(set(account["roots"]) & roots):
            for change in ({}, *account["changes"]):
                config = {**(account["small"] if change else {}), **change}
                wrong = wrong_list(family, root, config, os.path.join(folder, "config.json"))
                tally.check(f"{family}: {root} {change}", wrong)


TABLE = ("float32", (1003, 32))
MASK = ("uint8", (1, 1, 40, 40))
# Files that transformers loads with nothing missing and nothing that it calls unexpected: family, class, config, ends of keys that the file
# lacks, the same to be renamed, and keys that it has besides. In the source: _keys_to_ignore_on_load_unexpected and _missing, _tied_weights_keys, buffers that
# are persistent no more, and torch's own names for weight_norm.
NORMED = {"conv.weight_g": "conv.parametrizations.weight.original0", "conv.weight_v": "conv.parametrizations.weight.original1"}
TAKEN = [
    ("electra", "ElectraForMaskedLM", {}, (), {}, [("electra.embeddings.position_ids", "int64", (1, 40))]),
    ("electra", "ElectraForCausalLM", {}, ("generator_lm_head.weight",), {}, []),
    ("albert", "AlbertForMaskedLM", {}, (), {}, [("albert.embeddings.position_ids", "int64", (1, 40)), ("albert.pooler.weight", "float32", (32, 32)),
                                                  ("albert.pooler.bias", "float32", (32,))]),
    ("albert", "AlbertForQuestionAnswering", {}, (), {}, [("albert.pooler.weight", "float32", (32, 32)), ("albert.pooler.bias", "float32", (32,))]),
    ("deberta_v2", "DebertaV2ForMaskedLM", {"position_biased_input": False}, (), {}, [
        ("deberta.embeddings.position_ids", "int64", (1, 40)), ("deberta.embeddings.position_embeddings.weight", "float32", (40, 32)),
        ("mask_predictions.dense.weight", "float32", (32, 32))]),
    ("deberta_v2", "DebertaV2ForQuestionAnswering", {}, (), {}, [("pooler.dense.weight", "float32", (32, 32)), ("pooler.dense.bias", "float32", (32,))]),
    ("bart", "BartModel", {}, ("embed_tokens.weight",), {}, []),
    ("bart", "BartModel", {}, (), {}, [("encoder.version", "float32", (1,)), ("decoder.version", "float32", (1,))]),
    ("bart", "BartForConditionalGeneration", {}, (), {}, [("model.encoder.embed_tokens.weight", *TABLE), ("model.decoder.embed_tokens.weight", *TABLE),
                                                         ("lm_head.weight", *TABLE), ("model.encoder.version", "float32", (1,)),
                                                         ("final_logits_bias", "float32", (1, 1003))]),
    ("bart", "BartForCausalLM", {}, ("lm_head.weight",), {}, []),
    ("mbart", "MBartModel", {}, ("embed_tokens.weight",), {}, []),
    ("mbart", "MBartForCausalLM", {}, ("lm_head.weight",), {}, []),
    ("beit", "BeitForImageClassification", {}, (), {}, [
        (f"beit.encoder.layer.{i}.attention.attention.relative_position_bias.relative_position_index", "int64", (17, 17)) for i in range(3)]),
    ("swin_hf", "SwinModel", {}, ("relative_position_index",), {}, []),
    ("wav2vec2", "Wav2Vec2ForCTC", {}, (), NORMED, []),
    ("hubert", "HubertForCTC", {}, (), NORMED, []),
    ("gptj", "GPTJForCausalLM", {}, (), {}, [(f"transformer.h.{i}.attn.{name}", *kind) for i in range(3) for name, *kind in (("bias", *MASK), ("masked_bias", "float32", ()))]),
    ("gpt_bigcode", "GPTBigCodeForCausalLM", {}, ("lm_head.weight",), {}, [(f"transformer.h.{i}.attn.masked_bias", "float32", ()) for i in range(3)]),
    ("bloom", "BloomForCausalLM", {}, ("lm_head.weight",), {}, [(f"transformer.h.{i}.self_attention.scale_mask_softmax.causal_mask", *MASK) for i in range(3)]),
    ("gemma3_text", "Gemma3ForCausalLM", {}, ("lm_head.weight",), {}, [("model.rotary_emb_local.inv_freq", "float32", (4,)), ("model.rotary_emb.inv_freq", "float32", (4,))]),
]


def wrong_taken(family, root, config, lacking, renamed, more, folder):
    small = {"root": root, "config": {**SMALL[family]["config"], **config}}
    with tempfile.TemporaryDirectory(dir=folder) as place:
        case = Case(family, place, **small)
        case.tensors = [t for t in case.tensors if not t[0].endswith(lacking or (".",))]
        for old, new in renamed.items():
            case.tensors = [(key.replace(old, new), *rest) for key, *rest in case.tensors]
            case.values = {key.replace(old, new): data for key, data in case.values.items()}
        table = next((data for key, data in case.values.items() if len(data) == 1003 * 32 * 4), b"")
        for key, dtype, sizes in more:
            case.tensors.append((key, dtype, sizes))
            if dtype == "float32":
                case.values[key] = table if sizes == (1003, 32) else case.numbers(key, sizes)
            elif key.endswith("position_ids"):
                case.values[key] = b"".join(n.to_bytes(8, "little") for n in range(sizes[-1]))
        code, report = case.check()
        missing = report.get("check", {}).get("params_missing")
        wrong = code != 0 or report["verdict"] != "clean" or missing != 0 or report["check"]["arch"] != root
        return f"exit {code}, {missing} parameters are missing: {said(report)}" if wrong else None


def wrong_strictness(family, root, folder):
    """load_state_dict(strict=True) wants every alias of a tied tensor too, of this class and of no other."""
    with tempfile.TemporaryDirectory(dir=folder) as place:
        case = Case(family, place, root=root)
        keys, ties = told(family, root, SMALL[family]["config"])
        keys = [key for key in keys if not key[1].endswith("position_ids")]
        case.tensors = [key[1:] for key in keys]
        case.values.update({key: case.values[ties[key]] if key in ties else case.numbers(key, sizes) for _, key, _, sizes in keys})
        for lacking in (None, *ties):
            case.tensors = [key[1:] for key in keys if key[1] != lacking]
            code, report = case.check()
            if code != 0 or report["check"]["loads_strict"] != (lacking is None):
                return f"without {lacking}: exit {code}, loads_strict {report['check']['loads_strict']}: {said(report)}"
    return None


def main():
    tally = Tally()
    with tempfile.TemporaryDirectory() as folder:
        judge_lists(tally, folder)
        for at, row in enumerate(TAKEN):
            tally.check(f"{row[0]}: {row[1]} as older files have it, {at}", wrong_taken(*row, folder))
        for family, root in (("bart", "BartModel"), ("bart", "BartForConditionalGeneration"), ("bart", "BartForCausalLM"),
                             ("bloom", "BloomForCausalLM"), ("albert", "AlbertForPreTraining")):
            tally.check(f"{family}: {root} loaded strictly", wrong_strictness(family, root, folder))
    return tally.end()


if __name__ == "__main__":
    sys.exit(main())
