# SPDX-License-Identifier: BSD-3-Clause
"""What may change under traffic: keys, the configuration, and the life of a gateway."""

import contextlib
import threading
import time

from echo import sweep
from features import needs
from stream import both_ways
from transfer import Conversation, Iperf
from wan import Sniffer
from world import A, B, SECONDS, WorldTest

PERIOD_S = 1.0
RATE = "20M"  # of TCP: what a capture in Python follows
CUT_S = 1.0
LONGEST_S = 20  # that a restart may take


class Change(WorldTest):
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
        self.assertEqual(faults, [])

    def traffic_meets(self, act):
        """All kinds of traffic, while `act` is called every second."""
        w = self.world
        out, back = both_ways(w, A, B)
        with Sniffer(w.wan, "wan-a") as seen, self.every_second(act):
            with out, back:
                tcp = Iperf(w.host[A], w.host[B], A.host(4), max(SECONDS, 4), rate=RATE)
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


class Nothing(Change):
    def test_with_no_change_nothing_is_lost(self):
        self.traffic_meets(lambda: None)


class Rotation(Change):
    def next_key(self):
        self.world.lab.index += 1
        return self.world.lab.write_key("zone.key")

    def rotated(self, act):
        before = self.world.lab.index
        seen = self.traffic_meets(act)
        self.assertGreater(self.world.lab.index, before + 1)
        used = {s.key_idx for s in seen.sealed()}
        self.assertGreater(len(used), 2, "key indices on the wan")

    @needs("key installation at the prompt")
    def test_keys_that_are_installed_every_second_lose_nothing(self):
        def install():
            path = self.next_key()
            for gateway in self.world.gateway.values():
                out, err = gateway.command("key install zone " + path)
                if "fail" in out + err or "fault" in out + err:
                    raise AssertionError(out + err)
        self.rotated(install)

    @needs("reload")
    def test_key_files_that_are_reloaded_every_second_lose_nothing(self):
        def reload():
            self.next_key()
            for gateway in self.world.gateway.values():
                gateway.command("reload")
        self.rotated(reload)


class Reload(Change):
    def rewrite(self, number):
        """The configuration again, with a policy that comes and goes."""
        for site in (A, B):
            config = self.world.config(site)
            if number % 2:
                config["policies"].insert(0, {
                    "name": "passing", "dst": "10.99.0.0/16", "action": "drop"})
            self.world.lab.write(config, site.name + ".cfg")

    @needs("reload")
    def test_a_configuration_that_is_reloaded_every_second_loses_nothing(self):
        count = [0]

        def reload():
            count[0] += 1
            self.rewrite(count[0])
            for site in (A, B):
                self.world.gateway[site].command("reload")
        self.traffic_meets(reload)
        names = [p["name"] for p in self.world.gateway[A].show("policies")]
        self.assertEqual("passing" in names, bool(count[0] % 2))

    @needs("reload")
    def test_a_faulty_configuration_changes_nothing(self):
        path = self.world.lab.path("a.cfg")

        def spoil():
            with open(path, "a", encoding="ascii") as f:
                f.write("nonsense = 1;\n")
            out, err = self.world.gateway[A].command("reload")
            if "nonsense" not in out + err:
                raise AssertionError("no word of the fault: " + out + err)
        self.traffic_meets(spoil)


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
        self.assertTrue(talk.whole(), talk.fault)
        self.wan_is_sound(seen)
        for stream in (out, back):
            self.assertNotIn(stream.sent[0] - 1, {n for _, n in stream.lost()})
            self.assertEqual(stream.repeated(), 0)

    def test_tcp_survives_the_kill_of_either_gateway_and_no_sn_is_used_twice(self):
        self.survived(lambda gateway: gateway.kill(), (A, B))

    def test_tcp_survives_a_clean_restart(self):
        self.survived(lambda gateway: self.assertEqual(gateway.stop(), 0), (B,))
