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

#include <sys/socket.h>

/// A non-blocking stream socket that listens on an address, or the negative errno (bind(2), listen(2)).
///
/// `shares` lets it bind beside a socket of this process that has been told `needletail_share_port`.
int needletail_listen(const struct sockaddr *address, unsigned int size, int backlog, int shares);

/// How many connections wait at most until they are taken (listen(2)).
void needletail_backlog(int socket, int backlog);

/// Lets other sockets of this user listen on the same port, or no longer (SO_REUSEPORT in socket(7)).
void needletail_share_port(int socket, int shares);

/// The port that a socket is bound to.
int needletail_port(int socket);

/// Closes a socket.
void needletail_close(int socket);

#endif
