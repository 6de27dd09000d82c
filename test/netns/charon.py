# SPDX-License-Identifier: BSD-3-Clause
"""strongSwan's charon with its own ESP in userspace (kernel-libipsec): a peer that nobody here has
written. It agrees on keys with another charon, and tells them in its log."""

import os
import re
import shutil
import subprocess
import time
from dataclasses import dataclass

PROGRAM = "/usr/sbin/charon-systemd"
NEEDED = ["/usr/lib/ipsec/plugins/libstrongswan-%s.so" % p for p in ("kernel-libipsec", "openssl")]
PLUGINS = ("random nonce openssl aes sha1 sha2 hmac kdf gcm kernel-libipsec kernel-netlink "
           "socket-default vici")
START_S = 20

DAEMON = """
charon-systemd {
  load = %(plugins)s
  spi_min = 0x00010000
  spi_max = 0x7fffffff
  keep_alive = 0
  plugins { vici { socket = unix://%(dir)s/vici } }
  filelog {
    log {
      path = %(dir)s/log
      default = 1
      chd = 4
      flush_line = yes
    }
  }
}
swanctl { load = random openssl }
"""

CONNECTION = """
connections {
  t {
    version = 2
    local_addrs = %(local)s
    remote_addrs = %(remote)s
    encap = yes
    mobike = no
    proposals = aes256-sha256-x25519
    local {
      auth = psk
      id = %(me)s
    }
    remote {
      auth = psk
      id = %(other)s
    }
    children {
      c {
        local_ts = %(local_ts)s
        remote_ts = %(remote_ts)s
        esp_proposals = %(proposal)s
        rekey_time = 0
      }
    }
  }
}
secrets {
  ike-1 {
    id-1 = %(me)s
    id-2 = %(other)s
    secret = "a shared secret of no value"
  }
}
"""


def obstacle():
    """Why there is no such peer here, or None."""
    for path in (PROGRAM, *NEEDED, "/dev/net/tun"):
        if not os.path.exists(path):
            return path + " is not there"
    return None if shutil.which("swanctl") else "swanctl is not installed"


@dataclass
class Agreed:
    """What an initiator's log tells of a Child SA. Keys with the salt behind them."""

    spi_in: int
    spi_out: int
    key_in: bytes
    key_out: bytes


class Charon:
    """A daemon in a namespace. settings: of CONNECTION."""

    def __init__(self, space, directory, **settings):
        self.space, self.dir = space, directory
        os.makedirs(self.dir, exist_ok=True)
        self.put("strongswan.conf", DAEMON % {"plugins": PLUGINS, "dir": self.dir})
        self.put("swanctl.conf", CONNECTION % settings)
        self.env = {**os.environ, "STRONGSWAN_CONF": self.path("strongswan.conf"),
                    "SWANCTL_DIR": self.dir}
        with open(self.path("out"), "wb") as out:
            self.process = subprocess.Popen(space.command(PROGRAM), stdin=subprocess.DEVNULL,
                                            stdout=out, stderr=out, env=self.env)
        self.until(lambda: os.path.exists(self.path("vici")), "its socket")
        self.control("--load-all")

    def path(self, name):
        return os.path.join(self.dir, name)

    def put(self, name, text):
        with open(self.path(name), "w", encoding="ascii") as f:
            f.write(text)

    def text(self):
        with open(self.path("log"), encoding="utf-8", errors="replace") as f:
            return f.read()

    def until(self, condition, what):
        end = time.monotonic() + START_S
        while not condition():
            if self.process.poll() is not None or time.monotonic() > end:
                raise AssertionError("charon: %s does not come\n%s" % (what, self.text()[-3000:]))
            time.sleep(0.05)

    def control(self, *args):
        done = subprocess.run(
            self.space.command("swanctl", *args, "--uri", "unix://" + self.path("vici")),
            capture_output=True, text=True, env=self.env, timeout=START_S, check=False)
        if done.returncode != 0:
            raise AssertionError("swanctl %s\n%s%s" % (" ".join(args), done.stdout, done.stderr))
        return done.stdout

    def initiate(self):
        """Agree on a Child SA."""
        self.control("--initiate", "--child", "c")
        text = self.text()
        keys = {who: self.dump(text, "encryption %s key" % who)
                for who in ("initiator", "responder")}
        spis = {way: int(re.search(r"adding %s ESP SA\n.*SPI (0x[0-9a-f]+)" % way, text)[1], 16)
                for way in ("inbound", "outbound")}
        return Agreed(spis["inbound"], spis["outbound"], keys["responder"], keys["initiator"])

    @staticmethod
    def dump(text, title):
        """Octets that the log shows under a title, sixteen a line."""
        found = re.search(re.escape(title) + r" => (\d+) bytes.*\n((?:.*\d+: [0-9A-F ]+.*\n)+)", text)
        rows = re.findall(r"\d+: ((?:[0-9A-F]{2} )+)", found[2])
        return bytes.fromhex("".join(rows))[: int(found[1])]

    def kill(self):
        """End it without a word to its peer."""
        self.process.kill()
        self.process.wait()
