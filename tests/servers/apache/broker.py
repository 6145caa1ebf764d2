"""What a test may do with a real broker, wherever it came from. No way of starting one is here."""

from typing import Protocol

READY_LINE = "Kafka Server started"
# With the defaults a broker that was killed is fenced for 9 s more; the first join of a group waits 3 s.
SETTINGS = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "offsets.topic.num.partitions": "1",
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.num.partitions": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "group.initial.rebalance.delay.ms": "0",
    "auto.create.topics.enable": "false",
    "broker.session.timeout.ms": "2000",
    "broker.heartbeat.interval.ms": "500",
    # Every test leaves topics behind: let them go soon, and let each of their indexes be small.
    "log.segment.delete.delay.ms": "1000",
    "log.index.size.max.bytes": "1048576",
}


class NoBrokerError(Exception):
    """This kind of broker is not to be had here."""


class Broker(Protocol):
    """One broker on one address; `restart`, `kill` and `start` keep address, topics and messages."""

    description: str
    bootstrap: str

    def start(self) -> None: ...

    def kill(self) -> None:
        """As `kill -9` or a power cut; `start` brings it back."""

    def restart(self, *, hard: bool = False) -> None: ...

    def stop(self) -> None:
        """For good: its messages are deleted."""


class GivenBroker:
    """A broker somebody else runs: it is used, never stopped."""

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap
        self.description = f"Kafka at {bootstrap}, given"

    def start(self) -> None:
        """It runs."""

    def stop(self) -> None:
        """It is not ours."""

    def kill(self) -> None:
        raise NoBrokerError("a broker that was given cannot be killed by a test")

    def restart(self, *, hard: bool = False) -> None:
        del hard
        self.kill()
