#!/usr/bin/env bash
# Installs what is needed, then builds and tests three times: with ASan+UBSan, with ThreadSanitizer and as released.
#   ./test.sh            all three
#   ./test.sh tsan       one build only: dev (ASan+UBSan), tsan (ThreadSanitizer) or release
# docs/testing.md says which tests each of them runs.
set -euo pipefail
cd "$(dirname "$0")"
.ci/install build test

presets=("$@")
[ ${#presets[@]} -gt 0 ] || presets=(dev tsan release)
times=()
status=0
for preset in "${presets[@]}"; do
  case $preset in release|dev|tsan) ;; *) echo "usage: ./test.sh [dev|tsan|release ...]" >&2; exit 2 ;; esac
  begin=$SECONDS
  echo "Building $preset ..."
  cmake --preset "$preset" -DSLUICE_TESTS=ON -DSLUICE_PRECOMPILE=ON >/dev/null
  # Quiet unless it fails: the log of three builds is of no use to anybody.
  cmake --build --preset "$preset" >"build/$preset-build.log" 2>&1 || { tail -n 60 "build/$preset-build.log"; exit 1; }
  built=$SECONDS
  ctest --preset "$preset" -j 2 | tee "build/$preset-test.log" || status=1
  times+=("$preset: built in $((built - begin)) s, tested in $((SECONDS - built)) s")
done

# The ends of what failed tests printed: of CI's long output often only the end is at hand.
ends_of_failures() {
  awk 'function show(  i) { for (i = last > 40 ? last - 39 : 1; i <= last; i++) print line[i]; last = 0 }
       / Test +#[0-9]+: .*\*\*\*/ && !/\*\*\*Skipped/ { show(); print "\n--- " $0; failed = 1; next }
       /^ *Start +[0-9]+: | Test +#[0-9]+: | tests passed, / { show(); failed = 0 }
       failed { line[++last] = $0 }
       END { show() }' "$1"
}

# What counts of all that, at the end: times, and what ctest says about each build.
for preset in "${presets[@]}"; do ends_of_failures "build/$preset-test.log"; done
for i in "${!presets[@]}"; do
  printf '\n=== %s\n' "${times[$i]}"
  sed -n '/ tests passed, /,$p' "build/${presets[$i]}-test.log"
done
exit $status
