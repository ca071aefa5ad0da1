# SPDX-License-Identifier: Apache-2.0
"""The invariants: each a function from (history, directory) to findings. check.py runs all of them."""
import json
from collections import Counter

from tests.checker.directory import Reader
from tests.checker.findings import Finding
from tests.checker.sink_file import Output

SHOWN = 5  # of a kind of finding in one place: the first ones say what is wrong


def some(kind, texts, where):
    texts = list(texts)
    found = [Finding(kind, text) for text in texts[:SHOWN]]
    if len(texts) > SHOWN:
        found.append(Finding(kind, f"{where}: and {len(texts) - SHOWN} more"))
    return found


def value_text(value):
    return None if value is None else value.decode(errors="replace")


class Places:
    """Where each value of a topic is: value -> [(partition, offset)]."""

    def __init__(self, directory, topic):
        self.of = {}
        for partition in directory.partitions(topic):
            for offset, _key, value in directory.records(topic, partition):
                self.of.setdefault(value_text(value), []).append((partition, offset))


def offsets_of_logs(_history, directory):
    """gap, overlap: every topic's offsets go up, one by one unless it is compacted."""
    found = []
    for (name, partition), log in sorted(directory.logs.items()):
        topic = directory.topics[name]
        expected = 0 if not (topic.trimmed or topic.compacted) else None
        texts = {"gap": [], "overlap": []}
        for batch in log:
            place = f"{name}-{partition}: {batch.file}, byte {batch.byte}: offsets {batch.base} to {batch.last}"
            if expected is not None and batch.base < expected:
                texts["overlap"].append(f"{place} where {expected} comes next")
            elif expected is not None and batch.base > expected and not topic.compacted:
                texts["gap"].append(f"{place} where {expected} comes next")
            inside = [offset for offset, _key, _value in batch.records]
            if inside != sorted(set(inside)) or any(not batch.base <= o <= batch.last for o in inside):
                texts["overlap"].append(f"{place}, records {inside[:10]}")
            if not topic.compacted and len(inside) != batch.last - batch.base + 1:
                texts["gap"].append(f"{place}, but {len(inside)} records")
            expected = max(expected or 0, batch.last + 1)
        for kind, of_kind in texts.items():
            found += some(kind, of_kind, f"{name}-{partition}")
    return found


def values_of_sources(history, directory):
    """lost, duplicated, reordered, not-sent: what stands in the topics is what was sent."""
    found = []
    by_topic = {}
    for source in history.sources.values():
        by_topic.setdefault(source.topic, []).append(source)
    for topic, sources in by_topic.items():
        places = Places(directory, topic)
        sent = {value for source in sources for value in source.values}
        found += some("not-sent", (f"{topic}: {value!r} at {at}" for value, at in places.of.items() if value not in sent),
                      topic)
        found += some("duplicated", (f"{topic}: {value!r} at {at}" for value, at in places.of.items()
                                     if value in sent and len(at) > 1), topic)
        trimmed = topic in directory.topics and directory.topics[topic].trimmed
        for source in sources:
            found += lost_values(source, places, trimmed)
            found += order_of(source, places)
    return found


def lost_values(source, places, trimmed):
    there = [value in places.of for value in source.values[:source.acknowledged]]
    first = 0
    if trimmed:  # what went from the front went by retention
        first = there.index(True) if True in there else len(there)
    return some("lost", (f"{source.topic}: value {n} of {source.producer} was acknowledged: {source.values[n]!r}"
                         for n in range(first, len(there)) if not there[n]), source.producer)


def order_of(source, places):
    newest = {}
    texts = []
    for number, value in enumerate(source.values):
        for partition, offset in sorted(places.of.get(value, []))[:1]:
            if offset < newest.get(partition, (-1, 0))[0]:
                texts.append(f"{source.topic}-{partition}: value {number} of {source.producer} is at {offset}, "
                             f"value {newest[partition][1]} before it at {newest[partition][0]}")
            newest[partition] = max(newest.get(partition, (-1, 0)), (offset, number))
    return some("reordered", texts, source.producer)


def what_readers_saw(history, directory):
    """two-values, lost: what a reader was given once stands there for ever."""
    tables = {}
    texts = {"two-values": [], "lost": []}
    given = {}
    for topic, partition, offset, value in history.seen:
        before = given.setdefault((topic, partition, offset), value)
        if before != value:
            texts["two-values"].append(f"{topic}-{partition}, offset {offset}: read {before!r}, later {value!r}")
        if topic not in directory.topics:
            continue
        if (topic, partition) not in tables:
            tables[(topic, partition)] = {o: value_text(v) for o, _k, v in directory.records(topic, partition)}
        table = tables[(topic, partition)]
        if offset in table and table[offset] != value:
            texts["two-values"].append(f"{topic}-{partition}, offset {offset}: read {value!r}, now {table[offset]!r}")
        kept = not (directory.topics[topic].trimmed or directory.topics[topic].compacted)
        if offset not in table and kept:
            texts["lost"].append(f"{topic}-{partition}, offset {offset}: {value!r} was read and is gone")
    return [f for kind, of_kind in texts.items() for f in some(kind, of_kind, "readers")]


def outputs_of_sinks(history, directory):
    """lost, duplicated, reordered, not-sent, ahead: a sink's file is what its topics hold, up to the committed offset."""
    found = []
    for sink in history.sinks.values():
        if history.connectors.get(sink.connector, "created") == "created":
            found += Output(sink, directory).findings()
    return found


# --- the worker's own topics

def json_of(data):
    return None if data is None else json.loads(data)


