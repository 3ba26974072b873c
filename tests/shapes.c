/* SPDX-License-Identifier: BSD-2-Clause */
#include "shapes.h"

#include <stdio.h>
#include <stdlib.h>

#include "support.h"

const conv_shape conv_shapes[] = {
    /* Networks, in small. */
    {"lecture", .ic = 3, .oc = 6, .image = {32, 32}, .kernel = {5, 5}},
    {"lecture, batch 2", .batch = 2, .ic = 3, .oc = 6, .image = {32, 32}, .kernel = {5, 5}},
    {"LeNet C1", .ic = 1, .oc = 6, .image = {28, 28}, .kernel = {5, 5}, .pads = {2, 2, 2, 2}},
    {"LeNet C3", .ic = 6, .oc = 16, .image = {14, 14}, .kernel = {5, 5}},
    {"LeNet C5", .batch = 2, .ic = 16, .oc = 120, .image = {5, 5}, .kernel = {5, 5}},
    {"AlexNet conv1", .ic = 3, .oc = 16, .image = {51, 51}, .kernel = {11, 11}, .stride = {4, 4}},
    {"AlexNet conv2", .ic = 16, .oc = 16, .groups = 2, .image = {13, 13}, .kernel = {5, 5}, .pads = {2, 2, 2, 2}},
    {"ResNet stem", .ic = 3, .oc = 8, .image = {30, 30}, .kernel = {7, 7}, .stride = {2, 2}, .pads = {3, 3, 3, 3}},
    {"ResNet block", .ic = 16, .oc = 16, .image = {14, 14}, .kernel = {3, 3}, .pads = {1, 1, 1, 1}},
    {"ResNet block, batch 3", .batch = 3, .ic = 8, .oc = 8, .image = {7, 7}, .kernel = {3, 3}, .pads = {1, 1, 1, 1}},
    {"ResNet downsample", .ic = 8, .oc = 16, .image = {14, 14}, .kernel = {3, 3}, .stride = {2, 2},
     .pads = {1, 1, 1, 1}},
    {"ResNet shortcut", .ic = 16, .oc = 32, .image = {14, 14}, .kernel = {1, 1}, .stride = {2, 2}},
    {"ResNeXt block", .ic = 32, .oc = 32, .groups = 8, .image = {7, 7}, .kernel = {3, 3}, .pads = {1, 1, 1, 1}},
    {"more panels than threads", .ic = 8, .oc = 192, .image = {13, 13}, .kernel = {3, 3}, .pads = {1, 1, 1, 1}},
    {"VGG block", .ic = 32, .oc = 32, .image = {8, 8}, .kernel = {3, 3}, .pads = {1, 1, 1, 1}},
    {"TensorFlow SAME, stride 2", .ic = 3, .oc = 8, .image = {16, 16}, .kernel = {3, 3}, .stride = {2, 2},
     .pads = {0, 0, 1, 1}},

    /* 1x1: the image is the patch matrix, unless stride or padding say otherwise. */
    {"1x1", .ic = 16, .oc = 8, .image = {9, 9}, .kernel = {1, 1}},
    {"1x1, batch 3", .batch = 3, .ic = 7, .oc = 5, .image = {4, 6}, .kernel = {1, 1}},
    {"1x1, 64 channels", .ic = 64, .oc = 64, .image = {5, 5}, .kernel = {1, 1}},
    {"1x1, one channel", .ic = 1, .oc = 1, .image = {7, 5}, .kernel = {1, 1}},
    {"1x1, stride 2", .batch = 2, .ic = 6, .oc = 4, .image = {9, 9}, .kernel = {1, 1}, .stride = {2, 2}},
    {"1x1, stride 1x3", .ic = 6, .oc = 4, .image = {5, 10}, .kernel = {1, 1}, .stride = {1, 3}},
    {"1x1, stride 3 of 2", .ic = 3, .oc = 4, .image = {2, 2}, .kernel = {1, 1}, .stride = {3, 3}},
    {"1x1, padded", .ic = 5, .oc = 4, .image = {6, 6}, .kernel = {1, 1}, .pads = {1, 1, 1, 1}},
    {"1x1, padded after only", .ic = 5, .oc = 4, .image = {4, 6}, .kernel = {1, 1}, .pads = {0, 0, 1, 0}},
    {"1x1, groups", .ic = 12, .oc = 6, .groups = 3, .image = {5, 4}, .kernel = {1, 1}},
    {"two pixels that skip taps", .ic = 16, .oc = 160, .image = {1, 2}, .kernel = {1, 3}, .pads = {0, 1, 0, 1}},
    {"two pixels, the last skips", .ic = 3, .oc = 200, .image = {1, 2}, .kernel = {1, 2}, .pads = {0, 0, 0, 1}},
    {"lines of 7 that skip taps", .batch = 2, .ic = 5, .oc = 70, .image = {7, 7}, .kernel = {3, 3},
     .pads = {1, 1, 1, 1}},
    {"lines of 7, one vector", .ic = 32, .oc = 32, .groups = 2, .image = {9, 7}, .kernel = {3, 3},
     .pads = {1, 1, 1, 1}},
    {"lines of 14, one vector", .ic = 32, .oc = 32, .groups = 2, .image = {6, 14}, .kernel = {3, 3},
     .pads = {1, 1, 1, 1}},
    {"lines of 14, stride 2", .ic = 9, .oc = 40, .image = {9, 28}, .kernel = {3, 3}, .stride = {2, 2},
     .pads = {1, 1, 1, 1}},
    {"lines of 28, one vector", .ic = 16, .oc = 16, .image = {5, 28}, .kernel = {3, 3}, .pads = {1, 1, 1, 1}},
    {"lines of 28 and of two vectors", .ic = 8, .oc = 96, .image = {4, 28}, .kernel = {3, 3}, .pads = {1, 1, 1, 1}},
    {"lines of 17, dilated", .ic = 6, .oc = 24, .image = {5, 17}, .kernel = {2, 3}, .dilation = {1, 2},
     .pads = {0, 2, 0, 2}},
    {"one pixel, 210 filters", .ic = 37, .oc = 210, .image = {1, 1}, .kernel = {1, 1}},
    {"one pixel, 48 filters, batch 2", .batch = 2, .ic = 64, .oc = 48, .image = {1, 1}, .kernel = {1, 1}},
    {"one pixel, 300 filters, batch 2", .batch = 2, .ic = 5, .oc = 300, .image = {1, 1}, .kernel = {1, 1}},
    {"one pixel of a 3x3 kernel", .ic = 11, .oc = 150, .image = {3, 3}, .kernel = {3, 3}},
    {"one pixel, padded all around", .ic = 9, .oc = 140, .image = {1, 1}, .kernel = {3, 3}, .pads = {1, 1, 1, 1}},
    {"two pixels, groups 2", .ic = 10, .oc = 280, .groups = 2, .image = {1, 4}, .kernel = {1, 3}},
    {"1x1, dilated", .ic = 4, .oc = 4, .image = {5, 5}, .kernel = {1, 1}, .dilation = {3, 2}},
    {"1x1, depthwise", .ic = 6, .oc = 6, .groups = 6, .image = {4, 5}, .kernel = {1, 1}},

    /* Few filters: tiles of many pixels of a line, and what is left of it; rows of a power of two, and long ones. */
    {"1x1, 16 filters", .ic = 64, .oc = 16, .image = {9, 29}, .kernel = {1, 1}},
    {"1x1, 16 filters of 1024", .ic = 1024, .oc = 16, .image = {3, 15}, .kernel = {1, 1}},
    {"1x1, 24 filters of 700", .ic = 700, .oc = 24, .image = {5, 7}, .kernel = {1, 1}},
    {"16 filters, long lines", .ic = 3, .oc = 16, .image = {5, 90}, .kernel = {3, 3}, .pads = {1, 1, 1, 1}},
    {"17 filters, stride 2", .ic = 5, .oc = 17, .image = {9, 121}, .kernel = {3, 3}, .stride = {2, 2},
     .pads = {1, 1, 1, 1}},

    /* Groups of one vector: copied together where their pixels are far apart, band by band. */
    {"groups of 16, far apart", .batch = 2, .ic = 256, .oc = 256, .groups = 16, .image = {10, 17}, .kernel = {3, 3},
     .pads = {1, 1, 1, 1}},
    {"groups of 16, stride 2", .ic = 256, .oc = 128, .groups = 16, .image = {31, 33}, .kernel = {3, 3},
     .stride = {2, 2}, .pads = {1, 1, 1, 1}},
    {"groups of 20, large image", .ic = 60, .oc = 60, .groups = 3, .image = {70, 70}, .kernel = {3, 3},
     .pads = {1, 1, 1, 1}},

    /* Lines of a multiple of seven pixels: tiles of AVX-512 run across them. */
    {"groups of 16, lines of 14", .batch = 2, .ic = 128, .oc = 128, .groups = 8, .image = {9, 14}, .kernel = {3, 3},
     .pads = {1, 1, 1, 1}},
    {"groups of 16, lines of 7, stride 2", .ic = 64, .oc = 48, .groups = 4, .image = {13, 14}, .kernel = {3, 3},
     .stride = {2, 2}, .pads = {1, 1, 1, 1}},
    {"lines of 7, two vectors", .batch = 3, .ic = 20, .oc = 70, .image = {7, 7}, .kernel = {5, 5},
     .pads = {2, 2, 2, 2}},
    {"lines of 21, stride 3", .ic = 40, .oc = 12, .image = {10, 61}, .kernel = {1, 1}, .stride = {3, 3}},

    /* Wide kernels on small maps: columns are padded, or rows too. */
    {"7x7 on 7x7", .ic = 24, .oc = 70, .image = {7, 7}, .kernel = {7, 7}, .pads = {3, 3, 3, 3}},
    {"5x5 dilated on 7x7", .batch = 3, .ic = 32, .oc = 33, .image = {7, 7}, .kernel = {5, 5}, .dilation = {2, 2},
     .pads = {4, 4, 4, 4}},
    {"7x7 stride 2 on 10x10", .ic = 20, .oc = 96, .image = {10, 10}, .kernel = {7, 7}, .stride = {2, 2},
     .pads = {3, 3, 3, 3}},
    {"9x5 on 12x6", .ic = 8, .oc = 16, .image = {12, 6}, .kernel = {9, 5}, .pads = {4, 2, 4, 2}},

    /* Images and kernels that are not square. */
    {"wide image", .ic = 3, .oc = 4, .image = {6, 29}, .kernel = {3, 3}},
    {"tall image", .ic = 3, .oc = 4, .image = {31, 5}, .kernel = {3, 3}, .pads = {1, 1, 1, 1}},
    {"1x3 kernel", .ic = 5, .oc = 6, .image = {7, 11}, .kernel = {1, 3}, .pads = {0, 1, 0, 1}},
    {"3x1 kernel", .ic = 5, .oc = 6, .image = {11, 7}, .kernel = {3, 1}, .pads = {1, 0, 1, 0}},
    {"1x7 kernel", .ic = 4, .oc = 4, .image = {6, 17}, .kernel = {1, 7}, .pads = {0, 3, 0, 3}},
    {"7x1 kernel", .ic = 4, .oc = 4, .image = {17, 6}, .kernel = {7, 1}, .pads = {3, 0, 3, 0}},
    {"2x4 kernel", .batch = 2, .ic = 3, .oc = 5, .image = {8, 9}, .kernel = {2, 4}},
    {"even kernel", .ic = 4, .oc = 8, .image = {8, 8}, .kernel = {2, 2}, .stride = {2, 2}},
    {"kernel as large as the image", .ic = 7, .oc = 3, .image = {6, 9}, .kernel = {6, 9}},

    /* Stride. */
    {"stride 1x2", .ic = 3, .oc = 4, .image = {9, 12}, .kernel = {3, 3}, .stride = {1, 2}},
    {"stride 3x1", .ic = 3, .oc = 4, .image = {13, 6}, .kernel = {3, 3}, .stride = {3, 1}, .pads = {1, 1, 1, 1}},
    {"stride larger than the kernel", .batch = 2, .ic = 4, .oc = 3, .image = {13, 17}, .kernel = {2, 2},
     .stride = {5, 4}},
    {"stride larger than the image", .ic = 4, .oc = 3, .image = {5, 5}, .kernel = {3, 3}, .stride = {9, 9},
     .pads = {1, 1, 1, 1}},
    {"stride that leaves a rest", .ic = 2, .oc = 3, .image = {10, 11}, .kernel = {3, 3}, .stride = {3, 3}},

    /* Dilation. */
    {"dilation 2", .ic = 5, .oc = 6, .image = {13, 13}, .kernel = {3, 3}, .dilation = {2, 2}},
    {"dilation 2, padded", .batch = 2, .ic = 4, .oc = 4, .image = {9, 9}, .kernel = {3, 3}, .dilation = {2, 2},
     .pads = {2, 2, 2, 2}},
    {"dilation 1x3", .ic = 3, .oc = 4, .image = {6, 15}, .kernel = {3, 3}, .dilation = {1, 3}, .pads = {1, 3, 1, 3}},
    {"dilation 4x1", .ic = 3, .oc = 4, .image = {13, 6}, .kernel = {3, 3}, .dilation = {4, 1}, .pads = {4, 1, 4, 1}},
    {"dilation and stride", .ic = 3, .oc = 4, .image = {16, 15}, .kernel = {3, 3}, .stride = {2, 3}, .dilation = {3, 2},
     .pads = {3, 2, 3, 2}},
    {"dilation and groups", .ic = 6, .oc = 4, .groups = 2, .image = {9, 9}, .kernel = {3, 3}, .dilation = {2, 2},
     .pads = {1, 1, 1, 1}},
    {"dilation larger than the image", .ic = 4, .oc = 4, .image = {5, 5}, .kernel = {3, 3}, .dilation = {6, 6},
     .pads = {6, 6, 6, 6}},
    {"dilation over a small image", .ic = 3, .oc = 2, .image = {2, 2}, .kernel = {2, 2}, .dilation = {5, 5},
     .pads = {4, 4, 4, 4}},

    /* Groups and depthwise. */
    {"groups 2", .batch = 2, .ic = 6, .oc = 4, .groups = 2, .image = {8, 8}, .kernel = {3, 3}, .pads = {1, 1, 1, 1}},
    {"groups 5, odd", .ic = 15, .oc = 35, .groups = 5, .image = {5, 6}, .kernel = {3, 3}},
    {"groups of 4, two vectors", .ic = 128, .oc = 128, .groups = 32, .image = {5, 11}, .kernel = {3, 3},
     .pads = {1, 1, 1, 1}},
    {"groups of 8, the last alone", .batch = 2, .ic = 40, .oc = 40, .groups = 5, .image = {4, 19}, .kernel = {3, 3},
     .pads = {1, 1, 1, 1}},
    {"groups of 2, stride 2", .ic = 36, .oc = 36, .groups = 18, .image = {9, 21}, .kernel = {3, 3}, .stride = {2, 2},
     .pads = {1, 1, 1, 1}},
    {"groups of 3, dilated", .ic = 33, .oc = 33, .groups = 11, .image = {8, 13}, .kernel = {3, 3}, .dilation = {2, 2},
     .pads = {2, 2, 2, 2}},
    {"groups of 2 to 4, 5x5", .ic = 14, .oc = 28, .groups = 7, .image = {7, 12}, .kernel = {5, 5},
     .pads = {2, 2, 2, 2}},
    {"groups of 4 to 1, 1x1", .ic = 40, .oc = 10, .groups = 10, .image = {3, 10}, .kernel = {1, 1}},
    {"depthwise, multiplier 4", .ic = 9, .oc = 36, .groups = 9, .image = {6, 12}, .kernel = {3, 3},
     .pads = {1, 1, 1, 1}},
    {"groups, one filter each", .ic = 12, .oc = 4, .groups = 4, .image = {6, 6}, .kernel = {3, 3}},
    {"groups, stride", .ic = 8, .oc = 8, .groups = 4, .image = {11, 11}, .kernel = {3, 3}, .stride = {2, 2},
     .pads = {1, 1, 1, 1}},
    {"depthwise", .ic = 16, .oc = 16, .groups = 16, .image = {12, 12}, .kernel = {3, 3}, .pads = {1, 1, 1, 1}},
    {"depthwise, batch 3", .batch = 3, .ic = 5, .oc = 5, .groups = 5, .image = {7, 9}, .kernel = {3, 3},
     .pads = {1, 1, 1, 1}},
    {"depthwise, stride 2", .ic = 8, .oc = 8, .groups = 8, .image = {13, 13}, .kernel = {3, 3}, .stride = {2, 2},
     .pads = {0, 0, 1, 1}},
    {"depthwise 5x5", .ic = 19, .oc = 19, .groups = 19, .image = {9, 9}, .kernel = {5, 5}, .pads = {2, 2, 2, 2}},
    {"depthwise, dilated", .ic = 7, .oc = 7, .groups = 7, .image = {11, 9}, .kernel = {3, 3}, .dilation = {2, 2},
     .pads = {2, 2, 2, 2}},
    {"depthwise, multiplier 2", .batch = 2, .ic = 6, .oc = 12, .groups = 6, .image = {8, 8}, .kernel = {3, 3},
     .pads = {1, 1, 1, 1}},
    {"depthwise, multiplier 3", .ic = 5, .oc = 15, .groups = 5, .image = {7, 6}, .kernel = {2, 3}},
    {"depthwise, 64 channels", .ic = 64, .oc = 64, .groups = 64, .image = {6, 6}, .kernel = {3, 3},
     .pads = {1, 1, 1, 1}},

    {"depthwise, 58 channels", .ic = 58, .oc = 58, .groups = 58, .image = {9, 28}, .kernel = {3, 3},
     .pads = {1, 1, 1, 1}},
    {"depthwise 7x7, all border", .batch = 2, .ic = 33, .oc = 33, .groups = 33, .image = {7, 7}, .kernel = {7, 7},
     .pads = {3, 3, 3, 3}},
    {"depthwise 7x7, stride 2", .ic = 21, .oc = 21, .groups = 21, .image = {13, 45}, .kernel = {7, 7}, .stride = {2, 2},
     .pads = {3, 3, 3, 3}},
    {"depthwise 5x5, stride 2", .ic = 20, .oc = 20, .groups = 20, .image = {9, 61}, .kernel = {5, 5}, .stride = {2, 2},
     .pads = {2, 2, 2, 2}},
    {"depthwise 9x11, padded after only", .ic = 18, .oc = 18, .groups = 18, .image = {12, 20}, .kernel = {9, 11},
     .pads = {0, 0, 4, 9}},
    {"depthwise 4x2, stride 2", .ic = 11, .oc = 11, .groups = 11, .image = {10, 37}, .kernel = {4, 2},
     .stride = {2, 2}},
    {"depthwise 1x11", .ic = 40, .oc = 40, .groups = 40, .image = {3, 33}, .kernel = {1, 11}, .pads = {0, 5, 0, 5}},
    {"depthwise 11x1", .ic = 17, .oc = 17, .groups = 17, .image = {14, 6}, .kernel = {11, 1}, .pads = {5, 0, 5, 0}},
    {"depthwise, dilated, wide", .ic = 23, .oc = 23, .groups = 23, .image = {6, 50}, .kernel = {3, 3},
     .dilation = {2, 3}, .pads = {2, 4, 2, 1}},
    {"depthwise, dilated, stride 2", .ic = 10, .oc = 10, .groups = 10, .image = {11, 43}, .kernel = {3, 5},
     .stride = {2, 2}, .dilation = {2, 2}, .pads = {2, 4, 2, 4}},
    {"depthwise, stride 3", .ic = 16, .oc = 16, .groups = 16, .image = {9, 50}, .kernel = {3, 3}, .stride = {3, 3}},
    {"depthwise of a very wide kernel", .ic = 9, .oc = 9, .groups = 9, .image = {2, 130}, .kernel = {1, 107},
     .pads = {0, 53, 0, 53}},
    {"depthwise, whole map", .ic = 70, .oc = 70, .groups = 70, .image = {7, 7}, .kernel = {7, 7}},
    {"depthwise, larger than L2", .ic = 96, .oc = 96, .groups = 96, .image = {59, 61}, .kernel = {3, 3},
     .pads = {1, 1, 1, 1}},

    /* Padding. */
    {"asymmetric padding", .batch = 2, .ic = 3, .oc = 4, .image = {8, 9}, .kernel = {3, 3}, .pads = {2, 1, 0, 3}},
    {"padding at the top", .ic = 3, .oc = 4, .image = {6, 6}, .kernel = {3, 3}, .pads = {2, 0, 0, 0}},
    {"padding at the left", .ic = 3, .oc = 4, .image = {6, 6}, .kernel = {3, 3}, .pads = {0, 2, 0, 0}},
    {"padding at the bottom", .ic = 3, .oc = 4, .image = {6, 6}, .kernel = {3, 3}, .pads = {0, 0, 2, 0}},
    {"padding at the right", .ic = 3, .oc = 4, .image = {6, 6}, .kernel = {3, 3}, .pads = {0, 0, 0, 2}},
    {"padding larger than the kernel", .ic = 4, .oc = 5, .image = {4, 5}, .kernel = {2, 2}, .pads = {5, 4, 3, 6}},
    {"padding, groups", .ic = 4, .oc = 4, .groups = 2, .image = {3, 4}, .kernel = {2, 3}, .pads = {4, 3, 4, 5}},
    {"padding, stride skips the image", .ic = 2, .oc = 3, .image = {1, 1}, .kernel = {1, 1}, .stride = {2, 2},
     .pads = {1, 1, 1, 1}},
    {"padding makes the kernel fit", .ic = 3, .oc = 4, .image = {2, 3}, .kernel = {5, 5}, .pads = {2, 2, 2, 1}},

    /* Small and odd. */
    {"one number", .image = {1, 1}},
    {"one-pixel image", .ic = 9, .oc = 5, .image = {1, 1}, .kernel = {3, 3}, .pads = {1, 1, 1, 1}},
    {"one-pixel output", .ic = 5, .oc = 7, .image = {4, 4}, .kernel = {4, 4}},
    {"one-pixel output, batch 3", .batch = 3, .ic = 5, .oc = 7, .image = {3, 3}, .kernel = {3, 3}, .stride = {2, 2}},
    {"one filter", .ic = 8, .oc = 1, .image = {9, 9}, .kernel = {3, 3}},
    {"one channel, many filters", .ic = 1, .oc = 64, .image = {6, 6}, .kernel = {3, 3}, .pads = {1, 1, 1, 1}},
    {"64 channels", .ic = 64, .oc = 32, .image = {5, 5}, .kernel = {3, 3}},
    {"primes", .ic = 17, .oc = 13, .image = {11, 7}, .kernel = {3, 5}, .pads = {1, 2, 1, 2}},
    {"more primes", .batch = 3, .ic = 11, .oc = 31, .image = {5, 7}, .kernel = {2, 3}, .stride = {1, 2}},
    {"primes, 3x3", .ic = 13, .oc = 37, .image = {9, 11}, .kernel = {3, 3}, .pads = {1, 1, 1, 1}},

    /* More patches than a strip of im2col_strips holds: cut into bands of rows, or rows into parts. */
    {"many rows", .batch = 2, .ic = 64, .oc = 3, .image = {21, 19}, .kernel = {3, 3}, .pads = {1, 1, 1, 1}},
    {"long rows", .ic = 64, .oc = 2, .image = {3, 270}, .kernel = {3, 3}, .pads = {1, 1, 1, 1}},
    {"long rows, groups, dilation", .ic = 96, .oc = 4, .groups = 2, .image = {5, 250}, .kernel = {3, 3},
     .stride = {2, 1}, .dilation = {1, 2}, .pads = {1, 0, 1, 3}},
    {"long rows, much padding", .ic = 2, .oc = 2, .image = {6, 1100}, .kernel = {3, 3}, .pads = {12, 0, 12, 0}},
    {"tall image of long rows", .batch = 2, .ic = 3, .oc = 2, .image = {12, 600}, .kernel = {5, 2}, .stride = {1, 2},
     .pads = {2, 0, 1, 0}},
    {"very long patches", .ic = 160, .oc = 2, .image = {15, 19}, .kernel = {9, 9}, .pads = {1, 1, 1, 1}},

    /* One dimension. */
    {"1-D", .ic = 4, .oc = 6, .image = {1, 40}, .kernel = {1, 5}},
    {"1-D, padded, stride 2", .batch = 2, .ic = 3, .oc = 5, .image = {1, 33}, .kernel = {1, 4}, .stride = {1, 2},
     .pads = {0, 1, 0, 2}},
    {"1-D, causal, dilated", .ic = 8, .oc = 8, .image = {1, 24}, .kernel = {1, 3}, .dilation = {1, 4},
     .pads = {0, 8, 0, 0}},
    {"1-D, vertical", .ic = 3, .oc = 4, .image = {25, 1}, .kernel = {3, 1}, .pads = {1, 0, 1, 0}},

    /* Transposed. */
    {"transposed", .ic = 4, .oc = 3, .image = {5, 5}, .kernel = {3, 3}, .transposed = true},
    {"transposed, stride 2", .ic = 4, .oc = 6, .image = {6, 6}, .kernel = {2, 2}, .stride = {2, 2}, .transposed = true},
    {"transposed, U-Net", .batch = 2, .ic = 16, .oc = 8, .image = {7, 7}, .kernel = {2, 2}, .stride = {2, 2},
     .transposed = true},
    {"transposed, DCGAN", .ic = 8, .oc = 6, .image = {4, 4}, .kernel = {4, 4}, .stride = {2, 2}, .pads = {1, 1, 1, 1},
     .transposed = true},
    {"transposed, output padding", .ic = 3, .oc = 4, .image = {5, 5}, .kernel = {3, 3}, .stride = {2, 2},
     .pads = {1, 1, 1, 1}, .transposed = true, .output_pads = {1, 1}},
    {"transposed, output padding 2x0", .ic = 3, .oc = 2, .image = {4, 3}, .kernel = {3, 3}, .stride = {3, 2},
     .transposed = true, .output_pads = {2, 0}},
    {"transposed, gaps", .ic = 3, .oc = 2, .image = {4, 4}, .kernel = {2, 2}, .stride = {3, 4}, .transposed = true},
    {"transposed, dilation", .ic = 3, .oc = 4, .image = {5, 6}, .kernel = {3, 3}, .dilation = {2, 3},
     .transposed = true},
    {"transposed, dilation and stride", .batch = 3, .ic = 2, .oc = 3, .image = {4, 5}, .kernel = {3, 2},
     .stride = {2, 3}, .dilation = {3, 2}, .pads = {2, 1, 1, 0}, .transposed = true},
    {"transposed, groups", .ic = 6, .oc = 4, .groups = 2, .image = {5, 5}, .kernel = {3, 3}, .stride = {2, 2},
     .pads = {1, 1, 1, 1}, .transposed = true},
    {"transposed, depthwise", .ic = 5, .oc = 5, .groups = 5, .image = {6, 4}, .kernel = {4, 4}, .stride = {2, 2},
     .pads = {1, 1, 1, 1}, .transposed = true},
    {"transposed, 1x1", .ic = 7, .oc = 5, .image = {4, 4}, .kernel = {1, 1}, .transposed = true},
    {"transposed, 1x1, stride 3", .ic = 7, .oc = 5, .image = {3, 4}, .kernel = {1, 1}, .stride = {3, 3},
     .transposed = true},
    {"transposed, asymmetric padding", .ic = 4, .oc = 3, .image = {6, 5}, .kernel = {4, 3}, .stride = {2, 1},
     .pads = {2, 0, 1, 1}, .transposed = true},
    {"transposed, padding crops all but one", .ic = 4, .oc = 3, .image = {2, 2}, .kernel = {3, 3}, .pads = {2, 1, 1, 2},
     .transposed = true},
    {"transposed, one pixel", .batch = 3, .ic = 8, .oc = 4, .image = {1, 1}, .kernel = {4, 5}, .transposed = true},
    {"transposed, 1-D", .ic = 4, .oc = 6, .image = {1, 15}, .kernel = {1, 5}, .stride = {1, 2}, .pads = {0, 2, 0, 1},
     .transposed = true},
    {"transposed, many rows", .batch = 2, .ic = 3, .oc = 16, .image = {21, 20}, .kernel = {4, 4}, .stride = {2, 2},
     .pads = {1, 1, 1, 1}, .transposed = true},
    {"transposed, primes", .ic = 13, .oc = 11, .image = {5, 3}, .kernel = {3, 5}, .stride = {2, 3},
     .pads = {1, 1, 0, 2}, .transposed = true},
};
const size_t conv_shape_count = sizeof conv_shapes / sizeof *conv_shapes;

