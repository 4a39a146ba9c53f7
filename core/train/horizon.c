/* Budgets as steps, the learning rate of a step, and when points and checkpoints fall. */
#include "train/horizon.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "base/memory.h"

uint64_t horizon_examples(const struct horizon *horizon, uint64_t steps)
{
    const uint64_t rest = steps % horizon->steps_per_epoch * horizon->batch;
    return steps / horizon->steps_per_epoch * horizon->examples_per_epoch +
           (rest < horizon->examples_per_epoch ? rest : horizon->examples_per_epoch);
}

double horizon_epoch(const struct horizon *horizon, uint64_t steps)
{
    return (double)steps / (double)horizon->steps_per_epoch;
}

/* The first step after which so many examples were shown. */
static uint64_t steps_to_show(const struct horizon *horizon, uint64_t examples)
{
    const uint64_t epochs = examples / horizon->examples_per_epoch, rest = examples % horizon->examples_per_epoch;
    return epochs * horizon->steps_per_epoch + rest / horizon->batch + (rest % horizon->batch != 0);
}

static uint64_t cost(const struct horizon *horizon, const struct ledger *ledger, bool six_nd, uint64_t steps)
{
    const struct flops flops = ledger_count(ledger, steps, horizon_examples(horizon, steps));
    return six_nd ? flops.six_nd : flops.all;
}

/* The most steps, at most `most`, whose cost is within the budget, by bisection: cost grows with steps. */
static uint64_t steps_within(const struct horizon *horizon, const struct ledger *ledger, bool six_nd, uint64_t budget,
                             uint64_t most)
{
    uint64_t fits = 0, beyond = most + 1;
    while (beyond - fits > 1) {
        const uint64_t middle = fits + (beyond - fits) / 2;
        if (cost(horizon, ledger, six_nd, middle) <= budget)
            fits = middle;
        else
            beyond = middle;
    }
    return fits;
}

/* {times_params: factor}, or the number given. */
static uint64_t times_params(double factor, uint64_t number, const struct ledger *ledger)
{
    return factor > 0 ? (uint64_t)fmin(0x1p62, fmax(1, round(factor * (double)ledger->params))) : number;
}

static void end_at(struct horizon *horizon, uint64_t steps, const char *reason)
{
    if (steps < horizon->steps) {
        horizon->steps = steps;
        horizon->reason = reason;
    }
}

int horizon_make(struct horizon *horizon, const struct settings *settings, const struct ledger *ledger,
                 uint64_t train_examples, struct iso_error *err)
{
    const uint64_t most = UINT64_C(1) << 40; /* steps; more would take years */
    if (train_examples == 0)
        return iso_fail(err, "there are no training examples");
    if (train_examples > UINT32_MAX)
        return iso_fail(err, "%" PRIu64 " training examples an epoch are more than the %" PRIu32
                        " that can be shuffled", train_examples, UINT32_MAX);
    if (settings->batch == 0)
        return iso_fail(err, "train.batch must be at least 1");
    *horizon = (struct horizon){ .steps = UINT64_MAX, .batch = settings->batch };
    const bool drop = settings->drop_last && train_examples % settings->batch != 0;
    horizon->steps_per_epoch = train_examples / settings->batch + (train_examples % settings->batch != 0) - drop;
    if (horizon->steps_per_epoch == 0)
        return iso_fail(err, "train.drop_last leaves no minibatch: there are %" PRIu64 " training examples, and a "
                        "minibatch has %" PRIu64, train_examples, settings->batch);
    horizon->examples_per_epoch = drop ? horizon->steps_per_epoch * settings->batch : train_examples;

    if (settings->has_epochs) {
        /* A hair less, so that 0.1 x 30 steps are 3 and not 4. */
        const double steps = ceil(settings->epochs * (double)horizon->steps_per_epoch * (1 - 1e-12));
        end_at(horizon, steps >= (double)most ? most + 1 : steps < 1 ? 1 : (uint64_t)steps, "epochs");
    }
    if (settings->has_steps)
        end_at(horizon, times_params(settings->steps_per_param, settings->steps, ledger), "steps");
    if (settings->has_examples)
        end_at(horizon, steps_to_show(horizon, times_params(settings->examples_per_param, settings->examples, ledger)),
               "examples");
    for (int six_nd = 0; six_nd < 2; six_nd++) {
        if (!(six_nd ? settings->has_flops_6nd : settings->has_flops))
            continue;
        const char *name = six_nd ? "flops_6nd" : "flops";
        const uint64_t budget = six_nd ? times_params(settings->flops_6nd_per_param, settings->flops_6nd, ledger)
                                       : times_params(settings->flops_per_param, settings->flops, ledger);
        const uint64_t steps = steps_within(horizon, ledger, six_nd, budget, most);
        if (steps == 0)
            return iso_fail(err, "train.%s: %" PRIu64 " are not enough for one step, which costs %" PRIu64, name,
                            budget, cost(horizon, ledger, six_nd, 1));
        end_at(horizon, steps, name);
    }
    if (!horizon->reason)
        return iso_fail(err, "train needs epochs, steps, examples, flops or flops_6nd: nothing says when to end");
    if (horizon->steps == 0)
        return iso_fail(err, "train.%s must allow at least one step", horizon->reason);
    if (horizon->steps > most)
        return iso_fail(err, "train.%s asks for more than %" PRIu64 " steps", horizon->reason, most);
    return 0;
}

