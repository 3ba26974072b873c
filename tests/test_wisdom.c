/* SPDX-License-Identifier: BSD-2-Clause */
/* Wisdom goes out and comes back; what is damaged, stale or made up is refused whole, and says why. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conv/wisdom_text.h"
#include "conv_case.h"
#include "unfurl/wisdom.h"

enum { SIZE = 4096 };

static unfurl_conv_desc depthwise_desc(int64_t side) {
  unfurl_conv_desc desc;
  unfurl_conv_desc_init(&desc);
  desc.ih = desc.iw = side, desc.ic = desc.oc = desc.groups = 4, desc.kh = desc.kw = 3;
  return desc;
}

static unfurl_wisdom_entry entry_of(int64_t side) {
  const unfurl_conv_desc desc = depthwise_desc(side);
  unfurl_wisdom_entry entry = {.found = {unfurl_conv_solver_named("depthwise"), 1000 + side}};
  unfurl_wisdom_set_key(&entry, &desc);
  return entry;
}

/* Ends the lines in `text` with their checksum. */
static void seal(char *text) {
  const size_t length = strlen(text);
  sprintf(text + length, "checksum %016" PRIx64 "\n", unfurl_wisdom_checksum(UNFURL_WISDOM_NO_SUM, text, length));
}

/* Title and head of this context, without the checksum. */
static void begin(const unfurl_context *context, char *text) {
  unfurl_context *empty = make_context(unfurl_context_threads(context));
  unfurl_wisdom_export(empty, text, SIZE);
  *strstr(text, "checksum ") = '\0';
  unfurl_context_destroy(&empty);
}

static void add_line(char *text, const char *line) {
  strcat(text, line);
  strcat(text, "\n");
}

static void add_entry(char *text, int64_t side) {
  char line[UNFURL_WISDOM_LINE];
  const unfurl_wisdom_entry entry = entry_of(side);
  unfurl_wisdom_print(&entry, line);
  add_line(text, line);
}

static void import_ok(unfurl_context *context, const char *text, size_t count) {
  unfurl_error error;
  cr_assert_eq(unfurl_wisdom_import(context, text, strlen(text), &error), UNFURL_OK, "%s", error.message);
  cr_assert_eq(unfurl_wisdom_count(context), count);
}

/* Refused, with that status and words, and nothing of it is taken. */
static void import_refused(unfurl_context *context, const char *text, size_t length, unfurl_status expected,
                           const char *words) {
  unfurl_error error = {0};
  const size_t count = unfurl_wisdom_count(context);
  const unfurl_status status = unfurl_wisdom_import(context, text, length, &error);
  cr_assert_eq(status, expected, "\"%s\": status %d, %s", words, (int)status, error.message);
  cr_assert_eq(error.status, expected);
  cr_assert(strstr(error.message, words), "\"%s\" does not say \"%s\"", error.message, words);
  cr_assert_eq(unfurl_wisdom_count(context), count);
}

static void measure(const unfurl_context *context, int64_t side) {
  unfurl_conv_desc desc = depthwise_desc(side);
  unfurl_conv_plan *plan;
  desc.planning = UNFURL_PLAN_MEASURE;
  cr_assert_eq(unfurl_conv_plan_create(context, &desc, &plan, NULL), UNFURL_OK);
  unfurl_conv_plan_destroy(&plan);
}

static bool uses_wisdom(const unfurl_context *context, int64_t side) {
  const unfurl_conv_desc desc = depthwise_desc(side);
  unfurl_conv_plan *plan;
  char line[512];
  cr_assert_eq(unfurl_conv_plan_create(context, &desc, &plan, NULL), UNFURL_OK);
  unfurl_conv_plan_print(plan, line, sizeof line);
  unfurl_conv_plan_destroy(&plan);
  return strstr(line, "wisdom") != NULL;
}

