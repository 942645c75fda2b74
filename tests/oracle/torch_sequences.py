"""Layers for sequences with random weights, saved and run by torch: embeddings, attention, transformers, recurrent layers.
ckptlint must find their keys and agree with every output, through the command line. A row is a constructor and the
statements that call it, word for word the same for both. Needs Debian's python3-torch."""
import sys
import tempfile

try:
    import torch
    import torch.nn as nn
    from forward_run import Folder, difference, said
    from sequences import ROWS, inputs
    from statements import names
except ImportError:
    print("SKIPPED torch_sequences: python3-torch is not installed")
    sys.exit(0)


def flat(v):
    """The tensors of a result, in order."""
    if isinstance(v, torch.Tensor):
        return [v]
    return [t for item in v if item is not None for t in flat(item)]


def judge(path, constructor, statement):
    torch.manual_seed(2)
    module = eval(constructor, dict(vars(nn))).eval()
    with torch.no_grad():
        for t in module.parameters():
            t.copy_(torch.randn(t.shape) * 0.4)
    given = inputs()
    # with gradients: without them a TransformerEncoderLayer answers 0 where the padding mask blocks
    want = flat(eval(statement, dict(names(), layer=module, **given)))
    state = {"layer." + k: v for k, v in module.state_dict().items()}
    code, report, outputs = Folder(path, given, state, {"layer": constructor}).ckptlint([statement], len(want))
    if outputs is None:
        return "exit %d: %s" % (code, said(report))
    wrong = [difference(got, t.detach()) for got, t in zip(outputs, want)]
    return next((w for w in wrong if w), None)


def main():
    failed = 0
    rows = [row for row in ROWS if not sys.argv[1:] or any(word in row[0] + row[1] for word in sys.argv[1:])]
    for constructor, statement in rows:
        with tempfile.TemporaryDirectory() as path:
            wrong = judge(path, constructor, statement)
        if wrong:
            print("%s: %s: %s" % (constructor, statement, wrong))
        failed += wrong is not None
    print("%d passed, %d failed" % (len(rows) - failed, failed))
    return failed > 0


sys.exit(main())