def worker_topics(history, directory):
    """unparsable, not-monotone, ahead, missing, resurrected: connect-offsets, connect-configs, connect-status."""
    found = []
    positions, configs = {}, {}
    for topic in ("connect-offsets", "connect-configs", "connect-status"):
        for partition in directory.partitions(topic):
            for offset, key, value in directory.records(topic, partition):
                place = f"{topic}-{partition}, offset {offset}"
                try:
                    content = json_of(value)
                    if topic == "connect-offsets":
                        found += take_position(positions, place, json_of(key), content)
                    elif topic == "connect-configs":
                        configs[key.decode()] = content
                except (ValueError, AttributeError, TypeError) as error:
                    found.append(Finding("unparsable", f"{place}: {key!r}: {error}"))
    return found + positions_of_sources(history, directory, positions) + connectors(history, configs)


def take_position(positions, place, key, content):
    connector, partition = key
    name = (connector, json.dumps(partition, sort_keys=True))
    if content is None:
        positions.pop(name, None)
        return []
    before, positions[name] = positions.get(name), content
    if before and before.get("position", 0) > content.get("position", 0):
        return [Finding("not-monotone", f"{place}: {name} goes from {before} back to {content}")]
    return []


def positions_of_sources(history, directory, positions):
    found = []
    for source in history.sources.values():
        if source.file is None:
            continue
        # FileStreamSource stores {"filename"}; FileSource {"filename", "number"}, one for each file that had the name.
        position = max((offset.get("position", 0) for (connector, partition), offset in positions.items()
                        if offset and connector == source.connector
                        and json.loads(partition).get("filename") == str(source.file)), default=0)
        if position < source.position:
            found.append(Finding("not-monotone", f"{source.producer}: position {source.position} was acknowledged, "
                                                 f"connect-offsets says {position}"))
        places = Places(directory, source.topic)
        covered = source.values[:source.values_before(position)]
        first = 0
        if source.topic in directory.topics and directory.topics[source.topic].trimmed:
            first = next((n for n, value in enumerate(covered) if value in places.of), len(covered))
        found += some("ahead", (f"{source.producer}: connect-offsets stands at {position}, but value {n} is not in "
                                f"{source.topic}: {covered[n]!r}" for n in range(first, len(covered))
                                if covered[n] not in places.of), source.producer)
        if source.ends and position > source.ends[-1]:
            found.append(Finding("ahead", f"{source.producer}: connect-offsets stands at {position}, the file ends at "
                                          f"{source.ends[-1]}"))
    return found


def connectors(history, configs):
    there = {key[len("connector-"):] for key, value in configs.items()
             if key.startswith("connector-") and value is not None}
    return compare("connector", history.connectors, there)


def topics(history, directory):
    """missing, resurrected: topics are what was acknowledged."""
    found = compare("topic", history.topics, set(directory.topics))
    return [Finding(f.kind, f.text + f" ({ids(history, directory, f.text.split()[1])})") for f in found]


def ids(history, directory, name):
    """Tells one that came back from one that somebody made anew."""
    there = directory.topics[name].id if name in directory.topics else "no"
    return f"created with id {history.topic_ids.get(name, 'unknown')}, now there is {there} topic of that name"


def compare(what, states, there):
    found = []
    for name, state in states.items():
        if state == "created" and name not in there:
            found.append(Finding("missing", f"{what} {name} was created and is gone"))
        if state == "deleted" and name in there:
            found.append(Finding("resurrected", f"{what} {name} was deleted and is there"))
    return found


def committed_offsets(directory):
    """(group, topic, partition) -> offset, from __consumer_offsets, and what is wrong with it."""
    offsets, found = {}, []
    for partition in directory.partitions("__consumer_offsets"):
        for at, key, value in directory.records("__consumer_offsets", partition):
            place = f"__consumer_offsets-{partition}, offset {at}"
            try:
                reader = Reader(key)
                if reader.number(">h") > 1:
                    continue
                name = (reader.short_text(), reader.short_text(), reader.number(">i"))
                if value is None:
                    offsets.pop(name, None)
                    continue
                fields = Reader(value)
                fields.number(">h")
                offset = fields.number(">q")
            except (ValueError, TypeError) as error:
                found.append(Finding("unparsable", f"{place}: {error}"))
                continue
            if offset < offsets.get(name, 0):
                found.append(Finding("not-monotone", f"{place}: {name} goes from {offsets[name]} back to {offset}"))
            offsets[name] = offset
    return offsets, found


def group_offsets(history, directory):
    """unparsable, not-monotone, ahead: the groups' offsets are no further than the logs and the sinks' files."""
    offsets, found = committed_offsets(directory)
    for (group, topic, partition), offset in offsets.items():
        if topic in directory.topics and offset > directory.end(topic, partition):
            found.append(Finding("ahead", f"group {group}: {offset} of {topic}-{partition}, which ends at "
                                          f"{directory.end(topic, partition)}"))
    for sink in history.sinks.values():
        if history.connectors.get(sink.connector, "created") != "created":
            continue
        output = Output(sink, directory)
        for topic in sink.topics:
            for partition in directory.partitions(topic):
                offset = offsets.get((f"connect-{sink.connector}", topic, partition), 0)
                shown = sink.offsets.get((topic, partition), 0)
                if offset < shown:
                    found.append(Finding("not-monotone", f"{sink.name}: {shown} of {topic}-{partition} was shown as "
                                                         f"committed, __consumer_offsets says {offset}"))
                found += output.absent_before("ahead", topic, partition, offset, "__consumer_offsets says")
    return found


ALL = [offsets_of_logs, values_of_sources, what_readers_saw, outputs_of_sinks, worker_topics, topics, group_offsets]


def check(history, directory):
    found = list(directory.findings)
    for invariant in ALL:
        found += invariant(history, directory)
    return found


def summary(found):
    return dict(Counter(finding.kind for finding in found))
