# SPDX-License-Identifier: BSD-3-Clause
"""Keys: groups share none, generations of root keys live three at a time, clients hold derived
ones only."""

import os
import re
import struct
import time

import pcapfile
import profile
from harness import A, B, RootKey, SakerTest, forwarded, packets
from ip import Refused
from plan import EPOCH, Plan, make_config, octets

DAY = 86400


def read_key_file(key):
    """Take over what a root key file says now."""
    with open(key.path, encoding="ascii") as f:
        text = f.read()
    key.index = int(re.search(r"index = (\d+)", text).group(1))
    key.values = {name: bytes.fromhex(value) for name, value in
                  re.findall(r'(pre|current|next) = "([0-9a-f]{64})"', text)}


class Groups(SakerTest):
    def test_two_groups_with_the_same_root_keys_source_and_sn_share_no_key(self):
        one, two = Plan(self.lab, 1, sn="counter"), Plan(self.lab, 2, sn="counter")
        clear = [one.inner(A, 4, 100), two.inner(A, 4, 100)]
        config = make_config(self.lab, [one, two])
        run = self.lab.run(config, [pcapfile.ethernet(p) for p in clear])
        self.assertRan(run)
        out = packets(run.cipher)
        opened = [p.open(A, o) for p, o in zip((one, two), out)]
        self.assertEqual(opened[0].header.sn, opened[1].header.sn)
        self.assertEqual(opened[0].header.source, opened[1].header.source)
        keys = set()
        for plan, o in zip((one, two), opened):
            gk = plan.group().group_key(plan.group().send_roots())
            context = profile.key_context(0, o.header.sn, None, o.header.source, b"", b"")
            keys.update(profile.data_key(gk, 2, 0, context))
            keys.add(gk)
        self.assertEqual(len(keys), 6)
        self.swapped(one, two, out)

    def swapped(self, one, two, out):
        """The packet of one group with the SPI of the other opens nowhere."""
        at = 28
        moved = [o[: at + 4] + struct.pack(">I", p.spi) + o[at + 8 :]
                 for p, o in zip((two, one), out)]
        for plan, outer in zip((two, one), moved):
            with self.assertRaises(Refused) as caught:
                plan.open(A, outer)
            self.assertEqual(caught.exception.reason, "bad_icv")
        back = self.lab.run(make_config(self.lab, [one, two], B),
                            cipher=[pcapfile.ethernet(o) for o in moved + out])
        self.assertEqual(back.drops("inbound"), {"bad_icv": 2})
        self.assertEqual(len(forwarded(back.clear)), 2)

    def test_suites_of_one_spi_share_no_group_key(self):
        root = RootKey.generation(1, "x")
        self.assertNotEqual(profile.group_key(root, 1, 5), profile.group_key(root, 2, 5))

    def test_each_slot_has_its_own_key_with_rekey_shift_24(self):
        plan = Plan(self.lab, 1)
        ms = plan.sealed_ms
        sealed = [profile.seal(plan.group(), plan.packet(B, plan.inner(B, 4, 60), sn=sn))
                  for sn in (profile.sn_at(ms), profile.sn_at(ms, 2), profile.sn_at(ms + 100))]
        self.assertEqual(sealed[0].data_key, sealed[1].data_key)
        self.assertNotEqual(sealed[0].data_key, sealed[2].data_key)


