#pragma once

/// Passes over the blocks of 64 bytes in which a JSON string needs no look: no quote, no backslash, no control character and
/// nothing beyond ASCII. With 32 bytes at a time where the processor can.
///
/// - Parameters:
///   - bytes: At least `count` of them may be read, and with `spans_escapes` the one before them.
///   - spans_escapes: Passes over `\n` and `\"` too. What it stops behind may be a backslash.
/// - Returns: How many bytes were passed over, a multiple of 64.
long needletail_plain_blocks(const void *bytes, long count, int spans_escapes);
