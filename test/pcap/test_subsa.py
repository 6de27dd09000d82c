# SPDX-License-Identifier: BSD-3-Clause
"""Format eesp-subsa: what saker sends, opened by subsa.py; what subsa.py seals, opened by saker."""

import itertools
import os
import re
from dataclasses import replace

import pcapfile
import subsa
from harness import A, B, RootKey, SakerTest, forwarded, packets
from ip import Refused, before, hop, ip_parse
from pair import Pair, Wire
from plan import make_config
from plan_subsa import SubsaPlan
from test_hostile import flips
from test_keys import read_key_file
from test_live import Rotating

DRIVERS = ("ipsec_mb", "openssl")
SIZES = (0, 61, 62, 63, 400, 1500)
SSKDFS = ("hkdf-sha-256", "hkdf-sha-384", "hkdf-sha-512", "none")
# SN and IV: every way that a header may carry them.
FIELDS = (dict(), dict(iv_in_aad=False), dict(iv="implicit"), dict(sn_field="none"),
          dict(sn_field="none", iv_in_aad=False))
FORMS = {
    "tunnel over UDP": {},
    "IV outside of the AAD, crypt offset": dict(iv_in_aad=False, clear=48),
    "implicit IV, IPv6": dict(iv="implicit", outer=6, encap="ip"),
    "no SN": dict(sn_field="none", sskdf="hkdf-sha-512"),
    "transport over IPv6": dict(transport=True, outer=6, encap="ip", suite="aes-128-gcm"),
    "transport, crypt offset, one SA": dict(transport=True, clear=8, sskdf="none"),
}


def combinations():
    """Options of every group: modes, families, encapsulations, suites, clear parts, SN and IV with
    each other; functions and first sessions go round."""
    n = 0
    for transport, outer, encap, suite, clear, fields in itertools.product(
            (False, True), (4, 6), ("udp", "ip"), ("aes-256-gcm", "aes-128-gcm"), (0, 8, 48),
            FIELDS):
        n += 1
        sskdf = SSKDFS[n % 4]
        first = 0 if sskdf == "none" else (0, 1, 65528)[n % 3]
        yield n, dict(transport=transport, outer=outer, encap=encap, suite=suite, clear=clear,
                      sskdf=sskdf, session_first=first, **fields)


class Format(SakerTest):
    def check_all(self, driver):
        plans = [SubsaPlan(self.lab, n, **o) for n, o in combinations()]
        self.assertEqual(len(plans), 240)
        clear, sealed, back = [], [], []
        for i, p in enumerate(plans):
            for family in p.families():
                for seed, size in enumerate((SIZES[i % len(SIZES)], 90 + p.n % 8)):
                    clear.append((p, p.inner(A, family, size, seed + p.n)))
                    back.append((p, p.inner(B, family, size, seed + p.n)))
                    sealed.append(p.seal(B, back[-1][1]))
        run = self.lab.run(make_config(self.lab, plans),
                           [pcapfile.ethernet(c) for _, c in clear],
                           [pcapfile.ethernet(o) for o in sealed], driver=driver)
        self.assertRan(run)
        self.assertEqual(run.drops(), {})
        out = packets(run.cipher)
        self.assertEqual(len(out), len(clear))
        for (plan, packet), outer in zip(clear, out):
            with self.subTest(str(plan)):
                o = plan.open(A, outer)
                self.assertEqual(o.packet.hex(), packet.hex())
                self.check_form(plan, packet, o, outer)
        self.assertSame(forwarded(run.clear), [packet for _, packet in back])

    def check_form(self, plan, packet, o, outer):
        """What a receiver doesn't look at: session, IV, clear part, alignment under IPv6."""
        self.assertEqual(o.session, plan.o.session_first)
        self.assertEqual(o.iv, o.sn)
        self.assertEqual(o.spi, plan.spis[B] + 7 % 4)
        payload = len(packet) - (ip_parse(packet).l4_at if plan.o.transport else 0)
        clear = min(plan.o.clear, payload & ~3) if plan.o.clear else None
        self.assertEqual(o.clear, clear)
        if plan.o.outer == 6:
            info = 4 if plan.o.transport or plan.o.clear else 0
            self.assertEqual((len(o.header) + info) % 8, 0)

    def test_every_combination_both_ways(self):
        for driver in DRIVERS:
            with self.subTest(driver):
                self.check_all(driver)

    def test_an_iv_that_is_not_the_sn_opens(self):
        """Another sender may choose IVs as it likes."""
        plan = SubsaPlan(self.lab, 1)
        clear = [plan.inner(B, 4, 100, i) for i in range(3)]
        sealed = [plan.seal(B, p, iv=iv) for p, iv in zip(clear, (0, 2**64 - 1, 77))]
        run = self.lab.run(make_config(self.lab, [plan]), cipher=map(pcapfile.ethernet, sealed))
        self.assertSame(forwarded(run.clear), clear)

    def test_sns_of_64_bits_pass(self):
        plan = SubsaPlan(self.lab, 1)
        sns = (1, 2**32, 2**48, 2**49 + 5, 2**63, 2**64 - 2, 2**64 - 1)
        clear = [plan.inner(B, 4, 100, i) for i in range(len(sns))]
        sealed = [plan.seal(B, p, sn=sn) for p, sn in zip(clear, sns)]
        run = self.lab.run(make_config(self.lab, [plan]), cipher=map(pcapfile.ethernet, sealed))
        self.assertSame(forwarded(run.clear), clear)
        self.assertEqual(run.drops(), {})


