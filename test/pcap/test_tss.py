# SPDX-License-Identifier: BSD-3-Clause
"""Format tss: what saker sends, opened by tss.py; what tss.py seals, opened by saker."""

import itertools
import os
import struct
import time
from dataclasses import replace

import pcapfile
import tss
from harness import A, B, Lab, RootKey, SakerTest, forwarded, packets
from ip import Refused, hop, ip_parse
from pair import Pair, Wire
from plan import EPOCH, make_config
from plan_tss import TssPlan
from test_hostile import flips
from test_live import Rotating

DRIVERS = ("ipsec_mb", "openssl", "aesni")
SIZES = (0, 61, 62, 63, 400, 1500)
# Mode, SSI, role of site A, rekey shift and mask.
MODES = (
    dict(), dict(ssi=False), dict(shift=0), dict(ssi=False, shift=8, mask=0xFF00),
    dict(shift=32, mask=0xFFFF00000000), dict(kdf="direct"), dict(kdf="direct", ssi=False),
    dict(role="server"), dict(role="client"),
)
FORMS = {
    "cluster over UDP": {},
    "UDP outside of the AAD": dict(udp_in_aad=False, shift=8),
    "native IP, no SSI": dict(encap="ip", ssi=False),
    "IPv6, no SSI, in clear": dict(outer=6, encap="ip", ssi=False, clear=48),
    "direct, IPv6": dict(outer=6, kdf="direct"),
    "server": dict(role="server"),
    "client, native IP": dict(role="client", encap="ip"),
    "transport": dict(transport=True),
    "transport, native IPv6, in clear": dict(transport=True, encap="ip", outer=6, clear=8),
}


def combinations():
    """Options of every group: modes of keys, SSI, tunnel and transport, families, encapsulations and
    clear parts with each other; the rest goes round."""
    n = 0
    for mode, transport, outer, (encap, udp_in_aad), clear in itertools.product(
            MODES, (False, True), (4, 6), (("udp", True), ("udp", False), ("ip", True)),
            (0, 8, 48)):
        if mode.get("kdf") == "direct" and not mode.get("ssi", True) and outer == 6:
            continue  # nonces would repeat: refused
        n += 1
        yield n, dict(mode, transport=transport, outer=outer, encap=encap, udp_in_aad=udp_in_aad,
                      clear=clear, sn=("counter", "time")[n % 2], key_cache=64 if n % 5 == 0 else 0)


class Format(SakerTest):
    def check_all(self, driver):
        plans = [TssPlan(self.lab, n, **o) for n, o in combinations()]
        self.assertEqual(len(plans), 306)
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
        seen = set()
        for (plan, packet), outer in zip(clear, out):
            with self.subTest(str(plan)):
                o = plan.open(A, outer)
                self.assertEqual(o.packet.hex(), packet.hex())
                self.assertNotIn((o.key, o.nonce), seen)
                seen.add((o.key, o.nonce))
                self.check_form(plan, o)
        self.assertSame(forwarded(run.clear), [packet for _, packet in back])

    def check_form(self, plan, o):
        self.assertEqual(o.an, 1)
        self.assertEqual(o.ssi, plan.source(A) if plan.o.ssi else None)
        self.assertEqual(o.tsc >> 48 == EPOCH, plan.o.sn == "counter")
        if not plan.o.transport:
            self.assertGreaterEqual(struct.unpack(">H", o.between[:2])[0], 49152)
        if plan.o.encap == "ip":
            self.assertEqual(o.between[2:], b"\0\0")

    def test_every_combination_both_ways_with_ipsec_mb(self):
        self.check_all("ipsec_mb")

    def test_every_combination_both_ways_with_openssl(self):
        self.check_all("openssl")

    def test_every_combination_both_ways_with_the_best_driver(self):
        self.check_all(None)


