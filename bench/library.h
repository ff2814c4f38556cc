/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The loop that both client libraries are measured with: threads that share
 * one connection and repeat one call.  A program supplies the three functions
 * and calls library_main.
 */
#ifndef VIRGATE_BENCH_LIBRARY_H
#define VIRGATE_BENCH_LIBRARY_H

struct library {
  /* Connect to URI and look up the domain "test"; die on failure. */
  void *(*open) (const char *uri);
  /* Get the domain's info and free it; any thread; die on failure. */
  void (*call) (void *handle);
  void (*close) (void *handle);
};

/* Take --uri=URI --threads=N --seconds=S, measure, and print the figures. */
int library_main (int argc, char *argv[], const struct library *library);

#endif /* VIRGATE_BENCH_LIBRARY_H */
