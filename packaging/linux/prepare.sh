#!/bin/sh
# Makes a bare Debian machine ready for the virtual environment and for Qt.
# usage: prepare.sh [PYTHON]
#
# Looks first and installs only what is missing; without the right to install it says what to install and stops.
set -eu

python="${1:-python3}"
missing=""

need() { # need FILE-OF-THE-LIBRARY DEBIAN-PACKAGE
    ldconfig -p 2>/dev/null | grep -q "$1" || missing="$missing $2"
}

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    echo "Studio Brain needs Python 3.11 or newer as '$python'. Install it, or name another: make PYTHON=python3.12" >&2
    exit 1
fi
"$python" -c 'import ensurepip, venv' 2>/dev/null || missing="$missing python3-venv"

if [ "$(uname -s)" = Linux ]; then
    PATH="$PATH:/sbin:/usr/sbin"
    need libGL.so.1 libgl1
    need libEGL.so.1 libegl1
    need libglib-2.0.so.0 libglib2.0-0
    need libfontconfig.so.1 libfontconfig1
    need libdbus-1.so.3 libdbus-1-3
    need libxkbcommon.so.0 libxkbcommon0
    need libxcb-cursor.so.0 libxcb-cursor0
    need libxcb-icccm.so.4 libxcb-icccm4
    need libxcb-image.so.0 libxcb-image0
    need libxcb-keysyms.so.1 libxcb-keysyms1
    need libxcb-randr.so.0 libxcb-randr0
    need libxcb-render-util.so.0 libxcb-render-util0
    need libxcb-shape.so.0 libxcb-shape0
    need libxcb-xkb.so.1 libxcb-xkb1
    need libxkbcommon-x11.so.0 libxkbcommon-x11-0
    need libX11-xcb.so.1 libx11-xcb1
fi

[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null 2>&1; then
    echo "Missing on this machine (Debian's names):$missing" >&2
    echo "Install them with your package manager and run the command again." >&2
    exit 1
fi
if [ "$(id -u)" = 0 ]; then
    as_root=""
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
    as_root="sudo"
else
    echo "Missing on this machine:$missing" >&2
    echo "Run this once and try again:  sudo apt-get install --no-install-recommends$missing" >&2
    exit 1
fi
echo "Installing:$missing"
$as_root apt-get update -qq
# shellcheck disable=SC2086  # a list of names is meant
DEBIAN_FRONTEND=noninteractive $as_root apt-get install -qq -y --no-install-recommends $missing >/dev/null
