"""Puts a number into an array of a checkpoint and makes both its sum and the seal fit, as if the state had been so when it was
written. Wants numpy and h5py. Usage: poison.py FILE ARRAY INDEX VALUE; INDEX counts in natural order, from the end where negative."""
import struct
import sys

import h5py
import numpy as np

ODD, ONE, TWO = (np.uint64(c) for c in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB))


def word_sum(words, position):
    """As src/io/digest.cpp: the sum over words of mix(word + (position + 1) * odd), modulo 2^64."""
    x = words + ODD * (np.uint64(position) + np.arange(1, len(words) + 1, dtype=np.uint64))
    x = (x ^ (x >> np.uint64(30))) * ONE
    x = (x ^ (x >> np.uint64(27))) * TWO
    return int(np.sum(x ^ (x >> np.uint64(31)), dtype=np.uint64))


path, name, index, value = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
with open(path, "rb") as file:
    whole = file.read()
words = np.frombuffer(whole[:-24] + bytes(-len(whole) % 8), dtype=np.uint64)
if struct.unpack("<8sQQ", whole[-24:]) != (b"KOLMOSL2", len(whole) - 24, word_sum(words, 0)):
    sys.exit("the seal is another than this script makes")
with open(path, "wb") as file:
    file.write(whole[:-24])
with h5py.File(path, "r+") as file:
    array = file[name]
    values = array[...]
    values.reshape(-1)[index] = value
    array[...] = values
    total = word_sum(values.reshape(-1).view(np.uint64), array.id.get_offset() // 8)
    array.attrs.modify("content_sum", np.uint64(total).astype(np.int64))
with open(path, "rb") as file:
    inside = file.read()
with open(path, "ab") as file:
    file.write(struct.pack("<8sQQ", b"KOLMOSL2", len(inside), word_sum(np.frombuffer(inside + bytes(-len(inside) % 8), dtype=np.uint64), 0)))
