#!/bin/sh
# The window of `isoflop draw`: a frame without a display, and digits drawn with the mouse on a virtual one.
set -eu
. "${srcdir:-.}/tests/command_test.sh"
# Under the leak sanitizer: SDL's drivers keep what they took, and are unloaded before leaks are named.
export ASAN_OPTIONS=detect_leaks=0
server=
trap '[ -z "$server" ] || kill "$server" 2> /dev/null || :; rm -rf "$folder"' EXIT
passed=0
skipped=0

pass() { passed=$((passed + 1)); }
skip() { echo "skipped: $*"; skipped=$((skipped + 1)); }
finish() { echo "$passed passed, 0 failed, $skipped skipped"; exit 0; }

cat > digits.yaml <<'RECIPE'
name: digits
dataset: {digits: {train_size: 6000, validation_size: 200, test_size: 200}}
model: {hidden: {width: 64, depth: 1}, activation: relu, initializer: he}
loss: cross_entropy
schedule: {cosine: {rate: 0.2}}
train: {epochs: 12, batch: 50}
seeds: [0]
checkpoint: [final]
RECIPE
expect 0 "$isoflop" run digits.yaml --out run
model=$(echo run/checkpoints/*/final.safetensors)

if [ ! -e "$builddir/plugins/.libs/isoflop_window.so" ]; then
    expect 1 "$isoflop" draw "$model"
    holds err 'without its window'
    pass
    skip "this isoflop was built without its window"
    finish
fi

# One frame as PNG, without a display; the verdict on standard output.
alone="env -u DISPLAY -u WAYLAND_DISPLAY -u SDL_VIDEODRIVER timeout 60 $isoflop draw $model"
awk 'BEGIN { print "P2 28 28 255"
    for (y = 0; y < 28; y++) for (x = 0; x < 28; x++) print (x > 12 && x < 16 && y > 3 && y < 24) ? 255 : 0 }' > one.pgm
# shellcheck disable=SC2086 # words, also below
expect 0 $alone --image one.pgm --screenshot one.png
holds out '^1 0\.'
[ "$(dd if=one.png bs=1 skip=1 count=3 2> /dev/null)" = PNG ] || fail "the screenshot is no PNG"
[ "$(wc -c < one.png)" -gt 3000 ] || fail "the screenshot is empty"
pass
# shellcheck disable=SC2086
expect 1 $alone --image digits.yaml --screenshot two.png
holds err 'neither PNG'
[ ! -e two.png ] || fail "writes a screenshot after an error"
# shellcheck disable=SC2086
expect 1 $alone
holds err 'there is no display'
pass

for tool in Xvfb xdotool xwininfo; do
    command -v $tool > /dev/null || { skip "$tool is not here (Debian: xvfb, xdotool, x11-utils)"; finish; }
done
# -noreset: without it the server begins anew when its last client leaves, and loses who comes at that moment.
Xvfb -noreset -displayfd 3 -screen 0 1000x700x24 3> display > /dev/null 2>&1 &
server=$!
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    [ ! -s display ] || break
    sleep 0.5
done
[ -s display ] || { skip "Xvfb does not start"; finish; }
DISPLAY=:$(cat display)
export DISPLAY

# stroke X,Y...: in hundredths of the board, which is 528 pixels wide and starts at 15, 21 of the window.
stroke() {
    button=down
    for point; do
        x=$((left + 15 + 528 * ${point%,*} / 100)) y=$((top + 21 + 528 * ${point#*,} / 100))
        xdotool mousemove "$x" "$y"
        sleep 0.02
        [ $button = up ] || { xdotool mousedown 1; button=up; }
    done
    sleep 0.02
    xdotool mouseup 1
}
open_window() {
    "$isoflop" draw "$model" > out 2> err &
    drawing=$!
    tries=0
    until xwininfo -name isoflop > window 2> /dev/null && grep -q IsViewable window; do
        tries=$((tries + 1))
        [ $tries -lt 120 ] || fail "no window after a minute"
        sleep 0.5
    done
    left=$(awk '/Absolute upper-left X/ { print $NF }' window)
    top=$(awk '/Absolute upper-left Y/ { print $NF }' window)
    sleep 1 # its first frame
}
close_window() {
    sleep 0.3
    xdotool key q
    wait $drawing || fail "the window ends with an error"
}

# Where MNIST is, a model of it that has 98 % right and more; else the one of digits drawn by the program.
least=8
if [ -n "${ISOFLOP_DATA-}" ] && "$isoflop" data list 2> /dev/null | grep -q '^mnist  *here'; then
    expect 0 "$isoflop" run "$srcdir/recipes/paper/best_mnist.yaml" --out mnist --no-figures --set 'seeds=[3]' \
        --set 'sweep.cases={784-128-10: {model.hidden: [128], train.epochs: 10}}'
    model=$(echo mnist/checkpoints/*/final.safetensors)
    expect 0 "$isoflop" eval "$model" --format json
    awk -F': ' '/"accuracy"/ { exit !($2 + 0 >= 0.98) }' out || fail "less than 98 %: $(cat out)"
    least=9
fi

right=0
digit() { # DIGIT, then strokes, a word each, points joined by ;
    open_window
    wanted=$1
    shift
    for points; do
        # shellcheck disable=SC2046 # a word each
        stroke $(echo "$points" | tr ';' ' ')
    done
    close_window
    if grep -q "^$wanted " out; then right=$((right + 1)); else echo "$wanted was taken for $(cat out)"; fi
}
digit 0 '50,18;40,21;33,31;30,45;31,60;35,72;43,80;52,82;60,78;67,69;70,55;69,40;65,28;58,20;50,18'
digit 1 '50,15;50,40;50,65;50,85'
digit 2 '32,33;36,24;45,18;55,18;64,24;67,34;64,45;55,56;44,67;33,80;48,80;70,80'
digit 3 '32,22;42,18;54,18;64,24;65,36;58,46;47,49;58,51;67,59;68,70;61,79;49,83;37,81;30,76'
digit 4 '60,16;50,30;40,44;30,58;45,58;60,58;74,58' '60,16;60,40;60,62;60,85'
digit 5 '68,18;52,18;37,18;35,34;34,47;47,44;60,47;67,57;67,69;59,79;46,83;32,78'
digit 6 '60,16;48,26;39,40;34,55;34,69;41,80;53,83;64,77;67,65;61,55;50,52;39,57;34,66'
digit 7 '30,19;45,19;60,19;71,19;64,35;56,52;49,68;43,84'
digit 8 '50,49;39,41;36,30;42,20;52,17;62,22;64,33;58,43;48,50;37,59;33,70;40,80;52,83;64,78;67,67;61,56;50,49'
digit 9 '66,33;62,22;52,17;41,20;35,31;38,43;48,49;59,46;65,36;66,33;65,50;62,67;57,84'
echo "$right of 10 digits drawn with the mouse are right"
[ $right -ge $least ] || fail "the model takes too many digits for others"
pass

# Undo leaves nothing, so that nothing is said; what was cleared comes back by undo.
open_window
stroke 50,15 50,85
xdotool key u
close_window
[ ! -s out ] || fail "something is left after undo: $(cat out)"
open_window
stroke 50,15 50,85
xdotool key c
sleep 0.2
xdotool key u
close_window
grep -q '^1 ' out || fail "what was cleared does not come back: $(cat out)"
pass
finish
