# SPDX-License-Identifier: BSD-3-Clause
"""Format eesp-subsa in plain Python: a second opinion on what saker sends.

Written from docs/protocol.md alone. Only AES-GCM and HKDF-Expand come from a library."""

import struct
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

import profile
from ip import IPIP, IPV6, Refused, need, set_ip_payload

HASHES = {"hkdf-sha-256": (1, hashes.SHA256, 32), "hkdf-sha-384": (2, hashes.SHA384, 48),
          "hkdf-sha-512": (3, hashes.SHA512, 64)}
BASE, INFO_LEN, ICV = 8, 4, 16


def sskdf(name, root, session, length):
    """KEYMAT of a Sub SA. root: as long as the function wants it."""
    return HKDFExpand(HASHES[name][1](), length, struct.pack(">H", session)).derive(root)


def key_root(name, value):
    """The root key of an SSKDF from the 32 octets of a key file."""
    number, _, size = HASHES[name]
    if size == 32:
        return value
    return profile.kdf(value, b"SR", bytes([number]), size * 8)


def keymat(name, suite, value, session, letter=b"B"):
    """(key, salt)"""
    n = profile.KEY_LEN[suite]
    if name == "none":
        context = letter + bytes([suite]) + struct.pack(">H", session)
        out = profile.kdf(value, b"SK", context, (n + 4) * 8)
    else:
        out = sskdf(name, key_root(name, value), session, n + 4)
    return out[:n], out[n:]


@dataclass
class Sa:
    """One direction of a group."""

    spi: int  # a multiple of 4
    values: dict  # root key index -> value
    index: int  # which of them seals
    sskdf: str = "hkdf-sha-256"
    suite: int = 2
    sn: bool = True
    implicit: bool = False
    iv_in_aad: bool = True
    transport: bool = False
    max_clear: int = 0
    session_first: int = 0
    sessions: int = 8

    def value(self, spi):
        """The value that the low bits of an SPI name."""
        match = [i for i in self.values if i % 4 == spi % 4]
        need(match, "key_index")
        return self.values[match[0]]

    def tail(self):
        return (8 if self.sn else 0) + (0 if self.implicit else 8)


@dataclass
class Packet:
    """Everything about one packet to seal that its SA does not say."""

    payload: bytes
    sn: int
    session: int = 0
    iv: int = None  # None: the SN
    clear: int = None  # payload octets in clear; None: no Crypt Offset option
    next_header: int = None
    outer_v6: bool = False
    options: bytes = None  # instead of those that belong there


def tlv(kind, data):
    return bytes([kind, len(data)]) + data


