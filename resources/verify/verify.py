#!/usr/bin/env python3
"""Checks what the evidence log of a studio handed out. Needs Python 3.9 and nothing else; reads files, sends nothing.

    python3 -I verify.py [--key VKEY]... PATH
PATH is a receipt file (.tlog-proof), an audit bundle (folder or .tar) or a vault folder. VKEY is a verifier key that
you have from somewhere you trust: the log's, and those of witnesses. Exit code 0: right, and signed with a key you
gave; 3: agrees with itself, but no key was given, so anybody may have made it; 1: refused; 2: wrong usage.
References: RFC 6962, 8032, 8785; c2sp.org signed-note, tlog-checkpoint, tlog-cosignature, tlog-proof, tlog-tiles.
"""

import argparse
import base64
import hashlib
import json
import re
import sys
import tarfile
from pathlib import Path

P, Q = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D, J = -121665 * pow(121666, P - 2, P) % P, pow(2, (P - 1) // 4, P)
N = "(0|[1-9][0-9]{0,18})"


def need(condition, why):
    if not condition:
        raise ValueError(why)


def plus(p, q):
    """RFC 8032 §5.1.4. A point is (X, Y, Z, T) with x = X/Z, y = Y/Z, xy = T/Z."""
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    return (b - a) * (d - c) % P, (d + c) * (b + a) % P, (d - c) * (d + c) % P, (b - a) * (b + a) % P


def times(n, p):
    return plus(times(n >> 1, plus(p, p)), p if n & 1 else (0, 1, 1, 0)) if n else (0, 1, 1, 0)


def point(data):
    y, sign = int.from_bytes(data, "little") & (1 << 255) - 1, data[31] >> 7
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    x = x if x * x % P == square else x * J % P
    need(y < P and x * x % P == square and (x or not sign), "a key or signature holds what is no point of the curve")
    return (x if x & 1 == sign else P - x), y, 1, (x if x & 1 == sign else P - x) * y % P


def ed25519(public, signature, message, name):
    need(len(signature) == 64, f"the signature by {name} has the wrong length")
    s, base = int.from_bytes(signature[32:], "little"), point(bytes([0x58]) + bytes([0x66]) * 31)
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % Q
    left, right = times(s, base), plus(point(signature[:32]), times(k, point(public)))
    same = all((left[i] * right[2] - right[i] * left[2]) % P == 0 for i in (0, 1))
    need(s < Q and same, f"the signature by {name} is not valid")


def b64(text, size=None):
    data = base64.b64decode(text, validate=True)
    need(base64.b64encode(data).decode() == text and size in (None, len(data)), f"not exact base64: {text[:60]!r}")
    return data


class Key:
    def __init__(self, vkey):
        match = re.fullmatch(r"([^\s+]+)\+([0-9a-f]{8})\+(\S+)", vkey)
        raw = b64(match[3]) if match else b"\0"
        self.text, self.name, self.type, self.public = vkey, match and match[1], raw[0], raw[1:]
        need(len(self.public) == {1: 32, 4: 32, 6: 1312}.get(self.type), f"not a verifier key: {vkey[:99]}")
        self.id = hashlib.sha256(self.name.encode() + b"\n" + raw).digest()[:4]
        need(self.id.hex() == match[2], f"its key id does not belong to the key {vkey}")


def note(text):
    body, gap, tail = text.rpartition("\n\n")
    right = body and gap and tail.endswith("\n") and not re.search("[\0-\x09\x0b-\x1f]", body)
    lines = [re.fullmatch(r"\u2014 ([^\s+\0-\x1f]+) (\S+)", line) for line in tail[:-1].split("\n")]
    need(right and len(lines) <= 16 and all(lines), "not a signed note with its signatures")
    found = [(line[1], b64(line[2])[:4], b64(line[2])[4:]) for line in lines]
    need(len(set(found)) == len(found) and all(value for _, _, value in found), "a signature stands twice, or is empty")
    return body + "\n", found


def node(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


class Tree:
    """RFC 6962 §2.1, from the left: (level, hash) of complete subtrees, the largest first."""

    def __init__(self, leaves=()):
        self.stack = []
        for leaf in leaves:
            self.push(0, leaf)

    def push(self, level, item):
        while self.stack and self.stack[-1][0] == level:
            level, item = level + 1, node(self.stack.pop()[1], item)
        self.stack.append((level, item))

    def root(self):
        result = self.stack[-1][1] if self.stack else hashlib.sha256(b"").digest()
        for _, item in reversed(self.stack[:-1]):
            result = node(item, result)
        return result


def subtrees(begin, end):
    """Levels of the complete subtrees over [begin, end), each as large as its place allows."""
    while begin < end:
        level = (end - begin).bit_length() - 1
        level = min(level, (begin & -begin).bit_length() - 1) if begin else level
        yield level
        begin += 1 << level


def path_root(item, index, size, path):
    """RFC 6962 §2.1.1, from the root downwards."""
    need(0 <= index < size and (size == 1) == (not path), "the path does not fit index and size")
    half = 1 << max(size - 1, 1).bit_length() - 1
    if path and index < half:
        return node(path_root(item, index, half, path[:-1]), path[-1])
    return node(path[-1], path_root(item, index - half, size - half, path[:-1])) if path else item


def ordered(value):
    """RFC 8785 §3.2.3."""
    if isinstance(value, dict):
        return {k: ordered(value[k]) for k in sorted(value, key=lambda k: k.encode("utf-16-be"))}
    need(not isinstance(value, float) and (not isinstance(value, int) or abs(value) < 2**53), "a number out of place")
    return [ordered(item) for item in value] if isinstance(value, list) else value


class Entries(Tree):
    """Entries one after the other, from index `at` on: canonical, and of the tenant that the log's origin names."""

    def __init__(self, origin, at):
        super().__init__()
        self.tenant, self.at, self.kept = origin.split("/")[-2], at, {}

    def add(self, body):
        it, seal = json.loads(body), hashlib.sha256(b"\0" + body).digest()
        again = json.dumps(ordered(it), ensure_ascii=False, separators=(",", ":")).encode()
        need(again == body and (it["v"], it["tenant"]) == (1, self.tenant), f"entry {self.at} is not one of this log")
        if "payload" in it or it["kind"] == "payload.erased":
            self.kept[self.at] = it
        self.push(0, seal)
        self.at, self.last = self.at + 1, it
        return seal


class Check:
    def __init__(self, keys):
        self.keys, self.yes, self.anchored = keys, [], any(key.type == 1 for key in keys)
        self.no = [] if self.anchored else ["who signed it: give the log's key with --key, from somewhere you trust"]

    def signed(self, data, own=None, later=False):
        """The text of a note by the log that its first line names; `own` is a key that comes with the file itself."""
        text, signatures = note(data.decode())
        origin, strangers = own.name if own else text.split("\n")[0], {name for name, _, _ in signatures}
        need(origin in strangers, "it carries no signature of its log")
        logs = [key for key in self.keys if key.type == 1 and key.name == origin]
        need(logs or not self.anchored, f"none of the keys you gave is that of {origin}")
        by = [key for key in logs or [own] * bool(own) if any((key.name, key.id) == it[:2] for it in signatures)]
        need(by or later or not (logs or own), f"{origin}: no signature by {' nor '.join(k.text for k in logs)}")
        for key in by + [key for key in self.keys if key.type == 4]:
            mine = [value for name, id, value in signatures if (name, id) == (key.name, key.id)]
            self.no += [] if mine else [f"whether {key.name} has seen it: it has not cosigned it"]
            for value in mine:
                time = int.from_bytes(value[:8], "big")
                head, cut = (f"cosignature/v1\ntime {time}\n", 8) if key.type == 4 else ("", 0)
                ed25519(key.public, value[cut:], (head + text).encode(), key.name)
                self.yes += [f"cosigned by {key.name}, {time} s after 1970"] if cut else []
                strangers.discard(key.name)
        self.no += [f"the line of {name}: no key for it, or one of ML-DSA-44" for name in sorted(strangers - {origin})]
        return text

    def checkpoint(self, data, own=None):
        match = re.fullmatch(f"(.+)\n{N}\n(.+)\n", self.signed(data, own, not self.anchored))
        need(match, "a checkpoint has three lines: origin, size, root")
        return match[1], int(match[2]), b64(match[3], 32)

    def receipt(self, data):
        head, _, rest = data.partition(b"\n\n")
        match = re.fullmatch(f"c2sp.org/tlog-proof@v1\nextra (.+)\nindex {N}((?:\n.+)*)", head.decode())
        need(match, "not a receipt file with its entry")
        (origin, size, root), index = self.checkpoint(rest), int(match[2])
        entries, path = Entries(origin, index), [b64(line, 32) for line in match[3].split("\n")[1:]]
        need(path_root(entries.add(b64(match[1])), index, size, path) == root, "the path does not lead to the root")
        self.yes.append(
            f"{entries.last['kind']} of {entries.last['at']} stands at index {index} of the {size} entries of {origin}"
        )

    def bundle(self, files):
        form = f"studio-brain audit bundle v1\norigin (.+)\nsize {N}\nfirst {N}\nend {N}\nkey (.+)\n((?:file .+\n)*)"
        match = re.fullmatch(form, note((data := files.pop("manifest")).decode())[0])
        need(match, "not the manifest of an audit bundle")
        origin, size, first, end, own, listed = match[1], *map(int, match.groups()[1:4]), Key(match[5]), match[6]
        self.signed(data, own)
        lines = [f"file {hashlib.sha256(files[it]).hexdigest()} {len(files[it])} {it}\n" for it in sorted(files)]
        need("".join(lines) == listed, "files are missing, added or not those that the signed manifest names")
        there = self.checkpoint(files["checkpoint"], own)
        right = there[:2] == (origin, size) and own.name == origin and own.type == 1 and first <= end <= size
        need(right, "the manifest contradicts itself or the checkpoint")
        rows, (title, *proof) = (files[name].decode().split("\n") for name in ("entries.jsonl", "range-proof"))
        left, right, entries = [*subtrees(0, first)], [*subtrees(end, size)], Entries(origin, first)
        need(rows.pop() == "" and len(rows) == end - first, f"there are not {end - first} rows")
        right_form = title == "studio-brain range-proof v1" and proof.pop() == ""
        need(right_form and len(proof) == len(left + right), "the range proof has another form or number of hashes")
        for level in left:
            entries.push(level, b64(proof.pop(0), 32))
        for row in rows:
            entries.add(row.encode())
        for level in right:
            entries.push(level, b64(proof.pop(0), 32))
        need(entries.root() == there[2], "rows are missing, moved or changed: they do not lead to the signed root")
        self.yes.append(f"entries {first} to {end - 1} of {origin}: all of them, in order, unchanged")
        self.payloads(files.get("payloads.jsonl"), entries.kept, range(first, end), origin)

    def payloads(self, data, kept, inside, origin):
        bound = {index: it["payload"] for index, it in kept.items() if "payload" in it}
        if data is None:
            return self.no.append(f"{len(bound)} payloads, which are not in the bundle")
        told = [json.loads(line) for line in data.splitlines()]
        need([it["index"] for it in told] == list(bound), "payloads are missing, or others than the entries name")
        for index, it in ((it["index"], it) for it in told):
            if "erased" in it:
                by, here = kept.get(it["erased"], {"kind": 0}), it["erased"] in inside and "origin" not in it
                said = by["kind"] == "payload.erased" and (by["data"]["index"], by["data"].get("origin", origin))
                right, log = not here or said == (index, origin), f" of {it['origin']}" if "origin" in it else ""
                (self.yes if here else self.no).append(f"entry {it['erased']}{log} erased the payload of entry {index}")
            else:
                content = b64(it["content"])
                stamp = "sha256:" + hashlib.sha256(b64(it["salt"]) + content).hexdigest()
                right = bound[index] == {"sha256": stamp, "size": len(content)}
            need(right, f"the payload of entry {index} is not the one that was sealed")
        self.yes.append(f"{sum('content' in it for it in told)} payloads, each the one its entry commits to")

    def vault(self, files):
        """The folder of one log, c2sp.org tlog-tiles. `files`: name → path."""
        origin, size, root = self.checkpoint(files["checkpoint"].read_bytes())
        older = [self.checkpoint(files[name].read_bytes()) for name in files if name.startswith("checkpoints/")]
        roots, entries, hashes, level = {there[1]: there for there in older}, Entries(origin, 0), [], 0
        need(len(roots) == len(older), "two checkpoints are of one size")
        for at in range(0, size, 256):
            data = files[tile_path("entries", at // 256, min(256, size - at))].read_bytes()
            for _ in range(min(256, size - at)):
                end = 2 + int.from_bytes(data[:2], "big")
                hashes.append(entries.add(data[2:end]))
                there, data = roots.pop(entries.at, None), data[end:]
                need(not there or there == (origin, entries.at, entries.root()), f"checkpoint {entries.at} differs")
            need(not data, f"the entries from {at} on are more than the checkpoint covers")
        need(entries.root() == root, "the entries do not lead to the signed root")
        while hashes:
            tiles = [hashes[at : at + 256] for at in range(0, len(hashes), 256)]
            for index, tile in enumerate(tiles):
                same = files[tile_path(level, index, len(tile))].read_bytes() == b"".join(tile)
                need(same, f"tile {index} of level {level} is not the one over these entries")
            hashes, level = [Tree(tile).root() for tile in tiles if len(tile) == 256], level + 1
        self.yes.append(f"{size} entries of {origin}, their tiles, and {len(older) + 1} checkpoints")
        self.no += ["payloads: their keys never leave the home", *(f"checkpoint {at}" for at in roots if at)]


def tile_path(level, index, width):
    *above, last = re.findall("...", f"{index:0{(len(str(index)) + 2) // 3 * 3}d}")
    return f"tile/{level}/{''.join(f'x{it}/' for it in above)}{last}" + ("" if width == 256 else f".p/{width}")


def look(check, path):
    if path.is_dir():
        files = {file.relative_to(path).as_posix(): file for file in sorted(path.rglob("*")) if file.is_file()}
        if "manifest" in files:
            return check.bundle({name: file.read_bytes() for name, file in files.items()})
        logs = [name[: -len("checkpoint")] for name in files if name.split("/")[-1] == "checkpoint"]
        for log in logs or need(False, "neither an audit bundle nor a vault"):
            check.vault({name[len(log) :]: file for name, file in files.items() if name.startswith(log)})
    elif path.read_bytes()[:4] == b"c2sp":
        check.receipt(path.read_bytes())
    else:
        with tarfile.open(path, "r:") as tar:
            files = [(member.name, tar.extractfile(member).read()) for member in tar.getmembers()]
        need(len(dict(files)) == len(files), "a file stands in the bundle twice")
        check.bundle(dict(files))


parser = argparse.ArgumentParser(description="Checks a receipt file, an audit bundle or a vault folder.")
parser.add_argument("--key", action="append", default=[], metavar="VKEY", help="a verifier key that you trust")
parser.add_argument("path", type=Path)
try:
    given = parser.parse_args()
    look(check := Check([Key(vkey) for vkey in given.key]), given.path)
except Exception as why:
    print(ascii(f"REFUSED: {why!r}")[1:-1])
    sys.exit(1)
for line in [f"checked: {it}" for it in check.yes] + [f"NOT checked: {it}" for it in dict.fromkeys(check.no)]:
    print(ascii(line)[1:-1])
print("VERIFIED" if check.anchored else "AGREES WITH ITSELF; nobody you know vouches for it")
sys.exit(0 if check.anchored else 3)
