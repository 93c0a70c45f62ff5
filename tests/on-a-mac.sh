#!/bin/sh
# What can only be seen on a Mac: the service under the real launchd. One line a check; 0 when all is well.
#
#   tests/on-a-mac.sh [DUCTOR]     DUCTOR: the program, else target/release/ductor or target/debug/ductor
#
# It takes two minutes and leaves the Mac as it was: the bot is a script in a folder that is removed, the ductor home
# is there too, and the agent dev.ductor goes again. It does not start where that agent is in use already. One trace
# stays, as only root could remove it: launchd remembers that an agent dev.ductor was switched on.
#
# DUCTOR_MANAGER=launchd lets it run elsewhere, against a launchctl on PATH that is no Mac's.
# shellcheck disable=SC2317 # check and soon call functions by name
set -u

case ${DUCTOR_MANAGER:-$(uname)} in
Darwin | launchd) ;;
*) echo "on-a-mac: this is not a Mac" >&2 && exit 2 ;;
esac
here=$(cd "$(dirname "$0")/.." && pwd)
ductor=${1:-$here/target/release/ductor}
[ -x "$ductor" ] || ductor=$here/target/debug/ductor
[ -x "$ductor" ] || { echo "on-a-mac: no program; build one: cargo build --release" >&2 && exit 2; }
ductor=$(cd "$(dirname "$ductor")" && pwd)/$(basename "$ductor")
agent=$HOME/Library/LaunchAgents/dev.ductor.plist
if [ -e "$agent" ] || launchctl list dev.ductor >/dev/null 2>&1; then
  echo "on-a-mac: dev.ductor is in use here; first: ductor service uninstall" >&2
  exit 2
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/ductor-on-a-mac.XXXXXX") && work=$(cd "$work" && pwd -P) || exit 2
export DUCTOR_HOME="$work/home"
unset DUCTOR_BOT
failed=0

# --- what the checks are made of

ok() { echo "ok    $1"; }
bad() { echo "FAIL  $1" && failed=1; }
check() { # check NAME COMMAND...: the command ends with 0
  name=$1 && shift
  if "$@" >"$work/said" 2>&1; then ok "$name"; else bad "$name" && sed 's/^/      | /' "$work/said"; fi
}
soon() { # soon NAME COMMAND...: the command ends with 0 within 40 seconds
  name=$1 tries=200 && shift
  until "$@" >/dev/null 2>&1; do
    tries=$((tries - 1))
    [ $tries -gt 0 ] || { bad "$name" && return 1; }
    sleep 0.2
  done
  ok "$name"
}
not() { ! "$@"; }
ends() { # ends CODE COMMAND...: the command ends with this code
  code=$1 && shift
  "$@"
  [ $? = "$code" ]
}
value() { "$ductor" service status --json | sed -n "s/^ *\"$1\": *\"\{0,1\}\([^\",]*\)\"\{0,1\},\{0,1\}$/\1/p" | head -1; }
has() { [ "$(value "$1")" = "$2" ]; }
lives() { kill -0 "$1" 2>/dev/null && case $(ps -o stat= -p "$1") in Z* | '') false ;; esac; }
bot() { tail -1 "$work/bots"; }
bots() { wc -l <"$work/bots" 2>/dev/null | tr -d ' '; }
more_bots_than() { [ "$(bots)" -gt "$1" ]; }
none_lives() { for one in $1; do lives "$one" && return 1; done; true; }
tree() { cat "$work/bots" "$work/children" 2>/dev/null | tr '\n' ' '; }
small() { # small FILE: it and what was rotated take 25 MiB at most
  [ "$(find "$DUCTOR_HOME/logs" -name "$1*" -exec cat {} + | wc -c)" -le 26214400 ]
}
private() { [ -z "$(find "$DUCTOR_HOME/logs" -name 'service.*' ! -perm 600)" ]; }
logs_say() { "$ductor" service logs --no-follow -n 20 2>/dev/null | grep -qx "$1"; }

