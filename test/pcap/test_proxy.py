# SPDX-License-Identifier: BSD-3-Clause
"""Proxies between trust groups: what one second implementation seals, saker seals again, and
another second implementation opens."""

import itertools

import pcapfile
from harness import A, B, SakerTest, packets
from ip import hop, ip4_finish
from plan_proxy import KINDS, MARKER, inner, proxy_config, rule

SIZES = (28, 61, 200, 1200)
CLEAR4 = 28  # octets of an inner packet that both limits below allow
WIDE = {"max_clear": 64}
SKIPS = {"max_clear": 64, "max_ioffset": 4}
PAIRS = list(itertools.product(KINDS, KINDS))


class Proxy(SakerTest):
    def plans(self, first, **options):
        return {k: make(self.lab, first + i, **options) for i, (k, make) in enumerate(KINDS.items())}

    def pass_through(self, config, sealed, **options):
        run = self.lab.run(config, cipher=[pcapfile.ethernet(p) for p in sealed], **options)
        self.assertRan(run)
        self.assertEqual(packets(run.clear), [], "plaintext at the clear port")
        for packet in packets(run.cipher):
            self.assertNotIn(MARKER, packet)
        return run

    def one(self, come, go, packet, changes=None, seal=None, **options):
        """One packet through a proxy; (run, what left it, opened)"""
        config = proxy_config(self.lab, [come, go], [rule(come, go)], changes)
        run = self.pass_through(config, [come.seal(B, packet, **(seal or {}))], **options)
        return run, [go.open(A, p) for p in packets(run.cipher)]


class EveryPair(Proxy):
    def carry(self, outer, **options):
        come, go = self.plans(1, outer=outer), self.plans(11, outer=outer)
        rules, sealed, want = [], [], []
        for a, b in PAIRS:
            rules += [rule(come[a], go[b], family) for family in (4, 6)]
            for family, size in itertools.product((4, 6), SIZES):
                packet = inner(go[b], family, size, len(want))
                want.append((a, b, packet))
                sealed.append(come[a].seal(B, packet))
        config = proxy_config(self.lab, [*come.values(), *go.values()], rules)
        run = self.pass_through(config, sealed, **options)
        self.assertEqual(run.drops(), {})
        left = packets(run.cipher)
        self.assertEqual(len(left), len(want))
        for (a, b, packet), outer_packet in zip(want, left):
            with self.subTest(come=a, go=b, size=len(packet)):
                self.assertEqual(go[b].open(A, outer_packet).packet.hex(), packet.hex())

    def test_every_ordered_pair_of_formats_over_ipv4(self):
        self.carry(4)

    def test_every_ordered_pair_of_formats_over_ipv6(self):
        self.carry(6, driver="openssl")

    def test_a_damaged_or_repeated_packet_leaves_no_proxy(self):
        for a in KINDS:
            with self.subTest(a):
                come, go = KINDS[a](self.lab, 1), KINDS["E"](self.lab, 11)
                good = come.seal(B, inner(go))
                bad = come.seal(B, inner(go, seed=1))
                bad = bad[:-1] + bytes([bad[-1] ^ 1])
                config = proxy_config(self.lab, [come, go], [rule(come, go)])
                run = self.pass_through(config, [bad, good, good])
                repeats = 2 if a == "P" else 1  # PSP keeps no window
                self.assertEqual(len(packets(run.cipher)), repeats)
                self.assertEqual(run.drops("inbound").get("bad_icv"), 1)


