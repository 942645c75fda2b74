"""Checkpoints of one training: `check DIR` judges them in the order in which people count, `inspect --fields` has a row for each with what
torch saved there, and names, epochs and weights that contradict each other are notes. Needs Debian's python3-torch."""
import csv
import io
import json
import os
import sys
import tempfile

try:
    import torch
except ImportError:
    print("SKIPPED series: python3-torch is not installed")
    sys.exit(0)

from found import Tally, run

ORDER = ["best.pt", "epoch_1.pt", "epoch_2.pt", "epoch_03.pt", "epoch_9.pt", "epoch_10.pt", "epoch_11.pt", "epoch_100.pt", "evil.pt"]
FIELDS = {"epoch": None, "loss": None, "config/lr": None, "note": None, "absent": None}


def write(folder):
    """What is saved, by name; epoch 11 forgot to train, and epoch 100 says that it is 7."""
    held = {}
    for n, name in enumerate(ORDER[1:-1]):
        epoch = int(name[6:-3])
        weights = {"linear.weight": torch.randn(1, 10), "linear.bias": torch.randn(1)} if epoch != 11 else held["epoch_10.pt"]["model"]
        held[name] = {"epoch": 7 if epoch == 100 else epoch - 1, "loss": torch.tensor(1 / epoch) if n % 2 else 1 / epoch,
                      "config": {"lr": 0.1 ** n}, "note": '=1+1, "quoted"\n', "model": weights}
    held["best.pt"] = {**held["epoch_9.pt"], "epoch": 8}
    for name, value in held.items():
        torch.save(value, os.path.join(folder, name))
    with open(os.path.join(folder, "evil.pt"), "wb") as out:
        out.write(b"cos\nsystem\n(S'true'\ntR.")
    return held


def value_of(held, name):
    for key in name.split("/"):
        held = held.get(key) if held else None
    return held.item() if isinstance(held, torch.Tensor) else held


def wrong_rows(files, held):
    for file in files:
        name = os.path.basename(file["path"])
        want = {field: value_of(held.get(name), field) for field in FIELDS}
        if want["note"]:
            want["note"] = want["note"].replace("\n", "\\x0a")
        if file["fields"] != want:
            return f"{name}: {file['fields']}, torch has {want}"
    return None


def main():
    torch.manual_seed(0)
    tally = Tally()
    arch = os.path.join(os.path.dirname(__file__), "..", "..", "rules", "models", "simple_model.json")
    with tempfile.TemporaryDirectory() as folder:
        held = write(folder)
        checked = json.loads(run("check", folder, "--arch", arch, "--format", "json").stdout)["files"]
        tally.check("order", None if [os.path.basename(f["path"]) for f in checked] == ORDER else [f["path"] for f in checked])
        notes = {os.path.basename(f["path"]): sorted(x["reason"] for x in f["findings"] if x["reason"] in ("epoch-name", "same-weights"))
                 for f in checked}
        want = {**{name: [] for name in ORDER}, "epoch_11.pt": ["same-weights"], "epoch_100.pt": ["epoch-name"]}
        tally.check("notes", None if notes == want else notes)
        said = run("inspect", "--fields", ",".join(FIELDS), folder, "--format", "json", "--fail-on", "none")
        tally.check("exit code", None if said.returncode == 1 else said.returncode)
        tally.check("values", wrong_rows(json.loads(said.stdout)["files"], held))
        rows = list(csv.reader(io.StringIO(run("inspect", "--fields", ",".join(FIELDS), folder, "--format", "csv").stdout, newline="")))
        tally.check("csv heading", None if rows[0] == [*FIELDS, "verdict", "path"] else rows[0])
        tally.check("csv order", None if [os.path.basename(row[-1]) for row in rows[1:]] == ORDER else rows)
        tally.check("csv numbers", None if [row[0] for row in rows[1:]] == ["8", "0", "1", "2", "8", "9", "10", "7", ""] else rows)
        tally.check("csv is no formula", None if rows[1][3].startswith("'=1+1") and "\n" not in rows[1][3] else rows[1])
        text = run("inspect", "--fields", "epoch,loss", folder).stdout.split("\n\n")
        cells = [line.split() for line in text[0].splitlines()]
        tally.check("text", None if cells[0] == ["epoch", "loss", "verdict", "path"] and len(cells) == 1 + len(ORDER) else text[0])
        best = min(cells[1:-1], key=lambda row: float(row[1]))
        tally.check("the best", None if best[-1].endswith("epoch_100.pt") else best)
        tally.check("notes below", None if "GLB301" in text[1] and "same-weights" not in text[0] else text)
        for call in (("inspect", folder, "--format", "csv"), ("inspect", folder, "--fields", "epoch", "--tree"), ("check", folder, "--fields", "epoch")):
            tally.check(" ".join(call[2:]), None if run(*call).returncode == 4 else "taken")
    return tally.end()


sys.exit(main())
