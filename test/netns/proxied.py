# SPDX-License-Identifier: BSD-3-Clause
"""Two sites whose gateways share no keys, and a proxy between them:

    host A -- [gateway A] -- wan -- [proxy] -- wan -- [gateway B] -- host B

With one cipher port both wans are one; with two the proxy has a port at each, and no clear one.

Gateway A and the proxy share a group of each format, and so do the proxy and gateway B. Host B has
an address for each pair of formats: 10.2.K.M is reached by the K-th format, then by the M-th."""

import hashlib
import itertools

from echo import sweep
from gateway import Gateway
from space import link, mute
from world import A, B, SKEW_MS, Site, World

P = Site("p", 3, "0a000003")
Q = Site("q", 4, "0a000003")  # the second port of the same proxy
SIDES = {"a": (A, P), "b": (P, B)}  # of the proxy: who shares groups


def stateless(form):
    """Both ends share a root key, and have ids."""
    def group(side, number, me, _peer):
        port = {"udp_port": 42300 + (side == "b")} if form == "seh" else {}
        return {"format": form, "spi": 0x1000 * (1 + number) + ord(side), "root_keys": ["r-" + side],
                "source_id": me.source, "skew_ms": SKEW_MS, **port}
    return group


def psp(side, number, me, _peer):
    """The group is found by port; under an SPI of its own each end sends."""
    return {"format": "psp", "spi": 0x1000 * (side == "b") + 0x100 * (1 + number) + me.number,
            "root_keys": ["r-" + side],
            "udp_port": 1000 + (side == "b")}


def by_direction(form, spi):
    """Each end has a root key to seal with."""
    def group(side, _number, me, peer):
        first = spi + (0x1000 if side == "b" else 0)
        return {"format": form, "spi": first + 0x100 * me.number,
                "peer_spi": first + 0x100 * peer.number, "udp_port": 4600 + (form == "esp"),
                "root_keys": ["%s-%s-%s" % (form, side, me.name)],
                "receive_root_keys": ["%s-%s-%s" % (form, side, peer.name)]}
    return group


def tss(side, number, me, _peer):
    """As the stateless formats, but a root key serves one group alone."""
    return {"format": "tss", "variant": "source-id", "spi": 0x1000 * (1 + number) + ord(side),
            "root_keys": ["tss-" + side], "source_id": me.source, "sn": "counter", "epoch": 1}


# A new format is one more row.
KINDS = {
    "eesp": stateless("eesp"),
    "seh": stateless("seh"),
    "psp": psp,
    "eesp-subsa": by_direction("eesp-subsa", 0x2000),
    "esp": by_direction("esp", 0x4000),
    "tss": tss,
}
TIMED = ("eesp", "seh")  # whose SNs follow the clock
NUMBER = {kind: n for n, kind in enumerate(KINDS, 1)}


def pairs(both_alike=False):
    return [p for p in itertools.product(KINDS, KINDS) if both_alike or p[0] != p[1]]


def far(pair, family):
    """Address of host B for a pair of formats."""
    k, m = (NUMBER[kind] for kind in pair)
    return "10.2.%d.%d" % (k, m) if family == 4 else "fd00:2::%d:%d" % (k, m)


def near_net(pair, family):
    """All addresses of host B that are reached by the pair's first format."""
    k = NUMBER[pair[0]]
    return "10.2.%d.0/24" % k if family == 4 else "fd00:2::%d:0/112" % k


