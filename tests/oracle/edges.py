"""Forward passes at their edges: shapes that do not fit, sizes of nothing, values that no memory holds, NaN that comes in or is made, tokens
that no table has, limits. PyTorch refuses what is called a shape error here; everything ends in a finding that says where, and never in a
crash. Needs Debian's python3-torch."""
import json
import os
import subprocess
import sys
import tempfile

try:
    import numpy
    import torch
    import torch.nn.functional as F
    from found import Tally
except ImportError:
    print("SKIPPED edges: python3-torch is not installed")
    sys.exit(0)

MODULES = {"l": "Linear(4, 4)", "e": "Embedding(10, 4)", "n": "LayerNorm(4)", "r": "LSTM(4, 4, batch_first=True)", "z": "BatchNorm1d(4)"}
ONES, EMPTY, IDS = numpy.ones((2, 4), "f4"), numpy.ones((0, 4), "f4"), numpy.array([[1, 2, 3]])
NAN, INF = ONES.copy(), ONES.copy()
NAN[1, 2], INF[0, 0] = numpy.nan, numpy.inf
NO_TOKENS = numpy.ones((1, 0), "i8")
MANY = numpy.ones((4, 4), "f4")
FLOATS, TOKENS = "float32[B, 4]", "int64[B, T]"

# Statement, input, its port, exit code, rule and reason (None: a clean answer), words of the message, options.
CASES = [
    # shapes that do not fit
    ("x.view(3, 3)", ONES, FLOATS, 1, "FWD702/shape", "view"),
    ("x @ l.weight[:3]", ONES, FLOATS, 1, "FWD702/shape", "matmul"),
    ("x + x[:, :3]", ONES, FLOATS, 1, "FWD702/shape", "[2, 4] and [2, 3]"),
    ("cat((x, x[:, :3]), 0)", ONES, FLOATS, 1, "FWD702/shape", "cat"),
    ("l(x[:, :3])", ONES, FLOATS, 1, "FWD702/shape", "does not end in 4"),
    ("x.transpose(0, 2)", ONES, FLOATS, 1, "FWD702/shape", "transpose"),
    ("l(x)", ONES, "float32[B, 5]", 2, "FWD706/input-shape", "float32[2, 4]"),
    ("l(x)", IDS, FLOATS, 2, "FWD706/input-shape", "int64[1, 3]"),
    # sizes of nothing
    ("l(x)", EMPTY, FLOATS, 0, "FWD705/empty", "[0, 4]"),
    ("n(x)", EMPTY, FLOATS, 0, "FWD705/empty", "[0, 4]"),
    ("l(x[:, :0])", ONES, FLOATS, 1, "FWD702/shape", "linear: input [2, 0]"),
    ("x[:, :0].max(1)", ONES, FLOATS, 1, "FWD702/shape", "no elements"),
    ("x[:, :0].sum(1)", ONES, FLOATS, 0, None, ""),
    ("conv2d(x[:, :0].view(1, 1, 2, 0), l.weight.view(1, 1, 4, 4))", ONES, FLOATS, 1, "FWD702/shape", "conv2d"),
    ("max_pool1d(x[:, :0].view(1, 2, 0), 2)", ONES, FLOATS, 1, "FWD702/shape", "max_pool1d"),
    # no tokens
    ("e(x)", NO_TOKENS, TOKENS, 0, "FWD705/empty", "[1, 0, 4]"),
    ("softmax(e(x) @ e(x).transpose(1, 2), -1) @ e(x)", NO_TOKENS, TOKENS, 0, "FWD705/empty", "[1, 0, 4]"),
    ("sdpa(e(x)[:, None], e(x)[:, None], e(x)[:, None], causal=True)", NO_TOKENS, TOKENS, 0, "FWD705/empty", "[1, 1, 0, 4]"),
    ("e(x)[:, -1]", NO_TOKENS, TOKENS, 1, "FWD702/shape", ""),
    ("e(x).mean(1)", NO_TOKENS, TOKENS, 1, "FWD701/nonfinite", "e(x).mean(1)"),
    ("r(e(x))[0]", NO_TOKENS, TOKENS, 1, "FWD702/shape", ""),
    # tokens that the table has not
    ("e(x)", numpy.array([[1, 10]]), TOKENS, 1, "FWD702/shape", "10 is no row of a table of 10"),
    ("e(x)", numpy.array([[1, -1]]), TOKENS, 1, "FWD702/shape", "-1 is no row"),
    ("e(x)", numpy.array([[1, 2**62]]), TOKENS, 1, "FWD702/shape", "is no row"),
    # what no memory holds
    ("zeros(1099511627776) + x[0, 0]", ONES, FLOATS, 2, "LIM805/forward-memory", ""),
    ("x.expand(1048576, 2, 4).reshape(-1, 8) @ x.expand(1048576, 2, 4).reshape(8, -1)", ONES, FLOATS, 2, "LIM805/forward-memory", ""),
    ("(x.view(8, 1, 1).expand(8, 1048576, 131072) * 2).sum()", ONES, FLOATS, 2, "LIM805/forward-memory", ""),
    ("zeros(2 ** 62, 8)", ONES, FLOATS, 1, "FWD702/shape", "too many elements"),
    ("x.expand(2 ** 61, 2, 4) + 1", ONES, FLOATS, 1, "FWD702/shape", ""),
    # NaN and infinity, that come in or are made
    ("l(x)", NAN, FLOATS, 1, "FWD701/nonfinite", "input x"),
    ("n(x)", INF, FLOATS, 1, "FWD701/nonfinite", "input x"),
    ("l(x / 0)", ONES, FLOATS, 1, "FWD701/nonfinite", "l(x / 0)"),
    ("l(log(x - 2))", ONES, FLOATS, 1, "FWD701/nonfinite", "log(x - 2)"),
    ("where(x == x, x, 0.0)", NAN, FLOATS, 0, None, ""),
    # layers that make nothing of what comes in; a zero that goes on is told where it began
    ("z(l(x))", MANY, FLOATS, 0, "FWD708/dead-layer", "`z(l(x))`"),
    ("n(z(l(x)))", MANY, FLOATS, 0, "FWD708/dead-layer", "batch_norm1d gives 16 zeros"),
    ("relu(l(x) - 1000)", MANY, FLOATS, 0, "FWD708/dead-layer", "relu gives 16 zeros"),
    ("z(l(x))", ONES, FLOATS, 0, None, ""),
    # limits
    ("l(x)", ONES, FLOATS, 2, "LIM806/forward-flops", "the limit is 10", "--max-flops", "10"),
    ("l(x)", ONES, FLOATS, 0, None, "", "--max-flops", "1000"),
    ("l(x)", ONES, FLOATS, 2, "LIM805/forward-memory", "more than 10 bytes", "--max-mem", "10"),
    ("l(x)", ONES, FLOATS, 0, None, "", "--max-mem", "100000"),
]


