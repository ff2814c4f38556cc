/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Address lists made for being asked: for each family the addresses at which
 * the answer changes, in order, and the entry that applies from there on.  A
 * list of entries in any order, overlapping as they like, becomes a table of
 * disjoint ranges; asking is a binary search.
 */
#ifndef VIRGATE_ACL_IP_TABLE_H
#define VIRGATE_ACL_IP_TABLE_H

#include "ip-parse.h"

/* Entries of one table. */
#define IP_ENTRIES_MAX 2000000

/* An entry as it was written. */
struct ip_raw {
  struct ip_addr first, last;
  uint32_t line;
  uint16_t source;              /* what the line is of; the caller's number */
};

/* Entries of one family while they are collected. */
struct ip_raws {
  struct ip_raw *raw;
  uint32_t count, size;
};

struct ip_builder {
  struct ip_raws v4, v6;
};

/* What is kept of an entry. */
struct ip_entry {
  uint32_t line;
  uint16_t source;
  uint8_t prefix;               /* of a block; IP_SPAN: look in spans */
};

#define IP_SPAN 255

/* The ends of an entry that is not a block. */
struct ip_span {
  uint32_t entry;
  struct ip_addr first, last;
};

struct ip_family {
  uint32_t count;               /* of changes; 0: no entry at all */
  union {
    uint32_t *v4;
    struct ip_addr *v6;
  } at;                         /* where each begins; the first at 0 */
  uint32_t *from;               /* entry + 1; 0: none */
  struct ip_entry *entries;
  struct ip_span *spans;        /* in the order of their entries */
  uint32_t span_count;
};

struct ip_table {
  struct ip_family v4, v6;
};

/* What was found. */
struct ip_hit {
  struct ip_range range;        /* of the entry */
  uint32_t line;
  uint16_t source;
};

/* Collect an entry.  0; or -1, when there are too many or no memory. */
int ip_builder_add (struct ip_builder *builder, const struct ip_range *range,
                    uint32_t line, uint16_t source);
void ip_builder_free (struct ip_builder *builder);

/* Make the table; the builder is sorted by it.  0, or -1 without memory. */
int ip_table_make (struct ip_table *table, struct ip_builder *builder);
void ip_table_free (struct ip_table *table);

/* Look up an address.  The entry that begins last applies, of nested ones
 * the innermost.  hit may be NULL.
 */
bool ip_table_find (const struct ip_table *table, bool is_v6,
                    struct ip_addr addr, struct ip_hit *hit);

static inline bool
ip_table_is_empty (const struct ip_table *table)
{
  return table->v4.count == 0 && table->v6.count == 0;
}

#endif /* VIRGATE_ACL_IP_TABLE_H */
