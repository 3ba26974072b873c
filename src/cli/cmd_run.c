/* SPDX-License-Identifier: BSD-2-Clause */
/* unfurl run: a model over many inputs. */
#include <stdio.h>

#include "cli.h"
#include "run.h"
#include "run_options.h"

static const char help[] = "Usage: unfurl run MODEL.onnx INPUT... [OPTION...]\n"
                           "\n"
                           "Runs a network on every image of the inputs, in order. An INPUT is a .npy file,\n"
                           "which is fed as it is (its first dimension counts the images), or an IDX file of\n"
                           "greyscale images, also compressed with gzip, which is prepared as the model's\n"
                           "metadata says. The content of a file decides what it is, not its name.\n"
                           "\n"
                           "  -o OUT          write to OUT instead of a line an image to stdout:\n"
                           "                    .npy    the raw output, one row an image\n"
                           "                    .csv    index, source, and class, label and score of the\n"
                           "                            best classes\n"
                           "                    .jsonl  the same, a JSON object a line\n"
                           "                  OUT appears when all is done, and is whole then\n"
                           "  --input NAME=FILE.npy\n"
                           "                  feed the named input with a whole array, in every batch alike\n"
                           "  --batch N       images that are computed together (default 16)\n"
                           "  --threads N     threads (default 0: one for each CPU)\n"
                           "  --algo NAME     solver for the convolutions (default auto; see unfurl bench)\n"
                           "  --top K         classes an image (default 1; in .csv and .jsonl 5)\n"
                           "  --labels FILE   names of the classes, one a line (default: the model's\n"
                           "                  unfurl.labels)\n"
                           "  --truth FILE    true classes (IDX, .npy, or text with one a line): prints the\n"
                           "                  accuracy and the confusion matrix to stdout\n"
                           "  --timing        print to stderr where the time went\n"
                           "  --scale X, --mean X[,X...], --std X[,X...], --resize stretch|crop|pad\n"
                           "                  override unfurl.scale, ... of the model; the network is given\n"
                           "                  (pixel * scale - mean) / std, with pixel from 0 to 255\n"
                           "  -h, --help      this text\n"
                           "\n"
                           "Of equal scores the lower class comes first. NaN is below all numbers.\n"
                           "\n"
                           "Exit status: 0 all done, 1 some inputs failed (each is named), 2 wrong usage,\n"
                           "3 the model can't be used, 4 an output could not be written.\n"
                           "\n"
                           "Example: classify Fashion-MNIST's 10,000 test images, compare with the truth\n"
                           "  unfurl run examples/fashion_mnist/lenet5.onnx \\\n"
                           "    /usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz -o classes.csv \\\n"
                           "    --truth /usr/share/datasets/fashion-mnist/t10k-labels-idx1-ubyte.gz\n";

static cli_status run_command(int argc, char **argv) {
  run_options options;
  cli_status status = run_options_parse(&options, argc, argv);
  if (status == CLI_DONE && options.help) {
    fputs(help, stdout);
  } else if (status == CLI_DONE) {
    run_state run;
    status = run_setup(&run, &options);
    if (status == CLI_DONE) status = run_all(&run);
    run_free(&run);
  }
  run_options_free(&options);
  return status;
}

const cli_command cmd_run = {
    .name = "run", .summary = "run a network on images and arrays", .help = help, .run = run_command};
