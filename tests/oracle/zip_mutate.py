"""Bends a well-formed zip archive: one mutation at a time, chosen by a random.Random, so that a seed names a file."""
import struct
import zlib

LOCAL, CENTRAL, END, END64, LOCATOR, DESCRIPTOR = (b"PK\3\4", b"PK\1\2", b"PK\5\6", b"PK\6\6", b"PK\6\7", b"PK\7\x08")
# Where the numbers of each record lie: (offset, width). APPNOTE 6.3, 4.3.7, 4.3.12, 4.3.14 to 4.3.16, 4.3.9.
FIELDS = {
    LOCAL: [(4, 2), (6, 2), (8, 2), (14, 4), (18, 4), (22, 4), (26, 2), (28, 2)],
    CENTRAL: [(4, 2), (6, 2), (8, 2), (10, 2), (16, 4), (20, 4), (24, 4), (28, 2), (30, 2), (32, 2), (34, 2), (36, 2), (38, 4),
              (42, 4)],
    END: [(4, 2), (6, 2), (8, 2), (10, 2), (12, 4), (16, 4), (20, 2)],
    END64: [(4, 8), (12, 2), (14, 2), (16, 4), (20, 4), (24, 8), (32, 8), (40, 8), (48, 8)],
    LOCATOR: [(4, 4), (8, 8), (16, 4)],
    DESCRIPTOR: [(4, 4), (8, 4), (12, 4)],
}
HEAD = {LOCAL: 30, CENTRAL: 46, END: 22, END64: 56, LOCATOR: 20, DESCRIPTOR: 16}


class Base:
    """The places of the records of an archive without tricks."""

    def __init__(self, data):
        self.data = bytes(data)
        end = self.data.rindex(END)
        self.records = []  # (signature, offset, whole length)
        at = struct.unpack_from("<I", self.data, end + 16)[0]
        self.directory = at
        while self.data[at:at + 4] == CENTRAL:
            n = HEAD[CENTRAL] + sum(struct.unpack_from("<3H", self.data, at + 28))
            local = struct.unpack_from("<I", self.data, at + 42)[0]
            size = struct.unpack_from("<I", self.data, at + 20)[0]
            head = HEAD[LOCAL] + sum(struct.unpack_from("<2H", self.data, local + 26))
            self.records += [(CENTRAL, at, n), (LOCAL, local, head)]
            if self.data[local + head + size:local + head + size + 4] == DESCRIPTOR:
                self.records.append((DESCRIPTOR, local + head + size, HEAD[DESCRIPTOR]))
            at += n
        while at < end:
            signature = self.data[at:at + 4]
            self.records.append((signature, at, HEAD[signature]))
            at += HEAD[signature]
        self.records.append((END, end, len(self.data) - end))

    def of(self, signature):
        return [r for r in self.records if r[0] == signature]


def patch(data, at, width, number):
    data[at:at + width] = (number % (1 << 8 * width)).to_bytes(width, "little")


def with_checksums(raw, absent_only=True):
    """A copy of an archive whose checksums, or those of 0, are the right ones, in all the places that have one."""
    base, data = Base(raw), bytearray(raw)
    for _, at, _ in base.of(CENTRAL):
        method, crc, size, local = (int.from_bytes(raw[at + o:at + o + w], "little") for o, w in ((10, 2), (16, 4), (20, 4), (42, 4)))
        start = local + HEAD[LOCAL] + sum(struct.unpack_from("<2H", raw, local + 26))
        stored = raw[start:start + size]
        right = zlib.crc32(zlib.decompress(stored, -15) if method == 8 else stored)
        if crc == right or (crc and absent_only):
            continue
        patch(data, at + 16, 4, right)
        if not raw[local + 6] & 8:  # else it stands behind the bytes
            patch(data, local + 14, 4, right)
        elif raw[start + size:start + size + 4] == DESCRIPTOR:
            patch(data, start + size + 4, 4, right)
    return bytes(data)


def insert(base, data, at, what, mend):
    """Puts bytes in; with `mend` the offsets of what follows are corrected, as a tool would that knows the format."""
    data[at:at] = what
    if not mend:
        return
    moved = lambda place: place + len(what) if place >= at else place
    for signature, place, _ in base.records:
        here = moved(place)
        for kind, field, width in ((CENTRAL, 42, 4), (END, 16, 4), (END64, 48, 8), (LOCATOR, 8, 8)):
            if signature == kind and here + field + width <= len(data):
                old = int.from_bytes(data[here + field:here + field + width], "little")
                patch(data, here + field, width, moved(old))


def flip_bit(r, base, data):
    _, at, n = r.choice(base.records)
    i = at + r.randrange(n)
    data[i] ^= 1 << r.randrange(8)


def flip_data_bit(r, base, data):
    data[r.randrange(len(data))] ^= 1 << r.randrange(8)


def set_field(r, base, data):
    signature, at, _ = r.choice(base.records)
    field, width = r.choice(FIELDS[signature])
    old = int.from_bytes(data[at + field:at + field + width], "little")
    patch(data, at + field, width, r.choice((0, 1, 2, 8, 9, 20, 45, old + 1, old - 1, old * 2, old ^ 8, old ^ 0x800, old + 64, -1, 1 << (8 * width - 1),
                                             len(data), base.directory, r.getrandbits(8 * width))))


def copy_field(r, base, data):
    """One member's number in the header of another: sizes, offsets and CRCs that exist, but elsewhere."""
    signature = r.choice((LOCAL, CENTRAL, DESCRIPTOR))
    records = base.of(signature)
    if len(records) < 2:
        return
    (_, here, _), (_, there, _) = r.sample(records, 2)
    field, width = r.choice(FIELDS[signature])
    data[here + field:here + field + width] = data[there + field:there + field + width]


