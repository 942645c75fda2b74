"""The config that a checkpoint carries, in the forms that training scripts save it in; and values that are no sizes."""
import argparse
import json
import os
import subprocess
import sys
import tempfile

try:
    import numpy
    import torch
except ImportError:
    print("SKIPPED configs: there is no torch in /usr/bin/python3")
    sys.exit(0)
from found import Tally
from tutorials import ComplexModel

CONFIG = {"input_dim": 12, "hidden_dim": 20, "output_dim": 3}
# name: the config, the exit code, what is said of it (the first sentence with KEY511 or KEY512)
FORMS = {
    "a dict": (CONFIG, 0, ""),
    "a Namespace": (argparse.Namespace(**CONFIG), 0, ""),
    "numpy integers": ({k: numpy.int64(v) for k, v in CONFIG.items()}, 0, ""),
    "JSON text": (json.dumps(CONFIG), 0, "a dict saved as JSON text"),
    "more than is declared": (dict(CONFIG, dropout=0.1), 0, "does not declare: dropout"),
    "a slip of the finger": ({"input_dim": 12, "hiden_dim": 20, "output_dim": 3}, 2, "is the config's 'hiden_dim' meant?"),
    "a list": (list(CONFIG.values()), 2, "required and not given"),
    "a text for a size": (dict(CONFIG, hidden_dim="20"), 2, "(hidden_dim is '20')"),
    "a flag for a size": (dict(CONFIG, hidden_dim=True), 2, "(hidden_dim is True)"),
    "a float for a size": (dict(CONFIG, hidden_dim=20.0), 2, "(hidden_dim is 20.0)"),
    "a negative size": (dict(CONFIG, hidden_dim=-20), 2, "(hidden_dim is -20)"),
    "a tensor for a size": (dict(CONFIG, hidden_dim=torch.tensor(20)), 2, "(hidden_dim is 'a tensor')"),
    "beyond 64 bits": (dict(CONFIG, hidden_dim=2**70), 2, "(hidden_dim is '1180591620717411303424')"),
    "another size": (dict(CONFIG, hidden_dim=16), 1, ""),
}


def main():
    tally = Tally()
    weights = ComplexModel(**CONFIG).state_dict()
    with tempfile.TemporaryDirectory() as work:
        path = os.path.join(work, "model.pt")
        for name, (config, code, words) in FORMS.items():
            torch.save({"state_dict": weights, "config": config}, path)
            run = subprocess.run([os.environ["CKPTLINT"], "check", "--format", "json", "--arch", "rules/models/complex_model.json", path],
                                 capture_output=True, text=True)
            findings = json.loads(run.stdout)["files"][0]["findings"]
            said = [f["message"] for f in findings if f["rule"] in ("KEY511", "KEY512")]
            right = run.returncode == code and (words in said[0] if said else not words)
            tally.check(name, None if right else f"exit {run.returncode}: {said}")
    return tally.end()


sys.exit(main())
