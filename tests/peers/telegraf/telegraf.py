# SPDX-License-Identifier: Apache-2.0
"""Starts a real Telegraf that brings MQTT messages to Kafka, acknowledging what Kafka has.

    program = telegraf.build(cache_folder)          # with Go; minutes the first time; raises Missing
    with telegraf.Telegraf(program, folder, mqtt_port, broker.bootstrap, "topic", "bench/#") as bridge: ...
"""
import os
import shutil
import signal
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent

CONFIG = """
[agent]
  flush_interval = "200ms"
  metric_batch_size = 5000
  metric_buffer_limit = 1000000
  quiet = true
[[inputs.mqtt_consumer]]
  servers = ["tcp://127.0.0.1:{mqtt_port}"]
  topics = ["{filter}"]
  qos = 1
  persistent_session = true
  client_id = "telegraf"
  max_undelivered_messages = 20000
  data_format = "value"
  data_type = "string"
[[outputs.kafka]]
  brokers = ["{bootstrap}"]
  topic = "{topic}"
  required_acks = -1
  data_format = "influx"
"""


class Missing(Exception):
    """Go or Telegraf's modules cannot be had; the text says which."""


def build(cache):
    """The program below `cache`, built on the first call."""
    if shutil.which("go") is None:
        raise Missing("go is not installed, so Telegraf cannot be built beside Sluice")
    cache = Path(cache)
    program = cache / "telegraf"
    if not program.exists():
        cache.mkdir(parents=True, exist_ok=True)
        for name in ("go.mod", "main.go"):
            shutil.copy(HERE / name, cache / name)
        done = subprocess.run(["go", "build", "-o", "telegraf", "."], cwd=cache, env={**os.environ, "GOFLAGS": "-mod=mod"},
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Missing("Telegraf could not be built: " + done.stderr[-800:])
    return program


class Telegraf:
    def __init__(self, program, folder, mqtt_port, bootstrap, topic, filters):
        file = Path(folder) / "telegraf.conf"
        file.write_text(CONFIG.format(mqtt_port=mqtt_port, bootstrap=bootstrap, topic=topic, filter=filters))
        self.log = open(Path(folder) / "telegraf.log", "wb")  # noqa: SIM115 closed in __exit__
        self.process = subprocess.Popen([str(program), str(file)], stdout=self.log, stderr=subprocess.STDOUT,
                                        stdin=subprocess.DEVNULL)

    @property
    def pid(self):
        return self.process.pid

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()
