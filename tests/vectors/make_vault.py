#!/usr/bin/env python3
"""Writes vault.hex: every layer of a vault, made by plain_crypto.py and Python's own SQLite
from schema/formats.md alone, with fixed keys and nonces: slot keys, a key file with a slot of
each type, subkeys, a wrapped secret, the keys of files, a page, blocks of a WAL, a whole vault
with saved work in its WAL, a backup, a code on paper.  Run it again after a change of the
grammar:  python3 tests/vectors/make_vault.py
"""
import os
import sqlite3
import struct
import sys
import tempfile
import unicodedata

sys.dont_write_bytecode = True

import read_vault
from plain_crypto import argon2id, blake, box_public, box_seal, kdf, xchacha_encrypt

PAGE, RESERVED, SLOT = 4096, 40, 4608
out = {}


def seq(start, n):
    return bytes((start + i) & 0xFF for i in range(n))


def u64(v):
    return struct.pack("<Q", v)


nonces = 0


def nonce():
    global nonces
    nonces += 1
    return blake(24, b"nonce of a vector", u64(nonces))


# ---- slots and key file ----

master, vault_id = seq(0x11, 32), seq(0xC0, 16)
typed = unicodedata.normalize("NFD", "Cơn mưa rào tháng Bảy ở Bình Liêu")
passphrase = unicodedata.normalize("NFC", typed).encode()
code = seq(0xF0, 20)
escrow_key, ephemeral, escrow_slot_key = seq(0x20, 32), seq(0x80, 32), seq(0xE0, 32)
out.update(master=master, vault_id=vault_id, passphrase_typed=typed.encode(), passphrase=passphrase,
           recovery_code=code, recovery_text=read_vault.code_text(code).encode(),
           zero_code_text=read_vault.code_text(bytes(20)).encode(),
           escrow_key=escrow_key, escrow_public=box_public(escrow_key))


def slot(name, kind, number, salt, params, key):
    length = len(salt) + len(params) + 32 + 24 + 48
    head = struct.pack("<BBH", kind, number, length) + salt + params
    bound = b"field-slot-1" + vault_id + head
    both = blake(64, bound, key=key)
    n = nonce()
    body = head + both[32:] + n + xchacha_encrypt(both[:32], n, bound, master)
    out.update({name + "_slot_key": key, name + "_bound": bound, name + "_one_time_key": both[:32],
                name + "_commit": both[32:], name + "_slot": body})
    return body


def key_file(generation, *slots):
    body = b"FIELDKEY" + struct.pack("<H", 1) + vault_id + u64(generation) + bytes([len(slots)]) + \
        b"".join(slots)
    body += blake(32, b"field-key-file-1", body, key=subkeys[1])
    return body + blake(32, body)


subkeys = {n: kdf(32, n, b"fldvault", master) for n in range(1, 7)}
out.update({"subkey_%d" % n: k for n, k in subkeys.items()})
salts = seq(0x31, 16), seq(0x42, 16), seq(0x53, 16)
slots = [
    slot("passphrase", 1, 0, salts[0], struct.pack("<II", 32, 1),
         argon2id(passphrase, salts[0], 32 << 20, 1)),
    slot("recovery", 2, 0, salts[1], b"", blake(32, b"field-recovery-1", salts[1], key=code)),
    slot("escrow", 3, 0, salts[2],
         out["escrow_public"] + box_seal(out["escrow_public"], escrow_slot_key, ephemeral),
         escrow_slot_key),
]
out["key_file"] = key_file(3, *slots)
# The same of a version that is to come.
later = out["key_file"][:8] + b"\2\0" + out["key_file"][10:-32]
out["key_file_newer"] = later + blake(32, later)

# ---- a wrapped secret ----

n = nonce()
wrapped, place = seq(0x90, 32), "scope/06184/1/7"
out.update(wrapped_secret=wrapped, wrapped_place=place.encode(),
           wrapped_blob=n + xchacha_encrypt(blake(32, b"field-wrap-1", key=subkeys[3]), n,
                                            place.encode(), wrapped))

# ---- files ----

for name, kind in ("db", 1), ("wal", 2), ("journal", 3):
    both = blake(48, b"field-file-1", vault_id, bytes([kind]), key=subkeys[2])
    out[name + "_key"], out[name + "_id"] = both[:32], both[32:]


