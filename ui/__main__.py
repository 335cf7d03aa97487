"""`studio-cockpit`: the window on a studio. `python -m ui` is the same."""

import gc
import os
import sys


def main(argv: list[str] | None = None) -> int:
    """Exit codes: 0 closed, 1 pictures could not be made, 2 usage or no display."""
    gc.disable()  # what is made while starting stays anyway; it is switched on again when the window is filled
    from .options import NO_DISPLAY, has_display, parse

    options = parse(argv)
    if options.screenshot is not None:
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
        from .screenshots import take

        return take(options)
    if not has_display():
        sys.stderr.write(NO_DISPLAY)
        return 2
    from .app import run

    return run(options)


if __name__ == "__main__":
    sys.exit(main())
