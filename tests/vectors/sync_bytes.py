"""What travels, read from schema/formats.md alone: items, statements, certificates, frames, cargo,
entries.  Everything that does not follow the grammar raises Refused."""
import datetime
import os
import sys
import zlib

sys.dont_write_bytecode = True

from plain_crypto import blake, box_open, verify, xchacha_decrypt

HERE = os.path.dirname(os.path.abspath(__file__))
MIXED, HOLLOW, GROUP = 15, 0, 7


class Refused(Exception):
    pass


def need(holds, why):
    if not holds:
        raise Refused(why)


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, n):
        need(0 <= n <= len(self.data) - self.at, "cut off")
        self.at += n
        return self.data[self.at - n:self.at]

    def u8(self):
        return self.take(1)[0]

    def u64(self):
        return int.from_bytes(self.take(8), "little")

    def varint(self):
        v = shift = 0
        while True:
            b = self.u8()
            v |= (b & 0x7F) << shift
            shift += 7
            if b < 0x80:
                need((b != 0 or shift == 7) and v < 1 << 64, "a longer spelling of a varint")
                return v

    def zigzag(self):
        v = self.varint()
        return -(v >> 1) - 1 if v & 1 else v >> 1

    def span(self):
        return self.take(self.varint())

    def text(self):
        return self.span().decode()

    def many(self, one):
        return [one() for _ in range(self.varint())]

    def left(self):
        return len(self.data) - self.at

    def done(self):
        need(self.left() == 0, "bytes that nothing asks for")


def varint(v):
    b = bytearray()
    while v >= 0x80:
        b.append(v & 0x7F | 0x80)
        v >>= 7
    return bytes(b) + bytes([v])


def zigzag(v):
    return varint(v << 1 if v >= 0 else ((-v - 1) << 1) + 1)


def span(b):
    b = b.encode() if isinstance(b, str) else b
    return varint(len(b)) + b


def u64(v):
    return v.to_bytes(8, "little")


# ---- entries: body and chain ----
# An entry is a dict: dot, creates, record, restates, form, version, saved, reason, writes; a write
# (field, kind, replaces, values); a value (type, content); a dot (log, n); an address (log, n, item).

def put_dot(d):
    return u64(d[0]) + varint(d[1])


def put_value(v):
    kind, content = v
    head = bytes([kind])
    if kind == 0:
        return head
    if kind == 1:
        return head + zigzag(content)
    if kind in (2, 3, 6):
        return head + span(content)
    if kind == 4:
        return head + varint(content)
    if kind == 5:
        return head + put_dot(content)
    return head + varint(len(content)) + b"".join(varint(f) + put_value(m) for f, m in content)


def put_body(e):
    flags = e["creates"] | (e["reason"] is not None) << 1 | (e["restates"] is not None) << 2
    b = bytes([1, flags])
    if not e["creates"] or e["restates"]:
        b += put_dot(e["record"])
    b += span(e["form"]) + varint(e["version"]) + zigzag(e["saved"])
    if e["reason"] is not None:
        b += span(e["reason"])
    if e["restates"]:
        b += put_dot(e["restates"])
    b += varint(len(e["writes"]))
    for field, kind, replaces, values in e["writes"]:
        b += varint(field) + bytes([kind]) + varint(len(replaces))
        b += b"".join(put_dot(a) + varint(a[2]) for a in replaces)
        if kind == 0:
            b += put_value(values[0])
        elif kind == 1:
            b += varint(len(values)) + b"".join(put_value(v) for v in values)
    return b


def get_value(r):
    kind = r.u8()
    need(kind <= GROUP, "a value of a newer program")
    if kind == 0:
        return kind, None
    if kind == 1:
        return kind, r.zigzag()
    if kind in (2, 3, 6):
        return kind, r.span()
    if kind == 4:
        return kind, r.varint()
    if kind == 5:
        return kind, (r.u64(), r.varint())
    return kind, r.many(lambda: (r.varint(), get_value(r)))