class Rules(Proxy):
    def setUp(self):
        super().setUp()
        self.come, self.go = KINDS["E"](self.lab, 1), KINDS["B"](self.lab, 11)

    def try_rules(self, *rules):
        packet = inner(self.go)
        config = proxy_config(self.lab, [self.come, self.go], list(rules))
        run = self.pass_through(config, [self.come.seal(B, packet)])
        return len(packets(run.cipher)), run.drops()

    def test_what_no_rule_matches_is_dropped(self):
        passed = (1, {})
        refused = (0, {"proxy_policy": 1})
        for changes, want in (
                ({}, passed), ({"dst": "10.99.0.0/16"}, refused), ({"src": "10.99.0.0/16"}, refused),
                ({"proto": 17}, passed), ({"proto": 6}, refused),
                ({"proto": 17, "dport": 4789}, passed), ({"proto": 17, "dport": 4788}, refused),
                ({"proto": 17, "dport": "4000-5000"}, passed),
                ({"proto": 17, "sport": "2000-5000"}, refused)):
            with self.subTest(str(changes)):
                self.assertEqual(self.try_rules(rule(self.come, self.go, **changes)), want)

    def test_the_first_rule_that_matches_counts(self):
        other = KINDS["X"](self.lab, 12)
        packet = inner(self.go)
        for first, second in ((self.go, other), (other, self.go)):
            rules = [rule(self.come, p, dst=self.go.net(B, 4)) for p in (first, second)]
            config = proxy_config(self.lab, [self.come, self.go, other], rules)
            run = self.pass_through(config, [self.come.seal(B, packet)])
            self.assertEqual(first.open(A, packets(run.cipher)[0]).packet, packet)

    def test_nothing_comes_back_by_a_proxy_that_works_one_way(self):
        back = self.go.seal(B, inner(self.come))
        config = proxy_config(self.lab, [self.come, self.go], [rule(self.come, self.go)])
        run = self.pass_through(config, [back])
        self.assertEqual(packets(run.cipher), [])
        self.assertEqual(run.drops(), {"inner_policy": 1})

    def test_what_comes_back_is_the_rule_the_other_way_round(self):
        both = {"direction": "both", "back_peer": B.ip4, "proto": 17, "dport": 4789}
        config = proxy_config(self.lab, [self.come, self.go], [rule(self.come, self.go, **both)])
        there = inner(self.go)
        back = self.swap(there)
        run = self.pass_through(config, [self.go.seal(B, back), self.go.seal(B, there)])
        self.assertEqual([self.come.open(A, p).packet for p in packets(run.cipher)], [back])
        self.assertEqual(run.drops(), {"proxy_policy": 1})

    @staticmethod
    def swap(packet):
        """IPv4 and UDP the other way; both checksums stay."""
        return (packet[:12] + packet[16:20] + packet[12:16] + packet[22:24] + packet[20:22]
                + packet[24:])

    def test_a_hop_limit_that_is_used_up_ends_here(self):
        packet = inner(self.go)
        dying = hop(packet, packet[8] - 1)
        run, opened = self.one(self.come, self.go, dying)
        self.assertEqual((opened, run.drops()), ([], {"ttl": 1}))

    def test_what_arrives_is_never_clear_even_where_a_policy_would_let_it(self):
        config = proxy_config(self.lab, [self.come, self.go],
                              [rule(self.come, self.go, dst="10.99.0.0/16")])
        config["policies"] = [{"name": "all", "action": "bypass"}]
        run = self.pass_through(config, [self.come.seal(B, inner(self.go))])
        self.assertEqual(run.drops(), {"proxy_policy": 1})


