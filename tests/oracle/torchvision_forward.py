"""torchvision's classification models with random weights and live statistics: what ckptlint computes from the file, with the family
of that name, is as near to the exact result (torch in float64) as torch's own float32 is. Needs Debian's python3-torchvision.

    torchvision_forward.py [--all] [NAME...]     else the models of up to 30 million parameters"""
import json
import os
import subprocess
import sys
import tempfile
import warnings

try:
    import numpy
    import torch
    import torchvision
    from alive import alive
    from found import Tally
except ImportError:
    print("SKIPPED torchvision_forward: python3-torchvision is not installed")
    sys.exit(0)

LARGE = 30_000_000


SIZE = {"inception_v3": 299}


def judge(name, folder):
    torch.manual_seed(3)
    size = SIZE.get(name, 224)
    module = alive(getattr(torchvision.models, name)().eval(), size)
    x = torch.rand(1, 3, size, size)
    path, x_path, y_path = (os.path.join(folder, "model" + end) for end in (".pt", ".x.npy", ".y.npy"))
    torch.save(module.state_dict(), path)
    numpy.save(x_path, x.numpy())
    run = subprocess.run([os.environ["CKPTLINT"], "forward", path, "--arch", name, "--input", f"x={x_path}", "--save-output", f"logits={y_path}",
                          "--format", "json"], capture_output=True, text=True)
    report = json.loads(run.stdout)["files"][0]
    if not os.path.exists(y_path):
        return f"exit {run.returncode}: " + "; ".join(f["message"] for f in report.get("findings", []))
    ours, single = torch.from_numpy(numpy.load(y_path)).double(), module(x).double()
    os.remove(y_path)
    exact = module.double()(x.double())
    error, own = (ours - exact).abs().max().item(), (single - exact).abs().max().item()
    limit = 4 * own + 1e-6 * exact.abs().max().item()
    return None if error <= limit else f"off by {error:.3g}, torch by {own:.3g}"


def main():
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    names = [name for name in sys.argv[1:] if name != "--all"]
    tally = Tally()
    with tempfile.TemporaryDirectory() as folder:
        for name in names or torchvision.models.list_models(module=torchvision.models):
            if not sys.argv[1:] and torchvision.models.get_model_weights(name).DEFAULT.meta["num_params"] > LARGE:
                continue
            tally.check(name, judge(name, folder))
    return tally.end()


sys.exit(main())
