"""Torch's zip in the canonical form of its own writer: stored members, sizes in descriptors, data at multiples of 64."""
import struct
import zipfile
import zlib

FLAGS = 0x0808  # a data descriptor follows; the name is UTF-8


def write(members):
    """The archive of (name, data) pairs."""
    out, directory = bytearray(), bytearray()
    for name, data in members:
        name, at, crc = name.encode(), len(out), zlib.crc32(data)
        padding = -(at + 30 + len(name) + 4) % 64
        out += struct.pack("<4s5H3I2H", b"PK\3\4", 0, FLAGS, 0, 0, 0, 0, 0, 0, len(name), 4 + padding) + name
        out += struct.pack("<2sH", b"FB", padding) + b"Z" * padding + data + struct.pack("<4s3I", b"PK\7\x08", crc, len(data), len(data))
        directory += struct.pack("<4s6H3I5H2I", b"PK\1\2", 0, 0, FLAGS, 0, 0, 0, crc, len(data), len(data), len(name), 0, 0, 0, 0, 0, at) + name
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, len(members), len(members), len(directory), len(out), 0)
    return bytes(out + directory + end)


def checkpoint(program, records):
    """The archive of a pickle program and the records of its storages, by key."""
    data = [(f"archive/data/{key}", records[key]) for key in sorted(records)]
    return write([("archive/data.pkl", program)] + data + [("archive/version", b"3\n")])


def read(path):
    """The program and records of a torch zip, or None."""
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        top = [n[:-len("data.pkl")] for n in names if n.endswith("/data.pkl")]
        if len(top) != 1:
            return None
        records = {n[len(top[0]) + 5:]: archive.read(n) for n in names if n.startswith(top[0] + "data/")}
        return archive.read(top[0] + "data.pkl"), records
