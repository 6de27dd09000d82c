# SPDX-License-Identifier: BSD-3-Clause
"""A strict reader of OpenMetrics text, as far as saker writes it (OpenMetrics 1.0)."""

import re

NAME = r"[a-zA-Z_][a-zA-Z0-9_]*"
LABEL = NAME + r'="(?:[^"\\\n]|\\["\\n])*"'
SAMPLE = re.compile(r"(%s)(?:\{(%s(?:,%s)*)?\})? (\d+)" % (NAME, LABEL, LABEL))
SUFFIX = {"counter": "_total", "gauge": "", "info": "_info"}


def label_values(text):
    pairs = re.findall(r'(%s)="((?:[^"\\\n]|\\["\\n])*)"' % NAME, text or "")
    if len({name for name, _ in pairs}) != len(pairs):
        raise ValueError("a label twice: " + text)
    return tuple(sorted(pairs))


def head_line(line, families, current):
    """Take a line that begins with '# '. Returns the family that it speaks of."""
    _, word, name, rest = line.split(" ", 3)
    if word == "TYPE":
        if name in families:
            raise ValueError("family in two pieces: " + name)
        families[name] = {"type": rest, "samples": {}}
    elif word not in ("UNIT", "HELP") or name != current or families[name]["samples"]:
        raise ValueError("out of place: " + line)
    elif word == "UNIT" and not name.endswith("_" + rest):
        raise ValueError("name does not end with its unit: " + line)
    return name


def parse(text):
    """Family -> {"type", "samples": {labels: value}}. ValueError where a rule is broken."""
    if not text.endswith("# EOF\n"):
        raise ValueError("no # EOF at the end")
    families, current = {}, None
    for line in text[: -len("# EOF\n")].splitlines():
        if line.startswith("# "):
            current = head_line(line, families, current)
            continue
        m = SAMPLE.fullmatch(line)
        if m is None:
            raise ValueError("no sample: " + line)
        family = families[current]
        if m[1] != current + SUFFIX[family["type"]]:
            raise ValueError("sample of another family: " + line)
        labels = label_values(m[2])
        if labels in family["samples"]:
            raise ValueError("sample twice: " + line)
        family["samples"][labels] = int(m[3])
    return families
