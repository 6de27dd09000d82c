# SPDX-License-Identifier: BSD-3-Clause
"""Format esp with another program at the other end: Scapy's IPsec layer, with keys given to both."""

import itertools
import json
import os
import subprocess
import sys
import unittest

import esp
import pcapfile
from harness import A, B, SakerTest, forwarded, packets
from ip import before
from plan import make_config, octets
from plan_esp import EspPlan

PEER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "scapy_peer.py")
# Debian's modules are for Debian's Python, which need not be the one that comes first.
PYTHONS = (sys.executable, "/usr/bin/python3")


def python_with_scapy():
    for python in PYTHONS:
        probe = subprocess.run([python, "-c", "import scapy"], capture_output=True, check=False)
        if probe.returncode == 0:
            return python
    return None


PYTHON = python_with_scapy()


@unittest.skipUnless(PYTHON, "python3-scapy is not installed")
class Scapy(SakerTest):
    def plan(self, n, **options):
        """A group whose keys are KEYMAT that both ends are given."""
        plan = EspPlan(self.lab, n, **options)
        plan.port = 4500
        size = 20 if plan.o.suite == "aes-128-gcm" else 36
        for i, site in enumerate((A, B)):
            body = bytes((37 * n + 101 * i + 7 * k) % 256 for k in range(size))
            plan.sending[site].values = {"current": body}
            plan.sending[site].write()
        return plan

    def scapy(self, plan, sender, do, job, seq=1, high=0):
        sa = plan.sa(sender)
        family = (sender.ip4, B.ip4 if sender is A else A.ip4)
        job = {"do": do, "packets": [p.hex() for p in job], "sa": {
            "spi": sa.spi + sa.index % 4, "key": sa.values[sa.index].hex(),
            "esn": plan.o.sn == esp.ESN, "high": high, "seq": seq,
            "udp": plan.port if plan.o.encap == "udp" else 0,
            "tunnel": None if plan.o.transport else family}}
        run = subprocess.run([PYTHON, PEER], input=json.dumps(job), capture_output=True,
                             text=True, check=False)
        self.assertEqual(run.returncode, 0, run.stderr)
        return [bytes.fromhex(p) for p in json.loads(run.stdout)]

    def combinations(self):
        for n, (transport, encap, suite, sn) in enumerate(itertools.product(
                (False, True), ("udp", "ip"), ("aes-256-gcm", "aes-128-gcm"),
                (esp.SEQUENTIAL, esp.ESN))):
            plan = self.plan(n + 1, transport=transport, encap=encap, suite=suite, sn=sn)
            plan.protocol = 50
            yield plan

    def inner(self, plan, site):
        return [plan.inner(site, 4, size, i) for i, size in enumerate((28, 61, 62, 63, 400, 1400))]

    def test_scapy_opens_what_saker_seals(self):
        plans = list(self.combinations())
        clear = {p.n: self.inner(p, A) for p in plans}
        frames = [pcapfile.ethernet(c) for p in plans for c in clear[p.n]]
        run = self.lab.run(make_config(self.lab, plans), frames)
        self.assertRan(run)
        self.assertEqual(run.drops(), {})
        sent = packets(run.cipher)
        for i, plan in enumerate(plans):
            want = clear[plan.n]
            mine = sent[i * len(want) : (i + 1) * len(want)]
            got = [before(p) for p in self.scapy(plan, A, "open", mine)]
            self.assertSame(got, want, str(plan))

    def test_saker_opens_what_scapy_seals(self):
        plans = list(self.combinations())
        clear = {p.n: self.inner(p, B) for p in plans}
        sealed = [o for p in plans for o in self.scapy(p, B, "seal", clear[p.n])]
        run = self.lab.run(make_config(self.lab, plans),
                           cipher=[pcapfile.ethernet(o) for o in sealed])
        self.assertRan(run)
        self.assertEqual(run.drops(), {})
        self.assertSame(forwarded(run.clear), [c for p in plans for c in clear[p.n]])

    def test_saker_follows_scapy_into_the_next_half_of_sequence_numbers(self):
        plan = self.plan(1, sn=esp.ESN)
        clear = [plan.inner(B, 4, 100, i) for i in range(300)]
        sealed = self.scapy(plan, B, "seal", clear[:200], seq=(1 << 32) - 200)
        sealed += self.scapy(plan, B, "seal", clear[200:], seq=0, high=1)
        run = self.lab.run(make_config(self.lab, [plan]),
                           cipher=[pcapfile.ethernet(o) for o in sealed])
        self.assertRan(run)
        self.assertEqual(run.drops(), {})
        self.assertSame(forwarded(run.clear), clear)

    def test_scapy_refuses_what_was_damaged(self):
        plan = self.plan(1)
        run = self.lab.run(make_config(self.lab, [plan]),
                           [pcapfile.ethernet(plan.inner(A, 4, 100))])
        outer = bytearray(packets(run.cipher)[0])
        self.assertEqual(outer[16:20], octets(B.ip4))
        outer[-1] ^= 1
        with self.assertRaises(AssertionError):
            self.scapy(plan, A, "open", [bytes(outer)])