class Replay(SakerTest):
    def receive(self, plan, sealed, workers=1):
        frames = [pcapfile.ethernet(o) for o in sealed]
        queues = [frames[i::workers] for i in range(workers)]
        run = self.lab.run(make_config(self.lab, [plan]), cipher=queues, workers=workers)
        self.assertRan(run)
        return run

    def test_each_sub_sa_has_a_window_of_its_own(self):
        plan = SubsaPlan(self.lab, 1)
        clear = [plan.inner(B, 4, 100, i) for i in range(8)]
        sealed = [plan.seal(B, p, session=i, sn=5) for i, p in enumerate(clear)]
        run = self.receive(plan, sealed + sealed)
        self.assertSame(forwarded(run.clear), clear)
        self.assertEqual(run.drops("inbound"), {"replay": 8})

    def test_packets_left_of_the_window_are_refused(self):
        plan = SubsaPlan(self.lab, 1)
        sns = (200, 137, 136, 199, 2**63, 2**63 - 63, 2**63 - 64)
        clear = [plan.inner(B, 4, 100, i) for i in range(len(sns))]
        run = self.receive(plan, [plan.seal(B, p, sn=sn) for p, sn in zip(clear, sns)])
        want = [p for p, sn in zip(clear, sns) if sn not in (136, 2**63 - 64)]
        self.assertSame(forwarded(run.clear), want)
        self.assertEqual(run.drops("inbound"), {"replay": 2})

    def test_each_root_key_value_begins_anew(self):
        """Another value makes other SAs: its SNs begin at 1, beside those of the value before."""
        plan = SubsaPlan(self.lab, 1)
        clear = [plan.inner(B, 4, 100, i) for i in range(4)]
        steps = (("current", 9000), ("next", 1), ("current", 9001), ("next", 2))
        sealed = [plan.seal(B, p, which=w, sn=sn) for p, (w, sn) in zip(clear, steps)]
        run = self.receive(plan, sealed + sealed)
        self.assertSame(forwarded(run.clear), clear)
        self.assertEqual(run.drops("inbound"), {"replay": 4})

    def test_without_sn_nothing_is_refused(self):
        plan = SubsaPlan(self.lab, 1, sn_field="none")
        clear = plan.inner(B, 4, 100)
        run = self.receive(plan, [plan.seal(B, clear, sn=3)] * 2)
        self.assertSame(forwarded(run.clear), [clear] * 2)

    def test_workers_share_sub_sas_out_and_accept_each_packet_once(self):
        plan = SubsaPlan(self.lab, 1, sessions=64, replay_window=1024)
        clear = [plan.inner(B, 4, 100, i) for i in range(640)]
        sealed = [plan.seal(B, p, session=i % 64) for i, p in enumerate(clear)]
        run = self.receive(plan, sealed + sealed, workers=2)
        self.assertEqual(sorted(forwarded(run.clear)), sorted(clear))
        self.assertEqual(run.drops("inbound"), {"replay": 640})


