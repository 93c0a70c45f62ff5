"""Types into a program on a terminal of its own: typed.py '[["what it shows", "what is typed"], ...]' PROGRAM ARGS...

Ends as the program does; 99 when it does not show what is waited for. What it showed is printed."""
import json, os, pty, re, select, sys, time

steps, words = json.loads(sys.argv[1]), sys.argv[2:]
pid, terminal = pty.fork()
if pid == 0:
    os.environ["TERM"] = "xterm"
    os.execvp(words[0], words)
shown, seen, ended = "", 0, False
deadline = time.monotonic() + 90


def plain(text):
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]", "", text)


while True:
    while steps and (at := plain(shown).find(steps[0][0], seen)) >= 0:
        seen = at + len(steps[0][0])
        os.write(terminal, steps.pop(0)[1].encode())
    if time.monotonic() > deadline:
        print(plain(shown), f"\n-- it never showed {steps[:1]}")
        sys.exit(99)
    if not select.select([terminal], [], [], 0.1)[0]:
        continue
    try:
        data = os.read(terminal, 65536)
    except OSError:
        data = b""
    if not data:
        break
    text = data.decode(errors="replace")
    for _ in range(text.count("\x1b[6n")):
        os.write(terminal, b"\x1b[1;1R")
    shown += text
print(plain(shown))
code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
if steps:
    print(f"-- it never showed {steps[0]}")
sys.exit(99 if steps else code)
