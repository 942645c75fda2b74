"""What a forward pass needs beside the file's own pages: at most two of its largest values, and its largest layer where weights are converted.
The models are the bench's; BERT's layers, which are alike, are two. Needs Debian's python3-torch."""
import json
import os
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "bench"))
try:
    import forward as bench
except ImportError:
    print("SKIPPED forward_memory: python3-torch is not installed")
    sys.exit(0)

from found import Tally

BLAS = 40  # MiB for what OpenBLAS keeps itself
EDGES = 4096  # bytes: values begin at multiples of a cache line


def commands(name, folder):
    check, forward = bench.commands(name, folder)
    with open(os.path.join(folder, "bert.json"), "w", encoding="utf-8") as out:
        json.dump({"model_type": "bert", "architectures": ["BertModel"], "num_hidden_layers": bench.LAYERS}, out)
    return check, forward


def wrong(name, half, folder):
    bench.write_model(name, folder, half)
    check, forward = commands(name, folder)
    report = json.loads(bench.measure(forward, 1)[1])["files"][0]["forward"][0]
    bound = 2 * bench.LARGEST[name] + (bench.LARGEST_HALF_LAYER[name] if half else 0)
    if report["status"] != "pass":
        return "the output is not torch's"
    if report["memory"] > bound + EDGES:
        return "it counts %d bytes, the bound is %d" % (report["memory"], bound)
    more = bench.private_memory(forward) - bench.private_memory(check)
    print("%s%s: counts %.1f MiB of %.1f, the process %.1f MiB more than a check" % (name, " in float16" if half else "", report["memory"] / 2**20, bound / 2**20, more))
    return None if more <= bound / 2**20 + BLAS else "%.1f MiB more than a check, the bound is %.1f" % (more, bound / 2**20)


def main():
    tally = Tally()
    bench.LAYERS = 2
    with tempfile.TemporaryDirectory() as folder:
        for name in bench.MODELS:
            for half in (False, True):
                tally.check(name + " in float16" * half, wrong(name, half, folder))
    return tally.end()


if __name__ == "__main__":
    sys.exit(main())
