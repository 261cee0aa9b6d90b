"""Clusters, Sentinel, sockets, TLS, valkey-py: the same application at another address."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from conftest import until
from servers import ROOT, Server, binary, free_port, has_tls

from steward_redis import ServerError, Steward

SLOTS = 16_384


class Cluster:
    """Some servers with an equal share of the slots."""

    def __init__(self, count: int) -> None:
        self.nodes = [Server("cluster-enabled yes") for _ in range(count)]
        for number, node in enumerate(self.nodes):
            node.command("CLUSTER", "ADDSLOTSRANGE", SLOTS * number // count, SLOTS * (number + 1) // count - 1)
            node.command("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
        for node in self.nodes[1:]:
            self.nodes[0].command("CLUSTER", "MEET", "127.0.0.1", node.port)
        until(lambda: all("cluster_state:ok" in self.info(node) for node in self.nodes), 60)
        until(lambda: all(f"known_nodes:{count}" in self.info(node) for node in self.nodes), 60)
        self.url = f"redis+cluster://127.0.0.1:{self.nodes[0].port},127.0.0.1:{self.nodes[1].port}"

    @staticmethod
    def info(node: Server) -> str:
        info: bytes = node.command("CLUSTER", "INFO")
        return info.decode()

    def close(self) -> None:
        for node in self.nodes:
            node.close()


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    cluster = Cluster(2)
    yield cluster
    cluster.close()


def doubler(url: str, queue: str) -> Steward:
    app = Steward(url, queue=queue)

    @app.task
    def double(x: int) -> int:
        return 2 * x

    return app


def test_a_cluster_has_queues_on_all_its_nodes(cluster: Cluster) -> None:
    for queue in ("a", "b", "c", "{app}mail"):
        app = doubler(cluster.url, queue)
        double = app.tasks["double"]
        with app.worker(concurrency=2):
            assert [double.submit(n).result(60) for n in range(5)] == [0, 2, 4, 6, 8]
            assert app.chain(double.s(1), double.s()).submit().result(60) == 4
            with app.lead("{%s}report" % queue.strip("{}").split("}")[0]) as epoch:
                assert epoch.epoch > 0


def test_queues_of_several_nodes_need_a_worker_each(cluster: Cluster) -> None:
    app = doubler(cluster.url, "a")
    app.task(name="other", queue="b")(lambda: None)
    with pytest.raises(ServerError, match="the same tag in braces"):
        app.worker().run()


def test_the_shards_of_the_manual_are_spread_over_the_nodes(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (ROOT / "docs/guides/several-machines.md").read_text()
    [program] = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    monkeypatch.setenv("REDIS_URL", cluster.url)
    monkeypatch.setenv("SHARD", "3")
    names: dict[str, Any] = {}
    exec(program, names)
    customers = [f"customer-{number}" for number in range(64)]
    jobs = {customer: names["submit"](customer, "ann") for customer in customers}
    assert len({job.queue for job in jobs.values()}) == 16
    assert all(len(node.command("TASK.QUEUES")[1]) > 1 for node in cluster.nodes)
    with names["mine"].worker(concurrency=2):
        mine = [job for job in jobs.values() if job.queue == "mail-3"]
        assert mine
        assert {job.result(60) for job in mine} == {"sent to ann"}


def test_a_slot_that_moves_takes_its_tasks_along(cluster: Cluster) -> None:
    app = doubler(cluster.url, "moving")
    double = app.tasks["double"]
    slot = cluster.nodes[0].command("CLUSTER", "KEYSLOT", "moving")
    ours = slot * 2 // SLOTS
    source, target = cluster.nodes[ours], cluster.nodes[1 - ours]
    ids = [node.command("CLUSTER", "MYID") for node in (source, target)]

    def has_moved() -> bool:
        if keys := source.command("CLUSTER", "GETKEYSINSLOT", slot, 100):
            source.command("MIGRATE", "127.0.0.1", target.port, "", 0, 5000, "KEYS", *keys)
            return False
        target.command("CLUSTER", "SETSLOT", slot, "NODE", ids[1])
        source.command("CLUSTER", "SETSLOT", slot, "NODE", ids[1])
        return True

    with app.worker(concurrency=2):
        jobs = [double.submit(n) for n in range(50)]
        assert jobs[0].result(60) == 0
        target.command("CLUSTER", "SETSLOT", slot, "IMPORTING", ids[0])
        source.command("CLUSTER", "SETSLOT", slot, "MIGRATING", ids[1])
        until(has_moved)
        assert [job.result(60) for job in jobs] == [2 * n for n in range(50)]
        assert [double.submit(n).result(60) for n in range(5)] == [0, 2, 4, 6, 8]


def test_sentinel_knows_the_primary_also_after_a_failover(tmp_path: Path) -> None:
    primary = Server()
    replica = Server(f"replicaof 127.0.0.1 {primary.port}")
    port = free_port()
    conf = tmp_path / "sentinel.conf"
    conf.write_text(
        f"port {port}\ndir {tmp_path}\nsentinel monitor main 127.0.0.1 {primary.port} 1\n"
        "sentinel down-after-milliseconds main 500\nsentinel failover-timeout main 5000\n"
    )
    sentinel = subprocess.Popen([binary(), str(conf), "--sentinel"], stdout=subprocess.DEVNULL)
    try:
        until(lambda: linked(replica), 30)
        app = doubler(f"redis+sentinel://127.0.0.1:{port}/main", "mail")
        double = app.tasks["double"]
        with app.worker(concurrency=2, ttl="5s"):
            assert double.submit(1).result(60) == 2
            jobs = [double.options(delay="1s").submit(n) for n in range(20)]
            until(lambda: primary.command("WAIT", 1, 1000) == 1)
            # Sentinel learns of replicas every ten seconds.
            until(lambda: knows_replica(port), 30)
            primary.kill()
            assert [job.result(60) for job in jobs] == [2 * n for n in range(20)]
            assert double.submit(5).result(60) == 10
    finally:
        sentinel.kill()
        sentinel.wait()
        replica.close()
        primary.folder.cleanup()


def linked(replica: Server) -> bool:
    return bool(replica.client.info("replication").get("master_link_status") == "up")


def knows_replica(port: int) -> bool:
    import redis

    client = redis.Redis(port=port, protocol=2)
    masters = client.execute_command("SENTINEL", "REPLICAS", "main")  # type: ignore[no-untyped-call]
    return len(masters) > 0


def test_a_unix_socket_is_an_address(tmp_path: Path) -> None:
    server = Server(f"unixsocket {tmp_path}/s")
    app = doubler(f"unix://{tmp_path}/s", "mail")
    with app.worker(concurrency=1):
        assert app.tasks["double"].submit(1).result(60) == 2
    server.close()


@dataclass
class Secure:
    """A server that speaks TLS, with a certificate that no authority but itself has signed."""

    port: int
    folder: Path

    @property
    def words(self) -> list[str]:
        cert, key = self.folder / "cert", self.folder / "key"
        return [f"tls-port {self.port}", f"tls-cert-file {cert}", f"tls-key-file {key}", "tls-auth-clients no"]


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secure]:
    if not has_tls():
        pytest.skip("the server was built without TLS")
    folder = tmp_path_factory.mktemp("tls")
    words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=test -keyout key -out cert"
    more = ["-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE"]
    subprocess.run(["openssl", *words.split(), *more], cwd=folder, check=True, capture_output=True)
    secure = Secure(free_port(), folder)
    server = Server(*secure.words)
    yield secure
    server.close()


def python(client: str, program: str) -> str:
    """What a program prints that has redis-py only, or valkey-py too."""
    path = str(Path(sys.prefix) / "valkey") if client == "valkey" else ""
    program = f"from steward_redis.link import client\nassert client.__name__ == {client!r}\n{program}"
    environment = {**os.environ, "PYTHONPATH": path}
    ran = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=120)
    return ran.stdout + ran.stderr


@pytest.mark.parametrize("client", ["redis", "valkey"])
def test_valkey_py_does_as_well_as_redis_py(server: Server, client: str) -> None:
    program = f"""
