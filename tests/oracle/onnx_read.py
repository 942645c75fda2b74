"""The cases of the ONNX backend tests (Debian's libonnx-testdata): model.onnx, input_N.pb and output_N.pb of a folder.
A protobuf message is read as its fields; field numbers are those of onnx.proto."""
import glob
import os
import struct

import numpy

DTYPES = {1: "f4", 2: "u1", 3: "i1", 4: "u2", 5: "i2", 6: "i4", 7: "i8", 9: "?", 10: "f2", 11: "f8", 12: "u4", 13: "u8"}


class Unreadable(Exception):
    pass


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at, value, shift = at + 1, value | (byte & 127) << shift, shift + 7
        if byte < 128:
            return value, at


def fields(data):
    """Pairs of a field's number and its value: an int, or bytes."""
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        if key & 7 == 0:
            value, at = varint(data, at)
        else:
            size, at = varint(data, at) if key & 7 == 2 else ({1: 8, 5: 4}[key & 7], at)
            value, at = data[at:at + size], at + size
        yield key >> 3, value


def signed(value):
    return value - (1 << 64) if value >> 63 else value


def ints(value):
    if isinstance(value, int):
        return [signed(value)]
    out, at = [], 0
    while at < len(value):
        number, at = varint(value, at)
        out.append(signed(number))
    return out


def tensor(data):
    """(name, array)"""
    dims, kind, name, raw, numbers = [], 0, "", None, []
    for field, value in fields(data):
        if field == 1:
            dims += ints(value)
        elif field == 2:
            kind = value
        elif field == 8:
            name = value.decode()
        elif field == 9:
            raw = value
        elif field in (5, 7, 11):
            numbers += ints(value)
        elif field in (4, 10):
            numbers += struct.unpack("<%d%s" % (len(value) // (4 if field == 4 else 8), "f" if field == 4 else "d"), value)
    if kind not in DTYPES:
        raise Unreadable("a tensor of strings, complex or bfloat16")
    if raw is not None:
        array = numpy.frombuffer(raw, "<" + DTYPES[kind])
    elif kind == 10:
        array = numpy.array(numbers, "u2").view("f2")
    else:
        array = numpy.array(numbers, DTYPES[kind])
    if array.size != int(numpy.prod(dims)):
        raise Unreadable("not a plain tensor")
    return name, array.reshape(dims)


def attribute(data):
    name, kind, lists, one = "", 0, {7: [], 8: []}, {}
    for field, value in fields(data):
        if field == 1:
            name = value.decode()
        elif field == 20:
            kind = value
        elif field == 2:
            one[1] = struct.unpack("<f", value)[0]
        elif field == 3:
            one[2] = signed(value)
        elif field == 4:
            one[3] = value.decode("latin1")
        elif field == 5:
            one[4] = tensor(value)[1]
        elif field == 7:
            lists[7] += struct.unpack("<%df" % (len(value) // 4), value)
        elif field == 8:
            lists[8] += ints(value)
    return name, lists[kind + 1] if kind in (6, 7) else one.get(kind)


class Node:
    def __init__(self, data):
        self.inputs, self.outputs, self.op, self.attr = [], [], "", {}
        for field, value in fields(data):
            if field == 1:
                self.inputs.append(value.decode())
            elif field == 2:
                self.outputs.append(value.decode())
            elif field == 4:
                self.op = value.decode()
            elif field == 5:
                name, v = attribute(value)
                self.attr[name] = v


def value_name(data):
    return next(value.decode() for field, value in fields(data) if field == 1)


class Case:
    """nodes, opset, constants (initializers by name), inputs and outputs (arrays by name)."""

    def __init__(self, folder):
        self.name, self.opset, self.nodes, self.constants = os.path.basename(folder), 1, [], {}
        with open(os.path.join(folder, "model.onnx"), "rb") as f:
            model = list(fields(f.read()))
        graph = next(value for field, value in model if field == 7)
        for field, value in model:
            if field == 8:
                opset = dict(fields(value))
                if opset.get(1, b"") in (b"", b"ai.onnx"):
                    self.opset = opset.get(2, 1)
        inputs, outputs = [], []
        for field, value in fields(graph):
            if field == 1:
                self.nodes.append(Node(value))
            elif field == 5:
                name, array = tensor(value)
                self.constants[name] = array
            elif field == 11:
                inputs.append(value_name(value))
            elif field == 12:
                outputs.append(value_name(value))
        given = [name for name in inputs if name not in self.constants]
        self.inputs = dict(zip(given, self.arrays(folder, "input", len(given))))
        self.outputs = dict(zip(outputs, self.arrays(folder, "output", len(outputs))))

    @staticmethod
    def arrays(folder, kind, count):
        paths = [os.path.join(folder, "test_data_set_0", "%s_%d.pb" % (kind, i)) for i in range(count)]
        if not all(os.path.exists(path) for path in paths):
            raise Unreadable("an optional input that is left out")
        out = []
        for path in paths:
            with open(path, "rb") as f:
                try:
                    out.append(tensor(f.read())[1])
                except (KeyError, IndexError, struct.error, UnicodeDecodeError) as e:
                    raise Unreadable("an input or output that is no tensor") from e
        return out


def folders(root, groups):
    for group in groups:
        yield from sorted(glob.glob(os.path.join(root, group, "test_*")))
