# SPDX-License-Identifier: BSD-3-Clause
"""TTL, MTU, fragments of both kinds, ICMP errors, TCP MSS, and packets up to 9000 octets."""

import random
import struct

import pcapfile
import profile
from harness import A, B, SakerTest, forwarded, packets
from ip import before, checksum, hop, ip4_finish, ip_header, ip_parse, transport_checksum, udp_checksum
from plan import NEAR4, NEAR6, Plan, make_config, octets

OWN4, OWN6 = "10.1.0.1", "fd00:1::1"
WORST = 8  # fragments of one packet that a receiver joins


def set_df(packet, df):
    if packet[0] >> 4 == 6:
        return packet
    head = packet[:6] + (b"\x40\0" if df else b"\0\0") + packet[8:20]
    return ip4_finish(head, len(packet)) + packet[20:]


def set_ttl(packet, ttl):
    at = 8 if packet[0] >> 4 == 4 else 7
    return hop(packet, packet[at] - ttl)


def numbered4(packet, ident):
    head = packet[:4] + struct.pack(">H", ident) + packet[6:20]
    return ip4_finish(head, len(packet)) + packet[20:]


def cut4(packet, mtu):
    """Fragments of an IPv4 packet."""
    step, body = (mtu - 20) & ~7, packet[20:]
    place = struct.unpack_from(">H", packet, 6)[0] & 0x9FFF
    out = []
    for at in range(0, len(body), step):
        more = 0x2000 if at + step < len(body) else 0
        head = packet[:6] + struct.pack(">H", place + at // 8 | more) + packet[8:20]
        part = body[at : at + step]
        out.append(ip4_finish(head, 20 + len(part)) + part)
    return out


def cut6(packet, mtu, ident=1):
    step, body = (mtu - 48) & ~7, packet[40:]
    out = []
    for at in range(0, len(body), step):
        part = body[at : at + step]
        word = at | (1 if at + step < len(body) else 0)
        head = packet[:4] + struct.pack(">HB", 8 + len(part), 44) + packet[7:40]
        out.append(head + struct.pack(">BBHI", packet[6], 0, word, ident) + part)
    return out


def join(fragments):
    """What the fragments of one packet were cut from; checks that they fit."""
    four = fragments[0][0] >> 4 == 4
    parts = {}
    for f in fragments:
        word = struct.unpack_from(">H", f, 6 if four else 42)[0]
        at, more = ((word & 0x1FFF) * 8, word & 0x2000) if four else (word & 0xFFF8, word & 1)
        parts[at] = (f[20:] if four else f[48:], bool(more))
    body = b""
    for at in sorted(parts):
        assert at == len(body), "a hole"
        body += parts[at][0]
        assert parts[at][1] == (at != max(parts)), "more fragments"
    head = min(fragments, key=lambda f: struct.unpack_from(">H", f, 6 if four else 42)[0] & 0x1FFF)
    if four:
        return ip4_finish(head[:6] + b"\0\0" + head[8:20], 20 + len(body)) + body
    return head[:4] + struct.pack(">H", len(body)) + head[40:41] + head[7:40] + body


class Mtu(SakerTest):
    def config(self, plan, site=A, mtu=1500, clear=9000, own=True, **changes):
        config = make_config(self.lab, [plan], site, policies=plan.policies(site, **changes))
        config["ports"][0]["mtu"] = clear
        config["ports"][1]["mtu"] = mtu
        if own:
            config["ports"][0].update(address=OWN4, address6=OWN6)
        return config

    def run_clear(self, config, clear, **options):
        run = self.lab.run(config, [pcapfile.ethernet(p) for p in clear], **options)
        self.assertRan(run)
        return run

    @staticmethod
    def tunnel_mtu(plan, mtu):
        """What profile.py's own packets say."""
        inner = plan.inner(A, 4, 1000)
        return (mtu - (len(plan.seal(A, inner)) - 1000)) & ~3

    def check_error(self, error, packet, mtu=None):
        """An ICMP error about a packet: too big with an MTU, or time exceeded."""
        v = ip_parse(error)
        four = packet[0] >> 4 == 4
        self.assertEqual((v.src, v.dst), (octets(OWN4 if four else OWN6), ip_parse(packet).src))
        icmp = error[v.l4_at :]
        self.assertLessEqual(len(error), 576 if four else 1280)
        room = (576 if four else 1280) - v.l4_at - 8
        self.assertEqual(icmp[8:].hex(), packet[:room].hex())
        if four:
            self.assertEqual(checksum(icmp), 0)
            want = (11, 0, 0) if mtu is None else (3, 4, mtu)
        else:
            self.assertEqual(udp_checksum(v.src, v.dst, icmp, 58), 0)
            want = (3, 0, 0) if mtu is None else (2, 0, mtu)
        self.assertEqual((*icmp[:2], struct.unpack_from(">I", icmp, 4)[0]), want)


class Outbound(Mtu):
    def sizes(self):
        """Every size around the limits, many others up to 9000; in shuffled order."""
        sizes = [*range(0, 120), *range(1380, 1520), *range(2800, 2900), *range(120, 9001, 61), 9000]
        random.Random(3).shuffle(sizes)
        return sizes

    def each(self, plan, df, families=(4, 6)):
        """Packets of every size; the identification tells those of IPv4 apart."""
        for n, size in enumerate(self.sizes()):
            for family in families:
                p = set_df(plan.inner(A, family, size, n), df)
                yield numbered4(p, n + 1) if family == 4 and not df else p

    def check(self, dont, outer=4, mtu=1500, **changes):
        plan = Plan(self.lab, 1, outer=outer)
        most = self.tunnel_mtu(plan, mtu)
        clear = list(self.each(plan, dont))
        fits = [p for p in clear if len(p) <= most]
        long = [p for p in clear if len(p) > most]
        # The errors of one run would be more than the bucket gives.
        quiet = self.config(plan, mtu=mtu, own=False, **changes)
        run = self.run_clear(quiet, clear)
        for p in packets(run.cipher):
            self.assertLessEqual(len(p), mtu)
        return plan, fits, long, run, most

    def test_what_fits_goes_and_what_may_not_be_cut_is_dropped(self):
        for outer in (4, 6):
            plan, fits, long, run, _ = self.check(True, outer)
            self.assertSame([plan.open(A, p).packet for p in packets(run.cipher)], fits)
            self.assertEqual(run.drops(), {"mtu": len(long)})

    def test_never_means_never(self):
        plan, fits, long, run, _ = self.check(False, fragment="never")
        self.assertSame([plan.open(A, p).packet for p in packets(run.cipher)], fits)
        self.assertEqual(run.drops(), {"mtu": len(long)})

    def test_inner_fragments_are_cut_where_dont_fragment_is_clear(self):
        plan, fits, long, run, most = self.check(False)
        opened = [plan.open(A, p).packet for p in packets(run.cipher)]
        whole = [p for p in opened if p[0] >> 4 == 6 or not ip_parse(p).fragment]
        self.assertSame(whole, fits)
        pieces = [p for p in opened if p[0] >> 4 == 4 and ip_parse(p).fragment]
        by_id = {}
        for p in pieces:
            self.assertLessEqual(len(p), most)
            by_id.setdefault(p[4:6], []).append(p)
        long4 = [p for p in long if p[0] >> 4 == 4]
        self.assertSame([join(f) for f in by_id.values()], long4)
        self.assertEqual([f for fs in by_id.values() for f in fs], pieces, "in order")
        self.assertEqual(run.drops(), {"mtu": len(long) - len(long4)})

    def rejoined(self, run):
        """Outer packets of a run, in order of their last fragment."""
        made, out = {}, []
        for p in packets(run.cipher):
            if not ip_parse(p).fragment:
                out.append(p)
                continue
            four = p[0] >> 4 == 4
            key = p[4:6] if four else p[44:48]
            made.setdefault(key, []).append(p)
            word = struct.unpack_from(">H", p, 6 if four else 42)[0]
            if not word & (0x2000 if four else 1):
                self.assertLessEqual(len(made[key]), WORST)
                out.append(join(made.pop(key)))
        self.assertEqual(made, {})
        return out

    def test_outer_fragments_carry_packets_of_every_size(self):
        for outer in (4, 6):
            more = {"df": "clear"} if outer == 4 else {}
            for dont in (True, False):
                plan, _, _, run, _ = self.check(dont, outer, fragment="outer", **more)
                opened = [plan.open(A, p).packet for p in self.rejoined(run)]
                self.assertSame(opened, list(self.each(plan, dont)))
                self.assertEqual(run.drops(), {})

    def test_outer_fragments_obey_a_copied_dont_fragment(self):
        plan, fits, long, run, _ = self.check(True, fragment="outer", df="copy")
        four = [p for p in long if p[0] >> 4 == 4]
        self.assertEqual(run.drops(), {"mtu": len(long)})
        self.assertTrue(four)

    def test_small_ipv6_packets_pass_tunnels_below_1280(self):
        """RFC 2473 section 7.1: no sender makes them shorter."""
        plan = Plan(self.lab, 1, outer=4)
        clear = [plan.inner(A, 6, n) for n in (1200, 1240, 1279, 1280, 1281)]
        config = self.config(plan, mtu=1280, df="clear")
        for port in config["ports"]:
            port.pop("address6", None)
        run = self.run_clear(config, clear)
        self.assertSame([plan.open(A, p).packet for p in self.rejoined(run)], clear[:4])
        self.assertEqual(run.drops(), {"mtu": 1})

    def test_transport_mode_cuts_what_it_sealed(self):
        plan = Plan(self.lab, 1, transport=True)
        clear = [set_df(plan.inner(A, 4, n), df) for n in (1400, 1448, 1449, 4000) for df in (0, 1)]
        run = self.run_clear(self.config(plan, own=False), clear)
        opened = [plan.open(A, p).packet for p in self.rejoined(run)]
        want = [p for p in clear if len(p) <= 1448 or not p[6] & 0x40]
        self.assertEqual([p[20:] for p in opened], [p[20:] for p in want])
        self.assertEqual(run.drops(), {"mtu": 2})

    def test_the_sender_is_told_the_tunnel_mtu(self):
        for outer in (4, 6):
            plan = Plan(self.lab, 1, outer=outer)
            most = self.tunnel_mtu(plan, 1500)
            sizes = (most - 1, most, most + 1, 1500, 5000, 9000)
            clear = [plan.inner(A, family, n) for n in sizes for family in (4, 6)]
            run = self.run_clear(self.config(plan), clear)
            errors = packets(run.clear)
            long = [p for p in clear if len(p) > most]
            self.assertEqual(len(errors), len(long))
            for error, packet in zip(errors, long):
                self.check_error(error, packet, most)
            self.assertEqual(run.drops(), {"mtu": len(long)})

    def test_show_policies_tells_the_tunnel_mtu(self):
        plan = Plan(self.lab, 1)
        run = self.run_clear(self.config(plan), [], commands=["show policies json", "quit"])
        most = self.tunnel_mtu(plan, 1500)
        for row in run.shown["policies"]:
            self.assertEqual((row["mtu4"], row["mtu6"], row["fragment"]), (most, most, "inner"))

    def test_no_error_answers_an_error_or_a_later_fragment(self):
        plan = Plan(self.lab, 1)
        body = bytes([3, 1, 0, 0]) + bytes(1472)
        error = ip_header(octets(NEAR4), octets(plan.far(4)), 1, len(body)) + body
        later = set_df(plan.inner(A, 4, 1500), True)
        later = ip4_finish(later[:6] + b"\x40\x09" + later[8:20], 1500) + later[20:]
        ping = ip_header(octets(NEAR4), octets(plan.far(4)), 1, len(body)) + b"\x08" + body[1:]
        group = ip_header(octets("224.0.0.9"), octets(plan.far(4)), 17, 1480) + bytes(1480)
        config = self.config(plan)
        config["policies"][0]["src"] = "any"
        run = self.run_clear(config, [error, later, group, ping])
        self.assertEqual(run.drops(), {"mtu": 4})
        self.assertEqual(len(packets(run.clear)), 1)
        self.check_error(packets(run.clear)[0], ping, self.tunnel_mtu(plan, 1500))

    def test_errors_are_bounded_in_rate(self):
        plan = Plan(self.lab, 1)
        run = self.run_clear(self.config(plan), [plan.inner(A, 4, 1500, n) for n in range(5000)])
        self.assertEqual(run.drops(), {"mtu": 5000})
        self.assertTrue(0 < len(packets(run.clear)) < 2500, len(packets(run.clear)))

    def test_a_bypassed_packet_keeps_to_the_mtu(self):
        plan = Plan(self.lab, 1)
        config = self.config(plan)
        config["policies"] = [{"name": "all", "action": "bypass"}]
        df, cuttable = plan.inner(A, 4, 3000), numbered4(set_df(plan.inner(A, 4, 3000), False), 9)
        run = self.run_clear(config, [df, cuttable, plan.inner(A, 4, 1500)])
        self.check_error(packets(run.clear)[0], df, 1500)
        out = packets(run.cipher)
        pieces = [p for p in out if ip_parse(p).fragment]
        self.assertEqual(before(join(pieces)), cuttable)
        self.assertEqual(len(out), 4)


    def test_a_burst_full_of_fragments_leaves_whole(self):
        """Bypassed ones and protected ones, more than the send queue holds at a time."""
        plan = Plan(self.lab, 1)
        for more in ({"fragment": "outer", "df": "clear"}, {}):
            config = self.config(plan, **more)
            config["policies"].append({"name": "rest", "action": "bypass"})
            far = octets("10.99.0.9")
            other = [p[:16] + far + p[20:] for p in (
                set_df(plan.inner(A, 4, 4000), False) for _ in range(160))]
            other = [numbered4(p, n + 1) for n, p in enumerate(other)]
            mine = [numbered4(set_df(plan.inner(A, 4, 1000 + n), False), n + 1)
                    for n in range(160)] + [
                numbered4(set_df(plan.inner(A, 4, 4000, n), False), n + 200) for n in range(80)]
            clear = other + mine
            random.Random(4).shuffle(clear)
            run = self.run_clear(config, clear)
            self.assertEqual(run.drops(), {})
            pieces = [p for p in packets(run.cipher) if p[16:20] == far]
            self.assertEqual(len(pieces), 3 * len(other))
            run.cipher = [[f for q in run.cipher for f in q
                           if pcapfile.ip_packet(f)[16:20] != far]]
            opened = [plan.open(A, p).packet for p in self.rejoined(run)]
            whole = [p for p in opened if not ip_parse(p).fragment]
            cut = [p for p in opened if ip_parse(p).fragment]
            self.assertEqual(len(whole), 240 if more else 160)
            self.assertEqual(len(cut), 0 if more else 240)


class Ttl(Mtu):
    def test_time_exceeded_is_told_and_the_rest_loses_one_hop(self):
        for transport in (False, True):
            plan = Plan(self.lab, 1, transport=transport)
            clear = [set_ttl(plan.inner(A, f, 100), ttl) for f in plan.families()
                     for ttl in (0, 1, 2, 3, 128, 255)]
            run = self.run_clear(self.config(plan), clear)
            dead = [p for p in clear if p[8 if p[0] >> 4 == 4 else 7] < 2]
            self.assertSame([plan.open(A, p).packet for p in packets(run.cipher)],
                            [p for p in clear if p not in dead])
            self.assertEqual(run.drops(), {"ttl": len(dead)})
            for error, packet in zip(packets(run.clear), dead):
                self.check_error(error, packet)
            self.assertEqual(len(packets(run.clear)), len(dead))

    def test_the_opener_tells_through_the_tunnel(self):
        """As traceroute needs it: the error goes back protected, under the policy that fits."""
        plan = Plan(self.lab, 1)
        clear = [set_ttl(plan.inner(B, f, 100), ttl) for f in (4, 6) for ttl in (1, 2)]
        run = self.lab.run(self.config(plan), cipher=[plan.sealed_frame(B, p) for p in clear])
        self.assertRan(run)
        self.assertSame(forwarded(run.clear), clear[1::2])
        self.assertEqual(run.drops(), {"ttl": 2})
        errors = [profile.open_packet({plan.spi: plan.group()}, p).packet
                  for p in packets(run.cipher)]
        self.assertEqual(len(errors), 2)
        for error, packet in zip(errors, (clear[0], clear[2])):
            self.check_error(error, packet)
            self.assertEqual(error[8 if error[0] >> 4 == 4 else 7], 64)


class Inbound(Mtu):
    def deliver(self, plan, frames, **config):
        run = self.lab.run(self.config(plan, **config), cipher=frames)
        self.assertRan(run)
        return run

    @staticmethod
    def cut(outer, mtu, n):
        if outer[0] >> 4 == 6:
            return cut6(outer, mtu, n)
        head = outer[:4] + struct.pack(">HH", n, 0) + outer[8:20]
        return cut4(ip4_finish(head, len(outer)) + outer[20:], mtu)

    def sealed(self, plan, sizes, mtu=1500):
        """(clear packet, fragments) of each size."""
        for n, size in enumerate(sizes):
            packet = plan.inner(B, 4 if n % 2 else 6, size, n)
            yield packet, self.cut(plan.seal(B, packet), mtu, n + 1)

    def test_fragments_of_protected_packets_become_whole(self):
        sizes = [*range(1400, 1600), *range(1600, 9000, 83), 9000]
        for outer in (4, 6):
            for encap in ("udp", "ip"):
                plan = Plan(self.lab, 1, outer=outer, encap=encap)
                all_of = list(self.sealed(plan, sizes))
                frames = [pcapfile.ethernet(f) for _, fs in all_of for f in fs]
                run = self.deliver(plan, frames)
                self.assertSame(forwarded(run.clear), [p for p, _ in all_of])
                self.assertEqual(run.drops(), {})

    def test_reordered_fragments_become_whole(self):
        for outer in (4, 6):
            plan = Plan(self.lab, 1, outer=outer)
            all_of = list(self.sealed(plan, range(3000, 3200)))
            rng, frames = random.Random(5), []
            for first in range(0, len(all_of), 20):
                mixed = [f for _, fs in all_of[first : first + 20] for f in fs]
                rng.shuffle(mixed)
                frames += mixed
            run = self.deliver(plan, [pcapfile.ethernet(f) for f in frames])
            self.assertSame(sorted(forwarded(run.clear)), sorted(p for p, _ in all_of))
            self.assertEqual(run.drops(), {})

    def test_missing_repeated_and_overlapping_fragments_deliver_nothing(self):
        for outer in (4, 6):
            plan = Plan(self.lab, 1, outer=outer)
            (p1, missing), (p2, twice), (p3, overlap), (good, whole) = self.sealed(
                plan, (4000, 4000, 4000, 4000))
            at = 6 if outer == 4 else 42
            unit = 1 if outer == 4 else 8
            word = struct.unpack_from(">H", overlap[1], at)[0] - unit
            overlap[1] = overlap[1][:at] + struct.pack(">H", word) + overlap[1][at + 2 :]
            if outer == 4:
                overlap[1] = ip4_finish(overlap[1][:20], len(overlap[1])) + overlap[1][20:]
            frames = missing[1:] + twice[:2] + twice[1:] + overlap + whole
            run = self.deliver(plan, [pcapfile.ethernet(f) for f in frames])
            self.assertSame(forwarded(run.clear), [good])
            self.assertEqual(run.drops(), {"reassembly": len(twice) + 1 + len(overlap)})

    def test_hostile_fragments_are_dropped_with_a_reason(self):
        plan = Plan(self.lab, 1)
        (_, pieces), (good, whole) = self.sealed(plan, (4000, 4000))
        def piece(word, size=400):
            head = pieces[0][:6] + struct.pack(">H", word) + pieces[0][8:20]
            return ip4_finish(head, size) + pieces[0][20:size]
        frames = [piece(0x3FFF), piece(0x1FFF), piece(0x2000, 401), piece(0x2000, 20),
                  piece(0x2000 | 1400)]
        run = self.deliver(plan, [pcapfile.ethernet(f) for f in frames + whole])
        self.assertSame(forwarded(run.clear), [good])
        self.assertEqual(run.drops(), {"outer_fragment": len(frames)})

    def test_a_flood_of_first_fragments_is_bounded_and_leaves_the_rest_alone(self):
        plan = Plan(self.lab, 1)
        packet = plan.inner(B, 4, 3000)
        flood = [self.cut(plan.seal(B, packet), 1500, n)[0] for n in range(1, 9000)]
        good = plan.inner(B, 4, 500)
        run = self.deliver(plan, [pcapfile.ethernet(f) for f in flood + [plan.seal(B, good)]])
        self.assertSame(forwarded(run.clear), [good])
        self.assertEqual(set(run.drops()), {"reassembly"})
        self.assertGreater(run.drops()["reassembly"], 7000)

    def test_opened_packets_keep_to_the_clear_mtu(self):
        plan = Plan(self.lab, 1)
        df = plan.inner(B, 4, 2000)
        six = plan.inner(B, 6, 2000)
        cuttable = numbered4(set_df(plan.inner(B, 4, 2000), False), 77)
        run = self.deliver(plan, [plan.sealed_frame(B, p) for p in (df, six, cuttable)],
                           clear=1500, mtu=2500)
        self.assertEqual(before(join(packets(run.clear))), cuttable)
        errors = [profile.open_packet({plan.spi: plan.group()}, p).packet
                  for p in packets(run.cipher)]
        self.assertEqual(len(errors), 2)
        self.check_error(errors[0], df, 1500)
        self.check_error(errors[1], six, 1500)
        self.assertEqual(run.drops(), {"mtu": 2})

    def test_jumbo_packets_pass_both_ways(self):
        plan = Plan(self.lab, 1)
        there = [plan.inner(A, f, n) for n in range(7000, 9001, 25) for f in (4, 6)]
        back = [plan.inner(B, f, n) for n in range(7000, 9001, 25) for f in (4, 6)]
        run = self.lab.run(self.config(plan, mtu=9600), [pcapfile.ethernet(p) for p in there],
                           [plan.sealed_frame(B, p) for p in back])
        self.assertRan(run)
        self.assertSame([plan.open(A, p).packet for p in packets(run.cipher)], there)
        self.assertSame(forwarded(run.clear), back)
        self.assertEqual(run.drops(), {})

    def test_packets_in_several_segments_pass(self):
        """The clear port's buffers are made for 1500 octets, the worker's own for 9600."""
        plan = Plan(self.lab, 1)
        clear = [plan.inner(A, 4, n) for n in (2030, 2048, 2100, 3000, 5000, 9000)]
        run = self.lab.run(self.config(plan, clear=1500, mtu=9600),
                           [pcapfile.ethernet(p) for p in clear])
        self.assertRan(run)
        self.assertSame([plan.open(A, p).packet for p in packets(run.cipher)], clear)
        self.assertEqual(run.drops(), {})


class Mss(Mtu):
    @staticmethod
    def syn(src, dst, mss, flags=0x02, lead=b"", ports=(1000, 2000)):
        options = lead + struct.pack(">BBH", 2, 4, mss)
        options += bytes([1] * (-len(options) % 4))
        head = struct.pack(">HHIIBBHHH", *ports, 7, 0, (20 + len(options)) // 4 << 4, flags, 65535, 0,
                           0)
        src, dst = octets(src), octets(dst)
        segment = transport_checksum(src, dst, 6, head + options, 16)
        return ip_header(src, dst, 6, len(segment)) + segment

    def expect(self, plan, hosts, mss, most, **more):
        family = 4 if "." in hosts[0] else 6
        return self.syn(*hosts, min(mss, most - (40 if family == 4 else 60)), **more)

    def cases(self, plan, turn=False):
        for family in (4, 6):
            hosts = (NEAR4 if family == 4 else NEAR6, plan.far(family))
            for mss in (0, 536, 1300, 1368, 1388, 1389, 1460, 8960, 65535):
                for more in ({}, {"flags": 0x12}, {"lead": b"\1"}, {"lead": b"\1\1\1"},
                             {"flags": 0x10}):
                    yield hosts[::-1] if turn else hosts, mss, more

    def test_the_mss_is_lowered_both_ways(self):
        plan = Plan(self.lab, 1)
        most = self.tunnel_mtu(plan, 1500)
        there = list(self.cases(plan))
        back = list(self.cases(plan, True))
        for on in (True, False):
            self.lab = type(self.lab)()
            plan = Plan(self.lab, 1)
            run = self.lab.run(self.config(plan, mss_clamp=on),
                               [pcapfile.ethernet(self.syn(*h, m, **o)) for h, m, o in there],
                               [plan.sealed_frame(B, self.syn(*h, m, **o)) for h, m, o in back])
            self.assertRan(run)
            def want(cases):
                return [self.expect(plan, h, m, most if on and o.get("flags") != 0x10 else 70000, **o)
                        for h, m, o in cases]
            opened = [plan.open(A, p).packet for p in packets(run.cipher)]
            self.assertSame(opened, want(there))
            self.assertSame(forwarded(run.clear), want(back))
