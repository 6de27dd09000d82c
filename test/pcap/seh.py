# SPDX-License-Identifier: BSD-3-Clause
"""The security header of format S (draft -02, figures 4 and 5) for profile.py."""

import struct

import profile
from ip import Refused, need

WORD, SN_LEN, UNIT = 4, 8, 8
VERSION = 1


def id_len(variant):
    """Octets of the id field: four zeros where the source is an address."""
    return 8 if profile.SOURCE_LEN[variant] == 8 else 4


def mk_options(p, roots):
    out = b""
    for i, level in enumerate(profile.LEVELS):
        if level in p.mk_options:
            data = bytes([roots[i].index % 256, 0]) + roots[i].id
            out += bytes([i + 1, len(data)]) + data
    return out


def make_header(group, p, roots):
    """Everything before payload info."""
    body = (p.source or bytes(4)) + mk_options(p, roots)
    body += bytes(-(WORD + len(body) + SN_LEN) % UNIT)
    units = (WORD + len(body) + SN_LEN) // UNIT - 1
    info = 4 if group.transport else 0
    coffset = 0 if p.clear is None else (info + p.clear) // 4
    word = (VERSION << 28 | units << 24 | group.variant << 20
            | profile.key_idx(roots) << 12 | coffset << 4 | p.ioffset)
    return struct.pack(">I", word) + body + struct.pack(">Q", p.sn)


def read_options(h, data):
    at = 0
    while at < len(data):
        kind = data[at]
        if kind == 0:
            at += 1
            continue
        need(at + 2 <= len(data) and at + 2 + data[at + 1] <= len(data), "opt_length")
        value = data[at + 2 : at + 2 + data[at + 1]]
        if kind > len(profile.LEVELS):
            raise Refused("opt_unknown")
        level = profile.LEVELS[kind - 1]
        need(level not in h.mk, "opt_repeated")
        need(len(value) - 2 in (16, 20, 24, 28, 32) and value[1] == 0, "opt_bad")
        h.mk[level] = (value[0], value[2:])
        at += 2 + len(value)


def read_header(data):
    need(len(data) >= WORD + 4 + SN_LEN + profile.ICV, "runt")
    word = struct.unpack_from(">I", data)[0]
    need(word >> 28 == VERSION, "bad_version")
    length = ((word >> 24 & 15) + 1) * UNIT
    variant = word >> 20 & 15
    need(variant < len(profile.VARIANTS), "variant")
    key_idx = word >> 12 & 255
    need(key_idx & 3 == 0, "reserved_bits")
    ids = id_len(variant)
    need(length >= WORD + ids + SN_LEN and length + profile.ICV <= len(data), "opt_length")
    sn = struct.unpack_from(">Q", data, length - SN_LEN)[0]
    h = profile.Header(0, 0, sn, length, variant, word & 15, key_idx)
    h.source = data[WORD : WORD + ids]
    if profile.SOURCE_LEN[variant] == 0:
        need(not any(h.source), "reserved_bits")
        h.source = b""
    h.crypt_offset = word >> 4 & 255 or None
    read_options(h, data[WORD + ids : length - SN_LEN])
    return h


def split(group, h, data):
    """(offset of the payload, clear payload octets, offset of ciphertext)"""
    info = 4 if group.transport else 0
    if h.crypt_offset is None:
        need(h.ioffset == 0, "ioffset_range")
        return h.length, 0, h.length
    clear = h.crypt_offset * 4 - info
    need(clear >= 0 and h.length + info + clear + profile.ICV <= len(data), "clear_range")
    need(clear <= group.max_clear, "clear_range")
    return h.length + info, clear, h.length + info + clear
