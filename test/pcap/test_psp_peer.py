# SPDX-License-Identifier: BSD-3-Clause
"""PSP beside others: Scapy's layer, GMAC, and the counters that the specification asks for."""

import ipaddress
import json
import os
import struct
import subprocess
import unittest

import pcapfile
import psp
from harness import A, B, forwarded, packets
from ip import before
from test_esp_peer import PYTHONS
from test_psp import HERE, MASTERS, SUITES, Psp, captures, manifest

PEER = os.path.join(HERE, "scapy_psp.py")
GMACS = os.path.join(HERE, "..", "kat", "vectors", "psp-gmac.json")
COUNTERS = ("rx_good", "rx_auth_fail", "rx_bad_frame", "rx_drop", "tx_good", "tx_drop")


def python_with_layer():
    for python in PYTHONS:
        probe = subprocess.run([python, PEER], input="", capture_output=True, text=True, check=False)
        if probe.returncode not in (77, 127):
            return python
    return None


PYTHON = python_with_layer()


class Pair(Psp):
    def clear(self, size, site=A, seed=0):
        """A UDP packet of some size from a site to the other."""
        src, dst = (bytes((10, n, 0, 5)) for n in ((1, 2) if site is A else (2, 1)))
        body = bytes((seed + i) & 255 for i in range(size))
        udp = (1000 + seed).to_bytes(2, "big") + b"\x12\xb5" + (8 + size).to_bytes(2, "big") + b"\0\0"
        return psp.ip_header(src, dst, 17, 8 + size) + udp + body

    def both(self, n, version, cookie=None, clear=0):
        group = self.group(version, **({"cookie": cookie} if cookie else {}))
        policy = self.policy(group="g%d" % version, dst="10.2.0.0/16", **({"clear_octets": clear} if clear else {}))
        return self.config([group], [policy], gateway=self.fresh_state("peer-%d" % n))

    def outer(self, protected, sender=B):
        src, dst = (ipaddress.ip_address(s.ip4).packed for s in (
            sender, A if sender is B else B))
        return psp.wrap(src, dst, protected)


@unittest.skipUnless(PYTHON, "this machine has no Scapy with its layer for PSP")
class Scapy(Pair):
    def scapy(self, do, key, jobs):
        run = subprocess.run([PYTHON, PEER], capture_output=True, text=True, check=False,
                             input=json.dumps({"do": do, "key": key.hex(), "packets": jobs}))
        self.assertEqual(run.returncode, 0, run.stderr)
        return json.loads(run.stdout)

    def cases(self):
        """Version, cookie, octets in clear. Scapy can't encrypt a cookie."""
        for n, (version, cookie, clear) in enumerate((v, c, o) for v in (0, 1) for c, o in (
                (None, 0), (None, 20), ("0123456789abcdef", 8), ("00" * 8, 36))):
            yield n, version, cookie, clear

    def test_scapy_opens_what_saker_seals(self):
        self.masters()
        mix = [self.clear(s, A, s % 50) for s in (0, 1, 15, 16, 17, 400, 1300)]
        for n, version, cookie, clear in self.cases():
            run = self.lab.run(self.both(n, version, cookie, clear),
                               [pcapfile.ethernet(p) for p in mix])
            self.assertRan(run)
            sealed = [psp.decap(p)[1] for p in packets(run.cipher)]
            key = psp.derive(MASTERS[0], version, int.from_bytes(sealed[0][4:8], "big"))
            got = self.scapy("open", key, [s.hex() for s in sealed])
            self.assertSame([before(bytes.fromhex(g["payload"])) for g in got], mix)
            self.assertEqual({(g["version"], g["next_header"]) for g in got}, {(version, 4)})

    def test_saker_opens_what_scapy_seals(self):
        self.masters()
        mix = [self.clear(s, B, s % 50) for s in (0, 1, 15, 16, 17, 400, 1300)]
        for n, version, cookie, clear in self.cases():
            spi = 0x80001234 + n
            key = psp.derive(MASTERS[1], version, spi)
            offset = min(clear, 20) // 4 if clear else 0
            sealed = self.scapy("seal", key, [
                {"next_header": 4, "version": version, "spi": spi, "iv": "%016x" % (i + 1),
                 "offset": offset, "cookie": cookie, "payload": p.hex()}
                for i, p in enumerate(mix)])
            run = self.lab.run(self.both(n, version), cipher=[
                pcapfile.ethernet(self.outer(bytes.fromhex(s))) for s in sealed])
            self.assertRan(run)
            self.assertEqual(run.drops(), {})
            self.assertSame(forwarded(run.clear), mix)


