# SPDX-License-Identifier: BSD-3-Clause
"""Format esp: what saker sends, opened by esp.py; what esp.py seals, opened by saker."""

import itertools
import os
import struct
from collections import defaultdict
from dataclasses import replace

import esp
import pcapfile
import profile
from harness import A, B, Lab, SakerTest, forwarded, packets
from ip import Refused, hop
from pair import Pair, Wire
from plan import make_config
from plan_esp import EspPlan
from test_live import Rotating

SNS = (esp.SEQUENTIAL, esp.ESN, esp.UNSPECIFIED)
SIZES = (0, 61, 62, 63, 64, 400, 1500)
HALF = 1 << 32


def combinations():
    """Options of every group: all modes, families, encapsulations, suites, numbers and IVs."""
    for transport, outer, encap, suite, sn, iv in itertools.product(
        (False, True), (4, 6), ("udp", "ip"), ("aes-256-gcm", "aes-128-gcm"), SNS,
        ("explicit", "implicit"),
    ):
        if sn != esp.UNSPECIFIED or iv == "explicit":
            yield dict(transport=transport, outer=outer, encap=encap, suite=suite, sn=sn, iv=iv)


class EspTest(SakerTest):
    def plan(self, n=1, **options):
        return EspPlan(self.lab, n, **options)

    def receive(self, plan, outers, site=A, **changes):
        """Outer packets through saker."""
        run = self.lab.run(make_config(self.lab, [plan], site, **changes),
                           cipher=[pcapfile.ethernet(o) for o in outers])
        self.assertRan(run)
        return run

    def send(self, plan, clear, workers=1, site=A, **changes):
        """Clear packets through saker; one queue a worker."""
        frames = [pcapfile.ethernet(p) for p in clear]
        queues = [frames[i::workers] for i in range(workers)]
        run = self.lab.run(make_config(self.lab, [plan], site, **changes), queues, workers=workers)
        self.assertRan(run)
        return run


class Format(EspTest):
    def check_all(self, driver):
        plans = [self.plan(n, **o) for n, o in enumerate(combinations())]
        by_spi = {p.spis[B]: p for p in plans}
        clear, sealed = [], []
        for i, p in enumerate(plans):
            for family in p.families():
                for k, size in enumerate((SIZES[i % len(SIZES)], 90 + p.n % 8)):
                    clear.append((p, p.inner(A, family, size, i + k)))
                    inner = p.inner(B, family, size, i + k)
                    sealed.append((inner, p.seal(B, inner)))
        run = self.lab.run(
            make_config(self.lab, plans), [pcapfile.ethernet(c) for _, c in clear],
            [pcapfile.ethernet(o) for _, o in sealed], driver=driver)
        self.assertRan(run)
        self.assertEqual(run.drops(), {})
        self.assertSame(forwarded(run.clear), [inner for inner, _ in sealed], "opened")
        want, opened = defaultdict(list), defaultdict(list)
        for p, packet in clear:
            want[p.n].append(packet)
        for outer in packets(run.cipher):
            _, data, _, _ = profile.decap(outer, "X")
            p = by_spi[struct.unpack_from(">I", data)[0] & ~3]
            opened[p.n].append(p.open(A, outer))
        for p in plans:
            self.assertSame([o.packet for o in opened[p.n]], want[p.n], str(p))
            self.assertEqual([o.sn for o in opened[p.n]], list(range(1, len(want[p.n]) + 1)))
            self.assertTrue(all(o.pad < 4 for o in opened[p.n]))
            if p.o.encap == "udp" and not p.o.transport:
                self.assertTrue(all(o.source_port >= 49152 for o in opened[p.n]))

    def test_every_combination_both_ways_with_ipsec_mb(self):
        self.check_all("ipsec_mb")

    def test_every_combination_both_ways_with_openssl(self):
        self.check_all("openssl")

    def test_an_explicit_iv_of_any_value_is_taken(self):
        plan = self.plan()
        clear = [plan.inner(B, 4, 100, i) for i in range(20)]
        run = self.receive(plan, [plan.seal(B, p, iv=(i * 0x9E3779B97F4A7C15) % (1 << 64))
                                  for i, p in enumerate(clear)])
        self.assertSame(forwarded(run.clear), clear)

    def test_tfc_padding_and_long_padding_are_taken_off(self):
        plan = self.plan()
        clear = [plan.inner(B, 4, 100, i) for i in range(3)]
        run = self.receive(plan, [
            plan.seal(B, clear[0], tfc=bytes(200)),
            plan.seal(B, clear[1], tfc=os.urandom(402)),
            plan.seal(B, clear[2], pad=bytes(range(1, 255)))])
        self.assertSame(forwarded(run.clear), clear)
        self.assertEqual(run.drops(), {})

    def test_esp_and_eesp_share_a_port(self):
        from plan_subsa import SubsaPlan
        mine, theirs = self.plan(1), SubsaPlan(self.lab, 3)
        theirs.port = mine.port
        clear = [p.inner(B, 4, 100, i) for i, p in enumerate((mine, theirs))]
        run = self.lab.run(make_config(self.lab, [mine, theirs]), cipher=[
            pcapfile.ethernet(p.seal(B, c)) for p, c in zip((mine, theirs), clear)])
        self.assertRan(run)
        self.assertSame(forwarded(run.clear), clear)


