#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Run every target over its corpus.
set -eu
for target in $FUZZ_TARGETS; do
  set -- "$FUZZ_CORPUS/$target"/*
  [ -e "$1" ] || { echo "$target has no corpus"; exit 1; }
  printf '%s: ' "$target"
  ./"$target" "$@"
done