class Hostile(SakerTest):
    def check(self, plan, hostile, driver=None):
        """Nothing passes, and the reasons are those of subsa.py; then a good packet passes."""
        want = {}
        for outer in hostile:
            with self.assertRaises(Refused, msg=outer.hex()) as caught:
                plan.open(B, outer)
            reason = caught.exception.reason
            want[reason] = want.get(reason, 0) + 1
        clear = plan.inner(B, plan.families()[0], 77, seed=9)
        frames = [pcapfile.ethernet(p) for p in hostile + [plan.seal(B, clear, sn=2**40)]]
        run = self.lab.run(make_config(self.lab, [plan]), cipher=frames, driver=driver)
        self.assertRan(run)
        self.assertSame(forwarded(run.clear), [clear])
        self.assertEqual(run.drops("inbound"), want)
        return want

    def each_form(self, check):
        for name, options in FORMS.items():
            with self.subTest(name):
                plan = SubsaPlan(self.lab, 1, **options)
                outer = plan.seal(B, plan.inner(B, plan.families()[0], 101))
                at = ip_parse(outer).l4_at + (8 if plan.o.encap == "udp" else 0)
                check(plan, outer, at)

    def test_every_flipped_bit_from_the_header_on_is_dropped(self):
        def check(plan, outer, at):
            hostile = [outer[:at] + c for _, c in flips(outer[at:])]
            for driver in DRIVERS:
                self.assertGreater(self.check(plan, hostile, driver)["bad_icv"], 600)

        self.each_form(check)

    def test_every_truncation_is_dropped(self):
        def check(plan, outer, at):
            hostile = [self.cut(plan, outer, at, n) for n in range(at + 1, len(outer))]
            drops = self.check(plan, hostile)
            self.assertGreaterEqual(set(drops), {"runt", "bad_icv", "alignment"})

        self.each_form(check)

    @staticmethod
    def cut(plan, outer, at, n):
        """The first n octets of a packet, with lengths that fit."""
        head = outer[:at] if plan.o.encap == "ip" else outer[: at - 8]
        body = outer[len(head) : n]
        if plan.o.encap == "udp":
            body = body[:4] + (n - len(head)).to_bytes(2, "big") + b"\0\0" + body[8:]
        v = ip_parse(head, headers_only=True)
        return subsa.set_ip_payload(head, v.proto_at, v.proto, len(body)) + body

    def test_sessions_beyond_the_number_of_sub_sas_are_dropped(self):
        plan = SubsaPlan(self.lab, 1, session_first=16)
        clear = plan.inner(B, 4, 100)
        for sessions, count in (((15, 24, 0, 65535), 4), ((16, 23), 0)):
            sealed = [plan.seal(B, clear, session=s) for s in sessions]
            run = self.lab.run(make_config(self.lab, [plan]),
                               cipher=[pcapfile.ethernet(o) for o in sealed])
            self.assertEqual(run.drops("inbound"), {"session_range": count} if count else {})
            self.assertEqual(len(forwarded(run.clear)), len(sessions) - count)

    def test_options_that_were_not_agreed_on_are_dropped(self):
        plan = SubsaPlan(self.lab, 1)
        clear = plan.inner(B, 4, 100)
        context = bytes.fromhex("e006000011223344")
        sealed = [plan.seal(B, clear, options=o) for o in (
            context, bytes.fromhex("0302abcd"), bytes.fromhex("01020001"), b"\1\6\0\0")]
        sealed.append(plan.seal(B, clear, clear=20))
        drops = self.check(plan, sealed)
        self.assertEqual(drops, {"opt_unknown": 2, "opt_bad": 1, "opt_length": 1, "clear_range": 1})

    def test_padding_options_pass(self):
        plan = SubsaPlan(self.lab, 1)
        clear = [plan.inner(B, 4, 100, i) for i in range(3)]
        sealed = [plan.seal(B, p, options=o) for p, o in zip(clear, (
            b"\0\0\0\0", b"\1\2\0\0", b"\0\1\0\0" * 63))]
        run = self.lab.run(make_config(self.lab, [plan]),
                           cipher=[pcapfile.ethernet(o) for o in sealed])
        self.assertSame(forwarded(run.clear), clear)

    def test_our_own_packets_come_back_in_vain(self):
        """Directions have keys of their own, so nothing can be reflected."""
        plan = SubsaPlan(self.lab, 1)
        plan.spis[B] = plan.spis[A]
        clear = [pcapfile.ethernet(plan.inner(A, 4, 100, i)) for i in range(5)]
        sent = self.lab.run(make_config(self.lab, [plan]), clear)
        back = [f.replace(b"\xc0\x00\x02\x01\xc0\x00\x02\x02", b"\xc0\x00\x02\x02\xc0\x00\x02\x01")
                for f in sent.cipher[0]]
        run = self.lab.run(make_config(self.lab, [plan]), cipher=back)
        self.assertEqual(run.drops("inbound"), {"bad_icv": 5})
        self.assertEqual(len(sent.cipher[0]), 5)


