/* A trial: the loop. */
#include "train/state.h"

const char *const trial_status_names[] = {
    [TRIAL_PENDING] = "pending", [TRIAL_RUNNING] = "running", [TRIAL_DONE] = "done", [TRIAL_DIVERGED] = "diverged",
    [TRIAL_FAILED] = "failed",
};

/* Begins where an earlier run of the trial was interrupted, or at the start. */
static int begin(struct run *run, const struct settings *settings, const struct data *data, unsigned threads,
                 uint64_t max_steps, const struct trial_listener *listener, struct trial_result *result,
                 struct iso_error *err)
{
    enum { STATES = 2 }; /* the last, and the one before */
    if (run_begin(run, settings, data, threads, max_steps, listener, result, err))
        return -1;
    for (unsigned age = 0; age < STATES; age++) {
        const int found = state_go_on(run, age);
        if (found > 0)
            return run_retell(run, err);
        if (found == 0)
            continue;
        run_end(run);
        if (run_begin(run, settings, data, threads, max_steps, listener, result, err))
            return -1;
    }
    return 0;
}

/* Stochastic gradient descent on minibatches: with X the rows of a minibatch, W the weights,
 *
 *     raw  = network(X)                  forward
 *     loss = sum or mean of l(raw, T)    and its gradient d = dloss/draw
 *     d    through the layers            backward
 *     W    = optimizer(W, dW)            update
 */
int trial_run(const struct settings *settings, const struct data *data, unsigned threads, uint64_t max_steps,
              const struct trial_listener *listener, struct trial_result *result, struct iso_error *err)
{
    struct run run;
    int status = -1;
    if (begin(&run, settings, data, threads, max_steps, listener, result, err) || run_measure_begin(&run, err))
        goto out;
    struct network *network = run.network;
    while (!run.ended) {
        const struct batch *batch = run_next_batch(&run);
        const float *raw = network_forward(network, &batch->input, true, batch->first_example);
        const double loss = objective_train(&run.objective, raw, batch, network_output_gradient(network), &run.since);
        network_backward(network, batch->input.rows);
        network_update(network, &batch->input, run.step, run.rate, run_norms(&run));
        if (run_measure(&run, loss, err))
            goto out;
    }
    status = run_measure_end(&run, err);
out:
    run_end(&run);
    return status;
}
