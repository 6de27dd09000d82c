# SPDX-License-Identifier: BSD-3-Clause
"""What may change under traffic: keys, the configuration, and the life of a gateway."""

import contextlib
import itertools
import re
import signal
import subprocess
import threading
import time

import features
from config_text import config_text
from echo import sweep
from gateway import program
from stream import both_ways
from transfer import Conversation, Iperf
from wan import Sniffer
from world import A, B, PATIENT, SECONDS, WORKERS, World, WorldTest

PERIOD_S = 1.0
GRACE_MS = 200  # new keys are accepted so long before they seal
NOTICE_S = 3.0
RATE = "20M"  # of TCP: what a capture in Python follows
CUT_S = 1.0
LONGEST_S = 20  # that a restart may take


class Change(WorldTest):
    FLOWS, PACKETS = 1, 1500  # of the numbered streams, packets in a second

    @contextlib.contextmanager
    def every_second(self, act):
        """Something happens every second, beside what the caller does meanwhile."""
        done, faults = threading.Event(), []

        def run():
            while not done.wait(PERIOD_S):
                try:
                    act()
                except Exception as e:  # told by the main thread
                    faults.append(e)
                    return
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()
        self.assertEqual(faults, [], self.world.text())

    def traffic_meets(self, act, seconds):
        """All kinds of traffic, while `act` is called every second."""
        w = self.world
        out, back = both_ways(w, A, B, flows=self.FLOWS, rate=self.PACKETS)
        with Sniffer(w.wan, "wan-a") as seen, self.every_second(act):
            with out, back:
                tcp = Iperf(w.host[A], w.host[B], A.host(4), seconds, rate=RATE)
                unanswered = sweep(w.host[B], 6, A.host(6), range(0, 1300, 3))
                got = tcp.result()
        self.assertNoDrops()
        for stream in (out, back):
            self.assertGreater(stream.total(), 1000)
            self.assertEqual(stream.lost(), [])
            self.assertEqual(stream.repeated(), 0)
            self.assertEqual(stream.disordered(), [])
        self.assertEqual(unanswered, [])
        self.assertTrue(all(got), "octets by second: %s" % got)
        self.wan_is_sound(seen)
        return seen

    def wan_is_sound(self, seen):
        self.assertEqual(seen.lost, 0, "the capture is not whole")
        self.assertGreater(len(seen.sealed()), 1000)
        self.assertEqual(seen.repeats(), {}, "SNs that were used twice")
        self.assertEqual(seen.clear(), [])


class Keys(Change):
    """Root keys rotate: at the prompt of one gateway, by a file that is installed, by a file that
    is put in place and noticed."""

    class LiveWorld(World):
        def config(self, site, **changes):
            grace = {"rotate_grace_ms": GRACE_MS}
            live = features.has_setting("gateway", "rotate_grace_ms")
            return super().config(site, gateway=grace if live else None, **changes)

    KIND = LiveWorld
    NEEDS = ("key rotation at the prompt", "key installation at the prompt")

    def command(self, site, line):
        out, err = self.world.gateway[site].command(line)
        if "seals" not in out + err:
            raise AssertionError("%s: %s%s" % (line, out, err))

    def hand_out(self, text):
        """To both, by the prompt."""
        self.world.lab.put("new.key", text)
        for site in (A, B):
            self.command(site, "key install zone " + self.world.lab.path("new.key"))

    def rotated_by_tool(self):
        lab = self.world.lab
        lab.put("tool.key", lab.get("a.key"))
        subprocess.run([program("SAKER_KEYTOOL"), "rotate", lab.path("tool.key")], check=True,
                       capture_output=True, timeout=20)
        return lab.get("tool.key")

    def install(self):
        self.hand_out(self.rotated_by_tool())

    def rotate_at_one(self):
        self.command(A, "key rotate zone")
        self.world.lab.put("new.key", self.world.lab.get("a.key"))
        self.command(B, "key install zone " + self.world.lab.path("new.key"))

    def put_in_place(self):
        text = self.rotated_by_tool()
        for site in (A, B):
            self.world.lab.put(site.name + ".key", text)
        index = int(re.search(r"index = (\d+)", text).group(1))
        end = time.monotonic() + NOTICE_S
        while any(self.index(site) != index for site in (A, B)):
            if time.monotonic() > end:
                raise AssertionError("a changed key file is not noticed")
            time.sleep(0.05)

    def index(self, site):
        rows = self.world.gateway[site].show("keys")
        return next(r["index"] for r in rows if r["generation"] == "current")

    def test_keys_that_rotate_every_second_lose_nothing(self):
        ways = itertools.cycle((self.install, self.rotate_at_one, self.put_in_place))
        before = self.index(A)
        seen = self.traffic_meets(lambda: next(ways)(), max(SECONDS, 4))
        self.assertGreaterEqual(self.index(A), before + 3)
        self.assertEqual(self.index(A), self.index(B))
        self.assertGreater(len({s.key_idx for s in seen.sealed()}), 2, "key indices on the wan")