class Hostile(SakerTest):
    def check(self, plan, hostile, driver=None):
        """Nothing passes, and the reasons are those of tss.py; then a good packet passes."""
        want = {}
        for outer in hostile:
            with self.assertRaises(Refused, msg=outer.hex()) as caught:
                plan.open(B, outer)
            reason = caught.exception.reason
            want[reason] = want.get(reason, 0) + 1
        clear = plan.inner(B, plan.families()[0], 77, seed=9)
        frames = [pcapfile.ethernet(p) for p in hostile + [plan.seal(B, clear)]]
        run = self.lab.run(make_config(self.lab, [plan]), cipher=frames, driver=driver)
        self.assertRan(run)
        self.assertSame(forwarded(run.clear), [clear])
        self.assertEqual(run.drops("inbound"), want)
        return want

    def each_form(self, check):
        for name, options in FORMS.items():
            with self.subTest(name):
                plan = TssPlan(self.lab, 1, **options)
                outer = plan.seal(B, plan.inner(B, plan.families()[0], 101))
                at = ip_parse(outer).l4_at
                check(plan, outer, at, at + plan.domain(B).keep())

    def test_every_flipped_bit_from_the_header_on_is_dropped(self):
        def check(plan, outer, l4_at, at):
            # The entropy header is authenticated, and the UDP source port where that was agreed.
            start = at if plan.o.encap == "udp" else l4_at
            hostile = [outer[:start] + c for _, c in flips(outer[start:])]
            if plan.o.encap == "udp" and plan.o.udp_in_aad:
                hostile += [outer[:l4_at] + c + outer[l4_at + 2 :]
                            for _, c in flips(outer[l4_at : l4_at + 2])]
            for driver in DRIVERS:
                drops = self.check(plan, hostile, driver)
                self.assertGreater(drops["bad_icv"], 600)
                self.assertGreaterEqual(
                    set(drops), {"not_tss", "reserved_bits", "unknown_spi", "late"})
                self.assertTrue(set(drops) & {"variant", "direction"})

        self.each_form(check)

    def test_every_flipped_bit_of_the_addresses_is_dropped(self):
        def check(plan, outer, l4_at, _):
            if outer[0] >> 4 == 4:
                hostile = [ip4_source(outer, c) for _, c in flips(outer[12:16])]
            else:
                hostile = [outer[:8] + c + outer[24:] for _, c in flips(outer[8:24])]
            drops = self.check(plan, hostile)
            self.assertEqual(set(drops), {"bad_icv"})

        def ip4_source(outer, source):
            return tss.ip4_finish(outer[:12] + source + outer[16:20], len(outer)) + outer[20:]

        self.each_form(check)

    def test_the_source_port_is_free_where_it_is_not_authenticated(self):
        plan = TssPlan(self.lab, 1, udp_in_aad=False)
        clear = plan.inner(B, 4, 100)
        outer = plan.seal(B, clear)
        run = self.lab.run(make_config(self.lab, [plan]), cipher=[
            pcapfile.ethernet(outer[:20] + b"\x12\x34" + outer[22:])])
        self.assertSame(forwarded(run.clear), [clear])

    def test_every_truncation_is_dropped(self):
        def check(plan, outer, l4_at, at):
            hostile = [self.cut(plan, outer, l4_at, n) for n in range(at, len(outer))]
            drops = self.check(plan, hostile)
            self.assertGreaterEqual(set(drops), {"runt", "bad_icv"})

        self.each_form(check)

    @staticmethod
    def cut(plan, outer, l4_at, n):
        """The first n octets of a packet, with lengths that fit."""
        body = outer[l4_at:n]
        if plan.o.encap == "udp":
            body = body[:4] + struct.pack(">HH", n - l4_at, 0) + body[8:]
        v = ip_parse(outer)
        return tss.set_ip_payload(outer[:l4_at], v.proto_at, v.proto, len(body)) + body

    def test_forged_headers_have_their_reasons(self):
        plan = TssPlan(self.lab, 1)
        clear = plan.inner(B, 4, 100)
        away = TssPlan(self.lab, 1)
        away.spi = plan.spi + 1

        def at(epoch):
            return plan.seal(B, clear, tsc=epoch % 65536 << 48 | 5)

        hostile = [away.seal(B, clear), plan.seal(B, clear, ssi=None),
                   plan.seal(B, clear, first=10), plan.seal(B, clear, first=0x10),
                   plan.seal(B, clear, first=0), at(EPOCH - 17), at(EPOCH - 32768),
                   plan.seal(B, clear, which="next"), plan.seal(B, clear, ssi=b"abcd")[:-1] + b"!"]
        drops = self.check(plan, hostile)
        self.assertEqual(drops, {
            "unknown_spi": 1, "variant": 1, "reserved_bits": 1, "not_tss": 2, "late": 2,
            "bad_icv": 2})

    def test_an_an_without_a_live_value_names_no_key(self):
        plan = TssPlan(self.lab, 1)
        key = plan.keys[0]
        key.values = {"current": key.values["current"]}
        key.write()
        outer = plan.seal(B, plan.inner(B, 4, 100))
        self.assertEqual(self.check(plan, [outer[:28] + bytes([outer[28] ^ 1]) + outer[29:]]),
                         {"key_index": 1})

    def test_malformed_inner_packets_are_dropped_after_a_good_icv(self):
        plan = TssPlan(self.lab, 1)
        clear = plan.inner(B, 4, 100)
        bad = [b"\x55" + clear[1:], clear + b"\0", clear[:-1], b"", b"\x45"]
        self.assertEqual(self.check(plan, [plan.seal(B, clear, payload=p) for p in bad]),
                         {"inner_form": len(bad)})
        plan = TssPlan(self.lab, 1, transport=True)
        clear = plan.inner(B, 4, 100)
        bad = [bytes([t << 3]) + b"uet" for t in (0, 1, 15, 31)] + [b""]
        self.assertEqual(self.check(plan, [plan.seal(B, clear, payload=p) for p in bad]),
                         {"inner_form": len(bad)})

    def test_our_own_packets_come_back_in_vain_in_server_mode(self):
        """Both directions share a key: halves of the counter keep a reflected packet out."""
        for role in ("server", "client"):
            plan = TssPlan(self.lab, 1, role=role)
            clear = [pcapfile.ethernet(plan.inner(A, 4, 100, i)) for i in range(5)]
            sent = self.lab.run(make_config(self.lab, [plan]), clear)
            self.assertEqual(len(sent.cipher[0]), 5)
            run = self.lab.run(make_config(self.lab, [plan]), cipher=[
                f.replace(b"\xc0\x00\x02\x01\xc0\x00\x02\x02", b"\xc0\x00\x02\x02\xc0\x00\x02\x01")
                for f in sent.cipher[0]])
            self.assertEqual(run.drops("inbound"), {"direction": 5})


