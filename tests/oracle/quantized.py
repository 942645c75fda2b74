"""Quantised modules as torch.ao.quantization makes them: ckptlint must find their keys in what torch saves, and compute from the
integers and scales what torch computes, to one step of the output. Needs Debian's python3-torch."""
import copy
import json
import os
import subprocess
import sys
import tempfile
import warnings

try:
    import numpy
    import torch
    from torch import nn
    import torch.ao.nn.quantized.dynamic
    from torch.ao import quantization as tq
    from found import Tally
except ImportError:
    print("SKIPPED quantized: python3-torch is not installed")
    sys.exit(0)

warnings.simplefilter("ignore")
ENGINES = [e for e in ("qnnpack", "onednn") if e in torch.backends.quantized.supported_engines]

# Layers between the quantisation and its end, and the shape of the input.
STATIC = [
    ([nn.Linear(6, 5)], (4, 6)),
    ([nn.Linear(6, 5, bias=False)], (2, 3, 6)),
    ([nn.Linear(6, 5), nn.ReLU()], (4, 6)),
    ([nn.Conv2d(3, 4, 3)], (2, 3, 6, 7)),
    ([nn.Conv2d(4, 6, (3, 2), stride=2, padding=1, dilation=2, groups=2, bias=False)], (2, 4, 9, 8)),
    ([nn.Conv2d(3, 4, 3, padding=1), nn.ReLU()], (2, 3, 6, 7)),
    ([nn.Conv2d(2, 4, 3, padding=1, padding_mode="reflect")], (1, 2, 6, 7)),
    ([nn.Conv1d(3, 4, 3, padding=2)], (2, 3, 9)),
    ([nn.Conv1d(3, 4, 3), nn.ReLU()], (2, 3, 9)),
    ([nn.Conv3d(2, 3, 2, padding=1)], (2, 2, 4, 5, 3)),
    ([nn.Conv2d(3, 8, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8 * 4 * 4, 10)], (2, 3, 10, 10)),
    ([nn.ConvTranspose1d(3, 4, 3, stride=2)], (2, 3, 5)),
    ([nn.ConvTranspose2d(3, 4, 3, stride=2, padding=1, output_padding=1)], (2, 3, 5, 6)),
]
DYNAMIC = [
    ([nn.Linear(6, 5)], (4, 6)),
    ([nn.Linear(6, 5, bias=False)], (4, 6)),
    ([nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 8)], (4, 16)),
]


class Net(nn.Module):
    def __init__(self, layers):
        super().__init__()
        self.quant, self.dequant, self.n = tq.QuantStub(), tq.DeQuantStub(), len(layers)
        for i, layer in enumerate(layers):
            setattr(self, "l%d" % i, copy.deepcopy(layer))

    def forward(self, x):
        x = self.quant(x)
        for i in range(self.n):
            x = getattr(self, "l%d" % i)(x)
        return self.dequant(x)


class Sum(nn.Module):
    def __init__(self):
        super().__init__()
        self.quant, self.dequant, self.l0, self.add = tq.QuantStub(), tq.DeQuantStub(), nn.Linear(6, 6), nn.quantized.FloatFunctional()

    def forward(self, x):
        x = self.quant(x)
        return self.dequant(self.add.add(x, self.l0(x)))


def static_model(net, shape, engine, by_channel):
    """None: this engine has not all of it."""
    torch.backends.quantized.engine = engine
    weight = tq.default_per_channel_weight_observer if by_channel else tq.default_weight_observer
    net.qconfig = tq.QConfig(activation=tq.default_observer.with_args(dtype=torch.quint8), weight=weight)
    pairs = [("l%d" % i, "l%d" % (i + 1)) for i in range(getattr(net, "n", 1) - 1)
             if hasattr(getattr(net, "l%d" % i), "weight") and isinstance(getattr(net, "l%d" % (i + 1)), nn.ReLU)]
    net.eval()
    if pairs:
        net = tq.fuse_modules(net, [list(p) for p in pairs])
    try:
        tq.prepare(net, inplace=True)
        for _ in range(4):
            net(torch.randn(shape))
        net = tq.convert(net)
        net(torch.randn(shape))
        net.state_dict()
    except (RuntimeError, AssertionError):
        return None
    return net


