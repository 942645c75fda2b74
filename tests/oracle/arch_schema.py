"""rules/schema/arch-1.json against the program: it takes every architecture file that is here, and of files that are wrong
in one place it refuses none that the program takes, and each whose types the program refuses."""
import copy
import glob
import json
import os
import subprocess
import sys
import tempfile

try:
    import jsonschema
except ImportError:
    print("SKIPPED arch_schema: python3-jsonschema is not installed")
    sys.exit(0)
from found import Tally

with open("rules/schema/arch-1.json", encoding="utf-8") as f:
    SCHEMA = json.load(f)
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
CHECKPOINT = "corpus/benign/simple_linear.pt"
# Every key of the language, once.
WHOLE = {
    "arch": 1, "name": "Whole", "match": {"model_type": ["whole", "other"]},
    "config": {"n": 10, "m": "=n * 2", "kind": "relu", "sizes": [1, 2], "deep": {"a": None}, "flag": True},
    "presets": {"whole-base": {"n": 10, "architectures": ["Whole"]}}, "let": {"k": "n + 1"},
    "blocks": {"Block(a, b=1)": {"let": {"c": "a"}, "modules": {"lin": "Linear(c, b)", "seq": ["ReLU()", {"modules": {"x": "ReLU()"}}]}, "forward(x)": ["lin(x)"]}},
    "roots": {"Whole": "Block(n, 2)"},
    "checkpoint": {"state_dict": "model", "config": "config", "optimizer": "optimizer", "fields": {"epoch": "int >= 0", "loss": "number?"}},
    "base_prefix": "base.", "rename": {"gamma": "weight"}, "ignore": ["*.inv_freq"], "tie": [["a.weight", "b.weight", "flag"]],
    "checks": {"*": {"dtype": ["float32"], "finite": True, "nonzero": False, "min": -1, "max": 1.5, "absmax": 2}},
    "inputs": {"x": "float32[B, n]"}, "outputs": {"y": "float32[B, 2]"}, "tests": [{"B": 1, "x": "ones"}],
}
OTHERS = [None, True, 7, -1.5, "", "x", "Linear(", [], [1], ["x"], {}, {"x": 1}, {"x": "ReLU()"}]


def places(value, path=()):
    yield path
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield from places(value[key], path + (key,))


def holder(document, path):
    for key in path[:-1]:
        document = document[key]
    return document


def mutants():
    for path in places(WHOLE):
        if not path:
            continue
        for other in OTHERS:
            document = copy.deepcopy(WHOLE)
            holder(document, path)[path[-1]] = copy.deepcopy(other)
            yield f"{'/'.join(map(str, path))} = {other!r}", document
        if isinstance(path[-1], str):
            document = copy.deepcopy(WHOLE)
            inside = holder(document, path)
            inside[path[-1] + "!"] = inside.pop(path[-1])
            yield f"{'/'.join(map(str, path))} under another name", document


def program_says(path, document):
    """None where the file is taken, else the reason why it is not."""
    with open(path, "w", encoding="utf-8") as out:
        json.dump(document, out)
    run = subprocess.run([os.environ["CKPTLINT"], "check", "--depth", "quick", "--format", "json", "--arch", path, CHECKPOINT],
                         capture_output=True, text=True)
    said = [f["reason"] for f in json.loads(run.stdout)["files"][0]["findings"] if f["rule"] == "KEY512"]
    said = [r for r in said if r in ("json", "key", "type", "value", "expression")]
    return said[0] if said else None


def main():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    tally = Tally()
    for name in sorted(glob.glob("rules/models/*.json") + glob.glob("corpus/benign/*.json") + glob.glob("tests/data/arch/*.json")):
        with open(name, encoding="utf-8") as f:
            error = jsonschema.exceptions.best_match(VALIDATOR.iter_errors(json.load(f)))
        tally.check(name, error and error.message[:200])
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "arch.json")
        tally.check("the whole", program_says(path, WHOLE) or (None if VALIDATOR.is_valid(WHOLE) else "refused by the schema"))
        for name, document in mutants():
            reason, taken = program_says(path, document), VALIDATOR.is_valid(document)
            wrong = None
            if not taken and reason is None:
                wrong = "the schema refuses what the program takes"
            elif taken and reason in ("json", "type"):
                wrong = f"the schema takes what the program refuses: {reason}"
            tally.check(name, wrong)
    return tally.end()


sys.exit(main())
