/* SPDX-License-Identifier: BSD-2-Clause */
#include "problem.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "checked.h"
#include "fault.h"
#include "parse.h"
#include "textfile.h"

#define FIELD_MAX (INT64_C(1) << 30) /* sums and products of two fields fit in 64 bits */

typedef enum field { G, MB, IC, OC, IH, IW, OH, OW, KH, KW, SH, SW, PH, PW, DH, DW, DEPTH, FIELDS } field;

static const struct {
  const char *name;
  field field;
  int64_t least;
} fields[] = {
    {"g", G, 1},      {"mb", MB, 1},    {"ic", IC, 1},    {"oc", OC, 1},    {"ih", IH, 1},    {"iw", IW, 1},
    {"oh", OH, 1},    {"ow", OW, 1},    {"kh", KH, 1},    {"kw", KW, 1},    {"sh", SH, 1},    {"sw", SW, 1},
    {"ph", PH, 0},    {"pw", PW, 0},    {"dh", DH, 0},    {"dw", DW, 0},    {"id", DEPTH, 0}, {"od", DEPTH, 0},
    {"kd", DEPTH, 0}, {"sd", DEPTH, 0}, {"pd", DEPTH, 0}, {"dd", DEPTH, 0},
};

/* A problem that is being read: the values so far, -1 where there is none yet. */
typedef struct problem_scan {
  const char *begin, *at;
  int64_t values[FIELDS];
  unfurl_error *error;
} problem_scan;

static unfurl_status bad(const problem_scan *scan, const char *what) {
  return fault_set(scan->error, UNFURL_INVALID_ARGUMENT, "%s at character %td, '%.20s'", what,
                   scan->at - scan->begin + 1, scan->at);
}

static unfurl_status read_number(problem_scan *scan, size_t index) {
  int64_t value = 0;
  const char *first = scan->at;
  for (; *scan->at >= '0' && *scan->at <= '9'; scan->at++)
    if (value <= FIELD_MAX) value = 10 * value + (*scan->at - '0');
  if (scan->at == first) return bad(scan, "a number is missing");
  scan->at = value < fields[index].least || value > FIELD_MAX ? first : scan->at;
  if (value > FIELD_MAX) return bad(scan, "a number that is too large");
  if (value < fields[index].least) return bad(scan, "a number that must not be 0");
  scan->values[fields[index].field] = value;
  return UNFURL_OK;
}

static unfurl_status read_field(problem_scan *scan) {
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
    const size_t length = strlen(fields[i].name);
    if (strncmp(scan->at, fields[i].name, length) != 0) continue;
    if (fields[i].field == DEPTH)
      return fault_set(scan->error, UNFURL_UNSUPPORTED, "field '%s': three-dimensional images are not supported",
                       fields[i].name);
    if (scan->values[fields[i].field] >= 0) return bad(scan, "a field for the second time");
    scan->at += length;
    return read_number(scan, i);
  }
  return bad(scan, "no known field");
}

/* The name is all the rest; `*N` at its end is the repeat count. */
static unfurl_status read_name(problem_scan *scan, problem_spec *problem) {
  const char *name = scan->at;
  size_t length = strlen(name);
  if (*name == '"') {
    const char *end = strchr(++name, '"');
    if (!end) return bad(scan, "a quote that is never closed");
    length = (size_t)(end - name);
    scan->at = end + 1;
    if (*scan->at) return bad(scan, "more after the name");
  }
  if (length == 0) return bad(scan, "an empty name");
  for (size_t i = 0; i < length; i++) {
    scan->at = name + i;
    if ((unsigned char)name[i] < ' ' || name[i] == '"' || name[i] == 0x7f) return bad(scan, "no character of a name");
  }
  free(problem->name);
  problem->name = strndup(name, length);
  if (!problem->name) return fault_memory(scan->error);
  char *star = strrchr(problem->name, '*');
  if (star) {
    scan->at = name + (star - problem->name);
    if (!parse_size(star + 1, 1, (size_t)FIELD_MAX, &problem->repeat)) return bad(scan, "no repeat count");
    *star = '\0';
  }
  return UNFURL_OK;
}

