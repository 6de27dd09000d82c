# SPDX-License-Identifier: BSD-3-Clause
"""PSP between receivers that hand SAs out and senders that were given them: saker-keytool psp, roles
server and client, restarts, rotation under load."""

import os
import random
import re
import stat
import time

import libsas
import pcapfile
import psp
from harness import A, B, SakerTest, forwarded, packets
from ip import Refused, before, hop
from pair import Pair, Wire
from test_keys import read_key_file
from test_live import ROUNDS, Rotating


class Roles(SakerTest):
    """A seals on SAs that B handed out, and the other way round."""

    def root(self, name, index=8):
        return self.lab.key("zone-" + name, index=index)

    def group(self, role, root=None, keys=None, **changes):
        group = {"name": "g", "format": "psp", "role": role, "version": 1, "spi": 1}
        if root:
            group["root_keys"] = [root.name]
        if keys:
            group["keys"] = keys
        group.update(changes)
        return group

    def config(self, site, group, **changes):
        ends = (A, B) if site is A else (B, A)
        policy = {"name": "p", "action": "protect", "group": "g", "dst": ends[1].net4,
                  "local": ends[0].ip4, "peer": ends[1].ip4}
        policy.update(changes)
        return self.lab.site_config(site, [group], [policy])

    def hand_out(self, config, output, count=1, *options, group="g"):
        path = self.lab.write_config(config, "handout.cfg")
        return self.lab.keytool("psp", "-c", path, "-g", group, "-n", str(count), "-o",
                                self.lab.path(output), *options)

    def handed(self, config, output, count=1, *options):
        """The SAs of a new file: [(spi, key), ...]."""
        run = self.hand_out(config, output, count, *options)
        self.assertEqual(run.status, 0, run.text())
        self.assertIsNone(re.search("[0-9a-f]{32}", run.out + run.err))
        return libsas.read(self.lab.path(output))

    def clear(self, site, n, size=100):
        src, dst = (bytes((10, k, 0, 5)) for k in ((1, 2) if site is A else (2, 1)))
        udp = (2000 + n).to_bytes(2, "big") + b"\x12\xb5" + (8 + size).to_bytes(2, "big") + b"\0\0"
        return psp.ip_header(src, dst, 17, 8 + size) + udp + bytes(n & 255 for _ in range(size))

    def masters(self, root):
        """By bit 31 of the SPI."""
        pair = {root.index & 1: root.values["current"]}
        if "pre" in root.values:
            pair[root.index + 1 & 1] = root.values["pre"]
        return [pair.get(0, bytes(32)), pair.get(1, bytes(32))]


class Handout(Roles):
    def test_the_key_tool_hands_out_each_spi_once_with_its_key(self):
        root = self.root("b")
        config = self.config(B, self.group("server", root))
        seen = []
        for i in range(4):
            for sa in self.handed(config, "sas-%d.key" % i, 3):
                self.assertEqual(sa.key, psp.derive(root.values["current"], 1, sa.spi))
                seen.append(sa.spi)
        self.assertEqual(seen, list(range(1, 13)))
        mode = os.stat(self.lab.path("sas-0.key")).st_mode
        self.assertEqual(stat.S_IMODE(mode), 0o600)

    def test_spis_of_an_odd_index_have_bit_31(self):
        config = self.config(B, self.group("server", self.root("b", 9), version=0,
                                           suite="aes-128-gcm", spi=4000))
        sas = self.handed(config, "sas.key", 2, "--peer", "192.0.2.2")
        self.assertEqual([s.spi for s in sas], [0x80000FA0, 0x80000FA1])
        self.assertEqual({(len(s.key), s.peer) for s in sas}, {(16, "192.0.2.2")})

    def test_a_rotation_turns_bit_31_and_counts_anew(self):
        root = self.root("b")
        config = self.config(B, self.group("server", root))
        self.handed(config, "one.key", 5)
        self.assertEqual(self.lab.keytool("rotate", root.path).status, 0)
        sas = self.handed(config, "two.key", 2)
        self.assertEqual([s.spi for s in sas], [0x80000001, 0x80000002])

    def test_it_refuses_when_the_spis_are_used_up(self):
        config = self.config(B, self.group("server", self.root("b"), spi=10, spi_last=14))
        self.handed(config, "one.key", 3)
        run = self.hand_out(config, "two.key", 3)
        self.assertEqual(run.status, 1)
        self.assertRegex(run.err, "2 SPIs are left under index 8 .* rotate it")
        self.assertFalse(os.path.exists(self.lab.path("two.key")))
        self.handed(config, "three.key", 2)

    def test_it_refuses_groups_that_hand_nothing_out_and_files_that_are_there(self):
        root = self.root("b")
        peer = self.config(B, self.group("peer", root))
        run = self.hand_out(peer, "sas.key")
        self.assertEqual(run.status, 1)
        self.assertIn("hands no SPIs out", run.err)
        server = self.config(B, self.group("server", root))
        self.assertIn("no trust group", self.hand_out(server, "sas.key", group="x").err)
        self.assertEqual(self.hand_out(server, "sas.key", 0).status, 2)
        self.assertEqual(self.hand_out(server, "sas.key", 1025).status, 2)
        self.handed(server, "sas.key")
        run = self.hand_out(server, "sas.key")
        self.assertEqual(run.status, 1)
        self.assertIn("is there already", run.err)
        self.assertEqual([s.spi for s in self.handed(server, "next.key")], [2])

    def test_a_state_file_that_was_damaged_hands_nothing_out(self):
        config = self.config(B, self.group("server", self.root("b")))
        self.handed(config, "one.key", 3)
        path = self.lab.path("state-b/psp-spis")
        with open(path, "r+", encoding="ascii") as f:
            text = f.read()
            f.seek(0)
            f.write(text.replace("next=00000004", "next=00000001"))
        run = self.hand_out(config, "two.key")
        self.assertEqual(run.status, 1)
        self.assertRegex(run.err, "psp-spis .*damaged; restore it")


