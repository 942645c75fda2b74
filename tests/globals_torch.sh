#!/bin/sh
# The lists of globals beside the installed torch: every name of its weights_only list is core, and every nn.Module,
# optimizer and scheduler class of torch.nn, torch.ao and torch.optim is listed. Run from the top folder.
set -u
python=/usr/bin/python3
"$python" -c 'import torch' 2>/dev/null || { echo 'SKIPPED globals_torch: python3-torch is not installed'; exit 0; }
exec "$python" - <<'E_PY'
import contextlib, glob, importlib, inspect, io, pkgutil, re, sys, warnings
warnings.simplefilter("ignore")
import torch
from torch._weights_only_unpickler import _get_allowed_globals

rows, since = {}, {}
for path in glob.glob("rules/globals/*.def"):
    text = open(path).read()
    for module, name, cls in re.findall(r'^GLOBAL\("([^"]*)", "([^"]*)", +(\w+),', text, re.M):
        rows[module, name] = cls
    listed = r'^(?:CORE|ONCE)\("([^"]*)", "([^"]*)", +\w+, V\((\d+), (\d+)\)(?:, V\((\d+), (\d+)\))?'
    for module, name, *v in re.findall(listed, text, re.M):
        rows[module, name] = "CORE"
        since[module, name] = (int(v[0]), int(v[1])), (int(v[2]), int(v[3])) if v[2] else (99, 0)

# They bring source or C++ objects: refused, or never pickled.
NOT_DATA = re.compile(r"torch\.fx\b|torch\.nn\.cpp$|torch\.ao\.quantization\.fx\.graph_module$")
RECORD_BASES = (torch.optim.Optimizer, torch.optim.lr_scheduler._LRScheduler)
bad = []

for full in _get_allowed_globals():
    pair = tuple(full.rsplit(".", 1))
    if rows.get(pair) != "CORE":
        bad.append(f"{full} is on torch's list and not core here")
torch_is = tuple(int(n) for n in re.match(r"(\d+)\.(\d+)", torch.__version__).groups())
for pair, (first, last) in since.items():
    listed = ".".join(pair) in _get_allowed_globals()
    if listed != (first <= torch_is <= last):
        bad.append(f"{'.'.join(pair)}: the rows say {first} to {last}, torch {torch.__version__} says {listed}")

def classes_below(package):
    for found in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if re.search(r"__main__|\.test|experimental", found.name):
            continue
        try:
            with contextlib.redirect_stderr(io.StringIO()):
                module = importlib.import_module(found.name)
        except Exception:
            continue  # needs what this build of torch lacks
        yield from (c for c in vars(module).values() if inspect.isclass(c))

count = 0
for package in (torch.nn, torch.ao, torch.optim):
    for c in classes_below(package):
        if not c.__module__.startswith("torch.") or NOT_DATA.match(c.__module__) or "<locals>" in c.__qualname__:
            continue
        want = "MODULE" if issubclass(c, torch.nn.Module) else "RECORD" if issubclass(c, RECORD_BASES) else None
        count += want is not None
        if want and rows.get((c.__module__, c.__qualname__)) != want:
            bad.append(f"{c.__module__}.{c.__qualname__} is no {want} row")

if count < 200:
    bad.append(f"only {count} classes were found in torch {torch.__version__}")
print("\n".join(sorted(set(bad))) if bad else f"globals_torch: ok, {count} class names of torch {torch.__version__}")
sys.exit(1 if bad else 0)
E_PY
