# SPDX-License-Identifier: Apache-2.0
"""Connectors' lives over REST on the real worker: create, pause, resume, stop, restart, delete, and what a restart of
the worker finds again.

usage: lifecycle_test.py SLUICE
"""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
from tests.support.processes import Folder, Worker, wait_until  # noqa: E402

SOURCE = "org.apache.kafka.connect.file.FileStreamSourceConnector"
SINK = "org.apache.kafka.connect.file.FileStreamSinkConnector"


def expect(got, wanted, what):
    if got != wanted:
        raise AssertionError(f"{what}: wanted {wanted!r}, got {got!r}")


def append(path, text):
    with open(path, "a", encoding="utf-8") as out:
        out.write(text)


def states(worker, name):
    answer = worker.call(f"/connectors/{name}/status")
    if answer.status != 200:
        return None
    status = answer.json()
    return [status["connector"]["state"]] + [task["state"] for task in status["tasks"]]


def reach(worker, name, wanted):
    wait_until(lambda: states(worker, name) == wanted, 60, lambda: f"{name} to be {wanted}, it is {states(worker, name)}")


def text_of(path):
    return path.read_text() if path.exists() else ""


def reach_text(path, wanted):
    wait_until(lambda: text_of(path) == wanted, 60, lambda: f"{path} to be {wanted!r}, it is {text_of(path)!r}")


def create_pipeline(worker, folder):
    info = worker.create("src", {"connector.class": SOURCE, "file": str(folder / "in.txt"), "topic": "lines"})
    expect(info["type"], "source", "type")
    expect(info["config"]["name"], "src", "name in the config")
    worker.create("snk", {"connector.class": SINK, "file": str(folder / "out.txt"), "topics": "lines"})
    reach(worker, "src", ["RUNNING", "RUNNING"])
    expect(worker.call("/connectors/src").json()["tasks"], [{"connector": "src", "task": 0}], "tasks")
    reach(worker, "snk", ["RUNNING", "RUNNING"])
    reach_text(folder / "out.txt", "one\ntwo\n")


def what_is_shown(worker):
    metrics = lambda: worker.call("/metrics").body.decode()
    for line in ('source_record_write_total{connector="src",task="0"} 2',
                 'sink_record_send_total{connector="snk",task="0"} 2'):
        wait_until(lambda: f"kafka_connect_{line}" in metrics(), 60, f"{line} in the metrics")
    for line in ('source_record_write_total{connector="snk"', 'sink_record_send_total{connector="src"'):
        if line in metrics():
            raise AssertionError(f"{line} is in the metrics of a task that has none")
    kinds = {entry["class"]: entry["type"] for entry in worker.call("/connector-plugins?connectorsOnly=false").json()}
    expect(kinds["org.apache.kafka.connect.storage.SimpleHeaderConverter"], "header_converter", "header converter")
    expect(kinds["org.apache.kafka.connect.json.JsonConverter"], "converter", "built-in converter")


def pause_and_resume(worker, folder):
    expect(worker.call("/connectors/snk/pause", "PUT").status, 202, "pause")
    reach(worker, "snk", ["PAUSED", "PAUSED"])
    append(folder / "in.txt", "three\n")
    wait_until(lambda: offset(worker) == 3, 60, "the third line in the topic")
    expect(text_of(folder / "out.txt"), "one\ntwo\n", "output of a paused sink")
    expect(worker.call("/connectors/snk/resume", "PUT").status, 202, "resume")
    reach_text(folder / "out.txt", "one\ntwo\nthree\n")
    reach(worker, "snk", ["RUNNING", "RUNNING"])


def offset(worker):
    topic = worker.call("/sluice/topics/lines").json()
    return topic["partitions"][0]["end"]


def stop_and_resume(worker, folder):
    expect(worker.call("/connectors/src/stop", "PUT").status, 204, "stop")
    reach(worker, "src", ["STOPPED"])
    expect(worker.call("/connectors/src/tasks").json(), [], "tasks of a stopped connector")
    append(folder / "in.txt", "four\n")
    expect(worker.call("/connectors/src/resume", "PUT").status, 202, "resume")
    reach(worker, "src", ["RUNNING", "RUNNING"])
    reach_text(folder / "out.txt", "one\ntwo\nthree\nfour\n")


