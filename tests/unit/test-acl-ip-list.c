/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * acl-ip's lists of addresses: reading entries and files, and looking up.
 * The last test prints how long a look-up takes; nothing depends on it.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plugins/acl/ip-file.h"
#include "tests/unit/unit.h"
#include "common/mem.h"

static const struct {
  const char *word, *text;      /* text: as it is written, or the complaint */
} good[] = {
  { "192.0.2.7", "192.0.2.7" },
  { "0.0.0.0", "0.0.0.0" },
  { "255.255.255.255", "255.255.255.255" },
  { "192.0.2.0/24", "192.0.2.0/24" },
  { "192.0.2.7/32", "192.0.2.7" },
  { "0.0.0.0/0", "0.0.0.0/0" },
  { "128.0.0.0/1", "128.0.0.0/1" },
  { "192.0.2.6/31", "192.0.2.6/31" },
  { "192.0.2.10-192.0.2.19", "192.0.2.10-192.0.2.19" },
  { "192.0.2.0-192.0.2.255", "192.0.2.0/24" },
  { "192.0.2.7-192.0.2.7", "192.0.2.7" },
  { "0.0.0.0-255.255.255.255", "0.0.0.0/0" },
  { "2001:db8::", "2001:db8::" },
  { "2001:DB8:0000::1", "2001:db8::1" },
  { "::", "::" },
  { "::/0", "::/0" },
  { "::1/128", "::1" },
  { "2001:db8::/32", "2001:db8::/32" },
  { "fe80::/10", "fe80::/10" },
  { "2001:db8::/64", "2001:db8::/64" },
  { "2001:db8:0:1::/65", "2001:db8:0:1::/65" },
  { "8000::/1", "8000::/1" },
  { "2001:db8::1-2001:db8::ff", "2001:db8::1-2001:db8::ff" },
  { "::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::/0" },
  { "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128",
    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" },
  { "::ffff:192.0.2.7", "192.0.2.7" },
  { "::ffff:c000:207", "192.0.2.7" },
  { "::ffff:192.0.2.0/120", "192.0.2.0/24" },
  { "::ffff:0:0/96", "0.0.0.0/0" },
  { "::ffff:192.0.2.7/128", "192.0.2.7" },
  { "::ffff:192.0.2.7-192.0.2.9", "192.0.2.7-192.0.2.9" },
  { "any4", "0.0.0.0/0" },
  { "any6", "::/0" },
}, bad[] = {
  { "192.0.2.1/24", "host bits are set: did you mean 192.0.2.0/24" },
  { "2001:db8::1/64", "host bits are set: did you mean 2001:db8::/64" },
  { "::ffff:192.0.2.1/120", "did you mean 192.0.2.0/24" },
  { "::ffff:0.0.0.0/95", "prefix of 96 or more" },
  { "0.0.0.1/0", "did you mean 0.0.0.0/0" },
  { "192.0.2.0/33", "'33' is not a prefix length from 0 to 32" },
  { "2001:db8::/129", "from 0 to 128" },
  { "192.0.2.0/", "'' is not a prefix length" },
  { "192.0.2.0/024", "'024' is not a prefix length" },
  { "192.0.2.0/+24", "is not a prefix length" },
  { "192.0.2.0/-1", "is not a prefix length" },
  { "192.0.2.0/4294967320", "is not a prefix length" },
  { "192.0.2.0/255.255.255.0", "write the prefix length instead" },
  { "192.0.2.0/24/24", "is not a prefix length" },
  { "192.0.02.7", "leading zeros" },
  { "010.0.0.1", "leading zeros" },
  { "10.0.0.00/8", "leading zeros" },
  { "256.0.0.1", "not an address" },
  { "192.0.2", "not an address" },
  { "192.0.2.7.8", "not an address" },
  { "0x7f.0.0.1", "not an address" },
  { "2130706433", "not an address" },
  { "192.0.2.*", "write a block" },
  { "192.0.2.7:22", "without a port" },
  { "[2001:db8::7]", "without brackets" },
  { "[2001:db8::7]:22", "without brackets" },
  { "fe80::7%eth0", "scope id" },
  { "fe80::%eth0/64", "scope id" },
  { "::1::2", "not an address" },
  { "12345::", "not an address" },
  { ":", "not an address" },
  { "192.0.2.9-192.0.2.1", "ends before it begins" },
  { "192.0.2.9-::1", "one end is IPv4" },
  { "-192.0.2.9", "an address is missing" },
  { "192.0.2.9-", "an address is missing" },
  { "192.0.2.1-192.0.2.9/24", "not an address" },
  { "192.0.2.1-9", "not an address" },
  { "any5", "names are not looked up" },
  { "any46", "names are not looked up" },
  { "all", "names are not looked up" },
  { "www.example.com", "names are not looked up" },
  { "", "an address is missing" },
  { "1111111111111111111111111111111111111111111111111111111111111111111111"
    "11111111111111111111111111111111", "too long" },
};

static void
entries_are_read_and_written (void **state)
{
  for (size_t i = 0; i < COUNT_OF (good); i++) {
    char why[300] = "", text[IP_TEXT_MAX];
    struct ip_range range[2];

    if (ip_parse (good[i].word, range, why, sizeof why) != 1)
      fail_msg ("%s: %s", good[i].word, why);
    ip_format (range, text, sizeof text);
    assert_string_equal (text, good[i].text);
  }
}

static void
what_is_no_entry_is_an_error_that_helps (void **state)
{
  for (size_t i = 0; i < COUNT_OF (bad); i++) {
    char why[300] = "";
    struct ip_range range[2];

    if (ip_parse (bad[i].word, range, why, sizeof why) != -1
        || strstr (why, bad[i].text) == NULL)
      fail_msg ("'%s': '%s', not '%s'", bad[i].word, why, bad[i].text);
  }
}

static void
any_is_both_families (void **state)
{
  struct ip_range ranges[2];
  char why[300];

  assert_int_equal (ip_parse ("any", ranges, why, sizeof why), 2);
  assert_false (ranges[0].is_v6);
  assert_true (ranges[1].is_v6);
}

/* Tables ----------------------------------------------------------------- */

static struct ip_table
table_of (const char *words, struct ip_builder *builder)
{
  struct ip_table table;
  char why[300];
  uint32_t line;

  if (ip_file_parse (builder, words, strlen (words), 0, &line, why,
                     sizeof why) == -1)
    fail_msg ("line %u: %s", line, why);
  assert_int_equal (ip_table_make (&table, builder), 0);
  return table;
}

static uint32_t
line_of (const struct ip_table *table, const char *address)
{
  struct ip_range ranges[2];
  struct ip_hit hit;
  char why[300];

  assert_int_equal (ip_parse (address, ranges, why, sizeof why), 1);
  return ip_table_find (table, ranges[0].is_v6, ranges[0].first, &hit)
         ? hit.line : 0;
}

static void
bounds_belong_to_an_entry_and_neighbours_do_not (void **state)
{
  static const struct {
    const char *entry, *inside[3], *outside[3];
  } rows[] = {
    { "192.0.2.0/24", { "192.0.2.0", "192.0.2.255" },
      { "192.0.1.255", "192.0.3.0", "::c000:200" } },
    { "0.0.0.0/0", { "0.0.0.0", "255.255.255.255" }, { "::", "::1" } },
    { "255.255.255.255", { "255.255.255.255" },
      { "255.255.255.254", "0.0.0.0" } },
    { "0.0.0.0", { "0.0.0.0" }, { "0.0.0.1", "255.255.255.255" } },
    { "::/0", { "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" },
      { "0.0.0.0", "1.2.3.4" } },
    { "2001:db8::/64",
      { "2001:db8::", "2001:db8::ffff:ffff:ffff:ffff" },
      { "2001:db8:0:1::", "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff" } },
    { "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
      { "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" },
      { "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe", "::" } },
    { "192.0.2.10-192.0.2.19", { "192.0.2.10", "192.0.2.19" },
      { "192.0.2.9", "192.0.2.20" } },
    { "1::ffff:ffff:ffff:ffff-1:0:0:1::",
      { "1::ffff:ffff:ffff:ffff", "1:0:0:1::" },
      { "1::ffff:ffff:ffff:fffe", "1:0:0:1::1" } },
  };

  for (size_t i = 0; i < COUNT_OF (rows); i++) {
    struct ip_builder builder = { 0 };
    struct ip_table table = table_of (rows[i].entry, &builder);

    for (int j = 0; j < 3 && rows[i].inside[j]; j++)
      if (line_of (&table, rows[i].inside[j]) != 1)
        fail_msg ("%s is not in %s", rows[i].inside[j], rows[i].entry);
    for (int j = 0; j < 3 && rows[i].outside[j]; j++)
      if (line_of (&table, rows[i].outside[j]) != 0)
        fail_msg ("%s is in %s", rows[i].outside[j], rows[i].entry);
    ip_table_free (&table);
    ip_builder_free (&builder);
  }
}

/* Of entries that overlap the one that begins last is quoted. */
static void
overlapping_entries_are_all_found (void **state)
{
  struct ip_builder builder = { 0 };
  struct ip_table table = table_of ("10.0.0.0/8\n10.1.0.0/16\n10.1.2.3\n"
                                    "10.0.255.0-10.1.0.10\n"
                                    "10.255.255.255-11.0.0.5\n10.0.0.0/8\n",
                                    &builder);
  struct ip_hit hit;

  assert_int_equal (line_of (&table, "10.1.2.3"), 3);
  assert_int_equal (line_of (&table, "10.1.2.2"), 2);
  assert_int_equal (line_of (&table, "10.1.0.5"), 2);
  assert_int_equal (line_of (&table, "10.0.255.7"), 4);
  assert_int_equal (line_of (&table, "11.0.0.5"), 5);
  assert_int_equal (line_of (&table, "11.0.0.6"), 0);
  assert_true (line_of (&table, "10.2.0.0") > 0);
  assert_true (ip_table_find (&table, false, (struct ip_addr) { 0, 0x0a00ff07 },
                              &hit));
  assert_int_equal (hit.range.first.low, 0x0a00ff00);
  assert_int_equal (hit.range.last.low, 0x0a01000a);
  ip_table_free (&table);
  ip_builder_free (&builder);
}

static void
empty_table_has_nothing (void **state)
{
  struct ip_builder builder = { 0 };
  struct ip_table table = table_of ("# nothing\n\n  ; at all\r\n", &builder);

  assert_true (ip_table_is_empty (&table));
  assert_int_equal (line_of (&table, "0.0.0.0"), 0);
  assert_int_equal (line_of (&table, "::"), 0);
  ip_table_free (&table);
}

/* Addresses close together, so that entries touch and overlap. */
static struct ip_addr
random_addr (bool is_v6)
{
  struct ip_addr addr = { 0, random () % 64 };

  if (is_v6 && random () % 2)
    addr.low += UINT64_MAX - 31;        /* may wrap to small ones */
  if (is_v6)
    addr.high = random () % 3 == 0 ? UINT64_MAX : (uint64_t) random () % 3;
  else if (random () % 4 == 0)
    addr.low = UINT32_MAX - addr.low;
  return addr;
}

static struct ip_range
random_range (bool is_v6)
{
  struct ip_range range = { is_v6, random_addr (is_v6), random_addr (is_v6) };

  if (random () % 3 == 0)
    return ip_block (is_v6, range.first, random () % (is_v6 ? 129 : 33));
  if (ip_compare (range.first, range.last) > 0)
    return (struct ip_range) { is_v6, range.last, range.first };
  return range;
}

static bool
is_within (const struct ip_range *range, struct ip_addr addr)
{
  return ip_compare (range->first, addr) <= 0
         && ip_compare (addr, range->last) <= 0;
}

static void
compare_with_naive (const struct ip_table *table, const struct ip_range *list,
                    int count, bool is_v6)
{
  for (int i = 0; i < 200; i++) {
    struct ip_addr addr = random_addr (is_v6), begins = { 0, 0 };
    bool is_in = false;
    struct ip_hit hit;

    for (int j = 0; j < count; j++)
      if (is_within (&list[j], addr)) {
        if (!is_in || ip_compare (list[j].first, begins) > 0)
          begins = list[j].first;
        is_in = true;
      }
    assert_int_equal (ip_table_find (table, is_v6, addr, &hit), is_in);
    if (!is_in)
      continue;
    assert_true (is_within (&hit.range, addr));
    assert_int_equal (ip_compare (hit.range.first, begins), 0);
    assert_int_equal (ip_compare (hit.range.last,
                                  list[hit.line - 1].last), 0);
  }
}

static void
tables_agree_with_a_naive_search (void **state)
{
  srandom (4711);
  for (int round = 0; round < 3000; round++) {
    bool is_v6 = round % 2;
    int count = random () % 30;
    struct ip_range list[30];
    struct ip_builder builder = { 0 };
    struct ip_table table;

    for (int i = 0; i < count; i++) {
      list[i] = random_range (is_v6);
      assert_int_equal (ip_builder_add (&builder, &list[i], i + 1, 0), 0);
    }
    assert_int_equal (ip_table_make (&table, &builder), 0);
    compare_with_naive (&table, list, count, is_v6);
    ip_table_free (&table);
    ip_builder_free (&builder);
  }
}

/* Files ------------------------------------------------------------------ */

static const struct {
  const char *text;
  uint32_t line;                /* of the error; 0: none */
  const char *why;
} texts[] = {
  { "192.0.2.1\n192.0.2.2", 0, NULL },
  { "192.0.2.1 # one\r\n\t192.0.2.2;two\n", 0, NULL },
  { "192.0.2.1 - 192.0.2.2\n", 0, NULL },
  { "\xef\xbb\xbf" "192.0.2.1\n", 0, NULL },
  { "", 0, NULL },
  { "\n\n\n", 0, NULL },
  { "192.0.2.1\n192.0.2.2/24\n", 2, "host bits" },
  { "192.0.2.1 192.0.2.2\n", 1, "more than one entry" },
  { "192.0.2.1,192.0.2.2\n", 1, "not an address" },
  { "192.0.2.1\n\n\nx\xc3\xa4\n", 4, "byte 2" },
  { "@office\n", 1, "not an address" },
  { "group:ops\n", 1, "not an address" },
  { "192.0.2.1\n\x01\n", 2, "byte 1" },
};

static void
files_are_read_line_by_line (void **state)
{
  for (size_t i = 0; i < COUNT_OF (texts); i++) {
    struct ip_builder builder = { 0 };
    uint32_t line = 0;
    char why[300] = "";
    int ret = ip_file_parse (&builder, texts[i].text, strlen (texts[i].text),
                             0, &line, why, sizeof why);

    if (ret != (texts[i].line ? -1 : 0)
        || (ret == -1 && (line != texts[i].line
                          || strstr (why, texts[i].why) == NULL)))
      fail_msg ("%zu: line %u: %s", i, line, why);
    ip_builder_free (&builder);
  }
}

static void
zero_byte_does_not_end_a_line (void **state)
{
  struct ip_builder builder = { 0 };
  uint32_t line;
  char why[300];

  assert_int_equal (ip_file_parse (&builder, "1.2.3.4\0# x", 11, 0, &line, why,
                                   sizeof why), -1);
  assert_non_null (strstr (why, "byte 8"));
}

static void
files_that_anybody_may_write_are_refused (void **state)
{
  char path[] = "/tmp/virgate-test-XXXXXX", why[400];
  struct ip_builder builder = { 0 };
  int fd = mkstemp (path);

  assert_int_equal (write (fd, "192.0.2.1\nfoo\n", 14), 14);
  fchmod (fd, 0646);
  assert_int_equal (ip_file_read (&builder, path, 0, why, sizeof why), -1);
  assert_non_null (strstr (why, "everybody may write it"));
  fchmod (fd, 0644);
  assert_int_equal (ip_file_read (&builder, path, 0, why, sizeof why), -1);
  assert_non_null (strstr (why, ":2: 'foo'"));
  assert_int_equal (ftruncate (fd, 10), 0);
  ip_builder_free (&builder);
  assert_int_equal (ip_file_read (&builder, path, 0, why, sizeof why), 0);
  assert_int_equal (builder.v4.count, 1);
  ip_builder_free (&builder);
  close (fd);
  unlink (path);
  assert_int_equal (ip_file_read (&builder, path, 0, why, sizeof why), -1);
  assert_non_null (strstr (why, "No such file"));
  assert_int_equal (ip_file_read (&builder, "/dev/null", 0, why,
                                  sizeof why), -1);
  assert_non_null (strstr (why, "not a regular file"));
}

/* Speed ------------------------------------------------------------------ */

static struct ip_table
random_table (bool is_v6, int count, size_t *bytes, double *seconds)
{
  size_t size = is_v6 ? 40 : 16, len = 0;
  char *text = malloc (count * size), why[300];
  struct ip_builder builder = { 0 };
  struct ip_table table;
  uint32_t line;
  int64_t began;

  for (int i = 0; i < count; i++) {
    uint32_t a = random () * 2u;

    if (is_v6)
      len += sprintf (text + len, "2001:db8:%lx:%lx::%x\n",
                      random () % 65536, random () % 65536, a >> 16);
    else
      len += sprintf (text + len, "%u.%u.%u.%u\n", a >> 24, a >> 16 & 255,
                      a >> 8 & 255, a & 255);
  }
  began = now_ns ();
  assert_int_equal (ip_file_parse (&builder, text, len, 0, &line, why,
                                   sizeof why), 0);
  assert_int_equal (ip_table_make (&table, &builder), 0);
  *seconds = (now_ns () - began) / 1e9;
  ip_builder_free (&builder);
  free (text);
  *bytes = is_v6 ? table.v6.count * (sizeof *table.v6.at.v6 + 4)
                 : table.v4.count * (sizeof *table.v4.at.v4 + 4);
  *bytes += count * sizeof (struct ip_entry);
  return table;
}

static void
speed_is_printed (void **state)
{
  static const struct {
    bool is_v6;
    int count;
  } rows[] = { { false, 100000 }, { true, 100000 }, { false, 1000000 } };

  for (size_t i = 0; i < COUNT_OF (rows); i++) {
    bool is_v6 = rows[i].is_v6;
    size_t bytes;
    double seconds;
    struct ip_table table = random_table (is_v6, rows[i].count, &bytes,
                                          &seconds);
    int64_t began = now_ns ();
    int found = 0;

    for (uint32_t n = 0, a = 1; n < 1000000; n++, a = a * 1664525 + 1013904223)
      found += ip_table_find (&table, is_v6, (struct ip_addr) {
        is_v6 ? UINT64_C (0x20010db800000000) | a : 0,
        is_v6 ? n & 0xffff : a }, NULL);
    print_message ("IPv%d, %d entries: %.0f ns a look-up (%d found), %.0f ms "
                   "to read, %.1f bytes an entry\n", is_v6 ? 6 : 4,
                   rows[i].count, (now_ns () - began) / 1e6, found,
                   seconds * 1e3, (double) bytes / rows[i].count);
    ip_table_free (&table);
  }
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (entries_are_read_and_written),
    cmocka_unit_test (what_is_no_entry_is_an_error_that_helps),
    cmocka_unit_test (any_is_both_families),
    cmocka_unit_test (bounds_belong_to_an_entry_and_neighbours_do_not),
    cmocka_unit_test (overlapping_entries_are_all_found),
    cmocka_unit_test (empty_table_has_nothing),
    cmocka_unit_test (tables_agree_with_a_naive_search),
    cmocka_unit_test (files_are_read_line_by_line),
    cmocka_unit_test (zero_byte_does_not_end_a_line),
    cmocka_unit_test (files_that_anybody_may_write_are_refused),
    cmocka_unit_test (speed_is_printed),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
