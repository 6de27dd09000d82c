# SPDX-License-Identifier: BSD-3-Clause
"""Keys and configurations change while packets flow: nothing lost, nothing repeated."""

import os
import random
import shutil
import signal
import time

from harness import A, B, SakerTest, setting
from pair import Pair
from plan import EPOCH, Plan
from test_keys import read_key_file

ROUNDS = setting("SAKER_TEST_ROTATIONS", 12)


class Rotating(SakerTest):
    """Rotates the root keys of a pair of gateways."""

    pair_class = Pair

    def pair(self, plan, **gateway):
        pair = self.pair_class(self, plan, **gateway)
        self.addCleanup(pair.kill)
        pair.start()
        return pair

    def step(self, pair, key):
        """Step the master copy of a key file."""
        run = self.lab.keytool("rotate", key.path)
        self.assertEqual(run.status, 0, run.text())
        read_key_file(key)
        pair.values.learn()

    def load(self, pair, key, site, how):
        """Let a gateway have the new file, in one of several ways."""
        prompt = pair.a if site is A else pair.b
        after = len(prompt.text())
        if how == "install":
            prompt.run("key install %s %s" % (key.name, key.path), "is current")
            return
        pair.give(key, site)
        if how == "reload":
            prompt.run("reload", "reload: done")
        elif how == "signal":
            prompt.process.send_signal(signal.SIGHUP)
            prompt.wait("reload: done", after=after)
        else:
            prompt.wait("has changed", after=after)

    def rotate_many(self, plan):
        pair = self.pair(plan)
        source = random.Random(3)
        for i in range(ROUNDS):
            key = plan.keys[i % len(plan.keys)]
            self.step(pair, key)
            sites = [A, B]
            source.shuffle(sites)
            for site in sites:
                self.load(pair, key, site, ("install", "reload", "signal", "watch")[i % 4])
                pair.sent(source.randrange(1, 200))
            time.sleep(0.7)
            pair.sent(50)
        shown = pair.end(self)
        pair.check(self, shown)
        self.assertGreaterEqual(len(pair.wire.seen), ROUNDS // 2 + 1, pair.wire.seen)
        return pair, shown


class Rotation(Rotating):
    def test_keys_rotate_in_every_way_and_no_packet_is_lost(self):
        pair, shown = self.rotate_many(Plan(self.lab, 1, levels=("zone", "user")))
        seals = [r for r in shown["a"]["keys"] if r["seals"]]
        self.assertEqual(len(seals), 2)
        self.assertTrue(all(r["generation"] == "current" for r in seals))

    def test_keys_rotate_in_the_counter_discipline(self):
        self.rotate_many(Plan(self.lab, 1, sn="counter", replay_window=1024))

    def test_keys_rotate_in_format_s(self):
        """By its options it also says which root key it means."""
        self.rotate_many(Plan(self.lab, 1, form="S", levels=("zone", "user"), mk_options=True))

    def test_keys_rotate_in_format_s_in_the_counter_discipline(self):
        self.rotate_many(Plan(self.lab, 1, form="S", variant=2, sn="counter", replay_window=1024))

    def test_keys_rotate_with_a_key_cache(self):
        self.rotate_many(Plan(self.lab, 1, key_cache=16, variant=2))

    def test_a_gateway_rotates_by_itself_and_hands_its_file_on(self):
        plan = Plan(self.lab, 1)
        key = plan.keys[0]
        pair = self.pair(plan)
        for _ in range(3):
            text = pair.a.run("key rotate " + key.name, "before the next rotation")
            self.assertNotRegex(text, "[0-9a-f]{64}")
            shutil.copyfile(pair.file(key, A), key.path)
            read_key_file(key)
            pair.values.learn()
            self.assertEqual(os.stat(pair.file(key, A)).st_mode & 0o777, 0o600)
            pair.b.run("key install %s %s" % (key.name, key.path), "is current")
            time.sleep(0.7)
            pair.sent(100)
        shown = pair.end(self)
        pair.check(self, shown)
        self.assertEqual([s[0] for s in pair.wire.seen], [7, 8, 9, 10])

    def test_the_configuration_is_reloaded_again_and_again(self):
        plan = Plan(self.lab, 1)
        pair = self.pair(plan)
        for i in range(ROUNDS):
            extra = {"name": "more%d" % i, "dst": "10.200.%d.0/24" % i, "action": "drop"}
            for site, prompt in ((A, pair.a), (B, pair.b)):
                config = dict(pair.config[site])
                config["policies"] = config["policies"] + [extra] * (i % 2)
                self.lab.write_config(config, site.name + ".cfg")
                prompt.run("reload", "reload: done")
            pair.sent(100)
        shown = pair.end(self)
        pair.check(self, shown)


class Faults(SakerTest):
    """What can't be loaded changes nothing, and says why."""

    def pair(self, plan, **gateway):
        pair = Pair(self, plan, **gateway)
        self.addCleanup(pair.kill)
        pair.start()
        return pair

    def refuse(self, prompt, command, *reasons):
        text = prompt.run(command, "nothing was changed")
        for reason in reasons:
            self.assertRegex(text, reason)

    def test_a_faulty_configuration_changes_nothing_and_every_fault_is_told(self):
        plan = Plan(self.lab, 1)
        pair = self.pair(plan)
        before = pair.a.table("config")
        good = pair.config[A]
        group = good["trust_groups"][0]
        for change, reasons in (
                ({"trust_groups": [{**group, "spi": 0, "suite": "des"}]},
                 (r"a\.cfg:\d+: .*spi", r"a\.cfg:\d+: .*suite")),
                ({"policies": good["policies"] + [{"name": "x", "action": "protect",
                                                   "group": "nosuch"}]}, ("nosuch",)),
                ({"trust_groups": [{**group, "sessions": 0}]}, ("sessions",)),
                ({"root_keys": [{**good["root_keys"][0], "file": "nosuch.key"}]},
                 (r"nosuch\.key: ",)),
                ({"trust_groups": [{**group, "session_first": 0, "source_id": "0b"}]},
                 ("source_id",))):
            with self.subTest(str(reasons)):
                self.lab.write_config({**good, **change}, "a.cfg")
                self.refuse(pair.a, "reload", *reasons)
                pair.sent(50)
        for text in ("", "gateway: {", "@include \"/dev/zero\"\n", "\0" * 100):
            self.lab.write_config(text, "a.cfg")
            self.refuse(pair.a, "reload")
        os.unlink(pair.a.path)
        self.refuse(pair.a, "reload", "read|open|directory")
        self.assertEqual(pair.a.table("config"), before)
        pair.sent(50)
        pair.check(self, pair.end(self))
        self.assertEqual(len(pair.wire.seen), 1)

    def test_bad_key_files_change_nothing(self):
        plan = Plan(self.lab, 1)
        key = plan.keys[0]
        pair = self.pair(plan)
        file = pair.file(key, A)
        with open(file, encoding="ascii") as f:
            good = f.read()
        before = pair.a.table("keys")
        other = 'index = 7;\ncurrent = "%s";\n' % ("5a" * 32)
        back = good.replace("index = 7", "index = 6")
        for text, mode, reason in (
                ("", 0o600, "missing"), ("index = 7;", 0o600, "current is missing"),
                (good, 0o644, "chmod 600"), (good * 8000, 0o600, "larger"),
                (good[:150], 0o600, "syntax|hexadecimal|missing"), (good + "x = 1;", 0o600, "x"),
                (other, 0o600, "another value"), (back, 0o600, "goes back"),
                (good.replace("index = 7", "index = 8"), 0o600, "another value|another index")):
            with self.subTest(reason):
                after = len(pair.a.text())
                with open(file + ".new", "w", encoding="ascii") as f:
                    os.fchmod(f.fileno(), mode)
                    f.write(text)
                os.rename(file + ".new", file)
                told = pair.a.wait("nothing was changed", after=after)
                self.assertRegex(told, reason)
                self.refuse(pair.a, "reload", reason)
                self.refuse(pair.a, "key rotate " + key.name)
                self.refuse(pair.a, "key install %s %s" % (key.name, file), reason)
                self.assertNotIn(key.values["current"].hex(), pair.a.text())
        os.unlink(file)
        os.mkfifo(file, 0o600)
        self.refuse(pair.a, "reload", "regular")
        os.unlink(file)
        self.refuse(pair.a, "reload", "can't open")
        with open(file, "w", encoding="ascii") as f:
            os.fchmod(f.fileno(), 0o600)
            f.write(good)
        pair.a.run("reload", "reload: done")
        after = pair.a.table("keys")
        drop = ("age_s", "packets", "data_keys")
        strip = [[{k: v for k, v in r.items() if k not in drop} for r in rows]
                 for rows in (before, after)]
        self.assertEqual(strip[0], strip[1])
        pair.check(self, pair.end(self))
        self.assertEqual(len(pair.wire.seen), 1)

    def test_a_lost_state_directory_stops_no_traffic_but_every_rotation(self):
        plan = Plan(self.lab, 1, sn="counter")
        key = plan.keys[0]
        pair = self.pair(plan)
        blocked = os.path.join(pair.state[A], "sn-reservations.tmp")
        os.mkdir(blocked)
        run = self.lab.keytool("rotate", key.path)
        self.assertEqual(run.status, 0, run.text())
        read_key_file(key)
        pair.values.learn()
        pair.b.run("key install %s %s" % (key.name, key.path), "is current")
        pair.a.run("key install %s %s" % (key.name, key.path), "is current")
        pair.a.wait("SN reservations can't be written")
        time.sleep(0.5)
        pair.sent(100)
        self.assertEqual(len(pair.wire.seen), 1)
        os.rmdir(blocked)
        end = time.monotonic() + 10
        while len(pair.wire.seen) < 2 and time.monotonic() < end:
            time.sleep(0.05)
        pair.check(self, pair.end(self))
        self.assertEqual([s[0] for s in pair.wire.seen], [7, 8])

    def test_what_needs_a_restart_stays_and_is_told(self):
        plan = Plan(self.lab, 1)
        pair = self.pair(plan)
        config = dict(pair.config[A])
        ports = [dict(p) for p in config["ports"]]
        ports[1]["mtu"] = 1700
        extra = {"name": "more", "dst": "10.200.0.0/24", "action": "drop"}
        self.lab.write_config({**config, "ports": ports, "policies": config["policies"] + [extra],
                               "gateway": {**config["gateway"], "driver": "openssl",
                                           "state_dir": "./elsewhere"}}, "a.cfg")
        diff = {r["path"]: r for r in pair.a.table("config diff")}
        self.assertEqual(diff["ports.cipher.mtu"],
                         {"path": "ports.cipher.mtu", "running": "1900", "file": "1700",
                          "takes": "restart"})
        self.assertEqual(diff["gateway.driver"]["takes"], "restart")
        self.assertEqual(diff["policies.more.action"]["takes"], "reload")
        self.assertIsNone(diff["policies.more.action"]["running"])
        text = pair.a.run("reload", "reload: done")
        for name in ("ports.cipher.mtu", "gateway.driver", "gateway.state_dir"):
            self.assertIn(name + " needs a restart", text)
        self.assertEqual({r["path"] for r in pair.a.table("config diff")},
                         {"ports.cipher.mtu", "gateway.driver", "gateway.state_dir"})
        self.assertIn("more", [r["name"] for r in pair.a.table("policies")])
        self.assertFalse(os.path.exists(self.lab.path("elsewhere")))
        ports[1]["name"] = "outside"
        self.lab.write_config({**config, "ports": ports}, "a.cfg")
        text = pair.a.run("reload", "reload: done")
        told = [line.split()[1] for line in text.splitlines() if "needs a restart" in line]
        self.assertEqual(sorted(told), ["ports.cipher.name", "ports.outside.name"], text)
        pair.sent(100)
        pair.check(self, pair.end(self))


class Life(SakerTest):
    def pair(self, plan, **gateway):
        pair = Pair(self, plan, **gateway)
        self.addCleanup(pair.kill)
        pair.start()
        return pair

    def limit(self, pair, **limits):
        config = dict(pair.config[A])
        config["root_keys"] = [{**config["root_keys"][0], **limits}]
        self.lab.write_config(config, "a.cfg")
        pair.a.run("reload", "reload: done")

    def test_a_key_at_its_limit_stops_until_it_is_rotated(self):
        plan = Plan(self.lab, 1)
        key = plan.keys[0]
        pair = self.pair(plan)
        self.limit(pair, max_packets=10**12)
        self.assertEqual(pair.a.table("keys")[1]["life"], "0 % of max_packets")
        self.limit(pair, max_packets=100, on_expiry="stop")
        pair.a.wait("of max_packets; nothing more is sealed with it (key_expired)")
        time.sleep(0.5)
        stopped = pair.wire.packets
        time.sleep(0.5)
        self.assertEqual(pair.wire.packets, stopped)
        drops = {r["reason"] for r in pair.a.table("drops")}
        self.assertEqual(drops, {"key_expired"})
        self.limit(pair, max_packets=10**12, on_expiry="stop")
        pair.sent(100)
        self.limit(pair, max_packets=100, on_expiry="stop")
        run = self.lab.keytool("rotate", key.path)
        self.assertEqual(run.status, 0, run.text())
        read_key_file(key)
        pair.values.learn()
        pair.a.run("key install %s %s" % (key.name, key.path), "is current")
        end = time.monotonic() + 10
        while len(pair.wire.seen) < 2 and time.monotonic() < end:
            time.sleep(0.05)
        self.assertEqual([s[0] for s in pair.wire.seen], [7, 8])
        pair.end(self)
        self.assertEqual(pair.counter.packets, pair.wire.packets)

    def test_age_counts_from_the_file_and_warns_at_80_and_100_percent(self):
        plan = Plan(self.lab, 1)
        key = plan.keys[0]
        with open(key.path, "a", encoding="ascii") as f:
            f.write("since = %dL;\n" % (time.time() - 85))
        pair = self.pair(plan)
        self.limit(pair, max_age=100)
        pair.a.wait("% of max_age; rotate it soon")
        self.limit(pair, max_age=80)
        pair.a.wait("% of max_age; rotate it now")
        row = next(r for r in pair.a.table("keys") if r["seals"])
        self.assertRegex(row["life"], "1[01][0-9] % of max_age")
        self.assertGreaterEqual(row["age_s"], 85)
        pair.sent(100)
        pair.check(self, pair.end(self))


class Epochs(SakerTest):
    def test_an_epoch_is_stepped_forward_only(self):
        plan = Plan(self.lab, 1, sn="counter", replay_window=1024)
        pair = Pair(self, plan)
        self.addCleanup(pair.kill)
        pair.start()
        for bad, why in ((EPOCH, "forward"), (EPOCH - 1, "forward"), ("x", "no epoch"),
                         (-1, "no epoch")):
            pair.a.run("epoch set g1 %s" % bad, why)
        pair.a.run("epoch set nosuch 1", "no trust group")
        for step in range(1, 4):
            for prompt in (pair.b, pair.a):
                prompt.run("epoch set g1 %d" % (EPOCH + step), "is in epoch")
            pair.sent(100)
            pair.a.run("reload", "reload: done")
            pair.sent(100)
        row = next(r for r in pair.a.table("sessions") if r["direction"] == "out")
        self.assertEqual(row["epoch"], EPOCH + 3)
        pair.check(self, pair.end(self))
        self.assertEqual({sn >> 48 for sn in pair.wire.last.values()}, {EPOCH + 3 & 0xFFFF})

    def two(self, one, other):
        """A pair with a second group, which sends nothing."""
        class Two(Pair):
            def site(self, plan, site, settings):
                config = super().site(plan, site, settings)
                config["trust_groups"].append(other.config(site))
                config["policies"] += other.policies(site)
                return config

        pair = Two(self, one)
        self.addCleanup(pair.kill)
        pair.start()
        return pair

    def epochs(self, pair):
        rows = {r["path"]: r["value"] for r in pair.a.table("config")}
        return [int(rows["trust_groups.g%d.epoch" % n]) for n in (1, 2)]

    def test_an_epoch_is_that_of_one_group_also_after_a_reload(self):
        """Groups of two formats may have one SPI."""
        one, two = Plan(self.lab, 1, sn="counter"), Plan(self.lab, 2, sn="counter", form="S")
        two.spi = one.spi
        pair = self.two(one, two)
        pair.a.run("epoch set g1 %d" % (EPOCH + 1), "is in epoch")
        self.assertEqual(self.epochs(pair), [EPOCH + 1, EPOCH])
        pair.a.run("reload", "reload: done")
        self.assertEqual(self.epochs(pair), [EPOCH + 1, EPOCH])
        pair.check(self, pair.end(self))

    def test_an_epoch_that_could_not_be_set_is_forgotten(self):
        plan = Plan(self.lab, 1, sn="counter")
        pair = self.two(plan, Plan(self.lab, 2, sn="counter"))
        blocked = os.path.join(pair.state[A], "sn-reservations.tmp")
        os.mkdir(blocked)
        pair.a.run("epoch set g1 %d" % (EPOCH + 1), "nothing was changed")
        os.rmdir(blocked)
        pair.a.run("reload", "reload: done")
        self.assertEqual(self.epochs(pair), [EPOCH, EPOCH])
        pair.check(self, pair.end(self))
