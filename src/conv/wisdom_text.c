/* SPDX-License-Identifier: BSD-2-Clause */
#include "conv/wisdom_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/status.h"
#include "conv/planner.h"
#include "unfurl/wisdom.h"

static const char MAGIC[] = "unfurl wisdom ", TITLE[] = "unfurl wisdom 1\n";
enum { HEAD_SIZE = 512, HEAD_LINES = 4, PROCESSOR_SIZE = 64, CHECKSUM_LENGTH = 26 };

uint64_t unfurl_wisdom_checksum(uint64_t sum, const char *text, size_t length) {
  for (size_t i = 0; i < length; i++) sum = (sum ^ (unsigned char)text[i]) * UINT64_C(0x100000001b3);
  return sum;
}

/* What follows the title: where the wisdom is good. Returns its length. */
static size_t print_head(const unfurl_context *context, char head[HEAD_SIZE]) {
  char processor[PROCESSOR_SIZE];
  unfurl_cpu_name(processor, sizeof processor);
  return (size_t)snprintf(head, HEAD_SIZE, "library %s\nisa %s\nprocessor %s, L1 %zu, L2 %zu\nthreads %zu\n",
                          unfurl_version(), unfurl_isa_name(unfurl_cpu_isa()), processor, unfurl_cpu_l1_bytes(),
                          unfurl_cpu_l2_bytes(), unfurl_context_threads(context));
}

/* Returns CHECKSUM_LENGTH. */
static size_t print_checksum(uint64_t sum, char line[CHECKSUM_LENGTH + 1]) {
  return (size_t)snprintf(line, CHECKSUM_LENGTH + 1, "checksum %016" PRIx64 "\n", sum);
}

/* Text on its way into a caller's buffer: counted and summed, also where it does not fit. */
typedef struct output {
  char *buffer;
  size_t size, length;
  uint64_t sum;
} output;

static void add(output *out, const char *text, size_t length) {
  const size_t room = out->length < out->size ? out->size - out->length : 0;
  if (room > 0) memcpy(out->buffer + out->length, text, length < room ? length : room);
  out->length += length;
  out->sum = unfurl_wisdom_checksum(out->sum, text, length);
}

static void add_entry(void *user, const unfurl_wisdom_entry *entry) {
  char line[UNFURL_WISDOM_LINE];
  size_t length = unfurl_wisdom_print(entry, line);
  line[length++] = '\n';
  add(user, line, length);
}

size_t unfurl_wisdom_export(const unfurl_context *context, char *buffer, size_t size) {
  char head[HEAD_SIZE], line[CHECKSUM_LENGTH + 1];
  output out = {.buffer = buffer, .size = size, .sum = UNFURL_WISDOM_NO_SUM};
  if (context) {
    add(&out, TITLE, strlen(TITLE));
    add(&out, head, print_head(context, head));
    unfurl_wisdom_visit(context, add_entry, &out);
    add(&out, line, print_checksum(out.sum, line));
  }
  if (size > 0) buffer[out.length < size ? out.length : size - 1] = '\0';
  return out.length;
}

/* A text on its way in. */
typedef struct input {
  const char *at, *end; /* of what is left */
  size_t line;          /* number of the line that was taken last */
} input;

/* Cuts off the next line without its newline; false at the end, or where it is longer than any that was printed. */
static bool take_line(input *in, char line[UNFURL_WISDOM_LINE]) {
  const char *newline = memchr(in->at, '\n', (size_t)(in->end - in->at));
  if (!newline || newline - in->at >= UNFURL_WISDOM_LINE) return false;
  const size_t length = (size_t)(newline - in->at);
  memcpy(line, in->at, length);
  line[length] = '\0';
  in->at = newline + 1;
  in->line++;
  return true;
}

static bool begins_with(const input *in, const char *words) {
  const size_t length = strlen(words);
  return (size_t)(in->end - in->at) >= length && !memcmp(in->at, words, length);
}

/* Checks title and checksum, which then are cut off: what is left are whole lines of printable characters. */
static unfurl_status check_frame(input *in, unfurl_error *error) {
  char expected[CHECKSUM_LENGTH + 1];
  if (!begins_with(in, TITLE) && begins_with(in, MAGIC))
    return unfurl_fail(error, UNFURL_UNSUPPORTED, "its format is not version 1");
  if (!begins_with(in, TITLE)) return unfurl_fail(error, UNFURL_BAD_FILE, "it is not wisdom of unfurl");
  const size_t length = (size_t)(in->end - in->at);
  const size_t body = length < CHECKSUM_LENGTH ? 0 : length - CHECKSUM_LENGTH;
  print_checksum(unfurl_wisdom_checksum(UNFURL_WISDOM_NO_SUM, in->at, body), expected);
  if (body == 0 || memcmp(in->at + body, expected, CHECKSUM_LENGTH) != 0)
    return unfurl_fail(error, UNFURL_BAD_FILE, "it is damaged: its checksum does not fit");
  in->end -= CHECKSUM_LENGTH;
  for (const char *at = in->at; at < in->end; at++)
    if (*at != '\n' && (*at < ' ' || *at > '~'))
      return unfurl_fail(error, UNFURL_BAD_FILE, "it is damaged: it is not plain text");
  in->at += strlen(TITLE);
  in->line = 1;
  return UNFURL_OK;
}

