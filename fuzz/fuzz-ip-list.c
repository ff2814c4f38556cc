/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Files of addresses: what is accepted is found, at both ends and in the
 * middle of each entry and not outside of all; an entry that was written is
 * read as the same.
 */
#include "config.h"

#include "fuzz.h"
#include "plugins/acl/ip-file.h"
#include "plugins/acl/ip-sets.h"

/* Entries that are searched one by one; more cost too much. */
#define NAIVE_MAX 300

static void
read_again (const struct ip_range *range)
{
  char text[IP_TEXT_MAX], why[300];
  struct ip_range again[2];

  ip_format (range, text, sizeof text);
  if (ip_parse (text, again, why, sizeof why) != 1
      || again[0].is_v6 != range->is_v6
      || ip_compare (again[0].first, range->first) != 0
      || ip_compare (again[0].last, range->last) != 0)
    abort ();
}

static bool
is_in (const struct ip_raws *raws, struct ip_addr addr)
{
  for (uint32_t i = 0; i < raws->count; i++)
    if (ip_compare (raws->raw[i].first, addr) <= 0
        && ip_compare (addr, raws->raw[i].last) <= 0)
      return true;
  return false;
}

static void
look_up (const struct ip_table *table, const struct ip_raws *raws,
         bool is_v6, struct ip_addr addr)
{
  struct ip_hit hit;
  bool found = ip_table_find (table, is_v6, addr, &hit);

  if (found != is_in (raws, addr)
      || (found && (ip_compare (hit.range.first, addr) > 0
                    || ip_compare (addr, hit.range.last) > 0)))
    abort ();
}

static void
check_family (const struct ip_table *table, const struct ip_raws *raws,
              bool is_v6)
{
  uint64_t high = is_v6 ? UINT64_MAX : 0, low = is_v6 ? high : UINT32_MAX;

  look_up (table, raws, is_v6, (struct ip_addr) { 0, 0 });
  look_up (table, raws, is_v6, (struct ip_addr) { high, low });
  for (uint32_t i = 0; i < raws->count; i++) {
    struct ip_addr first = raws->raw[i].first, last = raws->raw[i].last;

    read_again (&(struct ip_range) { is_v6, first, last });
    look_up (table, raws, is_v6, first);
    look_up (table, raws, is_v6, last);
    if (first.low > 0)
      look_up (table, raws, is_v6, (struct ip_addr) { first.high,
                                                      first.low - 1 });
    if (last.low < low)
      look_up (table, raws, is_v6, (struct ip_addr) { last.high,
                                                      last.low + 1 });
  }
}

static void
fuzz_file (const char *text, size_t len)
{
  struct ip_builder builder = { 0 };
  struct ip_table table;
  uint32_t line;
  char why[300] = "";

  if (ip_file_parse (&builder, text, len, 0, &line, why, sizeof why) == -1
      && (*why == '\0' || line == 0))
    abort ();
  if (builder.v4.count + builder.v6.count <= NAIVE_MAX
      && ip_table_make (&table, &builder) == 0) {
    check_family (&table, &builder.v4, false);
    check_family (&table, &builder.v6, true);
    ip_table_free (&table);
  }
  ip_builder_free (&builder);
}

/* The same bytes as the value of a key, and as one of `set`. */
static void
fuzz_value (const char *value)
{
  struct ip_sets sets = { 0 };
  char word[WORD_MAX], why[400] = "";
  const char *at = value, *problem = NULL;

  if (ip_sets_define (&sets, value, why, sizeof why) == -1 && *why == '\0')
    abort ();
  while (ip_next_word (&at, word, &problem) == 1) {
    struct ip_builder builder = { 0 };

    ip_sets_collect (&sets, word, &builder, 1, 1, why, sizeof why);
    ip_builder_free (&builder);
  }
  ip_sets_free (&sets);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t len)
{
  char *block = malloc (len ? len : 1), *value;

  memcpy (block, data, len);
  fuzz_file (block, len);
  value = strndup (block, len);
  fuzz_value (value);
  free (value);
  free (block);
  return 0;
}