class Proxied(World):
    """See the file comment; the proxy runs `proxy_workers` workers, at `cipher_ports` ports."""

    far_wan = None

    def __init__(self, proxy_workers=1, cipher_ports=1, **options):
        self.proxy_workers, self.cipher_ports = proxy_workers, cipher_ports
        super().__init__(**options)
        self.build_proxy()
        self.host[B].ip(*("addr add %s dev %s" % (far(p, f) + ("/32" if f == 4 else "/128 nodad"),
                                                  self.host_device)
                          for p in pairs(True) for f in (4, 6)))

    def root_keys(self, me, groups):
        """Those that the groups name, each gateway with files of its own."""
        names = {n for g in groups for n in g["root_keys"] + g.get("receive_root_keys", [])}
        keys = [{"name": n, "level": "zone", "file": "%s-%s.key" % (me.name, n),
                 "id": hashlib.sha256(b"id" + n.encode()).hexdigest()[:32]} for n in sorted(names)]
        for key in keys:
            value = hashlib.sha256(key["name"].encode()).hexdigest()
            self.lab.put(key["file"], 'index = 7;\ncurrent = "%s";\n' % value)
        return keys

    def groups(self, side, me):
        peer = next(e for e in SIDES[side] if e is not me)
        extra = {"child_sas": self.proxy_workers - 1,
                 "accept_child_sas": self.proxy_workers - 1} if self.proxy_workers > 1 else {}
        changes = {"esp": extra, **dict.fromkeys(TIMED, self.group or {})}
        return [{"name": "%s-%s" % (side, kind), **make(side, NUMBER[kind], me, peer),
                 **changes.get(kind, {})} for kind, make in KINDS.items()]

    def config(self, site, **changes):
        """Of a gateway: its hosts' packets go to the proxy, each by the group of its pair."""
        config = super().config(site, **changes)
        side = site.name
        config["trust_groups"] = self.groups(side, site)
        config["root_keys"] = self.root_keys(site, config["trust_groups"])
        config["policies"] = list(self.policies(site))
        return config

    def policies(self, site):
        common = {"action": "protect", "local": site.outer(self.outer),
                  "peer": self.proxy_end(site).outer(self.outer)}
        for family in (4, 6):
            if site is A:
                for kind in KINDS:
                    yield {"name": "%s-%d" % (kind, family), "dst": near_net((kind,), family),
                           "group": "a-" + kind, **common}
                continue
            for pair in pairs(True):
                yield {"name": "%s-%s-%d" % (*pair, family), "src": far(pair, family),
                       "group": "b-" + pair[1], **common}

    def proxies(self):
        for pair, family in itertools.product(pairs(True), (4, 6)):
            yield {"name": "%s-%s-%d" % (*pair, family), "from": "a-" + pair[0],
                   "to": "b-" + pair[1], "direction": "both", "dst": far(pair, family),
                   "peer": B.outer(self.outer), "back_peer": A.outer(self.outer),
                   "local": self.proxy_end(B).outer(self.outer),
                   "back_local": self.proxy_end(A).outer(self.outer)}

    def proxy_config(self):
        config = self.lab.site_config(P, A, (self.host_mtu, self.wan_mtu), {},
                                      ports=("net_null0", "net_af_packet0"))
        config["ports"][0].update(address=None, address6=None)
        config["trust_groups"] = self.groups("a", P) + self.groups("b", P)
        config["root_keys"] = self.root_keys(P, config["trust_groups"])
        config["policies"] = []
        config["proxies"] = list(self.proxies())
        if self.cipher_ports == 2:
            second = dict(config["ports"][1], name="global", device="net_af_packet1",
                          address=Q.outer(4) + "/24", address6=Q.outer(6) + "/64")
            config["ports"] = [dict(config["ports"][1], name="local"), second]
        return config

    def proxy_end(self, site):
        """Whose address the proxy has towards a gateway."""
        return Q if self.cipher_ports == 2 and site is B else P

    def plug(self, site, box):
        """With two ports, B and the proxy's second port are at a bridge of their own."""
        if self.cipher_ports == 1 or site in (A, P):
            super().plug(site, box)
            return
        if self.far_wan is None:
            self.far_wan = self.space("far")
            self.far_wan.ip("link add name br type bridge",
                            "link set dev br mtu %d" % self.wan_mtu, "link set dev br up")
        name, port = "cipher2" if site is Q else "cipher", "wan-" + site.name
        link(box, name, self.far_wan, port, self.wan_mtu, (site.mac("cipher"), site.mac("wan")))
        self.far_wan.ip("link set dev %s master br" % port)
        mute(box, name)
        mute(self.far_wan, port)

    def wires(self):
        """(namespace, device) of every cable with cipher."""
        far = self.far_wan or self.wan
        return [(self.wan, "wan-a"), (self.wan, "wan-p"), (far, "wan-b")] + (
            [(far, "wan-q")] if self.far_wan else [])

    def build_proxy(self):
        box = self.space("proxy")
        self.box[P] = box
        self.plug(P, box)
        ports = ["cipher"]
        if self.cipher_ports == 2:
            self.plug(Q, box)
            ports.append("cipher2")
        config = self.lab.write(self.proxy_config(), "p.cfg")
        self.gateway[P] = Gateway(
            box, config, [*(["net_null0,no-rx=1"] if len(ports) == 1 else []),
                          *("net_af_packet%d,iface=%s,qpairs=%d" % (i, port, self.proxy_workers)
                            for i, port in enumerate(ports))], self.proxy_workers, 0)

    def far_of(self, family):
        return far(("eesp", "eesp"), family)

    def warm_up(self):
        for family in (4, 6):
            for _ in range(10):
                if not sweep(self.host[A], family, self.far_of(family), range(8)):
                    break
            else:
                raise AssertionError("no way from host to host\n%s" % {
                    site.name: g.drops() for site, g in self.gateway.items()})
