/* What a trained model says of every example of a split. */
#ifndef TRAIN_ANSWERS_H
#define TRAIN_ANSWERS_H

#include "train/model.h"

/* One value for each example. */
struct answers {
    size_t count;
    int32_t *labels;
    uint32_t *predicted;
    double *truth; /* what is shown for the true class: its probability, for most losses */
    double *sure;  /* the same for the predicted class; NaN where the loss shows raw outputs */
};
/* An error where the data have no classes or the split no examples. To be freed with answers_free. */
int model_answers(struct model *model, const struct data *data, enum data_split split, struct answers *answers,
                  struct iso_error *err);
void answers_free(struct answers *answers);

#endif
