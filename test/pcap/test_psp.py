# SPDX-License-Identifier: BSD-3-Clause
"""PSP: captures and negative frames of others, the second implementation, rotation, restart."""

import ipaddress
import json
import os
import struct
import unittest

import pcapfile
import psp
from harness import A, B, RootKey, SakerTest, default_commands, forwarded, packets
from ip import before, ip4_finish, ip_parse

HERE = os.path.dirname(os.path.abspath(__file__))
KNOWN = os.path.join(HERE, "..", "kat", "vectors", "psp.json")
CAPTURES = os.path.join(HERE, "..", "..", "..", "shared", "vectors", "psp")
MASTERS = (bytes.fromhex("34448a064292601b11a0978f56a2d34cf3fc35ede1a6bc04f8db3e5243a2b0ca"),
           bytes.fromhex("563952565d3a78ae773ec1b779f2f2d99f4a7f53a6fbb9b07d5b71f39364d739"))
DRIVERS = ("ipsec_mb", "openssl", "aesni", None)
SUITES = ("aes-128-gcm", "aes-256-gcm")
# Reasons of the vectors' strict verdicts as saker names them.
REASONS = {
    "drop:auth": {"bad_icv"}, "drop:udp-len": {"udp_length", "runt"},
    "drop:version": {"bad_version"},
    "drop:hdr-ext-len": {"opt_length"}, "drop:psp-short": {"runt"},
    "drop:vc-missing": {"cookie_missing"}, "drop:spi-reserved": {"spi_reserved"},
    "drop:inner-ip": {"inner_form", "payload_info"}, "drop:crypt-offset": {"clear_range"},
    "skip:udp-port": {"clear_refused"}, "drop:udp-csum": {"udp_checksum"},
    "skip:ethertype": {"not_ip", "not_ours", "neighbour_bad", "vlan"},
    "drop:fragment": {"reassembly"},  # it never becomes whole
    "drop:too-big": {"too_long"},
    "drop:drop-bit": {"drop_bit"}, "drop:always-one": {"reserved_bits"},
    "drop:ip-len": {"ip_length"}, "drop:ip-csum": {"ip_checksum"},
    "skip:not-udp": {"clear_refused"},
}


def manifest():
    with open(os.path.join(CAPTURES, "manifest.json"), encoding="utf-8") as f:
        return json.load(f)


def captures(test):
    return unittest.skipUnless(os.path.isdir(CAPTURES), "the captures of others are not here")(test)


class Psp(SakerTest):
    def masters(self, phase=0, keys=MASTERS, name="zone-psp"):
        """The root key whose current value is that of SPI bit 31 = phase; the other one is pre."""
        index = 8 if phase == 0 else 7
        key = RootKey(name, "zone", bytes(16), index,
                      {"pre": keys[1 - phase], "current": keys[phase]}, self.lab.path(name + ".key"))
        key.write()
        self.lab.keys[name] = key
        return key

    def group(self, version=1, **changes):
        group = {"name": "g%d" % version, "spi": 0x100 + version * 0x77, "format": "psp", "version": version,
                 "suite": SUITES[version % 2], "root_keys": ["zone-psp"], "sn": "counter",
                 "epoch": 0, "max_clear": 252}
        group.update(changes)
        return group

    def policy(self, transport=False, **changes):
        policy = {"name": "p", "action": "protect", "group": "g1"}
        policy.update({"mode": "transport"} if transport else
                      {"local": A.ip4, "peer": B.ip4})
        policy.update(changes)
        return policy

    def config(self, groups, policies, **changes):
        return self.lab.site_config(A, groups, policies, **changes)

    def fresh_state(self, n):
        return {"name": "gw", "state_dir": "./state-psp-%s" % n}


