# SPDX-License-Identifier: BSD-3-Clause
"""Bad configurations, bad key files, options of the program, unusable state."""

import os
import re
import unittest

import pcapfile
from harness import A, B, SakerTest, packets, program
from plan import Plan, make_config
from sender import Sender

GOOD = """\
gateway: { name = "gw-a"; state_dir = "./state"; };
ports:
(
  { name = "clear"; device = "net_pcap0"; role = "clear"; mtu = 1500;
    next_hop_mac = "02:00:00:00:00:02"; },
  { name = "cipher"; device = "net_pcap1"; role = "cipher"; address = "192.0.2.1";
    address6 = "2001:db8::1"; mtu = 1600; next_hop_mac = "02:00:00:00:00:03"; }
);
root_keys:
(
  { name = "zone-x"; level = "zone";
    id = "00112233445566778899aabbccddeeff"; file = "zone-x.key"; },
  { name = "user-x"; level = "user";
    id = "00112233445566778899aabbccddee00"; file = "user-x.key"; },
  { name = "zone-y"; level = "zone";
    id = "00112233445566778899aabbccddee11"; file = "zone-y.key"; }
);
trust_groups:
(
  { name = "one"; spi = 0x1001;
    variant = "source-id";
    root_keys = [ "zone-x", "user-x" ];
    source_id = "0a000001";
    max_clear = 64; max_ioffset = 4;
  },
  { name = "two"; spi = 0x1002; variant = "source-ip";
    root_keys = [ "zone-x" ];
    sn = "counter"; epoch = 20000;
  }
);
policies:
(
  { name = "p1"; src = "10.1.0.0/16"; dst = "10.2.0.0/16"; action = "protect"; group = "one";
    local = "192.0.2.1"; peer = "192.0.2.2"; },
  { name = "p2"; src = "10.1.0.0/16"; dst = "10.3.0.0/16"; action = "protect"; group = "two";
    local = "192.0.2.1"; peer = "192.0.2.2"; },
  { name = "rest"; action = "drop"; }
);
"""

