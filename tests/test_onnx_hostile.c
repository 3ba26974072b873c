/* SPDX-License-Identifier: BSD-2-Clause */
/* Damaged and hostile files, files that are no files, and memory that runs out: always a status, never more. */
#include <criterion/criterion.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "onnx_writer.h"
#include "unfurl/onnx.h"

/* An allocator that counts, and that can fail: at allocation `fail_at`, or from there on. */
typedef struct counter {
  size_t live, peak, calls, fail_at;
  bool fail_after;
} counter;

static void *counting_alloc(void *user, size_t size, size_t align) {
  counter *c = user;
  c->calls++;
  if (c->fail_at && (c->calls == c->fail_at || (c->fail_after && c->calls > c->fail_at))) return NULL;
  c->live += size;
  if (c->live > c->peak) c->peak = c->live;
  return aligned_alloc(align, (size + align - 1) / align * align);
}

static void counting_free(void *user, void *ptr, size_t size) {
  counter *c = user;
  if (ptr) c->live -= size;
  free(ptr);
}

static unfurl_context *make_context(counter *c) {
  unfurl_context_options options;
  unfurl_context *context;
  unfurl_context_options_init(&options);
  options.alloc = counting_alloc;
  options.free = counting_free;
  options.alloc_user = c;
  cr_assert_eq(unfurl_context_create(&options, &context, NULL), UNFURL_OK);
  return context;
}

/* Loads a copy that ends where its allocation ends, as a model and as a tensor. */
static unfurl_status load(const unfurl_context *context, const unsigned char *data, size_t size) {
  unfurl_error error;
  unfurl_model *model;
  unfurl_tensor tensor;
  unsigned char *copy = malloc(size ? size : 1);
  cr_assert_not_null(copy);
  if (size > 0) memcpy(copy, data, size);
  const unfurl_status status = unfurl_onnx_load_memory(context, copy, size, &model, &error);
  cr_assert_eq(status == UNFURL_OK, error.message[0] == '\0', "%d %s", status, error.message);
  cr_assert_eq(status == UNFURL_OK, model != NULL);
  unfurl_model_destroy(&model);
  unfurl_onnx_load_tensor(context, copy, size, &tensor, &error);
  unfurl_onnx_tensor_free(context, &tensor);
  free(copy);
  return status;
}

Test(onnx_hostile, truncated_at_every_byte) {
  counter c = {0};
  unfurl_context *context = make_context(&c);
  const size_t before = c.live;
  pb model = onnx_small_model();
  for (size_t size = 0; size < model.size; size++) {
    const unfurl_status status = load(context, model.data, size);
    cr_assert(status == UNFURL_OK || status == UNFURL_BAD_FILE, "%zu bytes: %d", size, status);
  }
  cr_assert_eq(load(context, model.data, model.size), UNFURL_OK);
  cr_assert_eq(c.live, before);
  pb_free(&model);
  unfurl_context_destroy(&context);
}

static uint64_t next_random(uint64_t *state) {
  *state ^= *state << 13;
  *state ^= *state >> 7;
  *state ^= *state << 17;
  return *state;
}

/* One to four changes: a random byte, a flipped bit, a byte doubled (what follows moves on) or left out. */
static void mutate(pb *bytes, uint64_t *random) {
  for (uint64_t changes = 1 + next_random(random) % 4; changes-- > 0;) {
    unsigned char *at = bytes->data + next_random(random) % bytes->size;
    const size_t behind = (size_t)(bytes->data + bytes->size - at) - 1;
    switch (next_random(random) % 4) {
    case 0:
      *at = (unsigned char)next_random(random);
      break;
    case 1:
      *at ^= (unsigned char)(1u << next_random(random) % 8);
      break;
    case 2:
      memmove(at + 1, at, behind);
      break;
    case 3:
      memmove(at, at + 1, behind);
      break;
    }
  }
}

/* A small file needs little memory, whatever it says. */
Test(onnx_hostile, random_mutations) {
  counter c = {0};
  unfurl_context *context = make_context(&c);
  const size_t before = c.live;
  uint64_t random = 20240229;
  pb model = onnx_small_model();
  unsigned char original[1024];
  cr_assert_leq(model.size, sizeof original);
  memcpy(original, model.data, model.size);
  size_t refused = 0;
  for (int run = 0; run < 20000; run++) {
    memcpy(model.data, original, model.size);
    mutate(&model, &random);
    refused += load(context, model.data, model.size) != UNFURL_OK;
    cr_assert_eq(c.live, before, "run %d leaks", run);
  }
  cr_assert_gt(refused, 10000);
  cr_assert_leq(c.peak, (size_t)32 << 20);
  pb_free(&model);
  unfurl_context_destroy(&context);
}