def same_field(r, base, data):
    """A number changed in the local header and the directory alike, so that they still agree."""
    pairs = [(6, 8, 2), (4, 6, 2), (8, 10, 2), (14, 16, 4), (18, 20, 4), (22, 24, 4)]
    local_field, central_field, width = r.choice(pairs)
    _, at, _ = r.choice(base.of(CENTRAL))
    local = int.from_bytes(data[at + 42:at + 46], "little")
    number = r.choice((0, 1, 8, 0x800, 0x808, -1, r.getrandbits(8 * width)))
    patch(data, at + central_field, width, number)
    if local + 30 <= len(data):
        patch(data, local + local_field, width, number)


def change_name(r, base, data):
    signature, at, _ = r.choice(base.of(LOCAL) + base.of(CENTRAL))
    n = int.from_bytes(base.data[at + (26 if signature == LOCAL else 28):][:2], "little")
    if n:
        i = at + HEAD[signature] + r.randrange(n)
        data[i] = r.choice((data[i] ^ 0x20, 0, 0x2e, 0x2f, 0x5c, 0x20, 0xe9, 0xff, r.randrange(256)))


def move_entry(r, base, data):
    """Directory entries doubled, dropped or swapped; the counts follow in half of the cases."""
    entries = base.of(CENTRAL)
    _, at, n = r.choice(entries)
    _, to, _ = r.choice(entries)
    entry = bytes(data[at:at + n])
    kind = r.randrange(3)
    if kind == 0:
        del data[at:at + n]
        change, size = -1, -n
    elif kind == 1:
        data[to:to] = entry
        change, size = 1, n
    else:
        del data[at:at + n]
        to = to if to <= at else to - n
        data[to:to] = entry
        change = size = 0
    if not change or r.random() < 0.5:
        return
    for signature, place, _ in base.records:
        counts = {END: ((8, 2, change), (10, 2, change), (12, 4, size)),
                  END64: ((24, 8, change), (32, 8, change), (40, 8, size)), LOCATOR: ((8, 8, size),)}.get(signature, ())
        for field, width, by in counts:
            here = place + size + field
            patch(data, here, width, int.from_bytes(data[here:here + width], "little") + by)


def splice_record(r, base, data):
    """A whole record copied to a place between others, offsets mended or not."""
    _, at, n = r.choice(base.records)
    _, to, _ = r.choice(base.records)
    insert(base, data, to, bytes(data[at:at + n]), r.random() < 0.7)


def insert_bytes(r, base, data):
    _, at, n = r.choice(base.records)
    what = r.choice((b"\0" * r.randrange(1, 70), r.randbytes(r.randrange(1, 40)), END + bytes(18), b"PK\3\4" + bytes(26)))
    insert(base, data, r.choice((0, at, at + n, len(data))), what, r.random() < 0.7)


def cut_bytes(r, base, data):
    at = r.randrange(len(data))
    del data[at:at + r.choice((1, 4, 16, 64, len(data)))]


def add_extra(r, base, data):
    """One more extra field: zip64 with right or wrong numbers, another name, padding, or cut short."""
    signature, at, _ = r.choice(base.of(LOCAL) + base.of(CENTRAL))
    name_at, extra_at, width = (26, 28, 30) if signature == LOCAL else (28, 30, 46)
    name_n = int.from_bytes(data[at + name_at:at + name_at + 2], "little")
    extra_n = int.from_bytes(data[at + extra_at:at + extra_at + 2], "little")
    size = int.from_bytes(data[at + (22 if signature == LOCAL else 24):][:4], "little")
    numbers = r.choice(((size, size), (size, size, 0), (size + 1, size), (0, 0), (size,), ()))
    field = r.choice((struct.pack(f"<HH{len(numbers)}Q", 1, 8 * len(numbers), *numbers), struct.pack("<HHBI", 0x7075, 9, 1, 0) + b"x/y0",
                      struct.pack("<HH", 0x4246, 3) + b"ZZZ", struct.pack("<HH", 0xcafe, 0), struct.pack("<HH", 1, 400), b"\1\0"))
    if signature == CENTRAL and numbers and r.random() < 0.5:
        patch(data, at + 24, 4, -1)
    patch(data, at + extra_at, 2, extra_n + len(field))
    place = at + width + name_n + r.choice((0, extra_n))
    insert(base, data, place, field, True)
    if signature == CENTRAL:
        for kind, record, _ in base.records:
            for found, spot, wide in ((END, 12, 4), (END64, 40, 8)):
                here = record + len(field) + spot
                if kind == found:
                    patch(data, here, wide, int.from_bytes(data[here:here + wide], "little") + len(field))


def swap_records(r, base, data):
    """Two members change places without a word in the directory."""
    locals_ = sorted(base.of(LOCAL), key=lambda x: x[1])
    if len(locals_) < 3:
        return
    i = r.randrange(len(locals_) - 2)
    a, b, c = (locals_[i + k][1] for k in range(3))
    data[a:c] = data[b:c] + data[a:b]


MUTATIONS = [flip_bit] * 3 + [flip_data_bit] + [set_field] * 5 + [copy_field] * 2 + [same_field] * 3 + [change_name] * 2 + \
    [move_entry] * 2 + [splice_record, insert_bytes, cut_bytes, swap_records] + [add_extra] * 4


def mutate(r, base):
    """One or two mutations; a second one may miss its record after the first has moved it, which is as good as any."""
    data, names = bytearray(base.data), []
    for _ in range(r.choice((1, 1, 1, 2))):
        how = r.choice(MUTATIONS)
        names.append(how.__name__)
        try:
            how(r, base, data)
        except (IndexError, ValueError):
            pass  # the first one cut the second one's place away
    return bytes(data), "+".join(names)
