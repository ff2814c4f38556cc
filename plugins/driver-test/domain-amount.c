/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the hooks of the domain's schema share: amounts with units, sorting,
 * finding the root.
 */
#include "config.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/cleanup.h"
#include "plugins/driver-test/domain-schema.h"

/* The protocol's "no limit", in KiB. */
#define LIMIT_NONE (INT64_MAX >> 10)

#define MEMORY_MAX ((unsigned long long) LLONG_MAX)

int
domain_no_memory (struct xml_load *load)
{
  return xml_fail (load->err, load->domain, VIRGATE_ERR_NO_MEMORY, NULL);
}

const struct xml_node *
domain_root_of (const struct xml_node *node)
{
  while (node->parent)
    node = node->parent;
  return node;
}

static int
bad_suffix (struct xml_load *load, const char *unit)
{
  return xml_fail (load->err, VIRGATE_FROM_NONE, VIRGATE_ERR_INVALID_ARG,
                   "unknown suffix '%s'", unit);
}

/* Bytes in a unit: b, byte, bytes, or kmgtpe with nothing, iB or B. */
static int
unit_scale (struct xml_load *load, const char *unit, unsigned long long *scale)
{
  static const char letters[] = "kmgtpe";
  const char *letter;
  unsigned long long base;

  if (strcasecmp (unit, "b") == 0 || strcasecmp (unit, "byte") == 0
      || strcasecmp (unit, "bytes") == 0) {
    *scale = 1;
    return 0;
  }
  if (unit[1] == '\0' || strcasecmp (unit + 1, "iB") == 0)
    base = 1024;
  else if ((unit[1] | 0x20) == 'b' && unit[2] == '\0')
    base = 1000;
  else
    return bad_suffix (load, unit);
  letter = strchr (letters, *unit | 0x20);
  if (letter == NULL)
    return bad_suffix (load, unit);
  *scale = 1;
  for (const char *l = letters; l <= letter; l++)
    *scale *= base;
  return 0;
}

int
domain_scale (struct xml_load *load, const char *path, const char *value,
              const char *unit, unsigned long long scale,
              unsigned long long max, unsigned long long *bytes)
{
  if (xml_ull (value, 10, bytes) == -1)
    return xml_fail (load->err, VIRGATE_FROM_XML, VIRGATE_ERR_XML_ERROR,
                     "Invalid value '%s' for element or attribute '%s'",
                     value, path);
  if (unit && *unit && unit_scale (load, unit, &scale) == -1)
    return -1;
  if (*bytes && *bytes > max / scale)
    return xml_fail (load->err, VIRGATE_FROM_NONE, VIRGATE_ERR_OVERFLOW,
                     "value too large: %llu%s", *bytes, unit ? unit : "");
  *bytes *= scale;
  return 0;
}

static unsigned long long
to_kib (unsigned long long bytes)
{
  return bytes / 1024 + (bytes % 1024 != 0);
}

/* A memory amount in KiB, rounded up. */
static int
to_whole_kib (struct xml_load *load, const char *path, const char *value,
              const char *unit, unsigned long long *kib)
{
  unsigned long long bytes;

  if (domain_scale (load, path, value, unit, 1024, MEMORY_MAX, &bytes) == -1)
    return -1;
  *kib = to_kib (bytes);
  if (*kib >= to_kib (MEMORY_MAX))
    return xml_fail (load->err, load->domain, VIRGATE_ERR_OVERFLOW,
                     "size value too large");
  return 0;
}

static int
read_amount (struct xml_load *load, const struct domain_amount *amount,
             const char *value, const char *unit, unsigned long long *out)
{
  unsigned long long scale = amount->scale ? amount->scale : 1024;
  int ret;

  if (amount->flags & AMOUNT_BYTES)
    return domain_scale (load, amount->path, value, unit, scale, ULLONG_MAX,
                         out);
  if (!(amount->flags & AMOUNT_LIMIT))
    return to_whole_kib (load, amount->path, value, unit, out);
  ret = domain_scale (load, amount->path, value, unit, scale,
                      (unsigned long long) LIMIT_NONE << 10, out);
  *out = to_kib (*out);
  if (*out >= LIMIT_NONE)
    *out = ULLONG_MAX;
  return ret;
}

