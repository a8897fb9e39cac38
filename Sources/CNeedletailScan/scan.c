#include "CNeedletailScan.h"

#include <string.h>

// In C for one thing that Swift cannot say: the same loop twice, for the processors that all share and for those with wider
// vectors, of which the running one chooses.

typedef signed char vector __attribute__((vector_size(32)));
typedef unsigned long long words __attribute__((vector_size(32)));

// All bits of the bytes that need a look. Bytes beyond ASCII are negative. Vectors go by address: how they are handed over
// else depends on the processor.
static inline __attribute__((always_inline)) void mark(const char *bytes, int spans_escapes, vector *marks) {
    vector unit;
    memcpy(&unit, bytes, sizeof unit);
    const vector odd = unit < 0x20;
    const vector quote = unit == '"';
    if (!spans_escapes) {
        *marks = odd | quote | (unit == '\\');
        return;
    }
    vector before;
    memcpy(&before, bytes - 1, sizeof before);
    *marks = odd | ((quote ^ (before == '\\')) & ~(unit == 'n'));
}

static inline __attribute__((always_inline)) long plain_blocks(const char *bytes, long count, int spans_escapes) {
    long index = 0;
    for (; index + 64 <= count; index += 64) {
        vector low, high;
        mark(bytes + index, spans_escapes, &low);
        mark(bytes + index + 32, spans_escapes, &high);
        const words found = (words)(low | high);
        if (found[0] | found[1] | found[2] | found[3]) break;
    }
    return index;
}

static long plain_blocks_shared(const char *bytes, long count, int spans_escapes) {
    return spans_escapes ? plain_blocks(bytes, count, 1) : plain_blocks(bytes, count, 0);
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) static long plain_blocks_avx2(const char *bytes, long count, int spans_escapes) {
    return spans_escapes ? plain_blocks(bytes, count, 1) : plain_blocks(bytes, count, 0);
}

// Set before the program begins, so that no two threads meet here.
static long (*chosen)(const char *, long, int) = plain_blocks_shared;

__attribute__((constructor)) static void choose(void) {
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2")) chosen = plain_blocks_avx2;
}
#else
#define chosen plain_blocks_shared
#endif

long needletail_plain_blocks(const void *bytes, long count, int spans_escapes) {
    return chosen(bytes, count, spans_escapes);
}