class Numbers(EspTest):
    def test_the_upper_half_follows_over_its_edge_and_back_within_the_window(self):
        """A burst is judged by the window before it, so more than a burst lies between jumps."""
        def steady(first):
            return list(range(first, first + 130))

        edge = [HALF - 3, HALF + 2, HALF - 1, HALF + 1, HALF, HALF + 50, HALF - 5]
        sns = steady(HALF - 140) + edge + steady(HALF + 60) + steady(2 * HALF - 60)
        for n, iv in enumerate(("explicit", "implicit")):
            with self.subTest(iv=iv):
                plan = self.plan(n, sn=esp.ESN, iv=iv)
                clear = [plan.inner(B, 4, 100, i) for i in range(len(sns))]
                outers = [plan.seal(B, p, sn=sn) for p, sn in zip(clear, sns)]
                run = self.receive(plan, outers + outers)
                self.assertSame(forwarded(run.clear), clear)
                # The second time the low halves are taken for other SNs, or are repeats.
                self.assertEqual(sum(run.drops("inbound").values()), len(sns))
                self.assertLessEqual(set(run.drops("inbound")), {"replay", "bad_icv"})

    def test_a_receiver_that_starts_late_learns_the_upper_half_from_sakers_iv(self):
        plan = self.plan(sn=esp.ESN)
        clear = [plan.inner(B, 4, 100, i) for i in range(5)]
        run = self.receive(plan, [plan.seal(B, p, sn=5 * HALF + 7 + i)
                                  for i, p in enumerate(clear)])
        self.assertSame(forwarded(run.clear), clear)

    def test_without_that_iv_the_upper_half_begins_at_zero(self):
        plan = self.plan(sn=esp.ESN, iv="implicit")
        run = self.receive(plan, [plan.seal(B, plan.inner(B, 4, 100), sn=5 * HALF + 7)])
        self.assertEqual((packets(run.clear), run.drops()), ([], {"bad_icv": 1}))

    def test_forged_numbers_don_t_move_the_window(self):
        plan = self.plan(sn=esp.ESN)
        clear = [plan.inner(B, 4, 100, i) for i in range(4)]
        outers = [plan.seal(B, p) for p in clear]
        forged = bytearray(plan.seal(B, clear[0], sn=3 * HALF - 1))
        forged[-1] ^= 1
        run = self.receive(plan, [outers[0], bytes(forged), *outers[1:]])
        self.assertSame(forwarded(run.clear), clear)
        self.assertEqual(run.drops(), {"bad_icv": 1})

    def test_repeats_are_refused_and_unspecified_numbers_are_not_looked_at(self):
        for n, sn in enumerate(SNS):
            plan = self.plan(n, sn=sn, replay_window=1024)
            clear = [plan.inner(B, 4, 60 + i, i) for i in range(300)]
            outers = [plan.seal(B, p) for p in clear]
            run = self.receive(plan, outers * 2)
            if sn == esp.UNSPECIFIED:
                self.assertSame(forwarded(run.clear), clear * 2)
                self.assertEqual(run.drops(), {})
            else:
                self.assertSame(forwarded(run.clear), clear)
                self.assertEqual(run.drops("inbound"), {"replay": 300})

    def test_a_restart_repeats_no_pair_of_key_and_nonce(self):
        plan = self.plan(sn=esp.ESN, child_sas=1)
        pairs, total = set(), 0
        for _ in range(3):
            run = self.send(plan, [plan.inner(A, 4, 100, i) for i in range(200)], workers=2)
            for outer in packets(run.cipher):
                o = plan.open(A, outer)
                pairs.add((o.key, o.nonce))
                total += 1
        self.assertEqual(total, 600)
        self.assertEqual(len(pairs), total)

    def test_a_restart_skips_little_of_32_bit_numbers(self):
        plan = self.plan()
        last = 0
        for _ in range(2):
            run = self.send(plan, [plan.inner(A, 4, 100, i) for i in range(10)])
            sns = [plan.open(A, outer).sn for outer in packets(run.cipher)]
            self.assertGreater(sns[0], last)
            self.assertLess(sns[0] - last, 1 << 23)
            last = sns[-1]