class Replay(SakerTest):
    def receive(self, plan, sealed, workers=1):
        frames = [pcapfile.ethernet(o) for o in sealed]
        run = self.lab.run(make_config(self.lab, [plan]),
                           cipher=[frames[i::workers] for i in range(workers)], workers=workers)
        self.assertRan(run)
        return run

    def test_packets_are_accepted_once(self):
        for options in (dict(), dict(ssi=False), dict(kdf="direct"), dict(role="server"),
                        dict(role="client", sn="time"), dict(sn="time", encap="ip")):
            with self.subTest(str(options)):
                plan = TssPlan(self.lab, 1, **options)
                clear = [plan.inner(B, 4, 100, i) for i in range(5)]
                sealed = [plan.seal(B, p) for p in clear]
                run = self.receive(plan, sealed + sealed)
                self.assertSame(forwarded(run.clear), clear)
                self.assertEqual(run.drops("inbound"), {"replay": 5})

    def test_epochs_behind_are_taken_for_a_lifetime_and_all_ahead(self):
        plan = TssPlan(self.lab, 1)
        clear = plan.inner(B, 4, 100)
        steps = (-17, -16, -1, 0, 1, 2, 3000, 32767, 32768)
        sealed = [plan.seal(B, clear, tsc=(EPOCH + s) % 65536 << 48) for s in steps]
        run = self.receive(plan, sealed)
        self.assertEqual(len(packets(run.clear)), 7)
        self.assertEqual(run.drops("inbound"), {"late": 2})

    def test_a_counter_of_zero_is_a_packet_like_others(self):
        plan = TssPlan(self.lab, 1, epoch=0)
        clear = plan.inner(B, 4, 100)
        run = self.receive(plan, [plan.seal(B, clear, tsc=t) for t in (0, 0, 1)])
        self.assertEqual(len(packets(run.clear)), 2)
        self.assertEqual(run.drops("inbound"), {"replay": 1})

    def test_counters_begin_anew_under_another_key(self):
        plan = TssPlan(self.lab, 1)
        clear = [plan.inner(B, 4, 100, i) for i in range(4)]
        steps = (("pre", 9000), ("current", 1), ("pre", 9001), ("current", 2))
        sealed = [plan.seal(B, p, which=w, tsc=EPOCH << 48 | n) for p, (w, n) in zip(clear, steps)]
        run = self.receive(plan, sealed + sealed)
        self.assertSame(forwarded(run.clear), clear)
        self.assertEqual(run.drops("inbound"), {"replay": 4})

    def test_workers_share_sources_out_and_accept_each_packet_once(self):
        plan = TssPlan(self.lab, 1, replay_window=1024)
        clear = [plan.inner(B, 4, 100, i) for i in range(640)]
        sealed = [plan.seal(B, p, ssi=struct.pack(">I", 7000 + i % 16)) for i, p in
                  enumerate(clear)]
        run = self.receive(plan, sealed + sealed, workers=2)
        self.assertEqual(sorted(forwarded(run.clear)), sorted(clear))
        self.assertEqual(run.drops("inbound"), {"replay": 640})


