/* Lints the method: warnings about experiments that are right in form but prove less than they seem to. */
#ifndef LAB_LINT_H
#define LAB_LINT_H

#include "lab/plan.h"

/* Looks at a plan without errors; adds warnings only. */
void lint_plan(const struct plan *plan, struct plugins *plugins, struct diagnostics *found);

#endif
