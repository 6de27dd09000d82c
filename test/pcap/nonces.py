# SPDX-License-Identifier: BSD-3-Clause
"""Every (key, nonce) pair that sakers seal under, computed a second time from what they send: each
packet must open under the pair that is noted for it."""

import struct
from dataclasses import replace

import esp
import profile
import psp
import subsa
import tss
from harness import A, B
from ip import Refused
from pair import Values
from plan import EPOCH, Plan
from plan_esp import EspPlan
from plan_subsa import SubsaPlan
from plan_tss import TssPlan

PORT = 21000  # of the first row: each has a listener of its own
SESSIONS = 32


class Ledger:
    """Pairs, and who used them first."""

    def __init__(self):
        self.pairs = {}
        self.repeats = []  # (row, where, where before)

    def note(self, row, where, pair):
        before = self.pairs.setdefault(pair, (row, where))
        if before != (row, where) or pair in row.run:
            self.repeats.append((row, where, before))
        row.run.add(pair)

    def take(self, rows, site, where, outers):
        """Note what a run sent. All of its packets must open."""
        by_port = {r.plan.port: r for r in rows}
        for row in rows:
            row.run, row.noted = set(), 0
        for outer in outers:
            v = profile.decap(outer, "P")[0]
            row = by_port[struct.unpack_from(">H", outer, v.l4_at + 2)[0]]
            self.note(row, where, row.pair(site, outer))
            row.noted += 1


class Ranges:
    """Workers without sessions send under the ids behind the first: the sites' are far apart."""

    def source(self, site):
        source = super().source(site)
        return source and bytes([source[0] + (source == B.source[: len(source)])]) + source[1:]


class RangePlan(Ranges, Plan):
    pass


class TssRangePlan(Ranges, TssPlan):
    pass


class PspPlan(Plan):
    """PSP between two peers, each with SPIs of its own."""

    def __init__(self, lab, n, version=1, sn="time"):
        super().__init__(lab, n, sn=sn)
        self.version = version
        self.spis = {A: 0x100 + 64 * n, B: 0x100 + 64 * n + 32}

    def config(self, site, **changes):
        group = {
            "name": "g%d" % self.n, "spi": self.spis[site], "format": "psp",
            "version": self.version, "suite": ("aes-128-gcm", "aes-256-gcm")[self.version],
            "root_keys": [k.name for k in self.keys], "sn": self.o.sn, "udp_port": self.port}
        if self.o.sn == "counter":
            group["epoch"] = EPOCH
        return {**group, **changes}


class Row:
    """One trust group. many: several workers may send in it. counts: its SNs hang on what was
    written down, and not on the clock too."""

    form = "?"  # letter of the format

    def __init__(self, plan, many=True, **settings):
        self.plan, self.many, self.settings = plan, many, settings
        self.values = Values(plan)
        self.run, self.noted = set(), 0
        self.counts = plan.o.sn != "time" if hasattr(plan.o, "sn") else True

    def __str__(self):
        o = self.plan.o
        return "format %s, group %d, variant %s, SNs %s, %s" % (
            self.form, self.plan.n, getattr(o, "variant", "none"), getattr(o, "sn", "count"),
            self.settings)

    def config(self, site, **changes):
        return self.plan.config(site, **{**self.settings, **changes})

    def tries(self, names):
        """Open with what names returns, the newest value first: the first that opens is it."""
        for attempt in names:
            try:
                return attempt()
            except Refused:
                continue
        raise AssertionError("nothing opens a packet of " + str(self))


class StatelessRow(Row):
    """Formats E and S."""

    @property
    def form(self):
        return self.plan.o.form

    def config(self, site, **changes):
        if self.plan.o.form == "E":
            changes.setdefault("sessions", SESSIONS)
        return super().config(site, **changes)

    def pair(self, site, outer):
        _, data, _, _ = profile.decap(outer, self.plan.o.form)
        group = replace(self.plan.group(), live=(), sessions=65536, session_first=0)
        key_idx = profile.layout(group).read_header(data).key_idx
        return self.tries(
            lambda roots=roots: self.opened(replace(group, roots=roots, live=roots), site, outer)
            for roots in self.values.candidates(key_idx))

    def opened(self, group, site, outer):
        o = profile.open_packet({group.spi: group}, outer, self.plan.nonce_role(site))
        roots = profile.check_header(group, o.header)
        context = profile.key_context(group.variant, o.header.sn, group.rekey_shift,
                                      o.header.source, o.outer_src, o.outer_dst)
        key, _ = profile.data_key(group.group_key(roots), group.suite, group.variant, context,
                                  group.form)
        return key, o.nonce


