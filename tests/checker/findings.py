# SPDX-License-Identifier: Apache-2.0
"""What the checker says when an invariant is broken."""
from collections import namedtuple

KINDS = {
    "lost": "acknowledged, and absent",
    "duplicated": "one value at two offsets, or twice in the output of an exactly-once sink",
    "two-values": "two values at one offset",
    "reordered": "values of one producer or partition in another order than sent",
    "gap": "offsets are missing in a topic that keeps all of them",
    "overlap": "offsets that two batches claim, or that go back",
    "ahead": "an offset stands for data that are not there",
    "not-monotone": "a durable position went back",
    "not-sent": "a value that nobody sent",
    "missing": "a topic or connector whose creation was acknowledged is gone",
    "resurrected": "a topic or connector whose deletion was acknowledged is there",
    "unparsable": "bytes that cannot be read",
}

Finding = namedtuple("Finding", ["kind", "text"])
