#pragma once

/// Starts (1) or stops (0) counting; starting begins at zero.
void allocation_count_run(int is_counting);

/// Blocks that were allocated, or moved to grow, by any thread while counting.
long allocation_count(void);