class Reload(Change):
    """The configuration is read again: with a policy that comes and goes, and with a fault."""

    NEEDS = ("reload",)

    def write(self, extra, fault=""):
        for site in (A, B):
            config = self.world.config(site)
            if extra:
                config["policies"].insert(0, {"name": "passing", "dst": "10.99.0.0/16",
                                              "action": "drop"})
            self.world.lab.put(site.name + ".cfg", config_text(config) + fault)

    def policies(self):
        return [p["name"] for p in self.world.gateway[A].show("policies")]

    def by_command(self):
        self.write(extra=True)
        for site in (A, B):
            self.world.gateway[site].command("reload")
        self.agreed("passing" in self.policies())

    def by_signal(self):
        self.write(extra=False)
        for site in (A, B):
            self.world.gateway[site].process.send_signal(signal.SIGHUP)
        end = time.monotonic() + NOTICE_S
        while "passing" in self.policies() and time.monotonic() < end:
            time.sleep(0.05)
        self.agreed("passing" not in self.policies())

    def with_a_fault(self):
        self.write(extra=True, fault="nonsense = 1;\n")
        out, err = self.world.gateway[A].command("reload")
        self.agreed("nonsense" in out + err and "passing" not in self.policies())

    @staticmethod
    def agreed(condition):
        if not condition:
            raise AssertionError("the gateway has other policies than it should")

    def test_reloads_every_second_lose_nothing_and_a_fault_changes_nothing(self):
        ways = itertools.cycle((self.by_command, self.by_signal, self.with_a_fault))
        self.traffic_meets(lambda: next(ways)(), max(SECONDS, 4))


class OverCores(Keys, Reload):
    """All of it with four workers: each takes every new edition at a time of its own."""

    OPTIONS = {"workers": WORKERS, "queues": WORKERS, "group": PATIENT}
    NEEDS = Keys.NEEDS + Reload.NEEDS
    FLOWS, PACKETS = 32, 800

    def test_keys_and_configuration_change_every_second_and_no_worker_repeats_an_sn(self):
        ways = itertools.cycle(((self.install, self.by_command), (self.rotate_at_one, self.by_signal),
                                (self.put_in_place, self.with_a_fault)))

        def act():
            for way in next(ways):
                way()
        before = self.index(A)
        seen = self.traffic_meets(act, max(SECONDS, 6))
        self.assertGreaterEqual(self.index(A), before + 3)
        for site in (A, B):
            sessions = {s.session for s in seen.sealed() if s.source.hex() == site.source}
            self.assertGreater(len(sessions), 1, "workers that seal at " + site.name)


class Death(Change):
    def replace(self, site, how):
        """A gateway ends and comes again; seconds that it was away."""
        begin = time.monotonic()
        self.world.restart(how, (site,))
        return time.monotonic() - begin

    def survived(self, how, sites):
        w = self.world
        out, back = both_ways(w, A, B, rate=500)
        talk = Conversation(w.host[A], w.host[B], B.host(4))
        with Sniffer(w.wan, "wan-a") as seen, talk, out, back:
            for site in sites:
                time.sleep(CUT_S)
                self.assertLess(self.replace(site, how), LONGEST_S)
                self.assertTrue(talk.goes_on(), "TCP did not come back: %s" % talk.fault)
                self.assertTrue(out.comes_through() and back.comes_through())
        self.assertTrue(talk.whole(), talk.fault)
        self.wan_is_sound(seen)
        for stream in (out, back):
            self.assertEqual(stream.repeated(), 0)

    def test_tcp_survives_the_kill_of_either_gateway_and_no_sn_is_used_twice(self):
        self.survived(lambda gateway: gateway.kill(), (A, B))

    def test_tcp_survives_a_clean_restart(self):
        self.survived(lambda gateway: self.assertEqual(gateway.stop(), 0), (B,))