static int64_t at_least_one(int value) {
  return value ? value : 1;
}

unfurl_conv_desc conv_shape_desc(const conv_shape *s) {
  unfurl_conv_desc desc;
  unfurl_conv_desc_init(&desc);
  desc.batch = at_least_one(s->batch), desc.groups = at_least_one(s->groups);
  desc.ic = at_least_one(s->ic), desc.oc = at_least_one(s->oc);
  desc.ih = at_least_one(s->image[0]), desc.iw = at_least_one(s->image[1]);
  desc.kh = at_least_one(s->kernel[0]), desc.kw = at_least_one(s->kernel[1]);
  desc.stride_h = at_least_one(s->stride[0]), desc.stride_w = at_least_one(s->stride[1]);
  desc.dilation_h = at_least_one(s->dilation[0]), desc.dilation_w = at_least_one(s->dilation[1]);
  desc.pad_top = s->pads[0], desc.pad_left = s->pads[1], desc.pad_bottom = s->pads[2], desc.pad_right = s->pads[3];
  desc.transposed = s->transposed;
  desc.output_pad_h = s->output_pads[0], desc.output_pad_w = s->output_pads[1];
  desc.tolerance = 0;
  return desc;
}

/* The formula of the ONNX standard, not the library's. */
static int64_t outputs(const unfurl_conv_desc *d, bool height) {
  const int64_t in = height ? d->ih : d->iw, k = height ? d->kh : d->kw;
  const int64_t stride = height ? d->stride_h : d->stride_w, dilation = height ? d->dilation_h : d->dilation_w;
  const int64_t pads = height ? d->pad_top + d->pad_bottom : d->pad_left + d->pad_right;
  const int64_t extra = height ? d->output_pad_h : d->output_pad_w;
  if (d->transposed) return stride * (in - 1) + extra + (k - 1) * dilation + 1 - pads;
  return (in + pads - (k - 1) * dilation - 1) / stride + 1;
}