class Traffic(Roles):
    def setUp(self):
        super().setUp()
        self.a, self.b = self.root("a", 5), self.root("b", 8)
        self.server = self.config(B, self.group("server", self.b, "to-a.key"))
        self.client = self.config(A, self.group("client", self.a, "to-b.key"))
        for name in ("to-a.key", "to-b.key"):
            libsas.write(self.lab.path(name), 1, [libsas.Sa(0x7FFFFFFF, bytes(range(32)))])
        self.to_b = self.replace(self.server, "to-b.key", 2)
        self.to_a = self.replace(self.client, "to-a.key", 2)

    def replace(self, config, name, count):
        sas = self.handed(config, name + ".new", count)
        os.rename(self.lab.path(name + ".new"), self.lab.path(name))
        return sas

    def test_packets_go_both_ways_on_sas_that_the_receivers_handed_out(self):
        there = [self.clear(A, n) for n in range(20)]
        back = [self.clear(B, n) for n in range(20)]
        out = self.lab.run(self.client, [pcapfile.ethernet(p) for p in there])
        self.assertRan(out)
        self.assertEqual(out.drops(), {})
        wire = packets(out.cipher)
        opened = [psp.open_psp(self.masters(self.b), psp.decap(p)[1]) for p in wire]
        self.assertSame([before(o.payload) for o in opened], there)
        self.assertEqual({o.spi for o in opened}, {self.to_b[0].spi})
        run = self.lab.run(self.server, [pcapfile.ethernet(p) for p in back],
                           [pcapfile.ethernet(p) for p in wire])
        self.assertRan(run)
        self.assertEqual(run.drops(), {})
        self.assertSame(forwarded(run.clear, 2), there)
        home = self.lab.run(self.client, cipher=[pcapfile.ethernet(p) for p in packets(run.cipher)])
        self.assertRan(home)
        self.assertEqual(home.drops(), {})
        self.assertSame(forwarded(home.clear, 2), back)

    def test_each_worker_seals_on_an_sa_of_its_own(self):
        queues = [[pcapfile.ethernet(self.clear(A, n + 100 * w)) for n in range(10)]
                  for w in range(2)]
        run = self.lab.run(self.client, queues, workers=2)
        self.assertRan(run)
        opened = [psp.open_psp(self.masters(self.b), psp.decap(p)[1]) for p in packets(run.cipher)]
        self.assertEqual(len(opened), 20)
        self.assertEqual({o.spi for o in opened}, {s.spi for s in self.to_b})
        self.assertEqual(len({o.nonce for o in opened}), 20)

    def test_fewer_sas_than_workers_are_refused(self):
        queues = [[pcapfile.ethernet(self.clear(A, 1))]] * 3
        run = self.lab.run(self.client, queues, workers=3)
        self.assertEqual(run.status, 1)
        self.assertRegex(run.err, "keys has 2 SAs .* 3 workers")

    def test_no_iv_comes_again_on_an_sa_over_restarts_and_other_orders_of_the_file(self):
        seen = set()
        for n in range(4):
            if n == 2:
                libsas.write(self.lab.path("to-b.key"), 1, list(reversed(self.to_b)))
            run = self.lab.run(self.client, [pcapfile.ethernet(self.clear(A, n))] * 50)
            self.assertRan(run)
            for p in packets(run.cipher):
                o = psp.open_psp(self.masters(self.b), psp.decap(p)[1])
                self.assertNotIn(o.nonce, seen)
                seen.add(o.nonce)
        self.assertEqual({n[:4] for n in seen}, {s.spi.to_bytes(4, "big") for s in self.to_b})

    def test_a_server_without_keys_receives_and_sends_nothing(self):
        config = self.config(B, self.group("server", self.b))
        sealed = psp.wrap(bytes((192, 0, 2, 1)), bytes((192, 0, 2, 2)),
                          psp.seal(self.to_b[0].key, 1, self.to_b[0].spi, 9, 4, self.clear(A, 1)))
        run = self.lab.run(config, [pcapfile.ethernet(self.clear(B, 1))],
                           [pcapfile.ethernet(sealed)])
        self.assertRan(run)
        self.assertSame(forwarded(run.clear), [self.clear(A, 1)])
        self.assertEqual(run.drops(), {"no_data_key": 1})

    def test_a_client_without_root_keys_sends_and_opens_nothing(self):
        config = self.config(A, self.group("client", keys="to-b.key"))
        sealed = psp.wrap(bytes((192, 0, 2, 2)), bytes((192, 0, 2, 1)),
                          psp.seal(self.to_a[0].key, 1, self.to_a[0].spi, 9, 4, self.clear(B, 1)))
        run = self.lab.run(config, [pcapfile.ethernet(self.clear(A, 1))],
                           [pcapfile.ethernet(sealed)])
        self.assertRan(run)
        self.assertEqual(len(packets(run.cipher)), 1)
        self.assertEqual(run.drops(), {"key_index": 1})

    def test_each_peer_has_sas_of_its_own_and_others_share_those_without_one(self):
        sas = [libsas.Sa(0x10 + n, bytes((n,)) * 32, peer)
               for n, peer in enumerate(("192.0.2.9", None, "192.0.2.9", "192.0.2.8"), 1)]
        libsas.write(self.lab.path("to-b.key"), 1, sas)
        config = self.config(A, self.group("client", keys="to-b.key"))
        config["policies"] = [
            {"name": "p%d" % n, "action": "protect", "group": "g", "dst": "10.%d.0.0/16" % n,
             "local": A.ip4, "peer": "192.0.2.%d" % n} for n in (7, 8, 9)]
        frames = []
        for n in (7, 8, 9):
            p = self.clear(A, n)
            frames.append(pcapfile.ethernet(
                psp.ip_header(p[12:16], bytes((10, n, 0, 1)), 17, len(p) - 20) + p[20:]))
        run = self.lab.run(config, frames)
        self.assertRan(run)
        spis = [int.from_bytes(psp.decap(p)[1][4:8], "big") for p in packets(run.cipher)]
        self.assertEqual(spis, [0x12, 0x14, 0x11])

    def test_a_second_rotation_ends_what_was_handed_out(self):
        sealed = [pcapfile.ethernet(psp.wrap(
            bytes((192, 0, 2, 1)), bytes((192, 0, 2, 2)),
            psp.seal(self.to_b[0].key, 1, self.to_b[0].spi, 9, 4, self.clear(A, 1))))]
        for want in ({}, {}, {"bad_icv": 1}):
            run = self.lab.run(self.config(B, self.group("server", self.b)), cipher=sealed)
            self.assertRan(run)
            self.assertEqual(run.drops(), want)
            self.assertEqual(self.lab.keytool("rotate", self.b.path).status, 0)


