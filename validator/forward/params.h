/* The words for parameters in ops.def and several.c: required ones, then those with a default. */
#ifndef CKPTLINT_FORWARD_PARAMS_H
#define CKPTLINT_FORWARD_PARAMS_H

#include "forward/op.h"

/* clang-format off */
#define NEEDED(name, what)       {name, (what), true, {.kind = OPV_NONE}}
#define TENSOR(name)             NEEDED(name, TAKES_TENSOR)
#define OPERAND(name)            NEEDED(name, TAKES_TENSOR | TAKES_NUMBER)
#define OPERAND_OR_NONE(name)     {name, TAKES_TENSOR | TAKES_NUMBER | TAKES_NONE, false, {.kind = OPV_NONE}}
#define TEXT_OR_NONE(name)       {name, TAKES_TEXT | TAKES_NONE, false, {.kind = OPV_NONE}}
#define TENSOR_OR_NONE(name)     {name, TAKES_TENSOR | TAKES_NONE, false, {.kind = OPV_NONE}}
#define INTS_OR_NONE(name)       {name, TAKES_INTS | TAKES_NONE, false, {.kind = OPV_NONE}}
#define INTS(name, n)            {name, TAKES_INTS, false, {.kind = OPV_INT, .i = (n)}}
#define INTS_OR_TEXT(name, n)    {name, TAKES_INTS | TAKES_TEXT, false, {.kind = OPV_INT, .i = (n)}}
#define INT(name, n)             {name, TAKES_INT, false, {.kind = OPV_INT, .i = (n)}}
#define REAL(name, x)            {name, TAKES_NUMBER, false, {.kind = OPV_FLOAT, .f = (x)}}
#define NUMBER(name, n)          {name, TAKES_NUMBER, false, {.kind = OPV_INT, .i = (n)}}
#define INT_OR_NONE(name)        {name, TAKES_INT | TAKES_NONE, false, {.kind = OPV_NONE}}
#define NUMBER_OR_NONE(name)     {name, TAKES_NUMBER | TAKES_NONE, false, {.kind = OPV_NONE}}
#define DTYPE_OR_NONE(name)      {name, TAKES_DTYPE | TAKES_NONE, false, {.kind = OPV_NONE}}
#define BOOL_OR_NONE(name)       {name, TAKES_BOOL | TAKES_NONE, false, {.kind = OPV_NONE}}
#define FLOATS_OR_NONE(name)     {name, TAKES_NUMBER | TAKES_INTS | TAKES_FLOATS | TAKES_NONE, false, {.kind = OPV_NONE}}
#define BOOL(name, b)            {name, TAKES_BOOL, false, {.kind = OPV_BOOL, .i = (b)}}
#define LITERAL(text)            {(const uint8_t *)text, sizeof text - 1}
#define TEXT(name, literal)      {name, TAKES_TEXT, false, {.kind = OPV_TEXT, .text = LITERAL(literal)}}
#define PARAMS(...)              {__VA_ARGS__}
/* clang-format on */

#endif
