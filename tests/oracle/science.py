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
    import scipy.interpolate
    import scipy.optimize
    import scipy.sparse
    import scipy.stats
    import torch
    from sklearn import compose, ensemble, linear_model, metrics, model_selection, preprocessing
    from sklearn.tree import _criterion
    from sklearn.utils import all_estimators
except ImportError as missing:
    print(f"SKIPPED science: {missing}")
    sys.exit(0)

warnings.filterwarnings("ignore")
CKPTLINT = os.environ.get("CKPTLINT", "build/release/ckptlint")
LISTED = {"findings"}  # and all of its classes are on a list
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
                "texts": pd.array(["a", None], dtype="string"), "interval": pd.Interval(0, 1), "intervals": pd.DataFrame({"in": pd.interval_range(0, 3), "cut": pd.cut([1, 2, 3], 2)}), "period": pd.Period("2020-01")}.items()
    yield from {"masked": np.ma.masked_array([1.0, 2.0], mask=[0, 1]), "masked number": np.ma.masked, "counts": _criterion.Gini(2, np.array([2, 3])),
                "means of two": _criterion.MSE(2, 20), "long table": pd.Series(np.zeros(3), index=pd.RangeIndex(0, 3 * 10**9, 10**9))}.items()
    for layout in ("csr", "csc", "coo", "bsr", "dia", "lil", "dok"):
        yield layout, getattr(scipy.sparse, f"{layout}_matrix")(np.eye(3))


def searches():
    """Searches with what they are split and scored by, transformers with the functions that they apply."""
    y = (X[:, 0] > 0.5).astype(int)
    splits = {"KFold": {}, "StratifiedKFold": {"shuffle": True, "random_state": 1}, "TimeSeriesSplit": {"n_splits": 2}, "ShuffleSplit": {},
              "StratifiedShuffleSplit": {}, "RepeatedStratifiedKFold": {"n_splits": 2, "n_repeats": 1}}
    for name, how in splits.items():
        search = model_selection.GridSearchCV(linear_model.LogisticRegression(), {"C": [1.0, 2.0]}, cv=getattr(model_selection, name)(**how))
        yield f"search by {name}", search.fit(X, y)
    for name in sorted(metrics.get_scorer_names()):
        yield f"scored by {name}", model_selection.GridSearchCV(linear_model.Ridge(), {"alpha": [1.0]}, scoring=metrics.get_scorer(name))
    yield "scored by two", model_selection.GridSearchCV(linear_model.LogisticRegression(), {"C": [1.0]}, scoring=["f1", "roc_auc"], refit="f1").fit(X, y)
    yield "scored by what is made", metrics.make_scorer(metrics.fbeta_score, beta=2)
    for name in ("log1p", "expm1", "sqrt", "exp", "square", "abs", "log", "log10", "sin", "tanh"):
        yield f"FunctionTransformer of {name}", preprocessing.FunctionTransformer(getattr(np, name))
    yield "target", compose.TransformedTargetRegressor(linear_model.LinearRegression(), func=np.log1p, inverse_func=np.expm1).fit(X, X[:, 1])
    numbers = compose.make_column_selector(dtype_include=np.number)
    yield "columns", compose.ColumnTransformer([("n", preprocessing.StandardScaler(), numbers)]).fit(pd.DataFrame(X, columns=list("abcd")))
    yield "boosted", ensemble.HistGradientBoostingClassifier(max_iter=2).fit(X, y)
    yield "sparse column", pd.DataFrame({"a": pd.arrays.SparseArray([0, 0, 1])})
    yield "polynomials", [np.poly1d([1, 2]), np.polynomial.Polynomial([1, 2]), np.polynomial.Chebyshev([1, 2]), np.polynomial.HermiteE([1])]
    for kind in ("linear", "nearest", "cubic", "previous"):
        yield f"interpolation, {kind}", scipy.interpolate.interp1d(range(5), [1, 2, 3, 2, 1], kind=kind)
    yield "minimum", scipy.optimize.minimize(lambda x: (x**2).sum(), [1.0, 2.0])
    yield "density", scipy.stats.gaussian_kde(X[:, 0])


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


    for name, value in searches():
        for protocol in (2, 4):
            path = os.path.join(folder, f"{name}.{protocol}.pkl")
            with open(path, "wb") as file:
                pickle.dump(value, file, protocol)
            yield f"{name}, protocol {protocol}", path, None, LISTED


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
        if report["verdict"] not in may or (may is LISTED and any(f["severity"] in ("high", "critical") for f in report["findings"])):
            wrong = f"{report['verdict']}: " + "; ".join(f["message"] for f in report["findings"][:3])
        found = {(t["dtype"], tuple(t["shape"]), t["sha256"]) for t in report.get("tensors", [])}
        if wanted and not wanted <= found:
            wrong = f"without {sorted(wanted - found)[:2]}"
        tally.check(name, wrong)
    return tally.end()


if __name__ == "__main__":
    sys.exit(main())
