#ifndef NEEDLETAIL_DASHBOARD_H
#define NEEDLETAIL_DASHBOARD_H

#include <stddef.h>

/// A file of the dashboard, compiled into the binary.
typedef struct {
    const char *name;
    const unsigned char *bytes;
    size_t length;
} needletail_dashboard_file;

/// How many files there are.
size_t needletail_dashboard_count(void);
/// One of them; `index` is below their number.
needletail_dashboard_file needletail_dashboard_file_at(size_t index);

#endif