class Reuse(SakerTest):
    """No (key, nonce) pair repeats, whatever is changed between runs."""

    def setUp(self):
        super().setUp()
        self.pairs = set()

    def send(self, plans, site=A, workers=1, count=40, **changes):
        clear = [p.inner(site, 4, 100, i) for p in plans for i in range(count)]
        groups = [p.config(site, **changes) for p in plans]
        frames = [pcapfile.ethernet(c) for c in clear]
        run = self.lab.run(make_config(self.lab, plans, site, groups=groups),
                           [frames[i::workers] for i in range(workers)], workers=workers)
        self.assertRan(run)
        self.assertEqual(run.drops(), {})
        for plan, outer in zip((p for p in plans for _ in range(count)), packets(run.cipher)):
            o = plan.open(site, outer)
            self.assertNotIn((o.key, o.nonce), self.pairs)
            self.pairs.add((o.key, o.nonce))
        return run

    def test_restarts_go_on_where_they_stopped(self):
        for fields in FIELDS:
            plan = SubsaPlan(self.lab, 1, **fields)
            for _ in range(3):
                self.send([plan])
        self.assertEqual(len(self.pairs), 3 * 40 * len(FIELDS))

    def test_another_spi_port_name_or_root_key_id_begins_nothing_anew(self):
        plan = SubsaPlan(self.lab, 1)
        self.send([plan])
        plan.spis = {A: 0x7000, B: 0x8000}
        self.send([plan])
        plan.n, plan.port = 5, 14999
        self.send([plan])
        key = plan.sending[A]
        key.name, key.id = "renamed", bytes(16)
        self.send([plan])
        self.assertEqual(len(self.pairs), 160)

    def test_a_shorter_key_begins_nothing_anew(self):
        plan = SubsaPlan(self.lab, 1)
        self.send([plan])
        last = max(int.from_bytes(n[4:], "big") for _, n in self.pairs)
        plan.o = replace(plan.o, suite="aes-128-gcm")
        self.send([plan])
        self.assertTrue(all(int.from_bytes(n[4:], "big") > last
                            for k, n in self.pairs if len(k) == 16))

    def test_workers_directions_and_groups_share_no_key(self):
        plans = [SubsaPlan(self.lab, n) for n in (1, 2)]
        self.send(plans, workers=1)
        self.send(plans, B)
        keys = {k for k, _ in self.pairs}
        self.assertEqual(len(keys), 4)
        clear = [pcapfile.ethernet(plans[0].inner(A, 4, 100, i)) for i in range(64)]
        run = self.lab.run(make_config(self.lab, plans), [clear[:32], clear[32:]], workers=2)
        self.assertRan(run)
        sessions = {plans[0].open(A, o).session for o in packets(run.cipher)}
        self.assertEqual(sessions, {0, 1})

    def test_one_value_for_two_purposes_is_refused(self):
        plans = [SubsaPlan(self.lab, n) for n in (1, 2)]
        one, two = plans[0].sending[A], plans[1].sending[B]
        two.values["next"] = one.values["current"]
        two.write()
        run = self.lab.run(make_config(self.lab, plans))
        self.assertNotEqual(run.status, 0)
        self.assertRegex(run.err, "trust groups g[12] and g[12]: root keys .* hold the same value")

    def test_one_sa_needs_one_worker(self):
        plan = SubsaPlan(self.lab, 1, sskdf="none")
        run = self.lab.run(make_config(self.lab, [plan]), workers=2)
        self.assertNotEqual(run.status, 0)
        self.assertIn("1 sessions are too few for 2 workers", run.err)