from steward_redis import Steward
app = Steward({server.url!r}, queue="client-{client}")
app.task(name="double")(lambda x: 2 * x)
with app.worker(concurrency=1):
    print(app.tasks["double"].submit(2).result(60))
"""
    assert python(client, program) == "4\n"


@pytest.mark.parametrize("client", ["redis", "valkey"])
def test_tls_with_an_authority_of_ones_own(secure: Secure, client: str) -> None:
    program = f"""
import time
from steward_redis import ServerError, Steward
url = "rediss://127.0.0.1:{secure.port}"
app = Steward(url, queue="tls-{client}", ssl_ca_certs="{secure.folder}/cert")
@app.task
def double(x: int, seconds: float = 0) -> int:
    time.sleep(seconds)
    return 2 * x

app.server.call("tls", "CONFIG", "RESETSTAT")
with app.worker(concurrency=2, ttl="5s"):
    long = double.submit(100, 2)
    print([double.submit(n).result(60) for n in range(20)] == [2 * n for n in range(20)])
    print(long.result(60))
with app.lead("tls-{client}") as epoch:
    print(epoch.fenced("PING"))
stats = app.server.call("tls", "INFO", "commandstats").lower()
print([name in stats for name in (b"task.mextend", b"hb.beat")])
try:
    Steward(url, queue="tls").job("1").state()
except ServerError as error:
    print(error.code)
"""
    assert python(client, program) == "True\n200\nb'PONG'\n[True, True]\nUNTRUSTED\n"


def test_sentinel_with_tls(secure: Secure, tmp_path: Path) -> None:
    port = free_port()
    lines = ["port 0", f"dir {tmp_path}", *Secure(port, secure.folder).words, f"tls-ca-cert-file {secure.folder}/cert"]
    lines += ["tls-replication yes", f"sentinel monitor main 127.0.0.1 {secure.port} 1"]
    (tmp_path / "sentinel.conf").write_text("\n".join(lines) + "\n")
    sentinel = subprocess.Popen([binary(), str(tmp_path / "sentinel.conf"), "--sentinel"], stdout=subprocess.DEVNULL)
    try:
        app = Steward(f"rediss+sentinel://127.0.0.1:{port}/main", queue="mail", ssl_ca_certs=str(secure.folder / "cert"))
        double = app.task(name="double")(lambda x: 2 * x)
        with app.worker(concurrency=1):
            assert double.submit(2).result(60) == 4
    finally:
        sentinel.kill()
        sentinel.wait()


def test_the_users_of_the_manual_are_enough() -> None:
    server = Server()
    for line in (ROOT / "docs/reference/acl.md").read_text().splitlines():
        if line.startswith("ACL SETUSER "):
            server.command(*line.split())
    users = {name: server.url.replace("//", f"//{name}:change-me@") for name in ("producer", "worker")}
    works = doubler(users["worker"], "mail")
    works.task(name="nightly", cron="30 2 * * *")(lambda: None)
    submits = doubler(users["producer"], "mail")
    with works.worker(concurrency=2):
        jobs = [submits.tasks["double"].submit(n) for n in range(5)]
        assert [job.result(60) for job in jobs] == [0, 2, 4, 6, 8]
    server.close()
