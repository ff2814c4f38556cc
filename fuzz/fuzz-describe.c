/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Descriptions of new objects: the first byte chooses the kind, the rest is
 * the document.  What was read in it must be what a tree of it and libvirt's
 * own question to that tree say.
 */
#include "config.h"

#include <ctype.h>
#include <libxml/parser.h>
#include <libxml/xpath.h>
#include <stdio.h>

#include "daemon/describe.h"
#include "fuzz.h"

static const struct {
  const char *kind;
  const char *name; /* where libvirt looks for it; NULL: in several places */
} kinds[] = {
  { "domain", "string(./name[1])" },
  { "network", "string(./name[1])" },
  { "network_port", NULL },
  { "interface", "string(./@name)" },
  { "nwfilter", "string(./@name)" },
  { "nwfilter_binding", "string(./portdev/@name)" },
  { "storage_pool", "string(./name[1])" },
  { "storage_vol", "string(./name[1])" },
  { "secret", NULL },
  { "no such kind", NULL },
};
#define KINDS (sizeof kinds / sizeof kinds[0])

static void
keep_quiet (void *arg, const char *format, ...)
{
}

static xmlChar *
ask (xmlDoc *doc, const char *question)
{
  xmlXPathContext *context = xmlXPathNewContext (doc);
  xmlXPathObject *found;
  xmlChar *text;

  if (context == NULL)
    abort ();
  context->node = xmlDocGetRootElement (doc);
  found = xmlXPathEval ((const xmlChar *) question, context);
  if (found == NULL || found->type != XPATH_STRING)
    abort ();
  text = xmlStrdup (found->stringval);
  xmlXPathFreeObject (found);
  xmlXPathFreeContext (context);
  return text;
}

/* The same digits, whatever stands between them? */
static void
compare_uuid (const uint8_t *uuid, const char *text)
{
  char digit[3] = "";
  unsigned count = 0;

  for (; *text; text++) {
    if (!isxdigit ((unsigned char) *text))
      continue;
    digit[count & 1] = *text;
    if (count & 1 && count < 32
        && strtoul (digit, NULL, 16) != uuid[count / 2])
      abort ();
    count++;
  }
  if (count != 32)
    abort ();
}

static void
compare (const struct description *said, unsigned kind, const char *xml)
{
  xmlDoc *doc = xmlReadMemory (xml, (int) strlen (xml), "fuzz.xml", NULL,
                               XML_PARSE_NONET | XML_PARSE_NOWARNING
                               | XML_PARSE_NOERROR);
  xmlChar *name, *uuid;

  if (doc == NULL)
    abort ();
  if (kinds[kind].name) {
    name = ask (doc, kinds[kind].name);
    if (strcmp ((char *) name, said->name) != 0)
      abort ();
    xmlFree (name);
  }
  if (said->has_uuid) {
    uuid = ask (doc, "string(./uuid[1])");
    compare_uuid (said->uuid, (char *) uuid);
    xmlFree (uuid);
  }
  xmlFreeDoc (doc);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t len)
{
  struct description said;
  unsigned kind;
  char *xml;

  if (len < 1)
    return 0;
  xmlSetGenericErrorFunc (NULL, keep_quiet);
  kind = data[0] % KINDS;
  xml = strndup ((const char *) data + 1, len - 1);
  if (describe (kinds[kind].kind, xml, &said) == 0)
    compare (&said, kind, xml);
  free (xml);
  return 0;
}
