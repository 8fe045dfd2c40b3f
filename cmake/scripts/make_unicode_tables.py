#!/usr/bin/env python3
"""Writes lib/bpe/unicode_tables.inc: the class of every Unicode code point, as the Tekken regex sees it.

    python3 cmake/scripts/make_unicode_tables.py > lib/bpe/unicode_tables.inc

The classes are asked of the `tokenizers` package, one Split per class over every code point, because
token ids must equal its ids and its regex engine has a Unicode version of its own (16.0 in 0.23).
They are then checked against Python's own `unicodedata` (an older Unicode): a code point that it
knows must have the same class in both. Needed only to change the tables, never to build.
"""
import sys
import unicodedata

import tokenizers
from tokenizers import Regex, pre_tokenizers

# In the order of CharClass in lib/bpe/unicode_classes.h; 0 is everything else.
CLASSES = [r"[\p{Lu}\p{Lt}]", r"\p{Ll}", r"[\p{Lm}\p{Lo}]", r"\p{M}", r"\p{N}", r"\s"]
CATEGORIES = [("Lu", "Lt"), ("Ll",), ("Lm", "Lo"), ("Mn", "Mc", "Me"), ("Nd", "Nl", "No"), None]
LIMIT = 0x110000
BLOCK = 256


def members(pattern):
    """The code points that match `pattern`: those that a Split with behaviour "removed" removes."""
    split = pre_tokenizers.Split(Regex(pattern), behavior="removed")
    points = [c for c in range(LIMIT) if not 0xD800 <= c < 0xE000]
    found = set()
    for start in range(0, len(points), 4096):
        chunk = points[start : start + 4096]
        kept = set()
        for _, (begin, end) in split.pre_tokenize_str("".join(map(chr, chunk))):
            kept.update(range(begin, end))
        found.update(c for i, c in enumerate(chunk) if i not in kept)
    return found


def class_of_all():
    table = bytearray(LIMIT)
    for number, pattern in enumerate(CLASSES, start=1):
        for point in members(pattern):
            if table[point]:
                sys.exit(f"U+{point:04X} is in two classes")
            table[point] = number
    return table


def check_against_unicodedata(table):
    by_category = {c: n for n, names in enumerate(CATEGORIES, start=1) if names for c in names}
    for point in range(LIMIT):
        category = unicodedata.category(chr(point))
        if category in ("Cn", "Cs") or table[point] == 6:
            continue
        if by_category.get(category, 0) != table[point]:
            sys.exit(f"U+{point:04X} is {category} in unicodedata, class {table[point]} in tokenizers")


def write(table):
    blocks, index = {}, []
    for start in range(0, LIMIT, BLOCK):
        block = bytes(table[start : start + BLOCK])
        index.append(blocks.setdefault(block, len(blocks)))
    while index[-1] == index[-2]:  # the last block number stands for all that follow
        index.pop()
    if len(blocks) > 0xFF:
        sys.exit("too many blocks for 8 bits")
    print(f"// Made by cmake/scripts/make_unicode_tables.py from tokenizers {tokenizers.__version__},")
    print(f"// checked against Unicode {unicodedata.unidata_version} of unicodedata. Do not edit.")
    print("// clang-format off")
    print(f"inline constexpr std::uint32_t kBlockPoints = {BLOCK};")
    print(f"inline constexpr std::uint32_t kIndexSize = {len(index)};")
    print("inline constexpr std::uint8_t kBlockOfIndex[kIndexSize] = {")
    for start in range(0, len(index), 24):
        print(" ".join(f"{i}," for i in index[start : start + 24]))
    print("};")
    print("// 16 classes of 4 bits a word, the lowest code point in the lowest bits.")
    print(f"inline constexpr std::uint64_t kBlockWords[{len(blocks)}][{BLOCK // 16}] = {{")
    for block in blocks:
        words = []
        for start in range(0, BLOCK, 16):
            word = sum(block[start + i] << (4 * i) for i in range(16))
            words.append(f"0x{word:x}")
        print("{" + ", ".join(words) + "},")
    print("};")
    print("// clang-format on")


if __name__ == "__main__":
    classes = class_of_all()
    check_against_unicodedata(classes)
    write(classes)