def get_body(body, dot):
    r = Reader(body)
    need(r.u8() == 1, "an entry of a newer program")
    flags = r.u8()
    e = {"dot": dot, "creates": flags & 1, "record": dot, "reason": None, "restates": None}
    if not flags & 1 or flags & 4:
        e["record"] = (r.u64(), r.varint())
    e["form"], e["version"], e["saved"] = r.span(), r.varint(), r.zigzag()
    if flags & 2:
        e["reason"] = r.span()
    if flags & 4:
        e["restates"] = (r.u64(), r.varint())

    def write():
        field, kind = r.varint(), r.u8()
        replaces = r.many(lambda: (r.u64(), r.varint(), r.varint()))
        values = [get_value(r)] if kind == 0 else r.many(lambda: get_value(r)) if kind == 1 else []
        return field, kind, replaces, values
    e["writes"] = r.many(write)
    r.done()
    return e


def entry_key(log_key, n):
    return blake(32, b"field-entry-key-1", u64(n), key=log_key)


def body_tag(key, body):
    return blake(16, b"field-body-1", body, key=key)


def chain_start(log, device, unit, compartment, tips):
    return blake(16, b"field-log-1", u64(log), device, span(unit), bytes([compartment]), varint(len(tips)),
                 *(u64(t[0]) + varint(t[1]) + t[2] for t in tips))


def chain_next(head, n, tag):
    return blake(16, b"field-chain-1", head, u64(n), tag)


# ---- cargo ----

def dictionary(number):
    if number == 0:
        return b""
    with open(os.path.join(HERE, "..", "..", "schema", "dictionaries", str(number)), "rb") as f:
        return f.read()


def inflate(cargo):
    r = Reader(cargo)
    need(r.u8() == 1, "a cargo of a newer program")
    preset, size = dictionary(r.varint()), r.varint()
    need(size <= 8 << 20, "too large")
    z = zlib.decompressobj(-15, zdict=preset) if preset else zlib.decompressobj(-15)
    raw = z.decompress(r.take(r.left()), size + 1)
    need(len(raw) == size and z.eof and not z.unused_data, "not what the length says")
    return raw


class Column:
    def __init__(self, main, literals):
        self.main, self.literals, self.texts = Reader(main), Reader(literals), []

    def text(self):
        k = self.main.varint()
        if k == 0:
            self.texts.append(self.literals.span())
            return self.texts[-1]
        need(k <= len(self.texts), "a text that was not said yet")
        return self.texts[k - 1]


def whole_date(days):
    d = datetime.date(1970, 1, 1) + datetime.timedelta(days)
    return (d.year * 16 + d.month) * 32 + d.day


def read_shapes(r, forms):
    """The shapes, and the columns in the order in which they first appear."""
    columns = {}

    def shape():
        form, flags, field = r.varint(), r.u8(), 0
        need(form < len(forms), "no such form")
        writes = []
        for _ in range(r.varint()):
            field += r.varint()
            both = r.u8()
            columns.setdefault((form, field), len(columns))
            members = None
            if both & 15 == GROUP:
                members = r.many(lambda: (r.varint(), r.u8()))
                for m, _type in members:
                    columns.setdefault((form, field, m), len(columns))
            writes.append((field, both >> 4 & 3, both >> 6 & 1, both & 15, members))
        return form, flags, writes
    return r.many(shape), columns


