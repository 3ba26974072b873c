/* SPDX-License-Identifier: BSD-2-Clause */
/* unfurl run: a model over many inputs. */
#include <stdio.h>

#include "cli.h"
#include "run.h"
#include "run_options.h"

static const char help[] = "Usage: unfurl run MODEL.onnx INPUT... [OPTION...]\n"
                           "\n"
                           "Runs a network on every image of the inputs, in order. An INPUT is\n"
                           "  an image         PNG or JPEG, prepared as the model's metadata says\n"
                           "  an IDX file      of greyscale images, also compressed with gzip; the same\n"
                           "  a .npy file      fed as it is: its first dimension counts the images\n"
                           "  a .npz file      the array named as the model's input, or the only one; if\n"
                           "                   the model has several inputs, one file that has them all\n"
                           "  a folder         all .png, .jpg and .jpeg files in it and in its folders, in\n"
                           "                   the bytewise order of their paths\n"
                           "  -                what comes on stdin: one file of any of these kinds\n"
                           "The content of a file decides what it is, not its name.\n"
                           "\n"
                           "  -o OUT          write to OUT instead of a line an image to stdout:\n"
                           "                    .npy    the raw output, one row an image\n"
                           "                    .npz    all outputs of the model, by name\n"
                           "                    .csv    index, source, and class, label and score of the\n"
                           "                            best classes, and error\n"
                           "                    .jsonl  the same, a JSON object a line\n"
                           "                  OUT appears when all is done, and is whole then\n"
                           "  --list FILE     more INPUTs, one path a line; - is stdin\n"
                           "  --input NAME=FILE\n"
                           "                  feed the named input with a whole array (.npy, .npz), in\n"
                           "                  every batch alike\n"
                           "  --skip N        leave out the first N images\n"
                           "  --batch N       images that are computed together (default 16)\n"
                           "  --threads N     threads (default 0: one for each CPU). With more than one,\n"
                           "                  images are decoded ahead, and results written, meanwhile\n"
                           "  --algo NAME     solver for the convolutions (default auto; see unfurl bench)\n"
                           "  --plan MODE     how solvers are chosen: estimate (default), or measure, which\n"
                           "                  runs those in question first, some 50 ms each\n"
                           "  --wisdom FILE   keep what --plan measure finds out in FILE, use what it has\n"
                           "  --tolerance T   relative L2 error that a faster solver may add (default 2e-5)\n"
                           "  --top K         classes an image (default 1; in .csv and .jsonl 5)\n"
                           "  --labels FILE   names of the classes, one a line (default: the model's\n"
                           "                  unfurl.labels)\n"
                           "  --truth FILE    true classes (IDX, .npy, or text with one a line): prints the\n"
                           "                  accuracy and the confusion matrix to stdout\n"
                           "  --timing        print to stderr how long each stage was busy, in seconds and\n"
                           "                  in percent of the time that the run took (stages overlap)\n"
                           "  --scale X, --mean X[,X...], --std X[,X...], --resize stretch|crop|pad,\n"
                           "  --filter bilinear|bicubic\n"
                           "                  override unfurl.scale, ... of the model; the network is given\n"
                           "                  (pixel * scale - mean) / std, with pixel from 0 to 255\n"
                           "  -h, --help      this text\n"
                           "\n"
                           "Images are brought to the size of the model's input as Pillow does it, with\n"
                           "antialiasing: stretch ignores their proportions; crop covers the input and cuts\n"
                           "out the middle; pad fits them into it, with zeros around, and never enlarges.\n"
                           "Exif orientation is applied. Transparency is dropped, of 16 bits a sample the\n"
                           "high 8 are taken, grey becomes RGB or RGB grey as the model asks.\n"
                           "\n"
                           "An image that can't be read is named on stderr and counted, and the others go\n"
                           "on. In .csv and .jsonl it has a line with an error, in .npy and .npz a row of\n"
                           "NaN (integers: their least value). Images of more than 89,478,485 pixels, and\n"
                           "JPEG files of more than 100 scans, are refused.\n"
                           "\n"
                           "Ctrl-C: the batch at work is finished, OUT has what is done, and a message says\n"
                           "which --skip goes on from there; a second Ctrl-C ends at once, without OUT.\n"
                           "\n"
                           "Of equal scores the lower class comes first. NaN is below all numbers.\n"
                           "\n"
                           "Exit status: 0 all done, 1 some inputs failed (each is named) or the run was\n"
                           "stopped, 2 wrong usage, 3 the model can't be used, 4 an output could not be\n"
                           "written.\n"
                           "\n"
                           "Examples: classify Fashion-MNIST's 10,000 test images, compare with the truth;\n"
                           "classify all photographs of a folder\n"
                           "  unfurl run examples/fashion_mnist/lenet5.onnx \\\n"
                           "    /usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz -o classes.csv \\\n"
                           "    --truth /usr/share/datasets/fashion-mnist/t10k-labels-idx1-ubyte.gz\n"
                           "  unfurl run resnet50.onnx photographs/ --resize crop -o classes.jsonl\n";

static cli_status run_and_save(run_state *run) {
  const cli_status status = run_all(run), saved = planning_save(&run->options->planning, run->context);
  return saved > status ? saved : status;
}

static cli_status run_command(int argc, char **argv) {
  run_options options;
  cli_status status = run_options_parse(&options, argc, argv);
  if (status == CLI_DONE && options.help) {
    fputs(help, stdout);
  } else if (status == CLI_DONE) {
    run_state run;
    status = run_setup(&run, &options);
    if (status == CLI_DONE) status = run_and_save(&run);
    run_free(&run);
  }
  run_options_free(&options);
  return status;
}

const cli_command cmd_run = {
    .name = "run", .summary = "run a network on images and arrays", .help = help, .run = run_command};
