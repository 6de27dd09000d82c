# SPDX-License-Identifier: BSD-3-Clause
"""ESP by Scapy's IPsec layer, in a Python that has it: a peer that nobody here has written.

Reads a job from standard input and answers on standard output, both JSON:
{"do": "seal" or "open", "sa": {spi, key, esn, high, seq, udp, tunnel}, "packets": [hex, ...]}.
Exit code 77: this Python has no Scapy."""

import json
import logging
import struct
import sys

logging.getLogger("scapy").setLevel(logging.ERROR)
try:
    from scapy.layers.inet import IP, UDP
    from scapy.layers.ipsec import ESP, SecurityAssociation
except ImportError:
    sys.exit(77)



def association(sa):
    """key: with the salt behind it, as Scapy and Linux spell it. tunnel: [source, destination]"""
    tunnel = IP(src=sa["tunnel"][0], dst=sa["tunnel"][1]) if sa["tunnel"] else None
    nat_t = UDP(sport=sa["udp"], dport=sa["udp"]) if sa["udp"] else None
    return SecurityAssociation(
        ESP, spi=sa["spi"], seq_num=sa["seq"], crypt_algo="AES-GCM",
        crypt_key=bytes.fromhex(sa["key"]), tunnel_header=tunnel, nat_t_header=nat_t,
        esn_en=sa["esn"], esn=sa["high"])


def seal(sa, packet):
    outer = bytes(sa.encrypt(IP(packet)))
    if not sa.nat_t_header:
        return outer
    # Scapy 2.5 leaves the UDP length at that of an empty datagram.
    return outer[:24] + struct.pack(">H", len(outer) - 20) + outer[26:]


def open_packet(sa, packet):
    return bytes(sa.decrypt(IP(packet)))


def main():
    job = json.load(sys.stdin)
    sa = association(job["sa"])
    work = {"seal": seal, "open": open_packet}[job["do"]]
    json.dump([work(sa, bytes.fromhex(p)).hex() for p in job["packets"]], sys.stdout)


if __name__ == "__main__":
    main()
