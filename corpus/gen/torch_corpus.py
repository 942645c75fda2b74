#!/usr/bin/python3
"""Writes corpus/benign: small checkpoints saved by torch itself, and what their models answer to torch.rand with seed 0.

Not run by the tests: the files are committed. They were made by torch 1.13.0a0 and numpy 1.24.2 of Debian 12
(python3-torch 1.13.1+dfsg-4) under Python 3.11.2, on a CPU. Run it from the top folder; nothing but zip padding depends on the
machine.
"""
import io
import json
import pathlib
import sys
import tarfile
import zipfile

import numpy
import torch
from torch import nn

sys.path.insert(0, 'tests/oracle')
from mixed import Mixed  # noqa: E402
from tutorials import ComplexModel, CustomModel, SimpleCNN, SimpleLinearModel, SimpleModel  # noqa: E402

# A whole-module save names its class: as a script of the user's would, in __main__.
for cls in (ComplexModel, CustomModel, Mixed, SimpleCNN, SimpleLinearModel, SimpleModel):
    cls.__module__ = '__main__'

HERE = pathlib.Path('corpus/benign')
ARCHES = pathlib.Path('rules/models')


def seeded(cls, *args):
    torch.manual_seed(0)
    return cls(*args)


def record(name, arch, model, shape, output):
    """The model's answer, and the architecture file with a test that asks for it."""
    torch.manual_seed(0)
    with torch.no_grad():
        y = model(torch.rand(shape))
    numpy.save(HERE / f'{name}.out.npy', y.numpy())
    text = (ARCHES / f'{arch}.json').read_text().rstrip()
    assert text.endswith('\n}')
    test = {'B': 1, 'x': 'rand(0)', output: {'file': f'{name}.out.npy', 'rtol': 1e-4, 'atol': 1e-5}}
    (HERE / f'{name}.json').write_text(text[:-2] + ',\n  "tests":   [' + json.dumps(test) + ']\n}\n')


def training_checkpoint():
    model = seeded(SimpleLinearModel, 10, 2)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(3):
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(model(torch.rand(4, 10)), torch.zeros(4, 2))
        loss.backward()
        optimizer.step()
    torch.save({'epoch': 3, 'model_state_dict': model.state_dict(), 'optimizer_state_dict': optimizer.state_dict(),
                'loss': loss.item(), 'scheduler_state': None}, HERE / 'training_checkpoint.pt')
    record('training_checkpoint', 'training_checkpoint', model, (1, 10), 'y')


def safetensors(tensors, path):
    """float32 tensors by the format's description (Debian 12 has no library for it): names sorted, header padded to 8."""
    table, data = {'__metadata__': {'format': 'pt'}}, b''
    for name, tensor in sorted(tensors.items()):
        numbers = tensor.numpy().astype('<f4').tobytes()
        table[name] = {'dtype': 'F32', 'shape': list(tensor.shape), 'data_offsets': [len(data), len(data) + len(numbers)]}
        data += numbers
    header = json.dumps(table, separators=(',', ':')).encode()
    header += b' ' * (-len(header) % 8)
    path.write_bytes(len(header).to_bytes(8, 'little') + header + data)


