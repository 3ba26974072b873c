/* SPDX-License-Identifier: BSD-2-Clause */
#include "npz.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "checked.h"
#include "fault.h"
#include "regular_file.h"

/* Deflate makes at most 1032 bytes of one; a few more for tiny members. */
enum { MAX_EXPANSION = 1032, SLACK = 4096 };

static unfurl_status fault_zip(unfurl_error *error, zip_error_t *why) {
  if (zip_error_code_zip(why) == ZIP_ER_MEMORY) return fault_memory(error);
  const bool reading = zip_error_code_zip(why) == ZIP_ER_READ && zip_error_code_system(why) != 0;
  return fault_set(error, reading ? UNFURL_IO_ERROR : UNFURL_BAD_FILE, "is a damaged zip archive (%.200s)",
                   zip_error_strerror(why));
}

unfurl_status npz_open(npz_archive *archive, const char *path, unfurl_error *error) {
  int fd, code = 0;
  *archive = (npz_archive){0};
  const unfurl_status status = regular_file_open(path, &fd, NULL, error);
  if (status != UNFURL_OK) return status;
  archive->zip = zip_fdopen(fd, 0, &code);
  if (archive->zip) return UNFURL_OK; /* fd is its own now */
  zip_error_t why;
  zip_error_init_with_code(&why, code);
  fault_zip(error, &why);
  zip_error_fini(&why);
  close(fd);
  return code == ZIP_ER_MEMORY ? UNFURL_OUT_OF_MEMORY : code == ZIP_ER_READ ? UNFURL_IO_ERROR : UNFURL_BAD_FILE;
}

/* The name of an array, whose length without its .npy goes to *length; NULL for other members. */
static const char *array_name(const npz_archive *archive, size_t index, size_t *length) {
  const char *name = zip_get_name(archive->zip, index, ZIP_FL_ENC_RAW);
  const size_t whole = name ? strlen(name) : 0;
  if (whole < 4 || strcmp(name + whole - 4, ".npy") != 0) return NULL;
  *length = whole - 4;
  return name;
}

static size_t member_count(const npz_archive *archive) {
  const zip_int64_t count = zip_get_num_entries(archive->zip, 0);
  return count > 0 ? (size_t)count : 0;
}

bool npz_find(const npz_archive *archive, const char *name, size_t *index) {
  size_t length;
  for (size_t i = 0; i < member_count(archive); i++) {
    const char *found = array_name(archive, i, &length);
    if (!found || strlen(name) != length || memcmp(found, name, length) != 0) continue;
    *index = i;
    return true;
  }
  return false;
}

unfurl_status npz_choose(const npz_archive *archive, const char *name, size_t *index, unfurl_error *error) {
  if (npz_find(archive, name, index)) return UNFURL_OK;
  size_t arrays = 0, length;
  for (size_t i = 0; i < member_count(archive); i++) {
    if (!array_name(archive, i, &length)) continue;
    *index = i;
    arrays++;
  }
  if (arrays == 1) return UNFURL_OK;
  return fault_set(error, UNFURL_INVALID_ARGUMENT, "holds %zu arrays, and none is named '%.100s' as the model's input",
                   arrays, name);
}

/* A member that is being unpacked. */
typedef struct member {
  zip_file_t *file;
  size_t left;
} member;

static unfurl_status member_read(void *user, void *to, size_t size, size_t *got, unfurl_error *error) {
  member *own = user;
  for (*got = 0; *got < size;) {
    const zip_int64_t part = zip_fread(own->file, (char *)to + *got, size - *got);
    if (part < 0) return fault_zip(error, zip_file_get_error(own->file));
    if (part == 0) break;
    *got += (size_t)part;
  }
  own->left -= *got < own->left ? *got : own->left;
  if (own->left > 0 || size == 0) return UNFURL_OK;
  char beyond; /* the checksum is looked at only when the end is read */
  const zip_int64_t more = zip_fread(own->file, &beyond, 1);
  if (more < 0) return fault_zip(error, zip_file_get_error(own->file));
  return more == 0 ? UNFURL_OK : fault_set(error, UNFURL_BAD_FILE, "goes on after its end");
}

static void member_close(void *user) {
  member *own = user;
  zip_fclose(own->file);
  free(own);
}

/* Sizes and method of a member, as far as they are known and can be believed. */
static unfurl_status check_member(const zip_stat_t *info, unfurl_error *error) {
  const zip_uint64_t needed = ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD;
  if ((info->valid & needed) != needed) return fault_set(error, UNFURL_BAD_FILE, "is a zip archive without sizes");
  if (info->comp_method != ZIP_CM_STORE && info->comp_method != ZIP_CM_DEFLATE)
    return fault_set(error, UNFURL_UNSUPPORTED, "is compressed in a way (%u) that numpy does not use",
                     info->comp_method);
  if (info->valid & ZIP_STAT_ENCRYPTION_METHOD && info->encryption_method != ZIP_EM_NONE)
    return fault_set(error, UNFURL_UNSUPPORTED, "is encrypted");
  size_t most = info->comp_size;
  if (info->comp_method == ZIP_CM_DEFLATE && (!checked_mul(&most, MAX_EXPANSION) || !checked_add(&most, SLACK)))
    most = SIZE_MAX;
  if (info->size <= most) return UNFURL_OK;
  return fault_set(error, UNFURL_BAD_FILE, "claims to make %zu bytes out of %zu", (size_t)info->size,
                   (size_t)info->comp_size);
}

unfurl_status npz_member(const npz_archive *archive, size_t index, npy_reader *reader, unfurl_error *error) {
  zip_stat_t info;
  npy_init(reader);
  if (zip_stat_index(archive->zip, index, 0, &info) != 0) return fault_zip(error, zip_get_error(archive->zip));
  const unfurl_status status = check_member(&info, error);
  if (status != UNFURL_OK) return status;
  member *own = malloc(sizeof *own);
  if (!own) return fault_memory(error);
  *own = (member){.file = zip_fopen_index(archive->zip, index, 0), .left = info.size};
  if (!own->file) {
    free(own);
    return fault_zip(error, zip_get_error(archive->zip));
  }
  const npy_stream stream = {.read = member_read, .close = member_close, .user = own, .length = info.size};
  return npy_open_stream(reader, &stream, error);
}

void npz_close(npz_archive *archive) {
  if (archive->zip) zip_discard(archive->zip);
  archive->zip = NULL;
}
