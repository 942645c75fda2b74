#!/usr/bin/python3
"""Records what CPython makes of expressions, for tests/unit/test_expr.c.

    /usr/bin/python3 tests/oracle/record_expr.py > tests/oracle/expr_recorded.inc

VALUE(expression, result): with x = 7, y = -1.5, t = (3, -5, 2.5), s = 'gelu'.
FAILS(expression): Python raises at run time, so this language must too."""
import ast
import sys

NAMES = {"x": 7, "y": -1.5, "t": (3, -5, 2.5), "s": "gelu"}
VALUES = """1 + 2 * 3|(1 + 2) * 3|7 // 2|-7 // 2|7 // -2|-7 % 3|7 % -3|-7.5 % 2|7.5 // -2|2 ** 3 ** 2|-2 ** 2|2 ** -1|(-2) ** 3|2 ** 62
1 / 2|4 / 2|7 - 2 - 1|100 // 7 // 2|2 * 3 % 4|-x|--x|-y|not x|not not 0|not x == 7|1 == 1.0|1 == True|True + True|'a' == 'a'|'a' < 'b'
x if y < 0 else 3|1 if 0 else 2 if 0 else 3|(1 if 1 else 2) + 1|0 or 5|3 or 5|0 and 5|3 and 5|'' or None|None or () or 0|not None
1 < 2|2 <= 2|1.5 >= 2|x != 7|3 in t|2.5 in t|4 in (1, 2)|s in ('relu', 'gelu')|'el' in s|'' in s|0 in ()
t[0]|t[-1]|t[1:]|t[:2]|t[::2]|t[::-1]|t[-2:]|t[5:]|t[:]|(1, 2, 3, 4)[3:0:-2]|[1, [2, 3]][1][0]
()|(1,)|[1]|(1, 2) + (3,)|(1, 2) * 2|2 * (0,)|() * 5|(1,) * -1|'a' + 'b'
min(3, 1, 2)|max(3, 1, 2)|min(t)|max((1, 2.5))|int(2.7)|int(-2.7)|int(True)|float(2)|float('inf') > 1e308|float('-inf') < 0|len(t)|len('gelu')|len(())|abs(-3)|abs(3)|abs(y)|sum((1, 2, 3.5))|sum(())
round(2.5)|round(3.5)|round(-0.5)|round(2.4)|round(7)|16 * 14 * 14|(224 // 16) ** 2 + 1|64 if x == 0 else 64 * 4|.5 + 1.|1e3 + 2E-1|9223372036854775807
None == None|None == 0|True and 'yes'|(x, y)[1]|t[x - 7]|-3 ** 2 ** 1|2 ** 2 ** 0|1 - -1|10 - 4 * 2 ** 2 // 3|not 1 in (1, 2)"""
FAILS = """1 // 0|1 % 0|1 / 0|1.5 // 0|1.5 % 0.0|0 ** -1|t[3]|t[-4]|t['a']|x[0]|None + 1|'a' + 1|'a' - 'b'|1 < 'a'|None < 1|-s|-None|1 in 2|min(())|max(3)|len(3)
int('a')|abs('a')|sum(3)|t[1.5]|t[::0]|(1, 2) + 3|undefined|undefined(1)|t.field|min()|len(1, 2)|float('a')|() % 2"""


def c(text):
    return '"%s"' % text.replace("\\", "\\\\").replace('"', '\\"')


def as_tuple(v):
    """Lists and tuples are one thing here."""
    return tuple(map(as_tuple, v)) if isinstance(v, (list, tuple)) else v


def split(text):
    return text.replace("\n", "|").split("|")


print("/* Recorded by tests/oracle/record_expr.py with Python %s: don't edit. */" % sys.version.split()[0])
for e in split(VALUES):
    print("VALUE(%s, %s)" % (c(e), c(repr(as_tuple(eval(e, {}, dict(NAMES)))))))
for e in split(FAILS):
    ast.parse(e, mode="eval")
    try:
        eval(e, {}, dict(NAMES))
        sys.exit("Python takes " + e)
    except (ArithmeticError, LookupError, TypeError, NameError, AttributeError, ValueError):
        print("FAILS(%s)" % c(e))
