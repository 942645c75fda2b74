"""Models of the tutorials, trained nowhere, saved and run by torch: ckptlint must match their keys and agree with their
outputs, through the command line. Needs Debian's python3-torch."""
import json
import os
import subprocess
import sys
import tempfile

try:
    import numpy
    import torch
    from tutorials import ComplexModel, CustomModel, SimpleCNN, SimpleLinearModel, SimpleModel
except ImportError:
    print("SKIPPED torch_forward: python3-torch is not installed")
    sys.exit(0)

HERE = os.path.dirname(os.path.abspath(__file__))
FAMILIES = os.path.join(HERE, "..", "..", "rules", "models")


def saves():
    """Architecture file, input name, output name, module, input shape, what is saved."""
    torch.manual_seed(1)
    config = {"input_dim": 12, "hidden_dim": 20, "output_dim": 3}
    cnn, linear, one, custom, whole = SimpleCNN(), SimpleLinearModel(), SimpleModel(), CustomModel(), ComplexModel(**config)
    adam = torch.optim.Adam(linear.parameters())
    linear(torch.rand(4, 10)).sum().backward()
    adam.step()
    training = {"epoch": 5, "model_state_dict": linear.state_dict(), "optimizer_state_dict": adam.state_dict(), "loss": 0.5}
    yield "simple_cnn", "x", "logits", cnn, (2, 3, 28, 28), cnn.state_dict()
    yield "simple_linear", "x", "y", linear, (3, 10), linear.state_dict()
    yield "simple_model", "x", "y", one, (1, 10), one.state_dict()
    yield "custom_model", "x", "y", custom, (4, 10), custom.state_dict()
    yield "complex_model", "x", "y", whole, (2, 12), {"config": config, "state_dict": whole.state_dict()}
    yield "training_checkpoint", "x", "y", linear, (3, 10), training


def ckptlint(*args):
    run = subprocess.run([os.environ["CKPTLINT"], *args, "--format", "json"], capture_output=True, text=True)
    return run.returncode, json.loads(run.stdout)["files"][0]


def judge(folder, case, options):
    family, x_name, y_name, module, shape, thing = case
    path, x_path, y_path, out = (os.path.join(folder, family + end) for end in (".pt", ".x.npy", ".y.npy", ".out.npy"))
    module.eval()
    x = torch.rand(shape)
    with torch.no_grad():
        y = module(x)
    torch.save(thing, path, **options)
    numpy.save(x_path, numpy.asfortranarray(x.numpy()))  # as numpy saves what was transposed
    numpy.save(y_path, numpy.asfortranarray(y.numpy()))
    code, report = ckptlint("forward", path, "--arch", os.path.join(FAMILIES, family + ".json"), "--input", f"{x_name}={x_path}",
                            "--expect", f"{y_name}={y_path}", "--save-output", f"{y_name}={out}")
    if code != 0 or report["forward"][0]["status"] != "pass":
        return f"exit {code}: {[f['message'] for f in report.get('findings', [])]}"
    if not numpy.allclose(numpy.load(out), y.numpy(), rtol=1e-4, atol=1e-5):
        return "the saved output is not torch's"
    numpy.save(y_path, y.numpy() + 0.01)
    code, report = ckptlint("forward", path, "--arch", os.path.join(FAMILIES, family + ".json"), "--input", f"{x_name}={x_path}",
                            "--expect", f"{y_name}={y_path}")
    return None if code == 1 and report["forward"][0]["status"] == "fail" else "a golden that is off by 0.01 passes"


def main():
    passed = failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for options in ({}, {"_use_new_zipfile_serialization": False}):
            for case in saves():
                wrong = judge(folder, case, options)
                passed, failed = passed + (wrong is None), failed + (wrong is not None)
                if wrong:
                    print(f"{case[0]} {options}: {wrong}")
    print(f"{passed} passed, {failed} failed")
    return failed > 0


sys.exit(main())