def seal(key, ident, position, clear):
    n = nonce()
    sealed = xchacha_encrypt(key, n, ident + u64(position), clear)
    return sealed[:-16] + n + sealed[-16:]


def seal_pages(data):
    return b"".join(seal(out["db_key"], out["db_id"], p, data[p * PAGE:(p + 1) * PAGE - RESERVED])
                    for p in range(len(data) // PAGE))


def seal_blocks(data):
    slots = b""
    for b in range(-(-len(data) // PAGE)):
        block = data[b * PAGE:(b + 1) * PAGE]
        clear = block + b"\0" * (PAGE - len(block)) + struct.pack("<H", len(block))
        slots += seal(out["wal_key"], out["wal_id"], b, clear) + b"\0" * (SLOT - PAGE - 42)
    return slots


out["page_clear"] = seq(0x07, PAGE - RESERVED) + b"\0" * RESERVED
out["page_5"] = seal(out["db_key"], out["db_id"], 5, out["page_clear"][:-RESERVED])
out["block_clear"] = seq(0x08, 1000)
out["block_0"] = seal_blocks(out["block_clear"])

# ---- a whole vault: a row in the database, two in the WAL ----

# An empty database of 4,096-byte pages with 40 reserved bytes, in WAL mode.
first = bytearray(b"SQLite format 3\0" + bytes.fromhex("1000020228402020") + b"\0" * (PAGE - 24))
first[24:32] = struct.pack(">II", 1, 1)         # change counter, pages
first[44:48] = struct.pack(">I", 4)             # schema format
first[56:60] = struct.pack(">I", 1)             # UTF-8
first[92:100] = struct.pack(">II", 1, 3040001)  # valid for, version
first[100:108] = b"\x0d\0\0\0\0" + struct.pack(">H", PAGE - RESERVED) + b"\0"
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "plain.db")
    with open(path, "wb") as f:
        f.write(first)
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("CREATE TABLE note(id INTEGER PRIMARY KEY, body TEXT NOT NULL)")
    db.execute("INSERT INTO note VALUES (1, 'Hỏi chuyện ở chợ Đồng Văn')")
    db.execute("PRAGMA user_version = 1")
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.execute("INSERT INTO note VALUES (2, 'Gặp lại sau ba ngày')")
    db.execute("INSERT INTO note VALUES (3, 'Đã chuyển tuyến')")
    with open(path, "rb") as f:
        plain = f.read()
    with open(path + "-wal", "rb") as f:
        wal = f.read()
    db.close()
assert plain[20] == RESERVED and len(wal) > 2 * PAGE
out["vault_db"] = seal_pages(plain)
out["vault_wal"] = seal_blocks(wal)

# ---- a backup of its database ----

salt = seq(0x64, 16)
head = b"FIELDBAK" + struct.pack("<H", 1) + salt + struct.pack("<H", len(out["key_file"])) + \
    out["key_file"]
clear = blake(32, b"field-backup-1", head) + u64(len(plain) // PAGE) + plain
both = blake(48, b"field-file-1", salt, b"\4", key=subkeys[5])
out["backup_salt"], out["backup_key"], out["backup_id"] = salt, both[:32], both[32:]
chunks = [clear[i:i + 65536] for i in range(0, len(clear), 65536)]
out["backup"] = head + b"".join(
    seal(both[:32], both[32:], 2 * i + (i + 1 == len(chunks)), chunk) for i, chunk in enumerate(chunks))

# ---- and the reader reads it ----

secrets = [(1, typed), (2, read_vault.code_bytes(out["recovery_text"].decode())), (3, escrow_key)]
assert read_vault.read_backup(out["backup"], secrets)[2] == plain
assert read_vault.read_blocks(out["wal_key"], out["wal_id"], out["vault_wal"]) == (wal, 0)

name = os.path.join(os.path.dirname(os.path.abspath(__file__)), "vault.hex")
with open(name, "w", encoding="ascii") as f:
    f.write("# made by make_vault.py; name = hex\n")
    for key in sorted(out):
        f.write("%s = %s\n" % (key, out[key].hex()))
