/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Text to libxml2 tree: no network, no files, and syntax errors worded as
 * clients of this protocol know them.
 */
#include "config.h"

#include <stdio.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <libxml/parser.h>
#include <libxml/relaxng.h>

#include "common/buf.h"
#include "common/cleanup.h"
#include "plugins/driver-test/xml-schema.h"

/* Longest run of RELAX NG messages that goes into an error. */
#define REPORT_MAX 65536

/* Entities inside entities: libxml2 allows no more. */
#define ENTITY_DEPTH_MAX 40

/* What a reference costs besides its text: putting texts together takes
 * libxml2 time in the square of their number. */
#define ENTITY_COST 1024

struct parse {
  struct xml_error *err;
  int domain;
};

static bool
is_eol (char c)
{
  return c == '\n' || c == '\r';
}

/* The line that the parser stands in, and below it dashes up to a caret. */
static void
show_place (const xmlParserInput *input, char **line, char **pointer)
{
  const char *base = (const char *) input->base;
  const char *cur = (const char *) input->cur, *start = cur;
  size_t len, col;
  char *mark;

  while (start > base && is_eol (*start))
    start--;
  while (start > base && !is_eol (*start))
    start--;
  if (is_eol (*start))
    start++;
  len = strcspn (start, "\n\r");
  col = cur > start ? (size_t) (cur - start) : 0;
  if (col > len)
    col = len;
  *line = len > 0 ? strndup (start, len) : NULL;
  mark = *pointer = malloc (col + 2);
  if (mark == NULL)
    return;
  for (size_t i = 0; i < col; i++)
    *mark++ = start[i] == '\t' ? '\t' : '-';
  *mark++ = '^';
  *mark = '\0';
}

static void __attribute__ ((format (printf, 2, 3)))
on_error (void *ctx, const char *format, ...)
{
  xmlParserCtxt *parser = ctx;
  const struct parse *parse = parser->_private;
  const xmlError *last = &parser->lastError;
  CLEANUP_FREE char *line = NULL, *pointer = NULL;

  if (parse->err->code != 0 || parser->input == NULL
      || last->level != XML_ERR_FATAL || last->message == NULL)
    return;
  show_place (parser->input, &line, &pointer);
  if (last->file)
    xml_fail (parse->err, parse->domain, VIRGATE_ERR_XML_DETAIL,
              "%s:%d: %s%s\n%s", last->file, last->line, last->message,
              line ? line : "(null)", pointer ? pointer : "");
  else
    xml_fail (parse->err, parse->domain, VIRGATE_ERR_XML_DETAIL,
              "at line %d: %s%s\n%s", last->line, last->message,
              line ? line : "(null)", pointer ? pointer : "");
}

static xmlDoc *
read_text (const char *text, const char *url, struct parse *parse)
{
  xmlParserCtxt *parser = xmlNewParserCtxt ();
  xmlDoc *doc;

  if (parser == NULL)
    return NULL;
  parser->_private = parse;
  parser->sax->error = on_error;
  parser->sax->warning = NULL;
  doc = xmlCtxtReadDoc (parser, BAD_CAST text, url, NULL,
                        XML_PARSE_NONET | XML_PARSE_NOWARNING
                        | XML_PARSE_NOBLANKS);
  xmlFreeParserCtxt (parser);
  if (doc == NULL)
    xml_fail (parse->err, parse->domain, VIRGATE_ERR_XML_ERROR,
              "failed to parse xml document '%s'",
              url ? url : "[inline data]");
  return doc;
}

static void __attribute__ ((format (printf, 2, 3)))
on_schema_error (void *ctx, const char *format, ...)
{
  struct buf *report = ctx;
  CLEANUP_FREE char *line = NULL;
  va_list args;
  int len;

  va_start (args, format);
  len = vasprintf (&line, format, args);
  va_end (args);
  if (len == -1)
    line = NULL;
  else if (buf_len (report) + len < REPORT_MAX
           && buf_append (report, line, len) == -1)
    return;
}

static void __attribute__ ((format (printf, 2, 3)))
ignore_schema_warning (void *ctx, const char *format, ...)
{
}

static int
fail_schema (struct xml_error *err, int code, const char *format,
             const char *file, struct buf *report)
  __attribute__ ((format (printf, 3, 0)));

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static int
fail_schema (struct xml_error *err, int code, const char *format,
             const char *file, struct buf *report)
{
  bool is_whole = buf_append (report, "", 1) == 0;

  return xml_fail (err, VIRGATE_FROM_XML, code, format, file,
                   is_whole ? buf_data (report) : "");
}
#pragma GCC diagnostic pop

static int
check_by (xmlRelaxNG *grammar, xmlDoc *doc, const char *file,
          struct buf *report, struct xml_error *err)
{
  xmlRelaxNGValidCtxt *valid = xmlRelaxNGNewValidCtxt (grammar);
  int ret = 0;

