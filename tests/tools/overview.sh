#!/usr/bin/env bash
# Draws the README's picture: the program in an emulated guest with real ZFS pools and a Docker engine, beside a fake
# NVIDIA library with two cards. About five minutes once the guest is built.
#   tests/tools/overview.sh [OUT.svg]        default: assets/overview.svg
set -euo pipefail
cd "$(dirname "$0")/../.."
out=${1:-assets/overview.svg} size=160x45
target=${CARGO_TARGET_DIR:-target}
cargo build --release --locked --example picture --bin benchtop
bundle=$(tests/zfs-vm/build.sh "${BENCHTOP_ZFS_VM:-target/zfs-vm}" --engine | tail -1)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
rustc --edition 2021 -O --crate-type cdylib -o "$work/libnvidia-ml.so.1" tests/fake_nvml/lib.rs
# The cards are used by containers of the guest.
cat >"$work/setup.sh" <<'E'
pid() { docker inspect -f '{{.State.Pid}}' "$1"; }
sed -i "s/4242/$(pid ollama)/; s/4300/$(pid immich)/" /nvml.txt
E
# A minute and a half of history, with somebody at work in the pools.
tests/zfs-vm/run.sh --engine --mem 3072 --smp 4 --pools 'tank fast dozer' --load tank \
    --containers 'home web loop' \
    --file "$work/libnvidia-ml.so.1:/usr/lib/x86_64-linux-gnu/libnvidia-ml.so.1" \
    --file tests/fake_nvml/scenarios/two-cards.txt:/nvml.txt --env FAKE_NVML=/nvml.txt --env COLORTERM=truecolor \
    --setup "$work/setup.sh" --out "$work/out" --tty "$size" --run-timeout 240 --timeout 900 \
    --step 'until dozer' --step 'wait 100' --step 'shot overview' --step 'keys q' --step 'end' \
    "$bundle" "$target/release/benchtop"
"$target/release/examples/picture" --size "$size" --seconds 1 --out "$out" \
    sh -c 'printf %s "$(cat "$0")"; sleep 3' "$work/out/shots/overview.ansi"
