#!/usr/bin/env python3
"""Writes cargo.hex: entries, chains, cargo of both kinds of log, frames of both kinds, the items of
messages, a message and a bundle, made from schema/formats.md alone.
Run it again after a change of the grammar:  python3 tests/vectors/make_cargo.py
"""
import datetime
import os
import sys
import zlib

sys.dont_write_bytecode = True

from plain_crypto import blake, box_public, box_seal, sign, sign_public, xchacha_encrypt
from sync_bytes import (Frame, body_tag, chain_next, chain_start, dictionary, entry_key, inflate, put_body,
                        read_cargo, span, u64, varint, zigzag)

out = {}


def seq(start, n):
    return bytes((start + i) & 0xFF for i in range(n))


def date(y, m, d):
    return (y * 16 + m) * 32 + d


root_seed, dev_seed, relay_seed = seq(1, 32), seq(3, 32), seq(5, 32)
scope_key = seq(0x40, 32)
scope_pub = box_public(scope_key)
device, relay = (blake(16, b"field-device-1", sign_public(s)) for s in (dev_seed, relay_seed))
province = blake(32, b"field-province-1", sign_public(root_seed))[:8]
A, B, C = 0x1122334455667788, 0x0102030405060708, 0x9999999999999999
KEY_A, KEY_B = seq(0x10, 16), seq(0xF0, 16)
TIPS = [(C, 7, seq(0xA0, 16))]

# ---- entries, one of each kind of write ----


def entry(dot, form, saved, writes, creates=0, record=None, reason=None, restates=None):
    return {"dot": dot, "creates": creates, "record": record or dot, "form": form.encode(), "version": 3,
            "saved": saved, "reason": reason.encode() if reason else None, "restates": restates,
            "writes": writes}


def text(s):
    return (2, s.encode())


def code(s):
    return (3, s.encode())


AT = 1764201600
entries = [
    entry((A, 1), "person", AT, creates=1, writes=[
        (1, 0, [], [text("Đặng Thị Hòa")]),
        (2, 0, [], [code("F")]),
        (3, 0, [], [(4, date(1998, 5, 17))]),
        (4, 0, [], [(4, date(1998, 5, 0))]),
        (5, 0, [], [(1, -3)]),
        (6, 0, [], [(6, b"-3.25")]),
        (7, 1, [], [code("TRICKS"), code("JOBSCAM"), code("TRICKS")]),
        (9, 0, [], [(7, [(9, code("VICTIM")), (10, (4, date(2026, 2, 28))), (300, (0, None))])])]),
    entry((A, 2), "person", AT + 60, record=(A, 1), reason="Số cũ đã mất", writes=[
        (1, 0, [(A, 1, 0)], [text("Đặng Thị Hòa")]),
        (7, 1, [(A, 1, 1), (A, 1, 2)], [code("TRICKS"), text("khác"), (1, 12)]),
        (8, 1, [(C, 4, 0)], [])]),
    entry((A, 3), "person", AT - 86400 * 30, record=(A, 1), reason="Nhầm người", writes=[
        (7, 2, [(B, 5, 1), (A, 2, 3)], [])]),
    entry((A, 4), "outreach", -5, creates=1, record=(C, 9), restates=(C, 9), writes=[
        (1, 0, [], [(4, date(1970, 1, 1))]), (2, 0, [], [text("")])]),
    None,  # hollow
    entry((B, 5), "case", AT + 90, creates=1, writes=[
        (1, 0, [], [(5, (A, 1))]), (2, 0, [], [(5, (B, 4))]), (3, 0, [], [(5, (C, 2))])]),
    entry((B, 6), "case", AT + 91, record=(B, 5), reason="Nhầm người", writes=[
        (0, 0, [(B, 5, 0), (C, 4, 2)], [(1, 0)]), (2, 0, [(B, 5, 0)], [(0, None)])]),
]
RANGES = [(A, 1, 5), (B, 5, 2)]
HOLLOW_TAG = seq(0x77, 16)
for i, e in enumerate(entries):
    if e is not None:
        out["body_%d" % i] = put_body(e)


