# SPDX-License-Identifier: BSD-3-Clause
"""profile.py and seh.py against the cases of test/kat/vectors/stateless-profile.json."""

import json
import os
import sys

from profile import SUITES, Group, Packet, Refused, Root, open_packet, seal


def case_group(case):
    g = case["group"]
    roots = tuple(
        Root(level, bytes.fromhex(r["id"]), r["index"], bytes.fromhex(r["value"]))
        for level, r in g["roots"].items()
    )
    return Group(
        spi=g["spi"], roots=roots, form=case["format"], suite=SUITES[g["suite"]], combine=g["combine"],
        variant=case["variant"], rekey_shift=g["rekey_shift"],
        transport=case["mode"] == "transport", max_clear=248, max_ioffset=15,
    )


def in_clear(case):
    return case["clear_octets"] > 0 if case["format"] == "S" else case["crypt_offset_option"]


def case_packet(case):
    return Packet(
        payload=bytes.fromhex(case["payload"]), sn=case["epoch"] << 48 | case["counter"],
        outer_src=bytes.fromhex(case["outer_src"]), outer_dst=bytes.fromhex(case["outer_dst"]),
        session=case["session"], source=bytes.fromhex(case.get("source_id", "")),
        role=case["group"]["role"], encap=case["encap"], protocol=case["proto"],
        sport=case["udp_sport"], dport=case["udp_dport"],
        clear=case["clear_octets"] if in_clear(case) else None,
        ioffset=case["ioffset"], mk_options=tuple(case["master_key_options"]),
        next_header=case.get("next_header"),
    )


def check_case(case):
    """Yield a sentence for everything that differs from the known answer."""
    group, packet = case_group(case), case_packet(case)
    sealed = seal(group, packet)
    names = ("master_key", "group_key", "data_key", "mask", "nonce", "aad", "protected")
    for name in names:
        if getattr(sealed, name).hex() != case[name]:
            yield "%s: sealing gives another %s" % (case["name"], name)
    if sealed.outer.hex() != case["outer_packet"]:
        yield "%s: sealing gives another outer packet" % case["name"]
    opened = open_packet({group.spi: group}, bytes.fromhex(case["outer_packet"]), packet.role)
    inner = opened.packet[-len(packet.payload) :] if group.transport else opened.packet
    if inner != packet.payload:
        yield "%s: opening gives another payload" % case["name"]
    if (opened.aad.hex(), opened.nonce.hex()) != (case["aad"], case["nonce"]):
        yield "%s: opening gives another AAD or nonce" % case["name"]
    damaged = bytearray.fromhex(case["outer_packet"])
    damaged[-1] ^= 1
    try:
        open_packet({group.spi: group}, bytes(damaged), packet.role)
        yield "%s: a damaged ICV was accepted" % case["name"]
    except Refused as refused:
        if refused.reason != "bad_icv":
            yield "%s: a damaged ICV gave %s" % (case["name"], refused.reason)


def known_answers(path=None):
    here = os.path.dirname(os.path.abspath(__file__))
    path = path or os.path.join(here, "..", "kat", "vectors", "stateless-profile.json")
    with open(path, encoding="ascii") as f:
        return json.load(f)["cases"]


def main():
    cases = known_answers(sys.argv[1] if len(sys.argv) > 1 else None)
    faults = [fault for case in cases for fault in check_case(case)]
    print("\n".join(faults + ["%d cases, %d faults" % (len(cases), len(faults))]))
    return 1 if faults else 0
