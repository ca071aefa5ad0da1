# SPDX-License-Identifier: Apache-2.0
"""The crash points of a program or plugin, read from its ELF section (broker-core/base/crash_point.hpp), so that a new
point is in every list at once."""
import struct
from pathlib import Path

SECTION = b"sluice_crash_points"


def crash_points(path):
    """The names, sorted, each once; empty for a build without them."""
    elf = Path(path).read_bytes()
    if elf[:6] != b"\x7fELF\x02\x01":
        raise ValueError(f"{path} is no little-endian ELF64 file")
    table, = struct.unpack_from("<Q", elf, 0x28)
    size, count, names_at = struct.unpack_from("<HHH", elf, 0x3A)
    headers = [struct.unpack_from("<IIQQQQ", elf, table + n * size) for n in range(count)]
    names = headers[names_at][4]
    found = set()
    for name, _kind, _flags, _address, offset, length in headers:
        if elf[names + name:elf.index(b"\0", names + name)] == SECTION:
            found |= {point.decode() for point in elf[offset:offset + length].split(b"\0") if point}
    return sorted(found)
