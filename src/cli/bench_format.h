/* SPDX-License-Identifier: BSD-2-Clause */
/* How `unfurl bench` prints: each format is a row of functions. */
#ifndef CLI_BENCH_FORMAT_H
#define CLI_BENCH_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "bench_network.h"
#include "measure.h"

typedef struct bench_place {
  size_t index;  /* how many things were printed before */
  bool networks; /* are there networks, besides problems? */
} bench_place;

typedef struct bench_format {
  const char *name;
  void (*begin)(FILE *file, bench_place place); /* NULL: nothing */

  /* A network as a whole, and the algorithms of a problem. False: no memory. */
  bool (*network)(FILE *file, const bench_network *result, bench_place place);
  bool (*report)(FILE *file, const measure_report *report, bench_place place);

  void (*end)(FILE *file); /* NULL: nothing */
} bench_format;

/* The format of that name, or NULL. */
const bench_format *bench_format_named(const char *name);

/* "md, jsonl, csv or json", for messages. */
const char *bench_format_names(void);

#endif