class Offsets(Proxy):
    """Crypt offset and IOffset: kept where the second group can, and never more."""

    def clear_kinds(self):
        return [k for k in KINDS if k != "X"]

    def clear_goals(self):
        """TSS leaves the same in clear of every packet, so it is no goal with anything in clear."""
        return [k for k in KINDS if k not in "XT"]

    def opened_clear(self, come, go, changes):
        packet = inner(go, size=300)
        run = self.lab.run(proxy_config(self.lab, [come, go], [rule(come, go)], changes),
                           cipher=[pcapfile.ethernet(come.seal(B, packet))])
        self.assertRan(run)
        self.assertEqual(run.drops(), {})
        opened = go.open(A, packets(run.cipher)[0])
        self.assertEqual(opened.packet.hex(), packet.hex())
        return getattr(opened, "clear", 0) or 0

    def test_a_crypt_offset_is_kept_between_formats_that_have_one(self):
        for a, b in itertools.product(self.clear_kinds(), self.clear_goals()):
            with self.subTest(come=a, go=b):
                come = KINDS[a](self.lab, 1, clear=CLEAR4)
                go = KINDS[b](self.lab, 11, clear=CLEAR4)
                self.assertEqual(self.opened_clear(come, go, {}), CLEAR4)

    def test_nothing_is_clear_where_the_second_group_does_not_allow_it(self):
        for a, b in itertools.product(self.clear_kinds(), KINDS):
            with self.subTest(come=a, go=b):
                come, go = KINDS[a](self.lab, 1, clear=CLEAR4), KINDS[b](self.lab, 11)
                self.assertEqual(self.opened_clear(come, go, {}), 0)

    def test_a_smaller_limit_of_the_second_group_is_no_reason_for_less(self):
        come, go = KINDS["E"](self.lab, 1, clear=CLEAR4), KINDS["E"](self.lab, 11, clear=CLEAR4)
        self.assertEqual(self.opened_clear(come, go, {go: {"max_clear": CLEAR4 - 4}}), 0)

    def test_what_came_encrypted_stays_so(self):
        for b in KINDS:
            with self.subTest(b):
                come, go = KINDS["E"](self.lab, 1), KINDS[b](self.lab, 11)
                changes = {go: WIDE} if b in self.clear_goals() else {}
                self.assertEqual(self.opened_clear(come, go, changes), 0)

    def skipping(self, a, b, changes, ioffset=1):
        come = KINDS[a](self.lab, 1, clear=CLEAR4, ioffset=ioffset)
        options = {"clear": CLEAR4} if b in self.clear_goals() else {}
        options.update({"ioffset": 1} if b in "ES" else {})
        go = KINDS[b](self.lab, 11, **options)
        packet = inner(go, size=300)
        run, opened = self.one(come, go, packet, {go: changes} if changes else None)
        return run, [(o.packet, o.header.ioffset, o.clear) for o in opened], packet

    def test_an_ioffset_is_kept_unchanged_or_the_packet_dropped(self):
        for a, b in itertools.product("ES", KINDS):
            with self.subTest(come=a, go=b):
                run, opened, packet = self.skipping(a, b, {})
                if b in "ES":
                    self.assertEqual(opened, [(packet, 1, CLEAR4)])
                else:
                    self.assertEqual(run.drops(), {"proxy_ioffset": 1})

    def test_an_ioffset_beyond_a_limit_of_the_second_group_is_refused(self):
        for changes in ({"max_ioffset": 0}, {"max_clear": 24}, {"max_clear": 0}):
            with self.subTest(str(changes)):
                run, opened, _ = self.skipping("E", "S", changes)
                self.assertEqual((opened, run.drops()), ([], {"proxy_ioffset": 1}))

    def test_ports_that_nobody_vouches_for_are_not_looked_at(self):
        come = KINDS["E"](self.lab, 1, clear=CLEAR4, ioffset=1)
        go = KINDS["E"](self.lab, 11, clear=CLEAR4, ioffset=1)
        packet = inner(go, size=300)
        for changes, want in (({"proto": 17, "dport": 4789}, 0), ({"proto": 17, "dport": "0-9"}, 0),
                              ({"proto": 17}, 1), ({}, 1)):
            with self.subTest(str(changes)):
                config = proxy_config(self.lab, [come, go], [rule(come, go, **changes)])
                run = self.pass_through(config, [come.seal(B, packet)])
                self.assertEqual(len(packets(run.cipher)), want)
                self.assertEqual(run.drops(), {} if want else {"proxy_policy": 1})