class Faults(Roles):
    def check(self, group, *words, site=A):
        run = self.lab.check_config(self.config(site, group))
        self.assertEqual(run.status, 1, run.text())
        for word in words:
            self.assertIn(word, run.err)

    def test_settings_that_do_not_fit_a_role_are_told(self):
        root = self.root("a")
        libsas.write(self.lab.path("k.key"), 1, [libsas.Sa(1, bytes(32))])
        self.check(self.group("client"), "keys is missing")
        self.check(self.group("server", keys="k.key"), "root_keys is missing")
        self.check(self.group("peer", root, "k.key"), "keys is for roles server and client")
        self.check(self.group("server", root, spi=9, spi_last=8), "spi_last 8 is below spi 9")
        self.check(self.group("server", root, data_keys="k.key"), "data_keys")

    def test_a_root_key_is_either_a_peers_or_one_that_spis_are_handed_out_of(self):
        root = self.root("a")
        config = self.config(A, self.group("server", root))
        config["trust_groups"].append(self.group("peer", root, name="h", spi=99, udp_port=1001))
        run = self.lab.check_config(config)
        self.assertEqual(run.status, 1)
        self.assertIn("only one hands", run.err)

    def test_files_of_sas_that_are_wrong_are_told_with_their_line(self):
        path = self.lab.path("k.key")
        sas = [libsas.Sa(1, bytes(32)), libsas.Sa(0x80000000, bytes((1,)) * 32)]
        libsas.write(path, 1, sas)
        self.check(self.group("client", keys="k.key"), "k.key:4", "reserved")
        libsas.write(path, 0, [libsas.Sa(1, bytes(16))])
        self.check(self.group("client", keys="k.key"), "version is 0, but the trust group's is 1")
        libsas.write(path, 1, [libsas.Sa(1, bytes(16))])
        self.check(self.group("client", keys="k.key"), "key is not 64 hexadecimal digits")
        libsas.write(path, 1, [libsas.Sa(1, bytes(32)), libsas.Sa(2, bytes(32))])
        self.check(self.group("client", keys="k.key"), "has the key of another")
        libsas.write(path, 1, [libsas.Sa(1, bytes(32), "nowhere")])
        self.check(self.group("client", keys="k.key"), "peer is no IP address")
        libsas.write(path, 1, [])
        self.check(self.group("client", keys="k.key"), "sas is not a list")
        libsas.write(path, 1, [libsas.Sa(1, bytes(32))], mode=0o640)
        self.check(self.group("client", keys="k.key"), "chmod 600")


