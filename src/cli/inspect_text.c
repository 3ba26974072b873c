/* SPDX-License-Identifier: BSD-2-Clause */
/* unfurl inspect for people. A table of layers, and short lists around it. */
#include <inttypes.h>
#include <string.h>

#include "inspect.h"
#include "quantity.h"
#include "unfurl/cpu.h"

enum { NAME = 24, OP = 18, SHAPE = 96, VALUE = 60 };

/* "[1, 3, 32, 32]", a free size as "?". */
static const char *shape_text(const unfurl_tensor *shape, char text[SHAPE]) {
  size_t length = (size_t)snprintf(text, SHAPE, "[");
  for (size_t i = 0; i < shape->rank && length < SHAPE; i++) {
    const char *comma = i ? ", " : "";
    length +=
        (size_t)(shape->dims[i] < 0 ? snprintf(text + length, SHAPE - length, "%s?", comma)
                                    : snprintf(text + length, SHAPE - length, "%s%" PRId64, comma, shape->dims[i]));
  }
  if (length < SHAPE) snprintf(text + length, SHAPE - length, "]");
  return text;
}

static void print_inputs(FILE *file, const inspect_report *report) {
  const network *net = report->net;
  fputs("\ninputs\n", file);
  for (size_t i = 0; i < net->input_count; i++) {
    char name[NAME + 1], declared[SHAPE], here[SHAPE];
    unfurl_tensor shape;
    if (unfurl_model_input_shape(net->model, i, &shape, NULL) != UNFURL_OK) continue;
    shape_text(&shape, declared);
    shape_text(&net->inputs[i], here);
    fprintf(file, "  %-*s %s %s%s%s\n", NAME, quantity_name(unfurl_model_input_name(net->model, i), NAME, name),
            unfurl_dtype_name(shape.dtype), declared, strcmp(declared, here) ? ", here " : "",
            strcmp(declared, here) ? here : "");
  }
}

static void print_outputs(FILE *file, const inspect_report *report) {
  fputs("outputs\n", file);
  for (size_t i = 0; i < unfurl_model_output_count(report->net->model); i++) {
    char name[VALUE + 1];
    fprintf(file, "  %s\n", quantity_name(unfurl_model_output_name(report->net->model, i), VALUE, name));
  }
}

static void print_metadata(FILE *file, const inspect_report *report) {
  bool any = false;
  for (size_t i = 0; inspect_metadata_key(i); i++) {
    char text[VALUE + 1];
    const char *value = unfurl_model_metadata(report->net->model, inspect_metadata_key(i));
    if (!value) continue;
    if (!any) fputs("metadata\n", file);
    any = true;
    fprintf(file, "  %-14s %s\n", inspect_metadata_key(i), quantity_name(value, VALUE, text));
  }
}

/* The cells of one line of the table. */
enum { CELLS = 9 };
typedef struct layer_line {
  char cells[CELLS][SHAPE];
} layer_line;

static const layer_line titles = {
    {"layer", "operator", "output", "turns", "bands", "FLOP", "weights", "solver", "workspace"}};
static const bool is_number[CELLS] = {false, false, false, true, true, true, true, false, true};

/* The bands of a chain stand at its first layer. */
static void bands_text(const inspect_report *report, size_t index, char cell[SHAPE]) {
  const unfurl_layer *layer = &report->layers[index];
  if (layer->bands == 0)
    strcpy(cell, "-");
  else if (layer->chain < index)
    strcpy(cell, "+");
  else
    snprintf(cell, SHAPE, "%zu", layer->bands);
}

static layer_line make_line(const inspect_report *report, size_t index) {
  const unfurl_layer *layer = &report->layers[index];
  layer_line line;
  char(*cells)[SHAPE] = line.cells;
  quantity_name(layer->name, NAME, cells[0]);
  quantity_name(layer->op_type, OP, cells[1]);
  shape_text(&layer->output, cells[2]);
  snprintf(cells[3], SHAPE, "%zu", layer->turns);
  bands_text(report, index, cells[4]);
  quantity_count(2 * layer->operations, cells[5]);
  quantity_bytes(layer->weights_bytes, cells[6]);
  quantity_name(layer->algo, OP, cells[7]);
  quantity_bytes(layer->workspace_bytes, cells[8]);
  if (!layer->weights_bytes) strcpy(cells[6], "-");
  if (!*layer->algo) strcpy(cells[7], "-");
  if (!layer->workspace_bytes) strcpy(cells[8], "-");
  return line;
}

static void widen(int widths[CELLS], const layer_line *line) {
  for (size_t c = 0; c < CELLS; c++) {
    const int length = (int)strlen(line->cells[c]);
    if (length > widths[c]) widths[c] = length;
  }
}

static void print_line(FILE *file, const int widths[CELLS], const char *number, const layer_line *line) {
  fprintf(file, "%4s", number);
  for (size_t c = 0; c < CELLS; c++) fprintf(file, "  %*s", is_number[c] ? widths[c] : -widths[c], line->cells[c]);
  fputc('\n', file);
}

/* Columns are as wide as what stands in them. */
static void print_layers(FILE *file, const inspect_report *report) {
  int widths[CELLS] = {0};
  char text[QUANTITY_SIZE];
  fprintf(file, "\nlayers\n");
  widen(widths, &titles);
  for (size_t i = 0; i < report->layer_count; i++) {
    const layer_line line = make_line(report, i);
    widen(widths, &line);
  }
  print_line(file, widths, "", &titles);
  for (size_t i = 0; i < report->layer_count; i++) {
    const layer_line line = make_line(report, i);
    snprintf(text, sizeof text, "%zu", i);
    print_line(file, widths, text, &line);
  }
  fprintf(file, "\n%zu layer%s, %sFLOP for a batch of %zu\n", report->layer_count, report->layer_count == 1 ? "" : "s",
          report->flop > 0 ? quantity_count(report->flop, text) : "0 ", report->net->batch);
}

static void print_plans(FILE *file, const inspect_report *report) {
  fputs("\nplans\n", file);
  for (size_t i = 0; i < report->layer_count; i++)
    if (*report->layers[i].plan) fprintf(file, "%4zu  %s\n", i, report->layers[i].plan);
}

static void print_memory(FILE *file, const inspect_report *report) {
  const struct {
    const char *name, *what;
    size_t bytes;
  } lines[] = {
      {"arena", "intermediate values and outputs", report->memory.arena_bytes},
      {"workspace", "shared by all layers", report->memory.workspace_bytes},
      {"weights", "as they are packed", report->memory.weights_bytes},
      {"constants", "held as they came", report->memory.constants_bytes},
      {"peak", "all four", inspect_peak_bytes(report)},
  };
  fputs("\nmemory\n", file);
  for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
    char text[QUANTITY_SIZE];
    fprintf(file, "  %-10s %10s  %s\n", lines[i].name, quantity_bytes(lines[i].bytes, text), lines[i].what);
  }
}

bool inspect_print_text(FILE *file, const inspect_report *report) {
  char path[4 * VALUE + 1];
  fprintf(file, "%s: batch %zu, %zu thread%s, %s\n", quantity_name(report->path, sizeof path - 1, path),
          report->net->batch, report->threads, report->threads == 1 ? "" : "s", unfurl_isa_name(unfurl_cpu_isa()));
  print_inputs(file, report);
  print_outputs(file, report);
  print_metadata(file, report);
  print_layers(file, report);
  if (report->why) print_plans(file, report);
  print_memory(file, report);
  return true;
}
