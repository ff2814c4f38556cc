/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Making and asking tables of addresses; see ip-table.h.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/mem.h"
#include "ip-table.h"

int
ip_builder_add (struct ip_builder *builder, const struct ip_range *range,
                uint32_t line, uint16_t source)
{
  struct ip_raws *raws = range->is_v6 ? &builder->v6 : &builder->v4;
  struct ip_raw *more;
  uint32_t size;

  if (builder->v4.count + builder->v6.count >= IP_ENTRIES_MAX)
    return -1;
  if (raws->count == raws->size) {
    size = raws->size ? raws->size * 2 : 16;
    more = reallocarray (raws->raw, size, sizeof *more);
    if (more == NULL)
      return -1;
    raws->raw = more;
    raws->size = size;
  }
  raws->raw[raws->count++] = (struct ip_raw) {
    range->first, range->last, line, source,
  };
  return 0;
}

void
ip_builder_free (struct ip_builder *builder)
{
  free (builder->v4.raw);
  free (builder->v6.raw);
  memset (builder, 0, sizeof *builder);
}

/* By the first address; of those that begin together the longest is first,
 * so that the others lie on top of it.
 */
static int
compare_raws (const void *a, const void *b)
{
  const struct ip_raw *x = a, *y = b;
  int by_first = ip_compare (x->first, y->first);

  return by_first ? by_first : ip_compare (y->last, x->last);
}

/* Lists are often sorted already. */
static void
sort (struct ip_raws *raws)
{
  for (uint32_t i = 1; i < raws->count; i++)
    if (compare_raws (&raws->raw[i - 1], &raws->raw[i]) > 0) {
      qsort (raws->raw, raws->count, sizeof raws->raw[0], compare_raws);
      return;
    }
}

/* A family being made.  open holds the entries that have begun and not ended,
 * the one that applies on top.
 */
struct sweep {
  struct ip_family *family;
  const struct ip_raw *raw;
  bool is_v6;
  uint32_t *open;
  uint32_t open_count;
};

/* From here on another entry applies. */
static void
change (struct sweep *sweep, struct ip_addr at, uint32_t from)
{
  struct ip_family *family = sweep->family;
  uint32_t last = family->count - 1, i = family->count;

  if (i > 0 && (sweep->is_v6 ? ip_compare (family->at.v6[last], at) == 0
                             : family->at.v4[last] == at.low))
    i = last;
  if (sweep->is_v6)
    family->at.v6[i] = at;
  else
    family->at.v4[i] = at.low;
  family->from[i] = from;
  family->count = i + 1;
}

static struct ip_addr
after (struct ip_addr addr)
{
  addr.low++;
  addr.high += addr.low == 0;
  return addr;
}

static bool
is_last (const struct sweep *sweep, struct ip_addr addr)
{
  return sweep->is_v6 ? addr.high == UINT64_MAX && addr.low == UINT64_MAX
                      : addr.low == UINT32_MAX;
}

/* The entry on top ends, and with it those below that ended before. */
static void
end_top (struct sweep *sweep)
{
  struct ip_addr end = sweep->raw[sweep->open[--sweep->open_count]].last;

  while (sweep->open_count > 0
         && ip_compare (sweep->raw[sweep->open[sweep->open_count - 1]].last,
                        end) <= 0)
    sweep->open_count--;
  if (!is_last (sweep, end))
    change (sweep, after (end), sweep->open_count
            ? sweep->open[sweep->open_count - 1] + 1 : 0);
}

static void
sweep_all (struct sweep *sweep, uint32_t count)
{
  change (sweep, (struct ip_addr) { 0, 0 }, 0);
  for (uint32_t i = 0; i < count; i++) {
    struct ip_addr first = sweep->raw[i].first;

    while (sweep->open_count > 0
           && ip_compare (sweep->raw[sweep->open[sweep->open_count - 1]].last,
                          first) < 0)
      end_top (sweep);
    change (sweep, first, i + 1);
    sweep->open[sweep->open_count++] = i;
  }
  while (sweep->open_count > 0)
    end_top (sweep);
}

/* Keep of each entry what is needed to quote it. */
static int
keep_entries (struct ip_family *family, const struct ip_raws *raws,
              bool is_v6)
{
  uint32_t spans = 0;

  for (uint32_t i = 0; i < raws->count; i++) {
    const struct ip_raw *raw = &raws->raw[i];
    int prefix = ip_prefix (&(struct ip_range) { is_v6, raw->first,
                                                 raw->last });

    family->entries[i] = (struct ip_entry) {
      raw->line, raw->source, prefix == -1 ? IP_SPAN : prefix,
    };
    spans += prefix == -1;
  }
  if (spans == 0)
    return 0;
  family->spans = calloc (spans, sizeof *family->spans);
  for (uint32_t i = 0; family->spans && i < raws->count; i++)
    if (family->entries[i].prefix == IP_SPAN)
      family->spans[family->span_count++] = (struct ip_span) {
        i, raws->raw[i].first, raws->raw[i].last,
      };
  return family->spans ? 0 : -1;
}

