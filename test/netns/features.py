# SPDX-License-Identifier: BSD-3-Clause
"""What this program can do, asked of itself: of its help, its prompt and its configuration."""

import functools
import re
import subprocess
import unittest

from gateway import Gateway, program
from space import Space


@functools.lru_cache(maxsize=None)
def options():
    """The text of --help."""
    return subprocess.run([program("SAKER"), "--help"], capture_output=True, text=True,
                          timeout=20, check=False).stdout


@functools.lru_cache(maxsize=None)
def asked():
    """(all commands, one a line; paths of all settings), from a gateway that does nothing."""
    import world  # which needs this module

    space = Space("probe")
    lab = world.Lab()
    config = lab.site_config(world.A, world.B, mtus=(1500, 1500), ports=("net_null0", "net_null1"),
                             macs=None)
    gateway = Gateway(space, lab.write(config, "probe.cfg"), ("net_null0,no-rx=1",
                                                              "net_null1,no-rx=1"))
    try:
        gateway.start()
        areas = re.findall(r"^(\w+)  ", gateway.command("help")[0], re.MULTILINE)
        commands = "".join(gateway.command("help " + a)[0] for a in areas)
        settings = [row["path"] for row in gateway.show("config")]
    finally:
        gateway.stop()
        lab.remove()
    return commands, settings


def has_option(name):
    return re.search(r"--%s\b" % re.escape(name), options()) is not None


def has_command(start):
    return re.search(r"^(saker> *)*%s\b" % re.escape(start), asked()[0], re.MULTILINE) is not None


def has_setting(section, name):
    """Is there such a setting, as in policies.*.fragment?"""
    return any(p.split(".")[0] == section and p.split(".")[-1] == name for p in asked()[1])


@functools.lru_cache(maxsize=None)
def content():
    with open(program("SAKER"), "rb") as f:
        return f.read()


def has_text(text):
    """A word in the program, where nothing that it can be asked tells."""
    return text.encode() in content()


FEATURES = {
    # word in `needs`: how the program tells that it can
    "sleep": lambda: has_setting("gateway", "idle"),
    "neighbour resolution": lambda: has_setting("ports", "vlan"),
    "fragmentation and ICMP errors": lambda: has_setting("policies", "fragment"),
    "key rotation at the prompt": lambda: has_command("key rotate"),
    "key installation at the prompt": lambda: has_command("key install"),
    "reload": lambda: has_command("reload"),
    "telemetry": lambda: has_command("show stats"),
    "metrics": lambda: has_command("show metrics"),
    "a metrics file": lambda: has_option("metrics-file"),
    "notice of a twin": lambda: has_text("OUR SOURCE ID"),
}


@functools.lru_cache(maxsize=None)
def has(feature):
    return FEATURES[feature]()


def demand(wanted):
    """Skip unless the program can do all of this."""
    missing = [f for f in wanted if not has(f)]
    if missing:
        raise unittest.SkipTest("needs " + ", ".join(missing))


def needs(*wanted):
    """Decorator of a test that is skipped until the program can do this."""
    def decorate(test):
        @functools.wraps(test)
        def wrapper(self):
            demand(wanted)
            return test(self)
        return wrapper
    return decorate
