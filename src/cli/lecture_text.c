/* SPDX-License-Identifier: BSD-2-Clause */
#include "lecture_text.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "lecture_filters.h"

enum { NUMBER = 16, INDENT = 5, GAP = 5, CLIP = 40 };

typedef struct lecture_text {
  FILE *file;
  const terminal *screen;
  const lecture_numbers *numbers;
  const lecture_pictures *pictures;
} lecture_text;

static void heading(const lecture_text *text, const char *line) {
  fputc('\n', text->file);
  terminal_heading(text->screen, line);
  fputc('\n', text->file);
}

/* Whole numbers as they are, others with two places; at most 10 characters for what an image can lead to. */
static const char *number(float value, char buffer[NUMBER]) {
  const double wide = value == 0 ? 0 : (double)value; /* no -0 */
  snprintf(buffer, NUMBER, "%.*f", value == roundf(value) || fabsf(value) >= 1000 ? 0 : 2, wide);
  return buffer;
}

static void print_numbers(FILE *file, const float *values, size_t count, int width) {
  char buffer[NUMBER];
  for (size_t i = 0; i < count; i++) fprintf(file, "%*s", width, number(values[i], buffer));
}

/* "label [first ... last]", fewer numbers if they are long. */
static void print_row(FILE *file, const char *label, const float *values, size_t count) {
  size_t longest = 0;
  char buffer[NUMBER];
  for (size_t i = 0; i < count; i++) {
    const size_t length = strlen(number(values[i], buffer));
    if (length > longest) longest = length;
  }
  const size_t ends = longest > 4 ? 3 : 6;
  const int width = longest > 3 ? (int)longest + 1 : 4;
  fprintf(file, "%*s%-9s[", INDENT, "", label);
  print_numbers(file, values, ends, width);
  fputs(" ...", file);
  print_numbers(file, values + count - 3, 3, width);
  fputs(" ]\n", file);
}

static void print_title(const lecture_text *text, const char *path) {
  terminal_heading(text->screen, "The lecture, step by step");
  if (!path) {
    fputs("\nThe image: a small scene that the program draws.\n", text->file);
    return;
  }
  const size_t length = strlen(path);
  fprintf(text->file, "\nThe image: %s", length > CLIP ? "..." : "");
  for (const char *at = length > CLIP ? path + length - CLIP : path; *at; at++)
    fputc(*at >= ' ' && *at <= '~' ? *at : '?', text->file); /* a file's name must not play with the terminal */
  fputs("\n", text->file);
}

static void step_image(const lecture_text *text) {
  char red[NUMBER], green[NUMBER], blue[NUMBER];
  const float *pixel = text->numbers->image[0][0];
  const picture *const image = &text->pictures->image;
  heading(text, "1. An image is numbers");
  if (text->screen->colours != TERMINAL_PLAIN) {
    terminal_draw(text->screen, &image, 1, INDENT, GAP);
    fputc('\n', text->file);
  }
  fprintf(text->file,
          "32 rows of 32 pixels. Each pixel is three numbers, how much red, green and\n"
          "blue it has: 0 is dark, %.0f is bright. That makes 32 x 32 x 3 = 3072 numbers.\n"
          "The pixel at the top left is %s (red) %s (green) %s (blue).\n",
          (double)lecture_white(text->numbers), number(pixel[0], red), number(pixel[1], green), number(pixel[2], blue));
}

static void step_fully_connected(const lecture_text *text) {
  char buffer[NUMBER], label[NUMBER];
  const lecture_numbers *n = text->numbers;
  heading(text, "2. A fully connected layer looks at all of it at once");
  fputs("Stretch the image to one long row x, pixel after pixel, 3072 numbers:\n\n", text->file);
  print_row(text->file, "x", &n->image[0][0][0], LECTURE_NUMBERS);
  fputs("\nA neuron has a weight for each of them. It multiplies number by weight and adds\n"
        "up the 3072 products: a dot product. Ten neurons are the ten rows of a matrix W\n"
        "of 10 x 3072 weights, and one call of the BLAS library, SGEMV (matrix times\n"
        "vector), gives the answers of all ten, W x:\n\n",
        text->file);
  for (size_t row = 0; row < LECTURE_CLASSES; row++) {
    snprintf(label, sizeof label, "neuron %zu", row);
    fprintf(text->file, "%*s%-9s[", INDENT, "", label);
    print_numbers(text->file, n->fc_weights[row], 6, 3);
    fputs(" ...", text->file);
    print_numbers(text->file, n->fc_weights[row] + LECTURE_NUMBERS - 3, 3, 3);
    fprintf(text->file, " ] . x = %10s\n", number(n->fc[row], buffer));
  }
  fprintf(text->file,
          "\n(The weights are random whole numbers from -%d to %d, the same in each run:\n"
          "splitmix64 from seed %d on. Nobody has trained them, so the answers mean\n"
          "nothing yet.)\n\n"
          "That is 30,720 weights for ten answers, and in the long row nothing tells any\n"
          "more which pixels are neighbours. A convolution keeps that.\n",
          LECTURE_LARGEST_WEIGHT, LECTURE_LARGEST_WEIGHT, LECTURE_SEED);
}