class Generations(SakerTest):
    def test_pre_current_and_next_are_accepted_and_no_other(self):
        plan = SubsaPlan(self.lab, 1)
        key = plan.sending[B]
        sa = plan.sa(B)
        clear = [plan.inner(B, 4, 100, i) for i in range(5)]
        sealed = []
        for step, packet in zip(range(-2, 3), clear):
            key.values["current"] = RootKey.generation(7 + 1 + step, key.name)
            index, key.index = key.index, key.index + step
            sealed.append(plan.seal(B, packet))
            key.index = index
        run = self.lab.run(make_config(self.lab, [plan]),
                           cipher=[pcapfile.ethernet(o) for o in sealed])
        self.assertSame(forwarded(run.clear), clear[1:4])
        # Index -2 and 2 share two bits, which name none of the three.
        self.assertEqual(run.drops("inbound"), {"key_index": 2})
        self.assertEqual({i % 4 for i in sa.values}, {(8 + s) % 4 for s in (-1, 0, 1)})

    def test_a_rotation_while_both_are_down_loses_nothing(self):
        plan = SubsaPlan(self.lab, 1)
        frames = [pcapfile.ethernet(plan.inner(A, 4, 100, i)) for i in range(20)]
        first = self.lab.run(make_config(self.lab, [plan]), frames)
        key = plan.sending[A]
        run = self.lab.keytool("rotate", key.path)
        self.assertEqual(run.status, 0, run.text())
        read_key_file(key)
        second = self.lab.run(make_config(self.lab, [plan]), frames)
        opened = [plan.open(A, o) for o in packets(second.cipher)]
        self.assertEqual({o.spi & 3 for o in opened}, {key.index % 4})
        self.assertEqual([o.sn for o in opened], list(range(1, 21)))
        back = self.lab.run(make_config(self.lab, [plan], B),
                            cipher=first.cipher[0] + second.cipher[0])
        self.assertEqual(back.drops("inbound"), {})
        self.assertEqual(len(packets(back.clear)), 40)


class SubsaWire(Wire):
    """Opens what passes; fails also on a (key, nonce) pair that comes again."""

    def check(self, outer):
        plan = self.values.plan
        known = self.values.known[plan.sending[A].name]
        sa = plan.sa(A)
        for index in sorted(known, reverse=True):
            sa.values = {index: known[index]}
            try:
                o = subsa.open_packet(sa, outer)
            except Refused:
                continue
            if not self.seen or self.seen[-1] != (index,):
                self.fault = self.fault or (
                    "index %d after %s" % (index, self.seen) if (index,) in self.seen else None)
                self.seen.append((index,))
            break
        else:
            self.fault = "packet %d: nothing opens it" % self.packets
            return
        if (o.key, o.nonce) in self.pairs:
            self.fault = "SN %d of index %d came again" % (o.sn, index)
        self.pairs.add((o.key, o.nonce))
        if o.packet != hop(self.inner):
            self.fault = "packet %d: another packet than was sent" % self.packets


class SubsaPair(Pair):
    wire_class = SubsaWire


class Live(Rotating):
    pair_class = SubsaPair

    def test_keys_rotate_under_load_and_no_packet_is_lost(self):
        """Both directions' keys in turn; in every way that a gateway can get them."""
        pair, shown = self.rotate_many(SubsaPlan(self.lab, 1, replay_window=1024))
        self.assertGreater(len(pair.wire.pairs), 1000)
        self.assertEqual(len({k for k, _ in pair.wire.pairs}), len(pair.wire.seen))
        seals = {r["name"] for r in shown["a"]["keys"] if r["seals"]}
        self.assertIn(pair.values.plan.sending[A].name, seals)


class Shown(SakerTest):
    def test_groups_keys_and_sessions_are_told(self):
        plan = SubsaPlan(self.lab, 1)
        frames = [pcapfile.ethernet(plan.inner(A, 4, 100, i)) for i in range(3)]
        sealed = [pcapfile.ethernet(plan.seal(B, plan.inner(B, 4, 100), session=4, sn=77))]
        run = self.lab.run(make_config(self.lab, [plan]), frames, sealed, commands=[
            "start", "drain", "show groups json", "show keys json", "show sessions json", "quit"])
        self.assertRan(run)
        group = run.shown["groups"][0]
        key = plan.sending[A]
        self.assertEqual(group["format"], "eesp-subsa")
        self.assertEqual(group["sending_keys"], "%s:%d" % (key.name, key.index))
        row = next(r for r in run.shown["keys"]
                   if r["name"] == key.name and r["generation"] == "current")
        self.assertEqual((row["packets"], row["check"]), (3, group["check"]))
        out, into = run.shown["sessions"]
        self.assertEqual((out["source"], out["session"]), ("%08x" % plan.spis[B], 0))
        self.assertEqual((into["source"], into["session"]), ("%08x" % plan.spis[A], 4))
        self.assertEqual((into["newest_run"], into["newest_bit"]), (plan.sending[B].index, 77))