# What the text says of a pass, and does not: the statement, x, recorded outputs, words.
ANSWERS = [
    ("l(x)", ONES, {}, ["computes; correctness unknown (there is no golden)", "correctness unknown: there is no recorded output"], ["golden says", "differs"]),
    ("l(x)", NAN, {}, ["makes NaN or infinity"], ["differs", "computes", "unknown"]),
    ("l(x), x", ONES, {"output1": ONES}, ["computes what the golden says", "correctness unknown of output output0"], ["there is no recorded output"]),
    ("l(x), x", NAN, {"output1": ONES}, ["differs from the golden"], ["unknown"]),
    ("x * 1, l(x) * 0", ONES, {"output0": ONES, "output1": ONES}, ["differs from the golden"], ["unknown"]),
]


def call(folder, state, statement, value, port, *options):
    def at(name):
        return os.path.join(folder, name)
    numpy.save(at("x.npy"), value)
    with open(at("a.json"), "w") as f:
        json.dump({"arch": 1, "name": "Edges", "modules": MODULES, "inputs": {"x": port}, "forward(x)": [statement]}, f)
    return subprocess.run([os.environ["CKPTLINT"], "forward", state, "--arch", at("a.json"), "--input", "x=" + at("x.npy"), *options],
                          capture_output=True, text=True)


def run(folder, state, statement, value, port, *options):
    done = call(folder, state, statement, value, port, "--format", "json", *options)
    return done.returncode, json.loads(done.stdout)["files"][0]


def answer(folder, state, statement, value, recorded, there, absent):
    options = []
    for name, numbers in recorded.items():
        numpy.save(os.path.join(folder, name + ".npy"), numbers)
        options += ["--expect", name + "=" + os.path.join(folder, name + ".npy")]
    text = " ".join(line for line in call(folder, state, statement, value, FLOATS, *options).stdout.split("\n") if "[FWD" not in line)
    text = text.split("forward: ")[1]
    wrong = ["lacks " + words for words in there if words not in text] + ["has " + words for words in absent if words in text]
    return "; ".join(wrong + [text]) if wrong else None


def wrong(code, report, want_code, reason, words):
    found = {f["rule"] + "/" + f["reason"]: f["message"] for f in report.get("findings", [])}
    if code != want_code or (reason is not None and reason not in found):
        return "exit %d: %s" % (code, "; ".join(k + " " + v for k, v in found.items()))
    return None if reason is None or words in found[reason] else "the message is: " + found[reason]


def torch_refuses(statement, value, modules):
    """Where torch can be asked: a statement of its own functions."""
    names = {**{k: getattr(torch, k) for k in ("cat", "zeros", "softmax")}, "conv2d": F.conv2d, "max_pool1d": F.max_pool1d, **modules}
    try:
        eval(statement, {**names, "x": torch.from_numpy(value)})
    except (RuntimeError, IndexError):
        return True
    return False


def main():
    torch.manual_seed(2)
    modules = {"l": torch.nn.Linear(4, 4), "e": torch.nn.Embedding(10, 4), "n": torch.nn.LayerNorm(4), "r": torch.nn.LSTM(4, 4, batch_first=True),
               "z": torch.nn.BatchNorm1d(4).eval()}
    torch.nn.init.zeros_(modules["z"].weight)  # as the last one of a block of ResNet, when zero_init_residual is asked for
    tally = Tally()
    with tempfile.TemporaryDirectory() as folder:
        state = os.path.join(folder, "m.pt")
        torch.save(torch.nn.ModuleDict(modules).state_dict(), state)
        for statement, value, port, code, reason, words, *options in CASES:
            name = "%s of %s %s" % (statement, list(value.shape), " ".join(options))
            tally.check(name, wrong(*run(folder, state, statement, value, port, *options), code, reason, words))
            if reason == "FWD702/shape":
                tally.check(name + ": torch refuses it", None if torch_refuses(statement, value, modules) else "it does not")
        for statement, value, recorded, there, absent in ANSWERS:
            tally.check("what is said of %s" % statement, answer(folder, state, statement, value, recorded, there, absent))
    return tally.end()


if __name__ == "__main__":
    sys.exit(main())
