# The watch inside a machine: whole processes, all sides in each round. It reads one JSON object: `rounds`, and
# `sides`, each with its `name`, its `command` (words), and what is done `before` it (a shell line, not timed). Each
# round has an order of its own, so that none always comes behind the one that leaves the caches cold.
import json, random, subprocess, sys, time

wanted = json.load(sys.stdin)
figures = {side["name"]: [] for side in wanted["sides"]}
for turn in range(wanted["rounds"] + 1):  # the first fills the caches
    for side in random.Random(turn).sample(wanted["sides"], len(wanted["sides"])):
        if side["before"]:
            subprocess.run(side["before"], shell=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        start = time.perf_counter()
        done = subprocess.run(side["command"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        took = time.perf_counter() - start
        if done.returncode:
            sys.exit(f"{side['name']}: ended with {done.returncode}: {done.stderr.decode().strip()}")
        if turn:
            figures[side["name"]].append(took)
print(json.dumps(figures))
