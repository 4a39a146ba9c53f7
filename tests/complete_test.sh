#! /bin/sh
# Completion: what `isoflop complete` offers, and what bash makes of it.
set -u
isoflop=$builddir/isoflop
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
case $srcdir in /*) source=$srcdir ;; *) source=$PWD/$srcdir ;; esac
cd "$folder" || exit 1
failed=0

fail()
{
    echo "FAIL: $*"
    failed=1
}

# offers "WORDS..." CANDIDATE...: each is among those for the words, the last of which is asked for.
offers()
{
    eval "$isoflop complete -- $1" > out 2> err || fail "complete $1: $(cat err)"
    line=$1
    shift
    for one; do
        grep -Fqx -e "$one" out || fail "complete $line does not offer $one, but: $(tr '\n' ' ' < out)"
    done
}

# only "WORDS..." CANDIDATE...: these and nothing else.
only()
{
    offers "$@"
    [ "$(wc -l < out)" -eq $(($# - 1)) ] || fail "complete $1 offers more: $(tr '\n' ' ' < out)"
}

cat > recipe.yaml << 'END'
name: toy
dataset: {digits: {validation_size: 500}}
model: {hidden: [8]}
schedule: {exponential: {rate: 0.1, decay: 0.9}}
train: {steps: 3, batch: 20}
measure: {every: {steps: 1}}
figures: {learning: {kind: curve, x: step, y: train.loss}}
END

# Every command, each with every option that its page has; none that is hidden.
"$isoflop" help | sed -n 's/^  \([a-z]*\)  *[^ ].*/\1/p' > commands
[ "$(wc -l < commands)" -ge 13 ] || fail "help lists few commands: $(cat commands)"
only '""' $(cat commands)
for command in $(cat commands); do
    "$isoflop" help "$command" | grep -o -- '--[a-z-]*[a-z]' | sort -u > options
    offers "$command --" $(cat options) --plugin-path --help
    # What the command's source reads is on its page.
    grep -oh '"--[a-z-]*"' "$source/core/command/$command.c" | tr -d '"' | sort -u > read
    for option in $(cat read); do
        grep -Fqx -e "$option" options || fail "isoflop help $command does not name $option"
    done
done

# Commands, kinds, plugins, choices, files.
only '"pla"' plan
only 'run --f' --fail-fast
only 'run recipe.yaml --out ""' :folder
offers 'run ""' ':file yaml yml'
offers 'check ""' ':file yaml yml' ':file so'
only 'table x --format m' markdown
only 'table x --format=m' --format=markdown
only 'new lo' loss
offers 'new ""' activation loss initializer schedule optimizer dataset backend law recipe
offers 'plugins act' activation activation/
only 'plugins activation/ge' activation/gelu
offers 'plugins loss/' loss/mse loss/huber
offers 'run recipe.yaml --backend ""' naive openblas
offers 'eval model.safetensors --dataset m' mnist mnist1d
only 'data ""' list get show
only 'data get fa' fashion_mnist
offers 'help pl' plan plot plugins
offers '--plugin-path /nowhere pla' plan
only '--plugin-path ""' :folder
only 'nonsense ""'
only 'table "" -- x'

# Keys, plugins, parameters and values of --set.
offers 'run recipe.yaml --set ""' train. model. dataset= dataset. seeds= sweep.
offers 'run recipe.yaml --set train.' train.batch= train.warmup= train.warmup. train.stop.
only 'run recipe.yaml --set train.reduction=' train.reduction=mean train.reduction=sum
only 'run recipe.yaml --set model.activation=leaky' model.activation=leaky_relu
offers 'run recipe.yaml --set model.activation.' model.activation.gelu.
only 'run recipe.yaml --set schedule.' schedule.exponential.
offers 'run recipe.yaml --set schedule.exponential.' schedule.exponential.rate= schedule.exponential.decay=
offers 'run recipe.yaml --set dataset.digits.' dataset.digits.validation_size= dataset.digits.noise=
only 'run recipe.yaml --set model.activation.gelu.form=' model.activation.gelu.form=exact model.activation.gelu.form=tanh
only 'run recipe.yaml --set sweep.train.ba' sweep.train.batch=
only 'run recipe.yaml --set dataset.digits.normalise=s' dataset.digits.normalise=standard

# An experiment: its folder, figures, columns, keys.
"$isoflop" run recipe.yaml > log 2>&1 || fail "run: $(cat log)"
only 'table ""' results/toy
only 'plot results/toy ""' learning
offers 'table results/toy --sort v' validation.loss
only 'table elsewhere/' :folder
offers 'show results/toy ""' "$("$isoflop" export results/toy | sed -n 2p | cut -d, -f2 | cut -c1-12)"
printf 'speed,loss\n1,2\n' > some.csv
only 'plot some.csv --x ""' speed loss

