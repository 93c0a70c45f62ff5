#!/bin/sh
# Installs ductor for the one who runs it, and sets its service up:
#
#     curl -fsSL https://github.com/PleasePrompto/ductor/releases/latest/download/install.sh | sh
#
# It fetches the archive for this machine, checks it before anything is unpacked, and hands over to the program
# inside: `ductor place` knows where its files go and notes them, so that `ductor uninstall` can undo and
# `ductor upgrade` replace them. `ductor upgrade` carries this script and uses its words `fetch` and `unpack`.
#
# Functions only, called by the last line: a download that broke off runs nothing.

set -eu

# Filled in by `cargo xtask dist` (packaging/src/installers.rs): the version, and the key of minisign(1) that the
# release is signed with. Empty: the latest version, an unsigned release.
VERSION=''
PUBLIC_KEY=''

RELEASES=https://github.com/PleasePrompto/ductor/releases

main() {
  case ${1-} in
    fetch | unpack)
      "$@"
      return
      ;;
  esac
  read_options "$@"
  refuse_root
  make_work_folder
  fetch "$source" "$wanted" "$work" sha256.sum
  check_signature
  choose_archive
  fetch "$source" "$wanted" "$work" "$archive"
  check_hash
  unpack "$work/$archive" "$work"
  place
  set_up_service
}

usage() {
  cat <<END
Installs ductor for you (not for the whole machine) and sets its service up.

Usage: sh install.sh [OPTIONS]

  --version V          this version, not the latest, and also where a newer one is
  --from URL           fetch from this folder of one release (also: DUCTOR_INSTALL_URL)
  --prefix DIR         place the program in DIR/bin, the rest in DIR/share [default: ~/.local]
  --no-service         only place the files
  --require-signature  refuse where the signature can't be checked
  --dry-run            fetch and check, print what would be done, change nothing
  --help               print this
END
}

read_options() {
  wanted='' asked_for='' from=${DUCTOR_INSTALL_URL-} prefix='' service=yes signature=if-possible dry_run=''
  while [ $# -gt 0 ]; do
    case $1 in
      --version | --from | --prefix)
        [ $# -gt 1 ] || fail "$1: it needs a value" 'sh install.sh --help' 2
        case $1 in
          --version) wanted=${2#v} asked_for=--asked-for ;;
          --from) from=$2 ;;
          --prefix) prefix=$2 ;;
        esac
        shift
        ;;
      --no-service) service=no ;;
      --require-signature) signature=required ;;
      --dry-run) dry_run=--dry-run ;;
      --help | -h) usage && exit 0 ;;
      *) fail "$1: no such option" 'sh install.sh --help' 2 ;;
    esac
    shift
  done
  case $wanted in
    *[!0-9A-Za-z.+-]*) fail "$wanted: not a version" 'such as: --version 1.2.3' 2 ;;
  esac
  [ -n "$wanted$from" ] || wanted=$VERSION
  source=${from:-$RELEASES/latest/download} # later versions are looked for there too
}

# The service belongs to a user. A real root login on Linux is a user like any other.
refuse_root() {
  [ "$(id -u)" -eq 0 ] || return 0
  if [ "${SUDO_UID:-0}" != 0 ]; then
    fail 'sudo: this installs for one user, and as root that would be root' 'the same command without sudo' 77
  fi
  if [ "$(uname -s)" = Darwin ]; then
    fail 'root: this installs for one user, and launchd has no session for root' 'the same as yourself' 77
  fi
}

make_work_folder() {
  work=$(mktemp -d "${TMPDIR:-/tmp}/ductor-install.XXXXXX") ||
    fail "${TMPDIR:-/tmp}: no folder can be made there" 'set TMPDIR to one that you can write to'
  trap 'rm -rf "$work"' EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
}

