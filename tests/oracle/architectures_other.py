"""Accounts of models of images and sound, from transformers' own source: src/transformers/models/X/modeling_X.py and
configuration_X.py, read at these commits of huggingface/transformers (modeling, configuration). See architectures_text.py.

    deit             015e68769f9823df27f5f7372dc155277e6ff7e6  06d1ba1a55a12b3fb3ca081bdd4f812fda800c37
    beit             0004a3c206a354820edc45954e80b6657f10a7c7  0082a2974fbc8680283ac1b123739061d177b3dd
    data2vec_vision  its layers are said to be copies of BEiT's  052b1dcdbe751ed16e8da95261021318f170a130
    swin_hf          0004a3c206a354820edc45954e80b6657f10a7c7  01ae98ae2414210efd0d9ac1ffe78ff21588f1f7
    convnext_hf      00fea5de3f39d68bacc08b65261aa60eda7df10d  00e12e7c54598e50e7bef1540db3408f81916de1
    wav2vec2         00363c3693bca9a0c1d9617cb738e4530dd3784e  0148b0a10af72885fcdd9ab92aa1c02c50ffff42
    hubert           00363c3693bca9a0c1d9617cb738e4530dd3784e  01b131213ac887b2a68f2dd5cab5bf62343ce7d3, and conv_pos_batch_norm of 4.48
"""
from architectures_parts import batch_norm, below, conv, each, labels, linear, norm, parameter, transposed_conv

