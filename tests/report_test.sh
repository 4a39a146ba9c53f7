#!/bin/sh
# The report: one page that stands alone, escapes what it is given, and holds in a browser at phone and desktop width.
set -eu
. "${srcdir:-.}/tests/command_test.sh"

cat > hostile.yaml <<'RECIPE'
name: hostile
title: "<script>document.title='owned'</script> & \"quotes\" </title></svg>"
dataset: {teacher_student: {train_size: 300, validation_size: 100, test_size: 100}}
model: {hidden: {width: 4, depth: 1}, activation: identity, initializer: he}
loss: {mse: {output: identity}}
schedule: {constant: {rate: 0.1}}
train: {epochs: 3, batch: 50}
seeds: 2
measure: {splits: [validation, test]}
sweep:
  model.hidden.width: [4, 8, 16]
  schedule.constant.rate: [0.1, 1.0e+6]
figures:
  loss: {kind: curve, x: epoch, y: validation.loss, group: model.hidden.width, caption: "<img src=x onerror=alert(1)>"}
  frontier: {kind: frontier, title: "]]></svg><b>bold</b>"}
  heat: {kind: heatmap, x: schedule.constant.rate, y: model.hidden.width, value: validation.loss}
  panels: {kind: curve, x: epoch, y: validation.loss, multiples: model.hidden.width}
  words: {kind: curve, x: epoch, y: no.such.column}
RECIPE

expect 2 "$isoflop" report nowhere
holds err nowhere
expect 0 "$isoflop" run hostile.yaml --out one --jobs 2 --no-figures
expect 0 "$isoflop" report one
holds out '^report: one/report.html$'
page=one/report.html
for part in '<h2>Results</h2>' '<h2>Figures</h2>' '<h2>Exponents</h2>' '<h2>Recipe</h2>' '<h2>Provenance</h2>' \
    '<h2>Failures</h2>' '<h2>Remarks on the method</h2>' 'diverged' '&lt;script&gt;document.title' 'FLOP' \
    'Not drawn: .*no column .*no.such.column' '<title id="figure-1-title">' '<desc id="figure-1-desc">' 'prefers-color-scheme:dark' \
    '95 % interval' '@media print'; do
    holds $page "$part"
done
# The recipe and provenance stand as they were written, line by line.
holds $page '^model:$'
holds $page '^  activation: identity$'
holds $page '^recipe.s folder '
[ "$(grep -c '<svg ' $page)" -eq 4 ] || fail "$(grep -c '<svg ' $page) figures, not 4"
holds $page 'model.<wbr>hidden.<wbr>width' # heads of narrow columns break
lacks $page '<th[^>]*></th>'
lacks $page '<th>'
lacks $page '<script>document'
lacks $page '<img'
lacks $page '<b>bold'
lacks $page '<[a-z][^<>]* src='
# Nothing from elsewhere: the one address is the name of SVG's namespace.
! grep -o 'https*://[^"]*' $page | grep -v '^http://www.w3.org/2000/svg$' || fail "the page names an address"
"$isoflop" report one --out again.html > /dev/null
cmp $page again.html || fail "two reports of the same results differ"
echo "ok: the page is whole and escapes what it shows"

# ---- While a run goes on: an experiment of which nothing is done yet ----
expect 0 "$isoflop" run hostile.yaml --out two --jobs 1 --no-figures --set 'sweep.model.hidden.width=[4]'
expect 0 "$isoflop" report two
holds two/report.html '<h2>Results</h2>'

browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)
if [ -z "$browser" ]; then
    echo "SKIP: no chromium here; the page was not opened in a browser"
    exit 0
fi
# What a reader would see, told by the page itself: figures within the window, nothing fetched, a table that sorts.
cat $page > probe.html
cat >> probe.html <<'PROBE'
<script>
window.addEventListener('load', function () {
  var faults = [], figures = document.querySelectorAll('figure svg');
  figures.forEach(function (svg, i) {
    var box = svg.getBoundingClientRect();
    if (box.width < 200 || box.height < 100 || box.left < 0 || box.right > window.innerWidth)
      faults.push('figure ' + i + ' at ' + [box.left, box.right, box.height].join(' '));
  });
  if (figures.length !== 4) faults.push(figures.length + ' figures');
  if (document.documentElement.scrollWidth > window.innerWidth) faults.push('the page is wider than the window');
  if (performance.getEntriesByType('resource').length) faults.push('something was fetched');
  if (document.title.indexOf('<script>') !== 0) faults.push('title ' + document.title);
  var table = document.querySelector('table.sorts'), heads = table.querySelectorAll('th button');
  function column(n) { return Array.from(table.tBodies[0].rows, function (row) { return row.cells[n].textContent; }); }
  heads[0].click();
  if (column(0)[0] !== '4') faults.push('ascending: ' + column(0));
  heads[0].click();
  if (column(0)[0] !== '16') faults.push('descending: ' + column(0));
  parent.postMessage(faults.length ? 'FAULTS ' + faults.join('; ') : 'NO FAULTS at ' + window.innerWidth, '*');
});
</script>
PROBE
for width in 390 1280; do
    # A browser's window has a least width, a frame has none.
    cat > frame.html <<FRAME
<!DOCTYPE html><html><body><script>
addEventListener('message', function (event) {
  var note = document.createElement('p');
  note.textContent = event.data;
  document.body.appendChild(note);
});
</script><iframe src="probe.html" width="$width" height="900" style="border:0"></iframe></body></html>
FRAME
    HOME=$folder timeout 120 "$browser" --headless --no-sandbox --disable-gpu --user-data-dir="$folder/profile" \
        --window-size=1400,1000 --enable-logging=stderr --dump-dom "file://$folder/frame.html" > dom 2> log || {
        echo "SKIP: $browser does not run here"
        exit 0
    }
    ! grep -o '<p>FAULTS .*' dom >&2 || fail "in a window of $width"
    grep -q "<p>NO FAULTS at $width<" dom || fail "the page did not finish in a window of $width"
    ! grep 'CONSOLE' log >&2 || fail "the page complains in a window of $width"
    grep -o 'NO FAULTS at [0-9][0-9]*' dom
done
echo "ok: in a browser"
