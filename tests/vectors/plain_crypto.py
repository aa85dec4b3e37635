"""The primitives that formats.md names, written from their specifications in
plain Python: slow, not for secrets, and independent of the C code under test.
RFC 8032 (Ed25519), RFC 7748 (X25519), RFC 8439 (ChaCha20, Poly1305),
draft-irtf-cfrg-xchacha, Salsa20 (Bernstein), crypto_box_seal and crypto_kdf
(libsodium's manual).  Argon2id alone is libsodium's own: in Python it takes a minute.
"""
import ctypes
import ctypes.util
import hashlib
import struct

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P


def blake(n, *parts, key=b""):
    h = hashlib.blake2b(digest_size=n, key=key)
    for part in parts:
        h.update(part)
    return h.digest()


# ---- Ed25519 ----

def _recover_x(y, sign):
    xx = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(xx, (P + 3) // 8, P)
    if (x * x - xx) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    return P - x if x & 1 != sign else x


_BY = 4 * pow(5, P - 2, P) % P
_BX = _recover_x(_BY, 0)
BASE = (_BX, _BY, 1, _BX * _BY % P)


def _add(p, q):
    a = (p[1] - p[0]) * (q[1] - q[0]) % P
    b = (p[1] + p[0]) * (q[1] + q[0]) % P
    c = 2 * p[3] * q[3] * D % P
    d = 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def _times(s, p):
    q = (0, 1, 1, 0)
    while s:
        if s & 1:
            q = _add(q, p)
        p = _add(p, p)
        s >>= 1
    return q


def _pack(p):
    z = pow(p[2], P - 2, P)
    x, y = p[0] * z % P, p[1] * z % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def _expand(seed):
    h = hashlib.sha512(seed).digest()
    a = int.from_bytes(h[:32], "little") & ((1 << 254) - 8) | 1 << 254
    return a, h[32:]


def sign_public(seed):
    return _pack(_times(_expand(seed)[0], BASE))


def sign(seed, message):
    a, prefix = _expand(seed)
    r = int.from_bytes(hashlib.sha512(prefix + message).digest(), "little") % L
    big_r = _pack(_times(r, BASE))
    k = hashlib.sha512(big_r + sign_public(seed) + message).digest()
    s = (r + int.from_bytes(k, "little") * a) % L
    return big_r + s.to_bytes(32, "little")


def _unpack(b):
    v = int.from_bytes(b, "little")
    y = v & (1 << 255) - 1
    x = _recover_x(y, v >> 255)
    if (-x * x + y * y - 1 - D * x * x * y * y) % P:
        return None
    return (x, y, 1, x * y % P)


def verify(public, message, signature):
    a, r, s = _unpack(public), _unpack(signature[:32]), int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= L or len(signature) != 64:
        return False
    k = hashlib.sha512(signature[:32] + public + message).digest()
    return _pack(_times(s, BASE)) == _pack(_add(r, _times(int.from_bytes(k, "little"), a)))


# ---- X25519 ----

def x25519(scalar, u):
    k = int.from_bytes(scalar, "little") & ((1 << 254) - 8) | 1 << 254
    x1 = int.from_bytes(u, "little") & ((1 << 255) - 1)
    x2, z2, x3, z3, swap = 1, 0, x1, 1, 0
    for t in reversed(range(255)):
        bit = k >> t & 1
        if swap ^ bit:
            x2, x3, z2, z3 = x3, x2, z3, z2
        swap = bit
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        aa, bb, da, cb = a * a % P, b * b % P, d * a % P, c * b % P
        e = aa - bb
        x3, z3 = (da + cb) ** 2 % P, x1 * (da - cb) ** 2 % P
        x2, z2 = aa * bb % P, e * (aa + 121665 * e) % P
    if swap:
        x2, z2 = x3, z3
    return (x2 * pow(z2, P - 2, P) % P).to_bytes(32, "little")


def box_public(key):
    return x25519(key, (9).to_bytes(32, "little"))


# ---- stream ciphers and Poly1305 ----

def _rot(v, n):
    return (v << n | v >> 32 - n) & 0xFFFFFFFF


def _chacha_rounds(s):
    def quarter(a, b, c, d):
        s[a] = s[a] + s[b] & 0xFFFFFFFF; s[d] = _rot(s[d] ^ s[a], 16)
        s[c] = s[c] + s[d] & 0xFFFFFFFF; s[b] = _rot(s[b] ^ s[c], 12)
        s[a] = s[a] + s[b] & 0xFFFFFFFF; s[d] = _rot(s[d] ^ s[a], 8)
        s[c] = s[c] + s[d] & 0xFFFFFFFF; s[b] = _rot(s[b] ^ s[c], 7)
    for _ in range(10):
        for i in range(4):
            quarter(i, i + 4, i + 8, i + 12)
        for i in range(4):
            quarter(i, (i + 1) % 4 + 4, (i + 2) % 4 + 8, (i + 3) % 4 + 12)


def _salsa_rounds(s):
    def quarter(a, b, c, d):
        s[b] ^= _rot(s[a] + s[d] & 0xFFFFFFFF, 7)
        s[c] ^= _rot(s[b] + s[a] & 0xFFFFFFFF, 9)
        s[d] ^= _rot(s[c] + s[b] & 0xFFFFFFFF, 13)
        s[a] ^= _rot(s[d] + s[c] & 0xFFFFFFFF, 18)
    for _ in range(10):
        quarter(0, 4, 8, 12); quarter(5, 9, 13, 1)
        quarter(10, 14, 2, 6); quarter(15, 3, 7, 11)
        quarter(0, 1, 2, 3); quarter(5, 6, 7, 4)
        quarter(10, 11, 8, 9); quarter(15, 12, 13, 14)


SIGMA = struct.unpack("<4I", b"expand 32-byte k")


def _chacha_block(key, counter, nonce):
    start = list(SIGMA) + list(struct.unpack("<8I", key)) + [counter] + \
        list(struct.unpack("<3I", nonce))
    s = list(start)
    _chacha_rounds(s)
    return struct.pack("<16I", *((a + b) & 0xFFFFFFFF for a, b in zip(s, start)))


def _hchacha(key, nonce16):
    s = list(SIGMA) + list(struct.unpack("<8I", key)) + list(struct.unpack("<4I", nonce16))
    _chacha_rounds(s)
    return struct.pack("<8I", *(s[:4] + s[12:]))


def _salsa_state(key, tail):
    k, t = struct.unpack("<8I", key), struct.unpack("<4I", tail)
    return [SIGMA[0], *k[:4], SIGMA[1], *t, SIGMA[2], *k[4:], SIGMA[3]]


def _hsalsa(key, nonce16):
    s = _salsa_state(key, nonce16)
    _salsa_rounds(s)
    return struct.pack("<8I", *(s[i] for i in (0, 5, 10, 15, 6, 7, 8, 9)))


def _salsa_block(key, nonce8, counter):
    start = _salsa_state(key, nonce8 + struct.pack("<Q", counter))
    s = list(start)
    _salsa_rounds(s)
    return struct.pack("<16I", *((a + b) & 0xFFFFFFFF for a, b in zip(s, start)))


def _poly1305(key, data):
    r = int.from_bytes(key[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    s = int.from_bytes(key[16:], "little")
    acc = 0
    for i in range(0, len(data), 16):
        acc = (acc + int.from_bytes(data[i:i + 16] + b"\x01", "little")) * r % (2**130 - 5)
    return ((acc + s) % 2**128).to_bytes(16, "little")


def _xor(data, stream):
    return bytes(a ^ b for a, b in zip(data, stream))


def _aead_tag(sub, n, ad, c):
    pad = lambda x: x + b"\0" * (-len(x) % 16)
    mac = pad(ad) + pad(c) + struct.pack("<QQ", len(ad), len(c))
    return _poly1305(_chacha_block(sub, 0, n)[:32], mac)


def _aead_xor(sub, n, data):
    return _xor(data, b"".join(_chacha_block(sub, i + 1, n) for i in range(len(data) // 64 + 1)))


def xchacha_encrypt(key, nonce, ad, plain):
    sub, n = _hchacha(key, nonce[:16]), b"\0\0\0\0" + nonce[16:]
    c = _aead_xor(sub, n, plain)
    return c + _aead_tag(sub, n, ad, c)


def xchacha_decrypt(key, nonce, ad, sealed):
    """The clear text, or None when the last 16 bytes are not its tag."""
    sub, n = _hchacha(key, nonce[:16]), b"\0\0\0\0" + nonce[16:]
    c, tag = sealed[:-16], sealed[-16:]
    return _aead_xor(sub, n, c) if _aead_tag(sub, n, ad, c) == tag else None


def _box_stream(secret, public, nonce, n):
    sub = _hsalsa(_hsalsa(x25519(secret, public), b"\0" * 16), nonce[:16])
    return b"".join(_salsa_block(sub, nonce[16:], i) for i in range(n // 64 + 2))


def box_seal(public, plain, ephemeral):
    """crypto_box_seal with a given ephemeral secret."""
    epk = box_public(ephemeral)
    stream = _box_stream(ephemeral, public, blake(24, epk, public), len(plain))
    c = _xor(plain, stream[32:])
    return epk + _poly1305(stream[:32], c) + c


def box_open(secret, box):
    """crypto_box_seal_open, or None."""
    epk, tag, c = box[:32], box[32:48], box[48:]
    stream = _box_stream(secret, epk, blake(24, epk, box_public(secret)), len(c))
    return _xor(c, stream[32:]) if _poly1305(stream[:32], c) == tag else None


# ---- keys ----

def kdf(n, number, context, key):
    """crypto_kdf_derive_from_key."""
    return hashlib.blake2b(digest_size=n, key=key, salt=struct.pack("<QQ", number, 0),
                           person=context + b"\0" * 8).digest()


def argon2id(password, salt, memory_bytes, passes):
    """crypto_pwhash with ARGON2ID13, 32 bytes."""
    sodium = ctypes.CDLL(ctypes.util.find_library("sodium") or "libsodium.so")
    out = ctypes.create_string_buffer(32)
    rc = sodium.crypto_pwhash(out, ctypes.c_ulonglong(32), password,
                              ctypes.c_ulonglong(len(password)), salt, ctypes.c_ulonglong(passes),
                              ctypes.c_size_t(memory_bytes), ctypes.c_int(2))
    if rc != 0:
        raise MemoryError("crypto_pwhash")
    return out.raw


def self_test():
    # RFC 8032, 7.1, test 2
    seed = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
    assert sign_public(seed).hex() == \
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
    assert sign(seed, b"\x72").hex() == \
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da" \
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    assert verify(sign_public(seed), b"\x72", sign(seed, b"\x72"))
    assert not verify(sign_public(seed), b"\x73", sign(seed, b"\x72"))
    # RFC 7748, 5.2, one iteration
    nine = (9).to_bytes(32, "little")
    assert x25519(nine, nine).hex() == \
        "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079"
    # draft-irtf-cfrg-xchacha-03, A.3.1
    key = bytes(range(0x80, 0xA0))
    nonce = bytes(range(0x40, 0x58))
    ad = bytes.fromhex("50515253c0c1c2c3c4c5c6c7")
    plain = (b"Ladies and Gentlemen of the class of '99: If I could offer you "
             b"only one tip for the future, sunscreen would be it.")
    assert xchacha_encrypt(key, nonce, ad, plain)[-16:].hex() == \
        "c0875924c1c7987947deafd8780acf49"
    assert xchacha_decrypt(key, nonce, ad, xchacha_encrypt(key, nonce, ad, plain)) == plain
    # box_seal is checked against libsodium where sync.hex is read
    assert box_open(key, box_seal(box_public(key), plain, nine)) == plain


self_test()
