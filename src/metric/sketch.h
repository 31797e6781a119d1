/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The buckets of DDSketch. */
#ifndef CXM_SRC_SKETCH_H
#define CXM_SRC_SKETCH_H

/* A value as the code of its bucket: codes ascend with the values; and the value of a code. */
double cxm_priv_sketch_code(double value, double accuracy);
double cxm_priv_sketch_value(double code, double accuracy);

#endif
