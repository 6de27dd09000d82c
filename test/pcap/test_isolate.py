# SPDX-License-Identifier: BSD-3-Clause
"""What shares a data key in groups of variant connection-id: flows, sources, prefixes, policies."""

import ipaddress
import struct

import pcapfile
from harness import A, B, SakerTest, forwarded, packets
from ip import UDP, ip_header, ip_parse, transport_checksum
from plan import Plan, make_config, octets

CONNECTION_ID = 2
FORMS = ("E", "S")
HOSTS = {4: ("10.1.0.1", "10.1.0.2", "10.1.0.200", "10.1.1.1", "10.1.128.1"),
         6: ("fd00:1::1", "fd00:1::2", "fd00:1:0:0:8000::1", "fd00:1:0:1::1", "fd00:1:0:100::1")}
PORTS = (1000, 2000)
# Settings of the group, and what is the same in packets that share a key: a function of policy,
# source address and flow.
KINDS = {
    "flow": ({}, lambda policy, source, flow: flow),
    "source": ({}, lambda policy, source, flow: source),
    "prefix": ({"isolate_prefix": 25, "isolate_prefix6": 56},
               lambda policy, source, flow: net(source, 25, 56)),
    "policy": ({}, lambda policy, source, flow: policy),
}


def net(source, len4, len6):
    length = len4 if len(source) == 4 else len6
    return ipaddress.ip_network((source, length), strict=False)


def datagram(src, dst, sport, dport):
    src, dst = octets(src), octets(dst)
    body = struct.pack(">HHHH", sport, dport, 20, 0) + bytes(12)
    return ip_header(src, dst, UDP, 20) + transport_checksum(src, dst, UDP, body, 6)


class Isolation(SakerTest):
    def setUp(self):
        super().setUp()
        self.clear = [
            datagram(host, plan_far, sport, dport) for family in (4, 6) for host in HOSTS[family]
            for plan_far in (Plan(self.lab, 1).far(family),) for sport in PORTS for dport in (7, 9)]

    def policies(self, plan, site):
        """Two for each family: port 7, and all else. The second half of the list is the reverse."""
        ports = {"proto": UDP, "dport" if site is A else "sport": 7}
        return [plan.policy(site, family, name="p%d-%d" % (family, n), **extra)
                for family in (4, 6) for n, extra in enumerate((ports, {}))]

    def send(self, plan, **settings):
        config = make_config(self.lab, [plan], groups=[plan.config(A, **settings)],
                             policies=self.policies(plan, A))
        run = self.lab.run(config, [pcapfile.ethernet(p) for p in self.clear])
        self.assertRan(run)
        self.assertEqual(run.drops(), {})
        return run.cipher[0]

    @staticmethod
    def share(packet, kind):
        v = ip_parse(packet)
        ports = struct.unpack_from(">HH", packet, v.l4_at)
        policy = (len(v.src), ports[1] == 7)
        return KINDS[kind][1](policy, v.src, (v.src, v.dst, ports))

    def check(self, plan, kind):
        """Packets have one connection id exactly if they are to share a key."""
        opened = [plan.open(A, pcapfile.ip_packet(f)) for f in
                  self.send(plan, isolate=kind, **KINDS[kind][0])]
        self.assertSame([o.packet for o in opened], self.clear)
        ids = [o.header.source for o in opened]
        self.assertEqual({i[:4] for i in ids}, {plan.source(A)})
        shares = [self.share(p, kind) for p in self.clear]
        self.assertEqual(len(set(zip(ids, shares))), len(set(shares)), "some flow has two ids")
        self.assertEqual(len(set(ids)), len(set(shares)), "two that are to part share an id")
        self.assertEqual(len({o.nonce for o in opened}), len(opened))
        return len(set(ids))

    def test_a_key_is_shared_by_what_the_group_says_and_by_nothing_else(self):
        for form in FORMS:
            counts = {}
            for kind in KINDS:
                with self.subTest(form=form, kind=kind):
                    counts[kind] = self.check(Plan(self.lab, 1, form=form, variant=CONNECTION_ID),
                                              kind)
            self.assertEqual(counts, {"flow": 40, "source": 10, "prefix": 6, "policy": 4})

    def test_all_workers_isolate_alike_under_ids_of_their_own(self):
        """In format S the device half tells workers; in format E the session id does."""
        for form in FORMS:
            plan = Plan(self.lab, 1, form=form, variant=CONNECTION_ID)
            config = make_config(
                self.lab, [plan], groups=[plan.config(A, isolate="source")],
                policies=self.policies(plan, A))
            frames = [pcapfile.ethernet(p) for p in self.clear]
            run = self.lab.run(config, [frames, frames], workers=2)
            self.assertRan(run)
            halves = [{o.header.source[4:] for o in (plan.open(A, p) for p in packets([queue]))}
                      for queue in run.cipher]
            self.assertEqual(halves[0], halves[1])
            opened = [plan.open(A, p) for p in packets(run.cipher)]
            engines = {(o.header.source[:4], o.header.session) for o in opened}
            self.assertEqual(len(engines), 2)
            self.assertEqual(len({(o.header.source, o.nonce) for o in opened}), 2 * len(frames))

    def test_the_receiver_needs_to_know_nothing_of_it(self):
        """It also follows a device by one window, whatever its flows do."""
        for form in FORMS:
            plan = Plan(self.lab, 1, form=form, variant=CONNECTION_ID, sn="counter")
            sealed = self.send(plan, isolate="prefix", isolate_prefix=1, isolate_prefix6=128)
            config = make_config(self.lab, [plan], B, groups=[plan.config(B, isolate="policy")],
                                 policies=self.policies(plan, B))
            run = self.lab.run(config, cipher=sealed + sealed[:3], commands=[
                "start", "drain", "show drops json", "show sessions json", "quit"])
            self.assertRan(run)
            self.assertSame(forwarded(run.clear, 2), self.clear)
            self.assertEqual(run.drops(), {"replay": 3})
            self.assertEqual(len([r for r in run.shown["sessions"] if r["direction"] == "in"]), 1)

    def test_another_run_has_other_flow_halves(self):
        """They are keyed hashes: nobody outside can choose to share a key with someone."""
        plan = Plan(self.lab, 1, variant=CONNECTION_ID)
        ids = [{plan.open(A, pcapfile.ip_packet(f)).header.source for f in
                self.send(plan, isolate="prefix")} for _ in range(2)]
        self.assertEqual(len(ids[0] & ids[1]), 0)