# What is replaced, by what, and a word that the message must hold. The fault stands in the line of
# the replacement's "@", or where it begins.
FAULTS = [
    ('name = "gw-a";', 'nmae = "gw-a";', "nmae"),
    ('state_dir = "./state";', "state_dir = 7;", "state_dir"),
    ("mtu = 1500;", "mtu = 15;", "mtu"),
    ("mtu = 1500;", 'mtu = "1500";', "mtu"),
    ('role = "clear"; mtu', 'role = "clean"; mtu', "clean"),
    ('"02:00:00:00:00:02"', '"02:00:00:00:00"', "next_hop_mac"),
    ('address = "192.0.2.1";', 'address = "192.0.2.256";', "address"),
    ('address = "192.0.2.1";', 'address = "2001:db8::7";', "address"),
    ('device = "net_pcap1"', 'device = "net_pcap0"', "net_pcap0"),
    ('level = "user";', 'level = "zoo";', "zoo"),
    ('id = "00112233445566778899aabbccddeeff"', 'id = "0011223344"', "id"),
    ('id = "00112233445566778899aabbccddeeff"', 'id = "00112233445566778899aabbccddeefg"', "id"),
    ('id = "00112233445566778899aabbccddeeff"', 'id = "00112233445566778899aabbccddeeff00"', "id"),
    ('id = "00112233445566778899aabbccddee11"', 'id = "00112233445566778899aabbccddeeff"', "id"),
    ('{ name = "user-x";', '{ name = "zone-x";', "zone-x"),
    ("spi = 0x1001;", "spi = 0;", "spi"),
    ("spi = 0x1002;", "spi = 0x1001;", "spi"),
    ("spi = 0x1001;", "spi = 0x100000000L;", "spi"),
    ('variant = "source-id";', 'variant = "source";', "variant"),
    ('variant = "source-id";', 'variant = "source-id-64";', "source_id"),
    ('variant = "source-id";', 'variant = "source-id"; format = "she";', "she"),
    ('variant = "source-id";', 'variant = "source-id"; format = "seh"; sessions = 4;', "sessions"),
    ('variant = "source-id";', 'variant = "source-id"; suite = "aes-512-gcm";', "aes-512-gcm"),
    ('variant = "source-id";', 'variant = "source-id"; sessions = 0;', "sessions"),
    ('variant = "source-id";', 'variant = "source-id"; session_first = 65535;', "session"),
    ('variant = "source-id";', 'variant = "source-id"; slot_ms = 77;', "slot_ms"),
    ('variant = "source-id";', 'variant = "source-id"; slot_ms = 5;', "slot_ms"),
    ('variant = "source-id";', 'variant = "source-id"; window_ms = 50;', "window_ms"),
    ('variant = "source-id";', 'variant = "source-id"; rekey_shift = 48;', "rekey_shift"),
    ('variant = "source-id";', 'variant = "source-id"; max_blocks = 0;', "max_blocks"),
    ('variant = "source-id";', 'variant = "source-id"; start_guard = "no";', "start_guard"),
    ('variant = "source-id";', 'variant = "source-id"; replay = "some";', "replay"),
    ('variant = "source-id";', 'variant = "source-id"; replay_window = 63;', "replay_window"),
    ('variant = "source-id";', 'variant = "source-id"; encap = "gre";', "encap"),
    ('variant = "source-id";', 'variant = "source-id"; udp_port = 0;', "udp_port"),
    ('variant = "source-id";', 'variant = "source-id"; encap = "ip"; protocol = 6;', "protocol"),
    ('variant = "source-id";', 'variant = "source-id"; master_key_options = [ "task" ];', "task"),
    ('variant = "source-id";', 'variant = "source-id"; data_keys = "x.keys";', "data_keys"),
    ('variant = "source-ip";', 'variant = "source-ip"; source_id = "0a000001";', "source_id"),
    ('variant = "source-ip";', 'variant = "source-ip"; role = "server";', "role"),
    ('variant = "source-id";', 'variant = "source-id"; role = "client"; rekey_shift = 24;',
     "rekey_shift"),
    ('source_id = "0a000001";', 'source_id = "0a0001";', "source_id"),
    ('{ name = "one"; spi = 0x1001;', '{ name = "one"; spy = 1; spi = 0x1001;', "spy"),
    ("max_clear = 64;", "max_clear = 63;", "max_clear"),
    ("max_ioffset = 4;", "max_ioffset = 16;", "max_ioffset"),
    ('root_keys = [ "zone-x", "user-x" ]', 'root_keys = [ "zone-x", "user-z" ]', "user-z"),
    ('root_keys = [ "zone-x", "user-x" ]', 'root_keys = [ "zone-x", "zone-y" ]', "zone"),
    ('root_keys = [ "zone-x", "user-x" ]', "root_keys = [ ]", "root_keys"),
    ("sn = \"counter\"; epoch = 20000;", '@sn = "counter";', "epoch"),
    ('dst = "10.2.0.0/16"', 'dst = "10.2.0.1/16"', "10.2.0.1/16"),
    ('dst = "10.2.0.0/16"', 'dst = "fd00::/16"', "dst"),
    ('dst = "10.2.0.0/16"', 'dst = "10.2.0.0/33"', "dst"),
    ('action = "protect"; group = "one";', 'action = "protest"; group = "one";', "protest"),
    ('action = "protect"; group = "one";', 'action = "protect"; group = "three";', "three"),
    ('action = "protect"; group = "one";', 'action = "protect"; group = "one"; dport = 53;',
     "proto"),
    ('action = "protect"; group = "one";', 'action = "protect"; group = "one"; proto = 256;',
     "proto"),
    ('action = "protect"; group = "one";', 'action = "protect"; group = "one"; ioffset = 2;',
     "ioffset"),
    ('action = "protect"; group = "one";', 'action = "protect"; group = "one"; clear_octets = 30;',
     "clear_octets"),
    ('action = "protect"; group = "one";',
     'action = "protect"; group = "one"; mode = "transport";', "addresses"),
    ('action = "protect"; group = "one";',
     'action = "protect"; group = "one"; client = "0a000002";', "client"),
    ('name = "rest"; action = "drop";', 'name = "rest"; action = "drop"; mode = "tunnel";',
     "mode"),
    ('name = "rest"; action = "drop";', 'name = "p1"; action = "drop";', "p1"),
    ('name = "rest"; action = "drop";', 'name = "rest";', "action"),
    ('local = "192.0.2.1"; peer = "192.0.2.2"; },\n  { name = "p2"',
     'local = "192.0.2.1"; peer = "192.0.2.1"; },\n  { name = "p2"', "peer"),
    ('local = "192.0.2.1"; peer = "192.0.2.2"; },\n  { name = "p2"',
     'local = "192.0.2.9"; peer = "192.0.2.2"; },\n  { name = "p2"', "local"),
    ('local = "192.0.2.1"; peer = "192.0.2.2"; },\n  { name = "p2"',
     'local = "192.0.2.1"; peer = "2001:db8::2"; },\n  { name = "p2"', "peer"),
    ("policies:", "policy:", "policy"),
    ("epoch = 20000;", "epoch = ;", "syntax"),
]


