"""The forward pass beside PyTorch: whole processes from nothing to an output, the passes alone, and memory against its bound. One thread
each. Of several runs the least CPU time counts, which other work on the machine disturbs least; the processes have one thread and
wait for nothing.

    forward.py [RUNS]    writes models and prints the rows. CKPTLINT: the program."""
import json
import math
import os
import subprocess
import sys
import tempfile
import time

import torch
import torch.nn.functional as F

WIDTH, LAYERS, HEADS, INNER, VOCABULARY, LENGTH = 768, 12, 12, 3072, 30522, 128
STAGES = [(64, 1), (128, 2), (256, 2), (512, 2)]


# ---- models: random state dicts, and their forward by PyTorch's functions ----

def resnet18_state():
    state = {}

    def conv(name, o, i, k):
        state[name + ".weight"] = torch.randn(o, i, k, k) * math.sqrt(2 / (i * k * k))

    def norm(name, n):
        state.update({name + ".weight": torch.rand(n) + 0.5, name + ".bias": torch.randn(n) * 0.1, name + ".running_mean": torch.randn(n) * 0.1,
                      name + ".running_var": torch.rand(n) + 0.5, name + ".num_batches_tracked": torch.tensor(1)})

    conv("conv1", 64, 3, 7)
    norm("bn1", 64)
    before = 64
    for s, (n, stride) in enumerate(STAGES, 1):
        for b in range(2):
            p = f"layer{s}.{b}."
            conv(p + "conv1", n, before, 3)
            norm(p + "bn1", n)
            conv(p + "conv2", n, n, 3)
            norm(p + "bn2", n)
            if stride != 1 and b == 0:
                conv(p + "downsample.0", n, before, 1)
                norm(p + "downsample.1", n)
            before = n
    state["fc.weight"], state["fc.bias"] = torch.randn(1000, 512) * 0.04, torch.zeros(1000)
    return state


def resnet18(state, x):
    def norm(x, name):
        return F.batch_norm(x, *(state[f"{name}.{k}"] for k in ("running_mean", "running_var", "weight", "bias")))

    x = F.max_pool2d(F.relu(norm(F.conv2d(x, state["conv1.weight"], None, 2, 3), "bn1")), 3, 2, 1)
    for s, (_, stride) in enumerate(STAGES, 1):
        for b in range(2):
            p, step = f"layer{s}.{b}.", stride if b == 0 else 1
            y = F.relu(norm(F.conv2d(x, state[p + "conv1.weight"], None, step, 1), p + "bn1"))
            y = norm(F.conv2d(y, state[p + "conv2.weight"], None, 1, 1), p + "bn2")
            if step != 1:
                x = norm(F.conv2d(x, state[p + "downsample.0.weight"], None, step), p + "downsample.1")
            x = F.relu(x + y)
    return F.linear(x.mean((2, 3)), state["fc.weight"], state["fc.bias"])


def bert_state():
    state = {"embeddings.word_embeddings.weight": torch.randn(VOCABULARY, WIDTH) * 0.02,
             "embeddings.position_embeddings.weight": torch.randn(512, WIDTH) * 0.02,
             "embeddings.token_type_embeddings.weight": torch.randn(2, WIDTH) * 0.02}

    def pair(name, weight):
        state[name + ".weight"], state[name + ".bias"] = weight, torch.randn(weight.shape[0]) * 0.02

    def norm(name):
        pair(name, 1 + torch.randn(WIDTH) * 0.02)

    norm("embeddings.LayerNorm")
    for i in range(LAYERS):
        p = f"encoder.layer.{i}."
        for name in ("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"):
            pair(p + name, torch.randn(WIDTH, WIDTH) * 0.02)
        norm(p + "attention.output.LayerNorm")
        pair(p + "intermediate.dense", torch.randn(INNER, WIDTH) * 0.02)
        pair(p + "output.dense", torch.randn(WIDTH, INNER) * 0.02)
        norm(p + "output.LayerNorm")
    pair("pooler.dense", torch.randn(WIDTH, WIDTH) * 0.02)
    return state