class Model(Psp):
    def clear(self, size, family=4, seed=0):
        """A UDP packet of some size."""
        body = bytes((seed + i) & 255 for i in range(size))
        src, dst = ((10, 1, 0, 5), (10, 2, 0, 9))
        head = struct.pack(">HHHH", 1000 + seed, 4789, 8 + size, 0)
        if family == 4:
            return psp.ip_header(bytes(src), bytes(dst), 17, 8 + size) + head + body
        return psp.ip_header(bytes.fromhex("fd000001" + "00" * 11 + "05"),
                             bytes.fromhex("fd000002" + "00" * 11 + "09"), 17, 8 + size) + head + body

    def test_known_answers_hold_in_the_second_implementation(self):
        with open(KNOWN, encoding="ascii") as f:
            cases = json.load(f)["cases"]
        self.assertEqual(len(cases), 40)
        for c in cases:
            spi = int(c["spi"], 16)
            masters = [bytes.fromhex(k) for k in c["master_keys"]]
            key = psp.derive(masters[spi >> 31], c["version"], spi)
            self.assertEqual(key.hex(), c["derived_key"])
            cookie = bytes.fromhex(c["vc"]) if c["vc"] else None
            payload = bytes.fromhex(c["payload"])
            sealed = psp.seal(key, c["version"], spi, int(c["iv"], 16), c["next_header"], payload,
                              c["crypt_offset"], cookie)
            self.assertEqual(sealed.hex(), c["psp"], c["name"])
            self.assertEqual(psp.open_psp(masters, sealed).payload, payload)

    def test_what_saker_seals_opens_and_what_it_opens_was_sealed(self):
        self.masters()
        n = 0
        for version in (0, 1):
            for outer in (4, 6):
                for clear, cookie in ((0, None), (28, None), (0, "0123456789abcdef"), (36, "00" * 8)):
                    n += 1
                    group = self.group(version, **({"cookie": cookie} if cookie else {}))
                    policy = self.policy(group="g%d" % version, local=A.ip(outer), peer=B.ip(outer),
                                         **({"clear_octets": clear} if clear else {}))
                    mix = [self.clear(s, f, s) for s in (0, 1, 2, 3, 100, 1200) for f in (4, 6)]
                    self.both_ways(n, group, policy, mix, outer, clear, cookie)

    def both_ways(self, n, group, policy, mix, outer, clear, cookie):
        version, spi = group["version"], 0x80000000 | 4711
        config = self.config([group], [policy], gateway=self.fresh_state("both-%d" % n))
        key = psp.derive(MASTERS[1], version, spi)
        ends = (B, A)
        src, dst = (ipaddress.ip_address(s.ip(outer)).packed for s in ends)
        back = [self.swap(p) for p in mix]
        sealed = [psp.wrap(src, dst, psp.seal(key, version, spi, 7 + i, psp.inner_header(p), p,
                                              min(clear, 20) // 4,
                                              bytes.fromhex(cookie) if cookie else None))
                  for i, p in enumerate(back)]
        run = self.lab.run(config, [pcapfile.ethernet(p) for p in mix],
                           [pcapfile.ethernet(p) for p in sealed],
                           driver=DRIVERS[n % len(DRIVERS)])
        self.assertRan(run)
        self.assertEqual(run.drops(), {})
        self.assertSame(forwarded(run.clear), back, "opened by saker")
        seen = set()
        opened = []
        for packet in packets(run.cipher):
            o = psp.open_psp(MASTERS, psp.decap(packet)[1])
            self.assertEqual(o.cookie, bytes.fromhex(cookie or ""))
            self.assertEqual(o.next_header, psp.inner_header(o.payload))
            self.assertNotIn((o.spi, o.iv), seen)
            seen.add((o.spi, o.iv))
            opened.append(before(o.payload))
        self.assertSame(opened, mix, "sealed by saker")

    @staticmethod
    def swap(packet):
        """The same packet the other way."""
        if packet[0] >> 4 == 4:
            return psp.ip_header(packet[16:20], packet[12:16], 17, len(packet) - 20) + packet[20:]
        return psp.ip_header(packet[24:40], packet[8:24], 17, len(packet) - 40) + packet[40:]