class Hostile(EspTest):
    def refused(self, plan, outer, reason, model=True):
        """saker drops a packet for that reason, and so does esp.py."""
        run = self.receive(plan, [outer])
        self.assertEqual((packets(run.clear), run.drops("inbound")), ([], {reason: 1}))
        if not model:
            return
        with self.assertRaises(Refused) as refusal:
            plan.open(B, outer)
        self.assertEqual(refusal.exception.reason, reason)

    def wrap(self, plan, data):
        return profile.wrap(plan.outer(B, b""), data)

    def data(self, plan):
        return profile.decap(plan.seal(B, plan.inner(B, 4, 100)), "X")[1]

    def test_what_is_malformed_is_dropped_with_its_reason(self):
        plan = self.plan()
        inner = plan.inner(B, 4, 100)
        good = self.data(plan)
        cases = {
            "runt": self.wrap(plan, good[:35]),
            "alignment": self.wrap(plan, good[:-2]),
            "sn_zero": self.wrap(plan, good[:4] + bytes(4) + good[8:]),
            "unknown_spi": self.wrap(plan, struct.pack(">I", 0x7FFFFFF0) + good[4:]),
            "not_eesp": self.wrap(plan, bytes(4) + good[4:]),
            "dummy": plan.seal(B, inner, next_header=59),
            "inner_form": plan.seal(B, inner, pad=bytes((1, 2, 4, 4, 5, 6))),
            "payload_info": plan.seal(B, inner, next_header=41),
        }
        for reason, outer in cases.items():
            with self.subTest(reason=reason):
                self.refused(plan, outer, reason)

    def test_an_spi_of_no_live_value_is_dropped(self):
        plan = self.plan()
        spi = struct.unpack(">I", self.data(plan)[:4])[0]
        dead = (spi & ~3) | (spi + 2) % 4
        self.refused(plan, self.wrap(plan, struct.pack(">I", dead) + self.data(plan)[4:]),
                     "key_index")

    def test_every_octet_is_authenticated(self):
        for n, (sn, iv) in enumerate(((esp.SEQUENTIAL, "explicit"), (esp.ESN, "implicit"))):
            plan = self.plan(n + 1, sn=sn, iv=iv)
            good = self.data(plan)
            outers = []
            for at in range(4, len(good)):
                bad = bytearray(good)
                bad[at] ^= 1 << at % 8
                outers.append(self.wrap(plan, bytes(bad)))
            run = self.receive(plan, outers)
            self.assertEqual(packets(run.clear), [])
            self.assertEqual(run.drops("inbound"), {"bad_icv": len(outers)})

    def test_every_truncation_is_dropped(self):
        plan = self.plan()
        good = self.data(plan)
        outers = [self.wrap(plan, good[:n]) for n in range(2, len(good))]
        run = self.receive(plan, outers)
        self.assertEqual(packets(run.clear), [])
        self.assertEqual(sum(run.drops("inbound").values()), len(outers))
        self.assertEqual(set(run.drops("inbound")), {"runt", "alignment", "bad_icv"})


