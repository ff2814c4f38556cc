/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Configuration: an INI file as sections with keys in file order, each with
 * the file and line it came from; overrides; checks of every value by the
 * same option tables that modules declare (virgate/module.h).  What sections
 * mean is the reader's business.  (Not called config.h: that is autoconf's.)
 *
 * Errors read "virgated.conf:12: [listen public] port: '99999' is not a
 * number from 0 to 65535".  One thread at a time.
 */
#ifndef VIRGATE_CORE_CONFFILE_H
#define VIRGATE_CORE_CONFFILE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <virgate/error.h>
#include <virgate/module.h>

#include "common/arena.h"

/* Bytes of a file, and of all that is kept of it. */
#define CONFIG_FILE_MAX (1024 * 1024)
#define CONFIG_MEMORY_MAX (16 * 1024 * 1024)

/* Sections and keys in one file. */
#define CONFIG_ENTRIES_MAX 10000

struct config_key {
  struct config_key *next;      /* in file order */
  const char *key, *value;
  const char *file;             /* "--set" for overrides */
  uint32_t line;                /* 0: no line */
};

struct config_section {
  struct config_section *next;  /* in file order */
  const char *kind;             /* "listen" */
  const char *name;             /* "public"; NULL for [daemon] */
  const char *title;            /* "listen public" */
  const char *file;
  uint32_t line;
  struct config_key *keys;
};

struct config {
  struct config_section *sections;
  struct arena arena;           /* owns everything below config */
};

/* One kind of section that the program knows; the table ends with a NULL
 * kind.  options are the program's own keys; other keys are errors, unless
 * others says that they belong to a module and are checked when it is known.
 */
struct config_kind {
  const char *kind;
  bool is_named;
  bool others;
  const struct virgate_option *options; /* may be NULL */
};

/* An empty config. */
void config_init (struct config *config);
void config_free (struct config *config);

/* Add text (LEN bytes, need not end in NUL) to the config.
 *
 * name   the file's name for messages; copied
 * kinds  what is known
 *
 * A section that appears twice, or a key that appears twice in it and is not
 * a list, is an error.  Returns 0, or -1 with err set: the first error.
 */
int config_parse (struct config *config, const char *text, size_t len,
                  const char *name, const struct config_kind *kinds,
                  struct virgate_error *err);

/* config_parse of a file.  Returns 1 when the file does not exist. */
int config_read (struct config *config, const char *path,
                 const struct config_kind *kinds, struct virgate_error *err);

/* A file below the user's folder of settings: $XDG_CONFIG_HOME or ~/.config,
 * with "/virgate/client.conf", say, behind it.  Returns false when there is no
 * home, or no room.  Programs with more rights than their user have none.
 */
bool config_user_path (char *path, size_t size, const char *below);

/* --set: "daemon.max-clients=10", "listen.public.port=0".  Makes the section
 * if there is none.  Takes the place of what files say; a list may be set
 * more than once.
 */
int config_set (struct config *config, const char *assignment,
                const struct config_kind *kinds, struct virgate_error *err);

/* Find or walk sections: NULL name or NULL previous section for the first. */
const struct config_section *
config_find (const struct config *config, const char *kind, const char *name);
const struct config_section *
config_each (const struct config *config, const char *kind,
             const struct config_section *previous);

/* The last value of a key, NULL if it is absent; section may be NULL. */
const struct config_key *config_key (const struct config_section *section,
                                     const char *key);

/* The value or else the default that the options give; NULL when neither. */
const char *config_value (const struct config_section *section,
                          const struct virgate_option *options,
                          const char *key);

/* The same, converted; the value must have been checked (config_parse did,
 * for the program's own keys).  The default must exist.
 */
bool config_bool (const struct config_section *section,
                  const struct virgate_option *options, const char *key);
uint64_t config_number (const struct config_section *section,
                        const struct virgate_option *options,
                        const char *key);

/* The option of this name, or NULL. */
const struct virgate_option *
config_option (const struct virgate_option *options, const char *key);

/* Check one value against its option.  why gets the complaint.  0 or -1. */
int config_check_value (const struct virgate_option *option,
                        const char *value, char *why, size_t size);

/* Check a key of a section against its option: the value, and that it is not
 * there twice unless it is a list; of overrides the last one counts.  Returns
 * 0, or -1 with err set.
 */
int config_check_key (const struct config_section *section,
                      const struct config_key *key,
                      const struct virgate_option *option,
                      struct virgate_error *err);

/* Convert a checked value: UINT, SIZE, MODE; BOOL as 0 or 1. */
uint64_t config_convert (const struct virgate_option *option,
                         const char *value);

/* Set err to "FILE:LINE: [SECTION] KEY: text"; key NULL: about the section.
 * Always returns -1.
 */
int config_error (struct virgate_error *err,
                  const struct config_section *section,
                  const struct config_key *key, const char *fmt, ...)
  VIRGATE_PRINTF (4, 5);

/* Write the effective configuration, defaults included, so that it can be
 * read back.  more gives the options of a section's
 * module, NULL for none; it may be NULL itself.
 */
void config_print (FILE *out, const struct config *config,
                   const struct config_kind *kinds,
                   const struct virgate_option *
                   (*more) (void *opaque, const struct config_section *section),
                   void *opaque);

#endif /* VIRGATE_CORE_CONFFILE_H */