Test(wisdom, goes_out_and_comes_back) {
  unfurl_context *from = make_context(2), *to = make_context(2);
  char text[SIZE], again[SIZE], cut[64];
  measure(from, 5);
  measure(from, 6);
  const size_t length = unfurl_wisdom_export(from, text, sizeof text);
  cr_assert_eq(length, strlen(text));
  cr_assert_eq(unfurl_wisdom_export(from, NULL, 0), length);
  cr_assert_eq(unfurl_wisdom_export(from, cut, sizeof cut), length);
  cr_assert_eq(strncmp(cut, text, sizeof cut - 1), 0);
  cr_assert_eq(cut[sizeof cut - 1], '\0');
  cr_assert_not(uses_wisdom(to, 5));
  import_ok(to, text, 2);
  cr_assert(uses_wisdom(to, 5) && uses_wisdom(to, 6) && !uses_wisdom(to, 7));
  unfurl_wisdom_export(to, again, sizeof again);
  cr_assert_str_eq(again, text);
  import_ok(to, text, 2);
  unfurl_wisdom_forget(to);
  cr_assert_eq(unfurl_wisdom_count(to), 0);
  cr_assert_not(uses_wisdom(to, 5));
  unfurl_context_destroy(&from);
  unfurl_context_destroy(&to);
}

Test(wisdom, entries_replace_older_ones) {
  unfurl_context *context = make_context(1);
  char text[SIZE], out[SIZE];
  begin(context, text);
  add_entry(text, 5);
  add_entry(text, 6);
  seal(text);
  import_ok(context, text, 2);
  begin(context, text);
  add_entry(text, 7);
  add_entry(text, 6);
  *strrchr(text, '\n') = '\0';
  strcat(text, "9\n"); /* its time has one more digit */
  seal(text);
  import_ok(context, text, 3);
  unfurl_wisdom_export(context, out, sizeof out);
  cr_assert(strstr(out, "depthwise 1005\n") && strstr(out, "depthwise 10069\n") && strstr(out, "depthwise 1007\n"));
  unfurl_context_destroy(&context);
}

Test(wisdom, nothing_is_also_wisdom) {
  unfurl_context *context = make_context(1);
  char text[SIZE];
  unfurl_wisdom_export(context, text, sizeof text);
  import_ok(context, text, 0);
  cr_assert_eq(unfurl_wisdom_export(NULL, text, sizeof text), 0);
  cr_assert_str_empty(text);
  cr_assert_eq(unfurl_wisdom_count(NULL), 0);
  unfurl_wisdom_forget(NULL);
  cr_assert_eq(unfurl_wisdom_import(NULL, text, 0, NULL), UNFURL_INVALID_ARGUMENT);
  cr_assert_eq(unfurl_wisdom_import(context, NULL, 0, NULL), UNFURL_INVALID_ARGUMENT);
  cr_assert_eq(unfurl_wisdom_save(context, NULL, NULL), UNFURL_INVALID_ARGUMENT);
  cr_assert_eq(unfurl_wisdom_load(NULL, "x", NULL), UNFURL_INVALID_ARGUMENT);
  unfurl_context_destroy(&context);
}

/* Every truncation, and every byte changed in every bit and to every neighbour. */
Test(wisdom, any_damage_is_noticed, .timeout = 60) {
  unfurl_context *context = make_context(1);
  char text[SIZE];
  begin(context, text);
  add_entry(text, 5);
  seal(text);
  const size_t length = strlen(text);
  for (size_t i = 0; i < length; i++) cr_assert_neq(unfurl_wisdom_import(context, text, i, NULL), UNFURL_OK, "%zu", i);
  for (size_t i = 0; i < length; i++) {
    const char kept = text[i];
    for (int change = 1; change < 256; change++) {
      text[i] = (char)(kept ^ change);
      cr_assert_neq(unfurl_wisdom_import(context, text, length, NULL), UNFURL_OK, "byte %zu, change %d", i, change);
    }
    text[i] = kept;
  }
  text[length] = '\n';
  cr_assert_neq(unfurl_wisdom_import(context, text, length + 1, NULL), UNFURL_OK);
  cr_assert_neq(unfurl_wisdom_import(context, "", 0, NULL), UNFURL_OK);
  cr_assert_eq(unfurl_wisdom_count(context), 0);
  text[length] = '\0';
  import_ok(context, text, 1);
  unfurl_context_destroy(&context);
}