class Layered(nn.Module):
    """As models of Hugging Face are: layers that are alike, widths from a config."""

    def __init__(self, config):
        super().__init__()
        width, heads = config['hidden_size'], config['num_attention_heads']
        self.table = nn.Embedding(config['vocab_size'], width)
        self.layers = nn.ModuleList([nn.ModuleDict({
            'qkv': nn.Linear(width, 3 * width), 'k': nn.Linear(width, config['num_kv_heads'] * (width // heads), bias=False),
            'norm': nn.LayerNorm(width), 'mlp': nn.Sequential(nn.Linear(width, config['ffn_size']), nn.ReLU(), nn.Linear(config['ffn_size'], width)),
            'experts': nn.ModuleList([nn.Linear(width, 7) for _ in range(2)])}) for _ in range(config['num_hidden_layers'])])
        self.head = nn.Linear(width, config['vocab_size'], bias=False)


def layered():
    config = {'model_type': 'layered', 'architectures': ['LayeredForCausalLM'], 'hidden_size': 16, 'num_attention_heads': 4, 'num_kv_heads': 3,
              'vocab_size': 33, 'ffn_size': 26, 'num_hidden_layers': 3, 'bos_token_id': 33, 'torch_dtype': 'float32'}
    folder = HERE / 'layered'
    folder.mkdir(exist_ok=True)
    torch.save(seeded(Layered, config).state_dict(), folder / 'pytorch_model.bin')
    (folder / 'config.json').write_text(json.dumps(config, indent=2) + '\n')
    derived(config)
    safetensors(seeded(Layered, {**config, 'ffn_size': 30}).state_dict(), HERE / 'layered_other.safetensors')


def derived(config):
    """What auto_gptq, awq and bitsandbytes make of a matrix of one layer, and peft's factors for it."""
    model = seeded(Layered, {**config, 'num_hidden_layers': 1}).half().state_dict()
    inputs, out = 16, 48

    def save(name, parts):
        kept = {key: tensor for key, tensor in model.items() if key != 'layers.0.qkv.weight'}
        torch.save({**kept, **{f'layers.0.qkv.{part}': torch.ones(sizes, dtype=dtype) for part, (dtype, sizes) in parts.items()}}, HERE / f'{name}.pt')
    ints, half, byte = torch.int32, torch.float16, torch.uint8
    save('gptq', {'qweight': (ints, (inputs // 8, out)), 'qzeros': (ints, (1, out // 8)), 'scales': (half, (1, out)), 'g_idx': (ints, (inputs,))})
    save('awq', {'qweight': (ints, (inputs, out // 8)), 'qzeros': (ints, (1, out // 8)), 'scales': (half, (1, out))})
    save('gptq_bent', {'qweight': (ints, (inputs // 8, out - 8)), 'qzeros': (ints, (1, out // 8)), 'scales': (half, (2, out)), 'g_idx': (ints, (inputs,))})
    save('four_bits', {'weight': (byte, (out * inputs // 2, 1)), 'weight.absmax': (byte, (out * inputs // 64,)), 'weight.quant_map': (torch.float32, (16,)),
                       'weight.nested_absmax': (torch.float32, (1,)), 'weight.nested_quant_map': (torch.float32, (256,)),
                       'weight.quant_state.bitsandbytes__nf4': (byte, (80,))})
    save('eight_bits', {'weight': (torch.int8, (out, inputs)), 'SCB': (torch.float32, (out,)), 'weight_format': (byte, ())})
    at = 'base_model.model.layers.0.'
    factors = {at + 'qkv.lora_A.weight': torch.rand(4, 16), at + 'qkv.lora_B.weight': torch.rand(48, 4), at + 'k.lora_A.weight': torch.rand(8, 16),
               at + 'k.lora_B.weight': torch.rand(12, 8), at + 'qkv.lora_magnitude_vector': torch.rand(48)}
    torch.save(factors, HERE / 'adapter.pt')
    torch.save({**{key: factors[key] for key in list(factors)[:3]}, at + 'mlp.0.lora_A.weight': torch.rand(8, 20), at + 'mlp.0.lora_B.weight': torch.rand(26, 8),
                at + 'strange.weight': torch.rand(2)}, HERE / 'adapter_half.pt')


def sharded():
    """A model in two files with their index, as save_pretrained writes it, and the same without a shard."""
    tensors = {f'layers.{i}.{name}': tensor for i in range(2) for name, tensor in seeded(SimpleLinearModel, 10, 2).state_dict().items()}
    for name, parts in (('sharded', 2), ('shard_missing', 1)):
        folder, keys = HERE / name, sorted(tensors)
        folder.mkdir(exist_ok=True)
        files = {key: f'model-0000{1 + i // 2}-of-00002.safetensors' for i, key in enumerate(keys)}
        for file in sorted(set(files.values()))[:parts]:
            safetensors({key: tensors[key] for key in keys if files[key] == file}, folder / file)
        index = {'metadata': {'total_size': sum(4 * t.numel() for t in tensors.values())}, 'weight_map': files}
        (folder / 'model.safetensors.index.json').write_text(json.dumps(index, indent=2) + '\n')


def resumed():
    """A training state: SGD with momentum and two groups, a scheduler, a model that was wrapped in DataParallel, what a config may hold."""
    model = seeded(SimpleLinearModel, 10, 2)
    wrapped = torch.nn.DataParallel(model)
    optimizer = torch.optim.SGD([{'params': [model.linear.weight]}, {'params': [model.linear.bias], 'lr': 0.5}], lr=0.1, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 2)
    for _ in range(3):
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(model(torch.rand(4, 10)), torch.zeros(4, 2)).backward()
        optimizer.step()
        scheduler.step()
    config = {'input_size': 10, 'output_size': 2, 'dropout': 0.5, 'bias': True, 'act': 'gelu', 'sizes': (3, 4), 'layers': [1, 2],
              'dtype': torch.float32, 'device': torch.device('cpu'), 'shape': torch.Size([2, 10]), 'nothing': None, 'inner': {'a': 1, 'b': [0.5]}}
    torch.save({'epoch': 2, 'model': wrapped.state_dict(), 'optimizer': optimizer.state_dict(), 'lr_scheduler': scheduler.state_dict(),
                'config': config, 'rng_state': torch.get_rng_state()[:16].clone(), 'best': float('nan'), 'history': [3.0, 2.0, 1.0]},
               HERE / 'resumed.pt')
    later = {**config, 'act': 'relu', 'dropout': 0.25, 'bias': False, 'sizes': (3, 5), 'dtype': torch.float16, 'inner': {'a': 2, 'b': [0.5], 'c': 2**70}}
    scaler = {'scale': 65536.0, 'growth_factor': 2.0, 'backoff_factor': 0.5, 'growth_interval': 2000, '_growth_tracker': 0}
    torch.save({'epoch': 3, 'model': wrapped.state_dict(), 'optimizer': optimizer.state_dict(), 'config': later, 'rng_state': torch.ones(16, dtype=torch.uint8)},
               HERE / 'resumed_later.pt')
    torch.save({'lr_scheduler': scheduler.state_dict(), 'scaler': scaler, 'rng': {'cpu': torch.ones(16, dtype=torch.uint8), 'python': 1}, 'args': config},
               HERE / 'no_weights.pt')
    torch.save(optimizer.state_dict(), HERE / 'optimizer.pt')
    own = {'state': {0: {'drift': 1.0}}, 'param_groups': optimizer.state_dict()['param_groups']}
    torch.save({'epoch': 3, 'loss': 0.5, 'model_state_dict': model.state_dict(), 'optimizer_state_dict': own}, HERE / 'own_optimizer.pt')


def other_tar():
    """More members than are looked at for one of torch's."""
    with tarfile.open(HERE / 'texts.tar', 'w', format=tarfile.USTAR_FORMAT) as tar:
        for i in range(33):
            tar.addfile(tarfile.TarInfo(f'{i}.txt'))


def wrapped():
    """What torch.compile and FSDP leave in the names; several state dicts in one file; halves of one model side by side; a quantised model."""
    own = seeded(SimpleLinearModel, 10, 2).state_dict()
    torch.save({f'_orig_mod.{key}': tensor for key, tensor in own.items()}, HERE / 'compiled.pt')
    torch.save({f'_fsdp_wrapped_module.linear._checkpoint_wrapped_module.{key[7:]}': t for key, t in own.items()}, HERE / 'fsdp.pt')
    torch.save({'model': own, 'ema': {key: tensor / 2 for key, tensor in own.items()}, 'epoch': 1}, HERE / 'several.pt')
    halves = {key[7:]: tensor for key, tensor in own.items()}
    torch.save({'model': {'encoder': halves, 'decoder': {key: 2 * tensor for key, tensor in halves.items()}}}, HERE / 'joined.pt')
    dynamic = torch.quantization.quantize_dynamic(seeded(SimpleLinearModel, 10, 2), {nn.Linear}, dtype=torch.qint8)
    torch.save(dynamic.state_dict(), HERE / 'quantized.pt')


def other_tensors():
    """Quantised, sparse and complex ones, each twice: other.pt has another number in each."""
    def made(x):
        numbers = torch.tensor([[x, 0.5, -1.0], [0.25, 2.0, 0.0]])
        scales, points = torch.tensor([0.1, x / 10]), torch.tensor([3, 0])
        return {'tensor': torch.quantize_per_tensor(numbers, x / 20, 10, torch.quint8),
                'channel': torch.quantize_per_channel(numbers, scales, points, 0, torch.qint8),
                'coo': numbers.to_sparse().coalesce(), 'csr': numbers.to_sparse_csr(), 'complex': torch.complex(numbers, numbers), 'plain': numbers,
                'double': numbers.double()}
    torch.save(made(1.0), HERE / 'tensors.pt')
    torch.save(made(1.5), HERE / 'tensors_other.pt')
    torch.save({'rows': numpy.rec.array([(1, 2.0), (3, 4.0)], dtype=[('a', '<i4'), ('b', '<f8')])}, HERE / 'records.pt')
    torch.save({'deep': torch.zeros([1] * 17), 'w': torch.ones(3)}, HERE / 'deep.pt')
    torch.save([torch.ones(2, 3), torch.zeros(2), 'more'], HERE / 'list.pt')
    with zipfile.ZipFile(HERE / 'folder.npz', 'w') as archive:
        array = io.BytesIO()
        numpy.save(array, numpy.arange(3.0))
        archive.writestr(zipfile.ZipInfo('a.npy'), array.getvalue())
        archive.writestr(zipfile.ZipInfo('folder/'), b'')
    for name, order in (('little', '<'), ('big', '>')):
        numpy.savez(HERE / f'{name}.npz', f=numpy.arange(4, dtype=order + 'f8'), c=numpy.array([1 + 2j, 3 - 4j], dtype=order + 'c16'),
                    i=numpy.arange(3, dtype=order + 'i2'))


def main():
    HERE.mkdir(exist_ok=True)
    torch.save(seeded(Mixed).eval(), HERE / 'mixed_module.pt')
    torch.save({'model_state_dict': seeded(Mixed).state_dict()}, HERE / 'mixed.pt')
    layered()
    sharded()
    resumed()
    wrapped()
    other_tensors()
    other_tar()
    cnn = seeded(SimpleCNN)
    torch.save(cnn.state_dict(), HERE / 'simple_cnn.pt')
    record('simple_cnn', 'simple_cnn', cnn, (1, 3, 28, 28), 'logits')

    linear = seeded(SimpleLinearModel, 10, 2)
    torch.save(linear.state_dict(), HERE / 'simple_linear.pt')
    record('simple_linear', 'simple_linear', linear, (1, 10), 'y')
    torch.save(linear.state_dict(), HERE / 'simple_linear_legacy.pt', _use_new_zipfile_serialization=False)
    safetensors(linear.state_dict(), HERE / 'simple_linear.safetensors')

    simple = seeded(SimpleModel)
    torch.save(simple.state_dict(), HERE / 'simple_model.pt')
    record('simple_model', 'simple_model', simple, (1, 10), 'y')
    torch.save(simple, HERE / 'whole_module.pt')

    custom = seeded(CustomModel)
    torch.save(custom.state_dict(), HERE / 'custom_model.pt')
    record('custom_model', 'custom_model', custom, (1, 10), 'y')

    config = {'input_dim': 10, 'hidden_dim': 20, 'output_dim': 2}
    complex_model = seeded(ComplexModel, *config.values())
    torch.save({'config': config, 'state_dict': complex_model.state_dict()}, HERE / 'complex_model.pt')
    record('complex_model', 'complex_model', complex_model, (1, 10), 'y')

    training_checkpoint()


if __name__ == '__main__':
    main()
    print('torch', torch.__version__, 'numpy', numpy.__version__, 'python', sys.version.split()[0])