def line(module):
    """The module's line in an architecture file: its name as print(model) has it, and its constructor's arguments."""
    name = module._get_name().replace("Tranpose", "Transpose")  # so torch 1.13 has it
    if name == "Flatten":
        return "Flatten(%d)" % module.start_dim
    if name == "MaxPool2d":
        return "MaxPool2d(%r)" % module.kernel_size
    if "Linear" in name:
        return "%s(%d, %d, %r)" % (name, module.in_features, module.out_features, module.bias() is not None)
    if "Conv" not in name:
        return name + "()"
    args = [module.in_channels, module.out_channels, module.kernel_size, module.stride, module.padding]
    rest = [module.groups, module.bias() is not None]
    args += [module.output_padding, *rest, module.dilation] if "Transpose" in name else [module.dilation, *rest, module.padding_mode]
    return "%s(%s)" % (name, ", ".join(map(repr, args)))


def ckptlint(folder, model, x, y, statement, rtol, atol, state=None):
    """Exit code and report of a forward of the model's state dict against what torch says."""
    def at(name):
        return os.path.join(folder, name)
    modules = {"layer": model.text} if isinstance(model, Alone) else {name: line(m) for name, m in model.named_children() if not isinstance(m, nn.Identity)}
    torch.save(state or model.state_dict(), at("m.pt"))
    numpy.save(at("x.npy"), x.numpy())
    numpy.save(at("y.npy"), y.detach().numpy())
    with open(at("arch.json"), "w") as f:
        json.dump({"arch": 1, "name": "Net", "modules": modules, "inputs": {"x": ("float32[%s]" if x.is_floating_point() else "int64[%s]") % ", ".join(map(str, x.shape))},
                   "forward(x)": statement.split("; ")}, f)
    tolerances = [] if rtol is None else ["--rtol", repr(rtol), "--atol", repr(atol)]
    run = subprocess.run([os.environ["CKPTLINT"], "forward", at("m.pt"), "--arch", at("arch.json"), "--input", "x=" + at("x.npy"),
                          "--expect", at("y.npy"), "--format", "json", *tolerances], capture_output=True, text=True)
    return run.returncode, json.loads(run.stdout)["files"][0]


def wrong(code, report, want=0):
    said = "; ".join(f["rule"] + " " + f["message"] for f in report.get("findings", []))
    return None if code == want else "exit %d: %s" % (code, said)


def chain(model):
    calls = "quant(x)"
    for i in range(model.n):
        if not isinstance(getattr(model, "l%d" % i), nn.Identity):
            calls = "l%d(%s)" % (i, calls)
    return "dequant(%s)" % calls


def check_static(tally, folder):
    networks = [(Net(layers), shape) for layers, shape in STATIC] + [(Sum(), (4, 6))]
    computed = {e: 0 for e in ENGINES}
    for engine in ENGINES:
        for net, shape in networks:
            for by_channel in (False, True):
                torch.manual_seed(3)
                model = static_model(copy.deepcopy(net), shape, engine, by_channel)
                if model is None:
                    continue
                computed[engine] += 1
                x = torch.randn(shape)
                scale = float([m for m in model.children() if hasattr(m, "scale") and m is not model.quant][-1].scale)
                statement = "y = quant(x); dequant(add(y + l0(y)))" if isinstance(net, Sum) else chain(model)
                name = "%s, %s, %s" % (", ".join(line(m) for m in model.children()), engine, "by channel" if by_channel else "one scale")
                tally.check(name, wrong(*ckptlint(folder, model, x, model(x), statement, 0.0, 1.01 * scale)))
    for engine, n in computed.items():
        tally.check("%s: %d models" % (engine, n), None if n >= 20 else "the engine refuses the others")


def check_spoiled(tally, folder):
    """The integers, scales and zero points all matter; the unspoiled is the control."""
    torch.manual_seed(7)
    model = static_model(Net([nn.Linear(6, 5)]), (4, 6), ENGINES[0], True)
    x = torch.randn(4, 6)
    y, statement, atol = model(x), chain(model), 1.01 * float(model.l0.scale)

    def spoil(change):
        state = model.state_dict()
        key = "l0._packed_params._packed_params"
        weight, bias = state[key]
        change(state, key, weight, bias)
        return wrong(*ckptlint(folder, model, x, y, statement, 0.0, atol, state), 1)
    tally.check("unspoiled", wrong(*ckptlint(folder, model, x, y, statement, 0.0, atol)))
    remake = torch._make_per_channel_quantized_tensor

    def other(weight, integers=None, scales=None, points=None):
        return remake(weight.int_repr() if integers is None else integers, weight.q_per_channel_scales() if scales is None else scales,
                      weight.q_per_channel_zero_points() if points is None else points, 0)
    tally.check("other integers", spoil(lambda s, k, w, b: s.update({k: (other(w, integers=w.int_repr().flip(0)), b)})))
    tally.check("other scales", spoil(lambda s, k, w, b: s.update({k: (other(w, scales=w.q_per_channel_scales() * 2), b)})))
    tally.check("other zero points", spoil(lambda s, k, w, b: s.update({k: (other(w, points=w.q_per_channel_zero_points() + 60), b)})))
    tally.check("another bias", spoil(lambda s, k, w, b: s.update({k: (w, b + 1)})))
    tally.check("no bias", spoil(lambda s, k, w, b: s.update({k: (w, None)})))
    tally.check("a weight of another shape", spoil(lambda s, k, w, b: s.update({k: (torch.quantize_per_tensor(torch.ones(5, 7), 0.1, 0, torch.qint8), b)})))
    tally.check("no tuple", spoil(lambda s, k, w, b: s.update({k: w})))
    tally.check("another scale of the output", spoil(lambda s, k, w, b: s.update({"l0.scale": torch.tensor(0.5)})))
    tally.check("a tensor for the dtype", spoil(lambda s, k, w, b: s.update({"l0._packed_params.dtype": b})))


