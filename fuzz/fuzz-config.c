/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Configuration text: what is accepted prints, and what was printed is
 * accepted and prints the same.
 */
#include "config.h"

#include <stdio.h>

#include "core/conffile.h"
#include "core/error.h"
#include "fuzz.h"

static const struct virgate_option options[] = {
  { "n", VIRGATE_OPTION_UINT, 0, 1, 9999, NULL, "7", "" },
  { "s", VIRGATE_OPTION_SIZE, 0, 0, 0, NULL, NULL, "" },
  { "b", VIRGATE_OPTION_BOOL, 0, 0, 0, NULL, "no", "" },
  { "m", VIRGATE_OPTION_MODE, 0, 0, 0, NULL, NULL, "" },
  { "p", VIRGATE_OPTION_PATH, 0, 0, 0, NULL, NULL, "" },
  { "l", VIRGATE_OPTION_LIST, 0, 0, 0, NULL, NULL, "" },
  { "t", VIRGATE_OPTION_STRING, 0, 0, 0, NULL, NULL, "" },
  { NULL },
};

static const struct config_kind kinds[] = {
  { "d", false, false, options },
  { "x", true, true, NULL },
  { "o", true, false, options },
  { NULL },
};

/* The text of a config, malloc'ed. */
static char *
printed (const struct config *config, size_t *len)
{
  char *text = NULL;
  FILE *out = open_memstream (&text, len);

  config_print (out, config, kinds, NULL, NULL);
  fclose (out);
  return text;
}

static void
print_again (const struct config *config)
{
  struct virgate_error err = { 0 };
  struct config again;
  size_t len, len2;
  char *text = printed (config, &len), *text2;

  config_init (&again);
  if (config_parse (&again, text, len, "again", kinds, &err) == 0) {
    text2 = printed (&again, &len2);
    if (len != len2 || memcmp (text, text2, len) != 0)
      abort ();
    free (text2);
  }
  else if (err.message == NULL)
    abort ();
  error_clear (&err);
  config_free (&again);
  free (text);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t len)
{
  struct virgate_error err = { 0 };
  struct config config;
  char *block = malloc (len ? len : 1), *set;

  memcpy (block, data, len);
  config_init (&config);
  if (config_parse (&config, block, len, "fuzz", kinds, &err) == 0)
    print_again (&config);
  else if (err.message == NULL)
    abort ();
  set = strndup (block, len);
  config_set (&config, set, kinds, &err);
  free (set);
  free (block);
  config_free (&config);
  error_clear (&err);
  return 0;
}