class Reuse(SakerTest):
    """No (key, nonce) pair repeats, whatever is changed between runs."""

    def setUp(self):
        super().setUp()
        self.pairs = set()

    def send(self, plan, site=A, workers=1, count=40, **changes):
        clear = [pcapfile.ethernet(plan.inner(site, 4, 100, i)) for i in range(count)]
        group = plan.config(site, **changes)
        run = self.lab.run(make_config(self.lab, [plan], site, groups=[group]),
                           [clear[i::workers] for i in range(workers)], workers=workers)
        self.assertRan(run)
        self.assertEqual(run.drops(), {})
        self.assertEqual(len(packets(run.cipher)), count)
        return [self.note(plan, site, outer) for outer in packets(run.cipher)]

    def note(self, plan, site, outer):
        o = plan.open(site, outer)
        self.assertNotIn((o.key, o.nonce), self.pairs)
        self.pairs.add((o.key, o.nonce))
        return o

    def test_restarts_go_on_where_they_stopped(self):
        n = 0
        for options in MODES:
            for sn in ("counter", "time"):
                with self.subTest(str(options), sn=sn):
                    plan = TssPlan(self.lab, 1, sn=sn, **options)
                    plan.keys[0].values = {"current": RootKey.generation(n, "restart")}
                    plan.keys[0].write()
                    n += 1
                    for _ in range(3):
                        self.send(plan)
        self.assertEqual(len(self.pairs), 3 * 40 * 2 * len(MODES))

    def test_both_directions_of_server_mode_repeat_nothing(self):
        for sn in ("counter", "time"):
            plan = TssPlan(self.lab, 1, role="server", sn=sn)
            halves = [{bool(o.tsc & tss.SERVER_HALF) for o in self.send(plan, site)}
                      for site in (A, B)]
            self.assertEqual(halves, [{True}, {False}])
            keys = {k for k, _ in self.pairs}
        self.assertEqual(len(self.pairs), 160)
        self.assertEqual(len(keys), 2 if sn == "time" else 1)

    def test_workers_send_under_sources_of_their_own(self):
        for kdf in ("cluster", "direct"):
            plan = TssPlan(self.lab, 1, kdf=kdf)
            sources = {o.ssi for o in self.send(plan, workers=2)}
            first = int.from_bytes(plan.source(A), "big")
            self.assertEqual(sources, {struct.pack(">I", first + i) for i in range(2)})

    def test_another_source_id_begins_no_workers_line_anew(self):
        """What worker 1 has sent under source_id + 1 is not forgotten once that is worker 0's."""
        plan = TssPlan(self.lab, 1)
        self.send(plan, workers=2)
        self.send(plan, source_id="%08x" % (int.from_bytes(plan.source(A), "big") + 1))
        self.assertEqual(len(self.pairs), 80)

    def test_another_sdi_or_mode_begins_nothing_anew(self):
        """The SDI is in no key: the root key's value alone tells what was used of it."""
        plan = TssPlan(self.lab, 1)
        self.send(plan)
        plan.spi += 5
        self.send(plan)
        plan.o = replace(plan.o, kdf="direct")
        direct = self.send(plan)
        plan.spi += 5
        self.assertGreater(min(o.tsc for o in self.send(plan)), max(o.tsc for o in direct))

    def test_epochs_only_go_up(self):
        plan = TssPlan(self.lab, 1)
        self.send(plan, epoch=EPOCH)
        plan.o = replace(plan.o, epoch=EPOCH + 1)
        self.assertEqual({o.tsc >> 48 for o in self.send(plan)}, {EPOCH + 1})
        run = self.lab.run(make_config(self.lab, [plan], groups=[plan.config(A, epoch=EPOCH)]))
        self.assertIn("lies behind the persisted epoch", run.err)

    def test_one_client_or_address_needs_one_worker(self):
        for options, what in ((dict(role="server"), "client id"),
                              (dict(ssi=False), "source address")):
            plan = TssPlan(self.lab, 1, **options)
            run = self.lab.run(make_config(self.lab, [plan]), workers=2)
            self.assertNotEqual(run.status, 0)
            self.assertIn("only one worker may send under one " + what, run.err)

    def test_one_value_for_two_domains_is_refused(self):
        plans = [TssPlan(self.lab, n) for n in (1, 2)]
        plans[1].keys[0].values["next"] = plans[0].keys[0].values["current"]
        plans[1].keys[0].write()
        run = self.lab.run(make_config(self.lab, plans))
        self.assertNotEqual(run.status, 0)
        self.assertRegex(run.err, "trust groups g[12] and g[12]: root keys .* hold the same value")