class ChildSas(EspTest):
    """RFC 9611: a fallback SA, and one for each worker."""

    WORKERS = 4

    def sent(self, child_sas, **changes):
        """What four workers send, each opened; by queue."""
        plan = self.plan(child_sas=child_sas)
        clear = [plan.inner(A, 4, 60 + i % 900, i) for i in range(2000)]
        run = self.send(plan, clear, self.WORKERS, **changes)
        self.assertEqual(run.drops(), {})
        opened = [[plan.open(A, pcapfile.ip_packet(f)) for f in q] for q in run.cipher]
        self.assertEqual(sorted(o.packet for q in opened for o in q), sorted(clear))
        pairs = {(o.key, o.nonce) for q in opened for o in q}
        self.assertEqual(len(pairs), len(clear), "a (key, nonce) pair was used twice")
        for numbers in ([o.sn for o in q] for q in opened):
            self.assertEqual(numbers, sorted(numbers))
        return [{o.number for o in q} for q in opened], [len(q) for q in opened], opened

    def test_each_worker_seals_on_its_own_sa(self):
        numbers, sizes, opened = self.sent(4)
        self.assertEqual(numbers, [{1}, {2}, {3}, {4}])
        self.assertEqual(sizes, [500] * 4)
        self.assertEqual(len({o.key for q in opened for o in q}), 4)

    def test_workers_without_an_sa_relay_to_the_one_that_owns_the_fallback_sa(self):
        numbers, sizes, _ = self.sent(2)
        self.assertEqual(numbers, [{1}, {2}, {0}, set()])
        self.assertEqual(sizes, [500, 500, 1000, 0])

    def test_with_one_sa_all_workers_share_the_first_one(self):
        numbers, sizes, _ = self.sent(0)
        self.assertEqual(numbers, [{0}, set(), set(), set()])
        self.assertEqual(sizes, [2000, 0, 0, 0])

    def test_relaying_loses_nothing_when_the_owner_can_t_keep_up(self):
        plan = self.plan()
        clear = [plan.inner(A, 4, 60, i % 60000) for i in range(20000)]
        run = self.send(plan, clear, self.WORKERS)
        self.assertEqual(run.drops(), {})
        sns = [plan.open(A, outer).sn for outer in packets(run.cipher)]
        self.assertEqual(sns, list(range(1, len(clear) + 1)))

    def test_a_receiver_takes_packets_of_all_sas(self):
        plan = self.plan(accept_child_sas=5, replay_window=1024)
        clear = [plan.inner(B, 4, 60 + i, i) for i in range(600)]
        counters = defaultdict(lambda: itertools.count(1))
        outers = [plan.seal(B, p, number=i % 6, sn=next(counters[i % 6]))
                  for i, p in enumerate(clear)]
        run = self.lab.run(
            make_config(self.lab, [plan]), workers=3,
            cipher=[[pcapfile.ethernet(o) for o in outers[i::3]] for i in range(3)])
        self.assertRan(run)
        self.assertEqual(run.drops(), {})
        self.assertEqual(sorted(forwarded(run.clear)), sorted(clear))

    def test_an_sa_beyond_those_is_unknown(self):
        plan = self.plan(accept_child_sas=1)
        sa = replace(plan.sa(B), child_sas=9)
        outers = [profile.wrap(plan.outer(B, b""), esp.seal(sa, esp.Packet(
            plan.inner(B, 4, 100), 1, number))) for number in range(4)]
        run = self.receive(plan, outers)
        self.assertEqual(len(packets(run.clear)), 2)
        self.assertEqual(run.drops(), {"unknown_spi": 2})

    def test_errors_for_hosts_behind_the_tunnel_are_sealed_too(self):
        """A worker without an SA makes an ICMP error for a sender at the other end."""
        plan = self.plan(replay_window=1024)
        clear = [plan.inner(B, 4, 1500, i) for i in range(40)]
        outers = [plan.seal(B, p) for p in clear]
        config = make_config(self.lab, [plan])
        config["ports"][0].update(mtu=1000, address="10.1.0.1/16")
        run = self.lab.run(config, workers=3, cipher=[[pcapfile.ethernet(o) for o in outers[i::3]]
                                                      for i in range(3)])
        self.assertRan(run)
        self.assertEqual(run.drops(), {"mtu": 40})
        opened = [plan.open(A, outer) for outer in packets(run.cipher)]
        self.assertGreater(len(opened), 0)
        self.assertEqual({o.packet[9] for o in opened}, {1})