class Long(Proxy):
    """What is too long, or at its last hop, is told to its sender under the group it came by."""

    BOTH = {"direction": "both", "back_peer": B.ip4}

    def setUp(self):
        super().setUp()
        self.come, self.go = KINDS["E"](self.lab, 1), KINDS["X"](self.lab, 11)

    def send(self, packet, **changes):
        config = proxy_config(self.lab, [self.come, self.go], [rule(self.come, self.go, **changes)])
        sealed = self.come.seal(B, packet)
        return self.pass_through(config, [sealed])

    @staticmethod
    def without_df(packet):
        return ip4_finish(packet[:6] + bytes(2) + packet[8:20], len(packet)) + packet[20:]

    def error(self, run):
        """The one packet that left, opened as its sender's gateway does."""
        (outer,) = packets(run.cipher)
        return hop(self.come.open(A, outer).packet)

    def test_a_packet_that_is_too_long_is_told_to_its_sender(self):
        packet = inner(self.go, size=1880)
        run = self.send(packet, **self.BOTH)
        self.assertEqual(run.drops(), {"mtu": 1})
        told = self.error(run)
        self.assertEqual((told[9], told[20:22], told[16:20]), (1, b"\3\4", packet[12:16]))
        self.assertEqual(told[28:28 + 300], hop(packet, 0)[:300])

    def test_the_last_hop_is_told_to_its_sender(self):
        packet = inner(self.go)
        told = self.error(self.send(hop(packet, packet[8] - 1), **self.BOTH))
        self.assertEqual((told[9], told[20:22], told[16:20]), (1, b"\x0b\0", packet[12:16]))

    def test_no_error_leaves_where_there_is_no_way_back(self):
        run = self.send(inner(self.go, size=1880))
        self.assertEqual((packets(run.cipher), run.drops()), ([], {"mtu": 1}))

    def test_what_may_be_cut_is_cut_and_every_piece_sealed(self):
        packet = self.without_df(inner(self.go, size=1880))
        run = self.send(packet)
        self.assertEqual(run.drops(), {})
        first, second = [self.go.open(A, p).packet for p in packets(run.cipher)]
        self.assertEqual(first[20:] + second[20:], packet[20:])

    def test_pieces_of_what_came_in_clear_are_not_clear(self):
        self.come = KINDS["E"](self.lab, 1, clear=CLEAR4)
        self.go = KINDS["E"](self.lab, 11, clear=CLEAR4)
        packet = self.without_df(inner(self.go, size=1880))
        run = self.send(packet)
        self.assertEqual([self.go.open(A, p).clear for p in packets(run.cipher)], [0, 0])

    def test_unauthenticated_octets_are_not_cut_into_authenticated_ones(self):
        self.come = KINDS["E"](self.lab, 1, clear=CLEAR4, ioffset=1)
        self.go = KINDS["E"](self.lab, 11, clear=CLEAR4, ioffset=1)
        packet = self.without_df(inner(self.go, size=1880))
        run = self.send(packet)
        self.assertEqual((packets(run.cipher), run.drops()), ([], {"mtu": 1}))


class Sns(Proxy):
    def test_no_nonce_is_used_twice_by_several_workers(self):
        """Each worker has lines of its own; both groups are fed by every queue."""
        for b in KINDS:
            with self.subTest(b):
                options = {"child_sas": 3} if b == "X" else {}
                come, go = KINDS["E"](self.lab, 1), KINDS[b](self.lab, 11, **options)
                frames = [pcapfile.ethernet(come.seal(B, inner(go, seed=i), session=i % 8))
                          for i in range(200)]
                config = proxy_config(self.lab, [come, go], [rule(come, go)],
                                      {come: {"replay_window": 1024}})
                run = self.lab.run(config, cipher=[frames[i::4] for i in range(4)], workers=4)
                self.assertRan(run)
                self.assertEqual(run.drops(), {})
                opened = [go.open(A, p) for p in packets(run.cipher)]
                self.assertEqual(len(opened), 200)
                self.assertEqual(len({self.nonce(b, o) for o in opened}), 200)

    @staticmethod
    def nonce(kind, o):
        if kind == "P":
            return o.spi, o.iv
        return (o.nonce, o.key if kind in "BXT" else (o.header.source, o.header.session))

    def test_too_few_child_sas_for_the_workers_are_refused(self):
        come, go = KINDS["E"](self.lab, 1), KINDS["X"](self.lab, 11, child_sas=2)
        run = self.lab.run(proxy_config(self.lab, [come, go], [rule(come, go)]),
                           cipher=[[]] * 4, workers=4)
        self.assertEqual(run.status, 1)
        self.assertIn("raise child_sas to 3", run.err)