class PspRow(Row):
    form = "P"

    def pair(self, site, outer):
        data = profile.decap(outer, "P")[1]
        spi = struct.unpack_from(">I", data, 4)[0]
        known = self.values.known[self.plan.keys[0].name]
        named = sorted((i for i in known if i & 1 == spi >> 31), reverse=True)
        return self.tries(lambda i=i: self.opened(known[i], spi, data) for i in named)

    def opened(self, master, spi, data):
        o = psp.open_psp((master, master), data)
        return psp.derive(master, self.plan.version, spi), o.nonce


class SaRow(Row):
    """Keys by session: formats B and X."""

    @property
    def form(self):
        return "X" if isinstance(self.plan, EspPlan) else "B"

    def pair(self, site, outer):
        known = self.values.known[self.plan.sending[site].name]
        module = esp if self.form == "X" else subsa
        sa = self.plan.sa(site)

        def opened(index):
            o = module.open_packet(replace(sa, values={index: known[index]}, index=index), outer)
            return o.key, o.nonce

        return self.tries(lambda i=i: opened(i) for i in sorted(known, reverse=True))


class TssRow(Row):
    form = "T"

    def pair(self, site, outer):
        known = self.values.known[self.plan.keys[0].name]
        domain = replace(self.plan.domain(site), epoch=None)

        def opened(index):
            o = tss.open_packet(replace(domain, keys={index % 2: known[index]}), outer)
            return o.key, o.nonce

        return self.tries(lambda i=i: opened(i) for i in sorted(known, reverse=True))


def stateless(lab, n, form="E", settings=None, many=True, **options):
    return StatelessRow(RangePlan(lab, n, form=form, **options), many, **(settings or {}))


def every_row(lab):
    """A group for each way to make keys and nonces. As much as can be is the same in all of them:
    root keys, source ids, sessions, and SPIs in different formats."""
    quick = {"epoch_seconds": 1, "slot_ms": 10, "skew_ms": 1000}
    classes = {"qos_classes": ["ef", "8-15"]}
    rows = []

    def add(row):
        row.plan.port = PORT + len(rows)
        rows.append(row)

    for n, form in enumerate("ES"):
        one = form == "S"  # no session: a client's id and an address are one worker's
        for k, (options, settings, many) in enumerate((
                (dict(variant=0), {}, True),
                (dict(variant=0, rekey=-1), quick, True),
                (dict(variant=0, sn="counter", rekey=0), {} if one else classes, True),
                (dict(variant=1, sn="counter", suite="aes-128-gcm", combine="xor"), {}, True),
                (dict(variant=2, sn="counter", key_cache=16), {"isolate": "policy"}, True),
                (dict(variant=2), {"isolate": "prefix"}, True),
                (dict(variant=3, sn="counter"), {}, not one),
                (dict(variant=4, outer=6), {}, not one),
                (dict(variant=0, sn="counter", role="server"), {} if one else classes, not one),
                (dict(variant=1, role="client"), {}, not one))):
            row = stateless(lab, 1 + k + 32 * n, form, settings, many, **options)
            row.plan.spi = 0x1000 + k
            add(row)
    add(PspRow(PspPlan(lab, 65, 0)))
    add(PspRow(PspPlan(lab, 66, 1, "counter")))
    for k, options in enumerate((dict(), dict(iv="implicit"), dict(sn_field="none"),
                                 dict(sskdf="none"))):
        many = "sskdf" not in options
        plan = SubsaPlan(lab, 70 + k, sessions=SESSIONS if many else 8, **options)
        add(SaRow(plan, many, **({"qos_classes": ["ef"]} if many else {})))
    for k, options in enumerate((dict(), dict(sn=esp.ESN, iv="implicit", child_sas=2,
                                      accept_child_sas=2),
                                 dict(sn=esp.UNSPECIFIED, child_sas=8, accept_child_sas=8))):
        add(SaRow(EspPlan(lab, 80 + k, **options)))
    for k, options in enumerate((dict(), dict(kdf="direct"), dict(sn="time", shift=24))):
        add(TssRow(TssRangePlan(lab, 84 + k, **options)))
    return rows