conv_sizes conv_sizes_of(const unfurl_conv_desc *d) {
  const size_t oh = (size_t)outputs(d, true), ow = (size_t)outputs(d, false);
  return (conv_sizes){
      .src = (size_t)(d->batch * d->ih * d->iw * d->ic),
      .weights = (size_t)(d->oc * d->kh * d->kw * (d->ic / d->groups)),
      .dst = (size_t)(d->batch * d->oc) * oh * ow,
      .oh = oh,
      .ow = ow,
  };
}

bool conv_shape_is_small(const conv_shape *shape) {
  const unfurl_conv_desc desc = conv_shape_desc(shape);
  const conv_sizes sizes = conv_sizes_of(&desc);
  const size_t spread =
      desc.transposed ? sizes.src * (size_t)(desc.oc / desc.groups) : sizes.dst * (size_t)(desc.ic / desc.groups);
  return spread * (size_t)(desc.kh * desc.kw) <= 300000;
}

/* 1..most, small numbers likelier. */
static int some(rng *r, size_t most) {
  return 1 + (int)rng_below(r, 1 + rng_below(r, most));
}

/* Mostly `common`, else 1..most. */
static int rarely(rng *r, int common, size_t most) {
  return rng_below(r, 3) ? common : some(r, most);
}

/* One direction. Some are long, so that rows and images are cut; some have padding of many rows. */
static void random_axis(rng *r, conv_shape *s, size_t axis) {
  s->image[axis] = some(r, rng_below(r, 8) ? 20 : 700);
  s->kernel[axis] = rng_below(r, 2) ? 3 : some(r, 7);
  s->stride[axis] = rarely(r, 1, 5);
  s->dilation[axis] = rarely(r, 1, 4);
  const size_t most_pad = rng_below(r, 10) ? (size_t)s->kernel[axis] : 30;
  for (size_t end = 0; end < 2; end++) s->pads[axis + 2 * end] = rng_below(r, 2) ? (int)rng_below(r, most_pad) : 0;
}

