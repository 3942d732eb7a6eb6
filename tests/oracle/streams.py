"""The program's documented random numbers (include/unroll/base/random.hpp), written again from the description:
Philox4x32-10 with key mix(mix(seed) ^ fnv1a(purpose)) and counter (a, b), low words first."""
import numpy

WORD = 0xFFFFFFFF
LONG = 0xFFFFFFFFFFFFFFFF


def _mix(x):
    x = (x + 0x9E3779B97F4A7C15) & LONG
    x = ((x ^ x >> 30) * 0xBF58476D1CE4E5B9) & LONG
    x = ((x ^ x >> 27) * 0x94D049BB133111EB) & LONG
    return x ^ x >> 31


def _fnv1a(text):
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = ((value ^ byte) * 0x100000001B3) & LONG
    return value


def _philox(counter, key):
    words = [numpy.asarray(word, dtype=numpy.uint64) for word in counter]
    first, second = key & WORD, key >> 32
    for _ in range(10):
        low = words[0] * numpy.uint64(0xD2511F53)
        high = words[2] * numpy.uint64(0xCD9E8D57)
        words = [high >> 32 ^ words[1] ^ numpy.uint64(first), low * 0 + (high & WORD),
                 low >> 32 ^ words[3] ^ numpy.uint64(second), low & WORD]
        first, second = (first + 0x9E3779B9) & WORD, (second + 0xBB67AE85) & WORD
    return words


def bits(seed, purpose, a, b):
    """64 random bits for each pair of the arrays a and b."""
    a, b = numpy.broadcast_arrays(numpy.asarray(a, dtype=numpy.uint64), numpy.asarray(b, dtype=numpy.uint64))
    block = _philox([a & WORD, a >> 32, b & WORD, b >> 32], _mix(_mix(seed) ^ _fnv1a(purpose)))
    return block[1] << 32 | block[0]


def uniforms(seed, purpose, a, b):
    return (bits(seed, purpose, a, b) >> 11).astype(float) * 2.0**-53


def normals(seed, purpose, count):
    """Box-Muller on the blocks (0, 0..count-1)."""
    index = numpy.arange(count, dtype=numpy.uint64)
    zero = index * 0
    block = _philox([zero, zero, index & WORD, index >> 32], _mix(_mix(seed) ^ _fnv1a(purpose)))
    first = (block[1] << 32 | block[0]) >> 11
    second = (block[3] << 32 | block[2]) >> 11
    radius = (first.astype(float) + 1) * 2.0**-53
    return numpy.sqrt(-2 * numpy.log(radius)) * numpy.cos(2 * numpy.pi * second.astype(float) * 2.0**-53)
