#!/bin/sh
# disk_full.sh COMMAND...: runs it with KOLMO_SMALL_DISK naming a file system of 24 MiB that nobody else sees.
# Exit 77 (skipped) where the system lets us mount none.
options=-m
[ "$(id -u)" -eq 0 ] || options=-rm
disk=$(mktemp -d) || exit 1
trap 'rmdir "$disk"' EXIT
unshare $options mount -t tmpfs -o size=24m tmpfs "$disk" 2>/dev/null || exit 77
KOLMO_SMALL_DISK=$disk unshare $options sh -c 'mount -t tmpfs -o size=24m tmpfs "$KOLMO_SMALL_DISK" && exec "$@"' sh "$@"