class Regions(Proxy):
    """Two cipher ports and no clear one: what is sealed leaves by the port of its tunnel."""

    FAR = "198.51.100.1"

    def config(self, come, go, **changes):
        config = proxy_config(self.lab, [come, go], [rule(come, go, local=self.FAR, **changes)])
        config["ports"][0].update(role="cipher", address=self.FAR + "/24", mtu=1600)
        return config

    def test_each_way_leaves_by_the_port_of_its_group(self):
        for a, b in (("E", "P"), ("X", "S")):
            with self.subTest(come=a, go=b):
                come, go = KINDS[a](self.lab, 1), KINDS[b](self.lab, 11)
                there = inner(go)
                back = Rules.swap(there)
                run = self.lab.run(
                    self.config(come, go, direction="both", back_peer=B.ip4, back_local=A.ip4),
                    clear=[pcapfile.ethernet(go.seal(B, back))],
                    cipher=[pcapfile.ethernet(come.seal(B, there))])
                self.assertRan(run)
                self.assertEqual(run.drops(), {})
                self.assertEqual([go.open(A, p).packet for p in packets(run.clear)], [there])
                self.assertEqual([come.open(A, p).packet for p in packets(run.cipher)], [back])

    def test_nothing_clear_leaves_or_enters(self):
        come, go = KINDS["E"](self.lab, 1), KINDS["B"](self.lab, 11)
        clear = inner(go)
        run = self.lab.run(self.config(come, go), clear=[pcapfile.ethernet(clear)],
                           cipher=[pcapfile.ethernet(clear), pcapfile.ethernet(
                               go.seal(B, Rules.swap(clear)))])
        self.assertRan(run)
        self.assertEqual((packets(run.clear), packets(run.cipher)), ([], []))
        self.assertEqual(run.drops(), {"clear_refused": 2, "inner_policy": 1})

    def test_the_mtu_is_that_of_the_port(self):
        come, go = KINDS["E"](self.lab, 1), KINDS["X"](self.lab, 11)
        run = self.lab.run(self.config(come, go), cipher=[
            pcapfile.ethernet(come.seal(B, inner(go, size=size))) for size in (1500, 1650)])
        self.assertRan(run)
        self.assertEqual((len(packets(run.clear)), run.drops()), (1, {"mtu": 1}))


class Eyes(Proxy):
    def test_traffic_is_counted_each_way(self):
        come, go = KINDS["E"](self.lab, 1), KINDS["X"](self.lab, 11)
        both = {"direction": "both", "back_peer": B.ip4}
        config = proxy_config(self.lab, [come, go], [rule(come, go, **both)])
        there = inner(go)
        dying = hop(there, there[8] - 1)
        back = [Rules.swap(there)] * 3
        commands = ["start", "drain", "show proxies json", "show metrics json", "quit"]
        run = self.pass_through(config, [come.seal(B, there), come.seal(B, dying)]
                                + [go.seal(B, p) for p in back], commands=commands)
        rows = run.shown["proxies"]
        self.assertEqual([(r["way"], r["from"], r["to"], r["packets"], r["octets"], r["drops"])
                          for r in rows],
                         [("forth", "g1", "g11", 1, len(there), 1),
                          ("back", "g11", "g1", 4, 4 * len(there) + 28, 0)])
        self.assertIn('proxy="1-11-4",from="g1",to="g11"', str(run.shown["metrics"]))
