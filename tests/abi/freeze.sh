#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Freezes the header of today as the next tests/abi/vN, with a plugin that is built against it for ever. Commit what
# it makes; after that the files are guarded by frozen.sha256.
set -eu
cd "$(dirname "$0")"
n=0
while [ -d "v$n" ]; do n=$((n + 1)); done
mkdir -p "v$n/sluice"
cp ../../sdk/include/sluice/plugin.h ../../sdk/include/sluice/plugin_note.h "v$n/sluice/"
cp current_plugin.c "v$n/plugin.c"
sha256sum "v$n/sluice/plugin.h" "v$n/sluice/plugin_note.h" "v$n/plugin.c" >> frozen.sha256
echo "tests/abi/v$n is frozen"
