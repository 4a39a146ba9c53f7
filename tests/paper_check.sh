#!/bin/sh
# The report's simple runs (R13), by isoflop and by NumPy in float64: the means must agree.
# tests/paper_reference.py compares the other rows too, in about an hour.
for python in ${PYTHON-} python3 /usr/bin/python3; do
    if "$python" -c 'import numpy' 2>/dev/null; then
        OPENBLAS_NUM_THREADS=1 exec "$python" "$srcdir/tests/paper_reference.py" --program "$builddir/isoflop" \
            --rows R13,R13c --seeds 5
    fi
done
echo "skipped: no Python with NumPy was found (Debian: apt-get install python3-numpy)"
exit 77
