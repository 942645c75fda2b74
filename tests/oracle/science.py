"""What scikit-learn and pandas leave in pickles: every estimator, fitted, and tables of every kind, as pickle, joblib and torch.save
write them. None may be called unsafe or left unread; every array of numbers in
them is found, byte for byte. Needs Debian's python3-sklearn, python3-pandas and python3-torch."""
import hashlib
import inspect as signatures
import json
import os
import pickle
import subprocess
import sys
import tempfile
import warnings

from found import Tally

try:
    import joblib
    import numpy as np
    import pandas as pd
    import scipy.sparse
    import torch
    from sklearn import linear_model, preprocessing
    from sklearn.utils import all_estimators
except ImportError as missing:
    print(f"SKIPPED science: {missing}")
    sys.exit(0)

warnings.filterwarnings("ignore")
CKPTLINT = os.environ.get("CKPTLINT", "build/release/ckptlint")
X = np.random.RandomState(0).rand(30, 4)
Y = np.arange(30) % 3
NEEDED = {"estimator": linear_model.LogisticRegression(), "base_estimator": linear_model.LogisticRegression(),
          "estimators": [("a", linear_model.LogisticRegression())], "param_grid": {"C": [1, 2]}, "param_distributions": {"C": [1, 2]},
          "transformers": [("a", "passthrough", [0])], "transformer_list": [("a", preprocessing.StandardScaler())], "dictionary": X,
          "steps": [("a", preprocessing.StandardScaler())]}
DATA = [(X, Y), (X, X[:, 0]), (X[:, 0], Y), (X, X[:, :2]), (["a b", "c d"] * 9,), ([{"a": 1}, {"b": 2}],), (Y,)]


def fitted(cls):
    """An estimator with what it learns, or without where no data of ours suit it."""
    parameters = signatures.signature(cls.__init__).parameters
    estimator = cls(**{k: v for k, v in NEEDED.items() if k in parameters and parameters[k].default is signatures.Parameter.empty})
    if "n_estimators" in parameters:
        estimator.set_params(n_estimators=2)
    for data in DATA:
        try:
            return estimator.fit(*data)
        except Exception:  # whatever an estimator says of data that are not for it
            continue
    return estimator


def tables():
    dates = pd.date_range("2020-01-01", periods=3)
    table = pd.DataFrame({"a": [1, 2, 3], "b": [0.5, 1.5, 2.5], "c": list("xyz"), "d": dates, "e": pd.Categorical(list("uvu"))})
    yield from {"table": table, "column": table["b"], "means": table.groupby("e").mean(numeric_only=True), "empty": pd.DataFrame(),
                "date": dates[0], "zone": pd.Timestamp("2020-01-01", tz="Europe/Berlin"), "span": pd.Timedelta(1, "d"), "none": pd.NaT,
                "dates": dates, "levels": pd.MultiIndex.from_tuples([(1, "a")]), "integers": pd.array([1, None]),
                "texts": pd.array(["a", None], dtype="string"), "interval": pd.Interval(0, 1), "period": pd.Period("2020-01")}.items()
    for layout in ("csr", "csc", "coo", "bsr", "dia", "lil", "dok"):
        yield layout, getattr(scipy.sparse, f"{layout}_matrix")(np.eye(3))


def files(folder):
    """(name, path, the arrays that must be found or None, the verdicts that may be given)."""
    for name, cls in all_estimators():
        value = fitted(cls)
        for protocol in (2, 4):
            path = os.path.join(folder, f"{name}.{protocol}.pkl")
            with open(path, "wb") as file:
                pickle.dump(value, file, protocol)
            yield f"{name}, protocol {protocol}", path, None, {"findings"}
        path = os.path.join(folder, f"{name}.joblib")
        joblib.dump(value, path)
        yield f"{name}, joblib", path, arrays(value), {"findings"}
    for name, value in tables():
        path = os.path.join(folder, f"{name}.pkl")
        with open(path, "wb") as file:
            pickle.dump(value, file, 5)
        yield name, path, None, {"findings", "clean"}
        torch.save({"table": value}, path + ".pt")
        yield f"{name}, torch.save", path + ".pt", None, {"findings", "clean"}


def arrays(value):
    """What is an attribute of the estimator itself and an array of numbers: dtype, shape, digest."""
    return {(str(a.dtype), a.shape, hashlib.sha256(a.tobytes()).hexdigest()) for a in vars(value).values()
            if isinstance(a, np.ndarray) and a.dtype.kind in "iufb"}


def main():
    tally = Tally()
    with tempfile.TemporaryDirectory() as folder:
        cases = list(files(folder))
        said = subprocess.run([CKPTLINT, "inspect", "--tensors", "--hash", "sha256", "--format", "json", *(path for _, path, _, _ in cases)],
                              stdout=subprocess.PIPE, check=False).stdout
    reports = {f["path"]: f for f in json.loads(said)["files"]}
    for name, path, wanted, may in cases:
        report = reports.get(path, {"verdict": "nothing", "findings": []})
        wrong = None
        if report["verdict"] not in may:
            wrong = f"{report['verdict']}: " + "; ".join(f["message"] for f in report["findings"][:3])
        found = {(t["dtype"], tuple(t["shape"]), t["sha256"]) for t in report.get("tensors", [])}
        if wanted and not wanted <= found:
            wrong = f"without {sorted(wanted - found)[:2]}"
        tally.check(name, wrong)
    return tally.end()


if __name__ == "__main__":
    sys.exit(main())
