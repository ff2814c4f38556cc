/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reading configuration text.  inih knows the syntax of a line; but it cuts
 * long lines, section titles and line numbers short, and says nothing of
 * empty sections.  So it is fed line by line from here, long values in pieces
 * that it takes for continuations, and its answers are put together again.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/buf.h"
#include "common/cleanup.h"
#include "common/mem.h"
#include "core/confmodel.h"
#include "core/error.h"

#define BLANKS " \t\r\v\f"
#define TOO_LONG "too long without a place to cut"

/* A span of the text. */
struct span {
  const char *at, *end;
};

struct reading {
  struct config *config;
  const struct config_kind *kinds;
  struct virgate_error *err;
  const char *file;
  struct span text;             /* not fed yet */
  struct span piece;            /* of a long line: not fed yet */
  uint32_t line;                /* of what was fed last */
  uint32_t entries;
  bool awaiting;                /* inih owes a key for the line fed last */
  bool failed;
  const char *glue;             /* joins what comes to the value so far;
                                   NULL: a new key comes */
  struct config_section *section;
  const struct config_kind *kind;
  uint32_t key_line;            /* 0: no key is being put together */
  struct buf key, value;
};

static void
fail (struct reading *r, const char *what)
{
  if (!r->failed)
    error_text (r->err, VIRGATE_ERR_CONF_SYNTAX, VIRGATE_FROM_CONF,
                "%s:%u: %s", r->file, r->line, what);
  r->failed = true;
}

static void
fail_kind (struct reading *r, const char *kind, size_t len)
{
  char kinds[200] = "";
  size_t used = 0;

  for (const struct config_kind *k = r->kinds; k->kind; k++) {
    used += snprintf (kinds + used, sizeof kinds - used, "%s%s",
                      used ? ", " : "", k->kind);
    if (used >= sizeof kinds)
      break;
  }
  if (!r->failed)
    error_text (r->err, VIRGATE_ERR_CONF_SYNTAX, VIRGATE_FROM_CONF,
                "%s:%u: there is no section of kind '%.*s'; there are %s",
                r->file, r->line, (int) MIN_OF (len, (size_t) 60), kind,
                kinds);
  r->failed = true;
}

static bool
is_blank (char c)
{
  return c && strchr (BLANKS, c) != NULL;
}

/* A key is complete: enter it into the model and check it. */
static void
finish_key (struct reading *r)
{
  struct config_key *key;

  if (r->key_line == 0 || r->failed)
    return;
  if (buf_append (&r->value, "", 1) == -1
      || (key = config_add_key (r->config, r->section, buf_data (&r->key),
                                buf_data (&r->value), r->file,
                                r->key_line)) == NULL) {
    config_no_memory (r->err);
    r->failed = true;
  }
  else if (!config_is_clean (key->value)) {
    config_error (r->err, r->section, key, CONFIG_UNCLEAN);
    r->failed = true;
  }
  else if (config_check_own (r->section, key, r->kind, r->err) == -1)
    r->failed = true;
  r->key_line = 0;
  buf_consume (&r->key, buf_len (&r->key));
  buf_consume (&r->value, buf_len (&r->value));
}

static void
count_entry (struct reading *r)
{
  if (++r->entries > CONFIG_ENTRIES_MAX)
    fail (r, "too many sections and keys");
}

/* "[kind]" or "[kind name]"; title is what is between the brackets. */
static void
begin_section (struct reading *r, const char *title, size_t len)
{
  size_t kind_len = 0;
  char *name;

  while (kind_len < len && !is_blank (title[kind_len]))
    kind_len++;
  r->kind = config_kind_of (r->kinds, title, kind_len);
  if (r->kind == NULL) {
    fail_kind (r, title, kind_len);
    return;
  }
  title += kind_len;
  len -= kind_len;
  while (len > 0 && is_blank (*title))
    title++, len--;
  if (r->kind->is_named != (len > 0)) {
    fail (r, len > 0 ? "this kind of section takes no name"
                     : "this kind of section needs a name: [KIND NAME]");
    return;
  }
  name = len ? arena_strndup (&r->config->arena, title, len) : NULL;
  if (name && !config_is_clean (name))
    fail (r, "the name has a control character in it");
  else if (config_find (r->config, r->kind->kind, name))
    fail (r, "this section was there before");
  else
    r->section = config_add_section (r->config, r->kind, name, r->file,
                                     r->line);
  count_entry (r);
  if (r->section == NULL)
    fail (r, "out of memory");
}