class Keys(EspTest):
    def keymat(self, plan, site, octets, seed):
        key = plan.sending[site]
        body = bytes((seed + i) % 256 for i in range(octets))
        key.values = {"current": body}
        key.write()

    def test_keymat_of_another_program_is_used_as_it_is(self):
        for n, (suite, octets) in enumerate((("aes-128-gcm", 20), ("aes-256-gcm", 36))):
            plan = self.plan(n + 1, suite=suite)
            for i, site in enumerate((A, B)):
                self.keymat(plan, site, octets, 7 * i + n)
            clear = [plan.inner(A, 4, 100, i) for i in range(5)]
            run = self.lab.run(make_config(self.lab, [plan]), [pcapfile.ethernet(p) for p in clear],
                               [pcapfile.ethernet(plan.seal(B, plan.inner(B, 4, 100)))])
            self.assertRan(run)
            self.assertEqual(run.drops(), {})
            self.assertSame([plan.open(A, o).packet for o in packets(run.cipher)], clear)
            self.assertEqual(len(packets(run.clear)), 1)

    def test_keymat_that_does_not_fit_is_refused(self):
        for n, (octets, options) in enumerate((
                (20, {}), (36, {"suite": "aes-128-gcm"}), (36, {"child_sas": 1}),
                (36, {"accept_child_sas": 1}))):
            plan = self.plan(n + 1, **options)
            self.keymat(plan, A, octets, n)
            run = self.lab.check_config(make_config(self.lab, [plan]))
            self.assertNotEqual(run.status, 0)
            self.assertIn("holds the KEYMAT of an SA", run.err)

    def test_keymat_serves_no_other_format(self):
        from plan import Plan
        plan = Plan(self.lab, 1)
        plan.keys[0].values = {"current": bytes(range(36))}
        plan.keys[0].write()
        run = self.lab.check_config(make_config(self.lab, [plan]))
        self.assertNotEqual(run.status, 0)
        self.assertIn("holds the KEYMAT of an SA", run.err)

    def test_keymat_is_not_rotated_by_itself(self):
        plan = self.plan()
        self.keymat(plan, A, 36, 1)
        run = self.lab.keytool("rotate", "--force", plan.sending[A].path)
        self.assertNotEqual(run.status, 0)
        self.assertIn("holds the KEYMAT of an SA", run.err)
        self.assertEqual(self.lab.keytool("show", plan.sending[A].path).status, 0)

    def test_a_key_of_zeros_is_refused(self):
        plan = self.plan()
        plan.sending[A].values = {"current": bytes(32) + b"salt"}
        plan.sending[A].write()
        run = self.lab.check_config(make_config(self.lab, [plan]))
        self.assertIn("is all zero", run.err)

    def test_values_before_and_after_the_current_one_open(self):
        """Windows of the two newest are kept: whoever seals with next, has left pre behind."""
        plan = self.plan()
        which = ("pre", "current", "pre", "current", "next", "current", "next")
        clear = [plan.inner(B, 4, 100, i) for i in range(len(which))]
        run = self.receive(plan, [plan.seal(B, p, w) for p, w in zip(clear, which)])
        self.assertSame(forwarded(run.clear), clear)

    def test_each_value_of_a_root_key_is_an_sa_with_sns_of_its_own(self):
        plan = self.plan()
        seen = []
        for step in range(3):
            run = self.send(plan, [plan.inner(A, 4, 100, i) for i in range(3)])
            opened = [plan.open(A, o) for o in packets(run.cipher)]
            self.assertEqual([o.sn for o in opened], [1, 2, 3])
            seen.append({(o.spi, o.key) for o in opened})
            key = plan.sending[A]
            key.index += 1
            key.values = {"pre": key.values["current"], "current": key.values["next"],
                          "next": key.generation(key.index + 1, key.name)}
            key.write()
            self.assertEqual(len(seen[step]), 1)
        self.assertEqual(len(set.union(*seen)), 3)


