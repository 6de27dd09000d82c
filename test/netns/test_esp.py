# SPDX-License-Identifier: BSD-3-Clause
"""Format esp, live, with strongSwan's userspace ESP at the other end.

    host A -- [saker] -- wan -- [charon and host B]

Another charon agrees on keys by IKE in saker's place, and is killed. Saker takes over its address
with the keys from its log."""

import unittest

import charon
from echo import sweep
from space import link
from transfer import WebServer, download
from world import A, B, World, WorldTest

FILE = 4 << 20
STEP = 13


class CharonWorld(World):
    """B is a charon, and the host behind it is the same box."""

    proposal = "aes256gcm16"
    suite = "aes-256-gcm"

    def build(self, site):
        if site is A:
            super().build(site)
            return
        self.host[B] = self.peer_box(B, "charon-b")

    def peer_box(self, site, name):
        """A Linux box at the wan with the addresses of a site's gateway and host."""
        box, port = self.space(name), "wan-" + name
        link(box, "e", self.wan, port, self.wan_mtu, (site.mac("cipher"), site.mac("wan")))
        self.wan.ip("link set dev %s master br" % port)
        box.ip("addr add %s/24 dev e" % site.outer(4),
               "addr add %s/16 dev lo" % site.host(4))
        return box

    def daemon(self, box, me, peer):
        return charon.Charon(
            box, self.lab.path("charon-" + me.name), me=me.name, other=peer.name,
            local=me.outer(4), remote=peer.outer(4), local_ts=me.net(4), remote_ts=peer.net(4),
            proposal=self.proposal)

    def start(self):
        box = self.peer_box(A, "charon-a")
        self.peer = self.daemon(self.host[B], B, A)
        first = self.daemon(box, A, B)
        agreed = first.initiate()
        first.kill()
        self.wan.ip("link del wan-charon-a")
        self.lab.put("in.key", self.key(agreed.spi_in, agreed.key_in))
        self.lab.put("out.key", self.key(agreed.spi_out, agreed.key_out))
        self.lab.write(self.agreed_config(agreed), "a.cfg")
        self.gateway[A].start()
        self.warm_up()
        return self

    def warm_up(self):
        for _ in range(10):
            if not sweep(self.host[A], 4, B.host(4), range(8)):
                return
        raise AssertionError("no way from host to host\n" + self.text() + self.peer.text())

    @staticmethod
    def key(spi, keymat):
        return 'index = %d;\ncurrent = "%s";\n' % (spi % 4, keymat.hex())

    def agreed_config(self, agreed):
        config = self.config(A)
        config["root_keys"] = [
            {"name": name, "level": "zone", "id": "%02x" % i * 16, "file": name + ".key"}
            for i, name in enumerate(("in", "out"))]
        config["trust_groups"] = [{
            "name": "cluster", "format": "esp", "suite": self.suite, "spi": agreed.spi_in & ~3,
            "peer_spi": agreed.spi_out & ~3, "root_keys": ["out"], "receive_root_keys": ["in"]}]
        return config

    def stop(self):
        self.peer.kill()
        return super().stop()


class Charon128World(CharonWorld):
    proposal = "aes128gcm16"
    suite = "aes-128-gcm"


class CharonTest(WorldTest):
    KIND = CharonWorld

    @classmethod
    def setUpClass(cls):
        why = charon.obstacle()
        if why:
            raise unittest.SkipTest("no charon with kernel-libipsec: " + why)
        super().setUpClass()

    def test_pings_of_many_sizes_are_answered(self):
        top = self.world.host_mtu - 28
        sizes = sorted({*range(0, top, STEP), top})
        self.assertEqual(sweep(self.world.host[A], 4, B.host(4), sizes), [])
        self.assertNoDrops(but=("not_ours",))  # Linux asks for others too

    def test_a_web_page_arrives_whole_either_way(self):
        for server, site, client in ((B, B, A), (A, A, B)):
            with WebServer(self.world.host[server], site.host(4), FILE, self.world.lab.dir) as web:
                self.assertEqual(download(self.world.host[client], web.url), web.digest)
        self.assertNoDrops(but=("not_ours",))  # Linux asks for others too


class Charon256(CharonTest):
    pass


class Charon128(CharonTest):
    KIND = Charon128World


del CharonTest  # by itself it is no test
