"""Forward passes of the Hugging Face families beside PyTorch's: small models with random weights, computed in double precision by
PyTorch's own transformer layers where they fit, else by the published formulas. Needs Debian's python3-torch and python3-torchvision."""
import math
import os
import sys
import tempfile

from found import Tally

try:
    import numpy
    import torch
    import torchvision
    from torch import nn
    from torch.nn import functional as F
except ImportError:
    print("SKIPPED hugging_face: python3-torch and python3-torchvision are not installed")
    sys.exit(0)

from family_cases import SMALL, Case, ckptlint, said, write_json, write_safetensors

HEADS = 4


class Weights:
    """The tensors of a case in double precision, by key."""

    def __init__(self, case):
        generator = torch.Generator().manual_seed(5)
        self.of = {}
        for key, dtype, sizes in case.tensors:
            if dtype == "int64":
                continue
            t = torch.rand(sizes, generator=generator) * 2 - 1
            if key.endswith("running_var"):
                t = t.abs() + 0.5
            elif len(sizes) > 1:
                t = t * (3 / t[0].numel()) ** 0.5
            else:
                t = t * 0.2 + (0 if key.endswith(("bias", "running_mean")) else 1)
            case.values[key] = t.numpy().tobytes()
            self.of[key] = t.double()

    def __call__(self, key):
        return self.of[key]

    def below(self, prefix):
        part = Weights.__new__(Weights)
        part.of = {key[len(prefix):]: t for key, t in self.of.items() if key.startswith(prefix)}
        return part

    def linear(self, x, name):
        return F.linear(x, self.of[name + ".weight"], self.of.get(name + ".bias"))

    def norm(self, x, name, eps=1e-5):
        return F.layer_norm(x, x.shape[-1:], self.of[name + ".weight"], self.of[name + ".bias"], eps)

    def rms(self, x, name, eps, one=0):
        return x / (x.pow(2).mean(-1, keepdim=True) + eps).sqrt() * (one + self.of[name + ".weight"])


def quick_gelu(x):
    return x * torch.sigmoid(1.702 * x)


def gelu_tanh(x):
    return 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def causal(n):
    return torch.ones(n, n, dtype=torch.bool).triu(1)


def fill_attention(module, w, names):
    """q, k, v and out of separate layers into PyTorch's packed one; a key without a bias has zeros."""
    q, k, v, out = names
    zero = torch.zeros_like(w(q + ".bias"))
    module.in_proj_weight.copy_(torch.cat([w(n + ".weight") for n in (q, k, v)]))
    module.in_proj_bias.copy_(torch.cat([w.of.get(n + ".bias", zero) for n in (q, k, v)]))
    module.out_proj.weight.copy_(w(out + ".weight"))
    module.out_proj.bias.copy_(w(out + ".bias"))


def fill_pairs(module, w, pairs):
    for attribute, name in pairs.items():
        getattr(module, attribute).weight.copy_(w(name + ".weight"))
        getattr(module, attribute).bias.copy_(w(name + ".bias"))


def encoder(w, prefix, attention, pairs, act, eps, norm_first):
    wide = w(prefix + pairs["linear1"] + ".weight").shape
    layer = nn.TransformerEncoderLayer(wide[1], HEADS, wide[0], 0, act, eps, True, norm_first).double().eval()
    fill_attention(layer.self_attn, w, [prefix + name for name in attention])
    fill_pairs(layer, w, {k: prefix + v for k, v in pairs.items()})
    return layer


# ---- references: weights, config and inputs to the output ----

def bert_layers(w, base, x, eps):
    for i in range(3):
        x = encoder(w, f"{base}.encoder.layer.{i}.",
                    ("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"),
                    {"linear1": "intermediate.dense", "linear2": "output.dense", "norm1": "attention.output.LayerNorm",
                     "norm2": "output.LayerNorm"}, F.gelu, eps, False)(x)
    return x


def bert(w, config, ids):
    e = "bert.embeddings."
    x = w(e + "word_embeddings.weight")[ids] + w(e + "position_embeddings.weight")[: ids.shape[1]] + w(e + "token_type_embeddings.weight")[0]
    x = bert_layers(w, "bert", w.norm(x, e + "LayerNorm", 1e-12), 1e-12)
    x = w.norm(F.gelu(w.linear(x, "cls.predictions.transform.dense")), "cls.predictions.transform.LayerNorm", 1e-12)
    return x @ w(e + "word_embeddings.weight").T + w("cls.predictions.bias")


