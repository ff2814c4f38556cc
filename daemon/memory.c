/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What only glibc's allocator needs to be told; see memory.h.
 */
#include "config.h"

#include <unistd.h>

#include "common/mem.h"
#include "daemon/memory.h"

#ifdef __GLIBC__
#include <malloc.h>

/* No more threads than this run at once, so more heaps would only keep free
 * memory apart.
 */
void
memory_init (void)
{
  mallopt (M_ARENA_MAX, MAX_OF ((int) sysconf (_SC_NPROCESSORS_ONLN), 1));
}

void
memory_return (void)
{
  malloc_trim (0);
}

#else

void
memory_init (void)
{
}

void
memory_return (void)
{
}

#endif
