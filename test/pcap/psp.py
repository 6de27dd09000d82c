# SPDX-License-Identifier: BSD-3-Clause
"""PSP in plain Python: a second opinion on what saker sends, written from docs/formats.md."""

import struct
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC

from ip import IPIP, IPV6, UDP, Refused, ip_header, ip_parse, need

FIXED, COOKIE, ICV, PORT = 16, 8, 16, 1000
KEY_BITS = (128, 256, 128, 256)  # by version


def derive(master, version, spi):
    """The key of an SPI; master: the one that bit 31 of the SPI tells."""
    out = b""
    for i in range(KEY_BITS[version] // 128):
        mac = CMAC(AES(master))
        mac.update(struct.pack(">I4sII", i + 1, b"Pv%d\0" % version, spi, KEY_BITS[version]))
        out += mac.finalize()
    return out


def seal(key, version, spi, iv, next_header, payload, offset=0, cookie=None):
    """From the PSP header to the end of the ICV. offset: Crypt Offset, units of 4 octets."""
    ext = 1 if cookie is None else 2
    flags = version << 2 | (0 if cookie is None else 2) | 1
    header = struct.pack(">BBBBIQ", next_header, ext, offset, flags, spi, iv)
    body = (cookie or b"") + payload
    clear = len(body) if version >= 2 else 4 * offset
    return header + body[:clear] + AESGCM(key).encrypt(
        header[4:16], body[clear:], header + body[:clear])


@dataclass
class Opened:
    next_header: int
    payload: bytes
    spi: int
    iv: int
    nonce: bytes
    cookie: bytes
    offset: int


def open_psp(masters, data):
    """masters: by bit 31 of the SPI. Raises Refused."""
    need(len(data) >= FIXED + ICV, "runt")
    next_header, ext, offset, flags, spi, iv = struct.unpack_from(">BBBBIQ", data)
    version = flags >> 2 & 15
    header = 8 * (ext + 1)
    need(ext >= 1 and header + ICV <= len(data), "opt_length")
    clear = 4 * (offset & 63)
    need(FIXED + clear + ICV <= len(data), "clear_range")
    need(version < 4, "bad_version")
    need(flags & 1, "reserved_bits")
    need(not flags & 2 or ext >= 2, "cookie_missing")
    need(spi << 1 & 0xFFFFFFFF, "spi_reserved")
    at = len(data) - ICV if version >= 2 else FIXED + clear
    try:
        text = AESGCM(derive(masters[spi >> 31], version, spi)).decrypt(
            data[4:16], data[at:], data[:at])
    except InvalidTag:
        raise Refused("bad_icv")
    body = data[FIXED:at] + text
    need(not flags & 0x40, "drop_bit")
    cookie = body[:COOKIE] if flags & 2 else b""
    return Opened(next_header, body[header - FIXED :], spi, iv, data[4:16], cookie, offset & 63)


def decap(outer, port=PORT):
    """(IP view, PSP octets) of an outer packet."""
    v = ip_parse(outer)
    need(v.proto == UDP, "clear_refused")
    _, dport, length, check = struct.unpack_from(">HHHH", outer, v.l4_at)
    need(dport == port and length == v.total - v.l4_at and check == 0, "udp")
    return v, outer[v.l4_at + 8 : v.total]


def wrap(src, dst, protected, port=PORT):
    """A tunnel's outer packet."""
    body = struct.pack(">HHHH", 50000, port, 8 + len(protected), 0) + protected
    return ip_header(src, dst, UDP, len(body)) + body


def inner_header(packet):
    return IPIP if packet[0] >> 4 == 4 else IPV6
