#!/usr/bin/env bash
# Installs what is needed, builds, starts a worker on 127.0.0.1:8083 and shows a first pipeline:
# lines appended to one file appear in another, through a durable topic.
#   ./run.sh         build, start, demo (the worker goes on running)
#   ./run.sh stop    stop that worker
set -euo pipefail
cd "$(dirname "$0")"
demo=${SLUICE_DEMO:-build/demo}  # both settable for tests
port=${SLUICE_PORT:-8083}
sluice=build/release/bin/sluice
worker=http://127.0.0.1:$port
export SLUICE_WORKER=$worker

stop_worker() {
  [ -f "$demo/worker.pid" ] || return 0
  pid=$(cat "$demo/worker.pid")
  # The number may be another program's by now.
  if [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = sluice ] && kill -TERM "$pid" 2>/dev/null; then
    for _ in $(seq 100); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
  fi
  rm -f "$demo/worker.pid"
}

if [ "${1:-}" = stop ]; then
  stop_worker
  echo "The demo's worker is stopped; its data stays in $demo/data."
  exit 0
fi

.ci/install build
if [ ! -f build/release/build.ninja ]; then
  cmake --preset release -DSLUICE_TESTS=OFF -DSLUICE_PRECOMPILE=ON >/dev/null
fi
echo "Building (the first time takes a few minutes) ..."
cmake --build --preset release --target sluice plugins 2>&1 | tail -n 1

mkdir -p "$demo"
folder=$(cd "$demo" && pwd)
stop_worker
if curl -fsS -m 2 "$worker/" >/dev/null 2>&1; then
  echo "Something answers at $worker already; stop it first." >&2
  exit 1
fi
rm -rf "$demo/data" "$demo/in.txt" "$demo/out.txt"
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
printf 'hello\nfrom one file\nto another\n' > "$demo/in.txt"

nohup "$sluice" run "$demo/worker.properties" >"$demo/worker.log" 2>&1 </dev/null &
echo $! > "$demo/worker.pid"
for _ in $(seq 100); do curl -fsS -m 1 "$worker/health" >/dev/null 2>&1 && break; sleep 0.05; done
"$sluice" connector create "$demo/source.json" "$demo/sink.json"
echo "one more line, appended while it runs" >> "$demo/in.txt"
for _ in $(seq 200); do cmp -s "$demo/in.txt" "$demo/out.txt" && break; sleep 0.05; done
if ! cmp -s "$demo/in.txt" "$demo/out.txt"; then
  echo "The demo did not finish; the worker's log is $demo/worker.log:" >&2
  tail -n 20 "$demo/worker.log" >&2
  exit 1
fi

echo
"$sluice" connector list
echo
echo "$demo/out.txt, written by demo-sink from topic 'lines':"
sed 's/^/  /' "$demo/out.txt"
cat <<TEXT

The worker runs at $worker (log: $demo/worker.log). Try next:
  echo "and another" >> $demo/in.txt && sleep 1 && tail -n 1 $demo/out.txt
  $sluice topic read lines
  curl -s $worker/connectors/demo-source/status
Stop it with: ./run.sh stop
TEXT