static unfurl_status read_fields(problem_scan *scan, problem_spec *problem) {
  unfurl_status status = UNFURL_OK;
  while (status == UNFURL_OK && *scan->at) {
    if (*scan->at == '_') {
      scan->at++;
    } else if (*scan->at == 'n') {
      scan->at++;
      return read_name(scan, problem);
    } else {
      status = read_field(scan);
    }
  }
  return status;
}

/* One direction of the geometry, in which out and the padding may be left out (-1). */
typedef struct problem_axis {
  const char *name; /* of the result's field, for messages */
  int64_t in, out, kernel, stride, dilation, before, after;
} problem_axis;

/* Fills out, before and after. With out given, `after` is what out needs, and 0 if image rows are left over. */
static unfurl_status solve_axis(problem_axis *axis, unfurl_error *error) {
  const int64_t span = (axis->kernel - 1) * axis->dilation + 1; /* rows that a kernel covers */
  if (axis->out < 0) {
    if (axis->before < 0) axis->before = 0;
    axis->after = axis->before;
    const int64_t last = axis->in + 2 * axis->before - span;
    if (last >= 0) axis->out = last / axis->stride + 1;
    if (last >= 0) return UNFURL_OK;
    return fault_set(error, UNFURL_INVALID_ARGUMENT,
                     "a kernel of %" PRId64 " is larger than the padded image of %" PRId64, span,
                     axis->in + 2 * axis->before);
  }
  const int64_t covered = (axis->out - 1) * axis->stride + span;
  if (axis->before < 0) axis->before = covered > axis->in ? (covered - axis->in) / 2 : 0;
  const int64_t needed = covered - axis->in - axis->before;
  const int64_t allowed = axis->before > span - 1 ? axis->before : span - 1;
  axis->after = needed > 0 ? needed : 0;
  const int64_t least = axis->in + axis->before >= span ? (axis->in + axis->before - span) / axis->stride + 1 : 1;
  const int64_t most =
      axis->in + axis->before + allowed >= span ? (axis->in + axis->before + allowed - span) / axis->stride + 1 : 0;
  if (axis->out >= least && axis->out <= most) return UNFURL_OK;
  if (most == least)
    return fault_set(error, UNFURL_INVALID_ARGUMENT, "%s%" PRId64 " does not fit: %s%" PRId64 " would", axis->name,
                     axis->out, axis->name, most);
  return fault_set(error, UNFURL_INVALID_ARGUMENT, "%s%" PRId64 " does not fit: %s%" PRId64 " to %s%" PRId64 " would",
                   axis->name, axis->out, axis->name, least, axis->name, most);
}

/* What was left out and has a default; ow is left alone where the widths are not the heights. */
static unfurl_status fill_defaults(problem_scan *scan) {
  static const struct {
    field field;
    int64_t value;
  } defaults[] = {{G, 1}, {MB, 1}, {SH, 1}, {DH, 0}};
  static const struct {
    field field;
    const char *name;
  } required[] = {{IC, "ic"}, {OC, "oc"}, {IH, "ih"}, {KH, "kh"}};
  int64_t *values = scan->values;
  for (size_t i = 0; i < sizeof required / sizeof *required; i++)
    if (values[required[i].field] < 0)
      return fault_set(scan->error, UNFURL_INVALID_ARGUMENT, "field '%s' is missing", required[i].name);
  for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++)
    if (values[defaults[i].field] < 0) values[defaults[i].field] = defaults[i].value;
  static const field pairs[][2] = {{IW, IH}, {KW, KH}, {SW, SH}, {DW, DH}, {PW, PH}};
  bool square = true;
  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
    int64_t *width = &values[pairs[i][0]];
    if (*width < 0) *width = values[pairs[i][1]];
    square = square && *width == values[pairs[i][1]];
  }
  if (square && values[OW] < 0) values[OW] = values[OH];
  if (values[IC] % values[G] == 0 && values[OC] % values[G] == 0) return UNFURL_OK;
  return fault_set(scan->error, UNFURL_INVALID_ARGUMENT,
                   "ic%" PRId64 " and oc%" PRId64 " are not both multiples of g%" PRId64, values[IC], values[OC],
                   values[G]);
}