def bert(state, ids):
    def dense(x, name):
        return F.linear(x, state[name + ".weight"], state[name + ".bias"])

    def norm(x, name):
        return F.layer_norm(x, (WIDTH,), state[name + ".weight"], state[name + ".bias"], 1e-12)

    def heads(x):
        return x.view(x.shape[0], x.shape[1], HEADS, -1).transpose(1, 2)

    e = "embeddings."
    x = F.embedding(ids, state[e + "word_embeddings.weight"]) + state[e + "token_type_embeddings.weight"][0]
    x = norm(x + state[e + "position_embeddings.weight"][: ids.shape[1]], e + "LayerNorm")
    for i in range(LAYERS):
        p = f"encoder.layer.{i}."
        q, k, v = (heads(dense(x, p + "attention.self." + name)) for name in ("query", "key", "value"))
        a = torch.softmax(q @ k.transpose(-1, -2) / math.sqrt(WIDTH // HEADS), -1) @ v
        x = norm(dense(a.transpose(1, 2).flatten(2), p + "attention.output.dense") + x, p + "attention.output.LayerNorm")
        x = norm(dense(F.gelu(dense(x, p + "intermediate.dense")), p + "output.dense") + x, p + "output.LayerNorm")
    return x


MODELS = {"resnet18": (resnet18_state, resnet18, lambda: torch.rand(1, 3, 224, 224)),
          "bert": (bert_state, bert, lambda: torch.randint(VOCABULARY, (1, LENGTH)))}
# The largest values of the passes: 64 maps of 112² of the first convolution, and the inner layer of a block; in bytes.
LARGEST = {"resnet18": 4 * 64 * 112 * 112, "bert": 4 * LENGTH * INNER}
LARGEST_HALF_LAYER = {"resnet18": 4 * 512 * 512 * 9, "bert": 4 * VOCABULARY * WIDTH}  # where weights are converted


# ---- what a process does that has nothing but PyTorch ----

def run_torch(name, folder, repeat):
    torch.set_num_threads(1)
    state, forward, least = torch.load(f"{folder}/{name}.pt"), MODELS[name][1], math.inf
    x = torch.load(f"{folder}/{name}.x.pt")
    with torch.no_grad():
        for _ in range(repeat):
            begin = time.process_time()
            forward(state, x)
            least = min(least, time.process_time() - begin)
    print(least)


# ---- measuring ----

def measure(command, runs):
    """The least CPU time of a command with its children in seconds, and its output."""
    least = math.inf
    for _ in range(runs):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        out = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        least = min(least, used.ru_utime + used.ru_stime)
    return least, out


def private_memory(command):
    """MiB of its largest process, without the pages of the file."""
    watch = os.path.join(os.path.dirname(os.environ["CKPTLINT"]), "tests/bench/measure")
    return float(subprocess.run([watch, "1", *command], capture_output=True, text=True).stdout.split()[1])


def row(label, ours, theirs, what, target):
    print("%-44s %9.1f ms   %6.2f x %s (%.1f ms)   %s" % (label, ours * 1e3, ours / theirs, what, theirs * 1e3, target))


def write_model(name, folder, half):
    make_state, forward, make_input = MODELS[name]
    torch.manual_seed(0)
    state, x = make_state(), make_input()
    if half:
        state = {k: v.half() if v.is_floating_point() else v for k, v in state.items()}
    torch.save(state, f"{folder}/{name}.pt")
    torch.save(x, f"{folder}/{name}.x.pt")
    import numpy
    numpy.save(f"{folder}/{name}.x.npy", x.numpy())
    with torch.no_grad():
        y = forward({k: v.float() if v.is_floating_point() else v for k, v in state.items()}, x)
    numpy.save(f"{folder}/{name}.y.npy", y.numpy())


def commands(name, folder):
    with open(f"{folder}/bert.json", "w") as f:
        json.dump({"model_type": "bert", "architectures": ["BertModel"]}, f)
    arch = ["--arch", "resnet18"] if name == "resnet18" else ["--config", f"{folder}/bert.json"]
    tail = [f"{folder}/{name}.pt", *arch, "--format", "json"]
    port = "x" if name == "resnet18" else "ids"
    return [os.environ["CKPTLINT"], "check", *tail], [os.environ["CKPTLINT"], "forward", *tail, "--input", f"{port}={folder}/{name}.x.npy",
                                                       "--expect", f"{folder}/{name}.y.npy", "--rtol", "1e-3", "--atol", "1e-3"]


def memory_row(name, half, check, forward):
    """What the pass counts, and what the kernel sees beside the pages of the file; OpenBLAS and its buffers are in that."""
    report = json.loads(measure(forward, 1)[1])["files"][0]["forward"][0]
    bound = 2 * LARGEST[name] + (LARGEST_HALF_LAYER[name] if half else 0)
    print("%-44s %9.1f MiB  %6.2f x two values%s (%.1f MiB); process %.1f MiB, of a check %.1f; %s" % (
        "forward, memory: " + name + (" in float16" if half else ""), report["memory"] / 2**20, report["memory"] / bound,
        " and a layer" if half else "", bound / 2**20, private_memory(forward), private_memory(check), report["status"]))


def main():
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with tempfile.TemporaryDirectory() as folder:
        for name in MODELS:
            write_model(name, folder, False)
            check, forward = commands(name, folder)
            script = [sys.executable, __file__, "torch", name, folder]
            whole, beside, torch_whole = (measure(c, runs)[0] for c in (forward, check, script + ["1"]))
            torch_alone = float(measure(script + [str(4 * runs)], 1)[1])
            row("forward, whole process: " + name, whole, torch_whole, "import torch, load, run", "at most 0.33, aim 0.2")
            row("forward alone: " + name, whole - beside, torch_alone, "torch", "at most 1.5")
            memory_row(name, False, check, forward)
            write_model(name, folder, True)
            memory_row(name, True, check, forward)


if __name__ == "__main__":
    if sys.argv[1:2] == ["torch"]:
        run_torch(sys.argv[2], sys.argv[3], int(sys.argv[4]))
    else:
        main()