def places():
    return [(log, n) for log, first, count in RANGES for n in range(first, first + count)]


def tags():
    keys = {A: KEY_A, B: KEY_B}
    return [HOLLOW_TAG if e is None else body_tag(entry_key(keys[log], n), put_body(e))
            for (log, n), e in zip(places(), entries)]


def ends(log, first, count, before):
    head = before
    for (where, n), tag in zip(places(), tags()):
        if where == log:
            head = chain_next(head, n, tag)
    return log, first, count, before, head


ranges = [ends(A, 1, 5, chain_start(A, device, b"24.001", 1, TIPS)), ends(B, 5, 2, seq(0xD0, 16))]
for i, t in enumerate(tags()):
    out["tag_%d" % i] = t
for i, r in enumerate(ranges):
    out["before_%d" % i], out["after_%d" % i] = r[3], r[4]

# ---- cargo ----


class Columns:
    """What was met first has the lowest number."""

    def __init__(self):
        self.streams = {x: b"" for x in ("ids", "saved", "records", "restates", "replaces", "tags")}
        self.names, self.forms, self.shapes, self.columns = [log for log, _, _ in RANGES], [], [], {}
        self.texts, self.literals, self.main = {}, {}, {}
        self.last = 0

    def number(self, things, x):
        if x not in things:
            things.append(x)
        return things.index(x)

    def column(self, *key):
        self.columns.setdefault(key, len(self.columns))
        for d, empty in ((self.main, b""), (self.literals, b"")):
            d.setdefault(key, empty)
        self.texts.setdefault(key, [])
        return key

    def dot(self, d, own):
        if d[0] == own[0]:
            return b"\0" + zigzag(own[1] - d[1])
        return varint(self.number(self.names, d[0]) + 1) + varint(d[1])

    def address(self, a, own, record):
        if a == record + (0,):
            return b"\0"
        if a[0] == own[0]:
            return b"\1" + zigzag(own[1] - a[1]) + varint(a[2])
        return varint(self.number(self.names, a[0]) + 2) + varint(a[1]) + varint(a[2])

    def text(self, key, t):
        if t in self.texts[key]:
            return varint(self.texts[key].index(t) + 1)
        self.texts[key].append(t)
        self.literals[key] += span(t)
        return b"\0"

    def value(self, key, v, own):
        kind, x = v
        if kind == 1:
            self.main[key] += zigzag(x)
        elif kind in (2, 3, 6):
            self.main[key] += self.text(key, x)
        elif kind == 4 and x >> 5 & 15 and x & 31:
            days = (datetime.date(x >> 9, x >> 5 & 15, x & 31) - datetime.date(1970, 1, 1)).days
            near = days - int(self.last / 86400)
            self.main[key] += varint((near << 1 if near >= 0 else ((-near - 1) << 1) + 1) << 1)
        elif kind == 4:
            self.main[key] += varint(x << 1 | 1)
        elif kind == 5:
            self.main[key] += self.dot(x, own)

    def entry(self, e):
        form, own = self.number(self.forms, (e["form"], e["version"])), e["dot"]
        flags = e["creates"] | (e["reason"] is not None) << 1 | (e["restates"] is not None) << 2
        shape, before = varint(form) + bytes([flags]) + varint(len(e["writes"])), 0
        for field, kind, gone, values in e["writes"]:
            types = {v[0] for v in values}
            type_ = 0 if not types else types.pop() if len(types) == 1 else 15
            shape += varint(field - before) + bytes([(kind | (4 if gone else 0)) << 4 | type_])
            before = field
            if type_ == 7:
                shape += varint(len(values[0][1]))
                shape += b"".join(varint(f) + bytes([v[0]]) for f, v in values[0][1])
        s = self.streams
        s["ids"] += varint(self.number(self.shapes, shape) + 1)
        s["saved"] += zigzag(e["saved"] - self.last)
        self.last = e["saved"]
        if not e["creates"] or e["restates"]:
            s["records"] += self.dot(e["record"], own)
        if e["restates"]:
            s["restates"] += self.dot(e["restates"], own)
        if e["reason"] is not None:
            self.main["why"] += self.text("why", e["reason"])
        for field, kind, gone, values in e["writes"]:
            key = self.column(form, field)
            if gone:
                s["replaces"] += varint(len(gone))
                s["replaces"] += b"".join(self.address(a, own, e["record"]) for a in gone)
            if kind == 1:
                self.main[key] += varint(len(values))
                for v in values:
                    if len({v[0] for v in values}) > 1:
                        self.main[key] += bytes([v[0]])
                    self.value(key, v, own)
            elif kind == 0 and values[0][0] == 7:
                for f, v in values[0][1]:
                    self.value(self.column(form, field, f), v, own)
            elif kind == 0:
                self.value(key, values[0], own)