def line_of(text, at):
    return text.count("\n", 0, at) + 1


class Faults(SakerTest):
    def setUp(self):
        super().setUp()
        for name in ("zone-x", "user-x", "zone-y"):
            self.lab.key(name)

    def check(self, text):
        run = self.lab.check_config(text)
        return run, run.out + run.err

    def spoil(self, text, old, new):
        """(text with a fault, lines where it may be told)"""
        self.assertIn(old, text)
        at = text.index(old)
        start = line_of(text, at)
        new = new.replace("@", "")
        first_line = text.rfind("{ name", 0, at)  # of the object: for what is missing
        return text[:at] + new + text[at + len(old) :], {start, line_of(text, max(first_line, 0))}

    def test_good_configuration_is_called_good(self):
        run, text = self.check(GOOD)
        self.assertEqual((run.status, text.strip()[-4:]), (0, "good"), run.text())

    def test_each_fault_is_named_with_file_and_line(self):
        for old, new, word in FAULTS:
            with self.subTest(new):
                text, lines = self.spoil(GOOD, old, new)
                run, said = self.check(text)
                self.assertEqual(run.status, 1, run.text())
                told = {int(n) for n in re.findall(r"check\.cfg:(\d+):", said)}
                # or where the other setting of the two stands
                lines |= {n for n, line in enumerate(text.splitlines(), 1) if word + " =" in line}
                self.assertTrue(told & lines, "%s not in\n%s" % (lines, said))
                self.assertIn(word, said)

    def test_all_faults_are_told_at_once(self):
        text, want = GOOD, []
        for old, new in (
            ("mtu = 1500;", "mtu = 15;"), ('level = "user";', 'level = "zoo";'),
            ("spi = 0x1001;", "spi = 0;"), ("epoch = 20000;", "epoch = -1;"),
            ('dst = "10.2.0.0/16"', 'dst = "10.2.0.0/33"'),
            ('name = "rest"; action = "drop";', 'name = "rest"; action = "dorp";'),
        ):
            text, lines = self.spoil(text, old, new)
            want.append(lines)
        run, said = self.check(text)
        told = {int(n) for n in re.findall(r"check\.cfg:(\d+):", said)}
        self.assertEqual(run.status, 1)
        for lines in want:
            self.assertTrue(told & lines, "%s not in\n%s" % (lines, said))

    def test_a_missing_or_unreadable_file_is_a_fault(self):
        for path in (self.lab.path("none.cfg"), self.lab.dir):
            run = self.lab.execute([program("SAKER"), "--", "-c", path, "--check-config"], 20)
            self.assertEqual(run.status, 1, run.text())
            self.assertIn(path, run.err)

    def test_nothing_is_written_or_sent_with_a_fault(self):
        plan = Plan(self.lab, 1)
        config = make_config(self.lab, [plan], groups=[plan.config(A, sessions=0)])
        run = self.lab.run(config, [pcapfile.ethernet(plan.inner(A, 4, 100))])
        self.assertEqual(run.status, 1, run.text())
        self.assertEqual(packets(run.cipher), [])
        self.assertFalse(os.path.exists(self.lab.path("state-a")))

    def test_checking_changes_nothing(self):
        before = sorted(os.listdir(self.lab.dir))
        run = self.lab.check_config(GOOD)
        self.assertEqual(run.status, 0)
        new = set(os.listdir(self.lab.dir)) - set(before)
        self.assertTrue(all(re.match(r"check\.cfg|std", name) for name in new), new)


