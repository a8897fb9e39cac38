// What glibc has and Swift's Glibc module leaves out.
#ifndef CNEEDLETAIL_SYSTEM_H
#define CNEEDLETAIL_SYSTEM_H

/// The cores that the calling thread may run on (sched_getaffinity(2)), or 0 if the system does not say.
int needletail_allowed_cores(void);

/// Keeps freed blocks of up to `bytes` in the process instead of returning them to the system (mallopt(3)).
void needletail_keep_freed_blocks(int bytes);

/// Gives back the memory of code and constants that have been read so far. What is needed again is mapped again, from
/// the page cache as a rule: the pages are the program's files, never changed (MADV_DONTNEED in madvise(2)).
void needletail_release_code(void);

/// Gives the calling thread the nice value that the process was started with (setpriority(2)).
void needletail_take_process_priority(void);

#endif