# fetch URL VERSION FOLDER FILE...: gets files of a release. The latest one has a place of its own, and others are
# found beside it by their tag; any other URL is the folder of one release.
fetch() {
  url=${1%/} folder=$3
  [ -z "$2" ] || [ "$url" = "${url%/latest/download}" ] || url=${url%/latest/download}/download/v$2
  shift 3
  # Whoever names a mirror without TLS gets it; nobody is led away from TLS. No file of a release has 128 MiB (in
  # blocks of 512 bytes; some shells count in 1024): a server that never ends fills no disk.
  case $url in https://*) protocols='=https' ;; *) protocols='=https,http' ;; esac
  for file; do
    has curl || has wget ||
      fail 'no curl and no wget: nothing can be fetched' 'sudo apt install curl'
    say "fetching $url/$file"
    if has curl; then
      set -- curl -fsSL --proto "$protocols" --connect-timeout 30 --retry 2 -o "$folder/$file" "$url/$file"
    else
      set -- wget -q -O "$folder/$file" "$url/$file"
    fi
    (ulimit -f 262144 && exec "$@") || fail "$url/$file: it could not be fetched ($1 ended with $?)" 'look at the network, the disk, the URL'
  done
}

# The signature is one over the hashes of all files of the release.
check_signature() {
  if [ -z "$PUBLIC_KEY" ]; then
    signature_unchecked 'this release has none'
    return
  fi
  fetch "$source" "$wanted" "$work" sha256.sum.minisig
  if has minisign; then
    minisign -Vqm "$work/sha256.sum" -P "$PUBLIC_KEY" >&2 || refuse_signature
  elif has openssl && openssl version | grep -q '^OpenSSL [3-9]'; then
    verify_by_openssl || refuse_signature
  else
    signature_unchecked 'neither minisign nor OpenSSL 3 is here'
    return
  fi
  say 'the signature is right'
}

signature_unchecked() {
  [ "$signature" != required ] || fail "the signature: not checked, as $1" 'install minisign, or leave out --require-signature'
  say "the signature was not checked ($1); the hash will be"
}

refuse_signature() {
  fail "$url/sha256.sum: the signature is not by the key of ductor's releases; nothing was installed" "$RELEASES"
}

# minisign's format, in base64: `ED`, 8 bytes that name the key, then 32 of the key, or 64 of Ed25519 over the
# file's BLAKE2b-512. OpenSSL wants the key as RFC 8410 has it.
verify_by_openssl() {
  printf '%s\n' "$PUBLIC_KEY" | openssl base64 -d -A | tail -c 32 >"$work/key"
  { printf '\060\052\060\005\006\003\053\145\160\003\041\000' && cat "$work/key"; } >"$work/key.der"
  sed -n 2p "$work/sha256.sum.minisig" | openssl base64 -d -A >"$work/signed"
  [ "$(head -c 2 "$work/signed")" = ED ] || return 1
  tail -c 64 "$work/signed" >"$work/signature"
  openssl dgst -blake2b512 -binary "$work/sha256.sum" >"$work/digest"
  openssl pkeyutl -verify -pubin -keyform DER -inkey "$work/key.der" -rawin -in "$work/digest" \
    -sigfile "$work/signature" >/dev/null 2>&1
}

# The archive for this machine: with musl it runs on every Linux, with gnu where the C library is new enough.
choose_archive() {
  machine=$(uname -m)
  case $machine in
    x86_64 | amd64) machine=x86_64 ;;
    aarch64 | arm64) machine=aarch64 ;;
  esac
  case $(uname -s) in
    Linux) systems='unknown-linux-musl unknown-linux-gnu' ;;
    Darwin)
      systems=apple-darwin
      # A shell that is itself translated is told of the processor that it was made for.
      [ "$(sysctl -n hw.optional.arm64 2>/dev/null)" != 1 ] || machine=aarch64
      ;;
    *) systems='' ;;
  esac
  for system in $systems; do
    archive=ductor-$machine-$system.tar.xz
    expected=$(expected_hash "$archive")
    [ -z "$expected" ] || return 0
  done
  fail "$(uname -s) on $machine: this release has no archive for it" "$RELEASES"
}