class Gmac(Pair):
    """Versions 2 and 3: our own reading of them, which nobody has confirmed."""

    def test_known_answers_hold_in_the_second_implementation(self):
        with open(GMACS, encoding="ascii") as f:
            cases = json.load(f)["cases"]
        self.assertEqual({c["version"] for c in cases}, {2, 3})
        for c in cases:
            spi = int(c["spi"], 16)
            masters = [bytes.fromhex(k) for k in c["master_keys"]]
            key = psp.derive(masters[spi >> 31], c["version"], spi)
            self.assertEqual(key.hex(), c["derived_key"])
            sealed = psp.seal(key, c["version"], spi, int(c["iv"], 16), c["next_header"],
                              bytes.fromhex(c["payload"]), c["crypt_offset"],
                              bytes.fromhex(c["vc"]) if c["vc"] else None)
            self.assertEqual(sealed.hex(), c["psp"], c["name"])

    @captures
    def test_the_packets_of_another_model_verify(self):
        m = manifest()
        masters = [bytes.fromhex(k) for k in m["master_keys"]]
        self.assertEqual(len(m["gmac"]), 16)
        for case in m["gmac"]:
            spi, data = int(case["spi"], 16), bytes.fromhex(case["psp"])
            self.assertEqual(psp.derive(masters[spi >> 31], case["version"], spi).hex(), case["key"])
            self.assertEqual(psp.open_psp(masters, data).spi, spi)
            damaged = data[:20] + bytes((data[20] ^ 1,)) + data[21:]
            self.assertRaises(psp.Refused, psp.open_psp, masters, damaged)

    def test_saker_seals_and_opens_them_when_it_is_told_to_and_warns(self):
        self.masters()
        mix = [self.clear(s, A, s % 50) for s in (0, 1, 400, 1300)]
        for version in (2, 3):
            spi = 0x80002222
            key = psp.derive(MASTERS[1], version, spi)
            back = [self.clear(s, B) for s in (0, 7, 900)]
            sealed = [psp.seal(key, version, spi, i + 1, 4, p) for i, p in enumerate(back)]
            run = self.lab.run(self.both(version, version), [pcapfile.ethernet(p) for p in mix],
                               [pcapfile.ethernet(self.outer(s)) for s in sealed])
            self.assertRan(run)
            self.assertIn("not verified", run.err)
            self.assertEqual(run.drops(), {})
            self.assertSame(forwarded(run.clear), back)
            got = [psp.open_psp(MASTERS, psp.decap(p)[1]).payload for p in packets(run.cipher)]
            self.assertSame([before(p) for p in got], mix)

    def test_a_group_that_does_not_name_a_version_takes_none_of_them(self):
        self.masters()
        for suite in SUITES:
            group = self.group(1, suite=suite)
            del group["version"]
            config = self.config([group], [self.policy()], gateway=self.fresh_state(suite))
            frames = []
            for version in (2, 3):
                key = psp.derive(MASTERS[0], version, 5)
                frames.append(pcapfile.ethernet(self.outer(
                    psp.seal(key, version, 5, 1, 4, self.clear(20, B)))))
            run = self.lab.run(config, cipher=frames)
            self.assertRan(run)
            self.assertEqual(run.drops("inbound"), {"bad_version": 2})


