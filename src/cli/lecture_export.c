/* SPDX-License-Identifier: BSD-2-Clause */
#include "lecture_export.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fault.h"
#include "npy_writer.h"
#include "outfile.h"

enum { PRECISION = 9 }; /* digits that tell any two floats apart */

bool lecture_export_json(FILE *file, const lecture_numbers *n) {
  json_t *fc = json_array();
  for (size_t i = 0; i < LECTURE_CLASSES; i++) json_array_append_new(fc, json_real((double)n->fc[i]));
  json_t *object = json_pack("{s:f, s:f, s:[i, i], s:[i, i, i], s:f, s:o, s:f, s:f}", "chunk_dot", (double)n->chunk_dot,
                             "unrolled_dot", (double)n->unrolled_dot, "patch_matrix", LECTURE_PLACES, LECTURE_CHUNK,
                             "maps", LECTURE_OUT, LECTURE_OUT, LECTURE_FILTERS, "max_difference", n->max_difference,
                             "fc", fc, "naive_us", n->times.naive_us, "sgemm_us", n->times.sgemm_us);
  if (!object) return false;
  json_dumpf(object, file, JSON_REAL_PRECISION(PRECISION)); /* whether it arrives is seen when the stream is flushed */
  json_decref(object);
  fputc('\n', file);
  return true;
}

static unfurl_status write_array(FILE *file, const unfurl_tensor *tensor, unfurl_error *error) {
  npy_writer writer;
  unfurl_status status = npy_writer_begin(&writer, file, tensor, error);
  if (status == UNFURL_OK) status = npy_writer_rows(&writer, tensor, (size_t)tensor->dims[0], error);
  return status == UNFURL_OK ? npy_writer_end(&writer, error) : status;
}

static unfurl_status save_array(const char *path, const unfurl_tensor *tensor, unfurl_error *error) {
  outfile_handle out;
  unfurl_error cause;
  unfurl_status status = outfile_open(&out, path, &cause);
  if (status == UNFURL_OK) status = write_array(out.stream, tensor, &cause);
  if (status == UNFURL_OK)
    status = outfile_commit(&out, &cause);
  else
    outfile_discard(&out);
  return status == UNFURL_OK ? status : fault_set(error, status, "%.200s: %.200s", path, cause.message);
}

unfurl_status lecture_export_arrays(const char *folder, const lecture_numbers *n, unfurl_error *error) {
  const struct {
    const char *name;
    size_t rank;
    int64_t dims[4];
    const float *data;
  } arrays[] = {
      {"image.npy", 3, {LECTURE_SIDE, LECTURE_SIDE, LECTURE_CHANNELS}, &n->image[0][0][0]},
      {"filters.npy", 4, {LECTURE_FILTERS, LECTURE_KERNEL, LECTURE_KERNEL, LECTURE_CHANNELS}, &n->filters[0][0][0][0]},
      {"fc_weights.npy", 2, {LECTURE_CLASSES, LECTURE_NUMBERS}, &n->fc_weights[0][0]},
      {"maps.npy", 3, {LECTURE_OUT, LECTURE_OUT, LECTURE_FILTERS}, &n->maps[0][0]},
  };
  if (mkdir(folder, 0777) != 0 && errno != EEXIST)
    return fault_set(error, UNFURL_IO_ERROR, "%.200s: can't make this folder: %s", folder, strerror(errno));
  for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
    char *path;
    unfurl_tensor tensor;
    unfurl_tensor_init(&tensor, UNFURL_F32, arrays[i].rank, arrays[i].dims, (void *)arrays[i].data);
    if (asprintf(&path, "%s/%s", folder, arrays[i].name) < 0) return fault_memory(error);
    const unfurl_status status = save_array(path, &tensor, error);
    free(path);
    if (status != UNFURL_OK) return status;
  }
  return UNFURL_OK;
}
