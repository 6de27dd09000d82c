# SPDX-License-Identifier: BSD-3-Clause
"""PSP by Scapy's layer, in a Python that has it: a peer that nobody here has written.

Reads a job from standard input and answers on standard output, both JSON:
{"do": "seal" or "open", "key": hex, "packets": [...]}. Packets to open are hex, from the PSP header
to the ICV; those to seal are {next_header, version, spi, iv, offset, cookie, payload}.
Exit code 77: this Python has no such layer."""

import json
import logging
import struct
import sys

logging.getLogger("scapy").setLevel(logging.ERROR)
try:
    from scapy.contrib.psp import PSP
except ImportError:
    sys.exit(77)


def open_packet(key, text):
    p = PSP(bytes.fromhex(text))
    p.decrypt(key)
    return {"next_header": p.nexthdr, "spi": p.spi, "iv": bytes(p.iv).hex(),
            "version": p.version, "payload": bytes(p.data).hex()}


def seal(key, job):
    options = {}
    if job["cookie"]:
        virtual, token = struct.unpack(">II", bytes.fromhex(job["cookie"]))
        options = {"is_virt": 1, "hdrextlen": 2, "virtkey": virtual, "sectoken": token}
    p = PSP(nexthdr=job["next_header"], version=job["version"], cryptoffset=job["offset"],
            spi=job["spi"], iv=bytes.fromhex(job["iv"]), data=bytes.fromhex(job["payload"]),
            **options)
    p.encrypt(key)
    return bytes(p).hex()


def main():
    job = json.load(sys.stdin)
    work = {"seal": seal, "open": open_packet}[job["do"]]
    key = bytes.fromhex(job["key"])
    json.dump([work(key, p) for p in job["packets"]], sys.stdout)


if __name__ == "__main__":
    main()