class KeyFiles(SakerTest):
    def refuse(self, *words):
        run = self.lab.check_config(GOOD)
        self.assertEqual(run.status, 1, run.text())
        for word in words:
            self.assertIn(word, run.err)
        for key in self.lab.keys.values():
            for value in key.values.values():
                self.assertNotIn(value.hex()[:16], run.out + run.err)

    def setUp(self):
        super().setUp()
        for name in ("zone-x", "user-x", "zone-y"):
            self.lab.key(name)
        self.key = self.lab.keys["zone-x"]

    def write(self, text):
        with open(self.key.path, "w", encoding="ascii") as f:
            f.write(text)

    def test_modes_that_let_others_in_are_refused(self):
        for mode in (0o644, 0o640, 0o620, 0o601):
            with self.subTest(oct(mode)):
                os.chmod(self.key.path, mode)
                self.refuse("zone-x.key", "chmod 600")

    def test_a_missing_file_and_one_that_is_no_file_are_refused(self):
        os.unlink(self.key.path)
        self.refuse("zone-x.key")
        os.mkdir(self.key.path)
        self.refuse("zone-x.key")

    @unittest.skipUnless(os.getuid() == 0, "needs root to give a file away")
    def test_a_file_of_another_user_is_refused(self):
        os.chown(self.key.path, 12345, -1)
        self.refuse("zone-x.key", "12345")

    def test_malformed_files_are_refused_with_the_line(self):
        value = self.key.values["current"].hex()
        for text, words in (
            ("index = 7;\ncurrent = \"%s\";\n" % value[:-2], ("zone-x.key:2",)),
            ("index = 7;\ncurrent = \"%s\";\n" % (value + "00"), ("zone-x.key:2",)),
            ("index = 7;\ncurrent = \"%s\";\n" % ("g" + value[1:]), ("zone-x.key:2",)),
            ("current = \"%s\";\n" % value, ("index",)),
            ("index = 7;\n", ("current",)),
            ("index = -1;\ncurrent = \"%s\";\n" % value, ("zone-x.key:1",)),
            ("index = 7;\nfuture = 1;\ncurrent = \"%s\";\n" % value, ("zone-x.key:2", "future")),
            ("index = 7;\ncurrent = \"%s\";\nnext = \"%s\";\n" % (value, value), ("equal",)),
            ("index = 7;\ncurrent = \"%s\";\n" % ("00" * 32), ("zero",)),
            ("index = \n", ("zone-x.key:",)),
            ("", ("zone-x.key",)),
        ):
            with self.subTest(text[:40]):
                self.write(text)
                self.refuse("zone-x.key", *words)

    def test_one_value_in_two_levels_is_refused(self):
        user = self.lab.keys["user-x"]
        user.values["next"] = self.key.values["pre"]
        user.write()
        self.refuse("same value", "zone-x", "user-x")

    def test_a_zero_master_key_is_refused(self):
        """Three values whose exclusive-or is zero, none of them zero or equal."""
        task = self.lab.key("task-x")
        a, b = self.key.values["current"], self.lab.keys["user-x"].values["current"]
        task.values["current"] = bytes(x ^ y for x, y in zip(a, b))
        task.write()
        text = GOOD.replace('root_keys = [ "zone-x", "user-x" ]',
                            'combine = "xor"; root_keys = [ "zone-x", "user-x", "task-x" ]')
        text = text.replace("root_keys:\n(", 'root_keys:\n(  { name = "task-x"; level = "task"; '
                            'id = "%s"; file = "task-x.key"; },' % task.id.hex())
        run = self.lab.check_config(text)
        self.assertEqual(run.status, 1, run.text())
        self.assertIn("zero master key", run.err)
        self.assertEqual(self.lab.check_config(text.replace('"xor"', '"hkdf"')).status, 0)


