"""What everything else stands on: pure rules and the ports to the outside. Nothing here reads a file, a socket or a
clock by itself."""
