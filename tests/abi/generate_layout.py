# SPDX-License-Identifier: Apache-2.0
"""Writes a C program that prints the layout of everything in plugin.h. Usage: generate_layout.py plugin.h out.c

It reads the structs out of the header itself, so none can be forgotten."""
import re
import sys


def strip_comments(text):
    return re.sub(r"//[^\n]*|/\*.*?\*/", " ", text, flags=re.S)


def members(body):
    """(name, declaration) of each member of one level."""
    found, depth, start = [], 0, 0
    for i, c in enumerate(body):
        depth += {"{": 1, "(": 1, "}": -1, ")": -1}.get(c, 0)
        if c != ";" or depth:
            continue
        text = " ".join(body[start:i].split())
        start = i + 1
        pointer = re.search(r"\(\*\s*(\w+)\)\s*\(", text)
        name = pointer.group(1) if pointer else re.search(r"(\w+)\s*(\[[^\]]*\])?$", text).group(1)
        found.append((name, text))
    return found


def structs(text):
    for match in re.finditer(r"\bstruct\s+(\w+)\s*\{", text):
        depth, i = 1, match.end()
        while depth:
            depth += {"{": 1, "}": -1}.get(text[i], 0)
            i += 1
        yield match.group(1), members(text[match.end():i - 1])


def constants(text):
    for match in re.finditer(r"^#define (SLUICE_\w+) +(\S.*)$", text, flags=re.M):
        yield match.group(1), match.group(2).startswith('"')


header = strip_comments(open(sys.argv[1], encoding="utf-8").read())
lines = ["#include <stdio.h>", "#include <sluice/plugin.h>", "int main(void) {"]
for name, is_text in constants(header):
    value = f"%s\\n\", {name}" if is_text else f"%lld\\n\", (long long)({name})"
    lines.append(f'  printf("constant {name} = {value});')
count = 0
for name, fields in structs(header):
    count += 1
    kind = f"struct {name}"
    lines.append(f'  printf("struct {name} size=%zu align=%zu\\n", sizeof({kind}), _Alignof({kind}));')
    for field, text in fields:
        declaration = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
        lines.append(f'  printf("  %zu+%zu {declaration}\\n", offsetof({kind}, {field}), '
                     f"sizeof((({kind}*)0)->{field}));")
for match in re.finditer(r"typedef\s+([^;{}]*\(\*\s*\w+\)[^;{}]*);", header):
    text = " ".join(match.group(1).split())
    lines.append(f'  puts("typedef {text}");')
if count < 20:
    sys.exit(f"only {count} structs found: the header is not what this program expects")
lines += ["  return 0;", "}", ""]
with open(sys.argv[2], "w", encoding="utf-8") as out:
    out.write("\n".join(lines))