class Rotation(SakerTest):
    def open_with(self, plan, sealed, expected, drops=None, gateways=1):
        run = self.lab.run(make_config(self.lab, [plan], B), cipher=sealed)
        self.assertRan(run)
        self.assertSame(forwarded(run.clear, gateways), expected)
        self.assertEqual(run.drops("inbound"), drops or {})

    def rotate(self):
        for key in self.lab.keys.values():
            run = self.lab.keytool("rotate", key.path)
            self.assertEqual(run.status, 0, run.text())
            self.assertEqual(os.stat(key.path).st_mode & 0o777, 0o600)
            read_key_file(key)

    def test_pre_current_and_next_are_accepted_and_no_other(self):
        for levels, mk_options in ((("zone",), False), (("zone", "user", "task"), True)):
            with self.subTest(levels=levels):
                self.lab.keys.clear()
                for level in levels:  # all of them, so that sealing knows every generation
                    self.lab.key(level + "-x", level)
                plan = Plan(self.lab, 1, levels=levels, mk_options=mk_options)
                clear = [plan.inner(A, 4, 100, i) for i in range(5)]
                sealed = self.sealed_over_generations(plan, clear)
                self.open_with(plan, sealed, clear[1:4], {"key_index": 2})

    def sealed_over_generations(self, plan, clear):
        """Frames sealed under index -2, -1, 0, 1, 2 relative to current."""
        frames = []
        for i, packet in zip(range(-2, 3), clear):
            roots = tuple(profile.Root(k.level, k.id, k.index + i,
                                       RootKey.generation(k.index + i, k.name)) for k in plan.keys)
            group = plan.group()
            group.roots = roots
            frames.append(pcapfile.ethernet(
                profile.seal(group, plan.packet(A, packet)).outer))
        return frames

    def test_rotation_between_sealing_and_opening_loses_nothing(self):
        plan = Plan(self.lab, 1, levels=("zone", "user"))
        clear = [plan.inner(A, 4, 100 + i, i) for i in range(50)]
        frames = [pcapfile.ethernet(p) for p in clear]
        first = self.lab.run(make_config(self.lab, [plan]), frames)
        self.assertRan(first)
        before = {k.name: dict(k.values) for k in plan.keys}
        self.rotate()
        for key in plan.keys:
            self.assertEqual(key.values["pre"], before[key.name]["current"])
            self.assertEqual(key.values["current"], before[key.name]["next"])
            self.assertNotIn(key.values["next"], before[key.name].values())
        self.open_with(plan, first.cipher[0], clear, gateways=2)
        second = self.lab.run(make_config(self.lab, [plan]), frames)
        used = {plan.open(A, p).header.key_idx for p in packets(second.cipher)}
        self.assertEqual(used, {profile.key_idx(plan.group().send_roots())})
        self.open_with(plan, second.cipher[0], clear, gateways=2)
        self.rotate()
        self.open_with(plan, first.cipher[0], [], {"key_index": 50})
        self.open_with(plan, second.cipher[0], clear, gateways=2)

    def test_a_receiver_that_rotates_late_accepts_the_next_key(self):
        plan = Plan(self.lab, 1)
        clear = plan.inner(A, 4, 100)
        sealed = pcapfile.ethernet(plan.seal(A, clear, which="next"))
        self.open_with(plan, [sealed], [clear])

    def test_an_allowed_further_root_key_is_accepted_by_its_option_only(self):
        plan = Plan(self.lab, 1, mk_options=True)
        further = self.lab.key("zone-further", index=9)
        stranger = self.lab.key("zone-stranger", index=9)
        clear = [plan.inner(A, 4, 100, i) for i in range(3)]
        frames = []
        for key, packet in zip((further, stranger, plan.keys[0]), clear):
            group = plan.group()
            group.roots = (key.root(),)
            frames.append(pcapfile.ethernet(profile.seal(group, plan.packet(A, packet)).outer))
        config = make_config(self.lab, [plan], B,
                             groups=[plan.config(B, allow_root_keys=["zone-further"])])
        run = self.lab.run(config, cipher=frames)
        self.assertRan(run)
        self.assertSame(forwarded(run.clear), [clear[0], clear[2]])
        self.assertEqual(run.drops("inbound"), {"mk_not_allowed": 1})


class KeyTool(SakerTest):
    def test_new_keys_are_private_random_and_never_overwritten(self):
        values = []
        for name in ("a.key", "b.key"):
            run = self.lab.keytool("new", self.lab.path(name))
            self.assertEqual(run.status, 0, run.text())
            self.assertEqual(os.stat(self.lab.path(name)).st_mode & 0o777, 0o600)
            key = RootKey(name, "zone", b"", 0, {}, self.lab.path(name))
            read_key_file(key)
            values += key.values.values()
            for value in key.values.values():
                self.assertNotIn(value.hex()[:16], run.out + run.err)
        self.assertEqual(len(set(values)), 4)
        self.assertNotEqual(self.lab.keytool("new", self.lab.path("a.key")).status, 0)

    def test_derived_keys_are_those_of_the_profile(self):
        plans = [Plan(self.lab, n + 1, variant=n % 5, suite=suite, levels=levels,
                      combine="xor" if n % 2 else "hkdf", rekey=-1)
                 for n, (suite, levels) in enumerate(
                     (s, lv) for s in ("aes-256-gcm", "aes-128-gcm")
                     for lv in (("zone",), ("user", "task"), ("zone", "user", "task"),
                                ("task",), ("zone", "task")))]
        path = self.lab.write_config(make_config(self.lab, plans))
        for plan in plans:
            with self.subTest(str(plan)):
                source = plan.source(A) + (b"\0\0\1\2" if plan.o.variant == 2 else b"")
                args = ["-s", source.hex()] if source else ["--src", A.ip4]
                args += ["--dst", B.ip4] if plan.o.variant == 4 else []
                run = self.lab.keytool("derive", "-c", path, "-g", "g%d" % plan.n, "-e", "20000",
                                       "-n", "2", "--raw", *args)
                self.assertEqual(run.status, 0, run.text())
                want = [self.line(plan, source, epoch) for epoch in (20000, 20001)]
                self.assertEqual(run.out.splitlines(), want)

    @staticmethod
    def line(plan, source, epoch):
        group = plan.group()
        gk = group.group_key(group.send_roots())
        context = profile.key_context(plan.o.variant, epoch << 48 | 1, None, source,
                                      octets(A.ip4), octets(B.ip4))
        key, mask = profile.data_key(gk, group.suite, plan.o.variant, context)
        return "%d %s %s" % (epoch, key.hex(), mask.hex())


