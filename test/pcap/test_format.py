# SPDX-License-Identifier: BSD-3-Clause
"""What saker sends, opened by profile.py; what profile.py seals, opened by saker."""

import itertools
import struct
from collections import defaultdict

import pcapfile
import profile
import traffic
from harness import A, B, SakerTest, forwarded, packets
from ip import UDP, Refused, before
from plan import EPOCH, Plan, make_config, octets

DRIVERS = ("ipsec_mb", "openssl")
CHUNK = 160  # groups of one run
LISTENERS = 28  # the same in format S
SIZES = (0, 61, 62, 63, 400, 1500)
REKEY = ("default", -1, 0, 8, "default", 47)
LEVELS = (("zone",), ("zone", "user"), ("user",), ("zone", "user", "task"), ("zone", "task"))


def seh_combinations():
    """The same for format S, whose groups each need a listener: every fifth one."""
    for options in itertools.islice(combinations(), 0, None, 5):
        yield dict(options, form="S", session_first=0)


def combinations():
    """Options of every group: all variants, modes, families, encapsulations, suites, clear parts,
    disciplines and roles with each other; the rest goes round."""
    n = 0
    for variant, transport, outer, encap, suite, clear, sn, role in itertools.product(
        range(5), (False, True), (4, 6), ("udp", "ip"), ("aes-256-gcm", "aes-128-gcm"),
        ((0, 0), (8, 0), (48, 2)), ("time", "counter"), ("peer", "server", "client"),
    ):
        if role != "peer" and variant > 2:
            continue
        n += 1
        rekey = REKEY[n % len(REKEY)] if role == "peer" and variant in (0, 3, 4) else "default"
        if sn == "counter" and rekey == "default" and n % 2:
            rekey = 16 if role == "peer" and variant in (0, 3, 4) else "default"
        yield dict(
            variant=variant, transport=transport, outer=outer, encap=encap, suite=suite,
            clear=clear[0], ioffset=clear[1], sn=sn, role=role, rekey=rekey,
            levels=LEVELS[n % len(LEVELS)], mk_options=n % 3 == 0,
            combine="xor" if n % 4 == 0 else "hkdf", session_first=(0, 1, 65528)[n % 3],
            key_cache=64 if n % 5 == 0 else 0)


class Chunk:
    """Some groups, clear packets of A and sealed packets of B for each."""

    def __init__(self, lab, options):
        self.plans = [Plan(lab, n, **o) for n, o in options]
        self.by_spi = {p.spi: p for p in self.plans}
        self.by_listener = {n: p for p in self.plans for n in (p.port, p.protocol)}
        self.clear = []  # (plan, packet) from A
        self.sealed = []  # (plan, packet, outer packet) from B
        for i, p in enumerate(self.plans):
            for family in p.families():
                size = SIZES[(p.n + i) % len(SIZES)]
                for seed, octets in enumerate((size, size + 5, 90 + p.n % 8)):
                    self.clear.append((p, p.inner(A, family, min(octets, 1500), seed + p.n)))
                    inner = p.inner(B, family, min(octets, 1500), seed + p.n)
                    self.sealed.append((p, inner, p.seal(B, inner)))

    def plan_of(self, outer):
        """By SPI, or in format S by listener."""
        v, data, _, _ = profile.decap(outer, self.plans[0].o.form)
        if self.plans[0].o.form == "E":
            return self.by_spi[struct.unpack_from(">I", data, 4)[0]]
        if v.proto != UDP:
            return self.by_listener[v.proto]
        return self.by_listener[struct.unpack_from(">H", outer, v.l4_at + 2)[0]]

    def frames(self):
        clear = [pcapfile.ethernet(packet) for _, packet in self.clear]
        return clear, [pcapfile.ethernet(outer) for _, _, outer in self.sealed]


