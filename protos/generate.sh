#!/bin/sh
# Writes the stubs of protos/hashsvc/v1 to hashsvc/v1; with --check compares instead and fails on drift.
# PYTHON names the interpreter; the protoc plugins are taken from beside it.
set -eu
cd "$(dirname "$0")/.."
python=${PYTHON:-python}
PATH=$(dirname "$(command -v "$python")"):$PATH

case ${1-} in
  "") out=. ;;
  --check) out=$(mktemp -d); trap 'rm -rf "$out"' EXIT ;;
  *) echo "usage: generate.sh [--check]" >&2; exit 2 ;;
esac

"$python" -m grpc_tools.protoc -I protos --python_out="$out" --mypy_out=quiet:"$out" protos/hashsvc/v1/*.proto
"$python" -m grpc_tools.protoc -I protos --grpc_python_out="$out" --mypy_grpc_out=quiet:"$out" \
  protos/hashsvc/v1/*_service.proto
printf '"""Generated from protos/hashsvc/v1 by protos/generate.sh; never edited."""\n' > "$out/hashsvc/v1/__init__.py"

if [ "$out" != . ] && ! diff -r -x __pycache__ hashsvc/v1 "$out/hashsvc/v1"; then
  echo "hashsvc/v1 differs from protos/: run protos/generate.sh" >&2
  exit 1
fi