clean() {
  trap '' INT TERM HUP
  "$ductor" service uninstall >/dev/null 2>&1
  for one in $(tree); do
    case $(ps -o command= -p "$one") in *"$work"* | "sleep 4711"*) kill -9 "$one" 2>/dev/null ;; esac
  done
  rm -rf "$work"
}
trap clean EXIT
trap 'exit 130' INT TERM HUP

# A bot with a child and with an orphan, which Apple's own programs hide the environment of.
cat >"$work/bot" <<BOT
#!/bin/sh
cd '$work' || exit 1
trap 'exit 42' USR2
trap 'exit 0' TERM
sleep 4711 &
echo \$! >>children
(sleep 4711 & echo \$! >>children)
echo "said on stdout"
echo "said on stderr" >&2
[ ! -e flood ] || { rm flood && head -c 40000000 /dev/zero | tr '\\0' 'x' | fold -w 99; echo; }
echo \$\$ >>bots
while :; do wait; done
BOT
chmod 755 "$work/bot"

# --- the checks

echo "ductor: $ductor, $("$ductor" --version), $(uname -sm)"
check "status tells that nothing is installed" ends 4 "$ductor" service status
check "install" "$ductor" service install --bot "$work/bot"
check "the agent is there, for launchd to read" test -s "$agent"
check "status tells that it runs" ends 0 "$ductor" service status
check "launchd knows it" launchctl list dev.ductor
check "the owner of the bot is the service" has owner service
check "install again changes nothing" sh -c "'$ductor' service install --bot '$work/bot' && [ \$(wc -l <'$work/bots') -eq 1 ]"

host=$(value pid) before=$(tree) count=$(bots)
kill -USR2 "$host"
soon "a bot that ends with 42 has a successor" more_bots_than "$count"
check "under the same host, and it is no failure" sh -c "[ '$(value pid) $(value restarts)' = '$host 0' ]"
check "nothing is left of its tree, orphans neither" none_lives "$before"

before=$(tree) count=$(bots)
kill -9 "$(bot)"
soon "a bot that is killed has a successor, through launchd" more_bots_than "$count"
check "nothing is left of its tree" none_lives "$before"

soon "it runs again" has state running
before=$(tree) count=$(bots)
kill -9 "$(value pid)"
soon "a host that is killed takes its tree with it" none_lives "$before"
soon "and launchd starts another" more_bots_than "$count"

soon "it runs again" has state running
before=$(tree) count=$(bots)
check "restart" "$ductor" service restart
check "the bot is a new one" more_bots_than "$count"
check "nothing is left of the old tree" none_lives "$before"

check "logs have what the bot says on stdout" logs_say "said on stdout"
check "logs have what the bot says on stderr" logs_say "said on stderr"
check "only this user can read them" private
: >"$work/flood"
count=$(bots)
kill -USR2 "$(value pid)"
soon "a bot may say 40 MB" more_bots_than "$count"
check "of which 25 MiB are kept at most" small service.log

before=$(tree)
check "stop" "$ductor" service stop
check "nothing is left of the tree" none_lives "$before"
check "launchd does not bring it back" has state stopped
check "status tells that by its code" ends 3 "$ductor" service status
check "stop again is no failure" "$ductor" service stop
count=$(bots)
check "start" "$ductor" service start
check "a new bot runs" more_bots_than "$count"
"$ductor" service doctor >"$work/doctor" 2>&1
check "doctor has something to say" test -s "$work/doctor"

before=$(tree)
check "uninstall" "$ductor" service uninstall
check "nothing is left of the tree" none_lives "$before"
check "the agent is gone" test ! -e "$agent"
check "launchd does not know it any more" not launchctl list dev.ductor
check "status tells that nothing is installed" ends 4 "$ductor" service status

echo
sed 's/^/doctor said: /' "$work/doctor"
[ $failed = 0 ] && echo "all is well" || echo "not all is well" >&2
exit $failed