class Format(SakerTest):
    def open_all(self, chunk, frames):
        """Open what saker sent; returns clear packets by group number."""
        opened = defaultdict(list)
        for frame in frames:
            outer = pcapfile.ip_packet(frame)
            plan = chunk.plan_of(outer)
            try:
                o = profile.open_packet({plan.spi: plan.group()}, outer, plan.nonce_role(A))
            except Refused as refused:
                self.fail("%s: profile.py refuses %s: %s" % (plan, outer.hex(), refused.reason))
            self.check_form(plan, o, outer)
            opened[plan.n].append(before(o.packet))
        return opened

    def check_form(self, plan, o, outer):
        """What the configuration asked for and opening alone does not show."""
        h, opt = o.header, plan.o
        self.assertEqual(h.session, opt.session_first, plan)
        self.assertEqual(o.encap, opt.encap, plan)
        self.assertEqual(sorted(h.mk), sorted(opt.levels) if opt.mk_options else [], plan)
        if opt.form == "E":  # format S says so only where something is in clear
            self.assertEqual(h.crypt_offset is not None, opt.clear > 0, plan)
        source = plan.source(A)
        self.assertEqual(h.source[: len(source)], source, plan)
        self.assertEqual(h.sn >> 48 == EPOCH, opt.sn == "counter", plan)
        if opt.clear:
            headers = profile.ip_parse(o.packet).l4_at if opt.transport else 0
            payload = len(o.packet) - headers
            self.assertEqual(o.clear, min(opt.clear, payload & ~3), plan)
        if not opt.transport:
            self.check_outer(plan, o, outer)
        if outer[0] >> 4 == 6 and opt.form == "E":
            self.assertEqual((h.length + (4 if opt.transport or opt.clear else 0)) % 8, 0, plan)

    def check_outer(self, plan, o, outer):
        family = plan.o.outer
        want = octets(A.ip(family)), octets(B.ip(family))
        self.assertEqual((o.outer_src, o.outer_dst), want, plan)
        inner_tos = o.packet[1] if o.packet[0] >> 4 == 4 else (
            struct.unpack_from(">H", o.packet)[0] >> 4 & 0xFF)
        self.assertEqual(o.outer_tos, inner_tos, plan)
        self.assertEqual(outer[8] if family == 4 else outer[7], 64, plan)
        if o.encap == "udp":
            self.assertGreaterEqual(o.sport, 49152, plan)

    def check_chunk(self, options, driver):
        chunk = Chunk(self.lab, options)
        clear, sealed = chunk.frames()
        config = make_config(self.lab, chunk.plans)
        run = self.lab.run(config, clear, sealed, driver=driver)
        self.assertRan(run)
        opened = self.open_all(chunk, run.cipher[0])
        want = defaultdict(list)
        for plan, packet in chunk.clear:
            want[plan.n].append(packet)
        for plan in chunk.plans:
            self.assertSame(opened[plan.n], want[plan.n], "sealed, %s" % plan)
        by_plan = iter(chunk.sealed)
        for got in forwarded(run.clear):
            plan, packet, outer = next(by_plan)
            self.assertEqual(got.hex(), packet.hex(), "opened, %s, %s" % (plan, outer.hex()))
        self.assertEqual(len(forwarded(run.clear)), len(chunk.sealed), run.drops("inbound"))
        self.assertEqual(run.drops(), {})
        names = {row["driver"] for row in run.shown.get("crypto", [])}
        self.assertIn(driver, names)

    def check_all(self, driver, options, size):
        todo = list(enumerate(options, 1))
        self.assertGreater(len(todo), 200)
        for first in range(0, len(todo), size):
            with self.subTest(first=first):
                self.check_chunk(todo[first : first + size], driver)

    def test_every_combination_both_ways_with_ipsec_mb(self):
        self.check_all("ipsec_mb", combinations(), CHUNK)

    def test_every_combination_both_ways_with_openssl(self):
        self.check_all("openssl", combinations(), CHUNK)

    def test_every_combination_of_format_s_both_ways(self):
        self.check_all("openssl", seh_combinations(), LISTENERS)


