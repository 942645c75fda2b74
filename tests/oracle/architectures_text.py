"""Accounts of models of text, from transformers' own source: src/transformers/models/X/modeling_X.py and configuration_X.py, read at
these commits of huggingface/transformers (modeling, configuration). Facts alone are taken over, names and sizes; nothing is imported.

    electra      014873b4dfa2482fa4f8e79e6e4fb955461f4373  097e8b7969888d54d96922966c990aaea793e015
    deberta_v2   0038a3caa5c7d0c5014704005dd67ab347451ddc  029c0bb0fb5f9c177fdee4b82bb94abde8e1dfcf, and legacy=True of 4.46
    albert       00661e38a9e1393472adae9ac71f777b74ccdcde  008f5c8c29be84d4721dc6d1e0fcd72300580be4
    bart         57228229d2ee2729f6ee597b4973aefdb39c2b37  0171fcd70ffe4a319472ce6bf22285faee3ae747
    mbart        00b676f8f0489b88652a31d70751cc540dd06305  008f5c8c29be84d4721dc6d1e0fcd72300580be4
    gptj         00b676f8f0489b88652a31d70751cc540dd06305  0bedd3309fc97281835ab2f1a8e967a9d1a27c9e
    gpt_bigcode  00574544580e648fa0c9aa9934640b2902959078  05ff2e98e4461ece6e706435e2a57834bb4f985f
    bloom        0078a6cd96d5ab7c3c429b9fdc3fbc703d894dcc  04efa883e0ad40da203df78a0eee902b460ee3cd
    gemma3_text  0018aa647bb13801f061e2d1027c326f531b59fb  008f5c8c29be84d4721dc6d1e0fcd72300580be4

An account is: the config's defaults, fields that are computed where they are not given, a small config, changes of it to be tried, and for
each class a function from the config to its entries and ties."""
from architectures_parts import below, each, labels, linear, norm, parameter, position_ids, table, tied

ENCODER = {"vocab_size": 103, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 48, "max_position_embeddings": 40}
RELATIVE = [{"position_embedding_type": "relative_key"}, {"position_embedding_type": "relative_key_query"}]


def relative(c):
    return c.position_embedding_type in ("relative_key", "relative_key_query")


