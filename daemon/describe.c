/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reading names in descriptions; see describe.h.  The parser is the one that
 * libvirt has, told to load nothing; no tree is made of what it finds.
 */
#include "config.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <libxml/parser.h>
#include <libxml/parserInternals.h>

#include "common/mem.h"
#include "common/uuid.h"
#include "daemon/describe.h"

/* Elements within each other that are told apart, and the text of a way. */
#define LEVELS 4
#define WAY_MAX 128

enum slot { NO_SLOT, NAME, UUID, SYSTEM_UUID, USAGE, SLOTS };

/* Where libvirt looks, from below the root. */
struct place {
  enum slot slot;
  const char *way;              /* "portdev@name" is an attribute */
};

static const struct about {
  const char *kind, *root;
  struct place places[6];
} abouts[] = {
  { "domain", "domain", { { NAME, "name" }, { UUID, "uuid" },
                          { SYSTEM_UUID, "sysinfo/system/entry" } } },
  { "network", "network", { { NAME, "name" }, { UUID, "uuid" } } },
  { "network_port", "networkport", { { UUID, "uuid" } } },
  { "interface", "interface", { { NAME, "@name" } } },
  { "nwfilter", "filter", { { NAME, "@name" }, { UUID, "uuid" } } },
  { "nwfilter_binding", "filterbinding", { { NAME, "portdev@name" } } },
  { "storage_pool", "pool", { { NAME, "name" }, { UUID, "uuid" } } },
  { "storage_vol", "volume", { { NAME, "name" } } },
  { "secret", "secret", { { NAME, "usage/volume" }, { NAME, "usage/name" },
                          { NAME, "usage/target" }, { UUID, "uuid" },
                          { USAGE, "usage" } } },
};

struct reading {
  xmlParserCtxt *parser;
  const struct about *about;
  struct description *out;
  unsigned depth;               /* elements that are open */
  size_t ends[LEVELS];          /* of the way, at each depth */
  char way[WAY_MAX];
  enum slot slot;               /* whose text comes; NO_SLOT */
  size_t len;
  char text[DESCRIBE_NAME_MAX]; /* of a uuid */
  uint8_t uuids[SLOTS][16];
  bool is_seen[SLOTS], is_filled[SLOTS];
  bool is_unclear;
};

static void
give_up (struct reading *reading)
{
  reading->is_unclear = true;
  xmlStopParser (reading->parser);
}

/* Values ----------------------------------------------------------------- */

static char *
text_of (struct reading *reading)
{
  return reading->slot == NAME ? reading->out->name : reading->text;
}

/* libvirt looks at the first, even if that is empty: then it does without, or
 * takes what stands elsewhere.
 */
static void
begin_value (struct reading *reading, enum slot slot)
{
  if (reading->is_seen[slot]) {
    give_up (reading);
    return;
  }
  reading->is_seen[slot] = true;
  reading->slot = slot;
  reading->len = 0;
}

static void
on_text (void *opaque, const xmlChar *text, int len)
{
  struct reading *reading = opaque;

  if (reading->slot == NO_SLOT)
    return;
  if (reading->len + len >= DESCRIBE_NAME_MAX) {
    give_up (reading);
    return;
  }
  memcpy (text_of (reading) + reading->len, text, len);
  reading->len += len;
}

/* An empty value is none. */
static void
end_value (struct reading *reading)
{
  enum slot slot = reading->slot;
  char *text = text_of (reading);

  text[reading->len] = '\0';
  reading->slot = NO_SLOT;
  reading->is_filled[slot] = reading->len > 0;
  if (slot != NAME && reading->len > 0
      && !uuid_parse (text, reading->uuids[slot]))
    give_up (reading);
}

/* Elements --------------------------------------------------------------- */

static enum slot
slot_at (const struct reading *reading, const char *way)
{
  for (const struct place *place = reading->about->places; place->way; place++)
    if (strcmp (place->way, way) == 0)
      return place->slot;
  return NO_SLOT;
}

/* An attribute without a namespace: localname, prefix, URI, begin, end. */
static const xmlChar **
find_attribute (const char *name, int count, const xmlChar **attributes)
{
  for (int i = 0; i < count; i++, attributes += 5)
    if (attributes[2] == NULL && strcmp ((const char *) attributes[0],
                                         name) == 0)
      return attributes;
  return NULL;
}

static void
read_attribute (struct reading *reading, int count, const xmlChar **attributes)
{
  const xmlChar **found = find_attribute ("name", count, attributes);
  char way[WAY_MAX + 8];
  enum slot slot;

  snprintf (way, sizeof way, "%s@name", reading->way);
  slot = slot_at (reading, way);
  if (found == NULL || slot == NO_SLOT)
    return;
  begin_value (reading, slot);
  if (reading->is_unclear)      /* the parser has freed what it read */
    return;
  if (memchr (found[3], '&', found[4] - found[3])) /* half read by libxml2 */
    give_up (reading);
  if (!reading->is_unclear)
    on_text (reading, found[3], found[4] - found[3]);
  if (!reading->is_unclear)
    end_value (reading);
}

static bool
has_attribute (const char *name, const char *value, int count,
               const xmlChar **attributes)
{
  const xmlChar **found = find_attribute (name, count, attributes);
  size_t len = strlen (value);

  return found && (size_t) (found[4] - found[3]) == len
         && memcmp (found[3], value, len) == 0;
}

/* The element begins whose text this is.  Of the entries of <system> only one
 * is a uuid; a usage of no type has no name, whatever stands in it.
 */