/* Give back what was reserved for the worst case. */
static void *
trim (void *block, uint32_t count, size_t size)
{
  return reallocarray (block, count, size) ?: block;
}

static int
make_family (struct ip_family *family, struct ip_raws *raws, bool is_v6)
{
  uint32_t most = 2 * raws->count + 1;
  CLEANUP_FREE uint32_t *open = NULL;
  struct sweep sweep = { .family = family, .is_v6 = is_v6 };

  if (raws->count == 0)
    return 0;
  sort (raws);
  sweep.raw = raws->raw;
  sweep.open = open = calloc (raws->count, sizeof *open);
  family->at.v4 = calloc (most, is_v6 ? sizeof *family->at.v6
                                      : sizeof *family->at.v4);
  family->from = calloc (most, sizeof *family->from);
  family->entries = calloc (raws->count, sizeof *family->entries);
  if (open == NULL || family->at.v4 == NULL || family->from == NULL
      || family->entries == NULL || keep_entries (family, raws, is_v6) == -1)
    return -1;
  sweep_all (&sweep, raws->count);
  family->at.v4 = trim (family->at.v4, family->count,
                        is_v6 ? sizeof *family->at.v6
                              : sizeof *family->at.v4);
  family->from = trim (family->from, family->count, sizeof *family->from);
  return 0;
}

int
ip_table_make (struct ip_table *table, struct ip_builder *builder)
{
  memset (table, 0, sizeof *table);
  if (make_family (&table->v4, &builder->v4, false) == 0
      && make_family (&table->v6, &builder->v6, true) == 0)
    return 0;
  ip_table_free (table);
  return -1;
}

static void
free_family (struct ip_family *family)
{
  free (family->at.v4);
  free (family->from);
  free (family->entries);
  free (family->spans);
}

void
ip_table_free (struct ip_table *table)
{
  free_family (&table->v4);
  free_family (&table->v6);
  memset (table, 0, sizeof *table);
}

/* Index of the last change at or before the address.  Which half it is in
 * nobody can predict: no branch depends on it.
 */
static uint32_t
search_v4 (const struct ip_family *family, uint32_t addr)
{
  const uint32_t *base = family->at.v4;
  uint32_t count = family->count;

  while (count > 1) {
    uint32_t half = count / 2;

    base += base[half] <= addr ? half : 0;
    count -= half;
  }
  return base - family->at.v4;
}

static inline uint32_t
is_at_or_before (struct ip_addr a, struct ip_addr b)
{
  return (a.high < b.high) | ((a.high == b.high) & (a.low <= b.low));
}

static uint32_t
search_v6 (const struct ip_family *family, struct ip_addr addr)
{
  const struct ip_addr *base = family->at.v6;
  uint32_t count = family->count;

  while (count > 1) {
    uint32_t half = count / 2;

    base += is_at_or_before (base[half], addr) * half;
    count -= half;
  }
  return base - family->at.v6;
}

static const struct ip_span *
find_span (const struct ip_family *family, uint32_t entry)
{
  uint32_t low = 0, count = family->span_count;

  while (count > 1) {
    uint32_t half = count / 2;

    low += family->spans[low + half].entry <= entry ? half : 0;
    count -= half;
  }
  return &family->spans[low];
}

static void
fill_hit (const struct ip_family *family, bool is_v6, struct ip_addr addr,
          uint32_t index, struct ip_hit *hit)
{
  const struct ip_entry *entry = &family->entries[index];

  hit->line = entry->line;
  hit->source = entry->source;
  if (entry->prefix != IP_SPAN)
    hit->range = ip_block (is_v6, addr, entry->prefix);
  else {
    const struct ip_span *span = find_span (family, index);

    hit->range = (struct ip_range) { is_v6, span->first, span->last };
  }
}

bool
ip_table_find (const struct ip_table *table, bool is_v6, struct ip_addr addr,
               struct ip_hit *hit)
{
  const struct ip_family *family = is_v6 ? &table->v6 : &table->v4;
  uint32_t from;

  if (family->count == 0)
    return false;
  from = family->from[is_v6 ? search_v6 (family, addr)
                            : search_v4 (family, addr.low)];
  if (from == 0)
    return false;
  if (hit)
    fill_hit (family, is_v6, addr, from - 1, hit);
  return true;
}
