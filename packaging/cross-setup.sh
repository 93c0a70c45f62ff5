#!/bin/sh
# What `cargo xtask dist --all` needs beyond rustup on Debian, x86_64 or aarch64: run it once, as root or with the
# packages below installed.
#
#   packaging/cross-setup.sh        then: . "$HOME/.cargo/env" && cargo xtask dist --all
#
# A compiler for Linux on both processors is rustup's tool chain with two more standard libraries. They bring the
# C library, and the tool chain its linker, so there is no cross compiler to get. (Debian's own rustc brings neither;
# this tool chain stands beside it.) The emulator runs the other processor's programs in tests.
#
# RUSTUP_HOME, CARGO_HOME     where rustup keeps its things, as ever
# RUSTUP_TOOLCHAIN            which tool chain gets the libraries; the default one if not set
set -eu

packages='gcc git libc6-dev qemu-user-static'
targets='x86_64-unknown-linux-musl aarch64-unknown-linux-musl'

say() { echo "cross-setup: $*" >&2; }

# 1. Packages
missing=
for package in $packages; do
  state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$state" = installed ] || missing="$missing $package"
done
if [ -n "$missing" ]; then
  if [ "$(id -u)" -ne 0 ]; then
    say "missing:$missing"
    say "  fix: sudo apt-get install$missing"
    exit 1
  fi
  say "apt-get install$missing"
  apt-get update -qq
  # shellcheck disable=SC2086 # a list
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
fi

# 2. rustup
PATH=${CARGO_HOME:-$HOME/.cargo}/bin:$PATH
if ! command -v rustup >/dev/null; then
  say "missing: rustup, which Debian 12 does not package"
  say "  fix: get it as its home page says, https://rustup.rs, then run this again"
  exit 1
fi

# 3. The standard libraries
for target in $targets; do
  rustup -q target add "$target"
done
say "ready: $targets"
