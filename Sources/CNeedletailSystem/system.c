#define _GNU_SOURCE
#include "CNeedletailSystem.h"

#if defined(__linux__)
#include <errno.h>
#include <link.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>
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
