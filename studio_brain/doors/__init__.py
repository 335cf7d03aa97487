"""The ways in: the cockpit's pipe, the command line, the practice studio. They translate and decide nothing."""
