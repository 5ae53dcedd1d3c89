"""AWS Batch: control plane and a data plane that really runs jobs."""

from sandbox.batch.service import Batch

__all__ = ["Batch"]