class PspWire(Wire):
    """Opens every packet with what the receiver's root key ever was."""

    def check(self, outer):
        data = psp.decap(outer)[1]
        spi = int.from_bytes(data[4:8], "big")
        for index, value in sorted(self.values.known["zone-b"].items(), reverse=True):
            if index & 1 != spi >> 31:
                continue
            try:
                opened = psp.open_psp([value, value], data)
            except Refused:
                continue
            return self.note(index, opened)
        self.fault = "packet %d: nothing opens it" % self.packets
        return None

    def note(self, index, opened):
        if (index, opened.nonce) in self.pairs:
            self.fault = "a nonce comes again"
        self.pairs.add((index, opened.nonce))
        if not self.seen or self.seen[-1] != index:
            self.seen.append(index)
        if opened.payload != hop(self.inner):
            self.fault = "packet %d: another packet than was sent" % self.packets


class PspPlan:
    """A client at A, a server at B, and the root key of the server."""

    def __init__(self, test):
        self.test = test
        self.keys = [test.root("b")]

    def inner(self, site, _family, size):
        return self.test.clear(site, 1, size)


class PspPair(Pair):
    wire_class = PspWire

    def site(self, plan, site, settings):
        test = plan.test
        if site is A:
            self.given = self.lab.path("given.key")
            self.sas = self.lab.path("a-sas.key")
            server = test.config(B, test.group("server", plan.keys[0]))
            test.handed(server, "a-sas.key")
            config = test.config(A, test.group("client", keys="a-sas.key", skew_ms=4000))
            config["root_keys"] = []
        else:
            config = test.config(B, test.group("server", plan.keys[0]))
            config["root_keys"][0]["file"] = "b-" + config["root_keys"][0]["file"]
            self.give(plan.keys[0], B)
        config["gateway"].update(settings)
        if site is A:
            config["gateway"]["state_dir"] = self.state[A]
        return config


class UnderLoad(Roles, Rotating):
    pair_class = PspPair

    def hand_on(self, pair):
        """B hands out new SAs, and A finds them in place of the old ones."""
        after = len(pair.a.text())
        config = dict(pair.config[B])
        self.handed(config, "given.key")
        os.rename(pair.given, pair.sas)
        pair.a.wait("has changed", after=after)

    def until(self, condition, pair):
        end = time.monotonic() + 30
        while not condition():
            self.assertLess(time.monotonic(), end, pair.a.text())
            time.sleep(0.02)

    def test_master_keys_rotate_under_load_and_no_packet_is_lost(self):
        plan = PspPlan(self)
        pair = self.pair(plan)
        key, source = plan.keys[0], random.Random(5)
        for i in range(ROUNDS // 2):
            self.step(pair, key)
            self.load(pair, key, B, ("install", "reload", "signal", "watch")[i % 4])
            pair.sent(source.randrange(1, 200))
            self.hand_on(pair)
            self.until(lambda index=key.index: pair.wire.seen[-1] == index, pair)
            time.sleep(0.7)
            pair.sent(100)
        shown = pair.end(self)
        pair.check(self, shown)
        self.assertEqual(pair.wire.seen, list(range(8, 9 + ROUNDS // 2)))
        self.assertGreater(len(pair.wire.pairs), 1000)
