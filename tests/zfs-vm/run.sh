#!/usr/bin/env bash
# Run a program against real ZFS pools, in a throw-away qemu guest.
#
#   run.sh [options] BUNDLE [BINARY [ARGS...]]
#
# BUNDLE is what build.sh printed. BINARY is a file of this machine (static, or
# dynamic with glibc: its libraries come along) or else a command of the guest
# (sh, zpool, zfs, busybox, ...). Its standard output and error are printed
# here, and its exit status is this script's. 123: a step of --tty failed;
# 124: the program's time ran out; 125: the guest did not finish (the end of its
# console is shown).
#
#   --pools 'A B'    pools to make, of guest/pools.sh (default: all; none: none)
#   --snapshot DIR   keep the guest as it is once its pools are made in DIR (made
#                    if it is not there), and start from that: seconds, not a
#                    minute. Safe to share between runs at the same time
#   --engine         a Docker engine too (BUNDLE of build.sh --engine), on cgroup v2 alone
#   --containers 'A B:ARG'  containers it has, of guest/containers.sh (default: none)
#   --engine-root DATASET   its data on ZFS, with the zfs storage driver (default:
#                    overlay2 on an ext4 disk)   --dockerd 'ARGS'  more for its command line
#   --setup FILE     shell script to source in the guest before the program
#   --load POOL      keep reading and writing a little in POOL during the run
#   --file SRC:DST   copy a file or folder of this machine to DST in the guest
#   --env K=V        environment of the program
#   --user NAME      run it as this user of the guest (nobody)
#   --stdin FILE     its standard input
#   --out DIR        take the guest's /out ($OUT there) to DIR
#   --tty CxR        run on a terminal of C columns and R rows (tmux), and
#   --step 'WORDS'   do this (repeat), or --steps FILE: see guest/tty.sh. Screens
#                    taken with the step "shot NAME" are in DIR/shots/NAME.txt
#                    (and .ansi), and are printed if --out is not given
#   --run-timeout S  seconds for the program (60)   --timeout S  for it all (240; engine: 600)
#   --mem MIB (1536; engine: 2560) --smp N (2) --zfs-params 'zfs_arc_max=...'
#   --disk MIB       one more disk, blank, the last one (/dev/vde; engine: /dev/vdf)
#   --no-zfs         no ZFS module in the guest
#   --console FILE   keep the guest's console log   --verbose  show timings
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
pools=all snapshot= setup= load= out= tty= steps= stdin= console= user= verbose=0 no_zfs=0
engine= containers= engine_root= dockerd= disk=
run_timeout=60 timeout= mem= smp=2 zfs_params=zfs_arc_max=134217728 files=() envs=()
accel=${ZFS_VM_ACCEL:-tcg,thread=multi} cpu=${ZFS_VM_CPU:-qemu64,+ssse3,+sse4.1,+sse4.2,+popcnt,+aes}
die() { echo "run.sh: $*" >&2; exit 125; }
while [ $# -gt 0 ]; do
  case $1 in
    --pools) pools=$2; shift ;;
    --snapshot) snapshot=$2; shift ;;
    --engine) engine=1 ;;
    --containers) containers=$2; shift ;;
    --engine-root) engine_root=$2; shift ;;
    --dockerd) dockerd=$2; shift ;;
    --setup) setup=$2; shift ;;
    --load) load=$2; shift ;;
    --file) files+=("$2"); shift ;;
    --env) envs+=("$2"); shift ;;
    --user) user=$2; shift ;;
    --stdin) stdin=$2; shift ;;
    --out) out=$2; shift ;;
    --tty) tty=$2; shift ;;
    --step) steps+="$2"$'\n'; shift ;;
    --steps) steps+="$(cat "$2")"$'\n'; shift ;;
    --run-timeout) run_timeout=$2; shift ;;
    --timeout) timeout=$2; shift ;;
    --mem) mem=$2; shift ;;
    --disk) disk=$2; shift ;;
    --smp) smp=$2; shift ;;
    --zfs-params) zfs_params=$2; shift ;;
    --no-zfs) no_zfs=1 ;;
    --console) console=$2; shift ;;
    --verbose) verbose=1 ;;
    -h|--help) sed -n '2,/^set -e/{/^set -e/d;s/^# \{0,1\}//;p}' "$0"; exit 0 ;;
    --) shift; break ;;
    -*) die "unknown option $1" ;;
    *) break ;;
  esac
  shift
