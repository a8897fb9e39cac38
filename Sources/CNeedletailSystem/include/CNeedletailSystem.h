// What glibc has and Swift's Glibc module leaves out.
#ifndef CNEEDLETAIL_SYSTEM_H
#define CNEEDLETAIL_SYSTEM_H

/// The cores that the calling thread may run on (sched_getaffinity(2)), or 0 if the system does not say.
int needletail_allowed_cores(void);

/// Keeps freed blocks of up to `bytes` in the process instead of returning them to the system (mallopt(3)).
void needletail_keep_freed_blocks(int bytes);

#endif