def cargo_raw(kinds, list_of):
    """kinds: of the logs; list_of: for each entry (entry or None, what goes into `tags`)."""
    c = Columns()
    c.main["why"], c.literals["why"], c.texts["why"] = b"", b"", []
    for e, tag in list_of:
        c.streams["tags"] += tag
        if e is None:
            c.streams["ids"] += b"\0"
        else:
            c.entry(e)
    raw = b""
    for (log, first, _count), kind in zip(RANGES, kinds):
        raw += bytes([kind]) + (b"" if kind else KEY_A if log == A else KEY_B)
        if first == 1:
            raw += varint(len(TIPS)) + b"".join(u64(t[0]) + varint(t[1]) + t[2] for t in TIPS)
    others = c.names[len(RANGES):]
    raw += varint(len(others)) + b"".join(u64(x) for x in others)
    raw += varint(len(c.forms)) + b"".join(span(f) + varint(v) for f, v in c.forms)
    raw += varint(len(c.shapes)) + b"".join(c.shapes)
    for x in ("ids", "saved", "records", "restates", "replaces", "tags"):
        raw += span(c.streams[x])
    raw += span(c.main["why"]) + span(c.literals["why"])
    for key in c.columns:
        raw += span(c.main[key]) + span(c.literals[key])
    return raw


def squeeze(raw, preset):
    words = dictionary(preset)
    z = zlib.compressobj(9, zlib.DEFLATED, -15, zdict=words) if words else zlib.compressobj(9, zlib.DEFLATED, -15)
    return b"\1" + varint(preset) + varint(len(raw)) + z.compress(raw) + z.flush()


plain = cargo_raw([0, 0], [(e, HOLLOW_TAG if e is None else b"") for e in entries])
# log A keyless: what was erased of entry 2 is its number 12, and of 3 nothing
erased = dict(entries[1], writes=[entries[1]["writes"][0], (7, 1, entries[1]["writes"][1][2], []),
                                  entries[1]["writes"][2]])
keyless = []
for (log, n), e, t in zip(places(), entries, tags()):
    if e is None:
        keyless.append((None, t))
    elif log == B:
        keyless.append((e, b""))
    elif n == 2:
        keyless.append((erased, b"\1" + t))
    else:
        keyless.append((e, b"\0" + entry_key(KEY_A, n)))
out["body_erased_1"] = put_body(erased)
out["key_0"] = entry_key(KEY_A, 1)
out["raw"], out["raw_keyless"] = plain, cargo_raw([1, 0], keyless)
out["cargo"], out["cargo_bare"] = squeeze(plain, 1), squeeze(plain, 0)
out["cargo_keyless"] = squeeze(out["raw_keyless"], 1)

# ---- frames ----