class Uet(SakerTest):
    """Transport mode, and packets without TSS."""

    def test_transport_mode_takes_uet_packets_alone(self):
        for encap in ("udp", "ip"):
            plan = TssPlan(self.lab, 1, transport=True, encap=encap)
            good = plan.inner(A, 4, 100)
            at = 20 + plan.domain(A).keep()
            bad = [good[:at] + bytes([t << 3]) + good[at + 1 :] for t in (0, 1, 15)]
            bad.append(tss.set_ip_payload(good[:20], 9, good[9], at - 20) + good[20:at])
            bad.append(good[:22] + b"\x12\xb6" + good[24:] if encap == "udp"
                       else tss.set_ip_payload(good[:20], 9, 17, len(good) - 20) + good[20:])
            if encap == "udp":
                bad[3] = bad[3][:24] + struct.pack(">H", 8) + bad[3][26:]
            run = self.lab.run(make_config(self.lab, [plan]),
                               [pcapfile.ethernet(p) for p in bad + [good]])
            self.assertEqual(run.drops("outbound"), {"not_uet": 5})
            self.assertEqual([plan.open(A, o).packet for o in packets(run.cipher)], [good])

    def test_uet_packets_without_tss_pass_by_a_bypass_policy_alone(self):
        for encap in ("udp", "ip"):
            plan = TssPlan(self.lab, 1, transport=True, encap=encap)
            clear = [plan.inner(B, 4, 100, i) for i in range(3)]
            frames = [pcapfile.ethernet(p) for p in clear + [plan.seal(B, clear[0])]]
            run = self.lab.run(make_config(self.lab, [plan]), cipher=frames)
            self.assertEqual(run.drops("inbound"), {"not_tss": 3})
            self.assertSame(forwarded(run.clear), clear[:1])
            policies = [{**plan.policy(A, 4), "dst": "10.99.0.1/32"},
                        {"name": "all", "action": "bypass"}]
            run = self.lab.run(make_config(self.lab, [plan], policies=policies), cipher=frames[:3])
            self.assertEqual(run.drops("inbound"), {})
            self.assertSame(forwarded(run.clear), clear)

    def test_ip_options_and_extension_headers_stay_outside(self):
        for outer, extra in ((4, b"\x94\x04\0\0"), (6, b"\x11\0\x05\x02\0\0\x01\0")):
            plan = TssPlan(self.lab, 1, transport=True, outer=outer)
            p = plan.inner(A, outer, 120)
            if outer == 4:
                p = tss.ip4_finish(b"\x46" + p[1:20] + extra, len(p) + 4) + p[20:]
            else:
                p = p[:4] + struct.pack(">HB", len(p) - 32, 0) + p[7:40] + extra + p[40:]
            back = plan.inner(B, outer, 120)
            run = self.lab.run(make_config(self.lab, [plan]), [pcapfile.ethernet(p)],
                               [pcapfile.ethernet(plan.seal(B, back))])
            self.assertEqual(run.drops(), {})
            self.assertSame([plan.open(A, o).packet for o in packets(run.cipher)], [p])
            self.assertSame(forwarded(run.clear), [back])


