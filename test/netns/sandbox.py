# SPDX-License-Identifier: BSD-3-Clause
"""A private world of namespaces for the whole test run: network, mounts, processes.

When its first process ends, the kernel kills all others and removes every interface. So nothing
needs a unique name, and nothing is left behind.
"""

import os
import shutil
import subprocess
import sys

MARK = "SAKER_NETNS_INSIDE"
TOOLS = ("unshare", "nsenter", "ip", "ethtool")
UNSHARE = ("unshare", "--net", "--mount", "--pid", "--fork", "--kill-child=SIGKILL",
           "--mount-proc")


def command():
    return UNSHARE + (() if os.geteuid() == 0 else ("--user", "--map-root-user"))


def obstacle():
    """Why this machine can't do it, or None."""
    for tool in TOOLS:
        if shutil.which(tool) is None:
            return "%s is not installed" % tool
    trial = "mount -t tmpfs tmpfs /run && ip netns add trial && ip link add name t0 type veth"
    probe = subprocess.run([*command(), "sh", "-c", trial], capture_output=True, text=True,
                           timeout=30, check=False)
    if probe.returncode != 0:
        return "network namespaces are not allowed here: " + probe.stderr.strip()
    return None


def enter():
    """Start this program again inside, if it is not there yet. Returns why that can't be."""
    if os.environ.get(MARK) == "yes":
        # Names of namespaces and sockets of DPDK live there.
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True)
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        return None
    reason = obstacle()
    if reason:
        return reason
    os.environ[MARK] = "yes"
    sys.stdout.flush()
    args = [*command(), sys.executable, *sys.argv]
    os.execvp(args[0], args)
    return None