# expected_hash FILE: as sha256.sum has it, empty where it is not named.
expected_hash() {
  while read -r hash name; do
    [ "${name#\*}" != "$1" ] || printf '%s\n' "$hash"
  done <"$work/sha256.sum"
}

check_hash() {
  if has sha256sum; then
    actual=$(sha256sum <"$work/$archive")
  elif has shasum; then
    actual=$(shasum -a 256 <"$work/$archive")
  elif has openssl; then
    actual=$(openssl dgst -sha256 -r <"$work/$archive")
  else
    fail 'no sha256sum, shasum or openssl: the archive can not be checked' 'install one of them'
  fi
  [ "${actual%% *}" = "$expected" ] ||
    fail "$url/$archive: its hash is not the one in sha256.sum; nothing was installed" 'try again; it may have been damaged on its way'
}

# tar(1) keeps within the folder by itself; Python does so only since 3.12.
UNPACK='
import sys, tarfile
archive = tarfile.open(sys.argv[1])
for member in archive:
    if not (member.isfile() or member.isdir()) or member.name[0] == "/" or ".." in member.name.split("/"):
        sys.exit(1)
archive.extractall(sys.argv[2])
'

# unpack ARCHIVE FOLDER: many a tar needs a program xz; the python that the bot needs anyway does not.
unpack() {
  tar -xJf "$1" -C "$2" 2>/dev/null && return
  if has python3; then
    python3 -c "$UNPACK" "$1" "$2" 2>/dev/null && return
  fi
  fail "$1: it could not be unpacked" 'make room on the disk, or install xz, such as: sudo apt install xz-utils'
}

# The program itself places the files and prints where it is now.
place() {
  unpacked=$work/${archive%.tar.xz}
  has_version=$("$unpacked/ductor" --version) ||
    fail 'the program does not run here' "set TMPDIR to a folder that programs may run from; see $RELEASES"
  [ -z "$wanted" ] || [ "$has_version" = "ductor $wanted" ] ||
    fail "$url: it holds $has_version, not $wanted" 'leave out --version'
  set -- place "$unpacked" --from "$source" $asked_for $dry_run
  [ -z "$PUBLIC_KEY" ] || set -- "$@" --public-key "$PUBLIC_KEY"
  [ -z "$prefix" ] || set -- "$@" --prefix "$prefix"
  if [ -n "$dry_run" ]; then
    "$unpacked/ductor" "$@"
  else
    program=$("$unpacked/ductor" "$@")
  fi
}

set_up_service() {
  if [ -n "$dry_run" ]; then
    [ "$service" = no ] || say 'then: ductor service install, where the bot is configured; else: ductor onboarding'
    return
  fi
  [ "$service" = yes ] || return 0
  code=0
  "$program" service install --no-start >/dev/null 2>"$work/said" || code=$?
  case $code in
    0) cat "$work/said" >&2 && "$program" service restart ;; # what it took over, and whether it lingers
    5) say "no service manager is here for you; to run the bot: $program" ;;
    78) onboarding ;;
    *) cat "$work/said" >&2 && exit "$code" ;;
  esac
}

# The bot is not there, or not configured.
onboarding() {
  if [ -t 1 ] && (: </dev/tty) 2>/dev/null; then
    "$program" onboarding </dev/tty
  else
    say "next, in a terminal: $program onboarding"
  fi
}

has() {
  command -v "$1" >/dev/null 2>&1
}

say() {
  printf '%s\n' "$1" >&2
}

# fail WHAT-AND-WHY FIX [CODE]
fail() {
  printf 'error: %s\n  fix: %s\n' "$1" "$2" >&2
  exit "${3:-1}"
}

{ main "$@"; }