def roberta(w, config, ids):
    e = "roberta.embeddings."
    pad = 1
    there = (ids != pad).long()
    x = w(e + "word_embeddings.weight")[ids] + w(e + "position_embeddings.weight")[there.cumsum(1) * there + pad]
    x = x + w(e + "token_type_embeddings.weight")[0]
    x = bert_layers(w, "roberta", w.norm(x, e + "LayerNorm", 1e-12), 1e-12)
    x = w.norm(F.gelu(w.linear(x, "lm_head.dense")), "lm_head.layer_norm", 1e-12)
    return x @ w(e + "word_embeddings.weight").T + w("lm_head.bias")


def distilbert(w, config, ids):
    e = "distilbert.embeddings."
    x = w.norm(w(e + "word_embeddings.weight")[ids] + w(e + "position_embeddings.weight")[: ids.shape[1]], e + "LayerNorm", 1e-12)
    for i in range(3):
        x = encoder(w, f"distilbert.transformer.layer.{i}.",
                    ("attention.q_lin", "attention.k_lin", "attention.v_lin", "attention.out_lin"),
                    {"linear1": "ffn.lin1", "linear2": "ffn.lin2", "norm1": "sa_layer_norm", "norm2": "output_layer_norm"},
                    F.gelu, 1e-12, False)(x)
    x = w.norm(F.gelu(w.linear(x, "vocab_transform")), "vocab_layer_norm", 1e-12)
    return x @ w(e + "word_embeddings.weight").T + w("vocab_projector.bias")


def gpt2(w, config, ids):
    x = w("transformer.wte.weight")[ids] + w("transformer.wpe.weight")[: ids.shape[1]]
    for i in range(3):
        p = f"transformer.h.{i}."
        layer = nn.TransformerEncoderLayer(32, HEADS, 48, 0, gelu_tanh, 1e-5, True, True).double().eval()
        layer.self_attn.in_proj_weight.copy_(w(p + "attn.c_attn.weight").T)
        layer.self_attn.in_proj_bias.copy_(w(p + "attn.c_attn.bias"))
        for module, name in ((layer.self_attn.out_proj, "attn.c_proj"), (layer.linear1, "mlp.c_fc"), (layer.linear2, "mlp.c_proj")):
            module.weight.copy_(w(p + name + ".weight").T)
            module.bias.copy_(w(p + name + ".bias"))
        fill_pairs(layer, w, {"norm1": p + "ln_1", "norm2": p + "ln_2"})
        x = layer(x, causal(ids.shape[1]))
    return w.norm(x, "transformer.ln_f") @ w("transformer.wte.weight").T


def split(x, n):
    return x.unflatten(-1, (n, -1)).transpose(1, 2)


def speeds(half, theta, scaling):
    """Radians per position of each pair: as such, slowed down by a factor, or only the slow ones of them (Llama 3)."""
    turn = theta ** (-torch.arange(half).double() / half)
    if scaling and scaling["rope_type"] == "linear":
        turn = turn / scaling["factor"]
    if scaling and scaling["rope_type"] == "llama3":
        turns = scaling["original_max_position_embeddings"] * turn / (2 * math.pi)
        low, high = scaling["low_freq_factor"], scaling["high_freq_factor"]
        share = ((turns - low) / (high - low)).clamp(0, 1)
        turn = turn * share + turn / scaling["factor"] * (1 - share)
    return turn


def rotate(x, theta, dims=None, scaling=None):
    """Pairs (i, i + d/2) of the first `dims` numbers of a head as complex numbers, turned by position * theta^(-2i/d)."""
    dims = dims or x.shape[-1]
    half = dims // 2
    turn = torch.outer(torch.arange(x.shape[2]).double(), speeds(half, theta, scaling))
    z = torch.complex(x[..., :half], x[..., half:dims]) * torch.polar(torch.ones_like(turn), turn)
    return torch.cat([z.real, z.imag, x[..., dims:]], -1)


