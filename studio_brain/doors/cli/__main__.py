"""`python -m studio_brain.doors.cli`, where the console script is not on the path."""

from . import main

main()
