# SPDX-License-Identifier: Apache-2.0
"""Bad input on the real worker: each row is a request, the status it must have and words that its message must hold.
Afterwards nothing may have been left behind and the worker must be well.

usage: input_test.py SLUICE
"""
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
from tests.support.processes import Folder, Worker, wait_until  # noqa: E402

GOOD = {"connector.class": "FileStreamSource", "topic": "t"}


def rows(folder):
    create = "POST", "/connectors"

    def config(**more):
        return {"name": "x", "config": {**GOOD, "file": str(folder / "in.txt"), **more}}

    yield *create, b'{"name": \n "x" "config"}', 400, ["line 2"]
    yield *create, [], 400, ["array"]
    yield *create, b"null", 400, ["null"]
    yield *create, {"name": "x"}, 400, ['"config"']
    yield *create, {"name": "x", "config": {}, "nmae": 1}, 400, ['"nmae"']
    yield *create, config(topic={"a": 1}), 400, ['"topic"']
    yield *create, config(topic=None), 400, ['"topic"']
    yield *create, {"name": "x", "config": {"topic": "t"}}, 400, ["contains no connector type"]
    yield *create, config(**{"connector.class": "FileStreamSorce"}), 400, ["FileStreamSorce", "FileStreamSource"]
    yield *create, {"name": "x", "config": {"connector.class": "FileStreamSource"}}, 400, ["topic"]
    yield *create, config(**{"tasks.max": "0"}), 400, ["tasks.max", "at least 1"]
    yield *create, config(**{"tasks.max": "many"}), 400, ["tasks.max", "many"]
    yield *create, config(**{"value.converter": "Nope"}), 400, ["value.converter", "Nope"]
    yield *create, config(**{"transforms": "a", "transforms.a.type": "Nope"}), 400, ["transforms.a.type"]
    yield *create, {"name": "x", "config": {"connector.class": "FileStreamSink", "file": "o"}}, 400, ["topics"]
    yield *create, {"name": "y", "config": config()["config"] | {"name": "x"}}, 400, ["doesn't match"]
    yield *create, {**config(), "initial_state": "FAST"}, 400, ["FAST"]
    yield *create, b"[" * 100000, 400, ["nested"]
    yield *create, b'{"name":"x","config":{"a":"' + b"x" * (2 << 20) + b'"}}', 413, ["1048576"]
    yield "PUT", "/connectors/x/config", b"null", 400, ["null"]
    yield "PATCH", "/connectors/x/config", {}, 404, ["x"]
    yield "PUT", "/connectors/x/stop", None, 404, ["x"]
    yield "PUT", "/connectors/x/pause", None, 404, ["x"]
    yield "POST", "/connectors/x/restart", None, 404, ["x"]
    yield "POST", "/connectors/x/tasks/0/restart", None, 404, ["x"]
    yield "DELETE", "/connectors/x", None, 404, ["x"]
    yield "GET", "/connectors/x/offsets", None, 404, ["x"]
    yield "DELETE", "/connectors/x/offsets", None, 501, ["offsets"]
    yield "PUT", "/connector-plugins/FileStreamSource/config/validate", {}, 400, ["contains no connector type"]
    yield "GET", "/connector-plugins/Nope/config", None, 404, ["Nope"]
    yield "GET", "/nope", None, 404, ["HTTP 404 Not Found"]
    yield "DELETE", "/connectors", None, 405, ["HTTP 405 Method Not Allowed"]
    yield "GET", "/connectors/%zz", None, 400, ["percent"]


def check(worker, method, path, body, status, words):
    try:
        answer = worker.call(path, method, body)
    except OSError:
        if status == 413:  # the answer may be lost when the rest of a large body is not read
            return
        raise
    message = answer.json()
    problem = answer.status != status or message["error_code"] != status or set(message) != {"error_code", "message"}
    if problem or not all(word in message["message"] for word in words):
        raise AssertionError(f"{method} {path} {str(body)[:200]}: wanted {status} with {words}, got {answer}")


def files_that_cannot_be_used(worker, folder):
    """Accepted (the file may come), then said in the status: outside of the roots, a directory for a file."""
    (folder / "dir").mkdir()
    for name, file in (("outside", "/etc/hostname"), ("directory", str(folder / "dir"))):
        answer = worker.call("/connectors", "POST", {"name": name, "config": {**GOOD, "file": file}})
        if answer.status == 400:
            continue  # refused at once is as good
        if answer.status != 201:
            raise AssertionError(f"{name}: {answer}")
        wait_until(lambda name=name: any(t["state"] == "FAILED" and file in t.get("trace", "")
                                         for t in worker.status(name)["tasks"]),
                   60, f"{name} to fail with a trace that names {file}")
        worker.call(f"/connectors/{name}", "DELETE")


def wrong_media_types(worker):
    for headers, status in (({"Content-Type": "text/plain"}, 415), ({"Accept": "application/xml"}, 406),
                            ({"Host": "evil.example"}, 421), ({"Origin": "http://evil.example"}, 403)):
        answer = worker.call("/connectors", "POST", json.dumps({}).encode(), headers=headers)
        if answer.status != status or answer.json()["error_code"] != status:
            raise AssertionError(f"{headers}: wanted {status}, got {answer}")


def main():
    with Folder() as folder:
        (folder / "in.txt").write_text("line\n")
        with Worker(sys.argv[1], folder) as worker:
            count = 0
            for row in rows(folder):
                check(worker, *row)
                count += 1
            wrong_media_types(worker)
            if worker.call("/connectors").json():
                raise AssertionError(f"left behind: {worker.call('/connectors')}")
            files_that_cannot_be_used(worker, folder)
            if worker.call("/health").status != 200 or worker.stop() != 0:
                raise AssertionError("the worker is not well after all that")
            print(f"{count} bad requests answered")


if __name__ == "__main__":
    main()
