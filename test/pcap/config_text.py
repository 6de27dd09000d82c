# SPDX-License-Identifier: BSD-3-Clause
"""Python values as libconfig text."""


def scalar(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return "%d%s" % (value, "" if -(2**31) <= value < 2**31 else "L")
    return '"%s"' % value


def config_value(value, indent):
    if isinstance(value, dict):
        return "{\n%s%s}" % (settings(value, indent + 1), "\t" * indent)
    if isinstance(value, (list, tuple)):
        if any(isinstance(v, dict) for v in value):
            items = ",\n".join("\t" * (indent + 1) + config_value(v, indent + 1) for v in value)
            return "(\n%s\n%s)" % (items, "\t" * indent)
        return "[ %s ]" % ", ".join(scalar(v) for v in value) if value else "[ ]"
    return scalar(value)


def settings(group, indent):
    lines = []
    for name, value in group.items():
        if value is not None:
            lines.append("%s%s = %s;\n" % ("\t" * indent, name, config_value(value, indent)))
    return "".join(lines)


def config_text(config):
    """The text of a whole configuration: a dict of sections."""
    return settings({k: v for k, v in config.items() if v or k == "gateway"}, 0)
