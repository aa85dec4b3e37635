#!/usr/bin/env python3
"""Writes the first inputs of fuzz_frame, fuzz_invitation and fuzz_directory from sync.hex."""
import os
import struct

here = os.path.dirname(os.path.abspath(__file__))
v = {}
for line in open(os.path.join(here, "sync.hex")):
    if " = " in line and not line.startswith("#"):
        k, h = line.strip().split(" = ")
        v[k] = bytes.fromhex(h)


def put(target, name, data):
    folder = os.path.join(here, "..", "fuzz", "corpus", target)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "wb") as f:
        f.write(data)


f = v["frame"]
put("fuzz_frame", "two_ranges", f)
put("fuzz_frame", "empty_cargo", v["frame_empty"])
put("fuzz_frame", "bad_signature", f[:350] + bytes([f[350] ^ 1]) + f[351:])
put("fuzz_frame", "cut", f[:-1])
put("fuzz_frame", "newer", f[:2] + b"\x02" + f[3:])
put("fuzz_frame", "resealed", f[:3] + b"\x01" + f[4:])

put("fuzz_invitation", "file", b"\0" + v["invitation_file"])
put("fuzz_invitation", "invitation", b"\2" + v["invitation"])
put("fuzz_invitation", "certificate", b"\3" + v["certificate"])


def span(b):
    n, out = len(b), b""
    while n > 0x7F:
        out, n = out + bytes([n & 0x7F | 0x80]), n >> 7
    return out + bytes([n]) + b


inside = v["invitation_id"] + span(v["invitation"]) + v["invitation_seed"] + span("Hoa".encode()) + \
    span(b"https://x") + span(b"pin")
put("fuzz_invitation", "inside_empty", b"\1" + inside + bytes(4))
put("fuzz_invitation", "inside_full", b"\1" + inside + b"\1" + span(b"24.001") + b"\1\1" +
    v["scope_key"] + b"\2" + span(v["statement_0"]) + span(v["statement_2"]) + b"\1" +
    span(v["share_item"]) + b"\1" + span(v["certificate"]))


def payload(i):
    s = v["statement_%d" % i]
    at = 5 + 32
    while s[at] & 0x80:
        at += 1
    at += 1
    n = shift = 0
    while True:
        n |= (s[at] & 0x7F) << shift
        shift += 7
        at += 1
        if not s[at - 1] & 0x80:
            break
    assert at + n + 64 == len(s)
    return s[at:at + n]


def piece(kind, b):
    return struct.pack("<BH", kind, len(b)) + b


d = v["device"]
chain = b"".join(piece(i + 1, payload(i)) for i in range(4))
whole = b"".join(piece(240, v["statement_%d" % i]) for i in range(5))
shares = b"".join(span(v["share_%d" % i]) for i in range(5))
put("fuzz_directory", "chain", chain + piece(5, payload(4)))
put("fuzz_directory", "whole", whole)
put("fuzz_directory", "shares", chain + piece(243, b"\2\5" + shares) + piece(242, v["share_item"]))
put("fuzz_directory", "verdicts", chain + piece(9, d + span(b"24") + b"\5") +
    piece(6, d + span(b"no")) + piece(4, payload(3)) + piece(7, v["invitation_id"] + span(b"x")) +
    piece(241, v["certificate"]))
put("fuzz_directory", "before_certificate", piece(1, payload(0)) + piece(2, payload(1)) +
    piece(9, d + span(b"24") + b"\2") + piece(5, d + span(b"") + b"\0") + piece(241, v["certificate"]))
put("fuzz_directory", "forms_and_newer", piece(1, payload(0)) +
    piece(8, b"\2" + span(b"case/survey.csv") + b"\5" + span(b"codes/sex.csv") + b"\6deflated") +
    piece(200, b"tomorrow"))