def restarts(worker, folder):
    expect(worker.call("/connectors/src/restart", "POST").status, 204, "restart")
    answer = worker.call("/connectors/src/restart?includeTasks=true&onlyFailed=false", "POST")
    expect(answer.status, 202, "restart with tasks")
    expect(answer.json()["tasks"][0]["state"], "RESTARTING", "state in the answer")
    expect(worker.call("/connectors/snk/tasks/0/restart", "POST").status, 204, "restart of a task")
    reach(worker, "src", ["RUNNING", "RUNNING"])
    reach(worker, "snk", ["RUNNING", "RUNNING"])
    append(folder / "in.txt", "five\n")
    reach_text(folder / "out.txt", "one\ntwo\nthree\nfour\nfive\n")


def unchanged_put_keeps_the_task(worker):
    before = worker.call("/connectors/src/config").json()
    answer = worker.call("/connectors/src/config", "PUT", before)
    expect(answer.status, 200, "PUT of the same config")
    expect(states(worker, "src"), ["RUNNING", "RUNNING"], "states after it")


def worker_restart(worker, folder):
    worker.call("/connectors/snk/pause", "PUT")
    reach(worker, "snk", ["PAUSED", "PAUSED"])
    expect(worker.stop(), 0, "exit code after SIGTERM")
    append(folder / "in.txt", "six\n")
    worker.start()
    reach(worker, "src", ["RUNNING", "RUNNING"])
    reach(worker, "snk", ["PAUSED", "PAUSED"])
    worker.call("/connectors/snk/resume", "PUT")
    # A clean stop commits everything: no line comes twice.
    reach_text(folder / "out.txt", "one\ntwo\nthree\nfour\nfive\nsix\n")
    expect(worker.call("/connectors").json(), ["snk", "src"], "connectors after the restart")


def offsets_and_topics(worker, folder):
    size = (folder / "in.txt").stat().st_size
    wanted = {"offsets": [{"partition": {"filename": str(folder / "in.txt")}, "offset": {"position": size}}]}
    wait_until(lambda: worker.call("/connectors/src/offsets").json() == wanted, 60, f"source offsets {wanted}")
    wanted = {"offsets": [{"partition": {"kafka_topic": "lines", "kafka_partition": 0}, "offset": {"kafka_offset": 6}}]}
    wait_until(lambda: worker.call("/connectors/snk/offsets").json() == wanted, 60, f"sink offsets {wanted}")
    for name in ("src", "snk"):
        expect(worker.call(f"/connectors/{name}/topics").json(), {name: {"topics": ["lines"]}}, "topics")


def delete(worker, folder):
    for name in ("src", "snk"):
        expect(worker.call(f"/connectors/{name}", "DELETE").status, 204, "delete")
        expect(worker.call(f"/connectors/{name}/status").status, 404, "status after delete")
        expect(worker.call(f"/connectors/{name}", "DELETE").status, 404, "second delete")
    # The same name goes on where the old one was, as in Kafka Connect.
    worker.create("src", {"connector.class": SOURCE, "file": str(folder / "in.txt"), "topic": "lines"})
    append(folder / "in.txt", "seven\n")
    wait_until(lambda: offset(worker) == 7, 60, "only the new line in the topic")


def a_failed_task_comes_back(worker, folder):
    away = folder / "away"
    worker.create("late", {"connector.class": SINK, "file": str(away / "out.txt"), "topics": "lines"})
    wait_until(lambda: (states(worker, "late") or ["", ""])[1:] == ["FAILED"], 60, "the sink without a folder to fail")
    expect("create it" in worker.status("late")["tasks"][0]["trace"], True, "advice in the trace")
    away.mkdir()
    answer = worker.call("/connectors/late/restart?includeTasks=true&onlyFailed=true", "POST")
    expect([answer.status, answer.json()["connector"]["state"]], [202, "RUNNING"], "restart of what has failed")
    wait_until(lambda: text_of(away / "out.txt").endswith("seven\n"), 60, "the failed sink to come back")
    reach(worker, "late", ["RUNNING", "RUNNING"])


def main():
    with Folder() as folder:
        append(folder / "in.txt", "one\ntwo\n")
        with Worker(sys.argv[1], folder) as worker:
            create_pipeline(worker, folder)
            what_is_shown(worker)
            pause_and_resume(worker, folder)
            stop_and_resume(worker, folder)
            restarts(worker, folder)
            unchanged_put_keeps_the_task(worker)
            worker_restart(worker, folder)
            offsets_and_topics(worker, folder)
            delete(worker, folder)
            a_failed_task_comes_back(worker, folder)
            expect(worker.stop(), 0, "exit code")


if __name__ == "__main__":
    main()
