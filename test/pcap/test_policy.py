# SPDX-License-Identifier: BSD-3-Clause
"""Which packets pass, which way, and which do not."""

import struct

import pcapfile
import profile
from harness import A, B, SakerTest, forwarded, packets
from ip import before, hop, ip4_finish, ip_header, transport_checksum
from plan import NEAR4, Plan, make_config, octets


def udp(src, dst, sport=1000, dport=2000, size=60, proto=17):
    """A UDP packet (or one of another protocol, whose first octets look the same)."""
    src, dst = octets(src), octets(dst)
    segment = struct.pack(">HHHH", sport, dport, size, 0) + bytes(size - 8)
    if proto == 17:
        segment = transport_checksum(src, dst, 17, segment, 6)
    return ip_header(src, dst, proto, len(segment)) + segment


class Outbound(SakerTest):
    def run_policies(self, policies, clear, cipher=(), plan=None):
        plan = plan or Plan(self.lab, 1)
        config = make_config(self.lab, [plan], policies=policies)
        run = self.lab.run(config, [pcapfile.ethernet(p) for p in clear],
                           [pcapfile.ethernet(p) for p in cipher])
        self.assertRan(run)
        return plan, run

    @staticmethod
    def protect(plan_number=1, **more):
        return {"name": "prot-%d" % len(str(more)), "action": "protect",
                "group": "g%d" % plan_number, "local": A.ip4, "peer": B.ip4, **more}

    def test_bypass_drop_and_no_policy(self):
        policies = [
            {"name": "dns", "dst": "10.9.0.53/32", "proto": 17, "dport": 53, "action": "bypass"},
            {"name": "bad", "dst": "10.9.0.0/16", "action": "drop"},
            self.protect(dst="10.2.0.0/16"),
        ]
        dns, covered = udp(NEAR4, "10.9.0.53", dport=53), udp(NEAR4, "10.2.0.1")
        clear = [dns, udp(NEAR4, "10.9.0.53", dport=54), covered, udp(NEAR4, "10.9.0.54"),
                 udp(NEAR4, "10.3.0.1"), udp("fd00::1", "fd00::2")]
        plan, run = self.run_policies(policies, clear)
        self.assertEqual(run.drops("outbound"), {"policy_drop": 2, "no_policy": 2})
        out = packets(run.cipher)
        self.assertEqual(len(out), 2)
        self.assertEqual([p for p in out if p == hop(dns)], [hop(dns)])
        sealed = next(p for p in out if p != hop(dns))
        self.assertEqual(plan.open(A, sealed).packet, covered)

    def test_a_last_policy_without_selectors_covers_both_families(self):
        plan, run = self.run_policies(
            [{"name": "all", "action": "drop"}],
            [udp(NEAR4, "10.2.0.1"), udp("fd00::1", "fd00::2")])
        self.assertEqual(run.drops("outbound"), {"policy_drop": 2})

    def test_first_match_wins_on_every_selector(self):
        plans = [Plan(self.lab, n) for n in range(1, 6)]
        common = {"action": "protect", "local": A.ip4, "peer": B.ip4}
        policies = [
            {"name": "a", "src": "10.1.0.5/32", "dst": "10.2.0.0/16", "proto": 17,
             "sport": "1000-1999", "dport": 2000, "group": "g1", **common},
            {"name": "b", "dst": "10.2.0.0/16", "proto": 17, "dport": 2000, "group": "g2",
             **common},
            {"name": "c", "dst": "10.2.0.0/17", "group": "g3", **common},
            {"name": "d", "src": "10.1.0.5/32", "group": "g4", **common},
            {"name": "e", "group": "g5", **common},
        ]
        cases = [
            (udp(NEAR4, "10.2.0.1", 1000, 2000), 1), (udp(NEAR4, "10.2.0.1", 1999, 2000), 1),
            (udp(NEAR4, "10.2.0.1", 2000, 2000), 2), (udp(NEAR4, "10.2.0.1", 999, 2000), 2),
            (udp("10.1.0.6", "10.2.0.1", 1000, 2000), 2), (udp(NEAR4, "10.2.0.1", 1000, 2001), 3),
            (udp(NEAR4, "10.2.200.1", 1, 1), 4), (udp(NEAR4, "10.2.0.1", 1000, 2000, proto=99), 3),
            (udp("10.1.0.6", "10.3.0.1"), 5), (udp("fd00::1", "fd00::2"), 5),
        ]
        config = make_config(self.lab, plans, policies=policies)
        run = self.lab.run(config, [pcapfile.ethernet(p) for p, _ in cases])
        self.assertRan(run)
        groups = {p.spi: p.group() for p in plans}
        opened = [profile.open_packet(groups, p) for p in packets(run.cipher)]
        got = {before(o.packet): next(p.n for p in plans if p.spi == o.header.spi) for o in opened}
        self.assertEqual(got, dict(cases))

    def test_ports_of_a_fragment_are_not_guessed(self):
        """Only the first fragment holds ports; a policy with ports can't take the others."""
        whole = udp(NEAR4, "10.2.0.1", 1000, 2000, 100)
        first = ip4_finish(whole[:6] + b"\x20\0" + whole[8:20], 60) + whole[20:60]
        later = ip4_finish(whole[:6] + b"\0\x05" + whole[8:20], 20 + len(whole) - 60) + whole[60:]
        policies = [self.protect(dst="10.2.0.0/16", proto=17, dport=2000)]
        plan, run = self.run_policies(policies, [first, later])
        drops = run.drops("outbound")
        self.assertIn("no_policy", drops)
        opened = [plan.open(A, p).packet for p in packets(run.cipher)]
        self.assertNotIn(later, opened)

    def test_packets_beyond_the_mtu_are_dropped(self):
        plan = Plan(self.lab, 1)
        config = make_config(self.lab, [plan])
        config["ports"][1]["mtu"] = 1500
        sizes = range(1400, 1500)
        clear = [plan.inner(A, 4, n) for n in sizes]
        run = self.lab.run(config, [pcapfile.ethernet(p) for p in clear])
        self.assertRan(run)
        out = packets(run.cipher)
        self.assertEqual(run.drops("outbound"), {"mtu": len(clear) - len(out)})
        overhead = 20 + 8 + 8 + 8 + 8 + 16
        fits = [p for p in clear if len(p) + -len(p) % 4 + overhead <= 1500]
        self.assertSame([plan.open(A, p).packet for p in out], fits)
        self.assertTrue(0 < len(fits) < len(clear))

    def test_transport_mode_takes_no_fragments(self):
        plan = Plan(self.lab, 1, transport=True)
        whole = plan.inner(A, 4, 200)
        piece = ip4_finish(whole[:6] + b"\x20\0" + whole[8:20], len(whole)) + whole[20:]
        frames = [pcapfile.ethernet(p) for p in (piece, whole)]
        run = self.lab.run(make_config(self.lab, [plan]), frames)
        self.assertEqual(run.drops("outbound"), {"transport_fragment": 1})
        self.assertEqual(plan.open(A, packets(run.cipher)[0]).packet, whole)