def check_dynamic(tally, folder):
    """PyTorch rounds the input, too, in a way that depends on its engine: the tolerance for quantised weights covers it."""
    for engine in ENGINES:
        for layers, shape in DYNAMIC:
            torch.backends.quantized.engine = engine
            torch.manual_seed(5)
            model = Net(layers).eval()
            model.quant = model.dequant = nn.Identity()
            model = tq.quantize_dynamic(model, {nn.Linear}, dtype=torch.qint8)
            x = torch.randn(shape)
            y = model(x)
            statement = chain(model).replace("dequant", "").replace("quant", "")
            name = "%s, %s" % (", ".join(line(m) for m in model.children()), engine)
            tally.check(name, wrong(*ckptlint(folder, model, x, y, statement, None, None)))
            tally.check(name + ", another output", wrong(*ckptlint(folder, model, x, y + 0.1, statement, None, None), 1))


def check_dynamic_convolutions(tally, folder):
    """Their keys are known; they are not computed, by name."""
    torch.backends.quantized.engine = ENGINES[-1]
    for kind, args, shape in (("Conv1d", "(3, 4, 3, padding=1)", (2, 3, 6)), ("Conv2d", "(2, 4, (3, 2), stride=2, groups=2)", (2, 2, 6, 7)),
                              ("Conv3d", "(2, 3, 2, bias=False)", (1, 2, 4, 4, 3)), ("ConvTranspose2d", "(3, 2, 3, 2, 1)", (1, 3, 4, 5))):
        model = Alone(eval("qd.%s%s" % (kind, args), {"qd": torch.ao.nn.quantized.dynamic}), "DynamicQuantized%s%s" % (kind, args))
        code, report = ckptlint(folder, model, torch.randn(shape), torch.zeros(1), "layer(x)", None, None)
        said = wrong(code, report, 2)
        named = "DynamicQuantized" + kind in " ".join(f["message"] for f in report["findings"])
        tally.check(model.text, said or (None if report["check"]["missing"] == report["check"]["mismatched"] == 0 and named else "not by name"))


class Alone(nn.Module):
    def __init__(self, layer, text):
        super().__init__()
        self.layer, self.text = layer, text


def check_tables(tally, folder):
    """The numbers of a table are what its integers stand for: nothing is rounded on the way."""
    torch.manual_seed(8)
    for layer, args in ((nn.Embedding(10, 6), "(10, 6)"), (nn.EmbeddingBag(10, 6, mode="sum"), "(10, 6)")):
        layer.qconfig = tq.float_qparams_weight_only_qconfig
        kind = type(layer).__name__
        made = getattr(torch.ao.nn.quantized, kind).from_float(tq.prepare(layer))
        model = Alone(made, "Quantized%s%s" % (kind, args))
        x, offsets = torch.randint(10, (7,)), torch.tensor([0, 3, 3])
        y = made(x) if kind == "Embedding" else made(x, offsets)
        statement = "layer(x)" if kind == "Embedding" else "layer(x, tensor([0, 3, 3]))"
        tally.check(model.text, wrong(*ckptlint(folder, model, x, y, statement, 1e-5, 1e-6)))
        tally.check(model.text + ", another output", wrong(*ckptlint(folder, model, x, y * 1.001, statement, 1e-5, 1e-6), 1))


def main():
    tally = Tally()
    with tempfile.TemporaryDirectory() as folder:
        check_static(tally, folder)
        check_spoiled(tally, folder)
        check_dynamic(tally, folder)
        check_dynamic_convolutions(tally, folder)
        check_tables(tally, folder)
    sys.exit(tally.end())


if __name__ == "__main__":
    main()
