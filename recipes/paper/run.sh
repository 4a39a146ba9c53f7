#! /bin/sh
# Runs the recipes of this folder at a chosen scale:
#     recipes/paper/run.sh SCALE [NAME...]      or: make paper SCALE=... [NAMES="..."] [JOBS=N]
# smoke: eight steps of every trial, on a few hundred examples, two seeds, figures included: that everything runs.
# short: three seeds; fewer points where a recipe is long.   full: every recipe as it stands.
# NAME: only these experiments (run.sh list prints them). Results go to PAPER_OUT/NAME (default: results/paper; for smoke:
# results/paper-smoke). Stopped, it goes on when started again: a trial that is done is never trained twice. ISOFLOP is
# the program (default: isoflop), JOBS the trials trained at a time (default: one a processor).
# An experiment whose data are not here is left out in words; smoke takes digits, which the program draws, for MNIST.
set -u
here=$(dirname "$0")
isoflop=${ISOFLOP-isoflop}
scale=${1-}
[ $# -eq 0 ] || shift
wanted=$*
case $scale in
smoke) out=${PAPER_OUT-results/paper-smoke} ;;
short | full | list) out=${PAPER_OUT-results/paper} ;;
*) echo "usage: $0 smoke|short|full|list [NAME...]"; exit 2 ;;
esac

# A data set is here, or made by the program.
here_is() { "$isoflop" data list | grep -q "^$1  *\(here\|made\)"; }
of_recipe() { sed -n 's/^dataset: *{*\([a-z0-9_]*\).*/\1/p' "$1"; }

began=$(date +%s)
ran=0 failed='' absent='' known=''

# NAME RECIPE [PATH=VALUE...] [-- PATH=VALUE...]: the settings after -- hold at scale short alone.
experiment() {
    name=$1 recipe=$here/$2.yaml
    shift 2
    known="$known $name"
    case " $wanted " in "  " | *" $name "*) ;; *) return ;; esac
    [ $scale != list ] || { echo "$name"; return; }
    data=$(of_recipe "$recipe") when=always count=$#
    while [ "$count" -gt 0 ]; do
        count=$((count - 1)) setting=$1
        shift
        case $setting in
        --) when=short ;;
        dataset=*) data=${setting#dataset=} && set -- "$@" --set "$setting" ;;
        *) [ $when != always ] && [ $scale != short ] || set -- "$@" --set "$setting" ;;
        esac
    done
    # Settings of few seeds come first: a later one of the experiment's own holds.
    [ $scale != short ] || set -- --set seeds=3 "$@"
    if [ $scale = smoke ]; then
        if [ "$data" = mnist ] && ! here_is mnist && ! grep -q '^  dataset.mnist' "$recipe"; then
            data=digits
            set -- "$@" --set dataset=digits
        fi
        smoke_settings "$@" --set 'measure.every={steps: 1}'
    else
        train "$@"
    fi
}

# Eight steps on 400 examples, measured after each. What a recipe sweeps can't be set: it is swept over less.
smoke_settings() {
    case $(basename "$recipe") in
    other_data.yaml)
        small='validation_size: 200, train_size: 400, test_size: 200'
        train "$@" --set seeds=2 --set train.steps=8 --set 'sweep.model.hidden.width=[16, 64]' \
            --set "sweep.dataset=[{fashion_mnist: {$small}}, {cifar10: {$small}}]"
        ;;
    data_size.yaml)
        train "$@" --set seeds=2 --set dataset.mnist.test_size=200 --set dataset.mnist.validation_size=200 \
            --set 'sweep.dataset.mnist.train_size=[100, 300, 1000]' \
            --set 'sweep.cases={one epoch: {train: {epochs: 1, batch: 50}}, 8 steps: {train: {steps: 8, batch: 50}}}'
        ;;
    *)
        grep -q validation_size "$recipe" && set -- "$@" --set "dataset.$data.validation_size=200"
        [ "$data" = digits ] || set -- "$@" --set "dataset.$data.train_size=400"
        train "$@" --set seeds=2 --set train.steps=8 --set "dataset.$data.test_size=200"
        ;;
    esac
}