class Clients(SakerTest):
    """A client that was handed data keys, against tss.py as the server."""

    def client(self, sn):
        plan = TssPlan(self.lab, 1, role="client", sn=sn)
        server = self.lab.write_config(make_config(self.lab, [plan], B), "server.cfg")
        epoch = EPOCH if sn == "counter" else plan.sealed_ms // 86400000
        run = self.lab.keytool("derive", "-c", server, "-g", "g1", "-s", plan.source(A).hex(),
                               "-n", "2", "-o", self.lab.path("client.keys"), "-e", str(epoch))
        self.assertEqual(run.status, 0, run.text())
        group = plan.config(A, data_keys="client.keys", root_keys=None)
        config = make_config(self.lab, [plan], groups=[group])
        config["root_keys"] = None
        return plan, config

    def test_a_client_needs_no_root_key(self):
        for sn in ("counter", "time"):
            with self.subTest(sn):
                if os.path.exists(self.lab.path("client.keys")):
                    os.unlink(self.lab.path("client.keys"))
                plan, config = self.client(sn)
                clear = [plan.inner(A, 4, 100, i) for i in range(40)]
                back = [plan.inner(B, 6, 100, i) for i in range(40)]
                run = self.lab.run(config, [pcapfile.ethernet(p) for p in clear],
                                   [pcapfile.ethernet(plan.seal(B, p)) for p in back])
                self.assertRan(run)
                self.assertSame([plan.open(A, p).packet for p in packets(run.cipher)], clear)
                self.assertSame(forwarded(run.clear), back)

    def test_a_clients_key_opens_nothing_of_another_client(self):
        plan, config = self.client("counter")
        clear = plan.inner(B, 4, 100)
        run = self.lab.run(config, cipher=[pcapfile.ethernet(plan.seal(B, clear, ssi=b"evil")),
                                           pcapfile.ethernet(plan.seal(B, clear))])
        self.assertSame(forwarded(run.clear), [clear])
        self.assertEqual(run.drops("inbound"), {"bad_icv": 1})

    def test_the_key_tool_prints_the_published_keys_and_none_of_direct_mode(self):
        key = bytes.fromhex("34448a064292601b11a0978f56a2d34cf3fc35ede1a6bc04f8db3e5243a2b0ca")
        for role, want in (("server", "245e67ab"), ("peer", "151b4ddb")):
            plan = TssPlan(self.lab, 1, role=role, epoch=0x1DC0, shift=-1 if role != "peer" else 32)
            plan.keys[0].values = {"current": key}
            plan.keys[0].write()
            path = self.lab.write_config(make_config(self.lab, [plan]), "derive.cfg")
            more = ["--sn", str(0x74E500000023)] if role == "peer" else []
            run = self.lab.keytool("derive", "-c", path, "-g", "g1", "-s", "c0a82a01", "-e",
                                   str(0x1DC0), "--raw", *more)
            self.assertEqual(run.status, 0, run.text())
            self.assertIn(want, run.out)
        plan = TssPlan(self.lab, 1, kdf="direct")
        path = self.lab.write_config(make_config(self.lab, [plan]), "derive.cfg")
        run = self.lab.keytool("derive", "-c", path, "-g", "g1", "-s", "c0a82a01", "--raw")
        self.assertNotEqual(run.status, 0)
        self.assertIn("nothing is derived", run.err)


