/* sparse_parity: multitask sparse parity, without end. Michaud, Liu, Girit and Tegmark, "The quantization model of
 * neural scaling", NeurIPS 2023, section 3.
 *
 * Inputs are `tasks` control bits, of which one is set, and `bits` random bits. Task i (from 1) asks for the parity of
 * its own `subset` of these, chosen once for `task_seed`; it comes up with probability proportional to i^-(alpha + 1).
 * A network learns the tasks one after another, so that its loss falls as a power law with exponent alpha in the number
 * of tasks it has learned. */
#include <isoflop/plugin.h>

#include <string.h>

#include "power.h"

enum { SUBSET_MAX = 64 };

struct parity {
    int64_t tasks, bits, subset, task_seed;
    double alpha;
    uint64_t *limit;  /* tasks: a 32-bit random number below limit[i] and not below limit[i - 1] gives task i */
    uint32_t *member; /* tasks x subset: which bits count */
};

static int setup(void *state, const struct iso_host *host, struct iso_error *err)
{
    struct parity *parity = state;
    const size_t tasks = (size_t)parity->tasks, subset = (size_t)parity->subset;
    if (parity->subset > parity->bits)
        return iso_fail(err, "a subset of %lld bits does not fit into %lld bits: lower subset or raise bits",
                        (long long)parity->subset, (long long)parity->bits);
    struct iso_rng rng = { .size = sizeof rng };
    if (!(parity->limit = host->allocate(host, tasks * sizeof *parity->limit, err)) ||
        !(parity->member = host->allocate(host, tasks * subset * sizeof *parity->member, err)) ||
        host->generator(host, "tasks", (uint64_t)parity->task_seed, &rng, err))
        return -1;

    double all = 0, sum = 0;
    for (size_t i = 0; i < tasks; i++)
        all += power((double)(i + 1), -parity->alpha - 1);
    for (size_t i = 0; i < tasks; i++) {
        sum += power((double)(i + 1), -parity->alpha - 1);
        parity->limit[i] = (uint64_t)(sum / all * 0x1p32);
    }
    parity->limit[tasks - 1] = UINT64_C(1) << 32;

    /* Every subset is equally likely: Floyd's algorithm (Bentley and Floyd, "Programming pearls: a sample of
     * brilliance", Communications of the ACM 30, 1987). */
    for (size_t i = 0; i < tasks; i++) {
        uint32_t *member = parity->member + i * subset;
        for (size_t k = 0; k < subset; k++) {
            const uint32_t last = (uint32_t)((size_t)parity->bits - subset + k);
            const uint32_t drawn = (uint32_t)((uint64_t)iso_rng_bits_at(&rng, i, (uint32_t)k) * (last + 1) >> 32);
            bool taken = false;
            for (size_t j = 0; j < k; j++)
                taken = taken || member[j] == drawn;
            member[k] = taken ? last : drawn;
        }
    }
    return 0;
}

static const char *const names[] = { "even", "odd" };

static int open_split(void *state, const struct iso_host *host, enum iso_split split, struct iso_table *table,
                      struct iso_error *err)
{
    const struct parity *parity = state;
    (void)host;
    (void)split;
    (void)err;
    table->inputs = table->row_stride = (size_t)(parity->tasks + parity->bits);
    table->outputs = 2;
    table->scale = 1;
    table->class_names = names;
    return 0;
}

static void draw(const void *state, const struct iso_rng *rng, size_t n, const uint64_t *index,
                 const struct iso_drawn *out)
{
    const struct parity *parity = state;
    const size_t tasks = (size_t)parity->tasks, bits = (size_t)parity->bits, subset = (size_t)parity->subset;
    for (size_t k = 0; k < n; k++) {
        uint8_t *control = out->bytes + k * (tasks + bits), *bit = control + tasks;
        uint32_t words[4];
        iso_rng_bits_block(rng, index[k], 0, words);
        size_t task = 0;
        for (size_t after = tasks - 1; task < after;) {
            const size_t middle = (task + after) / 2;
            if (words[0] < parity->limit[middle])
                after = middle;
            else
                task = middle + 1;
        }
        memset(control, 0, tasks);
        control[task] = 1;
        for (size_t first = 0; first < bits; first += 128) {
            iso_rng_bits_block(rng, index[k], (uint32_t)(1 + first / 128), words);
            for (size_t i = first; i < bits && i < first + 128; i++)
                bit[i] = words[i % 128 / 32] >> i % 32 & 1;
        }
        const uint32_t *member = parity->member + task * subset;
        int32_t odd = 0;
        for (size_t i = 0; i < subset; i++)
            odd ^= bit[member[i]];
        out->labels[k] = odd;
    }
}

static const struct iso_param params[] = {
    ISO_INT(struct parity, tasks, "500", 1, 65536, "number of tasks", .try_max = "2000"),
    ISO_INT(struct parity, bits, "100", 1, 65536, "number of random bits", .try_min = "3", .try_max = "1000"),
    ISO_INT(struct parity, subset, "3", 1, SUBSET_MAX, "bits that a task takes the parity of"),
    ISO_REAL(struct parity, alpha, "0.4", 0, 10, "tasks come up with probability proportional to rank^-(alpha + 1)"),
    ISO_INT(struct parity, task_seed, "0", 0, 9007199254740991, "which subsets the tasks have", .try_max = "1"),
    { 0 }
};
static const struct iso_dataset ops = {
    .open = open_split, .draw = draw, .storage = ISO_STORED_BYTES, .license = "generated by isoflop itself"
};
ISO_PLUGIN(ops, .name = "sparse_parity", .revision = 1,
           .summary = "which parity have the bits that a task asks for? tasks by Zipf's law, without end",
           .state_size = sizeof(struct parity), .params = params, .setup = setup);