int
domain_amount_after (struct xml_load *load, struct xml_node *node,
                     xmlNode *src)
{
  const struct domain_amount *amount = node->schema->arg;
  CLEANUP_FREE char *value = xml_src_text (src);
  CLEANUP_FREE char *unit = xml_src_attr (src, "unit");
  unsigned long long number = 0;
  bool is_none;

  if (value && read_amount (load, amount, value, unit, &number) == -1)
    return -1;
  is_none = (amount->flags & AMOUNT_LIMIT)
            && (value == NULL || number == ULLONG_MAX);
  if (is_none || (number == 0 && !(amount->flags & AMOUNT_KEEP_ZERO)))
    return 1;
  if (xml_attr_set (node, "unit",
                    amount->flags & AMOUNT_BYTES ? "bytes" : "KiB") == -1
      || xml_text_setf (node, "%llu", number) == -1)
    return domain_no_memory (load);
  return 0;
}

int
domain_amount_attr (struct xml_load *load, struct xml_node *node,
                    xmlNode *src, const char *name)
{
  CLEANUP_FREE char *value = xml_src_attr (src, name);
  CLEANUP_FREE char *unit = xml_src_attr (src, "unit");
  char path[32];
  unsigned long long kib;

  snprintf (path, sizeof path, "./@%s", name);
  if (value == NULL || *value == '\0')
    return xml_fail (load->err, VIRGATE_FROM_XML, VIRGATE_ERR_XML_ERROR,
                     "missing element or attribute '%s'", path);
  if (to_whole_kib (load, path, value, unit, &kib) == -1)
    return -1;
  if (xml_attr_setf (node, name, "%llu", kib) == -1
      || xml_attr_set (node, "unit", "KiB") == -1)
    return domain_no_memory (load);
  return 0;
}

/* "//a" stays, as it may mean another host; other runs of slashes are one. */
int
domain_clean_path (struct xml_load *load, struct xml_node *node,
                   const char *attr)
{
  const char *path = xml_attr (node, attr), *from = path, *uri;
  CLEANUP_FREE char *clean = path ? strdup (path) : NULL;
  char *to = clean;

  if (path == NULL)
    return 0;
  if (clean == NULL)
    return domain_no_memory (load);
  uri = strstr (path, "://");
  if (uri && strchr (path, '/') > uri)
    return 0;
  if (strncmp (path, "//", 2) == 0 && path[2] != '/') {
    to += 2;
    from += 2;
  }
  while (*from) {
    if (*from != '/') {
      *to++ = *from++;
      continue;
    }
    from += strspn (from, "/");
    if (*from || to == clean)
      *to++ = '/';
  }
  *to = '\0';
  return xml_attr_set (node, attr, clean) == -1 ? domain_no_memory (load) : 0;
}

long long
domain_attr_number (const struct xml_node *node, const char *name)
{
  const char *value = xml_attr (node, name);
  long long number;

  return value && xml_ll (value, 0, &number) == 0 ? number : 0;
}

/* Insertion behind the last that ranks no higher; a sorted list costs one
 * comparison each. */
static void
sink (struct xml_node *parent, struct xml_node *node,
      long long (*rank) (const struct xml_node *))
{
  struct xml_node *at = node->prev, *before;
  long long own = rank (node);

  while (at && at->schema == node->schema && rank (at) > own)
    at = at->prev;
  if (at == node->prev)
    return;
  before = at ? at->next : parent->first;
  xml_node_unlink (node);
  xml_node_link_before (node, before);
}

void
domain_sort (struct xml_node *parent, const char *name,
             long long (*rank) (const struct xml_node *))
{
  struct xml_node *node = xml_child (parent, name), *next;

  for (; node; node = next) {
    next = xml_next (node);
    sink (parent, node, rank);
  }
}

void
domain_replay (struct xml_node *parent, const char *name,
               struct xml_node *(*place) (const struct xml_node *node,
                                          struct xml_node *last))
{
  struct xml_node *node = xml_child (parent, name), *last = NULL, *next;
  struct xml_node *before;

  for (; node; node = next) {
    next = xml_next (node);
    before = last ? place (node, last) : NULL;
    if (before == NULL || before == node) {
      last = node;
      continue;
    }
    xml_node_unlink (node);
    xml_node_link_before (node, before);
  }
}

unsigned
domain_vcpus_max (const struct xml_node *root)
{
  return xml_number (xml_path_text (root, "vcpu"), 1);
}