class Clients(SakerTest):
    """A client that was handed data keys, against profile.py as the server."""

    def client(self, variant, **options):
        plan = Plan(self.lab, 1, role="client", variant=variant, **options)
        server = self.lab.write_config(make_config(self.lab, [plan], B), "server.cfg")
        out = self.lab.path("client.keys")
        run = self.lab.keytool("derive", "-c", server, "-g", "g1", "-s", plan.wire_source(A).hex(),
                               "-n", "2", "-o", out, *self.epoch(plan))
        self.assertEqual(run.status, 0, run.text())
        group = plan.config(A, data_keys="client.keys", root_keys=None)
        config = make_config(self.lab, [plan], groups=[group])
        config["root_keys"] = None
        return plan, config

    @staticmethod
    def epoch(plan):
        return ["-e", str(EPOCH if plan.o.sn == "counter" else int(time.time()) // DAY)]

    def test_a_client_needs_no_root_key(self):
        for variant, sn, suite in ((0, "time", "aes-256-gcm"), (1, "counter", "aes-128-gcm"),
                                   (2, "time", "aes-256-gcm")):
            with self.subTest(variant=variant):
                if os.path.exists(self.lab.path("client.keys")):
                    os.unlink(self.lab.path("client.keys"))
                plan, config = self.client(variant, sn=sn, suite=suite, levels=("zone", "user"))
                clear = [plan.inner(A, 4, 100, i) for i in range(40)]
                back = [plan.inner(B, 6, 100, i) for i in range(40)]
                run = self.lab.run(config, [pcapfile.ethernet(p) for p in clear],
                                   [plan.sealed_frame(B, p) for p in back])
                self.assertRan(run)
                opened = [plan.open(A, p) for p in packets(run.cipher)]
                self.assertSame([o.packet for o in opened], clear)
                self.assertEqual({o.header.source for o in opened}, {plan.wire_source(A)})
                self.assertSame(forwarded(run.clear), back)

    def test_a_client_without_the_epochs_key_sends_nothing(self):
        plan, config = self.client(0, sn="counter")
        config["trust_groups"][0]["epoch"] = EPOCH + 2
        frames = [pcapfile.ethernet(plan.inner(A, 4, 100))] * 3
        old = plan.sealed_frame(B, plan.inner(B, 4, 100), sn=(EPOCH + 3) << 48 | 1)
        run = self.lab.run(config, frames, [old])
        self.assertRan(run)
        self.assertEqual(packets(run.cipher), [])
        self.assertEqual(run.drops("outbound"), {"no_data_key": 3})
        self.assertEqual(sum(run.drops("inbound").values()), 1)

    def test_a_clients_key_opens_nothing_of_another_client(self):
        plan, config = self.client(1)
        clear = plan.inner(B, 4, 100)
        other = plan.sealed_frame(B, clear, source=bytes(7) + b"\x09")
        run = self.lab.run(config, cipher=[other, plan.sealed_frame(B, clear)])
        self.assertSame(forwarded(run.clear), [clear])
        self.assertEqual(sum(run.drops("inbound").values()), 1)

    def test_a_server_sends_under_the_connection_id_that_its_client_holds_keys_of(self):
        plan = Plan(self.lab, 1, role="server", variant=2)
        clear = [plan.inner(A, 4, 100, i) for i in range(20)]
        held = plan.wire_source(B)
        config = make_config(self.lab, [plan], policies=plan.policies(A, client=held.hex()))
        run = self.lab.run(config, [pcapfile.ethernet(p) for p in clear])
        self.assertRan(run)
        opened = [plan.open(A, p) for p in packets(run.cipher)]
        self.assertSame([o.packet for o in opened], clear)
        self.assertEqual({o.header.source for o in opened}, {held})

    def test_a_client_accepts_the_session_ids_of_its_pool_of_servers(self):
        plan = Plan(self.lab, 1, role="client")
        group = plan.config(A, accept_first=100, accept_sessions=2)
        clear = [plan.inner(B, 4, 100, i) for i in range(4)]
        frames = [plan.sealed_frame(B, p, session=s) for p, s in zip(clear, (100, 101, 0, 102))]
        out = pcapfile.ethernet(plan.inner(A, 4, 100))
        run = self.lab.run(make_config(self.lab, [plan], groups=[group]), [out], frames)
        self.assertRan(run)
        self.assertSame(forwarded(run.clear), clear[:2])
        self.assertEqual(run.drops("inbound"), {"session_range": 2})
        self.assertEqual(plan.open(A, packets(run.cipher)[0]).header.session, 0)