# A file is opened at most once, and only where its own parameters are asked for; never one outside the search path.
mkdir -p my/activation
sed 's/@NAME@/loud/g' > loud.c << 'END'
#include <isoflop/plugin.h>
#include <stdlib.h>
__attribute__((constructor)) static void told(void)
{
    FILE *log = fopen(getenv("OPENED_LOG"), "a");
    if (log) {
        fputs("opened\n", log);
        fclose(log);
    }
}
struct loud { double volume; };
static void forward(const void *state, size_t n, const float *x, float *y)
{
    (void)state;
    for (size_t i = 0; i < n; i++)
        y[i] = x[i];
}
static void backward(const void *state, size_t n, const float *x, const float *y, const float *dy, float *dx)
{
    (void)state, (void)x, (void)y;
    for (size_t i = 0; i < n; i++)
        dx[i] = dy[i];
}
static const struct iso_param params[] = { ISO_REAL(struct loud, volume, "1", 0, 11, "how loud"), { 0 } };
static const struct iso_activation ops = { .forward = forward, .backward = backward };
ISO_PLUGIN(ops, .name = "loud", .revision = 1, .summary = "x", .state_size = sizeof(struct loud), .params = params);
END
$CC -shared -fPIC -I"$source/include" -o my/activation/loud.so loud.c || fail "loud.c does not build"
cp my/activation/loud.so .
OPENED_LOG=$folder/opened
export OPENED_LOG
: > opened
offers '--plugin-path my run recipe.yaml --set model.activation=l' model.activation=loud
offers '--plugin-path my plugins activation/l' activation/loud
offers 'check ./lo' ':file so'
only 'check ./loud.so --set v'
[ ! -s opened ] || fail "completion of names opened a plugin"
only '--plugin-path my run recipe.yaml --set model.activation.loud.' model.activation.loud.volume=
[ "$(wc -l < opened)" -eq 1 ] || fail "one completion opened a plugin $(wc -l < opened) times"

# Bash, without the package bash-completion: press "LINE" CANDIDATE... types the line and asks.
bash=$(command -v bash) || {
    echo "skipped: bash's own part, as there is no bash"
    exit $failed
}
cat > press.bash << 'END'
source "$1"
COMP_LINE=$2 COMP_POINT=${3:-${#2}}
shopt -s extglob
# Cuts the line as readline does: at blanks, = and : outside of quotes.
COMP_WORDS=()
rest=$COMP_LINE
COMP_CWORD=-1
position=0
while [[ $rest ]]; do
    if [[ $rest =~ ^[[:blank:]]+ ]]; then
        piece=${BASH_REMATCH[0]}
    elif [[ $rest =~ ^[=:]+ || $rest =~ ^(\"[^\"]*\"?|\'[^\']*\'?|[^=:[:blank:]\"\'])+ ]]; then
        piece=${BASH_REMATCH[0]}
        COMP_WORDS+=("$piece")
        ((COMP_CWORD < 0 && position + ${#piece} >= COMP_POINT)) && COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
    fi
    ((position += ${#piece}))
    rest=${rest#"$piece"}
done
if [[ $COMP_LINE == *[[:blank:]] && COMP_CWORD -lt 0 ]]; then
    COMP_WORDS+=("")
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
fi
complete -p isoflop > /dev/null || exit 1
_isoflop "${COMP_WORDS[0]}" "${COMP_WORDS[COMP_CWORD]}" ""
printf '%s\n' "${COMPREPLY[@]}"
END
press()
{
    line=$1
    shift
    "$bash" --noprofile --norc press.bash "$source/core/command/bash/isoflop" "$line" > out 2> err
    [ -s err ] && fail "bash: $line: $(cat err)"
    printf '%s\n' "$@" | sort > expected
    sort out | cmp -s - expected || fail "bash completes $line by: $(tr '\n' ' ' < out) expected: $*"
}
PATH=$builddir:$PATH
mkdir -p sub
press "isoflop pla" plan
press "$isoflop pla" plan
press "isoflop run rec" recipe.yaml
press "isoflop run s" sub
press "isoflop run recipe.yaml --set train.red" train.reduction=
press "isoflop run recipe.yaml --set train.reduction=" mean sum
press "isoflop run recipe.yaml --set train.reduction=m" mean
press "isoflop run recipe.yaml --set 'train.reduction=m" train.reduction=mean
press "isoflop run recipe.yaml --set loss=mse --set loss.mse.out" loss.mse.output=
press "isoflop table results/toy --format=js" json
press "isoflop table res" results/toy
press "isoflop plugins --plugin-path my:other activation/lou" activation/loud
exit $failed