def distances(name, c):
    return table(name, 2 * c.max_position_embeddings - 1, c.hidden_size // c.num_attention_heads)


# ---- electra ----

def electra_attention(name, c, with_distances):
    h = c.hidden_size
    return below(name, linear("self.query", h, h), linear("self.key", h, h), linear("self.value", h, h),
                 distances("self.distance_embedding", c) if with_distances else [], linear("output.dense", h, h), norm("output.LayerNorm", h))


def electra_layer(c):
    h = c.hidden_size
    return (electra_attention("attention", c, relative(c)) + (electra_attention("crossattention", c, False) if c.add_cross_attention else [])
            + linear("intermediate.dense", h, c.intermediate_size) + linear("output.dense", c.intermediate_size, h) + norm("output.LayerNorm", h))


def electra(c):
    e = c.embedding_size
    return (position_ids("embeddings.position_ids", c.max_position_embeddings) + table("embeddings.word_embeddings", c.vocab_size, e)
            + table("embeddings.position_embeddings", c.max_position_embeddings, e) + table("embeddings.token_type_embeddings", c.type_vocab_size, e)
            + norm("embeddings.LayerNorm", e) + (linear("embeddings_project", e, c.hidden_size) if e != c.hidden_size else [])
            + each("encoder.layer", c.num_hidden_layers, lambda i: electra_layer(c)))


def electra_with(*head):
    return lambda c: (below("electra", electra(c)) + [entry for part in head for entry in part(c)], {})


def electra_generator(c):
    keys, _ = electra_with(lambda c: norm("generator_predictions.LayerNorm", c.embedding_size),
                           lambda c: linear("generator_predictions.dense", c.hidden_size, c.embedding_size),
                           lambda c: linear("generator_lm_head", c.embedding_size, c.vocab_size))(c)
    return keys, tied("generator_lm_head.weight", "electra.embeddings.word_embeddings.weight", c)


def summary(c):
    outputs = c.num_labels if c.summary_proj_to_labels and c.num_labels > 0 else c.hidden_size
    return linear("sequence_summary.summary", c.hidden_size, outputs) if c.summary_use_proj else []


# ---- deberta-v2 ----

def deberta_layer(c):
    h, heads = c.hidden_size, c.num_attention_heads * c.attention_head_size
    kinds = c.pos_att_type.split("|") if isinstance(c.pos_att_type, str) else c.pos_att_type or []
    apart = c.relative_attention and not c.share_att_key
    return (linear("attention.self.query_proj", h, heads) + linear("attention.self.key_proj", h, heads) + linear("attention.self.value_proj", h, heads)
            + (linear("attention.self.pos_key_proj", h, heads) if apart and "c2p" in kinds else [])
            + (linear("attention.self.pos_query_proj", h, heads) if apart and "p2c" in kinds else [])
            + linear("attention.output.dense", h, h) + norm("attention.output.LayerNorm", h) + linear("intermediate.dense", h, c.intermediate_size)
            + linear("output.dense", c.intermediate_size, h) + norm("output.LayerNorm", h))


def deberta(c):
    h, e = c.hidden_size, c.embedding_size
    reach = c.max_relative_positions if c.max_relative_positions >= 1 else c.max_position_embeddings
    if c.position_buckets > 0:
        reach = c.position_buckets
    return (position_ids("embeddings.position_ids", c.max_position_embeddings) + table("embeddings.word_embeddings", c.vocab_size, e)
            + (table("embeddings.position_embeddings", c.max_position_embeddings, e) if c.position_biased_input else [])
            + (table("embeddings.token_type_embeddings", c.type_vocab_size, e) if c.type_vocab_size > 0 else [])
            + (linear("embeddings.embed_proj", e, h, False) if e != h else []) + norm("embeddings.LayerNorm", h)
            + each("encoder.layer", c.num_hidden_layers, lambda i: deberta_layer(c))
            + (table("encoder.rel_embeddings", 2 * reach, h) if c.relative_attention else [])
            + (norm("encoder.LayerNorm", h) if "layer_norm" in [kind.strip() for kind in c.norm_rel_ebd.lower().split("|")] else [])
            + (parameter("encoder.conv.conv.weight", h, h // c.conv_groups, c.conv_kernel_size) + parameter("encoder.conv.conv.bias", h)
               + norm("encoder.conv.LayerNorm", h) if c.conv_kernel_size > 0 else []))


def deberta_with(*head):
    return lambda c: (below("deberta", deberta(c)) + [entry for part in head for entry in part(c)], {})


def deberta_mlm(c):
    keys, h, e = below("deberta", deberta(c)), c.hidden_size, c.embedding_size
    if not c.legacy:
        return keys + below("lm_predictions.lm_head", parameter("bias", c.vocab_size), linear("dense", h, h), norm("LayerNorm", h)), {}
    keys += below("cls.predictions", parameter("bias", c.vocab_size), linear("transform.dense", h, e), norm("transform.LayerNorm", e),
                  linear("decoder", e, c.vocab_size))
    return keys, {**tied("cls.predictions.decoder.weight", "deberta.embeddings.word_embeddings.weight", c),
                  "cls.predictions.decoder.bias": "cls.predictions.bias"}


def context_pooler(c):
    return linear("pooler.dense", c.pooler_hidden_size, c.pooler_hidden_size)


# ---- albert ----

def albert_layer(c):
    h = c.hidden_size
    return (norm("full_layer_layer_norm", h) + linear("attention.query", h, h) + linear("attention.key", h, h) + linear("attention.value", h, h)
            + linear("attention.dense", h, h) + norm("attention.LayerNorm", h) + (distances("attention.distance_embedding", c) if relative(c) else [])
            + linear("ffn", h, c.intermediate_size) + linear("ffn_output", c.intermediate_size, h))


def albert(c, pooled):
    e = c.embedding_size
    return (position_ids("embeddings.position_ids", c.max_position_embeddings) + table("embeddings.word_embeddings", c.vocab_size, e)
            + table("embeddings.position_embeddings", c.max_position_embeddings, e) + table("embeddings.token_type_embeddings", c.type_vocab_size, e)
            + norm("embeddings.LayerNorm", e) + linear("encoder.embedding_hidden_mapping_in", e, c.hidden_size)
            + each("encoder.albert_layer_groups", c.num_hidden_groups, lambda g: each("albert_layers", c.inner_group_num, lambda i: albert_layer(c)))
            + (linear("pooler", c.hidden_size, c.hidden_size) if pooled else []))


def albert_with(pooled, *head):
    return lambda c: (below("albert", albert(c, pooled)) + [entry for part in head for entry in part(c)], {})


def albert_predictions(c):
    e = c.embedding_size
    return below("predictions", parameter("bias", c.vocab_size), norm("LayerNorm", e), linear("dense", c.hidden_size, e), linear("decoder", e, c.vocab_size))


def albert_mlm(pooled, *more):
    return lambda c: (albert_with(pooled, albert_predictions, *more)(c)[0], {
        **tied("predictions.decoder.weight", "albert.embeddings.word_embeddings.weight", c), "predictions.decoder.bias": "predictions.bias"})


# ---- bart, mbart ----

def bart_attention(name, d):
    return below(name, linear("k_proj", d, d), linear("v_proj", d, d), linear("q_proj", d, d), linear("out_proj", d, d)) + norm(name + "_layer_norm", d)


def bart_layer(c, crossed, inner):
    d = c.d_model
    return (bart_attention("self_attn", d) + (bart_attention("encoder_attn", d) if crossed else []) + linear("fc1", d, inner) + linear("fc2", inner, d)
            + norm("final_layer_norm", d))


def bart_half(c, crossed, last):
    n, inner = (c.decoder_layers, c.decoder_ffn_dim) if crossed else (c.encoder_layers, c.encoder_ffn_dim)
    return (table("embed_tokens", c.vocab_size, c.d_model) + table("embed_positions", c.max_position_embeddings + 2, c.d_model)
            + each("layers", n, lambda i: bart_layer(c, crossed, inner)) + norm("layernorm_embedding", c.d_model) + (norm("layer_norm", c.d_model) if last else []))


def bart(c, last):
    return table("shared", c.vocab_size, c.d_model) + below("encoder", bart_half(c, False, last)) + below("decoder", bart_half(c, True, last))


def bart_ties(prefix=""):
    return {prefix + half + ".embed_tokens.weight": prefix + "shared.weight" for half in ("encoder", "decoder")}


def bart_roots(name, last):
    d_linear = lambda key, outputs: lambda c: linear(key, c.d_model, outputs(c))
    with_head = lambda *head: lambda c: (below("model", bart(c, last)) + [entry for part in head for entry in part(c)], bart_ties("model."))
    return {
        name + "Model": lambda c: (bart(c, last), bart_ties()),
        name + "ForConditionalGeneration": lambda c: (
            [("optional", "final_logits_bias", "float", (1, c.vocab_size))] + below("model", bart(c, last)) + linear("lm_head", c.d_model, c.vocab_size, False),
            {**bart_ties("model."), **tied("lm_head.weight", "model.shared.weight", c)}),
        name + "ForSequenceClassification": with_head(d_linear("classification_head.dense", lambda c: c.d_model),
                                                      d_linear("classification_head.out_proj", lambda c: c.num_labels)),
        name + "ForQuestionAnswering": with_head(d_linear("qa_outputs", lambda c: 2)),  # the class sets num_labels itself
        name + "ForCausalLM": lambda c: (below("model.decoder", bart_half(c, True, last)) + linear("lm_head", c.d_model, c.vocab_size, False),
                                         tied("lm_head.weight", "model.decoder.embed_tokens.weight", c)),
    }


BART = {"vocab_size": 50265, "max_position_embeddings": 1024, "d_model": 1024, "encoder_layers": 12, "encoder_ffn_dim": 4096, "decoder_layers": 12,
        "decoder_ffn_dim": 4096, "tie_word_embeddings": True}
BART_SMALL = {"vocab_size": 103, "d_model": 32, "encoder_layers": 2, "encoder_ffn_dim": 48, "decoder_layers": 1, "decoder_ffn_dim": 40, "max_position_embeddings": 40,
              "encoder_attention_heads": 4, "decoder_attention_heads": 4}
BART_CHANGES = [{"tie_word_embeddings": False}, {"num_labels": 5}, {"id2label": {"0": "a", "1": "b", "2": "c", "3": "d"}}, {"encoder_layers": 1, "decoder_layers": 3}]


# ---- decoders ----

def gptj(c):
    d = c.n_embd
    layer = lambda i: (norm("ln_1", d) + [entry for name in ("k_proj", "v_proj", "q_proj", "out_proj") for entry in linear("attn." + name, d, d, False)]
                       + linear("mlp.fc_in", d, c.n_inner) + linear("mlp.fc_out", c.n_inner, d))
    return table("wte", c.vocab_size, d) + each("h", c.n_layer, layer) + norm("ln_f", d)


def bigcode(c):
    d = c.n_embd
    keys = d // c.n_head if c.multi_query else d
    crossed = lambda: below("crossattention", linear("c_attn", d, 2 * d), linear("q_attn", d, d), linear("c_proj", d, d)) + norm("ln_cross_attn", d)
    layer = lambda i: (norm("ln_1", d) + linear("attn.c_attn", d, d + 2 * keys) + linear("attn.c_proj", d, d) + norm("ln_2", d)
                       + (crossed() if c.add_cross_attention else []) + linear("mlp.c_fc", d, c.n_inner) + linear("mlp.c_proj", c.n_inner, d))
    return table("wte", c.vocab_size, d) + table("wpe", c.n_positions, d) + each("h", c.n_layer, layer) + norm("ln_f", d)


def bloom(c):
    d = c.n_embed
    layer = lambda i: (norm("input_layernorm", d) + linear("self_attention.query_key_value", d, 3 * d) + linear("self_attention.dense", d, d)
                       + norm("post_attention_layernorm", d) + linear("mlp.dense_h_to_4h", d, 4 * d) + linear("mlp.dense_4h_to_h", 4 * d, d))
    return (table("word_embeddings", c.vocab_size, d) + norm("word_embeddings_layernorm", d) + each("h", c.num_hidden_layers, layer) + norm("ln_f", d))


def gemma3(c):
    d, q, kv, bias = c.hidden_size, c.num_attention_heads * c.head_dim, c.num_key_value_heads * c.head_dim, c.attention_bias
    names = ("input_layernorm", "post_attention_layernorm", "pre_feedforward_layernorm", "post_feedforward_layernorm")
    layer = lambda i: (linear("self_attn.q_proj", d, q, bias) + linear("self_attn.k_proj", d, kv, bias) + linear("self_attn.v_proj", d, kv, bias)
                       + linear("self_attn.o_proj", q, d, bias) + norm("self_attn.q_norm", c.head_dim, False) + norm("self_attn.k_norm", c.head_dim, False)
                       + linear("mlp.gate_proj", d, c.intermediate_size, False) + linear("mlp.up_proj", d, c.intermediate_size, False)
                       + linear("mlp.down_proj", c.intermediate_size, d, False) + [entry for name in names for entry in norm(name, d, False)])
    return table("embed_tokens", c.vocab_size, d) + each("layers", c.num_hidden_layers, layer) + norm("norm", d, False)


def decoder_roots(prefix, body, width, embed, heads):
    """The body by itself, and below the prefix with each of the heads: class to (key, outputs, bias)."""
    def with_head(name, outputs, bias):
        def account(c):
            ties = tied("lm_head.weight", prefix + "." + embed + ".weight", c) if name == "lm_head" else {}
            return below(prefix, body(c)) + linear(name, width(c), outputs(c), bias), ties
        return account
    return {root: with_head(*head) if head else lambda c: (body(c), {}) for root, head in heads.items()}


WORDS, LABELS, TWO = lambda c: c.vocab_size, lambda c: c.num_labels, lambda c: 2
GPT_SMALL = {"vocab_size": 103, "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 40}

ACCOUNTS = {
    "electra": {
        "config": {"vocab_size": 30522, "embedding_size": 128, "hidden_size": 256, "num_hidden_layers": 12, "num_attention_heads": 4, "intermediate_size": 1024,
                   "max_position_embeddings": 512, "type_vocab_size": 2, "position_embedding_type": "absolute", "add_cross_attention": False,
                   "summary_use_proj": True, "summary_proj_to_labels": False, "tie_word_embeddings": True},
        "computed": {"num_labels": labels()}, "small": {**ENCODER, "embedding_size": 16},
        "changes": [{"embedding_size": 32}, {"num_labels": 5}, {"summary_use_proj": False}, {"summary_proj_to_labels": True, "num_labels": 3},
                    {"is_decoder": True, "add_cross_attention": True}, {"is_decoder": True, "add_cross_attention": True, **RELATIVE[0]},
                    {"tie_word_embeddings": False}, *RELATIVE],
        "roots": {
            "ElectraModel": lambda c: (electra(c), {}), "ElectraForMaskedLM": electra_generator, "ElectraForCausalLM": electra_generator,
            "ElectraForSequenceClassification": electra_with(lambda c: linear("classifier.dense", c.hidden_size, c.hidden_size),
                                                             lambda c: linear("classifier.out_proj", c.hidden_size, c.num_labels)),
            "ElectraForTokenClassification": electra_with(lambda c: linear("classifier", c.hidden_size, c.num_labels)),
            "ElectraForQuestionAnswering": electra_with(lambda c: linear("qa_outputs", c.hidden_size, c.num_labels)),
            "ElectraForMultipleChoice": electra_with(summary, lambda c: linear("classifier", c.hidden_size, 1)),
            "ElectraForPreTraining": electra_with(lambda c: linear("discriminator_predictions.dense", c.hidden_size, c.hidden_size),
                                                  lambda c: linear("discriminator_predictions.dense_prediction", c.hidden_size, 1))}},
    "deberta_v2": {
        "config": {"vocab_size": 128100, "hidden_size": 1536, "num_hidden_layers": 24, "num_attention_heads": 24, "intermediate_size": 6144,
                   "max_position_embeddings": 512, "type_vocab_size": 0, "relative_attention": False, "max_relative_positions": -1, "position_buckets": -1,
                   "position_biased_input": True, "pos_att_type": None, "share_att_key": False, "norm_rel_ebd": "none", "conv_kernel_size": 0, "conv_groups": 1,
                   "legacy": True, "tie_word_embeddings": True},
        "computed": {"num_labels": labels(), "embedding_size": lambda f: f["hidden_size"], "pooler_hidden_size": lambda f: f["hidden_size"],
                     "attention_head_size": lambda f: f["hidden_size"] // f["num_attention_heads"]},
        "small": ENCODER,
        "changes": [{"relative_attention": True}, {"relative_attention": True, "pos_att_type": "p2c|c2p"}, {"relative_attention": True, "pos_att_type": ["c2p"]},
                    {"relative_attention": True, "pos_att_type": ["p2c"], "max_relative_positions": 9}, {"pos_att_type": "p2c|c2p"},
                    {"relative_attention": True, "pos_att_type": "p2c|c2p", "share_att_key": True, "position_buckets": 7, "max_relative_positions": 9},
                    {"norm_rel_ebd": "layer_norm"}, {"norm_rel_ebd": "layer_norm|other", "relative_attention": True}, {"conv_kernel_size": 3},
                    {"conv_kernel_size": 5, "conv_groups": 4}, {"position_biased_input": False}, {"type_vocab_size": 2}, {"embedding_size": 16},
                    {"attention_head_size": 6}, {"num_labels": 3}, {"legacy": False}, {"legacy": False, "embedding_size": 16}, {"tie_word_embeddings": False}],
        "roots": {
            "DebertaV2Model": lambda c: (deberta(c), {}), "DebertaV2ForMaskedLM": deberta_mlm,
            "DebertaV2ForSequenceClassification": deberta_with(context_pooler, lambda c: linear("classifier", c.hidden_size, c.num_labels)),
            "DebertaV2ForTokenClassification": deberta_with(lambda c: linear("classifier", c.hidden_size, c.num_labels)),
            "DebertaV2ForQuestionAnswering": deberta_with(lambda c: linear("qa_outputs", c.hidden_size, c.num_labels)),
            "DebertaV2ForMultipleChoice": deberta_with(context_pooler, lambda c: linear("classifier", c.hidden_size, 1))}},
    "albert": {
        "config": {"vocab_size": 30000, "embedding_size": 128, "hidden_size": 4096, "num_hidden_layers": 12, "num_hidden_groups": 1, "num_attention_heads": 64,
                   "intermediate_size": 16384, "inner_group_num": 1, "max_position_embeddings": 512, "type_vocab_size": 2,
                   "position_embedding_type": "absolute", "tie_word_embeddings": True},
        "computed": {"num_labels": labels()}, "small": {**ENCODER, "embedding_size": 16},
        "changes": [{"num_hidden_groups": 2}, {"inner_group_num": 3}, {"embedding_size": 32}, {"num_labels": 4}, {"tie_word_embeddings": False}, *RELATIVE],
        "roots": {
            "AlbertModel": lambda c: (albert(c, True), {}), "AlbertForMaskedLM": albert_mlm(False),
            "AlbertForPreTraining": albert_mlm(True, lambda c: linear("sop_classifier.classifier", c.hidden_size, c.num_labels)),
            "AlbertForSequenceClassification": albert_with(True, lambda c: linear("classifier", c.hidden_size, c.num_labels)),
            "AlbertForTokenClassification": albert_with(False, lambda c: linear("classifier", c.hidden_size, c.num_labels)),
            "AlbertForQuestionAnswering": albert_with(False, lambda c: linear("qa_outputs", c.hidden_size, c.num_labels)),
            "AlbertForMultipleChoice": albert_with(True, lambda c: linear("classifier", c.hidden_size, 1))}},
    "bart": {"config": BART, "computed": {"num_labels": labels(3)}, "small": BART_SMALL, "changes": BART_CHANGES, "roots": bart_roots("Bart", False)},
    "mbart": {"config": BART, "computed": {"num_labels": labels()}, "small": BART_SMALL, "changes": BART_CHANGES, "roots": bart_roots("MBart", True)},
    "gptj": {
        "config": {"vocab_size": 50400, "n_embd": 4096, "n_layer": 28, "n_head": 16, "tie_word_embeddings": False},
        "computed": {"n_inner": lambda f: 4 * f["n_embd"], "num_labels": labels()}, "small": GPT_SMALL,
        "changes": [{"n_inner": 48}, {"n_inner": None}, {"num_labels": 5}, {"tie_word_embeddings": True}],
        "roots": decoder_roots("transformer", gptj, lambda c: c.n_embd, "wte", {
            "GPTJModel": None, "GPTJForCausalLM": ("lm_head", WORDS, True), "GPTJForSequenceClassification": ("score", LABELS, False),
            "GPTJForQuestionAnswering": ("qa_outputs", LABELS, True)})},
    "gpt_bigcode": {
        "config": {"vocab_size": 50257, "n_positions": 1024, "n_embd": 768, "n_layer": 12, "n_head": 12, "multi_query": True, "add_cross_attention": False,
                   "tie_word_embeddings": True},
        "computed": {"n_inner": lambda f: 4 * f["n_embd"], "num_labels": labels()}, "small": GPT_SMALL,
        "changes": [{"n_inner": 48}, {"multi_query": False}, {"multi_query": False, "add_cross_attention": True}, {"num_labels": 5}, {"tie_word_embeddings": False}],
        "roots": decoder_roots("transformer", bigcode, lambda c: c.n_embd, "wte", {
            "GPTBigCodeModel": None, "GPTBigCodeForCausalLM": ("lm_head", WORDS, False), "GPTBigCodeForSequenceClassification": ("score", LABELS, False),
            "GPTBigCodeForTokenClassification": ("classifier", LABELS, True)})},
    "bloom": {
        "config": {"vocab_size": 250880, "hidden_size": 64, "n_layer": 2, "tie_word_embeddings": True},
        "computed": {"n_embed": lambda f: f["hidden_size"], "num_hidden_layers": lambda f: f["n_layer"], "num_labels": labels()},
        "small": {"vocab_size": 103, "hidden_size": 32, "n_layer": 3, "n_head": 4},
        "changes": [{"n_embed": 48}, {"num_hidden_layers": 1}, {"num_labels": 5}, {"n_inner": 40}, {"tie_word_embeddings": False}],
        "roots": decoder_roots("transformer", bloom, lambda c: c.n_embed, "word_embeddings", {
            "BloomModel": None, "BloomForCausalLM": ("lm_head", WORDS, False), "BloomForSequenceClassification": ("score", LABELS, False),
            "BloomForTokenClassification": ("classifier", LABELS, True), "BloomForQuestionAnswering": ("qa_outputs", TWO, True)})},
    "gemma3_text": {
        "config": {"vocab_size": 262208, "hidden_size": 2304, "intermediate_size": 9216, "num_hidden_layers": 26, "num_attention_heads": 8, "num_key_value_heads": 4,
                   "head_dim": 256, "attention_bias": False, "tie_word_embeddings": True},
        "computed": {"num_labels": labels()},
        "small": {"vocab_size": 103, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "intermediate_size": 48},
        "changes": [{"head_dim": 8}, {"attention_bias": True}, {"num_labels": 5}, {"tie_word_embeddings": False}],
        "roots": decoder_roots("model", gemma3, lambda c: c.hidden_size, "embed_tokens", {
            "Gemma3TextModel": None, "Gemma3ForCausalLM": ("lm_head", WORDS, False), "Gemma3TextForSequenceClassification": ("score", LABELS, False)})},
}
