#!/usr/bin/env python3
"""A second reader of a vault, written from schema/formats.md alone:

    read_vault.py VAULT [--passphrase-file F] [--recovery-file F] [--to PLAIN.db]
                        [--authority AUTHORITYS_VAULT --authority-file F]
    read_vault.py --backup FILE ...the same

Opens the key file by every secret that is given (--authority: the escrow slot, by the recovery
key that lies in the authority's vault, which the passphrase in F opens), the pages and the WAL, lets Python's own SQLite recover and check them, follows the
chains of the journal, and prints what it found as lines `name = value`.  Nothing of the
vault is changed.  The clear copy is removed, unless --to keeps it.
"""
import argparse
import os
import sqlite3
import struct
import sys
import tempfile
import unicodedata

sys.dont_write_bytecode = True

from plain_crypto import argon2id, blake, box_open, kdf, xchacha_decrypt

PASSPHRASE, RECOVERY, ESCROW = 1, 2, 3
PAGE, RESERVED, SLOT = 4096, 40, 4608
SEALED_PAGE, SEALED_BLOCK = PAGE - RESERVED, PAGE + 2
LOCK_PAGE = (1 << 30) // PAGE
BACKUP_CHUNK = 65536


class Refused(Exception):
    pass


def need(holds, why):
    if not holds:
        raise Refused(why)


# ---- the key file ----

class Slot:
    def __init__(self, kind, number, rest, bound):
        self.kind, self.number, self.salt, self.bound = kind, number, rest[:16], bound
        params = rest[16:-104]
        self.commit, self.nonce, self.sealed = rest[-104:-72], rest[-72:-48], rest[-48:]
        if kind == PASSPHRASE:
            need(len(params) == 8, "a passphrase slot has 8 bytes of parameters")
            self.memory, self.passes = struct.unpack("<II", params)
            need(32 <= self.memory <= 1024 and 1 <= self.passes <= 10, "Argon2 out of bounds")
        elif kind == RECOVERY:
            need(params == b"", "a recovery slot has no parameters")
        else:
            need(kind == ESCROW and len(params) == 112, "not a slot")
            self.public, self.box = params[:32], params[32:]

    def key(self, secret):
        """The slot key, from passphrase text, recovery code or escrow key."""
        if self.kind == PASSPHRASE:
            text = unicodedata.normalize("NFC", secret).encode()
            return argon2id(text, self.salt, self.memory << 20, self.passes)
        if self.kind == RECOVERY:
            return blake(32, b"field-recovery-1", self.salt, key=secret)
        return box_open(secret, self.box)

    def master(self, secret):
        key = self.key(secret)
        if key is None:
            return None
        both = blake(64, self.bound, key=key)
        if both[32:] != self.commit:
            return None
        return xchacha_decrypt(both[:32], self.nonce, self.bound, self.sealed)


class KeyFile:
    def __init__(self, data):
        need(len(data) <= 8192 and len(data) >= 8 + 2 + 16 + 8 + 1 + 64, "key file: length")
        need(data[:8] == b"FIELDKEY", "key file: magic")
        need(blake(32, data[:-32]) == data[-32:], "key file: checksum")
        need(data[8:10] == b"\1\0", "key file: version")
        self.data, self.mac = data, data[-64:-32]
        self.vault_id = data[10:26]
        self.generation, n = struct.unpack("<QB", data[26:35])
        need(n <= 16, "key file: slots")
        at, self.slots = 35, []
        for _ in range(n):
            kind, number, length = struct.unpack("<BBH", data[at:at + 4])
            rest = data[at + 4:at + 4 + length]
            need(length >= 16 + 104 and at + 4 + length <= len(data) - 64, "key file: slot")
            bound = b"field-slot-1" + self.vault_id + data[at:at + 4 + length - 104]
            self.slots.append(Slot(kind, number, rest, bound))
            at += 4 + length
        need(at == len(data) - 64, "key file: bytes behind the slots")
        order = [(s.kind, s.number) for s in self.slots]
        need(order == sorted(set(order)), "key file: order of the slots")

    def genuine(self, master):
        return blake(32, b"field-key-file-1", self.data[:-64], key=subkey(master, 1)) == self.mac


def subkey(master, number):
    return kdf(32, number, b"fldvault", master)


def open_slots(key_file, secrets):
    """The master key that every given secret opens, and the names of the slots opened."""
    master, opened = None, []
    for kind, secret in secrets:
        found = None
        for slot in key_file.slots:
            m = slot.master(secret) if slot.kind == kind else None
            if m is not None:
                found = m
                opened.append("%d.%d" % (kind, slot.number))
        need(found is not None, "a secret of type %d opens no slot" % kind)
        need(master in (None, found), "two slots hold different master keys")
        master = found
    need(master is not None and key_file.genuine(master), "key file: MAC")
    return master, opened


def unwrap(master, number, place, blob):
    key = blake(32, b"field-wrap-1", key=subkey(master, number))
    return xchacha_decrypt(key, blob[:24], place.encode(), blob[24:])


