#!/usr/bin/env python3
"""Writes assets/layout.ld: the functions of benchtop that run on this machine: those of a refresh, then those of the start,
then those that keys bring in. Run it on a machine with what users have (an engine with containers, at best pools and a GPU)
when many functions are new and `pss_mb` of tests/peers/run says so. It builds the program (some minutes), and runs it under
valgrind for four.

    tests/tools/layout.py            needs valgrind (Debian: valgrind)
    tests/tools/layout.py --add      keeps what is listed and still there: where this machine has less than users have
"""

import fcntl
import fnmatch
import os
import pathlib
import pty
import re
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
HEAD = """/* The functions that run on a usual machine, for the linker to put side by side: see layout.rs. Written by
   tests/tools/layout.py. `*` stands for what differs from build to build: hashes of crates and places in the name. */
SECTIONS
{
  .text.used :
  {
    *crt1.o(.text)
    *crtbegin*.o(.text)
"""
# Last in the file, with constants and data: the kernel reads up to some MB around the first page that it needs, which is one
# of the data, in one go, and with it all of this.
TAIL = """  }
}
INSERT AFTER .text;
SECTIONS
{
  .init : { KEEP(*(SORT_NONE(.init))) }
  .fini : { KEEP(*(SORT_NONE(.fini))) }
  .rodata : { *(.rodata .rodata.*) }
}
INSERT AFTER .text.used;
"""
# What valgrind does not run; and what is one function for many types, under the name of any of them.
MORE = ["_R*_6rustix7backend5param4auxv*", "_R*_6rustix7backend13vdso_wrappers*", "_R*_6rustix7backend4vdso*",
        "_R*_5alloc7raw_vec*_6RawVec*8grow_one*"]
# A view with a table, a detail and back, another view, help: what is used often.
KEYS = ["j", "j", "\r", "\x1b", "2", "0", "3", "0", "?", "\x1b", "b", "\x1b", "a", "\x1b"]


def build():
    """The program with its names, on the C library: valgrind does not know the kernel's own clock functions. Beside it the
    linker's map."""
    linked = ROOT / "target/layout/map"
    linked.parent.mkdir(parents=True, exist_ok=True)
    flags = f"-Csymbol-mangling-version=v0 --cfg rustix_use_libc -Clink-arg=-Wl,-Map={linked}"
    env = dict(os.environ, RUSTFLAGS=flags, CARGO_PROFILE_DIST_STRIP="none")
    subprocess.run(["cargo", "build", "--locked", "--profile", "dist", "--target-dir", "target/layout"],
                   cwd=ROOT, env=env, check=True)
    return ROOT / "target/layout/dist/benchtop", linked


def run(program, folder, at_start=True, keys=()):
    """One run under callgrind in a terminal of 160x45, from its start on or later; the names of what ran."""
    out = pathlib.Path(folder) / "out.%p"
    command = ["valgrind", "-q", "--tool=callgrind", "--demangle=no", "--trace-children=yes", "--dump-instr=no",
               f"--callgrind-out-file={out}", f"--instr-atstart={'yes' if at_start else 'no'}", str(program), "--delay", "1"]
    pid, terminal = pty.fork()
    if pid == 0:
        home = pathlib.Path(folder) / "home"
        home.mkdir(exist_ok=True)
        os.environ.update(TERM="xterm-256color", HOME=str(home), XDG_STATE_HOME=str(home))
        os.execvp(command[0], command)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 45, 160, 0, 0))
    threading.Thread(target=drain, args=(terminal,), daemon=True).start()
    time.sleep(40)
    if not at_start:
        subprocess.run(["callgrind_control", "-i", "on", str(pid)], check=True, stdout=subprocess.DEVNULL)
        time.sleep(40)
    for key in keys:
        os.write(terminal, key.encode())
        time.sleep(1.5)
    os.write(terminal, b"q")
    os.waitpid(pid, 0)
    return names(sorted(pathlib.Path(folder).glob("out.*")))


def drain(terminal):
    """A terminal that nobody reads would stop the program."""
    try:
        while os.read(terminal, 65536):
            pass
    except OSError:
        pass


def names(files):
    """Functions in files of callgrind: `fn=(12) name` names one, `fn=(12)` means it again."""
    found = {}
    for file in files:
        known = {}
        for line in file.read_text().splitlines():
            match = re.match(r"c?fn=\((\d+)\)(?: (.*))?$", line)
            if match:
                name = known.setdefault(match[1], (match[2] or "").split("'")[0])
                found[name] = None
        file.unlink()
    return list(found)


def pattern(name):
    """A name as other builds have it."""
    name = re.sub(r"(\.llvm)?\.\d+$", "*", name)
    if name.startswith("_R"):
        # The crate that made the instance: of equal ones any is kept.
        crate = re.match(r"(.*)Cs[0-9A-Za-z]+_(\d+)([A-Za-z]\w*)\*?$", name)
        if crate and int(crate[2]) == len(crate[3]):
            name = crate[1] + "*"
        name = re.sub(r"Cs[0-9A-Za-z]+_", "Cs*_", name)
        return re.sub(r"B[0-9A-Za-z]*_", "B*_", name)
    return re.sub(r"17h[0-9a-f]{16}E", "17h*E", name)


def main():
    program, linked = build()
    with tempfile.TemporaryDirectory() as folder:
        refresh, start, keys = run(program, folder, False), run(program, folder), run(program, folder, keys=KEYS)
    # A function has a section of its own: `.text.NAME`, or `.text.unlikely.NAME` where it is marked as cold.
    found = re.findall(r":\((\.text\.(?:unlikely\.)?)([^)]+)\)$", linked.read_text(), re.MULTILINE)
    sections = {name: prefix for prefix, name in found}
    entries = [sections[name] + pattern(name) for name in refresh + start if name in sections]
    entries += [f".text.{name}" for name in MORE]
    entries += [sections[name] + pattern(name) for name in keys if name in sections]
    if "--add" in sys.argv[1:]:
        listed = re.findall(r"^    \*\((\.text\..+)\)$", (ROOT / "assets/layout.ld").read_text(), re.MULTILINE)
        there = [prefix + name for name, prefix in sections.items()]
        entries += [entry for entry in listed if fnmatch.filter(there, entry)]
    entries = list(dict.fromkeys(entries))
    lines = "".join(f"    *({entry})\n" for entry in entries)
    (ROOT / "assets/layout.ld").write_text(HEAD + lines + TAIL)
    print(f"assets/layout.ld: {len(entries)} functions, {len(refresh)} of them of a refresh")


if __name__ == "__main__":
    sys.exit(main())