/* A text with `from` replaced by `to`, and a right checksum. */
static void check_edited(const char *from, const char *to, unfurl_status status, const char *words) {
  unfurl_context *context = make_context(1);
  char text[SIZE], edited[SIZE];
  begin(context, text);
  add_entry(text, 5);
  add_entry(text, 6);
  const char *at = strstr(text, from);
  cr_assert_not_null(at, "%s", from);
  snprintf(edited, sizeof edited - 64, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
  seal(edited);
  import_refused(context, edited, strlen(edited), status, words);
  cr_assert_eq(unfurl_wisdom_count(context), 0);
  unfurl_context_destroy(&context);
}

Test(wisdom, made_elsewhere) {
  check_edited("unfurl wisdom 1\n", "unfurl wisdom 2\n", UNFURL_UNSUPPORTED, "format");
  check_edited("unfurl wisdom", "unfurl_wisdom", UNFURL_BAD_FILE, "not wisdom");
  check_edited("library ", "library 9", UNFURL_UNSUPPORTED, "made elsewhere: \"library 9");
  check_edited("isa ", "isa x", UNFURL_UNSUPPORTED, "made elsewhere: \"isa x");
  check_edited("processor ", "processor Z80 ", UNFURL_UNSUPPORTED, "made elsewhere: \"processor Z80");
  check_edited(", L2 ", ", L2 1", UNFURL_UNSUPPORTED, "here it is \"processor ");
  check_edited("threads 1", "threads 2", UNFURL_UNSUPPORTED, "\"threads 2\", here it is \"threads 1\"");
  check_edited("library ", "\nlibrary ", UNFURL_UNSUPPORTED, "made elsewhere");
}

/* Well sealed, but nothing that the planner could have written. */
Test(wisdom, made_up_entries) {
  static const struct {
    const char *from, *to, *words;
  } edits[] = {
      {": depthwise", ": strassen", "line 6: it is not an entry"},
      {": depthwise", ": im2col", "line 6: solver im2col can't be chosen"},
      {": depthwise", ": naive", "solver naive can't be chosen"},
      {": depthwise", ": col2im", "solver col2im can't be chosen"},
      {": depthwise", ":  depthwise", "not an entry"},
      {": depthwise", " depthwise", "not an entry"},
      {": depthwise 1005", ": depthwise -1", "not an entry"},
      {": depthwise 1005", ": depthwise 01005", "not an entry"},
      {": depthwise 1005", ": depthwise 1005 ", "not an entry"},
      {": depthwise 1005", ": depthwise", "not an entry"},
      {": depthwise 1005", ": depthwise 99999999999999999999", "not an entry"},
      {"groups 4", "groups 1", "solver depthwise can't be chosen"},
      {": depthwise", ": winograd_f4", "solver winograd_f4 can't be chosen"},
      {"groups 4", "groups 3", "line 6: groups is 3"},
      {"groups 4", "groups 0", "groups is 0"},
      {"groups 4", "groups +4", "not an entry"},
      {"groups 4", "groups  4", "not an entry"},
      {"groups 4", "groups 4\t", "not plain text"},
      {"groups 4 ", "", "not an entry"},
      {"stride_h 1", "stride_h -1", "stride_h is -1"},
      {"stride_h 1", "stride_h 9223372036854775808", "not an entry"},
      {"ih 5", "ih 2", "no output"},
      {"transposed 0", "transposed 2", "not an entry"},
      {"src_layout 1", "src_layout 7", "layout"},
      {"src_layout 1", "src_layout 4294967297", "not an entry"},
      {"tolerance_bits ", "tolerance_bits 9", "not an entry"},
      {"tolerance_bits ", "tolerance_bits -", "not an entry"},
      {"ih 6 iw 6", "ih 5 iw 5", "line 7: that convolution was there before"},
      {"\nbatch", "\n\nbatch", "line 6: it is not an entry"},
      {"depthwise 1006\n", "depthwise 1006", "half"},
      {"depthwise 1006\n", "depthwise 1006\n\n", "line 8: it is not an entry"},
  };
  for (size_t i = 0; i < sizeof edits / sizeof *edits; i++)
    check_edited(edits[i].from, edits[i].to, UNFURL_BAD_FILE, edits[i].words);
}

/* Whoever wants sums as exact as the direct one never gets others, whatever a file says; and the other way round. */
Test(wisdom, solvers_of_another_class) {
  for (int exact = 0; exact < 2; exact++) {
    unfurl_context *context = make_context(1);
    char text[SIZE], line[UNFURL_WISDOM_LINE];
    unfurl_conv_desc desc = depthwise_desc(12);
    desc.ic = desc.oc = 32, desc.groups = 1, desc.tolerance = exact ? 0 : 2e-5f;
    unfurl_wisdom_entry entry = {.found = {unfurl_conv_solver_named(exact ? "winograd_f4" : "strided"), 1}};
    unfurl_wisdom_set_key(&entry, &desc);
    unfurl_wisdom_print(&entry, line);
    begin(context, text);
    add_line(text, line);
    seal(text);
    import_refused(context, text, strlen(text), UNFURL_BAD_FILE, "can't be chosen");
    unfurl_context_destroy(&context);
  }
}

/* An entry whose solver needs more room than the limit in its key allows is taken, but not used. */
Test(wisdom, solvers_over_the_limit) {
  unfurl_context *context = make_context(1);
  char text[SIZE], line[UNFURL_WISDOM_LINE];
  unfurl_conv_desc desc = depthwise_desc(5);
  desc.oc = 36, desc.workspace_limit = 100; /* depthwise spreads 3 * 5 * 36 floats */
  unfurl_wisdom_entry entry = {.found = {unfurl_conv_solver_named("depthwise"), 1}};
  unfurl_wisdom_set_key(&entry, &desc);
  unfurl_wisdom_print(&entry, line);
  begin(context, text);
  add_line(text, line);
  seal(text);
  import_ok(context, text, 1);
  unfurl_conv_plan *plan;
  unfurl_error error;
  cr_assert_eq(unfurl_conv_plan_create(context, &desc, &plan, &error), UNFURL_TOO_LARGE);
  cr_assert(strstr(error.message, "the limit is 100"), "%s", error.message);
  unfurl_context_destroy(&context);
}

/* Thousands of shapes that take long to plan are read in no time. */
Test(wisdom, odd_shapes_are_read_quickly, .timeout = 10) {
  unfurl_context *context = make_context(1);
  char *text = take(SIZE + (size_t)UNFURL_WISDOM_MOST * UNFURL_WISDOM_LINE), line[UNFURL_WISDOM_LINE];
  begin(context, text);
  size_t length = strlen(text);
  for (int64_t i = 0; i < UNFURL_WISDOM_MOST; i++) {
    unfurl_conv_desc desc = depthwise_desc(200000);
    desc.groups = 1, desc.batch = 1 + i, desc.kh = desc.kw = 120;
    desc.pad_top = desc.pad_left = desc.pad_bottom = desc.pad_right = 120;
    unfurl_wisdom_entry entry = {.found = {unfurl_conv_solver_named("strided"), 1}};
    unfurl_wisdom_set_key(&entry, &desc);
    unfurl_wisdom_print(&entry, line);
    length += (size_t)snprintf(text + length, UNFURL_WISDOM_LINE, "%s\n", line);
  }
  seal(text);
  import_ok(context, text, UNFURL_WISDOM_MOST);
  free(text);
  unfurl_context_destroy(&context);
}

Test(wisdom, long_lines_and_long_texts) {
  unfurl_context *context = make_context(1);
  char text[SIZE], line[1500];
  memset(line, 'x', sizeof line);
  line[sizeof line - 1] = '\0';
  begin(context, text);
  add_line(text, line);
  seal(text);
  import_refused(context, text, strlen(text), UNFURL_BAD_FILE, "not an entry");
  import_refused(context, text, (size_t)UNFURL_WISDOM_TEXT_MOST + 1, UNFURL_TOO_LARGE, "too long");
  unfurl_context_destroy(&context);
}

/* `count` entries, of images of side 5, 6, ... */
static char *many_entries(const unfurl_context *context, int64_t count) {
  char *text = take(SIZE + (size_t)count * UNFURL_WISDOM_LINE), line[UNFURL_WISDOM_LINE];
  begin(context, text);
  size_t length = strlen(text);
  for (int64_t side = 5; side < 5 + count; side++) {
    const unfurl_wisdom_entry entry = entry_of(side);
    unfurl_wisdom_print(&entry, line);
    length += (size_t)snprintf(text + length, UNFURL_WISDOM_LINE, "%s\n", line);
  }
  seal(text);
  return text;
}

Test(wisdom, is_bounded, .timeout = 60) {
  heap h = {0};
  const unfurl_context_options options = heap_options(&h);
  unfurl_context *context;
  cr_assert_eq(unfurl_context_create(&options, &context, NULL), UNFURL_OK);
  char *most = many_entries(context, UNFURL_WISDOM_MOST), *more = many_entries(context, UNFURL_WISDOM_MOST + 1);
  import_refused(context, more, strlen(more), UNFURL_TOO_LARGE, "more than 4096 entries");
  import_ok(context, most, UNFURL_WISDOM_MOST);
  cr_assert(uses_wisdom(context, 5) && uses_wisdom(context, 4100));
  measure(context, 4);
  cr_assert_eq(unfurl_wisdom_count(context), UNFURL_WISDOM_MOST);
  cr_assert(uses_wisdom(context, 4) && !uses_wisdom(context, 5) && uses_wisdom(context, 6)); /* the oldest went */
  const size_t length = unfurl_wisdom_export(context, NULL, 0);
  cr_assert_leq(length, UNFURL_WISDOM_TEXT_MOST);
  char *text = take(length + 1);
  unfurl_wisdom_export(context, text, length + 1);
  cr_assert_null(strstr(text, "ih 5 "));
  cr_assert_lt(strstr(text, "ih 6 "), strstr(text, "ih 4 "));
  cr_assert_leq(atomic_load(&h.peak_bytes), 4 << 20);
  free(text);
  free(most);
  free(more);
  unfurl_context_destroy(&context);
  cr_assert(heap_is_clean(&h));
}

Test(wisdom, no_memory) {
  heap h = {0};
  const unfurl_context_options options = heap_options(&h);
  unfurl_context *context;
  cr_assert_eq(unfurl_context_create(&options, &context, NULL), UNFURL_OK);
  char *text = many_entries(context, 20);
  for (size_t fail_at = 1; fail_at <= 2; fail_at++) {
    heap_reset(&h, fail_at, true);
    import_refused(context, text, strlen(text), UNFURL_OUT_OF_MEMORY, "memory");
  }
  heap_reset(&h, 1, true);
  cr_assert_eq(unfurl_wisdom_save(context, "/tmp/never-written", NULL), UNFURL_OUT_OF_MEMORY);
  heap_reset(&h, 0, false);
  import_ok(context, text, 20);
  free(text);
  unfurl_context_destroy(&context);
  cr_assert(heap_is_clean(&h));
}

/* A folder for one test, and how many names are in it. */
static char *make_folder(void) {
  static char folder[] = "/tmp/unfurl-wisdom-XXXXXX";
  cr_assert_not_null(mkdtemp(folder));
  return folder;
}

static size_t count_files(const char *folder) {
  DIR *dir = opendir(folder);
  size_t count = 0;
  for (const struct dirent *entry; (entry = readdir(dir));)
    count += strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
  closedir(dir);
  return count;
}

Test(wisdom, files) {
  unfurl_context *from = make_context(1), *to = make_context(1);
  char path[PATH_MAX], link[PATH_MAX], text[SIZE];
  const char *folder = make_folder();
  snprintf(path, sizeof path, "%s/wisdom", folder);
  snprintf(link, sizeof link, "%s/link", folder);
  begin(from, text);
  add_entry(text, 5);
  seal(text);
  import_ok(from, text, 1);
  unfurl_error error;
  cr_assert_eq(unfurl_wisdom_save(from, path, &error), UNFURL_OK, "%s", error.message);
  cr_assert_eq(unfurl_wisdom_load(to, path, &error), UNFURL_OK, "%s", error.message);
  cr_assert_eq(unfurl_wisdom_count(to), 1);
  cr_assert_eq(symlink("wisdom", link), 0);
  unfurl_wisdom_forget(from);
  cr_assert_eq(unfurl_wisdom_save(from, link, &error), UNFURL_OK);
  struct stat info;
  cr_assert(lstat(link, &info) == 0 && S_ISLNK(info.st_mode), "the link stays one");
  unfurl_wisdom_forget(to);
  cr_assert_eq(unfurl_wisdom_load(to, path, &error), UNFURL_OK);
  cr_assert_eq(unfurl_wisdom_count(to), 0);
  cr_assert_eq(count_files(folder), 2);
  unlink(link);
  unlink(path);
  rmdir(folder);
  unfurl_context_destroy(&from);
  unfurl_context_destroy(&to);
}

static void check_file_fails(unfurl_status (*call)(unfurl_context *, const char *, unfurl_error *),
                             unfurl_context *context, const char *path, unfurl_status expected) {
  unfurl_error error;
  const unfurl_status status = call(context, path, &error);
  cr_assert_eq(status, expected, "%s: %s", path, error.message);
  cr_assert(strncmp(error.message, path, strlen(path)) == 0, "%s", error.message);
}

static unfurl_status save(unfurl_context *context, const char *path, unfurl_error *error) {
  return unfurl_wisdom_save(context, path, error);
}

Test(wisdom, files_that_are_none) {
  unfurl_context *context = make_context(1);
  char path[PATH_MAX], *const folder = make_folder();
  snprintf(path, sizeof path, "%s/none/wisdom", folder);
  check_file_fails(unfurl_wisdom_load, context, path, UNFURL_IO_ERROR);
  check_file_fails(save, context, path, UNFURL_IO_ERROR);
  check_file_fails(unfurl_wisdom_load, context, folder, UNFURL_IO_ERROR);
  check_file_fails(save, context, folder, UNFURL_IO_ERROR);
  check_file_fails(unfurl_wisdom_load, context, "/dev/zero", UNFURL_IO_ERROR);
  check_file_fails(save, context, "/dev/null", UNFURL_IO_ERROR);
  snprintf(path, sizeof path, "%s/pipe", folder);
  cr_assert_eq(mkfifo(path, 0600), 0);
  check_file_fails(unfurl_wisdom_load, context, path, UNFURL_IO_ERROR);
  unlink(path);
  snprintf(path, sizeof path, "%s/text", folder);
  FILE *file = fopen(path, "w");
  fputs("hello\n", file);
  fclose(file);
  check_file_fails(unfurl_wisdom_load, context, path, UNFURL_BAD_FILE);
  cr_assert_eq(truncate(path, (off_t)UNFURL_WISDOM_TEXT_MOST + 1), 0);
  check_file_fails(unfurl_wisdom_load, context, path, UNFURL_TOO_LARGE);
  unlink(path);
  cr_assert_eq(count_files(folder), 0);
  rmdir(folder);
  unfurl_context_destroy(&context);
}

Test(wisdom, every_number_of_a_key_survives) {
  rng r = {3};
  for (size_t i = 0; i < 10000; i++) {
    unfurl_wisdom_entry entry = entry_of((int64_t)rng_below(&r, 1 << 30)), read = {0};
    char line[UNFURL_WISDOM_LINE];
    for (size_t k = 0; k < 16; k++) entry.key[k] = (int64_t)rng_below(&r, SIZE_MAX);
    entry.found.nanoseconds = (int64_t)rng_below(&r, INT64_MAX);
    cr_assert_lt(unfurl_wisdom_print(&entry, line), UNFURL_WISDOM_LINE);
    cr_assert(unfurl_wisdom_scan(&read, line), "%s", line);
    cr_assert(unfurl_wisdom_same_key(&entry, &read) && entry.found.nanoseconds == read.found.nanoseconds);
  }
}
