"""Reads a QR code back from the SVG of a page (ISO/IEC 18004): level M, versions 1 to 10, one segment of
bytes. Nothing is corrected: what is drawn has to be right in every module."""
import re

# of each version at level M: codewords for correction in each block, and the blocks' data codewords
BLOCKS = {1: (10, [16]), 2: (16, [28]), 3: (26, [44]), 4: (18, [32] * 2), 5: (24, [43] * 2), 6: (16, [27] * 4),
          7: (18, [31] * 4), 8: (22, [38] * 2 + [39] * 2), 9: (22, [36] * 3 + [37] * 2), 10: (26, [43] * 4 + [44])}
ALIGNED = {1: [], 2: [6, 18], 3: [6, 22], 4: [6, 26], 5: [6, 30], 6: [6, 34], 7: [6, 22, 38], 8: [6, 24, 42],
           9: [6, 26, 46], 10: [6, 28, 50]}
MASKS = [lambda y, x: (y + x) % 2, lambda y, x: y % 2, lambda y, x: x % 3, lambda y, x: (y + x) % 3,
         lambda y, x: (y // 2 + x // 3) % 2, lambda y, x: y * x % 2 + y * x % 3,
         lambda y, x: (y * x % 2 + y * x % 3) % 2, lambda y, x: ((y + x) % 2 + y * x % 3) % 2]


def modules(svg):
    """Rows of True where it is black, without the quiet margin, which has to be there."""
    side = int(re.search(r'viewBox="0 0 (\d+) \1"', svg).group(1))
    assert f'fill="#fff" d="M0 0h{side}v{side}H0z"' in svg, svg
    rows = [[False] * side for _ in range(side)]
    for x, y, w in re.findall(r"M(\d+) (\d+)h(\d+)v1h-\3z", re.search(r'fill="#000" d="([^"]*)"', svg).group(1)):
        rows[int(y)][int(x):int(x) + int(w)] = [True] * int(w)
    black = {y for y in range(side) if any(rows[y])} | {x for r in rows for x in range(side) if r[x]}
    assert min(black) == 4 and max(black) == side - 5, (min(black), max(black), side)
    return [r[4:-4] for r in rows[4:-4]]


def taken(version):
    """Places of what is no data: finders, timing, alignment, format, version."""
    n = 17 + 4 * version
    out = {(y, x) for y in range(9) for x in range(9)}
    out |= {(y, x) for y in range(n - 8, n) for x in range(9)} | {(y, x) for y in range(9) for x in range(n - 8, n)}
    out |= {(6, i) for i in range(n)} | {(i, 6) for i in range(n)}
    lines = ALIGNED[version]
    for y in lines:
        for x in lines:
            if (y, x) not in ((6, 6), (6, lines[-1]), (lines[-1], 6)):
                out |= {(y + i, x + k) for i in range(-2, 3) for k in range(-2, 3)}
    if version >= 7:
        out |= {(y, n - 11 + k) for y in range(6) for k in range(3)} | {(n - 11 + k, x) for x in range(6) for k in range(3)}
    return out


def codewords(m, version, mask):
    n, no, bits = len(m), taken(version), []
    columns = [x for x in range(n - 1, 0, -2)]
    columns = [x if x > 6 else x - 1 for x in columns]
    for i, right in enumerate(columns):
        for y in range(n - 1, -1, -1) if i % 2 == 0 else range(n):
            bits += [m[y][x] ^ (MASKS[mask](y, x) == 0) for x in (right, right - 1) if (y, x) not in no]
    return [int("".join("01"[b] for b in bits[i:i + 8]), 2) for i in range(0, len(bits) - 7, 8)]


def data(words, version):
    fix, sizes = BLOCKS[version]
    blocks = [[] for _ in sizes]
    assert len(words) == sum(sizes) + fix * len(sizes), (len(words), version)
    at = 0
    for i in range(max(sizes)):
        for b, size in enumerate(sizes):
            if i < size:
                blocks[b].append(words[at])
                at += 1
    return bytes(w for b in blocks for w in b)


def read(svg):
    m = modules(svg)
    version, form = (len(m) - 17) // 4, 0
    for x in (0, 1, 2, 3, 4, 5, 7, 8):
        form = form << 1 | m[8][x]
    form = (form << 7 | int("".join("01"[m[y][8]] for y in (7, 5, 4, 3, 2, 1, 0)), 2)) ^ 0b101010000010010
    assert form >> 13 == 0, "level M"
    text = "".join(f"{b:08b}" for b in data(codewords(m, version, form >> 10 & 7), version))
    assert text[:4] == "0100", text[:8]
    count = 8 if version < 10 else 16
    size = int(text[4:4 + count], 2)
    body = text[4 + count:4 + count + 8 * size]
    return bytes(int(body[i:i + 8], 2) for i in range(0, 8 * size, 8)).decode()