class RealTraffic(SakerTest):
    """The traffic mix, through two gateways and through profile.py."""

    def expected(self, frames):
        return [pcapfile.ip_packet(f.octets) for f in frames if f.kind == traffic.PROTECT]

    def policies(self, site):
        near, far = (A, B) if site is A else (B, A)
        common = {"action": "protect", "group": "g1"}
        return [
            {"name": "v4", "src": near.net4, "dst": far.net4, "local": near.ip4, "peer": far.ip4,
             **common},
            {"name": "v6", "src": near.net6, "dst": far.net6, "local": near.ip4, "peer": far.ip4,
             **common},
            {"name": "dns", "dst": "10.9.0.53/32", "proto": 17, "dport": 53, "action": "bypass"},
        ]

    def test_mix_comes_out_octet_for_octet(self):
        plan = Plan(self.lab, 1)
        frames = list(traffic.Traffic(11).frames(3000))
        config = make_config(self.lab, [plan], policies=self.policies(A))
        sent = self.lab.run(config, [f.octets for f in frames], drain_option=True)
        self.assertRan(sent)
        eesp = [f for f in sent.cipher[0] if pcapfile.ip_packet(f)[16:20] == octets(B.ip4)]
        opened = [plan.open(A, pcapfile.ip_packet(f)).packet for f in eesp]
        self.assertSame(opened, self.expected(frames), "opened by profile.py")
        bypassed = [before(pcapfile.ip_packet(f)) for f in sent.cipher[0] if f not in set(eesp)]
        want = [pcapfile.ip_packet(f.octets) for f in frames if f.kind == traffic.BYPASS]
        self.assertSame(bypassed, want, "bypassed")
        config = make_config(self.lab, [plan], B, policies=self.policies(B))
        back = self.lab.run(config, cipher=eesp)
        self.assertRan(back)
        want = [p for p in self.expected(frames) if p[8 if p[0] >> 4 == 4 else 7] > 2]
        self.assertSame(forwarded(back.clear, 2), want, "opened by saker")

    def test_each_drop_of_the_mix_is_counted_by_reason(self):
        plan = Plan(self.lab, 1)
        frames = list(traffic.Traffic(12).frames(2000))
        config = make_config(self.lab, [plan], policies=self.policies(A))
        run = self.lab.run(config, [f.octets for f in frames])
        self.assertRan(run)
        kinds = [f.kind for f in frames]
        self.assertEqual(run.drops("outbound"), {
            "no_policy": kinds.count(traffic.UNCOVERED), "not_ours": kinds.count(traffic.ARP)})

    def test_ecn_marks_pass_as_rfc_6040_says(self):
        """Outer marks that changed on the way: CE is carried in, and drops not-ECT packets."""
        plan = Plan(self.lab, 1)
        table = {(0, 0): 0, (0, 1): 0, (0, 2): 0, (0, 3): None, (1, 3): 3, (2, 3): 3, (3, 0): 3,
                 (1, 0): 1, (2, 0): 2, (2, 1): 1, (1, 2): 1, (3, 1): 3, (3, 2): 3, (3, 3): 3}
        sealed, want = [], []
        for (inner_ecn, outer_ecn), result in table.items():
            for family in (4, 6):
                packet = plan.inner(B, family, 100)
                sealed.append(plan.sealed_frame(B, self.marked(packet, inner_ecn), tos=outer_ecn))
                if result is not None:
                    want.append(self.marked(packet, result))
        run = self.lab.run(make_config(self.lab, [plan]), cipher=sealed)
        self.assertRan(run)
        self.assertSame(forwarded(run.clear), want)
        self.assertEqual(run.drops("inbound"), {"ecn": 2})

    @staticmethod
    def marked(packet, ecn):
        if packet[0] >> 4 == 6:
            return packet[:1] + bytes([packet[1] & 0xCF | ecn << 4]) + packet[2:]
        head = packet[:1] + bytes([packet[1] & 0xFC | ecn]) + packet[2:20]
        return profile.set_ip_payload(head, 9, packet[9], len(packet) - 20) + packet[20:]
