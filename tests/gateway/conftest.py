from tests.gateway.harness import bench

__all__ = ["bench"]
