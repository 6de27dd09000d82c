# SPDX-License-Identifier: BSD-3-Clause
"""Damaged and forged packets: nothing comes out, and each has its named reason."""

import random
import struct
import time

import pcapfile
import profile
from harness import A, B, SakerTest, forwarded, packets
from ip import Refused, ip4_finish, ip_parse
from plan import EPOCH, WIDE_MS, Plan, make_config

FORMS = {
    "tunnel over IPv4 and UDP": {},
    "tunnel over IPv6": dict(outer=6, encap="ip", variant=1),
    "connection id, three Master Key options": dict(
        variant=2, levels=("zone", "user", "task"), mk_options=True),
    "source address, counter discipline": dict(variant=3, sn="counter", encap="ip"),
    "address pair over IPv6, crypt offset": dict(variant=4, outer=6, clear=48),
    "tunnel, crypt offset and IOffset": dict(clear=48, ioffset=2),
    "transport over UDP": dict(transport=True),
    "transport over IPv6, crypt offset and IOffset": dict(
        transport=True, outer=6, encap="ip", clear=8, ioffset=2, variant=1),
    "transport, address pair": dict(transport=True, variant=4, encap="ip", clear=4),
    "server group, AES-128": dict(role="server", suite="aes-128-gcm", variant=1),
    "format S, three Master Key options": dict(
        form="S", variant=2, levels=("zone", "user", "task"), mk_options=True),
    "format S, address pair over IPv6, in clear": dict(
        form="S", variant=4, outer=6, encap="ip", clear=48, ioffset=2),
    "format S, transport": dict(form="S", transport=True, sn="counter", clear=8),
}
# Reasons that the profile leaves to the receiver to tell apart: forms of a header.
FORM = {"opt_length", "opt_unknown", "opt_repeated", "opt_bad", "no_context", "runt"}