def attend(q, k, v, window=None):
    """Queries see themselves and what is before them, `window` in all; key and value heads are shared by neighbours."""
    k, v = (t.repeat_interleave(q.shape[1] // t.shape[1], 1) for t in (k, v))
    a = q @ k.transpose(-2, -1) * q.shape[-1] ** -0.5
    n = q.shape[2]
    hidden = causal(n) | (torch.ones(n, n).tril(-window) > 0 if window else False)
    return (a.masked_fill(hidden, -math.inf).softmax(-1) @ v).transpose(1, 2).flatten(2)


def llama(w, config, ids):
    kind = config["model_type"]
    eps, one = (1e-5 if kind == "phi3" else 1e-6), (1 if kind == "gemma" else 0)
    act = gelu_tanh if kind == "gemma" else F.silu
    n, nk, d = config["num_attention_heads"], config["num_key_value_heads"], config["head_dim"]
    rope = {"theta": config.get("rope_theta", 1e4), "scaling": config.get("rope_scaling")}
    rope["dims"] = int(d * config.get("partial_rotary_factor", 1))
    x = w("model.embed_tokens.weight")[ids] * (math.sqrt(32) if kind == "gemma" else 1)
    for i in range(3):
        p = f"model.layers.{i}."
        h = w.rms(x, p + "input_layernorm", eps, one)
        if kind == "phi3":
            q, k, v = w.linear(h, p + "self_attn.qkv_proj").split((n * d, nk * d, nk * d), -1)
        else:
            q, k, v = (w.linear(h, p + f"self_attn.{c}_proj") for c in "qkv")
        q, k, v = split(q, n), split(k, nk), split(v, nk)
        if kind == "qwen3":
            q, k = w.rms(q, p + "self_attn.q_norm", eps), w.rms(k, p + "self_attn.k_norm", eps)
        window = config.get("sliding_window") if i >= config.get("max_window_layers", 0) else None
        x = x + w.linear(attend(rotate(q, **rope), rotate(k, **rope), v, window), p + "self_attn.o_proj")
        h = w.rms(x, p + "post_attention_layernorm", eps, one)
        if kind == "phi3":
            gate, up = w.linear(h, p + "mlp.gate_up_proj").chunk(2, -1)
        else:
            gate, up = w.linear(h, p + "mlp.gate_proj"), w.linear(h, p + "mlp.up_proj")
        x = x + w.linear(act(gate) * up, p + "mlp.down_proj")
    x = w.rms(x, "model.norm", eps, one)
    return x @ w("model.embed_tokens.weight" if kind == "gemma" else "lm_head.weight").T


def gpt_neox(w, config, ids):
    x = w("gpt_neox.embed_in.weight")[ids]
    for i in range(3):
        p = f"gpt_neox.layers.{i}."
        qkv = w.linear(w.norm(x, p + "input_layernorm"), p + "attention.query_key_value").unflatten(-1, (HEADS, 3, 8))
        q, k, v = (qkv[:, :, :, part].transpose(1, 2) for part in range(3))
        a = w.linear(attend(rotate(q, 1e4, 2), rotate(k, 1e4, 2), v), p + "attention.dense")
        h = x if config.get("use_parallel_residual", True) else x + a
        h = F.gelu(w.linear(w.norm(h, p + "post_attention_layernorm"), p + "mlp.dense_h_to_4h"))
        x = x + a + w.linear(h, p + "mlp.dense_4h_to_h")
    return w.linear(w.norm(x, "gpt_neox.final_layer_norm"), "embed_out")


def t5_bias(w, n, stack, both):
    """Distances to buckets: half of them exact, the others up to 128 by their logarithm."""
    table = w(f"{stack}.block.0.layer.0.SelfAttention.relative_attention_bias.weight")
    out = torch.zeros(n, n, dtype=torch.long)
    for i in range(n):
        for j in range(n):
            buckets, d = (16, abs(j - i)) if both else (32, max(i - j, 0))
            exact = buckets // 2
            far = exact + int(math.log(max(d, 1) / exact) / math.log(128 / exact) * (buckets - exact)) if d >= exact else d
            out[i, j] = min(far, buckets - 1) + (16 if both and j > i else 0)
    return table[out].permute(2, 0, 1)


def t5_attention(w, name, x, y, bias, mask):
    q, k, v = (split(w.linear(t, f"{name}.{c}"), HEADS) for c, t in (("q", x), ("k", y), ("v", y)))
    a = q @ k.transpose(-2, -1) + bias
    if mask:
        a = a.masked_fill(causal(a.shape[-1]), -math.inf)
    return w.linear((a.softmax(-1) @ v).transpose(1, 2).flatten(2), name + ".o")


def t5_stack(w, stack, x, memory=None):
    bias = t5_bias(w, x.shape[1], stack, memory is None)
    for i in range(3):
        p, last = f"{stack}.block.{i}.layer.", 1 if memory is None else 2
        h = w.rms(x, p + "0.layer_norm", 1e-6)
        x = x + t5_attention(w, p + "0.SelfAttention", h, h, bias, memory is not None)
        if memory is not None:
            x = x + t5_attention(w, p + "1.EncDecAttention", w.rms(x, p + "1.layer_norm", 1e-6), memory, 0, False)
        h, name = w.rms(x, p + f"{last}.layer_norm", 1e-6), p + f"{last}.DenseReluDense.wi"
        gated = name + "_0.weight" in w.of
        h = gelu_tanh(w.linear(h, name + "_0")) * w.linear(h, name + "_1") if gated else F.relu(w.linear(h, name))
        x = x + w.linear(h, p + f"{last}.DenseReluDense.wo")
    return w.rms(x, stack + ".final_layer_norm", 1e-6)


def t5(w, config, ids, dec_ids):
    table = w("shared.weight")
    x = t5_stack(w, "decoder", table[dec_ids], t5_stack(w, "encoder", table[ids]))
    return x * 32**-0.5 @ table.T if config.get("tie_word_embeddings", True) else w.linear(x, "lm_head")


def t5_tokens(w, config, ids):
    below = w.below("transformer.")
    return w.linear(t5_stack(below, "encoder", below("shared.weight")[ids]), "classifier")


def vit(w, config, x):
    return w.linear(vit_states(w, x)[:, 0], "classifier")


def vit_pixels(w, config, x):
    """Each patch's state becomes its pixels: a convolution of size 1, then its channels are spread over space."""
    x = vit_states(w, x)[:, 1:].transpose(1, 2).reshape(len(x), -1, 4, 4)
    return F.pixel_shuffle(F.conv2d(x, w("decoder.0.weight"), w("decoder.0.bias")), 8)


def vit_states(w, x):
    e = "vit.embeddings."
    x = F.conv2d(x, w(e + "patch_embeddings.projection.weight"), w(e + "patch_embeddings.projection.bias"), 8).flatten(2).transpose(1, 2)
    x = torch.cat([w(e + "cls_token").expand(len(x), -1, -1), x], 1) + w(e + "position_embeddings")
    for i in range(3):
        x = encoder(w, f"vit.encoder.layer.{i}.",
                    ("attention.attention.query", "attention.attention.key", "attention.attention.value", "attention.output.dense"),
                    {"linear1": "intermediate.dense", "linear2": "output.dense", "norm1": "layernorm_before", "norm2": "layernorm_after"},
                    F.gelu, 1e-12, True)(x)
    return w.norm(x, "vit.layernorm", 1e-12)


def clip_layers(w, side, x, mask):
    for i in range(2):
        x = encoder(w, f"{side}.encoder.layers.{i}.", ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.out_proj"),
                    {"linear1": "mlp.fc1", "linear2": "mlp.fc2", "norm1": "layer_norm1", "norm2": "layer_norm2"}, quick_gelu, 1e-5,
                    True)(x, mask)
    return x


def clip_text(w, config, ids):
    """All states, and that of the end-of-text token, which has the highest number."""
    e = "text_model.embeddings."
    t = w(e + "token_embedding.weight")[ids] + w(e + "position_embedding.weight")[: ids.shape[1]]
    t = w.norm(clip_layers(w, "text_model", t, causal(ids.shape[1])), "text_model.final_layer_norm")
    return t, t[torch.arange(len(ids)), ids.argmax(-1)]


def clip_vision(w, config, pixels):
    e = "vision_model.embeddings."
    x = F.conv2d(pixels, w(e + "patch_embedding.weight"), None, 8).flatten(2).transpose(1, 2)
    x = torch.cat([w(e + "class_embedding").expand(len(x), 1, -1), x], 1) + w(e + "position_embedding.weight")
    x = clip_layers(w, "vision_model", w.norm(x, "vision_model.pre_layrnorm"), None)
    return x, w.norm(x[:, 0], "vision_model.post_layernorm")


def clip_text_projected(w, config, ids):
    return clip_text(w, config, ids)[1] @ w("text_projection.weight").T


def clip_vision_projected(w, config, pixels):
    return clip_vision(w, config, pixels)[1] @ w("visual_projection.weight").T


def clip_classes(w, config, pixels):
    return w.linear(clip_vision(w, config, pixels)[0][:, 1:].mean(1), "classifier")


def clip(w, config, ids, pixels):
    t, x = (F.normalize(v, dim=-1) for v in (clip_text_projected(w, config, ids), clip_vision_projected(w, config, pixels)))
    return w("logit_scale").exp() * x @ t.T


ATTENTION = ("q_proj", "k_proj", "v_proj", "out_proj")


def whisper_encoder(w, base, mel):
    x = mel
    for name, stride in (("conv1", 1), ("conv2", 2)):
        x = F.gelu(F.conv1d(x, w(f"{base}{name}.weight"), w(f"{base}{name}.bias"), stride, 1))
    x = x.transpose(1, 2) + w(base + "embed_positions.weight")
    for i in range(3):
        x = encoder(w, f"{base}layers.{i}.", ["self_attn." + name for name in ATTENTION],
                    {"linear1": "fc1", "linear2": "fc2", "norm1": "self_attn_layer_norm", "norm2": "final_layer_norm"}, F.gelu, 1e-5,
                    True)(x)
    return w.norm(x, base + "layer_norm")


def whisper_classes(w, config, mel):
    return w.linear(w.linear(whisper_encoder(w, "encoder.", mel), "projector").mean(1), "classifier")


def whisper(w, config, mel, ids):
    return whisper_decoder(w, config, ids, whisper_encoder(w, "model.encoder.", mel))


def whisper_decoder(w, config, ids, x):
    y = w("model.decoder.embed_tokens.weight")[ids] + w("model.decoder.embed_positions.weight")[: ids.shape[1]]
    for i in range(3):
        p = f"model.decoder.layers.{i}."
        layer = nn.TransformerDecoderLayer(32, HEADS, 48, 0, F.gelu, 1e-5, True, True).double().eval()
        fill_attention(layer.self_attn, w, [p + "self_attn." + name for name in ATTENTION])
        fill_attention(layer.multihead_attn, w, [p + "encoder_attn." + name for name in ATTENTION])
        fill_pairs(layer, w, {"linear1": p + "fc1", "linear2": p + "fc2", "norm1": p + "self_attn_layer_norm",
                              "norm2": p + "encoder_attn_layer_norm", "norm3": p + "final_layer_norm"})
        y = layer(y, x, causal(ids.shape[1]))
    return w.norm(y, "model.decoder.layer_norm") @ w("model.decoder.embed_tokens.weight").T


def resnet(w, config, x):
    """torchvision's ResNet-18 under its own names."""
    module = torchvision.models.resnet18().double().eval()
    for key, t in module.state_dict().items():
        parts = key.split(".")
        kind = "convolution" if parts[-2].startswith("conv") else "normalization"
        if parts[0] == "fc":
            name = "classifier.1." + parts[1]
        elif parts[0] in ("conv1", "bn1"):
            name = f"resnet.embedder.embedder.{kind}.{parts[1]}"
        elif parts[2] == "downsample":
            kind = "convolution" if parts[3] == "0" else "normalization"
            name = f"resnet.encoder.stages.{int(parts[0][5]) - 1}.layers.{parts[1]}.shortcut.{kind}.{parts[4]}"
        else:
            name = f"resnet.encoder.stages.{int(parts[0][5]) - 1}.layers.{parts[1]}.layer.{int(parts[2][-1]) - 1}.{kind}.{parts[3]}"
        if t.is_floating_point():
            t.copy_(w(name))
    return module(x)


def changed(family, **config):
    return {"config": dict(SMALL[family]["config"], **config)}


LLAMA3 = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 64}
IDS = {"ids": ("ids", (2, 9))}
PIXELS = {"pixels": ("numbers", (2, 3, 32, 32))}
IMAGE = {"x": ("numbers", (2, 3, 32, 32))}
SIDE = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 48}
CASES = [
    ("bert", bert, IDS, {}), ("roberta", roberta, IDS, {}), ("distilbert", distilbert, IDS, {}), ("gpt2", gpt2, IDS, {}),
    ("gpt_neox", gpt_neox, IDS, {}), ("llama", llama, IDS, {}), ("mistral", llama, IDS, {}), ("qwen2", llama, IDS, {}),
    ("qwen3", llama, IDS, {}), ("gemma", llama, IDS, {}), ("phi3", llama, IDS, {}),
    ("gpt_neox", gpt_neox, IDS, changed("gpt_neox", use_parallel_residual=False)),
    ("llama", llama, IDS, changed("llama", rope_theta=5e5, rope_scaling=LLAMA3)),
    ("llama", llama, IDS, changed("llama", rope_scaling={"rope_type": "linear", "factor": 4.0})),
    ("mistral", llama, IDS, changed("mistral", sliding_window=4)), ("phi3", llama, IDS, changed("phi3", partial_rotary_factor=0.5)),
    ("qwen2", llama, IDS, changed("qwen2", use_sliding_window=True, sliding_window=4, max_window_layers=1)),
    ("t5", t5, {"ids": ("ids", (2, 40)), "dec_ids": ("ids", (2, 37))}, {}),
    ("t5", t5, {"ids": ("ids", (2, 40)), "dec_ids": ("ids", (2, 37))},
     changed("t5", feed_forward_proj="gated-gelu", tie_word_embeddings=False)), ("vit", vit, IMAGE, {}),
    ("clip", clip, {"ids": ("ids", (2, 9)), "pixels": ("numbers", (2, 3, 32, 32))},
     {"root": "CLIPModel", "type": "clip", "config": {
         "projection_dim": 24, "text_config": dict(SIDE, vocab_size=1003, max_position_embeddings=40),
         "vision_config": dict(SIDE, image_size=32, patch_size=8)}}),
    ("whisper", whisper, {"mel": ("numbers", (2, 5, 60)), "ids": ("ids", (2, 9))}, {}),
    ("whisper", whisper_decoder, {"ids": ("ids", (2, 9)), "memory": ("numbers", (2, 7, 32))}, {"root": "WhisperForCausalLM"}),
    ("whisper", whisper_classes, {"mel": ("numbers", (2, 5, 60))}, {"root": "WhisperForAudioClassification"}),
    ("clip", clip_text, IDS, {"root": "CLIPTextModel", "type": "clip_text_model", "config": dict(SIDE, vocab_size=1003, max_position_embeddings=40)}),
    ("clip", clip_text_projected, IDS, {"root": "CLIPTextModelWithProjection", "type": "clip_text_model", "config": dict(
        SIDE, vocab_size=1003, max_position_embeddings=40, projection_dim=24)}),
    ("clip", clip_vision, PIXELS, {"root": "CLIPVisionModel", "type": "clip_vision_model", "config": dict(SIDE, image_size=32, patch_size=8)}),
    ("clip", clip_vision_projected, PIXELS, {"root": "CLIPVisionModelWithProjection", "type": "clip_vision_model", "config": dict(
        SIDE, image_size=32, patch_size=8, projection_dim=24)}),
    ("clip", clip_classes, PIXELS, {"root": "CLIPForImageClassification", "type": "clip", "config": {
        "num_labels": 5, "vision_config": dict(SIDE, image_size=32, patch_size=8)}}),
    ("vit", vit_pixels, IMAGE, {"root": "ViTForMaskedImageModeling", "config": dict(SMALL["vit"]["config"], encoder_stride=8)}),
    ("t5", t5_tokens, {"ids": ("ids", (2, 40))}, {"root": "T5ForTokenClassification"}),
    ("resnet_hf", resnet, {"x": ("numbers", (1, 3, 224, 224))},
     {"config": {"layer_type": "basic", "depths": [2, 2, 2, 2], "hidden_sizes": [64, 128, 256, 512], "num_labels": 1000}}),
]


