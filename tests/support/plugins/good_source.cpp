// SPDX-License-Identifier: Apache-2.0
// The fixture source without a fault; the negative control of the broken ones.
#include "fixture.hpp"

SLUICE_PLUGIN("good_source", "1.0.0", sluice::fixture::a_source<sluice::fixture::Source>("good.Source"));