/* The red numbers of the chunk beside those of the filter. */
static void print_chunk(const lecture_text *text) {
  const lecture_numbers *n = text->numbers;
  fprintf(text->file, "%*s%-42s%s\n", INDENT, "", "the chunk at the top left: red", "the filter: red");
  for (size_t i = 0; i < LECTURE_KERNEL; i++) {
    fprintf(text->file, "%*s", INDENT - 1, "");
    for (size_t j = 0; j < LECTURE_KERNEL; j++) print_numbers(text->file, &n->image[i][j][0], 1, 8);
    fputs("   ", text->file);
    for (size_t j = 0; j < LECTURE_KERNEL; j++) print_numbers(text->file, &n->filters[0][i][j][0], 1, 4);
    fputc('\n', text->file);
  }
}

static void step_chunk(const lecture_text *text) {
  static const char *const colours[LECTURE_CHANNELS] = {"red", "green", "blue"};
  char buffer[NUMBER];
  const lecture_numbers *n = text->numbers;
  heading(text, "3. A convolution looks at one small chunk at a time");
  fprintf(text->file,
          "A filter is a small image itself: 5 x 5 x 3 = 75 numbers. Lay it on a chunk of\n"
          "the image that has the same size, multiply each number by the one it lies on,\n"
          "and add up the 75 products. The filter \"%s\" has 1 above and -1\n"
          "below, in all three colours: its answer is large where the chunk is light above\n"
          "and dark below, below 0 where it is the other way round, 0 where it is even.\n\n",
          lecture_filter_list[0].name);
  print_chunk(text);
  fputc('\n', text->file);
  for (size_t c = 0; c < LECTURE_CHANNELS; c++)
    fprintf(text->file, "%*s%-6s 25 products add up to %10s\n", INDENT, "", colours[c],
            number(n->channel_dots[c], buffer));
  fprintf(text->file, "%*s%-6s 75 products add up to %10s\n", INDENT, "", "all", number(n->chunk_dot, buffer));
  fprintf(text->file,
          "\n%s this chunk is %s. In a program, that is three\n"
          "nested loops: over the chunk's rows, its columns and the colours.\n",
          n->chunk_dot > 0   ? "Above 0:"
          : n->chunk_dot < 0 ? "Below 0:"
                             : "It is 0:",
          n->chunk_dot > 0   ? "lighter above than below"
          : n->chunk_dot < 0 ? "darker above than below"
                             : "as light above as below");
}

static void step_unrolled(const lecture_text *text) {
  char nested[NUMBER], unrolled[NUMBER];
  const lecture_numbers *n = text->numbers;
  heading(text, "4. Unrolled, it is one dot product");
  fputs("Write down the chunk's numbers in one row, pixel after pixel, and the filter's\n"
        "in the same order. Now equal places meet again:\n\n",
        text->file);
  print_row(text->file, "chunk", n->patches[0], LECTURE_CHUNK);
  print_row(text->file, "filter", &n->filters[0][0][0][0], LECTURE_CHUNK);
  fprintf(text->file,
          "\n%*schunk . filter = %s     nested loops: %s\n\n"
          "The same 75 products, so the same sum. A cube on a cube is no more than a row\n"
          "times a row.\n",
          INDENT, "", number(n->unrolled_dot, unrolled), number(n->chunk_dot, nested));
}

static void step_patches(const lecture_text *text) {
  static const size_t shown[] = {0, 1, 2, LECTURE_PLACES - 1};
  char label[NUMBER];
  heading(text, "5. All the chunks, unrolled, are a matrix");
  fputs("A filter 5 pixels wide fits in 32 - 5 + 1 = 28 places across, and 28 down: 784\n"
        "chunks. Unroll each one and put the rows under each other (im2col):\n\n",
        text->file);
  for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
    if (i == 3) fprintf(text->file, "%*s...\n", INDENT, "");
    snprintf(label, sizeof label, "row %zu", shown[i]);
    print_row(text->file, label, text->numbers->patches[shown[i]], LECTURE_CHUNK);
  }
  fputs("\nRow 1 is the chunk one pixel further right, so most of row 0 is in it again,\n"
        "three numbers to the left. This is the patch matrix: 784 x 75 = 58,800 numbers,\n"
        "19 times the image's 3072. Memory is what the trick costs.\n",
        text->file);
}