class Options(SakerTest):
    def saker(self, *args):
        return self.lab.execute([program("SAKER"), *args], 20)

    def test_version_and_help_need_no_eal(self):
        for args in (["--version"], ["--", "--version"], ["--", "-V"]):
            run = self.saker(*args)
            self.assertEqual(run.status, 0, run.text())
            self.assertRegex(run.out, r"^saker \d+\.\d+\.\d+\n$")
        for args in (["--help"], ["--", "--help"], ["--", "-h"]):
            run = self.saker(*args)
            self.assertEqual(run.status, 0, run.text())
            for option in ("--config", "--check-config", "--cmdline-file", "--stats-period",
                           "--crypto-driver", "--drain", "--version", "--help", "-i"):
                self.assertIn(option, run.out)

    def test_wrong_usage_ends_with_two_and_says_why(self):
        for args, word in (
            (["--", "-c", "x", "--dry"], "--dry"), (["--", "-q"], "-q"), (["--"], "-c"),
            (["--", "-c"], "-c"), (["--", "-c", "x", "extra"], "extra"), ([], "--"),
            (["--", "-c", "x", "--stats-period", "soon"], "soon"),
        ):
            with self.subTest(args):
                run = self.saker(*args)
                self.assertEqual(run.status, 2, run.text())
                self.assertIn(word, run.err)

    def test_an_unknown_crypto_driver_is_refused(self):
        plan = Plan(self.lab, 1)
        run = self.lab.run(make_config(self.lab, [plan]), driver="quantum")
        self.assertEqual(run.status, 1, run.text())
        self.assertIn("\n--crypto-driver quantum: there is no such", "\n" + run.err)
        config = make_config(self.lab, [plan])
        config["gateway"]["driver"] = "quantum"
        run = self.lab.run(config)
        self.assertEqual(run.status, 1, run.text())
        self.assertRegex(run.err, r"run-\d+\.cfg:\d+: driver quantum: there is no such")

    def test_a_missing_device_is_refused_with_its_port(self):
        plan = Plan(self.lab, 1)
        config = make_config(self.lab, [plan])
        config["ports"][0]["device"] = "net_pcap7"
        run = self.lab.run(config)
        self.assertEqual(run.status, 1, run.text())
        self.assertRegex(run.err, r"cfg:\d+:.*net_pcap7")

    def test_a_wrong_command_in_a_file_ends_with_one(self):
        plan = Plan(self.lab, 1)
        commands = ["show nonsense", "start", "quit"]
        run = self.lab.run(make_config(self.lab, [plan]), commands=commands)
        self.assertEqual(run.status, 1, run.text())
        self.assertIn("nonsense", run.err + run.out)

    def test_every_show_answers_in_text_and_json(self):
        plan = Plan(self.lab, 1)
        nouns = ["stages", "drops", "keys", "groups", "policies", "sessions", "config",
                 "port info", "port stats", "port xstats"]
        commands = ["start", "drain"] + ["show " + n for n in nouns]
        commands += ["show %s json" % n for n in nouns] + ["clear drops", "quit"]
        frames = [plan.sealed_frame(A, plan.inner(A, 4, 100, i)) for i in range(3)]
        run = self.lab.run(make_config(self.lab, [plan]), frames, frames, commands=commands)
        self.assertRan(run)
        for noun in ("stages", "drops", "keys", "groups", "policies", "sessions"):
            self.assertIn(noun, run.shown)
        for key in self.lab.keys.values():
            for value in key.values.values():
                self.assertNotIn(value.hex()[:16], run.out + run.err)


class State(SakerTest):
    def refused(self, config, plan):
        """Nothing is sealed; opening goes on."""
        clear = plan.inner(B, 4, 99)
        run = self.lab.run(config, [pcapfile.ethernet(plan.inner(A, 4, 100))] * 5,
                           [plan.sealed_frame(B, clear)])
        self.assertEqual(run.status, 1, run.text())
        self.assertEqual(packets(run.cipher), [])
        self.assertIn("state-a", run.err)
        self.assertRegex(run.err, "refuses? to send")
        return run

    def test_a_corrupt_state_file_stops_sending(self):
        plan = Plan(self.lab, 1)
        config = make_config(self.lab, [plan])
        self.assertRan(self.lab.run(config, [pcapfile.ethernet(plan.inner(A, 4, 100))]))
        path = os.path.join(self.lab.path("state-a"), "sn-reservations")
        with open(path, "rb") as f:
            good = f.read()
        for bad in (b"", good[:-2], good[: len(good) // 2], good.replace(b"1", b"2", 1),
                    b"garbage\n", good + good[-10:]):
            with self.subTest(len(bad)):
                with open(path, "wb") as f:
                    f.write(bad)
                self.refused(config, plan)

    def test_an_unwritable_state_directory_stops_sending(self):
        plan = Plan(self.lab, 1)
        config = make_config(self.lab, [plan])
        with open(self.lab.path("state-a"), "w", encoding="ascii") as f:
            f.write("in the way")
        self.refused(config, plan)
        os.unlink(self.lab.path("state-a"))
        config["gateway"]["state_dir"] = "./no/such/parent/state-a"
        self.refused(config, plan)

    def test_two_programs_never_share_a_state_directory(self):
        plan = Plan(self.lab, 1)
        config = make_config(self.lab, [plan])
        first = Sender(self, plan, {})
        try:
            self.assertTrue(first.wait_sent(100))
            self.refused(config, plan)
        finally:
            first.kill()
