"""The cases that PyTorch's own authors test their layers and functions with, as Debian's python3-torch has them in
torch.testing._internal: layers (module_tests, module_db), losses (criterion_tests) and functions (op_db)."""
import itertools
import sys
import types
import unittest
import warnings

import torch
from torch import nn

# torch's test helpers want this package for what is not used here.
sys.modules.setdefault("expecttest", types.SimpleNamespace(TestCase=unittest.TestCase, ACCEPT=False, __spec__=None))
warnings.simplefilter("ignore")
from torch.testing._internal import common_methods_invocations, common_modules, common_nn  # noqa: E402


class Case:
    """What is called, and with what: calling it gives a tensor, or tuples and lists of tensors."""

    def __init__(self, name, function, args, kwargs=None):
        self.name, self.function, self.args, self.kwargs = name, function, tuple(args), kwargs or {}


def evaluated(module):
    """In evaluation, with weights that are not those of a fresh layer and statistics that are not 0 and 1."""
    module.eval()
    with torch.no_grad():
        for name, t in module.state_dict().items():
            if name.endswith("running_var"):
                t.uniform_(0.5, 1.5)
            elif name.endswith("running_mean"):
                t.uniform_(-0.5, 0.5)
    return module


def single(thing):
    """float64 stands for float32 in the tests of gradients."""
    if isinstance(thing, torch.Tensor):
        return thing.detach().float() if thing.dtype == torch.float64 else thing.detach()
    return type(thing)(map(single, thing)) if isinstance(thing, (tuple, list)) else thing


def of_modules():
    """module_tests and new_module_tests, criterion_tests: a name, a maker, and what it is called with."""
    for group, kind in ((common_nn.module_tests + common_nn.new_module_tests, common_nn.NewModuleTest), (common_nn.criterion_tests, common_nn.CriterionTest)):
        for row in group:
            row = dict(row)
            name = row.get("fullname") or "_".join(filter(None, (row.get("module_name"), row.get("desc"))))
            if "constructor" not in row:
                row["constructor"] = getattr(nn, row.pop("module_name"))
            yield name, kind, row


def module_cases():
    for name, kind, row in of_modules():
        torch.manual_seed(3)
        test = kind(**row)
        given = single(test._get_input())
        args = list(given) if isinstance(given, tuple) else [given]
        if kind is common_nn.CriterionTest:
            args.append(single(test._get_target()))
            args += [single(a) for a in test.extra_args]
        module = evaluated(test.constructor(*test.constructor_args).float())
        yield Case(name, module, args)


def module_db_cases():
    for info in common_modules.module_db:
        torch.manual_seed(3)
        for i, given in enumerate(info.module_inputs_func(info, device="cpu", dtype=torch.float32, requires_grad=False, training=False)):
            made, called = given.constructor_input, given.forward_input
            if called is None:
                continue
            module = evaluated(info.module_cls(*made.args, **made.kwargs))
            yield Case("%s %d" % (info.name, i), module, called.args, called.kwargs)


def op_name(op):
    return op.name + "." * bool(op.variant_test_name) + op.variant_test_name


def op_cases(op, dtype, most=None):
    torch.manual_seed(3)
    for i, given in enumerate(itertools.islice(op.sample_inputs("cpu", dtype), most)):
        yield Case("%s %s %d" % (op_name(op), str(dtype)[6:], i), op.op, (given.input, *given.args), given.kwargs)
