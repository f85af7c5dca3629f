#!/usr/bin/env python3
"""Puts each GPU figure of `benchtop once --json` beside that of `nvidia-smi --query-gpu`.

  tests/tools/beside_nvidia_smi.py PROGRAM [--load] [--seconds N]

nvidia-smi is asked before and after benchtop: a figure differs when it lies outside what both say, by more than the
figure's tolerance. --load keeps each card busy meanwhile with a small kernel, through libcuda.so.1 alone. The exit status
is 1 when a figure differs, 2 when nothing could be compared.
"""
import argparse
import ctypes
import json
import subprocess
import sys
import time

MIB = 1 << 20
# Figure of the JSON, field of nvidia-smi, factor from its unit to ours, tolerance in our unit (relative where it is below
# 1 and the unit is not a share).
FIGURES = [
    ("name", "name", None, 0),
    ("busy_ratio", "utilization.gpu", 0.01, 0.25),
    ("memory_busy_ratio", "utilization.memory", 0.01, 0.25),
    ("encoder_ratio", "utilization.encoder", 0.01, 0.1),
    ("decoder_ratio", "utilization.decoder", 0.01, 0.1),
    ("memory_total_bytes", "memory.total", MIB, MIB),
    ("memory_used_bytes", "memory.used", MIB, 64 * MIB),
    ("memory_reserved_bytes", "memory.reserved", MIB, MIB),
    ("temperature_celsius", "temperature.gpu", 1, 3),
    ("memory_temperature_celsius", "temperature.memory", 1, 4),
    ("power_watts", "power.draw", 1, 40),
    ("power_limit_watts", "enforced.power.limit", 1, 0.5),
    ("power_default_watts", "power.default_limit", 1, 0.5),
    ("clock_hertz", "clocks.current.graphics", 1e6, 60e6),
    ("clock_max_hertz", "clocks.max.graphics", 1e6, 0),
    ("memory_clock_hertz", "clocks.current.memory", 1e6, 1e6),
    ("fan_ratio", "fan.speed", 0.01, 0.05),
    ("pcie_generation.0", "pcie.link.gen.current", 1, 0),
    ("pcie_generation.1", "pcie.link.gen.max", 1, 0),
    ("pcie_lanes.0", "pcie.link.width.current", 1, 0),
    ("pcie_lanes.1", "pcie.link.width.max", 1, 0),
    ("ecc_errors.0", "ecc.errors.corrected.volatile.total", 1, 0),
    ("ecc_errors.1", "ecc.errors.uncorrected.volatile.total", 1, 0),
    ("remapped_rows.corrected", "remapped_rows.correctable", 1, 0),
    ("remapped_rows.uncorrected", "remapped_rows.uncorrectable", 1, 0),
]

PTX = b"""
.version 6.0
.target sm_50
.address_size 64
.visible .entry spin()
{
  .reg .u64 %t<4>;
  .reg .pred %p;
  mov.u64 %t0, %clock64;
again:
  mov.u64 %t1, %clock64;
  sub.u64 %t2, %t1, %t0;
  setp.lt.u64 %p, %t2, 50000000;
  @%p bra again;
  ret;
}
\0"""


def ask(fields):
    """Values of all cards by uuid, or None where nvidia-smi does not know a field."""
    query = ["nvidia-smi", "--query-gpu=" + ",".join(["uuid"] + fields), "--format=csv,noheader,nounits"]
    said = subprocess.run(query, capture_output=True, text=True)
    if said.returncode != 0:
        return None
    rows = [[cell.strip() for cell in line.split(", ")] for line in said.stdout.splitlines() if line.strip()]
    return {row[0]: dict(zip(fields, row[1:])) for row in rows}


def smi(fields):
    """Like ask, with the fields that this version does not know left out."""
    whole = ask(fields)
    if whole is not None:
        return whole
    cards = {}
    for field in fields:
        for uuid, row in (ask([field]) or {}).items():
            cards.setdefault(uuid, {}).update(row)
    return cards


def reported(gpu, path):
    for part in path.split("."):
        if gpu is None:
            return None
        gpu = gpu[int(part)] if part.isdigit() else gpu.get(part)
    return gpu