IMAGES = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 48, "image_size": 32, "patch_size": 8}
VIT = {"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 3072, "image_size": 224, "patch_size": 16, "num_channels": 3}


def pair(n):
    return tuple(n) if isinstance(n, list) else (n, n)


def grid(c):
    (height, width), (y, x) = pair(c.image_size), pair(c.patch_size)
    return height // y, width // x


def patches(c):
    rows, columns = grid(c)
    return rows * columns


def projection(name, c, width):
    return conv(name, c.num_channels, width, *pair(c.patch_size))


def classifier(name, width, c):
    return linear(name, width, c.num_labels) if c.num_labels > 0 else []


def upscaled(c, width):
    """A Sequential of a convolution and a PixelShuffle."""
    return conv("decoder.0", width, c.encoder_stride ** 2 * c.num_channels, 1, 1)


# ---- deit ----

def vit_rest(c):
    """What a layer has behind its three projections."""
    h = c.hidden_size
    return (linear("attention.output.dense", h, h) + linear("intermediate.dense", h, c.intermediate_size) + linear("output.dense", c.intermediate_size, h)
            + norm("layernorm_before", h) + norm("layernorm_after", h))


def deit(c, pooled=False, masked=False):
    h = c.hidden_size
    layer = lambda i: [entry for name in ("query", "key", "value") for entry in linear("attention.attention." + name, h, h, c.qkv_bias)] + vit_rest(c)
    return (parameter("embeddings.cls_token", 1, 1, h) + parameter("embeddings.distillation_token", 1, 1, h)
            + (parameter("embeddings.mask_token", 1, 1, h) if masked else []) + parameter("embeddings.position_embeddings", 1, patches(c) + 2, h)
            + projection("embeddings.patch_embeddings.projection", c, h) + each("encoder.layer", c.num_hidden_layers, layer) + norm("layernorm", h)
            + (linear("pooler.dense", h, c.pooler_output_size) if pooled else []))


# ---- beit, data2vec-vision ----

def bias_table(name, c):
    rows, columns = grid(c)
    return parameter(name + ".relative_position_bias_table", (2 * rows - 1) * (2 * columns - 1) + 3, c.num_attention_heads)


def beit_layer(c):
    h = c.hidden_size
    scales = parameter("lambda_1", h) + parameter("lambda_2", h) if c.layer_scale_init_value > 0 else []
    return (scales + linear("attention.attention.query", h, h) + linear("attention.attention.key", h, h, False) + linear("attention.attention.value", h, h)
            + (bias_table("attention.attention.relative_position_bias", c) if c.use_relative_position_bias else []) + vit_rest(c))


def beit(c, pooled):
    h = c.hidden_size
    return (parameter("embeddings.cls_token", 1, 1, h) + (parameter("embeddings.mask_token", 1, 1, h) if c.use_mask_token else [])
            + (parameter("embeddings.position_embeddings", 1, patches(c) + 1, h) if c.use_absolute_position_embeddings else [])
            + projection("embeddings.patch_embeddings.projection", c, h)
            + (bias_table("encoder.relative_position_bias", c) if c.use_shared_relative_position_bias else [])
            + each("encoder.layer", c.num_hidden_layers, lambda i: beit_layer(c)) + ([] if c.use_mean_pooling else norm("layernorm", h))
            + (norm("pooler.layernorm", h) if pooled and c.use_mean_pooling else []))


def conv_module(name, inputs, outputs, kernel):
    return below(name, conv("conv", inputs, outputs, kernel, kernel, bias=False), batch_norm("bn", outputs))


def uper_head(c):
    h, scales = c.hidden_size, len(c.pool_scales)
    return (conv("classifier", h, c.num_labels, 1, 1) + each("psp_modules", scales, lambda i: conv_module("1", h, h, 1))
            + conv_module("bottleneck", h + scales * h, h, 3) + each("lateral_convs", 3, lambda i: conv_module("x", h, h, 1))
            + each("fpn_convs", 3, lambda i: conv_module("x", h, h, 3)) + conv_module("fpn_bottleneck", 4 * h, h, 3))


def fcn_head(c):
    h, a = c.hidden_size, c.auxiliary_channels
    return (each("convs", c.auxiliary_num_convs, lambda i: conv_module("x", a if i else h, a, 3)) + (conv_module("conv_cat", h + a, a, 3) if c.auxiliary_concat_input else [])
            + conv("classifier", a, c.num_labels, 1, 1))


def segmented(c, prefix):
    h = c.hidden_size
    heads = below("decode_head", uper_head(c)) + (below("auxiliary_head", fcn_head(c)) if c.use_auxiliary_head else [])
    heads = [(what, key.replace(".x.", "."), dtype, sizes) for what, key, dtype, sizes in heads]  # the items of these lists are the modules
    return (below(prefix, beit(c, False)) + below("fpn1", transposed_conv("0", h, h, 2, 2), batch_norm("1", h), transposed_conv("3", h, h, 2, 2))
            + transposed_conv("fpn2.0", h, h, 2, 2) + heads, {})


def beit_roots(name, prefix):
    return {name + "Model": lambda c: (beit(c, True), {}), name + "ForSemanticSegmentation": lambda c: segmented(c, prefix),
            name + "ForImageClassification": lambda c: (below(prefix, beit(c, True)) + classifier("classifier", c.hidden_size, c), {})}


BEIT = {**VIT, "use_mask_token": False, "use_absolute_position_embeddings": False, "use_relative_position_bias": False, "use_shared_relative_position_bias": False,
        "layer_scale_init_value": 0.1, "use_mean_pooling": True, "pool_scales": [1, 2, 3, 6], "use_auxiliary_head": True, "auxiliary_channels": 256,
        "auxiliary_num_convs": 1, "auxiliary_concat_input": False}
BEIT_CHANGES = [{"use_mask_token": True}, {"use_absolute_position_embeddings": True}, {"use_relative_position_bias": True}, {"use_shared_relative_position_bias": True},
                {"use_relative_position_bias": True, "image_size": [32, 48], "patch_size": [8, 16]}, {"layer_scale_init_value": 0}, {"use_mean_pooling": False},
                {"use_auxiliary_head": False}, {"auxiliary_num_convs": 3, "auxiliary_concat_input": True, "auxiliary_channels": 20}, {"pool_scales": [1, 2]},
                {"num_labels": 7}]


# ---- swin ----

def swin_block(c, d, heads):
    rows, columns = pair(c.window_size)
    return (norm("layernorm_before", d) + parameter("attention.self.relative_position_bias_table", (2 * rows - 1) * (2 * columns - 1), heads)
            + [("optional", "attention.self.relative_position_index", "int64", (rows * columns, rows * columns))]
            + [entry for name in ("query", "key", "value") for entry in linear("attention.self." + name, d, d, c.qkv_bias)]
            + linear("attention.output.dense", d, d) + norm("layernorm_after", d) + linear("intermediate.dense", d, int(c.mlp_ratio * d))
            + linear("output.dense", int(c.mlp_ratio * d), d))


def swin_stage(c, i):
    d = c.embed_dim * 2 ** i
    merging = linear("downsample.reduction", 4 * d, 2 * d, False) + norm("downsample.norm", 4 * d)
    return each("blocks", c.depths[i], lambda j: swin_block(c, d, c.num_heads[i])) + (merging if i < len(c.depths) - 1 else [])


def swin_width(c):
    return c.embed_dim * 2 ** (len(c.depths) - 1)


def swin(c, masked=False):
    d = c.embed_dim
    return ((parameter("embeddings.mask_token", 1, 1, d) if masked else [])
            + (parameter("embeddings.position_embeddings", 1, patches(c) + 1, d) if c.use_absolute_embeddings else [])
            + projection("embeddings.patch_embeddings.projection", c, d) + norm("embeddings.norm", d)
            + each("encoder.layers", len(c.depths), lambda i: swin_stage(c, i)) + norm("layernorm", swin_width(c)))


# ---- convnext ----

def convnext_layer(c, d):
    return ((parameter("layer_scale_parameter", d) if c.layer_scale_init_value > 0 else []) + conv("dwconv", d, d, 7, 7, groups=d) + norm("layernorm", d)
            + linear("pwconv1", d, 4 * d) + linear("pwconv2", 4 * d, d))


def convnext_stage(c, i):
    sizes = c.hidden_sizes
    down = norm("downsampling_layer.0", sizes[i - 1]) + conv("downsampling_layer.1", sizes[i - 1], sizes[i], 2, 2) if i else []
    return down + each("layers", c.depths[i], lambda j: convnext_layer(c, sizes[i]))


def convnext(c):
    return (conv("embeddings.patch_embeddings", c.num_channels, c.hidden_sizes[0], c.patch_size, c.patch_size) + norm("embeddings.layernorm", c.hidden_sizes[0])
            + each("encoder.stages", c.num_stages, lambda i: convnext_stage(c, i)) + norm("layernorm", c.hidden_sizes[-1]))


# ---- wav2vec2, hubert ----

def sound_layer(c):
    h = c.hidden_size
    adapter = norm("adapter_layer.norm", h) + linear("adapter_layer.linear_1", h, c.adapter_attn_dim) + linear("adapter_layer.linear_2", c.adapter_attn_dim, h) \
        if c.do_stable_layer_norm and c.adapter_attn_dim is not None else []
    return ([entry for name in ("k_proj", "v_proj", "q_proj", "out_proj") for entry in linear("attention." + name, h, h)] + norm("layer_norm", h)
            + linear("feed_forward.intermediate_dense", h, c.intermediate_size) + linear("feed_forward.output_dense", c.intermediate_size, h)
            + norm("final_layer_norm", h) + adapter)


def sound_conv(c, i):
    inputs = c.conv_dim[i - 1] if i else 1
    normed = c.feat_extract_norm == "layer" or i == 0
    return conv("conv", inputs, c.conv_dim[i], c.conv_kernel[i], bias=c.conv_bias) + (norm("layer_norm", c.conv_dim[i]) if normed else [])


def position_conv(c):
    """torch.nn.utils.weight_norm of dimension 2: the bias stays where it was, the weight is two parameters behind it."""
    name, h, k = "encoder.pos_conv_embed.conv", c.hidden_size, c.num_conv_pos_embeddings
    if getattr(c, "conv_pos_batch_norm", False):
        return conv(name, h, h, k, groups=c.num_conv_pos_embedding_groups) + batch_norm("encoder.pos_conv_embed.batch_norm", h)
    return (parameter(name + ".bias", h) + parameter(name + ".weight_g", 1, 1, k)
            + parameter(name + ".weight_v", h, h // c.num_conv_pos_embedding_groups, k))


def sound(c):
    h, last = c.hidden_size, c.conv_dim[-1]
    return ((parameter("masked_spec_embed", h) if c.mask_time_prob > 0 or c.mask_feature_prob > 0 else [])
            + each("feature_extractor.conv_layers", len(c.conv_dim), lambda i: sound_conv(c, i))
            + (norm("feature_projection.layer_norm", last) if getattr(c, "feat_proj_layer_norm", True) else []) + linear("feature_projection.projection", last, h)
            + position_conv(c) + norm("encoder.layer_norm", h) + each("encoder.layers", c.num_hidden_layers, lambda i: sound_layer(c)) + length_adapter(c))


def length_adapter(c):
    if not getattr(c, "add_adapter", False):
        return []
    h, o = c.hidden_size, c.output_hidden_size
    return below("adapter", linear("proj", h, o) + norm("proj_layer_norm", o) if o != h else [],
                 [entry for i in range(c.num_adapter_layers) for entry in conv(f"layers.{i}.conv", o, 2 * o, c.adapter_kernel_size)])


def weighted(c, prefix, head):
    return ((parameter("layer_weights", c.num_hidden_layers + 1) if c.use_weighted_layer_sum else []) + below(prefix, sound(c)) + head, {})


def pooled_classes(c):
    return linear("projector", c.hidden_size, c.classifier_proj_size) + linear("classifier", c.classifier_proj_size, c.num_labels)


def quantizer(c):
    entries, each_width = c.num_codevector_groups * c.num_codevectors_per_group, c.codevector_dim // c.num_codevector_groups
    return (parameter("quantizer.codevectors", 1, entries, each_width) + linear("quantizer.weight_proj", c.conv_dim[-1], entries)
            + linear("project_hid", c.hidden_size, c.proj_codevector_dim) + linear("project_q", c.codevector_dim, c.proj_codevector_dim))


def x_vector(c):
    widths, out = [c.tdnn_dim[0], *c.tdnn_dim], c.xvector_output_dim
    return (linear("projector", c.hidden_size, widths[0])
            + [entry for i, kernel in enumerate(c.tdnn_kernel) for entry in linear(f"tdnn.{i}.kernel", widths[i] * kernel, widths[i + 1])]
            + linear("feature_extractor", 2 * widths[-1], out) + linear("classifier", out, out) + parameter("objective.weight", out, c.num_labels))


SOUND = {"vocab_size": 32, "hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 3072, "feat_extract_norm": "group",
         "conv_dim": [512] * 7, "conv_kernel": [10, 3, 3, 3, 3, 2, 2], "conv_bias": False, "num_conv_pos_embeddings": 128, "num_conv_pos_embedding_groups": 16,
         "do_stable_layer_norm": False, "adapter_attn_dim": None, "mask_time_prob": 0.05, "mask_feature_prob": 0.0, "use_weighted_layer_sum": False,
         "classifier_proj_size": 256}
SOUND_SMALL = {"vocab_size": 23, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 48, "conv_dim": [16, 24, 20],
               "conv_stride": [5, 2, 2], "conv_kernel": [10, 3, 2], "num_conv_pos_embeddings": 8, "num_conv_pos_embedding_groups": 4}
SOUND_CHANGES = [{"feat_extract_norm": "layer", "conv_bias": True}, {"mask_time_prob": 0.0}, {"mask_time_prob": 0.0, "mask_feature_prob": 0.1},
                 {"do_stable_layer_norm": True}, {"do_stable_layer_norm": True, "adapter_attn_dim": 16}, {"adapter_attn_dim": 16},
                 {"use_weighted_layer_sum": True}, {"num_labels": 6, "classifier_proj_size": 20}]

ACCOUNTS = {
    "deit": {
        "config": {**VIT, "qkv_bias": True, "encoder_stride": 16}, "computed": {"num_labels": labels(), "pooler_output_size": lambda f: f["hidden_size"]},
        "small": IMAGES, "changes": [{"qkv_bias": False}, {"image_size": [32, 64]}, {"num_channels": 1, "encoder_stride": 8}, {"num_labels": 7}, {"pooler_output_size": 20}],
        "roots": {
            "DeiTModel": lambda c: (deit(c, pooled=True), {}),
            "DeiTForImageClassification": lambda c: (below("deit", deit(c)) + classifier("classifier", c.hidden_size, c), {}),
            "DeiTForImageClassificationWithTeacher": lambda c: (
                below("deit", deit(c)) + classifier("cls_classifier", c.hidden_size, c) + classifier("distillation_classifier", c.hidden_size, c), {}),
            "DeiTForMaskedImageModeling": lambda c: (below("deit", deit(c, masked=True)) + upscaled(c, c.hidden_size), {})}},
    "beit": {
        "config": {**BEIT, "vocab_size": 8192}, "computed": {"num_labels": labels()}, "small": {**IMAGES, "vocab_size": 103}, "changes": BEIT_CHANGES,
        "roots": {**beit_roots("Beit", "beit"), "BeitForMaskedImageModeling": lambda c: (
            below("beit", beit(c, False)) + norm("layernorm", c.hidden_size) + linear("lm_head", c.hidden_size, c.vocab_size), {})}},
    "data2vec_vision": {"config": BEIT, "computed": {"num_labels": labels()}, "small": IMAGES, "changes": BEIT_CHANGES,
                        "roots": beit_roots("Data2VecVision", "data2vec_vision")},
    "swin_hf": {
        "config": {"image_size": 224, "patch_size": 4, "num_channels": 3, "embed_dim": 96, "depths": [2, 2, 6, 2], "num_heads": [3, 6, 12, 24], "window_size": 7,
                   "mlp_ratio": 4.0, "qkv_bias": True, "use_absolute_embeddings": False, "encoder_stride": 32},
        "computed": {"num_labels": labels()}, "small": {"image_size": 32, "embed_dim": 16, "depths": [1, 2], "num_heads": [2, 4], "window_size": 3},
        "changes": [{"use_absolute_embeddings": True}, {"window_size": [2, 4]}, {"qkv_bias": False}, {"mlp_ratio": 2.5}, {"encoder_stride": 8}, {"num_labels": 7},
                    {"num_labels": 0}, {"use_absolute_embeddings": True, "image_size": [32, 64]}],
        "roots": {
            "SwinModel": lambda c: (swin(c), {}),
            "SwinForImageClassification": lambda c: (below("swin", swin(c)) + classifier("classifier", swin_width(c), c), {}),
            "SwinForMaskedImageModeling": lambda c: (below("swin", swin(c, masked=True)) + upscaled(c, swin_width(c)), {})}},
    "convnext_hf": {
        "config": {"num_channels": 3, "patch_size": 4, "num_stages": 4, "hidden_sizes": [96, 192, 384, 768], "depths": [3, 3, 9, 3], "layer_scale_init_value": 1e-6},
        "computed": {"num_labels": labels()}, "small": {"num_stages": 2, "hidden_sizes": [16, 24], "depths": [1, 2]},
        "changes": [{"layer_scale_init_value": 0}, {"num_channels": 1, "patch_size": 2}, {"num_labels": 7}, {"num_labels": 0}, {"hidden_sizes": [16, 16]}],
        "roots": {"ConvNextModel": lambda c: (convnext(c), {}),
                  "ConvNextForImageClassification": lambda c: (below("convnext", convnext(c)) + classifier("classifier", c.hidden_sizes[-1], c), {})}},
    "wav2vec2": {
        "config": {**SOUND, "num_codevector_groups": 2, "num_codevectors_per_group": 320, "codevector_dim": 256, "proj_codevector_dim": 256,
                   "tdnn_dim": [512, 512, 512, 512, 1500], "tdnn_kernel": [5, 3, 3, 1, 1], "xvector_output_dim": 512, "add_adapter": False,
                   "adapter_kernel_size": 3, "adapter_stride": 2, "num_adapter_layers": 3},
        "computed": {"num_labels": labels(), "output_hidden_size": lambda f: f["hidden_size"]}, "small": SOUND_SMALL,
        "changes": [*SOUND_CHANGES, {"add_adapter": True}, {"add_adapter": True, "output_hidden_size": 40, "num_adapter_layers": 2, "adapter_kernel_size": 5},
                    {"output_hidden_size": 40}, {"num_codevector_groups": 4, "num_codevectors_per_group": 10, "codevector_dim": 24, "proj_codevector_dim": 12},
                    {"tdnn_dim": [12, 20, 14], "tdnn_kernel": [3, 2, 1], "tdnn_dilation": [1, 1, 1], "xvector_output_dim": 10}],
        "roots": {
            "Wav2Vec2Model": lambda c: (sound(c), {}),
            "Wav2Vec2ForCTC": lambda c: (below("wav2vec2", sound(c)) + linear("lm_head", c.output_hidden_size if c.add_adapter else c.hidden_size, c.vocab_size), {}),
            "Wav2Vec2ForMaskedLM": lambda c: (below("wav2vec2", sound(c)) + linear("lm_head", c.hidden_size, c.vocab_size), {}),
            "Wav2Vec2ForPreTraining": lambda c: (below("wav2vec2", sound(c)) + quantizer(c), {}),
            "Wav2Vec2ForSequenceClassification": lambda c: weighted(c, "wav2vec2", pooled_classes(c)),
            "Wav2Vec2ForAudioFrameClassification": lambda c: weighted(c, "wav2vec2", linear("classifier", c.hidden_size, c.num_labels)),
            "Wav2Vec2ForXVector": lambda c: weighted(c, "wav2vec2", x_vector(c))}},
    "hubert": {
        "config": {**SOUND, "feat_proj_layer_norm": True, "conv_pos_batch_norm": False}, "computed": {"num_labels": labels()}, "small": SOUND_SMALL,
        "changes": [*SOUND_CHANGES, {"feat_proj_layer_norm": False}, {"conv_pos_batch_norm": True}],
        "roots": {"HubertModel": lambda c: (sound(c), {}), "HubertForCTC": lambda c: (below("hubert", sound(c)) + linear("lm_head", c.hidden_size, c.vocab_size), {}),
                  "HubertForSequenceClassification": lambda c: weighted(c, "hubert", pooled_classes(c))}},
}