done
[ $# -ge 1 ] || die "usage: run.sh [options] BUNDLE [BINARY [ARGS...]]"
bundle=$1; shift
[ -r "$bundle/initrd.img" ] || die "$bundle is not a bundle"
bundle=$(cd "$bundle" && pwd)
[ -z "$engine" ] || [ -r "$bundle/engine.img" ] || die "$bundle has no engine (build.sh --engine)"
: "${timeout:=${engine:+600}}" "${timeout:=240}" "${mem:=${engine:+2560}}" "${mem:=1536}"
command -v qemu-system-x86_64 >/dev/null || die "no qemu-system-x86_64"
trap 'echo "run.sh: line $LINENO failed" >&2' ERR
tmp=$(mktemp -d "${TMPDIR:-/tmp}/zfs-vm.XXXXXX") pid= feeder=
trap 'for p in $pid $feeder; do kill "$p" 2>/dev/null || true; done; rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM HUP
now() { date +%s.%N; }
since() { awk -v a="$1" -v b="$(now)" 'BEGIN {printf "%.1f", b - a}'; }
q() { printf "'%s'" "${1//\'/\'\\\'\'}"; } # quoted for sh

# ------------------------------------------------------------------ the job ---
job=$tmp/job/job; mkdir -p "$job"
cat ${stdin:+"$stdin"} </dev/null >"$job/stdin"
[ -z "$setup" ] || cp "$setup" "$job/setup"
printf '%s' "$steps" >"$job/steps"
{ echo "LOAD=$(q "$load")"; echo "TTY=$(q "$tty")"; echo "RUN_TIMEOUT=$run_timeout"; } >"$job/jobconf"
for f in "${files[@]}"; do
  s=${f%%:*} d=${f#*:}; mkdir -p "$tmp/job/$(dirname "$d")"; cp -aL "$s" "$tmp/job/$d"
done
if [ $# -gt 0 ]; then
  prog=$1; shift; run=
  {
    for e in "${envs[@]}"; do echo "export ${e%%=*}=$(q "${e#*=}")"; done
    if [ -f "$prog" ]; then
      name=$(basename "$prog"); mkdir -p "$job/bin" "$job/lib"
      cp -L "$prog" "$job/bin/$name"; chmod 755 "$job/bin/$name"; run="/job/bin/$(q "$name")"
      libs=$(ldd "$prog" 2>/dev/null | grep -o '/[^ ]*' || true)
      if [ -n "$libs" ]; then
        host=$(ldd --version | sed -n '1s/.* //p'); guest=$(sed -n 's/^glibc=//p' "$bundle/manifest")
        if [ "$(printf '%s\n%s\n' "$host" "$guest" | sort -V | tail -n 1)" = "$guest" ]; then
          # The guest's glibc is no older: use it, and bring only other libraries.
          for l in $libs; do case ${l##*/} in
            ld-linux*|libc.so.6|libm.so.6|libpthread.so.0|libdl.so.2|librt.so.1|libresolv.so.2|libgcc_s.so.1) ;;
            *) cp -L "$l" "$job/lib/" ;;
          esac; done
          [ -z "$(ls "$job/lib")" ] || echo 'export LD_LIBRARY_PATH=/job/lib'
        else # bring this machine's whole set, loader included
          for l in $libs; do cp -L "$l" "$job/lib/"; done
          run="/job/lib/$(basename "$(grep -o '/[^ ]*/ld-linux[^ ]*' <<<"$libs" | head -n 1)") --library-path /job/lib $run"
        fi
      fi
    else run=$(q "$prog"); fi
    line=$run; for a; do line+=" $(q "$a")"; done
    [ -z "$user" ] || line="su -s /bin/sh $(q "$user") -c $(q "$line")"
    echo "exec $line"
  } >"$job/cmd"
fi
(cd "$tmp/job" && tar -c -b 128 --owner=0 --group=0 .) >"$tmp/job.tar" # in blocks of 64 KiB

# ---------------------------------------------------------------- the guest ---
conf() {
  echo "POOLS=$(q "$pools")"; echo "ZFS_PARAMS=$(q "$zfs_params")"; echo "NO_ZFS=$no_zfs"
  [ -z "$engine" ] || {
    echo "ENGINE=1"; echo "CONTAINERS=$(q "$containers")"; echo "ENGINE_ROOT=$(q "$engine_root")"; echo "DOCKERD=$(q "$dockerd")"
  }
}
guest_files=("$here"/guest/{main,pools.sh,tty.sh}) disk_mib=(256 256 1152 256)
[ -z "$engine" ] || { guest_files+=("$here"/guest/{engine,containers.sh}); disk_mib+=(2048); }
[ -z "$disk" ] || disk_mib+=("$disk")
# The kernel unpacks archives put one after another, each on a 4-byte boundary.
make_initrd() { # FILE
  local fs=$tmp/fs; mkdir -p "$fs/job"
  cp "$here/guest/init" "$fs/init"; chmod 755 "$fs/init"
  cp "${guest_files[@]}" "$fs/job/"; conf >"$fs/job/conf"
  cp "$bundle/initrd.img" "$1"; chmod u+w "$1"; truncate -s %512 "$1"
  if [ -n "$engine" ]; then
    mkdir -p "$fs/usr/sbin"; ln -s /job/engine "$fs/usr/sbin/engine"
    cat "$bundle/engine.img" >>"$1"; truncate -s %512 "$1"
  fi
  (cd "$fs" && find . -mindepth 1 | "$bundle/busybox" cpio -o -H newc 2>/dev/null) >>"$1"
}
make_disks() { local i; for i in "${!disk_mib[@]}"; do truncate -s "${disk_mib[i]}M" "$1/disk$i"; done; }
guest() { # DIR (disks, and all that qemu writes) JOB.TAR-or-nothing QEMU-OPTIONS...: qemu in the background
  local dir=$1 in=$2 dev=() i; shift 2
  mkfifo "$dir/in.in"; : >"$dir/in.out"; : >"$dir/console"
  [ -z "$in" ] || { { echo $(($(stat -c %s "$in") / 65536)); exec cat "$in"; } >"$dir/in.in" & feeder=$!; }
  for i in "${!disk_mib[@]}"; do
    dev+=(-drive "file=$dir/disk$i,if=none,id=d$i,format=raw,cache=unsafe,discard=unmap,detect-zeroes=unmap"
          -device "virtio-blk-pci,drive=d$i,serial=zd$i")
  done
  timeout -k 5 "$timeout" qemu-system-x86_64 -M pc -accel "$accel" -cpu "$cpu" -smp "$smp" -m "$mem" \
    -nodefaults -no-user-config -no-reboot -display none -nic none \
    -rtc base=2024-05-01T12:00:00,clock=vm \
    -serial "file:$dir/console" -device virtio-serial-pci,id=vs \
    -chardev "file,id=out,path=$dir/out.tar" -device virtserialport,chardev=out,name=job.out \
    -chardev "pipe,id=in,path=$dir/in" -device virtserialport,chardev=in,name=job.in \
    -object rng-random,id=rng,filename=/dev/urandom -device virtio-rng-pci,rng=rng \
    "${dev[@]}" "$@" <&0 >"$dir/qemu.log" 2>&1 &
  pid=$!
}
boot=(-kernel "$bundle/vmlinuz" -initrd "$tmp/initrd" -append "console=ttyS0 quiet loglevel=3 panic=-1 mitigations=off \
tsc=reliable no_timer_check random.trust_cpu=on ${ZFS_VM_APPEND:-}")
ended() { # wait for qemu; its status in $st
  st=0; wait "$pid" || st=$?; pid=
  [ -z "$feeder" ] || kill "$feeder" 2>/dev/null || true; feeder=; rm -f "$tmp"/in.*
}
fail() { cat "$tmp/qemu.log" >&2; tail -n 25 "$tmp/console" >&2 || true; die "$*"; }
trace() { [ "$verbose" = 0 ] || tr -d '\r' <"$tmp/console" | grep -a '^@@' >&2 || true; }

t0=$(now)
if [ -z "$snapshot" ]; then
  make_initrd "$tmp/initrd"; make_disks "$tmp"
  guest "$tmp" "$tmp/job.tar" "${boot[@]}" </dev/null; ended
else
  mkdir -p "$snapshot"; snapshot=$(cd "$snapshot" && pwd)
  key=$({ cat "$bundle/manifest" "$here/guest/init" "${guest_files[@]}"; conf; echo "$mem $smp $cpu $accel ${disk_mib[*]}"
          qemu-system-x86_64 --version; sed -n '/^guest()/,/^}/p' "${BASH_SOURCE[0]}"; } | sha256sum | cut -c1-20)
  state=$snapshot/$key
  exec 8>"$snapshot/.lock.$key"; flock 8
  if [ ! -e "$state/ram" ]; then
    make_initrd "$tmp/initrd"; make_disks "$tmp"; mkfifo "$tmp/mon"; exec 7<>"$tmp/mon"
    guest "$tmp" "" "${boot[@]}" -chardev stdio,id=mon,signal=off -mon chardev=mon,mode=readline <"$tmp/mon" 8>&-
    while ! grep -aqs '^@@ ready' "$tmp/console"; do
      kill -0 "$pid" 2>/dev/null || { ended; fail "the guest did not get ready (qemu: $st)"; }
      sleep 0.2
    done
    sleep 1 # let it fall idle
    rm -rf "$state.new"; mkdir "$state.new"
    printf '%s\n' 'migrate_set_parameter max-bandwidth 100G' "migrate \"exec:cat >$state.new/ram\"" 'quit' >&7
    ended; exec 7>&-
    trace
    [ -s "$state.new/ram" ] || fail "no snapshot was made (qemu: $st)"
    for i in "${!disk_mib[@]}"; do cp --sparse=always "$tmp/disk$i" "$state.new/"; done
    rm -rf "$state"; mv "$state.new" "$state"
    [ "$verbose" = 0 ] || echo "run.sh: snapshot made in $(since "$t0") s, $(du -sh "$state" | cut -f1)" >&2
    t0=$(now)
  fi
  flock -u 8
  for i in "${!disk_mib[@]}"; do cp --sparse=always --reflink=auto "$state/disk$i" "$tmp/disk$i"; done
  guest "$tmp" "$tmp/job.tar" -incoming "exec:cat $state/ram" </dev/null; ended
fi

# --------------------------------------------------------------- the result ---
[ -z "$console" ] || cp "$tmp/console" "$console"
trace
[ "$verbose" = 0 ] || echo "run.sh: $(since "$t0") s" >&2
res=${out:-$tmp/res}; mkdir -p "$res"
tar -x -C "$res" -f "$tmp/out.tar" 2>/dev/null || true
[ -s "$res/rc" ] || fail "the guest did not finish (qemu: $st)"
[ ! -e "$res/stdout" ] || cat "$res/stdout"
[ ! -e "$res/stderr" ] || cat "$res/stderr" >&2
if [ -n "$tty" ] && [ -z "$out" ]; then
  for f in "$res"/shots/*.txt; do [ ! -e "$f" ] || { echo "--- $(basename "$f" .txt)"; cat "$f"; }; done
fi
if [ -e "$res/steps-failed" ]; then sed 's/^/run.sh: step failed: /' "$res/steps-failed" >&2; exit 123; fi
rc=$(cat "$res/rc"); [ "$rc" != running ] || rc=0
exit "$rc"
