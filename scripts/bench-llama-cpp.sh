#!/usr/bin/env bash
# Measures llama.cpp and Flash in turns, on models of the same shape and random weights: Q4_1 there, 4 bits in groups of 64 here.
# usage: bench-llama-cpp.sh [--gguf FILE] [--mlx DIR] [--rounds N] [--threads N] [--prompt N] [--tokens N] [--build DIR] [--json]
#   --gguf FILE, --mlx DIR  models that are there already; otherwise made as 'flash synthesize' does, 1.3 GB in all
#   --rounds N              rounds that count, each with a fresh process of both (5); their medians are compared
#   --threads N             threads that compute (one per processor)
#   --prompt N, --tokens N  tokens of the prompt (512) and tokens generated (64)
#   --build DIR             where node-llama-cpp and the models go (target/bench-llama-cpp)
#   --json                  prints the results as JSON; the table goes to standard error
# Needs Node 20 or newer with npm. llama.cpp comes prebuilt in the npm package node-llama-cpp.
set -euo pipefail

version=3.22.1
home=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
build=$home/target/bench-llama-cpp
gguf=
mlx=
options=()

usage() {
	sed -n '2,10s/^# //p' "${BASH_SOURCE[0]}" >&2
	exit 2
}

while [ $# -gt 0 ]; do
	case $1 in
		--json) options+=("$1"); shift; continue ;;
		--gguf | --mlx | --build | --rounds | --threads | --prompt | --tokens) [ $# -ge 2 ] || usage ;;
		*) usage ;;
	esac
	case $1 in
		--gguf) gguf=$2 ;;
		--mlx) mlx=$2 ;;
		--build) build=$2 ;;
		*)
			[[ $2 =~ ^[1-9][0-9]*$ ]] || { echo "bench-llama-cpp.sh: $1 must be a number above 0, but is $2" >&2; exit 2; }
			options+=("$1" "$2")
			;;
	esac
	shift 2
done

command -v npm >/dev/null || { echo "bench-llama-cpp.sh: needs npm (Node 20 or newer) on the PATH" >&2; exit 1; }
mkdir -p "$build"
modules=$build/node_modules
if [ ! -f "$modules/node-llama-cpp/package.json" ]; then
	echo "bench-llama-cpp.sh: installing node-llama-cpp $version into $build ..." >&2
	# without scripts: what they would do is look for a compiler
	(cd "$build" && npm install --prefix . --no-save --ignore-scripts --no-audit --no-fund --loglevel=error "node-llama-cpp@$version") >&2
fi
if [ -z "$gguf" ]; then
	gguf=$build/llama-1b-q4_1.gguf
	[ -f "$gguf" ] || { "$home/flash" synthesize --format gguf-q4_1 --out "$gguf.part" && mv "$gguf.part" "$gguf"; }
fi
if [ -z "$mlx" ]; then
	mlx=$build/llama-1b-mlx-4bit
	[ -d "$mlx" ] || { "$home/flash" synthesize --format mlx-4bit --out "$mlx.part" && mv "$mlx.part" "$mlx"; }
fi
exec node "$home/scripts/bench-llama-cpp.mjs" "$modules" "$home/flash" "$gguf" "$mlx" "${options[@]}"
