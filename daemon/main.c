/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * virgated: the command line, start-up and signals.
 */
#include "config.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/mem.h"
#include "core/error.h"
#include "core/logrules.h"
#include "daemon/explain.h"
#include "daemon/server.h"
#include "daemon/settings.h"

enum {
  OPTION_SET = 256,
  OPTION_MODULE_DIR,
  OPTION_CHECK,
  OPTION_EXPLAIN,
  OPTION_PRINT_CONFIG,
  OPTION_LIST_MODULES,
  OPTION_MODULE_HELP,
  OPTION_VERSION,
  OPTION_HELP
};

static const struct option long_options[] = {
  { "config", required_argument, NULL, 'c' },
  { "set", required_argument, NULL, OPTION_SET },
  { "module-dir", required_argument, NULL, OPTION_MODULE_DIR },
  { "check", no_argument, NULL, OPTION_CHECK },
  { "explain", required_argument, NULL, OPTION_EXPLAIN },
  { "print-config", no_argument, NULL, OPTION_PRINT_CONFIG },
  { "list-modules", no_argument, NULL, OPTION_LIST_MODULES },
  { "module-help", required_argument, NULL, OPTION_MODULE_HELP },
  { "verbose", no_argument, NULL, 'v' },
  { "version", no_argument, NULL, OPTION_VERSION },
  { "help", no_argument, NULL, OPTION_HELP },
  { NULL, 0, NULL, 0 }
};

static const char usage[] =
  "usage: virgated [--config FILE] [--set SECTION.KEY=VALUE]...\n"
  "                [--module-dir DIR] [--check] [--explain 'KEY=VALUE ...']\n"
  "                [--print-config] [--list-modules] [--module-help NAME]\n"
  "                [--verbose] [--version]\n";

static void
add_set (struct options *options, const char *assignment)
{
  const char **sets = realloc (options->sets, (options->set_count + 1)
                                              * sizeof *sets);

  if (sets == NULL)
    exit (1);
  options->sets = sets;
  sets[options->set_count++] = assignment;
}

/* What to do is in *options; --version and --help do it here. */
static void
parse_options (int argc, char **argv, struct options *options)
{
  int option;

  while ((option = getopt_long (argc, argv, "c:v", long_options,
                                NULL)) != -1)
    switch (option) {
    case 'c': options->config_file = optarg; break;
    case OPTION_SET: add_set (options, optarg); break;
    case OPTION_MODULE_DIR: options->module_dir = optarg; break;
    case OPTION_CHECK: options->check = true; break;
    case OPTION_EXPLAIN: options->explain = optarg; break;
    case OPTION_PRINT_CONFIG: options->print_config = true; break;
    case OPTION_LIST_MODULES: options->list_modules = true; break;
    case OPTION_MODULE_HELP: options->module_help = optarg; break;
    case 'v': options->is_verbose = true; break;
    case OPTION_VERSION:
      printf ("virgated %s\n", PACKAGE_VERSION);
      exit (0);
    case OPTION_HELP:
      fputs (usage, stdout);
      exit (0);
    default:
      fputs (usage, stderr);
      exit (2);
    }
  if (optind < argc) {
    fprintf (stderr, "virgated: unexpected argument '%s'\n%s", argv[optind],
             usage);
    exit (2);
  }
}

/* A question that could not be asked is not one that was answered no. */
static int
fail (const struct virgate_error *err, const struct options *options)
{
  fprintf (stderr, "virgated: %s\n", error_message (err));
  return options->explain ? EXPLAIN_USAGE : 1;
}

static const struct virgate_option *
module_options (void *opaque, const struct config_section *section)
{
  return section_module_options (opaque, section);
}

static int
show_module (struct server *server, const char *name,
             struct virgate_error *err)
{
  const struct module *module = modules_load_file (server->modules, name,
                                                   err);

  if (module == NULL)
    return fail (err, server->options);
  module_print_help (module, stdout);
  return 0;
}

/* Signals that end or reload the daemon arrive on the main loop. */
static void
on_signal (uv_signal_t *handle, int signum)
{
  if (signum == SIGHUP)
    server_reload (handle->data);
  else
    server_stop (handle->data);
}

static void
watch_signals (struct server *server)
{
  static const int signals[] = { SIGTERM, SIGINT, SIGHUP };

  signal (SIGPIPE, SIG_IGN);
  for (size_t i = 0; i < COUNT_OF (signals); i++) {
    uv_signal_init (&server->loops[0].uv, &server->signals[i]);
    server->signals[i].data = server;
    uv_signal_start (&server->signals[i], on_signal, signals[i]);
  }
}

static int
serve (struct server *server, struct virgate_error *err)
{
  if (server_start (server, err) == -1)
    return fail (err, server->options);
  watch_signals (server);
  server_run (server);
  return 0;
}

/* The config is there, and the command line says what to do with it. */
static int
run_config (struct server *server, const struct options *options,
            struct virgate_error *err)
{
  if (options->print_config) {
    config_print (stdout, &server->config, config_kinds, module_options,
                  server->modules);
    return 0;
  }
  if (server_prepare (server, err) == -1)
    return fail (err, options);
  if (options->explain)
    return explain (server, options->explain);
  return options->check ? 0 : serve (server, err);
}

static int
run (struct server *server, const struct options *options,
     struct virgate_error *err)
{
  if (options->list_modules) {
    modules_print_list (server->modules, stdout);
    return 0;
  }
  if (options->module_help)
    return show_module (server, options->module_help, err);
  if (settings_read (&server->config, options, server->modules, err) == -1)
    return fail (err, options);
  return run_config (server, options, err);
}

int
main (int argc, char **argv)
{
  struct virgate_error err = { 0 };
  struct options options = { 0 };
  struct server server = { .options = &options, .reserve_fd = -1 };
  int status;

  parse_options (argc, argv, &options);
  log_init (&server.log, STDERR_FILENO, VIRGATE_LOG_NOTICE);
  if (log_rules_new (&server.log) == NULL)
    return 1;
  config_init (&server.config);
  server.modules = modules_new (options.module_dir,
                                MODULES_PROBE
                                | (geteuid () == 0 ? MODULES_STRICT : 0),
                                &server.log);
  if (server.modules == NULL)
    return 1;
  status = run (&server, &options, &err);
  server_free (&server);
  error_clear (&err);
  config_free (&server.config);
  modules_free (server.modules);
  log_rules_free (&server.log);
  free (options.sets);
  return status;
}