/* Two bytes in the file, 248 in memory: stopped by the budget, long before all of it is allocated. */
Test(onnx_hostile, more_structure_than_content) {
  counter c = {0};
  unfurl_error error;
  unfurl_model *model;
  unfurl_context *context = make_context(&c);
  pb node = onnx_node("Gemm", "fc1", "x", "w", "y"), graph = {0};
  for (int i = 0; i < 100000; i++) pb_bytes(&node, 5, NULL, 0);
  pb_message(&graph, 1, &node);
  pb bytes = onnx_model(8, 13, &graph);
  cr_assert_eq(unfurl_onnx_load_memory(context, bytes.data, bytes.size, &model, &error), UNFURL_TOO_LARGE);
  cr_assert(strstr(error.message, "structure"), "%s", error.message);
  cr_assert_leq(c.peak, 65 * bytes.size + ((size_t)1 << 20));
  pb_free(&bytes);
  unfurl_context_destroy(&context);
}

/* A graph that comes again would be merged, in quadratic time. */
Test(onnx_hostile, repeated_graphs) {
  counter c = {0};
  unfurl_context *context = make_context(&c);
  pb model = onnx_small_model();
  for (int i = 0; i < 1000000; i++) pb_bytes(&model, 7, NULL, 0);
  cr_assert_eq(load(context, model.data, model.size), UNFURL_BAD_FILE);
  pb_free(&model);
  unfurl_context_destroy(&context);
}

Test(onnx_hostile, every_allocation_may_fail) {
  pb model = onnx_small_model();
  for (int after = 0; after < 2; after++) {
    unfurl_status status = UNFURL_OUT_OF_MEMORY;
    for (size_t nth = 1; status != UNFURL_OK; nth++) {
      counter c = {0};
      unfurl_error error;
      unfurl_model *loaded;
      unfurl_context *context = make_context(&c);
      const size_t before = c.live;
      c.fail_at = c.calls + nth;
      c.fail_after = after;
      status = unfurl_onnx_load_memory(context, model.data, model.size, &loaded, &error);
      cr_assert(status == UNFURL_OK || status == UNFURL_OUT_OF_MEMORY, "allocation %zu: %s", nth, error.message);
      unfurl_model_destroy(&loaded);
      cr_assert_eq(c.live, before, "allocation %zu leaks", nth);
      unfurl_context_destroy(&context);
      cr_assert_lt(nth, 10000);
    }
  }
  pb_free(&model);
}

static void expect_file_error(const unfurl_context *context, const char *path, unfurl_status status, const char *says) {
  unfurl_error error;
  unfurl_model *model;
  cr_expect_eq(unfurl_onnx_load_file(context, path, &model, &error), status, "%s: %s", path, error.message);
  cr_expect(strstr(error.message, says), "\"%s\" lacks \"%s\"", error.message, says);
  cr_expect(strncmp(error.message, path, strlen(path)) == 0, "\"%s\" does not name the path", error.message);
  cr_expect_null(model);
}

static void write_file(const char *path, const void *data, size_t size) {
  FILE *file = fopen(path, "wb");
  cr_assert_not_null(file);
  if (size > 0) cr_assert_eq(fwrite(data, 1, size, file), size);
  cr_assert_eq(fclose(file), 0);
}

Test(onnx_hostile, files_of_all_kinds) {
  counter c = {0};
  unfurl_error error;
  unfurl_model *model;
  unfurl_context *context = make_context(&c);
  const size_t before = c.live;
  char folder[] = "/tmp/unfurl-onnx-XXXXXX";
  cr_assert_not_null(mkdtemp(folder));
  cr_assert_eq(chdir(folder), 0);
  pb bytes = onnx_small_model();
  write_file("model.onnx", bytes.data, bytes.size);
  write_file("cut.onnx", bytes.data, bytes.size - 1);
  write_file("empty.onnx", NULL, 0);
  write_file("huge.onnx", NULL, 0);
  cr_assert_eq(truncate("huge.onnx", (off_t)1 << 31), 0);
  cr_assert_eq(mkfifo("pipe.onnx", 0600), 0);

  cr_assert_eq(unfurl_onnx_load_file(context, "model.onnx", &model, &error), UNFURL_OK, "%s", error.message);
  unfurl_model_destroy(&model);
  expect_file_error(context, "cut.onnx", UNFURL_BAD_FILE, "ModelProto");
  expect_file_error(context, "empty.onnx", UNFURL_BAD_FILE, "empty");
  expect_file_error(context, "huge.onnx", UNFURL_TOO_LARGE, "2 GiB");
  expect_file_error(context, "pipe.onnx", UNFURL_IO_ERROR, "not a regular file");
  expect_file_error(context, "missing.onnx", UNFURL_IO_ERROR, "No such file");
  expect_file_error(context, folder, UNFURL_IO_ERROR, "not a regular file");
  expect_file_error(context, "/dev/zero", UNFURL_IO_ERROR, "not a regular file");
  cr_assert_eq(c.live, before);

  static const char *const names[] = {"model.onnx", "cut.onnx", "empty.onnx", "huge.onnx", "pipe.onnx"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) unlink(names[i]);
  rmdir(folder);
  pb_free(&bytes);
  unfurl_context_destroy(&context);
}
