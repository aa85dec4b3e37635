#!/usr/bin/env python3
"""Writes sync.hex: whole frames, invitations, certificates, statements and an
invitation file, made by plain_crypto.py from schema/formats.md alone.
Run it again after a change of the grammar:  python3 tests/vectors/make_sync.py
"""
import os
import sys

sys.dont_write_bytecode = True

from plain_crypto import blake, box_public, box_seal, sign, sign_public, xchacha_encrypt

out = {}


def seq(start, n):
    return bytes((start + i) & 0xFF for i in range(n))


def varint(v):
    b = bytearray()
    while v >= 0x80:
        b.append(v & 0x7F | 0x80)
        v >>= 7
    b.append(v)
    return bytes(b)


def zigzag(v):
    return varint(v << 1 if v >= 0 else ((-v - 1) << 1) + 1)


def span(b):
    if isinstance(b, str):
        b = b.encode()
    return varint(len(b)) + b


def u64(v):
    return v.to_bytes(8, "little")


root_seed, inv_seed, dev_seed = seq(1, 32), seq(2, 32), seq(3, 32)
scope_key, dev_box, ephemeral = seq(0x40, 32), seq(0x60, 32), seq(0x80, 32)
recovery_key = seq(0x20, 32)
root, inv_pub, dev_pub = map(sign_public, (root_seed, inv_seed, dev_seed))
scope_pub, dev_box_pub = box_public(scope_key), box_public(dev_box)
device = blake(16, b"field-device-1", dev_pub)
inv_id = blake(16, b"field-invitation-1", inv_pub)
province = blake(32, b"field-province-1", root)[:8]
out.update(root_seed=root_seed, root_public=root, invitation_seed=inv_seed,
           invitation_public=inv_pub, invitation_id=inv_id, device_seed=dev_seed,
           device_public=dev_pub, device_box_key=dev_box, device_box_public=dev_box_pub,
           device=device, scope_key=scope_key, scope_public=scope_pub, province=province)

# ---- frame ----


