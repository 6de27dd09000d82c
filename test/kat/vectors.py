#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Turn the known answers (JSON) into a C header.

usage: vectors.py stateless-profile.json sn-time.json psp.json psp-gmac.json kat_vectors.h
"""

import json
import sys

LEVELS = ("zone", "user", "task")
SUITES = {"aes-128-gcm": 1, "aes-256-gcm": 2}
COMBINE = {"hkdf": 0, "xor": 1}

PROLOGUE = """\
/* SPDX-License-Identifier: BSD-3-Clause */
/* Made by vectors.py from the files in test/kat/vectors: do not edit. */

#ifndef KAT_VECTORS_H
#define KAT_VECTORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A string of octets. */
struct kat_octets {
	const uint8_t *p; /**< NULL if the case has no such field */
	size_t n;
};

/** One root key of a group. */
struct kat_root {
	bool used; /**< false: the group has no root key at this level */
	uint32_t index;
	struct kat_octets id;
	struct kat_octets value;
};

/** One packet of stateless-profile.json. */
struct kat_case {
	const char *name;
	char format; /**< 'E' or 'S' */
	uint8_t variant;
	bool transport; /**< else tunnel mode */
	uint32_t spi;
	struct kat_root root[3]; /**< zone, user, task */
	uint8_t combine;         /**< enum saker_combine */
	uint8_t suite;           /**< enum saker_suite */
	uint8_t role;
	int rekey_shift; /**< -1: off */
	uint16_t session;
	uint16_t epoch;
	uint64_t counter;
	bool udp;        /**< outer UDP header */
	uint8_t proto;   /**< outer IP protocol without UDP */
	uint16_t udp_sport, udp_dport;
	uint16_t clear_octets; /**< of the payload */
	uint8_t ioffset;       /**< units of 4 octets */
	bool crypt_offset; /**< the header says what is in clear */
	bool mk_option[3]; /**< zone, user, task */
	int next_header;   /**< of payload info, -1: there is none */
	struct kat_octets source_id, outer_src, outer_dst, payload;
	struct kat_octets master_key, group_key, data_key, mask, nonce;
	struct kat_octets aad, protected, outer_packet;
};

/** One case of sn-time.json. Unwrapped SNs: hi is bits 64.., lo the rest. */
struct kat_sn {
	uint64_t unix_ms;
	uint32_t epoch_seconds, slot_ms;
	uint64_t last_hi, last_lo;
	uint64_t next_hi, next_lo;
	uint64_t on_wire;
	uint64_t epoch; /**< of next */
	uint32_t slot;  /**< of next */
};

/** One packet of psp.json or psp-gmac.json. */
struct kat_psp {
	const char *name;
	bool transport;
	uint8_t version, next_header;
	uint8_t crypt_offset; /**< units of 4 octets */
	uint32_t spi;
	uint64_t iv;
	struct kat_octets vc;         /**< cookie */
	struct kat_octets master_key; /**< the one that the SPI tells */
	struct kat_octets derived_key, payload;
	struct kat_octets psp; /**< header to ICV */
};

