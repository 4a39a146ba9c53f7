/* What a trained model says of every example of a split. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "train/answers.h"
#include "train/arithmetic.h"

void answers_free(struct answers *answers)
{
    free(answers->labels);
    free(answers->predicted);
    free(answers->truth);
    free(answers->sure);
    *answers = (struct answers){ 0 };
}

struct taking {
    struct answers *answers;
    size_t outputs;
    bool probabilities;
};

static int take(void *context, size_t first, size_t rows, const int32_t *labels, const float *shown)
{
    const struct taking *taking = context;
    struct answers *answers = taking->answers;
    for (size_t r = 0; r < rows; r++) {
        const float *row = shown + r * taking->outputs;
        size_t best = 0;
        for (size_t k = 1; k < taking->outputs; k++)
            if (row[k] > row[best])
                best = k;
        answers->labels[first + r] = labels[r];
        answers->predicted[first + r] = (uint32_t)best;
        answers->truth[first + r] = (double)row[labels[r]];
        answers->sure[first + r] = taking->probabilities ? (double)row[best] : NAN;
    }
    return 0;
}

int model_answers(struct model *model, const struct data *data, enum data_split split, struct answers *answers,
                  struct iso_error *err)
{
    const struct data_shape *shape = data_shape(data);
    const size_t count = data_count(data, split);
    const struct instance *loss = model_settings(model)->loss;
    *answers = (struct answers){ .count = count };
    if (!shape->classification)
        return iso_fail(err, "its data have no classes");
    if (!count)
        return iso_fail(err, "this split has no examples");
    answers->labels = memory_array(count, sizeof *answers->labels);
    answers->predicted = memory_array(count, sizeof *answers->predicted);
    answers->truth = memory_array(count, sizeof *answers->truth);
    answers->sure = memory_array(count, sizeof *answers->sure);
    struct taking taking = { answers, shape->outputs, loss->plugin->ops.loss.predict != NULL };
    int status = answers->labels && answers->predicted && answers->truth && answers->sure
                     ? model_each(model, data, split, take, &taking, err)
                     : error_memory(err);
    if (status)
        answers_free(answers);
    return status;
}