def value(text, factor):
    """A figure of nvidia-smi in our unit; None where it has none."""
    if text is None or text.strip("[] ") in ("", "N/A", "Not Supported", "Unknown Error", "GPU requires reset"):
        return None
    if factor is None:
        return int(text[1:]) if text[:1] == "P" and text[1:].isdigit() else text
    try:
        return float(text) * factor
    except ValueError:
        return None


def differs(ours, before, after, tolerance):
    known = [v for v in (before, after) if v is not None]
    if ours is None or not known:
        return "" if ours is None and not known else "only one has it"
    if isinstance(ours, str) or isinstance(known[0], str):
        return "" if str(ours) in map(str, known) else "differs"
    return "" if min(known) - tolerance <= ours <= max(known) + tolerance else "differs"


def load(seconds):
    """Keeps every card busy from another process for so long; None where there is no libcuda."""
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        return None
    return subprocess.Popen([sys.executable, __file__, "--spin", str(seconds), "-"])


def spin(seconds):
    cuda = ctypes.CDLL("libcuda.so.1")

    def call(name, *arguments):
        code = getattr(cuda, name)(*arguments)
        if code:
            sys.exit(f"{name}: error {code}")

    call("cuInit", 0)
    count = ctypes.c_int()
    call("cuDeviceGetCount", ctypes.byref(count))
    kernels = []
    for number in range(count.value):
        device, context, module, kernel = ctypes.c_int(), ctypes.c_void_p(), ctypes.c_void_p(), ctypes.c_void_p()
        call("cuDeviceGet", ctypes.byref(device), number)
        call("cuDevicePrimaryCtxRetain", ctypes.byref(context), device)
        call("cuCtxSetCurrent", context)
        call("cuModuleLoadData", ctypes.byref(module), PTX)
        call("cuModuleGetFunction", ctypes.byref(kernel), module, b"spin")
        kernels.append((context, kernel))
    end = time.time() + seconds
    while time.time() < end:
        for context, kernel in kernels:
            call("cuCtxSetCurrent", context)
            call("cuLaunchKernel", kernel, 256, 1, 1, 256, 1, 1, 0, None, None, None)
        for context, _ in kernels:
            call("cuCtxSetCurrent", context)
            call("cuCtxSynchronize")


def shown(figure):
    if figure is None:
        return "-"
    return f"{figure:,.6g}" if isinstance(figure, float) and figure < 1e6 else f"{figure:,.0f}" if isinstance(figure, (int, float)) else figure


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("program", help="benchtop")
    arguments.add_argument("--load", action="store_true", help="keep the cards busy meanwhile")
    arguments.add_argument("--seconds", type=int, default=20, help="how long the load may take")
    arguments.add_argument("--spin", type=int, help=argparse.SUPPRESS)
    options = arguments.parse_args()
    if options.spin:
        return spin(options.spin)
    busy = load(options.seconds) if options.load else None
    if options.load and busy is None:
        print("no libcuda.so.1: without load", file=sys.stderr)
    if busy:
        time.sleep(4)
    fields = [field for _, field, _, _ in FIGURES]
    before = smi(fields)
    document = json.loads(subprocess.run([options.program, "once", "--json"], capture_output=True, text=True).stdout)
    after = smi(fields)
    if busy:
        busy.terminate()
        busy.wait()
    compared, bad = 0, 0
    print(f"{'id':<28} {'benchtop':>22} {'nvidia-smi before':>22} {'after':>22}  differs?")
    for gpu in document["gpus"]:
        if gpu["id"] not in before:
            continue
        print(f"{gpu['index']}: {gpu['name']} {gpu['id']}")
        for path, field, factor, tolerance in FIGURES:
            ours = reported(gpu, path)
            ends = [value(side.get(gpu["id"], {}).get(field), factor) for side in (before, after)]
            verdict = differs(ours, *ends, tolerance)
            compared += 1
            bad += bool(verdict)
            print(f"{path:<28} {shown(ours):>22} {shown(ends[0]):>22} {shown(ends[1]):>22}  {verdict}")
    print(f"{compared} figures compared, {bad} differ")
    return 2 if compared == 0 else int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