#define KAT_COUNT(array) (sizeof(array) / sizeof((array)[0]))
"""


def octets(text):
    """Hexadecimal text, or None, as a struct kat_octets."""
    if text is None:
        return "{ NULL, 0 }"
    literal = "".join("\\x%02x" % b for b in bytes.fromhex(text))
    return '{ (const uint8_t *)"%s", %d }' % (literal, len(text) // 2)


def flag(value):
    return "true" if value else "false"


def root(key):
    if key is None:
        return "{ false, 0, { NULL, 0 }, { NULL, 0 } }"
    return "{ true, %d, %s, %s }" % (key["index"], octets(key["id"]), octets(key["value"]))


def packet_fields(case):
    """(member, initialiser) of one struct kat_case."""
    group = case["group"]
    shift = group["rekey_shift"]
    yield "name", json.dumps(case["name"])
    yield "format", "'%s'" % case["format"]
    yield "transport", flag(case["mode"] == "transport")
    yield "spi", "0x%08xu" % group["spi"]
    yield "root", "{ %s }" % ", ".join(root(group["roots"].get(level)) for level in LEVELS)
    yield "combine", COMBINE[group["combine"]]
    yield "suite", SUITES[group["suite"]]
    yield "role", group["role"]
    yield "rekey_shift", -1 if shift is None else shift
    yield "counter", "0x%xull" % case["counter"]
    yield "udp", flag(case["encap"] == "udp")
    in_clear = case["clear_octets"] > 0 if case["format"] == "S" else case["crypt_offset_option"]
    yield "crypt_offset", flag(in_clear)
    named = (flag(level in case["master_key_options"]) for level in LEVELS)
    yield "mk_option", "{ %s }" % ", ".join(named)
    yield "next_header", case.get("next_header", -1)
    for name in ("variant", "session", "epoch", "proto", "udp_sport", "udp_dport",
                 "clear_octets", "ioffset"):
        yield name, case[name]
    for name in ("source_id", "outer_src", "outer_dst", "payload", "master_key", "group_key",
                 "data_key", "mask", "nonce", "aad", "protected", "outer_packet"):
        yield name, octets(case.get(name))


def sn_fields(case):
    """(member, initialiser) of one struct kat_sn."""
    for name in ("unix_ms", "epoch_seconds", "slot_ms", "epoch", "slot"):
        yield name, "%du" % case[name]
    for name in ("last", "next"):
        value = int(case[name + "_unwrapped"], 16)
        yield name + "_hi", "0x%xull" % (value >> 64)
        yield name + "_lo", "0x%xull" % (value & (1 << 64) - 1)
    yield "on_wire", "0x%sull" % case["on_wire"]


def psp_fields(case):
    """(member, initialiser) of one struct kat_psp."""
    yield "name", json.dumps(case["name"])
    yield "transport", flag(case["mode"] == "transport")
    yield "spi", "0x%su" % case["spi"]
    yield "iv", "0x%sull" % case["iv"]
    yield "master_key", octets(case["master_keys"][int(case["spi"], 16) >> 31])
    for name in ("version", "next_header", "crypt_offset"):
        yield name, case[name]
    for name in ("vc", "derived_key", "payload", "psp"):
        yield name, octets(case[name])


def array(kind, name, doc, cases):
    lines = ["\n/** %s */" % doc,
             "static const struct %s %s[] __attribute__((unused)) = {" % (kind, name)]
    for fields in cases:
        lines += ["\t{"] + ["\t\t.%s = %s," % field for field in fields] + ["\t},"]
    return "\n".join(lines + ["};\n"])


def cases_of(path):
    with open(path, encoding="ascii") as file:
        cases = json.load(file)["cases"]
    if not cases:
        sys.exit("%s: no cases" % path)
    return cases


def main(packets_path, sn_path, psp_path, gmac_path, out_path):
    packets = cases_of(packets_path)
    with open(out_path, "w", encoding="ascii") as out:
        out.write(PROLOGUE)
        out.write(array("kat_case", "kat_cases", "Packets of formats E and S.",
                        [packet_fields(c) for c in packets]))
        out.write(array("kat_sn", "kat_sns", "Sequence numbers of the time discipline.",
                        [sn_fields(c) for c in cases_of(sn_path)]))
        out.write(array("kat_psp", "kat_psps", "PSP, versions 0 and 1.",
                        [psp_fields(c) for c in cases_of(psp_path)]))
        out.write(array("kat_psp", "kat_gmacs", "PSP, versions 2 and 3.",
                        [psp_fields(c) for c in cases_of(gmac_path)]))
        out.write("\n#endif\n")


if __name__ == "__main__":
    if len(sys.argv) != 6:
        sys.exit(__doc__)
    main(*sys.argv[1:])
