"""Sends commands of every family to a cluster of three, one of which has the given port; fails on a wrong reply."""

import sys

from redis import RedisCluster

cluster = RedisCluster(host="127.0.0.1", port=int(sys.argv[1]), protocol=3, decode_responses=True)
ask = cluster.execute_command


def same(got, expected):
    assert got == expected, f"{got!r}, not {expected!r}"


names = [f"mail{n}" for n in range(30)]
same(len({cluster.get_node_from_key(name).port for name in names}), 3)
for name in names:
    same(ask("TASK.CONFIG", "SET", name, "lease", "5000"), "OK")
    same(ask("task.config", "set", name, "attempts", "3"), "OK")
    same(ask("TASK.CONFIG", "GET", name, "lease", "attempts"), {"lease": "5000", "attempts": "3"})
    same(ask("TASK.SCHEDULE", name, "hello", "ID", "a"), "a")
    same(len(ask("TASK.MSCHEDULE", name, 2, "x", "y")), 2)
    (task,) = ask("TASK.CLAIM", name, "worker")
    same(task["payload"], "hello")
    same(ask("TASK.ACK", name, "a", task["token"]), "OK")
    # Its keys are counted: the client asks the server where they are.
    same(len(ask("TASK.MCLAIM", 2, f"{{{name}}}none", name, "worker", "COUNT", 2)), 2)
    same(ask("TASK.STATS", name)["claimed_tasks"], 2)
    token = ask("PID.REGISTER", name, "one", 1)["token"]
    same(ask("PID.GET", name, "one", "pid"), 1)
    epoch = ask("HB.CAMPAIGN", name, "one", token)["epoch"]
    same(ask("HB.LEADER", name)["member"], "one")
    same(ask("HB.FENCED", name, epoch, "RPUSH", f"{{{name}}}log", "x"), 1)
# Without a key, a client must be told where to send them.
for family in ["TASK", "PID", "HB"]:
    lines = ask(f"{family}.HELP", target_nodes=cluster.get_random_node())
    same(lines[0].split(".")[0], family)
# Each node knows its own names.
pages = ask("TASK.QUEUES", "COUNT", 1000, target_nodes=cluster.get_primaries())
same(sorted(name for _, page in pages.values() for name in page if name in names), sorted(names))
