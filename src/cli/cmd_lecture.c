/* SPDX-License-Identifier: BSD-2-Clause */
/* unfurl lecture: the identity that the program is built on, in numbers and in pictures. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "cli.h"
#include "lecture.h"
#include "lecture_export.h"
#include "lecture_image.h"
#include "lecture_pictures.h"
#include "lecture_scene.h"
#include "lecture_text.h"
#include "message.h"
#include "png_file.h"
#include "terminal.h"

static const char help[] = "Usage: unfurl lecture [IMAGE] [OPTION...]\n"
                           "\n"
                           "Explains a convolution step by step, on the numbers of a 32x32x3 image: the\n"
                           "fully connected layer, a chunk times a filter, the unrolled chunk times the\n"
                           "unrolled filter, the 784x75 patch matrix, and the one matrix product that makes\n"
                           "six 28x28 activation maps. On a terminal with colours it draws them, too.\n"
                           "\n"
                           "IMAGE is a PNG or JPEG file of any size (its middle is shrunk to 32x32), or a\n"
                           ".npy file of shape (32, 32, 3) with numbers from 0 to 255 or from 0 to 1.\n"
                           "Without it, the program draws a scene.\n"
                           "\n"
                           "  --maps FILE.png   write the image and the six maps as one picture\n"
                           "  --json            one JSON object instead of the text: chunk_dot,\n"
                           "                    unrolled_dot, patch_matrix and maps (their shapes),\n"
                           "                    max_difference, fc (10 numbers), naive_us, sgemm_us\n"
                           "  --dump DIR        write image.npy, filters.npy, fc_weights.npy and maps.npy\n"
                           "                    into DIR, so that all of it can be computed again\n"
                           "                    elsewhere\n"
                           "  -h, --help        this text\n"
                           "\n"
                           "Colours are used on a terminal only, and never if NO_COLOR is set.\n"
                           "\n"
                           "Exit status: 0 done, 1 IMAGE can't be used, 2 wrong usage, 4 an output could\n"
                           "not be written.\n"
                           "\n"
                           "Examples:\n"
                           "  unfurl lecture\n"
                           "  unfurl lecture photo.jpg --maps maps.png\n"
                           "  unfurl lecture --json --dump /tmp/lecture\n";

typedef struct lecture_options {
  bool help, json;
  const char *image, *maps, *folder; /* NULL: not given */
} lecture_options;

enum { MAPS = 256, JSON, DUMP };

static const struct option names[] = {
    {"help", no_argument, NULL, 'h'},
    {"maps", required_argument, NULL, MAPS},
    {"json", no_argument, NULL, JSON},
    {"dump", required_argument, NULL, DUMP},
    {NULL, 0, NULL, 0},
};

static bool set_option(lecture_options *options, int option) {
  switch (option) {
  case 'h': options->help = true; return true;
  case MAPS: options->maps = optarg; return true;
  case JSON: options->json = true; return true;
  case DUMP: options->folder = optarg; return true;
  case 'o': message_usage("lecture", "there is no option '-o'"); return false;
  default: return false;
  }
}

static cli_status parse(lecture_options *options, int argc, char **argv) {
  *options = (lecture_options){.help = false};
  for (int option; (option = arguments_next(argc, argv, "lecture", names)) != -1;) {
    if (!set_option(options, option)) return CLI_USAGE;
    if (options->help) return CLI_DONE;
  }
  if (options->maps && strcmp(options->maps, "-") == 0)
    return message_usage("lecture", "--maps -: the text goes to stdout, the picture needs a file");
  if (argc - optind > 1) return message_usage("lecture", "one image at a time, not %d", argc - optind);
  if (argc > optind) options->image = argv[optind];
  return CLI_DONE;
}

static cli_status failed(cli_status status, const char *what, const unfurl_error *error) {
  message_error("%s%s%s", what ? what : "", what ? ": " : "", error->message);
  return status;
}

static cli_status compute(lecture_numbers *numbers, const lecture_options *options) {
  unfurl_error error;
  unfurl_context *context;
  unfurl_context_options context_options;
  if (!options->image)
    lecture_scene(numbers->image);
  else if (lecture_image_load(options->image, numbers->image, &error) != UNFURL_OK)
    return failed(CLI_INPUT_FAILED, options->image, &error);
  unfurl_context_options_init(&context_options);
  context_options.blas_single_thread = true; /* the loops have one thread too */
  unfurl_status status = unfurl_context_create(&context_options, &context, &error);
  if (status == UNFURL_OK) status = lecture_compute(numbers, context, &error);
  unfurl_context_destroy(&context);
  return status == UNFURL_OK ? CLI_DONE : failed(CLI_INPUT_FAILED, NULL, &error);
}

static cli_status write_montage(const char *path, const lecture_pictures *pictures) {
  picture montage;
  unfurl_error error;
  unfurl_status status = lecture_montage(&montage, pictures, &error);
  if (status == UNFURL_OK) status = png_file_write(path, &montage, &error);
  picture_free(&montage);
  return status == UNFURL_OK ? CLI_DONE : failed(CLI_OUTPUT, path, &error);
}

/* All that was asked for; one that fails leaves the others. */
static cli_status show(const lecture_numbers *numbers, const lecture_options *options) {
  unfurl_error error;
  lecture_pictures pictures;
  cli_status status = CLI_DONE;
  if (lecture_pictures_init(&pictures, numbers, &error) != UNFURL_OK) {
    status = failed(CLI_OUTPUT, NULL, &error);
  } else {
    const terminal screen = terminal_of(stdout);
    if (!options->json) lecture_text_print(&screen, numbers, &pictures, options->image);
    if (options->maps) status = write_montage(options->maps, &pictures);
  }
  lecture_pictures_free(&pictures);
  if (options->json && !lecture_export_json(stdout, numbers)) {
    message_error("out of memory");
    status = CLI_OUTPUT;
  }
  if (options->folder && lecture_export_arrays(options->folder, numbers, &error) != UNFURL_OK)
    status = failed(CLI_OUTPUT, NULL, &error);
  return status;
}

static cli_status lecture_command(int argc, char **argv) {
  lecture_options options;
  cli_status status = parse(&options, argc, argv);
  if (status != CLI_DONE) return status;
  if (options.help) {
    fputs(help, stdout);
    return CLI_DONE;
  }
  lecture_numbers *numbers = calloc(1, sizeof *numbers);
  if (!numbers) {
    message_error("out of memory");
    return CLI_INPUT_FAILED;
  }
  status = compute(numbers, &options);
  if (status == CLI_DONE) status = show(numbers, &options);
  free(numbers);
  return status;
}

const cli_command cmd_lecture = {.name = "lecture",
                                 .summary = "a convolution explained, in numbers and pictures",
                                 .help = help,
                                 .run = lecture_command};
