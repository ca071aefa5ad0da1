#!/usr/bin/env bash
# Installs what is needed, builds, starts a worker on 127.0.0.1:8083 and shows two pipelines through durable topics:
# lines appended to one file appear in another, and what a simulated fleet publishes to an MQTT broker stands in a file.
#   ./run.sh         build, start, demo (worker and MQTT broker go on running)
#   ./run.sh stop    stop them
set -euo pipefail
cd "$(dirname "$0")"
demo=${SLUICE_DEMO:-build/demo}  # both settable for tests
port=${SLUICE_PORT:-8083}
mqtt_port=${SLUICE_MQTT_PORT:-18883}
sluice=build/release/bin/sluice
worker=http://127.0.0.1:$port
export SLUICE_WORKER=$worker

# stop_one NAME: the program of that name whose number stands in the demo's folder.
stop_one() {
  [ -f "$demo/$1.pid" ] || return 0
  pid=$(cat "$demo/$1.pid")
  # The number may be another program's by now.
  if [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = "$1" ] && kill -TERM "$pid" 2>/dev/null; then
    for _ in $(seq 100); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
  fi
  rm -f "$demo/$1.pid"
}

fail() {
  echo "$1; the worker's log is $demo/worker.log:" >&2
  tail -n 20 "$demo/worker.log" >&2
  exit 1
}

if [ "${1:-}" = stop ]; then
  stop_one sluice
  stop_one mosquitto
  echo "The demo's worker is stopped; its data stays in $demo/data."
  exit 0
fi

.ci/install build demo
if [ ! -f build/release/build.ninja ]; then
  cmake --preset release -DSLUICE_TESTS=OFF -DSLUICE_PRECOMPILE=ON >/dev/null
fi
echo "Building (the first time takes a few minutes) ..."
cmake --build --preset release --target sluice plugins 2>&1 | tail -n 1

mkdir -p "$demo"
folder=$(cd "$demo" && pwd)
stop_one sluice
stop_one mosquitto
if curl -fsS -m 2 "$worker/" >/dev/null 2>&1; then
  echo "Something answers at $worker already; stop it first." >&2
  exit 1
fi
rm -rf "$demo/data" "$demo/in.txt" "$demo/out.txt" "$demo/readings.txt"
cat > "$demo/worker.properties" <<PROPERTIES
listeners=$worker
data.dir=$folder/data
file.allowed.roots=$folder
key.converter=org.apache.kafka.connect.storage.StringConverter
value.converter=org.apache.kafka.connect.storage.StringConverter
offset.flush.interval.ms=1000
PROPERTIES
cat > "$demo/source.json" <<JSON
{"name": "demo-source", "config": {"connector.class": "FileStreamSource", "file": "$folder/in.txt", "topic": "lines"}}
JSON
cat > "$demo/sink.json" <<JSON
{"name": "demo-sink", "config": {"connector.class": "FileStreamSink", "file": "$folder/out.txt", "topics": "lines"}}
JSON
cat > "$demo/fleet.json" <<JSON
{"name": "demo-fleet", "config": {"connector.class": "MqttSource", "mqtt.server.uri": "tcp://127.0.0.1:$mqtt_port",
 "mqtt.topics": "fleet/#", "topic.rules": "fleet/+/+ -> fleet.\${2}", "record.key": "segment:2", "payload.format": "string"}}
JSON
cat > "$demo/readings.json" <<JSON
{"name": "demo-readings", "config": {"connector.class": "FileStreamSink", "file": "$folder/readings.txt", "topics.regex": "fleet[.].*"}}
JSON
printf 'listener %s 127.0.0.1\nallow_anonymous true\n' "$mqtt_port" > "$demo/mosquitto.conf"
printf 'hello\nfrom one file\nto another\n' > "$demo/in.txt"

PATH=$PATH:/usr/sbin nohup mosquitto -c "$demo/mosquitto.conf" >"$demo/mosquitto.log" 2>&1 </dev/null &
echo $! > "$demo/mosquitto.pid"
nohup "$sluice" run "$demo/worker.properties" >"$demo/worker.log" 2>&1 </dev/null &
echo $! > "$demo/sluice.pid"
for _ in $(seq 100); do curl -fsS -m 1 "$worker/health" >/dev/null 2>&1 && break; sleep 0.05; done
"$sluice" connector create "$demo/source.json" "$demo/sink.json" "$demo/fleet.json" "$demo/readings.json"
echo "one more line, appended while it runs" >> "$demo/in.txt"
for _ in $(seq 200); do cmp -s "$demo/in.txt" "$demo/out.txt" && break; sleep 0.05; done
cmp -s "$demo/in.txt" "$demo/out.txt" || fail "The file demo did not finish"

# The fleet: ten trucks, each of which says fifty times how warm it is and how fast.
for _ in $(seq 200); do grep -q "subscribed as" "$demo/worker.log" && break; sleep 0.05; done
for truck in $(seq 10); do
  for reading in temperature speed; do
    seq 50 | sed "s/.*/{\"truck\": $truck, \"$reading\": &}/" |
      mosquitto_pub -p "$mqtt_port" -q 1 -t "fleet/truck-$truck/$reading" -l &
  done
done
for _ in $(seq 600); do [ "$(wc -l < "$demo/readings.txt" 2>/dev/null || echo 0)" -ge 1000 ] && break; sleep 0.05; done
[ "$(wc -l < "$demo/readings.txt" 2>/dev/null || echo 0)" -ge 1000 ] || fail "The fleet's readings did not arrive"

echo
"$sluice" connector list
echo
echo "$demo/out.txt, written by demo-sink from topic 'lines':"
sed 's/^/  /' "$demo/out.txt"
echo "$demo/readings.txt, $(wc -l < "$demo/readings.txt") readings that ten trucks published over MQTT, each acknowledged once durable:"
tail -n 2 "$demo/readings.txt" | sed 's/^/  /'
cat <<TEXT

The worker runs at $worker (log: $demo/worker.log), the MQTT broker at 127.0.0.1:$mqtt_port. Try next:
  echo "and another" >> $demo/in.txt && sleep 2 && tail -n 1 $demo/out.txt
  mosquitto_pub -p $mqtt_port -q 1 -t fleet/truck-1/speed -m '{"truck": 1, "speed": 88}'; sleep 2; tail -n 1 $demo/readings.txt
  $sluice topic read fleet.speed
  curl -s $worker/connectors/demo-fleet/status
Stop it with: ./run.sh stop
TEXT
