#!/usr/bin/env bash
# Installs what is needed, builds with ASan+UBSan and as released, and runs every test with both.
#   ./test.sh            both
#   ./test.sh tsan       one build only: release, dev (ASan+UBSan) or tsan (ThreadSanitizer)
set -euo pipefail
cd "$(dirname "$0")"
.ci/install build test

presets=("$@")
[ ${#presets[@]} -gt 0 ] || presets=(dev release)
summary=()
status=0
for preset in "${presets[@]}"; do
  case $preset in release|dev|tsan) ;; *) echo "usage: ./test.sh [release|dev|tsan ...]" >&2; exit 2 ;; esac
  begin=$SECONDS
  cmake --preset "$preset" -DSLUICE_TESTS=ON -DSLUICE_PRECOMPILE=ON >/dev/null
  # Quiet unless it fails: the log of three builds is of no use to anybody.
  cmake --build --preset "$preset" >"build/$preset-build.log" 2>&1 || { tail -n 60 "build/$preset-build.log"; exit 1; }
  built=$SECONDS
  ctest --preset "$preset" -j 2 || status=1
  summary+=("$preset: built in $((built - begin)) s, tested in $((SECONDS - built)) s")
done
printf '%s\n' "${summary[@]}"
[ $status -eq 0 ] || echo "Some tests failed; see above." >&2
exit $status