static void
begin_text (struct reading *reading, enum slot slot, int count,
            const xmlChar **attributes)
{
  if (slot == USAGE) {
    if (has_attribute ("type", "none", count, attributes))
      give_up (reading);
  }
  else if (slot != SYSTEM_UUID
           || has_attribute ("name", "uuid", count, attributes))
    begin_value (reading, slot);
}

/* Add to the way.  Elements of other namespaces, or too long, are on none. */
static void
enter (struct reading *reading, const char *name, bool is_foreign)
{
  size_t end = reading->depth > 1 ? reading->ends[reading->depth - 1] : 0;

  if (is_foreign || end + strlen (name) + 2 > WAY_MAX)
    name = "?";
  if (end + 3 > WAY_MAX) {
    give_up (reading);
    return;
  }
  reading->ends[reading->depth]
    = end + snprintf (reading->way + end, WAY_MAX - end, "%s%s",
                      end ? "/" : "", name);
}

static void
on_start (void *opaque, const xmlChar *name, const xmlChar *prefix,
          const xmlChar *uri, int namespaces, const xmlChar **declared,
          int count, int defaulted, const xmlChar **attributes)
{
  struct reading *reading = opaque;
  enum slot slot;

  if (reading->slot != NO_SLOT) { /* a name made of elements */
    give_up (reading);
    return;
  }
  if (reading->depth == 0
      && strcmp ((const char *) name, reading->about->root) != 0) {
    give_up (reading);
    return;
  }
  if (reading->depth > 0 && reading->depth < LEVELS)
    enter (reading, (const char *) name, uri != NULL);
  if (reading->depth++ >= LEVELS || reading->is_unclear)
    return;
  read_attribute (reading, count, attributes);
  slot = slot_at (reading, reading->way);
  if (slot != NO_SLOT && !reading->is_unclear)
    begin_text (reading, slot, count, attributes);
}

static void
on_end (void *opaque, const xmlChar *name, const xmlChar *prefix,
        const xmlChar *uri)
{
  struct reading *reading = opaque;

  if (reading->slot != NO_SLOT)
    end_value (reading);
  reading->depth--;
  if (reading->depth > 0 && reading->depth < LEVELS)
    reading->way[reading->depth > 1 ? reading->ends[reading->depth - 1]
                                    : 0] = '\0';
}

/* Whoever needs declarations or entities hides something. */
static void
on_declaration (void *opaque, const xmlChar *name, const xmlChar *external,
                const xmlChar *system)
{
  give_up (opaque);
}

static void
on_reference (void *opaque, const xmlChar *name)
{
  give_up (opaque);
}

/* Documents -------------------------------------------------------------- */

/* UTF-8 by its first bytes, and by what it says. */
static bool
is_plain (const char *xml)
{
  static const char *const plain[] = { "UTF-8", "US-ASCII", "ASCII" };
  const char *end = strstr (xml, "?>"), *at = strstr (xml, "encoding");
  size_t len;

  if (xml[strspn (xml, " \t\r\n")] != '<')
    return false;
  if (strncmp (xml, "<?xml", 5) != 0 || end == NULL || at == NULL || at > end)
    return true;
  at += strlen ("encoding");
  at += strspn (at, " \t\r\n=");
  if (*at != '"' && *at != '\'')
    return false;
  at++;
  len = strcspn (at, "\"'");
  for (size_t i = 0; i < COUNT_OF (plain); i++)
    if (strlen (plain[i]) == len && strncasecmp (plain[i], at, len) == 0)
      return true;
  return false;
}

static bool
parse (struct reading *reading, const char *xml, size_t len)
{
  xmlParserCtxt *parser = xmlCreateMemoryParserCtxt (xml, len);
  bool is_good;

  if (parser == NULL)
    return false;
  reading->parser = parser;
  *parser->sax = (xmlSAXHandler) {
    .initialized = XML_SAX2_MAGIC,
    .startElementNs = on_start, .endElementNs = on_end,
    .characters = on_text, .ignorableWhitespace = on_text,
    .cdataBlock = on_text, .reference = on_reference,
    .internalSubset = on_declaration, .externalSubset = on_declaration,
  };
  parser->userData = reading;
  xmlCtxtUseOptions (parser, XML_PARSE_NONET | XML_PARSE_NOERROR
                             | XML_PARSE_NOWARNING);
  xmlParseDocument (parser);
  is_good = parser->wellFormed && parser->nsWellFormed
            && !reading->is_unclear;
  if (parser->myDoc)
    xmlFreeDoc (parser->myDoc);
  xmlFreeParserCtxt (parser);
  return is_good;
}

/* One beside the uuid must be the same.  Alone it counts in some places and not
 * in others.
 */
static int
choose_uuid (const struct reading *reading, struct description *out)
{
  out->has_uuid = reading->is_filled[UUID];
  memcpy (out->uuid, reading->uuids[UUID], 16);
  return reading->is_filled[SYSTEM_UUID]
         && (!out->has_uuid || memcmp (out->uuid, reading->uuids[SYSTEM_UUID],
                                       16) != 0) ? -1 : 0;
}

int
describe (const char *kind, const char *xml, struct description *out)
{
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  struct reading reading = { .out = out };
  size_t len = strnlen (xml, DESCRIBE_XML_MAX + 1);

  pthread_once (&once, xmlInitParser);
  for (size_t i = 0; i < COUNT_OF (abouts); i++)
    if (strcmp (abouts[i].kind, kind) == 0)
      reading.about = &abouts[i];
  out->name[0] = '\0';
  if (reading.about == NULL || len > DESCRIBE_XML_MAX || !is_plain (xml)
      || !parse (&reading, xml, len))
    return -1;
  return choose_uuid (&reading, out);
}