def options_of(sa, p):
    """Crypt Offset, and PadN where IPv6 wants it."""
    info = sa.transport or p.clear is not None
    crypt = 0 if p.clear is None else 4
    whole = BASE + crypt + sa.tail() + (INFO_LEN if info else 0)
    pad = tlv(1, bytes(2)) if p.outer_v6 and whole % 8 else b""
    if p.clear is None:
        return pad
    at = BASE + crypt + len(pad) + sa.tail()
    return tlv(2, struct.pack(">H", at // 4 << 10 | (INFO_LEN + p.clear) // 4 << 4)) + pad


def seal(sa, p):
    """What stands behind the outer IP or UDP header."""
    options = options_of(sa, p) if p.options is None else p.options
    iv = p.sn if p.iv is None or sa.implicit else p.iv
    head = struct.pack(">BBHI", 0x80, len(options), p.session, sa.spi + sa.index % 4) + options
    if sa.sn:
        head += struct.pack(">Q", p.sn)
    before_iv = len(head)
    if not sa.implicit:
        head += struct.pack(">Q", iv)
    clear = p.clear or 0
    pad = -(len(p.payload) - clear) % 4
    info = b""
    if sa.transport or p.clear is not None:
        nh = p.next_header or (IPIP if p.payload[0] >> 4 == 4 else IPV6)
        info = struct.pack(">HBB", 0, nh, pad)
    plain = p.payload[clear:] + bytes(pad)
    shown = b"" if p.clear is None else info + p.payload[:clear]
    if p.clear is None:
        plain = info + plain
    signed = (head if sa.iv_in_aad else head[:before_iv]) + shown
    key, salt = keymat(sa.sskdf, sa.suite, sa.values[sa.index], p.session)
    nonce = salt + struct.pack(">Q", iv)
    return head + shown + AESGCM(key).encrypt(nonce, plain, signed)


@dataclass
class Opened:
    packet: bytes
    spi: int
    session: int
    sn: int  # or the IV, without one
    iv: int
    clear: int  # payload octets in clear, None: no Crypt Offset option
    key: bytes
    nonce: bytes
    header: bytes


def read_crypt(sa, options):
    """(payload offset, crypt offset) in octets, or None."""
    found = None
    at = 0
    while at < len(options):
        kind = options[at]
        if kind == 0:
            at += 1
            continue
        need(at + 2 <= len(options), "opt_length")
        data = options[at + 2 : at + 2 + options[at + 1]]
        need(len(data) == options[at + 1], "opt_length")
        if kind == 1:
            need(not any(data), "opt_bad")
        else:
            need(kind == 2, "opt_unknown")
            need(found is None, "opt_repeated")
            need(len(data) == 2, "opt_bad")
            word = struct.unpack(">H", data)[0]
            found = ((word >> 10) * 4, (word >> 4 & 63) * 4)
            need(found[1] > 0, "clear_range")
        at += 2 + len(data)
    need(found is None or sa.max_clear > 0, "clear_range")
    return found


def open_data(sa, data):
    """Everything but the outer header. Returns (payload with padding, info, Opened)."""
    need(len(data) >= BASE + ICV, "runt")
    first, opt_len, session, spi = struct.unpack_from(">BBHI", data)
    need(first & 0xF8 == 0x80, "bad_version")
    need(first == 0x80, "reserved_bits")
    need(len(data) >= BASE + opt_len + ICV, "opt_length")
    need(spi & ~3 == sa.spi, "unknown_spi")
    end = BASE + opt_len + sa.tail()
    need(len(data) >= end + ICV, "runt")
    crypt = read_crypt(sa, data[BASE : BASE + opt_len])
    words = struct.unpack_from(">%dQ" % (sa.tail() // 8), data, BASE + opt_len)
    need(words[0] != 0 or not sa.sn, "sn_zero")
    need(session - sa.session_first in range(sa.sessions), "session_range")
    key, salt = keymat(sa.sskdf, sa.suite, sa.value(spi), session)
    cipher_at = end
    if crypt:
        need(crypt[0] == end, "payload_offset")
        need(crypt[1] - INFO_LEN <= sa.max_clear, "clear_range")
        cipher_at = end + crypt[1]
        need(cipher_at + ICV <= len(data), "clear_range")
    # What is all encrypted holds payload info or an inner packet.
    need(crypt or len(data) - ICV - cipher_at >= 4, "runt")
    need((len(data) - ICV - cipher_at) % 4 == 0, "alignment")
    nonce = salt + struct.pack(">Q", words[-1])
    signed = data[: end if sa.iv_in_aad or sa.implicit else end - 8] + data[end:cipher_at]
    try:
        plain = AESGCM(key).decrypt(nonce, data[cipher_at:], signed)
    except InvalidTag:
        raise Refused("bad_icv")
    body = data[end:cipher_at] + plain
    info = sa.transport or crypt
    clear = crypt[1] - INFO_LEN if crypt else None
    o = Opened(b"", spi, session, words[0], words[-1], clear, key, nonce, data[:end])
    return (body[INFO_LEN:], body[:INFO_LEN], o) if info else (body, b"", o)


def open_packet(sa, outer):
    """Open an outer IP packet. Returns Opened or raises Refused."""
    v, data, _, _ = profile.decap(outer)
    payload, info, o = open_data(sa, data)
    pad = None
    if info:
        next_header, pad = profile.check_info(sa, info, payload)
    if sa.transport:
        need(not any(payload[len(payload) - pad :]) if pad else True, "inner_form")
        segment = payload[: len(payload) - pad]
        o.packet = set_ip_payload(outer[: v.l4_at], v.proto_at, next_header, len(segment)) + segment
    else:
        o.packet = profile.strip_padding(payload, pad)
    return o