train() {
    for set in $data $(sed -n 's/^  dataset: .*{\(cifar10\):.*/\1/p' "$recipe"); do
        here_is "$set" && continue
        echo "== $name: left out, $set is not here (isoflop data get $set)"
        absent="$absent $name"
        return
    done
    started=$(date +%s)
    mkdir -p "$out"
    # A figure that can't be drawn is a remark of isoflop's and a failure here.
    if "$isoflop" run "$recipe" --out "$out/$name" ${JOBS:+--jobs "$JOBS"} "$@" >"$out/$name.log" 2>&1 &&
        ! grep '^figure [a-z]' "$out/$name.log"; then
        ran=$((ran + 1))
        echo "== $name: $(($(date +%s) - started)) s"
    else
        failed="$failed $name"
        echo "== $name: failed"
        tail -n 20 "$out/$name.log"
    fi
}

widths() { printf 'sweep.model.hidden.width={from: %s, to: %s, step: %s}' "$1" "$2" "$3"; }
rates() { printf 'sweep.schedule.constant.rate={from: %s, to: %s, step: %s}' "$1" "$2" "$3"; }

# R1 to R3, R10, R13 to R15: as in the report, put right, and the search of variants.
experiment simple simple
experiment simple_mean simple_mean
experiment activation activation
experiment activation_corrected activation_corrected
experiment variants_activation variants_activation
experiment variants_activation_32 variants_activation 'model.hidden=[32, 32]'
experiment variants_activation_600 variants_activation 'model.hidden=[600]'
experiment loss loss
experiment loss_corrected loss_corrected
experiment variants variants
experiment best_mnist best_mnist
experiment variants_mnist variants 'sweep.model.hidden=[[128]]'
experiment best_fashion_mnist best_fashion_mnist
experiment variants_fashion variants dataset=fashion_mnist train.epochs=30 'sweep.model.hidden=[[128]]'
# R4 to R9.
experiment rate_sigmoid rate_sigmoid -- "$(rates 0.03 0.99 0.06)"
experiment rate_sigmoid_fine rate_sigmoid "$(rates 0.001 0.1 0.001)" -- \
    'sweep.train.epochs=[3]' "$(rates 0.005 0.1 0.005)"
experiment rate_relu rate_relu -- "$(rates 0.01 0.49 0.06)"
experiment rate_relu_fine rate_relu "$(rates 0.0001 0.02 0.0001)" -- "$(rates 0.001 0.02 0.001)"
experiment rate_corrected rate_corrected
experiment decay decay
experiment leaky_slope leaky_slope
experiment leaky_slope_corrected leaky_slope_corrected
experiment initializer initializer
experiment initializer_corrected initializer_corrected
experiment epochs epochs
# R11, R16, R17, R21, R22, R23.
experiment layer_size layer_size -- "$(widths 50 950 150)"
experiment layer_size_540 layer_size train.epochs=15 "$(widths 500 580 5)" -- "$(widths 500 580 20)"
experiment layer_size_broad layer_size train.epochs=15 "$(widths 500 1400 100)" -- "$(widths 500 1400 300)"
experiment layer_size_925 layer_size train.epochs=15 "$(widths 900 950 5)" -- "$(widths 900 950 25)"
experiment layer_size_corrected layer_size_corrected -- 'sweep.model.hidden.width=[16, 32, 64, 128, 256, 512, 1024]'
experiment best_cifar10 best_cifar10
experiment simple_cifar10 simple_cifar10
experiment data_size data_size
experiment depth depth
experiment batch batch
experiment other_data other_data -- 'sweep.model.hidden.width=[16, 64, 256]' train.epochs=5
# R12, R19, R20: the longest.
experiment rate_width rate_width -- 'sweep.model.hidden.width=[32, 128, 512]' seeds=2
experiment overfitting overfitting -- 'sweep.model.hidden.width=[32, 132, 732]' seeds=2
experiment frontier_corrected frontier_corrected -- 'sweep.model.hidden.width=[4, 16, 64, 256]' seeds=3
experiment frontier frontier -- "$(widths 32 1932 380)" seeds=2
experiment frontier_two frontier model.hidden.depth=2 -- "$(widths 32 1932 950)" seeds=2

for name in $wanted; do
    case " $known " in
    *" $name "*) ;;
    *) echo "there is no experiment $name; $0 list prints them"; exit 2 ;;
    esac
done
[ $scale != list ] || exit 0
echo "$scale: $ran experiments in $(($(date +%s) - began)) s, in $out${absent:+; left out, without their data:$absent}"
[ -z "$failed" ] || { echo "failed:$failed"; exit 1; }
[ "$ran" -gt 0 ] || { echo "nothing was run"; exit 1; }
