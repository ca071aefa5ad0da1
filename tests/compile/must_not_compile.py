# SPDX-License-Identifier: Apache-2.0
"""Code that the compiler has to refuse, and its twin that it has to take (so that the test does not pass for another reason).

usage: must_not_compile.py COMPILER ROOT
"""
import subprocess
import sys

HEADER = '#include "broker-core/base/result.hpp"\n#include "broker-core/base/types.hpp"\nusing namespace sluice;\n'

# name -> (refused, accepted)
CASES = {
    "two strong types never mix": ("auto x = Offset(1) == PartitionId(1);", "auto x = Offset(1) == Offset(1);"),
    "an offset plus an offset means nothing": ("auto x = Offset(1) + Offset(2);", "auto x = Offset(1) + 2;"),
    "a number is no offset": ("Offset x = 1;", "Offset x(1);"),
    "an offset is no number": ("int64_t x = Offset(1);", "int64_t x = Offset(1).value();"),
    "a result cannot be dropped": ("Status f(); void g() { f(); }", "Status f(); void g() { (void)f().ok(); }"),
    "a result is no value": ("Result<int> f(); int x = f();", "Result<int> f(); int x = f().value();"),
}


def compiles(compiler, root, code):
    done = subprocess.run([compiler, "-std=c++20", "-fsyntax-only", "-Werror=unused-result", f"-I{root}", "-x", "c++", "-"],
                          input=HEADER + code + "\n", capture_output=True, text=True, check=False)
    return done.returncode == 0, done.stderr


def main():
    compiler, root = sys.argv[1:]
    failures = 0
    for name, (refused, accepted) in CASES.items():
        good, message = compiles(compiler, root, accepted)
        bad, _ = compiles(compiler, root, refused)
        if not good:
            print(f"{name}: the legal form does not compile:\n{message}")
        if bad:
            print(f"{name}: compiles, and must not: {refused}")
        failures += (not good) + bad
    print(f"{len(CASES)} cases, {failures} failures")
    sys.exit(1 if failures else 0)


main()
