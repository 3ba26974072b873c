/* SPDX-License-Identifier: BSD-2-Clause */
/* How `unfurl bench` prints: each format is a row of functions. */
#ifndef CLI_BENCH_FORMAT_H
#define CLI_BENCH_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "measure.h"

typedef struct bench_format {
  const char *name;
  void (*begin)(FILE *file); /* NULL: nothing */
  bool (*report)(FILE *file, const measure_report *report,
                 size_t index); /* of the index-th problem; false: no memory */
  void (*end)(FILE *file);      /* NULL: nothing */
} bench_format;

/* The format of that name, or NULL. */
const bench_format *bench_format_named(const char *name);

/* "md, jsonl, csv or json", for messages. */
const char *bench_format_names(void);

#endif
