/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Canonical trees as text: two spaces per level, single quotes, one element
 * per line.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/cleanup.h"
#include "common/mem.h"
#include "plugins/driver-test/xml-schema.h"
#include "plugins/driver-test/xml-tree.h"

static int
put (struct buf *out, const char *str)
{
  return buf_append (out, str, strlen (str));
}

static const char *
escape_of (unsigned char c)
{
  switch (c) {
  case '<':
    return "&lt;";
  case '>':
    return "&gt;";
  case '&':
    return "&amp;";
  case '"':
    return "&quot;";
  case '\'':
    return "&apos;";
  }
  /* XML has no way to say these. */
  if (c < 0x1a && c != '\t' && c != '\n' && c != '\r')
    return "";
  return NULL;
}

static int
put_escaped (struct buf *out, const char *str)
{
  const char *from = str, *escape;

  for (; *str; str++) {
    escape = escape_of (*str);
    if (escape == NULL)
      continue;
    if (buf_append (out, from, str - from) == -1 || put (out, escape) == -1)
      return -1;
    from = str + 1;
  }
  return buf_append (out, from, str - from);
}

static int
indent (struct buf *out, unsigned level)
{
  static const char blanks[] = "                                ";
  size_t left = (size_t) level * 2, step;

  for (; left > 0; left -= step) {
    step = MIN_OF (left, sizeof blanks - 1);
    if (buf_append (out, blanks, step) == -1)
      return -1;
  }
  return 0;
}

static bool
shown (unsigned show, unsigned flags, unsigned secret, unsigned live)
{
  return !((flags & secret) && !(show & XT_SHOW_SECRETS))
         && !((flags & live) && !(show & XT_SHOW_LIVE));
}

static int
format_attrs (struct buf *out, const struct xml_node *node, unsigned show)
{
  const struct xml_attr *attr;

  for (attr = node->attrs; attr; attr = attr->next)
    if (shown (show, attr->spec->flags, XT_SECRET, XT_LIVE)
        && (put (out, " ") == -1 || put (out, attr->spec->name) == -1
            || put (out, "='") == -1 || put_escaped (out, attr->value) == -1
            || put (out, "'") == -1))
      return -1;
  return 0;
}

static int
format_raw (struct buf *out, const struct xml_node *node, unsigned level)
{
  xmlBuffer *dump = xmlBufferCreate ();
  int ret = -1;

  if (dump == NULL)
    return -1;
  if (xmlNodeDump (dump, node->raw, xmlDocGetRootElement (node->raw), level,
                   1) >= 0)
    ret = buf_append (out, xmlBufferContent (dump), xmlBufferLength (dump));
  xmlBufferFree (dump);
  return ret == -1 ? -1 : put (out, "\n");
}

static bool
node_shown (const struct xml_node *node, unsigned show)
{
  return !node->is_hidden
         && shown (show, node->schema->flags, XT_ELEM_SECRET, XT_ELEM_LIVE);
}

static bool
shows_kids (const struct xml_node *node, unsigned show)
{
  const struct xml_node *kid;

  for (kid = node->first; kid; kid = kid->next)
    if (node_shown (kid, show))
      return true;
  return false;
}

static int
close_tag (struct buf *out, const struct xml_node *node)
{
  return put (out, "</") == -1 || put (out, xml_name (node)) == -1
         || put (out, ">\n") == -1 ? -1 : 0;
}

static int format_node (struct buf *out, const struct xml_node *node,
                        unsigned level, unsigned show);

static int
format_inside (struct buf *out, const struct xml_node *node, unsigned level,
               unsigned show)
{
  const struct xml_node *kid;

  if (node->text)
    return put (out, ">") == -1 || put_escaped (out, node->text) == -1
           ? -1 : close_tag (out, node);
  if (!shows_kids (node, show) && !(node->schema->flags & XT_OPEN))
    return put (out, "/>\n");
  if (put (out, ">\n") == -1)
    return -1;
  for (kid = node->first; kid; kid = kid->next)
    if (format_node (out, kid, level + 1, show) == -1)
      return -1;
  return indent (out, level) == -1 ? -1 : close_tag (out, node);
}

static int
format_node (struct buf *out, const struct xml_node *node, unsigned level,
             unsigned show)
{
  if (!node_shown (node, show))
    return 0;
  if (indent (out, level) == -1)
    return -1;
  if (node->raw)
    return format_raw (out, node, level);
  if (put (out, "<") == -1 || put (out, xml_name (node)) == -1
      || format_attrs (out, node, show) == -1)
    return -1;
  return format_inside (out, node, level, show);
}

char *
xml_format_string (const struct xml_node *node, unsigned show)
{
  CLEANUP (buf_free) struct buf out = BUF_INIT;

  if (format_node (&out, node, 0, show) == -1
      || buf_append (&out, "", 1) == -1)
    return NULL;
  /* Nothing was consumed: the data start at the base. */
  return steal_pointer (&out.base);
}