static void random_channels(rng *r, conv_shape *s) {
  const int channels = some(r, rng_below(r, 6) ? 12 : 150), filters = some(r, rng_below(r, 6) ? 12 : 400);
  s->groups = rarely(r, 1, 6);
  s->ic = s->groups * channels, s->oc = s->groups * filters;
  if (rng_below(r, 8) == 0) s->groups = s->ic = channels, s->oc = channels * some(r, 2);
}

static bool has_output(const conv_shape *s, size_t axis) {
  const int extent = (s->kernel[axis] - 1) * s->dilation[axis] + 1, pads = s->pads[axis] + s->pads[axis + 2];
  if (s->transposed) return (s->image[axis] - 1) * s->stride[axis] + extent - pads + s->output_pads[axis] > 0;
  return s->image[axis] + pads >= extent;
}

conv_shape conv_shape_random(size_t number, char name[CONV_SHAPE_NAME]) {
  rng r = {number};
  conv_shape s;
  snprintf(name, CONV_SHAPE_NAME, "problem %zu", number);
  do {
    s = (conv_shape){.name = name, .batch = rarely(&r, 1, 5), .transposed = rng_below(&r, 4) == 0};
    random_axis(&r, &s, 0);
    random_axis(&r, &s, 1);
    random_channels(&r, &s);
    for (size_t axis = 0; axis < 2 && s.transposed; axis++) {
      const int most = s.stride[axis] > s.dilation[axis] ? s.stride[axis] : s.dilation[axis];
      s.output_pads[axis] = rng_below(&r, 3) ? 0 : (int)rng_below(&r, (size_t)most);
    }
  } while (!has_output(&s, 0) || !has_output(&s, 1) || !conv_shape_is_small(&s));
  return s;
}
