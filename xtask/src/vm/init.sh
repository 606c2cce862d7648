#!/bin/busybox sh
# The first process of a test machine: mounts what the tests expect, runs them, and switches off.
export PATH=/usr/bin HOME=/root USER=root TERM=dumb RUST_BACKTRACE=1 AGENTSNOOP_BIN=/agentsnoop
busybox() { /bin/busybox "$@"; }

busybox mount -t proc proc /proc
busybox mount -t sysfs sysfs /sys
busybox mount -t devtmpfs devtmpfs /dev
busybox mkdir -p /dev/pts /dev/shm
busybox mount -t devpts devpts /dev/pts
busybox mount -t tmpfs tmpfs /dev/shm
busybox mount -t tmpfs tmpfs /tmp
busybox mount -t tmpfs tmpfs /run
busybox mount -t cgroup2 cgroup2 /sys/fs/cgroup
busybox mount -t bpf bpf /sys/fs/bpf
busybox ln -s /proc/self/fd /dev/fd
busybox chmod 1777 /tmp /dev/shm
busybox ip link set lo up
busybox hostname agentsnoop-vm

cd /tmp || exit 1
# A busy recording on the disk of the machine, until somebody resets it (xtask/src/trials/reset.rs).
if [ "$AGENTSNOOP_TESTS" = until-reset ]; then
    busybox mkdir -p /mnt
    busybox mount -t ext4 /dev/nvme0n1 /mnt
    busybox tail -f /dev/null | /agentsnoop run --record /mnt/reset.rec -- /live trigger numbered 5 /mnt/n - 2>&1
    echo agentsnoop-vm-exit "$?"
    busybox poweroff -f
fi
busybox uname -r
/agentsnoop doctor --json >doctor.json
busybox printf '%s %s\n' agentsnoop-vm-doctor "$(busybox tr -d '\n' <doctor.json)"
/live </dev/null 2>&1
# The leading line break sets the marker apart from an unfinished line of the tests.
printf '\n%s %s\n' agentsnoop-vm-exit "$?"
busybox poweroff -f
