"""Many items to a store of training pairs: in worker processes, or on a Ray cluster."""

from mocap.datasets.jobs.letting_go import let_go, when_let_go
from mocap.datasets.jobs.run import Item, Outcome, run_items

__all__ = ["Item", "Outcome", "let_go", "run_items", "when_let_go"]