double horizon_rate(const struct horizon *horizon, const struct settings *settings, uint64_t step)
{
    const struct instance *schedule = settings->schedule;
    const double rate = schedule->plugin->ops.schedule.rate(schedule->state, step, horizon->steps,
                                                            horizon->steps_per_epoch);
    const double warmup = settings->warmup_steps ? (double)settings->warmup_steps
                                                 : round(settings->warmup_fraction * (double)horizon->steps);
    return (double)step < warmup ? rate * ((double)step / warmup) : rate;
}

/* ---- Agenda ---- */

static int geometric_grid(struct agenda *agenda, uint64_t steps, double points, struct iso_error *err)
{
    enum { MOST = 1000000 };
    const size_t most = points < MOST ? (size_t)points : MOST, distinct = most < steps ? most : (size_t)steps;
    agenda->steps = memory_array(distinct ? distinct : 1, sizeof *agenda->steps);
    if (!agenda->steps)
        return error_memory(err);
    for (size_t k = 0; k < most; k++) {
        const double place = most > 1 ? (double)k / (double)(most - 1) : 1;
        uint64_t step = k + 1 == most ? steps : (uint64_t)llround(pow((double)steps, place));
        step = step < 1 ? 1 : step > steps ? steps : step;
        if (agenda->count == 0 || step > agenda->steps[agenda->count - 1])
            agenda->steps[agenda->count++] = step;
    }
    return 0;
}

int agenda_make(struct agenda *agenda, enum unit unit, double every, const struct horizon *horizon,
                struct iso_error *err)
{
    *agenda = (struct agenda){ .unit = unit, .every = every };
    if (unit == UNIT_EPOCHS)
        agenda->every = every * (double)horizon->steps_per_epoch;
    return unit == UNIT_LOG ? geometric_grid(agenda, horizon->steps, every, err) : 0;
}

void agenda_free(struct agenda *agenda)
{
    free(agenda->steps);
    *agenda = (struct agenda){ 0 };
}

/* Multiples of a number of steps that need not be whole: due where one lies in (step - 1, step]. */
static bool multiple_in(double every, uint64_t step)
{
    const double hair = 1e-9;
    return floor((double)step / every + hair) > floor((double)(step - 1) / every + hair);
}

void agenda_go_on(struct agenda *agenda, uint64_t step)
{
    agenda->next = 0;
    while (agenda->next < agenda->count && agenda->steps[agenda->next] <= step)
        agenda->next++;
}

bool agenda_due(struct agenda *agenda, uint64_t step, double seconds)
{
    switch (agenda->unit) {
    case UNIT_EPOCHS:
    case UNIT_STEPS:
        return agenda->every <= 1 || multiple_in(agenda->every, step);
    case UNIT_SECONDS:
        if (seconds - agenda->last_seconds < agenda->every)
            return false;
        agenda->last_seconds = seconds;
        return true;
    case UNIT_LOG:
        if (agenda->next == agenda->count || agenda->steps[agenda->next] != step)
            return false;
        agenda->next++;
        return true;
    case UNIT_NONE:
        break;
    }
    return false;
}