# ---- pages, blocks, backups ----

def file_key(master, vault_id, kind):
    both = blake(48, b"field-file-1", vault_id, bytes([kind]), key=subkey(master, 2))
    return both[:32], both[32:]


def open_box(key, ident, number, data, sealed):
    """`sealed` bytes, a nonce and a tag at the start of data."""
    nonce, tag = data[sealed:sealed + 24], data[sealed + 24:sealed + 40]
    return xchacha_decrypt(key, nonce, ident + struct.pack("<Q", number), data[:sealed] + tag)


def read_pages(key, ident, data):
    need(len(data) % PAGE == 0, "vault.db: half a page")
    out = []
    for p in range(len(data) // PAGE):
        clear = open_box(key, ident, p, data[p * PAGE:(p + 1) * PAGE], SEALED_PAGE)
        if p == LOCK_PAGE:
            clear = b"\0" * SEALED_PAGE
        out.append(clear)
    return out


def read_blocks(key, ident, data):
    """The bytes of a WAL; where a slot does not open stand zeroes."""
    out, bad, end = [], 0, 0
    for b in range(-(-len(data) // SLOT)):
        slot = data[b * SLOT:(b + 1) * SLOT]
        clear = open_box(key, ident, b, slot, SEALED_BLOCK) if len(slot) >= SEALED_BLOCK + 40 else None
        if clear is None:
            bad += any(slot)
            clear = b"\0" * PAGE
        else:
            end = b * PAGE + struct.unpack("<H", clear[PAGE:])[0]
            clear = clear[:PAGE]
        out.append(clear)
    return b"".join(out)[:end], bad


def read_backup(data, secrets):
    need(data[:10] == b"FIELDBAK\1\0", "backup: magic and version")
    salt, keys = data[10:26], struct.unpack("<H", data[26:28])[0]
    key_file, at = KeyFile(data[28:28 + keys]), 28 + keys
    master, opened = open_slots(key_file, secrets)
    both = blake(48, b"field-file-1", salt, b"\4", key=subkey(master, 5))
    key, ident, clear, number, last = both[:32], both[32:], b"", 0, False
    head = data[:at]
    while not last:
        last = len(data) - at <= BACKUP_CHUNK + 40
        n = len(data) - at - 40 if last else BACKUP_CHUNK
        need(n >= 1, "backup: cut off")
        chunk = open_box(key, ident, 2 * number + last, data[at:at + n + 40], n)
        need(chunk is not None, "backup: chunk %d" % number)
        clear, at, number = clear + chunk, at + n + 40, number + 1
    need(clear[:32] == blake(32, b"field-backup-1", head), "backup: head")
    pages = struct.unpack("<Q", clear[32:40])[0]
    need(len(clear) == 40 + pages * PAGE, "backup: pages")
    return key_file, opened, clear[40:]


# ---- codes on paper ----

CODE = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def code_text(code):
    check = int.from_bytes(blake(32, b"field-code-1", code)[:4], "big") >> 7
    bits, n = int.from_bytes(code, "big"), len(code) * 8 // 5
    body = "".join(CODE[bits >> 5 * (n - 1 - i) & 31] for i in range(n))
    groups = [body[i:i + 5] for i in range(0, n, 5)]
    return "-".join(groups + ["".join(CODE[check >> 5 * (4 - i) & 31] for i in range(5))])


def code_bytes(text):
    text = "".join(c for c in text.upper() if c not in " \t\r\n-")
    text = text.replace("O", "0").replace("I", "1").replace("L", "1")
    n = (len(text) - 5) * 5 // 8
    need(n > 0 and n % 5 == 0 and (len(text) - 5) % 8 == 0 and all(c in CODE for c in text),
         "not a code")
    bits = 0
    for c in text[:-5]:
        bits = bits << 5 | CODE.index(c)
    code = bits.to_bytes(n, "big")
    need(code_text(code).replace("-", "") == text, "a slip of the pen in the code")
    return code


# ---- the journal (tables: schema/vault.sql) ----

def varint(v):
    out = b""
    while v >= 0x80:
        out, v = out + bytes([v & 0x7F | 0x80]), v >> 7
    return out + bytes([v])


def u64(v):
    return struct.pack("<Q", v & (1 << 64) - 1)


def chains(db):
    """Entries whose place in the chain of their log is right, and those where it is not."""
    right = wrong = 0
    starts = {}
    for log, device, unit, compartment, key, tips in db.execute(
            "SELECT id, device, unit, compartment, key, tips FROM log"):
        n, at = 0, 0
        while at < len(tips):
            at += 8
            while tips[at] & 0x80:
                at += 1
            at, n = at + 1 + 16, n + 1
        unit = unit.encode()
        start = blake(16, b"field-log-1", u64(log), device, varint(len(unit)), unit,
                      bytes([compartment]), varint(n), tips)
        starts[log] = start, key
    for log, (h, key) in starts.items():
        expected_n = 1
        for n, after, body, tag in db.execute(
                "SELECT n, after, body, tag FROM entry WHERE log = ? ORDER BY n", (log,)):
            if n != expected_n:
                break                   # a gap: what is behind it is judged when it is closed
            if body is not None:
                entry_key = blake(32, b"field-entry-key-1", u64(n), key=key)
                tag = blake(16, b"field-body-1", body, key=entry_key)
            h = blake(16, b"field-chain-1", h, u64(n), tag)
            right, wrong = right + (h == after), wrong + (h != after)
            expected_n += 1
    return right, wrong


# ---- the whole ----

def quiet(*_):
    pass


def read_folder(folder, secrets, print=print):
    """The master key, and the clear bytes of vault.db and of its WAL."""
    copies = []
    for name in ("vault.key", "vault.key.b"):
        try:
            with open(os.path.join(folder, name), "rb") as f:
                copies.append((KeyFile(f.read()), name))
        except (OSError, Refused) as e:
            print("%s = %s" % (name, e))
    need(copies, "no copy of the key file can be read")
    copies.sort(key=lambda c: -c[0].generation)
    for i, (key_file, name) in enumerate(copies):
        try:
            master, opened = open_slots(key_file, secrets)
            break
        except Refused:
            if i + 1 == len(copies):
                raise
    for other, name in copies:
        print("%s = %s, generation %d" % (name, "genuine" if other.genuine(master) else "not genuine",
                                          other.generation))
    print("slots = %s" % " ".join("%d.%d" % (s.kind, s.number) for s in key_file.slots))
    print("opened = %s" % " ".join(opened))
    with open(os.path.join(folder, "vault.db"), "rb") as f:
        pages = read_pages(*file_key(master, key_file.vault_id, 1), f.read())
    wal, bad = b"", 0
    try:
        with open(os.path.join(folder, "vault.db-wal"), "rb") as f:
            wal, bad = read_blocks(*file_key(master, key_file.vault_id, 2), f.read())
    except FileNotFoundError:
        pass
    print("pages = %d" % len(pages))
    print("bad pages = %s" % " ".join(str(p + 1) for p, c in enumerate(pages) if c is None))
    print("wal = %d" % len(wal))
    print("bad blocks = %d" % bad)
    return master, b"".join((c or b"\0" * SEALED_PAGE) + b"\0" * RESERVED for c in pages), wal


def write_clear(path, clear, wal):
    for name, data in ((path, clear), (path + "-wal", wal)):
        with open(name, "wb") as f:
            f.write(data)


def escrow_key(folder, path, passphrase):
    """The recovery key in an authority's vault; path: a place for its clear copy."""
    master, clear, wal = read_folder(folder, [(PASSPHRASE, passphrase)], quiet)
    write_clear(path, clear, wal)
    db = sqlite3.connect(path)
    blob = db.execute("SELECT wrapped FROM authority_key WHERE name = 'recovery'").fetchone()[0]
    db.close()
    return unwrap(master, 3, "recovery", blob)


def look(path):
    db = sqlite3.connect(path)
    print("integrity_check = %s" % db.execute("PRAGMA integrity_check").fetchone()[0])
    print("user_version = %d" % db.execute("PRAGMA user_version").fetchone()[0])
    tables = {r[0] for r in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    if "entry" in tables:
        print("entries = %d" % db.execute("SELECT count(*) FROM entry").fetchone()[0])
        print("chained = %d, broken %d" % chains(db))
        for form, n in db.execute("SELECT form, count(*) FROM record WHERE alive = 1 GROUP BY form"):
            print("form %s = %d" % (form, n))
    db.close()


def first_line(path):
    with open(path, encoding="utf-8") as f:
        return f.readline().rstrip("\r\n")


def secrets_of(args, folder):
    out = []
    if args.passphrase_file:
        out.append((PASSPHRASE, first_line(args.passphrase_file)))
    if args.recovery_file:
        out.append((RECOVERY, code_bytes(first_line(args.recovery_file))))
    if args.authority:
        out.append((ESCROW, escrow_key(args.authority, os.path.join(folder, "authority.db"),
                                       first_line(args.authority_file))))
    return out


def main():
    options = argparse.ArgumentParser()
    options.add_argument("vault")
    options.add_argument("--backup", action="store_true")
    for name in ("--passphrase-file", "--recovery-file", "--authority", "--authority-file", "--to"):
        options.add_argument(name)
    args = options.parse_args()
    os.umask(0o077)
    with tempfile.TemporaryDirectory() as folder:
        secrets = secrets_of(args, folder)
        if args.backup:
            with open(args.vault, "rb") as f:
                _, opened, clear = read_backup(f.read(), secrets)
            print("opened = %s" % " ".join(opened))
            wal = b""
        else:
            _, clear, wal = read_folder(args.vault, secrets)
        path = args.to or os.path.join(folder, "plain.db")
        write_clear(path, clear, wal)
        look(path)


if __name__ == "__main__":
    try:
        main()
    except Refused as e:
        sys.exit("read_vault: %s" % e)
