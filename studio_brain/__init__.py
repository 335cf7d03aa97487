"""Studio Brain: the engine under the cockpit. It imports no Qt; `brain.py` is where its parts are put together."""

__version__ = "0.1.0"
