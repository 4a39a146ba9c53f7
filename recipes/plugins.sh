#! /bin/sh
# Prints the chapter PLUGINS of isoflop-recipe(5) from the plugins' own tables:
#     recipes/plugins.sh PROGRAM
# `make update-manual` puts it into the page; tests/manual_test.sh compares.
set -eu
isoflop=$1
echo '.Sh PLUGINS'
echo 'What isoflop comes with; the same is printed by'
echo '.Ql isoflop plugins .'
for kind in activation loss initializer schedule optimizer dataset backend; do
    printf '.Ss %s plugins\n.Bl -tag -width Ds\n' "$kind"
    "$isoflop" complete -- plugins "$kind/" | while IFS= read -r plugin; do
        "$isoflop" plugins "$plugin" |
            sed -e 's/\\/\\e/g' -e 's/ - / \\- /g' -e "s/^\([.']\)/\\\\\&\1/" |
            awk -v "plugin=$plugin" '
                NR == 1 {
                    print ".It Ic " substr(plugin, index(plugin, "/") + 1)
                    print substr($0, length(plugin) + 3)
                }
                /^parameters/ { inside = 1; next }
                inside && /^$/ { inside = 0 }
                inside && /^  [a-z]/ {
                    if (!any++)
                        print ".Bl -tag -width Ds -compact"
                    name = $1
                    sub(/:$/, "", name)
                    type = $0
                    sub(/^ *[^ ]* /, "", type)
                    print ".It Ic " name
                }
                inside && /^      / {
                    sub(/^ */, "")
                    print $0 "; " type
                }
                END {
                    if (any)
                        print ".El"
                }'
    done
    echo '.El'
done