static unfurl_status make_desc(const problem_scan *scan, problem_spec *problem) {
  const int64_t *v = scan->values;
  problem_axis h = {"oh", v[IH], v[OH], v[KH], v[SH], v[DH] + 1, v[PH], 0};
  problem_axis w = {"ow", v[IW], v[OW], v[KW], v[SW], v[DW] + 1, v[PW], 0};
  unfurl_status status = solve_axis(&h, scan->error);
  if (status == UNFURL_OK) status = solve_axis(&w, scan->error);
  if (status != UNFURL_OK) return status;
  unfurl_conv_desc *desc = &problem->desc;
  unfurl_conv_desc_init(desc);
  desc->batch = v[MB], desc->groups = v[G], desc->ic = v[IC], desc->oc = v[OC];
  desc->ih = v[IH], desc->iw = v[IW], desc->kh = v[KH], desc->kw = v[KW];
  desc->stride_h = v[SH], desc->stride_w = v[SW], desc->dilation_h = h.dilation, desc->dilation_w = w.dilation;
  desc->pad_top = h.before, desc->pad_bottom = h.after, desc->pad_left = w.before, desc->pad_right = w.after;
  problem->oh = h.out, problem->ow = w.out;
  return UNFURL_OK;
}

/* The text without blanks around it. */
static char *trimmed(const char *text) {
  static const char blanks[] = " \t\r\n";
  text += strspn(text, blanks);
  size_t length = strlen(text);
  while (length > 0 && strchr(blanks, text[length - 1])) length--;
  return strndup(text, length);
}

unfurl_status problem_parse(problem_spec *problem, const char *text, unfurl_error *error) {
  *problem = (problem_spec){.text = trimmed(text), .name = strdup(""), .repeat = 1};
  if (!problem->text || !problem->name) return fault_memory(error);
  problem_scan scan = {.begin = problem->text, .at = problem->text, .error = error};
  for (size_t i = 0; i < FIELDS; i++) scan.values[i] = -1;
  unfurl_status status = read_fields(&scan, problem);
  if (status == UNFURL_OK) status = fill_defaults(&scan);
  return status == UNFURL_OK ? make_desc(&scan, problem) : status;
}

void problem_free(problem_spec *problem) {
  free(problem->text);
  free(problem->name);
  *problem = (problem_spec){0};
}

unfurl_status problem_list_append(problem_list *list, const problem_spec *problem, unfurl_error *error) {
  size_t size = sizeof *list->items;
  problem_spec *items = checked_mul(&size, list->count + 1) ? realloc(list->items, size) : NULL;
  if (!items) return fault_memory(error);
  list->items = items;
  items[list->count++] = *problem;
  return UNFURL_OK;
}

unfurl_status problem_list_add(problem_list *list, const char *text, unfurl_error *error) {
  const problem_spec empty = {.text = NULL};
  const unfurl_status status = problem_list_append(list, &empty, error);
  return status == UNFURL_OK ? problem_parse(&list->items[list->count - 1], text, error) : status;
}

unfurl_status problem_list_load(problem_list *list, const char *path, unfurl_error *error) {
  char *text;
  unfurl_status status = textfile_read(path, &text, error);
  char *cursor = text;
  size_t number = 0;
  for (char *line; status == UNFURL_OK && (line = textfile_line(&cursor));) {
    unfurl_error cause = {0};
    number++;
    line += strspn(line, " \t");
    if (*line == '\0' || *line == '#') continue;
    status = problem_list_add(list, line, &cause);
    if (status != UNFURL_OK) fault_set(error, status, "line %zu: %.400s", number, cause.message);
  }
  free(text);
  return status;
}

void problem_list_free(problem_list *list) {
  for (size_t i = 0; i < list->count; i++) problem_free(&list->items[i]);
  free(list->items);
  *list = (problem_list){0};
}

double problem_macs(const problem_spec *problem) {
  const unfurl_conv_desc *desc = &problem->desc;
  const double taps = (double)desc->kh * (double)desc->kw * (double)(desc->ic / desc->groups);
  return taps * (double)desc->batch * (double)desc->oc * (double)problem->oh * (double)problem->ow;
}
