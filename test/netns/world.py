# SPDX-License-Identifier: BSD-3-Clause
"""Two sites and the network between them:

    host A -- [gateway A] -- wan -- [gateway B] -- host B

Every box is a namespace, every line a veth pair; wan is a bridge.
"""

import hashlib
import os
import shutil
import tempfile
import time
import unittest
from dataclasses import dataclass

import features
from config_text import config_text
from echo import sweep
from gateway import Gateway
from space import Space, link, mute

SECONDS = int(os.environ.get("SAKER_TEST_SECONDS", "3"))
WAN_MTU = 1500
ROOM_MTU = 1400  # of the hosts, where every packet shall fit the wan protected
SKEW_MS = 1500  # by default; the keeper reserves half as much ahead, and may have to wait for a CPU
GUARD_S = 1.7  # from the start on a receiver refuses packets that it may have seen before
WARM_TRIES = 10
WORKERS = 4  # where there are several
# Of a group with several workers. Packets of one session come by several queues, and workers share
# a CPU with whatever else runs here: the two newest slots, the window and the SNs that the keeper
# reserves must span a turn of theirs.
PATIENT = {"slot_ms": 2000, "skew_ms": 2000, "window_ms": 8000, "replay_window": 16384,
           "replay_sources": 1024}
KEY_ID = hashlib.sha256(b"zone").digest()[:16].hex()


@dataclass(frozen=True)
class Site:
    name: str
    number: int
    source: str

    def net(self, family):
        return "10.%d.0.0/16" % self.number if family == 4 else "fd00:%d::/32" % self.number

    def host(self, family):
        return "10.%d.0.2" % self.number if family == 4 else "fd00:%d::2" % self.number

    def gateway(self, family):
        return "10.%d.0.1" % self.number if family == 4 else "fd00:%d::1" % self.number

    def outer(self, family):
        return "192.0.2.%d" % self.number if family == 4 else "2001:db8::%d" % self.number

    def mac(self, what):
        kinds = ("host", "clear", "cipher", "wan", "tap")
        return "02:00:00:00:%02x:%02x" % (self.number, kinds.index(what))


A, B = Site("a", 1, "0a000001"), Site("b", 2, "0a000002")


def other(site):
    return B if site is A else A


class Lab:
    """A directory with the root key and the configurations."""

    def __init__(self, idle="sleep"):
        self.idle = idle
        kept = os.environ.get("SAKER_TEST_KEEP")
        self.dir = tempfile.mkdtemp(prefix="saker-netns-", dir=None if kept else "/run")
        for name in ("zone", *(site.name for site in (A, B))):
            self.write_key(name + ".key")

    def path(self, name):
        return os.path.join(self.dir, name)

    def write_key(self, name):
        """A root key file, the same under any name."""
        lines = ["index = 7;"]
        for generation in ("pre", "current", "next"):
            value = hashlib.sha256(generation.encode()).hexdigest()
            lines.append('%s = "%s";' % (generation, value))
        self.put(name, "\n".join(lines) + "\n")

    def put(self, name, text):
        """A private file, whole at any time."""
        part = self.path(name + ".part")
        with open(part, "w", encoding="ascii") as f:
            f.write(text)
        os.chmod(part, 0o600)
        os.rename(part, self.path(name))

    def get(self, name):
        with open(self.path(name), encoding="ascii") as f:
            return f.read()

    def write(self, config, name):
        with open(self.path(name), "w", encoding="ascii") as f:
            f.write(config_text(config))
        return self.path(name)

    def site_config(self, site, peer, mtus, macs, ports=("net_af_packet0", "net_af_packet1"),
                    outer=4, group=None, state="state", key="zone.key",
                    policy=None, gateway=None):
        """A whole configuration. mtus: of clear and cipher port; macs: role of a port to where its
        frames go, if fixed; None where the program is only asked what it can do."""
        idle = {"idle": self.idle} if macs is not None and features.has("sleep") else {}
        own = bare if macs is None else own_address
        macs = macs or {}
        common = {"action": "protect", "group": "cluster", "local": site.outer(outer),
                  "peer": peer.outer(outer), **(policy or {})}
        return {
            "gateway": {"name": "gw-" + site.name, "state_dir": "./%s-%s" % (state, site.name),
                        **idle, **(gateway or {})},
            "ports": [
                {"name": "clear", "device": ports[0], "role": "clear", "mtu": mtus[0],
                 "address": own(site.gateway(4), 4), "address6": own(site.gateway(6), 6),
                 "next_hop_mac": macs.get("clear")},
                {"name": "cipher", "device": ports[1], "role": "cipher", "mtu": mtus[1],
                 "address": own(site.outer(4), 4), "address6": own(site.outer(6), 6),
                 "next_hop_mac": macs.get("cipher")},
            ],
            "root_keys": [{"name": "zone", "level": "zone", "id": KEY_ID, "file": key}],
            "trust_groups": [{"name": "cluster", "spi": 0x1001, "root_keys": ["zone"],
                              "source_id": site.source, "skew_ms": SKEW_MS, **(group or {})}],
            "policies": [{"name": "to-%s-%d" % (peer.name, family), "src": site.net(family),
                          "dst": peer.net(family), **common} for family in (4, 6)],
        }

    def remove(self):
        if os.environ.get("SAKER_TEST_KEEP"):
            print("kept: " + self.dir)
        else:
            shutil.rmtree(self.dir, ignore_errors=True)