def flips(data):
    """Every copy of data with one bit flipped: (bit number, copy)."""
    for bit in range(8 * len(data)):
        copy = bytearray(data)
        copy[bit // 8] ^= 0x80 >> bit % 8
        yield bit, bytes(copy)


def classes(drops):
    """Drops with the reasons of FORM taken together."""
    out = {}
    for reason, n in drops.items():
        name = "form" if reason in FORM else reason
        out[name] = out.get(name, 0) + n
    return out


class Hostile(SakerTest):
    def prepare(self, options):
        """(plan, clear packet, sealed outer packet, offset of the EESP header)"""
        plan = Plan(self.lab, 1, **options)
        # Slots away from what a flipped bit makes of now: the clock goes on during the test.
        plan.sealed_ms -= 150000
        clear = plan.inner(B, plan.families()[0], 101)
        outer = plan.seal(B, clear)
        view = ip_parse(outer)
        return plan, clear, outer, view.l4_at + (8 if plan.o.encap == "udp" else 0)

    def verdict(self, plan, outer):
        """Reason by profile.py, or None if it opens the packet."""
        group = plan.group()
        if plan.o.sn == "time":
            group.fresh = profile.freshness(int(time.time() * 1000), WIDE_MS, 500)
        else:
            group.fresh = fresh_epoch
        try:
            profile.open_packet({plan.spi: group}, outer, plan.nonce_role(B))
        except Refused as refused:
            return refused.reason
        return None

    def deliver(self, plan, hostile, good, driver=None):
        """Run hostile packets, then a good one; returns (delivered hostile ones, drops)."""
        frames = [pcapfile.ethernet(p) for p in hostile] + [pcapfile.ethernet(good[1])]
        run = self.lab.run(make_config(self.lab, [plan]), cipher=frames, driver=driver)
        self.assertRan(run)
        out = forwarded(run.clear)
        self.assertTrue(out and out[-1] == good[0], "the good packet did not pass:\n" + run.text())
        drops = run.drops("inbound")
        self.assertEqual(sum(drops.values()) + len(out) - 1, len(hostile), drops)
        return out[:-1], drops

    def good(self, plan):
        clear = plan.inner(B, plan.families()[0], 77, seed=9)
        return clear, plan.seal(B, clear)

    def check(self, plan, hostile, driver=None):
        """Nothing passes, and the reasons are those of profile.py."""
        want = {}
        for outer in hostile:
            reason = self.verdict(plan, outer)
            self.assertIsNotNone(reason, "profile.py opens " + outer.hex())
            want[reason] = want.get(reason, 0) + 1
        out, drops = self.deliver(plan, hostile, self.good(plan), driver)
        self.assertEqual(out, [])
        self.assertEqual(classes(drops), classes(want))
        return drops

    def each_form(self, check):
        """Call check(plan, clear packet, outer packet, offset of the EESP header) for each form."""
        for name, options in FORMS.items():
            with self.subTest(name):
                check(*self.prepare(options))

    def skipped_bits(self, plan, outer, at):
        """Bits, counted from the EESP header, that IOffset leaves unauthenticated."""
        data = outer[at:]
        layout = profile.layout(plan.group())
        h = layout.read_header(data)
        payload_at, clear, _ = layout.split(plan.group(), h, data)
        first, last = profile.skipped(plan.group(), h, data[payload_at : payload_at + clear])
        return range(8 * (payload_at + first), 8 * (payload_at + last))

    def test_every_flipped_bit_from_the_eesp_header_on_is_dropped(self):
        def check(plan, _, outer, at):
            free = self.skipped_bits(plan, outer, at)
            hostile = [outer[:at] + c for bit, c in flips(outer[at:]) if bit not in free]
            for driver in ("ipsec_mb", "openssl"):
                drops = self.check(plan, hostile, driver)
                self.assertGreater(drops["bad_icv"], 600)

        self.each_form(check)

    def test_a_flip_in_skipped_octets_passes_as_the_profile_says(self):
        def check(plan, clear, outer, at):
            free = self.skipped_bits(plan, outer, at)
            if not len(free):
                return
            for bit, copy in flips(outer[at:]):
                if bit == free[0]:
                    break
            out, drops = self.deliver(plan, [outer[:at] + copy], self.good(plan))
            self.assertEqual(len(out), 1, drops)
            self.assertEqual(sum(a != b for a, b in zip(out[0], clear)), 1)

        self.each_form(check)

    def test_every_truncation_is_dropped(self):
        def check(plan, _, outer, at):
            honest = [self.shortened(outer, at, n) for n in range(at, len(outer))]
            cut = [outer[:n] for n in range(ip_parse(outer).l4_at + 8, len(outer))]
            self.check(plan, honest + cut)

        self.each_form(check)

    def shortened(self, outer, at, length):
        """The first octets of a packet, all lengths right."""
        v = ip_parse(outer)
        body = outer[v.l4_at : length]
        if v.proto == 17:
            body = body[:4] + struct.pack(">H", len(body)) + body[6:]
        return profile.set_ip_payload(outer[: v.l4_at], v.proto_at, v.proto, len(body)) + body

    def test_every_option_length_is_checked(self):
        def check(plan, _, outer, at):
            where = at if plan.o.form == "S" else at + 1  # HL, Opt Len
            lies = [outer[:where] + bytes([n]) + outer[where + 1 :] for n in range(256)]
            self.check(plan, [lie for lie in lies if lie != outer])

        self.each_form(check)

    def test_every_key_index_and_variant_is_checked(self):
        def check(plan, _, outer, at):
            lies = [outer[: at + i] + bytes([n]) + outer[at + i + 1 :]
                    for i in (10, 11) for n in range(256)]
            self.check(plan, [lie for lie in lies if lie != outer])

        self.each_form(check)

    def test_lies_about_ip_length_are_dropped(self):
        def check(plan, _, outer, __):
            v = ip_parse(outer)
            lies = []
            for n in list(range(0, len(outer) + 40)) + [255, 256, 1500, 32768, 65535]:
                if n == len(outer):
                    continue
                if outer[0] >> 4 == 4:
                    lies.append(ip4_finish(outer[: v.l4_at], n) + outer[v.l4_at :])
                else:
                    lies.append(outer[:4] + struct.pack(">H", n) + outer[6:])
            self.check(plan, [lie for lie in lies if lie != outer])

        self.each_form(check)

    def test_lies_about_udp_length_are_dropped(self):
        plan, _, outer, at = self.prepare({})
        lies = [outer[: at - 4] + struct.pack(">H", n) + outer[at - 2 :]
                for n in list(range(0, 300)) + [1500, 32768, 65535]]
        drops = self.check(plan, [lie for lie in lies if lie != outer])
        self.assertEqual(set(drops), {"udp_length"})

    def test_udp_checksum_is_zero_or_right(self):
        plan, clear, outer, at = self.prepare({})
        v = ip_parse(outer)
        right = profile.udp_checksum(v.src, v.dst, outer[v.l4_at :])
        lies = [outer[: at - 2] + struct.pack(">H", right ^ x) + outer[at:] for x in (1, 0x8000)]
        drops = self.check(plan, lies)
        self.assertEqual(drops, {"udp_checksum": 2})
        summed = outer[: at - 2] + struct.pack(">H", right) + outer[at:]
        out, _ = self.deliver(plan, [summed], self.good(plan))
        self.assertSame(out, [clear])

    def test_every_flipped_bit_of_the_outer_ipv4_header_is_dropped(self):
        def check(plan, _, outer, __):
            if outer[0] >> 4 != 4:
                return
            hostile = [copy + outer[20:] for _, copy in flips(outer[:20])]
            out, drops = self.deliver(plan, hostile, self.good(plan))
            self.assertEqual(out, [])
            self.assertGreater(drops["ip_checksum"], 100)
            self.assertLessEqual(
                set(drops),
                {"ip_checksum", "ip_header", "not_ip", "runt", "ip_length", "clear_refused"})

        self.each_form(check)

    def test_fragments_and_other_addresses_are_dropped(self):
        plan, _, outer, _ = self.prepare({})
        first = outer[:6] + b"\x20\x00" + outer[8:20]
        later = outer[:6] + b"\x00\x10" + outer[8:20]
        away = outer[:16] + b"\xc0\x00\x02\x63"
        hostile = [ip4_finish(head, len(outer)) + outer[20:] for head in (first, later, away)]
        out, drops = self.deliver(plan, hostile, self.good(plan))
        self.assertEqual(out, [])
        # the two overlap
        self.assertEqual(drops, {"reassembly": 2, "not_local": 1})

    def test_what_else_comes_to_the_udp_port_is_named(self):
        plan, _, outer, at = self.prepare({})
        v = ip_parse(outer)

        def datagram(body):
            body = outer[v.l4_at : at - 4] + struct.pack(">HH", 8 + len(body), 0) + body
            return profile.set_ip_payload(outer[:20], 9, 17, len(body)) + body

        hostile = [datagram(b"\xff"), datagram(bytes(4) + b"ike"), datagram(b"\x12\x34\x56\x78esp"),
                   datagram(b"")]
        out, drops = self.deliver(plan, hostile, self.good(plan))
        self.assertEqual(out, [])
        self.assertEqual(drops, {"nat_keepalive": 1, "not_eesp": 2, "runt": 1})

    def test_forged_headers_have_their_reasons(self):
        plan, _, _, _ = self.prepare(dict(clear=48, ioffset=2))
        group, clear = plan.group(), plan.inner(B, 4, 120)

        def sealed(**changes):
            return profile.seal(group, plan.packet(B, clear, **changes)).outer

        zero = profile.Packet(**{**vars(plan.packet(B, clear)), "sn": 0})
        hostile = {
            "unknown_spi": profile.seal(
                profile.Group(**{**vars(group), "spi": 0x77777777}), plan.packet(B, clear)).outer,
            "session_range": sealed(session=8),
            "clear_range": sealed(clear=80),
            "stale": sealed(sn=profile.sn_at(plan.sealed_ms - 2 * WIDE_MS)),
            "future": sealed(sn=profile.sn_at(plan.sealed_ms + 600000)),
            "ioffset_range": sealed(ioffset=5, clear=64),
            "sn_zero": profile.seal(group, zero).outer,
            "dummy": sealed(next_header=59),
            "payload_info": sealed(next_header=41),
        }
        for reason, outer in hostile.items():
            self.assertEqual(self.verdict(plan, outer), reason)
        out, drops = self.deliver(plan, list(hostile.values()), self.good(plan))
        self.assertEqual(out, [])
        self.assertEqual(drops, {reason: 1 for reason in hostile})

    def test_malformed_inner_packets_are_dropped_after_a_good_icv(self):
        for options in ({}, dict(clear=48)):
            plan, clear, _, _ = self.prepare(options)
            v6 = plan.inner(B, 6, 101)
            bad = [
                b"\x55" + clear[1:],  # version 5
                ip4_finish(clear[:20], len(clear) + 4) + clear[20:],  # too long
                ip4_finish(clear[:20], len(clear) - 4) + clear[20:],  # four octets of padding
                v6[:4] + struct.pack(">H", len(v6) - 40 + 4) + v6[6:],
                clear[:-1] + b"x" if len(clear) % 4 == 0 else clear + b"x",  # padding not zero
                b"\x44" + clear[1:],  # IHL below 5
            ]
            packet = plan.packet(B, clear)
            hostile = [plan.seal(B, clear, payload=p, clear=packet.clear,
                                 next_header=41 if p[0] >> 4 == 6 else 4) for p in bad]
            for outer in hostile:
                self.assertIn(self.verdict(plan, outer), ("inner_form", "payload_info"))
            out, drops = self.deliver(plan, hostile, self.good(plan))
            self.assertEqual(out, [])
            self.assertTrue(set(drops) <= {"inner_form", "payload_info"}, drops)

    def test_options_in_any_order_and_padding_anywhere_are_accepted(self):
        plan, clear, _, _ = self.prepare(dict(levels=("zone", "user"), mk_options=True, clear=8))
        group = plan.group()
        make = profile.make_header

        def reordered(group, p, roots):
            header = make(group, p, roots)
            options = list(profile.read_options(header[8:-8]))
            body = b"\0" + profile.tlv(1, b"") + profile.tlv(1, bytes(3))
            for kind, value in reversed(options):
                if kind == profile.OPT_CRYPT_OFFSET:
                    at = (len(header) + 8) // 4
                    word = at << 10 | struct.unpack(">H", value)[0] & 0x3F0 | 0xF
                    value = struct.pack(">H", word)
                body += profile.tlv(kind, value)
            self.assertEqual(len(body), len(header) - 16 + 8)
            return bytes([0x80, len(body)]) + header[2:8] + body + header[-8:]

        profile.make_header = reordered
        try:
            outer = profile.seal(group, plan.packet(B, clear)).outer
        finally:
            profile.make_header = make
        out, drops = self.deliver(plan, [outer], self.good(plan))
        self.assertSame(out, [clear], str(drops))

    def test_random_octets_never_pass(self):
        plan, _, outer, at = self.prepare({})
        source = random.Random(4)
        hostile = []
        for _ in range(2000):
            body = source.randbytes(source.randrange(0, 200))
            head = outer[at : at + source.randrange(0, 30)] if source.random() < 0.7 else b""
            body = head + body
            datagram = outer[20 : at - 4] + struct.pack(">HH", 8 + len(body), 0) + body
            hostile.append(profile.set_ip_payload(outer[:20], 9, 17, len(datagram)) + datagram)
        out, drops = self.deliver(plan, hostile, self.good(plan))
        self.assertEqual(out, [])
        self.assertGreater(len(drops), 8)


def fresh_epoch(sn):
    """Epochs of the counter discipline: current and its neighbours."""
    if (sn >> 48) - EPOCH not in (-1, 0, 1):
        raise Refused("epoch_range")


class Damage(SakerTest):
    """Frames that are no sound IP packets, on either port."""

    def test_broken_frames_are_dropped_with_reasons_on_both_ports(self):
        plan = Plan(self.lab, 1)
        clear = plan.inner(A, 4, 100)
        frames = [
            pcapfile.ethernet(clear, pad=False)[:n] for n in (14, 15, 20, 33)
        ] + [
            pcapfile.ethernet(b"\x45" + clear[1:10] + b"\0\0" + clear[12:]),  # checksum
            pcapfile.ethernet(clear, tags=((0x8100, 1),))[:17],
            pcapfile.ethernet(b"\x4f" + clear[1:20]),
            pcapfile.ethernet(b"\x65" + clear[1:60]),
            b"\x02" * 12 + b"\x86\xdd" + bytes(60),
            b"\x02" * 12 + b"\x88\xcc" + bytes(60),
        ]
        run = self.lab.run(make_config(self.lab, [plan]), frames, frames)
        self.assertRan(run)
        self.assertEqual((forwarded(run.clear), packets(run.cipher)), ([], []))
        for direction in ("outbound", "inbound"):
            self.assertEqual(sum(run.drops(direction).values()), len(frames))
