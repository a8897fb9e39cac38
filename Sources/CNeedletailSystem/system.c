#define _GNU_SOURCE
#include "CNeedletailSystem.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#if defined(__linux__)
#include <link.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#endif
#if defined(__GLIBC__)
#include <malloc.h>
#endif

int needletail_allowed_cores(void) {
#if defined(__linux__)
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
#endif
    return 0;
}

int needletail_listen(const struct sockaddr *address, unsigned int size, int backlog, int shares) {
    int one = 1, zero = 0;
#if defined(__linux__)
    // At once, so that no program that is begun meanwhile keeps it.
    int listener = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
#else
    int listener = socket(address->sa_family, SOCK_STREAM, 0);
#endif
    if (listener < 0) return -errno;
    // All addresses of IPv6 are those of IPv4 too, where the system has both; where not, that is all right.
    if (address->sa_family == AF_INET6) setsockopt(listener, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof zero);
    if (fcntl(listener, F_SETFD, FD_CLOEXEC) == 0 && fcntl(listener, F_SETFL, O_NONBLOCK) == 0
        && setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0
        && (!shares || setsockopt(listener, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one) == 0)
        && bind(listener, address, size) == 0 && listen(listener, backlog) == 0) {
        if (shares) needletail_share_port(listener, 0);
        return listener;
    }
    int reason = errno;
    close(listener);
    return -reason;
}

void needletail_backlog(int socket, int backlog) { listen(socket, backlog); }

void needletail_share_port(int socket, int shares) {
    setsockopt(socket, SOL_SOCKET, SO_REUSEPORT, &shares, sizeof shares);
}

int needletail_port(int socket) {
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof address;
    if (getsockname(socket, (struct sockaddr *)&address, &size) != 0) return 0;
    if (address.ss_family == AF_INET) return ntohs(((struct sockaddr_in *)&address)->sin_port);
    if (address.ss_family == AF_INET6) return ntohs(((struct sockaddr_in6 *)&address)->sin6_port);
    return 0;
}

void needletail_close(int socket) { close(socket); }

void needletail_keep_freed_blocks(int bytes) {
#if defined(__GLIBC__)
    mallopt(M_MMAP_THRESHOLD, bytes);
    mallopt(M_TRIM_THRESHOLD, 2 * bytes);
#else
    (void)bytes;
#endif
}

#if defined(__linux__)
// Whether the loader has written into pages that are read-only since.
static int has_changed_code(const struct dl_phdr_info *object) {
    for (int i = 0; i < object->dlpi_phnum; i++) {
        if (object->dlpi_phdr[i].p_type != PT_DYNAMIC) continue;
        const ElfW(Dyn) *entry = (const ElfW(Dyn) *)(object->dlpi_addr + object->dlpi_phdr[i].p_vaddr);
        for (; entry->d_tag != DT_NULL; entry++) {
            if (entry->d_tag == DT_TEXTREL) return 1;
            if (entry->d_tag == DT_FLAGS && (entry->d_un.d_val & DF_TEXTREL)) return 1;
        }
    }
    return 0;
}

static int release_segments(struct dl_phdr_info *object, size_t size, void *page_size) {
    (void)size;
    if (has_changed_code(object)) return 0;
    const ElfW(Addr) mask = ~(ElfW(Addr))(*(const long *)page_size - 1);
    for (int i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
        // A segment that may be written holds relocations even where it has been made read-only since.
        if (segment->p_type != PT_LOAD || (segment->p_flags & PF_W)) continue;
        const ElfW(Addr) start = (object->dlpi_addr + segment->p_vaddr) & mask;
        const ElfW(Addr) end = object->dlpi_addr + segment->p_vaddr + segment->p_filesz;
        madvise((void *)start, end - start, MADV_DONTNEED);
    }
    return 0;
}
#endif

void needletail_release_code(void) {
#if defined(__linux__)
    long page_size = sysconf(_SC_PAGESIZE);
    if (page_size > 0) dl_iterate_phdr(release_segments, &page_size);
#endif
}

void needletail_take_process_priority(void) {
#if defined(__linux__)
    // Linux has a nice value per thread; the first thread's is the one that was given from outside.
    errno = 0;
    int value = getpriority(PRIO_PROCESS, (id_t)getpid());
    if (errno == 0) setpriority(PRIO_PROCESS, 0, value);
#endif
}
