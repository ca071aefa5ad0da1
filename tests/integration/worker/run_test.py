# SPDX-License-Identifier: Apache-2.0
"""`sluice run` as a program: files on the command line, exit codes, signals, what it says.

usage: run_test.py SLUICE
"""
import signal
import socket
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
from tests.support.processes import Folder, Worker, free_port, request, wait_until  # noqa: E402


def run(binary, folder, *arguments):
    done = subprocess.run([binary, "run", *map(str, arguments)], cwd=folder, capture_output=True, text=True, timeout=120,
                          stdin=subprocess.DEVNULL, check=False)
    return done.returncode, done.stderr


def expect(condition, what):
    if not condition:
        raise AssertionError(what)


def files_on_the_command_line(binary):
    with Folder() as folder:
        (folder / "in.txt").write_text("one\n")
        (folder / "src.json").write_text('{"name":"src","config":{"connector.class":"FileStreamSource","topic":"t",'
                                         f'"file":"{folder}/in.txt"}}}}')
        (folder / "snk.properties").write_text(f"name=snk\nconnector.class=FileStreamSink\ntopics=t\nfile={folder}/out.txt\n")
        arguments = [folder / "src.json", folder / "snk.properties"]
        for starts in (1, 2):  # the second start meets the connectors of the first
            with Worker(binary, folder, arguments=arguments) as worker:
                wait_until(lambda n=starts: worker.log.read_text().count("is ready") == n, 60, "the greeting")
                wait_until(lambda: (folder / "out.txt").exists() and (folder / "out.txt").read_text() == "one\n", 60,
                           "the pipeline of the command line")
                expect(worker.call("/connectors").json() == ["snk", "src"], "connectors of the command line")
                expect(worker.stop() == 0, "exit code 0 after SIGTERM")
        said = worker.log.read_text()
        expect(worker.url in said and str(folder / "data") in said, f"the greeting names address and data: {said}")


def exit_codes(binary):
    with Folder() as folder:
        bad = folder / "bad.properties"
        bad.write_text("listeners=ftp://x\noffset.flush.interval.ms=soon\n")
        code, said = run(binary, folder, bad)
        expect(code == 2 and "listeners" in said and "offset.flush.interval.ms" in said, f"bad worker file: {code} {said}")
        code, said = run(binary, folder, folder / "none.properties")
        expect(code == 2 and "none.properties" in said, f"missing worker file: {code} {said}")
        bad.write_text("key.converter=StringConvertr\n")
        code, said = run(binary, folder, bad)
        expect(code == 2 and "key.converter" in said and "StringConverter" in said, f"unknown converter: {code} {said}")
        bad.write_text("value.converter=JsonConverter\nvalue.converter.schemas.enable=maybe\n")
        code, said = run(binary, folder, bad)
        expect(code == 2 and "value.converter" in said and "schemas.enable" in said, f"bad setting: {code} {said}")
        code, said = run(binary, folder, "--frob")
        expect(code == 2, f"unknown option: {code} {said}")
        good = folder / "worker.properties"
        good.write_text(f"listeners=http://127.0.0.1:0\ndata.dir={folder}/data\n")
        code, said = run(binary, folder, good, folder / "none.json")
        expect(code == 3 and "none.json" in said, f"missing connector file: {code} {said}")
        (folder / "c.json").write_text('{"name":"c","connector.class":"FileStreamSorce"}')
        code, said = run(binary, folder, good, folder / "c.json")
        expect(code == 3 and "FileStreamSource" in said, f"refused connector: {code} {said}")
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            good.write_text(f"listeners=http://127.0.0.1:{taken.getsockname()[1]}\ndata.dir={folder}/data\n")
            code, said = run(binary, folder, good)
            expect(code == 1 and "Cannot listen" in said, f"port in use: {code} {said}")


def a_data_directory_has_one_worker(binary):
    with Folder() as folder:
        with Worker(binary, folder):
            second = folder / "second.properties"
            second.write_text(f"listeners=http://127.0.0.1:{free_port()}\ndata.dir={folder}/data\n")
            code, said = run(binary, folder, second)
            expect(code == 1 and str(folder / "data") in said, f"second worker on one directory: {code} {said}")


def without_any_file(binary):
    with Folder() as folder:
        process = subprocess.Popen([binary, "run", "--set", "listeners=http://127.0.0.1:0"], cwd=folder,
                                   stderr=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL)
        try:
            said = ""
            while "Try:" not in said:
                line = process.stderr.readline()
                expect(line, f"the worker ended early: {said}")
                said += line
            url = next(word for word in said.split() if word.startswith("http://127.0.0.1:"))
            expect(request(url + "/health").status == 200, "health of a worker without any file")
            expect((folder / "sluice-data" / "meta.properties").exists(), "data in ./sluice-data")
            process.send_signal(signal.SIGINT)
            expect(process.wait(60) == 0, "exit code after SIGINT")
        finally:
            process.kill()
            process.stderr.close()
            process.wait()


def main():
    binary = str(Path(sys.argv[1]).resolve())
    files_on_the_command_line(binary)
    exit_codes(binary)
    a_data_directory_has_one_worker(binary)
    without_any_file(binary)


if __name__ == "__main__":
    main()