class TssWire(Wire):
    """Opens what passes; fails also on a (key, nonce) pair that comes again."""

    def check(self, outer):
        plan = self.values.plan
        known = self.values.known[plan.keys[0].name]
        domain = plan.domain(A)
        domain.epoch = None
        an = outer[28] & 1
        for index in sorted((i for i in known if i % 2 == an), reverse=True):
            domain.keys = {an: known[index]}
            try:
                o = tss.open_packet(domain, outer)
            except Refused:
                continue
            if not self.seen or self.seen[-1] != index:
                if index in self.seen:
                    self.fault = "index %d after %s" % (index, self.seen)
                self.seen.append(index)
            break
        else:
            self.fault = "packet %d: nothing opens it" % self.packets
            return
        if (o.key, o.nonce) in self.pairs:
            self.fault = "TSC %x of index %d came again" % (o.tsc, index)
        self.pairs.add((o.key, o.nonce))
        self.epochs = getattr(self, "epochs", set()) | {o.tsc >> 48}
        if o.packet != hop(self.inner):
            self.fault = "packet %d: another packet than was sent" % self.packets


class TssPair(Pair):
    wire_class = TssWire


class Live(Rotating):
    pair_class = TssPair

    def rotate(self, plan, rounds=3):
        """Members rotate together: with a value before, the grace time is all that they have."""
        pair = self.pair(plan, rotate_grace_ms=4000)
        key = plan.keys[0]
        if plan.o.sn == "time":
            time.sleep(5)  # a regime waits for lines that the clock has yet to reach
        for i in range(rounds):
            self.step(pair, key)
            command, done = "key install %s %s" % (key.name, key.path), "is current"
            if i % 2:
                command, done = "reload", "reload: done"
                pair.give(key, A)
                pair.give(key, B)
            after = {p: len(p.text()) for p in (pair.a, pair.b)}
            for prompt in after:
                prompt.type(command)
            for prompt in after:
                prompt.wait(done, after=after[prompt])
            self.await_index(pair, key.index)
        pair.check(self, pair.end(self))
        self.assertEqual(pair.wire.seen, list(range(7, 8 + rounds)))

    def await_index(self, pair, index):
        end = time.monotonic() + 60
        while pair.wire.seen[-1] != index and time.monotonic() < end:
            time.sleep(0.02)
        pair.sent(100)
        sent = pair.wire.packets  # the next rotation is for what has arrived
        while pair.counter.packets < sent and time.monotonic() < end:
            time.sleep(0.02)

    def test_keys_rotate_under_load_and_no_packet_is_lost(self):
        for options in (dict(), dict(kdf="direct"), dict(sn="time", ssi=False)):
            with self.subTest(str(options)):
                self.lab = Lab()
                self.rotate(TssPlan(self.lab, 1, replay_window=1024, **options))

    def test_members_rotate_at_any_time_once_all_have_the_next_value(self):
        """Without a value before, the AN that is free names the next one."""
        plan = TssPlan(self.lab, 1, replay_window=1024)
        key = plan.keys[0]
        key.values = {w: key.values[w] for w in ("current", "next")}
        key.write()
        pair = self.pair(plan, rotate_grace_ms=100)
        for _ in range(3):
            pair.values.learn()
            self.step(pair, key)  # pre, current
            key.values = {w: key.values[w] for w in ("pre", "current")}
            key.write()
            self.load(pair, key, A, "install")
            self.await_index(pair, key.index)
            time.sleep(1)  # far beyond the grace time: B still has it as its next value
            pair.sent(100)
            self.load(pair, key, B, "install")
            time.sleep(0.5)
            key.values = {"current": key.values["current"],
                          "next": RootKey.generation(key.index + 1, "fresh")}
            key.write()
            pair.values.learn()
            for site in (A, B):
                self.load(pair, key, site, "install")
            time.sleep(0.5)
        pair.check(self, pair.end(self))
        self.assertEqual(pair.wire.seen, [7, 8, 9, 10])

    def test_epochs_are_stepped_while_packets_flow(self):
        plan = TssPlan(self.lab, 1, replay_window=1024)
        pair = self.pair(plan)
        for step in range(1, 4):
            for prompt in (pair.a, pair.b):
                prompt.run("epoch set g1 %d" % (EPOCH + step), "is in epoch")
            pair.sent(100)
        pair.check(self, pair.end(self))
        self.assertEqual(pair.wire.epochs, {EPOCH + i for i in range(4)})
