"""The rest of the published vectors of RFC 8785: the numbers of appendix B and the documents in hex."""

import json
import struct

import pytest

from studio_brain.kernel.canonical import UnsafeNumber, canonical
from tests.shared_data import shared


@pytest.mark.vectors
def test_the_numbers_of_appendix_b() -> None:
    cases = json.loads(shared("vectors/jcs/appendix-b.json").read_text())["cases"]
    assert len(cases) > 20
    for bits, expected in cases:
        number = struct.unpack(">d", bytes.fromhex(bits))[0]
        if expected is None:
            with pytest.raises(UnsafeNumber):
                canonical(number)
        else:
            assert canonical(number).decode() == expected


@pytest.mark.vectors
def test_the_documents_byte_for_byte_in_hex() -> None:
    files = sorted(shared("vectors/jcs/outhex").iterdir())
    assert len(files) == 6
    for path in files:
        document = json.loads((path.parent.parent / "input" / f"{path.stem}.json").read_bytes())
        assert canonical(document) == bytes.fromhex(path.read_text())
