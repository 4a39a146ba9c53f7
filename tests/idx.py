"""Files of the IDX format, in which MNIST comes: magic number, dimensions, bytes."""
import gzip
import os
import struct

import numpy as np


def read_idx(folder, name):
    """The array of FOLDER/NAME or FOLDER/NAME.gz; None where neither is there."""
    for path in (os.path.join(folder, name), os.path.join(folder, name + ".gz")):
        if os.path.exists(path):
            with (gzip.open if path.endswith(".gz") else open)(path, "rb") as file:
                data = file.read()
            dimensions = data[3]
            shape = struct.unpack(">%dI" % dimensions, data[4:4 + 4 * dimensions])
            return np.frombuffer(data, np.uint8, offset=4 + 4 * dimensions).reshape(shape)
    return None
