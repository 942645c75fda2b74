#!/usr/bin/python3
"""Records torch.rand and torch.randint for tests/unit/test_rand.c.

    /usr/bin/python3 tests/oracle/record_rand.py > tests/oracle/rand_recorded.inc"""
import numpy
import torch

AT = [0, 1, 2, 15, 16, 17, 396, 397, 623, 624, 625, 1247, 1248, 9999]  # around the generator's block of 624 words
print("/* Recorded by tests/oracle/record_rand.py with torch %s, numpy %s: don't edit. */" % (torch.__version__, numpy.__version__))
for seed in [0, 1, 42, 2**32 - 1, 2**32 + 5, 123456789012345]:
    torch.manual_seed(seed)
    x = torch.rand(10000)
    for i in AT:
        print("RAND(UINT64_C(%d), %d, 0x%08x)" % (seed, i, int(x[i:i + 1].numpy().view(numpy.uint32)[0])))
for seed, bound in [(0, 2), (7, 1000), (7, 50257), (1, 2**31), (1, 2**32 - 1), (3, 2**32), (3, 2**40), (5, 2**63 - 1)]:
    torch.manual_seed(seed)
    x = torch.randint(bound, (700,))
    for i in [0, 1, 311, 312, 623, 624, 699]:
        print("RANDINT(UINT64_C(%d), UINT64_C(%d), %d, INT64_C(%d))" % (seed, bound, i, x[i].item()))
