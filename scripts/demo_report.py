#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Compare what scripts/demo sent with what came out, and print it as a short table.

usage: demo_report.py      in the directory of the captures; exit 0 if all packets are equal
"""

import ipaddress
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "test", "pcap"))

import pcapfile  # noqa: E402
from ip import UDP, hop, ip_parse  # noqa: E402

PROTECTED = (("10.1.0.0/16", "10.2.0.0/16"), ("fd00:1::/32", "fd00:2::/32"))
NAME_SERVER = "10.9.0.53"
TUNNEL_END = "192.0.2.2"


def inside(address, network):
    address, network = ipaddress.ip_address(address), ipaddress.ip_network(network)
    return address.version == network.version and address in network


def policy_of(packet):
    """What the demo's configuration says of a clear packet."""
    v = ip_parse(packet)
    if any(inside(v.src, src) and inside(v.dst, dst) for src, dst in PROTECTED):
        return "protect"
    if inside(v.dst, NAME_SERVER + "/32") and v.proto == UDP:
        return "bypass"
    return "none"


def split(packets):
    """Packets by policy, in order."""
    out = {"protect": [], "bypass": [], "none": []}
    for packet in packets:
        out[policy_of(packet)].append(packet)
    return out


def ttl_of(packet):
    return packet[8 if packet[0] >> 4 == 4 else 7]


def behind(packets, gateways):
    """As that many gateways forward them: who has no hop left ends on the way."""
    return [hop(p, gateways) for p in packets if ttl_of(p) > gateways]


def tables(site):
    """What the program showed as JSON."""
    shown = {}
    with open(site + ".out", encoding="utf-8") as f:
        for line in f:
            if line.startswith('{"'):
                shown.update(json.loads(line))
    return shown


def octets(packets):
    return sum(map(len, packets))


def row(what, packets, note=""):
    print(("  %-34s %8d %10d   %s" % (what, len(packets), octets(packets), note)).rstrip())


def print_packets(frames, clear, sealed, opened):
    print("  %-34s %8s %10s" % ("", "packets", "octets"))
    everything = [p for kind in clear.values() for p in kind]
    row("site A, clear in", everything, "and %d frames without IP" % (frames - len(everything)))
    row("  to be protected", clear["protect"])
    row("  to pass in the clear", clear["bypass"])
    row("  covered by no policy", clear["none"])
    more = octets(sealed) - octets(clear["protect"])
    share = 100 * more / max(octets(clear["protect"]), 1)
    row("site A, protected out", sealed, "+%.1f octets a packet, %.1f %%" % (
        more / max(len(sealed), 1), share))
    row("site B, opened out", opened)


def print_keys(shown):
    for site, way, packets in shown:
        rows = tables(site)["crypto"]
        keys = sum(r["keys_derived"] for r in rows)
        print("  %s: %d keys derived for %d packets %s, none stored (driver %s)" % (
            site, keys, packets, way, rows[0]["driver"]))


def print_drops():
    for site in ("site-a", "site-b"):
        for drop in tables(site)["drops"]:
            print("  %s, %s: %d %s" % (site, drop["direction"], drop["packets"], drop["reason"]))


def print_stages():
    for site, way in (("site-a", "outbound"), ("site-b", "inbound")):
        stages = [s for s in tables(site)["stages"]
                  if s["direction"] == way and s["lcore"] != "all" and s["packets"]]
        print("  %s %s: %s" % (site, way, "  ".join(
            "%s %.0f" % (s["stage"], s["cycles_per_packet"]) for s in stages)))


def judge(clear, sealed, opened):
    """Sentences about what is wrong."""
    protect = behind(clear["protect"], 1)
    if len(sealed) != len(protect):
        yield "%d packets were to be protected, %d were" % (len(protect), len(sealed))
    for kind in ("protect", "bypass"):
        want = behind(clear[kind], 2)
        differing = sum(a != b for a, b in zip(want, opened[kind]))
        if differing or len(want) != len(opened[kind]):
            yield "%s: %d packets differ, %d are missing" % (
                kind, differing, len(want) - len(opened[kind]))
    if opened["none"]:
        yield "%d packets came out that no policy covers" % len(opened["none"])
    shown = sum(p[-24:] in s for p, s in zip(protect, sealed) if len(p) >= 68)
    if shown:
        yield "%d packets left site A readable" % shown
    if not clear["protect"]:
        yield "there was nothing to protect"


def main():
    frames = len(pcapfile.read("clear.pcap"))
    clear = split(pcapfile.read_ip("clear.pcap"))
    cipher = pcapfile.read_ip("protected.pcap")
    sealed = [p for p in cipher if inside(ip_parse(p).dst, TUNNEL_END + "/32")]
    opened = split(pcapfile.read_ip("opened.pcap"))
    everything = opened["protect"] + opened["bypass"] + opened["none"]
    print_packets(frames, clear, sealed, everything)
    print("\nKeys")
    print_keys((("site-a", "sealed", len(sealed)), ("site-b", "opened", len(opened["protect"]))))
    print("\nDropped, by reason")
    print_drops()
    print("\nCycles per packet, by stage (captures and --no-huge: not a benchmark)")
    print_stages()
    faults = list(judge(clear, sealed, opened))
    print()
    for fault in faults:
        print("WRONG: " + fault)
    if not faults:
        print("All %d packets came out as they went in, octet for octet, two hops on."
              % len(everything))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
