"""What every actor is told when it is created: one value, the same for all, that fits every process of the cluster."""

import msgspec

from tapio.pipeline.partition import Shard, assign
from tapio.settings import Redaction, Settings
from tapio.unified import PARTITIONS

NAMESPACE = "tapio"


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Where things are and how many there shall be.

    `nats` is the server's URL, `graph` the path of the SQLite file, `state_dir` where collectors keep what they know.
    `partitions` is fixed for the life of the data; `shards` share them. `collectors` names the cluster-wide sources.
    """

    nats: str
    graph: str
    state_dir: str
    partitions: int = PARTITIONS
    shards: int = 2
    transformers: int = 1
    collectors: tuple[str, ...] = ("kubeapi",)
    kubeconfig: str = ""
    context: str = ""
    log_lines: int = Settings().log_lines
    log_level: str = Settings().log_level
    retention_h: float = Settings().retention_h
    redaction: Redaction = Redaction()

    def shard(self, index: int) -> Shard:
        """One correlator's share of the partitions."""
        return assign(self.partitions, self.shards)[index]