/* Was it made by this library, on this machine, with these threads? */
static unfurl_status check_head(const unfurl_context *context, input *in, unfurl_error *error) {
  char head[HEAD_SIZE], line[UNFURL_WISDOM_LINE], here[UNFURL_WISDOM_LINE];
  input ours = {.at = head, .end = head + print_head(context, head)};
  for (size_t i = 0; i < HEAD_LINES; i++) {
    if (!take_line(in, line) || !take_line(&ours, here))
      return unfurl_fail(error, UNFURL_BAD_FILE, "it is damaged: it ends before its entries");
    if (strcmp(line, here) != 0)
      return unfurl_fail(error, UNFURL_UNSUPPORTED, "it was made elsewhere: \"%.100s\", here it is \"%.100s\"", line,
                         here);
  }
  return UNFURL_OK;
}

/* Whether the planner could have come to it here. Its workspace is looked at when it is used: in a hostile text, that of
 * thousands of odd shapes would take a minute. */
static unfurl_status check_entry(const unfurl_context *context, const unfurl_wisdom_entry *entry, unfurl_error *error) {
  unfurl_conv_problem problem;
  const unfurl_conv_desc desc = unfurl_wisdom_desc(entry);
  const unfurl_status status = unfurl_conv_problem_init(&problem, context, &desc, error);
  if (status) return status;
  if (unfurl_conv_is_eligible(&problem, entry->found.solver)) return UNFURL_OK;
  return unfurl_fail(error, UNFURL_BAD_FILE, "solver %s can't be chosen for that convolution",
                     entry->found.solver->name);
}

static unfurl_status read_entry(const unfurl_context *context, input *in, unfurl_wisdom_entry *entries, size_t count,
                                unfurl_error *error) {
  char line[UNFURL_WISDOM_LINE];
  unfurl_wisdom_entry *entry = &entries[count];
  *entry = (unfurl_wisdom_entry){.isa = unfurl_cpu_isa()};
  if (!take_line(in, line) || !unfurl_wisdom_scan(entry, line))
    return unfurl_fail(error, UNFURL_BAD_FILE, "it is not an entry, or of an unknown solver");
  const unfurl_status status = check_entry(context, entry, error);
  for (size_t i = 0; i < count && !status; i++)
    if (unfurl_wisdom_same_key(&entries[i], entry))
      return unfurl_fail(error, UNFURL_BAD_FILE, "that convolution was there before");
  return status;
}

/* Reads all entries before the first is used. What is wrong with one is damage, whatever it would be elsewhere. */
static unfurl_status read_entries(const unfurl_context *context, input *in, unfurl_wisdom_entry *entries, size_t count,
                                  unfurl_error *error) {
  for (size_t i = 0; i < count; i++) {
    unfurl_error why = {0};
    if (read_entry(context, in, entries, i, &why))
      return unfurl_fail(error, UNFURL_BAD_FILE, "line %zu: %.400s", HEAD_LINES + 2 + i, why.message);
  }
  return UNFURL_OK;
}

static size_t count_lines(const input *in) {
  size_t lines = 0;
  for (const char *at = in->at; at < in->end; at++) lines += *at == '\n';
  return lines;
}

static unfurl_status import_entries(const unfurl_context *context, input *in, unfurl_error *error) {
  const size_t count = count_lines(in), bytes = count * sizeof(unfurl_wisdom_entry);
  if (in->at == in->end) return UNFURL_OK;
  if (count > UNFURL_WISDOM_MOST || in->end[-1] != '\n')
    return unfurl_fail(error, count > UNFURL_WISDOM_MOST ? UNFURL_TOO_LARGE : UNFURL_BAD_FILE,
                       "it has more than %d entries, or half of one", UNFURL_WISDOM_MOST);
  unfurl_wisdom_entry *entries = unfurl_context_alloc(context, bytes);
  if (!entries) return unfurl_fail_memory(error, "wisdom");
  unfurl_status status = read_entries(context, in, entries, count, error);
  if (!status && !unfurl_wisdom_merge(context, entries, count)) status = unfurl_fail_memory(error, "wisdom");
  unfurl_context_free(context, entries, bytes);
  return status;
}

unfurl_status unfurl_wisdom_import(unfurl_context *context, const char *text, size_t length, unfurl_error *error) {
  if (!context || !text) return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "a pointer is NULL");
  if (length > UNFURL_WISDOM_TEXT_MOST)
    return unfurl_fail(error, UNFURL_TOO_LARGE, "it is too long to be wisdom: %zu bytes", length);
  input in = {.at = text, .end = text + length};
  unfurl_status status = check_frame(&in, error);
  if (!status) status = check_head(context, &in, error);
  if (!status) status = import_entries(context, &in, error);
  return status ? status : unfurl_succeed(error);
}