def wrong_forward(family, reference, inputs, change, folder):
    case = Case(family, folder, **change)
    w = Weights(case)
    generator = torch.Generator().manual_seed(6)
    given, options = [], []
    for name, (kind, sizes) in inputs.items():
        # every length of text is the same but for one pad token, which is 1
        t = torch.rand(sizes, generator=generator) if kind == "numbers" else torch.randint(2, 1003, sizes, generator=generator)
        path = os.path.join(folder, name + ".npy")
        numpy.save(path, t.numpy())
        given.append(t.double() if kind == "numbers" else t)
        options += ["--input", f"{name}={path}"]
    with torch.no_grad():
        y = reference(w, case.config, *given)
    several = y if isinstance(y, tuple) else (y,)
    for i, each in enumerate(several):
        path = os.path.join(folder, f"y{i}.npy")
        numpy.save(path, each.float().numpy())
        options += ["--expect", f"output{i}={path}" if len(several) > 1 else path]
    write_json(os.path.join(folder, "config.json"), case.config)
    write_safetensors(os.path.join(folder, "model.safetensors"), case.tensors, case.values)
    code, report = ckptlint("forward", folder, *options, "--atol", str(1e-5 * max(float(v.abs().max()) for v in several)))
    status = [test["status"] for test in report.get("forward", [])]
    return None if code == 0 and status == ["pass"] else f"exit {code}, {status}: {said(report)}"


def main():
    tally = Tally()
    for case in CASES:
        with tempfile.TemporaryDirectory() as folder:
            tally.check(case[0], wrong_forward(*case, folder))
    return tally.end()


if __name__ == "__main__":
    sys.exit(main())
