/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The one place where the version number stands; meson reads it from here. */
#ifndef CXM_VERSION_H
#define CXM_VERSION_H

#define CXM_VERSION_MAJOR 0
#define CXM_VERSION_MINOR 1
#define CXM_VERSION_PATCH 0
#define CXM_VERSION "0.1.0"

#endif