class EspWire(Wire):
    """Opens what passes; fails also on a (key, nonce) pair that comes again."""

    def check(self, outer):
        plan = self.values.plan
        opened = self.open(plan.sa(A), outer)
        if opened is None:
            self.fault = "packet %d: nothing opens it" % self.packets
            return
        if (opened.key, opened.nonce) in self.pairs:
            self.fault = "SN %d of index %d came again" % (opened.sn, opened.index)
        self.pairs.add((opened.key, opened.nonce))
        if not self.seen or self.seen[-1] != (opened.index,):
            if self.seen and self.seen[-1] > (opened.index,):
                self.fault = "index %d after %d" % (opened.index, self.seen[-1][0])
            self.seen.append((opened.index,))
        if opened.packet != hop(self.inner):
            self.fault = "packet %d: another packet than was sent" % self.packets

    def open(self, sa, outer):
        known = self.values.known[self.values.plan.sending[A].name]
        for index in sorted(known, reverse=True):
            sa.values = {index: known[index]}
            try:
                return esp.open_packet(sa, outer)
            except Refused:
                continue
        return None


class EspPair(Pair):
    wire_class = EspWire


class Live(Rotating):
    pair_class = EspPair

    def test_keys_rotate_under_load_and_no_packet_is_lost(self):
        for n, sn in enumerate((esp.SEQUENTIAL, esp.ESN)):
            pair, shown = self.rotate_many(self.plan(n + 1, sn))
            self.assertGreater(len(pair.wire.pairs), 1000)
            self.assertEqual(len({k for k, _ in pair.wire.pairs}), len(pair.wire.seen))
            self.assertTrue(any(r["seals"] for r in shown["a"]["keys"]))

    def plan(self, n, sn):
        self.lab = Lab()
        return EspPlan(self.lab, n, sn=sn, iv="implicit", replay_window=1024)

    def test_child_sas_of_a_running_gateway_stay_with_their_lcores(self):
        plan = self.plan(1, esp.ESN)
        pair = self.pair(plan)
        pair.sent(50)
        config = dict(pair.config[A])
        config["trust_groups"] = [{**g, "child_sas": 1} for g in config["trust_groups"]]
        self.lab.write_config(config, "a.cfg")
        # The one worker leaves the fallback SA for one of its own, which nobody used before.
        pair.a.run("reload", "reload: done")
        self.assertEqual([r["session"] for r in pair.a.table("sessions")
                          if r["direction"] == "out"], [1])
