/* SPDX-License-Identifier: BSD-2-Clause */
/* The pipeline: order, bounded memory, and an end in every case, whatever the number of workers. A plain program, so that
 * ThreadSanitizer can run it. Every file is an array [rows, 1] of the numbers that come next. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "halt.h"
#include "npy_writer.h"
#include "pipeline.h"
#include "prepare.h"
#include "random.h"

enum { FILES = 300, MAX_ROWS = 40 };

static char folder[] = "/tmp/unfurl-pipeline-XXXXXX";
static char *paths[FILES];
static size_t total_rows;

static void check(bool good, const char *what) {
  if (good) return;
  fprintf(stderr, "failed: %s\n", what);
  exit(1);
}

static void write_array(const char *path, size_t first, size_t rows) {
  npy_writer writer;
  unfurl_tensor tensor;
  float values[MAX_ROWS];
  for (size_t i = 0; i < rows; i++) values[i] = (float)(first + i);
  unfurl_tensor_init(&tensor, UNFURL_F32, 2, (const int64_t[]){(int64_t)rows, 1}, values);
  FILE *file = fopen(path, "w");
  check(file && npy_writer_begin(&writer, file, &tensor, NULL) == UNFURL_OK, "begin");
  check(npy_writer_rows(&writer, &tensor, rows, NULL) == UNFURL_OK && npy_writer_end(&writer, NULL) == UNFURL_OK,
        "rows");
  check(fclose(file) == 0, "close");
}

/* Every seventh file is missing. */
static void write_files(void) {
  uint64_t state = 11;
  check(mkdtemp(folder) != NULL, "mkdtemp");
  for (size_t i = 0; i < FILES; i++) {
    const size_t rows = 1 + random_next(&state) % (i % 3 ? 2 : MAX_ROWS);
    check(asprintf(&paths[i], "%s/%zu.npy", folder, i) > 0, "asprintf");
    if (i % 7 == 6) continue;
    write_array(paths[i], total_rows, rows);
    total_rows += rows;
  }
}

static void remove_files(void) {
  for (size_t i = 0; i < FILES; i++) {
    unlink(paths[i]);
    free(paths[i]);
  }
  rmdir(folder);
}

static source_target make_target(const prepare_recipe *recipe) {
  source_target target = {.name = "x", .recipe = recipe};
  unfurl_tensor_init(&target.shape, UNFURL_F32, 2, (const int64_t[]){-1, 1}, NULL);
  return target;
}

/* Runs all files through, or gives up after `stop_after` portions. */
static void run(size_t workers, size_t batch, size_t most_bytes, size_t stop_after) {
  prepare_recipe recipe;
  prepare_init(&recipe);
  const source_target target = make_target(&recipe);
  timing_watch watch, total = {0};
  timing_start(&watch, TIMING_IDLE);
  input_list list;
  input_list_init(&list, paths, FILES, NULL, 0);
  const pipeline_options options = {.inputs = &list,
                                    .target = &target,
                                    .workers = workers,
                                    .batch = batch,
                                    .most_bytes = most_bytes,
                                    .watch = &watch};
  pipeline *line;
  const input_item *item;
  size_t number, next = 0, failed = 0, last = 0, portions = 0;
  check(pipeline_start(&line, &options, NULL) == UNFURL_OK, "start");
  for (portion *part; portions < stop_after && (part = pipeline_next(line, &item, &number)); portions++) {
    check(number >= last && strcmp(item->name, paths[number]) == 0, "files are in order");
    check(part->rows <= batch, "no more rows than a batch");
    for (size_t i = 0; i < part->rows; i++) check(((const float *)part->data)[i] == (float)next++, "rows are in order");
    if (part->error.status != UNFURL_OK) check(number % 7 == 6 && part->one_image, "missing files fail"), failed++;
    last = number;
    pipeline_release(line, part);
  }
  if (stop_after < SIZE_MAX)
    halt_request();
  else
    check(next == total_rows && failed == FILES / 7, "all came");
  pipeline_stop(line, &total);
  input_list_free(&list);
}

int main(void) {
  write_files();
  for (size_t workers = 0; workers <= 8; workers++)
    for (size_t batch = 1; batch <= 16; batch *= 4) {
      run(workers, batch, SIZE_MAX, SIZE_MAX);
      run(workers, batch, 1, SIZE_MAX); /* only the oldest file may have memory */
      run(workers, batch, 200, SIZE_MAX);
    }
  run(4, 3, 100, 50);
  remove_files();
  puts("ok");
  return 0;
}
