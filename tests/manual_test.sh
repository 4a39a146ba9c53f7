#! /bin/sh
# The manual pages against the tables that the program goes by: a command, option, plugin, parameter, key, kind of
# figure or field of the ABI that its page does not name fails.
set -u
isoflop=$builddir/isoflop
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
failed=0
checked=0

fail()
{
    echo "FAIL: $*"
    failed=1
}

# Words of a page, without the marks of mdoc: `.Fl -out` is --out, `\-` and `\&` are - and nothing.
words()
{
    sed -e 's/\\-/-/g; s/\\&//g; s/\.Fl -/.Fl --/g; s/ Fl -/ Fl --/g; s/ Ns = Ns /=/g' "$srcdir/$1" |
        tr -c 'A-Za-z0-9_./-' '\n' | sed 's/[.]*$//' | sort -u
}
words core/isoflop.1 > "$folder/1"
words recipes/isoflop-recipe.5 > "$folder/5"
words include/isoflop-plugin.3 > "$folder/3"

# names PAGE WORD WHAT
names()
{
    checked=$((checked + 1))
    grep -Fqx -e "$2" "$folder/$1" || fail "the page of section $1 does not name $2 ($3)"
}
offered()
{
    "$isoflop" complete -- "$@" || fail "complete $*"
}

for command in $(offered ''); do
    grep -q "^\.It Cm $command\b" "$srcdir/core/isoflop.1" || fail "isoflop(1) has no entry for $command"
    for option in $(offered "$command" --); do
        [ "$option" = --help ] || names 1 "$option" "of isoflop $command"
    done
done

# keys PATH: those below it, as --set completes them.
keys()
{
    for path in $(offered run none.yaml --set "$1"); do
        key=${path%[=.]}
        case $path in
        "$1") continue ;;
        esac
        names 5 "${key##*.}" "the key $key"
        case $path in
        *.)
            case $key in
            dataset | loss | optimizer | schedule | backend | sweep | model.activation | model.initializer) ;;
            *) keys "$path" ;;
            esac ;;
        *=)
            for value in $(offered run none.yaml --set "$path"); do
                case $key/$value in
                */:* | */safetensors) ;; # files
                dataset/* | loss/* | optimizer/* | schedule/* | backend/* | model.activation/* | model.initializer/*) ;;
                *) names 5 "${value#*=}" "a value of $key" ;;
                esac
            done ;;
        esac
    done
}
keys ''
for kind in $(offered run none.yaml --set figures.any.kind=); do
    names 5 "${kind#*=}" "a kind of figure"
done

# The chapter on plugins is made from their own tables. A build may lack a backend that the page has.
sh "$srcdir/recipes/plugins.sh" "$isoflop" > "$folder/plugins" || fail "recipes/plugins.sh"
sed -n '/^\.Sh PLUGINS/,/^\.Sh OVERRIDES/p' "$srcdir/recipes/isoflop-recipe.5" | sed '$d' > "$folder/chapter"
checked=$((checked + $(grep -c '^\.It Ic' "$folder/plugins")))
diff "$folder/plugins" "$folder/chapter" | grep '^<' > "$folder/missing" &&
    fail "isoflop-recipe(5) is stale (make update-manual): $(head -5 "$folder/missing")"

# Every field and constant of the ABI.
awk '/^struct iso_[a-z_]* \{/ { inside = 1; next }
     /^\};/ { inside = 0 }
     inside { text = text " " $0 }
     END {
         while ((start = index(text, "/*")) > 0) {
             rest = substr(text, start + 2)
             text = substr(text, 1, start - 1) " " substr(rest, index(rest, "*/") + 2)
         }
         count = split(text, field, ";")
         for (i = 1; i < count; i++)
             if (match(field[i], /\(\*[a-z_]+\)/)) {
                 print substr(field[i], RSTART + 2, RLENGTH - 3)
             } else {
                 parts = split(field[i], part, ",")
                 for (k = 1; k <= parts; k++) {
                     sub(/\[[^]]*\]/, "", part[k])
                     sub(/.*[ *]/, "", part[k])
                     print part[k]
                 }
             }
     }' "$srcdir/include/isoflop/plugin.h" | sort -u > "$folder/fields"
[ "$(wc -l < "$folder/fields")" -gt 80 ] || fail "few fields were found in plugin.h: $(wc -l < "$folder/fields")"
for field in $(cat "$folder/fields"); do
    names 3 "$field" "a field of plugin.h"
done
for word in $(grep -o '^struct iso_[a-z_]*\|^#define ISO_[A-Z]*(' "$srcdir/include/isoflop/plugin.h" |
    sed 's/struct //; s/#define //; s/(//'); do
    case $word in
    ISO_OFFSET | ISO_NUMBER | ISO_WORD | ISO_KIND) ;; # how the others are made
    *) names 3 "$word" "of plugin.h" ;;
    esac
done
[ "$checked" -gt 300 ] || fail "only $checked names were looked for"

# Pages that say what they mean to groff.
if command -v groff > "$folder/which"; then
    for page in core/isoflop.1 recipes/isoflop-recipe.5 include/isoflop-plugin.3; do
        groff -mandoc -Tutf8 -ww -rCHECKSTYLE=1 -z "$srcdir/$page" 2> "$folder/told"
        [ ! -s "$folder/told" ] || fail "$page: $(cat "$folder/told")"
        groff -mandoc -Tascii "$srcdir/$page" | grep -q 'SEE ALSO\|S.*E.*E.* .*A.*L.*S.*O' || fail "$page is not whole"
    done
else
    echo "skipped: how the pages look, as there is no groff"
fi
[ $failed -ne 0 ] || echo "$checked names found"
exit $failed