static void
read_title (struct reading *r, struct span line)
{
  const char *start = line.at + 1;
  const char *end = memchr (start, ']', line.end - start);
  const char *rest = end ? end + 1 : line.end;

  finish_key (r);
  r->section = NULL;
  while (rest < line.end && is_blank (*rest))
    rest++;
  if (end == NULL)
    fail (r, "no ']' after '['");
  else if (rest < line.end && *rest != ';' && *rest != '#')
    fail (r, "text after ']'");
  else {
    while (start < end && is_blank (*start))
      start++;
    while (end > start && is_blank (end[-1]))
      end--;
    begin_section (r, start, end - start);
  }
}

/* The end of a line without the comment at it: inih leaves it in where a line
 * continues another, and would not see it in the pieces of a long line.
 */
static const char *
before_comment (struct span line)
{
  const char *end = line.end;

  for (const char *p = line.at + 1; p < line.end && end == line.end; p++)
    if (*p == ';' && is_blank (p[-1]))
      end = p;
  while (end > line.at && is_blank (end[-1]))
    end--;
  return end;
}

/* Copy the next piece of a long line: as much as fits, cut where no blank is
 * lost and nothing looks like a comment.
 */
static void
feed_piece (struct reading *r, char *to, size_t room)
{
  const char *at = r->piece.at, *cut = r->piece.end;

  if ((size_t) (cut - at) > room) {
    cut = at + room;
    while (cut > at && (is_blank (cut[-1]) || is_blank (*cut) || *cut == ';'
                        || *cut == '#' || *cut == '[' || cut[-1] == '='
                        || cut[-1] == ':'))
      cut--;
  }
  if (cut == at) {
    fail (r, TOO_LONG);
    return;
  }
  memcpy (to, at, cut - at);
  to[cut - at] = '\0';
  r->piece.at = cut;
  r->awaiting = true;
}

static void
feed_line (struct reading *r, struct span line, char *to, size_t room)
{
  r->glue = NULL;
  if (is_blank (*line.at)) {
    while (is_blank (*line.at))
      line.at++;
    if (r->key_line) {
      r->glue = " ";
      *to++ = ' ';
      room--;
    }
  }
  r->piece.at = line.at;
  r->piece.end = before_comment (line);
  feed_piece (r, to, room);
}

/* The next line, without its end; false at the end of the text. */
static bool
take_line (struct reading *r, struct span *line)
{
  const char *newline;

  if (r->text.at == r->text.end)
    return false;
  newline = memchr (r->text.at, '\n', r->text.end - r->text.at);
  line->at = r->text.at;
  line->end = newline ? newline : r->text.end;
  r->text.at = newline ? newline + 1 : r->text.end;
  r->line++;
  while (line->end > line->at && is_blank (line->end[-1]))
    line->end--;
  return true;
}

static void
feed (struct reading *r, struct span line, char *to, size_t room)
{
  const char *first = line.at;

  strcpy (to, "\n");
  while (first < line.end && is_blank (*first))
    first++;
  if (memchr (line.at, '\0', line.end - line.at))
    fail (r, "a NUL byte");
  else if (first == line.end || *first == ';' || *first == '#')
    return;
  else if (*first == '[' && (first == line.at || r->key_line == 0)) {
    read_title (r, (struct span) { first, line.end });
    strcpy (to, "[]\n");
  }
  else if (r->section == NULL)
    fail (r, "a key before the first section");
  else
    feed_line (r, line, to, room);
}

