# SPDX-License-Identifier: BSD-3-Clause
"""Packets of every kind side by side: what goes the short way must neither hinder nor help others.

Bursts hold up to 64 packets, and the short way is taken packet by packet: here no two neighbours
are of one kind, one group or one size.
"""

import random

import pcapfile
from harness import A, B, SakerTest, forwarded, packets
from ip import ICMP, ICMP6, TCP, UDP, ip4_finish
from plan import NEAR4, NEAR6, Plan, make_config, octets
from plan_subsa import SubsaPlan
from traffic import Traffic

OPTIONS = (
    {}, {"variant": 1}, {"variant": 2}, {"variant": 3}, {"variant": 4}, {"key_cache": 4},
    {"suite": "aes-128-gcm"}, {"encap": "ip"}, {"encap": "ip", "variant": 1}, {"outer": 6},
    {"clear": 16}, {"clear": 48, "ioffset": 2}, {"form": "S"}, {"sn": "counter"}, {"rekey": 0},
    {"rekey": -1}, {"replay": "none"}, {"session_first": 7}, {"mk_options": True},
)
KINDS = ("udp", "ack", "icmp", "options", "fragment", "six", "six-options", "tcp", "short")
PER_KIND = 3


class Mixed(SakerTest):
    def setUp(self):
        super().setUp()
        self.random = random.Random(20261129)
        self.traffic = Traffic(7, max_size=1300)
        self.plans = [Plan(self.lab, n, **o) for n, o in enumerate(OPTIONS, 1)]

    def packet(self, plan, kind):
        six = kind.startswith("six")
        src, dst = octets(NEAR6 if six else NEAR4), octets(plan.far(6 if six else 4))
        t, room = self.traffic, self.random.randrange(60, 1200)
        if kind == "fragment":
            return t.fragments(src, dst)[self.random.randrange(2)]
        if kind == "options":
            return t.ip(src, dst, UDP, t.segment(src, dst, UDP, room), t.options())
        if kind == "six-options":
            return t.ip(src, dst, UDP, t.segment(src, dst, UDP, room), t.hop_by_hop())
        if kind == "short":
            return t.ip(src, dst, UDP, t.segment(src, dst, UDP, 8))
        protos = {"icmp": ICMP, "ack": TCP, "tcp": TCP, "six": self.random.choice((UDP, TCP, ICMP6))}
        proto = protos.get(kind, UDP)
        segment = t.segment(src, dst, proto, room)
        if kind == "ack":
            segment = segment[:13] + b"\x10" + segment[14:]
        return t.ip(src, dst, proto, segment)

    def clear_packets(self):
        """(packet, plan) in an order without order; fragments may be of the same datagram."""
        out = [(self.packet(plan, kind), plan) for plan in self.plans for kind in KINDS
               for _ in range(PER_KIND) if self.carried(plan, kind)]
        self.random.shuffle(out)
        return out

    @staticmethod
    def carried(plan, kind):
        """A transport header that is not authenticated must be there."""
        return not (plan.o.ioffset and kind in ("fragment", "six-options", "options", "short"))

    def seal(self, clear):
        return self.seal_by(self.plans, clear)

    def seal_by(self, plans, clear):
        run = self.lab.run(make_config(self.lab, plans), [pcapfile.ethernet(p) for p in clear])
        self.assertRan(run)
        return run

    def test_each_packet_is_sealed_as_if_it_were_alone(self):
        clear = self.clear_packets()
        lost = self.losses()
        sent = [p for p, _ in clear] + [p for p, _ in lost]
        self.random.shuffle(sent)
        run = self.seal(sent)
        wanted = {p: plan for p, plan in clear}
        self.assertEqual(len(wanted), len(clear))
        order = [p for p in sent if p in wanted]
        sealed = packets(run.cipher)
        self.assertEqual(len(sealed), len(order), run.text())
        for packet, frame in zip(order, sealed):
            plan = wanted[packet]
            self.assertEqual(plan.open(A, frame).packet, packet, str(plan))
        reasons = {}
        for _, reason in lost:
            reasons[reason] = reasons.get(reason, 0) + 1
        self.assertEqual(run.drops("outbound"), reasons)

    def losses(self):
        out = []
        for plan in self.plans[:6]:
            packet = self.packet(plan, "udp")
            out += [(ip4_finish(packet[:8] + b"\x01" + packet[9:20], len(packet)) + packet[20:],
                     "ttl"),
                    (packet[:10] + bytes([packet[10] ^ 1]) + packet[11:], "ip_checksum"),
                    (ip4_finish(packet[:16] + octets("203.0.113.9"), len(packet)) + packet[20:],
                     "no_policy")]
        return out

    def test_each_packet_is_opened_as_if_it_were_alone(self):
        clear = self.clear_packets()
        frames = [f for queue in self.seal([p for p, _ in clear]).cipher for f in queue]
        sent, reasons = [], {}
        for frame, (_, plan) in zip(frames, clear):
            x = self.random.random()
            if x < 0.1:
                sent.append(frame[:-1] + bytes([frame[-1] ^ 1]))
                reasons["bad_icv"] = reasons.get("bad_icv", 0) + 1
            sent.append(frame)
            if x > 0.9 and plan.o.replay != "none":
                sent.append(frame)
                reasons["replay"] = reasons.get("replay", 0) + 1
        config = make_config(self.lab, self.plans, B)
        for driver in (None, "ipsec_mb"):
            with self.subTest(driver=driver):
                run = self.lab.run(config, cipher=sent, driver=driver)
                self.assertRan(run)
                self.assertEqual(run.drops("inbound"), reasons)
                self.assertSame(forwarded(run.clear, 2), [p for p, _ in clear])

    def test_a_burst_leaves_no_key_to_the_next_one(self):
        """A key that is at hand stands beside its job; a plain packet's has none beside it."""
        for n, at_hand in enumerate((Plan(self.lab, 1, key_cache=4), SubsaPlan(self.lab, 3))):
            with self.subTest(n=n):
                self.alternate(at_hand, Plan(self.lab, 2))

    def alternate(self, at_hand, plain):
        plans = ([at_hand] * 64 + [plain] * 64) * 2  # four bursts, each of packets that are alike
        clear = [plan.inner(A, 4, 100, n) for n, plan in enumerate(plans)]
        sealed = packets(self.seal_by([at_hand, plain], clear).cipher)
        self.assertSame([plan.open(A, f).packet for plan, f in zip(plans, sealed)], clear)
        config = make_config(self.lab, [at_hand, plain], B)
        run = self.lab.run(config, cipher=[pcapfile.ethernet(f) for f in sealed])
        self.assertRan(run)
        self.assertEqual(run.drops("inbound"), {})
        self.assertSame(forwarded(run.clear, 2), clear)

    def test_an_spi_is_no_group_s_by_another_way(self):
        """Where a packet in UDP has its SPI, one in IP has its source: here it is the same."""
        here, by_ip, near = plans = [
            Plan(self.lab, 1), Plan(self.lab, 2, encap="ip"), Plan(self.lab, 3)]
        here.spi = int.from_bytes(A.source[:4], "big")
        clear = [(here if n % 2 else near).inner(A, 4, 100, n) for n in range(200)]
        sent, wanted = [], []
        for n, frame in enumerate(packets(self.seal_by(plans, clear).cipher)):
            strays = n % 4 == 1
            sent.append(self.by_protocol(frame, by_ip.protocol) if strays else frame)
            wanted += [] if strays else [clear[n]]
        run = self.lab.run(make_config(self.lab, plans, B),
                           cipher=[pcapfile.ethernet(f) for f in sent])
        self.assertRan(run)
        self.assertEqual(run.drops("inbound"), {"unknown_spi": len(clear) - len(wanted)})
        self.assertSame(forwarded(run.clear, 2), wanted)

    @staticmethod
    def by_protocol(frame, protocol):
        """The same packet without its UDP header."""
        ip = frame[:9] + bytes([protocol]) + frame[10:20]
        return ip4_finish(ip, len(frame) - 8) + frame[28:]

    def test_groups_with_windows_keep_them_beside_groups_without(self):
        windowed, free = Plan(self.lab, 1), Plan(self.lab, 2, replay="none")
        plans = [windowed, free] * 48  # every burst ends with a packet that needs no window
        clear = [plan.inner(A, 4, 100, n) for n, plan in enumerate(plans)]
        sealed = packets(self.seal_by([windowed, free], clear).cipher)
        config = make_config(self.lab, [windowed, free], B)
        run = self.lab.run(config, cipher=[pcapfile.ethernet(f) for f in sealed * 2])
        self.assertRan(run)
        self.assertEqual(run.drops("inbound"), {"replay": 48})
        self.assertSame(forwarded(run.clear, 2), clear + clear[1::2])

    def test_a_damaged_header_spoils_no_neighbour(self):
        """Any bit of what is in front of the text, of packets that all go the short way."""
        plan = self.plans[0]
        clear = [self.packet(plan, "udp") for _ in range(40)]
        frames = [f for queue in self.seal(clear).cipher for f in queue]
        sent = []
        for bit in range(14 * 8, (14 + 52) * 8):
            frame = bytearray(frames[bit % len(frames)])
            frame[bit // 8] ^= 1 << bit % 8
            sent.append(bytes(frame))
        at = sorted(self.random.sample(range(len(sent)), len(frames)))
        for n, (i, frame) in enumerate(zip(at, frames)):
            sent.insert(i + n, frame)
        run = self.lab.run(make_config(self.lab, [plan], B), cipher=sent)
        self.assertRan(run)
        got = forwarded(run.clear, 2)
        self.assertEqual(sorted(set(got)), sorted(clear), run.text())
        self.assertEqual(sum(run.drops("inbound").values()) + len(got), len(sent))
        self.assertEqual(len(got), len(set(got)), "some packet came twice")
