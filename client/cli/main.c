/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * virgate: manage hosts from the command line; see virgate(1).
 */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

enum {
  GLOBAL_JSON = 256, GLOBAL_MODULE_DIR, GLOBAL_LIST_MODULES,
  GLOBAL_MODULE_HELP, GLOBAL_CONFIG
};

static const struct option global_options[] = {
  { "connect", required_argument, NULL, 'c' },
  { "json", no_argument, NULL, GLOBAL_JSON },
  { "timeout", required_argument, NULL, 't' },
  { "read-only", no_argument, NULL, 'r' },
  { "readonly", no_argument, NULL, 'r' },
  { "config", required_argument, NULL, GLOBAL_CONFIG },
  { "module-dir", required_argument, NULL, GLOBAL_MODULE_DIR },
  { "list-modules", no_argument, NULL, GLOBAL_LIST_MODULES },
  { "module-help", required_argument, NULL, GLOBAL_MODULE_HELP },
  { "version", no_argument, NULL, 'V' },
  { "help", no_argument, NULL, 'h' },
  { NULL, 0, NULL, 0 }
};

static const char usage_text[] =
  "virgate [OPTION]... [COMMAND [ARGS]]\n"
  "\n"
  "  -c, --connect URI     host, alias or group of hosts; may be given again\n"
  "      --json            answer in JSON\n"
  "  -t, --timeout S       give up after this many seconds\n"
  "  -r, --read-only       connect read-only\n"
  "      --config FILE     client config instead of the default ones\n"
  "      --module-dir DIR  load modules from here\n"
  "      --list-modules    print the modules that are installed\n"
  "      --module-help M   print the keys of module M, such as transport-unix\n"
  "  -V, --version         print the version\n"
  "  -h, --help            print this\n"
  "\n"
  "Without a command it reads commands.  `virgate help` lists them.\n"
  "`virgate connect [URI]` joins standard input and output to a host.\n";

/* What the command line asks for. */
struct wish {
  const char **uris;
  int nuris;
  bool lists_modules;
  const char *module;           /* of --module-help */
  bool joins;                   /* called as virgate-connect */
};

static int
timeout_parse (const char *text, int32_t *ms)
{
  char *end;
  double seconds = strtod (text, &end);

  if (end == text || *end != '\0' || !(seconds > 0) || seconds > 1e6) {
    fprintf (stderr, "virgate: error: --timeout: '%s' is not a number of "
             "seconds\n", text);
    return -1;
  }
  *ms = (int32_t) MAX_OF (ceil (seconds * 1000), 1);
  return 0;
}

/* Returns -1 to go on, or the exit code. */
static int
global_option (struct app *app, struct wish *wish, int option)
{
  switch (option) {
  case 'c':
    wish->uris = must_alloc (wish->uris, wish->nuris + 1, sizeof (char *));
    wish->uris[wish->nuris++] = optarg;
    return -1;
  case 't':
    return timeout_parse (optarg, &app->timeout_ms) < 0 ? STATUS_USAGE : -1;
  case 'r':
    app->read_only = true;
    return -1;
  case GLOBAL_JSON:
    app->json = true;
    return -1;
  case GLOBAL_CONFIG:
    app->config_file = optarg;
    return -1;
  case GLOBAL_MODULE_DIR:
    app->module_dir = optarg;
    return -1;
  case GLOBAL_LIST_MODULES:
    wish->lists_modules = true;
    return -1;
  case GLOBAL_MODULE_HELP:
    wish->module = optarg;
    return -1;
  case 'V':
    printf ("virgate %s\nlibrary: libvirgate %s\nline editing: %s\n",
            PACKAGE_VERSION, virgate_version (), editor_name);
    return STATUS_OK;
  case 'h':
    fputs (usage_text, stdout);
    return STATUS_OK;
  default:
    fputs ("usage: virgate [OPTION]... [COMMAND [ARGS]]; see virgate --help\n",
           stderr);
    return STATUS_USAGE;
  }
}

/* `connect [-r] [URI]', or the program's name said so. */
static enum status
run_connect_stdio (struct app *app, const struct wish *wish, int argc,
                   char **argv)
{
  const char *uri = wish->nuris == 1 ? wish->uris[0] : NULL;

  for (int i = 0; i < argc; i++) {
    if (strcmp (argv[i], "-r") == 0 || strcmp (argv[i], "--readonly") == 0
        || strcmp (argv[i], "--read-only") == 0)
      app->read_only = true;
    else if (argv[i][0] == '-' || uri) {
      fprintf (stderr, "virgate: error: connect: takes one URI and -r, not "
               "'%s'\n", argv[i]);
      return STATUS_USAGE;
    }
    else
      uri = argv[i];
  }
  if (wish->nuris > 1) {
    fputs ("virgate: error: connect: a connection is to one host\n", stderr);
    return STATUS_USAGE;
  }
  return connect_stdio (app, uri);
}

/* Run what is left of the command line: nothing, one string, or words. */
static enum status
run_all (struct app *app, const struct wish *wish, int argc, char **argv)
{
  if (wish->lists_modules)
    return modules_list (app);
  if (wish->module)
    return modules_help (app, wish->module);
  if (wish->joins)
    return run_connect_stdio (app, wish, argc, argv);
  if (argc > 0 && strcmp (argv[0], "connect") == 0)
    return run_connect_stdio (app, wish, argc - 1, argv + 1);
  for (int i = 0; i < wish->nuris; i++)
    if (hosts_add (app, wish->uris[i]) < 0)
      return STATUS_NO_CONNECTION;
  if (wish->nuris == 0 && hosts_add (app, NULL) < 0)
    return STATUS_NO_CONNECTION;
  if (argc == 0)
    return shell_run (app);
  return argc == 1 ? run_line (app, argv[0]) : run_words (app, argc, argv);
}

/* Output that did not arrive is a failure: a full disk, a reader that left. */
static int
finish (struct app *app, enum status status)
{
  hosts_free (app);
  if (fflush (stdout) == 0 && !ferror (stdout))
    return status;
  if (errno != EPIPE)
    fprintf (stderr, "virgate: error: cannot write: %s\n", strerror (errno));
  return status == STATUS_OK ? STATUS_FAILED : status;
}

int
main (int argc, char **argv)
{
  struct app app = {
    .stop_fd = -1, .output_lock = PTHREAD_MUTEX_INITIALIZER,
    .ask_lock = PTHREAD_MUTEX_INITIALIZER
  };
  struct wish wish = { 0 };
  const char *alias = NULL;
  enum status status;
  int option;

  setlocale (LC_ALL, "");
  setlocale (LC_NUMERIC, "C");  /* numbers are read by programs */
  signal (SIGPIPE, SIG_IGN);
  while ((option = getopt_long (argc, argv, "+c:t:rVh", global_options,
                                NULL)) != -1) {
    int code = global_option (&app, &wish, option);

    if (code >= 0) {
      free (wish.uris);
      return code;
    }
  }
  wish.joins = argc > 0 && connect_is_meant (argv[0], &alias);
  if (alias) {
    wish.uris = must_alloc (wish.uris, wish.nuris + 1, sizeof (char *));
    wish.uris[wish.nuris++] = alias;
  }
  status = run_all (&app, &wish, argc - optind, argv + optind);
  free (wish.uris);
  return finish (&app, status);
}