def read_cargo(raw, ranges):
    """ranges: (log, first, count).  Gives the logs' (kind, key, tips), and for each entry a triple
    (entry or None, key of its own or None, tag that stands in for it or None)."""
    r = Reader(raw)
    logs = []
    for log, first, count in ranges:
        kind = r.u8()
        need(kind <= 1, "a log of a newer program")
        key = r.take(16) if kind == 0 else None
        tips = r.many(lambda: (r.u64(), r.varint(), r.take(16))) if first == 1 else []
        logs.append((kind, key, tips))
    names = [x[0] for x in ranges] + r.many(r.u64)
    forms = r.many(lambda: (r.span(), r.varint()))
    shapes, keys = read_shapes(r, forms)
    ids, saved, records, restates, replaces, tags = (Reader(r.span()) for _ in range(6))
    reasons = Column(r.span(), r.span())
    columns = [Column(r.span(), r.span()) for _ in keys]
    r.done()
    out, last = [], 0

    def dot(stream, own):
        k = stream.varint()
        if k == 0:
            return own[0], own[1] - stream.zigzag()
        return names[k - 1], stream.varint()

    def address(own, record):
        k = replaces.varint()
        if k == 0:
            return record + (0,)
        d = (own[0], own[1] - replaces.zigzag()) if k == 1 else (names[k - 2], replaces.varint())
        return d + (replaces.varint(),)

    def value(column, kind, own):
        c = columns[column]
        if kind == 0:
            return kind, None
        if kind == 1:
            return kind, c.main.zigzag()
        if kind in (2, 3, 6):
            return kind, c.text()
        if kind == 4:
            v = c.main.varint()
            if v & 1:
                return kind, v >> 1
            v >>= 1
            days = -(v >> 1) - 1 if v & 1 else v >> 1
            return kind, whole_date(days + int(abs(last) // 86400 * (1 if last >= 0 else -1)))
        need(kind == 5, "no such type")
        return kind, dot(c.main, own)

    for (log, first, count), (log_kind, _key, _tips) in zip(ranges, logs):
        for n in range(first, first + count):
            own, number = (log, n), ids.varint()
            if number == HOLLOW:
                out.append((None, None, tags.take(16)))
                continue
            need(number <= len(shapes), "no such shape")
            form, flags, writes = shapes[number - 1]
            key = tag = None
            if log_kind == 1:
                redacted = tags.u8()
                need(redacted <= 1, "neither whole nor redacted")
                key, tag = (None, tags.take(16)) if redacted else (tags.take(32), None)
            last += saved.zigzag()
            e = {"dot": own, "creates": flags & 1, "record": own, "form": forms[form][0],
                 "version": forms[form][1], "saved": last, "reason": None, "restates": None, "writes": []}
            if not flags & 1 or flags & 4:
                e["record"] = dot(records, own)
            if flags & 4:
                e["restates"] = dot(restates, own)
            if flags & 2:
                e["reason"] = reasons.text()
            for field, kind, does_replace, type_, members in writes:
                gone = replaces.varint() if does_replace else 0
                gone = [address(own, e["record"]) for _ in range(gone)]
                column, values = keys[(form, field)], []
                if kind == 1:
                    values = [value(column, columns[column].main.u8() if type_ == MIXED else type_, own)
                              for _ in range(columns[column].main.varint())]
                elif kind == 0 and type_ == GROUP:
                    values = [(GROUP, [(m, value(keys[(form, field, m)], t, own)) for m, t in members])]
                elif kind == 0:
                    values = [value(column, type_, own)]
                e["writes"].append((field, kind, gone, values))
            out.append((e, key, tag))
    for stream in (ids, saved, records, restates, replaces, tags, reasons.main, reasons.literals):
        stream.done()
    for c in columns:
        c.main.done()
        c.literals.done()
    return logs, out


# ---- frames ----

class Frame:
    def __init__(self, data):
        r = Reader(data)
        need(r.take(3) == b"FF\x01", "not a frame of this version")
        self.kind, self.device = r.u8(), r.take(16)
        self.unit, self.compartment, self.epoch = r.span(), r.u8(), r.varint()
        self.seq, self.head = r.varint(), r.take(16)
        self.ranges = r.many(lambda: (r.u64(), r.varint(), r.varint(), r.take(16), r.take(16)))
        self.sealed_key, self.nonce = r.take(80), r.take(24)
        self.context = data[:r.at]
        self.commitment = r.take(32)
        size = r.varint()
        self.header = data[:r.at]
        self.signature, self.ciphertext = r.take(64), r.take(size)
        r.done()
        self.id = blake(32, b"field-frame-id-1", data)

    def signed_by(self, public):
        return verify(public, b"field-frame-1" + blake(32, b"field-frame-header-1", self.header) +
                      blake(32, b"field-frame-body-1", self.ciphertext), self.signature)

    def cargo(self, scope_key):
        k0 = box_open(scope_key, self.sealed_key)
        need(k0 is not None, "sealed to another key")
        keys = blake(64, b"field-frame-key-1", self.context, key=k0)
        need(keys[32:] == self.commitment, "the commitment does not hold")
        padded = xchacha_decrypt(keys[:32], self.nonce, blake(32, b"field-frame-ad-1", self.header),
                                 self.ciphertext)
        need(padded is not None, "the tag does not hold")
        cargo = padded.rstrip(b"\0")
        need(cargo[-1:] == b"\x80", "the padding does not end the cargo")
        return cargo[:-1]

    def entries(self, scope_key):
        """Every entry with its chain followed from the head before its range to the one after it."""
        logs, entries = read_cargo(inflate(self.cargo(scope_key)), [x[:3] for x in self.ranges])
        out, at = [], 0
        for (log, first, count, before, after), (kind, key, tips) in zip(self.ranges, logs):
            if first == 1:
                need(before == chain_start(log, self.device, self.unit, self.compartment, tips),
                     "the log does not begin so")
            head = before
            for n in range(first, first + count):
                entry, own, tag = entries[at]
                at += 1
                if tag is None:
                    tag = body_tag(own or entry_key(key, n), put_body(entry))
                head = chain_next(head, n, tag)
                out.append(entry)
            need(head == after, "the chain does not come out")
        return out


# ---- the directory ----

def read_statement(data):
    r = Reader(data)
    need(r.take(3) == b"FD\x01", "not a statement")
    kind, seq, previous, at = r.u8(), r.varint(), r.take(32), r.zigzag()
    payload = r.span()
    signed, signature = data[:r.at], r.take(64)
    r.done()
    return {"type": kind, "seq": seq, "previous": previous, "at": at, "payload": payload,
            "signed": signed, "signature": signature}


def read_invitation(data, root):
    r = Reader(data)
    need(r.u8() == 1, "not an invitation")
    out = {"public": r.take(32), "unit": r.span(), "role": r.u8(), "from": r.zigzag(), "to": r.zigzag()}
    need(verify(root, b"field-invitation-1" + data[:r.at], r.take(64)), "not the root's invitation")
    r.done()
    return out


def read_certificate(data, root):
    r = Reader(data)
    need(r.u8() == 1, "not a certificate")
    out = {"invitation": read_invitation(r.span(), root), "sign": r.take(32), "box": r.take(32),
           "joined": r.zigzag(), "name": r.span()}
    need(verify(out["invitation"]["public"], b"field-certificate-1" + data[:r.at], r.take(64)),
         "not of that invitation")
    need(verify(out["sign"], b"field-possession-1" + data[:r.at], r.take(64)), "not the device's own")
    r.done()
    out["device"] = blake(16, b"field-device-1", out["sign"])
    return out


# ---- items ----

def read_items(data):
    """(type, payload) … to the end item, behind which nothing stands."""
    r, out = Reader(data), []
    while True:
        kind, payload = r.u8(), r.span()
        out.append((kind, payload))
        if kind == 9:
            r.done()
            return out


def read_receipt(data):
    r = Reader(data)
    out = {"kind": r.u8(), "signer": r.take(16), "at": r.zigzag(), "for": r.take(16)}
    if out["kind"] == 1:
        out["frames"] = r.many(lambda: r.take(32))
    else:
        need(out["kind"] == 2, "not a receipt")
        out["scopes"] = r.many(lambda: (r.span(), r.u8(), r.many(lambda: (r.u64(), r.varint(), r.take(16)))))
    out["signed"], out["signature"] = data[:r.at], r.take(64)
    r.done()
    return out


def read_invitation_file(data, code):
    r = Reader(data)
    need(r.take(3) == b"FI\x01", "not an invitation file")
    province, ident, nonce = r.take(8), r.take(16), r.take(24)
    head = data[:r.at]
    clear = xchacha_decrypt(blake(32, b"field-invitation-key-1", ident, key=code), nonce, head, r.take(r.left()))
    need(clear is not None, "the code does not open it")
    r = Reader(clear)
    out = {"province": province, "invitation": r.span(), "seed": r.take(32), "name": r.text(), "url": r.text(),
           "pin": r.text(), "secrets": r.many(lambda: (r.span(), r.u8(), r.varint(), r.take(32))),
           "statements": r.many(r.span), "shares": r.many(r.span), "certificates": r.many(r.span)}
    r.done()
    return out