class Inbound(SakerTest):
    def inbound(self, policies, cipher, plans):
        run = self.lab.run(make_config(self.lab, plans, policies=policies),
                           cipher=[pcapfile.ethernet(p) for p in cipher])
        self.assertRan(run)
        return run

    def test_clear_packets_on_the_cipher_port_pass_by_bypass_policy_only(self):
        plan = Plan(self.lab, 1)
        policies = plan.policies(A) + [
            {"name": "dns", "dst": "10.9.0.53/32", "proto": 17, "dport": 53, "action": "bypass"},
            {"name": "rest", "action": "drop"}]
        answer = udp("10.9.0.53", NEAR4, 53, 4000)
        refused = [udp("10.9.0.53", NEAR4, 54, 4000), udp(plan.far(4), NEAR4),
                   udp("203.0.113.1", NEAR4)]
        run = self.inbound(policies, refused + [answer], [plan])
        self.assertSame(forwarded(run.clear), [answer])
        self.assertEqual(run.drops("inbound"), {"clear_refused": 3})

    def test_a_source_may_send_only_what_its_group_is_for(self):
        one, two = Plan(self.lab, 1), Plan(self.lab, 2)
        allowed = udp(one.far(4), NEAR4)
        wrong = [
            udp(two.far(4), NEAR4),  # the other group's network
            udp(one.far(4), "10.99.0.1"),  # not ours
            udp("203.0.113.9", NEAR4),  # nobody's
            udp(NEAR4, one.far(4)),  # ours as source
        ]
        cipher = [one.seal(B, p) for p in wrong + [allowed]]
        run = self.inbound(None, cipher, [one, two])
        self.assertSame(forwarded(run.clear), [allowed])
        self.assertEqual(run.drops("inbound"), {"inner_policy": 4})

    def test_no_policy_goes_by_ports_that_nobody_has_authenticated(self):
        plan = Plan(self.lab, 1, clear=48, ioffset=2)
        packet = udp(plan.far(4), NEAR4, sport=2000)
        skipped = profile.seal(plan.group(), plan.packet(B, packet)).outer
        signed = profile.seal(plan.group(), plan.packet(B, packet, ioffset=0)).outer
        for sport in (2000, "0-2000"):
            with self.subTest(sport=sport):
                policies = [plan.policy(A, 4, proto=17, dport=sport)]
                run = self.inbound(policies, [skipped, signed], [plan])
                self.assertSame(forwarded(run.clear), [packet])
                self.assertEqual(run.drops("inbound"), {"inner_policy": 1})
        run = self.inbound([plan.policy(A, 4, proto=17)], [skipped], [plan])
        self.assertSame(forwarded(run.clear), [packet])

    def test_what_a_bypass_or_drop_policy_covers_may_not_come_protected(self):
        plan = Plan(self.lab, 1)
        policies = [{"name": "dns", "dst": "10.64.1.9/32", "proto": 17, "dport": 53,
                     "action": "bypass"},
                    {"name": "no", "dst": "10.64.1.9/32", "proto": 17, "dport": 54,
                     "action": "drop"}] + plan.policies(A)
        wrong = [udp(plan.far(4), NEAR4, 53, 999), udp(plan.far(4), NEAR4, 54, 999)]
        good = udp(plan.far(4), NEAR4, 55, 999)
        run = self.inbound(policies, [plan.seal(B, p) for p in wrong + [good]], [plan])
        self.assertSame(forwarded(run.clear), [good])
        self.assertEqual(run.drops("inbound"), {"inner_policy": 2})

    def test_a_policy_may_name_the_sources_it_is_for(self):
        for variant in (0, 1, 2):
            with self.subTest(variant=variant):
                plan = Plan(self.lab, 1, variant=variant)
                source = plan.source(B)
                clear = plan.inner(B, 4, 100)
                other = bytes(len(source) - 1) + b"\x09"
                flow = bytes(4) if variant == 2 else b""
                cipher = [plan.seal(B, clear, source=other + flow),
                          plan.seal(B, clear, source=source + flow)]
                policies = plan.policies(A, sources=[source.hex()])
                run = self.inbound(policies, cipher, [plan])
                self.assertSame(forwarded(run.clear), [clear])
                self.assertEqual(run.drops("inbound"), {"inner_policy": 1})

    def test_a_client_may_not_send_as_another_client(self):
        """In a server group a policy is for its client; that is the wall the profile promises."""
        plan = Plan(self.lab, 1, role="server", variant=1)
        clear = plan.inner(B, 4, 100)
        stranger = bytes(7) + b"\x09"
        cipher = [plan.seal(B, clear, source=stranger), plan.seal(B, clear)]
        run = self.inbound(None, cipher, [plan])
        self.assertSame(forwarded(run.clear), [clear])
        self.assertEqual(run.drops("inbound"), {"inner_policy": 1})

    def test_a_packet_reflected_to_a_server_is_not_its_own(self):
        """The role octet of the nonce keeps directions apart under one key."""
        plan = Plan(self.lab, 1, role="server", variant=0)
        clear = plan.inner(B, 4, 100)
        reflected = plan.seal(B, clear, role=profile.SERVER_TO_CLIENT)
        peer = plan.seal(B, clear, role=profile.PEER)
        run = self.inbound(None, [reflected, peer, plan.seal(B, clear)], [plan])
        self.assertSame(forwarded(run.clear), [clear])
        self.assertEqual(run.drops("inbound"), {"bad_icv": 2})

    def test_transport_mode_binds_outer_addresses_to_sources(self):
        for variant in (0, 1, 2, 3):
            with self.subTest(variant=variant):
                plan = Plan(self.lab, 1, transport=True, variant=variant)
                good = plan.inner(B, 4, 100)
                wrong = [udp("10.64.1.8", NEAR4), udp(plan.far(4), "10.1.0.6")]
                changes = {} if variant == 3 else {"source": bytes(
                    len(plan.packet(B, good).source) - 1) + b"\x07"}
                cipher = [plan.seal(B, p) for p in wrong]
                count = 2
                if changes:
                    cipher.append(plan.seal(B, good, **changes))
                    count = 3
                run = self.inbound(None, cipher + [plan.seal(B, good)], [plan])
                self.assertSame(forwarded(run.clear), [good])
                self.assertEqual(run.drops("inbound"), {"outer_policy": count})

    def test_addresses_bind_tunnels_too_where_they_are_given(self):
        plan = Plan(self.lab, 1)
        clear = plan.inner(B, 4, 100)
        binding = {"source_id": plan.source(B).hex(), "from": [B.ip4], "to": [A.ip4]}
        config = make_config(self.lab, [plan], groups=[plan.config(A, addresses=[binding])])
        moved = plan.seal(B, clear, outer_src=octets("192.0.2.77"))
        frames = [pcapfile.ethernet(p) for p in (moved, plan.seal(B, clear))]
        run = self.lab.run(config, cipher=frames)
        self.assertSame(forwarded(run.clear), [clear])
        self.assertEqual(run.drops("inbound"), {"outer_policy": 1})

    def test_address_variants_bind_the_address_by_the_key(self):
        for variant, part in ((3, "outer_src"), (4, "outer_src"), (4, "outer_dst")):
            with self.subTest(variant=variant, part=part):
                plan = Plan(self.lab, 1, variant=variant)
                clear = plan.inner(B, 4, 100)
                good = plan.seal(B, clear)
                # as if a NAT had changed it on the way
                moved = plan.seal(B, clear, **{part: octets("192.0.2.77")})
                at = 12 if part == "outer_src" else 16
                moved = moved[:at] + good[at : at + 4] + moved[at + 4 :]
                moved = ip4_finish(moved[:20], len(moved)) + moved[20:]
                run = self.inbound(None, [moved, good], [plan])
                self.assertSame(forwarded(run.clear), [clear])
                self.assertEqual(run.drops("inbound"), {"bad_icv": 1})