class Others(Psp):
    """What google/psp's own tools made."""

    def split_config(self, config, n, transport, outer):
        spi = int(config["spi"], 16)
        self.masters(spi >> 31)
        units = config["crypt_offset"]["transport" if transport else "ipv%d_tunnel" % outer]
        group = self.group(config["version"], spi=spi & 0x7FFFFFFF,
                           **({"cookie": "00" * 8} if config["vc"] else {}))
        changes = {"group": "g%d" % config["version"]}
        if units:
            changes["clear_octets"] = units * 4
        return group, changes, self.fresh_state(n)

    @captures
    def test_every_capture_opens_to_its_clear_twin(self):
        m = manifest()
        self.assertEqual(len(m["vectors"]), 115)
        for config in m["configs"]:
            for family in ("v4", "v6"):
                with self.subTest(config=config["name"], family=family):
                    self.open_captures(config, family, [
                        v for v in m["vectors"] if v["config"] == config["name"]
                        and os.path.basename(v["clear"]).startswith(family)])

    def open_captures(self, config, family, vectors):
        """All of one configuration in one run: PSP keeps nothing of what it has seen."""
        transport = config["mode"] == "transport"
        frames, want = [], []
        for v in vectors:
            clear = pcapfile.read(os.path.join(CAPTURES, v["clear"]))
            want += [pcapfile.ip_packet(f) for i, f in enumerate(clear) if i not in v["skipped"]]
            frames += pcapfile.read(os.path.join(CAPTURES, v["encrypted"]))
        first = ip_parse(pcapfile.ip_packet(frames[0]))
        group, changes, state = self.split_config(
            config, "o-%s-%s" % (config["name"], family), transport, 4 if family == "v4" else 6)
        changes.pop("clear_octets", None)
        run = self.lab.run(self.big(self.config([group], [self.policy(
            transport, **changes, **self.ends(first, transport))], gateway=state)), cipher=frames)
        self.assertRan(run)
        self.assertSame(forwarded(run.clear), want, "opened")
        self.assertEqual(run.drops(), {})

    @staticmethod
    def ends(view, transport):
        if transport:
            return {}
        ip = ipaddress.ip_address
        return {"local": str(ip(view.dst)), "peer": str(ip(view.src))}

    @staticmethod
    def big(config):
        """Frames of the captures have up to 9014 octets."""
        for port in config["ports"]:
            port["mtu"] = 9200
            port["promiscuous"] = True
        policy = config["policies"][0]
        policy.setdefault("mss_clamp", False)
        if "local" in policy:
            name = "address6" if ":" in policy["local"] else "address"
            config["ports"][1][name] = policy["local"]
        return config

    @captures
    def test_every_clear_capture_is_sealed_to_the_same_octets(self):
        m = manifest()
        configs = {c["name"]: c for c in m["configs"]}
        for n, v in enumerate(m["vectors"]):
            with self.subTest(v["encrypted"]):
                self.seal_capture(n, configs[v["config"]], v)

    def seal_capture(self, n, config, v):
        transport = config["mode"] == "transport"
        clear = [f for i, f in enumerate(pcapfile.read(os.path.join(CAPTURES, v["clear"])))
                 if i not in v["skipped"]]
        want = [psp.decap(p)[1] for p in pcapfile.read_ip(os.path.join(CAPTURES, v["encrypted"]))]
        view = ip_parse(pcapfile.ip_packet(clear[0]))
        outer = 4 if len(view.src) == 4 else 6
        group, changes, state = self.split_config(config, "s%d" % n, transport, outer)
        # saker counts the TTL of what it tunnels down: let it find one more.
        frames = clear if transport else [pcapfile.ethernet(self.one_more(pcapfile.ip_packet(f)))
                                          for f in clear]
        if not transport:
            changes.update(local=A.ip(outer), peer=B.ip(outer))
        run = self.lab.run(self.big(self.config([group], [self.policy(
            transport, **changes)], gateway=state)), frames)
        self.assertRan(run)
        got = [psp.decap(p)[1] for p in packets(run.cipher)]
        self.assertSame(got, want, "sealed")

    @staticmethod
    def one_more(packet):
        packet = bytearray(packet)
        at = 8 if packet[0] >> 4 == 4 else 7
        packet[at] += 1
        if at == 8:
            return ip4_finish(bytes(packet[:20]), len(packet)) + packet[20:]
        return bytes(packet)

    @captures
    def test_every_negative_frame_has_its_verdict_and_a_named_reason(self):
        frames = manifest()["negative"]
        self.assertEqual(len(frames), 84)
        self.masters()
        for n, case in enumerate(frames):
            with self.subTest(case["name"]):
                self.judge(n, case)

    def judge(self, n, case):
        frame = bytes.fromhex(case["frame"])
        transport = "tunnel" not in case["name"] and not self.says_tunnel(frame)
        groups = [self.group(v) for v in (0, 1)]
        ip = pcapfile.ip_packet(frame)
        ends = {}
        if not transport and ip:
            ends = self.ends(ip_parse(ip, headers_only=True), False)
        policies = [self.policy(transport, group="g%d" % v, name="p%d" % v, **ends) for v in (0, 1)]
        policies = self.either(policies, case)
        config = self.big(self.config(groups, policies, gateway=self.fresh_state("n%d" % n)))
        if case["name"] == "vlan-tagged":
            config["ports"][1]["vlan"] = 7  # an untagged port would take the tag off
        commands = default_commands()
        commands.insert(2, "stop")  # which gives fragments up
        run = self.lab.run(config, cipher=[frame], commands=commands)
        self.assertRan(run)
        out = forwarded(run.clear)
        if case["strict"] == "accept":
            want = bytes.fromhex(case.get("clear_strict", case.get("clear")))
            self.assertSame(out, [pcapfile.ip_packet(want)])
            return
        self.assertEqual(out, [])
        self.assertEqual(len(run.drops("inbound")), 1, run.drops())
        self.assertIn(next(iter(run.drops("inbound"))), REASONS[case["strict"]])

    @staticmethod
    def says_tunnel(frame):
        at = 14 + (20 if frame[12:14] == b"\x08\0" else 40) + 8
        return len(frame) > at and frame[at] in (4, 41)

    def either(self, policies, case):
        """The policy of the version that the frame says; policies match the same packets."""
        frame = bytes.fromhex(case["frame"])
        at = 14 + (20 if frame[12:14] == b"\x08\0" else 40) + 8
        version = frame[at + 3] >> 2 & 15 if len(frame) > at + 3 else 0
        return [policies[1]] if version == 1 else [policies[0]]
