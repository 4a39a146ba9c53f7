#! /bin/sh
# Files that are no good plugins: cut off, filled with noise, or with tables that can not be. Each is refused in words,
# named, with status 2; among others along the search path it is one warning.
set -u
isoflop=$builddir/isoflop
case $srcdir in /*) source=$srcdir ;; *) source=$PWD/$srcdir ;; esac
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
mkdir -p "$folder/path/activation"
cd "$folder" || exit 1
failed=0

# refused FILE WORDS
refused()
{
    "$isoflop" check "./$1" > told 2>&1
    status=$?
    [ $status -eq 2 ] || { echo "FAIL: check $1: status $status: $(cat told)"; failed=1; }
    grep -q -e "$2" told || { echo "FAIL: check $1 does not say \"$2\" but: $(cat told)"; failed=1; }
    cp "$1" path/activation/
    "$isoflop" plugins activation --plugin-path "$folder/path" > list 2> told
    status=$?
    [ $status -eq 0 ] || { echo "FAIL: plugins beside $1: status $status: $(cat told)"; failed=1; }
    grep -q -e "path/activation/$1" told || { echo "FAIL: plugins does not warn of $1: $(cat told)"; failed=1; }
    rm "path/activation/$1"
}

cat > bad.c << 'END'
#include <isoflop/plugin.h>
#include <math.h>
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
#ifndef PARAM
#define PARAM { 0 }
#endif
static const struct iso_param params[] = { PARAM, { 0 } };
static const struct iso_activation ops = { .forward = forward, .backward = backward };
ISO_PLUGIN(ops, .name = "bad", .revision = 1, .summary = "x", .state_size = 8, .params = params FIELDS);
END
# build FIELDS [PARAM]
build()
{
    $CC -w -shared -fPIC -I"$source/include" ${2+-DPARAM="$2"} -DFIELDS="$1" -o bad.so bad.c || {
        echo "FAIL: $1 does not build"
        failed=1
    }
}

build ''
"$isoflop" check ./bad.so > told 2>&1 || { echo "FAIL: what is right is refused: $(cat told)"; failed=1; }
size=$(wc -c < bad.so)
cp bad.so whole
for length in 0 1 15 63 64 300 1000 $((size / 4)) $((size / 2)) $((size * 2 / 3)); do
    head -c "$length" whole > bad.so
    refused bad.so 'can not be loaded\|exports no'
done
{ head -c 64 whole; head -c "$size" /dev/zero | tr '\0' '\377'; } > bad.so
refused bad.so 'can not be loaded'
{ printf '\177ELF'; head -c 5000 /dev/zero | tr '\0' 'A'; } > bad.so
refused bad.so 'can not be loaded'
rm bad.so
mkdir bad.so
"$isoflop" check ./bad.so > told 2>&1 && { echo "FAIL: a folder passes"; failed=1; }
rmdir bad.so
mkfifo bad.so
timeout 20 "$isoflop" check ./bad.so > told 2>&1 && { echo "FAIL: a pipe passes"; failed=1; }
grep -q 'bad.so: can not be loaded: it is no file' told || { echo "FAIL: a pipe: $(cat told)"; failed=1; }
rm bad.so
ln -s bad.so other.so
ln -s other.so bad.so
"$isoflop" check ./bad.so > told 2>&1 && { echo "FAIL: a link to itself passes"; failed=1; }
grep -q 'bad.so: can not be loaded: .*symbolic links' told || { echo "FAIL: a link: $(cat told)"; failed=1; }
rm bad.so other.so

build ', .param_size = 0'
refused bad.so 'param_size'
build ', .param_size = 3'
refused bad.so 'param_size'
build ', .param_size = (size_t)-8'
refused bad.so 'param_size'
build ', .name = NULL'
refused bad.so 'calls itself ""'
build ', .name = "a\033[31m/../b"'
refused bad.so 'calls itself'
build ', .name = "\377\376"'
refused bad.so 'calls itself'
build ', .summary = NULL'
refused bad.so 'has no summary'
build ', .ops = NULL'
refused bad.so 'has no functions'
build ', .ops_size = 0'
refused bad.so 'has no functions'
build ', .ops_size = (size_t)-1'
refused bad.so 'has no functions'
build ', .size = (size_t)-1'
refused bad.so 'descriptor takes'
build ', .state_size = (size_t)-1'
refused bad.so 'wants a state of'
build ', .revision = 0'
refused bad.so 'revision 0'
build ', .kind = -3'
refused bad.so 'is of kind -3'
one='.type = ISO_TYPE_REAL, .help = "h", .initial = "0", .max = 1'
build '' "{ .name = \"a\", $one, .help = NULL }"
refused bad.so 'has no help'
build '' "{ .name = \"A b\", $one }"
refused bad.so 'has a name'
build '' "{ .name = \"\\377\", $one }"
refused bad.so 'has a name'
build '' "{ .name = \"a\", $one, .type = 99 }"
refused bad.so 'has type 99'
build '' "{ .name = \"a\", $one, .min = NAN }"
refused bad.so 'minimum'
build '' "{ .name = \"a\", $one, .type = ISO_TYPE_CHOICE }"
refused bad.so 'has no choices'
build '' "{ .name = \"a\", $one, .offset = (size_t)-4 }"
refused bad.so 'beyond the end of the state'
build '' "{ .name = \"a\", $one }, { .name = \"a\", $one }"
refused bad.so 'is there twice'

# A table without end: one entry over and over, for more than any table has.
cat > bad.c << 'END'
#include <isoflop/plugin.h>
static void forward(const void *state, size_t n, const float *x, float *y) { (void)state, (void)n, (void)x, (void)y; }
static void backward(const void *state, size_t n, const float *x, const float *y, const float *dy, float *dx)
{ (void)state, (void)n, (void)x, (void)y, (void)dy, (void)dx; }
static const struct iso_param params[5000] = { [0 ... 4999] = { .name = "a", .type = 1, .help = "h", .max = 1 } };
static const struct iso_activation ops = { .forward = forward, .backward = backward };
ISO_PLUGIN(ops, .name = "bad", .revision = 1, .summary = "x", .state_size = 8, .params = params);
END
build ''
refused bad.so 'parameter table without end'
exit $failed
