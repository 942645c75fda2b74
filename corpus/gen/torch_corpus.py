#!/usr/bin/python3
"""Writes corpus/benign: small checkpoints saved by torch itself, and what their models answer to torch.rand with seed 0.

Not run by the tests: the files are committed. They were made by torch 1.13.0a0 and numpy 1.24.2 of Debian 12
(python3-torch 1.13.1+dfsg-4) under Python 3.11.2, on a CPU. Run it from the top folder; nothing but zip padding depends on the
machine.
"""
import json
import pathlib
import sys

import numpy
import torch

sys.path.insert(0, 'tests/oracle')
from tutorials import ComplexModel, CustomModel, SimpleCNN, SimpleLinearModel, SimpleModel  # noqa: E402

# A whole-module save names its class: as a script of the user's would, in __main__.
for cls in (ComplexModel, CustomModel, SimpleCNN, SimpleLinearModel, SimpleModel):
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


def main():
    HERE.mkdir(exist_ok=True)
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