class Counters(Pair):
    def counted(self, clear=(), cipher=(), config=None):
        run = self.lab.run(config or self.both(1, 1, "0011223344556677"),
                           [pcapfile.ethernet(p) for p in clear],
                           [pcapfile.ethernet(self.outer(p)) if isinstance(p, bytes) else p[0]
                            for p in cipher],
                           commands=["start", "drain", "show psp json", "show metrics",
                                     "show drops json", "quit"])
        self.assertRan(run)
        rows = run.shown["psp"]
        self.assertEqual([r["counter"] for r in rows], list(COUNTERS))
        for r in rows:
            self.assertIn('saker_psp_packets_total{counter="%s"} %d\n' % (
                r["counter"], r["packets"]), run.out)
            self.assertIn('saker_psp_bytes_total{counter="%s"} %d\n' % (
                r["counter"], r["octets"]), run.out)
        return {r["counter"]: (r["packets"], r["octets"]) for r in rows if r["packets"]}

    def sealed(self, size=100, spi=0x80000777, version=1, iv=1, **changes):
        key = psp.derive(MASTERS[spi >> 31], version, spi)
        return psp.seal(key, version, spi, iv, 4, self.clear(size, B), **changes)

    def test_good_packets_count_what_lies_between_iv_and_icv(self):
        self.masters()
        got = self.counted([self.clear(100), self.clear(1)],
                           [self.sealed(50), self.sealed(60, cookie=b"12345678", offset=2)])
        self.assertEqual(got, {"tx_good": (2, 2 * (28 + 8) + 101),
                               "rx_good": (2, 2 * 28 + 110 + 8)})

    def test_packets_with_a_wrong_icv_are_authentication_failures(self):
        self.masters()
        bad = bytearray(self.sealed(50))
        bad[-1] ^= 1
        self.assertEqual(self.counted(cipher=[bytes(bad)]), {"rx_auth_fail": (1, 78)})

    def test_frames_that_are_malformed_are_bad_frames(self):
        self.masters()
        good = self.sealed(50)
        cut = bytearray(self.outer(good))
        cut[24:26] = (9999).to_bytes(2, "big")  # the UDP length
        frames = [good[:31], good[:1] + b"\xff" + good[2:], good[:2] + b"\x3f" + good[3:],
                  good[:3] + b"\x04" + good[4:], good[:3] + b"\x07" + good[4:],
                  (pcapfile.ethernet(bytes(cut)),)]
        packets_, octets = self.counted(cipher=frames)["rx_bad_frame"]
        self.assertEqual((packets_, octets), (6, 5 * 78))

    def test_everything_else_is_a_drop(self):
        self.masters()
        good = self.sealed(50)
        reserved = good[:4] + bytes((0x80, 0, 0, 0)) + good[8:]
        foreign = psp.seal(psp.derive(MASTERS[1], 1, 0x80000001), 1, 0x80000001, 3, 4,
                           self.clear(50, A))  # from a source that the policy does not have there
        unknown = good[:3] + b"\x15" + good[4:]
        dropped = self.mark(good)
        got = self.counted(cipher=[reserved, foreign, unknown, dropped])
        self.assertEqual(got, {"rx_drop": (4, 4 * 78)})

    def mark(self, good):
        """The same with bit D, sealed again."""
        spi = int.from_bytes(good[4:8], "big")
        key = psp.derive(MASTERS[spi >> 31], 1, spi)
        header = good[:3] + bytes((good[3] | 0x40,)) + good[4:16]
        return header + psp.AESGCM(key).encrypt(header[4:16], self.clear(50, B), header)

    def test_what_can_not_be_sent_is_a_drop(self):
        self.masters()
        config = self.both(1, 1, "0011223344556677")
        config["ports"][1]["mtu"] = 1280
        got = self.counted([self.clear(1300), self.clear(10)], config=config)
        self.assertEqual(got["tx_drop"], (1, 1328 + 8))
        self.assertEqual(got["tx_good"], (1, 38 + 8))


