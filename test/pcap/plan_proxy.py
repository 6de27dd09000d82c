# SPDX-License-Identifier: BSD-3-Clause
"""A proxy at site A: what B sealed in one group leaves for B in another."""

from harness import A, B
from ip import ip_parse
from plan import Plan
from plan_esp import EspPlan
from plan_psp import PspPlan
from plan_subsa import SubsaPlan
from plan_tss import TssPlan

MARKER = b"a proxy's plaintext"


def stateless(form):
    return lambda lab, n, **options: Plan(lab, n, form=form, **options)


# Letter of a format to what makes a group of it: a new format is one more row.
KINDS = {"E": stateless("E"), "S": stateless("S"), "P": PspPlan, "B": SubsaPlan, "X": EspPlan,
         "T": TssPlan}


def rule(come, go, family=4, **changes):
    """A proxy from one group to another, for what goes to the hosts behind that."""
    return {"name": "%d-%d-%d" % (come.n, go.n, family), "from": "g%d" % come.n,
            "to": "g%d" % go.n, "peer": B.ip(go.o.outer), "dst": go.net(B, family), **changes}


def unique(groups):
    return list({g["name"]: g for g in groups}.values())


def proxy_config(lab, plans, proxies, changes=None, **rest):
    """changes: of trust groups, by plan."""
    changes = changes or {}
    groups = [p.config(A, **changes.get(p, {})) for p in plans]
    return lab.site_config(A, unique(groups), [], proxies=proxies, **rest)


def inner(go, family=4, size=200, seed=0, **changes):
    """A packet to a host behind the second group, with the marker in it where it has room."""
    packet = go.inner(A, family, size, seed, **changes)
    at = ip_parse(packet).l4_at + 8
    if len(packet) < at + len(MARKER):
        return packet
    return packet[:at] + MARKER + packet[at + len(MARKER) :]