  if (valid == NULL)
    return xml_fail (err, VIRGATE_FROM_XML, VIRGATE_ERR_INTERNAL_ERROR,
                     "Unable to create RNG validation context %s", file);
  xmlRelaxNGSetValidErrors (valid, on_schema_error, ignore_schema_warning,
                            report);
  if (xmlRelaxNGValidateDoc (valid, doc) != 0)
    ret = fail_schema (err, VIRGATE_ERR_XML_INVALID_SCHEMA,
                       "Unable to validate doc against %s\n%s", file, report);
  xmlRelaxNGFreeValidCtxt (valid);
  return ret;
}

static int
check_schema (xmlDoc *doc, const char *file, struct xml_error *err)
{
  CLEANUP (buf_free) struct buf report = BUF_INIT;
  xmlRelaxNGParserCtxt *parser = xmlRelaxNGNewParserCtxt (file);
  xmlRelaxNG *grammar;
  int ret;

  if (parser == NULL)
    return xml_fail (err, VIRGATE_FROM_XML, VIRGATE_ERR_INTERNAL_ERROR,
                     "Unable to create RNG parser for %s", file);
  xmlRelaxNGSetParserErrors (parser, on_schema_error, ignore_schema_warning,
                             &report);
  grammar = xmlRelaxNGParse (parser);
  xmlRelaxNGFreeParserCtxt (parser);
  if (grammar == NULL)
    return fail_schema (err, VIRGATE_ERR_INTERNAL_ERROR,
                        "Unable to parse RNG %s: %s", file, &report);
  ret = check_by (grammar, doc, file, &report, err);
  xmlRelaxNGFree (grammar);
  return ret;
}

/* Take from *ROOM what the entities referred to in LIST expand to; it ends
 * below 0 when that is too much.  Each step takes some, so this ends soon. */
static void
measure (const xmlDoc *doc, const xmlNode *list, bool is_inside,
         unsigned depth, long *room)
{
  for (; list && *room >= 0; list = list->next) {
    const xmlEntity *entity;

    if (list->type == XML_ENTITY_REF_NODE) {
      entity = xmlGetDocEntity (doc, list->name);
      *room -= depth < ENTITY_DEPTH_MAX ? ENTITY_COST : *room + 1;
      if (entity)
        measure (doc, entity->children, true, depth + 1, room);
      continue;
    }
    if (is_inside)
      *room -= 1 + (list->content && list->type != XML_ELEMENT_NODE
                    ? (long) strlen ((const char *) list->content) : 0);
    if (list->type != XML_ELEMENT_NODE)
      continue;
    for (const xmlAttr *attr = list->properties; attr; attr = attr->next)
      measure (doc, attr->children, is_inside, depth, room);
    measure (doc, list->children, is_inside, depth, room);
  }
}

/* libxml2 finds entities that multiply; one that is long and used often it
 * does not. */
static int
check_entities (xmlDoc *doc, int domain, const char *url,
                struct xml_error *err)
{
  long room = XT_TEXT_MAX;

  measure (doc, doc->children, false, 0, &room);
  if (room >= 0)
    return 0;
  return xml_fail (err, domain, VIRGATE_ERR_XML_ERROR,
                   "failed to parse xml document '%s'",
                   url ? url : "[inline data]");
}

static int
check_root (xmlDoc *doc, int domain, const char *root, struct xml_error *err)
{
  xmlNode *node = xmlDocGetRootElement (doc);

  if (node == NULL)
    return xml_fail (err, domain, VIRGATE_ERR_INTERNAL_ERROR,
                     "missing root element");
  if (root && strcmp ((const char *) node->name, root) != 0)
    return xml_fail (err, VIRGATE_FROM_XML, VIRGATE_ERR_XML_ERROR,
                     "expecting root element of '%s', not '%s'", root,
                     node->name);
  return 0;
}

int
xml_parse (const char *text, int domain, const char *url, const char *root,
           const char *schema, xmlDoc **out, struct xml_error *err)
{
  struct parse parse = { .err = err, .domain = domain };
  xmlDoc *doc;

  if (strnlen (text, XT_TEXT_MAX + 1) > XT_TEXT_MAX)
    return xml_fail (err, domain, VIRGATE_ERR_XML_ERROR,
                     "failed to parse xml document '%s'",
                     url ? url : "[inline data]");
  doc = read_text (text, url, &parse);
  if (doc == NULL)
    return xml_fail (err, domain, VIRGATE_ERR_NO_MEMORY, "%s", "parser");
  if (check_entities (doc, domain, url, err) == -1
      || check_root (doc, domain, root, err) == -1
      || (schema && check_schema (doc, schema, err) == -1)) {
    xmlFreeDoc (doc);
    return -1;
  }
  *out = doc;
  return 0;
}