def use_static_neighbours():
    """Gateways that resolve no neighbours have fixed next hops, and the hosts know their MACs."""
    return not features.has("neighbour resolution")


def bare(text, _family):
    return text


def own_address(text, family):
    """A port's own address as the configuration has it; with a prefix where that is known."""
    if use_static_neighbours():
        return text
    return "%s/%d" % (text, 24 if family == 4 else 64)


def set_up_host(site, space, device="h0", gateway_mac=None):
    lines = ["addr add %s/24 dev %s" % (site.host(4), device),
             "addr add %s/64 dev %s nodad" % (site.host(6), device)]
    if gateway_mac:
        lines += ["neigh replace %s lladdr %s dev %s nud permanent" %
                  (site.gateway(f), gateway_mac, device) for f in (4, 6)]
    lines += ["route add default via %s dev %s" % (site.gateway(4), device),
              "route add ::/0 via %s dev %s" % (site.gateway(6), device)]
    space.ip(*lines)


class World:
    """Both sites, wired and running.

    host_mtu, wan_mtu; workers and queues of a gateway; outer: family of the wan; group, policy:
    changes of the configuration; eal, options: further arguments of the program, with SITE for the
    name of the site; static: fixed next hops; host_device: what has the host's addresses; idle: of
    the workers, who share CPUs with everything else.
    """

    def __init__(self, host_mtu=ROOM_MTU, wan_mtu=WAN_MTU, workers=1, queues=1, outer=4,
                 group=None, policy=None, eal=(), options=(), static=None, host_device="h0",
                 idle="sleep"):
        self.host_mtu, self.wan_mtu, self.workers, self.queues = host_mtu, wan_mtu, workers, queues
        self.outer, self.group, self.policy = outer, group, policy
        self.eal, self.options = eal, options
        self.static = use_static_neighbours() if static is None else static
        self.host_device = host_device
        self.lab = Lab(idle)
        self.spaces = []
        self.wan = self.space("wan")
        self.wan.ip("link add name br type bridge", "link set dev br mtu %d" % wan_mtu,
                    "link set dev br up")
        self.host, self.box, self.gateway = {}, {}, {}
        for site in (A, B):
            self.build(site)

    def space(self, name):
        self.spaces.append(Space(name))
        return self.spaces[-1]

    def build(self, site):
        """Host, gateway and their cables; the gateway doesn't run yet."""
        host, box = self.space("host-" + site.name), self.space("gw-" + site.name)
        self.host[site], self.box[site] = host, box
        link(host, "h0", box, "clear", self.host_mtu, (site.mac("host"), site.mac("clear")))
        self.plug(site, box)
        mute(box, "clear")
        self.prepare(site)
        set_up_host(site, host, self.host_device, site.mac("clear") if self.static else None)
        config = self.lab.write(self.config(site), site.name + ".cfg")
        self.gateway[site] = Gateway(box, config, self.vdevs(), self.workers, site.number - 1,
                                     self.eal, [o.replace("SITE", site.name)
                                                for o in self.options])

    def prepare(self, site):
        """What comes between the host's cable and its addresses."""

    def plug(self, site, box):
        """A cable from the gateway's cipher port to the bridge."""
        port = "wan-" + site.name
        link(box, "cipher", self.wan, port, self.wan_mtu, (site.mac("cipher"), site.mac("wan")))
        self.wan.ip("link set dev %s master br" % port)
        mute(box, "cipher")
        mute(self.wan, port)

    def vdevs(self):
        return ["net_af_packet%d,iface=%s,qpairs=%d" % (i, name, self.queues)
                for i, name in enumerate(("clear", "cipher"))]

    def macs(self, site):
        if not self.static:
            return {}
        return {"clear": site.mac("host"), "cipher": other(site).mac("cipher")}

    def config(self, site, **changes):
        changes = {"outer": self.outer, "group": self.group, "policy": self.policy,
                   "key": site.name + ".key", **changes}
        return self.lab.site_config(site, other(site), (self.host_mtu, self.wan_mtu),
                                    self.macs(site), **changes)

    def start(self):
        for gateway in self.gateway.values():
            gateway.start(wait=False)
        for gateway in self.gateway.values():
            gateway.wait_started()
        self.pass_guard()
        self.plug_hosts()
        self.warm_up()
        return self

    def plug_hosts(self):
        """What of the hosts can only be made while gateways run."""

    def warm_up(self):
        """Until all neighbours know each other: few packets wait for that."""
        for family in (4, 6):
            tries = 0
            while sweep(self.host[A], family, B.host(family), range(8)):
                tries += 1
                if tries == WARM_TRIES:
                    raise AssertionError("no way from host to host\n" + self.text())

    def pass_guard(self):
        """Until what is sent can't be taken for what was sent before the start."""
        group = {"skew_ms": SKEW_MS, "slot_ms": 0, **(self.group or {})}
        time.sleep(GUARD_S + (group["skew_ms"] - SKEW_MS + group["slot_ms"]) / 1000)

    def restart(self, how=Gateway.stop, sites=(A, B)):
        """Gateways end that way and come again."""
        for site in sites:
            how(self.gateway[site])
        for site in sites:
            self.gateway[site].start(wait=False)
        for site in sites:
            self.gateway[site].wait_started()
        self.pass_guard()

    def drops(self):
        """Reason to packets, over both gateways; frames that are no business of saker aside."""
        found = {}
        for gateway in self.gateway.values():
            for reason, n in gateway.drops().items():
                found[reason] = found.get(reason, 0) + n
        return {r: n for r, n in found.items() if r not in ("not_ip", "start_guard")}

    def losses(self):
        """What kernels and gateways counted of packets lost, a line for each."""
        lines = ["%s: %s" % (space.name, space.losses()) for space in self.spaces]
        lines += [g.command("show port stats all")[0] for g in self.gateway.values()]
        return "\n".join(lines)

    def stop(self):
        """Exit status of every gateway that ran."""
        status = [g.stop() for g in self.gateway.values()]
        for space in self.spaces:
            space.remove()
        self.lab.remove()
        return [s for s in status if s is not None]

    def text(self):
        return "\n".join("== gateway %s\n%s" % (site.name, g.text())
                         for site, g in self.gateway.items() if g.logs)


class WorldTest(unittest.TestCase):
    """Tests that share one world, of class KIND; OPTIONS are its options; NEEDS: features without
    which none of them can run."""

    KIND = World
    OPTIONS = {}
    NEEDS = ()
    world = None

    @classmethod
    def setUpClass(cls):
        features.demand(cls.NEEDS)
        cls.world = cls.KIND(**cls.OPTIONS)
        cls.addClassCleanup(cls.end_world)
        cls.world.start()

    @classmethod
    def end_world(cls):
        text = cls.world.text()
        status = cls.world.stop()
        if any(status):
            raise AssertionError("gateways ended with %s\n%s" % (status, text))

    def setUp(self):
        for gateway in self.world.gateway.values():
            if gateway.alive():
                gateway.command("clear drops")

    def assertNoDrops(self, but=()):
        drops = {r: n for r, n in self.world.drops().items() if r not in but}
        self.assertEqual(drops, {}, self.world.text())

