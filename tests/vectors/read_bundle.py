#!/usr/bin/env python3
"""A second reader of bundles, written from schema/formats.md alone:

    read_bundle.py BUNDLE --invitation FILE --code-file FILE

Checks the directory's chain and every signature, opens the frames with the scope keys that the
invitation holds, takes the cargo apart, makes each entry's body again from its columns, and follows the
chain of its log.  Prints what it found as lines `name = value`, and one line a text that was written.
"""
import argparse
import sys
from collections import Counter

sys.dont_write_bytecode = True

from plain_crypto import blake, verify
from read_vault import code_bytes, first_line
from sync_bytes import (Frame, Reader, Refused, need, read_certificate, read_invitation_file, read_items,
                        read_receipt, read_statement)

STATEMENT, CERTIFICATE, FRAME, SHARE, SHARE_LIST, RECEIPT, END, KEY = 4, 2, 3, 5, 6, 7, 9, 16


def texts_of(value):
    kind, content = value
    if kind == 7:
        return [t for _, v in content for t in texts_of(v)]
    return [content.decode()] if kind == 2 else []


def directory(statements):
    """The root's public key, and the certificates that were admitted."""
    head, root, certificates = bytes(32), None, []
    for seq, data in enumerate(statements):
        s = read_statement(data)
        if seq == 0:
            need(s["type"] == 1, "the chain does not begin with genesis")
            root = s["payload"][:32]
        need(s["seq"] == seq and s["previous"] == head, "the chain of the directory is broken")
        need(verify(root, b"field-statement-1" + s["signed"], s["signature"]), "a statement is not the root's")
        head = blake(32, b"field-head-1", data)
        if s["type"] == 4:
            r = Reader(s["payload"])
            certificates += r.many(r.span)
            r.done()
    return root, certificates


def main():
    p = argparse.ArgumentParser()
    p.add_argument("bundle")
    p.add_argument("--invitation", required=True)
    p.add_argument("--code-file", required=True)
    args = p.parse_args()
    with open(args.bundle, "rb") as f:
        data = f.read()
    with open(args.invitation, "rb") as f:
        inv = read_invitation_file(f.read(), code_bytes(first_line(args.code_file)))
    need(data[:3] == b"FB\x01", "not a bundle of this version")
    need(data[3:11] == inv["province"], "of another province")
    items = read_items(data[11:])
    of = Counter(t for t, _ in items)
    root, admitted = directory([d for t, d in items if t == STATEMENT])
    need(blake(32, b"field-province-1", root)[:8] == data[3:11], "the root is not the province's")
    devices = {}
    for c in admitted + [d for t, d in items if t == CERTIFICATE]:
        c = read_certificate(c, root)
        devices[c["device"]] = c
    secrets = {(u, c, e): k for u, c, e, k in inv["secrets"]}
    opened, entries, forms, texts, frames = 0, 0, Counter(), [], set()
    for t, d in items:
        if t != FRAME:
            continue
        f = Frame(d)
        frames.add(f.id)
        need(f.signed_by(root if f.kind == 1 else devices[f.device]["sign"]), "a frame is not signed by its author")
        key = secrets.get((f.unit, f.compartment, f.epoch))
        if key is None:
            continue
        opened += 1
        for e in f.entries(key):
            entries += 1
            if e is None:
                continue
            forms[e["form"].decode()] += 1
            texts += [t for w in e["writes"] for v in w[3] for t in texts_of(v)]
    named = set()
    for t, d in items:
        if t == RECEIPT:
            r = read_receipt(d)
            need(verify(devices[r["signer"]]["sign"], b"field-receipt-1" + r["signed"], r["signature"]),
                 "a receipt is not its signer's")
            named |= frames & set(r.get("frames", []))
    for name, kind in (("statements", STATEMENT), ("certificates", CERTIFICATE), ("frames", FRAME),
                       ("receipts", RECEIPT), ("keys", KEY), ("shares", SHARE), ("share lists", SHARE_LIST)):
        print("%s = %d" % (name, of[kind]))
    print("opened = %d\nentries = %d\nnamed in receipts = %d" % (opened, entries, len(named)))
    for form in sorted(forms):
        print("form %s = %d" % (form, forms[form]))
    for text in sorted(set(texts)):
        print("text = %s" % text)


if __name__ == "__main__":
    try:
        main()
    except Refused as why:
        print("refused: %s" % why, file=sys.stderr)
        sys.exit(1)
