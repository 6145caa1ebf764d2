"""The real broker of a test run: the first that is to be had. How each kind is started is in `apache/`."""

import gc
import os
import warnings
from collections.abc import Callable

from tests.servers.apache.broker import Broker, GivenBroker, NoBrokerError
from tests.servers.apache.from_docker import DockerBroker
from tests.servers.apache.from_maven import MavenBroker

KINDS: dict[str, Callable[[], Broker]] = {"docker": DockerBroker, "maven": MavenBroker}


def start_broker() -> Broker:
    """Give a running broker, or raise NoBrokerError with the reason of each kind."""
    if bootstrap := os.environ.get("KAFKA_BOOTSTRAP_SERVERS"):
        return GivenBroker(bootstrap)
    reasons = []
    for kind in _order():
        if kind not in KINDS:
            reasons.append(f"{kind}: not a way to start one")
            continue
        try:
            return KINDS[kind]()
        except NoBrokerError as reason:
            reasons.append(f"{kind}: {reason}")
        _collect_sockets()
    raise NoBrokerError("; ".join(reasons))


def _collect_sockets() -> None:
    """Docker's client leaves the socket open with which it looked in vain; else whichever test runs then is blamed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def _order() -> list[str]:
    """Docker, then Maven; in CI the other way round: 43 MB of jars that a cache keeps come quicker than an image."""
    if chosen := os.environ.get("INLOOP_TEST_KAFKA"):
        return chosen.split(",")
    return sorted(KINDS, reverse=bool(os.environ.get("CI")))
