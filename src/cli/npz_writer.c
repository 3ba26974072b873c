/* SPDX-License-Identifier: BSD-2-Clause */
/* libzip likes to write files by name, and to rename them itself. Here it writes to a stream, as a source of its own
 * kind that can only be written.
 */
#include "npz_writer.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zip.h>

#include "fault.h"

enum { DOS_1980 = 1 << 5 | 1 }; /* the first of January 1980 */

typedef struct target {
  FILE *file;
  zip_error_t error;
} target;

static zip_int64_t fail(target *to, int code) {
  zip_error_set(&to->error, code, errno);
  return -1;
}

/* There is no archive yet. */
static zip_int64_t no_archive(target *to) {
  errno = ENOENT;
  return fail(to, ZIP_ER_READ);
}

static zip_int64_t write_bytes(target *to, const void *data, zip_uint64_t size) {
  return fwrite(data, 1, size, to->file) == size ? (zip_int64_t)size : fail(to, ZIP_ER_WRITE);
}

static zip_int64_t seek(target *to, void *data, zip_uint64_t size) {
  const zip_source_args_seek_t *where = ZIP_SOURCE_GET_ARGS(zip_source_args_seek_t, data, size, &to->error);
  if (!where) return -1;
  return fseeko(to->file, (off_t)where->offset, where->whence) == 0 ? 0 : fail(to, ZIP_ER_SEEK);
}

static zip_int64_t tell(target *to) {
  const off_t at = ftello(to->file);
  return at < 0 ? fail(to, ZIP_ER_TELL) : (zip_int64_t)at;
}

static zip_int64_t serve(void *user, void *data, zip_uint64_t size, zip_source_cmd_t command) {
  target *to = user;
  switch (command) {
  case ZIP_SOURCE_BEGIN_WRITE:
  case ZIP_SOURCE_COMMIT_WRITE:
  case ZIP_SOURCE_ROLLBACK_WRITE:
  case ZIP_SOURCE_REMOVE:
  case ZIP_SOURCE_FREE:
  case ZIP_SOURCE_CLOSE: return 0;
  case ZIP_SOURCE_WRITE: return write_bytes(to, data, size);
  case ZIP_SOURCE_SEEK_WRITE: return seek(to, data, size);
  case ZIP_SOURCE_TELL_WRITE: return tell(to);
  case ZIP_SOURCE_ERROR: return zip_error_to_data(&to->error, data, size);
  case ZIP_SOURCE_SUPPORTS: return ZIP_SOURCE_SUPPORTS_WRITABLE;
  default: return no_archive(to);
  }
}

static unfurl_status fault_zip(unfurl_error *error, const zip_error_t *why) {
  const int number = zip_error_code_system(why);
  if (zip_error_code_zip(why) == ZIP_ER_MEMORY) return fault_memory(error);
  if (number) {
    errno = number;
    return fault_errno(error, "can't write it");
  }
  zip_error_t copy = *why;
  return fault_set(error, UNFURL_IO_ERROR, "can't write it (%.200s)", zip_error_strerror(&copy));
}

/* libzip reads on from where a stream is, and asks the system how long its file is. */
static bool rewind_file(FILE *file) {
  return fflush(file) == 0 && fseeko(file, 0, SEEK_SET) == 0;
}

static bool add_part(zip_t *zip, npz_part *part) {
  char *name;
  zip_error_t why;
  zip_error_init(&why);
  zip_source_t *source = zip_source_filep_create(part->file, 0, -1, &why);
  zip_error_fini(&why);
  if (!source) return false;
  part->file = NULL; /* the source closes it */
  zip_int64_t index = -1;
  if (asprintf(&name, "%s.npy", part->name) >= 0) {
    index = zip_file_add(zip, name, source, ZIP_FL_ENC_UTF_8);
    free(name);
  }
  if (index < 0) zip_source_free(source);
  return index >= 0 && zip_set_file_compression(zip, (zip_uint64_t)index, ZIP_CM_STORE, 0) == 0 &&
         zip_file_set_dostime(zip, (zip_uint64_t)index, 0, DOS_1980, 0) == 0;
}

static unfurl_status write_archive(zip_t *zip, npz_part *parts, size_t count, unfurl_error *error) {
  bool good = true;
  for (size_t i = 0; good && i < count; i++) good = rewind_file(parts[i].file) && add_part(zip, &parts[i]);
  if (good && zip_close(zip) == 0) return UNFURL_OK;
  const unfurl_status status = fault_zip(error, zip_get_error(zip));
  zip_discard(zip);
  return status;
}

unfurl_status npz_write(FILE *to, npz_part *parts, size_t count, unfurl_error *error) {
  target own = {.file = to};
  zip_error_t why;
  zip_error_init(&own.error);
  zip_error_init(&why);
  zip_source_t *source = zip_source_function_create(serve, &own, &why);
  zip_t *zip = source ? zip_open_from_source(source, ZIP_CREATE, &why) : NULL;
  unfurl_status status;
  if (zip) {
    status = write_archive(zip, parts, count, error);
  } else {
    status = fault_zip(error, &why);
    if (source) zip_source_free(source);
  }
  for (size_t i = 0; i < count; i++) {
    if (parts[i].file) fclose(parts[i].file);
    parts[i].file = NULL;
  }
  zip_error_fini(&own.error);
  zip_error_fini(&why);
  return status;
}
