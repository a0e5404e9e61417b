"""kill -9 of the whole server and of who registers, at random moments; nothing is lost."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from stadion.client import Client
from stadion.core.errors import StadionError
from stadion.platform import Platform
from stadion.registry import Registry
from tests.conftest import MODEL
from tests.places import ROOT
from tests.servers import Server, start_server

KILLS = 50
SEED = 20_26
READY_S = 5.0
REQUEST = {"inputs": {name: [[[0.0] * 3] * 100] for name in ("acceleration", "angular_velocity")}}


@dataclass
class Ledger:
    """What the server and the registry acknowledged, kept outside of both."""

    versions: dict[int, str] = field(default_factory=dict)
    deployments: dict[int, int] = field(default_factory=dict)
    acts: int = 0

    def broken_promises(self, registry: Registry) -> list[str]:
        """Sentences, one for each acknowledged thing that is not there as acknowledged."""
        there = {version.number: version.digest for version in registry.versions(MODEL)}
        log = {entry.generation: entry.routes[0].version for entry in registry.history(MODEL)}
        report = registry.verify()
        return [
            *(f"version {n} is lost" for n, d in self.versions.items() if there.get(n) != d),
            *(f"deployment {g} is lost" for g, v in self.deployments.items() if log.get(g) != v),
            *(f"half version: {problem}" for problem in (*report.problems, *report.database)),
            *([] if sorted(log) == list(range(1, len(log) + 1)) else ["the log has gaps"]),
        ]


class Deployer(threading.Thread):
    """Deploys and rolls back over the control REST until the server is gone."""

    def __init__(self, client: Client, ledger: Ledger, chance: random.Random) -> None:
        super().__init__()
        self.client, self.ledger, self.chance = client, ledger, chance

    def run(self) -> None:
        while True:
            self.ledger.acts += 1
            try:
                if self.chance.random() < 0.3:
                    view = self.client.rollback(MODEL)
                else:
                    view = self.client.deploy(f"{MODEL}:{self.chance.choice((1, 2))}")
            except StadionError as error:
                if error.code.value == "CONFLICT":
                    continue  # nothing to go back to
                return
            except OSError:
                return
            self.ledger.deployments[view["generation"]] = view["version"]


class Registrar:
    """A process that registers versions; `read` takes down what it acknowledged."""

    def __init__(self, home: Path, turn: int) -> None:
        command = [sys.executable, "-m", "tests.registering", str(home), MODEL, str(turn)]
        self.process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        assert json.loads(self.process.stdout.readline()) == {"ready": True}

    def go(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("go\n")
        self.process.stdin.flush()

    def kill(self, ledger: Ledger) -> None:
        self.process.kill()
        output, _ = self.process.communicate(timeout=10)
        for line in output.splitlines():
            if line.endswith("}"):  # the last one may be cut off: it was not acknowledged
                ack = json.loads(line)
                ledger.versions[ack["version"]] = ack["digest"]


def crash(server: Server, home: Path, ledger: Ledger, chance: random.Random, turn: int) -> None:
    """Let both write, then kill everything at once."""
    registrar = Registrar(home, turn)
    deployer = Deployer(server.client, ledger, chance)
    deployer.start()
    registrar.go()
    time.sleep(chance.uniform(0.0, 1.0))
    server.kill()
    registrar.kill(ledger)
    deployer.join(30)
    assert not deployer.is_alive()


@pytest.mark.slow
@pytest.mark.timeout(420)
def test_fifty_kills_lose_nothing_that_was_acknowledged(home: Path) -> None:
    chance, ledger = random.Random(SEED), Ledger()
    place = Platform.open(home)
    ledger.deployments[place.deploy(f"{MODEL}:1")["generation"]] = 1
    slowest_s = 0.0
    server = start_server(home)
    for turn in range(KILLS):
        crash(server, home, ledger, chance, turn)
        started = time.monotonic()
        server = start_server(home)
        slowest_s = max(slowest_s, time.monotonic() - started)
        registry = Registry.open(home / "registry")
        assert ledger.broken_promises(registry) == [], f"turn {turn}"
        answer = server.client.predict(MODEL, REQUEST)
        assert answer["version"] == registry.deployment(MODEL).primary, f"turn {turn}"
        registry.close()
    assert server.stop() == 0
    print(
        f"\n{KILLS} kills, {len(ledger.versions)} versions and {len(ledger.deployments)} "
        f"deployments acknowledged, slowest start {slowest_s:.2f} s"
    )
    assert slowest_s < READY_S
    assert len(ledger.versions) > KILLS
    assert len(ledger.deployments) > KILLS / 2


def test_the_ledger_sees_what_is_lost(home: Path) -> None:
    place = Platform.open(home)
    place.deploy(f"{MODEL}:1")
    ledger = Ledger({1: "0" * 64, 9: "0" * 64}, {1: 2, 5: 1})
    registry = Registry.open(home / "registry")
    assert len(ledger.broken_promises(registry)) == 4
    blobs = [path for path in (home / "registry" / "blobs").rglob("*") if path.is_file()]
    blob = max(blobs, key=lambda path: path.stat().st_size)
    blob.chmod(0o600)
    blob.write_bytes(blob.read_bytes()[:-1])
    assert any("half version" in line for line in ledger.broken_promises(registry))
