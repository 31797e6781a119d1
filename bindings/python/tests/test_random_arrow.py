# SPDX-License-Identifier: GPL-3.0-or-later
"""Arrow columns in random pieces against plain Python: slices with offsets into their bitmaps, empty
chunks, dictionaries that differ from chunk to chunk, two keys, up to five threads."""

import os
import random
from collections import Counter, defaultdict

import pyarrow as pa
import pytest

import cxm

WORDS = ["EMEA", "", "中国", "a segment with a name that is long", "Z", "EME", "e", "EMEA "]
INTS = [pa.int8(), pa.uint8(), pa.int16(), pa.uint16(), pa.int32(), pa.uint32(), pa.int64(), pa.uint64()]
SEEDS = range(*map(int, os.environ.get("CXM_ARROW_SEEDS", "0:60").split(":")))


def pieces(r, n):
    """Lengths of chunks, some of them empty."""
    cuts = sorted(r.randrange(n + 1) for _ in range(r.choice([0, 0, 1, 3, 9])))
    ends = [*cuts, n]
    lengths = [end - start for start, end in zip([0, *cuts], ends)]
    for _ in range(r.randrange(3)):
        lengths.insert(r.randrange(len(lengths) + 1), 0)
    return lengths


def padded(r, values, noise, make):
    """The values as the middle of a longer array."""
    before, after = (r.choice([0, 0, 1, 7, 8, 9, 63, 65]) for _ in range(2))
    array = make([r.choice(noise) for _ in range(before)] + values + [r.choice(noise) for _ in range(after)])
    return array.slice(before, len(values))


def dictionary(r, values, index, type):
    """Categories in an order of their own, some unused, some rows null by their category."""
    words = [*{v for v in values if v is not None}, *r.sample(WORDS, r.randrange(4))]
    words = list(dict.fromkeys(words))
    r.shuffle(words)
    null = len(words) if r.random() < .3 else None
    words += [None] * (null is not None)
    at = {w: i for i, w in enumerate(words) if w is not None}
    codes = [at[v] if v is not None else (null if r.random() < .5 else None) for v in values]
    return pa.DictionaryArray.from_arrays(pa.array(codes, index), pa.array(words, type))


def numbers(r, values):
    type = r.choice([*INTS, pa.float32(), pa.float64()])
    return [padded(r, part, [0, 10, None], lambda v: pa.array(v, type)) for part in parts(r, values)]


def parts(r, values):
    at = 0
    for n in pieces(r, len(values)):
        yield values[at:at + n]
        at += n


def texts(r, values):
    kind = r.randrange(3)
    type = r.choice([pa.string(), pa.large_string()] + [pa.string_view()] * (kind < 2))
    index = r.choice(INTS)
    if kind < 2:
        return [padded(r, part, [*WORDS, None], lambda v: pa.array(v, type)) for part in parts(r, values)]
    return [padded(r, part, [*WORDS, None], lambda v: dictionary(r, v, index, type))
            for part in parts(r, values)]


def column(chunks):
    return chunks[0] if len(chunks) == 1 else pa.chunked_array(chunks)


@pytest.mark.parametrize("seed", SEEDS)
def test_any_pieces(seed):
    r = random.Random(seed)
    n = r.choice([0, 1, 5, 60, 700, 9000])
    scores = [r.choice([*range(11), None]) for _ in range(n)]
    words = [r.choice([*WORDS[:r.randint(1, 8)], None]) for _ in range(n)]
    codes = [r.choice([*range(-3, 4), None]) for _ in range(n)]
    signed = r.choice([pa.int8(), pa.int32(), pa.int64()])
    score, word = column(numbers(r, scores)), column(texts(r, words))
    code = column([padded(r, part, [5, None], lambda v: pa.array(v, signed)) for part in parts(r, codes)])
    by, keys = r.choice([(None, [None] * n), ({"word": word}, [(w,) for w in words]),
                         ({"code": code, "word": word}, list(zip(codes, words)))])
    want, missing = defaultdict(Counter), Counter()
    for s, key in zip(scores, keys):
        missing[key] += s is None
        want[key]["none" if s is None else "low" if s <= 6 else "high" if s >= 9 else "middle"] += 1
    result = cxm.nps(score, by=by, threads=r.randint(1, 5))
    rows = list(result)
    assert len(rows) == (1 if by is None else len(want))
    for row in rows:
        key = None if by is None else row.group if isinstance(row.group, tuple) else (row.group,)
        counts = want[key]
        used = counts["low"] + counts["middle"] + counts["high"]
        assert (row.n, row.missing) == (used, missing[key])
        if used:
            assert row.value == pytest.approx(100 * (counts["high"] - counts["low"]) / used, rel=1e-15)
    if by is None:
        whole, plain = cxm.Tally("nps").add(score=score), cxm.Tally("nps").add(score=scores)
        assert whole.save() == plain.save()
