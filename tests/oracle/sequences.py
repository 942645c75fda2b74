"""The rows of torch_sequences.py. Inputs: x float32 [5, 2, 8] (length first), y [3, 2, 8], u [5, 8] (no batch), ids int64 [2, 5] (0 to 9),
flat [7] and offsets [3] of it, weights [7]; masks: pad bool [2, 5] (True: padding), block bool [5, 5] and [3, 5] (True: blocked)."""
import torch


def inputs():
    pad = torch.tensor([[False, False, False, True, True], [False, False, False, False, True]])
    return {"x": torch.randn(5, 2, 8), "y": torch.randn(3, 2, 8), "u": torch.randn(5, 8), "k": torch.randn(5, 2, 6), "v": torch.randn(5, 2, 4),
            "ids": torch.tensor([[0, 3, 9, 1, 3], [5, 5, 2, 7, 8]]), "flat": torch.tensor([1, 2, 9, 4, 4, 0, 3]), "offsets": torch.tensor([0, 2, 2]),
            "weights": torch.randn(7), "pad": pad, "block": torch.triu(torch.ones(5, 5), 1).bool(), "across": torch.tensor([[False] * 4 + [True]] * 3),
            "added": torch.randn(5, 5), "each": torch.randn(8, 5, 5), "h": torch.randn(1, 2, 8), "h2": torch.randn(4, 2, 6), "c2": torch.randn(4, 2, 6),
            "p2": torch.randn(4, 2, 3), "one": torch.randn(2, 8), "state": torch.randn(2, 6), "cell": torch.randn(2, 6)}


ATTENTION = "MultiheadAttention(8, 4)"
BATCH_FIRST = "MultiheadAttention(8, 4, batch_first=True)"
ENCODER = "TransformerEncoderLayer(8, 2, 16)"
DECODER = "TransformerDecoderLayer(8, 2, 16)"

ROWS = [
    ("Embedding(10, 6)", "layer(ids)"),
    ("Embedding(10, 6, padding_idx=3)", "layer(ids[0])"),
    ("Embedding(10, 6)", "layer(ids[0, 1])"),
    ("EmbeddingBag(10, 6)", "layer(ids)"),
    ("EmbeddingBag(10, 6, mode='sum')", "layer(flat, offsets)"),
    ("EmbeddingBag(10, 6, mode='max')", "layer(flat, offsets)"),
    ("EmbeddingBag(10, 6, mode='mean', padding_idx=4)", "layer(flat, offsets)"),
    ("EmbeddingBag(10, 6, mode='mean', padding_idx=-1)", "layer(flat, offsets)"),
    ("EmbeddingBag(10, 6, mode='sum', include_last_offset=True)", "layer(flat, tensor([0, 3, 7]))"),
    ("EmbeddingBag(10, 6, mode='sum')", "layer(flat, offsets, per_sample_weights=weights)"),
    (ATTENTION, "layer(x, x, x)"),
    (ATTENTION, "layer(y, x, x)"),
    (ATTENTION, "layer(u, u, u)"),
    (ATTENTION, "layer(x, x, x)[0] * 2"),
    (ATTENTION, "layer(x, x, x, need_weights=False)[0]"),
    (ATTENTION, "layer(x, x, x, average_attn_weights=False)"),
    (ATTENTION, "layer(x, x, x, attn_mask=block)"),
    (ATTENTION, "layer(x, x, x, attn_mask=added)"),
    (ATTENTION, "layer(x, x, x, attn_mask=each)"),
    (ATTENTION, "layer(x, x, x, key_padding_mask=pad)"),
    (ATTENTION, "layer(x, x, x, pad, attn_mask=block)"),
    (ATTENTION, "layer(u, u, u, key_padding_mask=pad[0])"),
    (BATCH_FIRST, "layer(x.transpose(0, 1), x.transpose(0, 1), x.transpose(0, 1), pad)"),
    (BATCH_FIRST, "layer(y.transpose(0, 1), x.transpose(0, 1), x.transpose(0, 1), attn_mask=across)"),
    ("MultiheadAttention(8, 2, bias=False)", "layer(x, x, x)"),
    ("MultiheadAttention(8, 2, add_bias_kv=True)", "layer(x, x, x, attn_mask=block, key_padding_mask=pad)"),
    ("MultiheadAttention(8, 2, add_zero_attn=True)", "layer(x, x, x, attn_mask=block)"),
    ("MultiheadAttention(8, 2, add_bias_kv=True, add_zero_attn=True)", "layer(x, x, x)"),
    ("MultiheadAttention(8, 2, kdim=6, vdim=4)", "layer(x, k, v)"),
    ("MultiheadAttention(8, 2, vdim=4, bias=False)", "layer(x, x, v)"),
    (ENCODER, "layer(x)"),
    (ENCODER, "layer(x, block)"),
    (ENCODER, "layer(x, src_key_padding_mask=pad)"),
    (ENCODER, "layer(u)"),
    ("TransformerEncoderLayer(8, 2, 16, activation='gelu', norm_first=True, batch_first=True)", "layer(x)"),
    ("TransformerEncoderLayer(8, 2, 16, layer_norm_eps=0.1)", "layer(x, added)"),
    (DECODER, "layer(y, x)"),
    (DECODER, "layer(x, y, block, tgt_key_padding_mask=pad)"),
    (DECODER, "layer(y, x, memory_mask=across, memory_key_padding_mask=pad)"),
    ("TransformerDecoderLayer(8, 2, 16, norm_first=True, activation='gelu')", "layer(y, x)"),
    ("TransformerEncoder(TransformerEncoderLayer(8, 2, 16), 2)", "layer(x, block)"),
    ("TransformerEncoder(TransformerEncoderLayer(8, 2, 16, norm_first=True), 3, LayerNorm(8))", "layer(x, src_key_padding_mask=pad)"),
    ("TransformerDecoder(TransformerDecoderLayer(8, 2, 16), 2, LayerNorm(8))", "layer(y, x)"),
    ("Transformer(8, 2, 1, 2, 16)", "layer(x, y)"),
    ("Transformer(8, 2, 2, 1, 16, norm_first=True)", "layer(x, x, tgt_mask=block, src_key_padding_mask=pad, memory_key_padding_mask=pad)"),
]