class Checks(Pair):
    """What a receiver looks at, in the order of the specification's note, each with its reason."""

    SPI = 0x80000777

    def sealed(self, inner=None, next_header=4, **changes):
        key = psp.derive(MASTERS[1], 1, self.SPI)
        return psp.seal(key, 1, self.SPI, 5, next_header, inner or self.clear(50, B), **changes)

    def resealed(self, flags):
        """With other flags in octet 3, and a right ICV."""
        good = self.sealed()
        header = good[:3] + bytes((flags,)) + good[4:16]
        key = psp.derive(MASTERS[1], 1, self.SPI)
        return header + psp.AESGCM(key).encrypt(header[4:16], self.clear(50, B), header)

    def patched(self, at, value, packet=None):
        """Octets of the outer packet replaced; the IPv4 checksum is made right again."""
        packet = bytearray(packet or self.outer(self.sealed()))
        packet[at : at + len(value)] = value
        head = bytes(packet[:10]) + bytes(2) + bytes(packet[12:20])
        total = sum(struct.unpack(">10H", head))
        total = (total & 0xFFFF) + (total >> 16)
        return head[:10] + struct.pack(">H", 0xFFFF - total) + head[12:] + bytes(packet[20:])

    def frames(self):
        """(frame, reason) of each check that drops."""
        good = self.sealed()
        bad_icv = good[:-1] + bytes((good[-1] ^ 1,))
        nothing = psp.seal(psp.derive(MASTERS[1], 1, self.SPI), 1, self.SPI, 5, 4,
                           self.clear(4, B)[:32], 8)
        nothing = nothing[:-1] + bytes((nothing[-1] ^ 1,))
        checksum = bytearray(self.outer(good))
        checksum[10] ^= 1
        yield pcapfile.ethernet(self.outer(good))[:12] + b"\x88\xb5" + bytes(60), "not_ip"
        yield self.patched(2, b"\x0f\xff"), "ip_length"
        yield bytes(checksum), "ip_checksum"
        yield self.patched(22, b"\x03\xe9"), "clear_refused"
        yield self.patched(24, b"\x00\x10"), "udp_length"
        yield self.patched(26, b"\x12\x34"), "udp_checksum"
        for octets, reason in (
                (good[:31], "runt"), (good[:1] + b"\0" + good[2:], "opt_length"),
                (good[:1] + b"\x40" + good[2:], "opt_length"),
                (good[:2] + b"\x3f" + good[3:], "clear_range"),
                (good[:3] + b"\x11" + good[4:], "bad_version"),
                (good[:3] + b"\x04" + good[4:], "reserved_bits"),
                (good[:3] + b"\x07" + good[4:], "cookie_missing"),
                (good[:4] + b"\x80\0\0\0" + good[8:], "spi_reserved"),
                (good[:4] + bytes(4) + good[8:], "spi_reserved"),
                (bad_icv, "bad_icv"), (nothing, "bad_icv"),
                (self.resealed(0x45), "drop_bit"),
                (self.sealed(next_header=41), "payload_info"),
                (self.sealed(self.clear(50, B)[:19]), "inner_form"),
                (self.sealed(next_header=17), "mode"),
                (self.sealed(self.clear(50, A)), "inner_policy")):
            yield self.outer(octets), reason

    def test_each_check_has_a_reason_of_its_own(self):
        self.masters()
        frames = list(self.frames())
        want = {}
        for _, reason in frames:
            want[reason] = want.get(reason, 0) + 1
        run = self.lab.run(self.both(1, 1), cipher=[
            f if reason == "not_ip" else pcapfile.ethernet(f) for f, reason in frames])
        self.assertRan(run)
        self.assertEqual(forwarded(run.clear), [])
        self.assertEqual(run.drops("inbound"), want)

    def test_what_a_receiver_must_not_look_at_passes(self):
        self.masters()
        good = self.clear(50, B)
        header = bytearray(self.sealed()[:16])
        header[2] = 0xC0  # R
        header[3] |= 0x80  # S
        key = psp.derive(MASTERS[1], 1, self.SPI)
        reserved = bytes(header) + psp.AESGCM(key).encrypt(
            bytes(header[4:16]), good, bytes(header))
        header[1], header[2] = 3, 4  # 16 octets of an extension, in clear
        extended = bytes(header) + bytes(range(16)) + psp.AESGCM(key).encrypt(
            bytes(header[4:16]), good, bytes(header) + bytes(range(16)))
        run = self.lab.run(self.both(1, 1), cipher=[
            pcapfile.ethernet(self.outer(p)) for p in (reserved, extended, self.sealed())])
        self.assertRan(run)
        self.assertEqual(run.drops("inbound"), {})
        self.assertSame(forwarded(run.clear), [good] * 3)

    def test_a_lone_fragment_is_kept_back_and_fragments_that_join_are_opened(self):
        self.masters()
        whole = self.outer(self.sealed())
        cut = 20 + 64
        first = self.patched(2, struct.pack(">HHH", cut, 7, 0x2000), whole)[:cut]
        rest = self.patched(2, struct.pack(">HHH", len(whole) - 64, 7, 8), whole)
        rest = rest[:20] + whole[cut:]
        run = self.lab.run(self.both(1, 1), cipher=[pcapfile.ethernet(p) for p in (first, rest)])
        self.assertRan(run)
        self.assertSame(forwarded(run.clear), [self.clear(50, B)])
        run = self.lab.run(self.both(2, 1), cipher=[pcapfile.ethernet(first)])
        self.assertRan(run)
        self.assertEqual(forwarded(run.clear), [])
