# SPDX-License-Identifier: Apache-2.0
"""The rules that hold for every source file of the project, each a function from (path, text) to findings.

A finding is (line, text). lint.py runs them over the tree; lint_test.py shows each rule a file that breaks it.
"""
import re

LINES_MAX = 500
COLUMNS_MAX = 120

# folder -> folders it may include from, besides itself. The whole dependency rule of docs/architecture; no exceptions.
MAY_INCLUDE = {
    "sdk": [],
    "broker-core/base": [],
    "broker-core/model": ["broker-core/base"],
    "broker-core/storage": ["broker-core/base", "broker-core/model"],
    "broker-core/metadata": ["broker-core/base", "broker-core/model", "broker-core/storage"],
    "broker-core/coordinator": ["broker-core/base", "broker-core/model"],
    "broker-core/server": ["broker-core"],
    "broker-core/offline": ["broker-core/base", "broker-core/model", "broker-core/storage", "broker-core/metadata"],
    "runtime/json": ["broker-core/base"],
    "runtime/logging": ["broker-core/base"],
    "runtime/metrics": ["broker-core/base"],
    "runtime/config": ["broker-core/base", "runtime/json"],
    "runtime/record": ["broker-core/base", "runtime/config", "runtime/json", "sdk"],
    "runtime/plugin": ["broker-core/base", "runtime/config", "runtime/json", "runtime/record", "runtime/logging",
                       "runtime/metrics", "sdk"],
    "runtime/log": ["broker-core", "runtime/record", "runtime/config", "runtime/logging"],
    "runtime/store": ["broker-core/base", "broker-core/model", "runtime/json", "runtime/log", "runtime/record",
                      "runtime/config", "runtime/logging"],
    "runtime/task": ["broker-core/base", "broker-core/model", "runtime/log", "runtime/plugin", "runtime/record",
                     "runtime/config", "runtime/store", "runtime/logging", "runtime/metrics", "sdk"],
    "runtime/herder": ["broker-core/base", "broker-core/model", "runtime/task", "runtime/store", "runtime/log",
                       "runtime/plugin", "runtime/record", "runtime/config", "runtime/logging", "runtime/metrics",
                       "sdk"],
    "runtime/rest": ["broker-core/base", "broker-core/model", "runtime/herder", "runtime/config", "runtime/json",
                     "runtime/log", "runtime/logging", "runtime/metrics", "runtime/plugin"],
    "runtime/cli": ["broker-core", "runtime/config", "runtime/json"],
    "runtime/app": ["broker-core", "runtime", "sdk"],
    "plugins": ["sdk"],
}

# Third-party headers that are slow to compile: never in a header of ours.
HEAVY = re.compile(r'#include <(Poco/|boost/|spdlog/|CLI/|prometheus/|simdjson|nlohmann/json\.hpp|pqxx/)')

# call -> what to use instead
BANNED = {
    r"\bstrcpy\s*\(|\bsprintf\s*\(|\bstrcat\s*\(|\bgets\s*\(": "std::string or std::snprintf",
    r"\batoi\s*\(|\batol\s*\(|\batof\s*\(": "std::from_chars",
    r"\brand\s*\(\)|\bsrand\s*\(": "the Random seam (broker-core/base/random.hpp)",
    r"\bsystem\s*\(\s*\"": "nothing: the worker runs no shell",
    r"(?<![\w.>:])new\s+[A-Za-z_:]+[\s({<]": "std::make_unique",
    r"(?<![\w.>:])delete\s+[a-z_]+;|(?<![\w.>:])delete\[\]": "std::unique_ptr",
    r"\busing namespace std\s*;": "std:: at the name",
    r"\bFIXME\b|\bXXX\b|\bTODO\b": "an issue, or do it now",
}
SLEEP = re.compile(r"sleep_for\s*\(|\busleep\s*\(|(?<!_)\bsleep\s*\(\s*\d")


def folder_of(path):
    """The entry of MAY_INCLUDE that `path` belongs to, or None."""
    matches = [folder for folder in MAY_INCLUDE if path.startswith(folder + "/")]
    return max(matches, key=len) if matches else None


def strip_comments(text):
    """Comments and string contents blanked out, line structure kept."""
    pattern = re.compile(r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"', re.S)
    return pattern.sub(lambda m: re.sub(r"[^\n]", " ", m.group(0)) if m.group(0)[0] == "/" else
                       '"' + re.sub(r"[^\n]", " ", m.group(0)[1:-1]) + '"', text)


def include_directions(path, text):
    home = folder_of(path)
    if home is None:
        return []
    allowed = MAY_INCLUDE[home] + [home]
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        match = re.match(r'\s*#include "((?:sdk|broker-core|runtime|plugins|tests)/[^"]+)"', line)
        if not match:
            continue
        target = match.group(1)
        if home == "plugins" and target.split("/")[:2] == path.split("/")[:2]:
            continue  # a plugin's own folder, never another plugin's
        if home == "plugins" and target.startswith("plugins/"):
            found.append((number, f"a plugin must not include another plugin ({target})"))
        elif not any(target.startswith(folder + "/") for folder in allowed):
            found.append((number, f"{home} must not include {target}; it may use {', '.join(allowed)}"))
    return found


def file_size(path, text):
    lines = text.count("\n")
    limit = 600 if path == "sdk/include/sluice/plugin.h" else LINES_MAX
    return [(lines, f"{lines} lines; at most {limit}: split it by what it holds")] if lines > limit else []


def line_length(path, text):
    return [(n, f"{len(line)} columns; at most {COLUMNS_MAX}")
            for n, line in enumerate(text.splitlines(), 1) if len(line) > COLUMNS_MAX]


def heavy_headers(path, text):
    if not path.endswith((".hpp", ".h")) or path.startswith("tests/"):
        return []
    return [(n, "a heavy third-party header in a header of ours; include it in the .cpp")
            for n, line in enumerate(text.splitlines(), 1) if HEAVY.match(line) and "lint:allow" not in line]


def banned_calls(path, text):
    found = []
    code = strip_comments(text).splitlines()
    raw = text.splitlines()
    for pattern, instead in BANNED.items():
        marker = "FIXME" in pattern
        for number, line in enumerate(raw if marker else code, 1):
            # A private constructor is reached through std::unique_ptr<T>(new T(...)) in the factory, nowhere else.
            if pattern.endswith(r"[\s({<]") and re.search(r"(unique|shared)_ptr<[^;]*\(new ", line):
                continue
            if re.search(pattern, line) and "lint:allow" not in raw[number - 1]:
                found.append((number, f"banned: {re.search(pattern, line).group(0).strip()}; use {instead}"))
    return found


def no_sleep(path, text):
    """Neither product code nor tests wait by sleeping; they wait for a condition."""
    raw = text.splitlines()
    return [(n, "a sleep in place of a condition")
            for n, line in enumerate(strip_comments(text).splitlines(), 1)
            if SLEEP.search(line) and "lint:allow" not in raw[n - 1]]


def licence_line(path, text):
    return [] if "SPDX-License-Identifier: Apache-2.0" in text[:300] else [(1, "the SPDX line is missing")]


def pragma_once(path, text):
    if not path.endswith(".hpp") or "#pragma once" in text:
        return []
    return [(1, "#pragma once is missing")]


RULES = [include_directions, file_size, line_length, heavy_headers, banned_calls, no_sleep, licence_line, pragma_once]
