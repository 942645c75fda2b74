"""Statements of a forward, word for word the same for PyTorch and for ckptlint: both must give the same tensors, and what
PyTorch refuses must be refused. Through the command line, so lexer, lowering and op at once. Needs Debian's
python3-torch."""
import sys
import tempfile

try:
    import torch
    from forward_run import Folder, difference, said
    from statements import CONFIG, REFUSED, TAKEN, names
except ImportError:
    print("SKIPPED torch_statements: python3-torch is not installed")
    sys.exit(0)

BATCH = 50  # statements of one run


def inputs():
    return {"x": torch.randn(2, 3, 4), "y": torch.randn(4), "z": torch.randn(3, 1), "im": torch.rand(1, 4, 6, 6), "n": torch.tensor([[0, 1, 2], [2, 0, 1]]),
            "k": torch.tensor([1, 0, 2, 1]), "b": torch.tensor([[True, False, True], [False, False, True]])}


def of_torch(folder, statement):
    with torch.no_grad():
        return eval(statement, dict(names(), **CONFIG, **folder.held, **folder.inputs))


def judge_taken(folder, statements):
    """Pairs of a statement and what is wrong with it."""
    code, report, outputs = folder.ckptlint(statements)
    if outputs is None and len(statements) > 1:
        return [wrong for s in statements for wrong in judge_taken(folder, [s])]
    if outputs is None:
        return [(statements[0], "exit %d: %s" % (code, said(report)))]
    found = []
    for s, out in zip(statements, outputs):
        try:
            found.append((s, difference(out, of_torch(folder, s))))
        except Exception as e:
            found.append((s, "PyTorch: %s" % e))
    return [(s, wrong) for s, wrong in found if wrong]


def judge_refused(folder, statement, code):
    try:
        of_torch(folder, statement)
        if code == 1:
            return "PyTorch takes it"
    except Exception:  # of whatever kind: it refuses
        pass
    got, report, outputs = folder.ckptlint([statement])
    return None if outputs is None and got == code else "exit %d, expected %d: %s" % (got, code, said(report))


def main():
    wrong = []
    chosen = [s for s in TAKEN if not sys.argv[1:] or any(word in s for word in sys.argv[1:])]
    with tempfile.TemporaryDirectory() as path:
        torch.manual_seed(1)
        held = torch.nn.Module()
        held.w, held.classes = torch.nn.Parameter(torch.randn(4, 4)), torch.nn.AdaptiveLogSoftmaxWithLoss(4, 9, [3, 6], 2.0)
        folder = Folder(path, inputs(), held.state_dict(), {"w": "Parameter((4, 4))", "classes": "AdaptiveLogSoftmaxWithLoss(4, 9, [3, 6], 2.0)"}, CONFIG)
        folder.held = dict(w=held.w.detach(), classes=held.classes)
        for i in range(0, len(chosen), BATCH):
            wrong += judge_taken(folder, chosen[i:i + BATCH])
        for statement, code in REFUSED:
            why = judge_refused(folder, statement, code)
            wrong += [(statement, why)] if why else []
    for statement, why in wrong:
        print("%s: %s" % (statement, why))
    print("%d passed, %d failed" % (len(chosen) + len(REFUSED) - len(wrong), len(wrong)))
    return len(wrong) > 0


sys.exit(main())
