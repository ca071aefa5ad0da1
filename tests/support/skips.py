# SPDX-License-Identifier: Apache-2.0
"""What a test does on a machine that lacks what it needs: it is skipped, with the reason. In CI (CI is set) it fails: there a
test that was left out must not pass for one that found nothing."""
import os
import sys
import unittest


def fail_in_ci(reason):
    if os.environ.get("CI"):
        sys.exit(f"in CI no test may be left out: {reason}")


def skip_case(reason):
    """Of a case of a unittest."""
    if os.environ.get("CI"):
        raise AssertionError(f"in CI no test may be left out: {reason}")
    raise unittest.SkipTest(reason)


def skip_program(reason):
    """Of a whole program; 77 is its SKIP_RETURN_CODE in ctest."""
    fail_in_ci(reason)
    print(f"SKIPPED: {reason}")
    sys.exit(77)