static void print_filter(const lecture_text *text, size_t filter) {
  char least[NUMBER], most[NUMBER];
  float low = text->numbers->maps[0][filter], high = low;
  for (size_t p = 1; p < LECTURE_PLACES; p++) {
    low = fminf(low, text->numbers->maps[p][filter]);
    high = fmaxf(high, text->numbers->maps[p][filter]);
  }
  fprintf(text->file, "%*s%zu %-15s%10s%10s  %s\n", INDENT, "", filter, lecture_filter_list[filter].name,
          number(low, least), number(high, most), lecture_filter_list[filter].meaning);
}

static void draw_maps(const lecture_text *text) {
  if (text->screen->colours == TERMINAL_PLAIN) return;
  for (size_t f = 0; f < LECTURE_FILTERS; f += 2) {
    const picture *const pair[] = {&text->pictures->maps[f], &text->pictures->maps[f + 1]};
    fprintf(text->file, "\n%*s%-*s%s\n", INDENT, "", LECTURE_OUT + GAP, lecture_filter_list[f].name,
            lecture_filter_list[f + 1].name);
    terminal_draw(text->screen, pair, 2, INDENT, GAP);
  }
  fputs("\nBlack is 0. Orange, white, red and blue (in the last one) are above 0; blue,\n"
        "green and yellow (in the last one) are below.\n",
        text->file);
}

static void step_product(const lecture_text *text) {
  char corner[NUMBER];
  heading(text, "6. One matrix product makes all the activation maps");
  fputs("Take six filters, unroll them too, and make them the columns of a matrix:\n\n"
        "     (784 x 75) times (75 x 6) = (784 x 6)\n\n"
        "One call, SGEMM (matrix times matrix). A row of the result is a place in the\n"
        "image, a column is a filter. Fold a column back to 28 x 28 and it is that\n"
        "filter's activation map: it shows where the image has what the filter is for.\n\n",
        text->file);
  fprintf(text->file, "%*s%-17s%10s%10s  %s\n", INDENT, "", "filter", "smallest", "largest", "large where a chunk is");
  for (size_t f = 0; f < LECTURE_FILTERS; f++) print_filter(text, f);
  fprintf(text->file, "\nRow 0, column 0 of the result is %s, the number of steps 3 and 4.\n",
          number(text->numbers->maps[0][0], corner));
  draw_maps(text);
}

/* One line of the table; the speed is left out where it is only a part. */
static void print_time(const lecture_text *text, const char *what, double us, bool whole) {
  const double times = whole && us > 0 ? text->numbers->times.naive_us / us : 0;
  fprintf(text->file, "%*s%-32s%10.2f us", INDENT, "", what, us);
  if (times > 0) fprintf(text->file, "  %8.*fx", times < 10 ? 1 : 0, times);
  fputc('\n', text->file);
}

static void step_compare(const lecture_text *text) {
  const lecture_times *times = &text->numbers->times;
  char own[NUMBER * 4];
  heading(text, "7. The same maps, sooner");
  fputs("Without any matrix: at each of the 784 places, for each of the 6 filters, the\n"
        "three nested loops of step 3. ",
        text->file);
  if (text->numbers->max_difference > 0)
    fprintf(text->file,
            "They give the same maps. The largest\ndifference is %.2g: rounding, as the sums are "
            "made in another order.\n\n",
            text->numbers->max_difference);
  else
    fputs("They give the same maps, to the last\ndigit: the largest difference is 0.\n\n", text->file);
  fprintf(text->file, "%*s%-32s%13s  %9s\n", INDENT, "", "", "time", "speed");
  print_time(text, "nested loops", times->naive_us, true);
  print_time(text, "unrolled, one matrix product", times->unroll_us + times->sgemm_us, true);
  print_time(text, "  of that, unrolling (im2col)", times->unroll_us, false);
  print_time(text, "  of that, SGEMM", times->sgemm_us, false);
  snprintf(own, sizeof own, "unfurl's own choice: %s", text->numbers->planned);
  print_time(text, own, times->planned_us, true);
  fprintf(text->file,
          "\n(One thread, the median of %zu runs each.) The products are the same ones, but\n"
          "matrix products are what processors and their libraries are best at. That is\n"
          "why the chunks get unfurled.\n",
          times->runs);
  if (text->screen->colours == TERMINAL_PLAIN)
    fputs("\nPictures: on a terminal with colours, or with --maps FILE.png.\n", text->file);
}

void lecture_text_print(const terminal *screen, const lecture_numbers *numbers, const lecture_pictures *pictures,
                        const char *path) {
  const lecture_text text = {.file = screen->file, .screen = screen, .numbers = numbers, .pictures = pictures};
  print_title(&text, path);
  step_image(&text);
  step_fully_connected(&text);
  step_chunk(&text);
  step_unrolled(&text);
  step_patches(&text);
  step_product(&text);
  step_compare(&text);
}
