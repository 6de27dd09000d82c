# SPDX-License-Identifier: BSD-3-Clause
"""Files of SAs of PSP, read and written without saker."""

import os
import re
from dataclasses import dataclass
from typing import Optional

ENTRY = re.compile(r'\{ spi = 0x([0-9a-f]{8}); key = "([0-9a-f]+)";(?: peer = "([^"]+)";)? \}')


@dataclass
class Sa:
    spi: int
    key: bytes
    peer: Optional[str] = None


def read(path):
    with open(path, encoding="ascii") as f:
        return [Sa(int(spi, 16), bytes.fromhex(key), peer or None)
                for spi, key, peer in ENTRY.findall(f.read())]


def write(path, version, sas, mode=0o600):
    """A file with an SA a line, from line 3 on."""
    entries = ['  { spi = 0x%08x; key = "%s";%s }' % (
        s.spi, s.key.hex(), ' peer = "%s";' % s.peer if s.peer else "") for s in sas]
    with open(path, "w", encoding="ascii") as f:
        f.write("version = %d;\nsas = (\n%s\n);\n" % (version, ",\n".join(entries)))
    os.chmod(path, mode)
