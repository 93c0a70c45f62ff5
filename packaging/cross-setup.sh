#!/bin/sh
# What `cargo xtask dist --all` needs beyond rustup, and what runs the result here: once, on Debian, as root or with
# the packages below installed. Elsewhere rustup's targets, mingw's gcc and zig (in PATH, or named by ZIG) are enough.
#
#   packaging/cross-setup.sh        then: . "$HOME/.cargo/env" && cargo xtask dist --all
#
# Linux on both processors: rustup's tool chain with two more standard libraries. They bring the C library, and the
# tool chain its linker. Windows: mingw. macOS: zig, which brings what stands for Apple's libraries. The emulator runs
# the other processor's programs in tests. (Debian's own rustc is too old; rustup's stands beside it.)
#
# RUSTUP_HOME, CARGO_HOME     where rustup keeps its things, as ever
# RUSTUP_TOOLCHAIN            which tool chain gets the libraries; the default one if not set
# XDG_CACHE_HOME              zig goes to the folder ductor/zig there
set -eu

packages='gcc git libc6-dev gcc-mingw-w64-x86-64-win32 python3-pip qemu-user-static'
targets='x86_64-unknown-linux-musl aarch64-unknown-linux-musl x86_64-pc-windows-gnu
  x86_64-apple-darwin aarch64-apple-darwin'
zig=0.17.1 # another one may link other bytes
zig_files='ea6cc5d87b033cf0aedfbc8f9549a908cae6c50ac31f1698188fa48a74524b54
  b7c5f02fccd40f89b999ee16a1f5ddced56e6182370f8affe494bcf8a28cf07e' # their hashes: for Linux, on both processors

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

# 4. zig, as the Python index has it; nothing of the system's Python changes
cache=${XDG_CACHE_HOME:-$HOME/.cache}/ductor/zig
if [ ! -d "$cache/ziglang-$zig.dist-info" ]; then
  say "pip install ziglang==$zig"
  rm -rf "$cache"
  # shellcheck disable=SC2086 # a list
  printf 'ziglang==%s%s\n' "$zig" "$(printf ' --hash=sha256:%s' $zig_files)" |
    python3 -m pip install --quiet --root-user-action=ignore --disable-pip-version-check --no-deps --require-hashes \
      --target "$cache" --requirement /dev/stdin
fi
say ready