def padme(n):
    e = n.bit_length() - 1
    bits = e - e.bit_length()
    return -(-n // (1 << bits)) << bits if bits > 0 else n


def frame(cargo, kind, seed, nonce, k0):
    h = b"FF\x01" + bytes([kind]) + device + span("24.001") + b"\x01" + varint(1) + varint(7) + seq(0xA0, 16)
    h += varint(len(ranges))
    for log, first, count, before, after in ranges:
        h += u64(log) + varint(first) + varint(count) + before + after
    h += box_seal(scope_pub, k0, seq(0x80, 32)) + nonce
    keys = blake(64, b"field-frame-key-1", h, key=k0)
    padded = cargo + b"\x80" + b"\0" * (max(64, padme(len(cargo) + 1)) - len(cargo) - 1)
    h += keys[32:] + varint(len(padded) + 16)
    c = xchacha_encrypt(keys[:32], nonce, blake(32, b"field-frame-ad-1", h), padded)
    signed = b"field-frame-1" + blake(32, b"field-frame-header-1", h) + blake(32, b"field-frame-body-1", c)
    return h + sign(seed, signed) + c


out["frame"] = frame(out["cargo"], 0, dev_seed, seq(0x11, 24), seq(0x22, 32))
out["frame_resealed"] = frame(out["cargo_keyless"], 1, root_seed, seq(0x12, 24), seq(0x23, 32))
frame_id = blake(32, b"field-frame-id-1", out["frame"])

# ---- items of messages ----


def receipt(kind, rest):
    r = bytes([kind]) + relay + zigzag(AT) + device + rest
    return r + sign(relay_seed, b"field-receipt-1" + r)


def item(kind, payload):
    return bytes([kind]) + span(payload)


def checked(before, kind, payload):
    """The message so far, and an item whose check covers all of it."""
    return before + item(kind, payload + blake(4, b"field-message-1", before, bytes([kind]), payload))


hello = b"\1" + province + device + seq(0x30, 16) + seq(0x50, 16) + varint(7) + seq(0xA0, 16) + varint(1000) + \
    seq(0x60, 16) + varint(1) + span("f124.001") + varint(12) + varint(1) + frame_id + varint(65536)
hello += sign(dev_seed, b"field-hello-1" + b"POST /sync" + hello)
welcome = b"\1\0" + seq(0x30, 16) + seq(0x51, 16) + varint(9) + seq(0xA1, 16) + zigzag(AT) + \
    blake(16, b"field-request-1", hello) + varint(2) + relay + varint(1002) + varint(40) + seq(0x61, 16)
welcome += sign(relay_seed, b"field-welcome-1" + welcome)
stored = receipt(1, varint(1) + frame_id)
held = receipt(2, varint(1) + span("24.001") + b"\x01" + varint(1) + u64(A) + varint(5) + ranges[0][4])
out.update(hello=hello, welcome=welcome, stored=stored, held=held)
out["message_up"] = checked(item(1, hello) + item(3, out["frame"]), 9, b"")
down = checked(item(8, welcome) + item(7, stored), 3, varint(1001) + out["frame"])
down = checked(down, 10, varint(1002) + b"\7" + stored) + item(200, b"later")
out["message_down"] = checked(down, 9, varint(1002) + b"\1")
out["bundle"] = b"FB\1" + province + item(3, out["frame"]) + item(3, out["frame_resealed"]) + item(7, stored) + \
    item(9, b"")
out.update(device=device, relay_seed=relay_seed, province=province)

# The reader beside this writer takes all of it.
for name, whole in (("cargo", plain), ("cargo_bare", plain), ("cargo_keyless", out["raw_keyless"])):
    assert inflate(out[name]) == whole
assert [e for e, _, _ in read_cargo(plain, RANGES)[1]] == entries
for name in ("frame", "frame_resealed"):
    assert len(Frame(out[name]).entries(scope_key)) == len(entries)

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "cargo.hex"), "w") as f:
    f.write("# made by make_cargo.py; name = hex\n")
    for k in sorted(out):
        f.write("%s = %s\n" % (k, out[k].hex()))