def padme(n):
    e = n.bit_length() - 1
    bits = e - (e.bit_length())
    return -(-n // (1 << bits)) << bits if bits > 0 else n


def frame(cargo, ranges, nonce, k0):
    h = b"FF\x01\x00" + device + span("24.001") + b"\x01" + varint(300) + varint(7) + seq(0xA0, 16)
    h += varint(len(ranges))
    for log, first, count, before, after in ranges:
        h += u64(log) + varint(first) + varint(count) + before + after
    h += box_seal(scope_pub, k0, ephemeral) + nonce
    keys = blake(64, b"field-frame-key-1", h, key=k0)
    size = max(64, padme(len(cargo) + 1))
    padded = cargo + b"\x80" + b"\0" * (size - len(cargo) - 1)
    h += keys[32:] + varint(size + 16)
    c = xchacha_encrypt(keys[:32], nonce, blake(32, b"field-frame-ad-1", h), padded)
    message = b"field-frame-1" + blake(32, b"field-frame-header-1", h) + \
        blake(32, b"field-frame-body-1", c)
    return h + sign(dev_seed, message) + c


out["frame_cargo"] = seq(7, 150)
out["frame"] = frame(out["frame_cargo"],
                     [(0x1122334455667788, 1, 3, seq(0xB0, 16), seq(0xC0, 16)),
                      (0xFFEEDDCCBBAA9988, 130, 200, seq(0xD0, 16), seq(0xE0, 16))],
                     seq(0x11, 24), seq(0x22, 32))
out["frame_id"] = blake(32, b"field-frame-id-1", out["frame"])
out["frame_empty"] = frame(b"", [(1, 1, 1, seq(0, 16), seq(16, 16))], seq(0x55, 24), seq(0x66, 32))

# ---- invitation, certificate ----

inv = b"\x01" + inv_pub + span("24.001") + b"\x01" + zigzag(1764000000) + zigzag(1765209600)
inv += sign(root_seed, b"field-invitation-1" + inv)
out["invitation"] = inv

name = box_seal(scope_pub, "Lò Thị Hoa".encode(), seq(0x91, 32))
out["sealed_name"] = name
cert = b"\x01" + span(inv) + dev_pub + dev_box_pub + zigzag(1764100000) + span(name)
cert += sign(inv_seed, b"field-certificate-1" + cert)
cert += sign(dev_seed, b"field-possession-1" + cert)
out["certificate"] = cert

# ---- statements ----


def statement(n, previous, kind, at, payload):
    s = b"FD\x01" + bytes([kind]) + varint(n) + previous + zigzag(at) + span(payload)
    return s + sign(root_seed, b"field-statement-1" + s)


def head(s):
    return blake(32, b"field-head-1", s)


def unit(code, full, short, level, kind, parent, start, end, successor, flags):
    def date(d):
        return (d[0] * 16 + d[1]) * 32 + d[2] if d else 0
    return span(code) + span(full) + span(short) + span(level) + span(kind) + span(parent) + \
        varint(date(start)) + varint(date(end)) + span(successor) + bytes([flags])


genesis = statement(0, bytes(32), 1, 1764000000,
                    root + box_public(recovery_key) + span("Tỉnh Sơn Vân") + span("24"))
units = statement(1, head(genesis), 2, 1764000100, varint(3) +
                  unit("24", "Tỉnh Sơn Vân", "Sơn Vân", "PROV", "tinh", "", (2025, 7, 1), None, "", 0) +
                  unit("24.001", "Xã Nậm Lành", "Nậm Lành", "COMM", "xa", "24", (2025, 7, 1), None, "", 1) +
                  unit("24.002", "Phường Đông Hà", "Đông Hà", "COMM", "phuong", "24",
                       (2025, 7, 1), (2026, 0, 0), "24.001", 2))

shares = []
for i in range(5):
    recipient = b"\x00" + span("24") + b"\x01" + varint(200 + i) if i % 2 == 0 else b"\x01" + device
    sealed = box_seal(scope_pub, seq(i, 32), seq(0x30 + i, 32))
    shares.append(span("24.001") + b"\x01" + varint(i) + recipient + sealed)


def tree(leaves):
    """Straight from the words: level by level, an odd last node moves up."""
    level = [blake(32, b"field-share-leaf-1", s) for s in leaves]
    while len(level) > 1:
        up = [blake(32, b"field-share-node-1", level[i], level[i + 1])
              for i in range(0, len(level) - 1, 2)]
        level = up + level[len(level) // 2 * 2:]
    return level[0] if level else bytes(32)


for i in range(5):
    out["share_%d" % i] = shares[i]
for n in range(6):
    out["share_root_%d" % n] = tree(shares[:n])

keys = statement(2, head(units), 3, 1764000200, varint(2) +
                 span("24.001") + b"\x01" + varint(1) + scope_pub +
                 span("24") + b"\x00" + varint(300) + box_public(seq(9, 32)) +
                 varint(5) + tree(shares))
admit = statement(3, head(keys), 4, 1764000300, varint(1) + span(cert))
retire = statement(4, head(admit), 5, -5, device + span("mất máy") + varint(2) +
                   u64(0x1122334455667788) + varint(3) + u64(5) + varint(1000))
for i, s in enumerate((genesis, units, keys, admit, retire)):
    out["statement_%d" % i] = s
    out["head_%d" % i] = head(s)

# the device is a caseworker of 24.001, into which 24.002 was merged
out["lanes_digest"] = blake(16, b"field-lanes-1", *(span(x) for x in sorted(
    ["c24", "c24.001", "c24.002", "d" + device.hex()] +
    [kind + str(c) + code for kind in "fk" for c in (0, 1) for code in ("24.001", "24.002")])))

# ---- invitation file ----

code = seq(0xF0, 20)
out["code"] = code
item = varint(2) + varint(0) + span(shares[0]) + varint(1) + seq(0, 32)
payload = span(inv) + inv_seed + span("Lò Thị Hoa") + span("https://sync.example:8443") + \
    span("sha256//AAAA") + varint(1) + span("24.001") + b"\x01" + varint(1) + scope_key + \
    varint(2) + span(genesis) + span(units) + varint(1) + span(item) + varint(1) + span(cert)
fh = b"FI\x01" + province + inv_id + seq(0x77, 24)
fkey = blake(32, b"field-invitation-key-1", inv_id, key=code)
out["invitation_file"] = fh + xchacha_encrypt(fkey, seq(0x77, 24), fh, payload)
out["share_item"] = item

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "sync.hex"), "w") as f:
    f.write("# made by make_sync.py; name = hex\n")
    for k in sorted(out):
        f.write("%s = %s\n" % (k, out[k].hex()))