/* inih asks for a line. */
static char *
next_line (char *to, int size, void *opaque)
{
  struct reading *r = opaque;
  size_t room = size - 3;       /* a blank in front, a NUL, one to spare */
  struct span line;

  if (r->awaiting)
    fail (r, r->piece.at < r->piece.end ? TOO_LONG : "expected KEY = VALUE");
  if (r->failed)
    return NULL;
  if (r->piece.at < r->piece.end) {
    r->glue = "";
    *to = ' ';
    feed_piece (r, to + 1, room);
  }
  else if (take_line (r, &line))
    feed (r, line, to, room);
  else
    return NULL;
  return r->failed ? NULL : to;
}

/* inih has split a line. */
static int
got_key (void *opaque, const char *section, const char *name,
         const char *value)
{
  struct reading *r = opaque;

  r->awaiting = false;
  if (r->failed)
    return 0;
  if (r->glue == NULL) {
    finish_key (r);
    count_entry (r);
    if (*name == '\0')
      fail (r, "expected KEY = VALUE");
    r->key_line = r->line;
    if (buf_append (&r->key, name, strlen (name) + 1) == -1)
      fail (r, "out of memory");
  }
  else if (buf_len (&r->value) > 0
           && buf_append (&r->value, r->glue, strlen (r->glue)) == -1)
    fail (r, "out of memory");
  if (buf_append (&r->value, value, strlen (value)) == -1)
    fail (r, "out of memory");
  return 1;
}

int
config_parse (struct config *config, const char *text, size_t len,
              const char *name, const struct config_kind *kinds,
              struct virgate_error *err)
{
  struct reading r = {
    .config = config, .kinds = kinds, .err = err,
    .file = arena_strndup (&config->arena, name, strlen (name)),
    .text = { text, text + len }, .key = BUF_INIT, .value = BUF_INIT,
  };

  if (r.file == NULL)
    return config_no_memory (err);
  if (len > CONFIG_FILE_MAX)
    fail (&r, "the file is longer than 1 MiB");
  if (len >= 3 && memcmp (text, "\xef\xbb\xbf", 3) == 0)
    r.text.at += 3;
  if (ini_parse_stream (next_line, &r, got_key, &r) == -2)
    fail (&r, "out of memory");
  if (r.awaiting)
    fail (&r, "expected KEY = VALUE");
  finish_key (&r);
  buf_free (&r.key);
  buf_free (&r.value);
  return r.failed ? -1 : 0;
}

/* Append a whole file, but never more than one byte too many. */
static int
slurp (int fd, struct buf *text)
{
  while (buf_len (text) <= CONFIG_FILE_MAX) {
    char *to = buf_reserve (text, 4096);
    ssize_t n = to ? read (fd, to, 4096) : -1;

    if (n == 0)
      return 0;
    if (n == -1 && errno != EINTR)
      return -1;
    text->end += n > 0 ? n : 0;
  }
  return 0;
}

int
config_read (struct config *config, const char *path,
             const struct config_kind *kinds, struct virgate_error *err)
{
  CLEANUP_CLOSE int fd = open (path, O_RDONLY | O_CLOEXEC);
  CLEANUP (buf_free) struct buf text = BUF_INIT;

  if (fd == -1 && errno == ENOENT)
    return 1;
  if (fd == -1 || slurp (fd, &text) == -1)
    return error_text (err, VIRGATE_ERR_CONF_SYNTAX, VIRGATE_FROM_CONF,
                       "read %s: %s", path, strerror (errno));
  if (text.base == NULL)
    return 0;
  return config_parse (config, buf_data (&text), buf_len (&text), path, kinds,
                       err);
}

bool
config_user_path (char *path, size_t size, const char *below)
{
  const char *base = secure_getenv ("XDG_CONFIG_HOME"), *between = "";
  int len;

  if (base == NULL || *base != '/') {
    base = secure_getenv ("HOME");
    between = "/.config";
  }
  if (base == NULL || *base != '/')
    return false;
  len = snprintf (path, size, "%s%s%s", base, between, below);
  return len > 0 && (size_t) len < size;
}
