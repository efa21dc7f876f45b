#!/usr/bin/env bash
# Measures llama.cpp and Flash in turns, on models of the same shape and random weights: Q4_1 there, 4 bits in groups of 64 here.
# usage: bench-llama-cpp.sh [--preset NAMES] [--gguf FILE --mlx DIR] [--rounds N] [--threads LIST] [--prompt N] [--tokens N] [--build DIR] [--json]
#   --preset NAMES          shapes of 'flash synthesize --preset', such as smollm2-135m,llama-3.2-1b; all are measured in each round
#   --gguf FILE, --mlx DIR  models that are there already; without these and --preset, the default of 'flash synthesize', 1.3 GB in all
#   --rounds N              rounds that count, each with a fresh process of both (5); their medians are compared
#   --threads LIST          numbers of threads that compute, such as 1,2,4 (one per processor)
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
presets=
options=()

usage() {
	sed -n '2,11s/^# //p' "${BASH_SOURCE[0]}" >&2
	exit 2
}

while [ $# -gt 0 ]; do
	case $1 in
		--json) options+=("$1"); shift; continue ;;
		--preset | --gguf | --mlx | --build | --rounds | --threads | --prompt | --tokens) [ $# -ge 2 ] || usage ;;
		*) usage ;;
	esac
	case $1 in
		--preset) presets=$2 ;;
		--gguf) gguf=$2 ;;
		--mlx) mlx=$2 ;;
		--build) build=$2 ;;
		--threads)
			[[ $2 =~ ^[1-9][0-9]*(,[1-9][0-9]*)*$ ]] || { echo "bench-llama-cpp.sh: --threads must be numbers above 0 such as 1,2,4, but is $2" >&2; exit 2; }
			options+=("$1" "$2")
			;;
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
# Makes a model of a shape in both formats, unless it is there: make NAME [OPTION...]; then adds it to those that are measured.
make() {
	local name=$1
	shift
	local file=$build/$name-q4_1.gguf folder=$build/$name-mlx-4bit
	[ -f "$file" ] || { "$home/flash" synthesize "$@" --format gguf-q4_1 --out "$file.part" && mv "$file.part" "$file"; }
	[ -d "$folder" ] || { "$home/flash" synthesize "$@" --format mlx-4bit --out "$folder.part" && mv "$folder.part" "$folder"; }
	options+=(--model "$name" "$file" "$folder")
}

if [ -n "$gguf$mlx" ]; then
	[ -n "$gguf" ] && [ -n "$mlx" ] || { echo "bench-llama-cpp.sh: --gguf and --mlx go together" >&2; exit 2; }
	options+=(--model "$(basename "$mlx")" "$gguf" "$mlx")
elif [ -z "$presets" ]; then
	make llama-1b
fi
for preset in ${presets//,/ }; do
	make "$preset" --preset "$preset"
done
exec node "$home/scripts/bench-llama-cpp.mjs" "$modules" "$home/flash" "${options[@]}"
