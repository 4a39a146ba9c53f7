#!/bin/sh
# Runs tests/float64_check.py with a Python that has NumPy; without one, or without MNIST, the test is skipped in words.
for python in ${PYTHON-} python3 /usr/bin/python3; do
    if "$python" -c 'import numpy' 2>/dev/null; then
        # One thread: the networks are small.
        OPENBLAS_NUM_THREADS=1 exec "$python" "$srcdir/tests/float64_check.py" --program "$builddir/isoflop"
    fi
done
echo "skipped: no Python with NumPy was found (Debian: apt-get install python3-numpy)"
exit 77
